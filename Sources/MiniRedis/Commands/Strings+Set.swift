// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that are written: SET, MSET, APPEND.

extension Strings {
    static let writes: [Command] = [
        Command(
            "SET", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Stores a string under a key, whatever the key held before.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .access, .update, .variableFlags]), .string("value"),
                .optional(.oneOf("condition", .token("NX"), .token("XX"))).since("2.6.12"),
                .optional(.token("GET")).since("6.2.0"),
                .optional(expiration),
            ],
            run: .data(set)),
        Command(
            "MSET", in: .string, since: "1.0.1",
            complexity: "O(N) where N is the number of keys to set.",
            summary: "Stores several strings under their keys, all at once.",
            flags: [.write, .denyOutOfMemory],
            tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
            syntax: [
                .many(.block("data", .key("key", [.overwrite, .update]), .string("value")))
            ],
            run: .data(setMany)),
        Command(
            "APPEND", in: .string, since: "2.0.0",
            complexity: "O(1) amortized: a string that grows by appending has room to spare.",
            summary: "Adds bytes to the end of the string that a key holds; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .insert]), .string("value")],
            run: .data(append)),
    ]

    private static let expiration = Syntax.oneOf(
        "expiration", .integer("seconds", token: "EX").since("2.6.12"),
        .integer("milliseconds", token: "PX").since("2.6.12"),
        .unixTime("unix-time-seconds", token: "EXAT").since("6.2.0"),
        .unixTime("unix-time-milliseconds", token: "PXAT").since("6.2.0"),
        .token("KEEPTTL").since("6.0.0"))

    /// What follows key and value in SET.
    private struct SetOptions {
        enum Condition {
            case none, ifAbsent, ifPresent
        }

        var condition = Condition.none
        var returnsOld = false
        var deadline = DeadlineChange.clear
        /// The deadline was given as it is stored.

        init() {}

        /// Reads the options from argument 3 on; all of the syntax is checked before any value, as
        /// Redis does.
        init(_ context: DataContext) throws(ErrorReply) {
            var expiry: (index: Int, unit: ExpiryUnit)?
            var keeps = false
            var at = 3
            while at < context.count {
                let word = context[at]
                if word.equalsFolded("nx"), condition != .ifPresent {
                    condition = .ifAbsent
                } else if word.equalsFolded("xx"), condition != .ifAbsent {
                    condition = .ifPresent
                } else if word.equalsFolded("get") {
                    returnsOld = true
                } else if word.equalsFolded("keepttl"), expiry == nil {
                    keeps = true
                } else if let unit = ExpiryUnit(word), !keeps, expiry == nil,
                    at + 1 < context.count
                {
                    at += 1
                    expiry = (at, unit)
                } else {
                    throw .syntax
                }
                at += 1
            }
            if let expiry {
                deadline = .set(try expiry.unit.deadline(context, argument: expiry.index))
            } else if keeps {
                deadline = .keep
            }
        }
    }

    /// https://redis.io/docs/latest/commands/set/
    static func set(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard context.count == 3 else { return try setWithOptions(context, key) }
        context.database.pointee.set(key.bytes, key.hash, context.stringSource(2), .clear)
        context.reply.ok()
    }

    @inline(never)
    private static func setWithOptions(
        _ context: DataContext, _ key: KeyArgument
    ) throws(ErrorReply) {
        let options = try SetOptions(context)
        if options.returnsOld {
            if let entry = context.database.pointee.peek(key.bytes, key.hash) {
                guard entry.type == .string else { throw .wrongType }
                context.replyString(entry)
            } else {
                context.reply.null()
            }
        }
        let slot = context.database.pointee.lookup(key.bytes, key.hash)
        if options.condition == .ifAbsent && slot != nil
            || options.condition == .ifPresent && slot == nil
        {
            if !options.returnsOld { context.reply.null() }
            return
        }
        context.database.pointee.set(
            key.bytes, key.hash, context.stringSource(2), options.deadline)
        if context.isRepeated { propagate(options, context, key) }
        if !options.returnsOld { context.reply.ok() }
    }

    /// With the deadline as a point in time, whatever its form was; without GET.
    private static func propagate(
        _ options: SetOptions, _ context: DataContext, _ key: KeyArgument
    ) {
        if case .set(let deadline) = options.deadline {
            return propagate(context, key, value: 2, deadline: deadline)
        }
        guard options.returnsOld else { return }
        let kept = (3..<context.count).filter { !context[$0].equalsFolded("get") }
        context.propagate(3 + kept.count) {
            $0.add(context.frame.pointee.request, from: 0, to: 3)
            for index in kept { $0.add(context[index]) }
        }
    }

    /// A string that is stored until a deadline.
    static func propagate(
        _ context: DataContext, _ key: KeyArgument, value: Int, deadline: Int64
    ) {
        context.propagate(5) {
            $0.add("SET")
            $0.add(key.bytes)
            $0.add(context[value])
            $0.add("PXAT")
            $0.add(deadline)
        }
    }

    /// https://redis.io/docs/latest/commands/mset/
    static func setMany(_ context: DataContext) throws(ErrorReply) {
        guard context.count % 2 == 1 else { throw .wrongArity }
        context.forEachKey(from: 1, step: 2) { key, at in
            context.database.pointee.set(
                key.bytes, key.hash, context.stringSource(at + 1), .clear)
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/append/
    static func append(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            let value = context.stringSource(2)
            context.database.pointee.set(key.bytes, key.hash, value, .clear, .append)
            return context.reply.integer(context[2].count)
        }
        let entry = Entry(slot.entry)
        guard entry.type == .string else { throw .wrongType }
        let total = entry.string.count + context[2].count
        guard total <= context.longestString else { throw .stringTooLong }
        context.reply.integer(context.database.pointee.append(slot, key.hash, context[2]))
    }
}
