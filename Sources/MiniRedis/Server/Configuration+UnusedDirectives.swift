// SPDX-License-Identifier: BSD-3-Clause
//
// The table of the directives that Redis knows and this server accepts without doing anything: so
// that a configuration file written for Redis starts it, and CONFIG GET and SET answer. A
// directive moves to the other table on the day it is built.

extension Configuration {
    static let unusedReplicationDirectives: [Setting] = [
        .unusedBool("replica-lazy-flush", false).alias("slave-lazy-flush"),
        .unusedBool("replica-ignore-disk-write-errors", false),
        .unusedChoice("repl-diskless-load", "disabled", ["disabled", "on-empty-db", "swapdb"]),
        .unusedChoice(
            "propagation-error-behavior", "ignore", ["ignore", "panic", "panic-on-replicas"]),
    ]

    static let unusedPersistenceDirectives: [Setting] = [
        .unusedBool("aof-rewrite-incremental-fsync", true),
        .unusedBool("rdb-del-sync-files", false),
        .unusedChoice("sanitize-dump-payload", "no", ["no", "yes", "clients"]),
        .unusedInteger("loading-process-events-interval-bytes", 2 << 20, 1024...Int64(Int32.max))
            .hidden,
    ]

    static let unusedMemoryDirectives: [Setting] = [
        .unusedInteger("maxmemory-eviction-tenacity", 10, 0...100),
        .unused("activedefrag", "no", SettingFormat<Bool>.onlyNo("activedefrag")),
        .unusedInteger("active-defrag-cycle-max", 25, 1...99),
        .unusedInteger("active-defrag-cycle-min", 1, 1...99),
        .unusedMemory("active-defrag-ignore-bytes", 100 << 20, 1...UInt64(Int64.max)),
        .unusedInteger("active-defrag-max-scan-fields", 1000, 1...Int64.max),
        .unusedInteger("active-defrag-threshold-lower", 10, 0...1000),
        .unusedInteger("active-defrag-threshold-upper", 100, 0...1000),
    ]

    static let unusedProcessDirectives: [Setting] = [
        .unusedText("aclfile").immutable,
        .unusedChoice("acl-pubsub-default", "resetchannels", ["allchannels", "resetchannels"]),
        .unusedInteger("acllog-max-len", 128, natural),
        .unusedText("aof-rewrite-cpulist").immutable.alias("aof_rewrite_cpulist"),
        .unusedText("bgsave-cpulist").immutable.alias("bgsave_cpulist"),
        .unusedText("bio-cpulist").immutable.alias("bio_cpulist"),
        .unusedText("server-cpulist").immutable.alias("server_cpulist"),
        .unusedInteger("busy-reply-threshold", 5000, natural).alias("lua-time-limit"),
        .unusedBool("crash-memcheck-enabled", true),
        .unusedBool("disable-thp", true).immutable,
        .unusedText("ignore-warnings"),
        .unusedBool("io-threads-do-reads", false).immutable,
        .unusedText("locale-collate"),
        .unusedInteger("socket-mark-id", 0, 0...Int64(UInt32.max)).immutable,
        .unusedInteger("tracking-table-max-keys", 1_000_000, natural),
        .unusedBool("use-exit-on-panic", false).hidden,
        .unusedInteger("watchdog-period", 0, natural32).hidden,
    ]

    static let unusedClusterDirectives: [Setting] = [
        .unusedBool("cluster-enabled", false).immutable,
        .unusedText("cluster-config-file", "nodes.conf").immutable,
        .unusedInteger("cluster-port", 0, portNumber).immutable,
        .unusedInteger("cluster-node-timeout", 15000, natural),
        .unusedInteger("cluster-migration-barrier", 1, natural32),
        .unusedBool("cluster-allow-pubsubshard-when-down", true),
        .unusedBool("cluster-allow-reads-when-down", false),
        .unusedBool("cluster-allow-replica-migration", true),
        .unusedBool("cluster-require-full-coverage", true),
        .unusedBool("cluster-replica-no-failover", false).alias("cluster-slave-no-failover"),
        .unusedInteger("cluster-replica-validity-factor", 10, natural32)
            .alias("cluster-slave-validity-factor"),
        .unusedMemory("cluster-link-sendbuf-limit", 0, anyMemory),
        .unusedText("cluster-announce-ip"),
        .unusedInteger("cluster-announce-port", 0, portNumber),
        .unusedInteger("cluster-announce-tls-port", 0, portNumber),
        .unusedInteger("cluster-announce-bus-port", 0, portNumber),
        .unusedText("cluster-announce-hostname", refuse: refuseHostname),
        .unusedText("cluster-announce-human-nodename", refuse: refuseHostname),
        .unusedChoice(
            "cluster-preferred-endpoint-type", "ip", ["ip", "hostname", "unknown-endpoint"]),
    ]

    static let unusedTLSDirectives: [Setting] = [
        .unused(
            "tls-port", "0",
            SettingFormat<Int64>.integer(portNumber).refusing { port in
                port == 0 ? nil : "TLS is not supported yet: it must be 0"
            }),
        .unusedChoice("tls-auth-clients", "yes", ["no", "yes", "optional"]),
        .unusedText("tls-ca-cert-dir"),
        .unusedText("tls-ca-cert-file"),
        .unusedText("tls-cert-file"),
        .unusedText("tls-ciphers"),
        .unusedText("tls-ciphersuites"),
        .unusedText("tls-client-cert-file"),
        .unusedText("tls-client-key-file"),
        .unusedText("tls-client-key-file-pass"),
        .unusedBool("tls-cluster", false),
        .unusedText("tls-dh-params-file"),
        .unusedText("tls-key-file"),
        .unusedText("tls-key-file-pass"),
        .unusedBool("tls-prefer-server-ciphers", false),
        .unusedText("tls-protocols"),
        .unusedBool("tls-replication", false),
        .unusedInteger("tls-session-cache-size", 20480, natural32),
        .unusedInteger("tls-session-cache-timeout", 300, natural32),
        .unusedBool("tls-session-caching", true),
    ]

    /// Names of Redis versions after 7.2: accepted, but not listed by a pattern.
    static let unusedLaterDirectives: [Setting] = [
        .unusedInteger("max-new-connections-per-cycle", 10, 1...1000).hidden,
        .unusedInteger("max-new-tls-connections-per-cycle", 1, 1...1000).hidden,
        .unusedInteger("client-default-resp", 2, 2...3).hidden,
        .unusedBool("hide-user-data-from-log", false).hidden,
        .unusedInteger("cluster-compatibility-sample-ratio", 0, 0...100).hidden,
    ]
}

// MARK: - What is wrong with a text

extension Configuration {
    /// The most bytes of a host name, as the domain name system has it.
    private static let hostnameLimit = 255

    private static let refuseHostname: @Sendable (String) -> String? = { name in
        if name.utf8.count > hostnameLimit { return "Hostnames must be less than 256 characters" }
        let isValid = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (97...122).contains(byte | 32) || byte == 45 || byte == 46
        }
        return isValid ? nil : "Hostnames may only contain alphanumeric characters, hyphens or dots"
    }
}
