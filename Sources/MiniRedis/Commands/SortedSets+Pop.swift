// SPDX-License-Identifier: BSD-3-Clause
//
// Members from either end, taken out: ZPOPMIN, ZPOPMAX, ZMPOP.

extension SortedSets {
    static let pops: [Command] = [
        Command(
            "ZPOPMIN", in: .sortedSet, since: "5.0.0",
            complexity: "O(log N) a member.",
            summary: "Removes the members with the least scores and returns them.",
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .delete]),
                .optional(.integer("count")),
            ],
            run: .data(popLeast)),
        Command(
            "ZPOPMAX", in: .sortedSet, since: "5.0.0",
            complexity: "O(log N) a member.",
            summary: "Removes the members with the greatest scores and returns them.",
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .delete]),
                .optional(.integer("count")),
            ],
            run: .data(popGreatest)),
        Command(
            "ZMPOP", in: .sortedSet, since: "7.0.0",
            complexity: "O(K + M log N) for K keys and M members.",
            summary:
                "Removes members with the least or greatest scores of the first set that has any.",
            flags: [.write, .movableKeys],
            syntax: [
                .integer("numkeys"),
                .many(.key("key", [.readWrite, .access, .delete])),
                .oneOf("where", .token("MIN"), .token("MAX")),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(popFirst)),
    ]

    /// https://redis.io/docs/latest/commands/zpopmin/
    static func popLeast(_ context: DataContext) throws(ErrorReply) {
        try pop(context, .least)
    }

    /// https://redis.io/docs/latest/commands/zpopmax/
    static func popGreatest(_ context: DataContext) throws(ErrorReply) {
        try pop(context, .greatest)
    }

    /// The end from which members are taken.
    enum End {
        case least, greatest

        /// By its word, MIN or MAX.
        init(_ word: ByteView) throws(ErrorReply) {
            if word.equalsFolded("min") {
                self = .least
            } else if word.equalsFolded("max") {
                self = .greatest
            } else {
                throw .syntax
            }
        }

        /// The command that takes members of one set.
        var popName: StaticString { self == .least ? "ZPOPMIN" : "ZPOPMAX" }

        var event: KeyspaceEvent { self == .least ? .sortedSetPopMin : .sortedSetPopMax }

        /// The last or first `wanted` ranks of so many.
        func ranks(_ wanted: Int, of count: Int) -> Range<Int> {
            let taken = min(wanted, count)
            return self == .least ? 0..<taken : count - taken..<count
        }
    }

    private static func pop(_ context: DataContext, _ end: End) throws(ErrorReply) {
        guard context.count <= 3 else { throw .syntax }
        var wanted: Int?
        if context.count == 3 {
            guard let count = DecimalInteger.parse(context[2]), count >= 0 else {
                throw .notPositiveInteger
            }
            wanted = Int(count)
        }
        let key = context.key(1)
        guard let slot = try context.slot(key, .sortedSet), wanted != 0 else {
            return context.reply.array(0)
        }
        let count = SortedSetView(Entry(slot.entry).collection).count
        let ranks = end.ranks(wanted ?? 1, of: count)
        // Without a count a pair is not put into an array of its own.
        let isPaired = wanted != nil && context.reply.version == 3
        context.reply.array(isPaired ? ranks.count : ranks.count * 2)
        take(context, key, slot, ranks, end) { member, score in
            if isPaired { context.reply.array(2) }
            context.reply.bulk(member)
            context.reply.double(score)
        }
    }

    /// Takes the members of these ranks out, each after `body` was called with it.
    static func take(
        _ context: DataContext, _ key: KeyArgument, _ slot: TableSlot, _ ranks: Range<Int>,
        _ end: End, _ body: (ByteView, Double) -> Void
    ) {
        let limits = context.limits
        context.database.pointee.update(slot, key, end.event) { place in
            let editor = SortedSetEditor(place, limits)
            editor.view.forEach(in: ranks, isReversed: end == .greatest) { member, score in
                body(member, score)
                return true
            }
            return editor.remove(ranks: ranks)
        }
    }

    // MARK: - The first of several

    /// What ZMPOP and BZMPOP say after their number of keys.
    struct PopRequest {
        var keys: Range<Int>
        var end: End
        var wanted = 1

        /// Reads them from the number of keys at argument `first` on.
        init(_ context: DataContext, from first: Int) throws(ErrorReply) {
            guard let number = DecimalInteger.parse(context[first]), number > 0 else {
                throw .keyCountNotPositive
            }
            let (end, overflow) = Int(number).addingReportingOverflow(first + 1)
            guard !overflow && end < context.count else { throw .syntax }
            keys = first + 1..<end
            self.end = try End(context[end])
            guard end + 1 < context.count else { return }
            guard end + 3 <= context.count, context[end + 1].equalsFolded("count") else {
                throw .syntax
            }
            guard let count = DecimalInteger.parse(context[end + 2]), count > 0 else {
                throw .countNotPositive
            }
            guard end + 3 == context.count else { throw .syntax }
            wanted = Int(count)
        }
    }

    /// https://redis.io/docs/latest/commands/zmpop/
    static func popFirst(_ context: DataContext) throws(ErrorReply) {
        let request = try PopRequest(context, from: 1)
        let hasPopped = try popFirst(context, request) { key throws(ErrorReply) in
            try context.slot(key, .sortedSet)
        }
        if !hasPopped { context.reply.nullArray() }
    }

    /// Takes members out of the first of the sets that `find` gives a slot of, and replies key and
    /// pairs; false, without a reply, if there is none.
    static func popFirst(
        _ context: DataContext, _ request: PopRequest,
        _ find: (KeyArgument) throws(ErrorReply) -> TableSlot?
    ) throws(ErrorReply) -> Bool {
        for index in request.keys {
            let key = context.key(index)
            guard let slot = try find(key) else { continue }
            let count = SortedSetView(Entry(slot.entry).collection).count
            let ranks = request.end.ranks(request.wanted, of: count)
            context.reply.array(2)
            context.reply.bulk(key.bytes)
            context.reply.array(ranks.count)
            take(context, key, slot, ranks, request.end) { member, score in
                context.reply.array(2)
                context.reply.bulk(member)
                context.reply.double(score)
            }
            context.propagate(3) {
                $0.add(request.end.popName)
                $0.add(key.bytes)
                $0.add(Int64(ranks.count))
            }
            return true
        }
        return false
    }
}
