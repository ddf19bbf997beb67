// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

/// F78: collections that lie, one lie at a time, and F80: what a dump may not hold twice.
struct RDBHostileValueTests {
    /// A listpack of elements that are already encoded.
    private static func listpack(_ elements: [[UInt8]], count: Int? = nil) -> [UInt8] {
        var body: [UInt8] = []
        for element in elements { body += element + [UInt8(element.count)] }
        let size = body.count + 7
        let number = count ?? elements.count
        return [UInt8(size), 0, 0, 0, UInt8(number & 0xFF), UInt8(number >> 8)] + body + [0xFF]
    }

    private static func text(_ string: String) -> [UInt8] {
        [0x80 | UInt8(string.utf8.count)] + Array(string.utf8)
    }

    private static func ziplist(_ elements: [[UInt8]], tail: Int? = nil) -> [UInt8] {
        var body: [UInt8] = []
        var (before, start) = (0, 10)
        for element in elements {
            start = 10 + body.count
            body += [UInt8(before)] + element
            before = element.count + 1
        }
        return [UInt8(body.count + 11), 0, 0, 0, UInt8(tail ?? start), 0, 0, 0]
            + [UInt8(elements.count), 0] + body + [0xFF]
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }

    private static func double(_ value: Double) -> [UInt8] {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }

    /// The line that a dump with one value of that type gives; nil if it loads.
    private func failure(
        _ type: UInt8, _ value: [UInt8], version: String = "REDIS0012"
    ) -> String? {
        let dump = handmadeDump(version: version, [type, 1, 0x6B] + value)
        return SampleKeyspace(1).load(dump)?.description
    }

