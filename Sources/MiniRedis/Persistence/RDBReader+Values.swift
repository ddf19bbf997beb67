// SPDX-License-Identifier: BSD-3-Clause
//
// Collections of a dump, in every encoding that a Redis ever wrote.
//
//     plain      count, then each element as a string of its own           1 2 3 4 5
//     blob       one string that is the whole collection                   9-13 16 17 20
//     quicklist  count, then blobs that follow each other                  14 18
//     timed      hashes with deadlines of fields                           22-25
//     stream     see RDBReader+Streams.swift                               15 19 21 26
//
// A plain collection takes no memory here but one element's: each begins a new item of the cursor.
// A blob is in memory as a whole, as any string of the dump.
//
// Source: the dumps themselves, and https://rdb.fnordig.de/file_format.html for the oldest.

extension RDBReader where Source: ~Copyable {
    /// The type of the values of a type byte; nil for strings, and for what cannot be loaded.
    static func collectionType(_ type: UInt8) -> ValueType? {
        switch type {
        case RDBValueType.list, RDBValueType.listZiplist, RDBValueType.quicklist,
            RDBValueType.quicklist2:
            .list
        case RDBValueType.set, RDBValueType.setIntset, RDBValueType.setListpack: .set
        case RDBValueType.sortedSet, RDBValueType.sortedSet2, RDBValueType.sortedSetZiplist,
            RDBValueType.sortedSetListpack:
            .sortedSet
        case RDBValueType.hash, RDBValueType.hashZipmap, RDBValueType.hashZiplist,
            RDBValueType.hashListpack, RDBValueType.hashEarlyTimed,
            RDBValueType.hashEarlyTimedListpack, RDBValueType.hashTimed,
            RDBValueType.hashTimedListpack:
            .hash
        case RDBValueType.stream, RDBValueType.stream2, RDBValueType.stream3,
            RDBValueType.stream4:
            .stream
        default: nil
        }
    }

