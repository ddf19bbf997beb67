// SPDX-License-Identifier: BSD-3-Clause
//
// Database: keys that die by themselves.
//
// The index holds every deadline in order, so the next key to die is known and a timer can be set
// to it. When it is due, it is found through the table by the 32 bits of its hash that the index
// keeps. Nothing is sampled; a turn of the loop removes what is due within a budget, and goes on in
// the next.
//
// A replica waits for its master's word, whatever its own clock says. Only of keys that its own
// clients gave a deadline (`replica-read-only no`) no word will come, so their deadlines are kept a
// second time, apart, until something else happens to the key.

extension Database {
    /// When the next key or field dies, in milliseconds since the epoch, or nil.
    var nextDeadline: Int64? {
        guard let fields = fieldDeadlines.first?.deadline else { return deadlines.first?.deadline }
        return min(fields, deadlines.first?.deadline ?? .max)
    }

    /// Removes up to `budget` keys that are due, and as many fields; returns whether more are.
    mutating func expireDue(budget: Int) -> Bool {
        let moreKeys = expireDueKeys(budget: budget)
        let moreFields = expireDueFields(budget: budget)
        return moreKeys || moreFields
    }

    private mutating func expireDueKeys(budget: Int) -> Bool {
        for _ in 0..<budget {
            guard let next = deadlines.first, next.deadline <= state.pointee.now else {
                return false
            }
            let slot = table.find(prefix: next.hash) { Entry($0).deadline == next.deadline }
            guard let slot else {
                assertionFailure("the index names keys that are there")
                _ = deadlines.removeFirst()
                continue
            }
            expire(slot, table.hasher.hash(Entry(slot.entry).key))
        }
        guard let next = deadlines.first else { return false }
        return next.deadline <= state.pointee.now
    }

    /// Keeps the deadlines that are a replica's own matter.
    @inline(never)
    mutating func moveOwnDeadline(from old: Int64?, to new: Int64?, _ prefix: UInt32) {
        if let old, old < DeadlineIndex.limit, old >= 0, ownDeadlines.count > 0 {
            _ = ownDeadlines.remove(deadline: old, hash: prefix)
        }
        guard let new, new < DeadlineIndex.limit, new >= 0, !state.pointee.repeats else { return }
        ownDeadlines.insert(deadline: new, hash: prefix)
    }

    /// Removes up to `budget` due keys whose deadlines are a replica's own matter; returns whether
    /// more are due.
    mutating func expireOwn(budget: Int) -> Bool {
        for _ in 0..<budget {
            guard let next = ownDeadlines.first, next.deadline <= state.pointee.now else {
                return false
            }
            _ = ownDeadlines.removeFirst()
            let slot = table.find(prefix: next.hash) { Entry($0).deadline == next.deadline }
            guard let slot else { continue }
            expire(slot, table.hasher.hash(Entry(slot.entry).key))
        }
        return (ownDeadlines.first?.deadline ?? .max) <= state.pointee.now
    }

    /// Removes a key that is due, unless nothing may change now.
    mutating func dropIfDue(_ key: ByteView) {
        guard !state.pointee.keepsDueKeys else { return }
        let hash = hash(key)
        guard let slot = table.find(hash, key), !isLive(Entry(slot.entry)) else { return }
        expire(slot, hash)
    }

    /// Removes a key because it is due.
    @inline(never)
    mutating func expire(_ slot: TableSlot, _ hash: UInt64) {
        removeUnasked(slot, hash, .expired)
        state.pointee.statistics.expired += 1
    }
}
