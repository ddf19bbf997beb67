// SPDX-License-Identifier: BSD-3-Clause
//
// PSYNC, SYNC and REPLCONF: a client becomes a replica.

extension Server: ReplicationVerbs {
    func configureReplica(
        _ request: Request, _ session: UnsafeMutablePointer<Session>, _ reply: ReplyWriter
    ) {
        guard let client = client(of: session) else { return }
        let replica = client.replica ?? Replica(client: client)
        client.replica = replica
        switch replica.link.options.configure(request, isReplica: session.pointee.kind == .replica)
        {
        case .accepted: reply.ok()
        case .refused(let text): reply.error(text)
        case .ignored: break
        case .asked: replication.answerMaster?()
        case .acknowledged(let offset, let synced):
            let action = replica.link.acknowledge(
                offset, synced: synced, end: streamEnd,
                loop.clock.pointee.monotonicMilliseconds)
            if case .startStream = action {
                log.write(.notice, "Synchronization with replica \(replica.name) succeeded")
            }
            act(on: action, replica)
            replication.acknowledged?(replica)
            acknowledgementCame()
        }
    }

    func synchronize(
        _ request: SyncRequest, _ session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) {
        // Who is a replica already has asked.
        guard session.pointee.kind != .replica, let client = client(of: session) else { return }
        let replica = client.replica ?? Replica(client: client)
        if request.isFailover { try promote(for: request, replica) }
        if replication.isFailingOver { throw .syncWhileFailingOver }
        guard replication.role == .master || replication.isMasterLinkUp else {
            throw .syncWithoutMaster
        }
        guard !replica.link.options.isFiltered || replica.link.options.readsMarkedDumps else {
            throw .filteredReplicaNeedsMark
        }
        log.write(.notice, "Replica \(replica.name) asks for synchronization")
        client.replica = replica
        let now = loop.clock.pointee.monotonicMilliseconds
        replica.askedAt = now
        deliverEffects()
        let decision = decide(request, replica)
        enlist(replica)
        act(
            on: replica.link.resync(
                decision, isSync: request.isOldProtocol, id: replication.history.id,
                end: streamEnd, now), replica)
        guard case .full = decision else { return }
        replication.isSomebodyWaiting = true
        loop.requestTurn()
    }

    private func promote(for request: SyncRequest, _ replica: Replica) throws(ErrorReply) {
        log.write(
            .warning, "Failover request received for replid \(request.id?.string ?? "").")
        guard replication.role == .replica else { throw .failoverToMaster }
        guard let id = request.id, replication.history.id.matches(id) else {
            throw .failoverOfOtherHistory
        }
        replication.becomeMaster?("failover request from '\(replica.name)'")
    }

    /// The client is a replica from now on, and nothing else.
    private func enlist(_ replica: Replica) {
        let session = replica.client.session
        session.pointee.kind = .replica
        session.pointee.becomesReplica()
        replication.replicas.append(replica)
        if configuration.settings.disablesReplicaNoDelay {
            replica.client.connection.setNoDelay(false)
        }
        if replication.store == nil {
            replication.history.renew(&replication.random)
            log.write(
                .notice,
                "Replication backlog created, my new replication IDs are "
                    + "'\(replication.history.id.text)' and "
                    + "'\(replication.history.secondID.text)'")
        }
        if replication.role == .master { beginStreaming() }
    }

    private func decide(_ request: SyncRequest, _ replica: Replica) -> ResyncDecision {
        let history = replication.history
        guard let id = request.id else {
            replication.counters.fullSyncs += 1
            return .full(.requested)
        }
        let decision = history.decide(
            requested: id, byte: request.byte, range: replication.range)
        switch decision {
        case .partial(let byte):
            replication.counters.partialSyncs += 1
            let count = (replication.range?.end ?? byte) - byte
            log.write(
                .notice,
                "Partial resynchronization request from \(replica.name) accepted. Sending "
                    + "\(count) bytes of backlog starting from offset \(byte).")
        case .full(let reason):
            replication.counters.fullSyncs += 1
            if reason.isFailedAttempt { replication.counters.failedPartialSyncs += 1 }
            logRefusal(reason, id.string, request.byte, replica)
        }
        return decision
    }

    private func logRefusal(
        _ reason: FullResyncReason, _ id: String, _ byte: Int64, _ replica: Replica
    ) {
        let history = replication.history
        let text: String
        switch reason {
        case .requested: text = "Full resync requested by replica \(replica.name)"
        case .unknownID:
            text =
                "Partial resynchronization not accepted: Replication ID mismatch (Replica asked "
                + "for '\(id)', my replication IDs are '\(history.id.text)' and "
                + "'\(history.secondID.text)')"
        case .beyondSecondOffset:
            text =
                "Partial resynchronization not accepted: Requested offset for second ID was "
                + "\(byte), but I can reply up to \(history.secondOffset)"
        case .lackOfBacklog, .aheadOfStream:
            text =
                "Unable to partial resync with replica \(replica.name) for lack of backlog "
                + "(Replica request was: \(byte))."
        }
        log.write(.notice, text)
        guard reason == .aheadOfStream else { return }
        log.write(
            .warning,
            "Warning: replica \(replica.name) tried to PSYNC with an offset that is greater than "
                + "the master replication offset.")
    }

    /// A replica sent something that has a reply, which would be bytes of the stream to it.
    func replicaSpoke(
        _ session: UnsafeMutablePointer<Session>, command: String, reply: ByteView
    ) {
        let start = reply.prefix(min(reply.count, 200))
        log.write(
            .warning,
            "Replica generated a reply to command '\(command)', disconnecting it: "
                + start.string.split(separator: "\r\n", omittingEmptySubsequences: false)
                .joined(separator: "\\r\\n"))
    }

    // MARK: - ROLE

    func replyRole(_ reply: ReplyWriter) {
        if replication.role == .replica, let tell = replication.tellRole { return tell(reply) }
        reply.array(3)
        reply.bulk("master")
        reply.integer(masterOffset)
        let online = replication.replicas.filter { $0.link.isOnline }
        reply.array(online.count)
        for replica in online {
            reply.array(3)
            reply.bulk(replica.host)
            reply.bulk(decimal: Int64(replica.link.options.listeningPort))
            reply.bulk(decimal: replica.link.acknowledged)
        }
    }
}
