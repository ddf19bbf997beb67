// SPDX-License-Identifier: BSD-3-Clause
//
// Database: fields of hashes that die by themselves.
//
// A hash knows which of its fields dies next (see `HashValue`). That deadline is in an index of the
// database under the hash of the key, as keys' own deadlines are in another one, and follows the
// hash: every change of a hash, and every coming and going of one, compares what it was before and
// is after. So both kinds are exact, and the loop sets one timer for both.

extension Entry {
    /// When the next field dies, if this is a hash of which any does.
    var nextFieldDeadline: Int64? {
        guard encoding == .collection && type == .hash else { return nil }
        return HashValue.nextDeadline(collection)
    }
}

extension Database {
    /// Keeps the index of fields' deadlines equal to what the hashes know.
    @inline(__always)
    mutating func moveFieldDeadline(from old: Int64?, to new: Int64?, _ hash: UInt64) {
        if old != new { changeFieldDeadline(from: old, to: new, hash) }
    }

    @inline(never)
    private mutating func changeFieldDeadline(from old: Int64?, to new: Int64?, _ hash: UInt64) {
        let prefix = UInt32(truncatingIfNeeded: hash >> 32)
        if let old {
            let found = fieldDeadlines.remove(deadline: old, hash: prefix)
            assert(found, "the index knows every hash's next deadline")
        }
        if let new { fieldDeadlines.insert(deadline: new, hash: prefix) }
    }

    /// An entry leaves the table, or another one takes over its collection.
    mutating func forgetFieldDeadline(of entry: Entry, _ hash: UInt64) {
        moveFieldDeadline(from: entry.nextFieldDeadline, to: nil, hash)
    }

    /// Removes up to `budget` fields that are due; returns whether more are.
    mutating func expireDueFields(budget: Int) -> Bool {
        var left = budget
        while let next = fieldDeadlines.first, next.deadline <= state.pointee.now {
            if left <= 0 { return true }
            let slot = table.find(prefix: next.hash) {
                Entry($0).nextFieldDeadline == next.deadline
            }
            guard let slot else {
                assertionFailure("the index names hashes that are there")
                _ = fieldDeadlines.removeFirst()
                continue
            }
            left -= expireFields(slot, budget: left)
        }
        return false
    }

    private mutating func expireFields(_ slot: TableSlot, budget: Int) -> Int {
        let bytes = Entry(slot.entry).key
        let key = KeyArgument(bytes: bytes, hash: table.hasher.hash(bytes))
        let (limits, now) = (state.pointee.encodingLimits, state.pointee.now)
        let (state, index) = (state, index)
        let removed = update(slot, key, .hashExpired) { place in
            HashEditor(place, limits, now: now).removeDue(budget: budget) { field in
                guard state.pointee.effects.isActive else { return }
                state.pointee.effects.add(3, in: index) {
                    $0.add("HDEL")
                    $0.add(key.bytes)
                    $0.add(field)
                }
            }
        }
        // As with keys: no change that a save waits for.
        state.pointee.changesSinceSave -= removed
        state.pointee.statistics.expiredFields += removed
        return max(1, removed)
    }
}
