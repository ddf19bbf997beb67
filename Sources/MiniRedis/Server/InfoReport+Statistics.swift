// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: what was counted, as a whole, by command, by error and by database.

extension InfoReport {
    mutating func describeStatistics() {
        let keyspace = server.keyspace.state.pointee.statistics
        field("total_connections_received", server.statistics.connectionsReceived)
        field("total_commands_processed", server.totalCommands)
        field("instantaneous_ops_per_sec", server.operations.commandsPerSecond)
        describeTraffic()
        field("rejected_connections", server.statistics.connectionsRejected)
        describeReplicationStatistics()
        field("expired_keys", keyspace.expired)
        field("expired_subkeys", keyspace.expiredFields)
        field("expired_stale_perc", 0.0, digits: 2)
        zeros("expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds")
        field("evicted_keys", keyspace.evicted)
        field("evicted_clients", server.statistics.evictedClients)
        zeros("total_eviction_exceeded_time", "current_eviction_exceeded_time")
        field("keyspace_hits", keyspace.hits)
        field("keyspace_misses", keyspace.misses)
        field("pubsub_channels", server.channels.count(.channel))
        field("pubsub_patterns", server.channels.count(.pattern))
        field("pubsubshard_channels", server.channels.count(.shard))
        field("latest_fork_usec", server.persistence.lastSnapshotPauseMicroseconds)
        field("total_forks", server.snapshotJobs.started)
        zeros(
            "migrate_cached_sockets", "slave_expires_tracked_keys",
            "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
            "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time",
            "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes",
            "unexpected_error_replies")
        field("total_error_replies", server.observers.errors.total)
        field("dump_payload_sanitizations", 0)
        field("total_reads_processed", server.loop.traffic.pointee.reads)
        field("total_writes_processed", server.loop.traffic.pointee.writes)
        zeros(
            "io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
            "reply_buffer_expands")
        describeLoop()
        field(
            "client_query_buffer_limit_disconnections",
            server.statistics.queryBufferDisconnections)
        field(
            "client_output_buffer_limit_disconnections",
            server.statistics.outputBufferDisconnections)
        zeros(
            "acl_access_denied_auth",
            "acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel")
    }

    private mutating func describeTraffic() {
        let traffic = server.loop.traffic.pointee
        field("total_net_input_bytes", traffic.netInputBytes)
        field("total_net_output_bytes", traffic.netOutputBytes)
        field("total_net_repl_input_bytes", server.replication.counters.inputBytes)
        field("total_net_repl_output_bytes", server.replication.counters.outputBytes)
        field("instantaneous_input_kbps", server.operations.inputKibibytesPerSecond, digits: 2)
        field("instantaneous_output_kbps", server.operations.outputKibibytesPerSecond, digits: 2)
        field("instantaneous_input_repl_kbps", 0.0, digits: 2)
        field("instantaneous_output_repl_kbps", 0.0, digits: 2)
    }

    private mutating func describeLoop() {
        let loop = server.loop.statistics.pointee
        field("eventloop_cycles", loop.turns)
        field("eventloop_duration_sum", loop.busyNanoseconds / 1000)
        field("eventloop_duration_cmd_sum", server.commandMicroseconds)
        field("eventloop_duration_max_usec", loop.longestTurnNanoseconds / 1000)
        field("eventloop_duration_max_cause", server.observers.longestTurnCause)
        field("instantaneous_eventloop_cycles_per_sec", server.operations.turnsPerSecond)
        field(
            "instantaneous_eventloop_duration_usec", server.operations.turnMicroseconds)
    }

    mutating func describeErrors() {
        for kind in server.observers.errors.kinds {
            field("errorstat_\(kind.prefix)", "count=\(kind.count)")
        }
    }

    mutating func describeLatencies() {
        let rate = server.cycleClock.cyclesPerMicrosecond
        let table = server.commandTable
        let percentiles = server.configuration.settings.latencyPercentiles
        for index in 0..<table.commands.count {
            guard let histogram = table.statistics[index].histogram else { continue }
            let values = percentiles.map { percent in
                let microseconds = Double(histogram.percentile(percent)) / rate
                let name = SettingFormat<[Double]>.percentiles.print([percent])
                return "p\(name)=\(Self.fixed(microseconds, digits: 3))"
            }
            field(
                "latency_percentiles_usec_\(table.names[index])", values.joined(separator: ","))
        }
    }

    mutating func describeCommands() {
        let rate = server.cycleClock.cyclesPerMicrosecond
        let table = server.commandTable
        for index in 0..<table.commands.count {
            let one = table.statistics[index]
            guard one.calls + one.rejected > 0 else { continue }
            let microseconds = Double(one.cycles) / rate
            let each = one.calls == 0 ? 0 : microseconds / Double(one.calls)
            field(
                "cmdstat_\(table.names[index])",
                "calls=\(one.calls),usec=\(Int64(microseconds)),"
                    + "usec_per_call=\(Self.fixed(each, digits: 2)),"
                    + "rejected_calls=\(one.rejected),failed_calls=\(one.failed)")
        }
    }

    mutating func describeKeyspace() {
        for index in 0..<server.keyspace.databaseCount {
            let database = server.keyspace.databases + index
            guard database.pointee.count > 0 else { continue }
            field(
                "db\(index)",
                "keys=\(database.pointee.count),expires=\(database.pointee.deadlines.count),"
                    + "avg_ttl=0")
        }
    }
}
