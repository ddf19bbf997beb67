// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of a key beside its value: OBJECT; and its access clock: TOUCH.

extension Keys {
    static let objects: [Command] = [
        Command(
            "TOUCH", in: .generic, since: "3.2.1",
            complexity: "O(N) where N is the number of keys to touch.",
            summary: "Counts as an access to the keys, and tells how many of them exist.",
            flags: [.readOnly, .fast, .keyspace],
            tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
            syntax: [.many(.key("key", [.readOnly]))],
            run: .data(touch)),
        Command(
            "OBJECT", in: .generic, since: "2.2.3", complexity: "Depends on subcommand.",
            summary: "Tells how values are kept.",
            subcommands: [
                object(
                    "ENCODING", since: "2.2.3", "Names the encoding of the value of a key.",
                    encoding),
                object(
                    "REFCOUNT", since: "2.2.3", "Counts the references to the value of a key.",
                    referenceCount),
                object(
                    "IDLETIME", since: "2.2.3",
                    "Tells how many seconds ago a key was last accessed.", idleTime),
                object(
                    "FREQ", since: "4.0.0", "Tells how often a key is accessed, on a log scale.",
                    frequency),
                Command(
                    "HELP", in: .generic, since: "6.2.0", complexity: "O(1)",
                    summary: "Lists the subcommands.", flags: [.loading, .stale, .keyspace],
                    run: .administration(objectHelp)),
            ],
            run: .container),
    ]

    private static func object(
        _ name: String, since: String, _ summary: String, _ run: @escaping AdministrationHandler
    ) -> Command {
        Command(
            name, in: .generic, since: since, complexity: "O(1)", summary: summary,
            flags: [.readOnly, .keyspace], tips: ["nondeterministic_output"],
            syntax: [.key("key", [.readOnly])], run: .administration(run))
    }

    /// Redis shares one object for each of the integers from 0 on below this.
    private static let sharedIntegers: Int64 = 10_000
    /// The reference count of a shared object, which nobody counts.
    private static let sharedReferenceCount = Int(Int32.max)

    /// https://redis.io/docs/latest/commands/touch/
    ///
    /// It touches even for a client that does not (CLIENT NO-TOUCH).
    static func touch(_ context: DataContext) throws(ErrorReply) {
        let state = context.database.pointee.state
        let spares = state.pointee.sparesAccess
        state.pointee.sparesAccess = false
        defer { state.pointee.sparesAccess = spares }
        var found = 0
        context.forEachKey(from: 1) { key in
            if context.database.pointee.read(key.bytes, key.hash) != nil { found += 1 }
        }
        context.reply.integer(found)
    }

    /// https://redis.io/docs/latest/commands/object-encoding/
    static func encoding(_ context: AdministrationContext) throws(ErrorReply) {
        guard let entry = looked(context) else { return context.reply.null() }
        context.reply.bulk(entry.encodingName)
    }

    /// https://redis.io/docs/latest/commands/object-refcount/
    ///
    /// Nothing but a huge string is shared here. Small integers are shared in Redis unless the
    /// eviction policy needs an access clock for each; clients see its number.
    static func referenceCount(_ context: AdministrationContext) throws(ErrorReply) {
        guard let entry = looked(context) else { return context.reply.null() }
        if entry.type == .string, case .integer(let value) = entry.string, value >= 0,
            value < sharedIntegers, !policy(context).hasSuffix("lru"),
            !policy(context).hasSuffix("lfu")
        {
            return context.reply.integer(sharedReferenceCount)
        }
        context.reply.integer(1)
    }

    /// https://redis.io/docs/latest/commands/object-idletime/
    static func idleTime(_ context: AdministrationContext) throws(ErrorReply) {
        guard let entry = looked(context) else { return context.reply.null() }
        guard !policy(context).hasSuffix("lfu") else { throw .idleTimeNotTracked }
        let now = context.data.database.pointee.state.pointee.accessClock
        context.reply.integer(Int((now &- entry.accessClock) & 0xFF_FFFF))
    }

    /// https://redis.io/docs/latest/commands/object-freq/
    static func frequency(_ context: AdministrationContext) throws(ErrorReply) {
        guard let entry = looked(context) else { return context.reply.null() }
        guard policy(context).hasSuffix("lfu") else { throw .frequencyNotTracked }
        let state = context.data.database.pointee.state
        context.reply.integer(
            AccessRecord.frequency(
                entry.accessClock, now: state.pointee.now, state.pointee.frequencyScale))
    }

    /// The entry of the key in argument 2; looking is no access, and a miss no event.
    private static func looked(_ context: AdministrationContext) -> Entry? {
        let key = context.data.key(2)
        return context.data.database.pointee.peek(key.bytes, key.hash, tells: false)
    }

    private static func policy(_ context: AdministrationContext) -> String {
        context.administration.settings(matching: ["maxmemory-policy"]).first?.1 ?? ""
    }

    /// https://redis.io/docs/latest/commands/object-help/
    static func objectHelp(_ context: AdministrationContext) throws(ErrorReply) {
        let lines: [StaticString] = [
            "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "ENCODING <key>", "    Name the encoding in which the value of <key> is kept.",
            "FREQ <key>", "    Return how often <key> is accessed, on a logarithmic scale.",
            "IDLETIME <key>", "    Return the seconds since the last access to <key>.",
            "REFCOUNT <key>", "    Return the number of references to the value of <key>.",
            "HELP", "    Print this help.",
        ]
        context.reply.array(lines.count)
        for line in lines { context.reply.simple(line) }
    }
}
