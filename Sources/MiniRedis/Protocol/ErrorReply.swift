// SPDX-License-Identifier: BSD-3-Clause
//
// Every error that a command can answer, once, word for word as Redis 7.2 says it. Here those of no
// family; the others are in the files beside this one.

/// An error that is a client's own doing or misfortune: thrown by a handler, written by whoever
/// called it.
struct ErrorReply: Error, Sendable {
    /// The reply without its dash; `%c` stands for the name of the command in lower case.
    let text: StaticString

    init(_ text: StaticString) {
        self.text = text
    }

    /// The handler has written the error itself, because its text depends on the arguments.
    static let written = ErrorReply("")

    var isWritten: Bool { text.utf8CodeUnitCount == 0 }
}

extension ErrorReply {
    static let syntax = ErrorReply("ERR syntax error")
    static let wrongType = ErrorReply(
        """
        WRONGTYPE Operation against a key holding the wrong kind of value
        """)
    static let wrongArity = ErrorReply("ERR wrong number of arguments for '%c' command")
    static let unknownSubcommand = ErrorReply("ERR unknown subcommand")
    static let notInteger = ErrorReply("ERR value is not an integer or out of range")
    static let notInt32 = ErrorReply(
        """
        ERR value is out of range, value must between -2147483648 and 2147483647
        """)
    static let notPositiveInteger = ErrorReply("ERR value is out of range, must be positive")
    static let outOfRange = ErrorReply("ERR value is out of range")
    static let drawsOutOfRange = ErrorReply(
        """
        ERR value is out of range, value must between -9223372036854775807 and \
        9223372036854775807
        """)
    static let notFloat = ErrorReply("ERR value is not a valid float")
    static let invalidCursor = ErrorReply("ERR invalid cursor")
    static let keyCountNotPositive = ErrorReply("ERR numkeys should be greater than 0")
    static let countNotPositive = ErrorReply("ERR count should be greater than 0")
    static let limitNegative = ErrorReply("ERR LIMIT can't be negative")
    static let noSuchKey = ErrorReply("ERR no such key")
    static let sameObject = ErrorReply("ERR source and destination objects are the same")
    static let outOfMemory = ErrorReply("OOM command not allowed when used memory > 'maxmemory'.")
    static let invalidDatabase = ErrorReply("ERR invalid DB index")
    static let databaseOutOfRange = ErrorReply("ERR DB index is out of range")
    static let invalidFirstDatabase = ErrorReply("ERR invalid first DB index")
    static let invalidSecondDatabase = ErrorReply("ERR invalid second DB index")
    static let invalidExpireTime = ErrorReply("ERR invalid expire time in '%c' command")
    static let incompatibleExpireOptions = ErrorReply(
        """
        ERR NX and XX, GT or LT options at the same time are not compatible
        """)
    static let incompatibleGreaterLess = ErrorReply(
        """
        ERR GT and LT options at the same time are not compatible
        """)
    static let busyKey = ErrorReply("BUSYKEY Target key name already exists.")
    static let timeToLiveNegative = ErrorReply("ERR Invalid TTL value, must be >= 0")
    static let idleTimeNegative = ErrorReply("ERR Invalid IDLETIME value, must be >= 0")
    static let frequencyOutOfRange = ErrorReply("ERR Invalid FREQ value, must be >= 0 and <= 255")
    static let payloadVersion = ErrorReply("ERR DUMP payload version or checksum are wrong")
    static let badDataFormat = ErrorReply("ERR Bad data format")
}
