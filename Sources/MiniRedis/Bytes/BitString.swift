// SPDX-License-Identifier: BSD-3-Clause
//
// Bytes as a row of bits, as the bitmap commands see a string: bit 0 is the highest bit of the
// first byte. Bits behind the end are zeros.
//
//     byte       0                 1
//     bit        0 1 2 3 4 5 6 7   8 9 ...
//     in a byte  80 40 20 ... 01   80 40 ...
//
// Counting adds up 256 bytes at a time, as hardware adds numbers: three vectors go through a full
// adder, which gives their sum and a carry of twice the weight, so that of eight vectors only one
// has to be counted bit by bit.

extension ByteView {
    /// The bit at `offset`.
    @inline(__always)
    func bit(_ offset: Int) -> Int {
        let index = offset >> 3
        guard index < count else { return 0 }
        return Int(self[index] >> UInt8(7 - offset & 7) & 1)
    }

    /// The unsigned number of `width` bits (1 to 64) from `offset` on, the highest first.
    func bitField(at offset: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        var (at, left) = (offset, width)
        while left > 0 {
            let part = BitPart(at: at, atMost: left)
            let byte = part.index < count ? self[part.index] : 0
            value = value << UInt64(part.width) | UInt64(byte >> part.shift & part.mask)
            at += part.width
            left -= part.width
        }
        return value
    }

    /// The number of ones among the bits of `range`, which lies inside.
    func countOnes(in range: Range<Int>) -> Int {
        guard !range.isEmpty else { return 0 }
        let (first, last) = (range.lowerBound >> 3, (range.upperBound - 1) >> 3)
        let head = 0xFF >> UInt8(range.lowerBound & 7)
        let tail = ~(0x7F >> UInt8((range.upperBound - 1) & 7)) & 0xFF
        if first == last { return (Int(self[first]) & head & tail).nonzeroBitCount }
        return (Int(self[first]) & head).nonzeroBitCount
            + slice(first + 1, last - first - 1).countOnes()
            + (Int(self[last]) & tail).nonzeroBitCount
    }

    /// The number of ones.
    func countOnes() -> Int {
        var (total, at) = countOnesInBlocks()
        while at + 8 <= count {
            total += base.loadUnaligned(fromByteOffset: at, as: UInt64.self).nonzeroBitCount
            at += 8
        }
        while at < count {
            total += self[at].nonzeroBitCount
            at += 1
        }
        return total
    }

    /// The place of the first bit in `range`, which lies inside, that is one or that is zero.
    func firstBit(_ isOne: Bool, in range: Range<Int>) -> Int? {
        guard !range.isEmpty else { return nil }
        // What is looked for is a one from here on.
        let flip: UInt64 = isOne ? 0 : ~0
        let end = (range.upperBound + 7) >> 3
        var at = range.lowerBound >> 3
        let head =
            (self[at] ^ UInt8(truncatingIfNeeded: flip)) & 0xFF >> UInt8(range.lowerBound & 7)
        if head != 0 { return Self.inside(range, at * 8 + head.leadingZeroBitCount) }
        at += 1
        let flips = SIMD4<UInt64>(repeating: flip)
        while at + 32 <= end,
            base.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self) == flips
        {
            at += 32
        }
        while at + 8 <= end {
            let word = base.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ flip
            if word != 0 {
                return Self.inside(range, at * 8 + word.bigEndian.leadingZeroBitCount)
            }
            at += 8
        }
        while at < end {
            let byte = self[at] ^ UInt8(truncatingIfNeeded: flip)
            if byte != 0 { return Self.inside(range, at * 8 + byte.leadingZeroBitCount) }
            at += 1
        }
        return nil
    }

    private static func inside(_ range: Range<Int>, _ place: Int) -> Int? {
        place < range.upperBound ? place : nil
    }
}

/// The bits of a field that lie in one byte.
private struct BitPart {
    var index: Int
    var width: Int
    var shift: UInt8
    var mask: UInt8

    @inline(__always)
    init(at offset: Int, atMost limit: Int) {
        let skip = offset & 7
        index = offset >> 3
        width = min(8 - skip, limit)
        shift = UInt8(8 - skip - width)
        mask = UInt8(truncatingIfNeeded: (1 << width) - 1)
    }
}

