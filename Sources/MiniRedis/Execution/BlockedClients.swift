// SPDX-License-Identifier: BSD-3-Clause
//
// BlockedClients: who waits for which keys.
//
// Every waiting client has a slot. Each of its keys is a node in that key's queue, a doubly linked
// list in the order in which the clients began to wait, so that joining and leaving cost the same
// however many wait. A key has a queue for each type of value: a list that appears concerns those
// who wait for one, not those who wait for a stream of that name.
//
//     queues   (database, key) --> list: [first ... last]  sorted set: [...]  stream: [...]
//     nodes    <- previous | waiter, order | next ->
//     waiters  slot --> session, request, its nodes
//
// It is a value: changes are told to it, and it says who is next. Whoever runs commands serves
// them.

/// The clients that wait for keys.
struct BlockedClients {
    /// The types of value that are waited for.
    enum Family: Int, CaseIterable {
        case list, sortedSet, stream

        var type: ValueType {
            switch self {
            case .list: .list
            case .sortedSet: .sortedSet
            case .stream: .stream
            }
        }
    }

    /// A client and the request that will run again.
    struct Waiter {
        /// Valid until the client is removed.
        var session: UnsafeMutablePointer<Session>
        var id: Int64
        var record: Int
        var request: StoredRequest
        var family: Family
        /// Monotonic milliseconds, or nil.
        var deadline: Int64?
        var answer: WaitAnswer
        var database: Int
        var keys: [FollowedKey]
    }

    /// A place in a queue.
    struct Place {
        fileprivate var node: Int
        fileprivate var order: UInt64
        fileprivate(set) var slot: Int
    }

    private struct Node {
        var slot: Int
        var previous = -1
        var next = -1
        /// Greater than those of all who came earlier; 0: the node is free.
        var order: UInt64
    }

    private struct Queue {
        var first = -1
        var last = -1
    }

    private struct KeyQueues {
        var families = (Queue(), Queue(), Queue())

        subscript(family: Family) -> Queue {
            get {
                switch family {
                case .list: families.0
                case .sortedSet: families.1
                case .stream: families.2
                }
            }
            set {
                switch family {
                case .list: families.0 = newValue
                case .sortedSet: families.1 = newValue
                case .stream: families.2 = newValue
                }
            }
        }

        var isEmpty: Bool { families.0.first < 0 && families.1.first < 0 && families.2.first < 0 }
    }

    private var queues: [FollowedKey: KeyQueues] = [:]
    private var nodes: ContiguousArray<Node> = []
    private var freeNodes: [Int] = []
    private var waiters: ContiguousArray<(waiter: Waiter, nodes: [Int])?> = []
    private var freeSlots: [Int] = []
    private var slots: [Int64: Int] = [:]
    private var deadlines = DeadlineHeap()
    private var lastOrder: UInt64 = 0
    private var ready: [FollowedKey] = []
    private var nextReady = 0
    private var isReady: Set<FollowedKey> = []

    /// How many clients wait.
    var count: Int { slots.count }
    /// How many of them wait for a time only.
    var timedCount: Int { deadlines.count }
    /// How many keys are waited for.
    var keyCount: Int { queues.count }
    /// Whether somebody may have to be served.
    var hasReady: Bool { !isReady.isEmpty }
    /// When the first wait is over: monotonic milliseconds.
    var earliestDeadline: Int64? { deadlines.first?.deadline }

    func waits(_ id: Int64) -> Bool { slots[id] != nil }

    func waiter(_ id: Int64) -> Waiter? { slots[id].flatMap { waiters[$0]?.waiter } }

    subscript(slot: Int) -> Waiter? { waiters[slot]?.waiter }

    // MARK: - Coming and going

    /// A client that does not wait yet begins to, behind all others.
    mutating func add(_ waiter: Waiter) {
        precondition(slots[waiter.id] == nil, "a client waits once")
        lastOrder += 1
        let slot = freeSlots.popLast() ?? waiters.count
        if slot == waiters.count { waiters.append(nil) }
        var own: [Int] = []
        own.reserveCapacity(waiter.keys.count)
        for key in waiter.keys { own.append(join(key, waiter.family, slot)) }
        if let deadline = waiter.deadline { deadlines.insert(deadline, slot: slot) }
        slots[waiter.id] = slot
        waiters[slot] = (waiter, own)
    }

    private mutating func join(_ key: FollowedKey, _ family: Family, _ slot: Int) -> Int {
        let number = freeNodes.popLast() ?? nodes.count
        if number == nodes.count { nodes.append(Node(slot: slot, order: 0)) }
        let last = queues[key]?[family].last ?? -1
        nodes[number] = Node(slot: slot, previous: last, order: lastOrder)
        if last >= 0 { nodes[last].next = number }
        queues[key, default: KeyQueues()][family].last = number
        if last < 0 { queues[key]?[family].first = number }
        return number
    }

