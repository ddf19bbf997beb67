// SPDX-License-Identifier: BSD-3-Clause
//
// Hashes: when fields die. The commands of Redis 7.4, whose replies have one number a field.

extension Hashes {
    private static func fieldList() -> Syntax {
        .block(
            "fields", token: "FIELDS", .integer("numfields"), .many(.string("field")))
    }

    private static func expiry(
        _ name: String, _ time: Syntax, _ summary: String, _ unit: ExpiryUnit
    ) -> Command {
        Command(
            name, in: .hash, since: "7.4.0",
            complexity: "O(N) where N is the number of fields.", summary: summary,
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [
                .key("key", [.readWrite, .update]), time,
                .optional(
                    .oneOf(
                        "condition", .token("NX"), .token("XX"), .token("GT"), .token("LT"))),
                fieldList(),
            ],
            run: .data { (context) throws(ErrorReply) in try expire(context, unit) })
    }

    private static func remaining(
        _ name: String, _ summary: String,
        _ convert: @escaping @Sendable (_ deadline: Int64, _ now: Int64) -> Int64
    ) -> Command {
        Command(
            name, in: .hash, since: "7.4.0",
            complexity: "O(N) where N is the number of fields.", summary: summary,
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly, .access]), fieldList()],
            run: .data { (context) throws(ErrorReply) in try replyTimes(context, convert) })
    }

    static let expiries: [Command] = [
        expiry(
            "HEXPIRE", .integer("seconds"), "Lets fields die after so many seconds.", .seconds),
        expiry(
            "HPEXPIRE", .integer("milliseconds"), "Lets fields die after so many milliseconds.",
            .milliseconds),
        expiry(
            "HEXPIREAT", .unixTime("unix-time-seconds"),
            "Lets fields die at a Unix time in seconds.", .unixSeconds),
        expiry(
            "HPEXPIREAT", .unixTime("unix-time-milliseconds"),
            "Lets fields die at a Unix time in milliseconds.", .unixMilliseconds),
        Command(
            "HPERSIST", in: .hash, since: "7.4.0",
            complexity: "O(N) where N is the number of fields.",
            summary: "Takes the deadlines of fields away.", flags: [.write, .fast],
            syntax: [.key("key", [.readWrite, .update]), fieldList()], run: .data(persist)),
        remaining("HTTL", "Returns how many seconds fields have to live.") {
            ($0 - $1 + 999) / 1000
        },
        remaining("HPTTL", "Returns how many milliseconds fields have to live.") { $0 - $1 },
        remaining("HEXPIRETIME", "Returns the Unix time in seconds at which fields die.") {
            deadline, _ in (deadline + 999) / 1000
        },
        remaining("HPEXPIRETIME", "Returns the Unix time in milliseconds at which fields die.") {
            deadline, _ in deadline
        },
    ]

    /// The latest deadline of a field: 2^46 - 1 milliseconds, in the year 4199.
    private static let latestDeadline: Int64 = 1 << 46 - 1
    /// What is said of a field that is not there.
    private static let noField = -2

    /// When a deadline is set.
    private enum Condition {
        case always, ifNone, ifAny, ifLater, ifEarlier

        init?(_ word: ByteView) {
            if word.equalsFolded("nx") {
                self = .ifNone
            } else if word.equalsFolded("xx") {
                self = .ifAny
            } else if word.equalsFolded("gt") {
                self = .ifLater
            } else if word.equalsFolded("lt") {
                self = .ifEarlier
            } else {
                return nil
            }
        }

        /// A field without a deadline counts as one that lives for ever.
        func allows(_ new: Int64, old: Int64?) -> Bool {
            switch self {
            case .always: true
            case .ifNone: old == nil
            case .ifAny: old != nil
            case .ifLater: new > old ?? .max
            case .ifEarlier: new < old ?? .max
            }
        }
    }

    /// The arguments of the fields whose list, with its FIELDS, begins at argument `at`.
    private static func fieldArguments(
        _ context: DataContext, at: Int, notPositive: ErrorReply
    ) throws(ErrorReply) -> Range<Int> {
        guard at + 1 < context.count, context[at].equalsFolded("fields") else {
            throw .fieldsMissing
        }
        guard let number = DecimalInteger.parse(context[at + 1]), number > 0 else {
            throw notPositive
        }
        guard number == Int64(context.count - at - 2) else { throw .fieldCountMismatch }
        return at + 2..<context.count
    }

    /// The deadline in milliseconds that argument 2 stands for.
    private static func deadline(
        _ context: DataContext, _ unit: ExpiryUnit
    ) throws(ErrorReply) -> Int64 {
        let amount = try context.integer(2)
        guard amount >= 0 else { throw .expireTimeNegative }
        guard let deadline = unit.deadline(amount, now: context.now),
            deadline <= latestDeadline
        else { throw .invalidExpireTime }
        return deadline
    }

    private static func replyNoFields(_ context: DataContext, _ count: Int) {
        context.reply.array(count)
        for _ in 0..<count { context.reply.integer(noField) }
    }

    /// https://redis.io/docs/latest/commands/hexpire/
    ///
    /// A field with a time that is over is removed, which counts as 2.
    private static func expire(_ context: DataContext, _ unit: ExpiryUnit) throws(ErrorReply) {
        let key = context.key(1)
        let slot = try context.slot(key, .hash)
        let deadline = try deadline(context, unit)
        let condition = Condition(context[3])
        let fields = try fieldArguments(
            context, at: condition == nil ? 3 : 4, notPositive: .fieldParameterNotPositive)
        guard let slot else { return replyNoFields(context, fields.count) }
        context.reply.array(fields.count)
        let (limits, now) = (context.limits, context.dueTime)
        let changes = context.database.pointee.update(slot, key, .hashExpire) { place in
            let editor = HashEditor(place, limits, now: now)
            var changes = 0
            for index in fields {
                let field = context[index]
                guard let old = editor.view.deadline(of: field) else {
                    context.reply.integer(noField)
                    continue
                }
                guard (condition ?? .always).allows(deadline, old: old) else {
                    context.reply.integer(0)
                    continue
                }
                changes += 1
                if deadline <= now {
                    _ = editor.remove(field)
                    context.propagate(3) {
                        $0.add("HDEL")
                        $0.add(key.bytes)
                        $0.add(field)
                    }
                    context.reply.integer(2)
                } else {
                    editor.setDeadline(field, deadline)
                    context.reply.integer(1)
                }
            }
            return changes
        }
        guard changes > 0, deadline > now, unit != .unixMilliseconds else { return }
        context.propagate(context.count) {
            $0.add("HPEXPIREAT")
            $0.add(key.bytes)
            $0.add(deadline)
            $0.add(context.frame.pointee.request, from: 3)
        }
    }

    /// https://redis.io/docs/latest/commands/hpersist/
    private static func persist(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        let slot = try context.slot(key, .hash)
        let fields = try fieldArguments(context, at: 2, notPositive: .fieldCountNotPositive)
        guard let slot else { return replyNoFields(context, fields.count) }
        context.reply.array(fields.count)
        let (limits, now) = (context.limits, context.dueTime)
        context.database.pointee.update(slot, key, .hashPersist) { place in
            let editor = HashEditor(place, limits, now: now)
            var changes = 0
            for index in fields {
                guard let old = editor.view.deadline(of: context[index]) else {
                    context.reply.integer(noField)
                    continue
                }
                guard old != nil else {
                    context.reply.integer(-1)
                    continue
                }
                editor.setDeadline(context[index], nil)
                context.reply.integer(1)
                changes += 1
            }
            return changes
        }
    }

    /// https://redis.io/docs/latest/commands/httl/
    private static func replyTimes(
        _ context: DataContext, _ convert: (Int64, Int64) -> Int64
    ) throws(ErrorReply) {
        let view = try view(context)
        let fields = try fieldArguments(context, at: 2, notPositive: .fieldCountNotPositive)
        guard let view else { return replyNoFields(context, fields.count) }
        context.reply.array(fields.count)
        for index in fields {
            guard let deadline = view.deadline(of: context[index]) else {
                context.reply.integer(noField)
                continue
            }
            context.reply.integer(deadline.map { convert($0, context.now) } ?? -1)
        }
    }
}
