// SPDX-License-Identifier: BSD-3-Clause
//
// Removal from a `DeadlineIndex`: of one element, of the first one, and how memory comes back. This
// file changes nodes through their views and knows nothing of insertion.

extension DeadlineIndex {
    /// Takes one occurrence of the element out; false if there is none.
    mutating func remove(deadline: Int64, hash: UInt32) -> Bool {
        guard let tree, deadline >= 0 && deadline < DeadlineIndex.limit else { return false }
        let element = PackedElement(deadline: deadline, hash: hash)
        // Who expires keys removes the first one each time.
        if tree.firstLeaf.first == element { return removeFirst() != nil }
        let leaf = DeadlineIndex.leaf(of: element, in: tree)
        let index = leaf.lowerBound(element)
        if index < leaf.end && leaf.count > Leaf.minimum {
            guard leaf.elements[index] == element else { return false }
            leaf.remove(at: index)
            count -= 1
            return true
        }
        return removeWithCare(element, in: tree)
    }

    /// Takes the element out that is due first.
    mutating func removeFirst() -> Element? {
        guard let tree else { return nil }
        let leaf = tree.firstLeaf
        let start = leaf.start
        let element = leaf.elements[start].element
        leaf.start = start + 1
        count -= 1
        if leaf.isEmpty { removeEdge(Path(leftmostIn: tree)) }
        return element
    }

    /// Removal where it may take the next leaf or leave too few elements.
    private mutating func removeWithCare(_ element: PackedElement, in tree: Tree) -> Bool {
        var path = Path(to: element, in: tree)
        var index = path.leaf.lowerBound(element)
        if index == path.leaf.end {
            guard path.advance() else { return false }
            index = path.leaf.start
        }
        let leaf = path.leaf
        guard leaf.elements[index] == element else { return false }
        leaf.remove(at: index)
        count -= 1
        if leaf == tree.firstLeaf || leaf == tree.lastLeaf {
            // Nodes at either edge drain and vanish: a queue of deadlines never moves an element.
            if leaf.isEmpty { removeEdge(path) }
        } else if leaf.count < Leaf.minimum {
            refill(path)
        }
        return true
    }

    /// Frees the empty leaf at the end of `path`, the first or the last one, and every node above
    /// it that has no other child.
    private mutating func removeEdge(_ path: Path) {
        freeNode(path.leaf.node)
        var depth = path.count
        while depth > 0 {
            depth -= 1
            let step = path[depth]
            if step.inner.childCount > 1 {
                step.inner.removeChild(at: step.index)
                lowerRoot()
                findEdges()
                return
            }
            freeNode(step.inner.node)
        }
        tree = nil
    }

    /// Merges the leaf at the end of `path` with a sibling, or levels the two out; a merge may
    /// leave the node above with too few children, and so on upwards. None of these nodes is at an
    /// edge, hence each has a sibling under the same parent.
    private mutating func refill(_ path: Path) {
        var depth = path.count - 1
        var step = path[depth]
        var merged = refillLeaf(of: step)
        while merged && step.inner.childCount < Inner.minimum
            && !path.isLeftEdge(at: depth) && !path.isRightEdge(at: depth)
        {
            depth -= 1
            step = path[depth]
            merged = refillInner(of: step)
        }
        lowerRoot()
    }

    /// True if there is one leaf less.
    private mutating func refillLeaf(of step: Path.Step) -> Bool {
        let index = max(step.index - 1, 0)
        let left = Leaf(step.inner.child(index))
        let right = Leaf(step.inner.child(index + 1))
        if left.count + right.count > Leaf.capacity {
            left.levelOut(with: right)
            step.inner.separators[index] = left.last
            return false
        }
        left.takeHead(right.count, of: right)
        if tree?.lastLeaf == right { tree?.lastLeaf = left }
        freeNode(right.node)
        step.inner.removeChild(at: index + 1)
        return true
    }

    /// True if there is one inner node less.
    private mutating func refillInner(of step: Path.Step) -> Bool {
        let index = max(step.index - 1, 0)
        let left = Inner(step.inner.child(index))
        let right = Inner(step.inner.child(index + 1))
        let separators = step.inner.separators
        if left.childCount + right.childCount > Inner.capacity {
            separators[index] = left.levelOut(with: right, separator: separators[index])
            return false
        }
        _ = left.takeHead(right.childCount, of: right, separator: separators[index])
        freeNode(right.node)
        step.inner.removeChild(at: index + 1)
        return true
    }

    /// A root with one child gives way to it.
    private mutating func lowerRoot() {
        while let tree, tree.height > 0, Inner(tree.root).childCount == 1 {
            self.tree?.root = Inner(tree.root).child(0)
            self.tree?.height = tree.height - 1
            freeNode(tree.root)
        }
    }

    private mutating func findEdges() {
        guard let tree else { return }
        var first = tree.root
        var last = tree.root
        for _ in 0..<tree.height {
            first = Inner(first).child(0)
            last = Inner(last).child(Inner(last).childCount - 1)
        }
        self.tree?.firstLeaf = Leaf(first)
        self.tree?.lastLeaf = Leaf(last)
    }
}
