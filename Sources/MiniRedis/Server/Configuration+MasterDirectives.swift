// SPDX-License-Identifier: BSD-3-Clause
//
// The directives of a master, and of both ends of a replication link.

extension Configuration {
    static let masterDirectives: [Setting] = [
        .integer("min-replicas-to-write", \.minReplicasToWrite, natural32)
            .alias("min-slaves-to-write"),
        .integer("min-replicas-max-lag", \.minReplicasMaxLagSeconds, natural32)
            .alias("min-slaves-max-lag"),
        .memory("repl-backlog-size", \.backlogSizeBytes, 1...UInt64(Int64.max)),
        .memory("repl-backlog-max-size", \.backlogMaxSizeBytes, naturalMemory),
        .integer("repl-backlog-ttl", \.backlogTimeToLiveSeconds, natural),
        .bool("repl-disable-tcp-nodelay", \.disablesReplicaNoDelay),
        .bool("repl-diskless-sync", \.disklessSync),
        .integer("repl-diskless-sync-delay", \.disklessSyncDelaySeconds, natural32),
        .integer("repl-diskless-sync-max-replicas", \.disklessSyncMaxReplicas, natural32),
        .integer("repl-ping-replica-period", \.pingReplicaPeriodSeconds, positive32)
            .alias("repl-ping-slave-period"),
        .integer("repl-timeout", \.replicationTimeoutSeconds, positive32),
    ]
}
