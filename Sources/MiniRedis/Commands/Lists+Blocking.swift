// SPDX-License-Identifier: BSD-3-Clause
//
// Lists: elements that are waited for.

extension Lists {
    static let waits: [Command] = [
        waiting("BLPOP", "Takes out the first element of a list; waits for one.") {
            context throws(ErrorReply) in try waitAndPop(context, .left)
        },
        waiting("BRPOP", "Takes out the last element of a list; waits for one.") {
            context throws(ErrorReply) in try waitAndPop(context, .right)
        },
        Command(
            "BLMOVE", in: .list, since: "6.2.0", complexity: "O(1)",
            summary: "Moves an element from an end of one list to one of another; waits for one.",
            flags: [.write, .denyOutOfMemory, .noScript, .blocking],
            syntax: movedKeys + [ends("wherefrom"), ends("whereto"), .double("timeout")],
            run: .session(waitAndMove)),
        Command(
            "BRPOPLPUSH", in: .list, since: "2.2.0", complexity: "O(1)",
            summary: "Moves the last element of one list to the front of another; waits for one.",
            flags: [.write, .denyOutOfMemory, .noScript, .blocking],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
            syntax: movedKeys + [.double("timeout")],
            run: .session(waitAndMoveRightToLeft)),
        Command(
            "BLMPOP", in: .list, since: "7.0.0",
            complexity: "O(K+N) where K is the number of keys and N that of elements taken out.",
            summary: "Takes elements out of the first of several lists that exists; waits for one.",
            flags: [.write, .blocking, .movableKeys],
            syntax: [
                .double("timeout"), .integer("numkeys"),
                .many(.key("key", [.readWrite, .access, .delete])), ends("where"),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .session(waitAndPopFirst)),
    ]

    private static func waiting(
        _ name: String, _ summary: String, _ run: @escaping SessionHandler
    ) -> Command {
        Command(
            name, in: .list, since: "2.0.0",
            complexity: "O(K) where K is the number of keys.", summary: summary,
            flags: [.write, .noScript, .blocking],
            syntax: [.many(.key("key", [.readWrite, .access, .delete])), .double("timeout")],
            run: .session(run))
    }

    /// https://redis.io/docs/latest/commands/blpop/
    private static func waitAndPop(
        _ context: SessionContext, _ end: ListEnd
    ) throws(ErrorReply) {
        let data = context.data
        let keys = 1..<data.count - 1
        let timeout = try context.waitTimeout(data.count - 1)
        for index in keys {
            let key = data.key(index)
            guard let slot = try slot(key, data, context.isRetry) else { continue }
            context.reply.array(2)
            context.reply.bulk(key.bytes)
            data.database.pointee.update(slot, key, popEvent(end)) { place in
                let editor = ListEditor(place, data.limits)
                data.replyItem(editor.view.item(at: end))
                editor.pop(end)
                editor.noteShrinkage()
                return 1
            }
            return data.propagate(2) {
                $0.add(end == .left ? "LPOP" : "RPOP")
                $0.add(key.bytes)
            }
        }
        guard context.mayWait else { return context.reply.nullArray() }
        context.wait(forKeys: keys, timeout: timeout, answer: .nullArray)
    }

    /// https://redis.io/docs/latest/commands/blmpop/
    static func waitAndPopFirst(_ context: SessionContext) throws(ErrorReply) {
        let request = try PopRequest(context.data, numberOfKeys: 2)
        let timeout = try context.waitTimeout(1)
        if try hasPopped(request, context.data, ignoringOtherTypes: context.isRetry) { return }
        guard context.mayWait else { return context.reply.nullArray() }
        context.wait(forKeys: request.keys, timeout: timeout, answer: .nullArray)
    }

    /// https://redis.io/docs/latest/commands/blmove/
    static func waitAndMove(_ context: SessionContext) throws(ErrorReply) {
        let (from, to) = (try context.data.listEnd(3), try context.data.listEnd(4))
        let timeout = try context.waitTimeout(5)
        guard try hasMoved(context, from: from, to: to, timeout: timeout) else { return }
        context.data.propagate(5) {
            $0.add("LMOVE")
            $0.add(context.data.frame.pointee.request, from: 1, to: 5)
        }
    }

    /// https://redis.io/docs/latest/commands/brpoplpush/
    static func waitAndMoveRightToLeft(_ context: SessionContext) throws(ErrorReply) {
        let timeout = try context.waitTimeout(3)
        guard try hasMoved(context, from: .right, to: .left, timeout: timeout) else { return }
        context.data.propagate(3) {
            $0.add("RPOPLPUSH")
            $0.add(context.data.frame.pointee.request, from: 1, to: 3)
        }
    }

    /// Moves an element and answers; if there is none it waits, or answers so, and returns false.
    private static func hasMoved(
        _ context: SessionContext, from: ListEnd, to: ListEnd, timeout: Int64
    ) throws(ErrorReply) -> Bool {
        let data = context.data
        if let slot = try slot(data.key(1), data, context.isRetry) {
            try move(slot, from: from, to: to, data)
            return true
        }
        if context.mayWait {
            context.wait(forKeys: 1..<2, timeout: timeout, answer: .nullArray)
        } else {
            context.reply.null()
        }
        return false
    }
}
