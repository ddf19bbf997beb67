// SPDX-License-Identifier: BSD-3-Clause
//
// A keyspace beside a model of it, changed together by seeded random operations of every kind. What
// a walk of a snapshot saw is copied out as it goes and compared with the model's copy afterwards.

import Testing

@testable import MiniRedis

/// What the model knows of one key.
struct ModelValue: Equatable {
    var bytes: [UInt8]
    var deadline: Int64?

    /// Whether the keyspace must hold it as an integer.
    var integer: Int64? {
        bytes.withUnsafeBytes { room in
            guard let base = room.baseAddress else { return nil }
            return DecimalInteger.parse(ByteView(base, count: room.count))
        }
    }
}

/// How often each kind of operation comes, of their sum.
struct OperationMix {
    var set = 30
    var increment = 10
    var append = 10
    var deadline = 10
    var remove = 20
    var lookup = 10
    var work = 3
    var time = 1
    var flush = 0

    static let mixed = OperationMix()
    static let growing = OperationMix(set: 80, remove: 2)
    static let shrinking = OperationMix(set: 3, remove: 120)
    static let touching = OperationMix(set: 20, increment: 20, append: 30, deadline: 30, remove: 1)

    var total: Int {
        self.set + increment + append + deadline + remove + lookup + work + time + flush
    }
}

/// A keyspace, its model, and the random source that drives both. A key is a number: its text is
/// the number, a colon, and for some a long tail.
final class ModelledKeyspace {
    let keyspace: Keyspace
    private(set) var model: [[Int: ModelValue]]
    var random: RandomSource
    var mix = OperationMix.mixed
    /// Keys are numbers below it.
    var keyRange: Int
    /// One in so many strings is huge.
    var hugeEvery: UInt64 = 500
    private(set) var operations = 0

    init(seed: UInt64, databases: Int, keyRange: Int) {
        keyspace = Keyspace(databaseCount: databases, hasher: KeyHash(seed: seed))
        keyspace.state.pointee.setTime(1_000_000)
        model = Array(repeating: [:], count: databases)
        random = RandomSource(seed: seed)
        self.keyRange = keyRange
    }

    func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }

    static func text(_ key: Int) -> [UInt8] {
        let text = Array("\(key):".utf8)
        return key % 61 == 0 ? text + Array(repeating: 0x78, count: 200 + key % 100) : text
    }

    // MARK: - Operations

    /// One random operation on both.
    func step() {
        operations += 1
        let number = below(keyspace.databaseCount)
        let key = below(keyRange)
        var choice = below(mix.total)
        func chosen(_ weight: Int) -> Bool {
            choice -= weight
            return choice < 0
        }
        if chosen(mix.set) { return set(number, key) }
        if chosen(mix.increment) { return increment(number, key) }
        if chosen(mix.append) { return append(number, key) }
        if chosen(mix.deadline) { return setDeadline(number, key) }
        if chosen(mix.remove) { return remove(number, key) }
        if chosen(mix.lookup) { return lookup(number, key) }
        if chosen(mix.work) {
            _ = keyspace.doPendingWork(budget: 1 + below(200))
            return
        }
        if chosen(mix.time) { return advance(below(400)) }
        flush(number)
    }

    /// Calls with the database and the slot of a key that is in the table, due or not.
    private func withSlot(
        _ number: Int, _ key: Int,
        _ body: (UnsafeMutablePointer<Database>, TableSlot, UInt64) -> Void
    ) {
        let database = keyspace.databases + number
        withBytes(Self.text(key)) { text in
            let hash = database.pointee.hash(text)
            let slot = database.pointee.table.find(hash, text)
            if (slot != nil) != (model[number][key] != nil) {
                Issue.record("key \(key) is in one of table and model")
            }
            if let slot { body(database, slot, hash) }
        }
    }

    func set(_ number: Int, _ key: Int, _ bytes: [UInt8], _ change: DeadlineChange) {
        let database = keyspace.databases + number
        withBytes(Self.text(key)) { text in
            withBytes(bytes) { value in
                let source = StringSource.stored(value, heap: keyspace.memory.pointee.heap)
                database.pointee.set(text, database.pointee.hash(text), source, change)
            }
        }
        switch change {
        case .clear: model[number][key] = ModelValue(bytes: bytes)
        case .keep:
            let deadline = model[number][key]?.deadline
            model[number][key] = ModelValue(bytes: bytes, deadline: deadline)
        case .set(let at): model[number][key] = ModelValue(bytes: bytes, deadline: at)
        }
    }

    private func set(_ number: Int, _ key: Int) {
        let change: DeadlineChange
        switch below(4) {
        case 0: change = .set(anyDeadline())
        case 1: change = .keep
        default: change = .clear
        }
        set(number, key, anyValue(), change)
    }

    private func increment(_ number: Int, _ key: Int) {
        withSlot(number, key) { database, slot, hash in
            guard let value = model[number][key]?.integer, value < .max else { return }
            database.pointee.setInteger(slot, hash, value + 1)
            model[number][key]?.bytes = Array("\(value + 1)".utf8)
        }
    }

    private func append(_ number: Int, _ key: Int) {
        let count = random.below(hugeEvery) == 0 ? below(50_000) : below(40)
        let suffix = [UInt8](repeating: UInt8(0x61 + below(26)), count: count)
        withSlot(number, key) { database, slot, hash in
            let total = withBytes(suffix) { database.pointee.append(slot, hash, $0) }
            model[number][key]?.bytes.append(contentsOf: suffix)
            if total != model[number][key]?.bytes.count { Issue.record("the length after APPEND") }
        }
    }

    private func setDeadline(_ number: Int, _ key: Int) {
        withSlot(number, key) { database, slot, hash in
            let deadline = below(3) == 0 ? nil : anyDeadline()
            database.pointee.setDeadline(slot, hash, deadline)
            model[number][key]?.deadline = deadline
        }
    }

    private func remove(_ number: Int, _ key: Int) {
        withSlot(number, key) { database, slot, hash in
            database.pointee.remove(slot, hash)
            model[number][key] = nil
        }
    }

    /// Reads a key, which removes it if it is due.
    func lookup(_ number: Int, _ key: Int) {
        let database = keyspace.databases + number
        var expected = model[number][key]
        if let deadline = expected?.deadline, deadline <= keyspace.state.pointee.now {
            expected = nil
            model[number][key] = nil
        }
        withBytes(Self.text(key)) { text in
            let entry = database.pointee.read(text, database.pointee.hash(text))
            let found = entry.map { entry in
                ModelValue(bytes: entry.string.withText(\.array), deadline: entry.deadline)
            }
            if found != expected { Issue.record("key \(key) was read wrongly") }
        }
    }

    /// Moves the clock and lets everything die that is due.
    func advance(_ milliseconds: Int) {
        let now = keyspace.state.pointee.now + Int64(milliseconds)
        keyspace.state.pointee.setTime(now)
        let budget = 1 + below(50)
        while keyspace.expireDue(budget: budget) {}
        for number in model.indices {
            model[number] = model[number].filter { ($0.value.deadline ?? .max) > now }
        }
    }

    func flush(_ number: Int) {
        let removed = keyspace.flush(number)
        if removed != model[number].count { Issue.record("a flush counts what it removes") }
        model[number] = [:]
    }

    // MARK: - Random parts

    /// Mostly soon, sometimes past already.
    private func anyDeadline() -> Int64 {
        keyspace.state.pointee.now + Int64(below(4000)) - 100
    }

    private func anyValue() -> [UInt8] {
        if random.below(hugeEvery) == 0 {
            let count = ReferencedBlock.threshold - 20 + below(60_000)
            return [UInt8](repeating: UInt8(0x41 + below(26)), count: count)
        }
        if below(3) == 0 { return Array("\(Int64(bitPattern: random.next()) >> below(60))".utf8) }
        let count = below(8) == 0 ? below(2000) : below(80)
        return [UInt8](repeating: UInt8(0x41 + below(26)), count: count)
    }

    // MARK: - Comparing

    /// Compares everything, the index of deadlines and the structures included.
    func check() {
        for number in model.indices {
            let database = keyspace.databases + number
            database.pointee.table.checkInvariants()
            database.pointee.deadlines.checkInvariants()
            #expect(database.pointee.count == model[number].count)
            var (record, volatile, cursor) = (WalkRecord(), 0, UInt64(0))
            repeat {
                cursor = database.pointee.table.scan(cursor) { address in
                    record.add(Entry(address))
                    if Entry(address).hasDeadline { volatile += 1 }
                }
            } while cursor != 0
            #expect(record.difference(from: model[number]) == nil)
            #expect(database.pointee.deadlines.count == volatile)
        }
    }

    /// Removes everything, one key after the other, and does all work that is left.
    func removeEverything() {
        for number in model.indices {
            for key in model[number].keys.sorted() { remove(number, key) }
        }
        while keyspace.doPendingWork(budget: 100) {}
    }

    func finishWork() {
        while keyspace.doPendingWork(budget: 1000) {}
    }
}

