// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

@Suite struct BlockedClientsTests {
    private func key(_ name: String, database: Int = 0) -> FollowedKey {
        let bytes = Array(name.utf8)
        let hash = bytes.reduce(UInt64(14_695_981_039_346_656_037)) {
            ($0 ^ UInt64($1)) &* 1_099_511_628_211
        }
        return FollowedKey(database: database, hash: hash, bytes: bytes)
    }

    private func change(_ key: FollowedKey, _ event: KeyspaceEvent = .leftPush) -> KeyspaceChange {
        KeyspaceChange(database: key.database, kind: .key(event, key.bytes, hash: key.hash))
    }

    /// Adds a client; its session and request are never looked at by the registry.
    private func add(
        _ id: Int64, _ keys: [FollowedKey], to blocked: inout BlockedClients,
        family: BlockedClients.Family = .list, deadline: Int64? = nil
    ) {
        let session = UnsafeMutablePointer<Session>.allocate(capacity: 1)
        defer { session.deallocate() }
        let request = StoredRequest(copying: .empty(session))
        blocked.add(
            BlockedClients.Waiter(
                session: session, id: id, record: 0, request: request, family: family,
                deadline: deadline, answer: .null, database: 0, keys: keys))
    }

    private func remove(_ id: Int64, from blocked: inout BlockedClients) -> Bool {
        guard let waiter = blocked.remove(id) else { return false }
        waiter.request.deallocate()
        return true
    }

    private func queue(
        _ blocked: borrowing BlockedClients, _ key: FollowedKey,
        _ family: BlockedClients.Family = .list
    ) -> [Int64] {
        var found: [Int64] = []
        var place = blocked.first(key, family)
        while let current = place {
            if let waiter = blocked[current.slot] { found.append(waiter.id) }
            place = blocked.next(after: current)
        }
        return found
    }

    @Test func `who waits first is first, whatever the number of keys`() {
        var blocked = BlockedClients()
        add(1, [key("a"), key("b")], to: &blocked)
        add(2, [key("b")], to: &blocked)
        add(3, [key("b"), key("a")], to: &blocked)
        #expect(queue(blocked, key("a")) == [1, 3])
        #expect(queue(blocked, key("b")) == [1, 2, 3])
        #expect(blocked.keyCount == 2 && blocked.count == 3)
        #expect(remove(2, from: &blocked))
        #expect(!remove(2, from: &blocked))
        #expect(queue(blocked, key("b")) == [1, 3])
        blocked.checkInvariants()
        #expect(remove(1, from: &blocked) && remove(3, from: &blocked))
        #expect(blocked.keyCount == 0 && blocked.count == 0)
        blocked.checkInvariants()
    }

    @Test func `a key that nobody waits for is not ready, and one that is is so once`() {
        var blocked = BlockedClients()
        add(1, [key("a")], to: &blocked)
        blocked.note(change(key("x")))
        blocked.note(change(key("a", database: 1)))
        blocked.note(change(key("a"), .miss))
        #expect(!blocked.hasReady && blocked.takeReady() == nil)
        blocked.note(change(key("a")))
        blocked.note(change(key("a")))
        #expect(blocked.takeReady() == key("a"))
        #expect(blocked.takeReady() == nil)
        blocked.note(KeyspaceChange(database: 3, kind: .swapped(with: 0)))
        #expect(blocked.takeReady() == key("a"))
        #expect(remove(1, from: &blocked))
    }

