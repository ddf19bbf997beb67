// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

/// Dumps that lie: every one is an error with its reason, never a hang, a trap or a silent loss.
struct RDBDamageTests {
    private static let key: [UInt8] = [0x00, 1, 0x6B]
    private static let shortRead =
        "Short read or OOM loading DB. Unrecoverable error, aborting now."

    /// A dump with all that the writer can write.
    private func variedDump() throws -> [UInt8] {
        var second = DumpString("in database 3", "text")
        second.database = 3
        return try writtenDump([
            DumpString("number", "12345", deadline: 1_900_000_000_000, isInteger: true),
            DumpString("text", "hello"), DumpString("77", "-1"),
            DumpString("long", String(repeating: "abc", count: 40), deadline: 5), second,
        ])
    }

    @Test func `F73 a dump truncated anywhere is a short read`() throws {
        let dump = try variedDump()
        for count in 0..<dump.count {
            for step in [Int.max, 5] {
                let error = DumpContents(dump.prefix(count), step: step).error
                #expect(error?.description == Self.shortRead, "of \(count) bytes")
                #expect(error?.hint?.contains("after \(error?.offset ?? -1) bytes") == true)
            }
        }
        #expect(DumpContents(dump).error == nil)
    }

    @Test func `F74 another magic is a wrong signature`() {
        for magic in ["redis0009", "REDIX0009", "VALKEX080", "*2\r\n$6\r\nSELECT"] {
            let error = DumpContents(handmadeDump(version: magic, [])).error
            #expect(error?.description == "Wrong signature trying to load DB from file")
        }
    }

    @Test(arguments: [
        ("REDIS0000", 0, "damaged"), ("REDISabcd", 0, "damaged"), ("REDIS0014", 14, "Redis"),
        ("REDIS0079", 79, "Redis"), ("REDIS0081", 81, "Valkey"), ("VALKEY081", 81, "Valkey"),
        ("REDIS9999", 9999, "Valkey"), ("REDIS-001", 0, "damaged"),
    ])
    func `F75 another version is named with its writer`(
        header: String, version: Int, product: String
    ) {
        let error = DumpContents(handmadeDump(version: header, [])).error
        #expect(error?.description == "Can't handle RDB format version \(version)")
        #expect(error?.hint?.contains(product) == true)
    }

