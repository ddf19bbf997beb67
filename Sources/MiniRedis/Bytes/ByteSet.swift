// SPDX-License-Identifier: BSD-3-Clause
//
// A set of byte values, one bit each: the classes of glob patterns.

struct ByteSet {
    /// Bytes of the set's stored form.
    static let storedSize = 32

    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Bits 1 to 26 of the second word are "A" to "Z"; the lower-case letters are 32 above them.
    private static let upperCase: UInt64 = 0x07ff_fffe

    init() {}

    /// The bytes from `first` to `last`; none if there are none between them.
    init(from first: UInt8, to last: UInt8) {
        words = (
            Self.bits(0, first, last), Self.bits(64, first, last),
            Self.bits(128, first, last), Self.bits(192, first, last)
        )
    }

    /// The bits of one word, whose lowest stands for the byte `base`.
    private static func bits(_ base: Int, _ first: UInt8, _ last: UInt8) -> UInt64 {
        let low = max(Int(first) - base, 0)
        let high = min(Int(last) - base, 63)
        return low > high ? 0 : (.max << UInt64(low)) & (.max >> UInt64(63 - high))
    }

    func contains(_ byte: UInt8) -> Bool {
        word(Int(byte >> 6)) >> UInt64(byte & 63) & 1 == 1
    }

    private func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: return words.0
        case 1: return words.1
        case 2: return words.2
        default: return words.3
        }
    }

    mutating func formUnion(_ other: ByteSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    mutating func invert() {
        words = (~words.0, ~words.1, ~words.2, ~words.3)
    }

    /// Makes each upper-case letter a member if, and only if, its lower-case one is.
    mutating func foldLetters() {
        let upper = words.1 >> 32 & Self.upperCase
        words.1 = words.1 & ~Self.upperCase | upper
    }

    /// The number of runs of neighbours, at most 128.
    var runCount: Int {
        var count = 0
        forEachRun { _, _ in count += 1 }
        return count
    }

    /// Calls for each run of neighbours with its first and its last byte, in order.
    func forEachRun(_ body: (UInt8, UInt8) -> Void) {
        var first = next(0, isMember: true)
        while first < 256 {
            let end = next(first, isMember: false)
            body(UInt8(first), UInt8(end - 1))
            first = next(end, isMember: true)
        }
    }

    /// The first byte from `start` on that is a member, or that is none; 256 if there is none.
    private func next(_ start: Int, isMember: Bool) -> Int {
        var at = start
        while at < 256 {
            let found = (isMember ? word(at >> 6) : ~word(at >> 6)) >> UInt64(at & 63)
            if found != 0 { return at + found.trailingZeroBitCount }
            at = (at | 63) + 1
        }
        return 256
    }

    /// Appends the stored form: 256 bits, that of byte 0 first.
    func append(to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: words.0)
        buffer.append(littleEndian: words.1)
        buffer.append(littleEndian: words.2)
        buffer.append(littleEndian: words.3)
    }

    /// The stored form has the byte.
    @inline(__always)
    static func stored(at set: UnsafeRawPointer, contains byte: UInt8) -> Bool {
        let bits = set.load(fromByteOffset: Int(byte >> 3), as: UInt8.self)
        return bits >> (byte & 7) & 1 == 1
    }
}
