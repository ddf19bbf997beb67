// SPDX-License-Identifier: BSD-3-Clause
//
// Sets and hashes against a model: random edits under live snapshots, each of which must go on
// seeing what it saw; packed blocks that become roots; fields that die; and every byte back.

import Testing

@testable import MiniRedis

private func array(_ view: ByteView) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: view.base, count: view.count))
}

/// A word of one of several kinds: integers, short and long text, the edges of lengths.
private func word(_ random: inout RandomSource, range: UInt64) -> [UInt8] {
    let number = random.below(range)
    switch number % 7 {
    case 0, 1: return Array("\(Int64(number) - 20)".utf8)
    case 2: return Array("a member that is longer than others: \(number)".utf8)
    case 3 where number % 5 == 0:
        return Array("\(number)".utf8)
            + [UInt8](repeating: 0x78, count: [90, 250, 254, 300][Int(number / 5 % 4)])
    default: return Array("m\(number)".utf8)
    }
}

/// A keyspace with one collection and what it should be. `Contents` is the model.
private final class Subject<Contents: Equatable> {
    let keyspace = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 11))
    let emptyBytes: Int
    let type: ValueType
    var model: Contents
    private var frozen: [(KeyspaceSnapshot, Contents)] = []
    private let read: (UnsafeRawPointer) -> Contents
    private let empty: Contents

    init(_ type: ValueType, _ empty: Contents, _ read: @escaping (UnsafeRawPointer) -> Contents) {
        (self.type, self.empty, self.read) = (type, empty, read)
        model = empty
        emptyBytes = keyspace.allocatedBytes
    }

    var database: UnsafeMutablePointer<Database> { keyspace.databases }
    var key: KeyArgument {
        KeyArgument(bytes: ByteView("key"), hash: database.pointee.hash(ByteView("key")))
    }
    var base: UnsafeRawPointer? {
        database.pointee.lookup(key.bytes, key.hash).map {
            UnsafeRawPointer(Entry($0.entry).collection)
        }
    }

    /// Lets `body` change the collection, which is made if it is not there.
    func update(_ body: (BlockPlace) -> Int) {
        let slot =
            database.pointee.lookup(key.bytes, key.hash)
            ?? database.pointee.addCollection(
                key.bytes, key.hash,
                CollectionSource(type: type, base: type.collection.create(keyspace.memory)))
        database.pointee.update(slot, key, .setAdd, body)
    }

    func check() {
        #expect((base.map(read) ?? empty) == model)
    }

    func freeze() { frozen.append((keyspace.beginSnapshot(), model)) }

    /// Compares what a snapshot sees with what it saw, and ends it.
    func thaw() {
        guard !frozen.isEmpty else { return }
        let (snapshot, expected) = frozen.removeFirst()
        var seen: Contents?
        for captured in snapshot.databases {
            snapshot.walk(captured) { entry in
                seen = read(entry.collection)
                return true
            }
        }
        #expect((seen ?? empty) == expected)
        keyspace.endSnapshot(snapshot)
    }

    /// Ends all snapshots, removes everything and expects all memory back.
    func finish() {
        while !frozen.isEmpty { thaw() }
        if let slot = database.pointee.lookup(key.bytes, key.hash) {
            database.pointee.remove(slot, key.hash)
        }
        for _ in 0..<100_000 where keyspace.doPendingWork(budget: 1000) {}
        while !keyspace.state.pointee.detachedCollections.isEmpty {
            _ = keyspace.doPendingWork(budget: 1000)
        }
        _ = keyspace.doPendingWork(budget: 1_000_000)
        #expect(database.pointee.fieldDeadlines.count == 0)
        #expect(keyspace.allocatedBytes == emptyBytes)
    }
}

private func setSubject() -> Subject<Set<[UInt8]>> {
    Subject(.set, []) { base in
        var members: Set<[UInt8]> = []
        SetView(base).forEach {
            let isNew = members.insert(array($0)).inserted
            #expect(isNew)
        }
        #expect(members.count == SetView(base).count)
        return members
    }
}

private struct Field: Equatable {
    var value: [UInt8]
    var deadline: Int64?
}

private func hashSubject() -> Subject<[[UInt8]: Field]> {
    Subject(.hash, [:]) { base in
        var fields: [[UInt8]: Field] = [:]
        HashView(base).forEach { field, value, deadline in
            let old = fields.updateValue(
                Field(value: array(value), deadline: deadline), forKey: array(field))
            #expect(old == nil)
        }
        #expect(fields.count == HashView(base).totalCount)
        return fields
    }
}

