// SPDX-License-Identifier: BSD-3-Clause
//
// Hashes: fields that are read, one by one or all. Fields that are due are not there.

extension Hashes {
    private static func read(
        _ name: String, since: String = "2.0.0", _ access: KeyAccess, _ arguments: [Syntax],
        _ summary: String, _ run: @escaping DataHandler
    ) -> Command {
        Command(
            name, in: .hash, since: since,
            complexity: name == "HMGET" ? "O(N) where N is the number of fields." : "O(1)",
            summary: summary, flags: [.readOnly, .fast],
            syntax: [.key("key", access)] + arguments, run: .data(run))
    }

    private static func readAll(
        _ name: String, _ summary: String, _ run: @escaping DataHandler
    ) -> Command {
        Command(
            name, in: .hash, since: "2.0.0",
            complexity:
                "O(N) where N is the number of fields, at once: see HSCAN for large hashes.",
            summary: summary, flags: [.readOnly], tips: ["nondeterministic_output_order"],
            syntax: [.key("key", [.readOnly, .access])], run: .data(run))
    }

    static let reads: [Command] = [
        read(
            "HGET", [.readOnly, .access], [.string("field")],
            "Returns the value of a field of a hash.", get),
        read(
            "HMGET", [.readOnly, .access], [.many(.string("field"))],
            "Returns the values of several fields of a hash.", getMany),
        read("HLEN", .readOnly, [], "Counts the fields of a hash.", count),
        read(
            "HSTRLEN", since: "3.2.0", .readOnly, [.string("field")],
            "Returns the length of the value of a field of a hash.", length),
        read(
            "HEXISTS", .readOnly, [.string("field")], "Tells whether a hash has a field.",
            contains),
        readAll("HKEYS", "Returns the names of all fields of a hash.", fields),
        readAll("HVALS", "Returns the values of all fields of a hash.", values),
        readAll("HGETALL", "Returns all fields of a hash with their values.", getAll),
        Command(
            "HSCAN", in: .hash, since: "2.8.0",
            complexity: "O(1) for a call, O(N) for the whole hash of N fields.",
            summary: "Returns some of the fields of a hash, and where to go on.",
            flags: [.readOnly], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]), .integer("cursor"),
                .optional(.pattern("pattern", token: "MATCH")),
                .optional(.integer("count", token: "COUNT")),
                .optional(.token("NOVALUES")).since("7.4.0"),
            ],
            run: .data(scan)),
    ]

    /// The fields of the hash that the key at argument 1 holds; nil if there is none.
    @inline(__always)
    static func view(_ context: DataContext) throws(ErrorReply) -> HashView? {
        let now = context.dueTime
        return try context.collection(context.key(1), .hash).map { HashView($0, now: now) }
    }

    @inline(__always)
    private static func reply(_ context: DataContext, _ value: PackedPayload?) {
        switch value {
        case .bytes(let text): context.reply.bulk(text)
        case .integer(let value): context.reply.bulk(decimal: value)
        case nil: context.reply.null()
        }
    }

    /// https://redis.io/docs/latest/commands/hget/
    static func get(_ context: DataContext) throws(ErrorReply) {
        reply(context, try view(context)?.value(of: context[2]))
    }

    /// https://redis.io/docs/latest/commands/hmget/
    static func getMany(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context)
        context.reply.array(context.count - 2)
        for index in 2..<context.count { reply(context, view?.value(of: context[index])) }
    }

    /// https://redis.io/docs/latest/commands/hlen/
    static func count(_ context: DataContext) throws(ErrorReply) {
        context.reply.integer(try view(context)?.count ?? 0)
    }

    /// https://redis.io/docs/latest/commands/hstrlen/
    static func length(_ context: DataContext) throws(ErrorReply) {
        context.reply.integer(try view(context)?.value(of: context[2])?.textLength ?? 0)
    }

    /// https://redis.io/docs/latest/commands/hexists/
    static func contains(_ context: DataContext) throws(ErrorReply) {
        context.reply.integer(try view(context)?.contains(context[2]) ?? false ? 1 : 0)
    }

    /// https://redis.io/docs/latest/commands/hkeys/
    static func fields(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context)
        context.reply.array(view?.count ?? 0)
        view?.forEach { field, _, _ in context.reply.bulk(field) }
    }

    /// https://redis.io/docs/latest/commands/hvals/
    static func values(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context)
        context.reply.array(view?.count ?? 0)
        view?.forEach { _, value, _ in context.reply.bulk(value) }
    }

    /// https://redis.io/docs/latest/commands/hgetall/
    static func getAll(_ context: DataContext) throws(ErrorReply) {
        let view = try view(context)
        context.reply.map(view?.count ?? 0)
        view?.forEach { field, value, _ in
            context.reply.bulk(field)
            context.reply.bulk(value)
        }
    }

    /// https://redis.io/docs/latest/commands/hscan/
    static func scan(_ context: DataContext) throws(ErrorReply) {
        let cursor = try ScanOptions.cursor(context[2])
        guard let view = try view(context) else {
            context.reply.array(2)
            context.reply.bulk("0")
            return context.reply.array(0)
        }
        let options = try ScanOptions(context, from: 3, .noValues)
        context.reply.array(2)
        let start = context.reply.beginArray()
        var (found, next) = (0, UInt64(0))
        options.withFilter { matches in
            func see(_ field: ByteView, _ value: ByteView) {
                guard matches(field) else { return }
                context.reply.bulk(field)
                found += 1
                if options.omitsValues { return }
                context.reply.bulk(value)
                found += 1
            }
            guard view.isRoot else { return view.forEach { field, value, _ in see(field, value) } }
            next = options.walk(from: cursor) { at in
                var seen = 0
                let following = view.root.table.pointee.scan(at) { element in
                    seen += 1
                    if view.isTimed && view.isDue(element) { return }
                    see(HashElement.key(of: element), HashElement.value(of: element))
                }
                return (following, seen)
            }
        }
        context.reply.endArray(start, found)
        context.reply.prepend(bulk: next, at: start)
    }
}
