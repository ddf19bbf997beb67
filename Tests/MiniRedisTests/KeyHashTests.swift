// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct KeyHashTests {
    private let hash = KeyHash(seed: 42)

    private func keys(_ length: Int, _ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = RandomSource(seed: seed)
        return (0..<count).map { _ in
            (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
    }

    @Test func `a seed decides the hash and two seeds differ`() {
        withExactBytes("key:000000000001") { key in
            #expect(hash.hash(key) == KeyHash(seed: 42).hash(key))
            #expect(hash.hash(key) != KeyHash(seed: 43).hash(key))
            var random = RandomSource()
            #expect(KeyHash(random: &random).hash(key) != KeyHash(random: &random).hash(key))
        }
    }

    @Test func `no length reads outside of the key`() {
        let page = GuardedPage()
        for length in 0...200 {
            let bytes = [UInt8](repeating: 7, count: length)
            let expected = withExactBytes(bytes) { hash.hash($0) }
            #expect(hash.hash(page.atEnd(bytes)) == expected)
            #expect(hash.hash(page.atStart(bytes)) == expected)
        }
    }

    @Test func `rows of the same byte have a hash for each length`() {
        for byte in [0, 0x61, 0xff] as [UInt8] {
            let hashes = (0...1_000).map { length in
                withExactBytes([UInt8](repeating: byte, count: length)) { hash.hash($0) }
            }
            #expect(Set(hashes).count == hashes.count)
        }
    }

    /// Flips each bit of keys and counts how often each bit of the hash follows.
    @Test(arguments: [1, 3, 4, 7, 8, 12, 16, 17, 24, 32, 33, 63, 64, 65, 100, 130])
    func `every bit of the key changes every bit of the hash half of the time`(length: Int) {
        let samples = 250
        var worst = 0.0
        for bit in 0..<length * 8 where length < 8 || bit % 5 == 0 {
            var flips = [Int](repeating: 0, count: 64)
            for var key in keys(length, samples, seed: UInt64(bit) + 1) {
                let before = withExactBytes(key) { hash.hash($0) }
                key[bit / 8] ^= 1 << UInt8(bit % 8)
                let changed = before ^ withExactBytes(key) { hash.hash($0) }
                for output in 0..<64 { flips[output] += Int(changed >> UInt64(output) & 1) }
            }
            for flip in flips { worst = max(worst, abs(Double(flip) / Double(samples) - 0.5)) }
        }
        // One standard deviation is 0.032; the worst of some 10,000 is about four and a half.
        #expect(worst < 0.19, "\(worst)")
    }

    /// Chi-square over buckets: its mean is the number of buckets less one, its deviation the root
    /// of twice that.
    private func excess(_ counts: [Int]) -> Double {
        let buckets = Double(counts.count)
        let mean = Double(counts.reduce(0, +)) / buckets
        let sum = counts.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) / mean }
        return (sum - (buckets - 1)) / (2 * (buckets - 1)).squareRoot()
    }

    @Test(arguments: ["key:", "user:session:cache:", "k", ""])
    func `sequential keys spread evenly over top bits, low byte and middle`(prefix: String) {
        var top = [Int](repeating: 0, count: 1 << 12)
        var low = [Int](repeating: 0, count: 1 << 8)
        var middle = [Int](repeating: 0, count: 1 << 12)
        for number in 0..<100_000 {
            let value = withExactBytes("\(prefix)\(number)") { hash.hash($0) }
            top[Int(value >> 52)] += 1
            low[Int(value & 255)] += 1
            middle[Int(value >> 26 & 4095)] += 1
        }
        for counts in [top, low, middle] { #expect(abs(excess(counts)) < 5, "\(excess(counts))") }
    }

    @Test func `numbers as eight bytes spread over the top twenty bits`() {
        var seen = Set<UInt64>()
        var collisions = 0
        for number in 0..<100_000 as Range<UInt64> {
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            let value = withExactBytes(bytes) { hash.hash($0) }
            if !seen.insert(value >> 44).inserted { collisions += 1 }
        }
        // 100,000 balls in 2^20 bins: 4,618 expected, a deviation of about 65.
        #expect(abs(collisions - 4_618) < 400, "\(collisions)")
    }

    @Test func `the order of two halves and the place of a zero byte matter`() {
        var hashes = Set<UInt64>()
        let one = [UInt8](repeating: 0x31, count: 8)
        let two = [UInt8](repeating: 0x32, count: 8)
        let rows: [[UInt8]] = [
            one + two, two + one, one + one, two + two, one, two, [0], [0, 0], [],
            one + one + two, one + two + one, two + one + one,
        ]
        for row in rows { hashes.insert(withExactBytes(row) { hash.hash($0) }) }
        #expect(hashes.count == rows.count)
    }
}
