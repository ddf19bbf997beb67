// SPDX-License-Identifier: BSD-3-Clause
//
// WAIT: clients that wait until so many replicas have what they wrote.
//
// What a client waits for is where the stream ended after its own last command, so it never waits
// for what others write. The replicas are asked once a turn, however many clients wait.

/// Who waits for replicas.
struct ReplicaWaits {
    struct Wait {
        var clientID: Int64
        /// Replicas that are wanted.
        var count: Int64
        /// They are to have acknowledged this byte.
        var offset: Int64
        /// Monotonic milliseconds; nil for ever.
        var deadline: Int64?
        /// Writes the reply, once the wait is over; the number of replicas that have it.
        var answer: (ReplyWriter, Int) -> Void
    }

    private(set) var waiting: [Wait] = []
    private var asks = false

    /// When the first of the waits is over.
    var earliestDeadline: Int64? { waiting.compactMap(\.deadline).min() }

    mutating func add(_ wait: Wait) {
        waiting.append(wait)
        asks = true
    }

    /// The client waits no more; nil if it did not.
    mutating func remove(_ clientID: Int64) -> Wait? {
        guard let index = waiting.firstIndex(where: { $0.clientID == clientID }) else { return nil }
        return waiting.remove(at: index)
    }

    /// Whether the replicas are to be asked now.
    mutating func takeQuestion() -> Bool {
        defer { asks = false }
        return asks && !waiting.isEmpty
    }
}

extension Server {
    /// How many replicas have acknowledged a byte of the stream.
    func replicasThatHave(_ offset: Int64) -> Int {
        replication.replicas.count { $0.isOnline && $0.link.acknowledged >= offset }
    }

    func waitForReplicas(
        _ wanted: Int64, timeout: Int64, _ session: UnsafeMutablePointer<Session>,
        _ reply: ReplyWriter
    ) {
        let offset = session.pointee.lastWrite.replication
        let count = replicasThatHave(offset)
        guard Int64(count) < wanted, frame.pointee.mode == .direct else {
            return reply.integer(count)
        }
        let now = monotonicMilliseconds
        session.pointee.hold.insert(.blocked)
        replication.waits.add(
            ReplicaWaits.Wait(
                clientID: session.pointee.id, count: wanted, offset: offset,
                deadline: timeout == 0 ? nil : now + timeout,
                answer: { reply, count in reply.integer(count) }))
        setReplicaWaitTimer()
        loop.requestTurn()
    }

    /// Answers those who have what they waited for.
    func answerWaits() {
        for wait in replication.waits.waiting {
            let count = replicasThatHave(wait.offset)
            if Int64(count) >= wait.count { endReplicaWait(wait.clientID, count: count) }
        }
    }

    /// Ends a client's wait with the number of replicas that have what it wrote; false if it does
    /// not wait.
    @discardableResult
    func endReplicaWait(_ id: Int64, count: Int? = nil, withError: Bool = false) -> Bool {
        guard let wait = replication.waits.remove(id) else { return false }
        let count = count ?? replicasThatHave(wait.offset)
        if let client = clients[id], !client.connection.isClosing {
            let version = client.session.pointee.protocolVersion
            if client.isAnswerWanted() {
                client.answer {
                    let reply = ReplyWriter(buffer: loop.output, version: version)
                    if withError {
                        reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
                    } else {
                        wait.answer(reply, count)
                    }
                }
            }
            client.release(from: .blocked)
        }
        setReplicaWaitTimer()
        return true
    }

    private func setReplicaWaitTimer() {
        guard let next = replication.waits.earliestDeadline else {
            replication.waitTimer?.stop()
            return
        }
        let timer =
            replication.waitTimer
            ?? LoopTimer(loop: loop) { [unowned self] in endOverdueReplicaWaits() }
        replication.waitTimer = timer
        timer.start(afterMilliseconds: UInt64(max(1, next - monotonicMilliseconds)))
    }

    private func endOverdueReplicaWaits() {
        turnBegan()
        let now = loop.clock.pointee.monotonicMilliseconds
        for wait in replication.waits.waiting {
            if let deadline = wait.deadline, deadline <= now { endReplicaWait(wait.clientID) }
        }
        setReplicaWaitTimer()
    }
}
