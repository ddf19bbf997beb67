// SPDX-License-Identifier: BSD-3-Clause
//
// What can happen to a key, as keyspace notifications name it.
//
// Source: https://redis.io/docs/latest/develop/use/keyspace-notifications/

/// The kinds of event that `notify-keyspace-events` chooses from, each by its letter.
struct KeyspaceEventClass: OptionSet, Sendable {
    var rawValue: UInt16

    static let keyspace = KeyspaceEventClass(rawValue: 1 << 0)
    static let keyevent = KeyspaceEventClass(rawValue: 1 << 1)
    static let generic = KeyspaceEventClass(rawValue: 1 << 2)
    static let string = KeyspaceEventClass(rawValue: 1 << 3)
    static let list = KeyspaceEventClass(rawValue: 1 << 4)
    static let set = KeyspaceEventClass(rawValue: 1 << 5)
    static let hash = KeyspaceEventClass(rawValue: 1 << 6)
    static let sortedSet = KeyspaceEventClass(rawValue: 1 << 7)
    static let expired = KeyspaceEventClass(rawValue: 1 << 8)
    static let evicted = KeyspaceEventClass(rawValue: 1 << 9)
    static let stream = KeyspaceEventClass(rawValue: 1 << 10)
    static let miss = KeyspaceEventClass(rawValue: 1 << 11)
    static let new = KeyspaceEventClass(rawValue: 1 << 12)
    static let module = KeyspaceEventClass(rawValue: 1 << 13)

    /// What the letter A stands for.
    static let all: KeyspaceEventClass = [
        .generic, .string, .list, .set, .hash, .sortedSet, .expired, .evicted, .stream, .module,
    ]
    /// The letters, in the order in which Redis shows them after A.
    static let letters: [(KeyspaceEventClass, Character)] = [
        (.generic, "g"), (.string, "$"), (.list, "l"), (.set, "s"), (.hash, "h"),
        (.sortedSet, "z"), (.expired, "x"), (.evicted, "e"), (.stream, "t"), (.module, "d"),
        (.new, "n"), (.keyspace, "K"), (.keyevent, "E"), (.miss, "m"),
    ]
}

/// One thing that happened to a key.
enum KeyspaceEvent: UInt8, Sendable {
    case delete, expire, persist, renameFrom, renameTo, moveFrom, moveTo, copyTo, restore
    case set, append, setRange, incrementBy, incrementByFloat, setBit, pfAdd
    case leftPush, rightPush, leftPop, rightPop, listInsert, listSet, listRemove, listTrim
    case sortStore
    case setAdd, setRemove, setPop, setInterStore, setUnionStore, setDifferenceStore
    case hashSet, hashDelete, hashIncrementBy, hashIncrementByFloat
    case hashExpire, hashPersist, hashExpired
    case sortedSetAdd, sortedSetIncrement, sortedSetRemove, sortedSetRemoveByScore
    case sortedSetRemoveByRank, sortedSetRemoveByLex, sortedSetPopMin, sortedSetPopMax
    case sortedSetInterStore, sortedSetUnionStore, sortedSetDifferenceStore, sortedSetRangeStore
    case geoSearchStore, geoRadiusStore
    case streamAdd, streamDelete, streamTrim, streamSetID, streamGroupCreate, streamGroupDestroy
    case streamGroupSetID, streamConsumerCreate, streamConsumerDelete
    case expired, evicted, miss, new
    /// A change that nobody is told of: what was given to a consumer, or acknowledged.
    case unheard

    /// Whether the key's value is another one. A stream's groups are no part of it, as Redis sees
    /// it: WATCH is for values.
    var changesValue: Bool {
        switch self {
        case .streamSetID, .streamGroupCreate, .streamGroupDestroy, .streamGroupSetID,
            .streamConsumerCreate, .streamConsumerDelete, .miss, .new, .unheard:
            false
        default: true
        }
    }

    var name: StaticString { description.name }
    var eventClass: KeyspaceEventClass { description.eventClass }

