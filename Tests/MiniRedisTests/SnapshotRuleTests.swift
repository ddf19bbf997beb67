// SPDX-License-Identifier: BSD-3-Clause
//
// The witness of the snapshot rule: it must trap when the rule is broken. Here it is broken by
// hand, as a faulty stamp would break it, in a process of its own.

import Testing

@testable import MiniRedis

/// A keyspace with integers under the keys 0 to 99, some with a deadline.
private func numbers(seed: UInt64 = 5) -> ModelledKeyspace {
    let subject = ModelledKeyspace(seed: seed, databases: 1, keyRange: 100)
    for key in 0..<100 {
        subject.set(0, key, Array("\(key)".utf8), key % 2 == 0 ? .clear : .set(9_000_000))
    }
    return subject
}

/// Calls with the slot of key 1.
private func withSlot(
    _ subject: ModelledKeyspace, _ body: (UnsafeMutablePointer<Database>, TableSlot, UInt64) -> Void
) {
    let database = subject.keyspace.databases
    withBytes(ModelledKeyspace.text(1)) { text in
        let hash = database.pointee.hash(text)
        if let slot = database.pointee.table.find(hash, text) { body(database, slot, hash) }
    }
}

/// Claims that every page, and with `entries` every entry, was made after the snapshot began.
private func forgeStamps(_ subject: ModelledKeyspace, entries: Bool) {
    let epoch = subject.keyspace.memory.pointee.epochs.current
    subject.keyspace.databases.pointee.table.info[0].stamp = epoch
    if entries { subject.keyspace.databases.pointee.table.info[0].entriesStamp = epoch }
}

private let streams: [any PartialKeyPath<ExitTest.Result> & Sendable] = [\.standardErrorContent]

/// It was the witness that ended the process.
private func expectWitness(_ result: ExitTest.Result?) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("that a snapshot reads"))
}

@Suite struct `The witness of the snapshot rule` {
    @Test func `says nothing while the rule is kept`() {
        let subject = numbers()
        let snapshot = subject.keyspace.beginSnapshot()
        withSlot(subject) { $0.pointee.setInteger($1, $2, 77) }
        withSlot(subject) { $0.pointee.setInteger($1, $2, 78) }
        withSlot(subject) { $0.pointee.setDeadline($1, $2, 8_000_000) }
        withSlot(subject) { $0.pointee.remove($1, $2) }
        subject.keyspace.endSnapshot(snapshot)
    }

    @Test func `traps when an integer is written in place`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            let snapshot = subject.keyspace.beginSnapshot()
            forgeStamps(subject, entries: true)
            withSlot(subject) { $0.pointee.setInteger($1, $2, 77) }
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }

    @Test func `traps when a deadline is written in place`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            let snapshot = subject.keyspace.beginSnapshot()
            forgeStamps(subject, entries: true)
            withSlot(subject) { $0.pointee.setDeadline($1, $2, 8_000_000) }
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }

    @Test func `traps when a value is overwritten in place`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            let snapshot = subject.keyspace.beginSnapshot()
            forgeStamps(subject, entries: true)
            subject.set(0, 1, [0x61], .keep)
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }

    @Test func `traps when a page is written`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            let snapshot = subject.keyspace.beginSnapshot()
            forgeStamps(subject, entries: false)
            subject.set(0, 100, [0x61], .clear)
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }

    @Test func `traps when an entry is freed`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            let snapshot = subject.keyspace.beginSnapshot()
            // The page is copied by the rule, so only the entry can be the offence.
            subject.set(0, 100, [0x61], .clear)
            forgeStamps(subject, entries: true)
            withSlot(subject) { $0.pointee.remove($1, $2) }
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }

    @Test func `traps when bytes are appended in place`() async {
        let result = await #expect(processExitsWith: .failure, observing: streams) {
            let subject = numbers()
            subject.set(0, 1, [UInt8](repeating: 0x61, count: 50_000), .clear)
            let snapshot = subject.keyspace.beginSnapshot()
            forgeStamps(subject, entries: true)
            withSlot(subject) { _ = $0.pointee.append($1, $2, ByteView("more")) }
            subject.keyspace.endSnapshot(snapshot)
        }
        expectWitness(result)
    }
}
