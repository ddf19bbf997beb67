// SPDX-License-Identifier: BSD-3-Clause
//
// Database: keys that take over what another key holds: RENAME, MOVE, COPY.
//
// A key lies in its entry, so another key means another entry. A value of less than 32 KiB is
// copied into it; a larger one has a block, which both entries refer to until one of them goes or
// is changed (`ReferencedBlock.isUnique`). A collection's block changes hands, or, for COPY alone,
// is copied with all that it owns.

extension Database {
    /// Stores a copy of what `source` holds under `key`, whatever was there, with its deadline.
    ///
    /// `source` may lie in any database of the keyspace, but not under this key in this one. It
    /// stays where it is and stays valid; slots do not.
    mutating func put(_ key: ByteView, _ hash: UInt64, copyOf source: Entry) {
        put(key, hash, source)
        defer { commit(.copyTo, key, hash) }
        guard source.encoding == .collection, let slot = table.find(hash, key) else { return }
        let copy = Entry(slot.entry)
        copy.setCollection(copy.type.collection.copy(source.collection, state.pointee.memory))
        if copy.type == .stream { state.pointee.streams += 1 }
    }

    /// Stores what `source` holds under `key`, without a commit; a collection's block is both
    /// entries' afterwards.
    private mutating func put(_ key: ByteView, _ hash: UInt64, _ source: Entry) {
        let deadline = source.deadline
        var shape = source.shape
        shape.keyCount = key.count
        let block = heap.pointee.allocate(shape.byteCount)
        Entry.write(at: block, shape, key: key, copying: source, deadline: deadline)
        touch(Entry(block))
        if source.encoding == .block {
            source.block.retain()
            source.block.hold(heap)
        }
        if let slot = table.find(hash, key) {
            let old = Entry(slot.entry)
            moveDeadline(from: old.deadline, to: deadline, hash)
            forgetFieldDeadline(of: old, hash)
            let isPrivate = table.isPrivate(slot, hash: hash)
            table.replace(slot, hash: hash, with: block)
            discard(old, hash, isPrivate: isPrivate)
        } else {
            table.insert(block, hash: hash)
            moveDeadline(from: nil, to: deadline, hash)
        }
        note(.new, key, hash)
        moveFieldDeadline(from: nil, to: Entry(block).nextFieldDeadline, hash)
    }

    /// Moves what a key holds to another key of this database, whatever was there.
    mutating func rename(
        _ slot: TableSlot, _ hash: UInt64, to key: ByteView, _ newHash: UInt64
    ) {
        let source = Entry(slot.entry)
        put(key, newHash, source)
        note(.renameFrom, source.key, hash)
        commit(.renameTo, key, newHash)
        guard let left = table.find(hash, source.key) else {
            preconditionFailure("putting one key removes no other")
        }
        takeOut(left, hash, keepsValue: true)
    }

    /// Moves a key to another database, where it must not be.
    mutating func move(
        _ slot: TableSlot, _ hash: UInt64, to other: UnsafeMutablePointer<Database>
    ) {
        let source = Entry(slot.entry)
        other.pointee.put(source.key, hash, source)
        note(.moveFrom, source.key, hash)
        other.pointee.commit(.moveTo, source.key, hash)
        takeOut(slot, hash, keepsValue: true)
    }
}

extension Keyspace {
    /// Exchanges the contents of two databases, at once.
    ///
    /// A table keeps its place in the order in which snapshots walk, so a walk under way goes on.
    func swap(_ first: Int, _ second: Int) {
        guard first != second else { return }
        Swift.swap(&databases[first].table, &databases[second].table)
        Swift.swap(&databases[first].deadlines, &databases[second].deadlines)
        Swift.swap(&databases[first].fieldDeadlines, &databases[second].fieldDeadlines)
        Swift.swap(&databases[first].ownDeadlines, &databases[second].ownDeadlines)
        state.pointee.changesSinceSave += 1
        state.pointee.changeLog.note(.swapped(with: second), database: first)
    }
}
