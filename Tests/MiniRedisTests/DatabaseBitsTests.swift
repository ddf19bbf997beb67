// SPDX-License-Identifier: BSD-3-Clause
//
// Strings whose bytes are changed in place: what the key then holds, what a snapshot still sees,
// and that no memory is lost.

import Testing

@testable import MiniRedis

@Suite struct `A string that is changed in place` {
    private let keyspace = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 7))

    private func key(_ name: ByteView) -> KeyArgument {
        KeyArgument(bytes: name, hash: keyspace.databases[0].hash(name))
    }

    private func set(_ text: [UInt8]) {
        withExactBytes("k") { name in
            withExactBytes(text) {
                let source = StringSource.stored($0, heap: keyspace.memory.pointee.heap)
                keyspace.databases.pointee.set(name, key(name).hash, source, .set(2_000_000))
            }
        }
    }

    private func edit(atLeast least: Int, _ body: (BitString) -> Int) {
        withExactBytes("k") { name in
            let key = key(name)
            let slot = keyspace.databases.pointee.lookup(name, key.hash)
            keyspace.databases.pointee.editString(slot, key, atLeast: least, .setBit, body)
        }
    }

    private var value: [UInt8]? {
        withExactBytes("k") { name in
            keyspace.databases.pointee.lookup(name, key(name).hash)
                .map { Entry($0.entry).string.withText(\.array) }
        }
    }

    private func values(_ snapshot: KeyspaceSnapshot) -> [[UInt8]] {
        var all: [[UInt8]] = []
        for database in snapshot.databases {
            snapshot.walk(database) { entry in
                all.append(entry.string.withText(\.array))
                return true
            }
        }
        return all
    }

    @Test(arguments: [0, 3, 100, 40_000], [false, true])
    func `keeps its deadline, and a snapshot keeps what it saw`(count: Int, isWatched: Bool) {
        let old = [UInt8](repeating: 0xAA, count: count)
        set(old)
        let snapshot = isWatched ? keyspace.beginSnapshot() : nil
        let before = keyspace.state.pointee.changesSinceSave
        edit(atLeast: count) { bits in
            #expect(bits.view.array == old)
            return 0
        }
        #expect(keyspace.state.pointee.changesSinceSave == before)
        for size in [count, count + 1, count + 50_000, count + 60_000] where size > 0 {
            edit(atLeast: size) { bits in
                #expect(bits.count == max(size, value?.count ?? 0))
                bits.setBit(size * 8 - 1, true)
                return 2
            }
            #expect(value?.count == size)
            #expect(value?.last.map { $0 & 1 } == 1)
        }
        #expect(value?.prefix(max(0, count - 1)) == old.prefix(max(0, count - 1)))
        withExactBytes("k") { name in
            let slot = keyspace.databases.pointee.lookup(name, key(name).hash)
            #expect(slot.map { Entry($0.entry).deadline } == 2_000_000)
        }
        if let snapshot {
            #expect(values(snapshot) == [old])
            keyspace.endSnapshot(snapshot)
        }
        expectNothingIsLost()
    }

    @Test func `is made if there is none`() {
        edit(atLeast: 2) { bits in
            #expect(bits.view.array == [0, 0])
            return 0
        }
        #expect(value == [0, 0])
        set(Array("12".utf8))
        edit(atLeast: 1) { bits in
            bits.setBit(7, false)
            return 1
        }
        #expect(value == Array("02".utf8))
        expectNothingIsLost()
    }

    @Test func `may say the same in other bytes, but not where a snapshot sees it`() {
        set(Array("abc".utf8))
        for isWatched in [true, false] {
            let snapshot = isWatched ? keyspace.beginSnapshot() : nil
            withExactBytes("k") { name in
                guard let slot = keyspace.databases.pointee.lookup(name, key(name).hash) else {
                    Issue.record("the key is there")
                    return
                }
                keyspace.databases.pointee.annotateString(slot, key(name).hash) {
                    $0.setBit(7, false)
                }
            }
            #expect(value == Array((isWatched ? "abc" : "`bc").utf8))
            if let snapshot { keyspace.endSnapshot(snapshot) }
        }
        expectNothingIsLost()
    }

    private func expectNothingIsLost() {
        keyspace.flush(0)
        while keyspace.doPendingWork(budget: 1000) {}
        let empty = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 7))
        #expect(keyspace.allocatedBytes == empty.allocatedBytes)
    }
}
