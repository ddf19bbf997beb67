// SPDX-License-Identifier: BSD-3-Clause
//
// How a string is written: as an integer if it is the text of one, compressed if that pays, else
// its length and its bytes. Keys, values and auxiliary fields are all written this way.

import Glibc

/// Limits of the encodings; the first three are Redis's.
enum RDBStringLimits {
    /// The longest text that is worth parsing: "-2147483648" (bytes).
    static let integerTextBytes = 11
    /// Shorter strings are not compressed (bytes).
    static let shortestCompressed = 21
    /// What compression must save at least (bytes).
    static let leastSaving = 4
    /// Longer strings are not compressed, so that a save needs no more memory than this (bytes).
    static let maximumCompressedBytes = 64 << 20
}

extension RDBWriter where Sink: ~Copyable {
    /// A string in its best encoding.
    mutating func string(_ bytes: ByteView) throws(PersistenceError) {
        if bytes.count <= RDBStringLimits.integerTextBytes {
            if let value = Self.integer(bytes) {
                let room = try output.reserve(Self.itemHeadBytes)
                return output.commit(Self.storeInteger(value, to: room))
            }
        } else if options.compression, bytes.count >= RDBStringLimits.shortestCompressed,
            try compressedString(bytes)
        {
            return
        }
        try plainString(bytes)
    }

    /// The string that is an integer's decimal text.
    mutating func string(_ value: Int64) throws(PersistenceError) {
        let room = try output.reserve(Self.itemHeadBytes)
        if let short = Int32(exactly: value) {
            return output.commit(Self.storeInteger(short, to: room))
        }
        // At most 20 digits: one byte is enough for their length.
        let digits = DecimalInteger.write(value, to: room + 1)
        output.commit(Self.storeLength(UInt64(digits), to: room) + digits)
    }

    private mutating func plainString(_ bytes: ByteView) throws(PersistenceError) {
        let room = try output.reserve(Self.itemHeadBytes)
        output.commit(Self.storeLength(UInt64(bytes.count), to: room))
        try output.append(bytes)
    }

    /// Writes the string compressed; false, with nothing written, if that does not save enough.
    private mutating func compressedString(_ bytes: ByteView) throws(PersistenceError) -> Bool {
        compressed.trim()
        // No memory only means that the string is not compressed.
        guard bytes.count <= RDBStringLimits.maximumCompressedBytes,
            let scratch = compressed.room(bytes.count)
        else { return false }
        let capacity = bytes.count - RDBStringLimits.leastSaving
        guard let count = LZF.compress(bytes, into: scratch, capacity: capacity) else {
            return false
        }
        let room = try output.reserve(Self.itemHeadBytes)
        let form = RDBLengthForm.encoded | RDBStringEncoding.lzf
        room.storeBytes(of: form, as: UInt8.self)
        var head = 1
        head += Self.storeLength(UInt64(count), to: room + head)
        head += Self.storeLength(UInt64(bytes.count), to: room + head)
        output.commit(head)
        try output.append(ByteView(scratch, count: count))
        return true
    }

    /// The integer of 32 bits whose decimal text this is, if it is one.
    @inline(__always)
    private static func integer(_ bytes: ByteView) -> Int32? {
        guard bytes.count > 0, bytes[0] <= UInt8(ascii: "9"),
            let value = DecimalInteger.parse(bytes)
        else { return nil }
        return Int32(exactly: value)
    }

    /// Stores the integer in the shortest encoding and returns the number of bytes.
    @inline(__always)
    private static func storeInteger(_ value: Int32, to room: UnsafeMutableRawPointer) -> Int {
        if let short = Int8(exactly: value) {
            room.storeBytes(of: RDBLengthForm.encoded | RDBStringEncoding.integer8, as: UInt8.self)
            (room + 1).storeBytes(of: short, as: Int8.self)
            return 2
        }
        if let short = Int16(exactly: value) {
            room.storeBytes(of: RDBLengthForm.encoded | RDBStringEncoding.integer16, as: UInt8.self)
            (room + 1).storeBytes(of: short.littleEndian, as: Int16.self)
            return 3
        }
        room.storeBytes(of: RDBLengthForm.encoded | RDBStringEncoding.integer32, as: UInt8.self)
        (room + 1).storeBytes(of: value.littleEndian, as: Int32.self)
        return 5
    }

    /// Stores a length in the shortest form and returns the number of bytes, at most 9.
    @inline(__always)
    static func storeLength(_ value: UInt64, to room: UnsafeMutableRawPointer) -> Int {
        if value < 1 << 6 {
            room.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        if value < 1 << 14 {
            let form = UInt16(RDBLengthForm.bits14) << 8 | UInt16(truncatingIfNeeded: value)
            room.storeBytes(of: form.bigEndian, as: UInt16.self)
            return 2
        }
        if let short = UInt32(exactly: value) {
            room.storeBytes(of: RDBLengthForm.bits32, as: UInt8.self)
            (room + 1).storeBytes(of: short.bigEndian, as: UInt32.self)
            return 5
        }
        room.storeBytes(of: RDBLengthForm.bits64, as: UInt8.self)
        (room + 1).storeBytes(of: value.bigEndian, as: UInt64.self)
        return 9
    }
}
