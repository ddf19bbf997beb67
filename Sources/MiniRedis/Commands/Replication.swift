// SPDX-License-Identifier: BSD-3-Clause
//
// The commands of replication that a master answers: those by which a replica introduces itself and
// asks for the data, and those with which clients ask how far the replicas are.

/// The commands between masters and replicas.
enum Replication {
    static let declarations: [Command] = [
        Command(
            "PSYNC", in: .server, since: "2.8.0", complexity: "",
            summary: "Asks a master for what a replica lacks: the stream, or all the data.",
            flags: [.admin, .noScript, .noAsyncLoading, .noMulti],
            // FAILOVER may follow.
            arity: -3,
            syntax: [.string("replicationid"), .integer("offset")],
            run: .administration(psync)),
        Command(
            "SYNC", in: .server, since: "1.0.0", complexity: "",
            summary: "Asks a master for all the data and the stream that follows.",
            flags: [.admin, .noScript, .noAsyncLoading, .noMulti],
            run: .administration(sync)),
        Command(
            "REPLCONF", in: .server, since: "3.0.0", complexity: "O(1)",
            summary: "Tells the other end of a replication link something about this one.",
            flags: [.admin, .noScript, .loading, .stale, .allowBusy],
            // Pairs of a name and a value, as replicas know them.
            arity: -1, documentFlags: ["syscmd"],
            run: .administration(configure)),
        Command(
            "ROLE", in: .server, since: "2.8.12", complexity: "O(1)",
            summary: "Tells whether this is a master or a replica, and how far it is.",
            flags: [.noScript, .loading, .stale, .fast, .administrative, .dangerous],
            run: .administration(role)),
        Command(
            "WAIT", in: .generic, since: "3.0.0", complexity: "O(1)",
            summary: "Waits until so many replicas have what this client wrote.",
            flags: [.noScript, .connection],
            tips: ["request_policy:all_shards", "response_policy:agg_min"],
            syntax: [.integer("numreplicas"), .integer("timeout")],
            run: .administration(wait)),
    ]

    /// https://redis.io/docs/latest/commands/psync/
    static func psync(_ context: AdministrationContext) throws(ErrorReply) {
        // A replica that asks twice is not answered, whatever it asks for.
        guard context.session.pointee.kind != .replica else { return }
        let request = SyncRequest(
            id: context.data[1], byte: try context.data.integer(2),
            isFailover: context.data.count > 3 && context.data[3].equalsFolded("failover"))
        try context.administration.synchronize(request, context.session)
    }

    /// https://redis.io/docs/latest/commands/sync/
    static func sync(_ context: AdministrationContext) throws(ErrorReply) {
        try context.administration.synchronize(
            SyncRequest(isOldProtocol: true), context.session)
    }

    /// https://redis.io/docs/latest/commands/replconf/
    static func configure(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.configureReplica(
            context.frame.pointee.request, context.session, context.reply)
    }

    /// https://redis.io/docs/latest/commands/role/
    static func role(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.replyRole(context.reply)
    }

    /// https://redis.io/docs/latest/commands/wait/
    static func wait(_ context: AdministrationContext) throws(ErrorReply) {
        guard !context.administration.isReplica else { throw .waitOnReplica }
        let wanted = try context.data.integer(1)
        let timeout = try SessionContext(frame: context.frame).waitMilliseconds(2)
        context.administration.waitForReplicas(wanted, timeout: timeout, for: context.session)
    }
}
