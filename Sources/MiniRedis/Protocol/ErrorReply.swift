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
    case noSuchClient
    case invalidClientID
    case clientIDNotPositive
    case timeoutNotInteger
    case timeoutNotFloat
    case timeoutNegative
    case timeoutOutOfRange
    case invalidPauseMode
    case invalidUnblockReason
    case notTracking
    case trackingUnsupported
    case maximumAgeNotInteger
    case maximumAgeNotPositive
    case outOfMemory
    case notInt32
    case incrementNotFinite
    case offsetOutOfRange
    case sameObject
    case invalidFirstDatabase
    case invalidSecondDatabase
    case keysMustHoldStrings
    case lengthOrIndexes
    case tooLongToCompare
    case comparisonTooLarge
    case comparisonOutOfMemory
    case idleTimeNotTracked
    case frequencyNotTracked
    case slowLogCount
    case noConfigurationFile
    case notBusy
    case libraryNotFound
    case noScripts
    case noFunctions
    case modulesDisabled
    case noModules
    case failoverNeedsReplicas
    case noFailoverInProgress
    case functionFlushMode
    case scriptFlushMode
    case bitOffset
    case bitValue
    case bitArgument
    case bitOperationNot
    case bitFieldType
    case bitFieldOverflow
    case bitFieldReadOnly
    case notHyperLogLog
    case corruptedHyperLogLog
    case hyperLogLogNotSparse
    case keyDoesNotExist
    /// Of the commands of streams.
    case stream(StreamErrorReply)
    case keyCountNotPositive
    case tooManyKeys
    case limitNegative
    case drawsOutOfRange
    case hashNotInteger
    case hashNotFloat
    case notFinite
    case expireTimeNegative
    case fieldsMissing
    case fieldCountNotPositive
    case fieldParameterNotPositive
    case fieldCountMismatch
    case bitOffset
    case bitValue
    case bitArgument
    case bitOperationNot
    case bitFieldType
    case bitFieldOverflow
    case bitFieldReadOnly
    case notHyperLogLog
    case corruptedHyperLogLog
    case hyperLogLogNotSparse
    case keyDoesNotExist
    case indexOutOfRange
    case countNotPositive
    case rankIsZero
    case countIsNegative
    case maximumLengthIsNegative
    case notSortable
    case conditionsConflict
    case comparisonsConflict
    case incrementOfOne
    case scoreIsNaN
    case notScoreRange
    case notNameRange
    case limitOfRanks
    case scoresOfNames
    case countNotPositive
    case noInputKeys
    case weightNotFloat
    case busyKey
    case timeToLiveNegative
    case idleTimeNegative
    case frequencyOutOfRange
    case payloadVersion
    case badDataFormat
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
        case .debugDisabled: LongErrorText.debugDisabled
        case .saveFailed: "ERR"
        case .shutdownFailed: "ERR Errors trying to SHUTDOWN. Check logs."
        case .alreadySaving: "ERR Background save already in progress"
        case .wrongPassword: "WRONGPASS invalid username-password pair or user is disabled."
        case .noPasswordSet: LongErrorText.noPasswordSet
        case .noAuthentication: "NOAUTH Authentication required."
        case .helloNeedsAuthentication: LongErrorText.helloNeedsAuthentication
        case .noShutdownInProgress: "ERR No shutdown in progress."
        case .invalidCommandSpecified: "ERR Invalid command specified"
        case .commandHasNoKeys: "ERR The command has no key arguments"
        case .invalidNumberOfArguments: "ERR Invalid number of arguments specified for command"
        case .notFloat: "ERR value is not a valid float"
        case .noSuchKey: "ERR no such key"
        case .invalidClientName, .noSuchClient, .invalidClientID, .clientIDNotPositive,
            .timeoutNotInteger, .timeoutNotFloat, .timeoutNegative, .timeoutOutOfRange,
            .invalidPauseMode,
            .invalidUnblockReason, .notTracking, .trackingUnsupported, .maximumAgeNotInteger,
            .maximumAgeNotPositive:
            clientText
        case .outOfMemory: "OOM command not allowed when used memory > 'maxmemory'."
        case .notInt32:
            "ERR value is out of range, value must between -2147483648 and 2147483647"
        case .incrementNotFinite: "ERR increment would produce NaN or Infinity"
        case .offsetOutOfRange: "ERR offset is out of range"
        case .sameObject: "ERR source and destination objects are the same"
        case .invalidFirstDatabase: "ERR invalid first DB index"
        case .invalidSecondDatabase: "ERR invalid second DB index"
        case .keysMustHoldStrings, .lengthOrIndexes, .tooLongToCompare, .comparisonTooLarge,
            .comparisonOutOfMemory:
            comparisonText
        case .idleTimeNotTracked: LongErrorText.idleTimeNotTracked
        case .frequencyNotTracked: LongErrorText.frequencyNotTracked
        case .slowLogCount, .noConfigurationFile, .notBusy, .libraryNotFound, .noScripts,
            .noFunctions, .modulesDisabled, .noModules, .failoverNeedsReplicas,
            .noFailoverInProgress, .functionFlushMode, .scriptFlushMode:
            absenceText
        case .bitOffset, .bitValue, .bitArgument, .bitOperationNot, .bitFieldType,
            .bitFieldOverflow, .bitFieldReadOnly, .notHyperLogLog, .corruptedHyperLogLog,
            .hyperLogLogNotSparse, .keyDoesNotExist:
            bitText
        case .keyCountNotPositive, .tooManyKeys, .limitNegative, .drawsOutOfRange,
            .hashNotInteger, .hashNotFloat, .notFinite, .expireTimeNegative, .fieldsMissing,
            .fieldCountNotPositive, .fieldParameterNotPositive, .fieldCountMismatch:
            elementText
        case .busyKey, .timeToLiveNegative, .idleTimeNegative, .frequencyOutOfRange,
            .payloadVersion, .badDataFormat:
            payloadText
        case .written: ""
        }
    }
}

