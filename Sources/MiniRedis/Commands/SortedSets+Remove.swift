// SPDX-License-Identifier: BSD-3-Clause
//
// Ranges that are taken out or stored: ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX,
// ZRANGESTORE.

extension SortedSets {
    static let removals: [Command] = [
        Command(
            "ZREMRANGEBYRANK", in: .sortedSet, since: "2.0.0",
            complexity: "O(log N + M) for M members that are removed.",
            summary: "Removes members in a range of ranks.",
            flags: [.write],
            syntax: [
                .key("key", [.readWrite, .delete]),
                .integer("start"),
                .integer("stop"),
            ],
            run: .data(removeByRank)),
        Command(
            "ZREMRANGEBYSCORE", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N + M) for M members that are removed.",
            summary: "Removes members in a range of scores.",
            flags: [.write],
            syntax: [
                .key("key", [.readWrite, .delete]),
                .double("min"),
                .double("max"),
            ],
            run: .data(removeByScore)),
        Command(
            "ZREMRANGEBYLEX", in: .sortedSet, since: "2.8.9",
            complexity: "O(log N + M) for M members that are removed.",
            summary: "Removes members in a range of names, all scores being equal.",
            flags: [.write],
            syntax: [
                .key("key", [.readWrite, .delete]),
                .string("min"),
                .string("max"),
            ],
            run: .data(removeByLex)),
        Command(
            "ZRANGESTORE", in: .sortedSet, since: "6.2.0",
            complexity: "O(log N + M) for M members that are stored.",
            summary: "Stores members in a range of ranks, scores or names under another key.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("dst", [.overwrite, .update]),
                .key("src", [.readOnly, .access]),
                .string("min"),
                .string("max"),
                .optional(.oneOf("sortby", .token("BYSCORE"), .token("BYLEX"))),
                .optional(.token("REV")),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))),
            ],
            run: .data(rangeStore)),
    ]

    /// https://redis.io/docs/latest/commands/zremrangebyrank/
    static func removeByRank(_ context: DataContext) throws(ErrorReply) {
        try remove(context, .rank, .sortedSetRemoveByRank)
    }

    /// https://redis.io/docs/latest/commands/zremrangebyscore/
    static func removeByScore(_ context: DataContext) throws(ErrorReply) {
        try remove(context, .score, .sortedSetRemoveByScore)
    }

    /// https://redis.io/docs/latest/commands/zremrangebylex/
    static func removeByLex(_ context: DataContext) throws(ErrorReply) {
        try remove(context, .name, .sortedSetRemoveByLex)
    }

    private static func remove(
        _ context: DataContext, _ order: SortedSetRange.Order, _ event: KeyspaceEvent
    ) throws(ErrorReply) {
        let range = try SortedSetRange(order, from: context[2], to: context[3])
        let key = context.key(1)
        guard let slot = try context.slot(key, .sortedSet) else {
            return context.reply.integer(0)
        }
        let limits = context.limits
        let removed = context.database.pointee.update(slot, key, event) { place in
            let editor = SortedSetEditor(place, limits)
            return editor.remove(ranks: range.resolve(in: editor.view))
        }
        context.reply.integer(removed)
    }

    /// https://redis.io/docs/latest/commands/zrangestore/
    static func rangeStore(_ context: DataContext) throws(ErrorReply) {
        let request = try RangeRequest(context, from: 3, nil, storing: true)
        let base = try context.collection(context.key(2), .sortedSet)
        let stored = buildAndStore(context, destination: 1, .sortedSetRangeStore) { editor in
            guard let base else { return }
            let view = SortedSetView(base)
            view.forEach(in: request.resolve(in: view), isReversed: false) { member, score in
                editor.set(member, score)
                return true
            }
        }
        context.reply.integer(stored)
    }

    /// Stores the sorted set that `build` makes under the key at an argument, whatever was there;
    /// returns how many members it has.
    static func buildAndStore(
        _ context: DataContext, destination: Int, _ event: KeyspaceEvent,
        _ build: (SortedSetEditor) -> Void
    ) -> Int {
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) {
            build(SortedSetEditor($0, limits))
        }
        return store(context, base, destination: destination, event)
    }

    /// Stores a sorted set, which the key at an argument owns from now on; returns how many members
    /// it has.
    static func store(
        _ context: DataContext, _ base: UnsafeMutableRawPointer, destination: Int,
        _ event: KeyspaceEvent
    ) -> Int {
        let count = SortedSetView(base).count
        let key = context.key(destination)
        context.database.pointee.store(
            key.bytes, key.hash, CollectionSource(type: .sortedSet, base: base), event)
        return count
    }
}
