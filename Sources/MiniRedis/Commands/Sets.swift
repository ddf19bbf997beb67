// SPDX-License-Identifier: BSD-3-Clause
//
// Sets: members that come, go and are asked for.

/// The commands on sets.
enum Sets {
    static let declarations: [Command] = [
        Command(
            "SADD", in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members to add.",
            summary: "Adds members to a set; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .insert]), .many(.string("member"))],
            run: .data(add)),
        Command(
            "SREM", in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members to remove.",
            summary: "Removes members from a set; an empty set takes its key with it.",
            flags: [.write, .fast],
            syntax: [.key("key", [.readWrite, .delete]), .many(.string("member"))],
            run: .data(remove)),
        Command(
            "SISMEMBER", in: .set, since: "1.0.0", complexity: "O(1)",
            summary: "Tells whether a set has a member.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly]), .string("member")],
            run: .data(isMember)),
        Command(
            "SMISMEMBER", in: .set, since: "6.2.0",
            complexity: "O(N) where N is the number of members asked for.",
            summary: "Tells of each of several members whether a set has it.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly, .access]), .many(.string("member"))],
            run: .data(areMembers)),
        Command(
            "SCARD", in: .set, since: "1.0.0", complexity: "O(1)",
            summary: "Counts the members of a set.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly])],
            run: .data(count)),
        Command(
            "SMEMBERS", in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members, at once: see SSCAN for large sets.",
            summary: "Returns all members of a set.",
            flags: [.readOnly], tips: ["nondeterministic_output_order"],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(members)),
        Command(
            "SMOVE", in: .set, since: "1.0.0", complexity: "O(1)",
            summary: "Moves a member from one set to another.",
            flags: [.write, .fast],
            syntax: [
                .key("source", [.readWrite, .access, .delete]),
                .key("destination", [.readWrite, .insert]), .string("member"),
            ],
            run: .data(move)),
        Command(
            "SSCAN", in: .set, since: "2.8.0",
            complexity: "O(1) for a call, O(N) for the whole set of N members.",
            summary: "Returns some of the members of a set, and where to go on.",
            flags: [.readOnly], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]), .integer("cursor"),
                .optional(.pattern("pattern", token: "MATCH")),
                .optional(.integer("count", token: "COUNT")),
            ],
            run: .data(scan)),
    ]

    /// https://redis.io/docs/latest/commands/sadd/
    static func add(_ context: DataContext) throws(ErrorReply) {
        let limits = context.limits
        let added = try context.updateOrCreate(context.key(1), .set, .setAdd) { place in
            let editor = SetEditor(place, limits)
            if context.count == 3 && CollectionHeader(place.base).count > 0 {
                return editor.insert(context[2]) ? 1 : 0
            }
            return addMany(context, editor)
        }
        context.reply.integer(added)
    }

    @inline(never)
    private static func addMany(_ context: DataContext, _ editor: SetEditor) -> Int {
        if editor.view.count == 0 {
            editor.expect(context.count - 2, startingWith: context[2])
        } else {
            editor.expect(context.count - 2)
        }
        var added = 0
        for index in 2..<context.count where editor.insert(context[index]) { added += 1 }
        return added
    }

    /// https://redis.io/docs/latest/commands/srem/
    static func remove(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .set) else { return context.reply.integer(0) }
        let limits = context.limits
        let removed = context.database.pointee.update(slot, key, .setRemove) { place in
            let editor = SetEditor(place, limits)
            var removed = 0
            for index in 2..<context.count where editor.remove(context[index]) { removed += 1 }
            return removed
        }
        context.reply.integer(removed)
    }

    /// https://redis.io/docs/latest/commands/sismember/
    static func isMember(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .set)
        context.reply.integer(base.map { SetView($0).contains(context[2]) } ?? false ? 1 : 0)
    }

    /// https://redis.io/docs/latest/commands/smismember/
    static func areMembers(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .set)
        context.reply.array(context.count - 2)
        for index in 2..<context.count {
            let isThere = base.map { SetView($0).contains(context[index]) } ?? false
            context.reply.integer(isThere ? 1 : 0)
        }
    }

    /// https://redis.io/docs/latest/commands/scard/
    static func count(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .set)
        context.reply.integer(base.map { SetView($0).count } ?? 0)
    }

    /// https://redis.io/docs/latest/commands/smembers/
    static func members(_ context: DataContext) throws(ErrorReply) {
        guard let base = try context.collection(context.key(1), .set) else {
            return context.reply.set(0)
        }
        let view = SetView(base)
        context.reply.set(view.count)
        view.forEach { context.reply.bulk($0) }
    }

    /// https://redis.io/docs/latest/commands/smove/
    static func move(_ context: DataContext) throws(ErrorReply) {
        let (source, destination) = (context.key(1), context.key(2))
        let member = context[3]
        guard let slot = context.database.pointee.lookup(source.bytes, source.hash) else {
            return context.reply.integer(0)
        }
        guard Entry(slot.entry).type == .set else { throw .wrongType }
        _ = try context.slot(destination, .set)
        guard source.bytes != destination.bytes else {
            let isThere = SetView(Entry(slot.entry).collection).contains(member)
            return context.reply.integer(isThere ? 1 : 0)
        }
        let limits = context.limits
        // The look at the destination may have removed it, and moved what the slot points to.
        guard let slot = try context.slot(source, .set),
            context.database.pointee.update(
                slot, source, .setRemove, { SetEditor($0, limits).remove(member) ? 1 : 0 }) == 1
        else { return context.reply.integer(0) }
        try context.updateOrCreate(destination, .set, .setAdd) { place in
            let editor = SetEditor(place, limits)
            if editor.view.count == 0 { editor.expect(1, startingWith: member) }
            return editor.insert(member) ? 1 : 0
        }
        context.reply.integer(1)
    }

    /// https://redis.io/docs/latest/commands/sscan/
    static func scan(_ context: DataContext) throws(ErrorReply) {
        let cursor = try ScanOptions.cursor(context[2])
        guard let base = try context.collection(context.key(1), .set) else {
            context.reply.array(2)
            context.reply.bulk("0")
            return context.reply.array(0)
        }
        let options = try ScanOptions(context, from: 3, .nothing)
        context.reply.array(2)
        let start = context.reply.beginArray()
        var (found, next) = (0, UInt64(0))
        let view = SetView(base)
        options.withFilter { matches in
            func see(_ member: ByteView) {
                guard matches(member) else { return }
                context.reply.bulk(member)
                found += 1
            }
            guard view.isRoot else { return view.forEach(see) }
            next = options.walk(from: cursor) { at in
                var seen = 0
                let following = view.root.table.pointee.scan(at) { element in
                    seen += 1
                    see(SetElement.key(of: element))
                }
                return (following, seen)
            }
        }
        context.reply.endArray(start, found)
        context.reply.prepend(bulk: next, at: start)
    }
}
