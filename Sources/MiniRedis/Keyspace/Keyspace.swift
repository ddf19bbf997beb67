// SPDX-License-Identifier: BSD-3-Clause
//
// Keyspace: the databases, and the work that is left over from changes: graves to empty, detached
// tables to free, keys that have fallen due. All of it is done in slices, a budget at a time, from
// the loop.

/// All databases of a server and the memory they share.
///
/// Ownership: owns the databases, the state and the memory; the server's lives as long as the
/// server and is used by the loop alone, one that is being filled by the thread that fills it.
final class Keyspace {
    let memory: UnsafeMutablePointer<Memory>
    let state: UnsafeMutablePointer<KeyspaceState>
    let databases: UnsafeMutablePointer<Database>
    let databaseCount: Int
    let hasher: KeyHash
    private var detachedTables: [DetachedTable] = []
    private var detachedDeadlines: [DetachedDeadlines] = []
    /// What the detached tables take, bytes; an estimate where several databases have keys.
    private var detachedBytes = 0
    /// Set by `changeEviction`, as what follows is used by it alone.
    var eviction = EvictionSettings()
    var evictionPool = EvictionPool()
    var nextEvictedDatabase = 0
    var random = RandomSource()
    /// Snapshots that are being walked.
    private(set) var liveSnapshots = 0

