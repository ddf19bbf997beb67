// SPDX-License-Identifier: BSD-3-Clause
//
// Ziplists, the small encoding of Redis up to 6.2.
//
//     bytes : 32 | offset of the last element : 32 | count : 16 (65,535: unknown) | elements | ff
//
//     element   length of the one before: a byte below 254, or 254 and 32 bits; then
//               00nnnnnn and the bytes                   a string of up to 63 bytes
//               01nnnnnn nnnnnnnn and the bytes          a string of up to 16,383 bytes
//               10...... and 32 bits, and the bytes      a longer string
//               c0, d0, e0 and the number                an integer of 16, 32, 64 bits
//               f0, fe and the number                    an integer of 24, 8 bits
//               f1 ... fd                                an integer from 0 to 12
//
// Lengths of strings are big-endian, all other numbers little-endian.

struct RDBZiplist: RDBBlob {
    private static let headerBytes = 10
    private static let unknownCount = 65_535
    private static let wideLength: UInt8 = 254
    private static let end: UInt8 = 255

    private var scanner: RDBScanner
    private let claimed: Int
    private let tail: UInt64
    private var seen = 0
    private var lastStart = headerBytes
    private var lastBytes = 0

    init(_ blob: ByteView) throws(RDBDefect) {
        scanner = RDBScanner(blob)
        let bytes = try scanner.littleEndian(4)
        tail = try scanner.littleEndian(4)
        claimed = Int(try scanner.littleEndian(2))
        guard bytes == UInt64(blob.count) else { throw .damaged(.ziplistLength) }
    }

    mutating func next() throws(RDBDefect) -> StringPayload? {
        let start = scanner.position
        let first = try scanner.byte()
        if first == Self.end {
            try verifyEnd()
            return nil
        }
        let before = first == Self.wideLength ? try scanner.littleEndian(4) : UInt64(first)
        guard before == UInt64(lastBytes) else { throw .damaged(.ziplistBackLength) }
        let element = try element(try scanner.byte())
        lastStart = start
        lastBytes = scanner.position - start
        seen += 1
        return element
    }

    private func verifyEnd() throws(RDBDefect) {
        guard scanner.left == 0, tail == UInt64(lastStart) else {
            throw .damaged(.ziplistLength)
        }
        guard claimed == Self.unknownCount || claimed == seen else {
            throw .damaged(.ziplistCount)
        }
    }

    @inline(__always)
    private mutating func element(_ code: UInt8) throws(RDBDefect) -> StringPayload {
        switch code {
        case 0x00...0x3F: return .bytes(try scanner.take(UInt64(code)))
        case 0x40...0x7F:
            let length = UInt64(code & 0x3F) << 8 | UInt64(try scanner.byte())
            return .bytes(try scanner.take(length))
        case 0x80...0xBF: return .bytes(try scanner.take(try scanner.bigEndian(4)))
        case 0xC0: return .integer(try scanner.signed(2))
        case 0xD0: return .integer(try scanner.signed(4))
        case 0xE0: return .integer(try scanner.signed(8))
        case 0xF0: return .integer(try scanner.signed(3))
        case 0xFE: return .integer(try scanner.signed(1))
        case 0xF1...0xFD: return .integer(Int64(code & 0x0F) - 1)
        default: throw .damaged(.ziplistElement)
        }
    }
}
