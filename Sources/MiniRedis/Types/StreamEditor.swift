// SPDX-License-Identifier: BSD-3-Clause
//
// A stream, to be written: entries are added, deleted and trimmed, and its numbers set.

/// What to leave of a stream.
struct StreamTrim {
    enum Bound {
        /// So many entries.
        case count(Int)
        /// Entries from this identifier on.
        case minimum(StreamID)
    }

    var bound: Bound
    /// Only whole chunks go: at least what the bound asks for is left.
    var isApproximate = false
    /// The most entries that go, or 0.
    var limit = 0
}

/// A stream behind a place that may be written. Owns nothing; valid as long as the place is.
struct StreamEditor {
    let place: BlockPlace
    let limits: EncodingLimits

    /// A stream's root block.
    static let rootBytes = 120

    @inline(__always)
    init(_ place: BlockPlace, _ limits: EncodingLimits) {
        self.place = place
        self.limits = limits
    }

    var view: StreamView { @inline(__always) get { StreamView(place.base) } }
    private var memory: UnsafeMutablePointer<Memory> { @inline(__always) get { place.memory } }

    /// The root, to be written.
    @inline(__always)
    func root() -> UnsafeMutableRawPointer { place.writable(bytes: Self.rootBytes) }

    @inline(__always)
    func chunks(_ root: UnsafeMutableRawPointer) -> CountedTree<StreamChunkRecord> {
        CountedTree(
            head: (root + 56).assumingMemoryBound(to: TreeHead.self), memory: memory)
    }

    func groups(_ root: UnsafeMutableRawPointer) -> CountedTree<StreamGroupView> {
        CountedTree(
            head: (root + 88).assumingMemoryBound(to: TreeHead.self), memory: memory)
    }

    // MARK: - The stream's numbers

    func setLastID(_ id: StreamID) { id.write(to: root() + 16) }
    func setMaximalDeletedID(_ id: StreamID) { id.write(to: root() + 32) }
    func setEntriesAdded(_ count: Int64) {
        root().storeBytes(of: count, toByteOffset: 48, as: Int64.self)
    }

    @inline(__always)
    private func addCount(_ difference: Int, _ root: UnsafeMutableRawPointer) {
        CollectionHeader.setRootCount(CollectionHeader(root).count &+ difference, at: root)
    }

    // MARK: - Entries

    /// Adds an entry whose identifier is greater than the last one; its fields and values are no
    /// longer than `StreamChunk.mostBytes` together. A chunk that begins with it gets `room` bytes
    /// if that is more than it would have.
    @inline(__always)
    func append(_ id: StreamID, _ fields: some StreamFields, room: Int = 0) {
        let root = root()
        let tree = chunks(root)
        var cursor = tree.view.last()
        if tree.isEmpty {
            addChunk(id, fields, StreamAddition(fields, shared: nil), tree, room)
        } else {
            let record = StreamChunkRecord(cursor.record)
            let addition = StreamAddition(fields, shared: record.chunk.sharedFields)
            if record.chunk.isFull(for: addition, live: record.live, limits) {
                seal(&cursor, tree)
                addChunk(id, fields, addition, tree, room)
            } else {
                tree.update(&cursor) { record in
                    editor(record).append(id, fields, addition)
                    addLive(1, record)
                }
            }
        }
        addCount(1, root)
        id.write(to: root + 16)
        let added = root.load(fromByteOffset: 48, as: Int64.self)
        root.storeBytes(of: added &+ 1, toByteOffset: 48, as: Int64.self)
    }

    @inline(__always)
    private func editor(_ record: UnsafeMutableRawPointer) -> StreamChunkEditor {
        StreamChunkEditor(
            place: BlockPlace(record + StreamChunkRecord.addressOffset, memory: memory),
            origin: StreamID(at: record))
    }

    @inline(__always)
    private func addLive(_ difference: Int, _ record: UnsafeMutableRawPointer) {
        record.storeBytes(
            of: StreamChunkRecord.weight(record) &+ difference,
            toByteOffset: StreamChunkRecord.liveOffset, as: Int.self)
    }

    /// Gives back the room of the last chunk, which is full.
    private func seal(
        _ cursor: inout CountedTree<StreamChunkRecord>.Cursor,
        _ tree: CountedTree<StreamChunkRecord>
    ) {
        let chunk = StreamChunkRecord(cursor.record).chunk
        guard memory.pointee.isWritable(chunk.base) else { return }
        tree.update(&cursor) { editor($0).fit() }
    }

