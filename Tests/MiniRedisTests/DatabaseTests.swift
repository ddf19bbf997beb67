// SPDX-License-Identifier: BSD-3-Clause
//
// Changes of single keys: where a value lies after each, what becomes of its deadline, and that no
// byte is lost.

import Testing

@testable import MiniRedis

/// One database with conveniences for strings.
private final class Fixture {
    let keyspace = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 42))
    let emptyBytes: Int
    var database: UnsafeMutablePointer<Database> { keyspace.databases }
    var heap: UnsafeMutablePointer<Heap> { keyspace.memory.pointee.heap }

    init() {
        keyspace.state.pointee.setTime(1000)
        emptyBytes = keyspace.allocatedBytes
    }

    /// What the keys take, the table's and the index's empty forms left out.
    var usedBytes: Int { keyspace.allocatedBytes - emptyBytes }

    func set(_ key: String, _ value: [UInt8], _ change: DeadlineChange = .clear) {
        withBytes(Array(key.utf8)) { key in
            withBytes(value) { value in
                database.pointee.set(
                    key, database.pointee.hash(key), .stored(value, heap: heap), change)
            }
        }
    }

    func set(_ key: String, _ value: String, _ change: DeadlineChange = .clear) {
        set(key, Array(value.utf8), change)
    }

    /// Calls with the slot and the hash of a key, if it is there and not due.
    @discardableResult
    func withSlot<Result>(_ key: String, _ body: (TableSlot, UInt64) -> Result) -> Result? {
        withBytes(Array(key.utf8)) { key in
            let hash = database.pointee.hash(key)
            return database.pointee.lookup(key, hash).map { body($0, hash) }
        }
    }

    func entry(_ key: String) -> Entry? { withSlot(key) { slot, _ in Entry(slot.entry) } }
    func value(_ key: String) -> [UInt8]? { entry(key)?.string.withText(\.array) }
    func text(_ key: String) -> String? { value(key).map { String(decoding: $0, as: UTF8.self) } }

    func append(_ key: String, _ suffix: [UInt8]) -> Int? {
        withBytes(suffix) { suffix in
            withSlot(key) { database.pointee.append($0, $1, suffix) }
        }
    }

    func setDeadline(_ key: String, _ deadline: Int64?) {
        withSlot(key) { database.pointee.setDeadline($0, $1, deadline) }
    }

    func remove(_ key: String) { withSlot(key) { database.pointee.remove($0, $1) } }

    func expectEmpty() {
        #expect(database.pointee.count == 0)
        #expect(database.pointee.deadlines.count == 0)
        #expect(keyspace.allocatedBytes == emptyBytes)
    }
}

