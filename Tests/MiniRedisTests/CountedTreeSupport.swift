// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of `CountedTree` share: layouts of every kind, and a tree beside a sorted array
// that random operations are done to.

@testable import MiniRedis

/// A seeded source of numbers (SplitMix64): the same ones in every run.
struct TreeNumbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

/// A record as the model keeps it.
struct TreeItem: Equatable {
    /// What is ordered by, with many equal ones.
    var score: UInt64
    /// Tells records apart.
    var identity: UInt64
    /// The weight of layouts that have weights, else something that changes.
    var load: UInt64

    static func < (left: TreeItem, right: TreeItem) -> Bool {
        left.score < right.score || (left.score == right.score && left.identity < right.identity)
    }
}

protocol TreeTestLayout: TreeLayout {
    static var isWeighted: Bool { get }
}

extension TreeTestLayout {
    static var isWeighted: Bool { false }

    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        precondition(isOrdered, "a positional tree has no order")
        return read(left) < read(right)
    }

    static func weight(_ record: UnsafeRawPointer) -> Int {
        isWeighted ? Int(read(record).load) : 1
    }

    /// Fills the whole record, so that damage anywhere in it is seen.
    static func write(_ item: TreeItem, to record: UnsafeMutableRawPointer) {
        let words = record.assumingMemoryBound(to: UInt64.self)
        words[0] = item.score << 32 | item.load
        words[1] = item.identity
        for index in 2..<max(recordBytes / 8, 2) { words[index] = item.identity ^ item.load }
    }

    static func read(_ record: UnsafeRawPointer) -> TreeItem {
        let words = record.assumingMemoryBound(to: UInt64.self)
        let item = TreeItem(
            score: words[0] >> 32, identity: words[1], load: words[0] & 0xFFFF_FFFF)
        let last = words[recordBytes / 8 - 1]
        precondition(recordBytes == 16 || last == item.identity ^ item.load, "a damaged record")
        return item
    }
}

/// The shape of a sorted set's.
enum ScoredLayout: TreeTestLayout {
    static var recordBytes: Int { 16 }
}

/// Seven records or children in a node: high trees of few records.
enum WideScoredLayout: TreeTestLayout {
    static var recordBytes: Int { 128 }
}

/// The shape of a list's.
enum ChunkLayout: TreeTestLayout {
    static var recordBytes: Int { 16 }
    static var isOrdered: Bool { false }
    static var isWeighted: Bool { true }
}

enum WideChunkLayout: TreeTestLayout {
    static var recordBytes: Int { 128 }
    static var isOrdered: Bool { false }
    static var isWeighted: Bool { true }
}

/// The shape of a stream's: with an order and with weights.
enum StreamLayout: TreeTestLayout {
    static var recordBytes: Int { 32 }
    static var isWeighted: Bool { true }
}

/// The shape of a group's pending entries.
enum PendingLayout: TreeTestLayout {
    static var recordBytes: Int { 24 }
}

/// A tree with a memory of its own, whose destruction proves that every byte came back.
final class TreeFixture<Layout: TreeTestLayout> {
    let memory: UnsafeMutablePointer<Memory>
    let head: UnsafeMutablePointer<TreeHead>
    let tree: CountedTree<Layout>

    init() {
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        head = .allocate(capacity: 1)
        head.initialize(to: TreeHead())
        tree = CountedTree(head: head, memory: memory)
    }

    deinit {
        var freed = 0
        let count = tree.count
        tree.free { _ in freed += 1 }
        precondition(freed == count, "not every record was released")
        while memory.pointee.reclaim(budget: 1_000, release: { _, _ in }) {}
        precondition(allocatedBytes == 0, "the tree leaks")
        memory.deinitialize(count: 1)
        memory.deallocate()
        head.deallocate()
    }

    var allocatedBytes: Int { memory.pointee.heap.pointee.allocatedBytes }
    var bytesPerRecord: Double { Double(tree.byteCount) / Double(tree.count) }

    /// Calls `body` with the bytes of `item`.
    func withRecord<Result>(_ item: TreeItem, _ body: (UnsafeRawPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: Layout.recordBytes, alignment: 16) { buffer in
            let record = buffer.baseAddress.unsafelyUnwrapped
            Layout.write(item, to: record)
            return body(UnsafeRawPointer(record))
        }
    }

    func insert(_ item: TreeItem) { withRecord(item) { tree.insert($0) } }

    func find(_ item: TreeItem) -> CountedTree<Layout>.Cursor {
        tree.view.lowerBound { Layout.read($0) < item }
    }

    static func contents(_ view: TreeView<Layout>) -> [TreeItem] {
        var items: [TreeItem] = []
        items.reserveCapacity(view.count)
        var cursor = view.first()
        while !cursor.isAtEnd {
            items.append(Layout.read(cursor.record))
            _ = cursor.next()
        }
        return items
    }
}
