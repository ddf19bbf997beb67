// SPDX-License-Identifier: BSD-3-Clause
//
// What there is to know of a stream, its groups and their consumers: XINFO.

extension Streams {
    static let facts: [Command] = [
        Command(
            "XINFO", in: .stream, since: "5.0.0", complexity: "Depends on subcommand.",
            summary: "Describes streams.",
            subcommands: [
                Command(
                    "CONSUMERS", in: .stream, since: "5.0.0",
                    complexity: "O(N) where N is the number of consumers.",
                    summary: "Lists the consumers of a group.", flags: [.readOnly],
                    tips: ["nondeterministic_output"],
                    syntax: [.key("key", [.readOnly, .access]), .string("group")],
                    run: .data(describeConsumers)),
                Command(
                    "GROUPS", in: .stream, since: "5.0.0",
                    complexity: "O(N) where N is the number of groups.",
                    summary: "Lists the consumer groups of a stream.", flags: [.readOnly],
                    syntax: [.key("key", [.readOnly, .access])], run: .data(describeGroups)),
                Command(
                    "STREAM", in: .stream, since: "5.0.0", complexity: "O(1)",
                    summary: "Describes a stream; with FULL, its entries and groups, too.",
                    flags: [.readOnly],
                    syntax: [
                        .key("key", [.readOnly, .access]),
                        .optional(
                            .block(
                                "full-block", token: "FULL",
                                .optional(.integer("count", token: "COUNT")))),
                    ],
                    run: .data(describe)),
                .help(in: .stream, since: "5.0.0"),
            ],
            run: .container)
    ]

    private static func described(_ context: DataContext) throws(ErrorReply) -> StreamView {
        guard let base = try context.collection(context.key(2), .stream) else {
            throw .noSuchKey
        }
        return StreamView(base)
    }

    /// https://redis.io/docs/latest/commands/xinfo-consumers/
    static func describeConsumers(_ context: DataContext) throws(ErrorReply) {
        let view = try described(context)
        guard let group = view.group(context[3]) else {
            throw noGroup(context, context[3], key: context[2])
        }
        let reply = context.reply
        reply.array(group.consumers.count)
        group.consumers.forEachRecord { record in
            let consumer = StreamConsumerView(record)
            reply.map(4)
            reply.bulk("name")
            reply.bulk(consumer.name)
            reply.bulk("pending")
            reply.integer(consumer.own.count)
            reply.bulk("idle")
            reply.integer(max(context.now &- consumer.seenTime, 0))
            reply.bulk("inactive")
            reply.integer(
                consumer.activeTime < 0 ? -1 : max(context.now &- consumer.activeTime, 0))
        }
    }

    /// https://redis.io/docs/latest/commands/xinfo-groups/
    static func describeGroups(_ context: DataContext) throws(ErrorReply) {
        let view = try described(context)
        let reply = context.reply
        reply.array(view.groups.count)
        view.groups.forEachRecord { record in
            let group = StreamGroupView(record)
            reply.map(6)
            reply.bulk("name")
            reply.bulk(group.name)
            reply.bulk("consumers")
            reply.integer(group.consumers.count)
            reply.bulk("pending")
            reply.integer(group.pending.count)
            writeProgress(of: group, view, reply)
        }
    }

    private static func writeProgress(
        of group: StreamGroupView, _ view: StreamView, _ reply: ReplyWriter
    ) {
        reply.bulk("last-delivered-id")
        write(group.lastID, reply)
        reply.bulk("entries-read")
        write(group.entriesRead, reply)
        reply.bulk("lag")
        write(view.lag(of: group), reply)
    }

    private static func write(_ number: Int64?, _ reply: ReplyWriter) {
        if let number { reply.integer(number) } else { reply.null() }
    }

