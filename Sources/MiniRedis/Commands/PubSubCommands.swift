// SPDX-License-Identifier: BSD-3-Clause
//
// Publish and subscribe: SUBSCRIBE and its like, PUBLISH, SPUBLISH, PUBSUB.

/// The commands of publishing and listening.
enum PubSubCommands {
    private static let listens: CommandFlags = [
        .pubSub, .noScript, .loading, .stale, .whileSubscribed,
    ]
    private static let publishes: CommandFlags = [.pubSub, .loading, .stale, .fast]

    static let subscriptions: [Command] = [
        Command(
            "SUBSCRIBE", in: .pubsub, since: "2.0.0",
            complexity: "O(N) where N is the number of channels to subscribe to.",
            summary: "Listens to channels.", flags: listens,
            syntax: [.many(.string("channel"))], run: .administration(subscribe)),
        Command(
            "UNSUBSCRIBE", in: .pubsub, since: "2.0.0",
            complexity: "O(N) where N is the number of clients already subscribed to a channel.",
            summary: "Listens to channels no more, or to none at all.", flags: listens,
            syntax: [.optional(.many(.string("channel")))], run: .administration(unsubscribe)),
        Command(
            "PSUBSCRIBE", in: .pubsub, since: "2.0.0",
            complexity:
                "O(N) where N is the number of patterns the client is already subscribed to.",
            summary: "Listens to all channels that patterns describe.", flags: listens,
            syntax: [.many(.block("pattern", .pattern("pattern")))],
            run: .administration(subscribeToPatterns)),
        Command(
            "PUNSUBSCRIBE", in: .pubsub, since: "2.0.0",
            complexity:
                "O(N+M) where N is the number of patterns the client is already subscribed and M "
                + "is the number of total patterns subscribed in the system (by any client).",
            summary: "Listens to patterns no more, or to none at all.", flags: listens,
            syntax: [.optional(.many(.pattern("pattern")))],
            run: .administration(unsubscribeFromPatterns)),
        Command(
            "SSUBSCRIBE", in: .pubsub, since: "7.0.0",
            complexity: "O(N) where N is the number of shard channels to subscribe to.",
            summary: "Listens to shard channels.", flags: listens,
            syntax: [.many(.shardChannel("shardchannel"))],
            run: .administration(subscribeToShards)),
        Command(
            "SUNSUBSCRIBE", in: .pubsub, since: "7.0.0",
            complexity:
                "O(N) where N is the number of clients already subscribed to a shard channel.",
            summary: "Listens to shard channels no more, or to none at all.", flags: listens,
            syntax: [.optional(.many(.shardChannel("shardchannel")))],
            run: .administration(unsubscribeFromShards)),
    ]

    static let publishing: [Command] = [
        Command(
            "PUBLISH", in: .pubsub, since: "2.0.0",
            complexity:
                "O(N+M) where N is the number of clients subscribed to the receiving channel and "
                + "M is the total number of subscribed patterns (by any client).",
            summary: "Sends a message to all who listen to a channel.",
            flags: publishes,
            syntax: [.string("channel"), .string("message")], run: .administration(publish)),
        Command(
            "SPUBLISH", in: .pubsub, since: "7.0.0",
            complexity:
                "O(N) where N is the number of clients subscribed to the receiving shard channel.",
            summary: "Sends a message to all who listen to a shard channel.",
            flags: publishes,
            syntax: [.shardChannel("shardchannel"), .string("message")],
            run: .administration(publishToShard)),
        Command(
            "PUBSUB", in: .pubsub, since: "2.8.0", complexity: "Depends on subcommand.",
            summary: "Tells who listens to what.", subcommands: views, run: .container),
    ]

    private static let views: [Command] = [
        .help(in: .pubsub, since: "6.2.0"),
        Command(
            "CHANNELS", in: .pubsub, since: "2.8.0",
            complexity:
                "O(N) where N is the number of active channels, and assuming constant time "
                + "pattern matching (relatively short channels and patterns)",
            summary: "Lists the channels that somebody listens to.",
            flags: [.pubSub, .loading, .stale], syntax: [.optional(.pattern("pattern"))],
            run: .administration(listChannels)),
        Command(
            "NUMSUB", in: .pubsub, since: "2.8.0",
            complexity:
                "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
            summary: "Counts those who listen to channels.",
            flags: [.pubSub, .loading, .stale],
            syntax: [.optional(.many(.string("channel")))], run: .administration(countListeners)),
        Command(
            "NUMPAT", in: .pubsub, since: "2.8.0", complexity: "O(1)",
            summary: "Counts the patterns that somebody listens to.",
            flags: [.pubSub, .loading, .stale], run: .administration(countPatterns)),
        Command(
            "SHARDCHANNELS", in: .pubsub, since: "7.0.0",
            complexity:
                "O(N) where N is the number of active shard channels, and assuming constant time "
                + "pattern matching (relatively short shard channels).",
            summary: "Lists the shard channels that somebody listens to.",
            flags: [.pubSub, .loading, .stale], syntax: [.optional(.pattern("pattern"))],
            run: .administration(listShards)),
        Command(
            "SHARDNUMSUB", in: .pubsub, since: "7.0.0",
            complexity:
                "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard "
                + "channels",
            summary: "Counts those who listen to shard channels.",
            flags: [.pubSub, .loading, .stale],
            syntax: [.optional(.many(.string("shardchannel")))],
            run: .administration(countShardListeners)),
    ]

    // MARK: - Listening

    /// https://redis.io/docs/latest/commands/subscribe/
    static func subscribe(_ context: AdministrationContext) throws(ErrorReply) {
        subscribe(context, .channel)
    }