    private var description: (name: StaticString, eventClass: KeyspaceEventClass) {
        switch self {
        case .delete: ("del", .generic)
        case .expire: ("expire", .generic)
        case .persist: ("persist", .generic)
        case .renameFrom: ("rename_from", .generic)
        case .renameTo: ("rename_to", .generic)
        case .moveFrom: ("move_from", .generic)
        case .moveTo: ("move_to", .generic)
        case .copyTo: ("copy_to", .generic)
        case .restore: ("restore", .generic)
        case .set: ("set", .string)
        case .append: ("append", .string)
        case .setRange: ("setrange", .string)
        case .incrementBy: ("incrby", .string)
        case .incrementByFloat: ("incrbyfloat", .string)
        case .setBit: ("setbit", .string)
        case .pfAdd: ("pfadd", .string)
        case .expired: ("expired", .expired)
        case .evicted: ("evicted", .evicted)
        case .miss: ("keymiss", .miss)
        case .new: ("new", .new)
        case .unheard: ("", [])
        case .leftPush, .rightPush, .leftPop, .rightPop, .listInsert, .listSet, .listRemove,
            .listTrim, .sortStore:
            (listName, .list)
        case .setAdd, .setRemove, .setPop, .setInterStore, .setUnionStore, .setDifferenceStore:
            (setName, .set)
        case .hashSet, .hashDelete, .hashIncrementBy, .hashIncrementByFloat, .hashExpire,
            .hashPersist, .hashExpired:
            (hashName, .hash)
        case .sortedSetAdd, .sortedSetIncrement, .sortedSetRemove, .sortedSetRemoveByScore,
            .sortedSetRemoveByRank, .sortedSetRemoveByLex, .sortedSetPopMin, .sortedSetPopMax,
            .sortedSetInterStore, .sortedSetUnionStore, .sortedSetDifferenceStore,
            .sortedSetRangeStore, .geoSearchStore, .geoRadiusStore:
            (sortedSetName, .sortedSet)
        case .streamAdd, .streamDelete, .streamTrim, .streamSetID, .streamGroupCreate,
            .streamGroupDestroy, .streamGroupSetID, .streamConsumerCreate, .streamConsumerDelete:
            (streamName, .stream)
        }
    }
}

extension KeyspaceEvent {
    private var listName: StaticString {
        switch self {
        case .leftPush: "lpush"
        case .rightPush: "rpush"
        case .leftPop: "lpop"
        case .rightPop: "rpop"
        case .listInsert: "linsert"
        case .listSet: "lset"
        case .listRemove: "lrem"
        case .listTrim: "ltrim"
        default: "sortstore"
        }
    }

    private var setName: StaticString {
        switch self {
        case .setAdd: "sadd"
        case .setRemove: "srem"
        case .setPop: "spop"
        case .setInterStore: "sinterstore"
        case .setUnionStore: "sunionstore"
        default: "sdiffstore"
        }
    }

    private var hashName: StaticString {
        switch self {
        case .hashSet: "hset"
        case .hashDelete: "hdel"
        case .hashIncrementBy: "hincrby"
        case .hashIncrementByFloat: "hincrbyfloat"
        case .hashExpire: "hexpire"
        case .hashPersist: "hpersist"
        default: "hexpired"
        }
    }

    private var sortedSetName: StaticString {
        switch self {
        case .sortedSetAdd: "zadd"
        case .sortedSetIncrement: "zincr"
        case .sortedSetRemove: "zrem"
        case .sortedSetRemoveByScore: "zremrangebyscore"
        case .sortedSetRemoveByRank: "zremrangebyrank"
        case .sortedSetRemoveByLex: "zremrangebylex"
        case .sortedSetPopMin: "zpopmin"
        case .sortedSetPopMax: "zpopmax"
        case .sortedSetInterStore: "zinterstore"
        case .sortedSetUnionStore: "zunionstore"
        case .sortedSetDifferenceStore: "zdiffstore"
        case .sortedSetRangeStore: "zrangestore"
        case .geoSearchStore: "geosearchstore"
        default: "georadiusstore"
        }
    }

    private var streamName: StaticString {
        switch self {
        case .streamAdd: "xadd"
        case .streamDelete: "xdel"
        case .streamTrim: "xtrim"
        case .streamSetID: "xsetid"
        case .streamGroupCreate: "xgroup-create"
        case .streamGroupDestroy: "xgroup-destroy"
        case .streamGroupSetID: "xgroup-setid"
        case .streamConsumerCreate: "xgroup-createconsumer"
        default: "xgroup-delconsumer"
        }
    }
}
