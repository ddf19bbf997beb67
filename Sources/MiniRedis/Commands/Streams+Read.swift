// SPDX-License-Identifier: BSD-3-Clause
//
// What is new in streams, for anybody and for the consumers of a group: XREAD, XREADGROUP.
//
//     arguments --> all checked --> something there? reply
//                               --> BLOCK: wait for the keys; `$` and `+` become what they are now
//
// Both run again when a key they wait for was changed. A key that is no stream then is nothing new
// to XREAD; XREADGROUP answers what is wrong with it.

extension Streams {
    static let reads: [Command] = [
        Command(
            "XREAD", in: .stream, since: "5.0.0",
            complexity: "O(N) for each stream, where N is the number of entries returned.",
            summary: "Returns the entries of streams behind given identifiers; can wait for them.",
            flags: [.readOnly, .blocking, .movableKeys],
            syntax: [
                .optional(.integer("count", token: "COUNT")),
                .optional(.integer("milliseconds", token: "BLOCK")),
                .block(
                    "streams", token: "STREAMS", .many(.key("key", [.readOnly, .access])),
                    .many(.string("id"))),
            ],
            run: .session(read)),
        Command(
            "XREADGROUP", in: .stream, since: "5.0.0",
            complexity: "O(N) for each stream, where N is the number of entries returned.",
            summary: "Returns entries that no consumer of a group was given; can wait for them.",
            flags: [.write, .blocking, .movableKeys],
            syntax: [
                .block("group-block", token: "GROUP", .string("group"), .string("consumer")),
                .optional(.integer("count", token: "COUNT")),
                .optional(.integer("milliseconds", token: "BLOCK")),
                .optional(.token("NOACK")),
                .block(
                    "streams", token: "STREAMS", .many(.key("key", [.readOnly, .access])),
                    .many(.string("id"))),
            ],
            run: .session(readGroup)),
    ]

    /// The arguments of both.
    private struct ReadOptions {
        /// The most entries of each stream.
        var most = Int.max
        /// Milliseconds to wait, 0 for ever; nil: not at all.
        var timeout: Int64?
        /// The argument that names the group; the consumer is behind it.
        var group: Int?
        var acknowledges = false
        var keys = 0..<0

        init(_ context: SessionContext, forGroup: Bool) throws(ErrorReply) {
            let data = context.data
            var at = 1
            while at < data.count && keys.isEmpty {
                let word = data[at]
                let hasMore = at + 1 < data.count
                if word.equalsFolded("block"), hasMore {
                    at += 1
                    timeout = try context.waitMilliseconds(at)
                } else if word.equalsFolded("count"), hasMore {
                    at += 1
                    let count = try data.integer(at)
                    most = count > 0 ? Int(count) : .max
                } else if word.equalsFolded("streams"), hasMore {
                    let words = data.count - at - 1
                    guard words % 2 == 0 else {
                        Streams.writeUnbalanced(data.reply, forGroup: forGroup)
                        throw .written
                    }
                    keys = at + 1..<at + 1 + words / 2
                } else if word.equalsFolded("group"), at + 2 < data.count {
                    guard forGroup else { throw .stream(.groupForRead) }
                    group = at + 1
                    at += 2
                } else if word.equalsFolded("noack") {
                    guard forGroup else { throw .stream(.noAcknowledgeForRead) }
                    acknowledges = true
                } else {
                    throw .syntax
                }
                at += 1
            }
            guard !keys.isEmpty else { throw .syntax }
            if forGroup && group == nil { throw .stream(.groupMissing) }
        }

        /// The argument with the identifier that belongs to a key.
        func id(_ key: Int) -> Int { key + keys.count }
    }

    private static func writeUnbalanced(_ reply: ReplyWriter, forGroup: Bool) {
        let command: StaticString = forGroup ? "xreadgroup" : "xread"
        let symbol: StaticString = forGroup ? ">" : "$"
        reply.error(
            joining: ByteView("ERR Unbalanced '"), ByteView(command),
            ByteView("' list of streams: for each stream key an ID or '"), ByteView(symbol),
            ByteView("' must be specified."))
    }

