// SPDX-License-Identifier: BSD-3-Clause
//
// When keys die: the EXPIRE family, TTL and its kin, PERSIST.

/// How a client says when a key is to die.
enum ExpiryUnit {
    case seconds, milliseconds, unixSeconds, unixMilliseconds

    /// The option of SET, in any case, or nil.
    init?(_ word: ByteView) {
        if word.equalsFolded("ex") {
            self = .seconds
        } else if word.equalsFolded("px") {
            self = .milliseconds
        } else if word.equalsFolded("exat") {
            self = .unixSeconds
        } else if word.equalsFolded("pxat") {
            self = .unixMilliseconds
        } else {
            return nil
        }
    }

    /// The deadline in milliseconds since the epoch that an amount stands for, or nil if no 64 bits
    /// hold it.
    func deadline(_ amount: Int64, now: Int64) -> Int64? {
        var milliseconds = amount
        if self == .seconds || self == .unixSeconds {
            let (product, overflow) = amount.multipliedReportingOverflow(by: 1000)
            if overflow { return nil }
            milliseconds = product
        }
        guard self == .seconds || self == .milliseconds else { return milliseconds }
        let (sum, overflow) = milliseconds.addingReportingOverflow(now)
        return overflow ? nil : sum
    }

    /// The deadline of a command that stores a value: the amount must be positive.
    func deadline(_ context: DataContext, argument: Int) throws(ErrorReply) -> Int64 {
        let amount = try context.integer(argument)
        guard amount > 0, let deadline = deadline(amount, now: context.now) else {
            throw .invalidExpireTime
        }
        return deadline
    }
}

extension Keys {
    private static func conditions() -> Syntax {
        .optional(
            .oneOf("condition", .token("NX"), .token("XX"), .token("GT"), .token("LT"))
        ).since("7.0.0")
    }

    static let expiry: [Command] = [
        Command(
            "EXPIRE", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Lets a key die after so many seconds.",
            flags: [.write, .fast, .keyspace],
            syntax: [.key("key", [.readWrite, .update]), .integer("seconds"), conditions()],
            run: .data(expire)),
        Command(
            "PEXPIRE", in: .generic, since: "2.6.0", complexity: "O(1)",
            summary: "Lets a key die after so many milliseconds.",
            flags: [.write, .fast, .keyspace],
            syntax: [.key("key", [.readWrite, .update]), .integer("milliseconds"), conditions()],
            run: .data(expireMilliseconds)),
        Command(
            "EXPIREAT", in: .generic, since: "1.2.0", complexity: "O(1)",
            summary: "Lets a key die at a Unix time in seconds.",
            flags: [.write, .fast, .keyspace],
            syntax: [
                .key("key", [.readWrite, .update]), .unixTime("unix-time-seconds"), conditions(),
            ],
            run: .data(expireAt)),
        Command(
            "PEXPIREAT", in: .generic, since: "2.6.0", complexity: "O(1)",
            summary: "Lets a key die at a Unix time in milliseconds.",
            flags: [.write, .fast, .keyspace],
            syntax: [
                .key("key", [.readWrite, .update]), .unixTime("unix-time-milliseconds"),
                conditions(),
            ],
            run: .data(expireAtMilliseconds)),
        Command(
            "PERSIST", in: .generic, since: "2.2.0", complexity: "O(1)",
            summary: "Takes a key's deadline away.",
            flags: [.write, .fast, .keyspace],
            syntax: [.key("key", [.readWrite, .update])],
            run: .data(persist)),
    ]

    /// https://redis.io/docs/latest/commands/expire/
    static func expire(_ context: DataContext) throws(ErrorReply) {
        try expire(context, .seconds)
    }

    /// https://redis.io/docs/latest/commands/pexpire/
    static func expireMilliseconds(_ context: DataContext) throws(ErrorReply) {
        try expire(context, .milliseconds)
    }

    /// https://redis.io/docs/latest/commands/expireat/
    static func expireAt(_ context: DataContext) throws(ErrorReply) {
        try expire(context, .unixSeconds)
    }

    /// https://redis.io/docs/latest/commands/pexpireat/
    static func expireAtMilliseconds(_ context: DataContext) throws(ErrorReply) {
        try expire(context, .unixMilliseconds)
    }

    /// When the EXPIRE family sets a deadline; a key without one counts as living for ever.
    private struct Conditions: OptionSet {
        var rawValue: UInt8
        static let none = Conditions(rawValue: 1)
        static let some = Conditions(rawValue: 2)
        static let later = Conditions(rawValue: 4)
        static let earlier = Conditions(rawValue: 8)

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        init(_ context: DataContext) throws(ErrorReply) {
            rawValue = 0
            for at in 3..<max(3, context.count) {
                let word = context[at]
                if word.equalsFolded("nx") {
                    insert(.none)
                } else if word.equalsFolded("xx") {
                    insert(.some)
                } else if word.equalsFolded("gt") {
                    insert(.later)
                } else if word.equalsFolded("lt") {
                    insert(.earlier)
                } else {
                    context.reply.error(joining: ByteView("ERR Unsupported option "), word)
                    throw .written
                }
            }
            if contains(.none) && rawValue != Conditions.none.rawValue {
                throw .incompatibleExpireOptions
            }
            if contains(.later) && contains(.earlier) { throw .incompatibleGreaterLess }
        }

        func allow(_ new: Int64, old: Int64?) -> Bool {
            if contains(.none) && old != nil { return false }
            if contains(.some) && old == nil { return false }
            if contains(.later) && new <= old ?? .max { return false }
            if contains(.earlier), let old, new >= old { return false }
            return true
        }
    }

    private static func expire(_ context: DataContext, _ unit: ExpiryUnit) throws(ErrorReply) {
        let conditions = try Conditions(context)
        let amount = try context.integer(2)
        guard let deadline = unit.deadline(amount, now: context.now) else {
            throw .invalidExpireTime
        }
        let key = context.key(1)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash),
            conditions.allow(deadline, old: Entry(slot.entry).deadline)
        else { return context.reply.integer(0) }
        if deadline <= context.dueTime {
            context.database.pointee.remove(slot, key.hash)
            context.propagateRemoval(of: key)
        } else {
            context.database.pointee.setDeadline(slot, key.hash, deadline)
            if unit != .unixMilliseconds { propagate(deadline, context) }
        }
        context.reply.integer(1)
    }

    /// With the time as it is, and the conditions as they were.
    private static func propagate(_ deadline: Int64, _ context: DataContext) {
        context.propagate(context.count) {
            $0.add("PEXPIREAT")
            $0.add(context[1])
            $0.add(deadline)
            $0.add(context.frame.pointee.request, from: 3)
        }
    }

    /// https://redis.io/docs/latest/commands/persist/
    static func persist(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash),
            Entry(slot.entry).hasDeadline
        else { return context.reply.integer(0) }
        context.database.pointee.setDeadline(slot, key.hash, nil)
        context.reply.integer(1)
    }
}
