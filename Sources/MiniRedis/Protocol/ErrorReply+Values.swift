// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of commands on one type of value.

extension ErrorReply {
    // MARK: - Strings

    static let overflow = ErrorReply("ERR increment or decrement would overflow")
    static let decrementOverflow = ErrorReply("ERR decrement would overflow")
    static let stringTooLong = ErrorReply(
        """
        ERR string exceeds maximum allowed size (proto-max-bulk-len)
        """)
    static let incrementNotFinite = ErrorReply("ERR increment would produce NaN or Infinity")
    static let offsetOutOfRange = ErrorReply("ERR offset is out of range")
    static let keysMustHoldStrings = ErrorReply("ERR The specified keys must contain string values")
    static let lengthOrIndexes = ErrorReply(
        """
        ERR If you want both the length and indexes, please just use IDX.
        """)
    static let tooLongToCompare = ErrorReply("ERR String too long for LCS")
    static let comparisonTooLarge = ErrorReply(
        """
        ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        """)
    static let comparisonOutOfMemory = ErrorReply(
        """
        ERR Insufficient memory, failed allocating transient memory for LCS
        """)
    static let bitOffset = ErrorReply("ERR bit offset is not an integer or out of range")
    static let bitValue = ErrorReply("ERR bit is not an integer or out of range")
    static let bitArgument = ErrorReply("ERR The bit argument must be 1 or 0.")
    static let bitOperationNot = ErrorReply(
        """
        ERR BITOP NOT must be called with a single source key.
        """)
    static let bitFieldType = ErrorReply(
        """
        ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported \
        but i64 is.
        """)
    static let bitFieldOverflow = ErrorReply("ERR Invalid OVERFLOW type specified")
    static let bitFieldReadOnly = ErrorReply("ERR BITFIELD_RO only supports the GET subcommand")
    static let notHyperLogLog = ErrorReply("WRONGTYPE Key is not a valid HyperLogLog string value.")
    static let corruptedHyperLogLog = ErrorReply("INVALIDOBJ Corrupted HLL object detected")
    static let hyperLogLogNotSparse = ErrorReply("ERR HLL encoding is not sparse")

    // MARK: - Collections

    static let keyDoesNotExist = ErrorReply("ERR The specified key does not exist")
    static let indexOutOfRange = ErrorReply("ERR index out of range")
    static let rankIsZero = ErrorReply(
        """
        ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
        or use negative to start from the end of the list
        """)
    static let countIsNegative = ErrorReply("ERR COUNT can't be negative")
    static let maximumLengthIsNegative = ErrorReply("ERR MAXLEN can't be negative")
    static let notSortable = ErrorReply("ERR One or more scores can't be converted into double")
    static let conditionsConflict = ErrorReply(
        """
        ERR XX and NX options at the same time are not compatible
        """)
    static let comparisonsConflict = ErrorReply(
        """
        ERR GT, LT, and/or NX options at the same time are not compatible
        """)
    static let incrementOfOne = ErrorReply(
        """
        ERR INCR option supports a single increment-element pair
        """)
    static let scoreIsNaN = ErrorReply("ERR resulting score is not a number (NaN)")
    static let notScoreRange = ErrorReply("ERR min or max is not a float")
    static let notNameRange = ErrorReply("ERR min or max not valid string range item")
    static let limitOfRanks = ErrorReply(
        """
        ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
        BYLEX
        """)
    static let scoresOfNames = ErrorReply(
        """
        ERR syntax error, WITHSCORES not supported in combination with BYLEX
        """)
    static let noInputKeys = ErrorReply("ERR at least 1 input key is needed for '%c' command")
    static let weightNotFloat = ErrorReply("ERR weight value is not a float")
    static let tooManyKeys = ErrorReply("ERR Number of keys can't be greater than number of args")
    static let hashNotInteger = ErrorReply("ERR hash value is not an integer")
    static let hashNotFloat = ErrorReply("ERR hash value is not a float")
    static let notFinite = ErrorReply("ERR value is NaN or Infinity")
    static let expireTimeNegative = ErrorReply("ERR invalid expire time, must be >= 0")
    static let fieldsMissing = ErrorReply(
        """
        ERR Mandatory argument FIELDS is missing or not at the right position
        """)
    static let fieldCountNotPositive = ErrorReply("ERR Number of fields must be a positive integer")
    static let fieldParameterNotPositive = ErrorReply(
        """
        ERR Parameter `numFields` should be greater than 0
        """)
    static let fieldCountMismatch = ErrorReply(
        """
        ERR The `numfields` parameter must match the number of arguments
        """)

    /// An error of the commands on streams.
    static func stream(_ error: StreamErrorReply) -> ErrorReply { ErrorReply(error.text) }
}
