// SPDX-License-Identifier: BSD-3-Clause
//
// Every error of the commands of streams that does not depend on arguments, word for word as
// Redis 7.2 says it.

/// What is wrong with a command of streams.
enum StreamErrorReply {
    case invalidID
    case identifierTooSmall
    case identifierZero
    case noIdentifierLeft
    case elementsTooLarge
    case twoTrims
    case lengthNegative
    case limitNegative
    case limitWithoutTrim
    case limitOfExactTrim
    case trimMissing
    case intervalStart
    case intervalEnd
    case entriesAddedNegative
    case smallerThanGivenDeleted
    case smallerThanDeleted
    case smallerThanTop
    case fewerAddedThanLength
    case groupForRead
    case noAcknowledgeForRead
    case groupMissing
    case lastIDForGroup
    case lastEntryForGroup
    case newEntriesForRead
    case groupNeedsKey
    case groupExists
    case entriesReadNegative
    case claimIdleTime
    case automaticClaimIdleTime
    case claimIdleOption
    case claimTimeOption
    case claimRetryOption
    case claimCount

    /// The reply without its dash.
    var text: StaticString {
        switch self {
        case .invalidID: "ERR Invalid stream ID specified as stream command argument"
        case .identifierTooSmall:
            """
            ERR The ID specified in XADD is equal or smaller than the target stream top item
            """
        case .identifierZero: "ERR The ID specified in XADD must be greater than 0-0"
        case .noIdentifierLeft:
            """
            ERR The stream has exhausted the last possible ID, unable to add more items
            """
        case .elementsTooLarge: "ERR Elements are too large to be stored"
        case .intervalStart: "ERR invalid start ID for the interval"
        case .intervalEnd: "ERR invalid end ID for the interval"
        case .twoTrims, .lengthNegative, .limitNegative, .limitWithoutTrim, .limitOfExactTrim,
            .trimMissing:
            trimText
        case .entriesAddedNegative, .smallerThanGivenDeleted, .smallerThanDeleted,
            .smallerThanTop, .fewerAddedThanLength:
            setIDText
        case .groupForRead, .noAcknowledgeForRead, .groupMissing, .lastIDForGroup,
            .lastEntryForGroup, .newEntriesForRead:
            readText
        case .groupNeedsKey, .groupExists, .entriesReadNegative, .claimIdleTime,
            .automaticClaimIdleTime, .claimIdleOption, .claimTimeOption, .claimRetryOption,
            .claimCount:
            groupText
        }
    }

    private var trimText: StaticString {
        switch self {
        case .twoTrims:
            """
            ERR syntax error, MAXLEN and MINID options at the same time are not compatible
            """
        case .lengthNegative: "ERR The MAXLEN argument must be >= 0."
        case .limitNegative: "ERR The LIMIT argument must be >= 0."
        case .limitWithoutTrim:
            """
            ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
            """
        case .limitOfExactTrim:
            "ERR syntax error, LIMIT cannot be used without the special ~ option"
        default: "ERR syntax error, XTRIM must be called with a trimming strategy"
        }
    }

    private var setIDText: StaticString {
        switch self {
        case .entriesAddedNegative: "ERR entries_added must be positive"
        case .smallerThanGivenDeleted:
            """
            ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
            """
        case .smallerThanDeleted:
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
        case .smallerThanTop:
            "ERR The ID specified in XSETID is smaller than the target stream top item"
        default:
            """
            ERR The entries_added specified in XSETID is smaller than the target stream length
            """
        }
    }

    private var readText: StaticString {
        switch self {
        case .groupForRead:
            """
            ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
            """
        case .noAcknowledgeForRead:
            """
            ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
            """
        case .groupMissing: "ERR Missing GROUP option for XREADGROUP"
        case .lastIDForGroup:
            """
            ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
            history of this consumer by specifying a proper ID, or use the > ID to get new \
            messages. The $ ID would just return an empty result set.
            """
        case .lastEntryForGroup:
            """
            ERR The + ID is meaningless in the context of XREADGROUP: you want to read the \
            history of this consumer by specifying a proper ID, or use the > ID to get new \
            messages. The + ID would just return an empty result set.
            """
        default:
            """
            ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
            <consumer> option.
            """
        }
    }

    private var groupText: StaticString {
        switch self {
        case .groupNeedsKey:
            """
            ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may \
            want to use the MKSTREAM option to create an empty stream automatically.
            """
        case .groupExists: "BUSYGROUP Consumer Group name already exists"
        case .entriesReadNegative: "ERR value for ENTRIESREAD must be positive or -1"
        case .claimIdleTime: "ERR Invalid min-idle-time argument for XCLAIM"
        case .automaticClaimIdleTime: "ERR Invalid min-idle-time argument for XAUTOCLAIM"
        case .claimIdleOption: "ERR Invalid IDLE option argument for XCLAIM"
        case .claimTimeOption: "ERR Invalid TIME option argument for XCLAIM"
        case .claimRetryOption: "ERR Invalid RETRYCOUNT option argument for XCLAIM"
        default: "ERR COUNT must be > 0"
        }
    }
}