extension ErrorReply {
    /// The texts of LCS; empty for the others.
    private var comparisonText: StaticString {
        switch self {
        case .keysMustHoldStrings: "ERR The specified keys must contain string values"
        case .lengthOrIndexes:
            "ERR If you want both the length and indexes, please just use IDX."
        case .tooLongToCompare: "ERR String too long for LCS"
        case .comparisonTooLarge:
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        case .comparisonOutOfMemory:
            "ERR Insufficient memory, failed allocating transient memory for LCS"
        case .idleTimeNotTracked: LongErrorText.idleTimeNotTracked
        case .frequencyNotTracked: LongErrorText.frequencyNotTracked
        case .slowLogCount, .noConfigurationFile, .notBusy, .libraryNotFound, .noScripts,
            .noFunctions, .modulesDisabled, .noModules, .failoverNeedsReplicas,
            .noFailoverInProgress, .functionFlushMode, .scriptFlushMode:
            absenceText
        case .stream(let error): error.text
        case .keyCountNotPositive, .tooManyKeys, .limitNegative, .drawsOutOfRange,
            .hashNotInteger, .hashNotFloat, .notFinite, .expireTimeNegative, .fieldsMissing,
            .fieldCountNotPositive, .fieldParameterNotPositive, .fieldCountMismatch:
            elementText
        case .bitOffset, .bitValue, .bitArgument, .bitOperationNot, .bitFieldType,
            .bitFieldOverflow, .bitFieldReadOnly, .notHyperLogLog, .corruptedHyperLogLog,
            .hyperLogLogNotSparse, .keyDoesNotExist:
            bitText
        case .indexOutOfRange, .countNotPositive, .rankIsZero, .countIsNegative,
            .maximumLengthIsNegative, .notSortable:
            listText
        case .conditionsConflict, .comparisonsConflict, .incrementOfOne, .scoreIsNaN,
            .notScoreRange, .notNameRange, .limitOfRanks, .scoresOfNames, .countNotPositive,
            .noInputKeys, .weightNotFloat:
            scoreText
        case .written: ""
        default: ""
        }
    }

