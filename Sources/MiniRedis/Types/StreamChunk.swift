// SPDX-License-Identifier: BSD-3-Clause
//
// A run of a stream's entries in one stamped block, to be read.
//
//     offset 0   stamp : 40
//            8   used : 32       where the next entry goes
//           12   capacity : 32   bytes of the block
//           16   entries : 32    ever put here, those that were deleted included
//           20   nominal : 32    what Redis's listpack of it would take, without its two counts
//           24   first : 32      where the first entry is that is not deleted
//           28   waste : 32      bytes of deleted entries
//           32   last identifier : 128   of all that were ever here
//           48   number of shared fields, the fields, each with its length before it
//            .   entries
//
//     entry      flags : 8 | bytes behind this number | ms | seq | [number of fields] | items
//
// All numbers of an entry, and the lengths before fields and values, are of 7 bits a byte, the
// lowest first, the high bit saying that there is more. Milliseconds count from the chunk's first
// identifier (its record has it), and so does the sequence if the milliseconds are the same. An
// entry whose fields are those of the chunk's first one, in their order, has values only: most
// entries of a stream are alike.
//
// Deleted entries are skipped by their flag; those in front of `first` need none. When half of a
// chunk is waste it is rewritten. How many entries it ever had, its nominal size and its last
// identifier stay, because where Redis ends a node, and when `MAXLEN ~` or `MINID ~` drops it, is
// seen by clients.
//
// Backwards, the places of a chunk's entries are looked up first: an entry needs no way back.

/// A view of a chunk. Owns nothing; a snapshot's may be read by any thread.
struct StreamChunk {
    static let headerBytes = 48

    let base: UnsafeRawPointer
    /// The first identifier that was put here: what others are relative to.
    let origin: StreamID

    @inline(__always)
    init(_ base: UnsafeRawPointer, origin: StreamID) {
        self.base = base
        self.origin = origin
    }

    @inline(__always)
    private func field(_ offset: Int) -> Int {
        Int(base.load(fromByteOffset: offset, as: UInt32.self))
    }

    var used: Int { @inline(__always) get { field(8) } }
    var capacity: Int { @inline(__always) get { field(12) } }
    /// Entries that were ever put here.
    var entries: Int { @inline(__always) get { field(16) } }
    var nominalBytes: Int { @inline(__always) get { field(20) } }
    var first: Int { @inline(__always) get { field(24) } }
    var waste: Int { @inline(__always) get { field(28) } }
    var lastID: StreamID { @inline(__always) get { StreamID(at: base + 32) } }

    /// The fields of the chunk's first entry, each with its length.
    var sharedFields: PackedStrings {
        @inline(__always) get {
            var at = base + Self.headerBytes
            let count = Varint.read(&at)
            return PackedStrings(at: at, count: Int(truncatingIfNeeded: count))
        }
    }

    /// The entry at an offset, which may be `used`: there is none then.
    @inline(__always)
    func entry(at offset: Int) -> StreamEntry? {
        guard offset < used else { return nil }
        var at = base + offset
        let flags = at.load(as: UInt8.self)
        at += 1
        let length = Int(truncatingIfNeeded: Varint.read(&at))
        let next = at + length - base
        let milliseconds = Varint.read(&at)
        var sequence = Varint.read(&at)
        if milliseconds == 0 { sequence &+= origin.sequence }
        return StreamEntry(
            chunk: self, flags: flags, offset: offset, next: next, items: at,
            id: StreamID(
                milliseconds: origin.milliseconds &+ milliseconds, sequence: sequence))
    }

    /// The first entry at or behind `offset` that is not deleted.
    @inline(__always)
    func liveEntry(from offset: Int) -> StreamEntry? {
        var at = offset
        while let entry = entry(at: at) {
            if !entry.isDeleted { return entry }
            at = entry.next
        }
        return nil
    }

    /// The first entry that is not deleted and whose identifier is at least `id`.
    @inline(__always)
    func firstEntry(atLeast id: StreamID) -> StreamEntry? {
        var at = first
        while let entry = entry(at: at) {
            if !entry.isDeleted && entry.id >= id { return entry }
            at = entry.next
        }
        return nil
    }

