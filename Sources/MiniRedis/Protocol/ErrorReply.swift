// SPDX-License-Identifier: BSD-3-Clause
//
// Every error that a command can answer, once, word for word as Redis 7.2 says it.

/// An error that is a client's own doing or misfortune: thrown by a handler, written by whoever
/// called it.
enum ErrorReply: Error {
    case syntax
    case notInteger
    case notPositiveInteger
    case outOfRange
    case wrongType
    case wrongArity
    case overflow
    case decrementOverflow
    case invalidExpireTime
    case stringTooLong
    case invalidCursor
    case invalidDatabase
    case databaseOutOfRange
    case noProtocol
    case invalidProtocol
    case incompatibleExpireOptions
    case incompatibleGreaterLess
    case unknownSubcommand
    case debugDisabled
    case saveFailed
    case shutdownFailed
    case alreadySaving
    case wrongPassword
    case noPasswordSet
    case noAuthentication
    case helloNeedsAuthentication
    case invalidClientName
    case noShutdownInProgress
    case invalidCommandSpecified
    case commandHasNoKeys
    case invalidNumberOfArguments
    case notFloat
    case noSuchKey
    case outOfMemory
    /// The handler has written the error itself, because its text depends on the arguments.
    case written

    /// The reply without its dash; `%c` stands for the name of the command in lower case.
    var text: StaticString {
        switch self {
        case .syntax: "ERR syntax error"
        case .notInteger: "ERR value is not an integer or out of range"
        case .notPositiveInteger: "ERR value is out of range, must be positive"
        case .outOfRange: "ERR value is out of range"
        case .wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value"
        case .wrongArity: "ERR wrong number of arguments for '%c' command"
        case .overflow: "ERR increment or decrement would overflow"
        case .decrementOverflow: "ERR decrement would overflow"
        case .invalidExpireTime: "ERR invalid expire time in '%c' command"
        case .stringTooLong: "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        case .invalidCursor: "ERR invalid cursor"
        case .invalidDatabase: "ERR invalid DB index"
        case .databaseOutOfRange: "ERR DB index is out of range"
        case .noProtocol: "NOPROTO unsupported protocol version"
        case .invalidProtocol: "ERR Protocol version is not an integer or out of range"
        case .incompatibleExpireOptions:
            "ERR NX and XX, GT or LT options at the same time are not compatible"
        case .incompatibleGreaterLess:
            "ERR GT and LT options at the same time are not compatible"
        case .unknownSubcommand: "ERR unknown subcommand"
        case .debugDisabled:
            """
            ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", \
            you can run it from a local connection, otherwise you need to set this option in the \
            configuration file, and then restart the server.
            """
        case .saveFailed: "ERR"
        case .shutdownFailed: "ERR Errors trying to SHUTDOWN. Check logs."
        case .alreadySaving: "ERR Background save already in progress"
        case .wrongPassword: "WRONGPASS invalid username-password pair or user is disabled."
        case .noPasswordSet:
            """
            ERR AUTH <password> called without any password configured for the default user. \
            Are you sure your configuration is correct?
            """
        case .noAuthentication: "NOAUTH Authentication required."
        case .helloNeedsAuthentication:
            """
            NOAUTH HELLO must be called with the client already authenticated, otherwise the \
            HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
            select the RESP protocol version at the same time
            """
        case .invalidClientName:
            "ERR Client names cannot contain spaces, newlines or special characters."
        case .noShutdownInProgress: "ERR No shutdown in progress."
        case .invalidCommandSpecified: "ERR Invalid command specified"
        case .commandHasNoKeys: "ERR The command has no key arguments"
        case .invalidNumberOfArguments: "ERR Invalid number of arguments specified for command"
        case .notFloat: "ERR value is not a valid float"
        case .noSuchKey: "ERR no such key"
        case .outOfMemory: "OOM command not allowed when used memory > 'maxmemory'."
        case .written: ""
        }
    }
}
