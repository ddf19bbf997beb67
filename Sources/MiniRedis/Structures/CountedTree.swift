// SPDX-License-Identifier: BSD-3-Clause
//
// CountedTree: records in order, each with a weight, found by order or by position.
//
// The collections that are too big for one block lie in trees of this kind: a sorted set (a record
// is a score and an element), a list (a chunk and how many items it has), a stream (the first
// identifier of a chunk, the chunk and its entries), a group's pending entries, the deadlines of a
// hash's fields. What a record is, how two are ordered and what one weighs is told by a
// `TreeLayout`; the tree moves records as bytes and never follows an address in one.
//
// A B+tree of nodes of 1,024 bytes with all records in the leaves. An inner node keeps, for each
// child, the weight of everything under it, so that the record at a position and the position of a
// record (a rank) cost one way down; and a copy of the first record under it, to search by:
//
//     head         root | records | weight | nodes, height          in somebody's block
//                    |
//     root         [ a:5 | g:4 | k:3 ]                               first record : weight
//                   /       |       \
//     leaves   [ a b c e f ] [ g h i j ] [ k l m ]                   no links between them
//
//     every    0       5                 6       7       8
//     node     | stamp | size:4, level:4 | start | count |
//     leaf                               8                  8 + 16 start
//              | header                  | free ...         | records, 16 each (or 24, 32) ...
//     inner    0        8               256           504                1000
//              | header | 31 children   | 31 weights  | 31 first records |
//                 (25 children for records of 24 bytes, 21 for 32, 63 for layouts without order)
//
// First records are exact. A record may hold the address of an element that is freed with it, and
// comparing may follow that address; so no copy of a record outlives it. Taking out the first
// record of a leaf renews the copies above it, as far up as the leaf is a first child. Layouts that
// have no order keep no copies.
//
// Snapshots. Nodes are stamped blocks (see `BlockPlace`). The head lies in a block that its owner
// has made writable; from there a change copies what is on its way and older than the newest live
// snapshot, root first, each copy's address written into the copy above it. Nodes that are no
// longer part of the tree are retired while a snapshot sees them. There are no links between
// leaves: one would have to copy its neighbours, and these theirs. A head that was captured with
// its block leads to nodes that nobody writes, and a `TreeView` of it may be read by any thread.
//
// Small trees. One leaf that is the root starts with 64 bytes and doubles up to a node's size; it
// is halved when three quarters of it are empty. An empty tree has no node.
//
// Full leaves. A leaf that is full first shares with a sibling, and is split only if both siblings
// are nearly full too. A record behind all others (or before them) gets a leaf of its own, and its
// inner node likewise: what is loaded in order, either way, leaves nothing but full nodes. A leaf's
// records begin at `start`, so taking the first one moves nothing. Bytes for each record, inner
// nodes included, for a million records of 16 bytes (the tests hold them to a little more):
//
//     random order                  20.8       ascending (or descending)           16.8
//     a score changed at random,    22.4       nine tenths removed at random       29.1
//       once for each record
//
// The edges. The nodes at either edge of the tree may be nearly empty: they drain and vanish, so a
// queue moves next to nothing. Every other node is at least seven sixteenths full; below that it is
// merged with a sibling if the two fit into one node, or else levelled out with it. An edge node
// gets into the middle only when something comes to lie beyond it, which takes a full node.
//
// The hard case: a record goes into a full leaf, or a leaf merges, and the caller's cursor is to
// stay where it was although nodes above have split. The cursor's rank is taken before and the
// place looked up again after it; that is a few additions, and only one change in thirty does it.
// Because of it, and of `locate`, a record weighs at least 1.
//
// Limits: records of 16, 24 or 32 bytes (any multiple of 8 up to 128 works); the sum of weights is
// an `Int`; a handle and a cursor are values that own nothing, and every change of the tree makes
// all cursors invalid but the one that it was given.