    @Test func `F76 a flipped bit anywhere is an error`() throws {
        let dump = try variedDump()
        for index in dump.indices {
            for bit in 0..<8 {
                var damaged = dump
                damaged[index] ^= 1 << UInt8(bit)
                #expect(DumpContents(damaged).error != nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `F76 a version turned into one without checksum is found`() throws {
        var dump = try variedDump()
        for version in ["1", "2", "3", "4"] {
            dump[8] = Array(version.utf8)[0]
            #expect(DumpContents(dump).error?.description.hasPrefix("Wrong RDB checksum") == true)
            // Other programs write what they like behind the end of such a version.
            #expect(DumpContents(dump.dropLast(1)).error == nil)
            #expect(DumpContents(dump.dropLast(8) + [1, 2, 3, 4, 5, 6, 7, 8]).error == nil)
        }
    }

    @Test func `F76 a wrong checksum is told in Redis's words`() throws {
        var dump = handmadeDump([])
        let right = dump.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        dump[dump.count - 8] ^= 1
        #expect(
            DumpContents(dump).error?.description
                == "Wrong RDB checksum expected: (\(String(right, radix: 16))) "
                + "but got (\(String(right ^ 1, radix: 16))). Aborting now.")
    }

    @Test(
        arguments: [
            ([0x82], "Unknown length encoding 130"),
            ([0xBF], "Unknown length encoding 191"),
            ([0xC4], "Unknown RDB string encoding type 4"),
            ([0x81, 0x80, 0, 0, 0, 0, 0, 0, 0], "A string of 9223372036854775808 bytes"),
            ([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615 bytes"),
            ([0x80, 0x20, 0, 0, 1], "A string of 536870913 bytes is longer than allowed"),
            ([0xC3, 0xC0, 1], "A string where a number is expected"),
            ([0xC3, 5, 0, 0, 0x61, 0xE0, 2, 0], "5 bytes cannot expand to 0"),
            ([0xC3, 0, 5], "0 bytes cannot expand to 5"),
            // 264 bytes is the most that three can be.
            ([0xC3, 3, 0x41, 0x09, 1, 2, 3], "3 bytes cannot expand to 265"),
            ([0xC3, 5, 0x80, 0x20, 0, 0, 0, 1, 2, 3, 4, 5], "5 bytes cannot expand to 536870912"),
            ([0xC3, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 5], "A string of 9223372036854775808 bytes"),
            // A reference to before the beginning; then text of another length than claimed.
            ([0xC3, 3, 12, 0xE0, 2, 0], "Invalid LZF compressed string"),
            ([0xC3, 5, 13, 0, 0x61, 0xE0, 2, 0], "Invalid LZF compressed string"),
            ([0xC3, 5, 11, 0, 0x61, 0xE0, 2, 0], "Invalid LZF compressed string"),
        ] as [([UInt8], String)])
    func `F78 hostile strings are refused with key and offset`(value: [UInt8], text: String) {
        let error = DumpContents(handmadeDump(Self.key + value)).error
        let description = error?.description ?? ""
        #expect(description.contains(text))
        #expect(description.contains("key \"k\" in database 0"))
        #expect(description.hasPrefix("Internal error in RDB reading offset "))
    }

    @Test(
        arguments: [
            [0xFE, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0], [0xFE, 0xC0, 1],
            [0xFB, 0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] as [[UInt8]])
    func `F78 hostile numbers are refused`(body: [UInt8]) {
        let error = DumpContents(handmadeDump(body)).error
        #expect(error?.description.hasPrefix("Internal error in RDB reading offset ") == true)
    }

    @Test func `F78 a long claim takes memory only as bytes arrive`() {
        // 512 MB claimed, 100 bytes there: a reader that believed it would be killed by a limit.
        let claim: [UInt8] = [0x80, 0x20, 0, 0, 0] + [UInt8](repeating: 1, count: 100)
        let before = residentKilobytes()
        for _ in 0..<50 {
            let error = DumpContents(handmadeDump(Self.key + claim)).error
            #expect(error?.description == Self.shortRead)
        }
        #expect(residentKilobytes() - before < 64 << 10)
    }

    @Test func `F78 a library of functions takes memory only as bytes arrive`() {
        let claim: [UInt8] = [0xF5, 0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]
        let line = DumpContents(handmadeDump(claim)).error?.description
        #expect(line?.hasSuffix("is longer than allowed") ?? false)
        let short: [UInt8] = [0xF5, 0x80, 0x10, 0, 0, 0, 1, 2, 3]
        #expect(DumpContents(handmadeDump(short)).error?.description == Self.shortRead)
    }

    @Test func `F80 modules are refused by name`() {
        // "MBbloom--" in six bits a letter, version 4.
        var id: UInt64 = 0
        for letter in [12, 1, 27, 37, 40, 40, 38, 62, 62] as [UInt64] { id = id << 6 | letter }
        let name = withUnsafeBytes(of: (id << 10 | 4).bigEndian) { [0x81] + Array($0) }
        let value = DumpContents(handmadeDump([7, 1, 0x6B] + name)).error
        #expect(
            value?.description == "The RDB file contains module data I can't load: "
                + "no matching module type 'MBbloom--'")
        #expect(value?.hint?.contains("key \"k\" in database 0") == true)
        let field = DumpContents(handmadeDump([0xF7] + name)).error
        #expect(
            field?.description == "The RDB file contains AUX module data I can't load: "
                + "no matching module 'MBbloom--'")
    }

    @Test(arguments: [8, 27, 100, 242, 243, 246] as [UInt8])
    func `unknown types and opcodes are errors`(code: UInt8) {
        let error = DumpContents(handmadeDump([code, 1, 0x6B, 1, 0x6B])).error
        #expect(error?.description.contains("\(code)") == true)
    }

    @Test func `random bytes behind a header never do harm`() {
        var numbers = SeededNumbers(state: 42)
        for _ in 0..<3000 {
            var body = numbers.bytes(Int(numbers.next() % 80))
            // Most opcodes and small lengths, so that not every body ends at its first byte.
            for index in body.indices where body[index] & 3 == 0 {
                body[index] =
                    [0, 0, 1, 3, 0xC3, 0xFA, 0xFE, 0xFB, 0xFC, 0xF5][
                        Int(body[index] >> 2) % 10]
            }
            _ = DumpContents(handmadeDump(body), step: 1 + Int(numbers.next() % 40))
        }
    }

    @Test func `an error stays the same error`() throws {
        try withView(of: Array("REDIS0009".utf8)) { view in
            Result {
                var reader = try RDBReader(source: MemorySource(view))
                for _ in 0..<3 { #expect(throws: RDBError.self) { _ = try reader.next() } }
            }
        }.get()
    }
}

/// The most memory that was ever resident in this process, kilobytes.
private func residentKilobytes() -> Int {
    var usage = rusage()
    // The process itself.
    getrusage(0, &usage)
    return usage.ru_maxrss
}
