// SPDX-License-Identifier: BSD-3-Clause
//
// Master or replica: what changes when a server becomes the one or the other.
//
//     master -> replica    its own effects are the stream no more; the history is kept, and offered
//                          to the new master; clients that wait for keys are sent away
//     replica -> master    the history gets a new name, and is good under the old one up to here
//     replica -> replica   of another master: the history is offered to that one

extension Server: Following {
    // MARK: - REPLICAOF

    func follow(
        host: String, port: Int, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) -> Bool {
        guard replica.failover.state == .none else { throw .noReplicaOfDuringFailover }
        let address = MasterAddress(host: host, port: port)
        // Said again while its data are refused, it is an order to take them.
        guard configuration.settings.replicaOf != address || replica.isGuarding else {
            log.write(
                .notice,
                "REPLICAOF would result into synchronization with the master we are already "
                    + "connected with. No operation performed.")
            return false
        }
        becomeReplica(of: address)
        log.write(
            .notice, "REPLICAOF \(host):\(port) enabled (user request from '\(name(of: session))')")
        return true
    }

    func followNobody(for session: UnsafeMutablePointer<Session>) throws(ErrorReply) {
        guard replica.failover.state == .none else { throw .noReplicaOfDuringFailover }
        guard replication.role == .replica else { return }
        becomeMaster()
        log.write(
            .notice, "MASTER MODE enabled (user request from '\(name(of: session))')")
    }

    private func name(of session: UnsafeMutablePointer<Session>) -> String {
        guard let client = client(of: session) else { return "?" }
        return client.line(names: commandTable.names)
    }

    // MARK: - The change

    /// Follows a master, whatever this server was before.
    func becomeReplica(of address: MasterAddress) {
        if replication.role == .master {
            endStreaming()
            replication.role = .replica
            replica.hasHistory = true
            replica.streamDatabase = 0
            log.write(
                .notice,
                "Before turning into a replica, using my own master parameters to synthesize a "
                    + "cached master: I may be able to synchronize with the new master with just a "
                    + "partial transfer.")
        }
        configuration.adjust { $0.replicaOf = address }
        unblockForRoleChange()
        replica.abandonTransfer()
        replica.start()
        roleChanged()
    }

    /// Follows nobody any more; the data are what they are now.
    func becomeMaster() {
        replica.stop()
        configuration.adjust { $0.replicaOf = nil }
        replication.role = .master
        replication.history.promote(&replication.random)
        let history = replication.history
        log.write(
            .notice,
            "Setting secondary replication ID to \(history.secondID.text), valid up to offset: "
                + "\(history.secondOffset). New replication ID is \(history.id.text)")
        // They must learn the new id; they come back and go on from where they are.
        dropReplicas()
        if replication.store != nil { beginStreaming() }
        replication.aloneSince = monotonicMilliseconds
        roleChanged()
    }

    /// The configuration file or the command line names a master.
    func becomeReplicaAtStart() {
        replica.start()
        // What the dump says of its history was a master's word, not a beginning.
        replica.hasFollowed = replica.hasHistory
        roleChanged()
    }

    private func roleChanged() {
        keyspace.separateOwnDeadlines(replication.role == .replica)
        applyMemorySettings()
        applyOutOfMemoryScore()
        updateReplicaRefusals()
        loop.requestTurn()
    }

    /// Who was told that the server is read-only, or that its data may be old, and is it no more,
    /// or the other way round.
    func updateReplicaRefusals() {
        var refusals: ReplicaRefusals = []
        if replication.role == .replica {
            let settings = configuration.settings
            if settings.replicaIsReadOnly { refusals.insert(.writes) }
            if !settings.replicaServesStaleData && !replica.link.state.isUp {
                refusals.insert(.staleData)
            }
        }
        frame.pointee.replicaRefusals = refusals
        replication.isMasterLinkUp = replica.link.state.isUp
        if refusals.isEmpty {
            frame.pointee.attention.remove(.refusingReplica)
        } else {
            frame.pointee.attention.insert(.refusingReplica)
        }
    }

    // MARK: - Those who are concerned

    /// Nobody waits on a replica for what was to happen on a master.
    private func unblockForRoleChange() {
        for client in clients.values {
            let id = client.session.pointee.id
            let waits =
                dispatcher.pointee.endWait(id) || acknowledgementWaits.remove(id) != nil
            guard waits else { continue }
            client.answer {
                ReplyWriter(buffer: loop.output, version: 2).error(
                    "UNBLOCKED force unblock from blocking operation, instance state changed "
                        + "(master -> replica?)")
            }
            client.session.pointee.hold = .closing
            client.connection.closeAfterOutput()
        }
        waitTimesChanged()
    }

    // MARK: - The history in a dump

    /// What the dump that was loaded at the start says of its data's history: a replica goes on
    /// from there, and the replicas of a master may.
    func restoreHistory(_ facts: RDBFacts) {
        guard let text = facts.replicationID, let offset = facts.replicationOffset, offset >= 0,
            let id = Self.replicationID(text)
        else { return }
        replication.history = ReplicationHistory(id: id, offset: offset)
        guard replication.role == .replica else {
            // What happened since the dump is lost: the past is good up to it, under its old name.
            replication.history.promote(&replication.random)
            beginStreaming()
            replication.aloneSince = loop.clock.pointee.monotonicMilliseconds
            return
        }
        replica.hasHistory = true
        replica.streamDatabase = validDatabase(facts.streamDatabase)
    }

    private static func replicationID(_ text: String) -> ReplicationID? {
        var text = text
        return text.withUTF8 { bytes in
            bytes.baseAddress.flatMap { ReplicationID(ByteView($0, count: bytes.count)) }
        }
    }
}
