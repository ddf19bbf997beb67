// SPDX-License-Identifier: BSD-3-Clause
//
// A `CountedTree` to be read: what every search of one is. It needs the head and nothing else, so a
// snapshot's walk on another thread reads a captured head while the loop goes on writing.

/// A captured head. Owns nothing: the loop's own view is valid until the tree changes, one of a
/// snapshot as long as the snapshot lives.
struct TreeView<Layout: TreeLayout> {
    typealias Cursor = CountedTree<Layout>.Cursor
    typealias Node = CountedTree<Layout>.Node
    typealias Inner = CountedTree<Layout>.Inner
    typealias Leaf = CountedTree<Layout>.Leaf

    let head: TreeHead

    @inline(__always)
    init(_ head: TreeHead) { self.head = head }

    /// The tree whose head lies in a block.
    @inline(__always)
    init(_ head: UnsafePointer<TreeHead>) { self.head = head.pointee }

    /// The number of records.
    var count: Int { @inline(__always) get { head.recordCount } }
    /// The sum of all weights.
    var weight: Int { @inline(__always) get { head.weight } }
    var isEmpty: Bool { @inline(__always) get { head.root == 0 } }

    /// The bytes of all nodes as allocated, in O(1).
    var byteCount: Int {
        if isEmpty { return 0 }
        if head.height > 0 { return Int(head.nodeCount) * Node.bytes }
        return Node(address: head.root).allocatedBytes
    }

    /// The first record, or the end of an empty tree.
    @inline(__always)
    func first() -> Cursor {
        way(isSearch: false) { _ in
            0
        } leaf: { _ in
            0
        }
    }

    /// The place behind the last record; `previous` of it is the last one.
    @inline(__always)
    func end() -> Cursor {
        way(isSearch: false) {
            $0.count &- 1
        } leaf: {
            $0.count
        }
    }

    /// The last record, or the end of an empty tree.
    @inline(__always)
    func last() -> Cursor {
        way(isSearch: false) {
            $0.count &- 1
        } leaf: {
            $0.count &- 1
        }
    }

    /// The first record of which `precedes` is false, or the end. `precedes` says whether a record
    /// comes before what is looked for; the tree's order must agree.
    @inline(__always)
    func lowerBound(_ precedes: (UnsafeRawPointer) -> Bool) -> Cursor {
        var cursor = place(precedes)
        cursor.settle()
        return cursor
    }

    /// The record that has the weight at `offset` (from 0), and how much of its weight comes before
    /// that; the end and 0 if the tree weighs no more than `offset`. In a tree of weights 1 it is
    /// the record of this rank.
    @inline(__always)
    func locate(_ offset: Int) -> (cursor: Cursor, remainder: Int) {
        if offset >= weight { return (end(), 0) }
        var rest = max(offset, 0)
        let cursor = way { inner in
            TreeView.index(&rest, limit: inner.count &- 1) {
                $0 >= $1
            } of: {
                inner.weights[$0]
            }
        } leaf: { leaf in
            TreeView.index(&rest, limit: leaf.count &- 1) {
                $0 >= $1
            } of: {
                Layout.weight(leaf.record($0))
            }
        }
        return (cursor, rest)
    }

    /// Where to insert something that `precedes` is false of: as `lowerBound`, but behind a leaf's
    /// last record rather than before the first of the next leaf.
    @inline(__always)
    func place(_ precedes: (UnsafeRawPointer) -> Bool) -> Cursor {
        way {
            $0.childIndex(precedes)
        } leaf: {
            $0.lowerBound(precedes)
        }
    }

    /// The place with exactly `weight` before it, behind a leaf's last record if there is a choice.
    func place(behind weight: Int) -> Cursor {
        var rest = weight
        return way { inner in
            TreeView.index(&rest, limit: inner.count &- 1) {
                $0 > $1
            } of: {
                inner.weights[$0]
            }
        } leaf: { leaf in
            TreeView.index(&rest, limit: leaf.count) {
                $0 >= $1 && $0 > 0
            } of: {
                Layout.weight(leaf.record($0))
            }
        }
    }

    /// The first index whose weight is not to be passed, or `limit`; what was passed is taken off
    /// `rest`.
    @inline(__always)
    private static func index(
        _ rest: inout Int, limit: Int, passes: (Int, Int) -> Bool, of weight: (Int) -> Int
    ) -> Int {
        var index = 0
        while index < limit {
            let next = weight(index)
            guard passes(rest, next) else { break }
            rest &-= next
            index &+= 1
        }
        return index
    }

    /// The way down that takes the child `child` names in every inner node, and in the leaf the
    /// index that `leaf` names. A search reads so much of a node that it asks for all of it first.
    @inline(__always)
    private func way(
        isSearch: Bool = true, _ child: (Inner) -> Int, leaf: (Leaf) -> Int
    ) -> Cursor {
        var cursor = Cursor(head)
        guard head.root != 0 else { return cursor }
        var node = Node(address: head.root)
        for depth in 0..<cursor.height {
            let inner = Inner(node)
            let index = child(inner)
            cursor.steps[unchecked: depth] = Cursor.Step(address: node.address, index: index)
            node = inner.child(index)
            if isSearch { node.prefetchAll() }
        }
        cursor.leafAddress = node.address
        cursor.index = leaf(Leaf(node))
        return cursor
    }
}