    mutating func decode<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, into sink: inout Sink
    ) throws(RDBDefect) {
        switch type {
        case RDBValueType.list: try plainList(&sink)
        case RDBValueType.listZiplist: try list(RDBZiplist.self, &sink)
        case RDBValueType.quicklist, RDBValueType.quicklist2: try quicklist(type, &sink)
        case RDBValueType.set: try plainSet(&sink)
        case RDBValueType.setIntset: try set(RDBIntset.self, &sink)
        case RDBValueType.setListpack: try set(RDBListpack.self, &sink)
        case RDBValueType.sortedSet, RDBValueType.sortedSet2: try plainSortedSet(type, &sink)
        case RDBValueType.sortedSetZiplist: try sortedSet(RDBZiplist.self, &sink)
        case RDBValueType.sortedSetListpack: try sortedSet(RDBListpack.self, &sink)
        case RDBValueType.hash: try plainHash(&sink)
        case RDBValueType.hashZipmap: try zipmap(&sink)
        case RDBValueType.hashZiplist: try hash(RDBZiplist.self, &sink)
        case RDBValueType.hashListpack: try hash(RDBListpack.self, &sink)
        case RDBValueType.hashEarlyTimed where isValkey: try valkeyHash(&sink)
        case RDBValueType.hashEarlyTimed, RDBValueType.hashTimed: try timedHash(type, &sink)
        case RDBValueType.hashEarlyTimedListpack, RDBValueType.hashTimedListpack:
            try timedListpack(type, &sink)
        case RDBValueType.stream, RDBValueType.stream2, RDBValueType.stream3,
            RDBValueType.stream4:
            try stream(type, &sink)
        default: throw .unsupportedType(type)
        }
    }

    /// Begins another element: the ones before are no longer needed.
    @inline(__always)
    mutating func beginElement() {
        cursor.beginItem()
        keyScratch.trim()
        valueScratch.trim()
    }

    // MARK: - Lists

    private mutating func plainList<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            let element = try text(in: .value)
            sink.append(view(element, in: .value))
            left -= 1
        }
    }

    private mutating func list<Blob: RDBBlob, Sink: RDBValueSink & ~Copyable>(
        _ form: Blob.Type, _ sink: inout Sink
    ) throws(RDBDefect) {
        let whole = try text(in: .value)
        var blob = try Blob(view(whole, in: .value))
        while let element = try blob.next() { sink.append(try text(of: element, in: .value)) }
    }

    /// A list in nodes. In the second form each node says what it is: one element, or a listpack.
    private mutating func quicklist<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            left -= 1
            guard type == RDBValueType.quicklist2 else {
                try list(RDBZiplist.self, &sink)
                continue
            }
            switch try number() {
            case RDBQuicklistNode.plain:
                let element = try text(in: .value)
                // An element has a node of its own for being large.
                guard view(element, in: .value).count > 0 else { throw .damaged(.quicklistNode) }
                sink.append(view(element, in: .value))
            case RDBQuicklistNode.packed: try list(RDBListpack.self, &sink)
            default: throw .damaged(.quicklistNode)
            }
        }
    }

    // MARK: - Sets

    private mutating func plainSet<Sink: RDBValueSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            let member = try text(in: .value)
            guard sink.insert(view(member, in: .value)) else { throw .damaged(.duplicateMember) }
            left -= 1
        }
    }

    private mutating func set<Blob: RDBBlob, Sink: RDBValueSink & ~Copyable>(
        _ form: Blob.Type, _ sink: inout Sink
    ) throws(RDBDefect) {
        let whole = try text(in: .value)
        var blob = try Blob(view(whole, in: .value))
        while let member = try blob.next() {
            guard sink.insert(try text(of: member, in: .value)) else {
                throw .damaged(.duplicateMember)
            }
        }
    }

    // MARK: - Sorted sets

    private mutating func plainSortedSet<Sink: RDBValueSink & ~Copyable>(
        _ type: UInt8, _ sink: inout Sink
    ) throws(RDBDefect) {
        var left = try number()
        while left > 0 {
            beginElement()
            let member = try text(in: .key)
            let score =
                type == RDBValueType.sortedSet2
                ? Double(bitPattern: try cursor.littleEndian(UInt64.self)) : try scoreText()
            guard !score.isNaN else { throw .damaged(.score) }
            guard sink.insert(view(member, in: .key), score: score) else {
                throw .damaged(.duplicateMember)
            }
            left -= 1
        }
    }

    /// A score as the oldest dumps have it: a length of one byte and text, or three lengths that
    /// mean infinities and NaN.
    private mutating func scoreText() throws(RDBDefect) -> Double {
        switch try cursor.byte() {
        case 255: return -.infinity
        case 254: return .infinity
        case 253: return .nan
        case let length:
            let place = try cursor.place(Int(length))
            return FloatingPointText.parse(cursor.view(place)) ?? .nan
        }
    }

    private mutating func sortedSet<Blob: RDBBlob, Sink: RDBValueSink & ~Copyable>(
        _ form: Blob.Type, _ sink: inout Sink
    ) throws(RDBDefect) {
        let whole = try text(in: .value)
        var blob = try Blob(view(whole, in: .value))
        while let member = try blob.next() {
            guard let score = try blob.next() else { throw .damaged(.oddElements) }
            let value: Double? =
                switch score {
                case .integer(let integer): Double(integer)
                case .bytes(let text): FloatingPointText.parse(text)
                }
            guard let value else { throw .damaged(.score) }
            guard sink.insert(try text(of: member, in: .key), score: value) else {
                throw .damaged(.duplicateMember)
            }
        }
    }

    // MARK: - Elements of blobs

    /// The text of an element, until the next one of the slot.
    @inline(__always)
    mutating func text(
        of element: StringPayload, in slot: RDBSlot
    ) throws(RDBDefect) -> ByteView {
        switch element {
        case .bytes(let view): return view
        case .integer(let value):
            let length = DecimalInteger.maximumLength
            let room = slot == .key ? keyDigits.room(length) : valueDigits.room(length)
            guard let room else { throw .outOfMemory }
            return ByteView(room, count: DecimalInteger.write(value, to: room))
        }
    }
}
