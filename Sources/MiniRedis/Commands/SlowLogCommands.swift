// SPDX-License-Identifier: BSD-3-Clause
//
// SLOWLOG: the last commands that took too long.

/// SLOWLOG and its subcommands.
enum SlowLogCommands {
    private static let flags: CommandFlags = [.admin, .loading, .stale]

    static let declarations: [Command] = [
        Command(
            "SLOWLOG", in: .server, since: "2.2.12", complexity: "Depends on subcommand.",
            summary: "Shows the commands that took longer than slowlog-log-slower-than.",
            subcommands: [
                Command(
                    "GET", in: .server, since: "2.2.12",
                    complexity: "O(N) where N is the number of entries returned",
                    summary: "Returns the newest entries: 10 of them, or count, or all for -1.",
                    flags: flags, tips: ["request_policy:all_nodes", "nondeterministic_output"],
                    syntax: [.optional(.integer("count"))], run: .administration(get)),
                Command(
                    "LEN", in: .server, since: "2.2.12", complexity: "O(1)",
                    summary: "Counts the entries.", flags: flags,
                    tips: [
                        "request_policy:all_nodes", "response_policy:agg_sum",
                        "nondeterministic_output",
                    ],
                    run: .administration(count)),
                Command(
                    "RESET", in: .server, since: "2.2.12",
                    complexity: "O(N) where N is the number of entries in the slowlog",
                    summary: "Forgets all entries.", flags: flags,
                    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
                    run: .administration(reset)),
                .help(in: .server, since: "6.2.0"),
            ],
            run: .container)
    ]

    private static let defaultCount = 10

    /// https://redis.io/docs/latest/commands/slowlog-get/
    static func get(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.data.count <= 3 else { throw .wrongArity }
        var limit = defaultCount
        if context.data.count == 3 {
            guard let wanted = DecimalInteger.parse(context.data[2]), wanted >= -1 else {
                throw .slowLogCount
            }
            limit = wanted == -1 ? .max : Int(wanted)
        }
        let entries = context.administration.slowLog.newest(limit)
        let reply = context.reply
        reply.array(entries.count)
        for entry in entries {
            reply.array(6)
            reply.integer(entry.id)
            reply.integer(entry.unixSeconds)
            reply.integer(entry.microseconds)
            reply.array(entry.arguments.count)
            for argument in entry.arguments {
                argument.withUnsafeBytes { bytes in
                    reply.bulk(
                        bytes.baseAddress.map { ByteView($0, count: bytes.count) } ?? ByteView(""))
                }
            }
            reply.bulk(entry.peer)
            reply.bulk(entry.clientName)
        }
    }

    /// https://redis.io/docs/latest/commands/slowlog-len/
    static func count(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(context.administration.slowLog.count)
    }

    /// https://redis.io/docs/latest/commands/slowlog-reset/
    static func reset(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.slowLog.removeAll()
        context.reply.ok()
    }
}
