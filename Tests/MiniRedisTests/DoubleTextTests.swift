// SPDX-License-Identifier: BSD-3-Clause
//
// Doubles as text: what Redis 7.2 writes, the shortest digits, and that they read back the same.

import Glibc
import Testing

@testable import MiniRedis

private func written(_ value: Double) -> String { DoubleText.withText(value, \.string) }

private func parsed(_ text: String) -> Double? { withExactBytes(text, FloatingPointText.parse) }

/// Whether it is written as an integer, with all of its digits.
private func isWhole(_ value: Double) -> Bool {
    value.magnitude <= 0x1p62 && value == value.rounded()
}

/// The significant digits of a number's text.
private func digits(_ text: String) -> String {
    let mantissa = text.prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }
    return String(mantissa.reversed().drop { $0 == "0" }.reversed())
}

@Suite struct `The text of a double` {
    @Test(arguments: [
        (0.0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (3.14, "3.14"),
        (1e20, "1e+20"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"), (-1.5e-7, "-1.5e-7"),
        (0.000001, "0.000001"), (0.00001, "0.00001"), (1e15, "1000000000000000"),
        (1e17, "100000000000000000"), (4e18, "4000000000000000000"), (5e18, "5e+18"),
        (0x1p62, "4611686018427387904"), (-0x1p62, "-4611686018427387904"),
        (0x1p63, "9223372036854776000"),
        (12345.678901234567, "1.2345678901234567e+4"), (1234.5678901234567, "1234.5678901234567"),
        (0.001234567890123, "0.001234567890123"), (0.0001234567890123, "1.234567890123e-4"),
        (12345.5, "12345.5"), (123456789.125, "123456789.125"), (1e300, "1e+300"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"), (1e22, "1e+22"), (1e23, "1e+23"),
        (0x1.ac53a7e04bcdap66, "123456789012345680000"), (-2.5e19, "-2.5e+19"),
        (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"), (100.5, "100.5"),
    ])
    func `is the one that Redis writes`(value: Double, text: String) {
        #expect(written(value) == text)
    }

    @Test func `reads back the same and is the shortest, for a million numbers`() {
        var random = RandomSource(seed: 11)
        var failures = 0
        for round in 0..<1_000_000 {
            var pattern = random.next()
            if round % 4 == 1 { pattern &= ~0 << (random.next() % 52) }  // few bits
            if round % 64 == 2 { pattern &= ~(0x7FF << 52) }  // below the normal numbers
            var value = Double(bitPattern: pattern)
            if round % 4 == 3 { value = Double(Int64(bitPattern: pattern) >> 30) / 1000 }
            guard value.isFinite else { continue }
            DoubleText.withText(value) { text in
                let isSame = FloatingPointText.parse(text) == value
                // Swift's own text is the shortest and the nearest, too; comparing is slow.
                let isShortest =
                    round % 16 != 0 || isWhole(value)
                    || digits(text.string) == digits("\(value)")
                let isRead = strtod(text.string, nil) == value
                if !(isSame && isShortest && isRead) { failures += 1 }
                if !(isSame && isShortest && isRead) && failures < 5 {
                    Issue.record("\(value) is written as \(text.string)")
                }
            }
        }
        #expect(failures == 0)
    }

    @Test func `is right at every power of two and of ten, and beside it`() {
        let powersOfTwo = (1..<2047).map { Double(bitPattern: UInt64($0) << 52) }
        let powersOfTen = (-323...308).compactMap { Double("1e\($0)") }
        for power in powersOfTwo + powersOfTen {
            for value in [power.nextDown, power, power.nextUp] where value > 0 {
                #expect(parsed(written(value)) == value)
                #expect(isWhole(value) || digits(written(value)) == digits("\(value)"))
            }
        }
    }

    @Test func `is read on the short way exactly as C reads it`() {
        var random = RandomSource(seed: 12)
        let letters = Array("0123456789.")
        for _ in 0..<200_000 {
            let length = Int(random.next() % 21)
            var text = random.next() % 2 == 0 ? "-" : ""
            for _ in 0...length { text.append(letters[Int(random.below(11))]) }
            if random.next() % 3 == 0 { text += "e\(Int(random.next() % 60) - 30)" }
            guard let short = withExactBytes(text, DoubleText.parseShort) else { continue }
            var end: UnsafeMutablePointer<CChar>?
            text.withCString { start in
                let value = strtod(start, &end)
                #expect(value.bitPattern == short.bitPattern && end?.pointee == 0, "\(text)")
            }
        }
    }

    @Test(arguments: ["", "-", "+", ".", "-.", "e1", "1e", "1e+", "1 ", " 1", "1x", "--1", "1..2"])
    func `is no short way for what is no number`(text: String) {
        #expect(withExactBytes(text, DoubleText.parseShort) == nil)
    }

    @Test(arguments: [
        ("", 0.0), (" 1", 1), ("\t1", 1), ("1\0x", 1), ("1e309", .infinity), ("-1e309", -.infinity),
        ("1e-400", 0), ("inf", .infinity), ("+inf", .infinity), ("0x1p3", 8), ("2.5", 2.5),
    ])
    func `is read less strictly as the end of a range`(text: String, value: Double) {
        #expect(withExactBytes(text, FloatingPointText.parseBound) == value)
    }

    @Test(arguments: ["1 ", "nan", "-nan", ".", "1e", "0x", "1d"])
    func `must be a number even then`(text: String) {
        #expect(withExactBytes(text, FloatingPointText.parseBound) == nil)
    }

    @Test func `is a reply of its own type in RESP3 and a bulk string in RESP2`() {
        for (value, two, three) in [
            (1.5, "$3\r\n1.5\r\n", ",1.5\r\n"), (-0.5, "$4\r\n-0.5\r\n", ",-0.5\r\n"),
            (1234.5678901234567, "$18\r\n1234.5678901234567\r\n", ",1234.5678901234567\r\n"),
            (.infinity, "$3\r\ninf\r\n", ",inf\r\n"),
        ] {
            #expect(reply(version: 2) { $0.double(value) } == two)
            #expect(reply(version: 3) { $0.double(value) } == three)
        }
        #expect(reply(version: 2) { $0.plainDouble(0.25) } == "$4\r\n0.25\r\n")
        #expect(reply(version: 3) { $0.plainDouble(0.25) } == ",0.25\r\n")
    }

    private func reply(version: Int, _ body: (ReplyWriter) -> Void) -> String {
        var buffer = OutputBuffer()
        withUnsafeMutablePointer(to: &buffer) { body(ReplyWriter(buffer: $0, version: version)) }
        return ByteView(buffer.base, count: buffer.count).string
    }
}
