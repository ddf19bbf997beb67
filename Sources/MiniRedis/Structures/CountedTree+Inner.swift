// SPDX-License-Identifier: BSD-3-Clause
//
// An inner node of a `CountedTree`, seen through a one-pointer view: how children move in it and
// between two neighbours. The view owns nothing, trusts its caller, and knows neither parent nor
// tree.

extension CountedTree {
    /// An inner node: three columns of `count` children, their weights, and the first record under
    /// each (if the layout has an order).
    struct Inner: Equatable {
        /// The bytes of a copied record.
        static var firstBytes: Int {
            @inline(__always) get { Layout.isOrdered ? Layout.recordBytes : 0 }
        }
        static var capacity: Int {
            @inline(__always) get { (Node.bytes - Node.headerBytes) / (16 + firstBytes) }
        }
        /// An inner node inside the tree with fewer children is merged or filled from a sibling.
        static var minimum: Int { @inline(__always) get { capacity * 7 / 16 } }

        let node: Node

        @inline(__always)
        init(_ node: Node) { self.node = node }

        var count: Int {
            @inline(__always) get { node.count }
            @inline(__always) nonmutating set { node.count = newValue }
        }
        var isFull: Bool { @inline(__always) get { count == Inner.capacity } }

        private var children: UnsafeMutablePointer<UInt> {
            @inline(__always) get {
                (node.base + Node.headerBytes).assumingMemoryBound(to: UInt.self)
            }
        }

        var weights: UnsafeMutablePointer<Int> {
            @inline(__always) get {
                (node.base + (Node.headerBytes + Inner.capacity * 8))
                    .assumingMemoryBound(to: Int.self)
            }
        }

        @inline(__always)
        func child(_ index: Int) -> Node { Node(address: children[index]) }

        /// Where the address of a child is kept.
        @inline(__always)
        func place(ofChild index: Int, memory: UnsafeMutablePointer<Memory>) -> BlockPlace {
            BlockPlace(UnsafeMutableRawPointer(children + index), memory: memory)
        }

        /// The copy of the first record under a child; only in layouts with an order.
        @inline(__always)
        func first(_ index: Int) -> UnsafeMutableRawPointer {
            node.base + (Node.headerBytes + Inner.capacity * 16 &+ index &* Inner.firstBytes)
        }

        /// The weight of what lies under the children in front of the one at `index`.
        @inline(__always)
        func weight(before index: Int) -> Int {
            var sum = 0
            for each in 0..<index { sum &+= weights[each] }
            return sum
        }

        /// The last child whose first record precedes a probe, or else the first child: the probe
        /// belongs under it, or right behind.
        @inline(__always)
        func childIndex(_ precedes: (UnsafeRawPointer) -> Bool) -> Int {
            CountedTree.lowerBound(first(1), count: count &- 1, precedes)
        }

        /// Renews the copy of the first record under a child.
        @inline(__always)
        func renewFirst(_ index: Int, from record: UnsafeRawPointer) {
            if Layout.isOrdered {
                first(index).copyMemory(from: record, byteCount: Inner.firstBytes)
            }
        }

        /// Copies `moved` children of `source` from `position` to `target`; the ranges may overlap.
        private func copy(to target: Int, from source: Inner, at position: Int, count moved: Int) {
            (children + target).update(from: source.children + position, count: moved)
            (weights + target).update(from: source.weights + position, count: moved)
            if Layout.isOrdered {
                first(target).copyMemory(
                    from: source.first(position), byteCount: moved * Inner.firstBytes)
            }
        }

        /// Puts a child that is not empty before the one at `index`; there must be room.
        func insert(_ child: Node, weight: Int, at index: Int) {
            copy(to: index + 1, from: self, at: index, count: count - index)
            children[index] = child.address
            weights[index] = weight
            count += 1
            if Layout.isOrdered { renewFirst(index, from: child.first) }
        }

        func removeChild(at index: Int) {
            copy(to: index, from: self, at: index + 1, count: count - 1 - index)
            count -= 1
        }

        /// Moves the last `moved` children in front of those of `right`.
        func moveTail(_ moved: Int, to right: Inner) {
            right.copy(to: moved, from: right, at: 0, count: right.count)
            right.copy(to: 0, from: self, at: count - moved, count: moved)
            right.count += moved
            count -= moved
        }

        /// Moves the first `moved` children of `right` behind those of this node.
        func takeHead(_ moved: Int, of right: Inner) {
            copy(to: count, from: right, at: 0, count: moved)
            right.copy(to: 0, from: right, at: moved, count: right.count - moved)
            count += moved
            right.count -= moved
        }
    }
}
