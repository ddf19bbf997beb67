// SPDX-License-Identifier: BSD-3-Clause
//
// What the nodes of a `DeadlineIndex` have in common: the block with its header, and the two
// columns of elements. The pictures are in `DeadlineIndex.swift`.

extension DeadlineIndex {
    /// A node of either kind: the block and its header.
    struct Node: Equatable {
        /// The size of every node: a size class of the allocator, so that nothing is lost to
        /// rounding.
        static let bytes = 1024
        static let headerBytes = 8

        let base: UnsafeMutableRawPointer

        /// 0 for a leaf; for an inner node, the distance to its leaves.
        var level: Int { Int(base.load(fromByteOffset: 4, as: UInt16.self)) }

        /// Makes the block an empty node.
        func setHeader(level: Int) {
            base.storeBytes(of: UInt64(level) << 32, as: UInt64.self)
        }
    }

    /// An element as nodes keep it, 80 bits: `deadline << 16 | hash >> 16`, and the low half of the
    /// hash.
    struct PackedElement: Equatable {
        static let bytes = 10

        var high: UInt64
        var low: UInt16

        @inline(__always)
        init(high: UInt64, low: UInt16) {
            self.high = high
            self.low = low
        }

        @inline(__always)
        init(deadline: Int64, hash: UInt32) {
            high = UInt64(bitPattern: deadline) << 16 | UInt64(hash >> 16)
            low = UInt16(truncatingIfNeeded: hash)
        }

        var element: Element {
            @inline(__always) get {
                let hash = UInt32(truncatingIfNeeded: high & 0xFFFF) << 16 | UInt32(low)
                return Element(deadline: Int64(high >> 16), hash: hash)
            }
        }

        @inline(__always)
        static func < (left: PackedElement, right: PackedElement) -> Bool {
            left.high < right.high || (left.high == right.high && left.low < right.low)
        }
    }

    /// The two columns of a node's elements: their high 64 bits apart from their low 16, so that
    /// neither is padded and a search reads the first column only.
    struct Columns {
        let highs: UnsafeMutablePointer<UInt64>
        let lows: UnsafeMutablePointer<UInt16>

        @inline(__always)
        init(_ node: Node, capacity: Int) {
            let start = node.base + Node.headerBytes
            highs = start.assumingMemoryBound(to: UInt64.self)
            lows = (start + capacity * 8).assumingMemoryBound(to: UInt16.self)
        }

        subscript(index: Int) -> PackedElement {
            @inline(__always) get { PackedElement(high: highs[index], low: lows[index]) }
            @inline(__always) nonmutating set {
                highs[index] = newValue.high
                lows[index] = newValue.low
            }
        }

        /// Copies `count` elements of `source` from `position` to `target`; the ranges may overlap.
        @inline(__always)
        func copy(to target: Int, from source: Columns, at position: Int, count: Int) {
            (highs + target).update(from: source.highs + position, count: count)
            (lows + target).update(from: source.lows + position, count: count)
        }

        /// The first index from `start` up to `end` whose element is not less than `element`.
        ///
        /// The first loop has no branch on the data, only conditional moves; the second one walks
        /// elements of the same millisecond and the same half of the hash, of which there are more
        /// than one or two only when very many keys die in one millisecond.
        @inline(__always)
        func lowerBound(_ element: PackedElement, from start: Int, to end: Int) -> Int {
            var first = highs + start
            var count = end &- start
            while count > 1 {
                let half = count >> 1
                let isLess = first[half &- 1] < element.high ? 1 : 0
                first += half & (0 &- isLess)
                count &-= half
            }
            var index = first - highs
            if count == 1 && first[0] < element.high { index += 1 }
            while index < end && highs[index] == element.high && lows[index] < element.low {
                index += 1
            }
            return index
        }
    }
}
