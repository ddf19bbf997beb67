// SPDX-License-Identifier: BSD-3-Clause
//
// Databases together: random operations against the model, expiry by budget, flushes, and what is
// left of the memory in the end.

import Testing

@testable import MiniRedis

@Suite struct `A keyspace` {
    private func emptyBytes(_ databases: Int) -> Int {
        Keyspace(databaseCount: databases, hasher: KeyHash(seed: 0)).allocatedBytes
    }

    @Test(arguments: 0..<30)
    func `is a dictionary for each database`(seed: Int) {
        let subject = ModelledKeyspace(
            seed: UInt64(seed), databases: 1 + seed % 3, keyRange: 20 + seed * 150)
        subject.mix.flush = seed % 4 == 3 ? 1 : 0
        subject.hugeEvery = seed % 5 == 0 ? 30 : 1000
        let mixes: [OperationMix] = [.growing, .mixed, .touching, .shrinking, .mixed]
        for mix in mixes {
            subject.mix = mix
            for _ in 0..<3000 { subject.step() }
            subject.check()
        }
        subject.removeEverything()
        #expect(subject.keyspace.count == 0)
        #expect(subject.keyspace.nextDeadline == nil)
        #expect(subject.keyspace.allocatedBytes == emptyBytes(1 + seed % 3))
    }

    @Test func `counts every change and nothing else`() {
        let subject = ModelledKeyspace(seed: 1, databases: 1, keyRange: 10)
        let state = subject.keyspace.state
        subject.set(0, 1, [0x61], .clear)
        subject.set(0, 1, [0x62], .set(1_000_001))
        #expect(state.pointee.changesSinceSave == 2)
        subject.lookup(0, 1)
        subject.lookup(0, 2)
        #expect(state.pointee.changesSinceSave == 2)
        #expect((state.pointee.statistics.hits, state.pointee.statistics.misses) == (1, 1))
        // A key that dies by itself is no change that a save waits for.
        subject.advance(5)
        #expect(state.pointee.changesSinceSave == 2)
        subject.set(0, 3, [0x61], .clear)
        subject.set(0, 4, [0x61], .clear)
        subject.flush(0)
        #expect(state.pointee.changesSinceSave == 6)
        subject.flush(0)
        #expect(state.pointee.changesSinceSave == 6)
    }

    @Test func `expires what is due, a budget at a time, the earliest first`() {
        let subject = ModelledKeyspace(seed: 2, databases: 2, keyRange: 1)
        let keyspace = subject.keyspace
        for key in 0..<5000 {
            subject.set(key % 2, key, [0x61], key % 5 == 0 ? .clear : .set(1_000_001 + Int64(key)))
        }
        #expect(keyspace.nextDeadline == 1_000_002)
        // Two databases have keys that are due: a hundred for each.
        let shared = 198
        #expect(!keyspace.expireDue(budget: shared))
        #expect(keyspace.count == 5000)
        keyspace.state.pointee.setTime(1_002_500)
        #expect(keyspace.expireDue(budget: shared))
        #expect(keyspace.count == 4800)
        #expect(keyspace.state.pointee.statistics.expired == 200)
        #expect(keyspace.nextDeadline == 1_000_252)
        var calls = 1
        while keyspace.expireDue(budget: shared) { calls += 1 }
        #expect(calls == 9, "the tenth, of the last hundred, knows that it is the last")
        #expect(keyspace.count == 5000 - 2000)
        #expect(keyspace.nextDeadline == 1_002_502)
        keyspace.state.pointee.expiresActively = false
        keyspace.state.pointee.setTime(2_000_000)
        #expect(!keyspace.expireDue(budget: 100))
        #expect(keyspace.count == 3000)
        keyspace.state.pointee.expiresActively = true
        while keyspace.expireDue(budget: 1000) {}
        #expect(keyspace.count == 1000)
        #expect(keyspace.nextDeadline == nil)
    }

    @Test func `expires many keys of one deadline`() {
        let subject = ModelledKeyspace(seed: 3, databases: 1, keyRange: 1)
        for key in 0..<20_000 { subject.set(0, key, [0x61], .set(1_000_005)) }
        subject.advance(4)
        #expect(subject.keyspace.count == 20_000)
        subject.advance(1)
        subject.check()
        #expect(subject.keyspace.count == 0)
        subject.finishWork()
        #expect(subject.keyspace.allocatedBytes == emptyBytes(1))
    }

    @Test func `gives flushed memory back in slices and is used meanwhile`() {
        let subject = ModelledKeyspace(seed: 4, databases: 2, keyRange: 30_000)
        subject.mix = .growing
        for _ in 0..<20_000 { subject.step() }
        subject.finishWork()
        let full = subject.keyspace.allocatedBytes
        subject.flush(0)
        subject.flush(1)
        #expect(subject.keyspace.count == 0)
        #expect(subject.keyspace.pendingFrees > 5000)
        let before = subject.keyspace.allocatedBytes
        #expect(before > full)
        #expect(subject.keyspace.doPendingWork(budget: 100))
        #expect(subject.keyspace.allocatedBytes < before)
        #expect(subject.keyspace.pendingFrees > 5000)
        for key in 0..<100 { subject.set(key % 2, key, [0x61], .set(5_000_000)) }
        subject.check()
        subject.finishWork()
        #expect(subject.keyspace.pendingFrees == 0)
        subject.check()
        subject.removeEverything()
        #expect(subject.keyspace.allocatedBytes == emptyBytes(2))
    }

    @Test func `keeps what was flushed for the snapshots that see it`() {
        let subject = ModelledKeyspace(seed: 5, databases: 1, keyRange: 3000)
        subject.mix = .growing
        for _ in 0..<3000 { subject.step() }
        let first = subject.keyspace.beginSnapshot()
        let model = subject.model[0]
        subject.flush(0)
        for key in 0..<50 { subject.set(0, key, [0x61], .clear) }
        let second = subject.keyspace.beginSnapshot()
        subject.flush(0)
        subject.finishWork()
        #expect(subject.keyspace.pendingFrees >= model.count + 50)
        #expect(difference(first, from: model) == nil)
        subject.keyspace.endSnapshot(first)
        subject.finishWork()
        let fifty = Dictionary(
            uniqueKeysWithValues: (0..<50).map { ($0, ModelValue(bytes: [0x61])) })
        #expect(difference(second, from: fifty) == nil)
        subject.keyspace.endSnapshot(second)
        subject.finishWork()
        #expect(subject.keyspace.pendingFrees == 0)
        #expect(subject.keyspace.allocatedBytes == emptyBytes(1))
    }

    /// What the walk of the only captured database differs in from a model.
    private func difference(
        _ snapshot: KeyspaceSnapshot, from model: [Int: ModelValue]
    ) -> String? {
        var record = WalkRecord()
        for database in snapshot.databases {
            snapshot.walk(database) { entry in
                record.add(entry)
                return true
            }
        }
        return record.difference(from: model)
    }

    @Test func `captures only databases that have keys`() {
        let subject = ModelledKeyspace(seed: 6, databases: 4, keyRange: 1)
        subject.set(1, 5, [0x61], .clear)
        subject.set(3, 6, [0x61], .set(7_000_000))
        let snapshot = subject.keyspace.beginSnapshot()
        #expect(snapshot.databases.map(\.index) == [1, 3])
        #expect(snapshot.databases.map(\.volatileCount) == [0, 1])
        #expect(snapshot.count == 2)
        subject.set(0, 7, [0x61], .clear)
        #expect(snapshot.count == 2)
        subject.keyspace.endSnapshot(snapshot)
        subject.check()
    }
}