/// What the records of a tree are. Nothing here may change the tree.
protocol TreeLayout {
    /// The size of a record: a multiple of 8, at most 128.
    static var recordBytes: Int { get }
    /// Whether records are found by order. Without it the tree is positional, keeps no copies of
    /// records, and never calls `precedes`.
    static var isOrdered: Bool { get }
    /// Whether the left record comes before the right one; equal ones lie in the order in which
    /// they came or any other. Records are aligned to 8.
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool
    /// What a record weighs, at least 1. It depends on the record's bytes alone.
    static func weight(_ record: UnsafeRawPointer) -> Int
}

extension TreeLayout {
    static var isOrdered: Bool { @inline(__always) get { true } }

    @inline(__always)
    static func weight(_ record: UnsafeRawPointer) -> Int { 1 }
}

/// The 32 bytes that a tree's owner keeps for it, aligned to 8, in a block that obeys the snapshot
/// rule. All zero is an empty tree. Copying one captures the tree for a `TreeView`.
struct TreeHead: Equatable, Sendable {
    static let bytes = 32
    /// The most levels of inner nodes. The tree grows by a level only when its root is full of
    /// nodes that are nearly half full themselves: this many levels take more than 10^10 records.
    static let maximumHeight = 10

    /// The address of the root node, 0 for an empty tree. It is the first field: the root's
    /// `BlockPlace` is the head itself.
    var root: UInt = 0
    var recordCount = 0
    /// The sum of all weights.
    var weight = 0
    var nodeCount: UInt32 = 0
    /// The levels of inner nodes above the leaves.
    var height: UInt32 = 0
}

/// A handle of a tree: where its head lies, and the memory that its nodes come from.
///
/// Ownership: the handle owns nothing and may be copied; the nodes belong to whoever owns the head,
/// who must have made the head's block writable before a change, and frees the tree with `free` or
/// `detach`. What records point to is the caller's.
struct CountedTree<Layout: TreeLayout> {
    let head: UnsafeMutablePointer<TreeHead>
    let memory: UnsafeMutablePointer<Memory>

    @inline(__always)
    init(head: UnsafeMutablePointer<TreeHead>, memory: UnsafeMutablePointer<Memory>) {
        self.head = head
        self.memory = memory
    }

    /// The number of records.
    var count: Int { @inline(__always) get { head.pointee.recordCount } }
    /// The sum of all weights.
    var weight: Int { @inline(__always) get { head.pointee.weight } }
    var isEmpty: Bool { @inline(__always) get { head.pointee.root == 0 } }

    /// The tree as it is now, to be read; valid until the next change.
    var view: TreeView<Layout> { @inline(__always) get { TreeView(head.pointee) } }

    /// The bytes of all nodes as allocated, in O(1).
    var byteCount: Int { view.byteCount }

    /// Takes all nodes away at once and leaves the tree empty. Whoever gets them frees them, in
    /// slices.
    func detach() -> DetachedTree<Layout> {
        let detached = DetachedTree<Layout>(head.pointee)
        head.pointee = TreeHead()
        return detached
    }

    /// Frees everything at once and leaves the tree empty: for small ones. `release` is called for
    /// each record, in order.
    func free(_ release: (UnsafeRawPointer) -> Void) {
        var detached = detach()
        _ = detached.free(atMost: .max, memory: memory, release)
    }
}

extension CountedTree {
    var rootPlace: BlockPlace {
        @inline(__always) get { BlockPlace(UnsafeMutableRawPointer(head), memory: memory) }
    }

    /// An empty node, stamped now. `bytes` is less than a node's only for a leaf that is the root.
    func makeNode(level: Int, bytes: Int = Node.bytes) -> Node {
        let node = Node(memory.pointee.heap.pointee.allocate(bytes))
        node.setHeader(stamp: memory.pointee.epochs.current, level: level, bytes: bytes)
        head.pointee.nodeCount += 1
        return node
    }

    /// Frees a node that the tree no longer has, or keeps it for the snapshots that see it.
    func discard(_ node: Node) {
        memory.pointee.discard(node.base, bytes: node.allocatedBytes)
        head.pointee.nodeCount -= 1
    }

    /// Traps, in builds that check, if a live snapshot may read `node`, which is to be written.
    @inline(__always)
    func checkWritable(_ node: Node) {
        #if INVARIANTS
            precondition(
                memory.pointee.isWritable(node.base), "a node is written that a snapshot reads")
        #endif
    }
}
