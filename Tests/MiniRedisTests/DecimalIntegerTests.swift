// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct DecimalIntegerTests {
    private func parse(_ text: String) -> Int64? {
        withExactBytes(text) { DecimalInteger.parse($0) }
    }

    private func text(_ value: Int64) -> String {
        withUnsafeTemporaryAllocation(byteCount: DecimalInteger.maximumLength, alignment: 1) {
            guard let base = $0.baseAddress else { return "" }
            return ByteView(base, count: DecimalInteger.write(value, to: base)).string
        }
    }

    private func text(_ value: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: DecimalInteger.maximumLength, alignment: 1) {
            guard let base = $0.baseAddress else { return "" }
            return ByteView(base, count: DecimalInteger.write(value, to: base)).string
        }
    }

    @Test(arguments: [
        "", " ", "-", "+", "+1", " 1", "1 ", "01", "00", "-0", "-01", "--1", "1-", "1.0", "1e3",
        "0x10", "a", ":", "/", "9223372036854775808", "-9223372036854775809",
        "18446744073709551615", "18446744073709551616", "99999999999999999999",
        "9999999999999999999", "-9999999999999999999", "100000000000000000000",
        "-100000000000000000000", "1234567a", "12345678a", "a2345678", "1234 678", "12345678/",
        "1234567:1234567", "123456\u{e9}", "1\0", "\0", "000000000000000000001",
    ])
    func `what is not the one text of an integer is refused`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test(
        arguments: [
            0, 1, 9, 10, 99, 100, 999, 12_345_678, 123_456_789, -1, -9, -10, .max, .min, .max - 1,
            .min + 1, 1_000_000_000_000_000_000, -1_000_000_000_000_000_000,
        ] as [Int64])
    func `limits are read and written`(value: Int64) {
        #expect(parse("\(value)") == value)
        #expect(text(value) == "\(value)")
        #expect(DecimalInteger.length(value) == "\(value)".utf8.count)
    }

    @Test func `every power of ten and of two and their neighbours come back`() {
        var values: [Int64] = []
        var power: Int64 = 1
        for _ in 0..<19 {
            values += [power - 1, power, power + 1]
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        for bit in 0..<63 { values += [1 << bit - 1, 1 << bit, 1 << bit + 1] }
        for value in values.flatMap({ [$0, -$0] }) {
            #expect(text(value) == "\(value)")
            #expect(parse("\(value)") == value)
            #expect(DecimalInteger.length(value) == "\(value)".utf8.count)
        }
    }

    @Test func `unsigned integers are written to the last one`() {
        for value in [0, 9, 10, UInt64.max, 1 << 63, 10_000_000_000_000_000_000] as [UInt64] {
            #expect(text(value) == "\(value)")
        }
    }

    @Test func `one wrong byte anywhere is noticed`() {
        let good = Array("1234567890123456789".utf8)
        for place in good.indices {
            for byte in UInt8.min...UInt8.max where !(0x30...0x39).contains(byte) {
                if place == 0, byte == 0x2d { continue }
                var bad = good
                bad[place] = byte
                #expect(withExactBytes(bad) { DecimalInteger.parse($0) } == nil)
            }
        }
    }

    @Test func `random integers of every length come back`() {
        var random = RandomSource(seed: 3)
        for _ in 0..<20_000 {
            let value = Int64(bitPattern: random.next()) >> Int64(random.below(64))
            #expect(text(value) == "\(value)")
            #expect(parse("\(value)") == value)
        }
    }
}
