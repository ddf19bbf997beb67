// SPDX-License-Identifier: BSD-3-Clause
//
// SortedSetValue: members with scores, in the order of scores and, among equal scores, of members.
//
// Up to some KiB a sorted set is one packed block of members and scores in turn, in order; beyond
// that a root with two ways to the same elements: a table by member, and a counted tree in order:
//
//     packed   [ stamp | traits | count | length | "a" 1 | "c" 1 | "b" 2.5 ]
//
//     root     [ header | table | tree's head ]
//                           |            |
//                           |            +--> leaves  [ 1 : o ][ 1 : o ][ 2.5 : o ]
//                           v                              |        |         |
//                        segments  o ------------------>  [ 1 | 1 | a ]       |
//                                  o -------------------------> [ 1 | 1 | c ] |
//                                  o ---------------------------------> [ 2.5 | 1 | b ]
//
// A record of the tree is the score as a number that sorts as the score does, and the element's
// address; only among equal scores is an element looked at. A rank is a way down the tree.
//
// A change of a score that leaves the member between its neighbours is written where it lies;
// otherwise the record moves. An element that a snapshot sees is replaced, in the table and in the
// tree. A snapshot's walk reads the tree.
//
// What OBJECT ENCODING says follows the rules of Redis 7.2 and is remembered in the traits:
// listpack up to zset-max-listpack-entries members, none longer than zset-max-listpack-value;
// skiplist from then on.
//
// Limits: a score is a double and never NaN; minus zero is kept as it came and sorts as zero.

/// What OBJECT ENCODING says of a sorted set: the traits of its block.
enum SortedSetTraits {
    static let listed: UInt8 = 0
    static let skipping: UInt8 = 1
}

/// A member with its score in its own block: `score : 64 | length : 8 | member`. Lengths from 255
/// on take four bytes more.
enum SortedSetElement: ElementLayout {
    static let scoreBytes = 8

    @inline(__always)
    static func key(of element: UnsafeMutableRawPointer) -> ByteView {
        SetElement.key(of: element + scoreBytes)
    }

    @inline(__always)
    static func byteCount(of element: UnsafeMutableRawPointer) -> Int {
        scoreBytes &+ SetElement.byteCount(of: element + scoreBytes)
    }

    @inline(__always)
    static func score(of element: UnsafeRawPointer) -> Double { element.load(as: Double.self) }

    /// A new element; the caller owns it.
    @inline(__always)
    static func make(
        _ member: ByteView, _ score: Double, _ heap: UnsafeMutablePointer<Heap>
    ) -> UnsafeMutableRawPointer {
        let bytes = scoreBytes &+ SetElement.byteCount(forKeyOf: member.count)
        let element = heap.pointee.allocate(bytes)
        element.storeBytes(of: score, as: Double.self)
        SetElement.write(member, at: element + scoreBytes)
        return element
    }
}

/// A record of the tree: where a member stands.
struct SortedSetRecord {
    /// The score's bits, so changed that they sort as unsigned numbers.
    var key: UInt64
    var address: UInt

    @inline(__always)
    init(_ score: Double, _ element: UnsafeMutableRawPointer) {
        key = Self.key(score)
        address = UInt(bitPattern: element)
    }

    @inline(__always)
    init(_ record: UnsafeRawPointer) {
        self = record.load(as: SortedSetRecord.self)
    }

    /// Adding zero makes zero of minus zero.
    @inline(__always)
    static func key(_ score: Double) -> UInt64 {
        let bits = (score + 0).bitPattern
        return bits ^ (UInt64(bitPattern: Int64(bitPattern: bits) >> 63) | 1 << 63)
    }

    var element: UnsafeMutableRawPointer {
        @inline(__always) get { UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped }
    }

    var member: ByteView { @inline(__always) get { SortedSetElement.key(of: element) } }