    /// The texts of bitmaps and HyperLogLogs; empty for the others.
    private var bitText: StaticString {
        switch self {
        case .bitOffset: "ERR bit offset is not an integer or out of range"
        case .bitValue: "ERR bit is not an integer or out of range"
        case .bitArgument: "ERR The bit argument must be 1 or 0."
        case .bitOperationNot: "ERR BITOP NOT must be called with a single source key."
        case .bitFieldType:
            """
            ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
            supported but i64 is.
            """
        case .bitFieldOverflow: "ERR Invalid OVERFLOW type specified"
        case .bitFieldReadOnly: "ERR BITFIELD_RO only supports the GET subcommand"
        case .notHyperLogLog: "WRONGTYPE Key is not a valid HyperLogLog string value."
        case .corruptedHyperLogLog: "INVALIDOBJ Corrupted HLL object detected"
        case .hyperLogLogNotSparse: "ERR HLL encoding is not sparse"
        case .keyDoesNotExist: "ERR The specified key does not exist"
        default: ""
        }
    }

extension ErrorReply {
    /// The texts of commands on lists, and of SORT.
    private var listText: StaticString {
        switch self {
        case .indexOutOfRange: "ERR index out of range"
        case .countNotPositive: "ERR count should be greater than 0"
        case .rankIsZero:
            """
            ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
            or use negative to start from the end of the list
            """
        case .countIsNegative: "ERR COUNT can't be negative"
        case .maximumLengthIsNegative: "ERR MAXLEN can't be negative"
        case .notSortable: "ERR One or more scores can't be converted into double"
        default: ""
        }
    }
}

extension ErrorReply {
    /// The texts of the commands on sorted sets.
    private var scoreText: StaticString {
        switch self {
        case .conditionsConflict:
            "ERR XX and NX options at the same time are not compatible"
        case .comparisonsConflict:
            "ERR GT, LT, and/or NX options at the same time are not compatible"
        case .incrementOfOne: "ERR INCR option supports a single increment-element pair"
        case .scoreIsNaN: "ERR resulting score is not a number (NaN)"
        case .notScoreRange: "ERR min or max is not a float"
        case .notNameRange: "ERR min or max not valid string range item"
        case .limitOfRanks:
            """
            ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
            """
        case .scoresOfNames:
            "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
        case .countNotPositive: "ERR count should be greater than 0"
        case .noInputKeys: "ERR at least 1 input key is needed for '%c' command"
        case .weightNotFloat: "ERR weight value is not a float"
        default: ""
        }
    }
}

extension ErrorReply {
    /// The texts of the commands on sets and hashes.
    private var elementText: StaticString {
        switch self {
        case .keyCountNotPositive: "ERR numkeys should be greater than 0"
        case .tooManyKeys: "ERR Number of keys can't be greater than number of args"
        case .limitNegative: "ERR LIMIT can't be negative"
        case .drawsOutOfRange:
            """
            ERR value is out of range, value must between -9223372036854775807 and \
            9223372036854775807
            """
        case .hashNotInteger: "ERR hash value is not an integer"
        case .hashNotFloat: "ERR hash value is not a float"
        case .notFinite: "ERR value is NaN or Infinity"
        case .expireTimeNegative: "ERR invalid expire time, must be >= 0"
        case .fieldsMissing:
            "ERR Mandatory argument FIELDS is missing or not at the right position"
        case .fieldCountNotPositive: "ERR Number of fields must be a positive integer"
        case .fieldParameterNotPositive: "ERR Parameter `numFields` should be greater than 0"
        case .fieldCountMismatch:
            "ERR The `numfields` parameter must match the number of arguments"
        default: ""
        }
    }
}

extension ErrorReply {
    /// The texts of what a server answers that lacks what it is asked for: scripts, functions,
    /// modules, replicas, a configuration file.
    private var absenceText: StaticString {
        switch self {
        case .slowLogCount: "ERR count should be greater than or equal to -1"
        case .noConfigurationFile: "ERR The server is running without a config file"
        case .notBusy: "NOTBUSY No scripts in execution right now."
        case .libraryNotFound: "ERR Library not found"
        case .noScripts: "ERR This server runs no scripts: '%c' is not supported"
        case .noFunctions: "ERR This server runs no functions: '%c' is not supported"
        case .modulesDisabled:
            """
            ERR MODULE command not allowed. If the enable-module-command option is set to \
            "local", you can run it from a local connection, otherwise you need to set this \
            option in the configuration file, and then restart the server.
            """
        case .noModules: "ERR This server loads no modules: '%c' is not supported"
        case .failoverNeedsReplicas: "ERR FAILOVER requires connected replicas."
        case .noFailoverInProgress: "ERR No failover in progress."
        case .functionFlushMode: "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
        case .scriptFlushMode: "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
        default: ""
        }
    }

