// SPDX-License-Identifier: BSD-3-Clause
//
// A stream to be read: by the loop, or, from a captured block, by any thread.

/// A record of the tree of chunks.
///
///     0   identifier of the first entry ever put into the chunk : 128
///    16   the chunk's address : 64
///    24   entries that are not deleted : 64
struct StreamChunkRecord: TreeLayout {
    let base: UnsafeRawPointer

    static let recordBytes = 32
    static let addressOffset = 16
    static let liveOffset = 24

    @inline(__always)
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        StreamID(at: left) < StreamID(at: right)
    }

    @inline(__always)
    static func weight(_ record: UnsafeRawPointer) -> Int {
        record.load(fromByteOffset: liveOffset, as: Int.self)
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var live: Int { @inline(__always) get { Self.weight(base) } }

    var chunk: StreamChunk {
        @inline(__always) get {
            let address = base.load(fromByteOffset: Self.addressOffset, as: UInt.self)
            return StreamChunk(
                UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped, origin: StreamID(at: base))
        }
    }
}

/// A stream's root block. Owns nothing; the loop's own view is valid until the stream changes, one
/// of a snapshot as long as that lives.
struct StreamView {
    typealias Chunks = TreeView<StreamChunkRecord>

    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    /// Entries.
    var count: Int { @inline(__always) get { base.load(fromByteOffset: 8, as: Int.self) } }
    /// The greatest identifier ever given.
    var lastID: StreamID { @inline(__always) get { StreamID(at: base + 16) } }
    /// The greatest identifier ever deleted by XDEL.
    var maximalDeletedID: StreamID { StreamID(at: base + 32) }
    /// Entries ever added.
    var entriesAdded: Int64 { base.load(fromByteOffset: 48, as: Int64.self) }

    var chunks: Chunks { @inline(__always) get { Chunks(head(56)) } }
    var groups: TreeView<StreamGroupView> { @inline(__always) get { .init(head(88)) } }

    @inline(__always)
    private func head(_ offset: Int) -> TreeHead {
        base.load(fromByteOffset: offset, as: TreeHead.self)
    }

    /// The first entry's identifier; zero if there is none.
    var firstID: StreamID {
        let cursor = chunks.first()
        guard !cursor.isAtEnd else { return .zero }
        let chunk = StreamChunkRecord(cursor.record).chunk
        return chunk.entry(at: chunk.first)?.id ?? .zero
    }

    /// The last entry's identifier; zero if there is none.
    var lastEntryID: StreamID {
        var id = StreamID.zero
        forEachBackwards(from: .maximum, downTo: .zero) { entry in
            id = entry.id
            return false
        }
        return id
    }

    /// The chunk where an entry of this identifier would be, or the first one if it is before all.
    @inline(__always)
    func chunkCursor(_ id: StreamID) -> Chunks.Cursor {
        var cursor = chunks.lowerBound { StreamID(at: $0) <= id }
        _ = cursor.previous()
        return cursor
    }

    /// The entry of this identifier, or nil.
    func entry(_ id: StreamID) -> StreamEntry? {
        let cursor = chunkCursor(id)
        guard !cursor.isAtEnd else { return nil }
        return StreamChunkRecord(cursor.record).chunk.entry(id)
    }

    /// Whether there is an entry behind this identifier.
    @inline(__always)
    func hasEntry(after id: StreamID) -> Bool {
        guard count > 0, id < lastID, let start = id.next else { return false }
        var found = false
        forEach(from: start, through: .maximum) { _ in
            found = true
            return false
        }
        return found
    }

    /// Calls `body` with each entry from `start` to `end`, both included, until it returns false.
    @inline(__always)
    func forEach(from start: StreamID, through end: StreamID, _ body: (StreamEntry) -> Bool) {
        guard start <= end else { return }
        var cursor = chunkCursor(start)
        var isFirst = true
        while !cursor.isAtEnd {
            let chunk = StreamChunkRecord(cursor.record).chunk
            var next =
                isFirst ? chunk.firstEntry(atLeast: start) : chunk.liveEntry(from: chunk.first)
            isFirst = false
            while let entry = next {
                guard entry.id <= end, body(entry) else { return }
                next = chunk.liveEntry(from: entry.next)
            }
            guard cursor.next() else { return }
        }
    }

    /// Calls `body` with each entry from `end` back to `start`, both included, until it returns
    /// false.
    @inline(__always)
    func forEachBackwards(
        from end: StreamID, downTo start: StreamID, _ body: (StreamEntry) -> Bool
    ) {
        guard start <= end else { return }
        var cursor = chunkCursor(end)
        while !cursor.isAtEnd {
            let record = StreamChunkRecord(cursor.record)
            let (chunk, live) = (record.chunk, record.live)
            let goesOn = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: live) { places in
                var count = 0
                var next = chunk.liveEntry(from: chunk.first)
                while let entry = next, entry.id <= end, count < live {
                    places[count] = UInt32(truncatingIfNeeded: entry.offset)
                    count += 1
                    next = chunk.liveEntry(from: entry.next)
                }
                while count > 0 {
                    count -= 1
                    guard let entry = chunk.entry(at: Int(places[count])), entry.id >= start,
                        body(entry)
                    else { return false }
                }
                return true
            }
            guard goesOn, cursor.previous() else { return }
        }
    }

    /// Calls `body` with each chunk and the number of its entries that are not deleted, in order,
    /// until it returns false.
    func forEachChunk(_ body: (StreamChunk, _ live: Int) -> Bool) {
        var cursor = chunks.first()
        while !cursor.isAtEnd {
            let record = StreamChunkRecord(cursor.record)
            guard body(record.chunk, record.live) else { return }
            _ = cursor.next()
        }
    }

    /// Calls `body` with each entry, in order.
    func forEach(_ body: (StreamEntry) -> Void) {
        forEach(from: .zero, through: .maximum) { entry in
            body(entry)
            return true
        }
    }
}

// MARK: - How far somebody has read

extension StreamView {
    /// Whether XDEL may have left a gap among the entries from `start` to `end`.
    func hasDeletions(from start: StreamID, through end: StreamID = .maximum) -> Bool {
        count > 0 && maximalDeletedID != .zero && start <= maximalDeletedID
            && maximalDeletedID <= end && firstID <= maximalDeletedID
    }

    /// How many entries were ever added up to `id`, that one included; nil if that is unknown.
    func entriesAdded(through id: StreamID) -> Int64? {
        if entriesAdded == 0 { return 0 }
        if count == 0 && id <= lastID { return entriesAdded }
        if id == lastID { return entriesAdded }
        if id > lastID { return nil }
        let first = firstID
        guard maximalDeletedID == .zero || maximalDeletedID < first else { return nil }
        if id < first { return entriesAdded - Int64(count) }
        if id == first { return entriesAdded - Int64(count) + 1 }
        return nil
    }
}
