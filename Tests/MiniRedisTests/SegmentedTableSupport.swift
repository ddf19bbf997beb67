// SPDX-License-Identifier: BSD-3-Clause
//
// A table of tiny entries for tests, and keys that are chosen for their hashes.

@testable import MiniRedis

/// An entry of 16 bytes: its key, a number of 8 bytes, and a number that says which copy it is.
enum TinyLayout: TableLayout {
    static let bytes = 16

    static func key(of entry: UnsafeMutableRawPointer) -> ByteView { ByteView(entry, count: 8) }
}

/// A table with its own memory. When it goes, every byte must have come back.
final class TableFixture {
    let memory: UnsafeMutablePointer<Memory>
    let hasher: KeyHash
    var table: SegmentedTable<TinyLayout>
    /// What a table that is empty takes.
    let emptyBytes: Int

    init(seed: UInt64) {
        hasher = KeyHash(seed: seed)
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        table = SegmentedTable(ordinal: 3, hasher: hasher, memory: memory)
        emptyBytes = memory.pointee.heap.pointee.allocatedBytes
    }

    deinit {
        var rest = table.detach()
        _ = rest.free(atMost: .max, heap: memory.pointee.heap) { [self] in
            free($0)
            return 1
        }
        while memory.pointee.reclaim(budget: 1000, release: { _, _ in }) {}
        let bytes = memory.pointee.heap.pointee.allocatedBytes
        precondition(bytes == emptyBytes, "the table leaks")
    }

    var allocatedBytes: Int { memory.pointee.heap.pointee.allocatedBytes }
    var globalDepth: Int { table.globalDepth }

    func free(_ entry: UnsafeMutableRawPointer) {
        memory.pointee.heap.pointee.free(entry, TinyLayout.bytes)
    }

    func hash(_ key: UInt64) -> UInt64 { TableFixture.hash(key, hasher) }

    static func hash(_ key: UInt64, _ hasher: KeyHash) -> UInt64 {
        withUnsafeBytes(of: key) { room in
            guard let base = room.baseAddress else { return 0 }
            return hasher.hash(ByteView(base, count: 8))
        }
    }

    static func key(_ entry: UnsafeMutableRawPointer) -> UInt64 { entry.load(as: UInt64.self) }
    static func copy(_ entry: UnsafeMutableRawPointer) -> UInt64 {
        entry.load(fromByteOffset: 8, as: UInt64.self)
    }

    func entry(_ key: UInt64, copy: UInt64) -> UnsafeMutableRawPointer {
        let entry = memory.pointee.heap.pointee.allocate(TinyLayout.bytes)
        entry.storeBytes(of: key, as: UInt64.self)
        entry.storeBytes(of: copy, toByteOffset: 8, as: UInt64.self)
        return entry
    }

    func find(_ key: UInt64) -> TableSlot? {
        withUnsafeBytes(of: key) { room in
            guard let base = room.baseAddress else { return nil }
            return table.find(hash(key), ByteView(base, count: 8))
        }
    }

    func insert(_ key: UInt64, copy: UInt64 = 0) {
        table.insert(entry(key, copy: copy), hash: hash(key))
    }

    /// Replaces the entry of a key that is there; the old one is freed or retired.
    func replace(_ slot: TableSlot, _ key: UInt64, copy: UInt64) {
        let isPrivate = table.isPrivate(slot, hash: hash(key))
        let old = slot.entry
        table.replace(slot, hash: hash(key), with: entry(key, copy: copy))
        discard(old, isPrivate)
    }

    func remove(_ slot: TableSlot, _ key: UInt64) {
        let isPrivate = table.isPrivate(slot, hash: hash(key))
        let old = slot.entry
        table.remove(slot, hash: hash(key))
        discard(old, isPrivate)
    }

    private func discard(_ entry: UnsafeMutableRawPointer, _ isPrivate: Bool) {
        if isPrivate {
            free(entry)
        } else {
            memory.pointee.retire(entry, bytes: TinyLayout.bytes)
        }
    }

    func remove(_ key: UInt64) {
        if let slot = find(key) { remove(slot, key) }
    }

    /// All keys, by SCAN.
    func scanned() -> [UInt64] {
        var keys: [UInt64] = []
        var cursor: UInt64 = 0
        repeat {
            cursor = table.scan(cursor) { keys.append(TableFixture.key($0)) }
        } while cursor != 0
        return keys
    }
}

/// Keys whose hashes begin with the same bits, found by trying.
///
/// - Parameters:
///   - bits: how many of the top bits.
///   - prefix: what they are.
func keys(_ count: Int, sharing bits: Int, prefix: UInt64, _ hasher: KeyHash) -> [UInt64] {
    var found: [UInt64] = []
    var key: UInt64 = 1 << 40
    while found.count < count {
        if TableFixture.hash(key, hasher) >> UInt64(64 - bits) == prefix { found.append(key) }
        key += 1
    }
    return found
}
