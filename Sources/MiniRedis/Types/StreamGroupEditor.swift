// SPDX-License-Identifier: BSD-3-Clause
//
// Consumer groups, to be written.

/// A group's record that may be written. Owns nothing; valid within `withGroup`, which made it.
struct StreamGroupEditor {
    let record: UnsafeMutableRawPointer
    let memory: UnsafeMutablePointer<Memory>

    var view: StreamGroupView { StreamGroupView(record) }

    var pending: CountedTree<StreamPendingView> {
        CountedTree(
            head: (record + StreamGroupView.pendingOffset).assumingMemoryBound(to: TreeHead.self),
            memory: memory)
    }

    var consumers: CountedTree<StreamConsumerView> {
        CountedTree(
            head: (record + StreamGroupView.consumersOffset)
                .assumingMemoryBound(to: TreeHead.self),
            memory: memory)
    }

    func setLastID(_ id: StreamID) { id.write(to: record + 8) }

    /// How many entries are at or before the last identifier, nil if that is unknown.
    func setEntriesRead(_ count: Int64?) {
        record.storeBytes(of: count ?? -1, toByteOffset: 24, as: Int64.self)
    }

    // MARK: - Consumers

    /// Adds a consumer; false if there is one of that name.
    func createConsumer(_ name: ByteView, seen: Int64, active: Int64 = -1) -> Bool {
        guard consumers.view.named(name) == nil else { return false }
        StreamRecord.with(StreamConsumerView.recordBytes) { fresh in
            fresh.storeBytes(of: StreamName.make(name, memory).address, as: UInt.self)
            fresh.storeBytes(of: seen, toByteOffset: 8, as: Int64.self)
            fresh.storeBytes(of: active, toByteOffset: 16, as: Int64.self)
            consumers.insert(fresh)
        }
        return true
    }

    /// Calls `body` with a consumer; nil if there is none of that name. No consumer may be created
    /// or deleted meanwhile.
    @discardableResult
    func withConsumer<Result>(
        _ name: ByteView, _ body: (StreamConsumerEditor) -> Result
    ) -> Result? {
        guard var cursor = consumers.view.named(name) else { return nil }
        return consumers.update(&cursor) { body(StreamConsumerEditor(record: $0, memory: memory)) }
    }

    /// Deletes a consumer and what it has pending; returns how much that was, or nil if there is no
    /// such consumer.
    func deleteConsumer(_ name: ByteView) -> Int? {
        guard var cursor = consumers.view.named(name) else { return nil }
        let own = StreamConsumerView(cursor.record).own
        let count = own.count
        own.forEachRecord { record in
            let id = StreamID(at: record)
            var place = pending.view.lowerBound { StreamID(at: $0) < id }
            pending.remove(&place)
        }
        var detached = DetachedTree<StreamOwnRecord>(own.head)
        let name = StreamName(of: cursor.record)
        consumers.remove(&cursor)
        _ = detached.free(atMost: .max, memory: memory) { _ in }
        name.discard(memory)
        return count
    }

    // MARK: - What is pending

    /// Takes an identifier off the group's and its consumer's lists; false if it is on none.
    func acknowledge(_ id: StreamID) -> Bool {
        var cursor = pending.view.lowerBound { StreamID(at: $0) < id }
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id else { return false }
        let consumer = StreamPendingView(cursor.record).consumer
        pending.remove(&cursor)
        withConsumer(consumer.view) { $0.removeOwn(id) }
        return true
    }

    /// Gives an entry to a consumer, which must be there, whoever had it before. `count` gets the
    /// number of deliveries until now, 0 for an entry that was not pending.
    func assign(
        _ id: StreamID, to consumer: StreamConsumerEditor, time: Int64, _ count: (Int64) -> Int64
    ) {
        var cursor = pending.view.place { StreamID(at: $0) < id }
        cursor.settle()
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id else {
            StreamRecord.with(StreamPendingView.recordBytes) { fresh in
                id.write(to: fresh)
                Self.write(fresh, time: time, count: count(0), consumer.name)
                pending.insert(fresh)
            }
            return consumer.addOwn(id)
        }
        let old = StreamPendingView(cursor.record).consumer
        pending.update(&cursor) { record in
            Self.write(
                record, time: time, count: count(StreamPendingView(record).deliveryCount),
                consumer.name)
        }
        guard old.address != consumer.name.address else { return }
        withConsumer(old.view) { $0.removeOwn(id) }
        consumer.addOwn(id)
    }

    /// Notes another delivery of a pending entry to the consumer that has it.
    func redeliver(_ id: StreamID, time: Int64) {
        var cursor = pending.view.lowerBound { StreamID(at: $0) < id }
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id else { return }
        pending.update(&cursor) { record in
            let old = StreamPendingView(record)
            Self.write(record, time: time, count: old.deliveryCount &+ 1, old.consumer)
        }
    }

