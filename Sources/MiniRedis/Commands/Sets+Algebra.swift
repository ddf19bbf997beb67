// SPDX-License-Identifier: BSD-3-Clause
//
// Sets: intersections, unions and differences, returned or stored.

extension Sets {
    private static func combination(
        _ name: String, _ summary: String, _ complexity: String, _ run: @escaping DataHandler
    ) -> Command {
        Command(
            name, in: .set, since: "1.0.0", complexity: complexity, summary: summary,
            flags: [.readOnly], tips: ["nondeterministic_output_order"],
            syntax: [.many(.key("key", [.readOnly, .access]))], run: .data(run))
    }

    private static func store(
        _ name: String, _ access: KeyAccess, _ summary: String, _ run: @escaping DataHandler
    ) -> Command {
        Command(
            name, in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members looked at.", summary: summary,
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("destination", [access, .update]), .many(.key("key", [.readOnly, .access])),
            ],
            run: .data(run))
    }

    static let algebra: [Command] = [
        combination(
            "SINTER", "Returns the members that all of the sets have.",
            "O(N*M) where N is the size of the smallest set and M the number of sets.", intersect),
        combination(
            "SUNION", "Returns the members that any of the sets has.",
            "O(N) where N is the number of members of all sets.", unite),
        combination(
            "SDIFF", "Returns the members of the first set that no other set has.",
            "O(N) where N is the number of members of all sets.", subtract),
        Command(
            "SINTERCARD", in: .set, since: "7.0.0",
            complexity: "O(N*M) where N is the size of the smallest set and M the number of sets.",
            summary: "Counts the members that all of the sets have.",
            flags: [.readOnly, .movableKeys],
            syntax: [
                .integer("numkeys"), .many(.key("key", [.readOnly, .access])),
                .optional(.integer("limit", token: "LIMIT")),
            ],
            run: .data(countIntersection)),
    ]

    static let stores: [Command] = [
        store(
            "SINTERSTORE", .readWrite, "Stores the members that all of the sets have.",
            storeIntersection),
        store(
            "SUNIONSTORE", .overwrite, "Stores the members that any of the sets has.", storeUnion),
        store(
            "SDIFFSTORE", .overwrite, "Stores the members of the first set that no other set has.",
            storeDifference),
    ]

    /// https://redis.io/docs/latest/commands/sinter/
    static func intersect(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 1..<context.count)
        let mark = context.reply.beginArray()
        let found = sources.intersect { context.reply.bulk($0) }
        context.reply.endSet(mark, found)
    }

    /// https://redis.io/docs/latest/commands/sunion/
    static func unite(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 1..<context.count)
        let mark = context.reply.beginArray()
        var found = 0
        sources.unite(context) {
            context.reply.bulk($0)
            found += 1
        }
        context.reply.endSet(mark, found)
    }

    /// https://redis.io/docs/latest/commands/sdiff/
    static func subtract(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 1..<context.count)
        let mark = context.reply.beginArray()
        var found = 0
        sources.subtract(context) {
            context.reply.bulk($0)
            found += 1
        }
        context.reply.endSet(mark, found)
    }

    /// https://redis.io/docs/latest/commands/sintercard/
    static func countIntersection(_ context: DataContext) throws(ErrorReply) {
        guard let number = DecimalInteger.parse(context[1]), number > 0 else {
            throw .keyCountNotPositive
        }
        guard number <= Int64(context.count - 2) else { throw .tooManyKeys }
        var at = 2 + Int(number)
        let keys = 2..<at
        var limit: Int64 = 0
        while at < context.count {
            guard context[at].equalsFolded("limit"), at + 1 < context.count else { throw .syntax }
            guard let value = DecimalInteger.parse(context[at + 1]), value >= 0 else {
                throw .limitNegative
            }
            limit = value
            at += 2
        }
        let sources = try SetSources(context, keys)
        context.reply.integer(sources.intersect(limit: limit == 0 ? .max : Int(limit)) { _ in })
    }

    /// https://redis.io/docs/latest/commands/sinterstore/
    static func storeIntersection(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 2..<context.count)
        store(context, .setInterStore) { editor in
            sources.intersect { _ = editor.insert($0) }
        }
    }

    /// https://redis.io/docs/latest/commands/sunionstore/
    static func storeUnion(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 2..<context.count)
        store(context, .setUnionStore) { editor in
            for at in 0..<sources.count {
                sources.views[at].forEach { _ = editor.insert($0) }
            }
        }
    }

    /// https://redis.io/docs/latest/commands/sdiffstore/
    static func storeDifference(_ context: DataContext) throws(ErrorReply) {
        let sources = try SetSources(context, 2..<context.count)
        store(context, .setDifferenceStore) { editor in
            sources.subtract(context) { _ = editor.insert($0) }
        }
    }

    /// Stores the set that `build` fills, and replies with its size.
    private static func store(
        _ context: DataContext, _ event: KeyspaceEvent, _ build: (SetEditor) -> Void
    ) {
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let base = BlockPlace.withBlock(SetValue.create(memory), memory) {
            build(SetEditor($0, limits))
        }
        let count = SetView(base).count
        let key = context.key(1)
        context.database.pointee.store(
            key.bytes, key.hash, CollectionSource(type: .set, base: base), event)
        context.reply.integer(count)
    }
}
