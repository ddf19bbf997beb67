// SPDX-License-Identifier: BSD-3-Clause
//
// The figures of INFO as Prometheus reads them, under the names that redis_exporter gives them, so
// that its dashboards work without it.
//
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/

import Glibc

/// Builds the text of `/metrics`.
struct MetricsReport {
    private unowned let server: Server
    private var lines = ""

    init(server: Server) {
        self.server = server
    }

    func text() -> String {
        var report = self
        report.describeServer()
        report.describeMemory()
        report.describePersistence()
        report.describeWork()
        report.describeProcessor()
        report.describeCommands()
        report.describeErrors()
        report.describeDatabases()
        return report.lines
    }

    // MARK: - Lines

    private enum Kind: String {
        case gauge, counter
    }

    private mutating func gauge(_ name: String, _ value: some CustomStringConvertible) {
        family(name, .gauge, [("", value.description)])
    }

    private mutating func counter(_ name: String, _ value: some CustomStringConvertible) {
        family(name, .counter, [("", value.description)])
    }

    /// A metric with one line for each set of labels (`{cmd="get"}`); nothing if there is none.
    private mutating func family(
        _ name: String, _ kind: Kind, _ lines: [(labels: String, value: String)]
    ) {
        guard !lines.isEmpty else { return }
        self.lines += "# TYPE redis_\(name) \(kind.rawValue)\n"
        for line in lines { self.lines += "redis_\(name)\(line.labels) \(line.value)\n" }
    }

    /// A label's value, quoted.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    // MARK: - Sections

    private mutating func describeServer() {
        let now = server.loop.clock.pointee.unixMilliseconds
        let settings = server.configuration.settings
        gauge("up", 1)
        family(
            "instance_info", .gauge,
            [
                (
                    "{redis_version=\(Self.quoted(Version.redis)),redis_mode=\"standalone\","
                        + "role=\"master\",tcp_port=\"\(settings.port)\","
                        + "maxmemory_policy=\"\(settings.maxMemoryPolicy.rawValue)\"}", "1"
                )
            ])
        gauge("uptime_in_seconds", (now - server.startedAt) / 1000)
        gauge("start_time_seconds", server.startedAt / 1000)
        gauge("process_id", getpid())
        gauge("connected_clients", server.clients.count)
        gauge("config_maxclients", settings.maxClients)
        gauge("max_clients", settings.maxClients)
        gauge(
            "blocked_clients",
            server.blockedClients)
        gauge("connected_slaves", 0)
        gauge("master_repl_offset", 0)
        gauge("slowlog_length", server.slowLog.count)
        if let last = server.slowLog.newest(1).first {
            gauge("slowlog_last_id", last.id)
            gauge("last_slow_execution_duration_seconds", Double(last.microseconds) / 1e6)
        }
    }

    private mutating func describeMemory() {
        let memory = server.memoryReport()
        gauge("memory_used_bytes", memory.used)
        gauge("memory_used_rss_bytes", memory.processResident)
        gauge("memory_used_peak_bytes", memory.peak)
        gauge("memory_used_overhead_bytes", memory.overhead)
        gauge("memory_used_startup_bytes", memory.startup)
        gauge("memory_used_dataset_bytes", memory.dataset)
        gauge("memory_max_bytes", server.configuration.settings.maxMemoryBytes)
        gauge("allocator_allocated_bytes", memory.allocated)
        gauge("allocator_active_bytes", memory.active)
        gauge("allocator_resident_bytes", memory.resident)
        gauge(
            "mem_fragmentation_ratio", MemoryReport.ratio(memory.processResident, memory.used))
        gauge("mem_clients_normal", memory.clients)
        gauge("lazyfree_pending_objects", server.keyspace.pendingFrees)
        gauge("snapshot_retained_bytes", server.keyspace.retainedBytes)
    }

