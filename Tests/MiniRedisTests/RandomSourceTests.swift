// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct RandomSourceTests {
    @Test func `a seed repeats, another does not, the kernel's never does`() {
        var one = RandomSource(seed: 1)
        var same = RandomSource(seed: 1)
        var other = RandomSource(seed: 2)
        let numbers = (0..<10).map { _ in one.next() }
        #expect(numbers == (0..<10).map { _ in same.next() })
        #expect(numbers != (0..<10).map { _ in other.next() })
        #expect(one.secret() == same.secret())
        var (first, second) = (RandomSource(), RandomSource())
        #expect(first.next() != second.next())
    }

    @Test func `secrets do not move the choices`() {
        var one = RandomSource()
        var copy = one
        #expect(one.secret() != copy.secret())
        #expect(one.next() == copy.next())
    }

    @Test(arguments: [1, 2, 3, 10, 1_000, 1 << 63 + 1, .max] as [UInt64])
    func `choices are below their bound`(bound: UInt64) {
        var random = RandomSource(seed: bound)
        for _ in 0..<1_000 { #expect(random.below(bound) < bound) }
    }

    @Test func `choices are even`() {
        var random = RandomSource(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[Int(random.below(7))] += 1 }
        for count in counts { #expect(abs(count - 10_000) < 500) }
        // Two thirds of all words: a plain remainder would give the first half twice as often.
        let bound = UInt64.max / 3 * 2
        let low = (0..<10_000).count { _ in random.below(bound) < bound / 2 }
        #expect(abs(low - 5_000) < 300)
    }

    @Test func `hexadecimal text has its length and only its digits`() {
        var random = RandomSource()
        for count in [0, 1, 15, 16, 17, 40] {
            let text = random.hexadecimal(count)
            #expect(text.utf8.count == count)
            #expect(text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
        }
        #expect(random.hexadecimal(40) != random.hexadecimal(40))
        let long = random.hexadecimal(4_000)
        #expect(Set(long).count == 16)
    }
}
