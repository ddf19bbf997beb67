// SPDX-License-Identifier: BSD-3-Clause
//
// CLIENT: client side caching, which this server does not do. Asking for it is an error; asking
// about it is answered as by a server where nobody asked for it.

extension Clients {
    static let caching: [Command] = [
        Command(
            "GETREDIR", in: .connection, since: "6.0.0", complexity: "O(1)",
            summary: "Returns where invalidations of this connection go.",
            flags: [.noScript, .loading, .stale], run: .session(redirection)),
        Command(
            "TRACKINGINFO", in: .connection, since: "6.2.0", complexity: "O(1)",
            summary: "Tells what is tracked for this connection.",
            flags: [.noScript, .loading, .stale], run: .session(trackingInfo)),
        Command(
            "CACHING", in: .connection, since: "6.0.0", complexity: "O(1)",
            summary: "Decides whether the keys of the next command are tracked.",
            flags: [.noScript, .loading, .stale],
            syntax: [.oneOf("mode", .token("YES"), .token("NO"))], run: .session(chooseCaching)),
        Command(
            "TRACKING", in: .connection, since: "6.0.0", complexity: "O(1)",
            summary: "Asks for invalidations of the keys that this connection reads.",
            flags: [.noScript, .loading, .stale],
            syntax: [
                .oneOf("status", .token("ON"), .token("OFF")),
                .optional(.integer("client-id", token: "REDIRECT")),
                .optional(.manyTokens(.string("prefix", token: "PREFIX"))),
                .optional(.token("BCAST")), .optional(.token("OPTIN")),
                .optional(.token("OPTOUT")), .optional(.token("NOLOOP")),
            ],
            run: .session(track)),
    ]

    /// https://redis.io/docs/latest/commands/client-getredir/
    static func redirection(_ context: SessionContext) throws(ErrorReply) {
        context.reply.integer(-1)
    }

    /// https://redis.io/docs/latest/commands/client-trackinginfo/
    static func trackingInfo(_ context: SessionContext) throws(ErrorReply) {
        context.reply.map(3)
        context.reply.bulk("flags")
        context.reply.set(1)
        context.reply.bulk("off")
        context.reply.bulk("redirect")
        context.reply.integer(-1)
        context.reply.bulk("prefixes")
        context.reply.array(0)
    }

    /// https://redis.io/docs/latest/commands/client-caching/
    static func chooseCaching(_ context: SessionContext) throws(ErrorReply) {
        throw .notTracking
    }

    /// https://redis.io/docs/latest/commands/client-tracking/
    static func track(_ context: SessionContext) throws(ErrorReply) {
        if context.data[2].equalsFolded("off") { return context.reply.ok() }
        throw context.data[2].equalsFolded("on") ? .trackingUnsupported : .syntax
    }
}