    /// The client of this number waits no more. The caller gives its request up, and forgets its
    /// keys.
    mutating func remove(_ id: Int64) -> Waiter? {
        guard let slot = slots.removeValue(forKey: id), let (waiter, own) = waiters[slot] else {
            return nil
        }
        for (key, number) in zip(waiter.keys, own) { leave(key, waiter.family, number) }
        deadlines.remove(slot: slot)
        waiters[slot] = nil
        freeSlots.append(slot)
        return waiter
    }

    private mutating func leave(_ key: FollowedKey, _ family: Family, _ number: Int) {
        let node = nodes[number]
        if node.previous >= 0 { nodes[node.previous].next = node.next }
        if node.next >= 0 { nodes[node.next].previous = node.previous }
        nodes[number].order = 0
        freeNodes.append(number)
        guard node.previous < 0 || node.next < 0 else { return }
        if node.previous < 0 { queues[key]?[family].first = node.next }
        if node.next < 0 { queues[key]?[family].last = node.previous }
        if queues[key]?.isEmpty ?? false { queues[key] = nil }
    }

    /// A client whose time is over at `now`, monotonic milliseconds; call again for the next one.
    func firstDue(now: Int64) -> Int64? {
        guard let first = deadlines.first, first.deadline <= now else { return nil }
        return waiters[first.slot]?.waiter.id
    }

    // MARK: - Changes

    /// Takes note of a change: its key is ready if anybody waits for it.
    mutating func note(_ change: KeyspaceChange) {
        guard !queues.isEmpty else { return }
        switch change.kind {
        case .key(.miss, _, _), .key(.new, _, _): break
        case .key(_, let bytes, let hash):
            note(FollowedKey(database: change.database, hash: hash, bytes: bytes))
        case .flushed:
            for key in queues.keys where key.database == change.database { note(key) }
        case .swapped(let other):
            for key in queues.keys where key.database == change.database || key.database == other {
                note(key)
            }
        }
    }

    private mutating func note(_ key: FollowedKey) {
        guard queues[key] != nil, isReady.insert(key).inserted else { return }
        ready.append(key)
    }

    /// The key that has been ready for longest.
    mutating func takeReady() -> FollowedKey? {
        guard nextReady < ready.count else { return nil }
        let key = ready[nextReady]
        nextReady += 1
        isReady.remove(key)
        if nextReady == ready.count {
            ready.removeAll(keepingCapacity: true)
            nextReady = 0
        }
        return key
    }

    // MARK: - Whose turn it is

    /// The order of the client that began to wait last: who comes later is not meant.
    var newestOrder: UInt64 { lastOrder }

    /// The first who waits for a key.
    func first(_ key: FollowedKey, _ family: Family) -> Place? {
        place(queues[key]?[family].first ?? -1)
    }

    /// Who comes after a place that still is one.
    func next(after place: Place) -> Place? {
        self.place(nodes[place.node].next)
    }

    /// `place`, if it still is one; else the first in the queue behind where it was.
    func valid(_ place: Place, _ key: FollowedKey, _ family: Family) -> Place? {
        if nodes[place.node].order == place.order { return place }
        var candidate = first(key, family)
        while let found = candidate, found.order < place.order {
            candidate = next(after: found)
        }
        return candidate
    }

    func isPast(_ place: Place, _ order: UInt64) -> Bool { place.order > order }

    private func place(_ number: Int) -> Place? {
        guard number >= 0 else { return nil }
        return Place(node: number, order: nodes[number].order, slot: nodes[number].slot)
    }

    /// Traps unless queues, nodes and waiters agree.
    func checkInvariants() {
        deadlines.checkInvariants()
        var seen = 0
        for (key, queue) in queues {
            precondition(!queue.isEmpty, "a key without waiters is forgotten")
            for family in Family.allCases {
                var (previous, order) = (-1, UInt64(0))
                var at = queue[family].first
                while at >= 0 {
                    precondition(nodes[at].previous == previous && nodes[at].order > order)
                    precondition(waiters[nodes[at].slot]?.waiter.keys.contains(key) ?? false)
                    (previous, order, at) = (at, nodes[at].order, nodes[at].next)
                    seen += 1
                }
                precondition(queue[family].last == previous, "the last one is the last")
            }
        }
        let total = waiters.reduce(0) { $0 + ($1?.nodes.count ?? 0) }
        precondition(seen == total, "every node is in its queue")
    }
}
