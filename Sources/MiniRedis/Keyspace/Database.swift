// SPDX-License-Identifier: BSD-3-Clause
//
// Database: the keys of one SELECT number, with their deadlines.
//
// Reads come through `read` and `lookup`, which never return a key that is due; changes through
// `Database+Change`, whose last step is the one commit. No command touches the table, the index or
// an entry by itself.

/// A key that a command names, and its hash.
struct KeyArgument {
    var bytes: ByteView
    var hash: UInt64
}

/// One database. Used through a pointer, by the loop alone.
struct Database: ~Copyable {
    /// First of the fields: the thread sanitizer's build takes the first one for an address.
    let state: UnsafeMutablePointer<KeyspaceState>
    let index: Int
    var table: SegmentedTable<EntryLayout>
    var deadlines: DeadlineIndex
    /// For each hash with fields that expire: when the next one does.
    var fieldDeadlines: DeadlineIndex
    /// Those of `deadlines` that clients of a replica have set: see `Database+Expiry`.
    var ownDeadlines: DeadlineIndex

    init(
        index: Int, hasher: KeyHash, state: UnsafeMutablePointer<KeyspaceState>
    ) {
        let memory = state.pointee.memory
        self.index = index
        self.state = state
        table = SegmentedTable(ordinal: index, hasher: hasher, memory: memory)
        deadlines = DeadlineIndex(heap: memory.pointee.heap)
        fieldDeadlines = DeadlineIndex(heap: memory.pointee.heap)
        ownDeadlines = DeadlineIndex(heap: memory.pointee.heap)
    }

    /// Keys, those that are due but not removed yet included (as DBSIZE counts).
    @inline(__always)
    var count: Int { table.count }

    @inline(__always)
    func hash(_ key: ByteView) -> UInt64 { table.hasher.hash(key) }

    /// The slot of a key that is not due, or nil. A due key is removed on the way.
    @inline(__always)
    mutating func lookup(_ key: ByteView, _ hash: UInt64) -> TableSlot? {
        guard let slot = table.find(hash, key) else { return nil }
        let entry = Entry(slot.entry)
        if entry.hasDeadline && isDue(entry) {
            expire(slot, hash)
            return nil
        }
        return slot
    }

    /// The entry of a key for a command that reads it: counted as a hit or a miss, and as an
    /// access.
    @inline(__always)
    mutating func read(_ key: ByteView, _ hash: UInt64) -> Entry? {
        guard let entry = peek(key, hash) else { return nil }
        touch(entry)
        return entry
    }

    /// Records an access.
    @inline(__always)
    func touch(_ entry: Entry) {
        entry.touch(accessRecord(following: entry))
    }

    /// What an entry is to remember that is accessed now, or made in place of `old`.
    @inline(__always)
    func accessRecord(following old: Entry) -> UInt32 {
        state.pointee.isAccessPlain
            ? state.pointee.accessClock : Self.carefulRecord(old, state)
    }

    /// Not a method: a database that is lent to one would be copied first, on every way to it.
    @inline(never)
    private static func carefulRecord(
        _ entry: Entry, _ state: UnsafeMutablePointer<KeyspaceState>
    ) -> UInt32 {
        if state.pointee.sparesAccess { return entry.accessClock }
        return AccessRecord.counted(
            entry.accessClock, now: state.pointee.now, state.pointee.frequencyScale,
            &state.pointee.random)
    }

    /// The entry of a key for a command that only looks at it: a hit or a miss, but no access.
    /// Unless it `tells`, nobody is told of a miss.
    @inline(__always)
    mutating func peek(_ key: ByteView, _ hash: UInt64, tells: Bool = true) -> Entry? {
        guard let slot = table.find(hash, key) else {
            state.pointee.statistics.misses &+= 1
            if tells { note(.miss, key, hash) }
            return nil
        }
        let entry = Entry(slot.entry)
        if entry.hasDeadline && isDue(entry) {
            missDue(slot, hash)
            return nil
        }
        state.pointee.statistics.hits &+= 1
        return entry
    }

    /// A command that only reads met a due key: removed, unless nothing may change now.
    @inline(never)
    private mutating func missDue(_ slot: TableSlot, _ hash: UInt64) {
        state.pointee.statistics.misses &+= 1
        note(.miss, Entry(slot.entry).key, hash)
        if !state.pointee.keepsDueKeys { expire(slot, hash) }
    }

    /// Whether a key is there and not due; neither an access nor a change.
    func isLive(_ entry: Entry) -> Bool {
        !(entry.hasDeadline && isDue(entry))
    }

    @inline(__always)
    func isDue(_ entry: Entry) -> Bool {
        guard let deadline = entry.deadline else { return false }
        return deadline <= state.pointee.dueTime
    }
}
