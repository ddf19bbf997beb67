// SPDX-License-Identifier: BSD-3-Clause
//
// CLIENT: what a client says of itself, and what is done to others.

extension Clients {
    private static let flags: CommandFlags = [.noScript, .loading, .stale]
    private static let adminFlags: CommandFlags = [.admin, .noScript, .loading, .stale]

    static let control: [Command] = [
        Command(
            "SETNAME", in: .connection, since: "2.6.9", complexity: "O(1)",
            summary: "Names this connection.",
            flags: flags, syntax: [.string("connection-name")], run: .session(setName)),
        Command(
            "SETINFO", in: .connection, since: "7.2.0", complexity: "O(1)",
            summary: "Tells which client library uses this connection.",
            flags: flags, tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
            syntax: [
                .oneOf(
                    "attr", .string("libname", token: "LIB-NAME"),
                    .string("libver", token: "LIB-VER"))
            ],
            run: .session(setInfo)),
        Command(
            "REPLY", in: .connection, since: "3.2.0", complexity: "O(1)",
            summary: "Decides whether commands of this connection are answered.",
            flags: flags,
            syntax: [.oneOf("on_off_skip", .token("ON"), .token("OFF"), .token("SKIP"))],
            run: .session(reply)),
        Command(
            "KILL", in: .connection, since: "2.4.0",
            complexity: "O(N) where N is the number of clients",
            summary: "Closes connections.",
            flags: adminFlags,
            arity: -3,  // One argument at least, which the grammar does not say.
            syntax: [
                .oneOf(
                    "filter", .string("ip:port").deprecated(since: "2.8.12"),
                    .many(.oneOf("new-format", of: killFilters)))
            ],
            run: .administration(kill)),
        Command(
            "PAUSE", in: .connection, since: "2.9.50", complexity: "O(1)",
            summary: "Holds the commands of all clients back for a time.",
            flags: adminFlags,
            syntax: [
                .integer("timeout"),
                .optional(.oneOf("mode", .token("WRITE"), .token("ALL"))).since("6.2.0"),
            ],
            run: .administration(pause)),
        Command(
            "UNPAUSE", in: .connection, since: "6.2.0",
            complexity: "O(N) where N is the number of clients",
            summary: "Ends a pause.",
            flags: adminFlags, run: .administration(unpause)),
        Command(
            "NO-EVICT", in: .connection, since: "7.0.0", complexity: "O(1)",
            summary: "Keeps this connection from being closed to save memory.",
            flags: adminFlags, syntax: [.oneOf("enabled", .token("ON"), .token("OFF"))],
            run: .session(noEvict)),
        Command(
            "NO-TOUCH", in: .connection, since: "7.2.0", complexity: "O(1)",
            summary: "Keeps the reads of this connection from counting as accesses.",
            flags: flags, syntax: [.oneOf("enabled", .token("ON"), .token("OFF"))],
            run: .session(noTouch)),
        Command(
            "UNBLOCK", in: .connection, since: "5.0.0", complexity: "O(1)",
            summary: "Ends the wait of a blocked connection.",
            flags: adminFlags,
            syntax: [
                .integer("client-id"),
                .optional(.oneOf("timeout_error", .token("TIMEOUT"), .token("ERROR"))),
            ],
            run: .administration(unblock)),
    ]

    private static let killFilters: [Syntax] = [
        .optional(.integer("client-id", token: "ID")).since("2.8.12"),
        .optional(
            .oneOf(
                "normal_master_slave_pubsub", token: "TYPE", .token("NORMAL"),
                .token("MASTER").since("3.2.0"), .token("SLAVE"), .token("REPLICA").since("5.0.0"),
                .token("PUBSUB"))
        ).since("2.8.12"),
        .optional(.string("username", token: "USER")),
        .optional(.string("ip:port", token: "ADDR")),
        .optional(.string("ip:port", token: "LADDR")).since("6.2.0"),
        .optional(.string("yes/no", token: "SKIPME")),
    ]

