// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

/// What the writer writes, byte by byte, and that the reader gives it back.
struct RDBWriterTests {
    /// The bytes of one string value written for the key "k", without the frame.
    private func encoding(
        of value: [UInt8], isInteger: Bool = false, options: RDBWriterOptions = RDBWriterOptions()
    ) throws -> [UInt8] {
        let string = DumpString(key: [0x6B], value: value, isInteger: isInteger)
        let dump = try writtenDump([string], options: options)
        let start = try #require(dump.indices.first { dump[$0...].starts(with: [0, 1, 0x6B]) })
        return Array(dump[(start + 3)..<(dump.count - 9)])
    }

    @Test func `the frame is header, fields, database, keys, end and checksum`() throws {
        let dump = try writtenDump([DumpString("key", "value", deadline: 0x0102_0304_0506_0708)])
        var expected = Array("REDIS0009".utf8)
        expected += [0xFA, 9] + Array("redis-ver".utf8) + [6] + Array("7.0.15".utf8)
        expected += [0xFA, 10] + Array("redis-bits".utf8) + [0xC0, 64]
        expected += [0xFE, 0, 0xFB, 1, 1]
        expected += [0xFC, 8, 7, 6, 5, 4, 3, 2, 1, 0, 3] + Array("key".utf8)
        expected += [5] + Array("value".utf8) + [0xFF]
        #expect(dump.dropLast(8) == expected[...])
        #expect(DumpContents(dump).error == nil)
    }

    @Test(arguments: [
        ("0", [0xC0, 0]), ("127", [0xC0, 127]), ("-128", [0xC0, 0x80]),
        ("128", [0xC1, 128, 0]), ("-32768", [0xC1, 0, 0x80]),
        ("32768", [0xC2, 0, 0x80, 0, 0]), ("-2147483648", [0xC2, 0, 0, 0, 0x80]),
        ("2147483647", [0xC2, 0xFF, 0xFF, 0xFF, 0x7F]),
        ("2147483648", [10] + Array("2147483648".utf8)),
    ])
    func `integers take the shortest form`(text: String, bytes: [UInt8]) throws {
        #expect(try encoding(of: Array(text.utf8)) == bytes)
        #expect(try encoding(of: Array(text.utf8), isInteger: true) == bytes)
    }

    @Test(arguments: ["", "-", "+1", "01", "-0", "1 ", " 1", "1.0", "12a", "-2147483649"])
    func `text that is no canonical integer of 32 bits stays text`(text: String) throws {
        let bytes = Array(text.utf8)
        #expect(try encoding(of: bytes) == [UInt8(bytes.count)] + bytes)
    }

    @Test func `integers of 64 bits become their text`() throws {
        let text = Array(String(Int64.min).utf8)
        #expect(try encoding(of: text, isInteger: true) == [20] + text)
    }

    @Test(arguments: [63, 64, 16_383, 16_384, 70_000])
    func `lengths take the shortest form`(count: Int) throws {
        var options = RDBWriterOptions()
        options.compression = false
        let value = [UInt8](repeating: 0x61, count: count)
        let head: [UInt8] =
            switch count {
            case ..<64: [UInt8(count)]
            case ..<16_384: [0x40 | UInt8(count >> 8), UInt8(count & 0xFF)]
            default: [0x80, 0, UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
            }
        #expect(try encoding(of: value, options: options) == head + value)
    }

    @Test func `strings from 21 bytes on are compressed if that saves enough`() throws {
        let short = [UInt8](repeating: 0x61, count: 20)
        #expect(try encoding(of: short) == [20] + short)
        let long = try encoding(of: [UInt8](repeating: 0x61, count: 100))
        #expect(long[0] == 0xC3)
        #expect(Int(long[1]) == long.count - 4)
        #expect(long[2...3] == [0x40, 100])
        var numbers = SeededNumbers(state: 1)
        let noise = numbers.bytes(60)
        #expect(try encoding(of: noise) == [60] + noise)
    }

    @Test func `switches turn compression and checksum off`() throws {
        var options = RDBWriterOptions()
        options.compression = false
        options.checksum = false
        let value = [UInt8](repeating: 0x61, count: 60)
        #expect(try encoding(of: value, options: options) == [60] + value)
        let dump = try writtenDump([DumpString("a", "b")], options: options)
        #expect(dump.suffix(8) == [0, 0, 0, 0, 0, 0, 0, 0])
        let contents = DumpContents(dump)
        #expect(contents.error == nil)
        #expect(contents.checksumWasDisabled)
    }

    @Test(arguments: [Int.max, 1, 1000])
    func `what was written is read, however it arrives`(step: Int) throws {
        var numbers = SeededNumbers(state: 7)
        var strings = [DumpString]()
        for index in 0..<300 {
            var string = DumpString("key:\(index)", String(numbers.next() >> (numbers.next() & 63)))
            string.database = index % 3
            if index % 4 == 0 { string.value = numbers.bytes(Int(numbers.next() % 2000)) }
            if index % 5 == 0 { string.value = [UInt8](repeating: 0x2A, count: index * 10) }
            if index % 7 == 0 { string.key = numbers.bytes(index) }
            if index % 2 == 0 { string.deadline = Int64(bitPattern: numbers.next()) }
            strings.append(string)
        }
        strings.sort { $0.database < $1.database }
        let contents = DumpContents(try writtenDump(strings), step: step)
        #expect(contents.error == nil)
        let read = contents.strings.map { string in
            var plain = string
            plain.isInteger = false
            return plain
        }
        #expect(firstDifference(read, strings) == nil)
    }

    @Test func `values larger than every block pass`() throws {
        var numbers = SeededNumbers(state: 9)
        let noise = numbers.bytes(3 << 20)
        let strings = [
            DumpString(key: Array("noise".utf8), value: noise),
            DumpString("between", "small"),
            DumpString(key: Array("zeros".utf8), value: [UInt8](repeating: 0, count: 5 << 20)),
            DumpString(key: numbers.bytes(1 << 20), value: Array(noise.prefix(700_001))),
            DumpString("last", "small"),
        ]
        let dump = try writtenDump(strings)
        #expect(dump.count < 5 << 20)
        let contents = DumpContents(dump)
        #expect(contents.error == nil)
        #expect(firstDifference(contents.strings, strings) == nil)
    }
}
