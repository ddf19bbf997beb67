// SPDX-License-Identifier: BSD-3-Clause
//
// Strings as rows of bits, against the same done one bit at a time.

import Testing

@testable import MiniRedis

/// The bits one by one.
private func bits(_ bytes: [UInt8]) -> [Int] {
    bytes.flatMap { byte in (0..<8).map { Int(byte >> (7 - $0) & 1) } }
}

private func randomBytes(_ count: Int, _ random: inout RandomSource) -> [UInt8] {
    let kind = random.below(4)
    return (0..<count).map { _ in
        kind == 0 ? 0 : kind == 1 ? 0xFF : UInt8(truncatingIfNeeded: random.next())
    }
}

@Suite struct `A string of bits` {
    @Test func `is counted and searched like its bits one by one`() {
        var random = RandomSource(seed: 21)
        for round in 0..<600 {
            var bytes = randomBytes(Int(random.below(round % 10 == 0 ? 1500 : 40)), &random)
            if let last = bytes.indices.last { bytes[last / 2] = UInt8(random.below(256)) }
            let all = bits(bytes)
            let start = Int(random.below(UInt64(all.count + 1)))
            let range = start..<start + Int(random.below(UInt64(all.count - start + 1)))
            withExactBytes(bytes) { view in
                #expect(view.countOnes() == all.reduce(0, +))
                #expect(view.countOnes(in: range) == all[range].reduce(0, +))
                #expect(view.firstBit(true, in: range) == all[range].firstIndex(of: 1))
                #expect(view.firstBit(false, in: range) == all[range].firstIndex(of: 0))
                #expect(view.bit(start) == (start < all.count ? all[start] : 0))
            }
        }
    }

    @Test func `gives back the field that was written, and changes nothing else`() {
        var random = RandomSource(seed: 22)
        for _ in 0..<3000 {
            let bytes = randomBytes(12, &random)
            let width = 1 + Int(random.below(64))
            let offset = Int(random.below(UInt64(96 - width + 1)))
            let value = random.next() >> UInt64(64 - width)
            var expected = bits(bytes)
            for index in 0..<width {
                expected[offset + index] = Int(value >> UInt64(width - 1 - index) & 1)
            }
            withExactBytes(bytes) { view in
                BitString.withRoom(12, startingWith: view) { string in
                    string.setBitField(at: offset, width: width, value)
                    #expect(string.view.bitField(at: offset, width: width) == value)
                    #expect(bits(string.view.array) == expected)
                }
            }
        }
    }

    @Test func `has zeros behind its end`() {
        withExactBytes([0xFF]) { view in
            #expect(view.bitField(at: 4, width: 8) == 0xF0)
            #expect(view.bitField(at: 1 << 32, width: 64) == 0)
            #expect(view.bit(8) == 0)
        }
    }

    @Test func `is combined like its bits one by one`() {
        var random = RandomSource(seed: 23)
        for _ in 0..<400 {
            let one = randomBytes(Int(random.below(150)), &random)
            let other = randomBytes(Int(random.below(150)), &random)
            let count = max(one.count, other.count) + Int(random.below(40))
            let padded = [one, other].map {
                $0 + [UInt8](repeating: 0, count: count - $0.count)
            }
            for (combination, body) in [
                (BitCombination.and, { $0 & $1 }), (.or, { $0 | $1 }), (.xor, { $0 ^ $1 }),
            ] as [(BitCombination, (UInt8, UInt8) -> UInt8)] {
                let expected = zip(padded[0], padded[1]).map(body)
                withExactBytes(one, other) { one, other in
                    BitString.withRoom(max(1, count), startingWith: ByteView("")) { room in
                        combination.write(one, other, to: room.base, count: count)
                        #expect(room.view.prefix(count).array == expected)
                    }
                }
                // The result in the place of the first.
                withExactBytes(padded[0], other) { first, other in
                    BitString.withRoom(max(1, count), startingWith: first) { room in
                        let soFar = room.view.prefix(count)
                        combination.write(soFar, other, to: room.base, count: count)
                        #expect(room.view.prefix(count).array == expected)
                    }
                }
            }
            withExactBytes(one) { one in
                BitString.withRoom(max(1, one.count), startingWith: ByteView("")) { room in
                    BitCombination.writeInverted(one, to: room.base)
                    #expect(room.view.prefix(one.count).array == one.array.map { ~$0 })
                }
            }
        }
    }
}
