// SPDX-License-Identifier: BSD-3-Clause
//
// Walks a snapshot and writes it as a dump into any sink: a file for a save, the base of an
// append-only file, replicas that are synchronised.
//
// It runs on a thread of its own and sees the snapshot, its options and its sink, never the server.

import Glibc

/// What a dump is to be like.
struct SnapshotJobOptions: Sendable {
    /// What is written beside a key about its use, for the server that evicts by it.
    enum Access: Sendable {
        case none
        /// Seconds since the last access.
        case idle
        /// The counter of accesses as it is at the start.
        case frequency(AccessRecord.FrequencyScale)
    }

    /// Compress long strings by LZF (`rdbcompression`).
    var compression = true
    /// End with a checksum (`rdbchecksum`).
    var checksum = true
    /// The version to write (`rdb-version`); nil for the lowest that has everything.
    var version: Int?
    /// A pause after each key, microseconds; negative: a microsecond after one key of so many
    /// (`rdb-key-save-delay`).
    var keyDelayMicroseconds: Int64 = 0
    var access = Access.none
    /// The fields of the dump's head, in their order.
    var auxiliary: [(name: String, value: String)] = []
}

/// What a job did.
struct SnapshotResult {
    /// The size of the dump, bytes.
    var bytes: Int
    /// How long it took from making the sink to the end of publishing, microseconds.
    var durationMicroseconds: Int64
    var keys = 0
}

/// One walk of one snapshot.
///
/// Sendable although it changes: the thread alone works on it between the start of the job and its
/// completion, and the loop alone before and after; `progress` is shared.
final class SnapshotJob: @unchecked Sendable {
    typealias MakeSink = @Sendable () throws(PersistenceError) -> any SnapshotSink

    let snapshot: KeyspaceSnapshot
    let options: SnapshotJobOptions
    let progress = SnapshotProgress()
    private let makeSink: MakeSink
    private(set) var result: Result<SnapshotResult, PersistenceError>?
    /// Keys of the snapshot.
    let totalKeys: Int

    /// `makeSink` is called on the thread, before anything is read.
    init(
        snapshot: KeyspaceSnapshot, options: SnapshotJobOptions, to makeSink: @escaping MakeSink
    ) {
        self.snapshot = snapshot
        self.options = options
        self.makeSink = makeSink
        totalKeys = snapshot.count
    }

    /// Does everything, on the calling thread.
    func run() {
        do throws(PersistenceError) {
            result = .success(try write())
        } catch {
            result = .failure(error)
        }
    }

    private func write() throws(PersistenceError) -> SnapshotResult {
        let start = SnapshotFile.monotonicMicroseconds()
        let sink = try makeSink()
        try progress.enter()
        var writer = try RDBWriter(
            sink: SnapshotOutlet(sink: sink, progress: progress),
            options: RDBWriterOptions(
                compression: options.compression, checksum: options.checksum,
                version: options.version ?? RDBVersion.lowest(for: snapshot)))
        try writer.begin(auxiliary: options.auxiliary.map { ($0.name, $0.value) })
        for library in snapshot.functionLibraries { try writer.library(library) }
        var walk = Walk(job: self)
        for captured in snapshot.databases { try walk.write(captured, to: &writer) }
        try writer.finish()
        progress.leave()
        try sink.finish()
        try progress.beginPublishing()
        try sink.publish()
        return SnapshotResult(
            bytes: writer.bytesWritten,
            durationMicroseconds: SnapshotFile.monotonicMicroseconds() - start, keys: walk.keys)
    }

    /// The state of the walk.
    private struct Walk {
        let job: SnapshotJob
        var keys = 0
        private var random = RandomSource()

        init(job: SnapshotJob) { self.job = job }

        mutating func write(
            _ captured: KeyspaceSnapshot.CapturedDatabase,
            to writer: inout RDBWriter<SnapshotOutlet>
        ) throws(PersistenceError) {
            try writer.selectDatabase(
                captured.index, keys: captured.table.count, expires: captured.volatileCount)
            var failure: PersistenceError?
            job.snapshot.walk(captured) { entry in
                do throws(PersistenceError) {
                    try write(entry, to: &writer)
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
            if let failure { throw failure }
        }

        private mutating func write(
            _ entry: Entry, to writer: inout RDBWriter<SnapshotOutlet>
        ) throws(PersistenceError) {
            try job.progress.check()
            switch job.options.access {
            case .none: break
            case .idle: try writer.idle(entry, now: job.snapshot.now)
            case .frequency(let scale):
                try writer.frequency(entry, now: job.snapshot.now, scale)
            }
            try writer.entry(entry)
            keys += 1
            job.progress.count(keys: keys)
            if job.options.keyDelayMicroseconds != 0 { try rest() }
        }

        /// The pause after a key, away from the snapshot.
        private mutating func rest() throws(PersistenceError) {
            var left = job.options.keyDelayMicroseconds
            if left < 0 { left = random.below(UInt64(-left)) == 0 ? 1 : 0 }
            guard left > 0 else { return }
            job.progress.leave()
            while left > 0 {
                // In pieces, so that a job that is given up ends soon.
                let piece = min(left, 20_000)
                usleep(UInt32(piece))
                left -= piece
                try job.progress.check()
            }
            try job.progress.enter()
        }
    }
}
