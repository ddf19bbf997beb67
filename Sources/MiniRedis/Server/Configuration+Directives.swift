// SPDX-License-Identifier: BSD-3-Clause
//
// The table of the directives that the server reads: one line each, in the order in which CONFIG
// GET lists them. The defaults are in `Settings`, the directives that do nothing yet in the other
// table.

extension Configuration {
    static let int32 = Int64(Int32.min)...Int64(Int32.max)
    static let natural32 = 0...Int64(Int32.max)
    static let positive32 = 1...Int64(Int32.max)
    static let natural = 0...Int64.max
    static let portNumber: ClosedRange<Int64> = 0...65535
    static let naturalMemory = 0...UInt64(Int64.max)
    static let anyMemory = 0...UInt64.max
    /// Below this a request of ordinary size could not be received.
    static let requestMemory = UInt64(1 << 20)...UInt64(Int64.max)
    /// The most addresses that `bind` takes.
    static let bindAddressLimit = 16

    static let networkDirectives: [Setting] = [
        .typed(
            "bind", \.bindAddresses,
            .words(
                atMost: bindAddressLimit, else: "Too many bind addresses specified.")),
        .integer("port", \.port, portNumber),
        .text("unixsocket", \.unixSocketPath).immutable,
        .typed("unixsocketperm", \.unixSocketPermissions, .octal(0...0o777)).immutable,
        .integer("tcp-backlog", \.tcpBacklog, natural32).immutable,
        .bool("protected-mode", \.protectedMode),
        .integer("timeout", \.timeoutSeconds, natural32),
        .integer("tcp-keepalive", \.tcpKeepaliveSeconds, natural32),
        .integer("maxclients", \.maxClients, 1...Int64(UInt32.max)),
        .memory("proto-max-bulk-len", \.maxBulkLengthBytes, requestMemory),
        .memory("client-query-buffer-limit", \.queryBufferLimitBytes, requestMemory),
        .outputLimits("client-output-buffer-limit", \.clientOutputLimits),
        .typed("maxmemory-clients", \.maxClientsMemory, .memoryOrPercent),
        .typed("requirepass", \.requirePass, .anything),
        .typed("replicaof", \.replicaOf, .master).immutable.alias("slaveof"),
    ]

    static let processDirectives: [Setting] = [
        .directory("dir", \.directory).protected,
        .bool("daemonize", \.daemonize).immutable,
        .choice("supervised", \.supervised).immutable,
        .text("pidfile", \.pidFile).immutable,
        .text("logfile", \.logFile).immutable,
        .choice("loglevel", \.logLevel),
        .bool("always-show-logo", \.alwaysShowLogo).immutable,
        .bool("syslog-enabled", \.syslogEnabled).immutable,
        .text("syslog-ident", \.syslogName).immutable,
        .choice("syslog-facility", \.syslogFacility).immutable,
        .bool("crash-log-enabled", \.crashLogEnabled),
        .bool("set-proc-title", \.setsProcessTitle).immutable,
        .typed("proc-title-template", \.processTitleTemplate, .text(ProcessTitle.refusal)),
        .integer("shutdown-timeout", \.shutdownTimeoutSeconds, natural32),
        .typed("shutdown-on-sigint", \.shutdownOnInterrupt, .shutdownOptions),
        .typed("shutdown-on-sigterm", \.shutdownOnTerminate, .shutdownOptions),
        .typed("hz", \.hz, .integer(natural32, clamp: 1...500)),
        .bool("dynamic-hz", \.dynamicHz),
        .integer("io-threads", \.ioThreads, 1...128).immutable.withoutEffect,
        .bool("jemalloc-bg-thread", \.jemallocBackgroundThread),
        .typed("oom-score-adj", \.outOfMemoryScoreMode, .scoreMode),
        .typed("oom-score-adj-values", \.outOfMemoryScores, .oomScores),
        .choice("enable-protected-configs", \.enableProtectedConfigs).immutable,
        .choice("enable-debug-command", \.enableDebugCommand).immutable,
        .choice("enable-module-command", \.enableModuleCommand).immutable,
    ]

