// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that are read and changed at once: GETSET, GETDEL, GETEX.

extension Strings {
    static let exchanges: [Command] = [
        Command(
            "GETSET", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Stores a string under a key and returns the one before.",
            flags: [.write, .denyOutOfMemory, .fast],
            deprecated: Deprecation(
                since: "6.2.0", replacement: "`SET` with the `!GET` argument"),
            syntax: [.key("key", [.readWrite, .access, .update]), .string("value")],
            run: .data(getAndSet)),
        Command(
            "GETDEL", in: .string, since: "6.2.0", complexity: "O(1)",
            summary: "Returns the string that a key holds and removes the key.",
            flags: [.write, .fast],
            syntax: [.key("key", [.readWrite, .access, .delete])],
            run: .data(getAndRemove)),
        Command(
            "GETEX", in: .string, since: "6.2.0", complexity: "O(1)",
            summary: "Returns the string that a key holds and sets or removes its deadline.",
            flags: [.write, .fast],
            syntax: [
                .key("key", [.readWrite, .access, .update]),
                .optional(
                    .oneOf(
                        "expiration", .integer("seconds", token: "EX"),
                        .integer("milliseconds", token: "PX"),
                        .unixTime("unix-time-seconds", token: "EXAT"),
                        .unixTime("unix-time-milliseconds", token: "PXAT"), .token("PERSIST"))),
            ],
            run: .data(getAndExpire)),
    ]

    /// https://redis.io/docs/latest/commands/getset/
    static func getAndSet(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        if let entry = context.database.pointee.read(key.bytes, key.hash) {
            guard entry.type == .string else { throw .wrongType }
            context.replyString(entry)
        } else {
            context.reply.null()
        }
        context.database.pointee.set(key.bytes, key.hash, context.stringSource(2), .clear)
        context.propagate(3) {
            $0.add("SET")
            $0.add(context.frame.pointee.request, from: 1)
        }
    }

    /// https://redis.io/docs/latest/commands/getdel/
    static func getAndRemove(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.null()
        }
        guard entry.type == .string else { throw .wrongType }
        context.replyString(entry)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
        context.database.pointee.remove(slot, key.hash)
        context.propagateRemoval(of: key)
    }

    /// What follows the key in GETEX: a unit with its amount in argument 3, PERSIST, or nothing.
    private enum NewDeadline {
        case asItIs, none, of(ExpiryUnit)

        init(_ context: DataContext) throws(ErrorReply) {
            if context.count == 2 {
                self = .asItIs
            } else if context.count == 3, context[2].equalsFolded("persist") {
                self = .none
            } else if context.count == 4, let unit = ExpiryUnit(context[2]) {
                self = .of(unit)
            } else {
                throw .syntax
            }
        }
    }

    /// https://redis.io/docs/latest/commands/getex/
    static func getAndExpire(_ context: DataContext) throws(ErrorReply) {
        let change = try NewDeadline(context)
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.null()
        }
        guard entry.type == .string else { throw .wrongType }
        var deadline: Int64?
        switch change {
        case .asItIs: return context.replyString(entry)
        case .none: break
        case .of(let unit): deadline = try unit.deadline(context, argument: 3)
        }
        context.replyString(entry)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
        if let deadline, deadline <= context.dueTime {
            context.database.pointee.remove(slot, key.hash)
            context.propagateRemoval(of: key)
        } else if deadline != nil || entry.hasDeadline {
            context.database.pointee.setDeadline(slot, key.hash, deadline)
            propagate(deadline, of: key, context)
        }
    }

    private static func propagate(
        _ deadline: Int64?, of key: KeyArgument, _ context: DataContext
    ) {
        guard let deadline else {
            return context.propagate(2) {
                $0.add("PERSIST")
                $0.add(key.bytes)
            }
        }
        context.propagate(3) {
            $0.add("PEXPIREAT")
            $0.add(key.bytes)
            $0.add(deadline)
        }
    }
}
