// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of a command before it runs. Checks read these and never ask for a command's name.
//
// Source: https://redis.io/docs/latest/commands/command/#flags

/// Properties of a command, as COMMAND INFO names them.
struct CommandFlags: OptionSet, Sendable {
    var rawValue: UInt32

    static let write = CommandFlags(rawValue: 1 << 0)
    static let readOnly = CommandFlags(rawValue: 1 << 1)
    static let denyOutOfMemory = CommandFlags(rawValue: 1 << 2)
    static let admin = CommandFlags(rawValue: 1 << 3)
    static let pubSub = CommandFlags(rawValue: 1 << 4)
    static let noScript = CommandFlags(rawValue: 1 << 5)
    static let blocking = CommandFlags(rawValue: 1 << 6)
    static let loading = CommandFlags(rawValue: 1 << 7)
    static let stale = CommandFlags(rawValue: 1 << 8)
    static let skipMonitor = CommandFlags(rawValue: 1 << 9)
    static let skipSlowLog = CommandFlags(rawValue: 1 << 10)
    static let asking = CommandFlags(rawValue: 1 << 11)
    static let fast = CommandFlags(rawValue: 1 << 12)
    static let noAuthentication = CommandFlags(rawValue: 1 << 13)
    static let mayReplicate = CommandFlags(rawValue: 1 << 14)
    static let noAsyncLoading = CommandFlags(rawValue: 1 << 15)
    static let noMulti = CommandFlags(rawValue: 1 << 16)
    static let movableKeys = CommandFlags(rawValue: 1 << 17)
    static let allowBusy = CommandFlags(rawValue: 1 << 18)
    static let noMandatoryKeys = CommandFlags(rawValue: 1 << 19)
    /// Tells of a disk that fails although it writes nothing; not shown.
    static let reportsDiskErrors = CommandFlags(rawValue: 1 << 21)
    /// In the access category @dangerous; not shown.
    static let dangerous = CommandFlags(rawValue: 1 << 24)
    /// In the access category @keyspace; not shown.
    static let keyspace = CommandFlags(rawValue: 1 << 25)

    /// In the access category @connection although of another group; not shown.
    static let connection = CommandFlags(rawValue: 1 << 26)

    /// In the access category @admin although not flagged so; not shown.
    static let administrative = CommandFlags(rawValue: 1 << 27)

    /// Runs at once between MULTI and EXEC, where others are queued; not shown.
    static let immediate = CommandFlags(rawValue: 1 << 28)

    /// Runs what is queued, so that all its flags count; not shown.
    static let executes = CommandFlags(rawValue: 1 << 29)

    /// May be used while subscribed in RESP2; not shown.
    static let whileSubscribed = CommandFlags(rawValue: 1 << 30)

    /// In the access categories of the types that it sorts although not of their groups; not shown.
    static let sorting = CommandFlags(rawValue: 1 << 31)

    /// The flags that COMMAND INFO shows, with its names.
    static let names: [(CommandFlags, StaticString)] = [
        (.write, "write"), (.readOnly, "readonly"), (.denyOutOfMemory, "denyoom"),
        (.admin, "admin"), (.pubSub, "pubsub"), (.noScript, "noscript"),
        (.blocking, "blocking"), (.loading, "loading"), (.stale, "stale"),
        (.skipMonitor, "skip_monitor"), (.skipSlowLog, "skip_slowlog"), (.asking, "asking"),
        (.fast, "fast"), (.noAuthentication, "no_auth"), (.mayReplicate, "may_replicate"),
        (.noAsyncLoading, "no_async_loading"), (.noMulti, "no_multi"),
        (.movableKeys, "movablekeys"), (.allowBusy, "allow_busy"),
        (.noMandatoryKeys, "no_mandatory_keys"),
    ]
}

/// The group of a command, as COMMAND DOCS names it.
enum CommandGroup: String, Sendable {
    case string, list, set, hash, stream, bitmap, hyperloglog, geo, pubsub
    case sortedSet = "sorted-set"
    case transactions
    case generic, connection, server, scripting

    /// The access category of its commands, if the group is one.
    var category: String? {
        switch self {
        case .generic, .connection, .server, .scripting, .pubsub: nil
        case .sortedSet: "@sortedset"
        case .transactions: "@transaction"
        case .string, .list, .set, .hash, .stream, .bitmap, .hyperloglog, .geo:
            "@" + rawValue
        }
    }
}