    /// https://redis.io/docs/latest/commands/xinfo-stream/
    static func describe(_ context: DataContext) throws(ErrorReply) {
        let view = try described(context)
        guard context.count > 3 else {
            context.reply.map(10)
            writeFacts(view, context.reply)
            return writeEnds(view, context.reply)
        }
        guard context.count == 4 || context.count == 6, context[3].equalsFolded("full"),
            context.count == 4 || context[4].equalsFolded("count")
        else { throw wrongSubcommand(context, of: "XINFO") }
        var most = usualCount
        if context.count == 6 {
            let count = try context.integer(5)
            if count >= 0 { most = count == 0 ? .max : Int(count) }
        }
        context.reply.map(9)
        writeFacts(view, context.reply)
        context.reply.bulk("entries")
        _ = write(view, from: .zero, most: most, context.reply)
        context.reply.bulk("groups")
        context.reply.array(view.groups.count)
        view.groups.forEachRecord {
            writeGroup(StreamGroupView($0), view, most, context.reply)
        }
    }

    /// How much FULL shows without COUNT.
    private static let usualCount = 10

    private static func writeFacts(_ view: StreamView, _ reply: ReplyWriter) {
        reply.bulk("length")
        reply.integer(view.count)
        reply.bulk("radix-tree-keys")
        reply.integer(view.chunks.count)
        reply.bulk("radix-tree-nodes")
        // The trees differ; a node for each key and one above is what there is at least.
        reply.integer(view.chunks.count + max(Int(view.chunks.head.nodeCount), 1))
        reply.bulk("last-generated-id")
        write(view.lastID, reply)
        reply.bulk("max-deleted-entry-id")
        write(view.maximalDeletedID, reply)
        reply.bulk("entries-added")
        reply.integer(view.entriesAdded)
        reply.bulk("recorded-first-entry-id")
        write(view.firstID, reply)
    }

    private static func writeEnds(_ view: StreamView, _ reply: ReplyWriter) {
        reply.bulk("groups")
        reply.integer(view.groups.count)
        reply.bulk("first-entry")
        guard view.count > 0 else {
            reply.null()
            reply.bulk("last-entry")
            return reply.null()
        }
        view.forEach(from: .zero, through: .maximum) { entry in
            write(entry, reply)
            return false
        }
        reply.bulk("last-entry")
        view.forEachBackwards(from: .maximum, downTo: .zero) { entry in
            write(entry, reply)
            return false
        }
    }

    private static func writeGroup(
        _ group: StreamGroupView, _ view: StreamView, _ most: Int, _ reply: ReplyWriter
    ) {
        reply.map(7)
        reply.bulk("name")
        reply.bulk(group.name)
        writeProgress(of: group, view, reply)
        reply.bulk("pel-count")
        let pending = group.pending
        reply.integer(pending.count)
        reply.bulk("pending")
        reply.array(min(pending.count, most))
        var left = min(pending.count, most)
        pending.forEachRecord(from: pending.first()) { record in
            guard left > 0 else { return false }
            left -= 1
            let pending = StreamPendingView(record)
            reply.array(4)
            write(pending.id, reply)
            reply.bulk(pending.consumer.view)
            reply.integer(pending.deliveryTime)
            reply.integer(pending.deliveryCount)
            return true
        }
        reply.bulk("consumers")
        reply.array(group.consumers.count)
        group.consumers.forEachRecord {
            writeConsumer(StreamConsumerView($0), of: group, most, reply)
        }
    }

    private static func writeConsumer(
        _ consumer: StreamConsumerView, of group: StreamGroupView, _ most: Int,
        _ reply: ReplyWriter
    ) {
        reply.map(5)
        reply.bulk("name")
        reply.bulk(consumer.name)
        reply.bulk("seen-time")
        reply.integer(consumer.seenTime)
        reply.bulk("active-time")
        reply.integer(consumer.activeTime)
        reply.bulk("pel-count")
        reply.integer(consumer.own.count)
        reply.bulk("pending")
        var left = min(consumer.own.count, most)
        reply.array(left)
        consumer.own.forEachRecord(from: consumer.own.first()) { record in
            guard left > 0, let pending = group.pending(StreamID(at: record)) else {
                return false
            }
            left -= 1
            reply.array(3)
            write(pending.id, reply)
            reply.integer(pending.deliveryTime)
            reply.integer(pending.deliveryCount)
            return true
        }
    }
}
