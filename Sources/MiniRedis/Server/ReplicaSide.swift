// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicaSide: what this server is to its master. It drives `ReplicaLink`, which decides, over a
// socket, a clock and a loader, which it does not know.
//
//     tick, socket -> ReplicaLink -> action -> connect, send, load, log            this file
//                                           -> dump -> ByteChannel -> a thread     +Transfer
//                                           -> stream -> a Client of kind .primary +Stream
//
// One connection at a time, and one life for each: an attempt, a handshake, a dump perhaps, a
// stream. Whatever ends it (the link's word, the socket's, REPLICAOF) goes through `letGo`.
//
// What the data are is said by `replication.history` alone. It changes with the data: when a dump
// has taken their place, and with each request of the stream that was executed. So an interrupted
// dump, or half a transaction, leaves a replica that is behind, and never one that is wrong.

/// A server's link to its master. Identity; the server has one, at rest while it is a master.
final class ReplicaSide {
    unowned let server: Server
    var link: ReplicaLink
    var failover = Failover()

    /// The attempt to connect, the handshake's connection, or the stream's.
    var attempt: OutgoingConnection?
    var connection: Connection?
    /// Who executes the stream.
    var client: Client?
    /// The dump that is being received or loaded.
    var transfer: DumpTransfer?
    var lastTransfer: UInt64 = 0
    /// The end of a load that does not count any more is still to come.
    var abandonedLoads = 0

    /// Does at once what is due when a link has broken.
    private var retryTimer: LoopTimer?

    /// Whether our data belong to a history that a master could go on with.
    var hasHistory = false
    /// The database that the stream had selected where it broke off.
    var streamDatabase = 0
    /// Whether the master was in sync with us since it was named: see `mayReplace`.
    var hasFollowed = false
    /// The master offers nothing in exchange for our data, and is not believed.
    var isGuarding = false
    /// Since when the link is down: milliseconds of the monotonic clock; nil if it was never up.
    var downSince: Int64?
    /// The beginning of a transaction of the stream that was not executed yet.
    var unapplied = ByteBuffer()
    /// GETACK has come: the length of that request, bytes.
    var askedBytes: Int?
    /// The last GETACK was answered with this byte, which was executed and not on our disk.
    var owedDurability: Int64?

    init(server: Server) {
        self.server = server
        link = ReplicaLink(settings: ReplicaLinkSettings(), random: RandomSource())
    }

    /// Lets the master's side ask what it must know.
    func wire() {
        replication.masterFacts = { [unowned self] in facts() }
        replication.tellRole = { [unowned self] in replyRole($0) }
        replication.answerMaster = { [unowned self] in
            server.askedByMaster(server.frame.pointee.request, from: server.frame.pointee.session)
        }
        replication.acknowledged = { [unowned self] _ in server.continueFailover() }
        replication.becomeMaster = { [unowned self] reason in
            server.becomeMaster()
            log(.notice, "MASTER MODE enabled (\(reason))")
        }
    }

    var replication: ReplicationState { server.replication }
    var now: Int64 { server.loop.clock.pointee.monotonicMilliseconds }
    var master: MasterAddress? { server.configuration.settings.replicaOf }

    func log(_ level: Log.Level, _ text: String) { server.log.write(level, text) }

    // MARK: - Beginning and ending

    /// There is a (new) master to follow.
    func start() {
        letGo()
        hasFollowed = false
        isGuarding = false
        downSince = nil
        updateSettings()
        link.start(now)
        guard let master else { return }
        log(.notice, "Connecting to MASTER \(master.host):\(master.port)")
    }

    /// There is no master any more.
    func stop() {
        letGo()
        abandonTransfer()
        link.stop()
        isGuarding = false
    }

    /// What the link must know of the settings.
    func updateSettings() {
        let settings = server.configuration.settings
        let announced = settings.replicaAnnouncedPort
        let port = announced == 0 ? settings.port : announced
        link.settings = ReplicaLinkSettings(
            timeout: settings.replicationTimeout, listeningPort: Int(port),
            announcedAddress: settings.replicaAnnouncedAddress, user: settings.masterUser,
            password: settings.masterPassword)
    }

    /// Called ten times a second.
    func tick() {
        server.continueFailover()
        guard replication.role == .replica else { return }
        // The master is not silent where it is we who do not read.
        if connection?.isReading == false { link.heard(now) }
        act(
            link.tick(now, applied: replication.history.offset, synced: server.durableOffset))
    }