    /// `epoch` is what nodes are stamped with until the first snapshot.
    init(databaseCount: Int, hasher: KeyHash, epoch: UInt64 = 1) {
        self.databaseCount = databaseCount
        self.hasher = hasher
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory(hasher: hasher, epoch: epoch))
        state = .allocate(capacity: 1)
        state.initialize(to: KeyspaceState(memory: memory))
        databases = .allocate(capacity: databaseCount)
        for index in 0..<databaseCount {
            (databases + index).initialize(
                to: Database(index: index, hasher: hasher, state: state))
        }
    }

    deinit {
        precondition(liveSnapshots == 0, "a snapshot ends before its keyspace")
        for index in 0..<databaseCount { flush(index) }
        while !state.pointee.detachedCollections.isEmpty || !detachedTables.isEmpty,
            doPendingWork(budget: 10_000)
        {}
        while doPendingWork(budget: 10_000) {}
        databases.deinitialize(count: databaseCount)
        databases.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    /// Bytes that keys, tables and indexes take, as allocated, graves included.
    var allocatedBytes: Int { memory.pointee.heap.pointee.allocatedBytes }

    /// Of `allocatedBytes`, what the keys are not to blame for: kept for snapshots, on the way from
    /// or to clients, flushed and not yet freed.
    var notCountedBytes: Int {
        memory.pointee.graveyard.retainedBytes + memory.pointee.heap.pointee.idleBlockBytes
            + detachedBytes + state.pointee.detachedCollectionBytes
    }

    /// Bytes that the keys take, with their tables and indexes: what `maxmemory` limits.
    var countedBytes: Int { max(0, allocatedBytes - notCountedBytes) }

    /// Bytes that are kept only because a live snapshot sees them: nodes and entries that were
    /// replaced, the blocks of huge values, collections that were given up, tables that were
    /// flushed, and the notes about all that.
    var retainedBytes: Int {
        let oldest = memory.pointee.epochs.oldestLive
        var bytes =
            memory.pointee.graveyard.retainedBytes
            + memory.pointee.graveyard.count * MemoryLayout<Graveyard.Node>.stride
            + memory.pointee.heap.pointee.retainedBlockBytes
        if let first = detachedTables.first, first.epoch >= oldest { bytes += detachedBytes }
        if let first = state.pointee.detachedCollections.first, first.epoch >= oldest {
            bytes += state.pointee.detachedCollectionBytes
        }
        return bytes
    }

    /// Whether some of them are no more, and are being freed.
    var freesRetained: Bool {
        memory.pointee.graveyard.hasFree(before: memory.pointee.epochs.oldestLive)
    }

    /// Entries and nodes that wait to be freed.
    var pendingFrees: Int {
        detachedTables.reduce(memory.pointee.graveyard.count) { $0 + $1.count }
    }

    /// Keys of all databases.
    var count: Int {
        var total = 0
        for index in 0..<databaseCount { total += databases[index].count }
        return total
    }

    /// Empties a database at once; the memory comes back in slices. Returns how many keys it had.
    @discardableResult
    func flush(_ index: Int) -> Int {
        let removed = empty(index)
        guard removed > 0 else { return 0 }
        state.pointee.changesSinceSave += removed
        state.pointee.changeLog.note(.flushed, database: index)
        return removed
    }

    /// `flush`, of which nobody is told.
    func empty(_ index: Int) -> Int {
        let removed = databases[index].count
        guard removed > 0 else { return 0 }
        let empty = databaseCount * (Heap.pageBytes + 64)
        detachedBytes += Int(
            Double(max(0, countedBytes - empty)) * Double(removed) / Double(count))
        detachedTables.append(databases[index].table.detach())
        detachedDeadlines.append(databases[index].deadlines.detach())
        if databases[index].fieldDeadlines.count > 0 {
            detachedDeadlines.append(databases[index].fieldDeadlines.detach())
        }
        forgetOwnDeadlines(of: index)
        return removed
    }

    /// When the next key or field of any database dies, in milliseconds since the epoch, or nil.
    var nextDeadline: Int64? {
        var next: Int64?
        for index in 0..<databaseCount {
            guard let deadline = databases[index].nextDeadline else { continue }
            next = min(next ?? .max, deadline)
        }
        return next
    }

    /// Removes up to `budget` due keys and fields, shared among the databases that have any;
    /// returns whether more are due.
    func expireDue(budget: Int) -> Bool {
        guard state.pointee.expiresActively, !state.pointee.keepsDueKeys else { return false }
        let now = state.pointee.now
        var dueDatabases = 0
        for index in 0..<databaseCount where databases[index].nextDeadline ?? .max <= now {
            dueDatabases += 1
        }
        guard dueDatabases > 0 else { return false }
        var more = false
        for index in 0..<databaseCount where databases[index].nextDeadline ?? .max <= now {
            if databases[index].expireDue(budget: budget / dueDatabases + 1) { more = true }
        }
        return more
    }

    /// Removes up to `budget` due keys of each database whose deadlines are a replica's own matter;
    /// returns whether more are due.
    func expireOwn(budget: Int) -> Bool {
        var more = false
        for index in 0..<databaseCount where databases[index].ownDeadlines.count > 0 {
            if databases[index].expireOwn(budget: budget) { more = true }
        }
        return more
    }

    /// Whether the deadlines that clients set are a replica's own matter from here on.
    func separateOwnDeadlines(_ isOn: Bool) {
        state.pointee.separatesOwnDeadlines = isOn
        guard !isOn else { return }
        for index in 0..<databaseCount { forgetOwnDeadlines(of: index) }
    }

    private func forgetOwnDeadlines(of index: Int) {
        guard databases[index].ownDeadlines.count > 0 else { return }
        detachedDeadlines.append(databases[index].ownDeadlines.detach())
    }

    /// Frees about `budget` nodes and entries that nobody sees any more; returns whether more could
    /// be freed at once.
    func doPendingWork(budget: Int) -> Bool {
        let heap = memory.pointee.heap
        var more = memory.pointee.reclaim(budget: budget) { node, heap in
            if node.kind == BlockReference.graveyardKind {
                return BlockReference(node.block).block.unearth(heap)
            }
            let entry = Entry(node.block)
            if entry.encoding == .block { entry.block.unearth(heap) }
        }
        if freeCollections(budget: budget) { more = true }
        let before = allocatedBytes
        defer {
            detachedBytes =
                detachedTables.isEmpty && detachedDeadlines.isEmpty
                ? 0 : max(0, detachedBytes - (before - allocatedBytes))
        }
        if !detachedDeadlines.isEmpty, detachedDeadlines[0].free(atMost: budget / 8 + 1, heap: heap)
        {
            detachedDeadlines.removeFirst()
        }
        if let first = detachedTables.first, first.epoch < memory.pointee.epochs.oldestLive {
            let done = detachedTables[0].free(atMost: budget, heap: heap) { address in
                let entry = Entry(address)
                let bytes = entry.shape.byteCount
                var blocks = 1
                if entry.encoding == .block {
                    entry.block.letGo(heap)
                    entry.block.release(heap)
                } else if entry.encoding == .collection {
                    blocks += databases.pointee.giveUpCollection(of: entry)
                }
                heap.pointee.free(address, bytes)
                return blocks
            }
            if done { detachedTables.removeFirst() }
            more = more || !detachedTables.isEmpty
        }
        return more || !detachedDeadlines.isEmpty
    }

    /// Frees about `budget` blocks of collections that were given up; returns whether more could be
    /// freed at once.
    private func freeCollections(budget: Int) -> Bool {
        guard let first = state.pointee.detachedCollections.first,
            first.epoch < memory.pointee.epochs.oldestLive
        else { return false }
        if first.free(budget) {
            state.pointee.detachedCollectionBytes -= first.bytes
            state.pointee.detachedCollections.removeFirst()
        }
        return !state.pointee.detachedCollections.isEmpty
    }

    // MARK: - Snapshots

    /// Captures everything as it is now. This is the whole pause: the directories are copied,
    /// nothing else.
    func beginSnapshot() -> KeyspaceSnapshot {
        let (epoch, progress) = memory.pointee.epochs.begin()
        var captured: [KeyspaceSnapshot.CapturedDatabase] = []
        for index in 0..<databaseCount where databases[index].count > 0 {
            captured.append(
                KeyspaceSnapshot.CapturedDatabase(
                    index: index, table: databases[index].table.capture(),
                    volatileCount: databases[index].deadlines.count))
        }
        // A walk goes by ordinals, which SWAPDB moves to other databases.
        captured.sort { $0.table.ordinal < $1.table.ordinal }
        liveSnapshots += 1
        return KeyspaceSnapshot(
            epoch: epoch, progress: progress, databases: captured, state: state.pointee,
            hasFieldDeadlines: hasFieldDeadlines)
    }

    /// Whether any field of a hash has a deadline.
    private var hasFieldDeadlines: Bool {
        (0..<databaseCount).contains { databases[$0].fieldDeadlines.count > 0 }
    }

    /// Ends a snapshot that nobody walks any more; what only it saw is freed by `doPendingWork`.
    func endSnapshot(_ snapshot: KeyspaceSnapshot) {
        for database in snapshot.databases { database.table.release() }
        memory.pointee.epochs.end(snapshot.epoch)
        liveSnapshots -= 1
    }
}
