// SPDX-License-Identifier: BSD-3-Clause
//
// WAIT and WAITAOF: clients that wait until so many replicas have what they wrote, in memory or on
// their disks, or until it is on the disk here.
//
// What a client waits for is where the streams ended after its own last command, so it never waits
// for what others write. The replicas are asked once a turn, however many clients wait. While
// clients wait again and again, the question leaves with the writes, in one packet: its answer is
// then mostly here when WAIT comes.

/// Who waits for acknowledgements.
struct AcknowledgementWaits {
    struct Wait {
        enum Wish {
            /// WAIT: so many replicas have executed it.
            case replicas(Int64)
            /// WAITAOF: it is on the disk here, if `local` is not zero, and on those of so many
            /// replicas.
            case disks(local: Int64, replicas: Int64)
        }

        var clientID: Int64
        var wish: Wish
        /// Where the client's last command ended in the streams.
        var position: EffectPositions
        /// Monotonic milliseconds; nil for ever.
        var deadline: Int64?
    }

    private(set) var waiting: [Wait] = []
    private var asks = false
    /// The offset that the last question asked for.
    private var asked: Int64 = 0
    /// Until then, monotonic milliseconds, writes are expected to be waited for.
    private var expectedUntil: Int64 = 0
    private static let expectationMilliseconds: Int64 = 100
    /// Some of them may be fulfilled.
    var areDue = false
    var timer: LoopTimer?

    /// When the first of the waits is over.
    var earliestDeadline: Int64? { waiting.compactMap(\.deadline).min() }

    mutating func add(_ wait: Wait) {
        waiting.append(wait)
        switch wait.wish {
        case .replicas: asks = asks || wait.position.replication > asked
        case .disks(_, let replicas): asks = asks || replicas > 0
        }
    }

    /// A client has called WAIT.
    mutating func expectMore(at now: Int64) { expectedUntil = now + Self.expectationMilliseconds }

    /// The client waits no more; nil if it did not.
    mutating func remove(_ clientID: Int64) -> Wait? {
        guard let index = waiting.firstIndex(where: { $0.clientID == clientID }) else { return nil }
        return waiting.remove(at: index)
    }

    /// Whether the replicas are to be asked now, where the stream has come to `offset`.
    mutating func takeQuestion(at now: Int64, offset: Int64) -> Bool {
        defer { asks = false }
        let isExpected = now < expectedUntil && offset > asked
        return isExpected || (asks && !waiting.isEmpty)
    }

    /// The replicas have been asked; the question, too, is before `offset`.
    mutating func wereAsked(offset: Int64) { asked = offset }

    /// What was asked may not be answered: a replica has come or come back.
    mutating func forgetQuestion() { asked = 0 }
}

/// How far what a client did has come.
private enum Reached {
    case replicas(Int64)
    case disks(local: Int64, replicas: Int64)
    /// There is no append-only file any more.
    case noFile

    func fulfils(_ wish: AcknowledgementWaits.Wait.Wish) -> Bool {
        switch (self, wish) {
        case (.replicas(let count), .replicas(let wanted)): count >= wanted
        case (.disks(let local, let replicas), .disks(let wantedLocal, let wantedReplicas)):
            local >= wantedLocal && replicas >= wantedReplicas
        default: true
        }
    }

    func write(to reply: ReplyWriter) {
        switch self {
        case .replicas(let count): reply.integer(count)
        case .disks(let local, let replicas):
            reply.array(2)
            reply.integer(local)
            reply.integer(replicas)
        case .noFile: reply.error(.waitNeedsAppendOnly, command: "waitaof")
        }
    }
}

extension Server: Durability {
    // MARK: - The commands

    func waitForReplicas(
        _ wanted: Int64, timeout: Int64, for session: UnsafeMutablePointer<Session>
    ) {
        acknowledgementWaits.expectMore(at: monotonicMilliseconds)
        wait(.replicas(wanted), timeout, session)
    }

