// SPDX-License-Identifier: BSD-3-Clause
//
// What is pending in a group: XPENDING.

extension Streams {
    static let pendings: [Command] = [
        Command(
            "XPENDING", in: .stream, since: "5.0.0",
            complexity: """
                O(N) where N is the number of entries returned, or, with IDLE, looked at; the \
                summary: O(N) where N is the number of consumers.
                """,
            summary: "Tells what is pending in a group.", flags: [.readOnly],
            tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]), .string("group"),
                .optional(
                    .block(
                        "filters",
                        .optional(.integer("min-idle-time", token: "IDLE")).since("6.2.0"),
                        .string("start"), .string("end"), .integer("count"),
                        .optional(.string("consumer")))),
            ],
            run: .data(pending))
    ]

    /// https://redis.io/docs/latest/commands/xpending/
    static func pending(_ context: DataContext) throws(ErrorReply) {
        guard context.count == 3 || 6...9 ~= context.count else { throw .syntax }
        var filter = PendingFilter()
        if context.count > 3 { filter = try PendingFilter(context) }
        let key = context.key(1)
        guard let base = try context.collection(key, .stream),
            let group = StreamView(base).group(context[2])
        else { throw noKeyOrGroup(context, context[2], key: key.bytes) }
        if context.count == 3 {
            summarize(group, context.reply)
        } else {
            filter.write(group, context)
        }
    }

    private static func summarize(_ group: StreamGroupView, _ reply: ReplyWriter) {
        reply.array(4)
        let pending = group.pending
        reply.integer(pending.count)
        guard pending.count > 0 else {
            reply.null()
            reply.null()
            return reply.nullArray()
        }
        write(StreamPendingView(pending.first().record).id, reply)
        write(StreamPendingView(pending.last().record).id, reply)
        let mark = reply.beginArray()
        var count = 0
        group.consumers.forEachRecord { record in
            let consumer = StreamConsumerView(record)
            guard consumer.own.count > 0 else { return }
            count += 1
            reply.array(2)
            reply.bulk(consumer.name)
            reply.bulk(decimal: Int64(consumer.own.count))
        }
        reply.endArray(mark, count)
    }

    /// Which pending entries to list.
    private struct PendingFilter {
        var idleTime: Int64 = 0
        var start = StreamID.zero
        var end = StreamID.maximum
        var most: Int64 = 0
        /// The argument that names a consumer.
        var consumer: Int?

        init() {}

        init(_ context: DataContext) throws(ErrorReply) {
            var at = 3
            if context[3].equalsFolded("idle") {
                idleTime = try context.integer(4)
                guard context.count >= 8 else { throw .syntax }
                at = 5
            }
            most = max(try context.integer(at + 2), 0)
            start = try Streams.start(context, at)
            end = try Streams.end(context, at + 1)
            if at + 3 < context.count { consumer = at + 3 }
        }

        func write(_ group: StreamGroupView, _ context: DataContext) {
            let reply = context.reply
            let mark = reply.beginArray()
            var count: Int64 = 0
            let body = { (pending: StreamPendingView) -> Bool in
                guard pending.id <= end, count < most else { return false }
                let idle = context.now &- pending.deliveryTime
                if idleTime != 0 && idle < idleTime { return true }
                count += 1
                reply.array(4)
                Streams.write(pending.id, reply)
                reply.bulk(pending.consumer.view)
                reply.integer(max(idle, 0))
                reply.integer(pending.deliveryCount)
                return true
            }
            if let consumer {
                guard let consumer = group.consumer(context[consumer]) else {
                    return reply.array(0)
                }
                let own = consumer.own
                own.forEachRecord(from: own.lowerBound { StreamID(at: $0) < start }) {
                    group.pending(StreamID(at: $0)).map(body) ?? true
                }
            } else {
                let all = group.pending
                all.forEachRecord(from: all.lowerBound { StreamID(at: $0) < start }) {
                    body(StreamPendingView($0))
                }
            }
            reply.endArray(mark, Int(count))
        }
    }
}
