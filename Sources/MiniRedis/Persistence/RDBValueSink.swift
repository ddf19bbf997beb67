// SPDX-License-Identifier: BSD-3-Clause
//
// Who takes a collection from a dump, element by element.
//
//     list     append(element) ...
//     set      insert(member) ...
//     zset     insert(member, score) ...
//     hash     insert(field, value, deadline) ...
//     stream   append(id, fields) ...  finishEntries
//              { addGroup { addConsumer { addPending } } }
//
// The reader has checked what can be checked without the rest of the collection: numbers, orders,
// counts. What it cannot know, whether an element was there before, the sink answers.

/// What a stream is besides its entries.
struct RDBStreamFacts {
    /// The greatest identifier ever given; no entry's is greater.
    var lastID: StreamID
    var maximalDeletedID: StreamID
    /// Never less than the number of entries.
    var entriesAdded: Int64
}

/// What a consumer group is besides its consumers.
struct RDBGroupFacts {
    /// How far the group has read, in entries.
    enum EntriesRead {
        case known(Int64)
        case unknown
        /// The dump is older than the number: to be found by the entries.
        case missing
    }

    var lastID: StreamID
    var entriesRead: EntriesRead
}

/// Takes what a reader decodes. All views are good until the call returns. Those that return a Bool
/// say whether the element was new; if it was not, the reader gives the dump up.
protocol RDBValueSink: ~Copyable {
    mutating func append(_ element: ByteView)
    mutating func insert(_ member: ByteView) -> Bool
    /// The score is not NaN.
    mutating func insert(_ member: ByteView, score: Double) -> Bool
    /// The deadline, milliseconds since 1970, may have passed.
    mutating func insert(field: ByteView, value: ByteView, deadline: Int64?) -> Bool
    /// The entries that come took so many bytes in a listpack, and will about here.
    mutating func beginEntries(listpackBytes: Int)
    /// An entry whose identifier is greater than that of the one before.
    mutating func append(_ id: StreamID, _ fields: RDBEntryFields)
    mutating func finishEntries(_ facts: RDBStreamFacts)
    mutating func addGroup(_ name: ByteView, _ facts: RDBGroupFacts) -> Bool
    /// A consumer of the group added last; `seen` and `active` are milliseconds since 1970, the
    /// second is -1 for one that was never given anything.
    mutating func addConsumer(_ name: ByteView, seen: Int64, active: Int64) -> Bool
    /// An entry that the consumer added last has not acknowledged; no other of its group has it.
    mutating func addPending(_ pending: RDBPendingEntry)
}

/// What a group has given out and nobody has acknowledged.
struct RDBPendingEntry {
    var id: StreamID
    /// Milliseconds since 1970, not negative.
    var deliveredAt: Int64
    /// Not negative.
    var deliveries: Int64
    /// Whether a consumer of the dump has it.
    var isTaken = false
}

/// Takes everything and keeps nothing: for a value that is to be passed over.
struct RDBDiscardedValue: RDBValueSink {
    mutating func append(_ element: ByteView) {}
    mutating func insert(_ member: ByteView) -> Bool { true }
    mutating func insert(_ member: ByteView, score: Double) -> Bool { true }
    mutating func insert(field: ByteView, value: ByteView, deadline: Int64?) -> Bool { true }
    mutating func beginEntries(listpackBytes: Int) {}
    mutating func append(_ id: StreamID, _ fields: RDBEntryFields) {}
    mutating func finishEntries(_ facts: RDBStreamFacts) {}
    mutating func addGroup(_ name: ByteView, _ facts: RDBGroupFacts) -> Bool { true }
    mutating func addConsumer(_ name: ByteView, seen: Int64, active: Int64) -> Bool { true }
    mutating func addPending(_ pending: RDBPendingEntry) {}
}
