// SPDX-License-Identifier: BSD-3-Clause
//
// What the nodes of a `CountedTree` have in common: the stamped block with its header. The pictures
// are in `CountedTree.swift`.

extension CountedTree {
    /// A node of either kind: the block and its header.
    struct Node: Equatable {
        /// The size of every node but a small root: a size class of the allocator.
        static var bytes: Int { @inline(__always) get { 1024 } }
        /// The size of the smallest root; the sizes between are its doublings.
        static var smallestBytes: Int { @inline(__always) get { 64 } }
        static var headerBytes: Int { @inline(__always) get { 8 } }
        static var cacheLineBytes: Int { @inline(__always) get { 64 } }

        let base: UnsafeMutableRawPointer

        @inline(__always)
        init(_ base: UnsafeMutableRawPointer) { self.base = base }

        /// The node at an address that is not 0.
        @inline(__always)
        init(address: UInt) {
            base = UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
        }

        var address: UInt { @inline(__always) get { UInt(bitPattern: base) } }

        private var kind: UInt8 {
            @inline(__always) get { base.load(fromByteOffset: 5, as: UInt8.self) }
        }

        /// 0 for a leaf; for an inner node, the distance to its leaves.
        var level: Int { @inline(__always) get { Int(kind & 15) } }

        /// The size of the block.
        var allocatedBytes: Int { @inline(__always) get { Node.smallestBytes << Int(kind >> 4) } }

        /// The place of a leaf's first record, counted in records; 0 in an inner node.
        var start: Int {
            @inline(__always) get { Int(base.load(fromByteOffset: 6, as: UInt8.self)) }
            @inline(__always) nonmutating set {
                base.storeBytes(
                    of: UInt8(truncatingIfNeeded: newValue), toByteOffset: 6, as: UInt8.self)
            }
        }

        /// Records of a leaf, children of an inner node.
        var count: Int {
            @inline(__always) get { Int(base.load(fromByteOffset: 7, as: UInt8.self)) }
            @inline(__always) nonmutating set {
                base.storeBytes(
                    of: UInt8(truncatingIfNeeded: newValue), toByteOffset: 7, as: UInt8.self)
            }
        }

        /// Makes the block an empty node.
        func setHeader(stamp: UInt64, level: Int, bytes: Int) {
            base.storeBytes(of: 0, as: UInt64.self)
            BlockStamp.write(stamp, to: base)
            setSize(bytes, level: level)
        }

        /// Notes the size of the block.
        func setSize(_ bytes: Int, level: Int) {
            let size = (bytes / Node.smallestBytes).trailingZeroBitCount
            base.storeBytes(of: UInt8(size << 4 | level), toByteOffset: 5, as: UInt8.self)
        }

        /// The first record under a node that is not empty: in a leaf the record, in an inner node
        /// its copy (of layouts with an order).
        var first: UnsafeMutableRawPointer {
            level == 0 ? Leaf(self).record(0) : Inner(self).first(0)
        }

        /// The sum of the weights of all records under the node.
        var totalWeight: Int {
            level == 0 ? Leaf(self).weight(before: count) : Inner(self).weight(before: count)
        }

        /// The most children or records that a node of its level and of full size has.
        var capacity: Int { level == 0 ? Leaf.capacity : Inner.capacity }

        /// Moves the first `count` records or children of `right` to the end of this node, which
        /// has room for them.
        func takeHead(_ count: Int, of right: Node) {
            if level == 0 {
                Leaf(self).takeHead(count, of: Leaf(right))
            } else {
                Inner(self).takeHead(count, of: Inner(right))
            }
        }

        /// Shares the records or children of this node and of its right neighbour equally.
        func levelOut(with right: Node) {
            let share = (count + right.count) / 2
            if count <= share {
                takeHead(share - count, of: right)
            } else if level == 0 {
                Leaf(self).moveTail(count - share, to: Leaf(right))
            } else {
                Inner(self).moveTail(count - share, to: Inner(right))
            }
        }

        /// Asks for the whole node, all lines at once: it is most often far from the processor, and
        /// a search would wait for line after line.
        @inline(__always)
        func prefetchAll() {
            var offset = 0
            while offset < Node.bytes {
                prefetch(base + offset)
                offset &+= Node.cacheLineBytes
            }
        }
    }

    /// The number of records of `stride` bytes from `start`, of `count`, that come before a probe,
    /// as `precedes` tells; they lie in front of the others. The loop has no branch of its own on
    /// the data.
    @inline(__always)
    static func lowerBound(
        _ start: UnsafeRawPointer, count: Int, _ precedes: (UnsafeRawPointer) -> Bool
    ) -> Int {
        var first = 0
        var rest = count
        while rest > 1 {
            let half = rest >> 1
            let isLess = precedes(start + (first &+ half &- 1) &* Layout.recordBytes) ? 1 : 0
            first &+= half & (0 &- isLess)
            rest &-= half
        }
        if rest == 1 && precedes(start + first &* Layout.recordBytes) { first &+= 1 }
        return first
    }
}
