// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs of a database beside SET and DEL: keys that move, strings that are changed in part, a
// key at random, and what snapshots see of all that.

import Testing

@testable import MiniRedis

/// Two databases with a clock and a seed.
private final class Subject {
    let keyspace = Keyspace(databaseCount: 2, hasher: KeyHash(seed: 7))

    init() {
        keyspace.state.pointee.setTime(1_000_000)
        keyspace.state.pointee.random = RandomSource(seed: 3)
    }

    var heap: UnsafeMutablePointer<Heap> { keyspace.memory.pointee.heap }

    func set(_ key: String, _ value: String, deadline: Int64? = nil, in number: Int = 0) {
        view(key) { name in
            view(value) { text in
                let database = keyspace.databases + number
                database.pointee.set(
                    name, database.pointee.hash(name), .stored(text, heap: heap),
                    deadline.map { .set($0) } ?? .clear)
            }
        }
    }

    func get(_ key: String, in number: Int = 0) -> String? {
        withEntry(key, in: number) { $0.string.withText(\.string) }
    }

    func withEntry<Result>(
        _ key: String, in number: Int = 0, _ body: (Entry) -> Result
    ) -> Result? {
        view(key) { name in
            let database = keyspace.databases + number
            return database.pointee.lookup(name, database.pointee.hash(name))
                .map { body(Entry($0.entry)) }
        }
    }

    func withSlot(
        _ key: String, in number: Int = 0,
        _ body: (UnsafeMutablePointer<Database>, TableSlot, UInt64) -> Void
    ) {
        view(key) { name in
            let database = keyspace.databases + number
            let hash = database.pointee.hash(name)
            guard let slot = database.pointee.table.find(hash, name) else {
                Issue.record("key \(key) is there")
                return
            }
            body(database, slot, hash)
        }
    }

    func rename(_ key: String, _ newKey: String) {
        withSlot(key) { database, slot, hash in
            view(newKey) { database.pointee.rename(slot, hash, to: $0, database.pointee.hash($0)) }
        }
    }

    func setRange(_ key: String, _ offset: Int, _ patch: String) -> Int {
        var total = 0
        withSlot(key) { database, slot, hash in
            total = view(patch) { database.pointee.setRange(slot, hash, offset, $0) }
        }
        return total
    }

    func append(_ key: String, _ suffix: String) {
        withSlot(key) { database, slot, hash in
            _ = view(suffix) { database.pointee.append(slot, hash, $0) }
        }
    }

    /// Everything in a snapshot, by database and key.
    func contents(_ snapshot: KeyspaceSnapshot) -> [Int: [String: String]] {
        var all: [Int: [String: String]] = [:]
        for database in snapshot.databases {
            snapshot.walk(database) { entry in
                let value = entry.string.withText(\.string) + "@\(entry.deadline ?? 0)"
                all[database.index, default: [:]][entry.key.string] = value
                return true
            }
        }
        return all
    }

    /// Removes all keys and work; what is left must be what an empty keyspace takes.
    func expectNothingIsLost() {
        for number in 0..<2 {
            (keyspace.databases + number).pointee.table.checkInvariants()
            (keyspace.databases + number).pointee.deadlines.checkInvariants()
            keyspace.flush(number)
        }
        while keyspace.doPendingWork(budget: 1000) {}
        let empty = Keyspace(databaseCount: 2, hasher: KeyHash(seed: 7))
        #expect(keyspace.allocatedBytes == empty.allocatedBytes)
    }
}

private func view<Result>(_ text: String, _ body: (ByteView) -> Result) -> Result {
    withBytes(Array(text.utf8), body)
}

private let huge = String(repeating: "h", count: 50_000)

@Suite struct `The verbs of a database` {
    @Test func `a key that is renamed takes its value and its deadline along`() {
        let subject = Subject()
        for (number, value) in ["text", "12", huge].enumerated() {
            subject.set("a\(number)", value, deadline: 2_000_000 + Int64(number))
            subject.set("b\(number)", "old", deadline: 3_000_000)
            subject.rename("a\(number)", "b\(number)")
            subject.rename("b\(number)", String(repeating: "k", count: 300 + number))
            let key = String(repeating: "k", count: 300 + number)
            #expect(subject.get("a\(number)") == nil)
            #expect(subject.get("b\(number)") == nil)
            #expect(subject.get(key) == value)
            #expect(subject.withEntry(key, \.deadline) == 2_000_000 + Int64(number))
        }
        #expect(subject.keyspace.databases[0].deadlines.count == 3)
        subject.expectNothingIsLost()
    }

