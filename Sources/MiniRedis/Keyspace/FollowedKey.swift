// SPDX-License-Identifier: BSD-3-Clause
//
// A key that somebody watches or waits for: a name that outlives the request it came in.

/// The name of a key, whether there is one or not.
struct FollowedKey: Hashable {
    var database: Int
    /// The keyspace's hash of the bytes: keyed, so that no client can choose what collides.
    var hash: UInt64
    var bytes: [UInt8]

    init(database: Int, hash: UInt64, bytes: [UInt8]) {
        self.database = database
        self.hash = hash
        self.bytes = bytes
    }

    init(_ key: KeyArgument, database: Int) {
        self.init(
            database: database, hash: key.hash,
            bytes: [UInt8](UnsafeRawBufferPointer(start: key.bytes.base, count: key.bytes.count)))
    }

    static func == (left: FollowedKey, right: FollowedKey) -> Bool {
        left.hash == right.hash && left.database == right.database && left.bytes == right.bytes
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(hash)
        hasher.combine(database)
    }

    /// Calls `body` with the key, whose bytes live until it returns.
    func withKey<Result>(_ body: (KeyArgument) -> Result) -> Result {
        bytes.withUnsafeBytes { raw in
            let view = raw.baseAddress.map { ByteView($0, count: raw.count) } ?? ByteView("")
            return body(KeyArgument(bytes: view, hash: hash))
        }
    }
}

extension Keyspace {
    /// The type of what a followed key holds now; nil if there is none, or one that is due.
    func type(of key: FollowedKey) -> ValueType? {
        key.withKey { argument in
            guard let slot = databases[key.database].table.find(argument.hash, argument.bytes)
            else { return nil }
            let entry = Entry(slot.entry)
            return databases[key.database].isLive(entry) ? entry.type : nil
        }
    }

    /// Removes a key that is due, unless nothing may change now.
    func dropIfDue(_ key: FollowedKey) {
        key.withKey { databases[key.database].dropIfDue($0.bytes) }
        state.pointee.effects.endUnit(isAtomic: false)
    }
}
