// SPDX-License-Identifier: BSD-3-Clause
//
// MurmurHash64A: the hash that HyperLogLogs are made with. It has no secret and is used for nothing
// else; whoever wants to can choose elements with the hash of their liking.
//
// Source: Austin Appleby, MurmurHash2, 64-bit version for 64-bit machines (public domain).

enum MurmurHash {
    /// The hash of the bytes; the same on every machine.
    static func hash(_ bytes: ByteView, seed: UInt64) -> UInt64 {
        let factor: UInt64 = 0xc6a4_a793_5bd1_e995
        var hash = seed ^ UInt64(bytes.count) &* factor
        var at = 0
        while at + 8 <= bytes.count {
            let raw = bytes.base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            var word = UInt64(littleEndian: raw) &* factor
            word ^= word >> 47
            hash = (hash ^ word &* factor) &* factor
            at += 8
        }
        if at < bytes.count {
            var word: UInt64 = 0
            for index in at..<bytes.count {
                word |= UInt64(bytes[index]) << UInt64(8 * (index - at))
            }
            hash = (hash ^ word) &* factor
        }
        hash = (hash ^ hash >> 47) &* factor
        return hash ^ hash >> 47
    }
}
