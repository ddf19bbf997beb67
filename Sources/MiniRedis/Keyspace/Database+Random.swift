// SPDX-License-Identifier: BSD-3-Clause
//
// Database: a key at random.

extension Database {
    /// Draws before it is asked whether any key lives at all.
    private static let drawsOfDueKeys = 100

    /// The entry of a key that is not due, drawn evenly from all of them, or nil if there is none.
    ///
    /// Due keys that are drawn are removed. Where so many are due that a hundred draws found no
    /// other, evenness is given up for an end: the key that dies last, or the first living one
    /// after a random place.
    mutating func randomEntry() -> Entry? {
        for _ in 0..<Self.drawsOfDueKeys {
            guard let slot = table.randomSlot(&state.pointee.random) else { return nil }
            let entry = Entry(slot.entry)
            if isLive(entry) { return entry }
            expire(slot, hash(entry.key))
        }
        guard table.count == deadlines.count else { return someLiveEntry() }
        guard let last = deadlines.last, last.deadline > state.pointee.now else { return nil }
        let slot = table.find(prefix: last.hash) { Entry($0).deadline == last.deadline }
        return slot.map { Entry($0.entry) }
    }

    /// The first entry from a random place on that is not due.
    private mutating func someLiveEntry() -> Entry? {
        var found: Entry?
        for start in [state.pointee.random.next() >> 16, 0] {
            var cursor = start
            repeat {
                cursor = table.scan(cursor) { address in
                    if found == nil && isLive(Entry(address)) { found = Entry(address) }
                }
            } while found == nil && cursor != 0
            if found != nil { break }
        }
        return found
    }
}