    /// Entries before `id` that are not deleted.
    func liveEntries(before id: StreamID) -> Int {
        var number = 0
        var next = liveEntry(from: first)
        while let entry = next, entry.id < id {
            number += 1
            next = liveEntry(from: entry.next)
        }
        return number
    }

    /// The entry of this identifier, if it is here and not deleted.
    func entry(_ id: StreamID) -> StreamEntry? {
        guard let entry = firstEntry(atLeast: id), entry.id == id else { return nil }
        return entry
    }
}

/// An entry in a chunk. Owns nothing.
struct StreamEntry {
    enum Flag {
        static let deleted: UInt8 = 1
        static let sharesFields: UInt8 = 2
    }

    let chunk: StreamChunk
    let flags: UInt8
    let offset: Int
    /// The offset of the entry behind it.
    let next: Int
    fileprivate let items: UnsafeRawPointer
    let id: StreamID

    @inline(__always)
    init(
        chunk: StreamChunk, flags: UInt8, offset: Int, next: Int, items: UnsafeRawPointer,
        id: StreamID
    ) {
        self.chunk = chunk
        self.flags = flags
        self.offset = offset
        self.next = next
        self.items = items
        self.id = id
    }

    var isDeleted: Bool { @inline(__always) get { flags & Flag.deleted != 0 } }
    /// Whether its fields are the chunk's.
    var sharesFields: Bool { @inline(__always) get { flags & Flag.sharesFields != 0 } }

    /// The number of fields, each of which has a value.
    var fieldCount: Int {
        @inline(__always) get {
            if sharesFields { return chunk.sharedFields.count }
            var at = items
            return Int(truncatingIfNeeded: Varint.read(&at))
        }
    }

    /// Calls `body` for each field and its value, in order.
    @inline(__always)
    func forEach(_ body: (_ field: ByteView, _ value: ByteView) -> Void) {
        if sharesFields {
            var fields = chunk.sharedFields
            var values = PackedStrings(at: items, count: fields.count)
            while let field = fields.next(), let value = values.next() { body(field, value) }
        } else {
            var at = items
            let count = Int(truncatingIfNeeded: Varint.read(&at))
            var pairs = PackedStrings(at: at, count: 2 &* count)
            while let field = pairs.next(), let value = pairs.next() { body(field, value) }
        }
    }
}

/// Strings in a row, each with its length before it.
struct PackedStrings {
    private(set) var at: UnsafeRawPointer
    /// Those that are left.
    private(set) var count: Int

    @inline(__always)
    init(at: UnsafeRawPointer, count: Int) {
        self.at = at
        self.count = count
    }

    @inline(__always)
    mutating func next() -> ByteView? {
        guard count > 0 else { return nil }
        count &-= 1
        let length = Int(truncatingIfNeeded: Varint.read(&at))
        let view = ByteView(at, count: length)
        at += length
        return view
    }
}

/// Numbers of 7 bits a byte, the lowest first; the high bit says that there is more.
enum Varint {
    @inline(__always)
    static func read(_ at: inout UnsafeRawPointer) -> UInt64 {
        let byte = at.load(as: UInt8.self)
        at += 1
        if byte < 0x80 { return UInt64(byte) }
        return readLong(&at, UInt64(byte & 0x7F))
    }

    private static func readLong(_ at: inout UnsafeRawPointer, _ start: UInt64) -> UInt64 {
        var (value, shift) = (start, UInt64(7))
        while true {
            let byte = at.load(as: UInt8.self)
            at += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }

    /// Bytes that `value` takes: 1 to 10.
    @inline(__always)
    static func length(_ value: UInt64) -> Int {
        value < 0x80 ? 1 : (70 &- value.leadingZeroBitCount) / 7
    }

    @inline(__always)
    static func write(_ value: UInt64, to at: inout UnsafeMutableRawPointer) {
        var rest = value
        while rest >= 0x80 {
            at.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            at += 1
            rest &>>= 7
        }
        at.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        at += 1
    }

    /// Writes a string with its length before it.
    @inline(__always)
    static func write(_ string: ByteView, to at: inout UnsafeMutableRawPointer) {
        write(UInt64(string.count), to: &at)
        at.copyMemory(from: string.base, byteCount: string.count)
        at += string.count
    }
}
