// SPDX-License-Identifier: BSD-3-Clause
//
// Consumer groups of a stream, their consumers, and what these have been given and not
// acknowledged.
//
//     stream root --> tree of groups, by name
//       group      0  name -> | 8 last delivered id | 24 entries read | 32 pending | 64 consumers
//         pending     tree by id:    0  id | 16 delivery time | 24 delivery count | 32 name ->
//         consumers   tree by name:  0  name -> | 8 seen time | 16 active time | 24 own
//           own         tree by id:  0  id
//
// All of it lies in the records of trees (see `CountedTree`), which obey the snapshot rule by
// themselves; a tree within a record has its head there. Names are blocks of their own that are
// never written once they are made: so their addresses stay, whatever is copied, and a pending
// entry knows its consumer by the address of its name. What is pending is written once, in the
// group; a consumer's own tree has its ids.
//
//     name         0  stamp : 40 | 8  length : 32 | 12  bytes
//
// Bytes for a pending entry: 40 in the group and 16 with its consumer, and the trees' share.
//
// Limits: deleting a consumer takes time in proportion to what it has pending, at once.

/// The name of a group or a consumer.
struct StreamName {
    let base: UnsafeRawPointer
    private static let headerBytes = 12

    @inline(__always)
    init(address: UInt) { base = UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped }

    /// The name whose address is the first field of a record.
    @inline(__always)
    init(of record: UnsafeRawPointer) { self.init(address: record.load(as: UInt.self)) }

    var address: UInt { @inline(__always) get { UInt(bitPattern: base) } }

    var view: ByteView {
        @inline(__always) get {
            ByteView(
                base + Self.headerBytes,
                count: Int(base.load(fromByteOffset: 8, as: UInt32.self)))
        }
    }

    var bytes: Int { Self.headerBytes + view.count }

    /// A copy of the bytes, which the caller owns.
    static func make(_ text: ByteView, _ memory: UnsafeMutablePointer<Memory>) -> StreamName {
        let base = memory.pointee.heap.pointee.allocate(headerBytes + text.count)
        base.storeBytes(of: 0, as: UInt64.self)
        BlockStamp.write(memory.pointee.epochs.current, to: base)
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: text.count), toByteOffset: 8, as: UInt32.self)
        (base + headerBytes).copyMemory(from: text.base, byteCount: text.count)
        return StreamName(address: UInt(bitPattern: base))
    }

    func discard(_ memory: UnsafeMutablePointer<Memory>) {
        memory.pointee.discard(UnsafeMutableRawPointer(mutating: base), bytes: bytes)
    }
}

/// A record of the tree of groups, to be read.
struct StreamGroupView: TreeLayout {
    let base: UnsafeRawPointer

    static let recordBytes = 96
    static let pendingOffset = 32
    static let consumersOffset = 64

    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        StreamName(of: left).view.compare(StreamName(of: right).view) < 0
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var name: ByteView { StreamName(of: base).view }
    /// The last identifier that was given to a consumer.
    var lastID: StreamID { @inline(__always) get { StreamID(at: base + 8) } }
    /// How many entries of the stream are at or before that; nil if unknown.
    var entriesRead: Int64? {
        let count = base.load(fromByteOffset: 24, as: Int64.self)
        return count < 0 ? nil : count
    }

    var pending: TreeView<StreamPendingView> {
        .init(base.load(fromByteOffset: Self.pendingOffset, as: TreeHead.self))
    }
    var consumers: TreeView<StreamConsumerView> {
        .init(base.load(fromByteOffset: Self.consumersOffset, as: TreeHead.self))
    }

    /// A consumer by its name, or nil.
    func consumer(_ name: ByteView) -> StreamConsumerView? {
        consumers.named(name).map { StreamConsumerView($0.record) }
    }

    /// What is pending under this identifier, or nil.
    func pending(_ id: StreamID) -> StreamPendingView? {
        let cursor = pending.lowerBound { StreamID(at: $0) < id }
        guard !cursor.isAtEnd, StreamID(at: cursor.record) == id else { return nil }
        return StreamPendingView(cursor.record)
    }
}

/// A record of a group's tree of consumers, to be read.
struct StreamConsumerView: TreeLayout {
    let base: UnsafeRawPointer

    static let recordBytes = 56
    static let ownOffset = 24

    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        StreamName(of: left).view.compare(StreamName(of: right).view) < 0
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var name: ByteView { StreamName(of: base).view }
    /// When it last asked for anything, milliseconds since the epoch.
    var seenTime: Int64 { base.load(fromByteOffset: 8, as: Int64.self) }
    /// When it was last given anything; -1: never.
    var activeTime: Int64 { base.load(fromByteOffset: 16, as: Int64.self) }
    /// The identifiers of what it has not acknowledged.
    var own: TreeView<StreamOwnRecord> {
        .init(base.load(fromByteOffset: Self.ownOffset, as: TreeHead.self))
    }
}

/// A record of a group's tree of what is pending, to be read.
struct StreamPendingView: TreeLayout {
    let base: UnsafeRawPointer

    static let recordBytes = 40

    @inline(__always)
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        StreamID(at: left) < StreamID(at: right)
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var id: StreamID { @inline(__always) get { StreamID(at: base) } }
    /// Milliseconds since the epoch.
    var deliveryTime: Int64 { base.load(fromByteOffset: 16, as: Int64.self) }
    var deliveryCount: Int64 { base.load(fromByteOffset: 24, as: Int64.self) }
    /// The consumer to which it was given last. While a dump is loaded there may be none: see
    /// `StreamGroupEditor.addPending`.
    var consumer: StreamName { StreamName(address: base.load(fromByteOffset: 32, as: UInt.self)) }
}

/// A record of a consumer's own tree: an identifier.
struct StreamOwnRecord: TreeLayout {
    static let recordBytes = 16

    @inline(__always)
    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
        StreamID(at: left) < StreamID(at: right)
    }
}

extension TreeView {
    /// The record that begins with the address of this name, in a tree ordered by names, or nil.
    func named(_ name: ByteView) -> Cursor? {
        let cursor = lowerBound { StreamName(of: $0).view.compare(name) < 0 }
        guard !cursor.isAtEnd, StreamName(of: cursor.record).view == name else { return nil }
        return cursor
    }

    /// Calls `body` with each record, in order, from a cursor on, until it returns false.
    @inline(__always)
    func forEachRecord(from start: Cursor, _ body: (UnsafeRawPointer) -> Bool) {
        var cursor = start
        while !cursor.isAtEnd, body(cursor.record) { _ = cursor.next() }
    }

    /// Calls `body` with each record, in order.
    @inline(__always)
    func forEachRecord(_ body: (UnsafeRawPointer) -> Void) {
        forEachRecord(from: first()) { record in
            body(record)
            return true
        }
    }
}

extension StreamView {
    /// A group by its name, or nil.
    func group(_ name: ByteView) -> StreamGroupView? {
        groups.named(name).map { StreamGroupView($0.record) }
    }

    /// How many entries a group has not been given yet; nil if that is unknown.
    func lag(of group: StreamGroupView) -> Int64? {
        if entriesAdded == 0 { return 0 }
        if let read = group.entriesRead, !hasDeletions(from: group.lastID) {
            return entriesAdded &- read
        }
        return entriesAdded(through: group.lastID).map { entriesAdded &- $0 }
    }
}
