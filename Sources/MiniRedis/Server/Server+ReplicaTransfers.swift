// SPDX-License-Identifier: BSD-3-Clause
//
// Full resyncs: who waits for a snapshot, when it is taken, and how its dump reaches them all.

extension Server {
    /// Dumps that may be on their way at the same time.
    private static let concurrentTransfers = 4

    /// Takes a snapshot for the replicas that have waited long enough, and sends what there is to
    /// send of the dumps under way.
    func advanceTransfers() {
        if replication.isSomebodyWaiting { startDueTransfers() }
        guard !replication.transfers.isEmpty else { return }
        for transfer in replication.transfers where !transfer.isOver { advance(transfer) }
        replication.transfers.removeAll { $0.isOver }
    }

    // MARK: - The start

    private func startDueTransfers() {
        let waiting = replication.replicas.filter(\.isWaiting)
        replication.isSomebodyWaiting = !waiting.isEmpty
        guard replication.transfers.count < Self.concurrentTransfers else { return }
        // Who wants no keys gets another dump than the others.
        for isFiltered in [false, true] {
            let group = waiting.filter { $0.link.options.isFiltered == isFiltered }
            if !group.isEmpty && isDue(group) { start(group, isFiltered: isFiltered) }
        }
    }

    private func isMarked(_ group: [Replica]) -> Bool {
        let isAllowed =
            configuration.settings.disklessSync || group.contains { $0.link.options.isFiltered }
        return isAllowed && group.allSatisfy { $0.link.options.readsMarkedDumps }
    }

    /// A dump that is not kept is worth waiting for others that come soon.
    private func isDue(_ group: [Replica]) -> Bool {
        let settings = configuration.settings
        guard isMarked(group) else { return true }
        let most = settings.disklessSyncMaxReplicas
        if most > 0 && Int64(group.count) >= most { return true }
        let since = group.map(\.askedAt).min() ?? 0
        return loop.clock.pointee.monotonicMilliseconds - since
            >= settings.disklessSyncDelaySeconds * 1000
    }

    private func start(_ group: [Replica], isFiltered: Bool) {
        deliverEffects()
        keyspace.state.pointee.effects.replication.forgetSelection()
        let now = loop.clock.pointee.monotonicMilliseconds
        let history = replication.history
        let isMarked = isMarked(group)
        log.write(
            .notice,
            "Starting BGSAVE for SYNC with target: "
                + (isMarked ? "replicas sockets" : "disk"))
        let transfer = makeTransfer(group, isMarked: isMarked)
        for replica in group {
            replica.transfer = transfer
            if !replica.link.options.wantsDumpOnly {
                replica.reader = replication.store?.backlog.addReader(at: history.nextByte)
            }
            act(
                on: replica.link.snapshotStarted(
                    id: history.id, offset: history.offset, now), replica)
        }
        if isFiltered {
            writeEmptyDump(transfer)
        } else if isMarked {
            stream(transfer)
        } else {
            spool(transfer)
        }
    }

    private func makeTransfer(_ group: [Replica], isMarked: Bool) -> ReplicaTransfer {
        let channel = ChunkChannel(loop: loop, capacityBytes: ReplicaTransfer.channelBytes) {
            [unowned self] in advanceTransfers()
        }
        let transfer = ReplicaTransfer(
            group, isMarked: isMarked,
            mark: ReplicationMark(drawnFrom: &replication.random), channel: channel)
        replication.transfers.append(transfer)
        return transfer
    }

    private func stream(_ transfer: ReplicaTransfer) {
        let channel = transfer.channel
        transfer.job = beginSnapshotJob(snapshotOptions()) {
            ReplicaSink(channel)
        } completion: {
            [unowned self] result in
            transfer.job = nil
            guard !transfer.isOver else { return }
            switch result {
            case .success:
                channel.finish()
                log.write(
                    .notice,
                    "Diskless rdb transfer, done reading from pipe, \(transfer.members.count) "
                        + "replicas still up.")
                log.write(.notice, "Background RDB transfer terminated with success")
            case .failure(let error): fail(transfer, error)
            }
            advanceTransfers()
        }
    }

    private func spool(_ transfer: ReplicaTransfer) {
        let directory = configuration.settings.directory
        replication.spools += 1
        let number = replication.spools
        let place = SpoolPlace()
        transfer.job = beginSnapshotJob(snapshotOptions()) { () throws(PersistenceError) in
            let spool = try DumpSpool(directory: directory, number: number)
            place.spool = spool
            return spool
        } completion: { [unowned self] result in
            transfer.job = nil
            guard !transfer.isOver else { return }
            switch result {
            case .success:
                guard let spool = place.spool else { return fail(transfer, .ended("no file")) }
                log.write(.notice, "Background saving terminated with success")
                sendSpool(spool, transfer)
            case .failure(let error): fail(transfer, error)
            }
            advanceTransfers()
        }
    }

