// SPDX-License-Identifier: BSD-3-Clause
//
// Ranges that are returned: ZRANGE and the six commands that it stands for.

extension SortedSets {
    static let ranges: [Command] = [
        Command(
            "ZRANGE", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of ranks, scores or names.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("start"),
                .string("stop"),
                .optional(.oneOf("sortby", .token("BYSCORE"), .token("BYLEX"))).since("6.2.0"),
                .optional(.token("REV")).since("6.2.0"),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))
                ).since("6.2.0"),
                .optional(.token("WITHSCORES")),
            ],
            run: .data(range)),
        Command(
            "ZREVRANGE", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of ranks, by descending score.",
            flags: [.readOnly],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`ZRANGE` with the `REV` argument"),
            syntax: [
                .key("key", [.readOnly, .access]),
                .integer("start"),
                .integer("stop"),
                .optional(.token("WITHSCORES")),
            ],
            run: .data(reverseRange)),
        Command(
            "ZRANGEBYSCORE", in: .sortedSet, since: "1.0.5",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of scores.",
            flags: [.readOnly],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`ZRANGE` with the `BYSCORE` argument"),
            syntax: [
                .key("key", [.readOnly, .access]),
                .double("min"),
                .double("max"),
                .optional(.token("WITHSCORES")).since("2.0.0"),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))),
            ],
            run: .data(rangeByScore)),
        Command(
            "ZREVRANGEBYSCORE", in: .sortedSet, since: "2.2.0",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of scores, by descending score.",
            flags: [.readOnly],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
            syntax: [
                .key("key", [.readOnly, .access]),
                .double("max"),
                .double("min"),
                .optional(.token("WITHSCORES")),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))),
            ],
            run: .data(reverseRangeByScore)),
        Command(
            "ZRANGEBYLEX", in: .sortedSet, since: "2.8.9",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of names, all scores being equal.",
            flags: [.readOnly],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`ZRANGE` with the `BYLEX` argument"),
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("min"),
                .string("max"),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))),
            ],
            run: .data(rangeByLex)),
        Command(
            "ZREVRANGEBYLEX", in: .sortedSet, since: "2.8.9",
            complexity: "O(log N + M) for M members that are returned.",
            summary: "Returns members in a range of names, in descending order.",
            flags: [.readOnly],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`ZRANGE` with the `REV` and `BYLEX` arguments"),
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("max"),
                .string("min"),
                .optional(
                    .block("offset_count", token: "LIMIT", .integer("offset"), .integer("count"))),
            ],
            run: .data(reverseRangeByLex)),
    ]

    /// What a range command was asked for.
    struct RangeRequest {
        var range: SortedSetRange
        var isReversed: Bool
        var withScores = false
        /// LIMIT: negative offsets give nothing, negative counts all.
        var limit: (offset: Int64, count: Int64)?

        /// Reads two ends, from argument `first` on, and the options behind them. ZRANGE and
        /// ZRANGESTORE alone have words for the order and the direction.
        init(
            _ context: DataContext, from first: Int, _ order: SortedSetRange.Order?,
            isReversed: Bool = false, storing: Bool = false
        ) throws(ErrorReply) {
            var (chosen, isReversed) = (order, isReversed)
            var at = first + 2
            while at < context.count {
                let word = context[at]
                if !storing && word.equalsFolded("withscores") {
                    withScores = true
                } else if word.equalsFolded("limit"), at + 2 < context.count {
                    limit = (try context.integer(at + 1), try context.integer(at + 2))
                    at += 2
                } else if order == nil && word.equalsFolded("rev") {
                    isReversed = true
                } else if order == nil && word.equalsFolded("bylex") {
                    chosen = .name
                } else if order == nil && word.equalsFolded("byscore") {
                    chosen = .score
                } else {
                    throw .syntax
                }
                at += 1
            }
            // As in Redis, a count of -1 is no limit, and goes with ranks.
            if chosen ?? .rank == .rank, let limit, limit.count != -1 { throw .limitOfRanks }
            if chosen == .name && withScores { throw .scoresOfNames }
            self.isReversed = isReversed
            let swaps = isReversed && (chosen ?? .rank) != .rank
            range = try SortedSetRange(
                chosen ?? .rank, from: context[swaps ? first + 1 : first],
                to: context[swaps ? first : first + 1])
        }

        /// The ranks that are asked for.
        func resolve(in view: SortedSetView) -> Range<Int> {
            let ranks = range.resolve(in: view, isReversed: isReversed)
            guard let limit, !isRanks else { return ranks }
            guard limit.offset >= 0 && limit.offset < Int64(ranks.count) else { return 0..<0 }
            let left = ranks.count - Int(limit.offset)
            let count = limit.count < 0 ? left : Int(min(Int64(left), limit.count))
            let start =
                isReversed
                ? ranks.upperBound - Int(limit.offset) - count
                : ranks.lowerBound + Int(limit.offset)
            return start..<start + count
        }

        private var isRanks: Bool {
            if case .ranks = range { true } else { false }
        }
    }

    /// https://redis.io/docs/latest/commands/zrange/
    static func range(_ context: DataContext) throws(ErrorReply) {
        try range(context, nil, isReversed: false)
    }

    /// https://redis.io/docs/latest/commands/zrevrange/
    static func reverseRange(_ context: DataContext) throws(ErrorReply) {
        try range(context, .rank, isReversed: true)
    }

    /// https://redis.io/docs/latest/commands/zrangebyscore/
    static func rangeByScore(_ context: DataContext) throws(ErrorReply) {
        try range(context, .score, isReversed: false)
    }

    /// https://redis.io/docs/latest/commands/zrevrangebyscore/
    static func reverseRangeByScore(_ context: DataContext) throws(ErrorReply) {
        try range(context, .score, isReversed: true)
    }

    /// https://redis.io/docs/latest/commands/zrangebylex/
    static func rangeByLex(_ context: DataContext) throws(ErrorReply) {
        try range(context, .name, isReversed: false)
    }

    /// https://redis.io/docs/latest/commands/zrevrangebylex/
    static func reverseRangeByLex(_ context: DataContext) throws(ErrorReply) {
        try range(context, .name, isReversed: true)
    }

    private static func range(
        _ context: DataContext, _ order: SortedSetRange.Order?, isReversed: Bool
    ) throws(ErrorReply) {
        let request = try RangeRequest(context, from: 2, order, isReversed: isReversed)
        guard let base = try context.collection(context.key(1), .sortedSet) else {
            return context.reply.array(0)
        }
        let view = SortedSetView(base)
        let ranks = request.resolve(in: view)
        guard request.withScores else {
            context.reply.array(ranks.count)
            return view.forEach(in: ranks, isReversed: request.isReversed) { member, _ in
                context.reply.bulk(member)
                return true
            }
        }
        beginPairs(context, ranks.count)
        view.forEach(in: ranks, isReversed: request.isReversed) { member, score in
            replyPair(context, member, score)
            return true
        }
    }

    /// Begins an array of members with their scores: pairs in RESP3, flat in RESP2.
    @inline(__always)
    static func beginPairs(_ context: DataContext, _ count: Int) {
        context.reply.array(context.reply.version == 3 ? count : count * 2)
    }

    @inline(__always)
    static func replyPair(_ context: DataContext, _ member: ByteView, _ score: Double) {
        if context.reply.version == 3 { context.reply.array(2) }
        context.reply.bulk(member)
        context.reply.double(score)
    }
}
