// SPDX-License-Identifier: BSD-3-Clause
//
// Eviction: which keys go when memory is short.
//
// What counts is what the keys take: not what a snapshot keeps alive, not what is on its way from
// or to a client, not what was flushed and waits to be freed. So no key ever goes because somebody
// reads slowly or saves.
//
// By recency and by frequency the choice is a sampled one, as in Redis: a few entries from random
// buckets are offered to a pool of the sixteen best candidates seen so far, and the best of the
// pool goes. The pool remembers hashes, not addresses, so nothing needs to tell it what has become
// of a key: one that is gone is not found.
//
//     [ random bucket ] -> 5 entries -> [ pool: 16, worst ... best ] -> the best one goes
//
// By deadline the choice is exact: the index knows the next key to die.
//
// Work is done in slices: some keys before a command that wants memory, some at the end of a turn,
// until the limit holds again. Without a limit nothing here is called.

/// What to do when the keys take more than a limit.
struct EvictionSettings: Equatable {
    enum Order {
        /// Nothing goes; commands that want memory are refused.
        case nothing
        case leastRecent
        case leastFrequent
        case random
        case soonestDeadline
    }

    /// The limit of what the keys take, bytes; 0 for none.
    var limitBytes = 0
    var order = Order.nothing
    /// Only keys with a deadline go.
    var onlyVolatile = false
    /// How many entries are sampled for one choice.
    var samples = 5
}

/// Keys that may go, in the order in which they should: the last one first.
struct EvictionPool {
    struct Candidate {
        /// The greater, the sooner it goes.
        var score: Int
        var hash: UInt64
        var database: Int
    }

    static let capacity = 16

    private var candidates: [Candidate] = []

    init() {
        candidates.reserveCapacity(Self.capacity + 1)
    }

    /// Whether a candidate with this score is better than the worst.
    func wants(_ score: Int) -> Bool {
        candidates.count < Self.capacity || score > candidates[0].score
    }

    /// Takes the candidate in, unless the pool is full of better ones or knows it already.
    mutating func offer(_ candidate: Candidate) {
        guard wants(candidate.score) else { return }
        for known in candidates
        where known.hash == candidate.hash && known.database == candidate.database { return }
        let place = candidates.firstIndex { $0.score > candidate.score } ?? candidates.count
        candidates.insert(candidate, at: place)
        if candidates.count > Self.capacity { candidates.removeFirst() }
    }

    mutating func popBest() -> Candidate? { candidates.popLast() }

    mutating func removeAll() {
        candidates.removeAll(keepingCapacity: true)
    }
}

/// What evicting came to.
enum EvictionResult {
    /// The keys take no more than the limit.
    case withinLimit
    /// Some went, and more are to go.
    case unfinished
    /// There is nothing that may go.
    case nothingLeft
}

extension Keyspace {
    /// Takes over new settings; what is too much goes from the next slice on.
    func changeEviction(_ settings: EvictionSettings, _ scale: AccessRecord.FrequencyScale) {
        if settings.order != eviction.order || settings.onlyVolatile != eviction.onlyVolatile {
            evictionPool.removeAll()
        }
        eviction = settings
        state.pointee.frequencyScale = scale
        state.pointee.countsFrequency = settings.order == .leastFrequent
        state.pointee.setTime(state.pointee.now)
    }

    /// Whether the keys take more than the limit, if there is one.
    @inline(__always)
    var isOverLimit: Bool {
        eviction.limitBytes != 0 && countedBytes > eviction.limitBytes
    }

    /// Lets up to `budget` keys go, until the limit holds.
    func evict(budget: Int) -> EvictionResult {
        var isAny = false
        for _ in 0..<budget {
            guard isOverLimit else { return .withinLimit }
            guard evictOne() else { return isAny ? .unfinished : .nothingLeft }
            isAny = true
        }
        return isOverLimit ? .unfinished : .withinLimit
    }

    private func evictOne() -> Bool {
        switch eviction.order {
        case .nothing: false
        case .soonestDeadline: evictSoonest()
        case .random: evictRandom()
        case .leastRecent, .leastFrequent: evictBest()
        }
    }

    private func evictSoonest() -> Bool {
        var soonest: (database: Int, element: DeadlineIndex.Element)?
        for index in 0..<databaseCount {
            guard let first = databases[index].deadlines.first else { continue }
            if first.deadline < soonest?.element.deadline ?? .max { soonest = (index, first) }
        }
        guard let soonest, let slot = databases[soonest.database].slot(of: soonest.element) else {
            return false
        }
        evict(slot, in: soonest.database)
        return true
    }

    /// The databases take turns.
    private func evictRandom() -> Bool {
        for _ in 0..<databaseCount {
            nextEvictedDatabase = (nextEvictedDatabase + 1) % databaseCount
            var chosen: UInt64?
            sample(1, in: nextEvictedDatabase) { chosen = hasher.hash($0.key) }
            guard let chosen, let slot = databases[nextEvictedDatabase].slot(ofHash: chosen) else {
                continue
            }
            evict(slot, in: nextEvictedDatabase)
            return true
        }
        return false
    }

    private func evictBest() -> Bool {
        // Each time another database is the first, so that among equals no one's keys go first.
        nextEvictedDatabase = (nextEvictedDatabase + 1) % databaseCount
        for step in 0..<databaseCount {
            let index = (nextEvictedDatabase + step) % databaseCount
            guard databases[index].count > 0 else { continue }
            sample(eviction.samples, in: index) { entry in
                let score = score(entry)
                guard evictionPool.wants(score) else { return }
                evictionPool.offer(
                    EvictionPool.Candidate(
                        score: score, hash: hasher.hash(entry.key), database: index))
            }
        }
        while let best = evictionPool.popBest() {
            guard let slot = databases[best.database].slot(ofHash: best.hash),
                !eviction.onlyVolatile || Entry(slot.entry).hasDeadline
            else { continue }
            evict(slot, in: best.database)
            return true
        }
        return false
    }

    private func sample(_ count: Int, in index: Int, _ body: (Entry) -> Void) {
        if eviction.onlyVolatile {
            databases[index].sampleVolatile(count, &random, body)
        } else {
            databases[index].sample(count, &random, body)
        }
    }

    private func score(_ entry: Entry) -> Int {
        let now = state.pointee.now
        guard eviction.order == .leastFrequent else {
            return AccessRecord.idleSeconds(entry.accessClock, now: now)
        }
        return 255
            - AccessRecord.frequency(entry.accessClock, now: now, state.pointee.frequencyScale)
    }

    private func evict(_ slot: TableSlot, in index: Int) {
        databases[index].evict(slot, hasher.hash(Entry(slot.entry).key))
    }
}
