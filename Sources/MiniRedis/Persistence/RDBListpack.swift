// SPDX-License-Identifier: BSD-3-Clause
//
// Listpacks, the small encoding of Redis 7.0 and later, and of the nodes of streams.
//
//     bytes : 32 | count : 16 (65,535: unknown) | { element, its length, read from the right } | ff
//
//     element   0nnnnnnn                             an integer from 0 to 127
//               10nnnnnn and the bytes               a string of up to 63 bytes
//               110nnnnn nnnnnnnn                    an integer of 13 bits, signed
//               1110nnnn nnnnnnnn and the bytes      a string of up to 4,095 bytes
//               f0 and 32 bits, and the bytes        a longer string
//               f1, f2, f3, f4 and the number        an integer of 16, 24, 32, 64 bits
//
// The length behind an element has seven bits a byte, the highest first; all but the first byte
// have their high bit set. What follows f0 to f4 is little-endian.
//
// Source: https://github.com/antirez/listpack/blob/master/listpack.md

enum RDBListpackForm {
    static let headerBytes = 6
    static let unknownCount = 65_535
    static let end: UInt8 = 0xFF

    /// The bytes of the length behind an element of so many bytes.
    @inline(__always)
    static func backLengthBytes(_ length: Int) -> Int {
        switch length {
        case ...127: 1
        case ..<16_383: 2
        case ..<2_097_151: 3
        case ..<268_435_455: 4
        default: 5
        }
    }

    /// A byte of the length behind an element.
    @inline(__always)
    static func backLengthByte(_ index: Int, of bytes: Int, _ length: Int) -> UInt8 {
        let bits = UInt8(truncatingIfNeeded: length >> (7 * (bytes - 1 - index))) & 0x7F
        return index == 0 ? bits : bits | 0x80
    }
}

struct RDBListpack: RDBBlob {
    private var scanner: RDBScanner
    private let claimed: Int
    private var seen = 0

    init(_ blob: ByteView) throws(RDBDefect) {
        scanner = RDBScanner(blob)
        let bytes = try scanner.littleEndian(4)
        claimed = Int(try scanner.littleEndian(2))
        guard bytes == UInt64(blob.count) else { throw .damaged(.listpackLength) }
    }

    @inline(__always)
    mutating func next() throws(RDBDefect) -> StringPayload? {
        if let text = scanner.takeShortText() {
            seen += 1
            return .bytes(text)
        }
        return try longer()
    }

    /// The next element, of whatever form.
    @inline(never)
    private mutating func longer() throws(RDBDefect) -> StringPayload? {
        if let value = scanner.takeShortInteger() {
            seen += 1
            return .integer(value)
        }
        let start = scanner.position
        let code = try scanner.byte()
        if code == RDBListpackForm.end {
            guard scanner.left == 0 else { throw .damaged(.listpackLength) }
            guard claimed == RDBListpackForm.unknownCount || claimed == seen else {
                throw .damaged(.listpackCount)
            }
            return nil
        }
        let element = try element(code)
        try verifyBackLength(scanner.position - start)
        seen += 1
        return element
    }

    /// The next element, which must be an integer.
    mutating func integer() throws(RDBDefect) -> Int64 {
        if let value = scanner.takeShortInteger() {
            seen += 1
            return value
        }
        guard case .integer(let value)? = try next() else { throw .damaged(.streamNode) }
        return value
    }

    @inline(__always)
    private mutating func element(_ code: UInt8) throws(RDBDefect) -> StringPayload {
        switch code {
        case 0x00...0x7F: return .integer(Int64(code))
        case 0x80...0xBF: return .bytes(try scanner.take(UInt64(code & 0x3F)))
        case 0xC0...0xDF:
            let bits = Int64(code & 0x1F) << 8 | Int64(try scanner.byte())
            return .integer(bits >= 1 << 12 ? bits - 1 << 13 : bits)
        case 0xE0...0xEF:
            let length = UInt64(code & 0x0F) << 8 | UInt64(try scanner.byte())
            return .bytes(try scanner.take(length))
        case 0xF0: return .bytes(try scanner.take(try scanner.littleEndian(4)))
        case 0xF1: return .integer(try scanner.signed(2))
        case 0xF2: return .integer(try scanner.signed(3))
        case 0xF3: return .integer(try scanner.signed(4))
        case 0xF4: return .integer(try scanner.signed(8))
        default: throw .damaged(.listpackElement)
        }
    }

    private mutating func verifyBackLength(_ length: Int) throws(RDBDefect) {
        let bytes = RDBListpackForm.backLengthBytes(length)
        for index in 0..<bytes {
            let byte = try scanner.byte()
            guard byte == RDBListpackForm.backLengthByte(index, of: bytes, length) else {
                throw .damaged(.listpackBackLength)
            }
        }
    }
}