    @Test func `a walk goes on when the next one has left`() throws {
        var blocked = BlockedClients()
        for id in 1...4 { add(Int64(id), [key("a")], to: &blocked) }
        let first = try #require(blocked.first(key("a"), .list))
        let second = try #require(blocked.next(after: first))
        #expect(remove(2, from: &blocked))
        add(5, [key("a")], to: &blocked)  // takes the node that has become free
        let found = try #require(blocked.valid(second, key("a"), .list))
        #expect(blocked[found.slot]?.id == 3)
        for id in [1, 3, 4, 5] { #expect(remove(Int64(id), from: &blocked)) }
    }

    @Test func `waits end in the order of their deadlines`() {
        var blocked = BlockedClients()
        add(1, [key("a")], to: &blocked, deadline: 30)
        add(2, [key("a")], to: &blocked)
        add(3, [key("b")], to: &blocked, deadline: 10)
        #expect(blocked.earliestDeadline == 10 && blocked.timedCount == 2)
        #expect(blocked.firstDue(now: 9) == nil)
        #expect(blocked.firstDue(now: 10) == 3)
        #expect(remove(3, from: &blocked))
        #expect(blocked.firstDue(now: 29) == nil && blocked.earliestDeadline == 30)
        #expect(remove(1, from: &blocked))
        #expect(blocked.earliestDeadline == nil)
        #expect(remove(2, from: &blocked))
    }

    @Test func `agrees with a model`() {
        var random = RandomSource(seed: 38)
        var blocked = BlockedClients()
        var model: [(id: Int64, keys: [FollowedKey], deadline: Int64?)] = []
        let keys = (0..<12).map { key("key:\($0)") }
        for id in 1...3000 as ClosedRange<Int64> {
            if !model.isEmpty, random.below(5) < 2 {
                let gone = model.remove(at: Int(random.below(UInt64(model.count))))
                #expect(remove(gone.id, from: &blocked))
            }
            let own = keys.filter { _ in random.below(4) == 0 }
            let deadline = random.below(2) == 0 ? nil : Int64(random.below(1000))
            add(id, own, to: &blocked, deadline: deadline)
            model.append((id, own, deadline))
            guard id % 100 == 0 else { continue }
            blocked.checkInvariants()
            for key in keys {
                #expect(
                    queue(blocked, key) == model.filter { $0.keys.contains(key) }.map(\.id))
            }
            #expect(blocked.earliestDeadline == model.compactMap(\.deadline).min())
        }
        for one in model { #expect(remove(one.id, from: &blocked)) }
    }

    @Test func `leaving costs the same in a queue of a hundred thousand`() {
        var blocked = BlockedClients()
        for id in 1...100_000 as ClosedRange<Int64> { add(id, [key("a")], to: &blocked) }
        // Were a queue searched, this would be five thousand million steps.
        for id in (1...100_000 as ClosedRange<Int64>).reversed() {
            #expect(remove(id, from: &blocked))
        }
        #expect(blocked.keyCount == 0)
    }
}

@Suite struct WatchedKeysTests {
    private func key(_ name: String, database: Int = 0) -> FollowedKey {
        FollowedKey(database: database, hash: UInt64(name.utf8.count), bytes: Array(name.utf8))
    }

    private func change(_ key: FollowedKey, _ event: KeyspaceEvent) -> KeyspaceChange {
        KeyspaceChange(database: key.database, kind: .key(event, key.bytes, hash: key.hash))
    }

    @Test func `what breaks a watch`() {
        var watched = WatchedKeys()
        let isNew = [
            watched.add(key("there"), for: 1, isThere: true),
            watched.add(key("there"), for: 1, isThere: true),
            watched.add(key("absent"), for: 2, isThere: false),
        ]
        #expect(isNew == [true, false, true])
        watched.note(change(key("there"), .miss)) { _ in true }
        watched.note(change(key("absent"), .expired)) { _ in false }
        watched.note(change(key("there", database: 1), .set)) { _ in true }
        watched.note(KeyspaceChange(database: 1, kind: .flushed)) { _ in false }
        #expect(!watched.isBroken(for: 1) && !watched.isBroken(for: 2))
        watched.note(KeyspaceChange(database: 0, kind: .flushed)) { _ in false }
        #expect(watched.isBroken(for: 1) && !watched.isBroken(for: 2))
        watched.note(KeyspaceChange(database: 1, kind: .swapped(with: 0))) { _ in true }
        #expect(watched.isBroken(for: 2))
        let removed = [watched.remove(1).count, watched.remove(2).count]
        #expect(removed == [1, 1])
        #expect(!watched.isBroken(for: 1) && watched.keyCount == 0 && watched.clientCount == 0)
    }
}
