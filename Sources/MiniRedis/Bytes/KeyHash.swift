// SPDX-License-Identifier: BSD-3-Clause
//
// The hash of keys: keyed, 64 bits, all of them good.
//
// The idea. A multiplication of two 64-bit numbers into 128 bits lets every bit of both reach the
// middle of the product; folding its halves together gives 64 mixed bits in about four cycles. Two
// in a row hash a key of up to 16 bytes:
//
//     first 8 bytes ^ secret 0 --+
//                                x --> low  ^ length ^ secret 2 --+
//     last 8 bytes  ^ secret 1 --+     high ^ secret 3 -----------x --> low ^ high
//
// (loads overlap for lengths between). Longer keys are absorbed 16 bytes at a time into a state
// that takes the place of secret 1, and above 64 bytes into four states, so that multiplications do
// not wait for each other. The last 16 bytes, which may overlap what was absorbed, end every key.
//
// The hard case: a product with zero. If an operand is zero the product forgets the other operand,
// and every key that agrees in the first collides. Here each operand is the key xor a secret, zero
// only for a key that contains the secret; and the operands are xored into the result once more, so
// that even then nothing is forgotten. That costs one xor beside the multiplication's latency.
//
// Why chosen keys do not help. To aim at a bucket, one must know or learn the secrets. They are 64
// random bits each, drawn from the kernel at start, not from the generator whose choices clients
// see, and no hash is ever sent to a client: what leaks is the order of keys in SCAN, which is that
// of the top bits, and time. Nor can two keys be made whose differences
// cancel whatever the secrets are: each operand of the first product carries a secret, the length
// enters only after it, where what it meets is secret too, and a state that bytes are absorbed into
// was secret before.
//
// Limits. This is a fast hash (wyhash, rapidhash and others share the multiplication), not a
// cryptographic one: SipHash has withstood a decade of attacks, this has not. Somebody who measured
// the order of SCAN for many chosen keys would learn relations between secrets; from SipHash,
// nothing. But a client that may run SCAN without limit is one that the server obeys anyway. The
// hash differs from process to process and must not reach a file, a replica or a reply.

struct KeyHash {
    private let first: UInt64
    private let last: UInt64
    private let low: UInt64
    private let high: UInt64
    private let lanes: (UInt64, UInt64, UInt64, UInt64)

    /// A hash like no other process's.
    init(random: inout RandomSource) {
        first = random.secret()
        last = random.secret()
        low = random.secret()
        high = random.secret()
        lanes = (random.secret(), random.secret(), random.secret(), random.secret())
    }

    /// The same seed gives the same hash: for tests.
    init(seed: UInt64) {
        var random = RandomSource(seed: seed)
        self.init(random: &random)
    }

    /// 64 bits for the key; no byte outside of it is read.
    @inline(__always)
    func hash(_ key: ByteView) -> UInt64 {
        if key.count > 16 { return hashLong(key) }
        if key.count >= 8 {
            let end = Self.load(key.base + (key.count &- 8))
            return finish(Self.load(key.base), end, last, key.count)
        }
        return finish(ASCIICase.word(at: key.base, count: key.count), 0, last, key.count)
    }

    /// More than 16 bytes.
    private func hashLong(_ key: ByteView) -> UInt64 {
        var state = last
        var next = key.base
        var left = key.count
        if left > 64 {
            var states = (last, last, last, last)
            repeat {
                states.0 = absorb(next, states.0, lanes.0)
                states.1 = absorb(next + 16, states.1, lanes.1)
                states.2 = absorb(next + 32, states.2, lanes.2)
                states.3 = absorb(next + 48, states.3, lanes.3)
                next += 64
                left &-= 64
            } while left > 64
            state = Self.fold(states.0, states.1) ^ Self.fold(states.2, states.3)
        }
        while left > 16 {
            state = absorb(next, state, lanes.0)
            next += 16
            left &-= 16
        }
        let end = key.base + key.count
        return finish(Self.load(end - 16), Self.load(end - 8), state, key.count)
    }

    /// Sixteen more bytes.
    @inline(__always)
    private func absorb(_ bytes: UnsafeRawPointer, _ state: UInt64, _ secret: UInt64) -> UInt64 {
        Self.fold(Self.load(bytes) ^ secret, Self.load(bytes + 8) ^ state)
    }

    @inline(__always)
    private func finish(_ start: UInt64, _ end: UInt64, _ state: UInt64, _ count: Int) -> UInt64 {
        let left = start ^ first
        let right = end ^ state
        let product = left.multipliedFullWidth(by: right)
        return Self.fold(
            product.low ^ left ^ low ^ UInt64(truncatingIfNeeded: count),
            product.high ^ right ^ high)
    }

    /// The halves of the product folded together, and the operands with them, so that a zero does
    /// not hide the other one.
    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.low ^ product.high ^ left ^ right
    }

    @inline(__always)
    private static func load(_ bytes: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }
}
