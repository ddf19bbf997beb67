// SPDX-License-Identifier: BSD-3-Clause
//
// Entry: a key with its value, in one block.
//
//     offset  0   type : 4 | encoding : 4
//             1   key length (255: see the wide lengths)
//             2   value length : 16
//             4   flags : 8 | access clock : 24               one atomic word
//            [8   key length : 32, value length : 32]         if wide
//            [.   deadline, milliseconds since the epoch : 64]  if it has one
//             .   key bytes
//             .   value: its bytes; or an integer : 64; or the address of a ReferencedBlock or of
//                 a collection's block : 64
//
// 88 bytes for a key of 16 and a value of 64. Little endian, nothing aligned but the block.
// Everything but the access clock is constant while a snapshot may see the entry; the clock is
// written by reads, and no snapshot depends on it, which is why that one word is atomic.
//
// Limits: keys and inline values below 4 GiB (the protocol's limit is 512 MiB).

import Synchronization

/// How a value lies in its entry; the first three are strings.
enum ValueEncoding: UInt8 {
    case inline = 0
    case integer = 1
    /// A `ReferencedBlock`, of which the entry has a reference.
    case block = 2
    /// The stamped block of a collection, which the entry owns.
    case collection = 3

    /// Whether the value's bytes are the entry's own.
    @inline(__always)
    var isInEntry: Bool { rawValue < 2 }
}

/// A view of an entry's block; owns nothing.
struct Entry {
    /// What an entry is, before it is written: decides the size of its block.
    struct Shape {
        var keyCount: Int
        var valueCount: Int
        var hasDeadline: Bool

        @inline(__always)
        var isWide: Bool { keyCount >= 255 || valueCount > 0xFFFF }

        @inline(__always)
        var byteCount: Int {
            8 &+ (isWide ? 8 : 0) &+ (hasDeadline ? 8 : 0) &+ keyCount &+ valueCount
        }
    }

    private enum Flag {
        static let deadline: UInt32 = 1
        static let wide: UInt32 = 2
        /// The string was changed in part; only OBJECT ENCODING tells.
        static let edited: UInt32 = 4
        static let mask: UInt32 = 0xFF
    }

