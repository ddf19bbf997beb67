// SPDX-License-Identifier: BSD-3-Clause
//
// The dump of a full resync, from the socket to the loader's thread, and the moment in which it
// takes the place of our data.
//
//     socket -> push -> ByteChannel (bounded) -> thread: a keyspace of its own
//                 full: the socket is not read           whole and wanted: adopted at once
//
// Until then our data are served, and nothing that a master sends can harm them: a dump that is
// broken, cut or for another server ends the attempt and no more.
//
// The guard against an empty master. A master that lost its data and starts empty would have its
// replicas forget theirs, and with them the last copy. A dump without any key is refused, and asked
// for again later, if all of these hold:
//
//     - we have keys;
//     - this master was in sync with us before, since it was named: the operator has not just told
//       us to follow it;
//     - its history is not ours: it did not empty itself, or we would have its FLUSHALL;
//     - its stream is shorter than ours: it has begun anew.
//
// REPLICAOF, again with the same address, is an order to follow it all the same; so is
// `replica-empty-master-guard no`.

/// A dump on its way.
struct DumpTransfer {
    /// Distinguishes it from earlier ones, of which something may still be told.
    var number: UInt64
    /// The history that its data belong to; nil: one that has no name.
    var id: ReplicationID?
    /// The number of the last byte of the stream that its data contain.
    var offset: Int64
    var channel: ByteChannel?
    /// Bytes in all; nil if that is not known.
    var totalBytes: Int64?
    var receivedBytes: Int64 = 0
    /// All of it was received; it is being loaded.
    var isWhole = false
}

extension ReplicaSide {
    /// The master is going to send a dump.
    func expectDump(_ id: ReplicationID?, offset: Int64) {
        if let id { log(.notice, "Full resync from master: \(id.text):\(offset)") }
        abandonTransfer()
        lastTransfer += 1
        transfer = DumpTransfer(number: lastTransfer, id: id, offset: offset)
        acceptedByMaster()
    }

    /// Its first byte comes next.
    func beginTransfer(_ form: DumpForm) {
        guard let number = transfer?.number else { return }
        guard server.loading == nil else {
            log(.warning, "Another load has not ended yet: trying again later.")
            return act(link.loadFailed(now))
        }
        switch form {
        case .marked:
            log(
                .notice,
                "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser")
        case .counted(let count):
            transfer?.totalBytes = count
            log(.notice, "MASTER <-> REPLICA sync: receiving \(count) bytes from master to parser")
        }
        let wakeup = LoopWakeup(loop: server.loop) { [weak self] in self?.channelHasRoom(number) }
        let signal = wakeup.signal
        let channel = ByteChannel(roomAgain: { signal.send() })
        transfer?.channel = channel
        log(.notice, "MASTER <-> REPLICA sync: Loading DB in memory")
        server.beginLoad(
            from: .channel(channel, totalBytes: transfer?.totalBytes.map { Int(clamping: $0) }),
            kind: .resyncBeside, keepsExpired: true,
            mayAdopt: { [weak self] keys in self?.mayReplace(number, keys: keys) ?? false },
            completion: { [weak self] result in
                wakeup.close()
                self?.loadEnded(number, result)
            })
    }

    /// Hands bytes of the dump on; false if no more are wanted for the moment.
    func push(_ bytes: ByteView, _ connection: Connection) -> Bool {
        transfer?.receivedBytes += Int64(bytes.count)
        replication.counters.inputBytes += Int64(bytes.count)
        guard let channel = transfer?.channel, !channel.push(bytes) else { return true }
        connection.pauseReading()
        return false
    }

    private func channelHasRoom(_ number: UInt64) {
        guard transfer?.number == number, transfer?.isWhole == false, let connection else { return }
        connection.resumeReading()
        connection.redeliver()
    }

    /// All of the dump is there.
    func endTransfer() {
        transfer?.isWhole = true
        transfer?.channel?.finish()
        // What follows is the stream; it waits for the data that it goes on from.
        connection?.pauseReading()
    }

    /// Nobody wants the dump any more.
    func abandonTransfer() {
        guard let old = transfer else { return }
        transfer = nil
        old.channel?.fail(.abandoned(.cancelled))
        if old.isWhole { server.cancelLoad() }
    }

    // MARK: - Taking its place

    /// Whether a dump that was read to its end, with so many keys, may replace our data.
    private func mayReplace(_ number: UInt64, keys: Int) -> Bool {
        guard let transfer, transfer.number == number else { return false }
        let history = replication.history
        let isSuspicious =
            keys == 0 && server.keyspace.count > 0 && hasFollowed
            && transfer.id != history.id && transfer.id != history.secondID
            && transfer.offset < history.offset
        isGuarding = isSuspicious && server.configuration.settings.emptyMasterGuard
        guard isGuarding else { return true }
        log(
            .warning,
            "The master has come back without any key, and with another history: its data are "
                + "refused, ours (\(server.keyspace.count) keys) are kept "
                + "(replica-empty-master-guard). If it is to be followed all the same, send "
                + "REPLICAOF with its address again; if it has lost its data, send this server "
                + "REPLICAOF NO ONE.")
        return false
    }

    private func loadEnded(
        _ number: UInt64, _ result: Result<RDBLoadResult, RDBLoadError>
    ) {
        guard let ended = transfer, ended.number == number else { return }
        transfer = nil
        switch result {
        case .success(let loaded):
            adoptHistory(ended, loaded.facts)
            log(.notice, "MASTER <-> REPLICA sync: Finished with success")
            act(link.loaded(now, applied: replication.history.offset))
            goOnWithStream()
        case .failure(let error):
            if !isGuarding { server.logFailure(error) }
            act(link.loadFailed(now))
        }
    }

    /// Our data are the dump's now, and so is their history.
    private func adoptHistory(_ ended: DumpTransfer, _ facts: RDBFacts) {
        server.dropReplicas()
        replication.close()
        if let id = ended.id {
            replication.history.adopt(id: id, offset: ended.offset)
        } else {
            replication.history.renew(&replication.random)
        }
        hasHistory = ended.id != nil
        hasFollowed = true
        streamDatabase = server.validDatabase(facts.streamDatabase)
        server.openStreamOfMaster()
        server.restartAppendOnly()
        // A save would be of other data.
        server.keyspace.state.pointee.changesSinceSave += 1
    }

    /// The stream that follows the dump has waited in the socket.
    private func goOnWithStream() {
        guard link.state == .streaming, let connection else { return }
        connection.resumeReading()
        connection.redeliver()
        // Nothing may have been retained: then the stream has begun all the same.
        if link.state == .streaming, client == nil, connection === self.connection {
            _ = beginStream(on: connection, nil, 0)
        }
    }
}

extension Server {
    /// A number of a database that a peer or a file gave, or 0.
    func validDatabase(_ number: Int64?) -> Int {
        guard let number, (0..<Int64(keyspace.databaseCount)).contains(number) else { return 0 }
        return Int(number)
    }

    /// From here on the stream is our master's; it is kept for those who follow us.
    func openStreamOfMaster() {
        let settings = configuration.settings
        replication.open(size: settings.backlogBytes, limit: settings.backlogLimitBytes)
    }
}
