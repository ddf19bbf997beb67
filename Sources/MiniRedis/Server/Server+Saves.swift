// SPDX-License-Identifier: BSD-3-Clause
//
// Saves: snapshots into the dump file, when somebody asks for one and when the save points do.
//
//     SAVE, BGSAVE, FLUSHALL, save points, the end  ->  beginSave  ->  the job  ->  finishSave
//
// One save runs at a time, for there is one dump file; other snapshots may live beside it.

extension Server {
    /// Seconds after a save that failed in which no other one is begun by itself.
    private static let retrySeconds: Int64 = 5

    // MARK: - Commands

    func save(for session: UnsafeMutablePointer<Session>) throws(ErrorReply) {
        guard persistence.runningSince == nil else { throw .alreadySaving }
        answerLater(session) { [unowned self] done in
            beginSave(isForeground: true) { error in
                done { reply in
                    if let error { reply.error("ERR \(error)") } else { reply.ok() }
                }
            }
        }
    }

    func saveInBackground(maySchedule: Bool) throws(ErrorReply) -> BackgroundSaveAnswer {
        guard persistence.runningSince == nil else { throw .alreadySaving }
        // Other snapshots are no hindrance, but whoever says SCHEDULE wants them to end first.
        guard !maySchedule || snapshotJobs.running.isEmpty, frame.pointee.mode == .direct else {
            persistence.isScheduled = true
            return .scheduled
        }
        beginSave { _ in }
        return .started
    }

    func cancelSave() throws(ErrorReply) -> BackgroundSaveAnswer {
        if persistence.runningSince != nil {
            guard abandonSave(.cancelled) else { throw .savePastCancelling }
            return .started
        }
        guard persistence.isScheduled else { throw .notSaving }
        persistence.isScheduled = false
        return .scheduled
    }

    /// Gives up the running save; false if there is none or it is complete.
    @discardableResult
    func abandonSave(_ reason: PersistenceError.Reason) -> Bool {
        guard let running = snapshotJobs.save else { return false }
        return abandon(running, reason)
    }

    /// As in Redis the emptiness is saved before the answer; nobody else waits for it.
    func flushedAll(for session: UnsafeMutablePointer<Session>) {
        guard !configuration.settings.savePoints.isEmpty, loading == nil,
            clients[session.pointee.id] != nil
        else { return frame.pointee.reply.ok() }
        guard persistence.runningSince == nil else {
            persistence.isScheduled = true
            return frame.pointee.reply.ok()
        }
        guard frame.pointee.mode == .direct else {
            beginSave { _ in }
            return frame.pointee.reply.ok()
        }
        answerLater(session) { [unowned self] done in
            beginSave { _ in done { $0.ok() } }
        }
    }

    // MARK: - By itself

    /// Begins a save that is scheduled or that a save point asks for; called every tenth of a
    /// second.
    func saveIfDue() {
        guard persistence.runningSince == nil, !isEnding else { return }
        let now = loop.clock.pointee.unixMilliseconds / 1000
        let mayTry =
            persistence.lastSaveSucceeded || now - persistence.lastAttemptAt > Self.retrySeconds
        if persistence.isScheduled {
            if mayTry && snapshotJobs.running.isEmpty { beginSave { _ in } }
            return
        }
        let changes = keyspace.state.pointee.changesSinceSave
        let elapsed = now - persistence.lastSaveAt
        guard mayTry,
            let due = configuration.settings.savePoints.first(where: {
                changes >= $0.changes && elapsed > $0.seconds
            })
        else { return }
        log.write(.notice, "\(due.changes) changes in \(due.seconds) seconds. Saving...")
        beginSave { _ in }
    }

    // MARK: - One save

    /// Saves everything as it is now; `completion` is called on the loop with the error, if any.
    /// A save in the foreground is one that somebody waits for: its failure is his alone.
    func beginSave(
        isForeground: Bool = false, _ completion: @escaping (PersistenceError?) -> Void
    ) {
        let start = startSave()
        if !isForeground { log.write(.notice, "Background saving started") }
        let running = beginSnapshotJob(snapshotOptions(), to: dumpSink()) { [unowned self] result in
            let error = finishSave(result, start, isForeground: isForeground)
            // First, for the client that is answered may have another SAVE in its pipeline.
            let next = afterSave
            afterSave = nil
            next?()
            completion(error)
        }
        snapshotJobs.save = running
    }