    @Test func `a copy shares a huge value until one of the two is changed`() {
        let subject = Subject()
        subject.set("a", huge)
        let before = subject.keyspace.allocatedBytes
        subject.withSlot("a") { database, slot, _ in
            view("b") { name in
                let hash = database.pointee.hash(name)
                database.pointee.put(name, hash, copyOf: Entry(slot.entry))
            }
        }
        #expect(subject.keyspace.allocatedBytes - before < 100)
        #expect(subject.withEntry("a") { $0.block.isUnique } == false)
        subject.append("a", "!")
        #expect(subject.setRange("b", 0, "H") == huge.count)
        #expect(subject.get("a") == huge + "!")
        #expect(subject.get("b") == "H" + huge.dropFirst())
        #expect(subject.withEntry("a") { $0.block.isUnique } == true)
        subject.expectNothingIsLost()
    }

    @Test func `a key moves to another database, and databases are exchanged`() {
        let subject = Subject()
        subject.set("a", huge, deadline: 2_000_000)
        subject.set("b", "zero")
        subject.withSlot("a") { database, slot, hash in
            database.pointee.move(slot, hash, to: subject.keyspace.databases + 1)
        }
        #expect(subject.get("a") == nil)
        #expect(subject.get("a", in: 1) == huge)
        #expect(subject.keyspace.databases[0].deadlines.count == 0)
        #expect(subject.keyspace.databases[1].nextDeadline == 2_000_000)
        subject.keyspace.swap(0, 1)
        #expect(subject.get("a") == huge)
        #expect(subject.get("b", in: 1) == "zero")
        #expect(subject.keyspace.nextDeadline == 2_000_000)
        #expect(subject.keyspace.databases[0].nextDeadline == 2_000_000)
        subject.expectNothingIsLost()
    }

    @Test(arguments: [
        ("hello", 0, "J"), ("hello", 1, "EY"), ("hello", 4, "world"), ("hello", 9, "x"),
        ("12345", 2, "x"), ("12345", 0, "9"), ("", 3, "a"), ("a", 40_000, "b"),
        (huge, 0, "x"), (huge, 49_999, "xyz"), (huge, 50_001, "x"), (huge, 90_000, "yy"),
        (huge, 400_000, "z"), ("short", 0, huge), (huge, 25_000, huge),
    ])
    func `a range is written, with zeros before it`(value: String, offset: Int, patch: String) {
        var expected = Array(value.utf8)
        while expected.count < offset { expected.append(0) }
        let end = offset + patch.utf8.count
        expected.replaceSubrange(offset..<min(end, expected.count), with: patch.utf8)
        for isWatched in [false, true] {
            let subject = Subject()
            subject.set("k", value, deadline: 2_000_000)
            let snapshot = isWatched ? subject.keyspace.beginSnapshot() : nil
            #expect(subject.setRange("k", offset, patch) == expected.count)
            #expect(subject.withEntry("k") { $0.string.withText(\.array) } == expected)
            #expect(subject.withEntry("k") { "\($0.encodingName)" } == "raw")
            #expect(subject.withEntry("k", \.deadline) == 2_000_000)
            if let snapshot {
                #expect(subject.contents(snapshot) == [0: ["k": value + "@2000000"]])
                subject.keyspace.endSnapshot(snapshot)
            }
            subject.expectNothingIsLost()
        }
    }

    @Test func `a private string is written where it lies`() {
        let subject = Subject()
        for value in ["hello", huge] {
            subject.set("k", value)
            let place = subject.withEntry("k", \.base)
            let block = subject.withEntry("k") {
                $0.encoding == .block ? $0.block.address : nil
            }
            _ = subject.setRange("k", 2, "xy")
            #expect(subject.withEntry("k", \.base) == place)
            #expect(
                subject.withEntry("k") { $0.encoding == .block ? $0.block.address : nil }
                    == block)
        }
    }

    @Test func `an integer that was changed in part is text, and counts on`() {
        let subject = Subject()
        subject.set("k", "10")
        #expect(subject.withEntry("k") { "\($0.encodingName)" } == "int")
        _ = subject.setRange("k", 0, "2")
        #expect(subject.withEntry("k") { "\($0.encodingName)" } == "raw")
        subject.rename("k", "l")
        #expect(subject.withEntry("l") { "\($0.encodingName)" } == "raw")
        subject.withSlot("l") { database, slot, hash in
            database.pointee.setDeadline(slot, hash, 5_000_000)
            #expect(Entry(slot.entry).encodingName.description == "raw")
        }
        subject.set("l", "text")
        #expect(subject.withEntry("l") { "\($0.encodingName)" } == "embstr")
    }

    @Test func `a range under a new key begins with zeros`() {
        let subject = Subject()
        for (key, offset) in [("a", 3), ("b", 100_000)] {
            view(key) { name in
                let database = subject.keyspace.databases
                view("x") {
                    database.pointee.addRange(name, database.pointee.hash(name), offset, $0)
                }
            }
            #expect(subject.get(key) == String(repeating: "\0", count: offset) + "x")
        }
        subject.expectNothingIsLost()
    }
}

