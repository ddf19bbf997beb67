// SPDX-License-Identifier: BSD-3-Clause
//
// Every setting, typed, with its default: the one place where a default is written. The name, the
// limits and the text form of a setting are on its line in the table of directives, which reaches
// it by key path.

/// The values of all directives. A value type: a change is made on a copy and takes its place.
struct Settings: Equatable, Sendable {
    // Listening.
    var port: Int64 = 6379
    /// Addresses in the order given; a leading `-` means "may be missing on this machine".
    var bindAddresses = ["*", "-::*"]
    var unixSocketPath = ""
    /// Permission bits of the Unix socket; zero leaves them to the umask.
    var unixSocketPermissions: Int64 = 0
    var tcpBacklog: Int64 = 511
    var protectedMode = true

    // Clients.
    var maxClients: Int64 = 10000
    /// Seconds without a request after which a client is closed; zero is never.
    var timeoutSeconds: Int64 = 0
    var tcpKeepaliveSeconds: Int64 = 300
    var maxBulkLengthBytes: UInt64 = 512 << 20
    var queryBufferLimitBytes: UInt64 = 1 << 30
    var clientOutputLimits = ClientOutputLimits()
    var maxClientsMemory = MemoryOrPercent.bytes(0)
    var requirePass = ""

    // Process.
    /// The directory of the data, absolute.
    var directory = ""
    var daemonize = false
    var supervised = Supervisor.no
    var pidFile = ""
    var logFile = ""
    var logLevel = LogLevelSetting.notice
    var alwaysShowLogo = false
    var syslogEnabled = false
    var syslogName = "redis"
    var syslogFacility = SyslogFacility.local0
    var crashLogEnabled = true
    var setsProcessTitle = true
    var processTitleTemplate = "{title} {listen-addr} {server-mode}"
    var shutdownTimeoutSeconds: Int64 = 10
    var shutdownOnInterrupt: ShutdownOptions = []
    var shutdownOnTerminate: ShutdownOptions = []
    var hz: Int64 = 10
    var dynamicHz = true
    var ioThreads: Int64 = 1
    var jemallocBackgroundThread = true
    var outOfMemoryScoreMode = OutOfMemoryScoreMode.no
    /// Of a master, a replica and a child.
    var outOfMemoryScores = [0, 200, 800]

    // The data and their memory.
    var databases: Int64 = 16
    var maxMemoryBytes: UInt64 = 0
    var maxMemoryPolicy = MaxMemoryPolicy.noEviction
    var maxMemorySamples: Int64 = 5
    var frequencyDecayMinutes: Int64 = 1
    var frequencyLogarithmFactor: Int64 = 10
    var activeRehashing = true
    var activeExpireEffort: Int64 = 1
    var lazyFreeEviction = false
    var lazyFreeExpire = false
    var lazyFreeServerDelete = false
    var lazyFreeUserDelete = false
    var lazyFreeUserFlush = false

    // Encodings: up to these sizes a collection is packed.
    var hashMaxListpackEntries: Int64 = 512
    var hashMaxListpackValueBytes: UInt64 = 64
    /// Positive: elements of a node; -1 to -5: 4 to 64 KiB.
    var listMaxListpackSize: Int64 = -2
    var listCompressDepth: Int64 = 0
    var setMaxIntsetEntries: Int64 = 512
    var setMaxListpackEntries: Int64 = 128
    var setMaxListpackValueBytes: UInt64 = 64
    var zsetMaxListpackEntries: Int64 = 128
    var zsetMaxListpackValueBytes: UInt64 = 64
    var streamNodeMaxBytes: UInt64 = 4096
    var streamNodeMaxEntries: Int64 = 100
    var hyperLogLogSparseMaxBytes: UInt64 = 3000