    /// Saves everything while everybody waits.
    func saveNow() -> PersistenceError? {
        let start = startSave()
        let job = SnapshotJob(
            snapshot: beginSnapshot(), options: snapshotOptions(), to: dumpSink())
        job.run()
        keyspace.endSnapshot(job.snapshot)
        guard let result = job.result else {
            preconditionFailure("a job that has run has a result")
        }
        return finishSave(result, start, isForeground: true)
    }

    /// Makes the sink of a save.
    private func dumpSink() -> SnapshotJob.MakeSink {
        let settings = configuration.settings
        let (directory, name) = (settings.directory, settings.dbFilename)
        let expected = persistence.expectedDumpBytes(memory: keyspace.countedBytes)
        let syncs = settings.rdbIncrementalSync
        return { () throws(PersistenceError) in
            try SnapshotFileSink(
                directory: directory, name: name, expectedBytes: expected, syncsAsItGoes: syncs)
        }
    }

    /// What a save has to remember of its beginning.
    private struct SaveStart {
        var changes: Int
        var memory: Int
        var path: String
    }

    private func startSave() -> SaveStart {
        let now = loop.clock.pointee.unixMilliseconds
        persistence.runningSince = now
        persistence.lastAttemptAt = now / 1000
        persistence.isScheduled = false
        let settings = configuration.settings
        return SaveStart(
            changes: keyspace.state.pointee.changesSinceSave, memory: keyspace.countedBytes,
            path: settings.directory + "/" + settings.dbFilename)
    }

    private func finishSave(
        _ result: Result<SnapshotResult, PersistenceError>, _ start: SaveStart, isForeground: Bool
    ) -> PersistenceError? {
        defer { updateDiskAttention() }
        let since = persistence.runningSince ?? 0
        persistence.runningSince = nil
        persistence.lastRetainedPeak = snapshotJobs.save?.peakRetainedBytes ?? 0
        snapshotJobs.save = nil
        switch result {
        case .success(let saved):
            persistence.lastSaveSucceeded = true
            persistence.lastFailure = nil
            persistence.lastSaveAt = loop.clock.pointee.unixMilliseconds / 1000
            persistence.lastSaveSeconds = saved.durationMicroseconds / 1_000_000
            persistence.saves += 1
            persistence.lastDump = (saved.bytes, start.memory)
            keyspace.state.pointee.changesSinceSave -= start.changes
            log.write(
                .notice,
                "DB saved on disk: \(saved.bytes) bytes in \(saved.durationMicroseconds / 1000) ms")
            if !isForeground {
                log.write(.notice, "Background saving terminated with success")
            }
            return nil
        case .failure(let error):
            persistence.lastFailure = (error, start.path)
            log.write(.warning, "\(error) [\(start.path)]")
            if case .abandoned(.cancelled) = error { return error }
            if case .abandoned(.shutdown) = error { return error }
            guard !isForeground else { return error }
            persistence.lastSaveSeconds =
                (loop.clock.pointee.unixMilliseconds - since) / 1000
            persistence.lastSaveSucceeded = false
            log.write(.warning, "Background saving error")
            return error
        }
    }

    // MARK: - A disk that fails

    /// Makes commands that write be refused, or no more.
    func updateDiskAttention() {
        if isSaveFailureReported || appendOnlyRefusal != nil {
            frame.pointee.attention.insert(.diskFailed)
        } else {
            frame.pointee.attention.remove(.diskFailed)
        }
    }

    /// Whether nothing is written because the last save failed.
    private var isSaveFailureReported: Bool {
        let settings = configuration.settings
        return settings.stopWritesOnSaveError && !settings.savePoints.isEmpty
            && !persistence.lastSaveSucceeded
    }

    var diskErrorText: String {
        if !isSaveFailureReported, let refusal = appendOnlyRefusal { return refusal }
        let text =
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to "
            + "persist to disk. Commands that may modify the data set are disabled, because this "
            + "instance is configured to report errors during writes if RDB snapshotting fails "
            + "(stop-writes-on-bgsave-error option). Please check the Redis logs for details "
            + "about the RDB error."
        guard let (error, path) = persistence.lastFailure else { return text }
        return text + " [\(error.step): \(error.reason): \(path)]"
    }
}
