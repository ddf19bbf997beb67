// SPDX-License-Identifier: BSD-3-Clause
//
// A leaf of a `DeadlineIndex`, seen through a one-pointer view: how elements move in it and between
// two neighbours. The view owns nothing, trusts its caller, and knows neither parent nor tree.

extension DeadlineIndex {
    /// A leaf: the elements from `start` to `end` of its columns.
    struct Leaf: Equatable {
        static let capacity = (Node.bytes - Node.headerBytes) / PackedElement.bytes
        /// A leaf inside the tree with fewer elements is merged or filled from a sibling.
        static let minimum = capacity * 7 / 16
        /// The free places that a sibling must have to take elements from a full leaf.
        static let worthwhileRoom = capacity / 8
        static let cacheLineBytes = 64

        let node: Node

        @inline(__always)
        init(_ node: Node) { self.node = node }

        var start: Int {
            @inline(__always) get { Int(node.base.load(fromByteOffset: 0, as: UInt16.self)) }
            @inline(__always) nonmutating set {
                node.base.storeBytes(of: UInt16(truncatingIfNeeded: newValue), as: UInt16.self)
            }
        }

        var end: Int {
            @inline(__always) get { Int(node.base.load(fromByteOffset: 2, as: UInt16.self)) }
            @inline(__always) nonmutating set {
                node.base.storeBytes(
                    of: UInt16(truncatingIfNeeded: newValue), toByteOffset: 2, as: UInt16.self)
            }
        }

        var elements: Columns {
            @inline(__always) get { Columns(node, capacity: Leaf.capacity) }
        }
        var count: Int { @inline(__always) get { end - start } }
        var isEmpty: Bool { @inline(__always) get { end == start } }
        var isFull: Bool { @inline(__always) get { end - start == Leaf.capacity } }
        var first: PackedElement { @inline(__always) get { elements[start] } }
        var last: PackedElement { @inline(__always) get { elements[end - 1] } }

        /// Asks for the header and the first column, all lines at once: a leaf is most often far
        /// from the processor, and a search would wait for line after line.
        @inline(__always)
        func prefetchElements() {
            var offset = 0
            while offset < Node.headerBytes + Leaf.capacity * 8 {
                prefetch(node.base + offset)
                offset &+= Leaf.cacheLineBytes
            }
        }

        @inline(__always)
        func lowerBound(_ element: PackedElement) -> Int {
            elements.lowerBound(element, from: start, to: end)
        }

        /// Puts `element` before the one at `index`; the leaf must not be full. The shorter side
        /// makes way.
        @inline(__always)
        func insert(_ element: PackedElement, at index: Int) {
            let elements = elements
            let start = start
            let end = end
            if end < Leaf.capacity && (start == 0 || end - index <= index - start) {
                elements.copy(to: index + 1, from: elements, at: index, count: end - index)
                elements[index] = element
                self.end = end + 1
            } else {
                elements.copy(to: start - 1, from: elements, at: start, count: index - start)
                elements[index - 1] = element
                self.start = start - 1
            }
        }

        /// Puts `element` behind the last one, where there must be room.
        @inline(__always)
        func append(_ element: PackedElement) {
            elements[end] = element
            end += 1
        }

        /// Takes out the element at `index`; the shorter side closes the gap.
        @inline(__always)
        func remove(at index: Int) {
            let elements = elements
            let start = start
            let end = end
            if index - start < end - index - 1 {
                elements.copy(to: start + 1, from: elements, at: start, count: index - start)
                self.start = start + 1
            } else {
                elements.copy(to: index, from: elements, at: index + 1, count: end - index - 1)
                self.end = end - 1
            }
        }

        /// Moves the last `count` elements to the front of `right`, which has room for them.
        func moveTail(_ count: Int, to right: Leaf) {
            if right.start < count {
                right.elements.copy(
                    to: count, from: right.elements, at: right.start, count: right.count)
                right.end = count + right.count
                right.start = count
            }
            right.start -= count
            end -= count
            right.elements.copy(to: right.start, from: elements, at: end, count: count)
        }

        /// Moves the first `count` elements of `right` to the end of this leaf, which has room for
        /// them.
        func takeHead(_ count: Int, of right: Leaf) {
            if end + count > Leaf.capacity {
                elements.copy(to: 0, from: elements, at: start, count: self.count)
                end = self.count
                start = 0
            }
            elements.copy(to: end, from: right.elements, at: right.start, count: count)
            end += count
            right.start += count
        }

        /// Shares the elements of this leaf and of its right neighbour equally between the two.
        func levelOut(with right: Leaf) {
            let share = (count + right.count) / 2
            if count > share {
                moveTail(count - share, to: right)
            } else {
                takeHead(share - count, of: right)
            }
        }
    }
}