    func waitForDurability(
        local: Int64, replicas: Int64, timeout: Int64, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) {
        guard local == 0 || appendOnly.isOn else { throw .waitNeedsAppendOnly }
        wait(.disks(local: local, replicas: replicas), timeout, session)
    }

    private func wait(
        _ wish: AcknowledgementWaits.Wait.Wish, _ timeout: Int64,
        _ session: UnsafeMutablePointer<Session>
    ) {
        let wait = AcknowledgementWaits.Wait(
            clientID: session.pointee.id, wish: wish, position: session.pointee.lastWrite,
            deadline: timeout == 0 ? nil : monotonicMilliseconds + timeout)
        let reached = reached(wait)
        if reached.fulfils(wish) || frame.pointee.mode != .direct {
            return reached.write(to: frame.pointee.reply)
        }
        session.pointee.hold.insert(.blocked)
        acknowledgementWaits.add(wait)
        setAcknowledgementTimer()
    }

    private func reached(_ wait: AcknowledgementWaits.Wait) -> Reached {
        let offset = wait.position.replication
        switch wait.wish {
        case .replicas:
            let count = replication.replicas.count {
                $0.isOnline && $0.link.acknowledged >= offset
            }
            return .replicas(Int64(count))
        case .disks(let local, _):
            if local > 0 && !appendOnly.isOn { return .noFile }
            let isHere = appendOnly.isOn && appendOnly.durable >= wait.position.appendOnly
            let count = replication.replicas.count {
                $0.isOnline && $0.link.acknowledgedSynced >= offset
            }
            return .disks(local: isHere ? 1 : 0, replicas: Int64(count))
        }
    }

    func setFlushDelay(microseconds: Int64) { appendOnly.flushDelay = microseconds }

    // MARK: - Ends

    /// Something was acknowledged, here or by a replica: the turn's end answers those who waited
    /// for it.
    func acknowledgementCame() {
        if !acknowledgementWaits.waiting.isEmpty { acknowledgementWaits.areDue = true }
    }

    /// Answers those who have what they waited for.
    func serveAcknowledgementWaits() {
        acknowledgementWaits.areDue = false
        for wait in acknowledgementWaits.waiting {
            let reached = reached(wait)
            if reached.fulfils(wait.wish) { end(wait.clientID, reached.write) }
        }
    }

    /// CLIENT UNBLOCK; false if the client does not wait for this.
    func unblockAcknowledgementWait(_ id: Int64, withError: Bool) -> Bool {
        guard let wait = acknowledgementWaits.waiting.first(where: { $0.clientID == id }) else {
            return false
        }
        if withError {
            end(id) { $0.error("UNBLOCKED client unblocked via CLIENT UNBLOCK") }
        } else {
            end(id, reached(wait).write)
        }
        return true
    }

    private func end(_ id: Int64, _ write: (ReplyWriter) -> Void) {
        guard acknowledgementWaits.remove(id) != nil else { return }
        defer { setAcknowledgementTimer() }
        guard let client = clients[id], !client.connection.isClosing else { return }
        if client.isAnswerWanted() {
            let version = client.session.pointee.protocolVersion
            client.answer { write(ReplyWriter(buffer: loop.output, version: version)) }
        }
        client.release(from: .blocked)
    }

    private func setAcknowledgementTimer() {
        guard let next = acknowledgementWaits.earliestDeadline else {
            return acknowledgementWaits.timer?.stop() ?? ()
        }
        let timer =
            acknowledgementWaits.timer
            ?? LoopTimer(loop: loop) { [unowned self] in endOverdueAcknowledgementWaits() }
        acknowledgementWaits.timer = timer
        timer.start(afterMilliseconds: UInt64(max(1, next - monotonicMilliseconds)))
    }

    private func endOverdueAcknowledgementWaits() {
        turnBegan()
        let now = loop.clock.pointee.monotonicMilliseconds
        for wait in acknowledgementWaits.waiting where (wait.deadline ?? .max) <= now {
            // The answer may have been held back or lost: the next one asks again.
            acknowledgementWaits.forgetQuestion()
            end(wait.clientID, reached(wait).write)
        }
        setAcknowledgementTimer()
    }
}
