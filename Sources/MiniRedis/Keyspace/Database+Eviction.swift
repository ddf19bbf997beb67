// SPDX-License-Identifier: BSD-3-Clause
//
// Database: keys by chance, and keys that go because memory is short.

extension Database {
    /// Buckets that are looked at, at most, for one sample: twice a segment.
    private static let longestSearch = 2 * Segment.buckets

    /// Calls `body` with up to `count` entries from random buckets; the same one may come twice.
    func sample(_ count: Int, _ random: inout RandomSource, _ body: (Entry) -> Void) {
        let wanted = min(count, table.count)
        var found = 0
        var cursor = random.next() >> 16
        for _ in 0..<Self.longestSearch + wanted where found < wanted {
            let before = found
            cursor = table.scan(cursor) { address in
                guard found < wanted else { return }
                found += 1
                body(Entry(address))
            }
            if found > before { cursor = random.next() >> 16 }
        }
    }

    /// Calls `body` with up to `count` entries that have deadlines.
    func sampleVolatile(_ count: Int, _ random: inout RandomSource, _ body: (Entry) -> Void) {
        for _ in 0..<min(count, deadlines.count) {
            guard let element = deadlines.sample(&random), let slot = slot(of: element) else {
                continue
            }
            body(Entry(slot.entry))
        }
    }

    /// The slot of a key that the index of deadlines names.
    func slot(of element: DeadlineIndex.Element) -> TableSlot? {
        table.find(prefix: element.hash) { Entry($0).deadline == element.deadline }
    }

    /// The slot of the key with this hash, all 64 bits of it.
    func slot(ofHash hash: UInt64) -> TableSlot? {
        table.find(prefix: UInt32(truncatingIfNeeded: hash >> 32)) {
            table.hasher.hash(Entry($0).key) == hash
        }
    }

    /// Removes a key because memory is short.
    mutating func evict(_ slot: TableSlot, _ hash: UInt64) {
        removeUnasked(slot, hash, .evicted)
        state.pointee.statistics.evicted += 1
    }
}