    /// https://redis.io/docs/latest/commands/client-setname/
    static func setName(_ context: SessionContext) throws(ErrorReply) {
        guard context.data[2].isPlainWord else { throw .invalidClientName }
        context.session.pointee.name = context.data[2].string
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/client-setinfo/
    static func setInfo(_ context: SessionContext) throws(ErrorReply) {
        let option = context.data[2]
        let isName = option.equalsFolded("lib-name")
        guard isName || option.equalsFolded("lib-ver") else {
            context.reply.error("ERR Unrecognized option '\(option.string)'")
            throw .written
        }
        guard context.data[3].isPlainWord else {
            context.reply.error(
                "ERR \(option.string) cannot contain spaces, newlines or special characters.")
            throw .written
        }
        if isName {
            context.session.pointee.libraryName = context.data[3].string
        } else {
            context.session.pointee.libraryVersion = context.data[3].string
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/client-reply/
    static func reply(_ context: SessionContext) throws(ErrorReply) {
        let word = context.data[2]
        if word.equalsFolded("on") {
            context.session.pointee.replyMode = .on
            context.reply.ok()
        } else if word.equalsFolded("off") {
            context.session.pointee.replyMode = .off
        } else if word.equalsFolded("skip") {
            if context.session.pointee.replyMode != .off {
                context.session.pointee.replyMode = .skipsNext
            }
        } else {
            throw .syntax
        }
    }

    /// https://redis.io/docs/latest/commands/client-kill/
    static func kill(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        if arguments.count == 3 {
            let filter = ClientFilter(address: arguments[2].string)
            guard context.administration.closeClients(filter, for: context.session) > 0 else {
                throw .noSuchClient
            }
            return context.reply.ok()
        }
        var filter = ClientFilter(except: context.session.pointee.id)
        for at in stride(from: 2, to: arguments.count, by: 2) {
            guard at + 1 < arguments.count else { throw .syntax }
            try add(arguments[at], arguments[at + 1], to: &filter, context)
        }
        context.reply.integer(context.administration.closeClients(filter, for: context.session))
    }

    private static func add(
        _ option: ByteView, _ value: ByteView, to filter: inout ClientFilter,
        _ context: AdministrationContext
    ) throws(ErrorReply) {
        if option.equalsFolded("id") {
            guard let id = DecimalInteger.parse(value), id > 0 else { throw .clientIDNotPositive }
            filter.ids = [id]
        } else if option.equalsFolded("type") {
            filter.kind = try kind(value, context.reply)
        } else if option.equalsFolded("addr") {
            filter.address = value.string
        } else if option.equalsFolded("laddr") {
            filter.localAddress = value.string
        } else if option.equalsFolded("user") {
            // There is one user so far.
            guard value.equals("default") else {
                context.reply.error("ERR No such user '\(value.string)'")
                throw .written
            }
        } else if option.equalsFolded("maxage") {
            guard let age = DecimalInteger.parse(value) else { throw .maximumAgeNotInteger }
            guard age > 0 else { throw .maximumAgeNotPositive }
            filter.leastAgeSeconds = age
        } else if option.equalsFolded("skipme") {
            guard value.equalsFolded("yes") || value.equalsFolded("no") else { throw .syntax }
            filter.except = value.equalsFolded("yes") ? context.session.pointee.id : nil
        } else {
            throw .syntax
        }
    }

    /// https://redis.io/docs/latest/commands/client-pause/
    static func pause(_ context: AdministrationContext) throws(ErrorReply) {
        var scope = PauseScope.all
        if context.data.count == 4 {
            if context.data[3].equalsFolded("write") {
                scope = .writes
            } else if !context.data[3].equalsFolded("all") {
                throw .invalidPauseMode
            }
        } else if context.data.count > 4 {
            context.reply.error(
                "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. "
                    + "Try CLIENT HELP.")
            throw .written
        }
        guard let milliseconds = DecimalInteger.parse(context.data[2]) else {
            throw .timeoutNotInteger
        }
        guard milliseconds >= 0 else { throw .timeoutNegative }
        let (end, overflow) = context.data.now.addingReportingOverflow(milliseconds)
        guard !overflow else { throw .timeoutOutOfRange }
        context.administration.pauseClients(scope, until: end)
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/client-unpause/
    static func unpause(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.unpauseClients()
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/client-no-evict/
    static func noEvict(_ context: SessionContext) throws(ErrorReply) {
        try set(.isKept, context)
    }

    /// https://redis.io/docs/latest/commands/client-no-touch/
    static func noTouch(_ context: SessionContext) throws(ErrorReply) {
        try set(.doesNotTouch, context)
    }

    private static func set(
        _ trait: Session.Traits, _ context: SessionContext
    ) throws(ErrorReply) {
        if context.data[2].equalsFolded("on") {
            context.session.pointee.traits.insert(trait)
        } else if context.data[2].equalsFolded("off") {
            context.session.pointee.traits.remove(trait)
        } else {
            throw .syntax
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/client-unblock/
    ///
    /// Who waits for a save, or for the end of a pause, cannot be woken, as in Redis.
    static func unblock(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.data.count <= 4 else {
            context.reply.error(
                "ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. "
                    + "Try CLIENT HELP.")
            throw .written
        }
        if context.data.count == 4 {
            guard context.data[3].equalsFolded("timeout") || context.data[3].equalsFolded("error")
            else { throw .invalidUnblockReason }
        }
        let id = try context.data.integer(2)
        let withError = context.data.count == 4 && context.data[3].equalsFolded("error")
        let isUnblocked = context.administration.unblock(id, withError: withError)
        context.reply.integer(isUnblocked ? 1 : 0)
    }
}
