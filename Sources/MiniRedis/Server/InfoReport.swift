// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: what the server is and does, in sections of `name:value` lines. Built when asked for.
//
// Source: https://redis.io/docs/latest/commands/info/

import Glibc

/// Builds INFO's text.
struct InfoReport {
    private unowned let server: Server
    private var text = ""

    init(server: Server) {
        self.server = server
    }

    private typealias Section = (
        name: String, isDefault: Bool, write: @Sendable (inout InfoReport) -> Void
    )

    private static let sections: [Section] = [
        ("server", true, { $0.describeServer() }),
        ("clients", true, { $0.describeClients() }),
        ("memory", true, { $0.describeMemory() }),
        ("persistence", true, { $0.describePersistence() }),
        ("stats", true, { $0.describeStatistics() }),
        ("replication", true, { $0.describeReplication() }),
        ("cpu", true, { $0.describeProcessor() }),
        ("commandstats", false, { $0.describeCommands() }),
        ("cluster", true, { $0.field("cluster_enabled", 0) }),
        ("keyspace", true, { $0.describeKeyspace() }),
    ]

    /// The text of the sections, named in lower case; none for the default ones.
    func text(sections wanted: [String]) -> String {
        var report = self
        let all = wanted.contains("all") || wanted.contains("everything")
        let defaults = wanted.isEmpty || wanted.contains("default")
        for section in Self.sections
        where all || wanted.contains(section.name) || defaults && section.isDefault {
            if !report.text.isEmpty { report.text += "\r\n" }
            report.text += "# \(section.name.prefix(1).uppercased() + section.name.dropFirst())\r\n"
            section.write(&report)
        }
        return report.text
    }

    private mutating func field(_ name: String, _ value: some CustomStringConvertible) {
        text += "\(name):\(value)\r\n"
    }

    /// A number with `digits` digits after the point.
    private mutating func field(_ name: String, _ value: Double, digits: Int) {
        field(name, Self.fixed(value, digits: digits))
    }

