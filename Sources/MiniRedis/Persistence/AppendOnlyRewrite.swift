// SPDX-License-Identifier: BSD-3-Clause
//
// A rewrite: a new base of an append-only file, made of a snapshot by one thread while the loop
// serves. The file gets its name when it is whole and on the disk.

import Glibc
import Synchronization

/// One rewrite. Between its start and its completion the thread runs it; the loop may cancel it
/// and change its pace at any time.
final class AppendOnlyRewrite: Sendable {
    /// What is written, and where.
    struct Plan: Sendable {
        /// The directory of the append-only file.
        var directory: String
        var name: String
        var compression = true
        var checksum = true
        /// Nil for the lowest that has everything.
        var version: Int?
        /// A dump, or else commands.
        var isDump = true
        /// Fields that describe the dump.
        var auxiliary: [(String, String)] = []
        /// Commands begin with the time: seconds since the epoch.
        var timestamp: Int64?
    }

    let snapshot: KeyspaceSnapshot
    private let plan: Plan
    private let cancelled = Atomic<Bool>(false)
    /// Microseconds to wait before each key, for tests.
    private let keyDelay: Atomic<Int64>
    private let result = Mutex<Result<Int, PersistenceError>?>(nil)

    init(snapshot: KeyspaceSnapshot, plan: Plan, keyDelayMicroseconds: Int64) {
        self.snapshot = snapshot
        self.plan = plan
        keyDelay = Atomic(keyDelayMicroseconds)
    }

    /// Lets it end soon, and fail.
    func cancel() { cancelled.store(true, ordering: .relaxed) }

    func setKeyDelay(microseconds: Int64) { keyDelay.store(microseconds, ordering: .relaxed) }

    /// Bytes of the base, or why there is none; nil until it has run.
    var outcome: Result<Int, PersistenceError>? { result.withLock { $0 } }

    /// To be called by one thread, once.
    func run() {
        let outcome: Result<Int, PersistenceError>
        do throws(PersistenceError) {
            outcome = .success(try write())
        } catch {
            outcome = .failure(error)
        }
        result.withLock { $0 = outcome }
    }

    private func write() throws(PersistenceError) -> Int {
        var file = try SnapshotFile(directory: plan.directory, name: plan.name)
        let bytes = plan.isDump ? try writeDump(file.sink) : try writeCommands(file.sink)
        if cancelled.load(ordering: .relaxed) { throw .abandoned(.cancelled) }
        try file.commit()
        return bytes
    }

    private func writeDump(_ sink: FileSink) throws(PersistenceError) -> Int {
        var writer = try RDBWriter(
            sink: sink,
            options: RDBWriterOptions(
                compression: plan.compression, checksum: plan.checksum,
                version: plan.version ?? RDBVersion.lowest(for: snapshot)))
        try writer.begin(auxiliary: plan.auxiliary)
        for captured in snapshot.databases {
            try writer.selectDatabase(
                captured.index, keys: captured.table.count, expires: captured.volatileCount)
            var failure: PersistenceError?
            snapshot.walk(captured) { entry in
                do throws(PersistenceError) {
                    try goOn()
                    try writer.entry(entry)
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
            if let failure { throw failure }
        }
        try writer.finish()
        return writer.bytesWritten
    }

    private func writeCommands(_ sink: FileSink) throws(PersistenceError) -> Int {
        var writer = try AppendOnlyWriter(sink: sink)
        if let timestamp = plan.timestamp { writer.timestamp(timestamp) }
        for captured in snapshot.databases {
            writer.select(captured.index)
            var failure: PersistenceError?
            snapshot.walk(captured) { entry in
                do throws(PersistenceError) {
                    try goOn()
                } catch {
                    failure = error
                    return false
                }
                writer.entry(entry)
                return writer.isSound
            }
            if let failure { throw failure }
        }
        try writer.finish()
        return writer.bytesWritten
    }

    /// Waits as long as it is to be slow; throws if it was cancelled.
    private func goOn() throws(PersistenceError) {
        var waited: Int64 = 0
        while !cancelled.load(ordering: .relaxed) {
            let delay = keyDelay.load(ordering: .relaxed)
            guard waited < delay else { return }
            let step = min(delay - waited, 10_000)
            usleep(UInt32(step))
            waited += step
        }
        throw .abandoned(.cancelled)
    }
}