    // MARK: - XREAD

    /// https://redis.io/docs/latest/commands/xread/
    static func read(_ context: SessionContext) throws(ErrorReply) {
        let options = try ReadOptions(context, forGroup: false)
        let data = context.data
        for key in options.keys {
            let word = data[options.id(key)]
            if !context.isRetry { _ = try data.collection(data.key(key), .stream) }
            if word.equals("$") || word.equals("+") { continue }
            if word.equals(">") { throw .stream(.newEntriesForRead) }
            _ = try id(data, options.id(key))
        }
        let reply = context.reply
        let mark = reply.beginArray()
        var served = 0
        for key in options.keys {
            guard let view = stream(data, key), view.count > 0 else { continue }
            let after = readPoint(data[options.id(key)], view)
            guard view.hasEntry(after: after), let start = after.next else { continue }
            served += 1
            writeKey(data, key)
            _ = write(view, from: start, most: options.most, reply)
        }
        try finish(context, options, mark, served) {
            options.keys.compactMap { key in
                let at = options.id(key)
                guard data[at].equals("$") || data[at].equals("+") else { return nil }
                let point = stream(data, key)?.lastID ?? .zero
                return (at, Array("\(point.milliseconds)-\(point.sequence)".utf8))
            }
        }
    }

    /// The stream of a key that is one.
    private static func stream(_ data: DataContext, _ index: Int) -> StreamView? {
        let key = data.key(index)
        guard let entry = data.database.pointee.read(key.bytes, key.hash), entry.type == .stream
        else { return nil }
        return StreamView(entry.collection)
    }

    /// Behind which identifier to read; the argument is valid.
    @inline(__always)
    private static func readPoint(_ word: ByteView, _ view: StreamView) -> StreamID {
        if word.equals("$") { return view.lastID }
        if word.equals("+") { return view.lastEntryID.previous ?? .zero }
        return StreamID.parse(word) ?? .maximum
    }

    private static func writeKey(_ data: DataContext, _ key: Int) {
        if data.reply.version == 2 { data.reply.array(2) }
        data.reply.bulk(data[key])
    }

    /// Ends the reply if there is one, or waits, or answers that there is nothing.
    private static func finish(
        _ context: SessionContext, _ options: ReadOptions, _ mark: Int, _ served: Int,
        _ replacements: () -> [(argument: Int, bytes: [UInt8])]
    ) throws(ErrorReply) {
        if served > 0 {
            if context.reply.version == 2 {
                context.reply.endArray(mark, served)
            } else {
                context.reply.endMap(mark, served)
            }
        } else if let timeout = options.timeout, context.mayWait {
            context.wait(
                forKeys: options.keys, timeout: timeout, answer: .nullArray,
                replacing: context.isRetry ? [] : replacements())
        } else {
            context.reply.nullArray()
        }
    }

    // MARK: - XREADGROUP

    /// https://redis.io/docs/latest/commands/xreadgroup/
    static func readGroup(_ context: SessionContext) throws(ErrorReply) {
        let options = try ReadOptions(context, forGroup: true)
        guard let group = options.group else { throw .stream(.groupMissing) }
        let data = context.data
        for key in options.keys {
            let base = try data.collection(data.key(key), .stream)
            guard let base, StreamView(base).group(data[group]) != nil else {
                context.reply.error(
                    joining: ByteView("NOGROUP No such key '"), data[key],
                    ByteView("' or consumer group '"),
                    data[group], ByteView("' in XREADGROUP with GROUP option"))
                throw .written
            }
            let word = data[options.id(key)]
            if word.equals("$") { throw .stream(.lastIDForGroup) }
            if word.equals("+") { throw .stream(.lastEntryForGroup) }
            if !word.equals(">") { _ = try id(data, options.id(key)) }
        }
        let mark = context.reply.beginArray()
        var served = 0
        for key in options.keys {
            let word = data[options.id(key)]
            let id = word.equals(">") ? StreamID.maximum : StreamID.parse(word) ?? .maximum
            let read = GroupRead(
                data: data, key: key, group: data[group], consumer: data[group + 1],
                after: id == .maximum ? nil : id, most: options.most,
                isPending: !options.acknowledges)
            if try read.serve() { served += 1 }
        }
        data.propagateNothingElse()
        try finish(context, options, mark, served) { [] }
    }

