// SPDX-License-Identifier: BSD-3-Clause
//
// The append-only file: BGREWRITEAOF, WAITAOF.

/// The commands on the append-only file.
enum AppendOnlyCommands {
    static let declarations: [Command] = [
        Command(
            "BGREWRITEAOF", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Rewrites the append-only file in the background, as short as it can be.",
            flags: [.admin, .noScript, .noAsyncLoading],
            run: .administration(rewrite)),
        Command(
            "WAITAOF", in: .generic, since: "7.2.0", complexity: "O(1)",
            summary: "Waits until what the client did is on disks, here and at replicas.",
            flags: [.noScript, .blocking, .connection],
            tips: ["request_policy:all_shards", "response_policy:agg_min"],
            syntax: [.integer("numlocal"), .integer("numreplicas"), .integer("timeout")],
            run: .administration(wait)),
    ]

    /// https://redis.io/docs/latest/commands/bgrewriteaof/
    static func rewrite(_ context: AdministrationContext) throws(ErrorReply) {
        switch try context.administration.rewriteAppendOnly() {
        case .started: context.reply.simple("Background append only file rewriting started")
        case .scheduled: context.reply.simple("Background append only file rewriting scheduled")
        }
    }

    /// https://redis.io/docs/latest/commands/waitaof/
    static func wait(_ context: AdministrationContext) throws(ErrorReply) {
        let local = try context.data.integer(1)
        guard (0...1).contains(local) else { throw .waitLocalRange }
        let replicas = try context.data.integer(2)
        guard replicas >= 0 else { throw .notPositiveInteger }
        let timeout = try SessionContext(frame: context.frame).waitMilliseconds(3)
        guard !context.administration.isReplica else { throw .durabilityWaitOnReplica }
        try context.administration.waitForDurability(
            local: local, replicas: replicas, timeout: timeout, for: context.session)
    }
}
