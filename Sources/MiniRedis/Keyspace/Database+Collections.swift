// SPDX-License-Identifier: BSD-3-Clause
//
// Database: collections. They are created, changed through their place, replaced and given up here;
// what is inside of them is their type's.
//
//     update(slot) --> the entry made writable --> body(place): the type's own edits
//                  --> commit, with the number of changes --> empty? the key goes

/// A collection that was given up and waits to be freed.
struct DetachedCollection {
    /// Nothing is freed while a snapshot of this epoch or an earlier one lives.
    var epoch: UInt64
    /// What it takes, bytes: an estimate, 0 for parts of a stream.
    var bytes = 0
    /// Frees about so many blocks; true when all is done.
    var free: (_ budget: Int) -> Bool
}

extension Database {
    /// A collection of more blocks than this is freed in slices.
    static var freedAtOnce: Int { 256 }
    /// Elements that are looked at to know what a collection takes.
    private static var sampledElements: Int { 16 }

    /// Adds a key with a collection, which it owns from now on; not committed.
    mutating func addCollection(
        _ key: ByteView, _ hash: UInt64, _ collection: CollectionSource, deadline: Int64? = nil
    ) -> TableSlot {
        let shape = Entry.Shape(
            keyCount: key.count, valueCount: 8, hasDeadline: deadline != nil)
        let block = heap.pointee.allocate(shape.byteCount)
        Entry.write(
            at: block, shape, key: key, collection: collection, deadline: deadline,
            accessClock: state.pointee.accessClock)
        table.insert(block, hash: hash)
        if collection.type == .stream { state.pointee.streams += 1 }
        if deadline != nil { moveDeadline(from: nil, to: deadline, hash) }
        if collection.type == .hash {
            moveFieldDeadline(from: nil, to: HashValue.nextDeadline(collection.base), hash)
        }
        guard let slot = table.find(hash, key) else {
            preconditionFailure("a key that was inserted is found")
        }
        return slot
    }

    /// Stores a collection, which the key owns from now on, whatever was there; its deadline goes.
    /// An empty collection is freed, and the key removed. Returns whether there is a key now.
    @discardableResult
    mutating func store(
        _ key: ByteView, _ hash: UInt64, _ collection: CollectionSource, _ event: KeyspaceEvent
    ) -> Bool {
        let old = lookup(key, hash)
        if CollectionHeader(collection.base).count == 0 && collection.type.vanishesWhenEmpty {
            collection.type.collection.free(collection.base, state.pointee.memory)
            if let old { remove(old, hash) }
            return false
        }
        if let old { takeOut(old, hash) } else { note(.new, key, hash) }
        _ = addCollection(key, hash, collection)
        commit(event, key, hash)
        return true
    }

    /// Where the address of the collection in `slot` is kept, in an entry that may be written.
    @inline(__always)
    mutating func place(_ slot: TableSlot, _ hash: UInt64) -> BlockPlace {
        let entry = Entry(slot.entry)
        touch(entry)
        if table.isPrivate(slot, hash: hash) { return entry.place(state.pointee.memory) }
        return copied(slot, hash).place(state.pointee.memory)
    }

    @inline(never)
    private mutating func copied(_ slot: TableSlot, _ hash: UInt64) -> Entry {
        let old = Entry(slot.entry)
        let bytes = old.shape.byteCount
        let block = old.copied(heap)
        table.replace(slot, hash: hash, with: block)
        state.pointee.memory.pointee.retire(old.base, bytes: bytes)
        return Entry(block)
    }

    /// Lets `body` change the collection in `slot`; it returns how many changes it made. If there
    /// are any they are committed as `event`; if the collection is empty then, the key goes.
    ///
    /// `body` may look keys up, but not change any. If it throws it has changed nothing.
    @inline(__always)
    @discardableResult
    mutating func update<Failure: Error>(
        _ slot: TableSlot, _ key: KeyArgument, _ event: KeyspaceEvent,
        _ body: (BlockPlace) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        let type = Entry(slot.entry).type
        let place = place(slot, key.hash)
        let before = type == .hash ? HashValue.nextDeadline(place.base) : nil
        let changes: Int
        do throws(Failure) {
            changes = try body(place)
        } catch {
            if CollectionHeader(place.base).count == 0 { removeIfEmpty(key, type, 0) }
            throw error
        }
        if type == .hash {
            moveFieldDeadline(from: before, to: HashValue.nextDeadline(place.base), key.hash)
        }
        if changes > 0 { commit(event, key.bytes, key.hash, changes: changes) }
        if CollectionHeader(place.base).count == 0 { removeIfEmpty(key, type, changes) }
        return changes
    }

