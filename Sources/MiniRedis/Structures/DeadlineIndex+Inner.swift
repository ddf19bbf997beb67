// SPDX-License-Identifier: BSD-3-Clause
//
// An inner node of a `DeadlineIndex`, seen through a one-pointer view: how children and separators
// move in it and between two neighbours. The view owns nothing, trusts its caller, and knows
// neither parent nor tree.

extension DeadlineIndex {
    /// An inner node: children, and between each two a separator that is no less than anything
    /// under the left one and no greater than anything under the right one.
    struct Inner: Equatable {
        static let bytesPerChild = PackedElement.bytes + 8
        static let capacity = (Node.bytes - Node.headerBytes + PackedElement.bytes) / bytesPerChild
        static let separatorCapacity = capacity - 1
        static let childrenOffset = Node.bytes - capacity * 8
        /// An inner node inside the tree with fewer children is merged or filled from a sibling.
        static let minimum = capacity * 7 / 16

        let node: Node

        @inline(__always)
        init(_ node: Node) { self.node = node }

        var childCount: Int {
            @inline(__always) get { Int(node.base.load(as: UInt16.self)) }
            nonmutating set { node.base.storeBytes(of: UInt16(newValue), as: UInt16.self) }
        }

        var isFull: Bool { childCount == Inner.capacity }

        var separators: Columns {
            @inline(__always) get { Columns(node, capacity: Inner.separatorCapacity) }
        }

        private var children: UnsafeMutablePointer<UnsafeMutableRawPointer> {
            @inline(__always) get {
                (node.base + Inner.childrenOffset)
                    .assumingMemoryBound(to: UnsafeMutableRawPointer.self)
            }
        }

        @inline(__always)
        func child(_ index: Int) -> Node { Node(base: children[index]) }

        /// The first child under which `element` may be: what lies left of it is all less.
        @inline(__always)
        func childIndex(of element: PackedElement) -> Int {
            separators.lowerBound(element, from: 0, to: childCount - 1)
        }

        /// Makes `child` the only child.
        func start(with child: Node) {
            children[0] = child.base
            childCount = 1
        }

        /// Puts `child` after the one at `index`, with `separator` between them; there must be
        /// room.
        func insert(_ child: Node, _ separator: PackedElement, after index: Int) {
            let count = childCount
            let behind = count - 1 - index
            separators.copy(to: index + 1, from: separators, at: index, count: behind)
            separators[index] = separator
            (children + index + 2).update(from: children + index + 1, count: behind)
            children[index + 1] = child.base
            childCount = count + 1
        }

        /// Takes out the child at `index` and the separator at its left (or, of the first one, at
        /// its right).
        func removeChild(at index: Int) {
            let count = childCount - 1
            (children + index).update(from: children + index + 1, count: count - index)
            let gone = max(index - 1, 0)
            if gone < count {
                separators.copy(to: gone, from: separators, at: gone + 1, count: count - 1 - gone)
            }
            childCount = count
        }

        /// Moves the children from `index` on to the empty node `right`; returns the separator
        /// between the two.
        func split(at index: Int, into right: Inner) -> PackedElement {
            let moved = childCount - index
            right.children.update(from: children + index, count: moved)
            right.separators.copy(to: 0, from: separators, at: index, count: moved - 1)
            right.childCount = moved
            childCount = index
            return separators[index - 1]
        }

        /// Moves the last `count` children in front of those of `right`; `separator` is the one
        /// between the two nodes, and so is what is returned.
        func moveTail(_ count: Int, to right: Inner, separator: PackedElement) -> PackedElement {
            let rightCount = right.childCount
            let kept = childCount - count
            right.separators.copy(to: count, from: right.separators, at: 0, count: rightCount - 1)
            right.separators[count - 1] = separator
            right.separators.copy(to: 0, from: separators, at: kept, count: count - 1)
            (right.children + count).update(from: right.children, count: rightCount)
            right.children.update(from: children + kept, count: count)
            right.childCount = rightCount + count
            childCount = kept
            return separators[kept - 1]
        }

        /// Moves the first `count` children of `right` behind those of this node; `separator` is
        /// the one between the two nodes, and so is what is returned (meaningless if nothing stays
        /// in `right`).
        func takeHead(_ count: Int, of right: Inner, separator: PackedElement) -> PackedElement {
            let own = childCount
            let left = right.childCount - count
            let next = left > 0 ? right.separators[count - 1] : separator
            separators[own - 1] = separator
            separators.copy(to: own, from: right.separators, at: 0, count: count - 1)
            (children + own).update(from: right.children, count: count)
            childCount = own + count
            if left > 0 {
                right.separators.copy(to: 0, from: right.separators, at: count, count: left - 1)
                right.children.update(from: right.children + count, count: left)
            }
            right.childCount = left
            return next
        }

        /// Shares the children of this node and of its right neighbour equally; takes and returns
        /// the separator between the two.
        func levelOut(with right: Inner, separator: PackedElement) -> PackedElement {
            let share = (childCount + right.childCount) / 2
            if childCount > share {
                return moveTail(childCount - share, to: right, separator: separator)
            }
            if childCount == share { return separator }
            return takeHead(share - childCount, of: right, separator: separator)
        }
    }
}
