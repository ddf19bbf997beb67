// SPDX-License-Identifier: BSD-3-Clause
//
// Database: values that come from a dump, with all that it says of their keys.

/// A value without a key. Whoever has it stores it, or frees what it owns.
enum DetachedValue {
    case string(StringSource)
    case collection(CollectionSource)
}

/// What a dump says about the use of a key.
enum KeyUse {
    /// Seconds since it was used.
    case idle(seconds: UInt64)
    /// The logarithmic counter of LFU.
    case frequency(UInt8)
}

extension StringPayload {
    /// The string as it is to be stored; the caller gets the reference of a block.
    func stored(heap: UnsafeMutablePointer<Heap>) -> StringSource {
        switch self {
        case .integer(let integer): .integer(integer)
        case .bytes(let text): .stored(text, heap: heap)
        }
    }
}

extension Database {
    /// Adds a key that is not there, with what it held when it was saved. Nobody is told: the data
    /// is as it was.
    mutating func load(
        _ key: ByteView, _ hash: UInt64, _ value: DetachedValue, deadline: Int64?, _ use: KeyUse?
    ) {
        insert(makeEntry(key, value, deadline: deadline, use), hash)
    }

    /// An entry that is in no table yet: the caller's, to be inserted or discarded.
    @inline(__always)
    func makeEntry(
        _ key: ByteView, _ value: DetachedValue, deadline: Int64?, _ use: KeyUse?
    ) -> Entry {
        var shape = Entry.Shape(
            keyCount: key.count, valueCount: 8, hasDeadline: deadline != nil)
        var clock = state.pointee.accessClock
        if let use, let record = record(of: use) { clock = record }
        switch value {
        case .string(let source):
            shape.valueCount = source.inlineCount
            if case .block(let block) = source { block.hold(heap) }
            let block = heap.pointee.allocate(shape.byteCount)
            Entry.write(
                at: block, shape, key: key, string: source, deadline: deadline, accessClock: clock)
            return Entry(block)
        case .collection(let source):
            let block = heap.pointee.allocate(shape.byteCount)
            Entry.write(
                at: block, shape, key: key, collection: source, deadline: deadline,
                accessClock: clock)
            return Entry(block)
        }
    }

    /// Adds an entry whose key is not there.
    @inline(__always)
    mutating func insert(_ entry: Entry, _ hash: UInt64) {
        table.insert(entry.base, hash: hash)
        if entry.hasDeadline { moveDeadline(from: nil, to: entry.deadline, hash) }
        guard entry.encoding == .collection else { return }
        let source = CollectionSource(type: entry.type, base: entry.collection)
        if source.type == .stream { state.pointee.streams += 1 }
        if source.type == .hash {
            moveFieldDeadline(from: nil, to: HashValue.nextDeadline(source.base), hash)
        }
        if let home = state.pointee.home { source.settle(in: home) }
    }

    /// Frees an entry that was never inserted, with what it holds.
    func discard(uninserted entry: Entry) {
        let bytes = entry.shape.byteCount
        switch entry.encoding {
        case .collection:
            entry.type.collection.free(entry.collection, state.pointee.memory)
        case .block:
            entry.block.letGo(heap)
            entry.block.release(heap)
        default: break
        }
        heap.pointee.free(entry.base, bytes)
    }

    /// Stores a value under a key, whatever was there, as RESTORE does.
    mutating func restore(
        _ key: ByteView, _ hash: UInt64, _ value: DetachedValue, deadline: Int64?, _ use: KeyUse?
    ) {
        if let old = table.find(hash, key) { takeOut(old, hash) }
        note(.new, key, hash)
        load(key, hash, value, deadline: deadline, use)
        commit(.restore, key, hash)
    }

    /// Frees a value that nobody stores.
    func discard(_ value: DetachedValue) {
        switch value {
        case .string(.block(let block)): block.release(heap)
        case .string: break
        case .collection(let source):
            source.type.collection.free(source.base, state.pointee.memory)
        }
    }

    /// What an entry is to remember that was used so, or nil if entries remember something else.
    private func record(of use: KeyUse) -> UInt32? {
        let counts = state.pointee.countsFrequency
        switch use {
        case .idle(let seconds): return counts ? nil : idleRecord(seconds)
        case .frequency(let counter): return counts ? frequencyRecord(counter) : nil
        }
    }

    private func idleRecord(_ seconds: UInt64) -> UInt32 {
        // What was idle for longer than half of what the clock tells apart was so for half.
        let idle = UInt32(min(seconds, UInt64(AccessRecord.mask / 2)))
        return (state.pointee.accessClock &- idle) & AccessRecord.mask
    }

    private func frequencyRecord(_ counter: UInt8) -> UInt32 {
        AccessRecord.newFrequency(state.pointee.now) & ~0xFF | UInt32(counter)
    }
}
