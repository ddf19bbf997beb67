// SPDX-License-Identifier: BSD-3-Clause
//
// Insertion into a `DeadlineIndex`: the leaf where an element belongs, and how a full one gets
// room. This file changes nodes through their views and knows nothing of removal.

extension DeadlineIndex {
    /// Adds an element, beside equal ones if there are any. The deadline (milliseconds since the
    /// epoch) must be at least 0 and less than `limit`.
    mutating func insert(deadline: Int64, hash: UInt32) {
        precondition(deadline >= 0 && deadline < DeadlineIndex.limit, "a deadline has 48 bits")
        let element = PackedElement(deadline: deadline, hash: hash)
        count += 1
        if let last = tree?.lastLeaf, last.end < Leaf.capacity && last.last < element {
            last.append(element)
            return
        }
        if tree == nil { plantTree() }
        while let tree {
            let leaf = DeadlineIndex.leaf(of: element, in: tree)
            if !leaf.isFull {
                leaf.insert(element, at: leaf.lowerBound(element))
                return
            }
            // The leaf that the next round finds is not full.
            makeRoom(for: element, in: tree)
        }
    }

    private mutating func plantTree() {
        let leaf = Leaf(makeNode(level: 0))
        tree = Tree(root: leaf.node, height: 0, firstLeaf: leaf, lastLeaf: leaf)
    }

    /// Makes room where `element` belongs, in a full leaf: a sibling takes some of its elements,
    /// or, behind the very last element, an empty leaf is added, or the leaf is split in halves.
    private mutating func makeRoom(for element: PackedElement, in tree: Tree) {
        let path = Path(to: element, in: tree)
        if shareWithSibling(path) { return }
        let leaf = path.leaf
        let right = Leaf(makeNode(level: 0))
        if leaf != tree.lastLeaf || !(leaf.last < element) {
            leaf.moveTail(leaf.count / 2, to: right)
        }
        if leaf == tree.lastLeaf { self.tree?.lastLeaf = right }
        addChild(right.node, separator: leaf.last, path: path)
    }

    /// Levels the leaf at the end of `path` out with its left sibling or else with its right one;
    /// false if neither has enough room.
    private func shareWithSibling(_ path: Path) -> Bool {
        guard path.count > 0 else { return false }
        let step = path[path.count - 1]
        return levelOut(step.inner, step.index - 1) || levelOut(step.inner, step.index)
    }

    /// Levels the leaves at `index` and behind it out, if there are both and one has enough room.
    private func levelOut(_ parent: Inner, _ index: Int) -> Bool {
        guard index >= 0 && index + 1 < parent.childCount else { return false }
        let left = Leaf(parent.child(index))
        let right = Leaf(parent.child(index + 1))
        let limit = 2 * Leaf.capacity - Leaf.worthwhileRoom
        guard left.count + right.count <= limit else { return false }
        left.levelOut(with: right)
        parent.separators[index] = left.last
        return true
    }

    /// A node that a node above is to get, and the separator at its left.
    private struct Addition {
        var child: Node
        var separator: PackedElement
    }

    /// Puts `child` behind the node at the end of `path`, which may split the nodes on the way up.
    private mutating func addChild(_ child: Node, separator: PackedElement, path: Path) {
        var addition = Addition(child: child, separator: separator)
        var depth = path.count
        while depth > 0 {
            depth -= 1
            let step = path[depth]
            if !step.inner.isFull {
                step.inner.insert(addition.child, addition.separator, after: step.index)
                return
            }
            let right = Inner(makeNode(level: step.inner.node.level))
            addition.separator = split(
                step, into: right, for: addition, atRightEdge: path.isRightEdge(at: depth))
            addition.child = right.node
        }
        growRoot(addition)
    }

    /// Splits the full node of `step`, so that it or `right` gets the addition; returns the
    /// separator of the two. Behind everything else nothing moves but the new child: ascending
    /// insertions leave full nodes.
    private func split(
        _ step: Path.Step, into right: Inner, for addition: Addition, atRightEdge: Bool
    ) -> PackedElement {
        if atRightEdge && step.index == Inner.capacity - 1 {
            right.start(with: addition.child)
            return addition.separator
        }
        let half = Inner.capacity / 2 + 1
        let middle = step.inner.split(at: half, into: right)
        if step.index < half {
            step.inner.insert(addition.child, addition.separator, after: step.index)
        } else {
            right.insert(addition.child, addition.separator, after: step.index - half)
        }
        return middle
    }

    private mutating func growRoot(_ addition: Addition) {
        guard let old = tree else { return }
        precondition(old.height < DeadlineIndex.maximumHeight, "more elements than memory holds")
        let root = Inner(makeNode(level: old.height + 1))
        root.start(with: old.root)
        root.insert(addition.child, addition.separator, after: 0)
        tree?.root = root.node
        tree?.height = old.height + 1
    }
}
