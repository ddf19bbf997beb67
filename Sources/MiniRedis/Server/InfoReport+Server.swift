// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: the server, its clients and its processor time.

import Glibc

extension InfoReport {
    mutating func describeServer() {
        let uptime = (now - server.startedAt) / 1000
        var system = utsname()
        uname(&system)
        field("redis_version", Version.redis)
        field("mini_redis_version", Version.server)
        field("redis_git_sha1", "00000000")
        field("redis_git_dirty", 0)
        field("redis_build_id", "0")
        field("redis_mode", "standalone")
        field("os", Self.systemName(system))
        field("arch_bits", 64)
        field("monotonic_clock", "POSIX clock_gettime")
        field("multiplexing_api", "epoll")
        field("atomicvar_api", "c11-builtin")
        field("gcc_version", "0.0.0")
        field("process_id", getpid())
        field("process_supervised", server.process.supervision.kind.rawValue)
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
        describeListeners()
    }

    private mutating func describeListeners() {
        let settings = server.configuration.settings
        var number = 0
        if settings.port != 0 {
            let addresses = settings.bindAddresses.map { ",bind=\($0)" }.joined()
            field("listener\(number)", "name=tcp\(addresses),port=\(settings.port)")
            number += 1
        }
        if !settings.unixSocketPath.isEmpty {
            field("listener\(number)", "name=unix,bind=\(settings.unixSocketPath)")
        }
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

    mutating func describeClients() {
        field("connected_clients", server.clients.count - server.replication.replicas.count)
        field("cluster_connections", 0)
        field("maxclients", server.configuration.settings.maxClients)
        field(
            "client_recent_max_input_buffer",
            server.clients.values.map { $0.connection.retained.count }.max() ?? 0)
        field(
            "client_recent_max_output_buffer",
            server.clients.values.map(\.connection.unsentBytes).max() ?? 0)
        field("blocked_clients", server.blockedClients)
        zeros("tracking_clients")
        field("pubsub_clients", server.channels.listenerCount)
        field("watching_clients", server.followers.pointee.watched.clientCount)
        field("clients_in_timeout_table", server.followers.pointee.blocked.timedCount)
        field("total_watched_keys", server.followers.pointee.watched.keyCount)
        field("total_blocking_keys", server.followers.pointee.blocked.keyCount)
        zeros("total_blocking_keys_on_nokey")
    }

    mutating func describeProcessor() {
        let process = Self.processorSeconds(__rusage_who_t(RUSAGE_SELF.rawValue))
        let loop = Self.processorSeconds(Self.callingThread)
        field("used_cpu_sys", process.system, digits: 6)
        field("used_cpu_user", process.user, digits: 6)
        field("used_cpu_sys_children", 0.0, digits: 6)
        field("used_cpu_user_children", 0.0, digits: 6)
        field("used_cpu_sys_main_thread", loop.system, digits: 6)
        field("used_cpu_user_main_thread", loop.user, digits: 6)
    }

    /// RUSAGE_THREAD, which the C library hides behind a feature macro.
    private static let callingThread = __rusage_who_t(1)

    /// Seconds of processor time of the process, or of the calling thread.
    static func processorSeconds(_ who: __rusage_who_t) -> (system: Double, user: Double) {
        var usage = rusage()
        getrusage(who, &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        return (seconds(usage.ru_stime), seconds(usage.ru_utime))
    }
}
