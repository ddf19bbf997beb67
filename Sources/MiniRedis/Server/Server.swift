// SPDX-License-Identifier: BSD-3-Clause
//
// Server: the composition root. It builds the parts, wires them, runs them and ends them; it
// decides nothing itself.
//
//     run:    settings -> listeners -> dump -> "Ready to accept connections" -> turns -> end
//     a turn: reads -> dispatcher -> replies; then what is due: keys to expire, memory to free,
//             queued clients
//
// Its other aspects: what commands may ask of it (`ServerAdministration`), work off the loop
// (`Server+Jobs`), INFO (`InfoReport`).

import Glibc

/// A running server.
final class Server {
    let configuration: Configuration
    let log = Log()
    let loop: EventLoop
    let keyspace: Keyspace
    let commandTable: CommandTable
    let frame: UnsafeMutablePointer<ExecutionFrame>
    let dispatcher: UnsafeMutablePointer<Dispatcher>
    let runID: String
    let cycleClock = CycleClock()
    let startedAt: Int64
    var statistics = ServerStatistics()
    var persistence = PersistenceStatus()
    /// What is being loaded, if anything is.
    var loading: LoadingState?
    var operations = OperationRate()
    let observers = Observers()
    var effectTakers = EffectTakers()
    let appendOnly = AppendOnlyState()
    var acknowledgementWaits = AcknowledgementWaits()
    let replication: ReplicationState
    private(set) lazy var replica = ReplicaSide(server: self)
    var process: ProcessState
    /// Bytes that the keyspace took before it had a key.
    private(set) var startupMemory = 0
    /// The connection whose requests are being executed.
    unowned(unsafe) var currentConnection: Connection?
    var clients: [Int64: Client] = [:]
    var nextClientID: Int64 = 1
    /// Who listens to what.
    var channels: Channels
    /// What was published to the client whose request is being executed.
    var deferred = ByteBuffer()
    /// When the first of the waits for keys is over.
    var waitTimer = WaitTimer()
    var queuedClients: [Client] = []
    var listeners: [Listener] = []
    /// What concerns all clients at once.
    var clientControl = ClientControl()
    var signals: [SignalSource] = []
    var metrics: MetricsEndpoint?
    private var expiryTimer: LoopTimer?
    private var timerDeadline: Int64?
    private var secondTimer: LoopTimer?
    let protocolLimits: UnsafeMutablePointer<ProtocolLimits>
    private var sessionOfNobody: UnsafeMutablePointer<Session>
    /// The status to end the process with, once the server has decided to.
    var exitStatus: Int32?
    /// The server has been told to end, and saves or stops.
    var isEnding = false
    /// What writes the keyspace somewhere in the background.
    var snapshotJobs = SnapshotJobs()
    /// Says that this process works on the dump.
    var dataLock: DataLock?
    /// What waits for the running save's end.
    var afterSave: (() -> Void)?
    /// Whoever asked for the end, to be told if the save before it fails.
    var afterFailedEnd: [() -> Void] = []
    /// One of them wants the end even so.
    var isEndForced = false
    /// KEYS that wait until fewer are being answered.
    var waitingKeys: [KeysRequest] = []
    var runningKeys = 0
    /// The most that the keyspace has taken, bytes.
    private(set) var peakMemory = 0

    /// Due keys that are removed in one turn, and nodes that are freed: each about a third of a
    /// millisecond.
    private static let expiryBudget = 500
    private static let freeingBudget = 800

    init(_ configuration: Configuration, _ process: ProcessState) throws(NetworkError) {
        self.configuration = configuration
        self.process = process
        loop = try EventLoop()
        var random = RandomSource()
        runID = random.hexadecimal(40)
        keyspace = Keyspace(
            databaseCount: Int(configuration.settings.databases), hasher: KeyHash(random: &random))
        replication = ReplicationState(heap: keyspace.memory.pointee.heap)
        channels = Channels(hasher: KeyHash(random: &random))
        commandTable = CommandTable(
            AllCommands.declarations(), renamed: configuration.settings.newCommandNames)
        protocolLimits = .allocate(capacity: 2)
        sessionOfNobody = .allocate(capacity: 1)
        sessionOfNobody.initialize(to: Session(id: 0, isAuthenticated: false, isLocal: true))
        frame = .allocate(capacity: 1)
        dispatcher = .allocate(capacity: 1)
        loop.clock.pointee.refresh()
        startedAt = loop.clock.pointee.unixMilliseconds
        keyspace.state.pointee.setTime(startedAt)
        initializeFrame()
        dispatcher.initialize(to: Dispatcher(frame: frame, table: commandTable, keyspace: keyspace))
        protocolLimits.initialize(
            to: ProtocolLimits(bulkLength: 0, isAuthenticated: false))
        (protocolLimits + 1).initialize(
            to: ProtocolLimits(bulkLength: 0, isAuthenticated: true))
        log.open(configuration.settings)
        prepareCrashReports()
        applySettings()
        wireLoop()
        wireClientSettings()
        wireProcessSettings()
        wireAppendOnlySettings()
        wireObservers()
        replica.wire()
        wireReplication()
        startupMemory = keyspace.allocatedBytes
    }

