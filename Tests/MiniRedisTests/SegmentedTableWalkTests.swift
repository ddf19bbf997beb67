// SPDX-License-Identifier: BSD-3-Clause
//
// Everything that goes over a whole table: SCAN's guarantee while segments split and merge, the
// walk of a capture, and the freeing of a table that was taken away.

import Testing

@testable import MiniRedis

@Suite struct `A walk over a table` {
    @Test(arguments: 0..<40)
    func `by SCAN returns what was there throughout`(seed: Int) {
        let fixture = TableFixture(seed: UInt64(seed))
        var random = RandomSource(seed: UInt64(seed))
        // Even keys stay, odd ones come and go, from none to fifteen times as many.
        let staying = 1 + random.below(2000)
        for key in 0..<staying { fixture.insert(key * 2) }
        let guests = random.below(2) == 0 ? 500 : 30_000 as UInt64
        var present: [UInt64] = []
        var isGuest = [Bool](repeating: false, count: Int(guests))
        var grows = random.below(2) == 0
        var depths: Set<Int> = []
        func change() {
            if random.below(40) == 0 { grows.toggle() }
            for _ in 0..<random.below(400) {
                if grows {
                    let guest = random.below(guests)
                    guard !isGuest[Int(guest)] else { continue }
                    isGuest[Int(guest)] = true
                    fixture.insert(guest * 2 + 1)
                    present.append(guest)
                } else if !present.isEmpty {
                    let guest = present.swapRemove(Int(random.below(UInt64(present.count))))
                    isGuest[Int(guest)] = false
                    fixture.remove(guest * 2 + 1)
                }
            }
            depths.insert(fixture.globalDepth)
        }
        for _ in 0..<random.below(100) { change() }
        for _ in 0..<3 {
            var seen: Set<UInt64> = []
            var (cursor, steps) = (UInt64(0), 0)
            repeat {
                let next = fixture.table.scan(cursor) { seen.insert(TableFixture.key($0)) }
                #expect(next == 0 || next > cursor, "a cursor goes on")
                cursor = next
                steps += 1
                if random.below(8) == 0 { change() }
            } while cursor != 0 && steps < 1_000_000
            #expect(cursor == 0, "a scan ends")
            for key in 0..<staying where !seen.contains(key * 2) { Issue.record("\(key) missed") }
        }
        fixture.table.checkInvariants()
    }

    @Test func `by SCAN from any cursor ends and breaks nothing`() {
        let fixture = TableFixture(seed: 3)
        for key in 0..<5000 as Range<UInt64> { fixture.insert(key) }
        var random = RandomSource(seed: 3)
        for _ in 0..<2000 {
            var cursor = random.below(4) == 0 ? random.next() : random.next() >> 16
            for _ in 0..<20 where cursor != 0 { cursor = fixture.table.scan(cursor) { _ in } }
        }
        #expect(fixture.table.scan(.max) { _ in } == 0)
    }

    @Test(arguments: [0, 1, 56, 400, 5000, 30_000] as [UInt64])
    func `of a capture visits each entry once, segment by segment`(count: UInt64) {
        let fixture = TableFixture(seed: count)
        for key in 0..<count { fixture.insert(key) }
        let captured = fixture.table.capture()
        #expect(captured.count == Int(count))
        var seen: Set<UInt64> = []
        var (start, segment) = (UInt64(0), [UInt64]())
        var ended = false
        captured.forEachEntry { entry in
            let key = TableFixture.key(entry)
            if !seen.insert(key).inserted { Issue.record("\(key) twice") }
            segment.append(fixture.hash(key))
            return true
        } passed: { next in
            // Hashes of this segment only: those between the two announcements.
            #expect(!ended && (next == 0 || next > start))
            #expect(segment.allSatisfy { $0 >= start && (next == 0 || $0 < next) })
            (start, segment, ended) = (next, [], next == 0)
            return true
        }
        #expect(ended)
        #expect(seen.count == Int(count))
        captured.release()
    }

    @Test func `of a capture stops where it is told to`() {
        let fixture = TableFixture(seed: 8)
        for key in 0..<5000 as Range<UInt64> { fixture.insert(key) }
        let captured = fixture.table.capture()
        var entries = 0
        captured.forEachEntry { _ in
            entries += 1
            return entries < 10
        } passed: { _ in
            Issue.record("no segment is done")
            return true
        }
        #expect(entries == 10)
        var segments = 0
        captured.forEachEntry { _ in
            true
        } passed: { _ in
            segments += 1
            return segments < 2
        }
        #expect(segments == 2)
        captured.release()
    }

