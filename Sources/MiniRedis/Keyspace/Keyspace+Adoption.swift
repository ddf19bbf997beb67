// SPDX-License-Identifier: BSD-3-Clause
//
// Keyspace: contents that were put together elsewhere, taken over at once.
//
// A dump is read by a thread into a keyspace of its own, while the loop serves from this one. When
// it is whole, the two exchange what their databases hold, a few words each, and what was here
// before is freed like what a flush left.
//
//     the loop's  [ tables, indexes ]  heap: 5 GB     --+--  flushed, freed in slices
//     the other   [ tables, indexes ]  heap: 7 GB     --+--> here; its bytes are counted here now
//
// Whose is what. Tables and indexes belong to a database of this keyspace as soon as they are in
// it: each keeps its own memory and place in the order of walks. The big collections know a memory
// too, in the roots of their tables; to visit them all would be a pause, so they are told of this
// keyspace's one at a time, by the thread, when they are finished (`KeyspaceState.home`). Nothing
// looks at it before the adoption; who frees a collection says again whose it is.
//
// Stamps. What the thread makes is stamped with the epoch in which it began. A snapshot of this
// keyspace that began later and still lives takes it for something that it may see: that costs a
// copy at the first change, as after any snapshot's start, and breaks nothing. What it does see,
// the old contents, is detached with the present epoch and outlives it.

extension Keyspace {
    /// An empty keyspace with the same databases and hash, for another thread to fill while `home`
    /// is in use. The caller hands it over to that thread, and back.
    convenience init(toBeAdoptedBy home: Keyspace) {
        self.init(
            databaseCount: home.databaseCount, hasher: home.hasher,
            epoch: home.memory.pointee.epochs.current)
        state.pointee.home = home.memory
        state.pointee.countsFrequency = home.state.pointee.countsFrequency
        state.pointee.frequencyScale = home.state.pointee.frequencyScale
        state.pointee.encodingLimits = home.state.pointee.encodingLimits
        state.pointee.setTime(home.state.pointee.now)
    }

    /// Exchanges all contents with those of `other`, which was made for this keyspace; `other` is
    /// empty afterwards. Whoever watches or waits for a key is told; changes since the last save
    /// stay what they were.
    func adopt(_ other: Keyspace) {
        precondition(other.state.pointee.home == memory, "a keyspace is adopted by its home")
        precondition(
            other.liveSnapshots == 0 && other.pendingFrees == 0
                && other.state.pointee.detachedCollections.isEmpty,
            "what is adopted is complete and nothing else")
        for index in 0..<databaseCount where empty(index) + other.databases[index].count > 0 {
            exchange(databases + index, other.databases + index)
            state.pointee.changeLog.note(.swapped(with: index), database: index)
        }
        var left = 0
        for index in 0..<databaseCount { left += other.databases[index].byteCount }
        let heap = memory.pointee.heap
        let others = other.memory.pointee.heap
        heap.pointee.takeOver(others.pointee.allocatedBytes - left, from: &others.pointee)
        heap.pointee.idleBlockBytes += others.pointee.idleBlockBytes
        others.pointee.idleBlockBytes = 0
        state.pointee.streams += other.state.pointee.streams
        other.state.pointee.streams = 0
        state.pointee.takeLibraries(from: &other.state.pointee)
    }

    private func exchange(
        _ one: UnsafeMutablePointer<Database>, _ other: UnsafeMutablePointer<Database>
    ) {
        one.pointee.table.exchangeContents(with: &other.pointee.table)
        one.pointee.deadlines.exchangeContents(with: &other.pointee.deadlines)
        one.pointee.fieldDeadlines.exchangeContents(with: &other.pointee.fieldDeadlines)
    }
}

extension Database {
    /// Bytes of the table and the indexes, as allocated.
    fileprivate var byteCount: Int {
        table.byteCount + deadlines.byteCount + fieldDeadlines.byteCount
    }
}

extension CollectionSource {
    /// Says whose the collection is, if it knows.
    func settle(in memory: UnsafeMutablePointer<Memory>) {
        guard CollectionHeader(base).isRoot else { return }
        switch type {
        case .set: SetTable(base).settle(in: memory)
        case .hash: HashTable(base).settle(in: memory)
        case .sortedSet: SortedSetTable(base).settle(in: memory)
        case .string, .list, .stream: break
        }
    }
}
