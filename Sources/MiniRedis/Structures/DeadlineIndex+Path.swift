// SPDX-License-Identifier: BSD-3-Clause
//
// The record of a way from the root of a `DeadlineIndex` to a leaf, for whatever changes more than
// a leaf. It is valid until the first node on it is split, merged or freed, and changes nothing.

extension DeadlineIndex {
    /// A way down: the inner nodes from the root on, and the child that was taken in each.
    struct Path {
        struct Step {
            var inner: Inner
            var index: Int
        }

        /// As many as `maximumHeight`.
        private var steps: InlineArray<10, Step>
        private(set) var count = 0
        /// Where the way ends.
        private(set) var leaf: Leaf

        private init(_ root: Node) {
            steps = InlineArray(repeating: Step(inner: Inner(root), index: 0))
            leaf = Leaf(root)
        }

        /// The way to the leaf where `element` is or belongs, as `leaf(of:in:)` finds it.
        init(to element: PackedElement, in tree: Tree) {
            self.init(tree.root)
            var node = tree.root
            for _ in 0..<tree.height {
                let index = Inner(node).childIndex(of: element)
                append(Inner(node), index)
                node = Inner(node).child(index)
            }
            leaf = Leaf(node)
        }

        /// The way to the first leaf.
        init(leftmostIn tree: Tree) {
            self.init(tree.root)
            var node = tree.root
            for _ in 0..<tree.height {
                append(Inner(node), 0)
                node = Inner(node).child(0)
            }
            leaf = Leaf(node)
        }

        subscript(depth: Int) -> Step { steps[depth] }

        private mutating func append(_ inner: Inner, _ index: Int) {
            steps[count] = Step(inner: inner, index: index)
            count += 1
        }

        /// Whether the tree has nothing left of the node at `depth` (0 is the root, `count` the
        /// leaf).
        func isLeftEdge(at depth: Int) -> Bool {
            for above in 0..<depth where steps[above].index != 0 { return false }
            return true
        }

        /// Whether the tree has nothing right of the node at `depth`.
        func isRightEdge(at depth: Int) -> Bool {
            for above in 0..<depth where steps[above].index != steps[above].inner.childCount - 1 {
                return false
            }
            return true
        }

        /// Goes on to the next leaf; false if this is the last one.
        mutating func advance() -> Bool {
            var depth = count
            while depth > 0 {
                depth -= 1
                let step = steps[depth]
                guard step.index + 1 < step.inner.childCount else { continue }
                steps[depth].index += 1
                var node = step.inner.child(step.index + 1)
                for below in depth + 1..<count {
                    steps[below] = Step(inner: Inner(node), index: 0)
                    node = Inner(node).child(0)
                }
                leaf = Leaf(node)
                return true
            }
            return false
        }
    }
}
