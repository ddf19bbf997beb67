// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct GlobPatternTests {
    private func matches(
        _ pattern: some Collection<UInt8>, _ text: some Collection<UInt8>,
        ignoringCase: Bool = false
    ) -> Bool {
        withExactBytes(pattern, text) { GlobPattern($0, ignoringCase: ignoringCase).matches($1) }
    }

    private func matches(_ pattern: String, _ text: String, ignoringCase: Bool = false) -> Bool {
        matches(pattern.utf8, text.utf8, ignoringCase: ignoringCase)
    }

    /// A pattern, the texts it describes and some that it does not; observed with KEYS of Redis
    /// 7.0.15 where they are odd.
    struct Case: Sendable, CustomTestStringConvertible {
        var pattern: String
        var yes: [String]
        var no: [String]
        var testDescription: String { pattern }

        init(_ pattern: String, _ yes: [String], no: [String]) {
            self.pattern = pattern
            self.yes = yes
            self.no = no
        }
    }

    static let plain = [
        Case("hello", ["hello"], no: ["hell", "helloo", "Hello", ""]),
        Case("h?llo", ["hello", "h?llo"], no: ["hllo", "heello"]),
        Case("h*llo", ["hllo", "heeello"], no: ["hell", "ahllo"]),
        Case("h[ae]llo", ["hello", "hallo"], no: ["hillo", "h[ae]llo"]),
        Case("h[^e]llo", ["hallo"], no: ["hello", "hllo"]),
        Case("h[a-b]llo", ["hallo", "hbllo"], no: ["hcllo", "h-llo"]),
        Case("", [""], no: ["a"]),
        Case("*", ["a", "abc", "*"], no: [""]),
        Case("**", ["a"], no: [""]),
        Case("?*", ["a", "ab"], no: [""]),
        Case("*?", ["a", "ab"], no: [""]),
        Case("??", ["ab"], no: ["a", "abc"]),
        Case("a*", ["a", "ab"], no: ["ba"]),
        Case("*a", ["a", "ba", "aa"], no: ["ab"]),
        Case("*a*", ["a", "bab", "ab", "ba"], no: ["b"]),
        Case("*ab*ba*", ["abba", "xabxbax", "ababba"], no: ["aba", "baab"]),
        Case("a*b*c", ["abc", "aXbXc", "abbcc"], no: ["acb", "ab", "abcd"]),
        Case("*aab", ["aaab", "aab", "xaaaab"], no: ["aaba"]),
        Case("*a?c*", ["abc", "aacc", "xaxacc"], no: ["ac", "acx"]),
        Case("*[ab]c*a", ["aca", "xxbcaa"], no: ["ac", "ca", "xca"]),
        Case("a*a", ["aa", "aba"], no: ["a"]),
        Case("*.*", [".", "a.b", "..", "a."], no: ["a"]),
    ]

    static let odd = [
        Case("[", [], no: ["[", "a", ""]),
        Case("s[", [], no: ["s[", "s", "sa"]),
        Case("[a", ["a"], no: ["[a", "["]),
        Case("[^", ["a", "^", "["], no: ["", "aa"]),
        Case("[^a", ["b", "^"], no: ["a"]),
        Case("[]", [], no: ["[]", "]", "a"]),
        Case("[]a]", [], no: ["]", "a", "]a]", "xa]"]),
        Case("[^]", ["a", "]", "^"], no: ["", "ab"]),
        Case("[^]a]", ["xa]"], no: ["x", "a"]),
        Case("[a-", ["a", "-"], no: ["b", "a-"]),
        Case("[a-]", ["a", "]", "^", "_", "`"], no: ["-", "b"]),
        Case("[a-]]", ["a", "]", "^"], no: ["a]", "-"]),
        Case("[-a]", ["-", "a"], no: ["b"]),
        Case("[a-a]", ["a"], no: ["-", "b"]),
        Case("[z-a]*", ["a", "zz", "m1"], no: ["A", "-"]),
        Case("[--0]", ["-", ".", "/", "0"], no: ["1", ","]),
        Case("[^s]*", ["a", "ab", "S"], no: ["s", "sa", ""]),
        Case("[^^]", ["a"], no: ["^"]),
        Case("[a^]", ["a", "^"], no: ["b"]),
        Case("[*]", ["*"], no: ["a"]),
        Case("[?]", ["?"], no: ["a"]),
        Case("[[]", ["["], no: ["]"]),
        Case("\\*", ["*"], no: ["a", "\\*", "\\"]),
        Case("\\?", ["?"], no: ["a"]),
        Case("\\[a]", ["[a]"], no: ["a"]),
        Case("\\a", ["a"], no: ["\\a"]),
        Case("\\\\", ["\\"], no: ["\\\\"]),
        Case("s\\", ["s\\"], no: ["s", "s\\\\"]),
        Case("\\", ["\\"], no: ["", "a"]),
        Case("*\\", ["\\", "a\\"], no: ["a"]),
        Case("[\\]a]", ["]", "a"], no: ["\\", "b"]),
        Case("[\\", ["\\"], no: ["[", "a"]),
        Case("[a\\", ["a", "\\"], no: ["["]),
        Case("[\\a-c]", ["a", "-", "c"], no: ["b", "\\"]),
        Case("[a-\\]", ["a", "\\", "]", "^"], no: ["b", "[", "-"]),
        Case("[\\^a]", ["^", "a"], no: ["b"]),
        Case("[^\\a]", ["b", "\\"], no: ["a"]),
        Case("]", ["]"], no: [""]),
        Case("^a", ["^a"], no: ["b"]),
        Case("a-c", ["a-c"], no: ["b"]),
        Case("[abcegikmoqsuwyACEGIKMOQS]", ["a", "y", "S"], no: ["d", "z", "T"]),
    ]

    @Test(arguments: plain + odd)
    func `patterns describe what Redis says they do`(row: Case) {
        for text in row.yes { #expect(matches(row.pattern, text), "\(text)") }
        for text in row.no { #expect(!matches(row.pattern, text), "\(text)") }
    }

    @Test func `bytes above 127 are the lowest in a range`() {
        let range: [UInt8] = Array("[a-".utf8) + [0xff] + Array("]".utf8)
        for (byte, isMember) in [
            (0xff, true), (0x00, true), (0x61, true), (0x62, false),
            (0x80, false), (0xfe, false),
        ] as [(UInt8, Bool)] {
            #expect(matches(range, [byte]) == isMember, "\(byte)")
        }
        #expect(matches([0x5b, 0x80, 0x2d, 0xff, 0x5d], [0xc3]))
        #expect(!matches([0x5b, 0x80, 0x2d, 0xff, 0x5d], [0x7f]))
    }

    @Test func `zero bytes are bytes like others`() {
        #expect(matches([0x61, 0, 0x2a], [0x61, 0, 0x62]))
        #expect(!matches([0x61, 0, 0x62], [0x61, 0, 0x63]))
        #expect(matches([0x2a, 0], [0, 0]))
    }

    @Test func `case is ignored on demand, escaped members of a class excepted`() {
        #expect(matches("MaxMemory*", "maxmemory-policy", ignoringCase: true))
        #expect(matches("*POLICY", "maxmemory-policy", ignoringCase: true))
        #expect(matches("*m?mor*", "MAXMEMORY", ignoringCase: true))
        #expect(matches("[a-c]x", "BX", ignoringCase: true))
        #expect(matches("[A-C]x", "bX", ignoringCase: true))
        #expect(matches("[abc]", "A", ignoringCase: true))
        #expect(!matches("[^a]", "A", ignoringCase: true))
        #expect(matches("[\\a]", "a", ignoringCase: true))
        #expect(!matches("[\\a]", "A", ignoringCase: true))
        #expect(matches("\\A", "a", ignoringCase: true))
        // "Z" is before "a", but "z" is not: nothing is left between them.
        #expect(!matches("[Z-a]", "z", ignoringCase: true))
        #expect(!matches("[Z-a]", "_", ignoringCase: true))
        // Up to "b" once folded: "C" is "c", which is beyond.
        #expect(matches("[@-B]", "b", ignoringCase: true))
        #expect(!matches("[@-B]", "C", ignoringCase: true))
        #expect(!matches("maxmemory", "MAXMEMORY"))
    }

    @Test func `only a single star is known to match everything`() {
        func everything(_ pattern: String) -> Bool {
            withExactBytes(pattern) { GlobPattern($0).matchesEverything }
        }
        #expect(everything("*"))
        #expect(!everything("**") && !everything("") && !everything("?*") && !everything("\\*"))
    }

    /// Every way there is, tried one after the other: what a pattern means, slowly.
    private func slowly(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            return slowly(pattern.dropFirst(), text)
                || (!text.isEmpty && slowly(pattern, text.dropFirst()))
        }
        guard let byte = text.first, first == byte || first == UInt8(ascii: "?") else {
            return false
        }
        return slowly(pattern.dropFirst(), text.dropFirst())
    }

    @Test func `random patterns of stars agree with trying every way`() {
        var random = RandomSource(seed: 10)
        let symbols = Array("**?aab".utf8)
        for _ in 0..<20_000 {
            let pattern = (0..<random.below(9)).map { _ in symbols[Int(random.below(6))] }
            let text = (0..<random.below(12) + 1).map { _ in symbols[3 + Int(random.below(3))] }
            let expected = slowly(pattern[...], text[...])
            #expect(matches(pattern, text) == expected)
        }
    }

    @Test func `long literals and long rows of any byte are compiled whole`() {
        for length in [254, 255, 256, 257, 1_000] {
            let row = [UInt8](repeating: 0x61, count: length)
            #expect(matches(row, row))
            #expect(!matches(row, row.dropLast() + [0x62]))
            #expect(matches([0x2a] + row + [0x2a], [0x62] + row + [0x63]))
            #expect(matches([UInt8](repeating: 0x3f, count: length), row))
        }
    }

    @Test func `a thousand keys against hostile patterns take no time`() {
        // A debug build compiles slowly: half a million bytes show the same as ten.
        let length = 500_000
        var stars = [UInt8](repeating: 0x61, count: length)
        for index in stride(from: 1, to: length, by: 2) { stars[index] = 0x2a }
        stars.append(0x62)
        let few = Array(stars.prefix(60)) + [0x62]
        let long = [0x2a] + [UInt8](repeating: 0x61, count: length) + [0x62, 0x2a]
        let openClass = [0x5b, 0x62] + [UInt8](repeating: 0x62, count: length)
        let key = [UInt8](repeating: 0x61, count: 100)
        for source in [stars, few, long, openClass] {
            withExactBytes(source, key) { source, key in
                let pattern = GlobPattern(source)
                var found = 0
                let time = ContinuousClock().measure {
                    for _ in 0..<1_000 where pattern.matches(key) { found += 1 }
                }
                #expect(found == 0)
                #expect(time < .seconds(2))  // a debug build, possibly sanitized
            }
        }
    }

    @Test func `a long text against repeated beginnings takes linear time`() {
        let text = [UInt8](repeating: 0x61, count: 200_000)
        let half = [UInt8](repeating: 0x61, count: 100_000)
        let time = ContinuousClock().measure {
            #expect(!matches([0x2a] + half + [0x62, 0x2a], text))
            #expect(!matches([0x2a, 0x3f, 0x2a] + half + [0x62], text))
            #expect(matches([0x2a] + half + [0x2a] + half, text))
        }
        #expect(time < .seconds(10))
    }
}
