// SPDX-License-Identifier: BSD-3-Clause
//
// The table against a dictionary: a million operations, growth and shrinkage, uneven hashes, and
// its memory.

import Testing

@testable import MiniRedis

@Suite struct `A segmented table` {
    /// A table and a dictionary from keys to copies.
    private final class Pair {
        let fixture: TableFixture
        var model: [UInt64: UInt64] = [:]
        var keys: [UInt64] = []
        var random: RandomSource
        var deepest = 0

        init(seed: UInt64) {
            fixture = TableFixture(seed: seed)
            random = RandomSource(seed: seed)
        }

        /// One operation; of a hundred, `inserts` are insertions of keys below `range`.
        func step(inserts: UInt64, range: UInt64) {
            let choice = random.below(100)
            if choice < inserts {
                let key = random.below(range)
                if let slot = fixture.find(key) {
                    if TableFixture.copy(slot.entry) != model[key] { Issue.record("the entry") }
                    replace(slot, key)
                } else {
                    if model[key] != nil { Issue.record("key \(key) is lost") }
                    let copy = random.next()
                    fixture.insert(key, copy: copy)
                    model[key] = copy
                    keys.append(key)
                }
            } else if choice % 8 == 0 {
                let key = random.below(range)
                let found = fixture.find(key).map { TableFixture.copy($0.entry) }
                if found != model[key] { Issue.record("find") }
            } else if !keys.isEmpty {
                let key = keys.swapRemove(Int(random.below(UInt64(keys.count))))
                guard let slot = fixture.find(key) else {
                    Issue.record("key \(key) is lost")
                    return
                }
                fixture.remove(slot, key)
                model[key] = nil
                if fixture.find(key) != nil { Issue.record("key \(key) is still there") }
            }
            deepest = max(deepest, fixture.globalDepth)
        }

        private func replace(_ slot: TableSlot, _ key: UInt64) {
            let copy = random.next()
            fixture.replace(slot, key, copy: copy)
            model[key] = copy
        }

        func check() {
            fixture.table.checkInvariants()
            #expect(fixture.table.count == model.count)
        }
    }

    @Test(arguments: 1...5)
    func `is a dictionary`(seed: UInt64) {
        let pair = Pair(seed: seed)
        var operations = 0
        func phase(_ count: Int, inserts: UInt64, range: UInt64) {
            for _ in 0..<count {
                pair.step(inserts: inserts, range: range)
                operations += 1
                if operations % 1000 == 0 { pair.check() }
            }
        }
        phase(75_000, inserts: 95, range: 1 << 30)
        #expect(pair.model.count > 60_000)
        phase(45_000, inserts: 55, range: 100_000)
        phase(80_000, inserts: 5, range: 100_000)
        while !pair.model.isEmpty { phase(100, inserts: 0, range: 100_000) }
        pair.check()
        #expect(pair.deepest >= 8)
        #expect(pair.fixture.globalDepth == 0)
        #expect(pair.fixture.allocatedBytes == pair.fixture.emptyBytes)
    }

    @Test func `gives its segments back on the way down`() {
        let fixture = TableFixture(seed: 77)
        for key in 0..<40_000 as Range<UInt64> { fixture.insert(key) }
        let entries = { Heap.sizeClass(TinyLayout.bytes) * fixture.table.count }
        let full = fixture.allocatedBytes - entries()
        #expect(full == fixture.table.byteCount)
        #expect(full < 40_000 * 20)
        for key in 0..<38_000 as Range<UInt64> { fixture.remove(key) }
        fixture.table.checkInvariants()
        #expect(fixture.allocatedBytes - entries() == fixture.table.byteCount)
        // 2,000 that are left: no segment is both small and beside a small one.
        #expect(fixture.table.byteCount < full / 6)
        for key in 38_000..<40_000 as Range<UInt64> { fixture.remove(key) }
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }

    @Test func `finds an entry by the first half of its hash`() {
        let fixture = TableFixture(seed: 4)
        for key in 0..<30_000 as Range<UInt64> { fixture.insert(key) }
        for key in 0..<30_000 as Range<UInt64> {
            let prefix = UInt32(truncatingIfNeeded: fixture.hash(key) >> 32)
            let slot = fixture.table.find(prefix: prefix) { TableFixture.key($0) == key }
            if slot.map({ TableFixture.key($0.entry) }) != key { Issue.record("\(key)") }
        }
        #expect(fixture.table.find(prefix: 5) { TableFixture.key($0) == 1 << 60 } == nil)
    }