    static let memoryDirectives: [Setting] = [
        .integer("databases", \.databases, positive32).immutable,
        .memory("maxmemory", \.maxMemoryBytes, anyMemory),
        .choice("maxmemory-policy", \.maxMemoryPolicy),
        .integer("maxmemory-samples", \.maxMemorySamples, positive32),
        .integer("lfu-decay-time", \.frequencyDecayMinutes, natural32),
        .integer("lfu-log-factor", \.frequencyLogarithmFactor, natural32),
        .bool("activerehashing", \.activeRehashing),
        .integer("active-expire-effort", \.activeExpireEffort, 1...10),
        .bool("lazyfree-lazy-eviction", \.lazyFreeEviction),
        .bool("lazyfree-lazy-expire", \.lazyFreeExpire),
        .bool("lazyfree-lazy-server-del", \.lazyFreeServerDelete),
        .bool("lazyfree-lazy-user-del", \.lazyFreeUserDelete),
        .bool("lazyfree-lazy-user-flush", \.lazyFreeUserFlush),
        .integer("hash-max-listpack-entries", \.hashMaxListpackEntries, natural)
            .alias("hash-max-ziplist-entries"),
        .memory("hash-max-listpack-value", \.hashMaxListpackValueBytes, naturalMemory)
            .alias("hash-max-ziplist-value"),
        .integer("list-max-listpack-size", \.listMaxListpackSize, int32)
            .alias("list-max-ziplist-size"),
        .integer("list-compress-depth", \.listCompressDepth, natural32),
        .integer("set-max-intset-entries", \.setMaxIntsetEntries, natural),
        .integer("set-max-listpack-entries", \.setMaxListpackEntries, natural),
        .memory("set-max-listpack-value", \.setMaxListpackValueBytes, naturalMemory),
        .integer("zset-max-listpack-entries", \.zsetMaxListpackEntries, natural)
            .alias("zset-max-ziplist-entries"),
        .memory("zset-max-listpack-value", \.zsetMaxListpackValueBytes, naturalMemory)
            .alias("zset-max-ziplist-value"),
        .memory("stream-node-max-bytes", \.streamNodeMaxBytes, naturalMemory),
        .integer("stream-node-max-entries", \.streamNodeMaxEntries, natural),
        .memory("hll-sparse-max-bytes", \.hyperLogLogSparseMaxBytes, naturalMemory),
    ]

    static let persistenceDirectives: [Setting] = [
        .typed("dbfilename", \.dbFilename, .text(refusePath)).protected,
        .savePoints("save", \.savePoints),
        .bool("rdbcompression", \.rdbCompression),
        .bool("rdbchecksum", \.rdbChecksum).immutable,
        .bool("load-huge-pages", \.loadHugePages),
        .bool("stop-writes-on-bgsave-error", \.stopWritesOnSaveError),
        .integer("key-load-delay", \.keyLoadDelayMicroseconds, int32).hidden,
        .bool("rdb-save-incremental-fsync", \.rdbIncrementalSync),
        .integer("rdb-key-save-delay", \.keySaveDelayMicroseconds, int32).hidden,
        .typed("rdb-version", \.rdbVersion, .dumpVersion),
        .memory("snapshot-retained-limit", \.snapshotRetainedLimitBytes, naturalMemory),
    ]

    static let appendOnlyDirectives: [Setting] = [
        .bool("appendonly", \.appendOnly),
        .choice("appendfsync", \.appendSync),
        .typed("appendfilename", \.appendFileName, .text(refuseFile("appendfilename", "filename")))
            .immutable,
        .typed(
            "appenddirname", \.appendDirectoryName, .text(refuseFile("appenddirname", "dirname"))
        )
        .immutable,
        .bool("no-appendfsync-on-rewrite", \.appendOnlySkipsSyncOnRewrite),
        .integer("auto-aof-rewrite-percentage", \.autoRewritePercentage, natural32),
        .memory("auto-aof-rewrite-min-size", \.autoRewriteMinSizeBytes, naturalMemory),
        .bool("aof-disable-auto-gc", \.appendOnlyKeepsHistory),
        .bool("aof-load-truncated", \.appendOnlyLoadsTruncated),
        .memory("aof-load-corrupt-tail-max-size", \.appendOnlyCorruptTailBytes, naturalMemory),
        .bool("aof-timestamp-enabled", \.appendOnlyTimestamps),
        .bool("aof-use-rdb-preamble", \.appendOnlyUsesDump),
    ]

    static let observationDirectives: [Setting] = [
        .integer("slowlog-log-slower-than", \.slowLogThresholdMicroseconds, -1...Int64.max),
        .integer("slowlog-max-len", \.slowLogMaxEntries, natural),
        .bool("latency-tracking", \.latencyTracking),
        .typed("latency-tracking-info-percentiles", \.latencyPercentiles, .percentiles),
        .integer("latency-monitor-threshold", \.latencyMonitorThreshold, natural),
        .integer("metrics-port", \.metricsPort, portNumber),
        .typed(
            "metrics-bind", \.metricsBind,
            .words(atMost: bindAddressLimit, else: "Too many bind addresses specified.")),
        .typed("notify-keyspace-events", \.keyspaceEvents, .keyspaceEvents),
    ]

    /// The name of something in the data's directory.
    private static func refuseFile(
        _ directive: String, _ kind: String
    ) -> @Sendable (String) -> String? {
        { name in
            if name.isEmpty { return "\(directive) can't be empty" }
            guard name.utf8.contains(UInt8(ascii: "/")) else { return nil }
            return "\(directive) can't be a path, just a \(kind)"
        }
    }

    /// A file name that is a path would let CONFIG SET choose the directory.
    private static let refusePath: @Sendable (String) -> String? = { name in
        name.utf8.contains(UInt8(ascii: "/"))
            ? "dbfilename can't be a path, just a filename" : nil
    }
}
