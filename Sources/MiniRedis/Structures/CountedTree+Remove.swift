// SPDX-License-Identifier: BSD-3-Clause
//
// Removal from a `CountedTree`: of one record, of many in a row, and how memory comes back. This
// file knows nothing of insertion.

extension CountedTree {
    /// Takes out the record at the cursor, which must not be at the end; the cursor is then at the
    /// one behind it.
    @inline(__always)
    func remove(_ cursor: inout Cursor) {
        remove(1, weight: Layout.weight(cursor.record), from: &cursor)
    }

    /// Takes out every record that begins and ends within a range of weight (in a tree of weights
    /// 1: of these ranks), after `release` was called with it, in order. Returns how many. Nothing
    /// is rebuilt: it is done a leaf at a time.
    @inline(__always)
    @discardableResult
    func remove(within range: Range<Int>, _ release: (UnsafeRawPointer) -> Void) -> Int {
        var (cursor, remainder) = view.locate(range.lowerBound)
        var rest = range.count
        if remainder > 0 {
            rest -= Layout.weight(cursor.record) - remainder
            _ = cursor.next()
        }
        let before = count
        while rest > 0 && !cursor.isAtEnd {
            let leaf = cursor.leaf
            var removed = 0
            var weight = 0
            while cursor.index + removed < leaf.count {
                let record = leaf.record(cursor.index + removed)
                let next = Layout.weight(record)
                guard weight + next <= rest else { break }
                release(record)
                weight += next
                removed += 1
            }
            if removed == 0 { break }
            remove(removed, weight: weight, from: &cursor)
            rest -= weight
        }
        return before - count
    }

    /// `remove(within:)` of everything from one cursor on up to another one.
    @inline(__always)
    @discardableResult
    func remove(
        from start: Cursor, upTo end: Cursor, _ release: (UnsafeRawPointer) -> Void
    ) -> Int {
        let first = start.weightBefore
        return remove(within: first..<max(end.weightBefore, first), release)
    }

    /// Takes `removed` records of one leaf out, of `weight` together.
    private func remove(_ removed: Int, weight: Int, from cursor: inout Cursor) {
        let rest = cursor.leaf.count - removed
        if !memory.pointee.isQuiet { copyWay(&cursor, withLeaf: rest > 0) }
        head.pointee.recordCount -= removed
        head.pointee.weight -= weight
        addWeight(-weight, along: cursor, levels: cursor.height)
        if rest == 0 { return dropLeaf(&cursor) }
        let leaf = cursor.leaf
        checkWritable(leaf.node)
        leaf.remove(removed, at: cursor.index)
        if cursor.index == 0 {
            renewFirsts(leaf.record(0), along: cursor, from: cursor.height - 1)
        }
        if rest < Leaf.minimum {
            refillLeaf(&cursor)
        } else {
            cursor.settle()
        }
    }

    /// Frees the leaf at the cursor, of which nothing is left, and every node above it that has no
    /// other child.
    @inline(never)
    private func dropLeaf(_ cursor: inout Cursor) {
        let rank = cursor.weightBefore
        discard(cursor.leaf.node)
        var depth = cursor.height
        while depth > 0 {
            depth -= 1
            let inner = cursor.inner(depth)
            checkWritable(inner.node)
            if inner.count > 1 {
                let index = cursor.steps[depth].index
                inner.removeChild(at: index)
                if index == 0 && Layout.isOrdered {
                    renewFirsts(inner.first(0), along: cursor, from: depth - 1)
                }
                refillInner(cursor, depth)
                lowerRoot()
                cursor = view.locate(rank).cursor
                return
            }
            discard(inner.node)
        }
        head.pointee.root = 0
        head.pointee.height = 0
        cursor = view.end()
    }

    /// Looks after a leaf with few records: a root shrinks; one inside the tree is merged with a
    /// sibling or levelled out, and so on upwards; one at an edge stays as it is, to drain and
    /// vanish, unless the whole tree is small.
    @inline(never)
    private func refillLeaf(_ cursor: inout Cursor) {
        if cursor.height == 0 {
            shrinkRootLeaf()
            cursor.leafAddress = head.pointee.root
            return
        }
        let depth = cursor.height - 1
        let isEdge = cursor.isLeftEdge(at: cursor.height) || cursor.isRightEdge(at: cursor.height)
        if isEdge && !(depth == 0 && isWorthMerging(cursor)) {
            cursor.settle()
            return
        }
        let rank = cursor.weightBefore
        if hasMerged(cursor, depth) { refillInner(cursor, depth) }
        lowerRoot()
        cursor = view.locate(rank).cursor
    }

    /// Whether the edge leaf at the cursor and its sibling fill no more than half of a leaf.
    private func isWorthMerging(_ cursor: Cursor) -> Bool {
        let parent = cursor.inner(cursor.height - 1)
        guard parent.count > 1 else { return false }
        let index = max(cursor.steps[cursor.height - 1].index - 1, 0)
        return parent.child(index).count + parent.child(index + 1).count <= Leaf.capacity / 2
    }

    /// Looks after the inner node at `depth`, which may have too few children. One that is not at
    /// an edge has a sibling under the same parent, and so have all nodes under it.
    private func refillInner(_ cursor: Cursor, _ depth: Int) {
        var depth = depth
        while depth > 0 && cursor.inner(depth).count < Inner.minimum
            && !cursor.isLeftEdge(at: depth) && !cursor.isRightEdge(at: depth)
        {
            depth -= 1
            if !hasMerged(cursor, depth) { return }
        }
    }

    /// Merges the child of the step at `depth` with a sibling, and returns true, or levels the two
    /// out.
    private func hasMerged(_ cursor: Cursor, _ depth: Int) -> Bool {
        let parent = cursor.inner(depth)
        let index = max(cursor.steps[depth].index - 1, 0)
        let child = parent.child(index)
        if child.count + parent.child(index + 1).count > child.capacity {
            levelOut(parent, index)
            return false
        }
        merge(parent, index)
        return true
    }

    /// A root with one child gives way to it.
    private func lowerRoot() {
        while head.pointee.height > 0 {
            let root = Inner(Node(address: head.pointee.root))
            guard root.count == 1 else { return }
            head.pointee.root = root.child(0).address
            head.pointee.height -= 1
            discard(root.node)
        }
    }

    /// Halves the leaf that is the root if three quarters of it are empty.
    private func shrinkRootLeaf() {
        let bytes = Node(address: head.pointee.root).allocatedBytes
        let count = Leaf(Node(address: head.pointee.root)).count
        guard bytes > Node.smallestBytes && count <= Leaf.capacity(of: bytes / 4) else { return }
        let leaf = Leaf(Node(rootPlace.writable(bytes: bytes)))
        leaf.move(toStart: 0)
        let shrunk = Node(rootPlace.resized(from: bytes, to: bytes / 2))
        shrunk.setSize(bytes / 2, level: 0)
    }
}
