// SPDX-License-Identifier: BSD-3-Clause
//
// Hashes: fields that are set, removed and counted with.

/// The commands on hashes.
enum Hashes {
    private static func pairs() -> Syntax {
        .many(.block("data", .string("field"), .string("value")))
    }

    static let writes: [Command] = [
        Command(
            "HSET", in: .hash, since: "2.0.0",
            complexity: "O(N) where N is the number of fields to set.",
            summary: "Sets fields of a hash; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .update]), pairs()],
            run: .data(set)),
        Command(
            "HMSET", in: .hash, since: "2.0.0",
            complexity: "O(N) where N is the number of fields to set.",
            summary: "Sets fields of a hash; the same as HSET but for its reply.",
            flags: [.write, .denyOutOfMemory, .fast],
            deprecated: Deprecation(
                since: "4.0.0", replacement: "`HSET` with multiple field-value pairs"),
            syntax: [.key("key", [.readWrite, .update]), pairs()],
            run: .data(setMany)),
        Command(
            "HSETNX", in: .hash, since: "2.0.0", complexity: "O(1)",
            summary: "Sets a field of a hash if there is none of that name.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .insert]), .string("field"), .string("value"),
            ],
            run: .data(setIfAbsent)),
        Command(
            "HDEL", in: .hash, since: "2.0.0",
            complexity: "O(N) where N is the number of fields to remove.",
            summary: "Removes fields from a hash; an empty hash takes its key with it.",
            flags: [.write, .fast],
            syntax: [.key("key", [.readWrite, .delete]), .many(.string("field"))],
            run: .data(remove)),
        Command(
            "HINCRBY", in: .hash, since: "2.0.0", complexity: "O(1)",
            summary: "Adds an integer to the one that a field holds; a missing field counts as 0.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .update]), .string("field"),
                .integer("increment"),
            ],
            run: .data(incrementBy)),
        Command(
            "HINCRBYFLOAT", in: .hash, since: "2.6.0", complexity: "O(1)",
            summary: "Adds a number with a fraction to the one that a field holds.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .update]), .string("field"),
                .double("increment"),
            ],
            run: .data(incrementByFloat)),
    ]

    /// https://redis.io/docs/latest/commands/hset/
    static func set(_ context: DataContext) throws(ErrorReply) {
        context.reply.integer(try setFields(context))
    }

    /// https://redis.io/docs/latest/commands/hmset/
    static func setMany(_ context: DataContext) throws(ErrorReply) {
        _ = try setFields(context)
        context.reply.ok()
    }

    /// Sets the fields from argument 2 on; returns how many are new.
    @inline(__always)
    private static func setFields(_ context: DataContext) throws(ErrorReply) -> Int {
        guard context.count % 2 == 0 else { throw .wrongArity }
        let (limits, now) = (context.limits, context.dueTime)
        var added = 0
        try context.updateOrCreate(context.key(1), .hash, .hashSet) { place in
            let editor = HashEditor(place, limits, now: now)
            let fields = (context.count - 2) / 2
            if fields > 1 { editor.expect(fields) }
            for index in stride(from: 2, to: context.count, by: 2)
            where editor.set(context[index], context[index + 1]) { added += 1 }
            return fields
        }
        return added
    }

    /// https://redis.io/docs/latest/commands/hsetnx/
    static func setIfAbsent(_ context: DataContext) throws(ErrorReply) {
        let (limits, now) = (context.limits, context.dueTime)
        let set = try context.updateOrCreate(context.key(1), .hash, .hashSet) { place in
            let editor = HashEditor(place, limits, now: now)
            guard !editor.view.contains(context[2]) else { return 0 }
            editor.set(context[2], context[3])
            return 1
        }
        context.reply.integer(set)
    }

    /// https://redis.io/docs/latest/commands/hdel/
    static func remove(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .hash) else { return context.reply.integer(0) }
        let (limits, now) = (context.limits, context.dueTime)
        let removed = context.database.pointee.update(slot, key, .hashDelete) { place in
            let editor = HashEditor(place, limits, now: now)
            var removed = 0
            for index in 2..<context.count where editor.remove(context[index]) { removed += 1 }
            return removed
        }
        context.reply.integer(removed)
    }

    /// https://redis.io/docs/latest/commands/hincrby/
    static func incrementBy(_ context: DataContext) throws(ErrorReply) {
        let increment = try context.integer(3)
        let (limits, now) = (context.limits, context.dueTime)
        var sum: Int64 = 0
        try context.updateOrCreate(context.key(1), .hash, .hashIncrementBy) {
            (place) throws(ErrorReply) in
            let editor = HashEditor(place, limits, now: now)
            var old: Int64 = 0
            switch editor.view.value(of: context[2]) {
            case .integer(let value): old = value
            case .bytes(let text):
                guard let value = DecimalInteger.parse(text) else { throw .hashNotInteger }
                old = value
            case nil: break
            }
            let (new, overflow) = old.addingReportingOverflow(increment)
            guard !overflow else { throw .overflow }
            sum = new
            PackedPayload.integer(new).withText {
                _ = editor.set(context[2], $0, keepsDeadline: true)
            }
            return 1
        }
        context.reply.integer(sum)
    }

    /// https://redis.io/docs/latest/commands/hincrbyfloat/
    static func incrementByFloat(_ context: DataContext) throws(ErrorReply) {
        guard let increment = FloatingPointText.parseLong(context[3]) else { throw .notFloat }
        guard increment.isFinite else { throw .notFinite }
        let (limits, now) = (context.limits, context.dueTime)
        try context.updateOrCreate(context.key(1), .hash, .hashIncrementByFloat) {
            (place) throws(ErrorReply) in
            let editor = HashEditor(place, limits, now: now)
            var old: LongDouble = 0
            switch editor.view.value(of: context[2]) {
            case .integer(let value): old = LongDouble(value)
            case .bytes(let text):
                guard let value = FloatingPointText.parseLong(text) else { throw .hashNotFloat }
                old = value
            case nil: break
            }
            let sum = old + increment
            guard sum.isFinite else { throw .incrementNotFinite }
            FloatingPointText.withText(sum) { text in
                editor.set(context[2], text, keepsDeadline: true)
                context.propagate(4) {
                    $0.add("HSET")
                    $0.add(context.frame.pointee.request, from: 1, to: 3)
                    $0.add(text)
                }
                context.reply.bulk(text)
            }
            return 1
        }
    }
}
