// SPDX-License-Identifier: BSD-3-Clause
//
// Streams that are read and shortened: XLEN, XRANGE, XREVRANGE, XDEL, XSETID; and how entries look
// in replies.

enum Streams {
    static let declarations: [Command] = [
        Command(
            "XLEN", in: .stream, since: "5.0.0", complexity: "O(1)",
            summary: "Counts the entries of a stream.", flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly])], run: .data(length)),
        Command(
            "XRANGE", in: .stream, since: "5.0.0",
            complexity: "O(N) where N is the number of entries returned.",
            summary: "Returns the entries between two identifiers.", flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]), .string("start"), .string("end"),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(range)),
        Command(
            "XREVRANGE", in: .stream, since: "5.0.0",
            complexity: "O(N) where N is the number of entries returned.",
            summary: "Returns the entries between two identifiers, the last one first.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]), .string("end"), .string("start"),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(reversedRange)),
        Command(
            "XDEL", in: .stream, since: "5.0.0",
            complexity: "O(log(N)) for each entry, where N is the length of the stream.",
            summary: "Deletes entries; tells how many there were.", flags: [.write, .fast],
            syntax: [.key("key", [.readWrite, .delete]), .many(.string("id"))],
            run: .data(delete)),
        Command(
            "XSETID", in: .stream, since: "5.0.0", complexity: "O(1)",
            summary: "Sets the last identifier of a stream, for those who copy streams.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .update]), .string("last-id"),
                .optional(.integer("entries-added", token: "ENTRIESADDED")).since("7.0.0"),
                .optional(.string("max-deleted-id", token: "MAXDELETEDID")).since("7.0.0"),
            ],
            run: .data(setID)),
    ]

    // MARK: - Arguments

    /// The argument as an identifier.
    @inline(__always)
    static func id(_ context: DataContext, _ index: Int) throws(ErrorReply) -> StreamID {
        guard let id = StreamID.parse(context[index]) else { throw .stream(.invalidID) }
        return id
    }

    /// The argument as the start of an interval, which may exclude it: `(id`.
    static func start(_ context: DataContext, _ index: Int) throws(ErrorReply) -> StreamID {
        let (bound, isExcluded) = try bound(context[index], missing: 0)
        guard isExcluded else { return bound }
        guard let next = bound.next else { throw .stream(.intervalStart) }
        return next
    }

    /// The argument as the end of an interval.
    static func end(_ context: DataContext, _ index: Int) throws(ErrorReply) -> StreamID {
        let (bound, isExcluded) = try bound(context[index], missing: .max)
        guard isExcluded else { return bound }
        guard let previous = bound.previous else { throw .stream(.intervalEnd) }
        return previous
    }

    private static func bound(
        _ text: ByteView, missing: UInt64
    ) throws(ErrorReply) -> (StreamID, isExcluded: Bool) {
        let isExcluded = text.count > 1 && text[0] == UInt8(ascii: "(")
        let id =
            isExcluded
            ? StreamID.parse(text.suffix(from: 1), missing: missing)
            : StreamID.parseBound(text, missing: missing)
        guard let id else { throw .stream(.invalidID) }
        return (id, isExcluded)
    }

    // MARK: - Handlers

    /// https://redis.io/docs/latest/commands/xlen/
    static func length(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .stream)
        context.reply.integer(base.map { StreamView($0).count } ?? 0)
    }

    /// https://redis.io/docs/latest/commands/xrange/
    static func range(_ context: DataContext) throws(ErrorReply) {
        let start = try start(context, 2)
        let end = try end(context, 3)
        try replyRange(context, from: start, through: end, backwards: false)
    }

    /// https://redis.io/docs/latest/commands/xrevrange/
    static func reversedRange(_ context: DataContext) throws(ErrorReply) {
        let start = try start(context, 3)
        let end = try end(context, 2)
        try replyRange(context, from: start, through: end, backwards: true)
    }

    private static func replyRange(
        _ context: DataContext, from start: StreamID, through end: StreamID, backwards: Bool
    ) throws(ErrorReply) {
        var most = Int.max
        var at = 4
        while at < context.count {
            guard context[at].equalsFolded("count"), at + 1 < context.count else { throw .syntax }
            most = Int(max(try context.integer(at + 1), 0))
            at += 2
        }
        let reply = context.reply
        guard let base = try context.collection(context.key(1), .stream) else {
            return reply.array(0)
        }
        if most == 0 { return reply.nullArray() }
        let view = StreamView(base)
        if backwards {
            let mark = reply.beginArray()
            var count = 0
            view.forEachBackwards(from: end, downTo: start) { entry in
                write(entry, reply)
                count += 1
                return count < most
            }
            reply.endArray(mark, count)
        } else {
            _ = write(view, from: start, through: end, most: most, reply)
        }
    }

    /// https://redis.io/docs/latest/commands/xdel/
    static func delete(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .stream) else { return context.reply.integer(0) }
        for index in 2..<context.count { _ = try id(context, index) }
        let limits = context.limits
        let deleted = context.database.pointee.update(slot, key, .streamDelete) { place in
            let editor = StreamEditor(place, limits)
            var deleted = 0
            for index in 2..<context.count {
                guard let id = StreamID.parse(context[index]) else { continue }
                if editor.delete(id) { deleted += 1 }
            }
            return deleted
        }
        context.reply.integer(deleted)
    }

    /// https://redis.io/docs/latest/commands/xsetid/
    static func setID(_ context: DataContext) throws(ErrorReply) {
        let last = try id(context, 2)
        var added: Int64?
        var maximalDeleted = StreamID.zero
        var at = 3
        while at < context.count {
            let hasMore = at + 1 < context.count
            if context[at].equalsFolded("entriesadded"), hasMore {
                let count = try context.integer(at + 1)
                guard count >= 0 else { throw .stream(.entriesAddedNegative) }
                added = count
            } else if context[at].equalsFolded("maxdeletedid"), hasMore {
                maximalDeleted = try id(context, at + 1)
                guard last >= maximalDeleted else { throw .stream(.smallerThanGivenDeleted) }
            } else {
                throw .syntax
            }
            at += 2
        }
        let key = context.key(1)
        guard let slot = try context.slot(key, .stream) else { throw .noSuchKey }
        let view = StreamView(Entry(slot.entry).collection)
        guard last >= view.maximalDeletedID else { throw .stream(.smallerThanDeleted) }
        if view.count > 0 {
            guard last >= view.lastEntryID else { throw .stream(.smallerThanTop) }
            if let added, added < view.count { throw .stream(.fewerAddedThanLength) }
        }
        let limits = context.limits
        context.database.pointee.update(slot, key, .streamSetID) { place in
            let editor = StreamEditor(place, limits)
            editor.setLastID(last)
            if let added { editor.setEntriesAdded(added) }
            if maximalDeleted != .zero { editor.setMaximalDeletedID(maximalDeleted) }
            return 1
        }
        context.reply.ok()
    }
}

// MARK: - Entries in replies

extension Streams {
    @inline(__always)
    static func write(_ id: StreamID, _ reply: ReplyWriter) {
        reply.bulk(dashed: id.milliseconds, id.sequence)
    }

    /// An entry as it is: its identifier, and fields and values in turn.
    @inline(__always)
    static func write(_ entry: StreamEntry, _ reply: ReplyWriter) {
        reply.array(2)
        write(entry.id, reply)
        reply.array(entry.fieldCount * 2)
        entry.forEach { field, value in
            reply.bulk(field)
            reply.bulk(value)
        }
    }

    /// An array of the entries from `start` to `end`, at most so many; returns how many.
    @inline(__always)
    static func write(
        _ view: StreamView, from start: StreamID, through end: StreamID = .maximum, most: Int,
        _ reply: ReplyWriter
    ) -> Int {
        let mark = reply.beginArray()
        var count = 0
        view.forEach(from: start, through: end) { entry in
            write(entry, reply)
            count += 1
            return count < most
        }
        reply.endArray(mark, count)
        return count
    }
}
