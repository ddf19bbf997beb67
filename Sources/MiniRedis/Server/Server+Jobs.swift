// SPDX-License-Identifier: BSD-3-Clause
//
// Work off the loop: KEYS walks a snapshot on a thread of the pool, while the loop serves. A job
// takes values and a snapshot with it and gives a result back; it never touches the server. Dumps
// are written on threads of their own (`Server+Snapshots`).

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
    func beginSnapshot() -> KeyspaceSnapshot {
        let start = Clock.readMonotonicNanoseconds()
        let snapshot = keyspace.beginSnapshot()
        persistence.lastSnapshotPauseMicroseconds =
            Int64(Clock.readMonotonicNanoseconds() - start) / 1000
        return snapshot
    }

    // MARK: - Clients that wait

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
}
