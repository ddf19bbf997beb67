// SPDX-License-Identifier: BSD-3-Clause
//
// DeadlineIndex: what dies next.
//
// Every key that expires has one element here, its deadline and 32 bits of its hash, and the
// smallest element is always at hand: the loop sets its timer to it, and nobody samples for keys
// that are due. An element holds no address. Its hash names a bucket of the table, and the entry
// there with exactly this deadline is the one, or an equally due one, which is as good. So an entry
// may be moved or rewritten without a word to the index as long as its deadline stays.
//
// A B+tree of nodes of 1,024 bytes, all elements in the leaves:
//
//     root                    [ a | s | b | t | c ]            a <= s <= b <= t <= c
//                             /         |         \
//     leaves      [ 3 5 5 8 ] [ 8 8 11 12 ] [ 12 15 ]          no links between them
//                  ^ first, known at once     ^ last, known at once
//
//     leaf    0       2     4       8                     816             1018 1024
//             | start | end | level | high: 101 x 8 bytes | low: 101 x 2 bytes |
//     inner   0       2     4       8                     456      568        1024
//             | count |     | level | high: 56 x 8        | 56 x 2 | 57 children |
//
// An element has 80 bits: 48 of the deadline and 16 of the hash in one column, in which a search
// compares whole words, and the other 16 of the hash in a second one. That is why this is a
// container of its own: 10 bytes an element, where a tree of any two words needs 16 before the
// first node is half empty. Bytes per element, inner nodes and the allocator's rounding
// included, for a million elements (the tests hold them to a little more, for fewer elements):
//
//     random deadlines            12.6      one deadline for all          12.5
//     ascending (one constant     10.3      removed and inserted          13.1
//       time to live), one a ms             at random
//     ascending, 100 keys a ms    11.2      nine tenths of a million      17.3
//     four times to live          11.4      removed at random
//
// Full leaves. A leaf that is full first gives elements to a sibling, and is split only if both
// siblings are nearly full too; that is worth a seventh of the memory (random order fills leaves to
// 82 % instead of 69 %). An element behind all others gets an empty leaf instead of half of
// the last one, and its inner node likewise: ascending deadlines leave nothing but full nodes.
//
// The edges. A leaf's elements begin at `start`, so taking the first one moves nothing. The nodes
// at either edge of the tree may be nearly empty: they drain and vanish. A queue of deadlines,
// filled at one end and expired at the other, moves next to nothing. Every other node is at
// least seven sixteenths full; below that it is merged with a sibling if the two fit into one node,
// or else levelled out with it. An edge node gets into the middle only when something comes to lie
// beyond it, which takes a full node; so the middle keeps its rule without a look at the edges.
//
// Duplicates. Equal elements may go over several leaves, and a separator may equal elements on
// both sides of it. The way down takes the first child whose separator is not less than the
// element: everything before that is less. What is found there is the first occurrence, unless the
// leaf has only lesser elements left; then the next leaf begins with it or nobody has it.
//
// An insertion into a leaf with room, and a removal from one with elements to spare, touch nothing
// but that leaf and keep no record of the way there. The others go down once more and keep one.
//
// Limits: deadlines from 0 to 2^48 - 1, which is the year 10889; removal from the middle costs
// O(log n) and can leave leaves at seven sixteenths, 24 bytes an element; the smallest index that
// is not empty has 1,024 bytes. No snapshot sees the index: what one writes is in the entries.

/// The deadlines of the volatile keys of one database, in order: a multiset.
///
/// Ownership: the index owns its nodes and frees them when it goes; the heap must outlive it. A big
/// index is detached first and freed in slices.
struct DeadlineIndex: ~Copyable {
    /// The first deadline that is too late for the index, in milliseconds since the epoch; others
    /// are the caller's to keep out.
    static let limit: Int64 = 1 << 48
    /// The most levels of inner nodes. The tree grows by a level only when its root is full of
    /// nodes that are nearly half full themselves: this many levels take more than 10^13
    /// elements.
    static let maximumHeight = 10

    /// One volatile key: when it dies (milliseconds since the epoch) and 32 bits of its hash.
    struct Element: Equatable {
        var deadline: Int64
        var hash: UInt32
    }

    /// The nodes of an index that is not empty, and the three ways in.
    struct Tree {
        var root: Node
        /// The levels of inner nodes above the leaves.
        var height: Int
        var firstLeaf: Leaf
        var lastLeaf: Leaf
    }

    let heap: UnsafeMutablePointer<Heap>
    /// Nothing if there are no elements. Like the two counts, only the files of this type set it.
    var tree: Tree?
    /// The number of elements.
    var count = 0
    var nodeCount = 0

    /// An empty index, which has no nodes. They will come from `heap`.
    init(heap: UnsafeMutablePointer<Heap>) {
        self.heap = heap
    }

    deinit {
        var rest = DetachedDeadlines(root: tree?.root)
        _ = rest.free(atMost: .max, heap: heap)
    }

    /// The bytes of all nodes, as allocated.
    var byteCount: Int { nodeCount * Node.bytes }

    /// The element that is due first.
    var first: Element? {
        @inline(__always) get { tree?.firstLeaf.first.element }
    }

    /// The element that is due last.
    var last: Element? { tree?.lastLeaf.last.element }

    /// Exchanges the elements of two indexes, at once; whose blocks the nodes are is the caller's
    /// business.
    mutating func exchangeContents(with other: inout DeadlineIndex) {
        swap(&tree, &other.tree)
        swap(&count, &other.count)
        swap(&nodeCount, &other.nodeCount)
    }

    /// Takes all nodes away at once and leaves the index empty. Whoever gets them frees them, in
    /// slices.
    mutating func detach() -> DetachedDeadlines {
        let detached = DetachedDeadlines(root: tree?.root)
        tree = nil
        count = 0
        nodeCount = 0
        return detached
    }
}

extension DeadlineIndex {
    /// The leaf where `element` is or belongs. If this leaf has only lesser ones, equal elements
    /// may begin with the next leaf.
    @inline(__always)
    static func leaf(of element: PackedElement, in tree: Tree) -> Leaf {
        var node = tree.root
        for _ in 0..<tree.height {
            let inner = Inner(node)
            node = inner.child(inner.childIndex(of: element))
        }
        let leaf = Leaf(node)
        leaf.prefetchElements()
        return leaf
    }

    mutating func makeNode(level: Int) -> Node {
        let node = Node(base: heap.pointee.allocate(Node.bytes))
        node.setHeader(level: level)
        nodeCount += 1
        return node
    }

    mutating func freeNode(_ node: Node) {
        heap.pointee.free(node.base, Node.bytes)
        nodeCount -= 1
    }
}