/// Bytes whose bits may be changed. The caller of whoever hands it out owns them.
struct BitString {
    let base: UnsafeMutableRawPointer
    /// Bytes.
    let count: Int

    var view: ByteView { ByteView(base, count: count) }
    /// The same bytes one by one.
    var bytes: UnsafeMutablePointer<UInt8> { base.assumingMemoryBound(to: UInt8.self) }

    /// Calls with `count` bytes that begin with those of `text`; the rest is not initialised.
    static func withRoom<Result>(
        _ count: Int, startingWith text: ByteView, _ body: (BitString) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            start.copyMemory(from: text.base, byteCount: text.count)
            return body(BitString(base: start, count: count))
        }
    }

    /// Changes the bit at `offset`, which lies inside.
    func setBit(_ offset: Int, _ isOne: Bool) {
        setBitField(at: offset, width: 1, isOne ? 1 : 0)
    }

    /// Writes the lowest `width` bits (1 to 64) of `value` at `offset`; all of them lie inside.
    func setBitField(at offset: Int, width: Int, _ value: UInt64) {
        precondition(offset >= 0 && offset + width <= count * 8, "a field lies in its string")
        var (at, left) = (offset, width)
        while left > 0 {
            let part = BitPart(at: at, atMost: left)
            left -= part.width
            at += part.width
            let bits = UInt8(truncatingIfNeeded: value >> UInt64(left)) & part.mask
            let old = base.load(fromByteOffset: part.index, as: UInt8.self)
            let new = old & ~(part.mask << part.shift) | bits << part.shift
            base.storeBytes(of: new, toByteOffset: part.index, as: UInt8.self)
        }
    }
}

// MARK: - Counting in blocks

private typealias BitVector = SIMD4<UInt64>

extension ByteView {
    private static let blockBytes = 256

    /// The ones in as many whole blocks as there are, and where those end.
    private func countOnesInBlocks() -> (ones: Int, end: Int) {
        guard count >= Self.blockBytes else { return (0, 0) }
        var (ones, twos, fours) = (BitVector(), BitVector(), BitVector())
        var total = 0
        var at = 0
        while at + Self.blockBytes <= count {
            let block = base + at
            let firstTwos = Self.add(&ones, Self.vector(block, 0), Self.vector(block, 1))
            let secondTwos = Self.add(&ones, Self.vector(block, 2), Self.vector(block, 3))
            let firstFours = Self.add(&twos, firstTwos, secondTwos)
            let thirdTwos = Self.add(&ones, Self.vector(block, 4), Self.vector(block, 5))
            let fourthTwos = Self.add(&ones, Self.vector(block, 6), Self.vector(block, 7))
            let secondFours = Self.add(&twos, thirdTwos, fourthTwos)
            total += 8 * Self.countOnes(Self.add(&fours, firstFours, secondFours))
            at += Self.blockBytes
        }
        total += 4 * Self.countOnes(fours) + 2 * Self.countOnes(twos) + Self.countOnes(ones)
        return (total, at)
    }

    @inline(__always)
    private static func vector(_ block: UnsafeRawPointer, _ index: Int) -> BitVector {
        block.loadUnaligned(fromByteOffset: index * 32, as: BitVector.self)
    }

    /// A full adder for each bit: the sum stays in `sum`, the carries come back.
    @inline(__always)
    private static func add(_ sum: inout BitVector, _ a: BitVector, _ b: BitVector) -> BitVector {
        let half = sum ^ a
        let carry = sum & a | half & b
        sum = half ^ b
        return carry
    }

    /// The ones of a vector: counted in pairs, in fours, in bytes, which are added up.
    @inline(__always)
    private static func countOnes(_ vector: BitVector) -> Int {
        var counts = vector &- (vector &>> 1 & 0x5555_5555_5555_5555)
        counts = counts & 0x3333_3333_3333_3333 &+ (counts &>> 2 & 0x3333_3333_3333_3333)
        counts = (counts &+ counts &>> 4) & 0x0F0F_0F0F_0F0F_0F0F
        let ones: UInt64 = 0x0101_0101_0101_0101
        return Int(((counts[0] &+ counts[1]) &* ones) >> 56)
            + Int(((counts[2] &+ counts[3]) &* ones) >> 56)
    }
}