    private func sendSpool(_ spool: DumpSpool, _ transfer: ReplicaTransfer) {
        begin(transfer, .counted(Int64(spool.count)))
        let channel = transfer.channel
        let outcome = SpoolPlace()
        loop.performOnOwnThread {
            outcome.isWhole = spool.read(channel.push)
        } completion: { [unowned self] in
            guard !transfer.isOver else { return }
            if outcome.isWhole {
                channel.finish()
            } else {
                fail(transfer, .ended("the spooled dump cannot be read"))
            }
            advanceTransfers()
        }
    }

    /// There are no functions, and keys are not wanted.
    private func writeEmptyDump(_ transfer: ReplicaTransfer) {
        let options = snapshotOptions()
        do throws(PersistenceError) {
            var writer = try RDBWriter(
                sink: ChannelSink(channel: transfer.channel),
                options: RDBWriterOptions(
                    compression: options.compression, checksum: options.checksum, version: 10))
            try writer.begin(auxiliary: options.auxiliary.map { ($0.name, $0.value) })
            try writer.finish()
            transfer.channel.finish()
        } catch {
            fail(transfer, error)
        }
    }

    // MARK: - On the way

    private func begin(_ transfer: ReplicaTransfer, _ form: DumpForm) {
        transfer.hasBegun = true
        let now = loop.clock.pointee.monotonicMilliseconds
        for replica in transfer.members where !replica.isClosing {
            act(on: replica.link.dumpBegins(form, mark: transfer.mark, now), replica)
        }
    }

    private func advance(_ transfer: ReplicaTransfer) {
        guard !transfer.members.isEmpty else { return abandon(transfer) }
        let heap = keyspace.memory.pointee.heap
        while !transfer.isOver, transfer.mayGive(), let chunk = transfer.channel.pop() {
            if !transfer.hasBegun { begin(transfer, .marked) }
            if transfer.members.count == 1 {
                transfer.members[0].giveOwned(chunk)
                replication.counters.outputBytes += Int64(chunk.count)
            } else {
                let block = chunk.block(heap)
                for replica in transfer.members where !replica.isClosing {
                    replica.give(block)
                    replication.counters.outputBytes += Int64(chunk.count)
                }
                block.release(heap)
            }
        }
        if transfer.channel.isExhausted && !transfer.isOver { finish(transfer) }
    }

    private func finish(_ transfer: ReplicaTransfer) {
        end(transfer)
        let now = loop.clock.pointee.monotonicMilliseconds
        for replica in transfer.members where !replica.isClosing {
            let action = replica.link.dumpSent(end: streamEnd, now)
            log.write(
                .notice,
                transfer.isMarked
                    ? "Streamed replica with replica \(replica.name) (socket). Waiting for REPLCONF"
                        + " ACK from replica to enable streaming"
                    : "Synchronization with replica \(replica.name) succeeded")
            act(on: action, replica)
        }
        replication.hasNews = true
        updateGoodReplicas()
    }

    private func fail(_ transfer: ReplicaTransfer, _ error: PersistenceError) {
        log.write(.warning, "Full resync failed: \(error)")
        end(transfer)
        for replica in transfer.members {
            act(on: replica.link.snapshotFailed(), replica)
        }
    }

    /// Nobody is left.
    private func abandon(_ transfer: ReplicaTransfer) {
        guard !transfer.isOver else { return }
        if transfer.job != nil {
            log.write(
                .notice, "Diskless rdb transfer, last replica dropped, killing fork child.")
        }
        end(transfer)
    }

    private func end(_ transfer: ReplicaTransfer) {
        transfer.isOver = true
        transfer.channel.cancel()
        for replica in transfer.members { replica.transfer = nil }
        if let job = transfer.job { abandon(job, .cancelled) }
        transfer.job = nil
    }

    /// A replica has gone.
    func leaveTransfer(_ replica: Replica) {
        guard let transfer = replica.transfer else { return }
        replica.transfer = nil
        transfer.members.removeAll { $0 === replica }
        loop.requestTurn()
    }
}

/// What a thread leaves for the loop, which looks only when the thread has ended.
private final class SpoolPlace: @unchecked Sendable {
    var spool: DumpSpool?
    var isWhole = false
}

/// Writes into a channel that has room.
private struct ChannelSink: ByteSink {
    let channel: ChunkChannel

    mutating func write(_ bytes: ByteView) throws(PersistenceError) {
        _ = channel.push(bytes)
    }
}

extension ChunkChannel.Chunk {
    /// The bytes in a block that may be shared; consumes the chunk.
    fileprivate func block(_ heap: UnsafeMutablePointer<Heap>) -> ReferencedBlock {
        let block = ReferencedBlock(copying: ByteView(base, count: count), heap: heap)
        ChunkChannel.dispose(self)
        return block
    }
}
