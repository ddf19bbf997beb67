// SPDX-License-Identifier: BSD-3-Clause
//
// The server watches itself: slow commands, long turns, errors, memory.

import Glibc
import Synchronization

extension Server {
    var slowLog: SlowLog { observers.slowLog }
    var latencyMonitor: LatencyMonitor { observers.latencyMonitor }
    var cyclesPerMicrosecond: Double { cycleClock.cyclesPerMicrosecond }

    func wireObservers() {
        loop.longTurnEnded = { [unowned self] in noteLongTurn(nanoseconds: $0, isLongest: $1) }
    }

    /// Takes over the settings of the observers.
    func applyObserverSettings() {
        let settings = configuration.settings
        observers.slowLogThreshold = settings.slowLogThresholdMicroseconds
        observers.slowLog.capacity = Int(clamping: settings.slowLogMaxEntries)
        observers.latencyMonitor.threshold = settings.latencyMonitorThreshold
        if frame.pointee.tracksLatency && !settings.latencyTracking {
            commandTable.forgetLatencies()
        }
        frame.pointee.tracksLatency = settings.latencyTracking
        updateSlowCycles()
    }

    /// Turns the threshold into cycles, whose rate is known better and better.
    func updateSlowCycles() {
        frame.pointee.slowCycles =
            UInt64(Double(observers.threshold) * cycleClock.cyclesPerMicrosecond)
    }

    // MARK: - Slow commands

    func noteSlow(_ record: Int, cycles: UInt64, _ frame: UnsafeMutablePointer<ExecutionFrame>) {
        let microseconds = Int64(Double(cycles) / cycleClock.cyclesPerMicrosecond)
        let seconds = keyspace.state.pointee.now / 1000
        let flags = commandTable.commands[record].flags
        noteForTurn(record, cycles)
        latencyMonitor.add(
            flags.contains(.fast) ? .fastCommand : .command, milliseconds: microseconds / 1000,
            unixSeconds: seconds, cause: commandTable.names[record])
        let threshold = observers.slowLogThreshold
        guard threshold >= 0, microseconds >= threshold, !flags.contains(.skipSlowLog) else {
            return
        }
        let request = frame.pointee.request
        let name = commandTable.names[record]
        slowLog.append(
            request, hides: { Secrets.hides($0, of: request, command: name) },
            microseconds: microseconds, unixSeconds: seconds,
            peer: currentConnection?.peerDescription ?? "",
            clientName: frame.pointee.session.pointee.name)
    }

    private func noteForTurn(_ record: Int, _ cycles: UInt64) {
        if observers.turn.turn != loop.turnNumber {
            observers.turn.turn = loop.turnNumber
            observers.turn.slowestCycles = 0
        }
        guard cycles > observers.turn.slowestCycles else { return }
        observers.turn.slowest = record
        observers.turn.slowestCycles = cycles
    }

    // MARK: - Long turns

    private func noteLongTurn(nanoseconds: UInt64, isLongest: Bool) {
        let cause = causeOfTurn(nanoseconds: nanoseconds)
        if isLongest { observers.longestTurnCause = cause }
        latencyMonitor.add(
            .eventLoop, milliseconds: Int64(nanoseconds / 1_000_000),
            unixSeconds: loop.clock.pointee.unixMilliseconds / 1000, cause: cause)
    }

    /// What took at least half of the turn that has just ended; `many` if nothing did.
    private func causeOfTurn(nanoseconds: UInt64) -> String {
        let turn = observers.turn
        let half = Double(nanoseconds) / 2000 * cycleClock.cyclesPerMicrosecond
        if turn.turn == loop.turnNumber, Double(turn.slowestCycles) >= half {
            return "command " + commandTable.names[turn.slowest]
        }
        if Double(turn.expiryCycles) >= half { return "expiry" }
        if Double(turn.freeingCycles) >= half { return "freeing" }
        return "many"
    }

    /// Microseconds that all commands took since the start or CONFIG RESETSTAT.
    var commandMicroseconds: Int64 {
        let cycles = (0..<commandTable.commands.count).reduce(UInt64(0)) {
            $0 &+ commandTable.statistics[$1].cycles
        }
        return Int64(Double(cycles) / cycleClock.cyclesPerMicrosecond)
    }

