// SPDX-License-Identifier: BSD-3-Clause
//
// INFO and ROLE of a replica.

extension ReplicaSide {
    /// What follows `role:slave`, up to the fields that masters have too.
    func facts() -> [(String, String)] {
        var facts: [(String, String)] = []
        func field(_ name: String, _ value: some CustomStringConvertible) {
            facts.append((name, "\(value)"))
        }
        let settings = server.configuration.settings
        let state = link.state
        field("master_host", settings.replicaOf?.host ?? "")
        field("master_port", settings.replicaOf?.port ?? 0)
        field("master_link_status", state.isUp ? "up" : "down")
        field("master_last_io_seconds_ago", state.isUp ? (now - link.heardAt) / 1000 : -1)
        field("master_sync_in_progress", state.isReceivingDump ? 1 : 0)
        field("slave_read_repl_offset", readOffset)
        field("slave_repl_offset", replication.history.offset)
        if state.isReceivingDump { facts += dumpFacts() }
        if !state.isUp {
            field(
                "master_link_down_since_seconds",
                downSince.map { (now - $0) / 1000 } ?? -1)
        }
        field("slave_priority", settings.replicaPriority)
        field("slave_read_only", settings.replicaIsReadOnly ? 1 : 0)
        field("replica_announced", settings.replicaIsAnnounced ? 1 : 0)
        if isGuarding { field("master_sync_refused", "empty-master-guard") }
        return facts
    }

    private func dumpFacts() -> [(String, String)] {
        let received = transfer?.receivedBytes ?? 0
        let total = transfer?.totalBytes ?? 0
        let share = total > 0 ? Double(received) / Double(total) * 100 : 0
        return [
            ("master_sync_total_bytes", "\(total)"),
            ("master_sync_read_bytes", "\(received)"),
            ("master_sync_left_bytes", "\(total - received)"),
            ("master_sync_perc", InfoReport.fixed(share, digits: 2)),
            ("master_sync_last_io_seconds_ago", "\((now - link.heardAt) / 1000)"),
        ]
    }
}

extension ReplicaSide {
    /// ROLE of a replica.
    func replyRole(_ reply: ReplyWriter) {
        let settings = server.configuration.settings
        reply.array(5)
        reply.bulk("slave")
        reply.bulk(settings.replicaOf?.host ?? "")
        reply.integer(settings.replicaOf?.port ?? 0)
        reply.bulk("\(link.state.roleName)")
        let isUp = link.state.isUp
        reply.integer(isUp || hasHistory ? replication.history.offset : -1)
    }
}
