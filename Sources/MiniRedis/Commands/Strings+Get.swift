// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that are read: GET, MGET, STRLEN.

/// The commands on strings.
enum Strings {
    static let reads: [Command] = [
        Command(
            "GET", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Returns the string that a key holds.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(get)),
        Command(
            "MGET", in: .string, since: "1.0.0",
            complexity: "O(N) where N is the number of keys to retrieve.",
            summary: "Returns the strings that several keys hold, nil for those that hold none.",
            flags: [.readOnly, .fast], tips: ["request_policy:multi_shard"],
            syntax: [.many(.key("key", [.readOnly, .access]))],
            run: .data(getMany)),
        Command(
            "STRLEN", in: .string, since: "2.2.0", complexity: "O(1)",
            summary: "Returns the length in bytes of the string that a key holds.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly])],
            run: .data(length)),
    ]

    /// https://redis.io/docs/latest/commands/get/
    static func get(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.null()
        }
        guard entry.type == .string else { throw .wrongType }
        context.replyString(entry)
    }

    /// https://redis.io/docs/latest/commands/mget/
    static func getMany(_ context: DataContext) throws(ErrorReply) {
        context.reply.array(context.count - 1)
        context.forEachKey(from: 1) { key in
            if let entry = context.database.pointee.read(key.bytes, key.hash),
                entry.type == .string
            {
                context.replyString(entry)
            } else {
                context.reply.null()
            }
        }
    }

    /// https://redis.io/docs/latest/commands/strlen/
    static func length(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.integer(0)
        }
        guard entry.type == .string else { throw .wrongType }
        context.reply.integer(entry.string.count)
    }
}