    static func fixed(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((value * scale).rounded())
        let fraction = String(abs(scaled) % Int64(scale))
        return (scaled < 0 ? "-" : "") + "\(abs(scaled) / Int64(scale))."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    // MARK: - Sections

    private var now: Int64 { server.loop.clock.pointee.unixMilliseconds }

    private mutating func describeServer() {
        let uptime = (now - server.startedAt) / 1000
        var system = utsname()
        uname(&system)
        field("redis_version", Version.redis)
        field("mini_redis_version", Version.server)
        field("redis_mode", "standalone")
        field("os", Self.systemName(system))
        field("arch_bits", 64)
        field("multiplexing_api", "epoll")
        field("process_id", getpid())
        field("process_supervised", "no")
        field("run_id", server.runID)
        field("tcp_port", server.configuration.settings.port)
        field("server_time_usec", now * 1000)
        field("uptime_in_seconds", uptime)
        field("uptime_in_days", uptime / 86400)
        field("hz", server.configuration.settings.hz)
        field("configured_hz", server.configuration.settings.hz)
        field("lru_clock", AccessRecord.recency(now))
        field("executable", Self.executablePath())
        field("config_file", server.configuration.filePath ?? "")
        field("io_threads_active", 0)
    }

    private static func executablePath() -> String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count)
        return count > 0 ? String(decoding: path[..<count], as: UTF8.self) : ""
    }

    private static func systemName(_ system: utsname) -> String {
        func text<Value>(_ field: Value) -> String {
            withUnsafeBytes(of: field) { bytes in
                String(bytes.prefix { $0 != 0 }.map { Character(UnicodeScalar($0)) })
            }
        }
        return "\(text(system.sysname)) \(text(system.release)) \(text(system.machine))"
    }

    private mutating func describeClients() {
        let waiting = server.clients.values.filter {
            $0.session.pointee.hold.contains(.waiting)
        }.count
        field("connected_clients", server.clients.count)
        field("cluster_connections", 0)
        field("maxclients", server.configuration.settings.maxClients)
        field("client_recent_max_input_buffer", 0)
        field("client_recent_max_output_buffer", 0)
        field("blocked_clients", waiting)
        field("tracking_clients", 0)
        field("clients_in_timeout_table", 0)
    }

    private mutating func describeMemory() {
        let used = server.keyspace.allocatedBytes
        let resident = Self.residentBytes()
        let limit = server.configuration.settings.maxMemoryBytes
        field("used_memory", used)
        field("used_memory_human", Self.human(used))
        field("used_memory_rss", resident)
        field("used_memory_rss_human", Self.human(resident))
        field("used_memory_peak", max(used, server.peakMemory))
        field("used_memory_peak_human", Self.human(max(used, server.peakMemory)))
        field("maxmemory", limit)
        field("maxmemory_human", Self.human(Int(clamping: limit)))
        field("maxmemory_policy", server.configuration.value(of: "maxmemory-policy") ?? "")
        field(
            "mem_fragmentation_ratio", used > 0 ? Double(resident) / Double(used) : 0, digits: 2)
        field("mem_allocator", Version.allocator)
        field("mem_not_counted_for_evict", server.keyspace.notCountedBytes)
        field("snapshot_retained_bytes", server.keyspace.retainedBytes)
        field(
            "snapshot_retained_peak_bytes",
            server.keyspace.memory.pointee.graveyard.peakRetainedBytes)
        field("lazyfree_pending_objects", server.keyspace.pendingFrees)
    }

    private mutating func describePersistence() {
        let status = server.persistence
        field("loading", 0)
        field("async_loading", 0)
        field("rdb_changes_since_last_save", server.keyspace.state.pointee.changesSinceSave)
        field("rdb_bgsave_in_progress", status.runningSince == nil ? 0 : 1)
        field("rdb_last_save_time", status.lastSaveAt)
        field("rdb_last_bgsave_status", status.lastSaveSucceeded ? "ok" : "err")
        field("rdb_last_bgsave_time_sec", status.lastSaveSeconds)
        field("rdb_current_bgsave_time_sec", status.runningSince.map { (now - $0) / 1000 } ?? -1)
        field("rdb_saves", status.saves)
        field("rdb_last_cow_size", 0)
        field("rdb_last_load_keys_expired", status.keysExpiredAtLoad)
        field("rdb_last_load_keys_loaded", status.keysLoaded)
        field("snapshots_live", server.keyspace.liveSnapshots)
        field("snapshot_last_pause_usec", status.lastSnapshotPauseMicroseconds)
        field("aof_enabled", 0)
        field("aof_rewrite_in_progress", 0)
    }

    private mutating func describeStatistics() {
        let traffic = server.loop.traffic.pointee
        let keyspace = server.keyspace.state.pointee.statistics
        let loop = server.loop.statistics.pointee
        field("total_connections_received", server.statistics.connectionsReceived)
        field("total_commands_processed", server.totalCommands)
        field("instantaneous_ops_per_sec", server.operations.commandsPerSecond)
        field("total_net_input_bytes", traffic.netInputBytes)
        field("total_net_output_bytes", traffic.netOutputBytes)
        field("instantaneous_input_kbps", server.operations.inputKibibytesPerSecond, digits: 2)
        field("instantaneous_output_kbps", server.operations.outputKibibytesPerSecond, digits: 2)
        field("rejected_connections", server.statistics.connectionsRejected)
        field("sync_full", 0)
        field("sync_partial_ok", 0)
        field("sync_partial_err", 0)
        field("expired_keys", keyspace.expired)
        field("evicted_keys", keyspace.evicted)
        field("keyspace_hits", keyspace.hits)
        field("keyspace_misses", keyspace.misses)
        field("pubsub_channels", 0)
        field("pubsub_patterns", 0)
        field("latest_fork_usec", 0)
        field("total_forks", 0)
        field("total_error_replies", server.totalErrors)
        field("total_reads_processed", traffic.reads)
        field("total_writes_processed", traffic.writes)
        field(
            "client_query_buffer_limit_disconnections",
            server.statistics.queryBufferDisconnections)
        field("eventloop_cycles", loop.turns)
        field("eventloop_duration_sum", loop.busyNanoseconds / 1000)
        field("eventloop_duration_max_usec", loop.longestTurnNanoseconds / 1000)
    }

    private mutating func describeReplication() {
        field("role", "master")
        field("connected_slaves", 0)
        field("master_failover_state", "no-failover")
        field("master_replid", server.runID)
        field("master_repl_offset", 0)
        field("second_repl_offset", -1)
        field("repl_backlog_active", 0)
    }

    private mutating func describeProcessor() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        field("used_cpu_sys", seconds(usage.ru_stime), digits: 6)
        field("used_cpu_user", seconds(usage.ru_utime), digits: 6)
        field("used_cpu_sys_children", 0.0, digits: 6)
        field("used_cpu_user_children", 0.0, digits: 6)
    }

    private mutating func describeCommands() {
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

    private mutating func describeKeyspace() {
        for index in 0..<server.keyspace.databaseCount {
            let database = server.keyspace.databases + index
            guard database.pointee.count > 0 else { continue }
            field(
                "db\(index)",
                "keys=\(database.pointee.count),expires=\(database.pointee.deadlines.count),"
                    + "avg_ttl=0")
        }
    }

    // MARK: - Figures

    /// Resident bytes of the process, from /proc.
    static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = line.split(separator: CChar(UInt8(ascii: " ")))
        guard words.count > 1 else { return 0 }
        var pages = 0
        for digit in words[1] { pages = pages * 10 + Int(digit) - 48 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// `1.50M`, as INFO's `_human` fields print bytes.
    static func human(_ bytes: Int) -> String {
        let units: [(Double, String)] = [(0x1p30, "G"), (0x1p20, "M"), (0x1p10, "K")]
        for (size, letter) in units where Double(bytes) >= size {
            return fixed(Double(bytes) / size, digits: 2) + letter
        }
        return "\(bytes)B"
    }
}
