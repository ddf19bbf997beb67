// SPDX-License-Identifier: BSD-3-Clause
//
// How many and how far: ZCOUNT, ZLEXCOUNT, ZRANK, ZREVRANK.

extension SortedSets {
    static let counts: [Command] = [
        Command(
            "ZCOUNT", in: .sortedSet, since: "2.0.0",
            complexity: "O(log N) where N is the number of members.",
            summary: "Returns how many members have scores in a range.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .double("min"),
                .double("max"),
            ],
            run: .data(countByScore)),
        Command(
            "ZLEXCOUNT", in: .sortedSet, since: "2.8.9",
            complexity: "O(log N) where N is the number of members.",
            summary: "Returns how many members lie in a range of names, all scores being equal.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("min"),
                .string("max"),
            ],
            run: .data(countByLex)),
        Command(
            "ZRANK", in: .sortedSet, since: "2.0.0",
            complexity: "O(log N) where N is the number of members.",
            summary: "Returns how many members come before one, by ascending score.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("member"),
                .optional(.token("WITHSCORE", name: "withscore")).since("7.2.0"),
            ],
            run: .data(rank)),
        Command(
            "ZREVRANK", in: .sortedSet, since: "2.0.0",
            complexity: "O(log N) where N is the number of members.",
            summary: "Returns how many members come before one, by descending score.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("member"),
                .optional(.token("WITHSCORE", name: "withscore")).since("7.2.0"),
            ],
            run: .data(reverseRank)),
    ]

    /// https://redis.io/docs/latest/commands/zcount/
    static func countByScore(_ context: DataContext) throws(ErrorReply) {
        try count(context, .score)
    }

    /// https://redis.io/docs/latest/commands/zlexcount/
    static func countByLex(_ context: DataContext) throws(ErrorReply) {
        try count(context, .name)
    }

    private static func count(
        _ context: DataContext, _ order: SortedSetRange.Order
    ) throws(ErrorReply) {
        let range = try SortedSetRange(order, from: context[2], to: context[3])
        let base = try context.collection(context.key(1), .sortedSet)
        context.reply.integer(base.map { range.resolve(in: SortedSetView($0)).count } ?? 0)
    }

    /// https://redis.io/docs/latest/commands/zrank/
    static func rank(_ context: DataContext) throws(ErrorReply) {
        try rank(context, isReversed: false)
    }

    /// https://redis.io/docs/latest/commands/zrevrank/
    static func reverseRank(_ context: DataContext) throws(ErrorReply) {
        try rank(context, isReversed: true)
    }

    private static func rank(_ context: DataContext, isReversed: Bool) throws(ErrorReply) {
        guard context.count <= 4 else { throw .wrongArity }
        let withScore = context.count == 4
        if withScore && !context[3].equalsFolded("withscore") { throw .syntax }
        let base = try context.collection(context.key(1), .sortedSet)
        guard let base, let found = SortedSetView(base).rank(of: context[2]) else {
            return withScore ? context.reply.nullArray() : context.reply.null()
        }
        let rank = isReversed ? SortedSetView(base).count - 1 - found.rank : found.rank
        guard withScore else { return context.reply.integer(rank) }
        context.reply.array(2)
        context.reply.integer(rank)
        context.reply.double(found.score)
    }
}
