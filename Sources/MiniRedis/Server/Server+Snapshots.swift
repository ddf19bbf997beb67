// SPDX-License-Identifier: BSD-3-Clause
//
// Dumps of the keyspace into any sink, several at the same time: saves, bases of the append-only
// file, replicas that are synchronised. Each has a snapshot and a thread of its own.
//
// What all of them retain together has one limit, which is looked at in every turn of the loop:
// past it the oldest job is given up, as nothing that a younger one sees can be freed before.

/// Where the replication stands, for the head of a dump.
struct ReplicationPosition {
    /// The database that the stream of commands has selected.
    var database: Int
    /// The replication id, 40 digits.
    var id: String
    var offset: Int64
}

/// A job that runs, as the loop sees it.
final class RunningSnapshotJob {
    typealias Completion = (Result<SnapshotResult, PersistenceError>) -> Void

    let job: SnapshotJob
    fileprivate let completion: Completion
    /// The result, from the end of the job until `completion` was called.
    fileprivate var result: Result<SnapshotResult, PersistenceError>?
    /// Whether the snapshot was ended.
    fileprivate var isOver = false
    /// It was told to end.
    fileprivate(set) var isAbandoned = false
    /// The most that snapshots retained while it ran, bytes.
    fileprivate(set) var peakRetainedBytes = 0

    fileprivate init(_ job: SnapshotJob, _ completion: @escaping Completion) {
        self.job = job
        self.completion = completion
    }
}

/// The jobs of a server.
struct SnapshotJobs {
    /// Those whose snapshots live, by age.
    fileprivate(set) var running: [RunningSnapshotJob] = []
    /// Those whose completions are to be called.
    fileprivate var ended: [RunningSnapshotJob] = []
    /// The save among the running ones.
    var save: RunningSnapshotJob?
    /// Says where the replication stands now; nil, or answers nil, without a replication id.
    var replicationPosition: (() -> ReplicationPosition?)?
    /// How many there were.
    fileprivate(set) var started = 0
}

extension Server {
    /// Captures the keyspace and writes it as a dump to the sink that `makeSink` makes; that is
    /// called on the job's thread and may wait. `completion` is called on the loop, at the end of a
    /// turn, when the sink has published the dump or the job has failed or was given up.
    @discardableResult
    func beginSnapshotJob(
        _ options: SnapshotJobOptions, to makeSink: @escaping SnapshotJob.MakeSink,
        completion: @escaping RunningSnapshotJob.Completion
    ) -> RunningSnapshotJob {
        let job = SnapshotJob(snapshot: beginSnapshot(), options: options, to: makeSink)
        let running = RunningSnapshotJob(job, completion)
        snapshotJobs.running.append(running)
        snapshotJobs.started += 1
        loop.performOnOwnThread(isPatient: true) {
            job.run()
        } completion: { [unowned self] in
            guard let result = job.result else {
                preconditionFailure("a job that has run has a result")
            }
            end(running, with: result)
        }
        return running
    }

    /// The options that the settings ask for, with the head's fields of this moment. A dump for the
    /// append-only file or for replicas is as large and as safe as one for the disk.
    func snapshotOptions(isAppendOnlyBase: Bool = false) -> SnapshotJobOptions {
        let settings = configuration.settings
        var options = SnapshotJobOptions()
        options.compression = settings.rdbCompression
        options.checksum = settings.rdbChecksum
        options.version = settings.rdbVersion == 0 ? nil : Int(settings.rdbVersion)
        options.keyDelayMicroseconds = settings.keySaveDelayMicroseconds
        switch settings.maxMemoryPolicy {
        case .allKeysLRU, .volatileLRU: options.access = .idle
        case .allKeysLFU, .volatileLFU:
            options.access = .frequency(keyspace.state.pointee.frequencyScale)
        case .volatileRandom, .volatileTTL, .allKeysRandom, .noEviction: break
        }
        options.auxiliary = [
            ("redis-ver", Version.redis), ("redis-bits", "64"),
            ("ctime", String(keyspace.state.pointee.now / 1000)),
            ("used-mem", String(keyspace.allocatedBytes)),
        ]
        if let position = snapshotJobs.replicationPosition?() {
            options.auxiliary += [
                ("repl-stream-db", String(position.database)), ("repl-id", position.id),
                ("repl-offset", String(position.offset)),
            ]
        }
        options.auxiliary.append(("aof-base", isAppendOnlyBase ? "1" : "0"))
        return options
    }

    /// Gives a job up. False if it is too late: it is about to succeed. Its completion is called in
    /// either case, and not before the end of this turn.
    @discardableResult
    func abandon(_ running: RunningSnapshotJob, _ reason: PersistenceError.Reason) -> Bool {
        guard !running.isOver else { return running.isAbandoned }
        switch running.job.progress.abandon(reason) {
        case .tooLate: return false
        case .stopping: break
        case .taken: end(running, with: .failure(.abandoned(reason)))
        }
        running.isAbandoned = true
        return true
    }

    private func end(
        _ running: RunningSnapshotJob, with result: Result<SnapshotResult, PersistenceError>
    ) {
        guard !running.isOver else { return }
        running.isOver = true
        running.result = result
        keyspace.endSnapshot(running.job.snapshot)
        snapshotJobs.running.removeAll { $0 === running }
        snapshotJobs.ended.append(running)
        loop.requestTurn()
    }

    /// The end of a turn: looks at what is retained, and tells who waits for jobs that have ended.
    func watchSnapshots() {
        if keyspace.liveSnapshots > 0 {
            persistence.peakRetained = max(persistence.peakRetained, keyspace.retainedBytes)
        }
        if !snapshotJobs.running.isEmpty { limitRetention() }
        while !snapshotJobs.ended.isEmpty {
            let running = snapshotJobs.ended.removeFirst()
            if let result = running.result { running.completion(result) }
            running.result = nil
        }
    }

    private func limitRetention() {
        let retained = keyspace.retainedBytes
        for running in snapshotJobs.running {
            running.peakRetainedBytes = max(running.peakRetainedBytes, retained)
        }
        let limit = configuration.settings.snapshotRetainedLimitBytes
        guard limit > 0, UInt64(retained) > limit, !keyspace.freesRetained,
            !snapshotJobs.running.contains(where: { $0.isAbandoned }),
            let oldest = snapshotJobs.running.first
        else { return }
        if abandon(oldest, .memoryLimit) {
            log.write(
                .warning,
                "Snapshots retain \(retained) bytes, more than 'snapshot-retained-limit' "
                    + "(\(limit)): the oldest one is given up.")
        }
    }
}
