// SPDX-License-Identifier: BSD-3-Clause
//
// Makes ziplists and intsets, the forms in which every Redis since 2.6 (lists: 3.2) reads small
// collections. See RDBZiplist.swift for the layout. One builder serves a whole dump.

/// Makes one ziplist after the other in the same memory.
struct RDBZiplistBuilder: ~Copyable {
    private static let headerBytes = 10
    private static let unknownCount = 65_535
    private static let wideLength: UInt8 = 254
    private static let end: UInt8 = 255

    private var buffer = ByteBuffer()
    private var count = 0
    private var lastStart = headerBytes
    private var lastBytes = 0

    /// Bytes so far.
    var byteCount: Int { buffer.count }

    mutating func begin() {
        buffer.removeAll(keepingCapacity: true)
        (count, lastStart, lastBytes) = (0, Self.headerBytes, 0)
        for _ in 0..<Self.headerBytes { buffer.append(byte: 0) }
    }

    /// Ends it; the bytes are good until the next one begins.
    mutating func finish() -> ByteView {
        buffer.append(byte: Self.end)
        let header = buffer.base
        header.storeBytes(of: UInt32(clamping: buffer.count).littleEndian, as: UInt32.self)
        header.storeBytes(
            of: UInt32(clamping: lastStart).littleEndian, toByteOffset: 4, as: UInt32.self)
        header.storeBytes(
            of: UInt16(min(count, Self.unknownCount)).littleEndian, toByteOffset: 8,
            as: UInt16.self)
        return buffer.view
    }

    /// Appends the string, as an integer if it is the text of one.
    mutating func append(_ text: ByteView) {
        if let value = DecimalInteger.parse(text) { return append(value) }
        let start = beginElement()
        if text.count < 1 << 6 {
            buffer.append(byte: UInt8(text.count))
        } else if text.count < 1 << 14 {
            buffer.append(byte: 0x40 | UInt8(text.count >> 8))
            buffer.append(byte: UInt8(text.count & 0xFF))
        } else {
            buffer.append(byte: 0x80)
            buffer.append(littleEndian: UInt32(clamping: text.count).byteSwapped)
        }
        buffer.append(text)
        lastBytes = buffer.count - start
    }

    mutating func append(_ value: Int64) {
        let start = beginElement()
        if (0...12).contains(value) {
            buffer.append(byte: 0xF1 + UInt8(value))
        } else {
            let bits = 65 - (value ^ value >> 63).leadingZeroBitCount
            let (code, bytes): (UInt8, Int) =
                bits <= 8
                ? (0xFE, 1)
                : bits <= 16
                    ? (0xC0, 2) : bits <= 24 ? (0xF0, 3) : bits <= 32 ? (0xD0, 4) : (0xE0, 8)
            buffer.append(byte: code)
            for index in 0..<bytes {
                buffer.append(byte: UInt8(truncatingIfNeeded: value >> Int64(8 * index)))
            }
        }
        lastBytes = buffer.count - start
    }

    private mutating func beginElement() -> Int {
        lastStart = buffer.count
        count += 1
        if lastBytes < Int(Self.wideLength) {
            buffer.append(byte: UInt8(lastBytes))
        } else {
            buffer.append(byte: Self.wideLength)
            buffer.append(littleEndian: UInt32(clamping: lastBytes))
        }
        return lastStart
    }

    /// An intset of these integers, which are sorted and differ.
    mutating func intset(_ values: UnsafeBufferPointer<Int64>) -> ByteView {
        buffer.removeAll(keepingCapacity: true)
        var widest: UInt64 = 0
        for value in values { widest |= UInt64(bitPattern: value ^ value >> 63) }
        let bytes = widest < 1 << 15 ? 2 : widest < 1 << 31 ? 4 : 8
        buffer.append(littleEndian: UInt32(bytes))
        buffer.append(littleEndian: UInt32(clamping: values.count))
        for value in values {
            for index in 0..<bytes {
                buffer.append(byte: UInt8(truncatingIfNeeded: value >> Int64(8 * index)))
            }
        }
        return buffer.view
    }
}
