// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

/// What the reader makes of bytes made by hand.
struct RDBReaderTests {
    private static let key: [UInt8] = [0x00, 1, 0x6B]

    @Test(
        arguments: [
            ([3, 0x61, 0x62, 0x63], "abc", false),
            ([0], "", false),
            ([0x40, 3, 0x61, 0x62, 0x63], "abc", false),
            ([0x80, 0, 0, 0, 3, 0x61, 0x62, 0x63], "abc", false),
            ([0x81, 0, 0, 0, 0, 0, 0, 0, 3, 0x61, 0x62, 0x63], "abc", false),
            ([0xC0, 0x80], "-128", true),
            ([0xC1, 0x39, 0x30], "12345", true),
            ([0xC2, 0xFF, 0xFF, 0xFF, 0x7F], "2147483647", true),
            // A literal "a", then a reference of eleven bytes to it.
            ([0xC3, 5, 12, 0, 0x61, 0xE0, 2, 0], "aaaaaaaaaaaa", false),
        ] as [([UInt8], String, Bool)])
    func `every encoding of a string is read`(bytes: [UInt8], text: String, isInteger: Bool) {
        for step in [Int.max, 1] {
            let contents = DumpContents(handmadeDump(Self.key + bytes), step: step)
            #expect(contents.error == nil)
            #expect(contents.strings == [DumpString("k", text, isInteger: isInteger)])
        }
    }

    @Test func `keys and fields come in every encoding, too`() {
        var body: [UInt8] = [0xFA, 0xC0, 5, 0xC3, 5, 12, 0, 0x61, 0xE0, 2, 0]
        body += [0x00, 0xC1, 0x39, 0x30, 0xC0, 7]
        body += [0x00, 0xC3, 5, 12, 0, 0x61, 0xE0, 2, 0, 0xC3, 5, 12, 0, 0x62, 0xE0, 2, 0]
        let contents = DumpContents(handmadeDump(body), step: 3)
        #expect(contents.error == nil)
        #expect(contents.items.first == .auxiliary("5", "aaaaaaaaaaaa"))
        #expect(
            contents.strings == [
                DumpString("12345", "7", isInteger: true),
                DumpString("aaaaaaaaaaaa", "bbbbbbbbbbbb"),
            ])
    }

    @Test func `deadlines, idle times and counters belong to the next key`() {
        var body: [UInt8] = [0xFD, 1, 0, 0, 0, 0x00, 1, 0x61, 1, 0x31]
        body += [0xFC, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF8, 0x40, 200]
        body += [0x00, 1, 0x62, 1, 0x32]
        body += [0xF9, 255, 0x00, 1, 0x63, 1, 0x33]
        body += [0xFC] + [UInt8](repeating: 0xFF, count: 8) + [0x00, 1, 0x64, 1, 0x34]
        var expected = [
            DumpString("a", "1", deadline: 1000), DumpString("b", "2", deadline: -2),
            DumpString("c", "3"), DumpString("d", "4"),
        ]
        expected[1].idle = 200
        expected[2].frequency = 255
        #expect(DumpContents(handmadeDump(body)).strings == expected)
    }

    @Test func `databases, hints, slots and functions are told`() {
        var body: [UInt8] = [0xF5, 4, 1, 2, 3, 4, 0xF5, 0xC3, 3, 2, 1, 9, 9]
        body += [0xFE, 5, 0xFB, 0x41, 0, 2, 0xF4, 0x40, 99, 3, 1, 0x00, 1, 0x61, 1, 0x31]
        var string = DumpString("a", "1")
        string.database = 5
        #expect(
            DumpContents(handmadeDump(body), step: 2).items == [
                .function(bytes: 4), .function(bytes: 2), .selectDatabase(5),
                .resize(keys: 256, expires: 2), .string(string), .end,
            ])
    }

    @Test(arguments: (1...13).map { "REDIS" + ($0 < 10 ? "000" : "00") + String($0) })
    func `every version of Redis is read`(version: String) {
        let contents = DumpContents(handmadeDump(version: version, Self.key + [0xC0, 1]))
        #expect(contents.error == nil)
        #expect(contents.strings.count == 1)
        #expect(contents.version == Int(version.suffix(4)))
        #expect(!contents.isValkey)
    }

    @Test func `Valkey's own header is read`() {
        let contents = DumpContents(handmadeDump(version: "VALKEY080", Self.key + [0xC0, 1]))
        #expect(contents.error == nil)
        #expect(contents.version == 80)
        #expect(contents.isValkey)
    }

    @Test func `before version 5 there is no checksum`() {
        let dump = handmadeDump(version: "REDIS0004", Self.key + [0xC0, 1]).dropLast(8)
        let contents = DumpContents(dump)
        #expect(contents.error == nil)
        #expect(!contents.checksumWasDisabled)
    }

    @Test func `F77 a checksum of 0 is accepted and told`() {
        let contents = DumpContents(handmadeDump(Self.key + [0xC0, 1], checksum: false))
        #expect(contents.error == nil)
        #expect(contents.checksumWasDisabled)
        #expect(
            RDBReader<MemorySource>.checksumDisabledNotice
                == "RDB file was saved with checksum disabled: no check performed.")
    }

    @Test func `checksums are not compared when that is switched off`() {
        var dump = handmadeDump(Self.key + [0xC0, 1])
        dump[dump.count - 1] ^= 1
        var options = RDBReaderOptions()
        options.verifyChecksum = false
        #expect(DumpContents(dump, options: options).error == nil)
        #expect(DumpContents(dump).error != nil)
    }

    @Test func `what follows the dump is left to the caller`() throws {
        let dump = handmadeDump(Self.key + [0xC0, 1])
        try withView(of: dump + Array("rest".utf8)) { view in
            Result {
                var reader = try RDBReader(source: MemorySource(view))
                while true { if case .end = try reader.next() { break } }
                #expect(reader.bytesRead == dump.count)
                #expect(reader.cursor.unread.string == "rest")
                if case .end = try reader.next() {} else { Issue.record("no second end") }
            }
        }.get()
    }
}