    /// Removes a key whose collection is empty: one that was made in vain without a word.
    @inline(never)
    private mutating func removeIfEmpty(_ key: KeyArgument, _ type: ValueType, _ changes: Int) {
        guard type.vanishesWhenEmpty, let slot = table.find(key.hash, key.bytes) else { return }
        if changes > 0 { note(.delete, key.bytes, key.hash) }
        takeOut(slot, key.hash)
    }

    /// Frees the collection of an entry that has left the table: at once if it is small and no
    /// snapshot lives, else later and in slices.
    @inline(never)
    func discardCollection(of entry: Entry) {
        _ = giveUpCollection(of: entry)
    }

    /// Frees what was taken out of a stream: at once if it is little and no snapshot lives, else
    /// later and in slices.
    func giveUp(_ remains: StreamRemains) {
        var remains = remains
        let memory = state.pointee.memory
        if memory.pointee.isQuiet && remains.free(atMost: Self.freedAtOnce) { return }
        state.pointee.detachedCollections.append(
            DetachedCollection(
                epoch: memory.pointee.epochs.current, free: { remains.free(atMost: $0) }))
    }

    /// The same; returns how many blocks were freed at once.
    func giveUpCollection(of entry: Entry) -> Int {
        giveUp(CollectionSource(type: entry.type, base: entry.collection))
    }

    /// Frees a collection that nobody points to any more: at once if it is small and no snapshot
    /// lives, else later and in slices. Returns how many blocks were freed at once.
    @discardableResult
    func giveUp(_ collection: CollectionSource) -> Int {
        let memory = state.pointee.memory
        if collection.type == .stream { state.pointee.streams -= 1 }
        let type = collection.type.collection
        let base = collection.base
        let blocks = type.blockCount(base)
        if memory.pointee.isQuiet && blocks <= Self.freedAtOnce {
            type.free(base, memory)
            return blocks
        }
        let bytes = type.byteCount(base, samples: Self.sampledElements)
        state.pointee.detachedCollectionBytes += bytes
        state.pointee.detachedCollections.append(
            DetachedCollection(
                epoch: memory.pointee.epochs.current, bytes: bytes,
                free: type.dismantle(base, memory)))
        return 1
    }
}

// MARK: - Looking ahead

extension Database {
    /// Asks for the head of the collection whose key's hash is `hash`, if its entry is where most
    /// entries are. Reads the entry, which should have been asked for; returns it.
    @inline(__always)
    func prefetchCollection(_ hash: UInt64) -> UnsafeRawPointer? {
        guard let base = table.likelyEntry(hash) else { return nil }
        let entry = Entry(base)
        guard entry.encoding == .collection, entry.type.hasElementTable else { return nil }
        let collection = UnsafeRawPointer(entry.collection)
        prefetch(collection)
        prefetch(collection + 64)
        return collection
    }

    /// Asks for the bucket of an element with this hash, if the collection has a table. Reads its
    /// head; returns whether there is a bucket to be read.
    @inline(__always)
    func prefetchElementBucket(_ collection: UnsafeRawPointer, _ hash: UInt64) -> Bool {
        guard CollectionHeader(collection).isRoot else { return false }
        SetTable(collection).table.pointee.prefetchBucket(hash)
        return true
    }

    /// Asks for the element, if its bucket (which should have been asked for) names one. How
    /// elements are laid out is of no matter.
    @inline(__always)
    func prefetchElement(_ collection: UnsafeRawPointer, _ hash: UInt64) {
        SetTable(collection).table.pointee.prefetchEntry(hash)
    }
}