    // Persistence.
    var dbFilename = "dump.rdb"
    var savePoints = Settings.defaultSavePoints
    var rdbCompression = true
    var rdbChecksum = true
    var loadHugePages = true
    var stopWritesOnSaveError = true
    /// After each key that is loaded; -n: one microsecond after every n keys or so.
    var keyLoadDelayMicroseconds: Int64 = 0
    /// Whether dumps are brought to the disk while they are written.
    var rdbIncrementalSync = true
    /// The version of dumps; zero is the lowest that holds the data.
    var rdbVersion: Int64 = 0
    /// Microseconds after each key; negative: a microsecond after one key of so many.
    var keySaveDelayMicroseconds: Int64 = 0
    /// What snapshots may retain together; zero is no limit.
    var snapshotRetainedLimitBytes: UInt64 = 0
    var appendOnly = false
    var appendSync = AppendSyncPolicy.everySecond
    var appendFileName = "appendonly.aof"
    var appendDirectoryName = "appendonlydir"
    var appendOnlySkipsSyncOnRewrite = false
    /// Percent that the file grows before it is rewritten by itself; zero is never.
    var autoRewritePercentage: Int64 = 100
    var autoRewriteMinSizeBytes: UInt64 = 64 << 20
    /// Whether files that a rewrite has replaced stay.
    var appendOnlyKeepsHistory = false
    var appendOnlyLoadsTruncated = true
    /// How much of a damaged end may be cut off at the start.
    var appendOnlyCorruptTailBytes: UInt64 = 0
    var appendOnlyTimestamps = false
    /// Whether bases are dumps.
    var appendOnlyUsesDump = true

    // Replication.
    var replicaOf: MasterAddress?
    var masterUser = ""
    var masterPassword = ""
    var replicaIsReadOnly = true
    var replicaServesStaleData = true
    var replicaIgnoresMaxMemory = true
    /// What Sentinel prefers by: the lowest first, never 0.
    var replicaPriority: Int64 = 100
    var replicaIsAnnounced = true
    var replicaAnnouncedAddress = ""
    var replicaAnnouncedPort: Int64 = 0
    var emptyMasterGuard = true
    /// The address that connections to masters come from; empty is the system's choice.
    var bindSourceAddress = ""
    var minReplicasToWrite: Int64 = 0
    var minReplicasMaxLagSeconds: Int64 = 10
    var backlogSizeBytes: UInt64 = 1 << 20
    /// What the backlog may grow to for replicas that are behind.
    var backlogMaxSizeBytes: UInt64 = 1 << 30
    var backlogTimeToLiveSeconds: Int64 = 3600
    var disablesReplicaNoDelay = false
    var disklessSync = true
    var disklessSyncDelaySeconds: Int64 = 5
    var disklessSyncMaxReplicas: Int64 = 0
    var pingReplicaPeriodSeconds: Int64 = 10
    var replicationTimeoutSeconds: Int64 = 60

    // Watching the server.
    /// Microseconds; negative is off.
    var slowLogThresholdMicroseconds: Int64 = 10000
    var slowLogMaxEntries: Int64 = 128
    var latencyTracking = true
    var latencyPercentiles: [Double] = [50, 99, 99.9]
    /// Milliseconds; zero is off.
    var latencyMonitorThreshold: Int64 = 0
    /// The port on which Prometheus reads figures; zero is off.
    var metricsPort: Int64 = 0
    var metricsBind = ["127.0.0.1"]
    var keyspaceEvents: KeyspaceEventClass = []

    // Permissions.
    var enableDebugCommand = LocalPermission.no
    var enableModuleCommand = LocalPermission.no
    var enableProtectedConfigs = LocalPermission.no

    // Lines that are no settings: CONFIG does not know them.
    /// The words after `user`, one array a line.
    var users: [[String]] = []
    var renamedCommands: [CommandRename] = []

    /// Directives that are accepted and do nothing yet: the canonical text of those that were set.
    var unused: [String: String] = [:]

    static let defaultSavePoints = [
        SavePoint(seconds: 3600, changes: 1),
        SavePoint(seconds: 300, changes: 100),
        SavePoint(seconds: 60, changes: 10000),
    ]
}