    // MARK: - Errors

    func countError() {
        let buffer = frame.pointee.reply.buffer
        guard buffer.pointee.count > 0 else { return }
        observers.errors.count(
            lastLineOf: ByteView(buffer.pointee.base, count: buffer.pointee.count))
        if frame.pointee.session.pointee.kind == .primary { reportErrorToPrimary() }
    }

    // MARK: - Memory

    func memoryReport() -> MemoryReport {
        let totals = AllocatorStatistics.now()
        let resident = InfoReport.residentBytes()
        let used = keyspace.allocatedBytes + (loading?.progress?.usedBytes ?? 0)
        var report = MemoryReport(
            allocated: totals.allocated, active: totals.active, resident: totals.resident,
            processResident: resident, used: used, peak: max(used, peakMemory),
            startup: startupMemory, emptyTable: startupMemory / keyspace.databaseCount,
            keys: keyspace.count, clients: clientBytes)
        if totals.resident == 0 {
            (report.allocated, report.active, report.resident) = (used, resident, resident)
        }
        for index in 0..<keyspace.databaseCount where keyspace.databases[index].count > 0 {
            report.databases.append(
                MemoryReport.DatabaseOverhead(
                    index: index, table: keyspace.databases[index].table.byteCount,
                    expires: keyspace.databases[index].deadlines.byteCount))
        }
        return report
    }

    /// Bytes that all clients take.
    private var clientBytes: Int {
        clients.values.reduce(0) { $0 + $1.memoryBytes }
    }

    func purgeMemory(for session: UnsafeMutablePointer<Session>) {
        answerLater(session) { done in
            perform {
                AllocatorStatistics.purge()
            } completion: {
                done { $0.ok() }
            }
        }
    }

    func allocatorReport() -> String { AllocatorStatistics.report() }

    func allowsModules(_ session: borrowing Session) -> Bool {
        allows(configuration.settings.enableModuleCommand, isLocal: session.isLocal)
    }

    // MARK: - The configuration file

    func rewriteConfiguration(
        for session: UnsafeMutablePointer<Session>, everything: Bool
    ) throws(ErrorReply) {
        guard let path = configuration.filePath else { throw .noConfigurationFile }
        let rewrite = ConfigurationRewrite(configuration, everything: everything)
        let failure = Failure()
        answerLater(session) { done in
            perform {
                let reason = rewrite.perform(on: path)
                failure.reason.withLock { $0 = reason }
            } completion: { [unowned self] in
                guard let reason = failure.reason.withLock({ $0 }) else {
                    log.write(.notice, "CONFIG REWRITE executed with success.")
                    return done { $0.ok() }
                }
                log.write(.warning, "CONFIG REWRITE failed: \(reason)")
                done { $0.error("ERR Rewriting config file: \(reason)") }
            }
        }
    }
}

/// Why a job failed; written by its thread, read by the loop when it is done.
private final class Failure: Sendable {
    let reason = Mutex<String?>(nil)
}

/// Which arguments must not be shown to who reads the slow log or monitors.
enum Secrets {
    /// What is shown in the place of a secret.
    static let replacement: StaticString = "(redacted)"

    private static let settings: Set<String> = [
        "masterauth", "masteruser", "requirepass", "tls-key-file-pass", "tls-client-key-file-pass",
    ]

    /// Whether argument `index` of a request may be a secret.
    static func hides(_ index: Int, of request: Request, command: String) -> Bool {
        switch command {
        case "auth": return index > 0
        case "acl|setuser", "acl|getuser", "acl|deluser": return index > 1
        case "migrate":
            return index > 5
                && (request[index - 1].equalsFolded("auth")
                    || (max(0, index - 2)..<index).contains { request[$0].equalsFolded("auth2") })
        case "hello":
            return (max(0, index - 2)..<index).contains { request[$0].equalsFolded("auth") }
        case "config|set":
            return index % 2 == 1 && index > 2
                && settings.contains(request[index - 1].string.lowercased())
        default: return false
        }
    }
}