@Suite struct `A snapshot beside keys that move` {
    /// Renames, moves, copies, exchanges and edits while a walk stands still somewhere.
    @Test(arguments: 0..<40)
    func `shows where they were`(seed: Int) {
        let subject = Subject()
        var random = RandomSource(seed: UInt64(seed))
        func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }
        for number in 0..<(seed % 4 == 0 ? 2000 : 200) {
            let value = number % 20 == 0 ? huge : "value \(number)"
            let deadline = number % 3 == 0 ? 2_000_000 + Int64(number) : nil
            subject.set("\(number)", value, deadline: deadline, in: number % 2)
        }
        if seed % 3 == 0 { subject.keyspace.swap(0, 1) }
        var names: [[String]] = [[], []]
        for number in 0..<2 {
            var cursor: UInt64 = 0
            repeat {
                cursor = subject.keyspace.databases[number].table.scan(cursor) {
                    names[number].append(Entry($0).key.string)
                }
            } while cursor != 0
        }
        var expected: [Int: [String: String]] = [:]
        for number in 0..<2 {
            for name in names[number] {
                let value = subject.get(name, in: number) ?? ""
                let deadline = subject.withEntry(name, in: number) { $0.deadline ?? 0 } ?? 0
                expected[number, default: [:]][name] = value + "@\(deadline)"
            }
        }
        let snapshot = subject.keyspace.beginSnapshot()
        var seen: [Int: [String: String]] = [:]
        var steps = 0
        func change() {
            steps += 1
            let number = below(2)
            let database = subject.keyspace.databases + number
            guard let entry = database.pointee.randomEntry() else { return }
            let name = entry.key.string
            switch below(5) {
            case 0:
                subject.withSlot(name, in: number) { database, slot, hash in
                    let other = "new \(below(300))"
                    guard other != name else { return }
                    view(other) {
                        database.pointee.rename(slot, hash, to: $0, database.pointee.hash($0))
                    }
                }
            case 1:
                view("copy \(below(300))") {
                    guard $0 != entry.key else { return }
                    database.pointee.put($0, database.pointee.hash($0), copyOf: entry)
                }
            case 2:
                subject.withSlot(name, in: number) { database, slot, hash in
                    let other = subject.keyspace.databases + (1 - number)
                    guard other.pointee.table.find(hash, entry.key) == nil else { return }
                    database.pointee.move(slot, hash, to: other)
                }
            case 3:
                subject.withSlot(name, in: number) { database, slot, hash in
                    view("patch") { _ = database.pointee.setRange(slot, hash, below(60_000), $0) }
                }
            default: if below(10) == 0 { subject.keyspace.swap(0, 1) }
            }
        }
        for database in snapshot.databases {
            snapshot.walk(database) { entry in
                let value = entry.string.withText(\.string) + "@\(entry.deadline ?? 0)"
                seen[database.index, default: [:]][entry.key.string] = value
                if below(4) == 0 { for _ in 0..<below(6) { change() } }
                return true
            }
        }
        #expect(seen == expected)
        subject.keyspace.endSnapshot(snapshot)
        subject.expectNothingIsLost()
    }
}

@Suite struct `A key at random` {
    @Test(arguments: [1, 2, 7, 300, 3000])
    func `is any key, each as often as the others`(count: Int) {
        let subject = Subject()
        for number in 0..<count { subject.set("\(number)", "v") }
        let draws = max(2000, count * 40)
        var found = [Int](repeating: 0, count: count)
        for _ in 0..<draws {
            let name = subject.keyspace.databases.pointee.randomEntry()?.key.string ?? ""
            found[Int(name) ?? 0] += 1
        }
        // The sum of squared deviations has a mean of count - 1 and a deviation of sqrt(2 count).
        let mean = Double(draws) / Double(count)
        let sum = found.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) / mean }
        let freedom = Double(count - 1)
        #expect(sum <= freedom + 6 * (2 * freedom).squareRoot())
        #expect(sum >= freedom - 6 * (2 * freedom).squareRoot())
    }

    @Test func `is none where there is none`() {
        let subject = Subject()
        #expect(subject.keyspace.databases.pointee.randomEntry() == nil)
        for number in 0..<1000 { subject.set("\(number)", "v", deadline: 1_000_500) }
        subject.keyspace.state.pointee.setTime(1_000_500)
        #expect(subject.keyspace.databases.pointee.randomEntry() == nil)
        #expect(subject.keyspace.databases.pointee.count >= 800)
        subject.expectNothingIsLost()
    }

    @Test(arguments: [nil, 5_000_000] as [Int64?]) func `is the one that lives`(deadline: Int64?) {
        let subject = Subject()
        for number in 0..<5000 { subject.set("\(number)", "v", deadline: 1_000_500) }
        subject.set("alive", "v", deadline: deadline)
        subject.keyspace.state.pointee.setTime(1_000_500)
        for _ in 0..<3 {
            #expect(
                subject.keyspace.databases.pointee.randomEntry()?.key.string == "alive")
        }
        subject.expectNothingIsLost()
    }
}
