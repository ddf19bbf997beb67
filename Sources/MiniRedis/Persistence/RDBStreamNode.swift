// SPDX-License-Identifier: BSD-3-Clause
//
// A node of a stream: entries in one listpack.
//
//     entries that are not deleted, entries that are, number of fields, the fields, 0
//     { flags, milliseconds, sequence, [number of fields, { field, value }] or [values], elements }
//
// Identifiers are relative to the node's key. An entry with the flag 2 has the fields named at the
// beginning and gives its values only; with the flag 1 it is deleted. The last number of an entry
// is how many elements it has before that.

/// The fields and values of an entry, until the next one.
struct RDBEntryFields: StreamFields {
    fileprivate var fields: [ByteView] = []
    fileprivate var values: [ByteView] = []

    var count: Int { values.count }
    func field(_ index: Int) -> ByteView { fields[index] }
    func value(_ index: Int) -> ByteView { values[index] }
}

/// Reads a node, entry by entry. The blob that it was made of must stay.
struct RDBStreamNode: ~Copyable {
    private enum Flag {
        static let deleted: Int64 = 1
        static let sharesFields: Int64 = 2
    }

    private let origin: StreamID
    private var items: RDBListpack
    private let live: Int64
    private let deleted: Int64
    private var seenLive: Int64
    private var seenDeleted: Int64
    private let sharedFields: [ByteView]
    private let sharedDigits: StreamScratch
    private var digits: StreamScratch
    /// The identifier of the entry last read, deleted or not.
    private(set) var id: StreamID
    private var isFirst: Bool
    /// Of the entry last read.
    private(set) var entry: RDBEntryFields
    /// Of the entry being read.
    private var payloads: [StringPayload] = []
    /// Whether the fields of the entry last read are the shared ones.
    private var hasSharedFields = false
    private var texts: [ByteView] = []

    /// Reads what stands before the entries.
    init(_ blob: ByteView, origin: StreamID) throws(RDBDefect) {
        var items = try RDBListpack(blob)
        let live = try items.integer()
        let deleted = try items.integer()
        var left = try items.integer()
        guard live >= 0, deleted >= 0, left >= 0 else { throw .damaged(.streamNode) }
        var names: [StringPayload] = []
        while left > 0 {
            names.append(try Self.element(&items))
            left -= 1
        }
        guard try items.integer() == 0 else { throw .damaged(.streamNode) }
        var fields: [ByteView] = []
        var digits = StreamScratch()
        try Self.write(names, to: &fields, &digits)
        // All at once: what may throw comes before.
        self.init(items, origin, (live, deleted), fields, digits)
    }

    private init(
        _ items: RDBListpack, _ origin: StreamID, _ counts: (live: Int64, deleted: Int64),
        _ fields: [ByteView], _ digits: consuming StreamScratch
    ) {
        self.origin = origin
        self.items = items
        (live, deleted) = counts
        (seenLive, seenDeleted) = (0, 0)
        sharedFields = fields
        sharedDigits = digits
        self.digits = StreamScratch()
        id = origin
        isFirst = true
        entry = RDBEntryFields()
    }

    /// How many entries the node has that are not deleted, as it says.
    var count: Int64 { live }

    /// Reads up to the next entry that is not deleted, which is then `entry`; false at the end,
    /// where all that was claimed has been checked.
    mutating func next() throws(RDBDefect) -> Bool {
        while let first = try items.next() {
            guard case .integer(let flags) = first, flags >= 0, flags < 4 else {
                throw .damaged(.streamNode)
            }
            try readID()
            try readFields(flags)
            if flags & Flag.deleted == 0 {
                seenLive += 1
                return true
            }
            seenDeleted += 1
        }
        guard seenLive == live, seenDeleted == deleted else { throw .damaged(.streamCount) }
        return false
    }

    private mutating func readID() throws(RDBDefect) {
        let milliseconds = UInt64(bitPattern: try items.integer())
        let sequence = UInt64(bitPattern: try items.integer())
        let next = StreamID(
            milliseconds: origin.milliseconds &+ milliseconds,
            sequence: origin.sequence &+ sequence)
        guard isFirst ? next >= id : next > id else { throw .damaged(.streamOrder) }
        isFirst = false
        id = next
    }

    private mutating func readFields(_ flags: Int64) throws(RDBDefect) {
        let elements: Int
        if flags & Flag.sharesFields != 0 {
            try readSharedFields()
            elements = sharedFields.count + 3
        } else {
            elements = try readOwnFields() + 4
        }
        guard try items.integer() == Int64(elements) else { throw .damaged(.streamNode) }
    }

    /// Reads an entry's values, each into its place.
    private mutating func readSharedFields() throws(RDBDefect) {
        let count = sharedFields.count
        if !hasSharedFields {
            entry.fields = sharedFields
            // As many, and all of them are overwritten.
            entry.values = sharedFields
            hasSharedFields = true
        }
        guard var room = digits.room(max(1, count * DecimalInteger.maximumLength)) else {
            throw .outOfMemory
        }
        for index in 0..<count {
            switch try Self.element(&items) {
            case .bytes(let view): entry.values[index] = view
            case .integer(let value):
                entry.values[index] = Self.write(value, to: &room)
            }
        }
    }

    /// Reads an entry's fields and values; returns how many elements they are.
    private mutating func readOwnFields() throws(RDBDefect) -> Int {
        payloads.removeAll(keepingCapacity: true)
        var left = try items.integer()
        guard left >= 0 else { throw .damaged(.streamNode) }
        while left > 0 {
            payloads.append(try Self.element(&items))
            payloads.append(try Self.element(&items))
            left -= 1
        }
        try Self.write(payloads, to: &texts, &digits)
        hasSharedFields = false
        entry.fields.removeAll(keepingCapacity: true)
        entry.values.removeAll(keepingCapacity: true)
        for index in texts.indices {
            if index & 1 == 0 {
                entry.fields.append(texts[index])
            } else {
                entry.values.append(texts[index])
            }
        }
        return payloads.count
    }

    @inline(__always)
    private static func element(
        _ items: inout RDBListpack
    ) throws(RDBDefect) -> StringPayload {
        guard let element = try items.next() else { throw .damaged(.streamNode) }
        return element
    }

    /// The text of an integer, written to `room`, which moves on.
    private static func write(_ value: Int64, to room: inout UnsafeMutableRawPointer) -> ByteView {
        let text = ByteView(room, count: DecimalInteger.write(value, to: room))
        room += text.count
        return text
    }

    /// The texts of elements, integers written out in `digits`.
    private static func write(
        _ elements: [StringPayload], to texts: inout [ByteView], _ digits: inout StreamScratch
    ) throws(RDBDefect) {
        texts.removeAll(keepingCapacity: true)
        var integers = 0
        for element in elements { if case .integer = element { integers += 1 } }
        guard var room = digits.room(max(1, integers * DecimalInteger.maximumLength)) else {
            throw .outOfMemory
        }
        for element in elements {
            switch element {
            case .bytes(let view): texts.append(view)
            case .integer(let value): texts.append(write(value, to: &room))
            }
        }
    }
}