    @Test(arguments: [0, 1, 300, 20_000] as [UInt64], [1, 7, 500, Int.max])
    func `that frees a detached table returns every byte`(count: UInt64, budget: Int) {
        let fixture = TableFixture(seed: count + 1)
        for key in 0..<count { fixture.insert(key) }
        var detached = fixture.table.detach()
        #expect(detached.count == Int(count))
        #expect(fixture.table.count == 0)
        fixture.table.checkInvariants()
        // The table is used on while the old one is freed.
        for key in 0..<100 as Range<UInt64> { fixture.insert(key) }
        var (freed, most, calls) = (0, 0, 0)
        repeat {
            let before = freed
            let done = detached.free(atMost: budget, heap: fixture.memory.pointee.heap) { entry in
                fixture.free(entry)
                freed += 1
                return 1
            }
            most = max(most, freed - before)
            calls += 1
            if done { break }
        } while calls < 100_000
        #expect(freed == Int(count))
        #expect(detached.count == 0)
        // A bucket is freed whole.
        #expect(most <= min(budget, 1 << 40) + Segment.slotsPerBucket)
        for key in 0..<100 as Range<UInt64> { fixture.remove(key) }
        fixture.table.checkInvariants()
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }

    /// A snapshot of the table alone: what a walk that stands between two segments still reads is
    /// not freed when the two merge.
    @Test func `that stands between two segments keeps the entries of the second`() {
        let fixture = TableFixture(seed: 21)
        for key in 0..<600 as Range<UInt64> { fixture.insert(key) }
        #expect(fixture.globalDepth == 1)
        let (epoch, progress) = fixture.memory.pointee.epochs.begin()
        let captured = fixture.table.capture()
        var seen: [UInt64] = []
        var segments = 0
        captured.forEachEntry { entry in
            seen.append(TableFixture.key(entry))
            return true
        } passed: { next in
            progress.pointee.publish(WalkProgress.position(ordinal: captured.ordinal, end: next))
            segments += 1
            if segments == 1 {
                for key in 0..<600 as Range<UInt64> { fixture.remove(key) }
                #expect(fixture.globalDepth == 0)
                for key in 0..<600 as Range<UInt64> { fixture.insert(key, copy: 1) }
            }
            return true
        }
        #expect(segments == 2)
        #expect(seen.sorted() == Array(0..<600))
        captured.release()
        fixture.memory.pointee.epochs.end(epoch)
    }

    /// The first change after a snapshot merges a segment with one that nobody has copied yet.
    @Test func `that comes after a merger still finds what the merged segments held`() {
        let fixture = TableFixture(seed: 22)
        let halves = (0..<2 as Range<UInt64>).map { half in
            keys(300, sharing: 1, prefix: half, fixture.hasher)
        }
        for key in halves.joined() { fixture.insert(key) }
        // 88 and 100 are left: one removal more, and they merge.
        for key in halves[0].dropFirst(88) { fixture.remove(key) }
        for key in halves[1].dropFirst(100) { fixture.remove(key) }
        #expect(fixture.globalDepth == 1)
        let (epoch, _) = fixture.memory.pointee.epochs.begin()
        let captured = fixture.table.capture()
        fixture.remove(halves[0][0])
        #expect(fixture.globalDepth == 0)
        for key in halves[1].prefix(100) {
            guard let slot = fixture.find(key) else {
                Issue.record("key \(key) is lost")
                continue
            }
            let isPrivate = fixture.table.isPrivate(slot, hash: fixture.hash(key))
            #expect(!isPrivate)
            fixture.replace(slot, key, copy: 1)
        }
        while fixture.memory.pointee.reclaim(budget: 100, release: { _, _ in }) {}
        var copies: [UInt64: UInt64] = [:]
        captured.forEachEntry { entry in
            copies[TableFixture.key(entry)] = TableFixture.copy(entry)
            return true
        } passed: { _ in
            true
        }
        #expect(Set(copies.keys) == Set(halves[0].prefix(88) + halves[1].prefix(100)))
        #expect(copies.values.allSatisfy { $0 == 0 })
        fixture.table.checkInvariants()
        captured.release()
        fixture.memory.pointee.epochs.end(epoch)
    }
}