    /// One stream of an XREADGROUP.
    private struct GroupRead {
        let data: DataContext
        let key: Int
        let group: ByteView
        let consumer: ByteView
        /// Behind which identifier what the consumer has not acknowledged is wanted; nil: what
        /// nobody was given.
        let after: StreamID?
        let most: Int
        /// Whether what is given becomes pending.
        let isPending: Bool

        /// Writes what there is; false if that is nothing.
        func serve() throws(ErrorReply) -> Bool {
            let name = data.key(key)
            guard let slot = try data.slot(name, .stream) else { return false }
            let isNew = Streams.createConsumer(consumer, of: group, data, slot, name)
            let told = RepeatedGroup(context: data, key: name.bytes, name: group)
            if isNew && !isPending { told.tellConsumer(consumer) }
            let limits = data.limits
            let changes = data.database.pointee.update(slot, name, .unheard) { place in
                let editor = StreamEditor(place, limits)
                let isServed = editor.withGroup(group) { group in
                    group.withConsumer(consumer) { consumer in
                        consumer.setSeenTime(data.now)
                        return give(editor.view, group, consumer, told)
                    } ?? false
                }
                return isServed == true ? 1 : 0
            }
            if isNew && isPending && (changes == 0 || after != nil) {
                told.tellConsumer(consumer)
            }
            return changes > 0
        }

        private func give(
            _ view: StreamView, _ group: StreamGroupEditor, _ consumer: StreamConsumerEditor,
            _ told: RepeatedGroup
        ) -> Bool {
            if let after {
                Streams.writeKey(data, key)
                giveAgain(view, group, consumer, after)
                return true
            }
            guard view.hasEntry(after: group.view.lastID), let start = group.view.lastID.next
            else { return false }
            Streams.writeKey(data, key)
            let mark = data.reply.beginArray()
            var count = 0
            view.forEach(from: start, through: .maximum) { entry in
                advance(view, group, to: entry.id)
                Streams.write(entry, data.reply)
                if isPending {
                    group.assign(entry.id, to: consumer, time: data.now) { _ in 1 }
                    told.tellPending(entry.id, group.view)
                }
                count += 1
                return count < most
            }
            data.reply.endArray(mark, count)
            told.tellPosition(group.view)
            if isPending { consumer.setActiveTime(data.now) }
            return true
        }

        /// Notes that the group was given an entry.
        private func advance(
            _ view: StreamView, _ group: StreamGroupEditor, to id: StreamID
        ) {
            if let read = group.view.entriesRead, !view.hasDeletions(from: id) {
                group.setEntriesRead(read &+ 1)
            } else if view.entriesAdded != 0 {
                group.setEntriesRead(view.entriesAdded(through: id))
            }
            group.setLastID(id)
        }

        /// Writes what is pending with the consumer: an identifier with a null if the entry is
        /// gone.
        private func giveAgain(
            _ view: StreamView, _ group: StreamGroupEditor, _ consumer: StreamConsumerEditor,
            _ after: StreamID
        ) {
            let reply = data.reply
            let mark = reply.beginArray()
            var count = 0
            let own = consumer.view.own
            own.forEachRecord(from: own.lowerBound { StreamID(at: $0) <= after }) { record in
                let id = StreamID(at: record)
                if let entry = view.entry(id) {
                    Streams.write(entry, reply)
                    group.redeliver(id, time: data.now)
                } else {
                    reply.array(2)
                    Streams.write(id, reply)
                    reply.nullArray()
                }
                count += 1
                return count < most
            }
            reply.endArray(mark, count)
        }
    }
}
