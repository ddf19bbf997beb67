// SPDX-License-Identifier: BSD-3-Clause
//
// WAITAOF: clients that wait until what they did is on the disk here, and on those of replicas.

extension Server: Durability {
    func waitForDurability(
        local: Int, replicas: Int, timeout: Int64, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) {
        guard local == 0 || appendOnly.isOn else { throw .waitNeedsAppendOnly }
        let wait = DurabilityWait(
            clientID: session.pointee.id, local: local, replicas: replicas,
            position: session.pointee.lastWrite,
            deadline: timeout == 0 ? nil : loop.clock.pointee.monotonicMilliseconds + timeout)
        let reached = reached(wait)
        if reached.local >= local && reached.replicas >= replicas
            || frame.pointee.mode != .direct
        {
            return reply(reached, to: frame.pointee.reply)
        }
        session.pointee.hold.insert(.blocked)
        appendOnly.waits.append(wait)
        setDurabilityTimer()
    }

    func setFlushDelay(microseconds: Int64) { appendOnly.flushDelay = microseconds }

    /// How far what a client did has come.
    private func reached(_ wait: DurabilityWait) -> (local: Int, replicas: Int) {
        (
            appendOnly.isOn && appendOnly.durable >= wait.position.appendOnly ? 1 : 0,
            appendOnly.replicasSynced(wait.position.replication)
        )
    }

    private func reply(_ reached: (local: Int, replicas: Int), to reply: ReplyWriter) {
        reply.array(2)
        reply.integer(reached.local)
        reply.integer(reached.replicas)
    }

    // MARK: - Ends

    /// Answers those whose wish is fulfilled; to be called when something has reached a disk, here
    /// or at a replica.
    func serveDurabilityWaits() {
        appendOnly.servesWaits = false
        guard !appendOnly.waits.isEmpty else { return }
        let waits = appendOnly.waits
        appendOnly.waits = []
        for wait in waits {
            if wait.local > 0 && !appendOnly.isOn {
                end(wait) { $0.error(.waitNeedsAppendOnly, command: "waitaof") }
                continue
            }
            let reached = reached(wait)
            if reached.local >= wait.local && reached.replicas >= wait.replicas {
                end(wait) { reply(reached, to: $0) }
            } else {
                appendOnly.waits.append(wait)
            }
        }
    }

    /// Answers those whose time is over.
    func endOverdueDurabilityWaits() {
        let now = loop.clock.pointee.monotonicMilliseconds
        let waits = appendOnly.waits
        appendOnly.waits.removeAll { ($0.deadline ?? .max) <= now }
        for wait in waits where (wait.deadline ?? .max) <= now {
            end(wait) { reply(reached(wait), to: $0) }
        }
        setDurabilityTimer()
    }

    /// CLIENT UNBLOCK; false if the client does not wait for this.
    func unblockDurabilityWait(_ id: Int64, withError: Bool) -> Bool {
        guard let index = appendOnly.waits.firstIndex(where: { $0.clientID == id }) else {
            return false
        }
        let wait = appendOnly.waits.remove(at: index)
        end(wait) { writer in
            if withError {
                writer.error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
            } else {
                reply(reached(wait), to: writer)
            }
        }
        return true
    }

    /// The client is gone.
    func forgetDurabilityWait(of id: Int64) {
        if !appendOnly.waits.isEmpty { appendOnly.waits.removeAll { $0.clientID == id } }
    }

    private func end(_ wait: DurabilityWait, _ write: (ReplyWriter) -> Void) {
        guard let client = clients[wait.clientID] else { return }
        if client.isAnswerWanted(), !client.connection.isClosing {
            let version = client.session.pointee.protocolVersion
            client.answer { write(ReplyWriter(buffer: loop.output, version: version)) }
        }
        client.release(from: .blocked)
    }

    private func setDurabilityTimer() {
        guard let next = appendOnly.waits.compactMap(\.deadline).min() else {
            return appendOnly.waitTimer?.stop() ?? ()
        }
        let timer =
            appendOnly.waitTimer
            ?? LoopTimer(loop: loop) { [unowned self] in endOverdueDurabilityWaits() }
        appendOnly.waitTimer = timer
        let now = loop.clock.pointee.monotonicMilliseconds
        timer.start(afterMilliseconds: UInt64(max(1, next - now)))
    }
}
