// SPDX-License-Identifier: BSD-3-Clause
//
// Lists that are changed in the middle: LSET, LINSERT, LREM, LTRIM.

extension Lists {
    static let edits: [Command] = [
        Command(
            "LSET", in: .list, since: "1.0.0",
            complexity: "O(log(N)) where N is the length of the list.",
            summary: "Puts another element in the place of the one that has a number.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .update]), .integer("index"), .string("element"),
            ],
            run: .data(set)),
        Command(
            "LINSERT", in: .list, since: "2.2.0",
            complexity: "O(N) where N is the number of elements up to the one that is looked for.",
            summary: "Puts an element before or behind the first one that equals another.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .insert]),
                .oneOf("where", .token("BEFORE"), .token("AFTER")), .string("pivot"),
                .string("element"),
            ],
            run: .data(insert)),
        Command(
            "LREM", in: .list, since: "1.0.0",
            complexity: "O(N) where N is the length of the list.",
            summary: "Removes elements that equal one, from either end on.",
            flags: [.write],
            syntax: [
                .key("key", [.readWrite, .delete]), .integer("count"), .string("element"),
            ],
            run: .data(remove)),
        Command(
            "LTRIM", in: .list, since: "1.0.0",
            complexity: "O(N) where N is the number of elements removed.",
            summary: "Removes all elements of a list but those from one number to another one.",
            flags: [.write],
            syntax: [
                .key("key", [.readWrite, .delete]), .integer("start"), .integer("stop"),
            ],
            run: .data(trim)),
    ]

    /// https://redis.io/docs/latest/commands/lset/
    static func set(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { throw .noSuchKey }
        let position = try context.integer(2)
        let count = ListView(Entry(slot.entry).collection).count
        guard let index = number(position, of: count) else { throw .indexOutOfRange }
        context.database.pointee.update(slot, key, .listSet) { place in
            let editor = ListEditor(place, context.limits)
            editor.prepareForGrowth(bytes: context[3].count, elements: 1)
            editor.replace(at: index, with: context.listElement(3))
            editor.noteShrinkage()
            return 1
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/linsert/
    static func insert(_ context: DataContext) throws(ErrorReply) {
        let isBehind = context[2].equalsFolded("after")
        guard isBehind || context[2].equalsFolded("before") else { throw .syntax }
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { return context.reply.integer(0) }
        var found: Int?
        context.withListElement(3) { pivot in
            let view = ListView(Entry(slot.entry).collection)
            view.forEachMatch(pivot, from: .left, limit: .max) { index in
                found = index
                return false
            }
        }
        guard let found else { return context.reply.integer(-1) }
        context.database.pointee.update(slot, key, .listInsert) { place in
            let editor = ListEditor(place, context.limits)
            editor.prepareForGrowth(bytes: context[4].count, elements: 1)
            editor.insert(context.listElement(4), at: isBehind ? found + 1 : found)
            context.reply.integer(editor.view.count)
            return 1
        }
    }

    /// https://redis.io/docs/latest/commands/lrem/
    static func remove(_ context: DataContext) throws(ErrorReply) {
        let count = try context.integer(2)
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { return context.reply.integer(0) }
        let limit = count == 0 ? Int.max : Int(min(count.magnitude, UInt64(Int.max)))
        let removed = context.withListElement(3) { element in
            // Nothing is copied for a live snapshot if there is nothing to remove.
            let memory = context.database.pointee.state.pointee.memory
            guard memory.pointee.isQuiet || contains(slot, element) else { return 0 }
            return context.database.pointee.update(slot, key, .listRemove) { place in
                let editor = ListEditor(place, context.limits)
                let end: ListEnd = count < 0 ? .right : .left
                let removed = editor.removeMatches(of: element, from: end, limit: limit)
                editor.noteShrinkage()
                return removed
            }
        }
        context.reply.integer(removed)
    }

    private static func contains(_ slot: TableSlot, _ element: ListElement) -> Bool {
        var isThere = false
        let view = ListView(Entry(slot.entry).collection)
        view.forEachMatch(element, from: .left, limit: .max) { _ in
            isThere = true
            return false
        }
        return isThere
    }

    /// https://redis.io/docs/latest/commands/ltrim/
    static func trim(_ context: DataContext) throws(ErrorReply) {
        let (start, stop) = (try context.integer(2), try context.integer(3))
        let key = context.key(1)
        if let slot = try context.slot(key, .list) {
            context.database.pointee.update(slot, key, .listTrim) { place in
                let editor = ListEditor(place, context.limits)
                let count = editor.view.count
                let kept = DataContext.range(start, stop, of: count)
                if kept.count < count {
                    editor.remove(from: kept.upperBound, count: count - kept.upperBound)
                    editor.remove(from: 0, count: kept.lowerBound)
                    editor.noteShrinkage()
                } else {
                    context.propagateNothingElse()
                }
                // Those who follow the key are told even if nothing was removed.
                return max(1, count - kept.count)
            }
        }
        context.reply.ok()
    }
}
