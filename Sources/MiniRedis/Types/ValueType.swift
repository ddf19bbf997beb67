// SPDX-License-Identifier: BSD-3-Clause
//
// The types of values, and what the keyspace does with a collection of any type without knowing
// which: copy it, free it, measure it, name its encoding.
//
// A collection is a stamped block (see Memory/BlockPlace). Every one begins alike:
//
//     offset 0   stamp : 40 bits
//            5   bit 7: packed, else a root; the other bits are the type's own (`CollectionHeader`)
//            6   packed: number of items : 16
//            8   root: number of elements : 64
//
// A packed one is a `PackedBlock` and holds all there is. A root owns tables, trees and elements.

/// The type of a value, as TYPE names it.
enum ValueType: UInt8, CaseIterable, Sendable {
    case string = 0
    case list = 1
    case set = 2
    case sortedSet = 3
    case hash = 4
    case stream = 5

    var name: StaticString {
        switch self {
        case .string: "string"
        case .list: "list"
        case .set: "set"
        case .sortedSet: "zset"
        case .hash: "hash"
        case .stream: "stream"
        }
    }

    /// Whether a large collection of this type has its elements in an `ElementTable`.
    @inline(__always)
    var hasElementTable: Bool { self == .set || self == .hash || self == .sortedSet }

    /// What to do with a collection of this type; strings are none.
    var collection: any CollectionValue.Type {
        switch self {
        case .string: preconditionFailure("a string is no collection")
        case .list: ListValue.self
        case .set: SetValue.self
        case .sortedSet: SortedSetValue.self
        case .hash: HashValue.self
        case .stream: StreamValue.self
        }
    }

    /// Whether a collection that has become empty takes its key with it.
    @inline(__always)
    var vanishesWhenEmpty: Bool { self != .stream }
}

/// A type of collection. `base` is the address of a block that `create` made; reading is allowed on
/// any thread while a snapshot sees the block.
protocol CollectionValue {
    /// An empty collection, which the caller owns.
    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer
    /// A collection with the same contents that shares nothing with this one.
    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer
    /// The encoding as OBJECT ENCODING names it.
    static func encodingName(_ base: UnsafeRawPointer) -> StaticString
    /// All bytes of the collection as allocated; large ones may be estimated from `samples`
    /// elements (0: all are looked at).
    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int
    /// About how many blocks there are to free.
    static func blockCount(_ base: UnsafeRawPointer) -> Int
    /// Frees everything at once; no snapshot may see any of it.
    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>)
    /// Gives the collection up for freeing in slices: each call of what is returned frees about so
    /// many blocks, and says whether all is done. No snapshot may see any of it when it is called.
    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool
    /// Adds the contents to a digest: in order, or each element by itself where there is none.
    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest)
}

/// What all blocks of collections have in common.
struct CollectionHeader {
    static let rootBit: UInt8 = 0x80
    /// Where a root's own fields start.
    static let rootBytes = 16

    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) {
        self.base = base
    }

    /// The bits of a block that are its type's to use.
    var traits: UInt8 {
        @inline(__always) get { base.load(fromByteOffset: 5, as: UInt8.self) & ~Self.rootBit }
    }

    var isRoot: Bool {
        @inline(__always) get {
            base.load(fromByteOffset: 5, as: UInt8.self) & Self.rootBit != 0
        }
    }

    /// Items of a packed collection, elements of a root.
    var count: Int {
        @inline(__always) get {
            isRoot
                ? base.load(fromByteOffset: 8, as: Int.self)
                : Int(base.load(fromByteOffset: 6, as: UInt16.self))
        }
    }

    /// Writes the header of an empty root.
    static func writeRoot(at base: UnsafeMutableRawPointer, stamp: UInt64, traits: UInt8 = 0) {
        base.storeBytes(of: 0, as: UInt64.self)
        base.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        base.storeBytes(of: traits | rootBit, toByteOffset: 5, as: UInt8.self)
        BlockStamp.write(stamp, to: base)
    }

    /// Sets the type's own bits of a root, which must be writable.
    static func setTraits(_ traits: UInt8, at base: UnsafeMutableRawPointer) {
        base.storeBytes(of: traits | rootBit, toByteOffset: 5, as: UInt8.self)
    }

    /// Sets the number of elements of a root, which must be writable.
    @inline(__always)
    static func setRootCount(_ count: Int, at base: UnsafeMutableRawPointer) {
        base.storeBytes(of: count, toByteOffset: 8, as: Int.self)
    }
}

/// Up to which sizes a collection is called packed, and a few more settings of encodings.
struct EncodingLimits: Equatable, Sendable {
    var hashEntries = 512
    var hashValueBytes = 64
    /// Positive: elements of a node; -1 to -5: 4 to 64 KiB.
    var listSize = -2
    var setIntegerEntries = 512
    var setEntries = 128
    var setValueBytes = 64
    var sortedSetEntries = 128
    var sortedSetValueBytes = 64
    var streamNodeBytes = 4096
    var streamNodeEntries = 100
    var hyperLogLogSparseBytes = 3000
}

/// 160 bits that are the same for the same contents.
struct ValueDigest {
    private(set) var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var chain: UInt64 = 0

    /// An element whose place does not matter: sums, so that equal elements do not cancel out.
    mutating func add(unordered bytes: ByteView, salt: UInt64 = 0) {
        words.0 &+= Self.hash(bytes, salt &* 3 &+ 1)
        words.1 &+= Self.hash(bytes, salt &* 3 &+ 2)
        words.2 &+= Self.hash(bytes, salt &* 3 &+ 3)
    }

    /// An element that comes after all those before it.
    mutating func add(ordered bytes: ByteView) {
        chain = chain &* 0x9E37_79B9_7F4A_7C15 &+ 1
        add(unordered: bytes, salt: chain)
    }

    /// Two parts that belong together, their place of no matter.
    mutating func add(unordered first: ByteView, _ second: ByteView) {
        var pair = ByteBuffer(capacity: first.count + second.count + 16)
        pair.append(littleEndian: UInt64(first.count))
        pair.append(first)
        pair.append(second)
        add(unordered: pair.view)
    }

    mutating func add(_ other: ValueDigest, salt: UInt64) {
        withUnsafeBytes(of: other.words) { bytes in
            guard let base = bytes.baseAddress else { return }
            add(unordered: ByteView(base, count: bytes.count), salt: salt)
        }
    }

    private static func hash(_ bytes: ByteView, _ salt: UInt64) -> UInt64 {
        KeyHash(seed: salt).hash(bytes)
    }

    /// 40 hexadecimal digits.
    var text: String {
        func hexadecimal(_ word: UInt64, _ digits: Int) -> String {
            let text = String(word, radix: 16)
            return String((String(repeating: "0", count: 16) + text).suffix(digits))
        }
        return hexadecimal(words.0, 16) + hexadecimal(words.1, 16) + hexadecimal(words.2, 8)
    }
}
