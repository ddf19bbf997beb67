// SPDX-License-Identifier: BSD-3-Clause
//
// A master's side of its replicas: PSYNC and REPLCONF, the stream to each of them, and what time
// does to them.
//
//     effects of a turn -> backlog -> `serveReplicas` -> sockets     before the turn's replies
//
// It performs what `MasterLink` decides, and decides nothing itself.

extension Server {
    /// The number that the stream's next byte will have, what was not delivered yet included.
    var streamEnd: Int64 { masterOffset + 1 }

    func wireReplication() {
        effectTakers.replication = { [unowned self] in replication.append($0) }
        snapshotJobs.replicationPosition = { [unowned self] in
            deliverEffects()
            guard replication.store != nil else { return nil }
            return ReplicationPosition(
                database: streamDatabase,
                id: replication.history.id.text, offset: replication.history.offset)
        }
        loop.afterPoll = { [unowned self] in serveReplicas() }
    }

    /// The database that the stream has selected where it ends: by our effects, or by our master's.
    private var streamDatabase: Int {
        switch replication.role {
        case .master: keyspace.state.pointee.effects.replication.selected ?? 0
        case .replica: replica.selectedDatabase
        }
    }

    // MARK: - The stream

    /// Gives replicas what there is for them; called before replies leave, and at the end of a
    /// turn.
    func serveReplicas() {
        // A dump whose last replica has gone is to be given up.
        guard !replication.replicas.isEmpty || !replication.transfers.isEmpty else { return }
        deliverEffects()
        if isStreaming,
            acknowledgementWaits.takeQuestion(
                at: loop.clock.pointee.monotonicMilliseconds, offset: replication.history.offset)
        {
            askReplicas()
        }
        if replication.isSomebodyWaiting || !replication.transfers.isEmpty { advanceTransfers() }
        guard replication.hasNews else { return }
        replication.hasNews = false
        dropBroken()
        for replica in replication.replicas where replica.isStreaming { feed(replica) }
    }

    private func askReplicas() {
        keyspace.state.pointee.effects.add(3, in: nil, for: .replicas) {
            $0.add("REPLCONF")
            $0.add("GETACK")
            $0.add("*")
        }
        keyspace.state.pointee.effects.endUnit(isAtomic: false)
        deliverEffects()
        acknowledgementWaits.wereAsked(offset: replication.history.offset)
    }

    func feed(_ replica: Replica) {
        guard replica.isStreaming, let store = replication.store else { return }
        let given = replica.feed(from: store, heap: keyspace.memory.pointee.heap)
        replication.counters.outputBytes += Int64(given)
    }

    /// Replicas for whom the backlog had no room.
    private func dropBroken() {
        while let reader = replication.store?.backlog.takeBroken() {
            guard let replica = replication.replicas.first(where: { $0.reader == reader }) else {
                continue
            }
            replica.reader = nil
            drop(replica, .tooFarBehind)
        }
    }

    /// The socket of a client has taken most of what it was given.
    func replicaDrained(_ replica: Replica) {
        if replica.isStreaming { feed(replica) }
        if replica.transfer != nil { advanceTransfers() }
    }

    // MARK: - What the link wants

    func act(on action: MasterLinkAction, _ replica: Replica) {
        replica.flushLink()
        switch action {
        case .none: break
        case .startStream(let byte): startStream(replica, from: byte)
        case .finish: replica.client.connection.closeAfterOutput()
        case .drop(let failure): drop(replica, failure)
        case .impossible(let why): log.write(.warning, "Replication, a defect: \(why)")
        }
    }

    private func startStream(_ replica: Replica, from byte: Int64) {
        if replica.reader == nil {
            guard let range = replication.range, byte >= range.first, byte <= range.end else {
                return drop(replica, .tooFarBehind)
            }
            replica.reader = replication.store?.backlog.addReader(at: byte)
        }
        replica.isStreaming = true
        acknowledgementWaits.forgetQuestion()
        replica.client.connection.leavesFirst = true
        replication.hasNews = true
        loop.requestTurn()
        updateGoodReplicas()
    }

    private func drop(_ replica: Replica, _ failure: MasterLinkFailure) {
        guard !replica.isClosing else { return }
        switch failure {
        case .streamTimeout, .transferTimeout, .snapshotFailed:
            log.write(.warning, "\(failure.text): \(replica.name)")
        case .tooFarBehind: reportTooMuchOutput(replica.client)
        }
        replica.client.connection.close()
    }

