// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: what this server is to its replicas and its master.
//
// Source: https://redis.io/docs/latest/commands/info/

extension InfoReport {
    mutating func describeReplication() {
        let replication = server.replication
        field("role", replication.role == .master ? "master" : "slave")
        if replication.role == .replica {
            for (name, value) in replication.masterFacts?() ?? [] { field(name, value) }
        }
        field("connected_slaves", replication.replicas.count)
        let settings = server.configuration.settings
        if settings.minReplicasToWrite > 0 && settings.minReplicasMaxLagSeconds > 0 {
            field("min_slaves_good_slaves", server.goodReplicas)
        }
        describeReplicas()
        field("master_failover_state", replication.failoverState)
        field("master_replid", replication.history.id.text)
        field("master_replid2", replication.history.secondID.text)
        field("master_repl_offset", server.masterOffset)
        field("second_repl_offset", replication.history.secondOffset)
        server.deliverEffects()
        let range = replication.range
        field("repl_backlog_active", range == nil ? 0 : 1)
        field("repl_backlog_size", settings.backlogSizeBytes)
        field("repl_backlog_first_byte_offset", range?.first ?? 0)
        field("repl_backlog_histlen", range?.count ?? 0)
    }

    private mutating func describeReplicas() {
        let now = server.loop.clock.pointee.monotonicMilliseconds
        for (number, replica) in server.replication.replicas.enumerated() {
            field(
                "slave\(number)",
                "ip=\(replica.host),port=\(replica.link.options.listeningPort),"
                    + "state=\(replica.link.infoName),offset=\(replica.link.acknowledged),"
                    + "lag=\(replica.link.lag(now))")
        }
    }

    mutating func describeReplicationMemory() {
        let backlog = server.replication.store
        let total = backlog?.backlog.memoryBytes ?? 0
        let own = backlog?.backlog.ownMemoryBytes ?? 0
        field("mem_replication_backlog", own)
        field("mem_total_replication_buffers", total)
        field("mem_clients_slaves", total - own + server.replicaClientBytes)
    }

    mutating func describeReplicationStatistics() {
        let counters = server.replication.counters
        field("sync_full", counters.fullSyncs)
        field("sync_partial_ok", counters.partialSyncs)
        field("sync_partial_err", counters.failedPartialSyncs)
    }
}

extension Server {
    /// What the connections of replicas take, bytes.
    var replicaClientBytes: Int {
        replication.replicas.reduce(0) { $0 + $1.client.memoryBytes }
    }

    var isReplica: Bool { replication.role == .replica }
}