    private mutating func describePersistence() {
        let status = server.persistence
        gauge("loading_dump_file", 0)
        gauge("rdb_changes_since_last_save", server.keyspace.state.pointee.changesSinceSave)
        gauge("rdb_bgsave_in_progress", status.runningSince == nil ? 0 : 1)
        gauge("rdb_last_save_timestamp_seconds", status.lastSaveAt)
        gauge("rdb_last_bgsave_status", status.lastSaveSucceeded ? 1 : 0)
        gauge("rdb_last_bgsave_duration_sec", status.lastSaveSeconds)
        gauge("rdb_last_cow_size_bytes", 0)
        gauge("latest_fork_seconds", 0)
        gauge("aof_enabled", 0)
    }

    private mutating func describeWork() {
        let traffic = server.loop.traffic.pointee
        let keyspace = server.keyspace.state.pointee.statistics
        let loop = server.loop.statistics.pointee
        counter("connections_received_total", server.statistics.connectionsReceived)
        counter("rejected_connections_total", server.statistics.connectionsRejected)
        counter("commands_processed_total", server.totalCommands)
        counter("net_input_bytes_total", traffic.netInputBytes)
        counter("net_output_bytes_total", traffic.netOutputBytes)
        counter("total_reads_processed", traffic.reads)
        counter("total_writes_processed", traffic.writes)
        counter("expired_keys_total", keyspace.expired)
        counter("evicted_keys_total", keyspace.evicted)
        counter("keyspace_hits_total", keyspace.hits)
        counter("keyspace_misses_total", keyspace.misses)
        counter("total_error_replies", server.observers.errors.total)
        gauge("pubsub_channels", server.channels.count(.channel))
        gauge("pubsub_patterns", server.channels.count(.pattern))
        counter("eventloop_cycles_total", loop.turns)
        counter("eventloop_duration_seconds_total", Double(loop.busyNanoseconds) / 1e9)
        gauge("eventloop_duration_max_seconds", Double(loop.longestTurnNanoseconds) / 1e9)
    }

    private mutating func describeProcessor() {
        let time = InfoReport.processorSeconds(__rusage_who_t(RUSAGE_SELF.rawValue))
        counter("cpu_sys_seconds_total", time.system)
        counter("cpu_user_seconds_total", time.user)
        counter("cpu_sys_children_seconds_total", 0)
        counter("cpu_user_children_seconds_total", 0)
    }

    private mutating func describeCommands() {
        let table = server.commandTable
        let rate = server.cycleClock.cyclesPerMicrosecond * 1e6
        let called = (0..<table.commands.count).filter {
            table.statistics[$0].calls + table.statistics[$0].rejected > 0
        }
        func lines(_ value: (CommandStatistics) -> String) -> [(labels: String, value: String)] {
            called.map { ("{cmd=\(Self.quoted(table.names[$0]))}", value(table.statistics[$0])) }
        }
        family("commands_total", .counter, lines { "\($0.calls)" })
        family(
            "commands_duration_seconds_total", .counter, lines { "\(Double($0.cycles) / rate)" })
        family("commands_failed_calls_total", .counter, lines { "\($0.failed)" })
        family("commands_rejected_calls_total", .counter, lines { "\($0.rejected)" })
    }

    private mutating func describeErrors() {
        family(
            "errors_total", .counter,
            server.observers.errors.kinds.map { ("{err=\(Self.quoted($0.prefix))}", "\($0.count)") }
        )
    }

    private mutating func describeDatabases() {
        func lines(
            _ value: (UnsafeMutablePointer<Database>) -> Int
        ) -> [(labels: String, value: String)] {
            (0..<server.keyspace.databaseCount).map {
                ("{db=\"db\($0)\"}", "\(value(server.keyspace.databases + $0))")
            }
        }
        family("db_keys", .gauge, lines { $0.pointee.count })
        family("db_keys_expiring", .gauge, lines { $0.pointee.deadlines.count })
    }
}
