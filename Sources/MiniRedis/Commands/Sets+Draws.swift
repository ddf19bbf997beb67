// SPDX-License-Identifier: BSD-3-Clause
//
// Sets: members by chance. SPOP takes them out, SRANDMEMBER leaves them where they are.

extension Sets {
    static let draws: [Command] = [
        Command(
            "SPOP", in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members to take.",
            summary: "Takes members by chance out of a set and returns them.",
            flags: [.write, .fast], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readWrite, .access, .delete]),
                .optional(.integer("count")).since("3.2.0"),
            ],
            run: .data(pop)),
        Command(
            "SRANDMEMBER", in: .set, since: "1.0.0",
            complexity: "O(N) where N is the number of members to return.",
            summary:
                "Returns members by chance; each may come more than once for a negative count.",
            flags: [.readOnly], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]), .optional(.integer("count")).since("2.6.0"),
            ],
            run: .data(randomMember)),
    ]

    /// No reply has more elements than this if they may be the same ones again and again.
    static let mostRepeated: Int64 = 1 << 24
    /// A set of which at most one in so many members stays is made anew.
    private static let rebuildFactor = 5

    /// https://redis.io/docs/latest/commands/spop/
    static func pop(_ context: DataContext) throws(ErrorReply) {
        guard context.count <= 3 else { throw .syntax }
        guard context.count == 3 else { return try popOne(context) }
        guard let wanted = DecimalInteger.parse(context[2]), wanted >= 0 else {
            throw .notPositiveInteger
        }
        let key = context.key(1)
        guard let slot = try context.slot(key, .set), wanted > 0 else {
            return context.reply.set(0)
        }
        context.database.pointee.update(slot, key, .setPop) { place in
            let all = SetView(place.base).count
            if wanted >= Int64(all) {
                context.propagateRemoval(of: key)
                return popAll(context, place)
            }
            let count = Int(wanted)
            context.reply.set(count)
            var removals = PoppedMembers(context, key, count: count)
            if (all - count) * rebuildFactor <= count && SetView(place.base).isRoot {
                rebuild(context, place, keeping: all - count) { removals.add($0) }
            } else {
                SetEditor(place, context.limits).removeRandom(
                    count, &context.database.pointee.state.pointee.random
                ) {
                    context.reply.bulk($0)
                    removals.add($0)
                }
            }
            return count
        }
    }

    /// Tells which members chance has chosen, many in one request.
    private struct PoppedMembers {
        private static let mostInOne = 1024

        private let context: DataContext
        private let key: KeyArgument
        private var left: Int
        private var batch: [[UInt8]] = []

        init(_ context: DataContext, _ key: KeyArgument, count: Int) {
            self.context = context
            self.key = key
            left = count
        }

        @inline(__always)
        mutating func add(_ member: ByteView) {
            if context.isRepeated { keep(member) }
        }

        private mutating func keep(_ member: ByteView) {
            left -= 1
            batch.append([UInt8](UnsafeRawBufferPointer(start: member.base, count: member.count)))
            guard batch.count == Self.mostInOne || left == 0 else { return }
            context.propagate(batch.count + 2) { request in
                request.add("SREM")
                request.add(key.bytes)
                for member in batch {
                    member.withUnsafeBytes { bytes in
                        request.add(
                            bytes.baseAddress.map { ByteView($0, count: bytes.count) }
                                ?? ByteView(""))
                    }
                }
            }
            batch.removeAll(keepingCapacity: true)
        }
    }

    private static func popOne(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .set) else { return context.reply.null() }
        context.database.pointee.update(slot, key, .setPop) { place in
            SetEditor(place, context.limits).removeRandom(
                1, &context.database.pointee.state.pointee.random
            ) { member in
                context.reply.bulk(member)
                context.propagate(3) {
                    $0.add("SREM")
                    $0.add(key.bytes)
                    $0.add(member)
                }
            }
            return 1
        }
    }

    /// Returns all members, and leaves an empty set; the old one is freed in slices.
    private static func popAll(_ context: DataContext, _ place: BlockPlace) -> Int {
        let old = place.base
        let view = SetView(old)
        let count = view.count
        context.reply.set(count)
        view.forEach { context.reply.bulk($0) }
        place.base = SetValue.create(place.memory)
        context.database.pointee.giveUp(CollectionSource(type: .set, base: old))
        return count
    }

    /// Moves a few members by chance to a set of their own, and returns the others; the old set is
    /// freed in slices.
    private static func rebuild(
        _ context: DataContext, _ place: BlockPlace, keeping kept: Int,
        _ removed: (ByteView) -> Void
    ) {
        let old = place.base
        let root = SetView(old).root
        let random = context.database.pointee.state
        var chosen = AddressSet(capacity: kept)
        while chosen.count < kept {
            guard let slot = root.table.pointee.randomSlot(&random.pointee.random) else { break }
            _ = chosen.insert(slot.entry)
        }
        place.base = SetValue.create(place.memory)
        let editor = SetEditor(place, context.limits)
        root.forEachWhile { element in
            let member = SetElement.key(of: element)
            if chosen.contains(element) {
                _ = editor.insert(member)
            } else {
                context.reply.bulk(member)
                removed(member)
            }
            return true
        }
        context.database.pointee.giveUp(CollectionSource(type: .set, base: old))
    }

    /// https://redis.io/docs/latest/commands/srandmember/
    ///
    /// As many members as one likes, the same ones again, would be a reply of any size: there is a
    /// limit (`mostRepeated`).
    static func randomMember(_ context: DataContext) throws(ErrorReply) {
        guard context.count <= 3 else { throw .syntax }
        let state = context.database.pointee.state
        guard context.count == 3 else {
            guard let base = try context.collection(context.key(1), .set) else {
                return context.reply.null()
            }
            return SetView(base).withRandomMember(&state.pointee.random) {
                context.reply.bulk($0)
            }
        }
        let wanted = try context.integer(2)
        guard wanted != .min else { throw .drawsOutOfRange }
        guard let base = try context.collection(context.key(1), .set), wanted != 0 else {
            return context.reply.array(0)
        }
        let view = SetView(base)
        if wanted > 0 {
            let count = Int(min(wanted, Int64(view.count)))
            context.reply.array(count)
            return view.sample(count, &state.pointee.random) { context.reply.bulk($0) }
        }
        guard -wanted <= mostRepeated else { throw .outOfRange }
        context.reply.array(Int(-wanted))
        for _ in 0..<Int(-wanted) {
            view.withRandomMember(&state.pointee.random) { context.reply.bulk($0) }
        }
    }
}
