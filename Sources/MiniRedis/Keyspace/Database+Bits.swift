// SPDX-License-Identifier: BSD-3-Clause
//
// Database: a string whose bytes a command changes itself, and one that it makes.
//
// As with SETRANGE (Database+Range), the bytes are changed where they are if nobody else sees them,
// and on a copy otherwise, which becomes the value only if something was changed.

extension Database {
    /// Lets `body` change the bytes of a string, which has zeros behind its end up to `least`
    /// bytes; without a `slot`, of a string of zeros. The key keeps its deadline. `body` returns
    /// how many changes it made: with none, and if the string was long enough, nothing has
    /// happened.
    ///
    /// `key` is not the entry's own. The caller has checked the type and the length.
    mutating func editString(
        _ slot: TableSlot?, _ key: KeyArgument, atLeast least: Int, _ event: KeyspaceEvent,
        _ body: (BitString) -> Int
    ) {
        guard let slot else {
            return editCopy(of: ByteView(""), nil, key, least, event, body)
        }
        let entry = Entry(slot.entry)
        let oldCount = entry.string.count
        let count = max(oldCount, least)
        guard table.isPrivate(slot, hash: key.hash), let bytes = ownBytes(of: entry, count) else {
            return entry.string.withText { editCopy(of: $0, slot, key, count, event, body) }
        }
        table.checkWritable(entry: entry.base, hash: key.hash)
        touch(entry)
        let changes = body(BitString(base: bytes, count: count))
        if changes == 0 && count == oldCount { return }
        commit(event, key.bytes, key.hash, changes: max(1, changes))
    }

    /// Lets `body` change bytes of a string that say the same as the others, in place: nobody is
    /// told. Where the bytes are shared, with a snapshot for instance, nothing happens.
    mutating func annotateString(
        _ slot: TableSlot, _ hash: UInt64, _ body: (BitString) -> Void
    ) {
        let entry = Entry(slot.entry)
        let count = entry.string.count
        guard table.isPrivate(slot, hash: hash), let bytes = ownBytes(of: entry, count) else {
            return
        }
        table.checkWritable(entry: entry.base, hash: hash)
        body(BitString(base: bytes, count: count))
        state.pointee.changesSinceSave &+= 1
    }

    /// Stores a string that was changed in part, in the place of the one in `slot` if there is one;
    /// the key keeps its deadline. `text` may not be the entry's own.
    mutating func storeEdited(
        _ slot: TableSlot?, _ key: KeyArgument, _ text: ByteView, _ event: KeyspaceEvent,
        changes: Int
    ) {
        guard text.count >= ReferencedBlock.threshold else {
            return store(slot, key, .edited(text), event, changes)
        }
        store(slot, key, .block(ReferencedBlock(copying: text, heap: heap)), event, changes)
    }

    /// Calls `use` with a string of `count` bytes, all written by `fill`, in the form in which it
    /// is to be stored, which it must be.
    static func withMade(
        count: Int, _ heap: UnsafeMutablePointer<Heap>, _ fill: (UnsafeMutableRawPointer) -> Void,
        _ use: (StringSource) -> Void
    ) {
        if count >= ReferencedBlock.threshold {
            let block = ReferencedBlock(capacity: count, heap: heap)
            fill(block.bytes)
            block.count = count
            return use(.block(block))
        }
        withUnsafeTemporaryAllocation(byteCount: max(1, count), alignment: 16) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            fill(start)
            use(.edited(ByteView(start, count: count)))
        }
    }

    /// The bytes of an entry that is private, with zeros behind them up to `count`, if they can be
    /// changed where they are.
    private func ownBytes(of entry: Entry, _ count: Int) -> UnsafeMutableRawPointer? {
        switch entry.encoding {
        case .block:
            guard entry.block.isUnique else { return nil }
            if count > entry.block.count {
                entry.setBlock(entry.block.patched(at: count, with: ByteView(""), heap: heap))
            }
            return entry.block.bytes
        case .inline:
            guard case .bytes(let text) = entry.string, text.count == count else { return nil }
            entry.patchInline(at: 0, with: ByteView(""))
            return UnsafeMutableRawPointer(mutating: text.base)
        case .integer, .collection: return nil
        }
    }

    private mutating func editCopy(
        of text: ByteView, _ slot: TableSlot?, _ key: KeyArgument, _ count: Int,
        _ event: KeyspaceEvent, _ body: (BitString) -> Int
    ) {
        if count >= ReferencedBlock.threshold {
            let block = ReferencedBlock(copying: text, ByteView(""), at: count, heap: heap)
            let changes = body(BitString(base: block.bytes, count: count))
            if changes == 0 && count == text.count && slot != nil { return block.release(heap) }
            return store(slot, key, .block(block), event, max(1, changes))
        }
        text.withPatched(at: count, with: ByteView("")) { copy in
            let base = UnsafeMutableRawPointer(mutating: copy.base)
            let changes = body(BitString(base: base, count: count))
            if changes == 0, count == text.count, let slot { return makeText(slot, key, copy) }
            store(slot, key, .edited(copy), event, max(1, changes))
        }
    }

    /// An integer that was to be changed in part, and was not, is text from then on, as in Redis:
    /// the same value, so nobody is told.
    private mutating func makeText(_ slot: TableSlot, _ key: KeyArgument, _ text: ByteView) {
        let old = Entry(slot.entry)
        guard old.encoding == .integer else { return }
        let shape = Entry.Shape(
            keyCount: key.bytes.count, valueCount: text.count, hasDeadline: old.hasDeadline)
        let block = heap.pointee.allocate(shape.byteCount)
        Entry.write(
            at: block, shape, key: key.bytes, string: .edited(text), deadline: old.deadline,
            accessClock: old.accessClock)
        let isPrivate = table.isPrivate(slot, hash: key.hash)
        table.replace(slot, hash: key.hash, with: block)
        discard(old, key.hash, isPrivate: isPrivate)
    }

    private mutating func store(
        _ slot: TableSlot?, _ key: KeyArgument, _ value: StringSource, _ event: KeyspaceEvent,
        _ changes: Int
    ) {
        if let slot {
            overwrite(slot, key.bytes, key.hash, value, .keep, event)
        } else {
            add(key.bytes, key.hash, value, nil, event)
        }
        state.pointee.changesSinceSave &+= changes - 1
    }
}
