// SPDX-License-Identifier: BSD-3-Clause
//
// Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing and running are the dispatcher's.

/// The commands of transactions.
enum Transactions {
    static let declarations: [Command] = [
        Command(
            "MULTI", in: .transactions, since: "1.2.0", complexity: "O(1)",
            summary: "Begins a transaction: commands are queued from now on.",
            flags: [.noScript, .loading, .stale, .fast, .allowBusy, .immediate],
            run: .session(begin)),
        Command(
            "EXEC", in: .transactions, since: "1.2.0",
            complexity: "Depends on commands in the transaction",
            summary: "Executes what was queued, with nobody else's commands in between.",
            flags: [.noScript, .loading, .stale, .skipSlowLog, .immediate, .executes],
            run: .administration(execute)),
        Command(
            "DISCARD", in: .transactions, since: "2.0.0",
            complexity: "O(N), when N is the number of queued commands",
            summary: "Forgets what was queued and ends the transaction.",
            flags: [.noScript, .loading, .stale, .fast, .allowBusy, .immediate],
            run: .administration(discard)),
        Command(
            "WATCH", in: .transactions, since: "2.2.0", complexity: "O(1) for every key.",
            summary: "Lets the next transaction fail if one of the keys is changed before it.",
            flags: [.noScript, .loading, .stale, .fast, .allowBusy, .immediate],
            syntax: [.many(.key("key", .readOnly))], run: .administration(watch)),
        Command(
            "UNWATCH", in: .transactions, since: "2.2.0", complexity: "O(1)",
            summary: "Forgets all watched keys.",
            flags: [.noScript, .loading, .stale, .fast, .allowBusy], run: .administration(unwatch)),
    ]

    /// https://redis.io/docs/latest/commands/multi/
    static func begin(_ context: SessionContext) throws(ErrorReply) {
        guard context.session.pointee.transaction == nil else { throw .nestedMulti }
        context.session.pointee.transaction = Transaction()
        // A master's transaction counts from its beginning, and only when it was executed.
        if context.session.pointee.kind == .primary { context.session.pointee.hold = .marked }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/exec/
    static func execute(_ context: AdministrationContext) throws(ErrorReply) {
        guard let transaction = context.session.pointee.transaction else {
            throw .execWithoutMulti
        }
        if transaction.isAborted {
            context.administration.discardTransaction(of: context.session)
            throw .transactionAborted
        }
        if context.administration.hasBrokenWatch(context.session) {
            context.administration.discardTransaction(of: context.session)
            return context.reply.nullArray()
        }
        context.frame.pointee.runsTransaction = true
    }

    /// https://redis.io/docs/latest/commands/discard/
    static func discard(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.session.pointee.transaction != nil else { throw .discardWithoutMulti }
        context.administration.discardTransaction(of: context.session)
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/watch/
    static func watch(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.session.pointee.transaction == nil else { throw .watchInsideMulti }
        for index in 1..<context.data.count {
            context.administration.watch(context.data.key(index), for: context.session)
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/unwatch/
    static func unwatch(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.unwatch(context.session)
        context.reply.ok()
    }
}