private func letters(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

@Suite struct `A database` {
    @Test(arguments: [0, 1, 20, 21, 44, 45, 1000, 32_767, 32_768, 32_769, 100_000, 3_000_000])
    func `keeps a string of any length`(count: Int) {
        let subject = Fixture()
        subject.set("key", letters(count))
        #expect(subject.value("key") == letters(count))
        #expect(subject.entry("key")?.encoding == (count < 32_768 ? .inline : .block))
        subject.set("key", letters(count), .set(5000))
        #expect(subject.value("key") == letters(count))
        #expect(subject.entry("key")?.deadline == 5000)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test(arguments: [0, 1, 254, 255, 256, 70_000])
    func `keeps a key of any length`(count: Int) {
        let subject = Fixture()
        let key = String(repeating: "k", count: count)
        for deadline in [nil, 5000] as [Int64?] {
            for value in ["", "-17", "text", String(repeating: "v", count: 40_000)] {
                subject.set(key, value, deadline.map { .set($0) } ?? .clear)
                #expect(subject.text(key) == value)
                #expect(subject.entry(key)?.key.count == count)
                #expect(subject.entry(key)?.deadline == deadline)
            }
        }
        subject.remove(key)
        subject.expectEmpty()
    }

    @Test func `overwrites in place within a size class`() {
        let subject = Fixture()
        subject.set("key", letters(40))
        let place = subject.entry("key")?.base
        let bytes = subject.usedBytes
        // 8 bytes of head, 3 of key: values of 38 to 53 bytes share a class of 64.
        for count in [38, 53, 45] {
            subject.set("key", letters(count))
            #expect(subject.entry("key")?.base == place)
            #expect(subject.value("key") == letters(count))
            #expect(subject.usedBytes == bytes)
        }
        subject.set("key", letters(54))
        #expect(subject.value("key") == letters(54))
        #expect(subject.usedBytes == bytes + 16)
        subject.set("key", letters(37))
        #expect(subject.usedBytes == bytes - 16)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test func `changes between all encodings`() {
        let subject = Fixture()
        let values = ["12", "text", String(repeating: "b", count: 40_000), "-9223372036854775808"]
        for from in values {
            for to in values {
                for change in [DeadlineChange.clear, .keep, .set(9000)] {
                    subject.set("key", from)
                    subject.set("key", to, change)
                    #expect(subject.text("key") == to)
                }
            }
        }
        #expect(subject.database.pointee.count == 1)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test func `counts in place`() {
        let subject = Fixture()
        subject.set("key", "10", .set(7000))
        let place = subject.entry("key")?.base
        for value in [11, -5, .max, .min] as [Int64] {
            subject.withSlot("key") { subject.database.pointee.setInteger($0, $1, value) }
            #expect(subject.text("key") == "\(value)")
            #expect(subject.entry("key")?.base == place)
            #expect(subject.entry("key")?.deadline == 7000)
        }
        // A number that APPEND made is text, until it is counted.
        subject.set("text", "1")
        #expect(subject.append("text", [0x32]) == 2)
        #expect(subject.entry("text")?.encoding == .inline)
        subject.withSlot("text") { subject.database.pointee.setInteger($0, $1, 13) }
        #expect(subject.entry("text")?.encoding == .integer)
        #expect(subject.text("text") == "13")
    }

    @Test func `clears, keeps and moves deadlines`() {
        let subject = Fixture()
        subject.set("key", "a", .set(5000))
        #expect(subject.database.pointee.nextDeadline == 5000)
        subject.set("key", "b", .keep)
        #expect(subject.entry("key")?.deadline == 5000)
        subject.set("key", "c", .set(4000))
        #expect(subject.database.pointee.nextDeadline == 4000)
        subject.setDeadline("key", 6000)
        #expect(subject.database.pointee.nextDeadline == 6000)
        #expect(subject.database.pointee.deadlines.count == 1)
        subject.setDeadline("key", nil)
        #expect(subject.entry("key")?.deadline == nil)
        #expect(subject.database.pointee.deadlines.count == 0)
        subject.setDeadline("key", 3000)
        #expect(subject.text("key") == "c")
        subject.set("key", "d", .clear)
        #expect(subject.entry("key")?.deadline == nil)
        #expect(subject.database.pointee.nextDeadline == nil)
        subject.setDeadline("key", 3000)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test func `does not trip over deadlines that the index cannot hold`() {
        let subject = Fixture()
        for deadline in [DeadlineIndex.limit, DeadlineIndex.limit - 1, .max, -1] as [Int64] {
            subject.set("key", "a", .set(deadline))
            subject.set("other", "b", .set(deadline))
            subject.setDeadline("other", 5000)
            subject.setDeadline("other", deadline)
            #expect((subject.text("key") == nil) == (deadline < 0))
            subject.remove("key")
            subject.remove("other")
            subject.expectEmpty()
        }
    }

    @Test func `appends across the threshold of blocks`() {
        let subject = Fixture()
        subject.set("key", "1", .set(5000))
        var expected: [UInt8] = [0x31]
        var moves: Set<UnsafeMutableRawPointer> = []
        for round in 0..<400 {
            let suffix = [UInt8](repeating: UInt8(0x61 + round % 26), count: 1 + round)
            expected += suffix
            #expect(subject.append("key", suffix) == expected.count)
            if subject.value("key") != expected { Issue.record("after round \(round)") }
            let encoding = subject.entry("key")?.encoding
            #expect(encoding == (expected.count < ReferencedBlock.threshold ? .inline : .block))
            if encoding == .block, let block = subject.entry("key")?.block {
                moves.insert(block.address)
                #expect(block.capacity >= block.count)
            }
        }
        #expect(subject.entry("key")?.deadline == 5000)
        #expect(moves.count < 15)
        #expect(subject.append("key", []) == expected.count)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test func `does not append to a block that somebody else holds`() {
        let subject = Fixture()
        subject.set("key", letters(40_000))
        // A reply on its way to a socket.
        let held = subject.entry("key")?.block
        held?.retain()
        #expect(subject.append("key", [0x62]) == 40_001)
        #expect(held?.count == 40_000)
        #expect(held?.view.array == letters(40_000))
        #expect(subject.value("key") == letters(40_000) + [0x62])
        #expect(subject.entry("key")?.block.address != held?.address)
        subject.remove("key")
        #expect(held?.view.array == letters(40_000))
        held?.release(subject.heap)
        subject.expectEmpty()
    }

    @Test func `moves a block with its deadline, not its bytes`() {
        let subject = Fixture()
        subject.set("key", letters(40_000))
        let address = subject.entry("key")?.block.address
        for deadline in [5000, 6000, nil, 7000] as [Int64?] {
            subject.setDeadline("key", deadline)
            #expect(subject.entry("key")?.block.address == address)
            #expect(subject.entry("key")?.block.references == 1)
        }
        let snapshot = subject.keyspace.beginSnapshot()
        subject.setDeadline("key", 8000)
        #expect(subject.entry("key")?.block.references == 2)
        #expect(subject.append("key", [0x62]) == 40_001)
        #expect(subject.entry("key")?.block.address != address)
        subject.keyspace.endSnapshot(snapshot)
        while subject.keyspace.doPendingWork(budget: 10) {}
        #expect(subject.entry("key")?.block.references == 1)
        subject.remove("key")
        subject.expectEmpty()
    }

    @Test func `removes a due key when it is read`() {
        let subject = Fixture()
        subject.set("key", "a", .set(1000))
        subject.set("later", "b", .set(1001))
        #expect(subject.database.pointee.count == 2)
        #expect(subject.text("key") == nil)
        #expect(subject.text("later") == "b")
        #expect(subject.database.pointee.count == 1)
        #expect(subject.keyspace.state.pointee.statistics.expired == 1)
        subject.keyspace.state.pointee.setTime(1001)
        #expect(subject.text("later") == nil)
        subject.expectEmpty()
    }
}
