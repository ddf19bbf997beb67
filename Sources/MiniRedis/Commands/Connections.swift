// SPDX-License-Identifier: BSD-3-Clause
//
// The connection itself: PING, ECHO, HELLO, AUTH, SELECT, RESET, QUIT.

/// The commands on the connection.
enum Connections {
    static let declarations: [Command] = [
        Command(
            "PING", in: .connection, since: "1.0.0", complexity: "O(1)",
            summary: "Answers PONG, or the message.",
            flags: [.fast, .whileSubscribed, .reportsDiskErrors],
            tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
            syntax: [.optional(.string("message"))],
            run: .session(ping)),
        Command(
            "ECHO", in: .connection, since: "1.0.0", complexity: "O(1)",
            summary: "Answers the message.",
            flags: [.loading, .stale, .fast],
            syntax: [.string("message")],
            run: .session(echo)),
        Command(
            "HELLO", in: .connection, since: "6.0.0", complexity: "O(1)",
            summary: "Chooses the protocol of the connection and tells about the server.",
            flags: [.noScript, .loading, .stale, .fast, .noAuthentication, .allowBusy],
            syntax: [
                .optional(
                    .block(
                        "arguments", .integer("protover"),
                        .optional(
                            .block(
                                "auth", token: "AUTH", .string("username"), .string("password"))),
                        .optional(.string("clientname", token: "SETNAME"))))
            ],
            run: .administration(hello)),
        Command(
            "AUTH", in: .connection, since: "1.0.0", complexity: "O(1)",
            summary: "Authenticates the connection.",
            flags: [.noScript, .loading, .stale, .fast, .noAuthentication, .allowBusy],
            syntax: [.optional(.string("username")).since("6.0.0"), .string("password")],
            run: .administration(authenticate)),
        Command(
            "SELECT", in: .connection, since: "1.0.0", complexity: "O(1)",
            summary: "Selects the database of the connection.",
            flags: [.loading, .stale, .fast],
            syntax: [.integer("index")],
            run: .administration(select)),
        Command(
            "RESET", in: .connection, since: "6.2.0", complexity: "O(1)",
            summary: "Makes the connection as it was when it was new.",
            flags: [
                .noScript, .loading, .stale, .fast, .noAuthentication, .allowBusy,
                .immediate, .whileSubscribed,
            ],
            run: .administration(reset)),
        Command(
            "QUIT", in: .connection, since: "1.0.0", complexity: "O(1)",
            summary: "Closes the connection after this reply.",
            flags: [
                .noScript, .loading, .stale, .fast, .noAuthentication, .allowBusy,
                .immediate, .whileSubscribed,
            ],
            arity: -1,  // Redis answers it whatever follows.
            run: .session(quit)),
    ]

    /// https://redis.io/docs/latest/commands/ping/
    static func ping(_ context: SessionContext) throws(ErrorReply) {
        guard context.data.count <= 2 else { throw .wrongArity }
        let session = context.session
        if session.pointee.protocolVersion == 2, session.pointee.attention.contains(.subscribed) {
            // What a listener gets has the shape of a message.
            context.reply.array(2)
            context.reply.bulk("pong")
            context.reply.bulk(context.data.count == 2 ? context.data[1] : ByteView(""))
        } else if context.data.count == 2 {
            context.reply.bulk(context.data[1])
        } else {
            context.reply.literal("+PONG\r\n")
        }
    }

    /// https://redis.io/docs/latest/commands/echo/
    static func echo(_ context: SessionContext) throws(ErrorReply) {
        context.reply.bulk(context.data[1])
    }

    /// https://redis.io/docs/latest/commands/quit/
    static func quit(_ context: SessionContext) throws(ErrorReply) {
        context.reply.ok()
        context.session.pointee.hold.insert(.closing)
    }

    /// https://redis.io/docs/latest/commands/select/
    static func select(_ context: AdministrationContext) throws(ErrorReply) {
        let index = try context.data.integer(1)
        guard index >= 0 && index < Int64(context.administration.keyspace.databaseCount) else {
            throw Int32(exactly: index) == nil ? .notInt32 : .databaseOutOfRange
        }
        context.session.pointee.databaseIndex = Int(index)
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/auth/
    static func authenticate(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        guard arguments.count <= 3 else { throw .syntax }
        if arguments.count == 2 && context.administration.requiredPassword.isEmpty {
            throw .noPasswordSet
        }
        try authenticate(
            context, user: arguments.count == 3 ? arguments[1] : ByteView("default"),
            password: arguments[arguments.count - 1])
        context.reply.ok()
    }

    private static func authenticate(
        _ context: AdministrationContext, user: ByteView, password: ByteView
    ) throws(ErrorReply) {
        let required = context.administration.requiredPassword
        guard user.equals("default"), required.isEmpty || matches(password, required) else {
            throw .wrongPassword
        }
        context.session.pointee.authenticate()
    }

    /// Compares in a time that depends on the lengths alone.
    private static func matches(_ given: ByteView, _ required: String) -> Bool {
        var required = required
        return required.withUTF8 { bytes in
            var difference = UInt8(given.count == bytes.count ? 0 : 1)
            for index in 0..<min(given.count, bytes.count) {
                difference |= given[index] ^ bytes[index]
            }
            return difference == 0
        }
    }

    /// https://redis.io/docs/latest/commands/hello/
    static func hello(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        var version: Int?
        if arguments.count > 1 {
            guard let asked = DecimalInteger.parse(arguments[1]) else { throw .invalidProtocol }
            guard asked == 2 || asked == 3 else { throw .noProtocol }
            version = Int(asked)
        }
        var (name, credentials): (ByteView?, Int?)
        var at = 2
        while at < arguments.count {
            if arguments[at].equalsFolded("auth"), at + 2 < arguments.count {
                credentials = at + 1
                at += 3
            } else if arguments[at].equalsFolded("setname"), at + 1 < arguments.count {
                guard arguments[at + 1].isPlainWord else { throw .invalidClientName }
                name = arguments[at + 1]
                at += 2
            } else {
                context.reply.error(
                    "ERR Syntax error in HELLO option '\(arguments[at].string)'")
                throw .written
            }
        }
        if let credentials {
            try authenticate(
                context, user: arguments[credentials], password: arguments[credentials + 1])
        }
        guard context.session.pointee.isAuthenticated else {
            throw .helloNeedsAuthentication
        }
        if let name { context.session.pointee.name = name.string }
        if let version { SessionContext(frame: context.frame).speak(version: version) }
        describeServer(context)
    }

    /// https://redis.io/docs/latest/commands/reset/
    static func reset(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.setMonitoring(false, for: context.session)
        context.administration.forgetEngagements(of: context.session)
        context.session.pointee.databaseIndex = 0
        context.session.pointee.authenticate(context.administration.requiredPassword.isEmpty)
        context.session.pointee.name = ""
        context.session.pointee.replyMode = .on
        context.session.pointee.traits = []
        SessionContext(frame: context.frame).speak(version: 2)
        context.reply.literal("+RESET\r\n")
    }

    private static func describeServer(_ context: AdministrationContext) {
        let reply = context.reply
        reply.map(7)
        reply.bulk("server")
        reply.bulk("redis")
        reply.bulk("version")
        reply.bulk(context.administration.version)
        reply.bulk("proto")
        reply.integer(context.session.pointee.protocolVersion)
        reply.bulk("id")
        reply.integer(context.session.pointee.id)
        reply.bulk("mode")
        reply.bulk("standalone")
        reply.bulk("role")
        reply.bulk("master")
        reply.bulk("modules")
        reply.array(0)
    }
}
