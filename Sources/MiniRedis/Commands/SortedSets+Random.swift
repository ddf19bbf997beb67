// SPDX-License-Identifier: BSD-3-Clause
//
// Members by chance and by and by: ZRANDMEMBER, ZSCAN.

extension SortedSets {
    static let walks: [Command] = [
        Command(
            "ZRANDMEMBER", in: .sortedSet, since: "6.2.0",
            complexity: "O(1) a member; O(N) of all N members where most of them are asked for.",
            summary: "Returns members by chance.",
            flags: [.readOnly],
            tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]),
                .optional(.block("options", .integer("count"), .optional(.token("WITHSCORES")))),
            ],
            run: .data(randomMembers)),
        Command(
            "ZSCAN", in: .sortedSet, since: "2.8.0",
            complexity: "O(1) for a call, O(N) for the whole of N members.",
            summary: "Returns some of the members with their scores, and where to go on.",
            flags: [.readOnly],
            tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]),
                .integer("cursor"),
                .optional(.pattern("pattern", token: "MATCH")),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(scan)),
    ]

    /// https://redis.io/docs/latest/commands/zrandmember/
    static func randomMembers(_ context: DataContext) throws(ErrorReply) {
        guard context.count > 2 else { return try randomMember(context) }
        let wanted = try context.integer(2)
        guard wanted != .min else { throw .drawsOutOfRange }
        guard context.count <= 4 else { throw .syntax }
        let withScores = context.count == 4
        if withScores {
            guard context[3].equalsFolded("withscores") else { throw .syntax }
            guard wanted.magnitude <= UInt64(Int64.max / 2) else { throw .outOfRange }
        }
        let base = try context.collection(context.key(1), .sortedSet)
        guard let base, wanted != 0 else { return context.reply.array(0) }
        let view = SortedSetView(base)
        guard wanted > 0 || -wanted <= Sets.mostRepeated else { throw .outOfRange }
        if wanted < 0 { return repeatedMembers(context, view, -wanted, withScores) }
        let count = Int(min(wanted, Int64(view.count)))
        begin(context, count, withScores)
        sample(context, view, count) { reply(context, $0, $1, withScores) }
    }

    private static func randomMember(_ context: DataContext) throws(ErrorReply) {
        guard let base = try context.collection(context.key(1), .sortedSet) else {
            return context.reply.null()
        }
        let view = SortedSetView(base)
        view.withMember(at: random(context, below: view.count)) { member, _ in
            context.reply.bulk(member)
        }
    }

    @inline(__always)
    private static func random(_ context: DataContext, below bound: Int) -> Int {
        Int(context.database.pointee.state.pointee.random.below(UInt64(bound)))
    }

    private static func begin(_ context: DataContext, _ count: Int, _ withScores: Bool) {
        if withScores { beginPairs(context, count) } else { context.reply.array(count) }
    }

    @inline(__always)
    private static func reply(
        _ context: DataContext, _ member: ByteView, _ score: Double, _ withScores: Bool
    ) {
        if withScores {
            replyPair(context, member, score)
        } else {
            context.reply.bulk(member)
        }
    }

    /// The same member may come again. The reply grows as it is written, not by the number that was
    /// asked for.
    private static func repeatedMembers(
        _ context: DataContext, _ view: SortedSetView, _ wanted: Int64, _ withScores: Bool
    ) {
        begin(context, Int(wanted), withScores)
        for _ in 0..<wanted {
            view.withMember(at: random(context, below: view.count)) { member, score in
                reply(context, member, score, withScores)
            }
        }
    }

    /// Calls `body` with `count` different members; every choice of so many is as likely as any
    /// other. In one walk, each member with the chance that is left for it; of few among many, each
    /// rank by itself, drawn again if it was drawn before.
    private static func sample(
        _ context: DataContext, _ view: SortedSetView, _ count: Int,
        _ body: (ByteView, Double) -> Void
    ) {
        guard view.isRoot && count < view.count / 16 else {
            var (left, needed) = (view.count, count)
            return view.forEachWhile { member, score in
                if random(context, below: left) < needed {
                    body(member, score)
                    needed -= 1
                }
                left -= 1
                return needed > 0
            }
        }
        var drawn = AddressSet(capacity: count)
        while drawn.count < count {
            view.withMember(at: random(context, below: view.count)) { member, score in
                let mark = UnsafeMutableRawPointer(mutating: member.base)
                if drawn.insert(mark) { body(member, score) }
            }
        }
    }

    /// https://redis.io/docs/latest/commands/zscan/
    static func scan(_ context: DataContext) throws(ErrorReply) {
        let cursor = try ScanOptions.cursor(context[2])
        guard let base = try context.collection(context.key(1), .sortedSet) else {
            context.reply.array(2)
            context.reply.bulk("0")
            return context.reply.array(0)
        }
        let options = try ScanOptions(context, from: 3, .nothing)
        context.reply.array(2)
        let start = context.reply.beginArray()
        var (found, next) = (0, UInt64(0))
        let view = SortedSetView(base)
        options.withFilter { matches in
            func see(_ member: ByteView, _ score: Double) {
                guard matches(member) else { return }
                context.reply.bulk(member)
                DoubleText.withText(score) { context.reply.bulk($0) }
                found += 2
            }
            guard view.isRoot else { return view.forEach(see) }
            next = options.walk(from: cursor) { at in
                var seen = 0
                let following = view.root.table.pointee.scan(at) { element in
                    seen += 1
                    see(SortedSetElement.key(of: element), SortedSetElement.score(of: element))
                }
                return (following, seen)
            }
        }
        context.reply.endArray(start, found)
        context.reply.prepend(bulk: next, at: start)
    }
}
