// SPDX-License-Identifier: BSD-3-Clause
//
// Streams of a dump.
//
//     number of nodes, { key : 128 as a string, listpack }          see RDBStreamNode.swift
//     length, last id
//     from the second form on: first id, maximal deleted id, entries added
//     number of groups, { name, last id, [from the second form on: entries read],
//         number pending, { id : 128, delivered at : 64, deliveries },
//         number of consumers, { name, seen at : 64, [from the third form on: active at : 64],
//             number pending, { id : 128 } } }
//     in the fourth form: duration, limit, number of producers,
//         { name, number of entries, { name, id } }, added, duplicates
//
// Ids of 128 bits are big-endian, other ids are two numbers. Everything that is pending is listed
// with the group, and again, by its id alone, with the one consumer that has it: the group's list
// is kept in memory while its consumers are read.
//
// What the fourth form has more is how Redis 8.6 tells repeated entries of a producer; it is read
// and not kept, for this server has no such producers.

extension RDBReader where Source: ~Copyable {
    mutating func stream<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        let (count, last) = try streamNodes(&sink)
        let length = try number()
        guard length == count else { throw .damaged(.streamCount) }
        let facts = try streamFacts(type, length: length)
        guard last <= facts.lastID else { throw .damaged(.streamOrder) }
        sink.finishEntries(facts)
        var groups = try number()
        while groups > 0 {
            try streamGroup(type, &sink)
            groups -= 1
        }
        if type == RDBValueType.stream4 { try skipProducers() }
    }

    /// All entries; returns how many, and the greatest identifier, deleted ones included.
    private mutating func streamNodes<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) -> (count: UInt64, last: StreamID) {
        var (count, last) = (UInt64(0), StreamID.zero)
        var left = try number()
        while left > 0 {
            beginElement()
            let name = try text(in: .key)
            let blob = try text(in: .value)
            var key = RDBScanner(view(name, in: .key))
            guard key.left == 16 else { throw .damaged(.streamNode) }
            let origin = StreamID(
                milliseconds: try key.bigEndian(8), sequence: try key.bigEndian(8))
            guard origin > last else { throw .damaged(.streamOrder) }
            var node = try RDBStreamNode(view(blob, in: .value), origin: origin)
            sink.beginEntries(listpackBytes: view(blob, in: .value).count)
            while try node.next() { sink.append(node.id, node.entry) }
            last = node.id
            count += UInt64(node.count)
            left -= 1
        }
        return (count, last)
    }

    private mutating func streamFacts(
        _ type: UInt8, length: UInt64
    ) throws(RDBDefect) -> RDBStreamFacts {
        let lastID = try streamID()
        guard type != RDBValueType.stream else {
            return RDBStreamFacts(
                lastID: lastID, maximalDeletedID: .zero, entriesAdded: Int64(length))
        }
        _ = try streamID()
        let deleted = try streamID()
        let added = try number()
        guard added >= length, let entriesAdded = Int64(exactly: added) else {
            throw .damaged(.streamCount)
        }
        return RDBStreamFacts(
            lastID: lastID, maximalDeletedID: deleted, entriesAdded: entriesAdded)
    }

    // MARK: - Groups

    private mutating func streamGroup<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        beginElement()
        let name = try text(in: .key)
        let lastID = try streamID()
        let entriesRead = type == RDBValueType.stream ? .missing : try entriesRead()
        let facts = RDBGroupFacts(lastID: lastID, entriesRead: entriesRead)
        guard sink.addGroup(view(name, in: .key), facts) else {
            throw .damaged(.duplicateGroup)
        }
        var pending = try pendingEntries()
        var consumers = try number()
        var taken = 0
        while consumers > 0 {
            taken += try streamConsumer(type, &pending, &sink)
            consumers -= 1
        }
        guard taken == pending.count else { throw .damaged(.pendingWithoutConsumer) }
    }

    private mutating func entriesRead() throws(RDBDefect) -> RDBGroupFacts.EntriesRead {
        let count = Int64(bitPattern: try number())
        guard count >= -1 else { throw .damaged(.negativeCount) }
        return count == -1 ? .unknown : .known(count)
    }

    private mutating func pendingEntries() throws(RDBDefect) -> [RDBPendingEntry] {
        var entries: [RDBPendingEntry] = []
        var left = try number()
        while left > 0 {
            beginElement()
            let id = try rawStreamID()
            let time = try cursor.littleEndian(Int64.self)
            guard let deliveries = Int64(exactly: try number()), time >= 0 else {
                throw .damaged(.negativeCount)
            }
            if let last = entries.last, last.id >= id { throw .damaged(.pendingOrder) }
            entries.append(
                RDBPendingEntry(id: id, deliveredAt: time, deliveries: deliveries))
            left -= 1
        }
        return entries
    }

    /// Reads a consumer of the group, and takes what it has pending from the group's; returns how
    /// much that was.
    private mutating func streamConsumer<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ pending: inout [RDBPendingEntry], _ sink: inout Sink
    ) throws(RDBDefect) -> Int {
        beginElement()
        let name = try text(in: .key)
        let seen = try cursor.littleEndian(Int64.self)
        let isOld = type == RDBValueType.stream || type == RDBValueType.stream2
        let active = isOld ? seen : try cursor.littleEndian(Int64.self)
        guard seen >= 0, active >= -1 else { throw .damaged(.negativeCount) }
        guard sink.addConsumer(view(name, in: .key), seen: seen, active: active) else {
            throw .damaged(.duplicateConsumer)
        }
        var left = try number()
        var taken = 0
        while left > 0 {
            beginElement()
            let id = try rawStreamID()
            let place = Self.place(of: id, in: pending)
            guard place < pending.count, pending[place].id == id, !pending[place].isTaken else {
                throw .damaged(.pendingOfConsumer)
            }
            pending[place].isTaken = true
            sink.addPending(pending[place])
            taken += 1
            left -= 1
        }
        return taken
    }

    /// Where an identifier is, or belongs, among entries in order.
    private static func place(of id: StreamID, in pending: [RDBPendingEntry]) -> Int {
        var (low, high) = (0, pending.count)
        while low < high {
            let middle = (low + high) / 2
            if pending[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func skipProducers() throws(RDBDefect) {
        for _ in 0..<2 { _ = try number() }
        var producers = try number()
        while producers > 0 {
            beginElement()
            _ = try skipString()
            var entries = try number()
            while entries > 0 {
                _ = try skipString()
                _ = try streamID()
                entries -= 1
            }
            producers -= 1
        }
        for _ in 0..<2 { _ = try number() }
    }

    // MARK: - Identifiers

    private mutating func streamID() throws(RDBDefect) -> StreamID {
        StreamID(milliseconds: try number(), sequence: try number())
    }

    private mutating func rawStreamID() throws(RDBDefect) -> StreamID {
        StreamID(
            milliseconds: try cursor.bigEndian(UInt64.self),
            sequence: try cursor.bigEndian(UInt64.self))
    }
}
