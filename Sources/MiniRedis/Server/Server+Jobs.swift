// SPDX-License-Identifier: BSD-3-Clause
//
// Work off the loop: KEYS and saves walk a snapshot on a thread of the pool, while the loop serves.
// A job takes values and a snapshot with it and gives a result back; it never touches the server.

import Glibc

/// A KEYS that is to be answered.
struct KeysRequest {
    var clientID: Int64
    var database: Int
    var pattern: [UInt8]
}

/// A walk for KEYS: its result is the reply, in chunks.
///
/// Sendable although it changes: the thread alone works on it between the start of the job and its
/// completion, and the loop alone before and after.
private final class KeysJob: @unchecked Sendable {
    let snapshot: KeyspaceSnapshot
    private let request: KeysRequest
    private(set) var chunks: [(base: UnsafeMutableRawPointer, count: Int)] = []
    private(set) var found = 0

    private static let chunkBytes = 240 * 1024

    init(snapshot: KeyspaceSnapshot, request: KeysRequest) {
        self.snapshot = snapshot
        self.request = request
    }

    func run() {
        var buffer = OutputBuffer()
        request.pattern.withUnsafeBytes { bytes in
            let pattern = GlobPattern(
                bytes.baseAddress.map { ByteView($0, count: bytes.count) } ?? ByteView(""))
            for captured in snapshot.databases {
                guard captured.index == request.database else { continue }
                snapshot.walk(captured) { entry in
                    if let deadline = entry.deadline, deadline <= snapshot.now { return true }
                    guard pattern.matchesKey(entry.key) else { return true }
                    found += 1
                    ReplyWriter.bulk(entry.key, to: &buffer)
                    if buffer.count > Self.chunkBytes { cut(&buffer) }
                    return true
                }
            }
        }
        if buffer.count > 0 { cut(&buffer) }
    }

    private func cut(_ buffer: inout OutputBuffer) {
        let count = buffer.count
        chunks.append((buffer.detach(), count))
    }

    func giveUp() {
        for chunk in chunks { free(chunk.base) }
    }
}

/// A save: writes a snapshot to the dump file.
private final class SaveJob: @unchecked Sendable {
    let snapshot: KeyspaceSnapshot
    let directory: String
    let name: String
    let options: RDBWriterOptions
    private(set) var result: Result<SnapshotResult, PersistenceError>?

    init(snapshot: KeyspaceSnapshot, settings: Settings) {
        self.snapshot = snapshot
        directory = settings.directory
        name = settings.dbFilename
        options = RDBWriterOptions(
            compression: settings.rdbCompression, checksum: settings.rdbChecksum,
            version: RDBVersion.lowest(for: snapshot))
    }

    func run() {
        do throws(PersistenceError) {
            result = .success(
                try SnapshotFile.save(directory: directory, name: name, options: options) {
                    writer throws(PersistenceError) in
                    try write(&writer)
                })
        } catch {
            result = .failure(error)
        }
    }

