// SPDX-License-Identifier: BSD-3-Clause
//
// The CLIENT family: its declarations, and the handlers that look at one client or all of them.
// What changes clients is in `Clients+Control`.

/// CLIENT and its subcommands.
enum Clients {
    static let declarations: [Command] = [
        Command(
            "CLIENT", in: .connection, since: "2.4.0", complexity: "Depends on subcommand.",
            summary: "Tells about the connected clients and controls them.",
            subcommands: views + control + caching, run: .container)
    ]

    private static let flags: CommandFlags = [.noScript, .loading, .stale]

    private static let views: [Command] = [
        Command(
            "ID", in: .connection, since: "5.0.0", complexity: "O(1)",
            summary: "Returns the number of this connection.",
            flags: flags, run: .session(id)),
        Command(
            "INFO", in: .connection, since: "6.2.0", complexity: "O(1)",
            summary: "Describes this connection in a line.",
            flags: flags, tips: ["nondeterministic_output"], run: .administration(info)),
        Command(
            "LIST", in: .connection, since: "2.4.0",
            complexity: "O(N) where N is the number of clients",
            summary: "Describes the connected clients, a line for each.",
            flags: flags.union(.admin), tips: ["nondeterministic_output"],
            syntax: [
                .optional(
                    .oneOf(
                        "normal_master_replica_pubsub", token: "TYPE", .token("NORMAL"),
                        .token("MASTER"), .token("REPLICA"), .token("PUBSUB"))
                ).since("5.0.0"),
                .optional(
                    .block("id", token: "ID", .many(.integer("client-id")))
                ).since("6.2.0"),
            ],
            run: .administration(list)),
        Command(
            "GETNAME", in: .connection, since: "2.6.9", complexity: "O(1)",
            summary: "Returns the name of this connection.",
            flags: flags, run: .session(getName)),
        Command(
            "HELP", in: .connection, since: "5.0.0", complexity: "O(1)",
            summary: "Lists the subcommands.",
            flags: [.loading, .stale], run: .session(help)),
    ]

    /// https://redis.io/docs/latest/commands/client-id/
    static func id(_ context: SessionContext) throws(ErrorReply) {
        context.reply.integer(context.session.pointee.id)
    }

    /// https://redis.io/docs/latest/commands/client-info/
    static func info(_ context: AdministrationContext) throws(ErrorReply) {
        let filter = ClientFilter(ids: [context.session.pointee.id])
        context.reply.verbatim(context.administration.describeClients(filter))
    }

    /// https://redis.io/docs/latest/commands/client-list/
    static func list(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        var filter = ClientFilter()
        if arguments.count == 4, arguments[2].equalsFolded("type") {
            filter.kind = try kind(arguments[3], context.reply)
        } else if arguments.count > 3, arguments[2].equalsFolded("id") {
            var ids: [Int64] = []
            for index in 3..<arguments.count {
                guard let id = DecimalInteger.parse(arguments[index]) else {
                    throw .invalidClientID
                }
                ids.append(id)
            }
            filter.ids = ids
        } else if arguments.count != 2 {
            throw .syntax
        }
        context.reply.verbatim(context.administration.describeClients(filter))
    }

    /// The class of clients that a word names.
    static func kind(_ word: ByteView, _ reply: ReplyWriter) throws(ErrorReply) -> Session.Kind {
        if word.equalsFolded("normal") { return .normal }
        if word.equalsFolded("slave") || word.equalsFolded("replica") { return .replica }
        if word.equalsFolded("pubsub") { return .subscriber }
        if word.equalsFolded("master") { return .primary }
        reply.error("ERR Unknown client type '\(word.string)'")
        throw .written
    }

    /// https://redis.io/docs/latest/commands/client-getname/
    static func getName(_ context: SessionContext) throws(ErrorReply) {
        let name = context.session.pointee.name
        if name.isEmpty { context.reply.null() } else { context.reply.bulk(name) }
    }

    /// https://redis.io/docs/latest/commands/client-help/
    static func help(_ context: SessionContext) throws(ErrorReply) {
        context.reply.array(helpLines.count)
        for line in helpLines { context.reply.simple(line) }
    }

    private static let helpLines: [String] = [
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CACHING (YES|NO)",
        "    For the next command of a tracking client; nobody can track here.",
        "GETNAME",
        "    The name of this connection.",
        "GETREDIR",
        "    -1: invalidations are not redirected.",
        "ID",
        "    The number of this connection.",
        "INFO",
        "    This connection, in a line.",
        "KILL <ip:port>",
        "    Closes the connection from there.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Closes the connections that fit all options:",
        "    * ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0)",
        "    * ID <client-id>, TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <username>",
        "    * MAXAGE <seconds>, SKIPME (YES|NO)",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <client-id> [...]]",
        "    All connections, or those of a type or with these numbers.",
        "NO-EVICT (ON|OFF)",
        "    Keeps this connection from being closed to save memory.",
        "NO-TOUCH (ON|OFF)",
        "    Keeps this connection's reads from counting as accesses.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Holds all commands or those that write back for so many milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection is answered.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Tells which client library this is.",
        "SETNAME <name>",
        "    Names this connection.",
        "TRACKING (ON|OFF) ...",
        "    Client side caching; only OFF is supported.",
        "TRACKINGINFO",
        "    The state of client side caching for this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Ends another connection's wait.",
        "UNPAUSE",
        "    Ends a pause.",
        "HELP",
        "    Prints this help.",
    ]
}

extension ByteView {
    /// Neither blanks nor control characters: it can stand in a line of CLIENT LIST.
    var isPlainWord: Bool {
        for index in 0..<count where self[index] < 33 || self[index] > 126 { return false }
        return true
    }
}
