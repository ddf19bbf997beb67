// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs of watching: what the server counts and measures, as commands and the dispatcher see
// it.

/// Where the bytes are: what MEMORY STATS and INFO show. Bytes unless it says otherwise.
struct MemoryReport {
    struct DatabaseOverhead {
        var index: Int
        var table: Int
        var expires: Int
    }

    /// What the allocator has handed out, is using pages for, and holds in memory.
    var allocated = 0
    var active = 0
    var resident = 0
    /// The process's memory, as the kernel counts it.
    var processResident = 0
    var used = 0
    var peak = 0
    /// What the server took before it had a key, the empty tables of all databases included.
    var startup = 0
    /// The part of that which is one database's empty table.
    var emptyTable = 0
    var keys = 0
    /// Buffers of clients.
    var clients = 0
    var databases: [DatabaseOverhead] = []

    /// All that is no key and no value.
    var overhead: Int {
        startup + clients
            + databases.reduce(0) { $0 + max(0, $1.table - emptyTable) + $1.expires }
    }

    var bytesPerKey: Int { keys == 0 ? 0 : max(0, used - startup) / keys }

    var dataset: Int { max(0, used - overhead) }

    /// Percent of what was allocated since the start.
    var datasetPercentage: Double {
        let net = max(0, used - startup)
        return net == 0 ? 0 : min(100, Double(dataset) * 100 / Double(net))
    }

    var peakPercentage: Double { peak == 0 ? 0 : Double(used) * 100 / Double(peak) }

    /// One figure over another; 0 if there is no other.
    static func ratio(_ one: Int, _ other: Int) -> Double {
        other == 0 ? 0 : Double(one) / Double(other)
    }
}

/// What the server's watchers offer.
protocol Observation: AnyObject {
    var slowLog: SlowLog { get }
    var latencyMonitor: LatencyMonitor { get }
    /// Cycles of a microsecond, as measured up to now.
    var cyclesPerMicrosecond: Double { get }

    /// Told of a command that took at least `ExecutionFrame.slowCycles`.
    func noteSlow(_ record: Int, cycles: UInt64, _ frame: UnsafeMutablePointer<ExecutionFrame>)
    /// Counts the error that is the last line of the replies.
    func countError()

    func memoryReport() -> MemoryReport
    /// Gives free pages back to the system in the background; this client alone waits for it.
    func purgeMemory(for session: UnsafeMutablePointer<Session>)
    /// The allocator's own report.
    func allocatorReport() -> String
    /// Writes the present settings into the configuration file, in the background.
    /// With `everything` also what has its default value.
    func rewriteConfiguration(
        for session: UnsafeMutablePointer<Session>, everything: Bool
    ) throws(ErrorReply)
    /// Whether MODULE may be used by this client.
    func allowsModules(_ session: borrowing Session) -> Bool
}