    /// Closes the links to all replicas: their history is not ours any more. They come back with a
    /// PSYNC.
    func dropReplicas() {
        for replica in replication.replicas where !replica.isClosing {
            replica.client.connection.close()
        }
    }

    /// A client has gone that was a replica, or had introduced itself as one.
    func forgetReplica(_ replica: Replica) {
        leaveTransfer(replica)
        if let reader = replica.reader { replication.store?.backlog.removeReader(reader) }
        replica.reader = nil
        guard let index = replication.replicas.firstIndex(where: { $0 === replica }) else { return }
        replication.replicas.remove(at: index)
        log.write(.notice, "Connection with replica \(replica.name) lost.")
        if replication.replicas.isEmpty {
            replication.aloneSince = loop.clock.pointee.monotonicMilliseconds
        }
        updateGoodReplicas()
    }

    // MARK: - Time

    /// What time does to replicas; called ten times a second.
    func tickReplicas() {
        let now = loop.clock.pointee.monotonicMilliseconds
        if replication.replicas.isEmpty { return expireBacklog(now) }
        let settings = configuration.settings
        for replica in replication.replicas where !replica.isClosing {
            tick(replica, now, settings)
        }
        // What comes after the last save would be missing in it.
        if replication.role == .master, isStreaming, !isEnding,
            now - replication.pingedAt >= settings.pingReplicaPeriodSeconds * 1000
        {
            replication.pingedAt = now
            keyspace.state.pointee.effects.add(1, in: nil, for: .replicas) { $0.add("ping") }
            keyspace.state.pointee.effects.endUnit(isAtomic: false)
        }
        updateGoodReplicas()
        loop.requestTurn()
    }

    private func tick(_ replica: Replica, _ now: Int64, _ settings: Settings) {
        switch replica.link.state {
        case .online, .acknowledging:
            // A newline is a sign of life, too, and no request.
            replica.link.heard(
                max(replica.link.heardAt, replica.client.session.pointee.lastHeardAt))
        case .sending: if replica.hasProgressed() { replica.link.progressed(now) }
        case .introducing, .waiting, .preparing, .finished: break
        }
        act(on: replica.link.tick(now, timeout: settings.replicationTimeout), replica)
        guard let reader = replica.reader, let store = replication.store,
            let position = store.backlog.position(of: reader)
        else { return }
        let limits = settings.clientOutputLimits.replica
        let isLost = replica.link.isTooFarBehind(
            position: position - Int64(replica.client.connection.unsentBytes),
            end: store.backlog.end, kept: settings.backlogBytes,
            limits: ReplicaOutputLimits(
                hardBytes: Int(clamping: limits.hardBytes),
                softBytes: Int(clamping: limits.softBytes),
                softMilliseconds: limits.softSeconds * 1000),
            now)
        if isLost { drop(replica, .tooFarBehind) }
    }

    /// Nobody has followed for a while: the stream ends, and with it the history that it proves.
    private func expireBacklog(_ now: Int64) {
        let patience = configuration.settings.backlogTimeToLiveSeconds
        guard replication.role == .master, replication.store != nil, patience > 0,
            now - replication.aloneSince > patience * 1000
        else { return }
        endStreaming()
        replication.close()
        // What happens from now on is in no stream: who has our id has not our data any more.
        replication.history.renew(&replication.random)
        log.write(
            .notice,
            "Replication backlog freed after \(patience) seconds without connected replicas.")
    }

    /// Whether there are as many replicas as `min-replicas-to-write` wants.
    func updateGoodReplicas() {
        let settings = configuration.settings
        let isLimited =
            replication.role == .master && settings.minReplicasToWrite > 0
            && settings.minReplicasMaxLagSeconds > 0
        if isLimited && Int64(goodReplicas) < settings.minReplicasToWrite {
            frame.pointee.attention.insert(.lacksReplicas)
        } else {
            frame.pointee.attention.remove(.lacksReplicas)
        }
    }

    /// Replicas that are online and were heard of lately.
    var goodReplicas: Int {
        let now = loop.clock.pointee.monotonicMilliseconds
        let most = configuration.settings.minReplicasMaxLagSeconds
        return replication.replicas.count { $0.isOnline && $0.link.lag(now) <= most }
    }

    /// The settings of the backlog have changed, or others that concern replicas.
    func applyReplicationSettings() {
        let settings = configuration.settings
        replication.store?.backlog.resize(
            size: settings.backlogBytes, limit: settings.backlogLimitBytes)
        updateGoodReplicas()
    }
}
