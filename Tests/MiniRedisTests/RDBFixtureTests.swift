// SPDX-License-Identifier: BSD-3-Clause

import Foundation
import Testing

@testable import MiniRedis

/// Dumps that real servers wrote, against what a real server read from them.
struct RDBFixtureTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/rdb")
    /// 2023-11-14: later than the deadlines of the dumps that are said to be expired, earlier than
    /// those that are not.
    private static let now: Int64 = 1_700_000_000_000

    private func read(_ name: String) throws -> DumpContents {
        DumpContents(try FileSource(path: Self.folder.appending(path: name + ".rdb").path))
    }

    /// The strings of the JSON beside the dump.
    private func expected(_ name: String) throws -> Set<DumpString> {
        let data = try Data(contentsOf: Self.folder.appending(path: name + ".json"))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let databases = try #require(root["dbs"] as? [String: [String: [String: Any]]])
        var strings = Set<DumpString>()
        for (database, keys) in databases {
            for (key, entry) in keys {
                let value = try #require(entry["value"] as? String)
                var string = DumpString(key: latin1(key), value: latin1(value))
                string.database = try #require(Int(database))
                string.deadline = (entry["pexpireat"] as? NSNumber)?.int64Value
                strings.insert(string)
            }
        }
        return strings
    }

    private func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8($0.value) }
    }

    @Test(arguments: [
        "empty", "single_key", "multiple_dbs", "string_int_encoded", "mem_policy_lru",
        "set_expired_v11", "set_not_expired_v11", "function", "empty_database", "integer_keys",
        "keys_with_expiry", "rdb_version_5_with_checksum",
    ])
    func `a real server's strings are read`(name: String) throws {
        let contents = try read(name)
        #expect(contents.error == nil)
        let alive = contents.strings.filter { $0.deadline ?? .max > Self.now }.map { string in
            var plain = string
            plain.isInteger = false
            plain.idle = nil
            plain.frequency = nil
            return plain
        }
        #expect(Set(alive) == (try expected(name)))
        #expect(alive.count == Set(alive).count)
    }

    @Test func `what is beside the strings is told`() throws {
        #expect(try read("function").items.contains(.function(bytes: 93)))
        #expect(try read("mem_policy_lru").strings.first?.idle == 24)
        #expect(try read("single_key").items.first == .auxiliary("redis-ver", "255.255.255"))
        #expect(try read("empty_database").version == 3)
    }
}