    /// The score as it came; minus zero is only in the element.
    var score: Double { @inline(__always) get { SortedSetElement.score(of: element) } }

    /// Whether this one comes before `member` with the score of `key`.
    @inline(__always)
    func precedes(_ other: UInt64, _ member: ByteView) -> Bool {
        key < other || key == other && self.member.compare(member) < 0
    }
}

enum SortedSetOrder: TreeLayout {
    static var recordBytes: Int { @inline(__always) get { 16 } }

    @inline(__always)
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        let (left, right) = (SortedSetRecord(left), SortedSetRecord(right))
        return left.key < right.key
            || left.key == right.key && left.member.compare(right.member) < 0
    }
}

typealias SortedSetTable = ElementTable<SortedSetElement>
typealias SortedSetTree = CountedTree<SortedSetOrder>

extension ElementTable where Layout == SortedSetElement {
    /// Where the tree's head lies in the root.
    var treeHead: UnsafeMutablePointer<TreeHead> {
        @inline(__always) get {
            (base + Self.tableEnd).assumingMemoryBound(to: TreeHead.self)
        }
    }

    var tree: SortedSetTree {
        @inline(__always) get { SortedSetTree(head: treeHead, memory: table.pointee.memory) }
    }
}

enum SortedSetValue: CollectionValue {
    static var rootBytes: Int {
        @inline(__always) get { SortedSetTable.tableEnd + TreeHead.bytes }
    }

    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        PackedBlock.create(memory, bidirectional: false, traits: SortedSetTraits.listed)
    }

    /// An empty root.
    static func createRoot(
        _ memory: UnsafeMutablePointer<Memory>, traits: UInt8
    ) -> SortedSetTable {
        let root = SortedSetTable.create(memory, bytes: rootBytes, traits: traits)
        root.treeHead.initialize(to: TreeHead())
        return root
    }

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let header = CollectionHeader(base)
        guard header.isRoot else { return PackedBlock.copy(base, memory) }
        let copy = createRoot(memory, traits: header.traits)
        SortedSetView(base).forEach { member, score in copy.append(member, score) }
        return copy.base
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString {
        CollectionHeader(base).traits == SortedSetTraits.listed ? "listpack" : "skiplist"
    }

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int {
        guard CollectionHeader(base).isRoot else { return PackedView(base).allocatedBytes }
        let root = SortedSetTable(base)
        return Heap.sizeClass(rootBytes) + root.table.pointee.byteCount + root.tree.byteCount
            + root.elementBytes(samples: samples)
    }

    static func blockCount(_ base: UnsafeRawPointer) -> Int {
        let header = CollectionHeader(base)
        return header.isRoot ? header.count + header.count / 30 + 6 : 1
    }

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        _ = dismantle(base, memory)(.max)
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        guard CollectionHeader(base).isRoot else {
            return { _ in
                PackedBlock.free(base, memory)
                return true
            }
        }
        let root = SortedSetTable(base)
        // The head is read and left as it is: a snapshot may see the root.
        var tree = DetachedTree<SortedSetOrder>(root.treeHead.pointee)
        let rest = root.dismantle(bytes: rootBytes, memory)
        var isTreeFreed = false
        return { budget in
            if !isTreeFreed { isTreeFreed = tree.free(atMost: budget, memory: memory) { _ in } }
            return isTreeFreed && rest(budget)
        }
    }

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) {
        SortedSetView(base).forEach { member, score in
            DoubleText.withText(score) { digest.add(unordered: member, $0) }
        }
    }
}

extension ElementTable where Layout == SortedSetElement {
    /// Adds a member that is not there and comes behind all others, to a root that is writable.
    func append(_ member: ByteView, _ score: Double) {
        let memory = table.pointee.memory
        let element = SortedSetElement.make(member, score, memory.pointee.heap)
        insert(element, hash: memory.pointee.hasher.hash(member))
        var record = SortedSetRecord(score, element)
        tree.append(&record)
    }
}
