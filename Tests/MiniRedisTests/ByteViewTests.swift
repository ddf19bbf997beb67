// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct ByteViewTests {
    @Test func `views are equal if their bytes are`() {
        withExactBytes("abc".utf8, "abc".utf8) { #expect($0 == $1) }
        withExactBytes("abc".utf8, "abd".utf8) { #expect($0 != $1) }
        withExactBytes("abc".utf8, "ab".utf8) { #expect($0 != $1) }
        withExactBytes("".utf8, "".utf8) { #expect($0 == $1) }
        withExactBytes([0, 1], [0, 2]) { #expect($0 != $1) }
    }

    @Test func `order is that of unsigned bytes and then of length`() {
        let sorted: [[UInt8]] = [
            [], [0], [0, 0], [1], [0x61], [0x61, 0x62], [0x7f], [0x80], [0xff],
        ]
        for (i, one) in sorted.enumerated() {
            for (j, other) in sorted.enumerated() {
                let order = withExactBytes(one, other) { $0.compare($1) }
                #expect(order == (i < j ? -1 : i > j ? 1 : 0))
            }
        }
    }

    @Test func `parts of a view are where they should be`() {
        withExactBytes("hello world") { view in
            #expect(view.prefix(5).equals("hello"))
            #expect(view.slice(6, 5).equals("world"))
            #expect(view.suffix(from: 6).equals("world"))
            #expect(view.slice(11, 0).isEmpty)
            #expect(view.firstIndex(of: UInt8(ascii: "o")) == 4)
            #expect(view.firstIndex(of: UInt8(ascii: "z")) == nil)
            #expect(view.prefix(0).firstIndex(of: UInt8(ascii: "h")) == nil)
            #expect(view.string == "hello world")
        }
        withExactBytes([0xff, 0x61]) { #expect($0.string == "\u{fffd}a") }
    }

    @Test func `literals compare with and without case`() {
        withExactBytes("KeepTTL") { view in
            #expect(view.equalsFolded("keepttl") && view.equalsFolded("KEEPTTL"))
            #expect(!view.equals("KEEPTTL") && view.equals("KeepTTL"))
            #expect(!view.equalsFolded("keepttx") && !view.equalsFolded("keepttll"))
        }
        withExactBytes("a") { #expect($0.equals("a") && $0.equalsFolded("A")) }
        withExactBytes("") { #expect($0.equals("") && $0.equalsFolded("") && !$0.equals("a")) }
        withExactBytes("client-output-BUFFER-limit") {
            #expect($0.equalsFolded("Client-Output-Buffer-Limit"))
            #expect(!$0.equalsFolded("Client-Output-Buffer-Limix"))
        }
        // Only letters have two cases: "@" and "`", "[" and "{" are 32 apart too.
        withExactBytes("@[") { #expect(!$0.equalsFolded("`[") && !$0.equalsFolded("@{")) }
    }

    @Test func `case changes the 26 letters and nothing else`() {
        for byte in UInt8.min...UInt8.max {
            let isUpper = (0x41...0x5a).contains(byte)
            let isLower = (0x61...0x7a).contains(byte)
            #expect(ASCIICase.lower(byte) == (isUpper ? byte + 32 : byte))
            #expect(ASCIICase.upper(byte) == (isLower ? byte - 32 : byte))
        }
    }

    @Test func `folded words agree with folding byte by byte and stay inside`() {
        let page = GuardedPage()
        var random = RandomSource(seed: 1)
        for round in 0..<4_000 {
            let bytes = (0..<round % 9).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var expected: UInt64 = 0
            for (index, byte) in bytes.enumerated() {
                expected |= UInt64(ASCIICase.lower(byte)) << UInt64(index * 8)
            }
            let ends = [page.atEnd(bytes), page.atStart(bytes)]
            for view in ends {
                #expect(ASCIICase.foldedWord(at: view.base, count: view.count) == expected)
            }
        }
    }

    @Test func `search finds the first place for every short needle and text`() {
        // All texts of two letters up to ten long, and all needles up to five.
        func words(_ longest: Int) -> [[UInt8]] {
            (1...longest).flatMap { length in
                (0..<1 << length).map { bits in (0..<length).map { UInt8(0x61 + bits >> $0 & 1) } }
            }
        }
        let needles = words(5)
        for text in words(10) where text.count > 7 {
            withExactBytes(text) { view in
                for needle in needles {
                    let found = withExactBytes(needle) { view.firstIndex(of: $0) }
                    #expect(found == place(needle, text))
                }
            }
        }
    }

    private func place(_ needle: [UInt8], _ text: [UInt8]) -> Int? {
        guard needle.count <= text.count else { return nil }
        return (0...text.count - needle.count).first { text[$0...].starts(with: needle) }
    }

    @Test func `the careful search agrees on texts that deceive the hasty one`() {
        var random = RandomSource(seed: 2)
        for _ in 0..<3_000 {
            let letters = random.below(2) + 2
            let period = Int(random.below(6)) + 1
            let unit = (0..<period).map { _ in UInt8(0x61 + random.below(letters)) }
            var text = (0..<400).map { unit[$0 % period] }
            for _ in 0..<random.below(4) { text[Int(random.below(400))] = 0x61 }
            let length = Int(random.below(60)) + 1
            let start = Int(random.below(UInt64(400 - length)))
            var needle = Array(text[start..<start + length])
            if random.below(2) == 0 { needle[Int(random.below(UInt64(length)))] = 0x62 }
            let found = withExactBytes(text, needle) { $0.firstIndex(of: $1) }
            #expect(found == place(needle, text))
        }
    }

    @Test func `search takes linear time`() {
        let text = [UInt8](repeating: 0x61, count: 1_000_000)
        let half = [UInt8](repeating: 0x61, count: 500_000)
        let time = ContinuousClock().measure {
            withExactBytes(text, half + [0x62]) { #expect($0.firstIndex(of: $1) == nil) }
            withExactBytes(text, [0x62] + half) { #expect($0.firstIndex(of: $1) == nil) }
            withExactBytes(text, half + [0x62] + half.prefix(9)) {
                #expect($0.firstIndex(of: $1) == nil)
            }
        }
        #expect(time < .seconds(10))  // the product of the lengths would be hours in a debug build
    }
}
