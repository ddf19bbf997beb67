// SPDX-License-Identifier: BSD-3-Clause
//
// Consumer groups: XGROUP, and XACK.

extension Streams {
    static let groups: [Command] = [
        Command(
            "XGROUP", in: .stream, since: "5.0.0", complexity: "Depends on subcommand.",
            summary: "Manages the consumer groups of a stream.",
            subcommands: [
                Command(
                    "CREATE", in: .stream, since: "5.0.0", complexity: "O(1)",
                    summary: "Adds a group that is to be given what comes after an identifier.",
                    flags: [.write, .denyOutOfMemory],
                    syntax: [
                        .key("key", [.readWrite, .insert]), .string("group"), groupStart,
                        .optional(.token("MKSTREAM")), entriesRead,
                    ],
                    run: .data(createGroup)),
                Command(
                    "SETID", in: .stream, since: "5.0.0", complexity: "O(1)",
                    summary: "Sets the identifier behind which a group is to be given entries.",
                    flags: [.write],
                    syntax: [
                        .key("key", [.readWrite, .update]), .string("group"), groupStart,
                        entriesRead,
                    ],
                    run: .data(setGroupID)),
                Command(
                    "DESTROY", in: .stream, since: "5.0.0",
                    complexity: "O(N) where N is the number of pending entries, in slices.",
                    summary: "Deletes a group with all that it remembers.", flags: [.write],
                    syntax: [.key("key", [.readWrite, .delete]), .string("group")],
                    run: .data(destroyGroup)),
                Command(
                    "CREATECONSUMER", in: .stream, since: "6.2.0", complexity: "O(1)",
                    summary: "Adds a consumer to a group.", flags: [.write, .denyOutOfMemory],
                    syntax: [
                        .key("key", [.readWrite, .insert]), .string("group"),
                        .string("consumer"),
                    ],
                    run: .data(createConsumer)),
                Command(
                    "DELCONSUMER", in: .stream, since: "5.0.0",
                    complexity: "O(N) where N is the number of its pending entries.",
                    summary: "Deletes a consumer; tells how many entries were pending with it.",
                    flags: [.write],
                    syntax: [
                        .key("key", [.readWrite, .delete]), .string("group"),
                        .string("consumer"),
                    ],
                    run: .data(deleteConsumer)),
                .help(in: .stream, since: "5.0.0"),
            ],
            run: .container),
        Command(
            "XACK", in: .stream, since: "5.0.0",
            complexity: "O(log(N)) for each entry, where N is the number of pending ones.",
            summary: "Takes entries off the list of what is pending in a group.",
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .update]), .string("group"), .many(.string("id")),
            ],
            run: .data(acknowledge)),
    ]

    private static let groupStart = Syntax.oneOf(
        "id-selector", .string("id"), .token("$", name: "new-id"))
    private static let entriesRead = Syntax.optional(
        .integer("entriesread", token: "ENTRIESREAD"))

    // MARK: - Errors with names in them

    static func noGroup(_ context: DataContext, _ group: ByteView, key: ByteView) -> ErrorReply {
        context.reply.error(
            joining: ByteView("NOGROUP No such consumer group '"), group,
            ByteView("' for key name '"), key, ByteView("'"))
        return .written
    }

    static func noKeyOrGroup(
        _ context: DataContext, _ group: ByteView, key: ByteView
    ) -> ErrorReply {
        context.reply.error(
            joining: ByteView("NOGROUP No such key '"), key, ByteView("' or consumer group '"),
            group, ByteView("'"))
        return .written
    }

    static func wrongSubcommand(_ context: DataContext, of container: StaticString) -> ErrorReply {
        context.reply.error(
            joining: ByteView("ERR unknown subcommand or wrong number of arguments for '"),
            context[1], ByteView("'. Try "), ByteView(container), ByteView(" HELP."))
        return .written
    }

    // MARK: - XGROUP

    /// What follows the identifier in CREATE and SETID.
    private struct GroupOptions {
        var createsStream = false
        var entriesRead: Int64?

        init(_ context: DataContext, mayCreateStream: Bool) throws(ErrorReply) {
            var at = 5
            while at < context.count {
                if mayCreateStream, context[at].equalsFolded("mkstream") {
                    createsStream = true
                } else if context[at].equalsFolded("entriesread"), at + 1 < context.count {
                    at += 1
                    let count = try context.integer(at)
                    guard count >= -1 else { throw .stream(.entriesReadNegative) }
                    entriesRead = count < 0 ? nil : count
                } else {
                    throw Streams.wrongSubcommand(context, of: "XGROUP")
                }
                at += 1
            }
        }
    }

    /// The slot of the key in argument 2, which must be a stream.
    private static func streamSlot(
        _ context: DataContext, _ key: KeyArgument
    ) throws(ErrorReply) -> TableSlot {
        guard let slot = try context.slot(key, .stream) else {
            throw .stream(.groupNeedsKey)
        }
        return slot
    }

    /// The slot of the key in argument 2, which must be a stream with the group in argument 3.
    private static func groupSlot(
        _ context: DataContext, _ key: KeyArgument
    ) throws(ErrorReply) -> TableSlot {
        let slot = try streamSlot(context, key)
        guard StreamView(Entry(slot.entry).collection).group(context[3]) != nil else {
            throw noGroup(context, context[3], key: key.bytes)
        }
        return slot
    }

    /// https://redis.io/docs/latest/commands/xgroup-create/
    static func createGroup(_ context: DataContext) throws(ErrorReply) {
        let options = try GroupOptions(context, mayCreateStream: true)
        let key = context.key(2)
        let slot =
            options.createsStream
            ? try context.slot(key, .stream) : try streamSlot(context, key)
        guard context.count <= 8 else { throw wrongSubcommand(context, of: "XGROUP") }
        let view = slot.map { StreamView(Entry($0.entry).collection) }
        let isLast = context[4].equals("$")
        let start = isLast ? view?.lastID ?? .zero : try id(context, 4)
        if view?.group(context[3]) != nil { throw .stream(.groupExists) }
        let limits = context.limits
        try context.updateOrCreate(key, .stream, .streamGroupCreate) { place in
            let isNew = StreamEditor(place, limits).createGroup(
                context[3], lastID: start, entriesRead: options.entriesRead)
            return isNew ? 1 : 0
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/xgroup-setid/
    static func setGroupID(_ context: DataContext) throws(ErrorReply) {
        let options = try GroupOptions(context, mayCreateStream: false)
        let key = context.key(2)
        let slot = try groupSlot(context, key)
        guard context.count == 5 || context.count == 7 else {
            throw wrongSubcommand(context, of: "XGROUP")
        }
        var start = StreamView(Entry(slot.entry).collection).lastID
        if !context[4].equals("$") {
            guard let given = StreamID.parseBound(context[4], missing: 0) else {
                throw .stream(.invalidID)
            }
            start = given
        }
        let limits = context.limits
        context.database.pointee.update(slot, key, .streamGroupSetID) { place in
            StreamEditor(place, limits).withGroup(context[3]) { group in
                group.setLastID(start)
                group.setEntriesRead(options.entriesRead)
            }
            return 1
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/xgroup-destroy/
    static func destroyGroup(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(2)
        let slot = try streamSlot(context, key)
        let limits = context.limits
        var remains: StreamRemains?
        let changes = context.database.pointee.update(slot, key, .streamGroupDestroy) { place in
            remains = StreamEditor(place, limits).removeGroup(context[3])
            return remains == nil ? 0 : 1
        }
        if let remains { context.database.pointee.giveUp(remains) }
        context.reply.integer(changes)
    }

    /// https://redis.io/docs/latest/commands/xgroup-createconsumer/
    static func createConsumer(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(2)
        let slot = try groupSlot(context, key)
        context.reply.integer(
            createConsumer(context[4], of: context[3], context, slot, key) ? 1 : 0)
    }

    /// https://redis.io/docs/latest/commands/xgroup-delconsumer/
    static func deleteConsumer(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(2)
        let slot = try groupSlot(context, key)
        let group = StreamView(Entry(slot.entry).collection).group(context[3])
        guard group?.consumer(context[4]) != nil else { return context.reply.integer(0) }
        let limits = context.limits
        var pending = 0
        context.database.pointee.update(slot, key, .streamConsumerDelete) { place in
            StreamEditor(place, limits).withGroup(context[3]) { group in
                pending = group.deleteConsumer(context[4]) ?? 0
            }
            return 1
        }
        context.reply.integer(pending)
    }

    /// Adds a consumer to a group, if it is not there; returns whether it was added.
    @discardableResult
    static func createConsumer(
        _ consumer: ByteView, of group: ByteView, _ data: DataContext, _ slot: TableSlot,
        _ key: KeyArgument
    ) -> Bool {
        let view = StreamView(Entry(slot.entry).collection)
        guard view.group(group)?.consumer(consumer) == nil else { return false }
        let limits = data.limits
        data.database.pointee.update(slot, key, .streamConsumerCreate) { place in
            let isNew = StreamEditor(place, limits).withGroup(group) {
                $0.createConsumer(consumer, seen: data.now)
            }
            return isNew == true ? 1 : 0
        }
        return true
    }

    // MARK: - XACK

    /// https://redis.io/docs/latest/commands/xack/
    static func acknowledge(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        // A command that writes, but Redis counts its hits and misses.
        _ = context.database.pointee.peek(key.bytes, key.hash)
        guard let slot = try context.slot(key, .stream),
            StreamView(Entry(slot.entry).collection).group(context[2]) != nil
        else { return context.reply.integer(0) }
        for index in 3..<context.count { _ = try id(context, index) }
        let limits = context.limits
        let changes = context.database.pointee.update(slot, key, .unheard) { place in
            StreamEditor(place, limits).withGroup(context[2]) { group in
                var count = 0
                for index in 3..<context.count {
                    guard let id = StreamID.parse(context[index]) else { continue }
                    if group.acknowledge(id) { count += 1 }
                }
                return count
            } ?? 0
        }
        context.reply.integer(changes)
    }
}