    /// Gives the connection up, or the attempt; a dump that is whole is loaded to its end.
    func letGo() {
        attempt?.cancel()
        attempt = nil
        endStream()
        if transfer?.isWhole != true { abandonTransfer() }
        let old = connection
        connection = nil
        old?.close()
        link.clearOutput()
        server.updateReplicaRefusals()
    }

    // MARK: - Actions

    func act(_ action: ReplicaLinkAction) {
        switch action {
        case .none, .send, .stream, .transfer: break
        case .connect: connect()
        case .notice(let notice): log(.notice, notice.text)
        case .disconnect(let failure): giveUp(failure)
        case .beginFullResync(let id, let offset): expectDump(id, offset: offset)
        case .fallBack(let reply):
            log(.notice, "Master does not support PSYNC or is in error state (reply: \(reply))")
            log(.notice, "Retrying with SYNC...")
            expectDump(nil, offset: 0)
        case .beginTransfer(let form): beginTransfer(form)
        case .endTransfer: endTransfer()
        case .resume(let id): resume(id)
        case .impossible(let text):
            log(.warning, "Replication link: \(text)")
            assertionFailure(text)
        }
        send()
    }

    /// Sends what the link has written.
    private func send() {
        guard !link.output.isEmpty else { return }
        if let connection, !connection.isClosing {
            connection.beginOutput()
            server.loop.output.pointee.append(link.output.view.base, count: link.output.count)
            connection.endOutput()
        }
        link.clearOutput()
    }

    private func connect() {
        guard let master else { return }
        log(.notice, "MASTER <-> REPLICA sync started")
        let address = OutgoingAddress(
            host: master.host, port: UInt16(clamping: master.port),
            source: server.configuration.settings.bindSourceAddress,
            timeout: UInt64(max(1, server.configuration.settings.replicationTimeout)))
        attempt = OutgoingConnection(loop: server.loop, to: address) { [weak self] result in
            self?.attemptEnded(result)
        }
    }

    private func attemptEnded(_ result: Result<Connection, NetworkError>) {
        attempt = nil
        switch result {
        case .success(let connection):
            log(.notice, "Non blocking connect for SYNC fired the event.")
            self.connection = connection
            connection.delegate = self
            act(link.connected(now, request: request))
            connection.start()
        case .failure(let error):
            log(.warning, "Error condition on socket for SYNC: \(error)")
            act(link.connectFailed(now))
        }
    }

    private var request: PsyncRequest {
        let history = replication.history
        guard hasHistory else { return .full }
        var isFailover = false
        if case .handingOver = failover.state { isFailover = true }
        return PsyncRequest(
            id: history.id, nextByte: history.nextByte, isFailover: isFailover)
    }

    private func giveUp(_ failure: ReplicaLinkFailure) {
        log(.warning, failure.text)
        if client != nil { downSince = now }
        letGo()
        // After a link that has lasted the next one is due at once.
        let timer = retryTimer ?? LoopTimer(loop: server.loop) { [unowned self] in tick() }
        retryTimer = timer
        timer.start(afterMilliseconds: 0)
        if case .failoverRefused = failure { perform(failover.answered(accepted: false)) }
    }

    /// The master goes on from where we are.
    private func resume(_ id: ReplicationID?) {
        log(.notice, "Successful partial resynchronization with master.")
        server.openStreamOfMaster()
        if let id, replication.history.follow(id) {
            log(.warning, "Master replication ID changed to \(id.text)")
            server.dropReplicas()
        }
        acceptedByMaster()
        log(.notice, "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.")
    }

    /// The master has taken us on, with the data that we have or with its own.
    func acceptedByMaster() {
        if case .handingOver = failover.state { perform(failover.answered(accepted: true)) }
    }
}

// MARK: - The handshake's input

extension ReplicaSide: ConnectionDelegate {
    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int {
        server.turnBegan()
        var at = 0
        while connection === self.connection {
            let step = link.receive(ByteView(bytes + at, count: count - at), now)
            let part = ByteView(bytes + at, count: step.consumed)
            at += step.consumed
            switch step.action {
            case .none:
                act(.none)
                guard step.consumed > 0, at < count else { return at }
            case .transfer:
                guard push(part, connection) else { return at }
            case .stream:
                return at + beginStream(on: connection, bytes + at, count - at)
            default:
                act(step.action)
            }
        }
        return count
    }

    func connectionFilled(_ connection: Connection) {}

    func connectionInputTooLarge(_ connection: Connection) { connection.close() }

    func connectionEnded(_ connection: Connection) { connection.close() }

    func connectionDrained(_ connection: Connection) {}

    func connectionClosed(_ connection: Connection) {
        guard connection === self.connection else { return }
        act(link.closed(now))
    }
}
