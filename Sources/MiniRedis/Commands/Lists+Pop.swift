// SPDX-License-Identifier: BSD-3-Clause
//
// Lists: elements taken out at either end.

extension Lists {
    static let pops: [Command] = [
        popping("LPOP", "Takes elements out at the front of a list.") {
            context throws(ErrorReply) in try pop(context, .left)
        },
        popping("RPOP", "Takes elements out at the end of a list.") {
            context throws(ErrorReply) in try pop(context, .right)
        },
        Command(
            "LMPOP", in: .list, since: "7.0.0",
            complexity: "O(K+N) where K is the number of keys and N that of elements taken out.",
            summary: "Takes elements out of the first of several lists that exists.",
            flags: [.write, .movableKeys],
            syntax: [
                .integer("numkeys"), .many(.key("key", [.readWrite, .access, .delete])),
                ends("where"), .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(popFirst)),
    ]

    static func ends(_ name: String) -> Syntax {
        .oneOf(name, .token("LEFT"), .token("RIGHT"))
    }

    private static func popping(
        _ name: String, _ summary: String, _ run: @escaping DataHandler
    ) -> Command {
        // LPOP takes no more than one count: the grammar says as much, but not the arity.
        Command(
            name, in: .list, since: "1.0.0",
            complexity: "O(N) where N is the number of elements taken out.", summary: summary,
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .delete]),
                .optional(.integer("count")).since("6.2.0"),
            ],
            run: .data(run))
    }

    /// https://redis.io/docs/latest/commands/lpop/
    @inline(__always)
    private static func pop(_ context: DataContext, _ end: ListEnd) throws(ErrorReply) {
        guard context.count == 2 else { return try popSeveral(context, end) }
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { return context.reply.null() }
        context.database.pointee.update(slot, key, popEvent(end)) { place in
            let editor = ListEditor(place, context.limits)
            context.replyItem(editor.view.item(at: end))
            editor.pop(end)
            editor.noteShrinkage()
            return 1
        }
    }

    @inline(never)
    private static func popSeveral(_ context: DataContext, _ end: ListEnd) throws(ErrorReply) {
        guard context.count == 3 else { throw .wrongArity }
        guard let count = DecimalInteger.parse(context[2]), count >= 0 else {
            throw .notPositiveInteger
        }
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { return context.reply.nullArray() }
        if count == 0 { return context.reply.array(0) }
        take(slot, key, end, count: Int(count), context)
    }

    /// Takes up to `count` elements out, from `end` on, and answers with an array of them.
    static func take(
        _ slot: TableSlot, _ key: KeyArgument, _ end: ListEnd, count: Int, _ context: DataContext
    ) {
        context.database.pointee.update(slot, key, popEvent(end)) { place in
            let editor = ListEditor(place, context.limits)
            let total = editor.view.count
            let taken = min(count, total)
            context.reply.array(taken)
            editor.view.forEachItem(from: end, count: taken) { context.replyItem($0) }
            editor.remove(from: end == .left ? 0 : total - taken, count: taken)
            editor.noteShrinkage()
            return taken
        }
    }

    /// What LMPOP and BLMPOP are told, from the number of keys on.
    struct PopRequest {
        /// The arguments that are keys.
        var keys: Range<Int>
        var end: ListEnd
        var count = 1

        init(_ context: DataContext, numberOfKeys index: Int) throws(ErrorReply) {
            guard let number = DecimalInteger.parse(context[index]), number > 0 else {
                throw .keyCountNotPositive
            }
            guard number < Int64(context.count - index - 1) else { throw .syntax }
            keys = index + 1..<index + 1 + Int(number)
            end = try context.listEnd(keys.upperBound)
            var at = keys.upperBound + 1
            var isCounted = false
            while at < context.count {
                guard context[at].equalsFolded("count"), at + 1 < context.count, !isCounted else {
                    throw .syntax
                }
                guard let count = DecimalInteger.parse(context[at + 1]), count > 0 else {
                    throw .countNotPositive
                }
                self.count = Int(count)
                isCounted = true
                at += 2
            }
        }
    }

    /// https://redis.io/docs/latest/commands/lmpop/
    static func popFirst(_ context: DataContext) throws(ErrorReply) {
        let request = try PopRequest(context, numberOfKeys: 1)
        guard try !hasPopped(request, context, ignoringOtherTypes: false) else { return }
        context.reply.nullArray()
    }

    /// Takes elements out of the first list that there is and answers; false if there is none.
    static func hasPopped(
        _ request: PopRequest, _ context: DataContext, ignoringOtherTypes: Bool
    ) throws(ErrorReply) -> Bool {
        for index in request.keys {
            let key = context.key(index)
            guard let slot = try slot(key, context, ignoringOtherTypes) else { continue }
            context.reply.array(2)
            context.reply.bulk(key.bytes)
            let count = min(request.count, ListView(Entry(slot.entry).collection).count)
            take(slot, key, request.end, count: count, context)
            context.propagate(3) {
                $0.add(request.end == .left ? "LPOP" : "RPOP")
                $0.add(key.bytes)
                $0.add(Int64(count))
            }
            return true
        }
        return false
    }

    /// The slot of a list; another type is an error, or as good as nothing.
    static func slot(
        _ key: KeyArgument, _ context: DataContext, _ ignoringOtherTypes: Bool
    ) throws(ErrorReply) -> TableSlot? {
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return nil }
        if Entry(slot.entry).type == .list { return slot }
        if ignoringOtherTypes { return nil }
        throw .wrongType
    }
}
