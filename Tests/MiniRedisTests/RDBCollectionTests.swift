// SPDX-License-Identifier: BSD-3-Clause

import Foundation
import Testing

@testable import MiniRedis

/// Collections through a save and a load, and dumps of them that lie.
struct RDBCollectionTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `every type survives a save and a load`(seed: UInt64) throws {
        let source = SampleKeyspace()
        source.fill(180, seed: seed)
        let dump = try source.dump()
        #expect(dump.prefix(9) == Array("REDIS0012".utf8)[...])
        for step in [Int.max, 1000] {
            let copy = SampleKeyspace()
            #expect(copy.load(dump, step: step) == nil)
            #expect(copy.keyspace.count == source.keyspace.count)
            #expect(copy.digest == source.digest)
            // The digest does not know groups.
            #expect(streams(try copy.dump()) == streams(dump))
            #expect(copy.keyspace.databases[1].fieldDeadlines.count > 0)
        }
    }

    /// The streams of a dump with all that they are, in the order of their keys.
    private func streams(_ dump: [UInt8]) -> [DumpCollection] {
        DumpContents(dump).collections.filter { $0.type == .stream }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    @Test func `the version is the lowest that has everything`() throws {
        let subject = SampleKeyspace()
        subject.add("list", .list) { place, limits in
            ListEditor(place, limits).append(ByteView("a"))
        }
        #expect(try subject.dump().prefix(9) == Array("REDIS0009".utf8)[...])
        subject.add("stream", .stream) { _, _ in }
        #expect(try subject.dump().prefix(9) == Array("REDIS0010".utf8)[...])
        subject.add("hash", .hash) { place, limits in
            _ = HashEditor(place, limits).set(ByteView("f"), ByteView("v"))
            HashEditor(place, limits).setDeadline(ByteView("f"), SampleKeyspace.now + 9)
        }
        #expect(try subject.dump().prefix(9) == Array("REDIS0012".utf8)[...])
        subject.keyspace.flush(0)
        while subject.keyspace.doPendingWork(budget: 1000) {}
        #expect(try subject.dump().prefix(9) == Array("REDIS0009".utf8)[...])
    }

    @Test func `all memory comes back when a load fails`() throws {
        let source = SampleKeyspace()
        source.fillSmall()
        let dump = try source.dump()
        let copy = SampleKeyspace()
        let empty = copy.keyspace.allocatedBytes
        for count in stride(from: 9, to: dump.count, by: 11) {
            #expect(copy.load(Array(dump.prefix(count)), verify: false) != nil)
            for index in 0..<3 { copy.keyspace.flush(index) }
            while copy.keyspace.doPendingWork(budget: 1000) {}
        }
        #expect(copy.keyspace.allocatedBytes == empty)
    }

    @Test func `F78 a dump of every type, damaged anywhere, is an error or another dump`() throws {
        let source = SampleKeyspace()
        source.fillSmall()
        let dump = try source.dump()
        var refused = 0
        for index in 9..<dump.count - 9 {
            for change in [0xFF, 0x01, 0x80, 0x40] as [UInt8] {
                var damaged = dump
                damaged[index] ^= change
                if SampleKeyspace(1).load(damaged, verify: false) != nil { refused += 1 }
            }
        }
        #expect(refused > dump.count)
        for count in 0..<dump.count {
            #expect(SampleKeyspace(1).load(Array(dump.prefix(count))) != nil)
        }
    }

    @Test func `F78 real servers' encodings, damaged anywhere, never do harm`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/rdb")
        for name in [
            "hash_as_ziplist", "hash_field_ttl_v12", "hash_lp_v11", "intset_32", "quicklist",
            "quicklist2_v11", "set_lp_v11", "sorted_set_as_ziplist", "stream_v11",
            "ziplist_with_integers", "zipmap_that_compresses_easily", "zset_lp_v11",
        ] {
            let dump = Array(try Data(contentsOf: folder.appending(path: name + ".rdb")))
            for index in 9..<dump.count {
                for change in [0xFF, 0x01, 0x40] as [UInt8] {
                    var damaged = dump
                    damaged[index] ^= change
                    _ = SampleKeyspace(1).load(damaged, verify: false)
                }
            }
            for count in 9..<dump.count {
                _ = SampleKeyspace(1).load(Array(dump.prefix(count)), verify: false)
            }
        }
    }

    // MARK: - Payloads

    private func payload(_ subject: SampleKeyspace, _ key: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<subject.keyspace.databaseCount {
            try withView(of: Array(key.utf8)) { view in
                Result {
                    let database = subject.keyspace.databases + index
                    let slot = database.pointee.lookup(view, database.pointee.hash(view))
                    guard let slot else { return }
                    try DumpPayload.write(Entry(slot.entry), compression: false) {
                        bytes = Array($0)
                    }
                }
            }.get()
        }
        return bytes
    }

    private func restore(
        _ payload: [UInt8], to subject: SampleKeyspace
    ) -> DumpPayloadError? {
        withView(of: payload) { view in
            do throws(DumpPayloadError) {
                try DumpPayload.read(view, subject.keyspace.state, longestString: 1 << 20) {
                    let key = ByteView("copy")
                    let database = subject.keyspace.databases
                    database.pointee.restore(
                        key, database.pointee.hash(key), $0, deadline: nil, nil)
                }
                return nil
            } catch {
                return error
            }
        }
    }

    private static let names = [
        "string", "list", "set", "sorted set", "hash", "timed hash", "stream",
    ]

    @Test(arguments: names)
    func `a payload becomes the value again`(name: String) throws {
        let subject = SampleKeyspace(1)
        subject.fillSmall()
        let bytes = try payload(subject, name)
        #expect(restore(bytes, to: subject) == nil)
        #expect(try payload(subject, "copy") == bytes)
        let other = SampleKeyspace(1)
        #expect(restore(bytes, to: other) == nil)
        let digests = [subject, other].map { $0.withEntry("copy", KeyspaceDigest.ofValue) }
        #expect(digests[0] == digests[1])
    }

    @Test(arguments: names)
    func `F82 a payload that is damaged, too new or too long is refused`(name: String) throws {
        let subject = SampleKeyspace(1)
        subject.fillSmall()
        let bytes = try payload(subject, name)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(restore(damaged, to: subject) == .versionOrChecksum)
            #expect(restore(Array(bytes.prefix(index)), to: subject) == .versionOrChecksum)
        }
        for version in [0, 14, 79, 81, 0xFFFF] {
            #expect(restore(sealed(bytes.dropLast(10), version), to: subject) == .versionOrChecksum)
        }
        #expect(restore(sealed(bytes.dropLast(10) + [0], 12), to: subject) == .value)
        for count in 0..<bytes.count - 10 {
            let error = restore(sealed(bytes.prefix(count), 12), to: subject)
            #expect(error == (count == 0 ? .versionOrChecksum : .value))
        }
        #expect(subject.withEntry("copy") { _ in true } == nil)
    }

    /// A value with the footer that belongs to it.
    private func sealed(_ value: some Collection<UInt8>, _ version: Int) -> [UInt8] {
        var bytes = Array(value) + [UInt8(version & 0xFF), UInt8(version >> 8)]
        var crc = CRC64()
        bytes.withUnsafeBytes { buffer in
            if let base = buffer.baseAddress { crc.update(base, count: buffer.count) }
        }
        withUnsafeBytes(of: crc.value.littleEndian) { bytes += $0 }
        return bytes
    }
}
