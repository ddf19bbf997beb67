// SPDX-License-Identifier: BSD-3-Clause
//
// WatchedKeys: who watches which keys, and whose transaction must not run any more.
//
// A watch is broken by any change of its key, also by the change of a key that was not there. What
// is no change: that a key goes which was due already when the watch began, what concerns only a
// stream's groups, and that a database is emptied or exchanged in which the key is neither before
// nor after.

/// The watches of all clients.
struct WatchedKeys {
    /// Who watches a key, and whether it was there when the client began to.
    private var watchers: [FollowedKey: [Int64: Bool]] = [:]
    private var keys: [Int64: [FollowedKey]] = [:]
    private var keyBytes: [Int64: Int] = [:]
    private var broken: Set<Int64> = []

    /// How many clients watch keys.
    var clientCount: Int { keys.count }
    /// How many keys are watched.
    var keyCount: Int { watchers.count }

    func count(of client: Int64) -> Int { keys[client]?.count ?? 0 }

    /// What a watch takes beside its key, estimated, bytes.
    private static let watchBytes = 160

    /// What the client's watches take, estimated, bytes.
    func byteCount(of client: Int64) -> Int { keyBytes[client] ?? 0 }

    /// Whether something happened to a key that the client watches.
    func isBroken(for client: Int64) -> Bool { broken.contains(client) }

    /// The keys that were there when the client began to watch them.
    func keysThere(for client: Int64) -> [FollowedKey] {
        (keys[client] ?? []).filter { watchers[$0]?[client] ?? false }
    }

    /// A client begins to watch a key; false if it does already.
    mutating func add(_ key: FollowedKey, for client: Int64, isThere: Bool) -> Bool {
        guard watchers[key]?[client] == nil else { return false }
        watchers[key, default: [:]][client] = isThere
        keys[client, default: []].append(key)
        keyBytes[client, default: 0] += Self.watchBytes + 2 * key.bytes.count
        return true
    }

    /// Ends a client's watches; returns what it watched.
    mutating func remove(_ client: Int64) -> [FollowedKey] {
        broken.remove(client)
        keyBytes[client] = nil
        guard let own = keys.removeValue(forKey: client) else { return [] }
        for key in own {
            watchers[key]?[client] = nil
            if watchers[key]?.isEmpty ?? false { watchers[key] = nil }
        }
        return own
    }

    /// Takes note of a change. `isThere` says whether a key is there now.
    mutating func note(_ change: KeyspaceChange, _ isThere: (FollowedKey) -> Bool) {
        guard !watchers.isEmpty else { return }
        switch change.kind {
        case .key(.miss, _, _), .key(.new, _, _): break
        case .key(let event, let bytes, let hash):
            let key = FollowedKey(database: change.database, hash: hash, bytes: bytes)
            // A key that was not there may be made by any event but the last one.
            for (client, wasThere) in watchers[key] ?? [:]
            where wasThere ? event.changesValue : event != .expired {
                broken.insert(client)
            }
        case .flushed:
            note(in: change.database) { _ in false }
        case .swapped(let other):
            note(in: change.database, isThere)
            note(in: other, isThere)
        }
    }

    private mutating func note(in database: Int, _ isThere: (FollowedKey) -> Bool) {
        for (key, clients) in watchers where key.database == database {
            let isThere = isThere(key)
            for (client, wasThere) in clients where wasThere || isThere { broken.insert(client) }
        }
    }
}
