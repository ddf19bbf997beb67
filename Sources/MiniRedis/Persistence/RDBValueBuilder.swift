// SPDX-License-Identifier: BSD-3-Clause
//
// Builds a collection from what a dump gives, element by element, through the editors that commands
// use: it becomes what it would be had a client sent it.

/// A collection that is being read. Owned by the builder until `take()`, freed with it otherwise.
/// Used by one thread, the keyspace's.
struct RDBValueBuilder: ~Copyable {
    let type: ValueType
    private let memory: UnsafeMutablePointer<Memory>
    private let limits: EncodingLimits
    /// Fields that die at this time or earlier are left out, milliseconds since 1970.
    private let now: Int64
    /// Where the collection's address is; zero while all of it is staged, and when it was taken.
    private let word: UnsafeMutablePointer<UInt>
    /// Where it is put together as long as it is small; nil if it is not any more.
    private var stage: UnsafeMutablePointer<PackedStage>?
    /// The group and the consumer of a stream that were added last.
    private var group = ByteBuffer()
    /// What a new chunk of the stream begins with, bytes.
    private var chunkRoom = 0
    private static let largestChunkRoom = 1 << 20
    private var consumer = ByteBuffer()

    /// An empty collection, for the keyspace of that state. The stage, if there is one, is the
    /// builder's as long as it lives.
    init(
        _ type: ValueType, _ state: UnsafeMutablePointer<KeyspaceState>,
        stage: UnsafeMutablePointer<PackedStage>? = nil
    ) {
        self.type = type
        memory = state.pointee.memory
        limits = state.pointee.encodingLimits
        now = state.pointee.now
        word = .allocate(capacity: 1)
        word.initialize(to: 0)
        self.stage = type == .stream ? nil : stage
        stage?.pointee.reset()
        if self.stage == nil { word.pointee = UInt(bitPattern: type.collection.create(memory)) }
    }

    deinit {
        if let base = UnsafeMutableRawPointer(bitPattern: word.pointee) {
            type.collection.free(base, memory)
        }
        word.deallocate()
    }

    private var place: BlockPlace {
        @inline(__always) get { BlockPlace(UnsafeMutableRawPointer(word), memory: memory) }
    }

    /// Whether it is a collection that no key may hold.
    var isEmpty: Bool {
        if let stage { return stage.pointee.isEmpty }
        return type.vanishesWhenEmpty && CollectionHeader(place.base).count == 0
    }

    /// From now on the editors go on with what was staged.
    @inline(never)
    private mutating func leaveStage() {
        guard let stage else { return }
        self.stage = nil
        let base =
            stage.pointee.isEmpty
            ? type.collection.create(memory)
            : stage.pointee.finish(memory, bidirectional: type == .list)
        word.pointee = UInt(bitPattern: base)
    }

    /// Hands the collection over.
    consuming func take() -> CollectionSource {
        leaveStage()
        let source = CollectionSource(type: type, base: place.base)
        word.pointee = 0
        return source
    }
}

extension RDBValueBuilder: RDBValueSink {
    mutating func append(_ element: ByteView) {
        if let stage {
            if stage.pointee.append(element, limits) { return }
            leaveStage()
        }
        ListEditor(place, limits).append(element)
    }

    mutating func insert(_ member: ByteView) -> Bool {
        if let stage {
            if stage.pointee.insert(member, limits) { return true }
            leaveStage()
        }
        return SetEditor(place, limits).insert(member)
    }

    mutating func insert(_ member: ByteView, score: Double) -> Bool {
        if let stage {
            if stage.pointee.insert(member, score: score, limits) {
                return true
            }
            leaveStage()
        }
        return SortedSetEditor(place, limits).set(member, score) == .added
    }

    mutating func insert(field: ByteView, value: ByteView, deadline: Int64?) -> Bool {
        if let deadline, deadline <= now { return true }
        if let stage {
            if deadline == nil,
                stage.pointee.insert(field, value, limits)
            {
                return true
            }
            leaveStage()
        }
        let hash = HashEditor(place, limits)
        guard hash.set(field, value) else { return false }
        if let deadline { hash.setDeadline(field, deadline) }
        return true
    }

    // MARK: - Streams

    private var stream: StreamEditor { StreamEditor(place, limits) }

    mutating func append(_ id: StreamID, _ fields: RDBEntryFields) {
        stream.append(id, fields, room: chunkRoom)
    }

    mutating func beginEntries(listpackBytes: Int) {
        let most = limits.streamNodeBytes > 0 ? limits.streamNodeBytes : Self.largestChunkRoom
        chunkRoom = min(listpackBytes, most)
    }

    mutating func finishEntries(_ facts: RDBStreamFacts) {
        stream.setLastID(facts.lastID)
        stream.setMaximalDeletedID(facts.maximalDeletedID)
        stream.setEntriesAdded(facts.entriesAdded)
        stream.fitLastChunk()
    }

    mutating func addGroup(_ name: ByteView, _ facts: RDBGroupFacts) -> Bool {
        group.removeAll(keepingCapacity: true)
        group.append(name)
        let entriesRead: Int64? =
            switch facts.entriesRead {
            case .known(let count): count
            case .unknown: nil
            case .missing: stream.view.entriesAdded(through: facts.lastID)
            }
        return stream.createGroup(name, lastID: facts.lastID, entriesRead: entriesRead)
    }

    mutating func addConsumer(_ name: ByteView, seen: Int64, active: Int64) -> Bool {
        consumer.removeAll(keepingCapacity: true)
        consumer.append(name)
        return stream.withGroup(group.view) {
            $0.createConsumer(name, seen: seen, active: active)
        } ?? false
    }

    mutating func addPending(_ pending: RDBPendingEntry) {
        stream.withGroup(group.view) { group in
            group.withConsumer(consumer.view) { owner in
                group.assign(pending.id, to: owner, time: pending.deliveredAt) { _ in
                    pending.deliveries
                }
            }
        }
    }
}
