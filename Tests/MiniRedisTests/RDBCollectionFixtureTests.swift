// SPDX-License-Identifier: BSD-3-Clause

import Foundation
import Testing

@testable import MiniRedis

/// Collections in dumps that real servers wrote, against what a real server read from them.
struct RDBCollectionFixtureTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/rdb")

    private func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    private func text(_ bytes: [UInt8]) -> String {
        String(bytes.map { Character(UnicodeScalar($0)) })
    }

    private func dump(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appending(path: name + ".rdb")))
    }

    private func expected(_ name: String) throws -> [String: [String: Any]] {
        let data = try Data(contentsOf: Self.folder.appending(path: name + ".json"))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let databases = try #require(root["dbs"] as? [String: [String: [String: Any]]])
        return databases["0"] ?? [:]
    }

    @Test(arguments: [
        "dictionary", "hash_as_ziplist", "hash_field_ttl_v12", "hash_lp_v11", "hash_v3",
        "intset_16", "intset_32", "intset_64", "linkedlist", "quicklist", "quicklist2_v11",
        "set_lp_v11", "sorted_set_as_ziplist", "stream_v11", "ziplist_with_integers",
        "zipmap_that_compresses_easily", "zset_lp_v11",
    ])
    func `a real server's collections are read`(name: String) throws {
        let bytes = try dump(name)
        let keys = try expected(name)
        for step in [Int.max, 7] {
            let contents = DumpContents(bytes, step: step)
            #expect(contents.error == nil)
            let strings = keys.count { $0.value["type"] as? String == "string" }
            #expect(contents.collections.count == keys.count - strings)
            for collection in contents.collections {
                let entry = try #require(keys[text(collection.key)])
                #expect(entry["type"] as? String == "\(collection.type.name)")
                try compare(collection, entry)
            }
        }
        let keyspace = SampleKeyspace()
        #expect(keyspace.load(bytes) == nil)
        #expect(keyspace.keyspace.count == keys.count)
        // And again from what we make of it.
        let copy = SampleKeyspace()
        #expect(copy.load(try keyspace.dump(), step: 3) == nil)
        #expect(copy.digest == keyspace.digest)
    }

    private func compare(_ collection: DumpCollection, _ entry: [String: Any]) throws {
        switch collection.type {
        case .string: break
        case .list:
            let value = try #require(entry["value"] as? [String])
            #expect(collection.elements == value.map(latin1))
        case .set:
            let value = try #require(entry["value"] as? [String])
            #expect(Set(collection.elements) == Set(value.map(latin1)))
        case .sortedSet:
            let value = try #require(entry["value"] as? [[String]])
            #expect(collection.scores.count == value.count)
            for pair in value { #expect(collection.scores[latin1(pair[0])] == Double(pair[1])) }
        case .hash:
            let value = try #require(entry["value"] as? [String: String])
            #expect(collection.fields.count == value.count)
            for (field, text) in value {
                #expect(collection.fields[latin1(field)] == latin1(text))
            }
            let deadlines = entry["field_pexpireat"] as? [String: Int64] ?? [:]
            for (field, deadline) in deadlines {
                #expect(
                    collection.fieldDeadlines[latin1(field)] == (deadline < 0 ? nil : deadline))
            }
        case .stream: try compareStream(collection, entry)
        }
    }

    private func compareStream(_ stream: DumpCollection, _ entry: [String: Any]) throws {
        let value = try #require(entry["value"] as? [[Any]])
        #expect(stream.entries.count == value.count)
        for (read, known) in zip(stream.entries, value) {
            #expect(read.id == known[0] as? String)
            #expect(read.items == (known[1] as? [String])?.map(latin1))
        }
        let info = try table(entry["info"])
        #expect(stream.lastID == info["last-generated-id"] as? String)
        #expect(stream.maximalDeletedID == info["max-deleted-entry-id"] as? String)
        #expect(stream.entriesAdded == info["entries-added"] as? Int64)
        let groups = try #require(info["groups"] as? [Any])
        #expect(stream.groups.count == groups.count)
        for (read, known) in zip(stream.groups, groups) {
            let group = try table(known)
            #expect(text(read.name) == group["name"] as? String)
            #expect(read.lastID == group["last-delivered-id"] as? String)
            #expect(read.entriesRead == group["entries-read"] as? Int64)
            let consumers = try #require(group["consumers"] as? [Any])
            #expect(read.consumers.count == consumers.count)
            for (read, known) in zip(read.consumers, consumers) {
                let consumer = try table(known)
                #expect(text(read.name) == consumer["name"] as? String)
                #expect(read.seen == consumer["seen-time"] as? Int64)
                #expect(read.active == consumer["active-time"] as? Int64)
                let pending = try #require(consumer["pending"] as? [[Any]])
                #expect(read.pending.map(\.id) == pending.map { $0[0] as? String })
                #expect(read.pending.map(\.deliveredAt) == pending.map { $0[1] as? Int64 })
                #expect(read.pending.map(\.deliveries) == pending.map { $0[2] as? Int64 })
            }
        }
    }

    /// Names and values in turn, as a map.
    private func table(_ flat: Any?) throws -> [String: Any] {
        let items = try #require(flat as? [Any])
        var table: [String: Any] = [:]
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            table[try #require(items[index] as? String)] = items[index + 1]
        }
        return table
    }
}
