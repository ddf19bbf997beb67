// SPDX-License-Identifier: BSD-3-Clause
//
// Database: every change of a key, and the one commit that each ends with.
//
// A change makes what it writes private to the loop (the snapshot rule), keeps the expiry index
// equal to the entries' deadlines, and commits. What is to happen at every change (dirty count,
// the note to whoever follows the key) happens in `commit` and nowhere else; what is told to those
// who repeat every change is the command's own request, see `EffectLog`.

/// What a write does to the deadline of its key.
enum DeadlineChange {
    case clear
    case keep
    /// Milliseconds since the epoch.
    case set(Int64)
}

extension Database {
    /// Graveyard nodes of this kind are entries: they may own a reference to a block.
    static var entryKind: UInt64 { 1 }

    // MARK: - Writes

    /// Stores a string under `key`, whatever was there.
    @inline(__always)
    mutating func set(
        _ key: ByteView, _ hash: UInt64, _ value: StringSource, _ change: DeadlineChange,
        _ event: KeyspaceEvent = .set
    ) {
        if let slot = table.find(hash, key) {
            overwrite(slot, key, hash, value, change, event)
        } else {
            var deadline: Int64?
            if case .set(let at) = change { deadline = at }
            add(key, hash, value, deadline, event)
        }
    }

    /// Stores a string under a key that is in `slot`.
    @inline(__always)
    mutating func overwrite(
        _ slot: TableSlot, _ key: ByteView, _ hash: UInt64, _ value: StringSource,
        _ change: DeadlineChange, _ event: KeyspaceEvent = .set
    ) {
        let old = Entry(slot.entry)
        let oldShape = old.shape
        var deadline: Int64?
        switch change {
        case .clear: break
        case .keep: deadline = old.deadline
        case .set(let at): deadline = at
        }
        if oldShape.hasDeadline || deadline != nil {
            moveDeadline(from: old.deadline, to: deadline, hash)
        }
        let shape = Entry.Shape(
            keyCount: key.count, valueCount: value.inlineCount, hasDeadline: deadline != nil)
        if case .block(let block) = value { block.hold(heap) }
        let isPrivate = table.isPrivate(slot, hash: hash)
        let clock = accessRecord(following: old)
        // The caller's key may lie in the old entry, which is gone by the time of the commit.
        var stored = old
        if isPrivate && old.encoding.isInEntry
            && Heap.sizeClass(shape.byteCount) == Heap.sizeClass(oldShape.byteCount)
        {
            table.checkWritable(entry: old.base, hash: hash)
            Entry.write(
                at: old.base, shape, key: key, string: value, deadline: deadline,
                accessClock: clock)
        } else {
            let block = heap.pointee.allocate(shape.byteCount)
            Entry.write(
                at: block, shape, key: key, string: value, deadline: deadline, accessClock: clock)
            if old.encoding == .collection { forgetFieldDeadline(of: old, hash) }
            table.replace(slot, hash: hash, with: block)
            discard(old, hash, isPrivate: isPrivate)
            stored = Entry(block)
        }
        commit(event, stored.key, hash)
        if case .set = change { note(.expire, stored.key, hash) }
    }

    /// Stores a string under a key that is not there.
    mutating func add(
        _ key: ByteView, _ hash: UInt64, _ value: StringSource, _ deadline: Int64?,
        _ event: KeyspaceEvent = .set
    ) {
        _ = insert(key, hash, value, deadline)
        note(.new, key, hash)
        commit(event, key, hash)
        if deadline != nil { note(.expire, key, hash) }
    }

    /// Puts a string under a key that is not there; not committed.
    @inline(__always)
    mutating func insert(
        _ key: ByteView, _ hash: UInt64, _ value: StringSource, _ deadline: Int64?
    ) -> Entry {
        let shape = Entry.Shape(
            keyCount: key.count, valueCount: value.inlineCount, hasDeadline: deadline != nil)
        if case .block(let block) = value { block.hold(heap) }
        let block = heap.pointee.allocate(shape.byteCount)
        Entry.write(
            at: block, shape, key: key, string: value, deadline: deadline,
            accessClock: state.pointee.accessClock)
        table.insert(block, hash: hash)
        if deadline != nil { moveDeadline(from: nil, to: deadline, hash) }
        return Entry(block)
    }

    /// Writes another integer into a key that holds one.
    @inline(__always)
    mutating func setInteger(_ slot: TableSlot, _ hash: UInt64, _ value: Int64) {
        let entry = Entry(slot.entry)
        guard entry.encoding == .integer, table.isPrivate(slot, hash: hash) else {
            overwrite(slot, entry.key, hash, .integer(value), .keep, .incrementBy)
            return
        }
        table.checkWritable(entry: entry.base, hash: hash)
        entry.setInteger(value)
        touch(entry)
        commit(.incrementBy, entry.key, hash)
    }

    /// Gives a key another deadline, or none.
    mutating func setDeadline(_ slot: TableSlot, _ hash: UInt64, _ deadline: Int64?) {
        let old = Entry(slot.entry)
        commit(deadline == nil ? .persist : .expire, old.key, hash)
        moveDeadline(from: old.deadline, to: deadline, hash)
        let isPrivate = table.isPrivate(slot, hash: hash)
        if let deadline, old.hasDeadline, isPrivate {
            table.checkWritable(entry: old.base, hash: hash)
            old.setDeadline(deadline)
        } else {
            var shape = old.shape
            shape.hasDeadline = deadline != nil
            let block = heap.pointee.allocate(shape.byteCount)
            Entry.write(at: block, shape, key: old.key, copying: old, deadline: deadline)
            if old.encoding == .block {
                old.block.retain()
                old.block.hold(heap)
            }
            table.replace(slot, hash: hash, with: block)
            discard(old, hash, isPrivate: isPrivate, keepsValue: true)
        }
    }

