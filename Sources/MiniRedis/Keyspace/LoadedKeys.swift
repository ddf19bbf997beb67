// SPDX-License-Identifier: BSD-3-Clause
//
// Keys on their way from a dump into a database: collected, and inserted many at a time.
//
//     read a key --> entry made, hash, bucket asked for     32 times
//                --> inserted, one after the other          the buckets have arrived
//
// Each insertion misses the cache once, for its bucket: the misses of a batch overlap. Entries were
// just written, so they are near; an entry of the table is looked at only where 24 bits of the
// hash agree, which is a duplicate or a chance in two million.

/// Entries that are made and not inserted yet. Whoever has them flushes or discards them.
struct LoadedKeys: ~Copyable {
    private static let capacity = 32

    private let entries: UnsafeMutablePointer<Entry>
    private let hashes: UnsafeMutablePointer<UInt64>
    private var count = 0
    /// Whether a key that is there is replaced; if not, it is an error.
    private let replacesKeys: Bool

    init(replacingKeys replacesKeys: Bool) {
        self.replacesKeys = replacesKeys
        entries = .allocate(capacity: Self.capacity)
        hashes = .allocate(capacity: Self.capacity)
    }

    deinit {
        assert(count == 0, "entries are inserted or discarded")
        entries.deallocate()
        hashes.deallocate()
    }

    /// Adds a key, whose entry is the batch's from now on. Returns the name of a key that was there
    /// already, with which loading ends.
    @inline(__always)
    mutating func add(
        _ entry: Entry, _ hash: UInt64, to database: UnsafeMutablePointer<Database>
    ) -> String? {
        database.pointee.table.prefetchBucket(hash)
        entries[count] = entry
        hashes[count] = hash
        count += 1
        return count == Self.capacity ? flush(to: database) : nil
    }

    /// Inserts what was added; as `add`.
    @inline(never)
    mutating func flush(to database: UnsafeMutablePointer<Database>) -> String? {
        defer { count = 0 }
        for at in 0..<count {
            let entry = entries[at]
            if let slot = database.pointee.table.find(hashes[at], entry.key) {
                guard replacesKeys else {
                    let name = entry.key.string
                    for left in at..<count {
                        database.pointee.discard(uninserted: entries[left])
                    }
                    return name
                }
                database.pointee.takeOut(slot, hashes[at])
            }
            database.pointee.insert(entry, hashes[at])
        }
        return nil
    }

    /// Frees what was added and not inserted.
    mutating func discard(from database: UnsafeMutablePointer<Database>) {
        for at in 0..<count { database.pointee.discard(uninserted: entries[at]) }
        count = 0
    }
}
