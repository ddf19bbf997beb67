// SPDX-License-Identifier: BSD-3-Clause
//
// Lists: an element moved from the end of one list to an end of another one, or of the same.

extension Lists {
    static let moves: [Command] = [
        Command(
            "LMOVE", in: .list, since: "6.2.0", complexity: "O(1)",
            summary: "Moves an element from an end of one list to an end of another.",
            flags: [.write, .denyOutOfMemory],
            syntax: movedKeys + [ends("wherefrom"), ends("whereto")],
            run: .data(move)),
        Command(
            "RPOPLPUSH", in: .list, since: "1.2.0", complexity: "O(1)",
            summary: "Moves the last element of one list to the front of another.",
            flags: [.write, .denyOutOfMemory],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
            syntax: movedKeys,
            run: .data(moveRightToLeft)),
    ]

    static let movedKeys: [Syntax] = [
        .key("source", [.readWrite, .access, .delete]), .key("destination", [.readWrite, .insert]),
    ]

    /// https://redis.io/docs/latest/commands/lmove/
    static func move(_ context: DataContext) throws(ErrorReply) {
        let (from, to) = (try context.listEnd(3), try context.listEnd(4))
        guard let slot = try context.slot(context.key(1), .list) else {
            return context.reply.null()
        }
        try move(slot, from: from, to: to, context)
    }

    /// https://redis.io/docs/latest/commands/rpoplpush/
    static func moveRightToLeft(_ context: DataContext) throws(ErrorReply) {
        guard let slot = try context.slot(context.key(1), .list) else {
            return context.reply.null()
        }
        try move(slot, from: .right, to: .left, context)
    }

    /// Moves an element from the list in `slot`, of the key in argument 1, to the one of the key in
    /// argument 2, and answers with it. It is put in before it is taken out, which makes no
    /// difference if the two lists are one.
    static func move(
        _ slot: TableSlot, from: ListEnd, to: ListEnd, _ context: DataContext
    ) throws(ErrorReply) {
        let (source, target) = (context.key(1), context.key(2))
        _ = try context.slot(target, .list)
        let item = ListView(Entry(slot.entry).collection).item(at: from)
        context.replyItem(item)
        var failure: ErrorReply?
        item.withCopy { element in
            do throws(ErrorReply) {
                try context.updateOrCreate(target, .list, pushEvent(to)) { place in
                    let editor = ListEditor(place, context.limits)
                    editor.prepareForGrowth(bytes: item.count, elements: 1)
                    editor.push(element, to)
                    return 1
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        // The target's key may be new, and every slot another one since.
        guard let slot = try context.slot(source, .list) else { return }
        context.database.pointee.update(slot, source, popEvent(from)) { place in
            let editor = ListEditor(place, context.limits)
            editor.pop(from)
            editor.noteShrinkage()
            return 1
        }
    }
}