    let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) {
        self.base = base
    }

    // MARK: - Fields

    /// Flags and access clock.
    @inline(__always)
    private var word: UInt32 {
        (base + 4).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .relaxed)
    }

    @inline(__always)
    var type: ValueType { ValueType(rawValue: base.load(as: UInt8.self) & 15).unsafelyUnwrapped }

    @inline(__always)
    var encoding: ValueEncoding {
        ValueEncoding(rawValue: base.load(as: UInt8.self) >> 4).unsafelyUnwrapped
    }

    @inline(__always)
    var hasDeadline: Bool { word & Flag.deadline != 0 }

    @inline(__always)
    private var isWide: Bool { word & Flag.wide != 0 }

    /// Seconds modulo 2^24 of the last access.
    @inline(__always)
    var accessClock: UInt32 { word >> 8 }

    /// Records an access. The line is written only if the clock has moved.
    @inline(__always)
    func touch(_ clock: UInt32) {
        let old = word
        guard old >> 8 != clock else { return }
        (base + 4).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .store(old & Flag.mask | clock << 8, ordering: .relaxed)
    }

    @inline(__always)
    var shape: Shape {
        let word = word
        let hasDeadline = word & Flag.deadline != 0
        if word & Flag.wide != 0 {
            return Shape(
                keyCount: Int(base.load(fromByteOffset: 8, as: UInt32.self)),
                valueCount: Int(base.load(fromByteOffset: 12, as: UInt32.self)),
                hasDeadline: hasDeadline)
        }
        return Shape(
            keyCount: Int(base.load(fromByteOffset: 1, as: UInt8.self)),
            valueCount: Int(base.load(fromByteOffset: 2, as: UInt16.self)),
            hasDeadline: hasDeadline)
    }

    /// When the key dies, in milliseconds since the epoch, or nil.
    @inline(__always)
    var deadline: Int64? {
        let word = word
        guard word & Flag.deadline != 0 else { return nil }
        let offset = word & Flag.wide != 0 ? 16 : 8
        return base.loadUnaligned(fromByteOffset: offset, as: Int64.self)
    }

    /// Writes another deadline over the present one.
    func setDeadline(_ deadline: Int64) {
        assert(hasDeadline)
        base.storeBytes(of: deadline, toByteOffset: isWide ? 16 : 8, as: Int64.self)
    }

    @inline(__always)
    private var keyOffset: Int {
        let word = word
        return 8 &+ (word & Flag.wide != 0 ? 8 : 0) &+ (word & Flag.deadline != 0 ? 8 : 0)
    }

    @inline(__always)
    var key: ByteView {
        let word = word
        if word & (Flag.wide | Flag.deadline) == 0 {
            return ByteView(base + 8, count: Int(base.load(fromByteOffset: 1, as: UInt8.self)))
        }
        return ByteView(base + keyOffset, count: shape.keyCount)
    }

    @inline(__always)
    private var valueBase: UnsafeMutableRawPointer { base + keyOffset + shape.keyCount }

    // MARK: - Strings

    /// The string value; valid until the entry changes.
    @inline(__always)
    var string: StringPayload {
        switch encoding {
        case .inline: .bytes(ByteView(valueBase, count: shape.valueCount))
        case .integer: .integer(valueBase.loadUnaligned(as: Int64.self))
        case .block: .bytes(block.view)
        case .collection: preconditionFailure("a collection is no string")
        }
    }

    /// The encoding as OBJECT ENCODING names it.
    var encodingName: StaticString {
        switch encoding {
        case .integer: "int"
        case .inline: shape.valueCount <= 44 && word & Flag.edited == 0 ? "embstr" : "raw"
        case .block: "raw"
        case .collection: type.collection.encodingName(collection)
        }
    }

    // MARK: - Collections

    /// The block of a collection.
    @inline(__always)
    var collection: UnsafeMutableRawPointer {
        assert(encoding == .collection)
        return UnsafeMutableRawPointer(bitPattern: valueBase.loadUnaligned(as: UInt.self))
            .unsafelyUnwrapped
    }

    /// Points the entry to another block.
    func setCollection(_ base: UnsafeMutableRawPointer) {
        assert(encoding == .collection)
        valueBase.storeBytes(of: UInt(bitPattern: base), as: UInt.self)
    }

    /// Where the entry, which must be writable, keeps the address of its collection.
    @inline(__always)
    func place(_ memory: UnsafeMutablePointer<Memory>) -> BlockPlace {
        BlockPlace(valueBase, memory: memory)
    }

    /// Writes an entry of a collection, as the other `write` does one of a string.
    static func write(
        at base: UnsafeMutableRawPointer, _ shape: Shape, key: ByteView,
        collection: CollectionSource, deadline: Int64?, accessClock: UInt32
    ) {
        let kind = collection.type.rawValue | ValueEncoding.collection.rawValue << 4
        let value = writeHead(
            at: base, shape, kind, key: key, deadline: deadline, word: accessClock << 8)
        value.storeBytes(of: UInt(bitPattern: collection.base), as: UInt.self)
    }

    /// The block of a string of that encoding; the entry holds a reference to it.
    var block: ReferencedBlock {
        assert(encoding == .block)
        let address = valueBase.loadUnaligned(as: UInt.self)
        return ReferencedBlock(UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped)
    }

    /// Points the entry to another block, or to where the present one has moved.
    func setBlock(_ block: ReferencedBlock) {
        assert(encoding == .block)
        valueBase.storeBytes(of: UInt(bitPattern: block.address), as: UInt.self)
    }

    /// Writes another integer over the present one.
    @inline(__always)
    func setInteger(_ value: Int64) {
        assert(encoding == .integer)
        valueBase.storeBytes(of: value, as: Int64.self)
    }

    /// Writes `patch` over the bytes of an inline string, inside of them.
    func patchInline(at offset: Int, with patch: ByteView) {
        assert(encoding == .inline && offset + patch.count <= shape.valueCount)
        (valueBase + offset).copyMemory(from: patch.base, byteCount: patch.count)
        (base + 4).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .store(word | Flag.edited, ordering: .relaxed)
    }

    /// Writes a whole entry into a block of at least `shape.byteCount` bytes. `key` and the value
    /// may not overlap it.
    @inline(__always)
    static func write(
        at base: UnsafeMutableRawPointer, _ shape: Shape, key: ByteView, string: StringSource,
        deadline: Int64?, accessClock: UInt32
    ) {
        let encoding: ValueEncoding =
            switch string {
            case .bytes, .edited: .inline
            case .integer: .integer
            case .block: .block
            }
        var flags: UInt32 = 0
        if case .edited = string { flags = Flag.edited }
        let value = writeHead(
            at: base, shape, ValueType.string.rawValue | encoding.rawValue << 4, key: key,
            deadline: deadline, word: flags | accessClock << 8)
        switch string {
        case .bytes(let view), .edited(let view):
            value.copyMemory(from: view.base, byteCount: view.count)
        case .integer(let integer): value.storeBytes(of: integer, as: Int64.self)
        case .block(let block): value.storeBytes(of: UInt(bitPattern: block.address), as: UInt.self)
        }
    }

    /// Writes an entry that differs from `other` in its key or its deadline; the value is copied
    /// bit by bit.
    static func write(
        at base: UnsafeMutableRawPointer, _ shape: Shape, key: ByteView, copying other: Entry,
        deadline: Int64?
    ) {
        let value = writeHead(
            at: base, shape, other.base.load(as: UInt8.self), key: key, deadline: deadline,
            word: other.word & ~(Flag.deadline | Flag.wide))
        value.copyMemory(from: other.valueBase, byteCount: shape.valueCount)
    }

    /// A block with the same bytes, which the caller owns.
    func copied(_ heap: UnsafeMutablePointer<Heap>) -> UnsafeMutableRawPointer {
        let bytes = shape.byteCount
        let block = heap.pointee.allocate(bytes)
        block.copyMemory(from: base, byteCount: bytes)
        return block
    }

    /// Writes everything before the value, and returns where the value starts. `word` is the access
    /// clock and those flags that do not follow from the shape.
    @inline(__always)
    private static func writeHead(
        at base: UnsafeMutableRawPointer, _ shape: Shape, _ kind: UInt8, key: ByteView,
        deadline: Int64?, word: UInt32
    ) -> UnsafeMutableRawPointer {
        var flags: UInt32 = deadline == nil ? 0 : Flag.deadline
        var offset = 8
        base.storeBytes(of: kind, as: UInt8.self)
        if shape.isWide {
            flags |= Flag.wide
            base.storeBytes(
                of: UInt32(truncatingIfNeeded: shape.keyCount), toByteOffset: 8, as: UInt32.self)
            base.storeBytes(
                of: UInt32(truncatingIfNeeded: shape.valueCount), toByteOffset: 12,
                as: UInt32.self)
            offset = 16
        } else {
            base.storeBytes(
                of: UInt8(truncatingIfNeeded: shape.keyCount), toByteOffset: 1, as: UInt8.self)
            base.storeBytes(
                of: UInt16(truncatingIfNeeded: shape.valueCount), toByteOffset: 2,
                as: UInt16.self)
        }
        base.storeBytes(of: flags | word, toByteOffset: 4, as: UInt32.self)
        if let deadline {
            base.storeBytes(of: deadline, toByteOffset: offset, as: Int64.self)
            offset += 8
        }
        (base + offset).copyMemory(from: key.base, byteCount: key.count)
        return base + offset + key.count
    }
}

/// A collection as it is to be stored: its block changes hands.
struct CollectionSource {
    var type: ValueType
    var base: UnsafeMutableRawPointer
}

/// How the keyspace's table reads entries.
enum EntryLayout: TableLayout {
    @inline(__always)
    static func key(of entry: UnsafeMutableRawPointer) -> ByteView { Entry(entry).key }
}

extension StringSource {
    /// Bytes that the value takes in its entry.
    @inline(__always)
    var inlineCount: Int {
        switch self {
        case .bytes(let view), .edited(let view): view.count
        case .integer, .block: 8
        }
    }
}
