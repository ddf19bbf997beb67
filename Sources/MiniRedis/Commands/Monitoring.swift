// SPDX-License-Identifier: BSD-3-Clause
//
// Watching what others do: MONITOR.

/// The commands that watch others.
enum Monitoring {
    static let declarations: [Command] = [
        Command(
            "MONITOR", in: .server, since: "1.0.0", complexity: "O(1), for each later command.",
            summary: "Tells this client every command that the server executes.",
            flags: [.admin, .noScript, .loading, .stale],
            run: .administration(monitor))
    ]

    /// https://redis.io/docs/latest/commands/monitor/
    static func monitor(_ context: AdministrationContext) throws(ErrorReply) {
        // Redis, too, does not answer a second one.
        guard !context.session.pointee.traits.contains(.monitors) else { return }
        context.administration.setMonitoring(true, for: context.session)
        context.reply.ok()
    }
}