    @Test func `what is right is taken`() {
        let a = Self.text("a")
        #expect(failure(16, Self.string(Self.listpack([a, [7]]))) == nil)
        #expect(failure(10, Self.string(Self.ziplist([[1, 0x61], [0xFE, 0x80]]))) == nil)
        #expect(failure(11, Self.string([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0])) == nil)
        #expect(failure(9, Self.string([1, 1, 0x61, 1, 2, 0x62, 0x63, 0, 255])) == nil)
        #expect(failure(5, [1, 1, 0x61] + Self.double(-0.5)) == nil)
        #expect(failure(3, [2, 1, 0x61, 3, 0x31, 0x2E, 0x35, 1, 0x62, 255]) == nil)
        #expect(
            failure(
                22, [1, 1, 0x66, 1, 0x76] + [UInt8](repeating: 0xFF, count: 8),
                version: "VALKEY080") == nil)
    }

    @Test(
        arguments: [
            (1, [0x81, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1, 0x61], ""),
            (2, [2, 1, 0x61, 1, 0x61], "Duplicate members"),
            (4, [2, 1, 0x61, 1, 0x62, 1, 0x61, 1, 0x63], "Duplicate fields"),
            (3, [1, 1, 0x61, 253], "A score that is no number"),
            (3, [1, 1, 0x61, 2, 0x2E, 0x2E], "A score that is no number"),
            (5, [1, 1, 0x61] + double(.nan), "A score that is no number"),
            (5, [2, 1, 0x61] + double(1) + [1, 0x61] + double(2), "Duplicate members"),
            (11, string([3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]), "Intset"),
            (11, string([2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0]), "its length is not"),
            (11, string([2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 2, 0]), "do not ascend"),
            (11, string([2, 0, 0, 0, 0, 0, 0]), "ends beyond"),
            (9, string([1, 1, 0x61, 9, 0, 0x62, 255]), "ends beyond"),
            (9, string([2, 1, 0x61, 1, 0, 0x62, 255]), "Zipmap"),
            (10, string(ziplist([[1, 0x61]], tail: 11)), "Ziplist"),
            (10, string(Array(ziplist([[1, 0x61]]).dropLast())), "Ziplist"),
            (10, string(ziplist([[0xFF]])), "Ziplist"),
            (13, string(ziplist([[1, 0x61]])), "without its counterpart"),
            (12, string(ziplist([[1, 0x61], [1, 0x62]])), "A score that is no number"),
            (16, string(listpack([text("a")])), "without its counterpart"),
            (16, string(listpack([text("a"), [1], text("a"), [2]])), "Duplicate fields"),
            (16, string(listpack([text("a"), [1]], count: 3)), "more or fewer"),
            (17, string(listpack([text("a"), text("nan")])), "A score that is no number"),
            (20, string(listpack([[0xF5]])), "unknown encoding"),
            (20, string(listpack([[0xF0, 255, 255, 255, 255]])), "ends beyond"),
            (18, [1, 3, 1, 0x61], "unknown kind of node"),
            (18, [0x81, 0xFF, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0x61], ""),
            (
                25,
                [UInt8](repeating: 0, count: 8) + string(listpack([text("a"), [1], text("x")])),
                "deadline"
            ),
            (24, [UInt8](repeating: 0xFF, count: 8) + [1, 0, 1, 0x61, 1, 0x62], "deadline"),
            (23, string(listpack([text("a"), [1]])), "without its counterpart"),
        ] as [(UInt8, [UInt8], String)])
    func `F78 a value that lies is refused with its key`(
        type: UInt8, value: [UInt8], text: String
    ) {
        let line = failure(type, value) ?? "it was loaded"
        #expect(line.contains(text), "\(line)")
        if !line.hasPrefix("Short read") { #expect(line.contains("key \"k\" in database 0")) }
    }

    // MARK: - Streams

    private static let id: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1]

    /// A node of one entry 9-1 with the field a and the value b.
    private static func node(
        live: UInt8 = 1, flags: UInt8 = 2, elements: UInt8 = 4
    ) -> [UInt8] {
        listpack([
            [live], [0], [1], text("a"), [0], [flags], [0], [0], text("b"), [elements],
        ])
    }

    private static func stream(
        _ node: [UInt8] = node(), length: UInt8 = 1, last: [UInt8] = [9, 1], added: UInt8 = 1,
        groups: [UInt8] = [0]
    ) -> [UInt8] {
        [1, 16] + id + string(node) + [length] + last + [9, 1, 0, 0, added] + groups
    }

    /// A group with that pending and these consumers.
    private static func group(_ pending: [[UInt8]], _ consumers: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = [1, 1, 0x67, 9, 1, 1, UInt8(pending.count)]
        for id in pending { bytes += id + [1, 0, 0, 0, 0, 0, 0, 0] + [1] }
        return bytes + [UInt8(consumers.count)] + consumers.flatMap { $0 }
    }

    private static func consumer(_ name: UInt8, _ pending: [[UInt8]]) -> [UInt8] {
        [1, name] + [5, 0, 0, 0, 0, 0, 0, 0] + [UInt8(pending.count)] + pending.flatMap { $0 }
    }

    @Test func `a stream made by hand is taken`() {
        #expect(failure(19, Self.stream()) == nil)
        let groups = Self.group([Self.id], [Self.consumer(0x63, [Self.id])])
        #expect(failure(19, Self.stream(groups: groups)) == nil)
        #expect(failure(15, [0, 0, 0, 0, 0]) == nil)
        let producers: [UInt8] = [10, 20, 1, 1, 0x70, 1, 1, 0x69, 9, 1, 1, 0]
        #expect(failure(26, Self.stream() + producers) == nil)
    }

    @Test(
        arguments: [
            (stream(length: 2), "more or fewer entries"),
            (stream(node(live: 2)), "more or fewer entries"),
            (stream(added: 0), "more or fewer entries"),
            (stream(last: [9, 0]), "do not ascend"),
            (stream(node(flags: 4)), "Stream listpack"),
            (stream(node(elements: 5)), "Stream listpack"),
            (stream(listpack([])), "Stream listpack"),
            (stream(groups: group([], [consumer(0x63, [id])])), "not found in group"),
            (stream(groups: group([id], [consumer(0x63, [])])), "without consumer"),
            (
                stream(groups: group([id], [consumer(0x63, [id]), consumer(0x64, [id])])),
                "not found in group"
            ),
            (stream(groups: group([id, id], [])), "Duplicated global PEL"),
            (
                stream(groups: group([], [consumer(0x63, []), consumer(0x63, [])])),
                "Duplicate stream consumer"
            ),
            (
                stream(groups: [2] + group([], []).dropFirst() + group([], []).dropFirst()),
                "Duplicated consumer group"
            ),
            (
                stream(
                    groups: [1, 1, 0x67, 9, 1, 1, 1] + id + [0, 0, 0, 0, 0, 0, 0, 0x80] + [1, 0]),
                "out of range"
            ),
        ] as [([UInt8], String)])
    func `F78 a stream that lies is refused with its key`(value: [UInt8], text: String) {
        let line = failure(19, value) ?? "it was loaded"
        #expect(line.contains(text), "\(line)")
        #expect(line.contains("key \"k\" in database 0"))
    }

    // MARK: - Keys

    @Test func `F80 a key that is there twice is refused`() {
        let pair: [UInt8] = [0x6B, 1, 1, 0x61]
        let line = SampleKeyspace(1).load(handmadeDump([1, 1] + pair + [2, 1] + pair))
        #expect(line?.description == "RDB has duplicated key 'k' in DB 0")
    }

    @Test func `collections without elements are left out`() {
        let subject = SampleKeyspace(1)
        let dump = handmadeDump([1, 1, 0x61, 0, 20, 1, 0x62] + Self.string(Self.listpack([])))
        #expect(subject.load(dump) == nil)
        #expect(subject.keyspace.count == 0)
        #expect(subject.lastLoader?.result.emptyKeys == 2)
        #expect(subject.lastLoader?.result.emptyKeyNames == ["a", "b"])
    }

    @Test func `a value that nobody reads is checked and passed over`() throws {
        let dump = handmadeDump([2, 1, 0x61, 2, 1, 1, 1, 2, 0, 1, 0x62, 1, 0x63])
        try withView(of: dump) { view in
            Result {
                var reader = try RDBReader(source: MemorySource(view))
                guard case .collection = try reader.next(), case .string = try reader.next(),
                    case .end = try reader.next()
                else { throw RDBDefect.shortRead }
            }
        }.get()
    }
}
