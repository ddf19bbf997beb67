// SPDX-License-Identifier: BSD-3-Clause
//
// Floating-point numbers as text. What is expected was read off Redis 7.

import Testing

@testable import MiniRedis

private func view<Result>(_ text: String, _ body: (ByteView) -> Result) -> Result {
    withBytes(Array(text.utf8), body)
}

@Suite struct `The text of a floating-point number` {
    @Test(arguments: [
        ("1", 1.0), ("-0", -0.0), ("+1", 1.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0),
        ("1E+2", 100.0), ("0x10", 16.0), ("0x1p3", 8.0), ("5e-324", Double.leastNonzeroMagnitude),
        ("1e308", 1e308),
        ("inf", Double.infinity), ("-INF", -Double.infinity), ("infinity", Double.infinity),
    ])
    func `is read as C reads it`(text: String, value: Double) {
        #expect(view(text, FloatingPointText.parse) == value)
        #expect(view(text, FloatingPointText.parseLong).map { Double($0) } == value)
    }

    @Test(arguments: [
        "", " ", " 1", "1 ", "\t1", "1a", "1e", "1_000", "1..2", "--1", ".", "-", "nan", "NAN",
        "nan(1)", "1\0", "1e99999", "-1e99999", "1e-99999", "0x",
    ])
    func `is all of the bytes, and a number that fits`(text: String) {
        #expect(view(text, FloatingPointText.parse) == nil)
        #expect(view(text, FloatingPointText.parseLong) == nil)
    }

    @Test func `is not longer than its room`() {
        let longest = String(repeating: "1", count: FloatingPointText.roomBytes - 1)
        #expect(view("0." + longest.dropFirst(2), FloatingPointText.parse) != nil)
        #expect(view(longest + "1", FloatingPointText.parse) == nil)
    }

    @Test(arguments: [
        ("0.1", "0.1"), ("5200", "5200"), ("-1.50", "-1.5"), ("0", "0"), ("-0", "0"),
        ("1e20", "100000000000000000000"), ("1e-5", "0.00001"), ("1e-17", "0.00000000000000001"),
        ("-1e-18", "0"), ("123456789012345678.5", "123456789012345678.5"),
    ])
    func `is written with up to 17 decimals`(text: String, expected: String) throws {
        let value = try #require(view(text, FloatingPointText.parseLong))
        #if arch(x86_64)
            #expect(FloatingPointText.withText(value, \.string) == expected)
        #else
            if text.count < 15 { #expect(FloatingPointText.withText(value, \.string) == expected) }
        #endif
    }

    @Test func `has room for the largest number`() {
        let text = FloatingPointText.withText(LongDouble.greatestFiniteMagnitude, \.string)
        #expect(text.count > 300 && text.allSatisfy(\.isNumber))
    }
}