    private func write(_ writer: inout RDBWriter<FileSink>) throws(PersistenceError) {
        try writer.begin(auxiliary: [
            ("redis-ver", Version.redis), ("redis-bits", "64"),
            ("ctime", String(snapshot.now / 1000)), ("aof-base", "0"),
        ])
        for captured in snapshot.databases {
            try writer.selectDatabase(
                captured.index, keys: captured.table.count, expires: captured.volatileCount)
            var failure: PersistenceError?
            snapshot.walk(captured) { entry in
                do throws(PersistenceError) {
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
    }
}

extension Server {
    // MARK: - KEYS

    func replyKeys(
        _ pattern: ByteView, database: Int, to session: UnsafeMutablePointer<Session>
    ) {
        let request = KeysRequest(
            clientID: session.pointee.id, database: database,
            pattern: (0..<pattern.count).map { pattern[$0] })
        guard frame.pointee.mode == .direct else { return replyKeysNow(request) }
        session.pointee.hold.insert(.waiting)
        waitingKeys.append(request)
        startKeys()
    }

    /// Within EXEC nothing waits.
    private func replyKeysNow(_ request: KeysRequest) {
        let job = KeysJob(snapshot: beginSnapshot(), request: request)
        job.run()
        keyspace.endSnapshot(job.snapshot)
        frame.pointee.reply.array(job.found)
        for chunk in job.chunks { loop.output.pointee.append(chunk.base, count: chunk.count) }
        job.giveUp()
    }

    /// Runs a job on a thread and calls back when it is done; within EXEC, where nothing waits,
    /// both at once.
    func perform(_ job: @escaping @Sendable () -> Void, completion: @escaping () -> Void) {
        guard frame.pointee.mode == .direct else {
            job()
            return completion()
        }
        loop.perform(work: job, completion: completion)
    }

    /// How many KEYS are answered at the same time. Each holds a snapshot and its whole reply, and
    /// takes one of four threads, of which a save needs one.
    private static let concurrentKeys = 2

    private func startKeys() {
        while runningKeys < Self.concurrentKeys, !waitingKeys.isEmpty {
            let request = waitingKeys.removeFirst()
            guard clients[request.clientID] != nil else { continue }
            runningKeys += 1
            let job = KeysJob(snapshot: beginSnapshot(), request: request)
            loop.perform {
                job.run()
            } completion: { [unowned self] in
                keyspace.endSnapshot(job.snapshot)
                runningKeys -= 1
                answer(job, to: request.clientID)
                startKeys()
            }
        }
    }

    private func answer(_ job: KeysJob, to id: Int64) {
        guard let client = clients[id] else { return job.giveUp() }
        guard client.isAnswerWanted() else {
            job.giveUp()
            return client.resume()
        }
        client.answer {
            ReplyWriter(buffer: loop.output, version: 2).array(job.found)
            for chunk in job.chunks {
                client.connection.sendOwned(chunk.base, count: chunk.count)
            }
        }
        client.resume()
    }

    /// Captures the keyspace and notes how long that took.
    private func beginSnapshot() -> KeyspaceSnapshot {
        let start = Clock.readMonotonicNanoseconds()
        let snapshot = keyspace.beginSnapshot()
        persistence.lastSnapshotPauseMicroseconds =
            Int64(Clock.readMonotonicNanoseconds() - start) / 1000
        return snapshot
    }

    // MARK: - Saves

    func save(for session: UnsafeMutablePointer<Session>) throws(ErrorReply) {
        guard persistence.runningSince == nil else { throw .alreadySaving }
        answerLater(session) { [unowned self] done in
            save { error in
                done { reply in
                    if let error { reply.error("ERR \(error)") } else { reply.ok() }
                }
            }
        }
    }

    /// Holds a client until `work` calls back; what it is given then writes the reply.
    func answerLater(
        _ session: UnsafeMutablePointer<Session>,
        _ work: (_ done: @escaping ((ReplyWriter) -> Void) -> Void) -> Void
    ) {
        let id = session.pointee.id
        guard frame.pointee.mode == .direct else {
            return work { [unowned self] write in write(frame.pointee.reply) }
        }
        session.pointee.hold.insert(.waiting)
        work { [unowned self] write in
            guard let client = clients[id] else { return }
            if client.isAnswerWanted() {
                let version = client.session.pointee.protocolVersion
                client.answer { write(ReplyWriter(buffer: loop.output, version: version)) }
            }
            client.resume()
        }
    }

    /// Saves everything as it is now; `completion` is called on the loop with the error, if any.
    func save(_ completion: @escaping (PersistenceError?) -> Void) {
        let (job, changes) = startSave()
        log.write(.notice, "Background saving started")
        perform {
            job.run()
        } completion: { [unowned self] in
            keyspace.endSnapshot(job.snapshot)
            let error = finishSave(job.result, changes: changes)
            // First, for the client that is answered may have another SAVE in its pipeline.
            let next = afterSave
            afterSave = nil
            next?()
            completion(error)
        }
    }

    /// Saves everything while everybody waits.
    func saveNow() -> PersistenceError? {
        let (job, changes) = startSave()
        job.run()
        keyspace.endSnapshot(job.snapshot)
        return finishSave(job.result, changes: changes)
    }

    private func startSave() -> (job: SaveJob, changes: Int) {
        persistence.runningSince = keyspace.state.pointee.now
        return (
            SaveJob(snapshot: beginSnapshot(), settings: configuration.settings),
            keyspace.state.pointee.changesSinceSave
        )
    }

    private func finishSave(
        _ result: Result<SnapshotResult, PersistenceError>?, changes: Int
    ) -> PersistenceError? {
        persistence.runningSince = nil
        switch result {
        case .success(let saved):
            persistence.lastSaveSucceeded = true
            persistence.lastSaveAt = loop.clock.pointee.unixMilliseconds / 1000
            persistence.lastSaveSeconds = saved.durationMicroseconds / 1_000_000
            persistence.saves += 1
            keyspace.state.pointee.changesSinceSave -= changes
            log.write(
                .notice,
                "DB saved on disk: \(saved.bytes) bytes in \(saved.durationMicroseconds / 1000) ms")
            return nil
        case .failure(let error):
            persistence.lastSaveSucceeded = false
            log.write(.warning, "\(error)")
            return error
        case nil:
            preconditionFailure("a job that has run has a result")
        }
    }

    // MARK: - The end

    func shutDown(
        _ mode: ShutdownMode, for session: UnsafeMutablePointer<Session>, force: Bool
    ) {
        let saves =
            mode == .save || mode == .byConfiguration && !configuration.settings.savePoints.isEmpty
        log.write(.warning, "User requested shutdown...")
        answerLater(session) { [unowned self] done in
            end(saving: saves, force: force) {
                done { $0.error(.shutdownFailed, command: "shutdown") }
            }
        }
    }

    /// Saves if asked to, and stops the loop; if the save fails the server goes on and `failed` is
    /// called.
    func end(saving: Bool, force: Bool, failed: @escaping () -> Void) {
        process.supervision.tell("STOPPING=1")
        // What is loaded in part is not to take the place of the dump.
        guard saving && loading == nil else { return stop() }
        afterFailedEnd.append(failed)
        isEndForced = isEndForced || force
        guard !isEnding else { return }
        isEnding = true
        if persistence.runningSince == nil { return saveAndStop() }
        // The state at the running save's start is not the last one: wait, then save again.
        afterSave = { [unowned self] in saveAndStop() }
    }

    private func saveAndStop() {
        log.write(.notice, "Saving the final RDB snapshot before exiting.")
        process.supervision.tell("STATUS=Saving the final RDB snapshot")
        save { [unowned self] error in
            if error == nil || isEndForced { return stop() }
            isEnding = false
            log.write(.warning, "Error trying to save the DB, can't exit.")
            log.write(
                .warning,
                "Errors trying to shut down the server. Check the logs for more information.")
            let waiting = afterFailedEnd
            afterFailedEnd = []
            for failed in waiting { failed() }
        }
    }

    private func stop() {
        if persistence.runningSince != nil {
            // Nobody wants the running save any more; its thread goes on until the process ends.
            SnapshotFile.removeOwn(directory: configuration.settings.directory)
        }
        log.write(.warning, "Mini-Redis is now ready to exit, bye bye...")
        exitStatus = 0
        loop.stop()
    }
}
