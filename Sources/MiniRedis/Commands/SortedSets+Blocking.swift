// SPDX-License-Identifier: BSD-3-Clause
//
// Members that are waited for: BZPOPMIN, BZPOPMAX, BZMPOP.

extension SortedSets {
    static let waits: [Command] = [
        Command(
            "BZPOPMIN", in: .sortedSet, since: "5.0.0",
            complexity: "O(log N)",
            summary:
                "Removes the member with the least score of the first set that has any; waits.",
            flags: [.write, .noScript, .blocking, .fast],
            syntax: [
                .many(.key("key", [.readWrite, .access, .delete])),
                .double("timeout"),
            ],
            run: .session(waitPopLeast)),
        Command(
            "BZPOPMAX", in: .sortedSet, since: "5.0.0",
            complexity: "O(log N)",
            summary:
                "Removes the member with the greatest score of the first set that has any; waits.",
            flags: [.write, .noScript, .blocking, .fast],
            syntax: [
                .many(.key("key", [.readWrite, .access, .delete])),
                .double("timeout"),
            ],
            run: .session(waitPopGreatest)),
        Command(
            "BZMPOP", in: .sortedSet, since: "7.0.0",
            complexity: "O(K + M log N) for K keys and M members.",
            summary: "Removes members of the first sorted set that has any, or waits for one.",
            flags: [.write, .blocking, .movableKeys],
            syntax: [
                .double("timeout"),
                .integer("numkeys"),
                .many(.key("key", [.readWrite, .access, .delete])),
                .oneOf("where", .token("MIN"), .token("MAX")),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .session(waitPopFirst)),
    ]

    /// https://redis.io/docs/latest/commands/bzpopmin/
    static func waitPopLeast(_ context: SessionContext) throws(ErrorReply) {
        try waitAndPop(context, .least)
    }

    /// https://redis.io/docs/latest/commands/bzpopmax/
    static func waitPopGreatest(_ context: SessionContext) throws(ErrorReply) {
        try waitAndPop(context, .greatest)
    }

    private static func waitAndPop(_ context: SessionContext, _ end: End) throws(ErrorReply) {
        let data = context.data
        let timeout = try context.waitTimeout(data.count - 1)
        let keys = 1..<data.count - 1
        for index in keys {
            let key = data.key(index)
            guard let slot = try context.readySlot(key, .sortedSet) else { continue }
            let count = SortedSetView(Entry(slot.entry).collection).count
            context.reply.array(3)
            context.reply.bulk(key.bytes)
            take(data, key, slot, end.ranks(1, of: count), end) { member, score in
                context.reply.bulk(member)
                context.reply.double(score)
            }
            return data.propagate(2) {
                $0.add(end.popName)
                $0.add(key.bytes)
            }
        }
        guard context.mayWait else { return context.reply.nullArray() }
        context.wait(forKeys: keys, timeout: timeout, answer: .nullArray)
    }

    /// https://redis.io/docs/latest/commands/bzmpop/
    static func waitPopFirst(_ context: SessionContext) throws(ErrorReply) {
        let data = context.data
        let request = try PopRequest(data, from: 2)
        let timeout = try context.waitTimeout(1)
        let hasPopped = try popFirst(data, request) { key throws(ErrorReply) in
            try context.readySlot(key, .sortedSet)
        }
        if hasPopped { return }
        guard context.mayWait else { return context.reply.nullArray() }
        context.wait(forKeys: request.keys, timeout: timeout, answer: .nullArray)
    }
}