    /// The texts of the CLIENT family; empty for the others.
    private var clientText: StaticString {
        switch self {
        case .invalidClientName:
            "ERR Client names cannot contain spaces, newlines or special characters."
        case .noSuchClient: "ERR No such client"
        case .invalidClientID: "ERR Invalid client ID"
        case .clientIDNotPositive: "ERR client-id should be greater than 0"
        case .timeoutNotFloat: "ERR timeout is not a float or out of range"
        case .timeoutNotInteger: "ERR timeout is not an integer or out of range"
        case .timeoutNegative: "ERR timeout is negative"
        case .timeoutOutOfRange: "ERR timeout is out of range"
        case .invalidPauseMode: "ERR CLIENT PAUSE mode must be WRITE or ALL"
        case .invalidUnblockReason: "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
        case .notTracking:
            """
            ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
            or OPTOUT mode enabled
            """
        case .trackingUnsupported: "ERR client tracking is not supported by this server"
        case .maximumAgeNotInteger: "ERR maxage is not an integer or out of range"
        case .maximumAgeNotPositive: "ERR maxage should be greater than 0"
        default: ""
        }
    }
}

extension ErrorReply {
    /// The texts of RESTORE.
    private var payloadText: StaticString {
        switch self {
        case .busyKey: "BUSYKEY Target key name already exists."
        case .timeToLiveNegative: "ERR Invalid TTL value, must be >= 0"
        case .idleTimeNegative: "ERR Invalid IDLETIME value, must be >= 0"
        case .frequencyOutOfRange: "ERR Invalid FREQ value, must be >= 0 and <= 255"
        case .payloadVersion: "ERR DUMP payload version or checksum are wrong"
        case .badDataFormat: "ERR Bad data format"
        default: ""
        }
    }
}

/// The texts that take more than two lines.
private enum LongErrorText {
    static let debugDisabled: StaticString = """
        ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", \
        you can run it from a local connection, otherwise you need to set this option in the \
        configuration file, and then restart the server.
        """
    static let noPasswordSet: StaticString = """
        ERR AUTH <password> called without any password configured for the default user. \
        Are you sure your configuration is correct?
        """
    static let helloNeedsAuthentication: StaticString = """
        NOAUTH HELLO must be called with the client already authenticated, otherwise the \
        HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
        select the RESP protocol version at the same time
        """
    static let idleTimeNotTracked: StaticString = """
        ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that \
        when switching between policies at runtime LRU and LFU data will take some time to \
        adjust.
        """
    static let frequencyNotTracked: StaticString = """
        ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
        note that when switching between policies at runtime LRU and LFU data will take some \
        time to adjust.
        """
}
