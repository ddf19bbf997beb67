// SPDX-License-Identifier: BSD-3-Clause
//
// LZF, the compression of long strings in RDB files: compressed by liblzf, expanded here.
//
//     000nnnnn                    n + 1 bytes follow as they are
//     nnnddddd dddddddd           n + 2 bytes, as 1 + d bytes before (n from 1 to 6)
//     111ddddd nnnnnnnn dddddddd  n + 9 bytes likewise
//
// The library counts in 32 bits and wants some bytes to look at; this file keeps lengths that it
// cannot take away from it. Expanding believes nothing that a block says: every step is checked
// against both ends. It copies sixteen bytes at a time where as many are left at both, which is
// what most steps need; short distances double with every copy.
//
// Compressing takes 256 KiB of stack, the library's table: a thread that does it needs as much.
// The library does not clear it, so that the same bytes may be compressed in more than one way.

import CLZF
import Glibc

enum LZF {
    /// Nothing shorter can become shorter, and the library reads ahead.
    private static let shortestInput = 5

    /// Compresses into at most `capacity` bytes at `output`, which do not overlap the input, and
    /// returns how many they became; nil if they do not fit.
    static func compress(
        _ input: ByteView, into output: UnsafeMutableRawPointer, capacity: Int
    ) -> Int? {
        guard input.count >= shortestInput, capacity > 0,
            let size = UInt32(exactly: input.count)
        else { return nil }
        let written = lzf_compress(input.base, size, output, UInt32(clamping: capacity))
        return written == 0 ? nil : Int(written)
    }

    /// Expands to exactly `expected` bytes at `output`, which do not overlap the input; false if
    /// the block is damaged or means another number of bytes (what is written is of no use then).
    static func decompress(
        _ input: ByteView, into output: UnsafeMutableRawPointer, expected: Int
    ) -> Bool {
        guard input.count > 0, expected > 0 else { return false }
        var (at, written) = (0, 0)
        while at < input.count {
            let control = Int(input[at])
            at &+= 1
            if control < 32 {
                let count = control &+ 1
                guard count <= input.count &- at, count <= expected &- written else {
                    return false
                }
                copyAhead(
                    output + written, input.base + at, count,
                    room: min(input.count &- at, expected &- written))
                at &+= count
                written &+= count
                continue
            }
            var count = control >> 5 &+ 2
            if count == 9 {
                guard at < input.count else { return false }
                count &+= Int(input[at])
                at &+= 1
            }
            guard at < input.count else { return false }
            let distance = (control & 31) << 8 &+ Int(input[at]) &+ 1
            at &+= 1
            guard distance <= written, count <= expected &- written else { return false }
            repeatBehind(
                output + written, distance: distance, count, room: expected &- written)
            written &+= count
        }
        return written == expected
    }

    /// Copies `count` bytes; up to `room` may be read and written.
    @inline(__always)
    private static func copyAhead(
        _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int, room: Int
    ) {
        guard count &+ 16 <= room else {
            target.copyMemory(from: source, byteCount: count)
            return
        }
        copySixteens(target, source, count)
    }

    /// Writes `count` bytes that are those `distance` bytes before, which they may overlap; up to
    /// `room` may be written.
    @inline(__always)
    private static func repeatBehind(
        _ target: UnsafeMutableRawPointer, distance: Int, _ count: Int, room: Int
    ) {
        let source = UnsafeRawPointer(target - distance)
        if distance >= 16 && count &+ 16 <= room {
            return copySixteens(target, source, count)
        }
        if distance == 1 {
            memset(target, Int32(source.load(as: UInt8.self)), count)
            return
        }
        // What has been repeated lengthens what can be copied without an overlap.
        var done = 0
        while done < count {
            let piece = min(distance &+ done, count &- done)
            (target + done).copyMemory(from: source, byteCount: piece)
            done &+= piece
        }
    }

    /// Copies `count` bytes and up to fifteen more.
    @inline(__always)
    private static func copySixteens(
        _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ count: Int
    ) {
        var done = 0
        repeat {
            let bytes = (source + done).loadUnaligned(as: SIMD16<UInt8>.self)
            (target + done).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
            done &+= 16
        } while done < count
    }
}