    private func initializeFrame() {
        frame.initialize(
            to: ExecutionFrame(
                request: .empty(sessionOfNobody),
                database: keyspace.databases,
                reply: ReplyWriter(buffer: loop.output, version: 2), session: sessionOfNobody,
                longestString: 0,
                references: { [unowned(unsafe) self] base, count, owner in
                    // What CLIENT REPLY suppresses cannot be taken back from a socket's queue.
                    if frame.pointee.session.pointee.attention.contains(.silent) {
                        return loop.releaseReference(owner)
                    }
                    // Nobody is to get the replies to what is replayed.
                    guard let connection = currentConnection else {
                        return loop.releaseReference(owner)
                    }
                    connection.appendReference(
                        UnsafeMutableRawPointer(mutating: base), count: count, owner: owner)
                },
                administration: self))
    }

    /// Takes over the settings that parts of the server hold copies of.
    func applySettings() {
        let settings = configuration.settings
        let bulkLength = Int64(clamping: settings.maxBulkLengthBytes)
        frame.pointee.longestString = Int(bulkLength)
        protocolLimits[0] = ProtocolLimits(bulkLength: bulkLength, isAuthenticated: false)
        protocolLimits[1] = ProtocolLimits(bulkLength: bulkLength, isAuthenticated: true)
        frame.pointee.queueLimit = Int(clamping: settings.queryBufferLimitBytes)
        keyspace.state.pointee.changeLog.published = settings.keyspaceEvents
        dispatcher.pointee.updateAttention()
        applyMemorySettings()
        updateDiskAttention()
        log.level = settings.logLevel.level
        updateOutputLimits()
        applyClientMemoryLimit()
        applyObserverSettings()
        replica.updateSettings()
        updateReplicaRefusals()
        applyReplicationSettings()
        loading?.progress?.delayMicroseconds = Int(settings.keyLoadDelayMicroseconds)
    }

    private func wireLoop() {
        loop.beforeSleep = { [unowned self] in endTurn() }
        loop.beforeOutput = { [unowned self] in deliverEffects() }
        let heap = keyspace.memory.pointee.heap
        loop.releaseReference = { ReferencedBlock($0).release(heap) }
    }

    // MARK: - Life

    /// Listens, loads the dump while the loop runs, serves until it is told to end. Returns the
    /// process's exit status.
    func run() -> Int32 {
        announce()
        AllocatorTuning.returnMemoryInBackground(configuration.settings.jemallocBackgroundThread)
        fitClientsToOpenFiles()
        do throws(NetworkError) {
            try listen()
            settleProcess()
            guard lockData() else {
                leaveNoTrace()
                return 1
            }
            try watchSignals()
        } catch {
            return 1
        }
        startTimers()
        if configuration.settings.replicaOf != nil { replication.role = .replica }
        loadAtStart { [unowned self] in
            announceReadiness()
            if configuration.settings.replicaOf != nil { becomeReplicaAtStart() }
        }
        loop.run()
        closeAppendOnly()
        leaveNoTrace()
        return exitStatus ?? 0
    }

    private func announce() {
        let settings = configuration.settings
        log.write(.warning, "oO0OoO0OoO0Oo Mini-Redis is starting oO0OoO0OoO0Oo")
        log.write(
            .warning,
            "Redis version=\(Version.redis), Mini-Redis version=\(Version.server), bits=64, "
                + "pid=\(getpid()), just started")
        if let path = configuration.filePath {
            log.write(.warning, "Configuration loaded from \(path)")
        } else {
            log.write(.warning, "Warning: no config file specified, using the default config.")
        }
        log.raw(
            """

              Mini-Redis \(Version.server), compatible with Redis \(Version.redis), 64 bit
              Running in standalone mode
              Port: \(settings.port)
              PID: \(getpid())


            """)
        log.write(.warning, "Server initialized")
    }

