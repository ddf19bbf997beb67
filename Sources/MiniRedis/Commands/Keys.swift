// SPDX-License-Identifier: BSD-3-Clause
//
// Keys, whatever they hold: DEL, UNLINK, EXISTS, TYPE.

/// The commands on keys.
enum Keys {
    static let declarations: [Command] = [
        Command(
            "DEL", in: .generic, since: "1.0.0",
            complexity: "O(N) where N is the number of keys; what they held is freed in slices.",
            summary: "Removes keys.",
            flags: [.write, .keyspace],
            tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
            syntax: [.many(.key("key", [.remove, .delete]))],
            run: .data(remove)),
        Command(
            "UNLINK", in: .generic, since: "4.0.0",
            complexity: "O(N) where N is the number of keys; what they held is freed in slices.",
            summary: "Removes keys; the same as DEL, which frees in slices here too.",
            flags: [.write, .fast, .keyspace],
            tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
            syntax: [.many(.key("key", [.remove, .delete]))],
            run: .data(remove)),
        Command(
            "EXISTS", in: .generic, since: "1.0.0",
            complexity: "O(N) where N is the number of keys to check.",
            summary: "Counts how many of the keys exist; a key named twice counts twice.",
            flags: [.readOnly, .fast, .keyspace],
            tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
            syntax: [.many(.key("key", [.readOnly]))],
            run: .data(exists)),
        Command(
            "TYPE", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Names the type of the value that a key holds.",
            flags: [.readOnly, .fast, .keyspace],
            syntax: [.key("key", [.readOnly])],
            run: .data(type)),
    ]

    /// https://redis.io/docs/latest/commands/del/
    static func remove(_ context: DataContext) throws(ErrorReply) {
        var removed = 0
        context.forEachKey(from: 1) { key in
            guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
            context.database.pointee.remove(slot, key.hash)
            removed += 1
        }
        context.reply.integer(removed)
    }

    /// https://redis.io/docs/latest/commands/exists/
    static func exists(_ context: DataContext) throws(ErrorReply) {
        var found = 0
        context.forEachKey(from: 1) { key in
            if context.database.pointee.peek(key.bytes, key.hash) != nil { found += 1 }
        }
        context.reply.integer(found)
    }

    /// https://redis.io/docs/latest/commands/type/
    static func type(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let entry = context.database.pointee.peek(key.bytes, key.hash) else {
            return context.reply.simple("none")
        }
        context.reply.simple(entry.type.name)
    }
}
