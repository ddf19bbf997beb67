// SPDX-License-Identifier: BSD-3-Clause
//
// The checksum at the end of RDB files and DUMP payloads.
//
// CRC-64 with Jones's polynomial, 0xad93d23594c935a9, bits reflected, starting from 0 and with
// nothing xored at the end; the check value of "123456789" is 0xe9c6d914c4b8d9ca.
//
// A CRC is linear: the remainder of a message is the xor of the remainders of its bytes, each moved
// by its distance from the end. Table `d` holds the remainder of every byte followed by `d` zero
// bytes, so that eight bytes are one xor with the state and eight independent loads, where one byte
// at a time waits for its predecessor. Eight tables take 16 KiB, half of a usual first-level cache.
//
// A processor with carry-less multiplication does without tables: see `cin_crc64_fold`.

import CIntrinsics
import Glibc

struct CRC64 {
    /// The polynomial with its bits reflected: the highest power is the lowest bit.
    private static let polynomial: UInt64 = 0x95ac_9329_ac4b_c9b5
    /// Bytes that one step takes, and tables.
    private static let stride = 8

    /// Shared by all, written once and never freed. A value keeps the address, so that only making
    /// one asks whether the tables exist.
    private nonisolated(unsafe) static let sharedTables: UnsafePointer<UInt64> = makeTables()

    /// The checksum of the bytes so far.
    private(set) var value: UInt64 = 0
    private let tables: UnsafePointer<UInt64>

    init() { tables = Self.sharedTables }

    /// Takes `count` more bytes.
    mutating func update(_ bytes: UnsafeRawPointer, count: Int) {
        var crc = value
        var next = bytes
        var left = count
        if left >= Self.foldedBytes && Self.folds {
            crc = fold(crc, next, left & ~63)
            next += left & ~63
            left &= 63
        }
        while left >= Self.stride {
            let word = crc ^ UInt64(littleEndian: next.loadUnaligned(as: UInt64.self))
            crc = step(word)
            next += Self.stride
            left &-= Self.stride
        }
        while left > 0 {
            let byte = UInt64(next.load(as: UInt8.self))
            crc = crc >> 8 ^ tables[Int(truncatingIfNeeded: (crc ^ byte) & 0xff)]
            next += 1
            left &-= 1
        }
        value = crc
    }

    /// Fewer bytes are not worth the way to the wide instruction.
    private static let foldedBytes = 256
    private static let folds = cin_has_carryless() != 0

    /// The checksum behind `count` bytes, a multiple of 64.
    private func fold(_ start: UInt64, _ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
        var rest: (UInt64, UInt64) = (0, 0)
        cin_crc64_fold(start, bytes, count, &rest)
        let first = step(UInt64(littleEndian: rest.0))
        return step(first ^ UInt64(littleEndian: rest.1))
    }

    mutating func update(_ bytes: ByteView) { update(bytes.base, count: bytes.count) }

    /// The remainder of eight bytes, the first in the lowest byte: it has seven behind it.
    @inline(__always)
    private func step(_ word: UInt64) -> UInt64 {
        let early =
            entry(7, word) ^ entry(6, word >> 8) ^ entry(5, word >> 16)
            ^ entry(4, word >> 24)
        let late =
            entry(3, word >> 32) ^ entry(2, word >> 40) ^ entry(1, word >> 48)
            ^ entry(0, word >> 56)
        return early ^ late
    }

    @inline(__always)
    private func entry(_ distance: Int, _ byte: UInt64) -> UInt64 {
        tables[distance &* 256 &+ Int(truncatingIfNeeded: byte & 0xff)]
    }

    private static func makeTables() -> UnsafePointer<UInt64> {
        let tables = UnsafeMutablePointer<UInt64>.allocate(capacity: stride * 256)
        for byte in 0..<256 {
            var crc = UInt64(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? polynomial : 0) }
            tables[byte] = crc
        }
        for index in 256..<stride * 256 {
            let shorter = tables[index - 256]
            tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xff)]
        }
        return UnsafePointer(tables)
    }
}