    /// https://redis.io/docs/latest/commands/psubscribe/
    static func subscribeToPatterns(_ context: AdministrationContext) throws(ErrorReply) {
        subscribe(context, .pattern)
    }

    /// https://redis.io/docs/latest/commands/ssubscribe/
    static func subscribeToShards(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.frame.pointee.mode != .transaction else { throw .shardsInTransaction }
        subscribe(context, .shard)
    }

    private static func subscribe(_ context: AdministrationContext, _ kind: SubscriptionKind) {
        for index in 1..<context.data.count {
            context.administration.subscribe(context.session, to: context.data[index], kind)
            confirm(context, kind.subscribed, context.data[index], kind)
        }
    }

    /// https://redis.io/docs/latest/commands/unsubscribe/
    static func unsubscribe(_ context: AdministrationContext) throws(ErrorReply) {
        unsubscribe(context, .channel)
    }

    /// https://redis.io/docs/latest/commands/punsubscribe/
    static func unsubscribeFromPatterns(_ context: AdministrationContext) throws(ErrorReply) {
        unsubscribe(context, .pattern)
    }

    /// https://redis.io/docs/latest/commands/sunsubscribe/
    static func unsubscribeFromShards(_ context: AdministrationContext) throws(ErrorReply) {
        unsubscribe(context, .shard)
    }

    private static func unsubscribe(_ context: AdministrationContext, _ kind: SubscriptionKind) {
        guard context.data.count == 1 else {
            for index in 1..<context.data.count {
                leave(context, context.data[index], kind)
            }
            return
        }
        let names = context.administration.channels.names(of: context.session.pointee.id, kind)
        if names.isEmpty { confirm(context, kind.unsubscribed, nil, kind) }
        for name in names { Channels.withView(name) { leave(context, $0, kind) } }
    }

    private static func leave(
        _ context: AdministrationContext, _ name: ByteView, _ kind: SubscriptionKind
    ) {
        context.administration.unsubscribe(context.session, from: name, kind)
        confirm(context, kind.unsubscribed, name, kind)
    }

    private static func confirm(
        _ context: AdministrationContext, _ word: StaticString, _ name: ByteView?,
        _ kind: SubscriptionKind
    ) {
        let counts = context.session.pointee.subscriptions
        let start = context.reply.buffer.pointee.count
        context.reply.push(3)
        context.reply.bulk(word)
        if let name { context.reply.bulk(name) } else { context.reply.null() }
        context.reply.integer(
            kind == .shard ? counts.shards : counts.channels + counts.patterns)
        // A confirmation is sent even to whom CLIENT REPLY keeps other replies from.
        guard context.session.pointee.replyMode != .on else { return }
        context.administration.deferReply(since: start)
    }

    // MARK: - Publishing

    /// https://redis.io/docs/latest/commands/publish/
    static func publish(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(
            context.administration.publish(context.data[2], on: context.data[1], .channel))
        context.data.propagateRequest(to: .replicas)
    }

    /// https://redis.io/docs/latest/commands/spublish/
    static func publishToShard(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(
            context.administration.publish(context.data[2], on: context.data[1], .shard))
        context.data.propagateRequest(to: .replicas)
    }

    // MARK: - Views

    /// https://redis.io/docs/latest/commands/pubsub-channels/
    static func listChannels(_ context: AdministrationContext) throws(ErrorReply) {
        try list(context, .channel)
    }

    /// https://redis.io/docs/latest/commands/pubsub-shardchannels/
    static func listShards(_ context: AdministrationContext) throws(ErrorReply) {
        try list(context, .shard)
    }

    private static func list(
        _ context: AdministrationContext, _ kind: SubscriptionKind
    ) throws(ErrorReply) {
        guard context.data.count <= 3 else {
            let word = context.data[1].prefix(min(128, context.data[1].count)).string
            context.reply.error(
                "ERR unknown subcommand or wrong number of arguments for '\(word)'. "
                    + "Try PUBSUB HELP.")
            throw .written
        }
        let pattern = GlobPattern(context.data.count == 3 ? context.data[2] : ByteView("*"))
        let isAll = context.data.count == 2
        let reply = context.reply
        let mark = reply.beginArray()
        var count = 0
        context.administration.channels.forEach(kind) { channel in
            channel.withName { name in
                guard isAll || pattern.matches(name) else { return }
                reply.bulk(name)
                count += 1
            }
        }
        reply.endArray(mark, count)
    }

    /// https://redis.io/docs/latest/commands/pubsub-numsub/
    static func countListeners(_ context: AdministrationContext) throws(ErrorReply) {
        count(context, .channel)
    }

    /// https://redis.io/docs/latest/commands/pubsub-shardnumsub/
    static func countShardListeners(_ context: AdministrationContext) throws(ErrorReply) {
        count(context, .shard)
    }

    private static func count(_ context: AdministrationContext, _ kind: SubscriptionKind) {
        context.reply.array((context.data.count - 2) * 2)
        for index in 2..<max(2, context.data.count) {
            let channel = context.administration.channels.find(context.data[index], kind)
            context.reply.bulk(context.data[index])
            context.reply.integer(channel?.subscribers.count ?? 0)
        }
    }

    /// https://redis.io/docs/latest/commands/pubsub-numpat/
    static func countPatterns(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(context.administration.channels.count(.pattern))
    }
}

extension SubscriptionKind {
    /// The first word of the confirmation.
    fileprivate var subscribed: StaticString {
        switch self {
        case .channel: "subscribe"
        case .pattern: "psubscribe"
        case .shard: "ssubscribe"
        }
    }

    fileprivate var unsubscribed: StaticString {
        switch self {
        case .channel: "unsubscribe"
        case .pattern: "punsubscribe"
        case .shard: "sunsubscribe"
        }
    }
}
