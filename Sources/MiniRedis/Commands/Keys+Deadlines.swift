// SPDX-License-Identifier: BSD-3-Clause
//
// How long keys have to live: TTL, PTTL, EXPIRETIME, PEXPIRETIME.

extension Keys {
    static let deadlines: [Command] = [
        Command(
            "TTL", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Returns how many seconds a key has to live.",
            flags: [.readOnly, .fast, .keyspace], tips: ["nondeterministic_output"],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(timeToLive)),
        Command(
            "PTTL", in: .generic, since: "2.6.0", complexity: "O(1)",
            summary: "Returns how many milliseconds a key has to live.",
            flags: [.readOnly, .fast, .keyspace], tips: ["nondeterministic_output"],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(timeToLiveMilliseconds)),
        Command(
            "EXPIRETIME", in: .generic, since: "7.0.0", complexity: "O(1)",
            summary: "Returns the Unix time in seconds at which a key dies.",
            flags: [.readOnly, .fast, .keyspace],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(expireTime)),
        Command(
            "PEXPIRETIME", in: .generic, since: "7.0.0", complexity: "O(1)",
            summary: "Returns the Unix time in milliseconds at which a key dies.",
            flags: [.readOnly, .fast, .keyspace],
            syntax: [.key("key", [.readOnly, .access])],
            run: .data(expireTimeMilliseconds)),
    ]

    /// https://redis.io/docs/latest/commands/ttl/
    static func timeToLive(_ context: DataContext) throws(ErrorReply) {
        replyDeadline(context) { seconds($0 - context.now) }
    }

    /// https://redis.io/docs/latest/commands/pttl/
    static func timeToLiveMilliseconds(_ context: DataContext) throws(ErrorReply) {
        replyDeadline(context) { $0 - context.now }
    }

    /// https://redis.io/docs/latest/commands/expiretime/
    static func expireTime(_ context: DataContext) throws(ErrorReply) {
        replyDeadline(context) { seconds($0) }
    }

    /// https://redis.io/docs/latest/commands/pexpiretime/
    static func expireTimeMilliseconds(_ context: DataContext) throws(ErrorReply) {
        replyDeadline(context) { $0 }
    }

    /// Milliseconds as seconds, rounded to the nearest.
    private static func seconds(_ milliseconds: Int64) -> Int64 {
        let (sum, overflow) = milliseconds.addingReportingOverflow(500)
        return (overflow ? milliseconds : sum) / 1000
    }

    private static func replyDeadline(_ context: DataContext, _ answer: (Int64) -> Int64) {
        let key = context.key(1)
        guard let entry = context.database.pointee.peek(key.bytes, key.hash) else {
            return context.reply.integer(-2)
        }
        guard let deadline = entry.deadline else { return context.reply.integer(-1) }
        context.reply.integer(max(0, answer(deadline)))
    }
}
