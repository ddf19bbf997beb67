// SPDX-License-Identifier: BSD-3-Clause
//
// A leaf of a `CountedTree`, seen through a one-pointer view: how records move in it and between
// two neighbours. The view owns nothing, trusts its caller, and knows neither parent nor tree.

extension CountedTree {
    /// A leaf: `count` records from place `start` on.
    struct Leaf: Equatable {
        /// Of a leaf of full size.
        static var capacity: Int { @inline(__always) get { capacity(of: Node.bytes) } }
        /// A leaf inside the tree with fewer records is merged or filled from a sibling.
        static var minimum: Int { @inline(__always) get { capacity * 7 / 16 } }
        /// The free places that a sibling must have to take records from a full leaf.
        static var worthwhileRoom: Int { @inline(__always) get { max(capacity / 8, 2) } }

        @inline(__always)
        static func capacity(of bytes: Int) -> Int {
            (bytes &- Node.headerBytes) / Layout.recordBytes
        }

        let node: Node

        @inline(__always)
        init(_ node: Node) { self.node = node }

        var count: Int {
            @inline(__always) get { node.count }
            @inline(__always) nonmutating set { node.count = newValue }
        }
        var start: Int {
            @inline(__always) get { node.start }
            @inline(__always) nonmutating set { node.start = newValue }
        }
        var capacity: Int { @inline(__always) get { Leaf.capacity(of: node.allocatedBytes) } }
        var isFull: Bool { @inline(__always) get { count == capacity } }
        /// The free places behind the last record.
        var roomBehind: Int { @inline(__always) get { capacity &- start &- count } }

        @inline(__always)
        private func place(_ index: Int) -> UnsafeMutableRawPointer {
            node.base + (Node.headerBytes &+ index &* Layout.recordBytes)
        }

        @inline(__always)
        func record(_ index: Int) -> UnsafeMutableRawPointer { place(start &+ index) }

        /// The weight of the records in front of the one at `index`.
        @inline(__always)
        func weight(before index: Int) -> Int {
            var sum = 0
            for each in 0..<index { sum &+= Layout.weight(record(each)) }
            return sum
        }

        @inline(__always)
        func lowerBound(_ precedes: (UnsafeRawPointer) -> Bool) -> Int {
            CountedTree.lowerBound(record(0), count: count, precedes)
        }

        /// Moves all records so that they begin at place `target`.
        func move(toStart target: Int) {
            place(target).copyMemory(from: record(0), byteCount: count * Layout.recordBytes)
            start = target
        }

        /// Puts `record` before the one at `index`; the leaf must not be full. The shorter side
        /// makes way; at an end that has no room all records move to the other end, once for many
        /// that come.
        @inline(__always)
        func insert(_ record: UnsafeRawPointer, at index: Int) {
            let count = count
            if count > 0 {
                if index == count && roomBehind == 0 {
                    move(toStart: 0)
                } else if index == 0 && start == 0 {
                    move(toStart: capacity - count)
                }
            }
            let first = start
            if first == 0 || (roomBehind > 0 && count - index <= index) {
                place(first + index + 1).copyMemory(
                    from: place(first + index), byteCount: (count - index) * Layout.recordBytes)
            } else {
                place(first - 1).copyMemory(
                    from: place(first), byteCount: index * Layout.recordBytes)
                start = first - 1
            }
            self.count = count + 1
            self.record(index).copyMemory(from: record, byteCount: Layout.recordBytes)
        }

        /// Takes out `removed` records from `index` on; the shorter side closes the gap.
        @inline(__always)
        func remove(_ removed: Int, at index: Int) {
            let behind = count - index - removed
            if index < behind {
                place(start + removed).copyMemory(
                    from: place(start), byteCount: index * Layout.recordBytes)
                start += removed
            } else {
                record(index).copyMemory(
                    from: record(index + removed), byteCount: behind * Layout.recordBytes)
            }
            count -= removed
        }

        /// Moves the last `moved` records to the front of `right`, which has room for them.
        func moveTail(_ moved: Int, to right: Leaf) {
            if right.start < moved {
                // What is left of the room lies half before the records and half behind them.
                right.move(toStart: moved + (right.capacity - right.count - moved) / 2)
            }
            right.start -= moved
            right.count += moved
            count -= moved
            right.record(0).copyMemory(
                from: record(count), byteCount: moved * Layout.recordBytes)
        }

        /// Moves the first `moved` records of `right` to the end of this leaf, which has room for
        /// them.
        func takeHead(_ moved: Int, of right: Leaf) {
            if roomBehind < moved { move(toStart: 0) }
            record(count).copyMemory(
                from: right.record(0), byteCount: moved * Layout.recordBytes)
            count += moved
            right.start += moved
            right.count -= moved
        }
    }
}
