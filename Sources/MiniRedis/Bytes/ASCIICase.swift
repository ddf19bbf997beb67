// SPDX-License-Identifier: BSD-3-Clause
//
// Upper and lower case of the 26 ASCII letters, whatever the locale says: command names, options
// and configuration directives are compared this way, and no other byte ever changes.

enum ASCIICase {
    /// The byte, or the lower-case letter if it is an upper-case one.
    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The byte, or the upper-case letter if it is a lower-case one.
    @inline(__always)
    static func upper(_ byte: UInt8) -> UInt8 {
        byte &- 0x61 < 26 ? byte & 0xdf : byte
    }

    /// The first `count` bytes (0 to 8), little endian, missing ones zero, letters lower-cased: two
    /// names of one length are the same if their words are. Nothing outside of the bytes is read.
    @inline(__always)
    static func foldedWord(at bytes: UnsafeRawPointer, count: Int) -> UInt64 {
        lower(word(at: bytes, count: count))
    }

    /// Lower-cases eight bytes at once, exactly: sums of seven bits never carry into a neighbour.
    @inline(__always)
    static func lower(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let sevenBits = word & (ones &* 0x7f)
        let fromA = sevenBits &+ ones &* (0x80 - 0x41)  // bit 7 is set from "A" on
        let pastZ = sevenBits &+ ones &* (0x80 - 0x5b)  // bit 7 is set after "Z"
        let isUpper = (fromA ^ pastZ) & ~word & (ones &* 0x80)
        return word | isUpper >> 2
    }

    /// Up to eight bytes, little endian: two overlapping loads where one would read too far.
    @inline(__always)
    static func word(at bytes: UnsafeRawPointer, count: Int) -> UInt64 {
        assert(count >= 0 && count <= 8)
        if count >= 8 {
            return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        }
        if count >= 4 {
            let first = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
            let last = UInt32(
                littleEndian: bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
            return UInt64(first) | UInt64(last) << UInt64((count &- 4) &* 8)
        }
        if count == 0 { return 0 }
        let middle = count >> 1
        let first = UInt64(bytes.load(as: UInt8.self))
        let second = UInt64(bytes.load(fromByteOffset: middle, as: UInt8.self))
        let third = UInt64(bytes.load(fromByteOffset: count - 1, as: UInt8.self))
        return first | second << UInt64(middle &* 8) | third << UInt64((count &- 1) &* 8)
    }
}
