// SPDX-License-Identifier: BSD-3-Clause
//
// Following a master, and letting a replica take over: REPLICAOF, SLAVEOF, FAILOVER.

/// The commands that change who is the master.
enum ReplicaCommands {
    static let declarations: [Command] = [
        Command(
            "REPLICAOF", in: .server, since: "5.0.0", complexity: "O(1)",
            summary: "Follows another server as its replica, or none any more.",
            flags: [.admin, .noScript, .stale, .noAsyncLoading], syntax: [master],
            run: .administration(replicaOf)),
        Command(
            "SLAVEOF", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Follows another server as its replica, or none any more.",
            flags: [.admin, .noScript, .stale, .noAsyncLoading],
            deprecated: Deprecation(since: "5.0.0", replacement: "`REPLICAOF`"),
            syntax: [master], run: .administration(replicaOf)),
        Command(
            "FAILOVER", in: .server, since: "6.2.0", complexity: "O(1)",
            summary: "Hands the master's part over to a replica that has all writes.",
            flags: [.admin, .noScript, .stale],
            syntax: [
                .optional(
                    .block(
                        "target", token: "TO", .string("host"), .integer("port"),
                        .optional(.token("FORCE")))),
                .optional(.token("ABORT")), .optional(.integer("milliseconds", token: "TIMEOUT")),
            ],
            run: .administration(failOver)),
    ]

    private static let master = Syntax.oneOf(
        "args", .block("host-port", .string("host"), .integer("port")),
        .block("no-one", .token("NO"), .token("ONE")))

    /// https://redis.io/docs/latest/commands/replicaof/
    static func replicaOf(_ context: AdministrationContext) throws(ErrorReply) {
        let (host, port) = (context.data[1], context.data[2])
        if host.equalsFolded("no"), port.equalsFolded("one") {
            try context.administration.followNobody(for: context.session)
            return context.reply.ok()
        }
        guard let number = DecimalInteger.parse(port), (0...65535).contains(number) else {
            throw .invalidMasterPort
        }
        let isNew = try context.administration.follow(
            host: host.string, port: Int(number), for: context.session)
        guard isNew else { return context.reply.simple("OK Already connected to specified master") }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/failover/
    static func failOver(_ context: AdministrationContext) throws(ErrorReply) {
        if context.data.count == 2, context.data[1].equalsFolded("abort") {
            try context.administration.abortFailover()
            return context.reply.ok()
        }
        var wish = FailoverWish()
        var at = 1
        while at < context.data.count {
            let word = context.data[at]
            if word.equalsFolded("timeout"), at + 1 < context.data.count, wish.timeout == nil {
                let timeout = try context.data.integer(at + 1)
                guard timeout > 0 else { throw .failoverTimeout }
                wish.timeout = timeout
                at += 2
            } else if word.equalsFolded("to"), at + 2 < context.data.count, wish.target == nil {
                let port = try context.data.integer(at + 2)
                wish.target = (context.data[at + 1].string, Int(port))
                at += 3
            } else if word.equalsFolded("force"), !wish.isForced {
                wish.isForced = true
                at += 1
            } else {
                throw .syntax
            }
        }
        try context.administration.failOver(wish)
        context.reply.ok()
    }
}