    private func startTimers() {
        expiryTimer = LoopTimer(loop: loop) { [unowned self] in timerDeadline = nil }
        secondTimer = LoopTimer(loop: loop) { [unowned self] in eachTick() }
        secondTimer?.start(afterMilliseconds: 100, repeating: 100)
        setExpiryTimer()
    }

    // MARK: - Turns

    /// Who cares for what becomes of keys.
    var followers: UnsafeMutablePointer<Followers> { dispatcher.pointee.followers }

    /// Gives the keyspace the time of this turn.
    @inline(__always)
    func turnBegan() {
        keyspace.state.pointee.setTime(loop.clock.pointee.unixMilliseconds)
    }

    /// The work that is left over, a slice of each kind; asks for another turn if there is more.
    private func endTurn() {
        turnBegan()
        if !queuedClients.isEmpty {
            let queued = queuedClients
            queuedClients.removeAll()
            for client in queued { client.takeTurn() }
        }
        continueReplay()
        if acknowledgementWaits.areDue { serveAcknowledgementWaits() }
        if replica.owedDurability != nil { replica.payDurability() }
        // What is replayed, or a master's, dies by its own commands.
        let repeats = keyspace.state.pointee.repeats || replication.role == .replica
        keyspace.state.pointee.keepsDueKeys = clientControl.pause != nil || repeats
        let start = CycleClock.cycles
        var expiresMore = keyspace.expireDue(budget: Self.expiryBudget)
        if keyspace.state.pointee.separatesOwnDeadlines && clientControl.pause == nil
            && keyspace.expireOwn(budget: Self.expiryBudget)
        {
            expiresMore = true
        }
        keyspace.state.pointee.effects.endUnit(isAtomic: false)
        let middle = CycleClock.cycles
        let freesMore = keyspace.doPendingWork(budget: Self.freeingBudget)
        observers.turn.expiryCycles = middle &- start
        observers.turn.freeingCycles = CycleClock.cycles &- middle
        let evictsMore =
            clientControl.pause == nil && dispatcher.pointee.isMemoryLimited
            && !keyspace.state.pointee.repeats && keyspace.isOverLimit
            && keyspace.evict(budget: Dispatcher.evictionBudget) == .unfinished
        keyspace.state.pointee.effects.endUnit(isAtomic: false)
        watchSnapshots()
        if dispatcher.pointee.hasChanges { dispatcher.pointee.settle() }
        deliverEffects()
        serveReplicas()
        if expiresMore || evictsMore || freesMore || !queuedClients.isEmpty { loop.requestTurn() }
        setExpiryTimer()
    }

    /// Sets the timer to the next key's death.
    private func setExpiryTimer() {
        guard let timer = expiryTimer, keyspace.state.pointee.expiresActively,
            !keyspace.state.pointee.keepsDueKeys
        else { return }
        let next = keyspace.nextDeadline
        guard next != timerDeadline else { return }
        timerDeadline = next
        guard let next else { return timer.stop() }
        let delay = max(0, next - keyspace.state.pointee.now)
        timer.start(afterMilliseconds: UInt64(delay))
    }

    private func eachTick() {
        tickAppendOnly()
        replica.tick()
        sweepClients()
        tickReplicas()
        updateSlowCycles()
        saveIfDue()
        // No timer is set to the keys that only this replica will remove.
        if keyspace.state.pointee.separatesOwnDeadlines { loop.requestTurn() }
        peakMemory = max(peakMemory, keyspace.allocatedBytes)
        dispatcher.pointee.shareCycles = UInt64(
            cycleClock.cyclesPerMicrosecond * Double(Dispatcher.shareMicroseconds))
        operations.sample(
            OperationRate.Counters(
                commands: totalCommands, traffic: loop.traffic.pointee,
                loop: loop.statistics.pointee,
                nanoseconds: loop.clock.pointee.monotonicNanoseconds))
    }

    /// Commands that were executed since the start or CONFIG RESETSTAT.
    var totalCommands: Int {
        (0..<commandTable.commands.count).reduce(0) { $0 + commandTable.statistics[$1].calls }
    }
}