    /// Adds a pending entry that has no consumer yet, as dumps have them first; false if there is
    /// one of this identifier. Whoever does so must `adopt` it before anything else reads the
    /// group: when all are adopted, the consumers' own lists are as long together as the group's.
    func addPending(_ id: StreamID, time: Int64, count: Int64) -> Bool {
        guard view.pending(id) == nil else { return false }
        StreamRecord.with(StreamPendingView.recordBytes) { fresh in
            id.write(to: fresh)
            fresh.storeBytes(of: time, toByteOffset: 16, as: Int64.self)
            fresh.storeBytes(of: count, toByteOffset: 24, as: Int64.self)
            pending.insert(fresh)
        }
        return true
    }

    /// Gives a pending entry that has no consumer to one; false if there is no such entry.
    func adopt(_ id: StreamID, by consumer: StreamConsumerEditor) -> Bool {
        var cursor = pending.view.lowerBound { StreamID(at: $0) < id }
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id,
            cursor.record.load(fromByteOffset: 32, as: UInt.self) == 0
        else { return false }
        pending.update(&cursor) {
            $0.storeBytes(of: consumer.name.address, toByteOffset: 32, as: UInt.self)
        }
        consumer.addOwn(id)
        return true
    }

    private static func write(
        _ record: UnsafeMutableRawPointer, time: Int64, count: Int64, _ consumer: StreamName
    ) {
        record.storeBytes(of: time, toByteOffset: 16, as: Int64.self)
        record.storeBytes(of: count, toByteOffset: 24, as: Int64.self)
        record.storeBytes(of: consumer.address, toByteOffset: 32, as: UInt.self)
    }
}

/// A consumer's record that may be written. Owns nothing; valid within `withConsumer`.
struct StreamConsumerEditor {
    let record: UnsafeMutableRawPointer
    let memory: UnsafeMutablePointer<Memory>

    var name: StreamName { StreamName(of: record) }
    var view: StreamConsumerView { StreamConsumerView(record) }

    private var own: CountedTree<StreamOwnRecord> {
        CountedTree(
            head: (record + StreamConsumerView.ownOffset).assumingMemoryBound(to: TreeHead.self),
            memory: memory)
    }

    func setSeenTime(_ time: Int64) {
        record.storeBytes(of: time, toByteOffset: 8, as: Int64.self)
    }

    func setActiveTime(_ time: Int64) {
        record.storeBytes(of: time, toByteOffset: 16, as: Int64.self)
    }

    fileprivate func addOwn(_ id: StreamID) {
        StreamRecord.with(StreamOwnRecord.recordBytes) { fresh in
            id.write(to: fresh)
            own.insert(fresh)
        }
    }

    fileprivate func removeOwn(_ id: StreamID) {
        var cursor = own.view.lowerBound { StreamID(at: $0) < id }
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id else { return }
        own.remove(&cursor)
    }
}

/// Room for a record that is about to be put into a tree.
enum StreamRecord {
    /// Calls `body` with `bytes` zeros, aligned to 16.
    @inline(__always)
    static func with(_ bytes: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 16) { room in
            room.initializeMemory(as: UInt8.self, repeating: 0)
            if let record = room.baseAddress { body(record) }
        }
    }
}

// MARK: - A stream's groups

extension StreamEditor {
    /// Adds a group; false if there is one of that name.
    func createGroup(_ name: ByteView, lastID: StreamID, entriesRead: Int64?) -> Bool {
        guard view.groups.named(name) == nil else { return false }
        let tree = groups(root())
        StreamRecord.with(StreamGroupView.recordBytes) { fresh in
            fresh.storeBytes(of: StreamName.make(name, place.memory).address, as: UInt.self)
            let group = StreamGroupEditor(record: fresh, memory: place.memory)
            group.setLastID(lastID)
            group.setEntriesRead(entriesRead)
            tree.insert(fresh)
        }
        return true
    }

    /// Calls `body` with a group; nil if there is none of that name. No group may be created or
    /// deleted meanwhile.
    @discardableResult
    func withGroup<Result>(
        _ name: ByteView, _ body: (StreamGroupEditor) -> Result
    ) -> Result? {
        guard view.groups.named(name) != nil else { return nil }
        let tree = groups(root())
        guard var cursor = tree.view.named(name) else { return nil }
        return tree.update(&cursor) { body(StreamGroupEditor(record: $0, memory: place.memory)) }
    }

    /// Takes a group out, which the caller frees; nil if there is none of that name.
    func removeGroup(_ name: ByteView) -> StreamRemains? {
        guard view.groups.named(name) != nil else { return nil }
        let tree = groups(root())
        guard var cursor = tree.view.named(name) else { return nil }
        var remains = StreamRemains(memory: place.memory)
        remains.take(group: cursor.record)
        tree.remove(&cursor)
        return remains
    }
}