/// One random change of a set and its model.
private struct SetEdit {
    let member: [UInt8]
    let choice: UInt64
    let isGrowing: Bool

    func apply(
        _ place: BlockPlace, _ subject: Subject<Set<[UInt8]>>, _ random: inout RandomSource
    ) -> Int {
        let editor = SetEditor(place, EncodingLimits())
        if choice < (isGrowing ? 65 : 20) {
            let added = withBytes(member) { editor.insert($0) }
            let isNew = subject.model.insert(member).inserted
            #expect(added == isNew)
            return added ? 1 : 0
        }
        if choice < 95 || subject.model.isEmpty {
            let removed = withBytes(member) { editor.remove($0) }
            let wasThere = subject.model.remove(member) != nil
            #expect(removed == wasThere)
            return removed ? 1 : 0
        }
        let count = min(subject.model.count, Int(choice) - 94)
        editor.removeRandom(count, &random) {
            let wasThere = subject.model.remove(array($0)) != nil
            #expect(wasThere)
        }
        return count
    }
}

/// One random change of a hash and its model.
private struct HashEdit {
    let field: [UInt8]
    let value: [UInt8]
    let choice: UInt64
    let deadline: Int64
    let isGrowing: Bool
    let isTimed: Bool

    func apply(_ place: BlockPlace, _ subject: Subject<[[UInt8]: Field]>) -> Int {
        let editor = HashEditor(place, EncodingLimits())
        let old = subject.model[field]
        let isThere = withBytes(field) { editor.view.contains($0) }
        #expect(isThere == (old != nil))
        if choice < (isGrowing ? 60 : 15) {
            let keeps = choice % 4 == 0
            let isNew = withBytes(field) { field in
                withBytes(value) { editor.set(field, $0, keepsDeadline: keeps) }
            }
            #expect(isNew == (old == nil))
            subject.model[field] = Field(value: value, deadline: keeps ? old?.deadline : nil)
            return 1
        }
        if choice < 70 && isThere && isTimed {
            let new = deadline % 5 == 0 ? nil : deadline
            withBytes(field) { editor.setDeadline($0, new) }
            subject.model[field]?.deadline = new
            return 1
        }
        let removed = withBytes(field) { editor.remove($0) }
        #expect(removed == (old != nil))
        subject.model[field] = nil
        return removed ? 1 : 0
    }
}

@Suite struct `Sets and hashes` {
    @Test(arguments: [1, 2, 3, 4], [60, 4000])
    func `a set equals its model under snapshots`(seed: UInt64, range: UInt64) {
        let subject = setSubject()
        var random = RandomSource(seed: seed)
        for step in 0..<12_000 {
            let member = word(&random, range: range)
            let isGrowing = step % 6000 < 4000
            let edit = SetEdit(
                member: member, choice: random.below(100), isGrowing: isGrowing)
            subject.update { place in edit.apply(place, subject, &random) }
            if random.below(150) == 0 { subject.freeze() }
            if random.below(200) == 0 { subject.thaw() }
            if step % 500 == 0 { subject.check() }
            if random.below(20) == 0 { _ = subject.keyspace.doPendingWork(budget: 100) }
        }
        subject.check()
        subject.finish()
    }