    /// Appends to a string; the key keeps its deadline. Returns the new length in bytes.
    ///
    /// A string that grows past the threshold moves into a block with room to spare, so that a long
    /// run of appends copies each byte a constant number of times.
    mutating func append(_ slot: TableSlot, _ hash: UInt64, _ suffix: ByteView) -> Int {
        let entry = Entry(slot.entry)
        let isPrivate = table.isPrivate(slot, hash: hash)
        if isPrivate, entry.encoding == .block, entry.block.isUnique {
            table.checkWritable(entry: entry.base, hash: hash)
            let total = entry.block.count + suffix.count
            let room = total > entry.block.capacity ? total + total / 4 : total
            let block = entry.block.grown(to: room, heap: heap)
            block.append(suffix)
            entry.setBlock(block)
            commit(.append, entry.key, hash)
            return total
        }
        return entry.string.withText { text in
            let total = text.count + suffix.count
            if total >= ReferencedBlock.threshold {
                let block = ReferencedBlock(joining: text, suffix, heap: heap)
                overwrite(slot, entry.key, hash, .block(block), .keep, .append)
            } else {
                ByteView.withJoined(text, suffix) {
                    overwrite(slot, entry.key, hash, .edited($0), .keep, .append)
                }
            }
            return total
        }
    }

    /// Removes a key.
    mutating func remove(_ slot: TableSlot, _ hash: UInt64) {
        commit(.delete, Entry(slot.entry).key, hash)
        takeOut(slot, hash)
    }

    /// Removes a key that nobody asked to remove: no change that a save waits for, but one that
    /// others are told to repeat.
    mutating func removeUnasked(_ slot: TableSlot, _ hash: UInt64, _ event: KeyspaceEvent) {
        let key = Entry(slot.entry).key
        commit(event, key, hash, changes: 0)
        if state.pointee.effects.isActive {
            state.pointee.effects.add(2, in: index) {
                $0.add("DEL")
                $0.add(key)
            }
        }
        takeOut(slot, hash)
    }

    /// Takes an entry out of the table without a commit; with `keepsValue` another entry has taken
    /// over its collection.
    mutating func takeOut(_ slot: TableSlot, _ hash: UInt64, keepsValue: Bool = false) {
        let entry = Entry(slot.entry)
        if entry.hasDeadline { moveDeadline(from: entry.deadline, to: nil, hash) }
        if entry.encoding == .collection { forgetFieldDeadline(of: entry, hash) }
        let isPrivate = table.isPrivate(slot, hash: hash)
        table.remove(slot, hash: hash)
        discard(entry, hash, isPrivate: isPrivate, keepsValue: keepsValue)
    }

    // MARK: - The commit

    /// What happens at every change of a key. `key` may lie in an entry that is still valid.
    @inline(__always)
    mutating func commit(
        _ event: KeyspaceEvent, _ key: ByteView, _ hash: UInt64, changes: Int = 1
    ) {
        state.pointee.changesSinceSave &+= changes
        note(event, key, hash)
    }

    /// Tells whoever follows the key of something that is no change of its own.
    @inline(__always)
    func note(_ event: KeyspaceEvent, _ key: ByteView, _ hash: UInt64) {
        if state.pointee.changeLog.isActive {
            state.pointee.changeLog.note(event, key, hash, database: index)
        }
    }

    // MARK: - Parts of a change

    @inline(__always)
    var heap: UnsafeMutablePointer<Heap> { state.pointee.memory.pointee.heap }

    /// Frees an entry that has left the table, or keeps it for the snapshots that see it, and its
    /// collection, unless another entry has it now.
    @inline(__always)
    func discard(_ entry: Entry, _ hash: UInt64, isPrivate: Bool, keepsValue: Bool = false) {
        let bytes = entry.shape.byteCount
        if entry.encoding == .block { entry.block.letGo(heap) }
        if entry.encoding == .collection && !keepsValue { discardCollection(of: entry) }
        guard isPrivate else {
            if entry.encoding == .block { entry.block.bury(heap) }
            state.pointee.memory.pointee.retire(entry.base, bytes: bytes, kind: Self.entryKind)
            return
        }
        table.checkWritable(entry: entry.base, hash: hash)
        if entry.encoding == .block { entry.block.release(heap) }
        heap.pointee.free(entry.base, bytes)
    }

    /// Keeps the expiry index equal to the entries' deadlines.
    @inline(never)
    mutating func moveDeadline(from old: Int64?, to new: Int64?, _ hash: UInt64) {
        guard old != new else { return }
        let prefix = UInt32(truncatingIfNeeded: hash >> 32)
        if let old, old < DeadlineIndex.limit, old >= 0 {
            let found = deadlines.remove(deadline: old, hash: prefix)
            assert(found, "the index knows every deadline")
        }
        if let new, new < DeadlineIndex.limit, new >= 0 {
            deadlines.insert(deadline: new, hash: prefix)
        }
        if state.pointee.separatesOwnDeadlines { moveOwnDeadline(from: old, to: new, prefix) }
    }
}
