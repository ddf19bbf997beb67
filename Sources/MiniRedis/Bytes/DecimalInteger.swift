// SPDX-License-Identifier: BSD-3-Clause
//
// Integers as decimal text, read and written as Redis does.
//
// Reading is strict, because a value that reads as an integer may be stored as one and must come
// back as the very same bytes: no spaces, no plus, no leading zeros, no "-0", nothing that needs
// more than 64 bits. Each integer has exactly one text, and only that is accepted.

enum DecimalInteger {
    /// Bytes of the longest text, "-9223372036854775808" or "18446744073709551615".
    static let maximumLength = 20

    /// The integer, or nil if the bytes are not its one text.
    @inline(__always)
    static func parse(_ text: ByteView) -> Int64? {
        if text.count == 1 {
            let digit = text[0] &- 0x30
            return digit <= 9 ? Int64(digit) : nil
        }
        return parseLong(text)
    }

    private static func parseLong(_ text: ByteView) -> Int64? {
        guard text.count > 1, text.count <= maximumLength else { return nil }
        let isNegative = text[0] == 0x2d
        let digits = isNegative ? text.suffix(from: 1) : text
        // Nineteen digits fit 64 bits without a sign. The first is not zero: twenty are too many.
        guard digits.count <= 19, digits[0] &- 0x31 <= 8, let magnitude = parse(digits: digits)
        else { return nil }
        if isNegative {
            guard magnitude <= UInt64(1) << 63 else { return nil }
            return Int64(bitPattern: 0 &- magnitude)
        }
        return Int64(exactly: magnitude)
    }

    /// The value of 1 to 19 digits, or nil if one is none. What eight do not divide comes first,
    /// with zeros before it, so that every step is the one for eight digits.
    @inline(__always)
    private static func parse(digits: ByteView) -> UInt64? {
        let odd = digits.count & 7
        var value: UInt64 = 0
        if odd > 0 {
            let zeros: UInt64 = 0x3030_3030_3030_3030
            let word = ASCIICase.word(at: digits.base, count: odd)
            let padded = word << UInt64((8 &- odd) &* 8) | zeros >> UInt64(odd &* 8)
            guard let head = eightDigits(padded) else { return nil }
            value = head
        }
        var at = odd
        while at < digits.count {
            let word = digits.base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            guard let eight = eightDigits(UInt64(littleEndian: word)) else { return nil }
            value = value &* 100_000_000 &+ eight
            at &+= 8
        }
        return value
    }

    /// The value of eight digits in a word, the first in the lowest byte: neighbours are joined to
    /// pairs, pairs to fours, fours to eight, each step one multiplication.
    @inline(__always)
    private static func eightDigits(_ word: UInt64) -> UInt64? {
        let high: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
        let past: UInt64 = 0x0606_0606_0606_0606  // carries 0x3a to 0x3f out of the row of digits
        // A carry between bytes needs one of 0xfa or more, whose own high half is already wrong.
        guard word & high | ((word &+ past) & high) >> 4 == 0x3333_3333_3333_3333 else {
            return nil
        }
        let ones = word & 0x0f0f_0f0f_0f0f_0f0f
        let pairs = (ones &* (1 &+ 10 << 8)) >> 8 & 0x00ff_00ff_00ff_00ff
        let fours = (pairs &* (1 &+ 100 << 16)) >> 16 & 0x0000_ffff_0000_ffff
        return (fours &* (1 &+ 10_000 << 32)) >> 32
    }
}

// MARK: - Writing

extension DecimalInteger {
    /// Writes the text to `destination`, which has room for `maximumLength` bytes, and returns its
    /// length. There is no NUL.
    @inline(__always)
    static func write(_ value: Int64, to destination: UnsafeMutableRawPointer) -> Int {
        if value >= 0 { return write(UInt64(bitPattern: value), to: destination) }
        destination.storeBytes(of: 0x2d, as: UInt8.self)
        return 1 &+ write(value.magnitude, to: destination + 1)
    }

    @inline(__always)
    static func write(_ value: UInt64, to destination: UnsafeMutableRawPointer) -> Int {
        if value < 10 {
            destination.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        return writeLong(value, to: destination)
    }

    /// Writes two digits at a time, from the last.
    private static func writeLong(_ value: UInt64, to destination: UnsafeMutableRawPointer) -> Int {
        let count = length(value)
        var rest = value
        var at = count
        while rest >= 100 {
            let quotient = rest / 100
            at &-= 2
            storePair(rest &- quotient &* 100, to: destination + at)
            rest = quotient
        }
        if rest >= 10 {
            storePair(rest, to: destination)
        } else {
            destination.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        }
        return count
    }

    @inline(__always)
    private static func storePair(_ number: UInt64, to destination: UnsafeMutableRawPointer) {
        let pairs: StaticString = """
            00010203040506070809101112131415161718192021222324252627282930313233343536373839\
            40414243444546474849505152535455565758596061626364656667686970717273747576777879\
            8081828384858687888990919293949596979899
            """
        let pair = UnsafeRawPointer(pairs.utf8Start)
            .loadUnaligned(fromByteOffset: Int(truncatingIfNeeded: number &* 2), as: UInt16.self)
        destination.storeBytes(of: pair, as: UInt16.self)
    }

    /// The length of the text, with its sign.
    @inline(__always)
    static func length(_ value: Int64) -> Int {
        value >= 0 ? length(UInt64(bitPattern: value)) : 1 &+ length(value.magnitude)
    }

    /// Counts digits four at a time; most numbers are small.
    @inline(__always)
    static func length(_ value: UInt64) -> Int {
        var rest = value
        var count = 0
        while true {
            if rest < 10 { return count &+ 1 }
            if rest < 100 { return count &+ 2 }
            if rest < 1_000 { return count &+ 3 }
            if rest < 10_000 { return count &+ 4 }
            rest /= 10_000
            count &+= 4
        }
    }
}
