// SPDX-License-Identifier: BSD-3-Clause
//
// Sets out of sets: ZUNION, ZINTER, ZDIFF, their storing forms, ZINTERCARD.

extension SortedSets {
    static let combinations: [Command] = [
        Command(
            "ZUNION", in: .sortedSet, since: "6.2.0",
            complexity: "O(N + M log M) for N members in all and M in the result.",
            summary: "Returns the members of any of several sorted sets, their scores combined.",
            flags: [.readOnly, .movableKeys],
            syntax: [
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.many(.integer("weight", token: "WEIGHTS"))),
                .optional(
                    .oneOf(
                        "aggregate", token: "AGGREGATE", .token("SUM"), .token("MIN"), .token("MAX")
                    )),
                .optional(.token("WITHSCORES")),
            ],
            run: .data(union)),
        Command(
            "ZINTER", in: .sortedSet, since: "6.2.0",
            complexity:
                "O(N K + M log M) for N members of the smallest of K sets and M in the result.",
            summary: "Returns the members of all of several sorted sets, their scores combined.",
            flags: [.readOnly, .movableKeys],
            syntax: [
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.many(.integer("weight", token: "WEIGHTS"))),
                .optional(
                    .oneOf(
                        "aggregate", token: "AGGREGATE", .token("SUM"), .token("MIN"), .token("MAX")
                    )),
                .optional(.token("WITHSCORES")),
            ],
            run: .data(intersection)),
        Command(
            "ZDIFF", in: .sortedSet, since: "6.2.0",
            complexity:
                "O(N K + M log M) for N members of the first of K sets and M in the result.",
            summary: "Returns the members of the first sorted set that are in no other one.",
            flags: [.readOnly, .movableKeys],
            syntax: [
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.token("WITHSCORES")),
            ],
            run: .data(difference)),
        Command(
            "ZINTERCARD", in: .sortedSet, since: "7.0.0",
            complexity: "O(N K) for N members of the smallest of K sets.",
            summary: "Returns how many members all of several sorted sets have in common.",
            flags: [.readOnly, .movableKeys],
            syntax: [
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.integer("limit", token: "LIMIT")),
            ],
            run: .data(intersectionCount)),
    ]
    static let storedCombinations: [Command] = [
        Command(
            "ZUNIONSTORE", in: .sortedSet, since: "2.0.0",
            complexity: "O(N + M log M) for N members in all and M in the result.",
            summary: "Stores the members of any of several sorted sets, their scores combined.",
            flags: [.write, .denyOutOfMemory, .movableKeys],
            syntax: [
                .key("destination", [.overwrite, .update]),
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.many(.integer("weight", token: "WEIGHTS"))),
                .optional(
                    .oneOf(
                        "aggregate", token: "AGGREGATE", .token("SUM"), .token("MIN"), .token("MAX")
                    )),
            ],
            run: .data(unionStore)),
        Command(
            "ZINTERSTORE", in: .sortedSet, since: "2.0.0",
            complexity:
                "O(N K + M log M) for N members of the smallest of K sets and M in the result.",
            summary: "Stores the members of all of several sorted sets, their scores combined.",
            flags: [.write, .denyOutOfMemory, .movableKeys],
            syntax: [
                .key("destination", [.overwrite, .update]),
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
                .optional(.many(.integer("weight", token: "WEIGHTS"))),
                .optional(
                    .oneOf(
                        "aggregate", token: "AGGREGATE", .token("SUM"), .token("MIN"), .token("MAX")
                    )),
            ],
            run: .data(intersectionStore)),
        Command(
            "ZDIFFSTORE", in: .sortedSet, since: "6.2.0",
            complexity:
                "O(N K + M log M) for N members of the first of K sets and M in the result.",
            summary: "Stores the members of the first sorted set that are in no other one.",
            flags: [.write, .denyOutOfMemory, .movableKeys],
            syntax: [
                .key("destination", [.overwrite, .update]),
                .integer("numkeys"),
                .many(.key("key", [.readOnly, .access])),
            ],
            run: .data(differenceStore)),
    ]

    private enum Operation {
        case union, intersection, difference

        var storeEvent: KeyspaceEvent {
            switch self {
            case .union: .sortedSetUnionStore
            case .intersection: .sortedSetInterStore
            case .difference: .sortedSetDifferenceStore
            }
        }
    }

    /// The keys behind their number, which is at argument `at`.
    private static func keys(_ context: DataContext, at: Int) throws(ErrorReply) -> Range<Int> {
        let number = try context.integer(at)
        guard number >= 1 else { throw .noInputKeys }
        guard number <= Int64(context.count - at - 1) else { throw .syntax }
        return at + 1..<at + 1 + Int(number)
    }

    /// Reads the options behind the keys; whether WITHSCORES is one of them.
    private static func readOptions(
        _ context: DataContext, _ keys: Range<Int>, _ operation: Operation, storing: Bool,
        _ sources: inout SortedSetSources
    ) throws(ErrorReply) -> Bool {
        var (at, withScores) = (keys.upperBound, false)
        while at < context.count {
            let (word, left) = (context[at], context.count - at)
            if operation != .difference, word.equalsFolded("weights"), left > keys.count {
                for number in 0..<keys.count {
                    let text = context[at + 1 + number]
                    guard let weight = FloatingPointText.parse(text), !weight.isNaN else {
                        throw .weightNotFloat
                    }
                    sources.list[number].weight = weight
                }
                at += keys.count
            } else if operation != .difference, word.equalsFolded("aggregate"), left > 1 {
                sources.aggregate = try ScoreAggregate(context[at + 1])
                at += 1
            } else if !storing && word.equalsFolded("withscores") {
                withScores = true
            } else {
                throw .syntax
            }
            at += 1
        }
        return withScores
    }

    private static func combine(
        _ sources: borrowing SortedSetSources, _ operation: Operation, into editor: SortedSetEditor
    ) {
        switch operation {
        case .union: sources.unite(into: editor)
        case .intersection:
            sources.intersect { member, score in
                editor.set(member, score)
                return true
            }
        case .difference: sources.subtract(into: editor)
        }
    }

    private static func combine(
        _ context: DataContext, _ operation: Operation
    ) throws(ErrorReply) {
        let keys = try keys(context, at: 1)
        var sources = try SortedSetSources(context, keys)
        let withScores = try readOptions(context, keys, operation, storing: false, &sources)
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) {
            combine(sources, operation, into: SortedSetEditor($0, limits))
        }
        let view = SortedSetView(base)
        if withScores {
            beginPairs(context, view.count)
            view.forEach { replyPair(context, $0, $1) }
        } else {
            context.reply.array(view.count)
            view.forEach { member, _ in context.reply.bulk(member) }
        }
        context.database.pointee.giveUp(CollectionSource(type: .sortedSet, base: base))
    }

    private static func store(
        _ context: DataContext, _ operation: Operation
    ) throws(ErrorReply) {
        let keys = try keys(context, at: 2)
        var sources = try SortedSetSources(context, keys)
        _ = try readOptions(context, keys, operation, storing: true, &sources)
        let count = storeCombined(context, operation, sources)
        context.reply.integer(count)
    }

    private static func storeCombined(
        _ context: DataContext, _ operation: Operation, _ sources: borrowing SortedSetSources
    ) -> Int {
        let memory = context.database.pointee.state.pointee.memory
        let limits = context.limits
        let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) {
            combine(sources, operation, into: SortedSetEditor($0, limits))
        }
        return store(context, base, destination: 1, operation.storeEvent)
    }

    /// https://redis.io/docs/latest/commands/zunion/
    static func union(_ context: DataContext) throws(ErrorReply) {
        try combine(context, .union)
    }

    /// https://redis.io/docs/latest/commands/zinter/
    static func intersection(_ context: DataContext) throws(ErrorReply) {
        try combine(context, .intersection)
    }

    /// https://redis.io/docs/latest/commands/zdiff/
    static func difference(_ context: DataContext) throws(ErrorReply) {
        try combine(context, .difference)
    }

    /// https://redis.io/docs/latest/commands/zunionstore/
    static func unionStore(_ context: DataContext) throws(ErrorReply) {
        try store(context, .union)
    }

    /// https://redis.io/docs/latest/commands/zinterstore/
    static func intersectionStore(_ context: DataContext) throws(ErrorReply) {
        try store(context, .intersection)
    }

    /// https://redis.io/docs/latest/commands/zdiffstore/
    static func differenceStore(_ context: DataContext) throws(ErrorReply) {
        try store(context, .difference)
    }

    /// https://redis.io/docs/latest/commands/zintercard/
    static func intersectionCount(_ context: DataContext) throws(ErrorReply) {
        let keys = try keys(context, at: 1)
        let sources = try SortedSetSources(context, keys)
        var limit = Int64(0)
        var at = keys.upperBound
        while at < context.count {
            guard context[at].equalsFolded("limit"), at + 1 < context.count else { throw .syntax }
            guard let value = DecimalInteger.parse(context[at + 1]), value >= 0 else {
                throw .limitNegative
            }
            limit = value
            at += 2
        }
        var found = 0
        sources.intersect { _, _ in
            found += 1
            return limit == 0 || Int64(found) < limit
        }
        context.reply.integer(found)
    }
}
