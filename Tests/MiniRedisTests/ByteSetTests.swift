// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct ByteSetTests {
    private func members(_ set: ByteSet) -> [UInt8] {
        (UInt8.min...UInt8.max).filter { set.contains($0) }
    }

    @Test func `ranges are exact at the borders of words`() {
        let borders: [UInt8] = [0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 254, 255]
        for first in borders {
            for last in borders {
                let set = ByteSet(from: first, to: last)
                #expect(members(set) == (first <= last ? Array(first...last) : []))
            }
        }
    }

    @Test func `runs, stored form and inversion agree with the members`() {
        var random = RandomSource(seed: 11)
        for round in 0..<300 {
            var set = ByteSet()
            for _ in 0..<round % 20 {
                let first = UInt8(truncatingIfNeeded: random.next())
                set.formUnion(ByteSet(from: first, to: first &+ UInt8(random.below(9))))
            }
            if round % 2 == 1 { set.invert() }
            var listed: [UInt8] = []
            var runs = 0
            set.forEachRun { first, last in
                listed += Array(first...last)
                runs += 1
            }
            #expect(listed == members(set) && runs == set.runCount)
            var stored = ByteBuffer()
            set.append(to: &stored)
            let isSame = (UInt8.min...UInt8.max).allSatisfy {
                ByteSet.stored(at: stored.base, contains: $0) == set.contains($0)
            }
            #expect(stored.count == ByteSet.storedSize && isSame)
        }
    }

    @Test func `the whole set is one run`() {
        var set = ByteSet()
        #expect(set.runCount == 0)
        set.invert()
        #expect(set.runCount == 1 && members(set).count == 256)
    }

    @Test func `upper-case letters follow lower-case ones`() {
        var set = ByteSet(from: 0x40, to: 0x62)
        set.foldLetters()
        #expect(members(set) == [0x40, 0x41, 0x42] + Array(0x5b...0x62))
    }
}