    /// Gives back what the last chunk has too much, when nothing is added for a while.
    func fitLastChunk() {
        let tree = chunks(root())
        guard !tree.isEmpty else { return }
        var cursor = tree.view.last()
        seal(&cursor, tree)
    }

    @inline(never)
    private func addChunk(
        _ id: StreamID, _ fields: some StreamFields, _ addition: StreamAddition,
        _ tree: CountedTree<StreamChunkRecord>, _ least: Int
    ) {
        var addition = addition
        addition.begin()
        withUnsafeTemporaryAllocation(
            byteCount: StreamChunkRecord.recordBytes, alignment: 16
        ) { room in
            guard let record = room.baseAddress else { return }
            let chunk = StreamChunkEditor.make(
                fields, addition, isFirst: tree.isEmpty, room: least, memory)
            id.write(to: record)
            record.storeBytes(
                of: UInt(bitPattern: chunk), toByteOffset: StreamChunkRecord.addressOffset,
                as: UInt.self)
            record.storeBytes(of: 1, toByteOffset: StreamChunkRecord.liveOffset, as: Int.self)
            editor(record).append(id, fields, addition)
            tree.append(record)
        }
    }

    /// Deletes an entry as XDEL does; false if there is none of this identifier.
    func delete(_ id: StreamID) -> Bool {
        guard let entry = view.entry(id) else { return false }
        let root = root()
        let tree = chunks(root)
        var cursor = view.chunkCursor(id)
        if StreamChunkRecord(cursor.record).live == 1 {
            removeChunk(&cursor, tree)
        } else {
            tree.update(&cursor) { record in
                let chunk = editor(record)
                chunk.delete(entry)
                chunk.compactIfWasteful()
                addLive(-1, record)
            }
        }
        addCount(-1, root)
        if id > StreamView(root).maximalDeletedID { id.write(to: root + 32) }
        return true
    }

    private func removeChunk(
        _ cursor: inout CountedTree<StreamChunkRecord>.Cursor,
        _ tree: CountedTree<StreamChunkRecord>
    ) {
        let chunk = StreamChunkRecord(cursor.record).chunk
        tree.remove(&cursor)
        memory.pointee.discard(
            UnsafeMutableRawPointer(mutating: chunk.base), bytes: chunk.capacity)
    }

    // MARK: - Trimming

    /// Deletes entries from the first one on; returns how many. It goes as Redis goes, which drops
    /// whole nodes and may therefore leave more.
    func trim(_ trim: StreamTrim) -> Int {
        let root = root()
        let tree = chunks(root)
        let count = view.count
        var deleted = 0
        while !tree.isEmpty {
            var cursor = tree.view.first()
            let record = StreamChunkRecord(cursor.record)
            if case .count(let most) = trim.bound, count - deleted <= most { break }
            if trim.limit > 0 && deleted + record.live > trim.limit { break }
            let goes =
                switch trim.bound {
                case .count(let most): count - deleted - record.live >= most
                case .minimum(let id): record.chunk.lastID < id
                }
            if goes {
                deleted += record.live
                removeChunk(&cursor, tree)
                continue
            }
            if !trim.isApproximate {
                deleted += trimFirstChunk(trim.bound, left: count - deleted, &cursor, tree)
            }
            break
        }
        if deleted > 0 { addCount(-deleted, root) }
        return deleted
    }

    /// Deletes entries of the first chunk, not all of which must go; returns how many.
    private func trimFirstChunk(
        _ bound: StreamTrim.Bound, left: Int,
        _ cursor: inout CountedTree<StreamChunkRecord>.Cursor,
        _ tree: CountedTree<StreamChunkRecord>
    ) -> Int {
        let record = StreamChunkRecord(cursor.record)
        let deleted: Int
        switch bound {
        case .count(let most): deleted = left - most
        case .minimum(let id): deleted = record.chunk.liveEntries(before: id)
        }
        guard deleted > 0 else { return 0 }
        if deleted >= record.live {
            removeChunk(&cursor, tree)
            return record.live
        }
        tree.update(&cursor) { record in
            let chunk = editor(record)
            chunk.deleteFirst(deleted)
            chunk.compactIfWasteful()
            addLive(-deleted, record)
        }
        return deleted
    }
}
