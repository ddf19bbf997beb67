// SPDX-License-Identifier: BSD-3-Clause
//
// The small encodings that a Redis keeps small collections in, and writes to a dump as they are:
// one string that is a whole collection. Their layouts have files of their own (RDBListpack,
// RDBZiplist); the two simplest are here.
//
// They are read in place, from end to end, through a scanner that hands out no byte it has not
// counted. Every length, count and back reference that a layout has is checked, whether we need it
// or not: what a Redis would trust later, when a command walks the other way, is known to be right
// before anything is kept.
//
//     intset   width : 32 | count : 32 | integers of `width` bytes, ascending
//     zipmap   count : 8 | { length, field, length, free : 8, value, `free` bytes } | ff
//              a length is a byte below 254, or 254 and 32 bits
//
// All numbers are little-endian.

/// Reads bytes in their order and never beyond them. Owns nothing.
struct RDBScanner {
    let bytes: ByteView
    private(set) var position = 0

    init(_ bytes: ByteView) { self.bytes = bytes }

    /// The bytes that are left.
    var left: Int { bytes.count - position }

    @inline(__always)
    mutating func byte() throws(RDBDefect) -> UInt8 {
        guard position < bytes.count else { throw .damaged(.elementBeyondEnd) }
        defer { position &+= 1 }
        return bytes[position]
    }

    /// The next `count` bytes; a claim that may be anything.
    @inline(__always)
    mutating func take(_ count: UInt64) throws(RDBDefect) -> ByteView {
        guard count <= UInt64(left) else { throw .damaged(.elementBeyondEnd) }
        let view = bytes.slice(position, Int(count))
        position &+= view.count
        return view
    }

    /// The next element of a listpack if it is a string of up to 63 bytes, all of it there and its
    /// length behind it right; else nil, and the scanner stays where it is.
    @inline(__always)
    mutating func takeShortText() -> ByteView? {
        guard position < bytes.count else { return nil }
        let count = Int(bytes[position] ^ 0x80)
        guard count < 0x40, position &+ count &+ 1 < bytes.count,
            Int(bytes[position &+ 1 &+ count]) == count &+ 1
        else { return nil }
        let text = bytes.slice(position &+ 1, count)
        position &+= count &+ 2
        return text
    }

    /// The next element of a listpack if it is an integer from 0 to 127 and the length behind it is
    /// right; else nil, and the scanner stays where it is.
    @inline(__always)
    mutating func takeShortInteger() -> Int64? {
        guard position &+ 1 < bytes.count, bytes[position] < 0x80, bytes[position &+ 1] == 1 else {
            return nil
        }
        defer { position &+= 2 }
        return Int64(bytes[position])
    }

    /// A number of up to eight bytes, the lowest first.
    @inline(__always)
    mutating func littleEndian(_ count: Int) throws(RDBDefect) -> UInt64 {
        let view = try take(UInt64(count))
        var value: UInt64 = 0
        var index = count
        while index > 0 {
            index &-= 1
            value = value << 8 | UInt64(view[index])
        }
        return value
    }

    /// A number of up to eight bytes, the highest first.
    mutating func bigEndian(_ count: Int) throws(RDBDefect) -> UInt64 {
        let view = try take(UInt64(count))
        var value: UInt64 = 0
        for index in 0..<count { value = value << 8 | UInt64(view[index]) }
        return value
    }

    /// The same as `littleEndian`, with the sign of its highest bit.
    @inline(__always)
    mutating func signed(_ count: Int) throws(RDBDefect) -> Int64 {
        let shift = UInt64(64 - 8 * count)
        return Int64(bitPattern: try littleEndian(count) << shift) >> Int64(shift)
    }
}

/// A collection in one string: elements in their order. Owns nothing.
protocol RDBBlob {
    /// Checks the frame.
    init(_ blob: ByteView) throws(RDBDefect)
    /// The next element, or nil at the end, where all that was claimed has been checked. Not to be
    /// called after that.
    mutating func next() throws(RDBDefect) -> StringPayload?
}

struct RDBIntset: RDBBlob {
    private var scanner: RDBScanner
    private let width: Int
    private var last: Int64?

    init(_ blob: ByteView) throws(RDBDefect) {
        scanner = RDBScanner(blob)
        let width = try scanner.littleEndian(4)
        let count = try scanner.littleEndian(4)
        guard width == 2 || width == 4 || width == 8, count * width == UInt64(scanner.left) else {
            throw .damaged(.intsetLength)
        }
        self.width = Int(width)
    }

    mutating func next() throws(RDBDefect) -> StringPayload? {
        guard scanner.left > 0 else { return nil }
        let value = try scanner.signed(width)
        if let last, last >= value { throw .damaged(.intsetOrder) }
        last = value
        return .integer(value)
    }
}

struct RDBZipmap {
    private static let wideLength: UInt8 = 254
    private static let end: UInt8 = 255

    private var scanner: RDBScanner
    private let claimed: UInt8
    private var seen = 0

    init(_ blob: ByteView) throws(RDBDefect) {
        scanner = RDBScanner(blob)
        claimed = try scanner.byte()
    }

    /// The next field and its value, or nil at the end. Not to be called after that.
    mutating func next() throws(RDBDefect) -> (field: ByteView, value: ByteView)? {
        guard let fieldLength = try length() else {
            guard scanner.left == 0, claimed >= Self.wideLength || Int(claimed) == seen else {
                throw .damaged(.zipmapCount)
            }
            return nil
        }
        let field = try scanner.take(fieldLength)
        guard let valueLength = try length() else { throw .damaged(.zipmapCount) }
        let free = try scanner.byte()
        let value = try scanner.take(valueLength)
        _ = try scanner.take(UInt64(free))
        seen += 1
        return (field, value)
    }

    /// Nil where the end mark is.
    private mutating func length() throws(RDBDefect) -> UInt64? {
        let first = try scanner.byte()
        if first < Self.wideLength { return UInt64(first) }
        return first == Self.end ? nil : try scanner.littleEndian(4)
    }
}
