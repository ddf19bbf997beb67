// SPDX-License-Identifier: BSD-3-Clause
//
// Members and scores one by one: ZADD, ZINCRBY, ZREM, ZCARD, ZSCORE, ZMSCORE.

/// The commands on sorted sets.
enum SortedSets {
    static let members: [Command] = [
        Command(
            "ZADD", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N) a member, N being the number of members.",
            summary:
                "Adds members with their scores, or changes scores; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .update]),
                .optional(.oneOf("condition", .token("NX"), .token("XX"))).since("3.0.2"),
                .optional(.oneOf("comparison", .token("GT"), .token("LT"))).since("6.2.0"),
                .optional(.token("CH", name: "change")).since("3.0.2"),
                .optional(.token("INCR", name: "increment")).since("3.0.2"),
                .many(.block("score_member", .double("score"), .string("member"))),
            ],
            run: .data(add)),
        Command(
            "ZINCRBY", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N) where N is the number of members.",
            summary: "Adds to the score of a member, which is added if it is missing.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .update]),
                .integer("increment"),
                .string("member"),
            ],
            run: .data(increment)),
        Command(
            "ZREM", in: .sortedSet, since: "1.2.0",
            complexity: "O(log N) for each member that is removed.",
            summary: "Removes members from a sorted set.",
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .delete]),
                .many(.string("member")),
            ],
            run: .data(remove)),
        Command(
            "ZCARD", in: .sortedSet, since: "1.2.0",
            complexity: "O(1)",
            summary: "Returns how many members a sorted set has.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly])
            ],
            run: .data(count)),
        Command(
            "ZSCORE", in: .sortedSet, since: "1.2.0",
            complexity: "O(1)",
            summary: "Returns the score of a member.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .string("member"),
            ],
            run: .data(score)),
        Command(
            "ZMSCORE", in: .sortedSet, since: "6.2.0",
            complexity: "O(1) a member.",
            summary: "Returns the scores of several members.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]),
                .many(.string("member")),
            ],
            run: .data(scores)),
    ]

    /// What stands between ZADD's key and its first score.
    private struct AddOptions: OptionSet {
        var rawValue: UInt8
        static let onlyNew = AddOptions(rawValue: 1)
        static let onlyOld = AddOptions(rawValue: 2)
        static let onlyGreater = AddOptions(rawValue: 4)
        static let onlyLess = AddOptions(rawValue: 8)
        static let countsChanges = AddOptions(rawValue: 16)
        static let increments = AddOptions(rawValue: 32)

        /// The option that a word is, or nil.
        init?(_ word: ByteView) {
            if word.equalsFolded("nx") {
                self = .onlyNew
            } else if word.equalsFolded("xx") {
                self = .onlyOld
            } else if word.equalsFolded("gt") {
                self = .onlyGreater
            } else if word.equalsFolded("lt") {
                self = .onlyLess
            } else if word.equalsFolded("ch") {
                self = .countsChanges
            } else if word.equalsFolded("incr") {
                self = .increments
            } else {
                return nil
            }
        }

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Refuses what does not go together; `pairs` is how many scores follow.
        func check(pairs: Int) throws(ErrorReply) {
            if isSuperset(of: [.onlyNew, .onlyOld]) { throw .conditionsConflict }
            if isSuperset(of: [.onlyGreater, .onlyNew])
                || isSuperset(of: [.onlyLess, .onlyNew])
                || isSuperset(of: [.onlyGreater, .onlyLess])
            {
                throw .comparisonsConflict
            }
            if contains(.increments) && pairs > 1 { throw .incrementOfOne }
        }

        /// The score that a member is to get, nil to leave it.
        @inline(__always)
        func decide(_ given: Double, old: Double?) throws(ErrorReply) -> Double? {
            guard let old else { return contains(.onlyOld) ? nil : given }
            if contains(.onlyNew) { return nil }
            var score = given
            if contains(.increments) {
                score += old
                if score.isNaN { throw .scoreIsNaN }
            }
            if contains(.onlyLess) && score >= old { return nil }
            if contains(.onlyGreater) && score <= old { return nil }
            return score
        }
    }

    /// https://redis.io/docs/latest/commands/zadd/
    static func add(_ context: DataContext) throws(ErrorReply) {
        var options = AddOptions()
        var first = 2
        while first < context.count, let option = AddOptions(context[first]) {
            options.insert(option)
            first += 1
        }
        try add(context, options, from: first)
    }

    /// https://redis.io/docs/latest/commands/zincrby/
    static func increment(_ context: DataContext) throws(ErrorReply) {
        try add(context, .increments, from: 2)
    }

    /// Adds the scores and members from argument `first` on.
    private static func add(
        _ context: DataContext, _ options: AddOptions, from first: Int
    ) throws(ErrorReply) {
        let words = context.count - first
        guard words > 0 && words % 2 == 0 else { throw .syntax }
        try options.check(pairs: words / 2)
        let increments = options.contains(.increments)
        if words == 2 {
            return try addOne(context, options, try score(context, first), first + 1)
        }
        for at in stride(from: first, to: context.count, by: 2) { _ = try score(context, at) }
        let key = context.key(1)
        if options.contains(.onlyOld), try context.slot(key, .sortedSet) == nil {
            return increments ? context.reply.null() : context.reply.integer(0)
        }
        let limits = context.limits
        var (added, changed) = (0, 0)
        try context.updateOrCreate(key, .sortedSet, .sortedSetAdd) { place throws(ErrorReply) in
            let editor = SortedSetEditor(place, limits)
            for at in stride(from: first, to: context.count, by: 2) {
                let given = try score(context, at)
                let outcome = try editor.update(context[at + 1]) { old throws(ErrorReply) in
                    try options.decide(given, old: old)
                }
                switch outcome {
                case .added: added += 1
                case .changed: changed += 1
                case .unchanged: break
                }
            }
            return added + changed
        }
        context.reply.integer(options.contains(.countsChanges) ? added + changed : added)
    }

    /// The common case, and the only one that may be an increment.
    @inline(__always)
    private static func addOne(
        _ context: DataContext, _ options: AddOptions, _ given: Double, _ member: Int
    ) throws(ErrorReply) {
        let key = context.key(1)
        let increments = options.contains(.increments)
        if options.contains(.onlyOld), try context.slot(key, .sortedSet) == nil {
            return increments ? context.reply.null() : context.reply.integer(0)
        }
        let limits = context.limits
        var result: Double?
        var outcome = SortedSetEditor.Outcome.unchanged
        let event: KeyspaceEvent = increments ? .sortedSetIncrement : .sortedSetAdd
        try context.updateOrCreate(key, .sortedSet, event) { place throws(ErrorReply) in
            let editor = SortedSetEditor(place, limits)
            outcome = try editor.update(context[member]) { old throws(ErrorReply) in
                result = try options.decide(given, old: old)
                return result
            }
            return outcome == .unchanged ? 0 : 1
        }
        guard increments else {
            let counts = outcome == .added || options.contains(.countsChanges)
            return context.reply.integer(outcome != .unchanged && counts ? 1 : 0)
        }
        if let result { context.reply.double(result) } else { context.reply.null() }
    }

    @inline(__always)
    private static func score(_ context: DataContext, _ at: Int) throws(ErrorReply) -> Double {
        guard let score = FloatingPointText.parse(context[at]), !score.isNaN else {
            throw .notFloat
        }
        return score
    }

    /// https://redis.io/docs/latest/commands/zrem/
    static func remove(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .sortedSet) else {
            return context.reply.integer(0)
        }
        let limits = context.limits
        let removed = context.database.pointee.update(slot, key, .sortedSetRemove) { place in
            let editor = SortedSetEditor(place, limits)
            var removed = 0
            for at in 2..<context.count where editor.remove(context[at]) { removed += 1 }
            return removed
        }
        context.reply.integer(removed)
    }

    /// https://redis.io/docs/latest/commands/zcard/
    static func count(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .sortedSet)
        context.reply.integer(base.map { SortedSetView($0).count } ?? 0)
    }

    /// https://redis.io/docs/latest/commands/zscore/
    static func score(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .sortedSet)
        reply(context, base.flatMap { SortedSetView($0).score(of: context[2]) })
    }

    /// https://redis.io/docs/latest/commands/zmscore/
    static func scores(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .sortedSet)
        context.reply.array(context.count - 2)
        for at in 2..<context.count {
            reply(context, base.flatMap { SortedSetView($0).score(of: context[at]) })
        }
    }

    private static func reply(_ context: DataContext, _ score: Double?) {
        if let score { context.reply.double(score) } else { context.reply.null() }
    }
}
