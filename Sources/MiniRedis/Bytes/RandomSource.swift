// SPDX-License-Identifier: BSD-3-Clause
//
// Randomness, passed in rather than asked for, so that a test can repeat a run from its seed.
//
// Two needs with one face. Choices (RANDOMKEY, SPOP, eviction, run ids) want speed and an even
// distribution: xoshiro256**, whose whole state can be computed from a few of its outputs. Secrets
// (the seed of the key hash) must not follow from choices that clients have seen: `secret()` asks
// the kernel each time, unless the source was seeded by a test.

import Glibc

struct RandomSource {
    private var state: (UInt64, UInt64, UInt64, UInt64)
    private let isRepeatable: Bool

    /// Seeded by the kernel.
    init() {
        self.init(spreading: Self.kernelWord(), isRepeatable: false)
        state.0 ^= Self.kernelWord()
        state.1 ^= Self.kernelWord()
        state.2 ^= Self.kernelWord()
        // All four zero would stay zero; one bit of 256 is a fair price.
        state.3 |= 1
    }

    /// The same seed gives the same numbers, secrets included: for tests.
    init(seed: UInt64) {
        self.init(spreading: seed, isRepeatable: true)
    }

    /// Four words from one by Weyl steps and a mixing of each (splitmix64): never all zero.
    private init(spreading seed: UInt64, isRepeatable: Bool) {
        var weyl = seed
        func word() -> UInt64 {
            weyl &+= 0x9e37_79b9_7f4a_7c15
            var mixed = weyl
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
        state = (word(), word(), word(), word())
        self.isRepeatable = isRepeatable
    }

    /// 64 random bits (xoshiro256**, Blackman and Vigna 2018). Not for secrets.
    mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return result
    }

    /// An even choice of 0 ..< `bound`, which is not zero (Lemire 2019: one multiplication, and a
    /// division only when the draw might be uneven).
    mutating func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "a choice from nothing")
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let uneven = (0 &- bound) % bound
            while product.low < uneven {
                product = next().multipliedFullWidth(by: bound)
            }
        }
        return product.high
    }

    /// 64 bits that cannot be computed from anything this source gave or will give.
    mutating func secret() -> UInt64 {
        isRepeatable ? next() : Self.kernelWord()
    }

    /// As many lower-case hexadecimal digits: run ids and replication ids have 40.
    mutating func hexadecimal(_ count: Int) -> String {
        var text = ""
        var word: UInt64 = 0
        for index in 0..<count {
            if index % 16 == 0 { word = next() }
            let digit = UInt8(truncatingIfNeeded: word & 15)
            text.unicodeScalars.append(Unicode.Scalar(digit < 10 ? 0x30 + digit : 0x57 + digit))
            word >>= 4
        }
        return text
    }

    @inline(__always)
    private static func rotate(_ word: UInt64, by bits: UInt64) -> UInt64 {
        word << bits | word >> (64 &- bits)
    }

    /// 64 bits from the kernel (getrandom behind getentropy, which sees to signals and to requests
    /// cut short). It fails only where the kernel has no such call.
    private static func kernelWord() -> UInt64 {
        var word: UInt64 = 0
        let status = getentropy(&word, MemoryLayout<UInt64>.size)
        precondition(status == 0, "the kernel gives no random numbers")
        return word
    }
}
