// SPDX-License-Identifier: BSD-3-Clause
//
// LZF, the compression of long strings in RDB files, by liblzf.
//
// The library counts in 32 bits and wants some bytes to look at; this file keeps lengths that it
// cannot take away from it, and believes nothing that a compressed block says about its size.
//
// Compressing takes 256 KiB of stack, the library's table: a thread that does it needs as much.
// The library does not clear it, so that the same bytes may be compressed in more than one way.

import CLZF

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
        guard input.count > 0, expected > 0, let size = UInt32(exactly: input.count),
            let room = UInt32(exactly: expected)
        else { return false }
        return lzf_decompress(input.base, size, output, room) == room
    }
}
