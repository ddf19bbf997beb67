// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that are written with a condition or a deadline by name: SETNX, SETEX, PSETEX, MSETNX.

extension Strings {
    static let conditional: [Command] = [
        Command(
            "SETNX", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Stores a string under a key that is not there.",
            flags: [.write, .denyOutOfMemory, .fast],
            deprecated: Deprecation(
                since: "2.6.12", replacement: "`SET` with the `NX` argument"),
            syntax: [.key("key", [.overwrite, .insert]), .string("value")],
            run: .data(setIfAbsent)),
        Command(
            "SETEX", in: .string, since: "2.0.0", complexity: "O(1)",
            summary: "Stores a string under a key that dies after some seconds.",
            flags: [.write, .denyOutOfMemory],
            deprecated: Deprecation(
                since: "2.6.12", replacement: "`SET` with the `EX` argument"),
            syntax: [
                .key("key", [.overwrite, .update]), .integer("seconds"), .string("value"),
            ],
            run: .data(setSeconds)),
        Command(
            "PSETEX", in: .string, since: "2.6.0", complexity: "O(1)",
            summary: "Stores a string under a key that dies after some milliseconds.",
            flags: [.write, .denyOutOfMemory],
            deprecated: Deprecation(
                since: "2.6.12", replacement: "`SET` with the `PX` argument"),
            syntax: [
                .key("key", [.overwrite, .update]), .integer("milliseconds"), .string("value"),
            ],
            run: .data(setMilliseconds)),
        Command(
            "MSETNX", in: .string, since: "1.0.1",
            complexity: "O(N) where N is the number of keys to set.",
            summary: "Stores several strings under their keys if none of these is there.",
            flags: [.write, .denyOutOfMemory],
            tips: ["request_policy:multi_shard", "response_policy:agg_min"],
            syntax: [
                .many(.block("data", .key("key", [.overwrite, .insert]), .string("value")))
            ],
            run: .data(setManyIfAbsent)),
    ]

    /// https://redis.io/docs/latest/commands/setnx/
    static func setIfAbsent(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard context.database.pointee.lookup(key.bytes, key.hash) == nil else {
            return context.reply.integer(0)
        }
        context.database.pointee.add(key.bytes, key.hash, context.stringSource(2), nil)
        context.reply.integer(1)
    }

    /// https://redis.io/docs/latest/commands/setex/
    static func setSeconds(_ context: DataContext) throws(ErrorReply) {
        try set(context, .seconds)
    }

    /// https://redis.io/docs/latest/commands/psetex/
    static func setMilliseconds(_ context: DataContext) throws(ErrorReply) {
        try set(context, .milliseconds)
    }

    private static func set(_ context: DataContext, _ unit: ExpiryUnit) throws(ErrorReply) {
        let deadline = try unit.deadline(context, argument: 2)
        let key = context.key(1)
        context.database.pointee.set(
            key.bytes, key.hash, context.stringSource(3), .set(deadline))
        propagate(context, key, value: 3, deadline: deadline)
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/msetnx/
    static func setManyIfAbsent(_ context: DataContext) throws(ErrorReply) {
        guard context.count % 2 == 1 else { throw .wrongArity }
        for at in stride(from: 1, to: context.count, by: 2) {
            let key = context.key(at)
            if context.database.pointee.lookup(key.bytes, key.hash) != nil {
                return context.reply.integer(0)
            }
        }
        context.forEachKey(from: 1, step: 2) { key, at in
            context.database.pointee.set(
                key.bytes, key.hash, context.stringSource(at + 1), .clear)
        }
        context.reply.integer(1)
    }
}
