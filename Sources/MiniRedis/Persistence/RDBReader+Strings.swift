// SPDX-License-Identifier: BSD-3-Clause
//
// Lengths and strings of a dump.
//
// Rules for what a dump claims:
// - A string is at most `maximumStringBytes` long, compressed or not.
// - A plain string takes memory only as its bytes arrive (see RDBCursor.swift).
// - A compressed string is expanded only after all of its compressed bytes have arrived, and only
//   if they can stand for so many: LZF's best is three bytes for 264. So a claim costs at most 88
//   times the bytes that were really there.

import Glibc

/// A length, or the encoding of the string that follows.
enum RDBLength {
    case count(UInt64)
    case encoded(UInt8)
}

/// A string of the current item, before the item is complete.
enum RDBString {
    case text(RDBText)
    /// Its decimal text is the string.
    case integer(Int64)
}

/// Where the bytes of a string are.
enum RDBText {
    /// In the cursor's window.
    case window(RDBPlace)
    /// In a scratch, which is the one of its slot.
    case scratch(count: Int)
}

/// Which string of an item, and thereby which scratch.
enum RDBSlot {
    case key
    case value
}

/// What one back reference of LZF can be at best.
private enum LZFRatio {
    static let expanded: UInt64 = 264
    static let compressed: UInt64 = 3
}

extension RDBReader where Source: ~Copyable {
    // MARK: Numbers

    @inline(__always)
    mutating func length() throws(RDBDefect) -> RDBLength {
        let first = try cursor.byte()
        if first < RDBLengthForm.bits14 { return .count(UInt64(first)) }
        if first < RDBLengthForm.bits32 {
            let second = try cursor.byte()
            return .count(UInt64(first & ~RDBLengthForm.bits14) << 8 | UInt64(second))
        }
        if first >= RDBLengthForm.encoded { return .encoded(first & ~RDBLengthForm.encoded) }
        if first == RDBLengthForm.bits32 {
            return .count(UInt64(try cursor.bigEndian(UInt32.self)))
        }
        if first == RDBLengthForm.bits64 { return .count(try cursor.bigEndian(UInt64.self)) }
        throw .unknownLengthForm(first)
    }

    /// A length that is not a string's.
    mutating func number() throws(RDBDefect) -> UInt64 {
        guard case .count(let value) = try length() else { throw .stringWhereLengthExpected }
        return value
    }

    /// A number that fits into an Int.
    mutating func size() throws(RDBDefect) -> Int {
        let value = try number()
        guard let size = Int(exactly: value) else { throw .numberTooLarge(value) }
        return size
    }

    // MARK: Strings

    @inline(__always)
    mutating func string(in slot: RDBSlot) throws(RDBDefect) -> RDBString {
        switch try length() {
        case .count(let count): .text(.window(try cursor.place(try checked(count))))
        case .encoded(let encoding): try encodedString(encoding, in: slot)
        }
    }

    /// A string whose bytes are wanted, integer or not.
    @inline(__always)
    mutating func text(in slot: RDBSlot) throws(RDBDefect) -> RDBText {
        switch try string(in: slot) {
        case .text(let text): text
        case .integer(let value): try decimal(value, in: slot)
        }
    }

    private mutating func decimal(
        _ value: Int64, in slot: RDBSlot
    ) throws(RDBDefect) -> RDBText {
        let room = try room(DecimalInteger.maximumLength, in: slot)
        return .scratch(count: DecimalInteger.write(value, to: room))
    }

    private mutating func encodedString(
        _ encoding: UInt8, in slot: RDBSlot
    ) throws(RDBDefect) -> RDBString {
        switch encoding {
        case RDBStringEncoding.integer8: .integer(Int64(try cursor.littleEndian(Int8.self)))
        case RDBStringEncoding.integer16: .integer(Int64(try cursor.littleEndian(Int16.self)))
        case RDBStringEncoding.integer32: .integer(Int64(try cursor.littleEndian(Int32.self)))
        case RDBStringEncoding.lzf: .text(try compressedText(in: slot))
        default: throw .unknownStringEncoding(encoding)
        }
    }

    private mutating func compressedText(in slot: RDBSlot) throws(RDBDefect) -> RDBText {
        let compressed = try number()
        let expanded = try number()
        let compressedCount = try checked(compressed)
        let expandedCount = try checked(expanded)
        // In this form nothing overflows: a checked length is far from 64 bits.
        guard compressed > 0, expanded > 0,
            expanded * LZFRatio.compressed <= compressed * LZFRatio.expanded
        else {
            throw .implausibleCompression(compressed: compressed, expanded: expanded)
        }
        let place = try cursor.place(compressedCount)
        let room = try room(expandedCount, in: slot)
        guard LZF.decompress(cursor.view(place), into: room, expected: expandedCount) else {
            throw .damagedCompression
        }
        return .scratch(count: expandedCount)
    }

    private func checked(_ count: UInt64) throws(RDBDefect) -> Int {
        guard count <= UInt64(options.maximumStringBytes) else { throw .stringTooLong(count) }
        return Int(count)
    }

    /// Passes over a string and returns how many bytes of the stream it took, its lengths left out.
    mutating func skipString() throws(RDBDefect) -> UInt64 {
        let count: UInt64
        switch try length() {
        case .count(let bytes): count = bytes
        case .encoded(RDBStringEncoding.integer8): count = 1
        case .encoded(RDBStringEncoding.integer16): count = 2
        case .encoded(RDBStringEncoding.integer32): count = 4
        case .encoded(RDBStringEncoding.lzf):
            count = try number()
            _ = try number()
        case .encoded(let encoding): throw .unknownStringEncoding(encoding)
        }
        try cursor.skip(count)
        return count
    }

    private mutating func room(
        _ count: Int, in slot: RDBSlot
    ) throws(RDBDefect) -> UnsafeMutableRawPointer {
        let room = slot == .key ? keyScratch.room(count) : valueScratch.room(count)
        guard let room else { throw .outOfMemory }
        return room
    }

    // MARK: Views

    /// The bytes of a string of the completed item, until the next one.
    @inline(__always)
    func view(_ text: RDBText, in slot: RDBSlot) -> ByteView {
        switch (text, slot) {
        case (.window(let place), _): cursor.view(place)
        case (.scratch(let count), .key): keyScratch.view(count)
        case (.scratch(let count), .value): valueScratch.view(count)
        }
    }
}
