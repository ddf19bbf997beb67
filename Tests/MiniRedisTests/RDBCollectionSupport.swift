// SPDX-License-Identifier: BSD-3-Clause
//
// Collections of a dump that own their bytes.

@testable import MiniRedis

/// A collection of a dump, as the reader gave it: its elements in their order.
struct DumpCollection: Equatable, RDBValueSink {
    var database: Int
    var key: [UInt8]
    var type: ValueType
    var deadline: Int64?
    var idle: UInt64?
    var frequency: UInt8?
    /// Elements of a list, members of a set.
    var elements: [[UInt8]] = []
    var scores: [[UInt8]: Double] = [:]
    var fields: [[UInt8]: [UInt8]] = [:]
    var fieldDeadlines: [[UInt8]: Int64] = [:]
    var entries: [Entry] = []
    var lastID = ""
    var maximalDeletedID = ""
    var entriesAdded: Int64 = 0
    var groups: [Group] = []

    struct Entry: Equatable {
        var id: String
        var items: [[UInt8]]
    }

    struct Group: Equatable {
        var name: [UInt8]
        var lastID: String
        var entriesRead: Int64?
        var consumers: [Consumer] = []
    }

    struct Consumer: Equatable {
        var name: [UInt8]
        var seen: Int64
        var active: Int64
        var pending: [Pending] = []
    }

    struct Pending: Equatable {
        var id: String
        var deliveredAt: Int64
        var deliveries: Int64
    }

    init(
        _ database: Int, _ key: [UInt8], _ type: ValueType, deadline: Int64?, access: KeyUse?
    ) {
        self.database = database
        self.key = key
        self.type = type
        self.deadline = deadline
        switch access {
        case .idle(let seconds): idle = seconds
        case .frequency(let counter): frequency = counter
        case nil: break
        }
    }

    static func text(_ id: StreamID) -> String { "\(id.milliseconds)-\(id.sequence)" }

    mutating func append(_ element: ByteView) { elements.append(Array(element)) }

    mutating func insert(_ member: ByteView) -> Bool {
        if elements.contains(Array(member)) { return false }
        elements.append(Array(member))
        return true
    }

    mutating func insert(_ member: ByteView, score: Double) -> Bool {
        scores.updateValue(score, forKey: Array(member)) == nil
    }

    mutating func insert(field: ByteView, value: ByteView, deadline: Int64?) -> Bool {
        fieldDeadlines[Array(field)] = deadline
        return fields.updateValue(Array(value), forKey: Array(field)) == nil
    }

    mutating func beginEntries(listpackBytes: Int) {}

    mutating func append(_ id: StreamID, _ fields: RDBEntryFields) {
        var items: [[UInt8]] = []
        for index in 0..<fields.count {
            items += [Array(fields.field(index)), Array(fields.value(index))]
        }
        entries.append(Entry(id: Self.text(id), items: items))
    }

    mutating func finishEntries(_ facts: RDBStreamFacts) {
        lastID = Self.text(facts.lastID)
        maximalDeletedID = Self.text(facts.maximalDeletedID)
        entriesAdded = facts.entriesAdded
    }

    mutating func addGroup(_ name: ByteView, _ facts: RDBGroupFacts) -> Bool {
        var read: Int64?
        if case .known(let count) = facts.entriesRead { read = count }
        groups.append(
            Group(name: Array(name), lastID: Self.text(facts.lastID), entriesRead: read))
        return true
    }

    mutating func addConsumer(_ name: ByteView, seen: Int64, active: Int64) -> Bool {
        groups[groups.count - 1].consumers.append(
            Consumer(name: Array(name), seen: seen, active: active))
        return true
    }

    mutating func addPending(_ pending: RDBPendingEntry) {
        let entry = Pending(
            id: Self.text(pending.id), deliveredAt: pending.deliveredAt,
            deliveries: pending.deliveries)
        let group = groups.count - 1
        groups[group].consumers[groups[group].consumers.count - 1].pending.append(entry)
    }
}