    @Test(arguments: [1, 2, 3, 4], [60, 3000])
    func `a hash equals its model under snapshots`(seed: UInt64, range: UInt64) {
        let subject = hashSubject()
        var random = RandomSource(seed: seed)
        for step in 0..<12_000 {
            let field = word(&random, range: range)
            let value = word(&random, range: 1 << 40)
            let edit = HashEdit(
                field: field, value: value, choice: random.below(100),
                deadline: Int64(random.below(1000)), isGrowing: step % 6000 < 4000,
                isTimed: seed > 2)
            subject.update { place in edit.apply(place, subject) }
            let next = subject.model.values.compactMap(\.deadline).min()
            if step % 50 == 0 { #expect(subject.keyspace.nextDeadline == next) }
            if random.below(150) == 0 { subject.freeze() }
            if random.below(200) == 0 { subject.thaw() }
            if step % 500 == 0 { subject.check() }
            if random.below(20) == 0 { _ = subject.keyspace.doPendingWork(budget: 100) }
        }
        subject.check()
        subject.finish()
    }

    @Test(arguments: [10, 2000])
    func `fields die on time, by themselves, in order`(count: Int) {
        let subject = hashSubject()
        var random = RandomSource(seed: 5)
        let keyspace = subject.keyspace
        for number in 0..<count {
            let field = Array("field \(number)".utf8)
            let deadline: Int64? = number % 3 == 0 ? nil : Int64(random.below(500)) + 1
            subject.update { place in
                let editor = HashEditor(place, EncodingLimits())
                withBytes(field) { field in
                    editor.set(field, ByteView("value"))
                    editor.setDeadline(field, deadline)
                }
                return 1
            }
            subject.model[field] = Field(value: Array("value".utf8), deadline: deadline)
        }
        subject.freeze()
        for now in stride(from: Int64(1), through: 501, by: 7) {
            keyspace.state.pointee.setTime(now)
            guard let base = subject.base else { break }
            let live = subject.model.filter { ($0.value.deadline ?? .max) > now }
            #expect(HashView(base, now: now).count == live.count)
            var seen = 0
            HashView(base, now: now).forEach { field, _, _ in
                #expect(live[array(field)] != nil)
                seen += 1
            }
            #expect(seen == live.count)
            for field in subject.model.keys.prefix(20) {
                withBytes(field) {
                    #expect(HashView(base, now: now).contains($0) == (live[field] != nil))
                }
            }
            while keyspace.expireDue(budget: 3) {}
            subject.model = live
            subject.check()
            #expect(keyspace.nextDeadline == live.values.compactMap(\.deadline).min())
        }
        subject.check()
        subject.finish()
    }

    @Test func `a hash of which every field dies takes its key with it`() {
        let subject = hashSubject()
        for name in ["a", "b"] {
            subject.update { place in
                let editor = HashEditor(place, EncodingLimits())
                withBytes(Array(name.utf8)) { field in
                    editor.set(field, ByteView("1"))
                    editor.setDeadline(field, name == "a" ? 10 : 20)
                }
                return 1
            }
        }
        subject.keyspace.state.pointee.setTime(15)
        while subject.keyspace.expireDue(budget: 10) {}
        #expect(subject.database.pointee.count == 1)
        #expect(subject.keyspace.nextDeadline == 20)
        subject.keyspace.state.pointee.setTime(20)
        while subject.keyspace.expireDue(budget: 10) {}
        #expect(subject.database.pointee.count == 0)
        #expect(subject.keyspace.state.pointee.statistics.expiredFields == 2)
        subject.finish()
    }

    @Test(arguments: [5, 3000])
    func `copies share nothing, and the index follows a hash wherever it goes`(count: Int) {
        let subject = hashSubject()
        let (keyspace, database) = (subject.keyspace, subject.database)
        for number in 0..<count {
            subject.update { place in
                let editor = HashEditor(place, EncodingLimits())
                withBytes(Array("field \(number)".utf8)) { field in
                    editor.set(field, ByteView("value"))
                    if number % 2 == 0 { editor.setDeadline(field, 1000 + Int64(number)) }
                }
                return 1
            }
        }
        let other = KeyArgument(bytes: ByteView("other"), hash: database.pointee.hash("other"))
        let third = KeyArgument(bytes: ByteView("third"), hash: database.pointee.hash("third"))
        func slot(_ key: KeyArgument) -> TableSlot? {
            database.pointee.lookup(key.bytes, key.hash)
        }
        if let source = slot(subject.key) {
            database.pointee.put(other.bytes, other.hash, copyOf: Entry(source.entry))
        }
        #expect(database.pointee.fieldDeadlines.count == 2)
        if let source = slot(other) {
            database.pointee.rename(source, other.hash, to: third.bytes, third.hash)
        }
        #expect(database.pointee.fieldDeadlines.count == 2)
        if let first = slot(subject.key), let second = slot(third) {
            var digests = (ValueDigest(), ValueDigest())
            HashValue.digest(Entry(first.entry).collection, into: &digests.0)
            HashValue.digest(Entry(second.entry).collection, into: &digests.1)
            #expect(digests.0.text == digests.1.text)
        }
        database.pointee.set(subject.key.bytes, subject.key.hash, .bytes(ByteView("x")), .clear)
        #expect(database.pointee.fieldDeadlines.count == 1)
        if let last = slot(third) { database.pointee.setDeadline(last, third.hash, 1001) }
        keyspace.state.pointee.setTime(1000)
        while keyspace.expireDue(budget: 10) {}
        #expect(slot(third).map { HashView(Entry($0.entry).collection).totalCount } == count - 1)
        keyspace.state.pointee.setTime(1001)
        while keyspace.expireDue(budget: 10) {}
        #expect(slot(third) == nil)
        subject.finish()
    }
}

extension Database {
    fileprivate func hash(_ text: StaticString) -> UInt64 { hash(ByteView(text)) }
}
