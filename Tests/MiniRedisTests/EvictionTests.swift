// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct EvictionTests {
    private static let now: Int64 = 1_800_000_000_000

    /// Sets keys `key:0` and on, of 64 bytes each, in one database; every `volatileStep`-th gets a
    /// deadline.
    private func fill(_ keyspace: Keyspace, _ count: Int, database: Int = 0, volatileStep: Int = 0)
    {
        for number in 0..<count {
            let isVolatile = volatileStep > 0 && number % volatileStep == 0
            let text = "key:\(number)"
            text.withKeyView { key in
                let target = keyspace.databases + database
                target.pointee.set(
                    key, target.pointee.hash(key),
                    .bytes(
                        ByteView("0123456789012345678901234567890123456789012345678901234567891234")
                    ),
                    isVolatile ? .set(Self.now + Int64(number) + 1) : .clear)
            }
        }
    }

    private func keyspace(_ order: EvictionSettings.Order, onlyVolatile: Bool = false) -> Keyspace {
        var random = RandomSource(seed: 1)
        let keyspace = Keyspace(databaseCount: 4, hasher: KeyHash(random: &random))
        keyspace.random = RandomSource(seed: 2)
        keyspace.state.pointee.setTime(Self.now)
        keyspace.changeEviction(
            EvictionSettings(limitBytes: .max, order: order, onlyVolatile: onlyVolatile),
            AccessRecord.FrequencyScale())
        return keyspace
    }

    @Test func `the pool holds the sixteen best, once each`() {
        var pool = EvictionPool()
        for round in 0..<3 {
            for number in 0..<100 {
                let score = number * 37 % 100
                pool.offer(.init(score: score, hash: UInt64(score), database: 0))
                if round == 1 { pool.offer(.init(score: score, hash: UInt64(score), database: 0)) }
            }
        }
        for expected in 0..<16 { #expect(pool.popBest()?.score == 99 - expected) }
        #expect(pool.popBest() == nil)
    }

    @Test func `recency wraps around and frequency decays`() {
        let record = AccessRecord.recency(Self.now)
        #expect(AccessRecord.idleSeconds(record, now: Self.now + 61_000) == 61)
        let period: Int64 = (1 << 24) * 1000
        #expect(AccessRecord.idleSeconds(record, now: Self.now + period + 5000) == 5)
        let scale = AccessRecord.FrequencyScale()
        let new = AccessRecord.newFrequency(Self.now)
        #expect(AccessRecord.frequency(new, now: Self.now, scale) == 5)
        #expect(AccessRecord.frequency(new, now: Self.now + 180_000, scale) == 2)
        #expect(AccessRecord.frequency(new, now: Self.now + 3_600_000, scale) == 0)
        let still = AccessRecord.FrequencyScale(logarithmFactor: 10, decayMinutes: 0)
        #expect(AccessRecord.frequency(new, now: Self.now + 3_600_000, still) == 5)
    }

    @Test func `the counter of frequency grows with the logarithm of accesses`() {
        var random = RandomSource(seed: 3)
        var record = AccessRecord.newFrequency(Self.now)
        var counts: [Int: Int] = [:]
        for access in 1...100_000 {
            record = AccessRecord.counted(
                record, now: Self.now, AccessRecord.FrequencyScale(), &random)
            counts[access] = Int(record & 0xFF)
        }
        #expect((8...20).contains(counts[100] ?? 0))
        #expect((14...26).contains(counts[1000] ?? 0))
        #expect((110...180).contains(counts[100_000] ?? 0))
        for _ in 0..<1000 {
            let steep = AccessRecord.FrequencyScale(logarithmFactor: 0, decayMinutes: 1)
            record = AccessRecord.counted(record, now: Self.now, steep, &random)
        }
        #expect(record & 0xFF == 255)
    }

    @Test func `samples come from all over a table, and no more than asked for`() {
        let keyspace = keyspace(.leastRecent)
        var random = RandomSource(seed: 4)
        for count in [1, 3, 100, 5000] {
            fill(keyspace, count)
            var seen = Set<UInt64>()
            for _ in 0..<count * 5 {
                var here = 0
                keyspace.databases[0].sample(5, &random) { entry in
                    here += 1
                    seen.insert(keyspace.hasher.hash(entry.key))
                }
                #expect(here <= 5 && here >= min(5, count) / 2)
            }
            #expect(seen.count > count * 8 / 10)
        }
    }

    @Test func `volatile samples are volatile and come from all over the index`() {
        let keyspace = keyspace(.leastRecent, onlyVolatile: true)
        var random = RandomSource(seed: 5)
        fill(keyspace, 8000, volatileStep: 4)
        var seen = Set<Int64>()
        for _ in 0..<4000 {
            keyspace.databases[0].sampleVolatile(5, &random) { entry in
                if let deadline = entry.deadline { seen.insert(deadline) }
            }
        }
        #expect(seen.count > 1900)
    }

    @Test(arguments: [
        EvictionSettings.Order.leastRecent, .leastFrequent, .random, .soonestDeadline,
    ])
    func `evicting goes on until the limit holds, over all databases`(
        _ order: EvictionSettings.Order
    ) {
        let keyspace = keyspace(order, onlyVolatile: order == .soonestDeadline)
        for database in 0..<4 { fill(keyspace, 2000, database: database, volatileStep: 1) }
        let half = keyspace.countedBytes / 2
        keyspace.changeEviction(
            EvictionSettings(
                limitBytes: half, order: order, onlyVolatile: order == .soonestDeadline),
            AccessRecord.FrequencyScale())
        #expect(keyspace.evict(budget: 10) == .unfinished)
        #expect(keyspace.count == 7990)
        while keyspace.evict(budget: 100) == .unfinished {}
        #expect(keyspace.countedBytes <= half)
        #expect(keyspace.state.pointee.statistics.evicted == 8000 - keyspace.count)
        for database in 0..<4 { #expect(keyspace.databases[database].count < 2000) }
        keyspace.changeEviction(
            EvictionSettings(limitBytes: 1, order: order), AccessRecord.FrequencyScale())
        while keyspace.evict(budget: 1000) == .unfinished {}
        #expect(keyspace.count == 0)
        #expect(keyspace.evict(budget: 1000) == .nothingLeft)
    }

    @Test func `what is not counted is nothing when everything is at rest`() {
        let keyspace = keyspace(.nothing)
        let heap = keyspace.memory.pointee.heap
        let database = keyspace.databases
        let key = ByteView("key")
        let hash = database.pointee.hash(key)
        func block() -> StringSource {
            .block(ReferencedBlock(copying: ByteView("large"), heap: heap))
        }
        #expect(keyspace.notCountedBytes == 0)
        let waiting = ReferencedBlock(capacity: 100_000, heap: heap)
        #expect(keyspace.notCountedBytes >= 100_000)
        waiting.retain()
        database.pointee.set(key, hash, .block(waiting), .clear)
        #expect(keyspace.notCountedBytes == 0)
        let snapshot = keyspace.beginSnapshot()
        database.pointee.set(key, hash, block(), .set(Self.now + 5))
        #expect(keyspace.notCountedBytes >= 100_000)
        if let slot = database.pointee.lookup(key, hash) {
            database.pointee.setDeadline(slot, hash, nil)
        }
        keyspace.endSnapshot(snapshot)
        while keyspace.doPendingWork(budget: 100) {}
        #expect(keyspace.notCountedBytes >= 100_000)
        waiting.release(heap)
        #expect(keyspace.notCountedBytes == 0)
        database.pointee.set(key, hash, block(), .keep)
        keyspace.flush(0)
        while keyspace.doPendingWork(budget: 100) {}
        #expect(keyspace.notCountedBytes == 0)
    }
}

extension String {
    fileprivate func withKeyView(_ body: (ByteView) -> Void) {
        var text = self
        text.withUTF8 { bytes in
            if let base = bytes.baseAddress { body(ByteView(base, count: bytes.count)) }
        }
    }
}