    // MARK: - Uneven hashes

    /// The largest displacement and the largest overflow counter of the table.
    private func extremes(_ fixture: TableFixture) -> (displacement: UInt64, overflow: UInt64) {
        var (displacement, overflow) = (UInt64(0), UInt64(0))
        for at in 0..<1 << fixture.globalDepth {
            let page = SegmentedTable<TinyLayout>.page(fixture.table.directory[at])
            for number in 0..<Segment.buckets {
                let bucket = page + number * 64
                overflow = max(overflow, SegmentedTable<TinyLayout>.overflow(bucket))
                for index in 0..<Segment.slotsPerBucket {
                    let word = SegmentedTable<TinyLayout>.slotWord(bucket, index).pointee
                    let distance = (word & Segment.displacementMask) >> Segment.displacementShift
                    displacement = max(displacement, distance)
                }
            }
        }
        return (displacement, overflow)
    }

    @Test(arguments: [0, 31, 63] as [UInt64])
    func `fills eight buckets from one home, around the end of the page`(home: UInt64) {
        let fixture = TableFixture(seed: 9)
        let crowd = keys(56, sharing: 6, prefix: home, fixture.hasher)
        for key in crowd { fixture.insert(key) }
        fixture.table.checkInvariants()
        #expect(fixture.globalDepth == 0)
        #expect(extremes(fixture) == (7, 49))
        #expect(Set(fixture.scanned()) == Set(crowd))
        #expect(fixture.scanned().count == 56)
        for (index, key) in crowd.enumerated() where index % 2 == 0 { fixture.remove(key) }
        fixture.table.checkInvariants()
        for (index, key) in crowd.enumerated() {
            #expect((fixture.find(key) != nil) == (index % 2 == 1))
            if index % 2 == 0 { fixture.insert(key) }
        }
        fixture.table.checkInvariants()
        for key in crowd { fixture.remove(key) }
        fixture.table.checkInvariants()
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }

    @Test(arguments: [0, 0x2A5, 0xFFF] as [UInt64])
    func `parts a crowd that shares many bits, level by level`(prefix: UInt64) {
        let fixture = TableFixture(seed: 10)
        let crowd = keys(90, sharing: 12, prefix: prefix, fixture.hasher)
        for key in crowd {
            fixture.insert(key)
            fixture.table.checkInvariants()
        }
        // 57 keys of one home do not fit: the segment gets as deep as their common bits, less the
        // six that name a bucket.
        #expect(fixture.globalDepth >= 7)
        #expect(Set(fixture.scanned()) == Set(crowd))
        #expect(fixture.scanned().count == crowd.count)
        for key in crowd { #expect(fixture.find(key) != nil) }
        for key in crowd.reversed() {
            fixture.remove(key)
            fixture.table.checkInvariants()
        }
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }

    @Test func `does not merge what does not fit into one neighbourhood`() {
        let fixture = TableFixture(seed: 11)
        // 57 keys of one home at depth 0, one too many: at depth 1 they have two.
        let crowd =
            keys(20, sharing: 7, prefix: 10, fixture.hasher)
            + keys(37, sharing: 7, prefix: 11, fixture.hasher)
        for key in crowd { fixture.insert(key) }
        #expect(fixture.globalDepth == 1)
        // Each removal in the other half looks for a merger, which is impossible.
        let others = keys(100, sharing: 1, prefix: 1, fixture.hasher)
        for key in others { fixture.insert(key) }
        for key in others {
            fixture.remove(key)
            fixture.table.checkInvariants()
        }
        #expect(fixture.globalDepth == 1)
        for key in crowd { fixture.remove(key) }
        fixture.table.checkInvariants()
        #expect(fixture.globalDepth == 0)
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }

    @Test func `lets one corner of it grow deep while the rest is shallow`() {
        let fixture = TableFixture(seed: 12)
        let corner = keys(3000, sharing: 9, prefix: 0x1B7, fixture.hasher)
        for key in 0..<300 as Range<UInt64> { fixture.insert(key) }
        for key in corner { fixture.insert(key) }
        fixture.table.checkInvariants()
        #expect(fixture.globalDepth >= 12)
        #expect(fixture.table.segmentsOfDepth[1] == 1)
        #expect(Set(fixture.scanned()).count == 3300)
        for key in corner { fixture.remove(key) }
        for key in 0..<300 as Range<UInt64> { fixture.remove(key) }
        fixture.table.checkInvariants()
        #expect(fixture.allocatedBytes == fixture.emptyBytes)
    }
}