/// Calls with a view of the bytes while they live.
func withBytes<Result>(_ bytes: [UInt8], _ body: (ByteView) -> Result) -> Result {
    bytes.withUnsafeBytes { room in
        guard let base = room.baseAddress else { return body(ByteView("")) }
        return body(ByteView(base, count: room.count))
    }
}

/// Copies of the entries that a walk has met, one behind the other.
struct WalkRecord {
    private struct Item {
        var key: Range<Int>
        var value: Range<Int>
        var deadline: Int64?
    }

    private var bytes: [UInt8] = []
    private var items: [Item] = []

    var count: Int { items.count }

    mutating func add(_ entry: Entry) {
        let key = add(entry.key)
        let value = entry.string.withText { add($0) }
        items.append(Item(key: key, value: value, deadline: entry.deadline))
    }

    private mutating func add(_ view: ByteView) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: view.base, count: view.count))
        return start..<bytes.count
    }

    /// The first difference from the model, or nil.
    func difference(from model: [Int: ModelValue]) -> String? {
        var seen: Set<Int> = []
        for item in items {
            var number = 0
            for byte in bytes[item.key] {
                if byte == 0x3A { break }
                number = number &* 10 &+ Int(byte) &- 0x30
            }
            guard seen.insert(number).inserted else { return "key \(number) twice" }
            guard let expected = model[number] else { return "key \(number) is unknown" }
            if !bytes[item.key].elementsEqual(ModelledKeyspace.text(number)) {
                return "the text of key \(number)"
            }
            if expected.deadline != item.deadline {
                return "the deadline of key \(number): \(String(describing: item.deadline))"
                    + " instead of \(String(describing: expected.deadline))"
            }
            if expected.bytes.count != item.value.count || !isEqual(item.value, expected.bytes) {
                return "the value of key \(number), \(expected.bytes.count) bytes"
            }
        }
        return seen.count == model.count ? nil : "\(model.count - seen.count) keys are missing"
    }

    private func isEqual(_ range: Range<Int>, _ expected: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { mine in
            expected.withUnsafeBytes { other in
                UnsafeRawBufferPointer(rebasing: mine[range]).elementsEqual(other)
            }
        }
    }
}
