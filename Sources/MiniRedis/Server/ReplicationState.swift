// SPDX-License-Identifier: BSD-3-Clause
//
// What the server is to its replicas and to its master, in one place: the history of its data, the
// last bytes of the command stream, and who reads them.
//
//     commands -> EffectLog -+
//                            +-> `append`: history.offset, backlog -> replicas, each at its pace
//     our master's stream ---+
//
// A master's stream is what its own effects say; a replica's is its master's, byte for byte. Both
// come in by `append`, so that offsets mean the same on every server of a chain.
//
// There is no stream until somebody wants one: the first replica, or a master that we follow. Then
// the backlog exists, and it goes when nobody has wanted it for `repl-backlog-ttl`.

/// The last bytes of the stream. Identity, because a backlog is no value that could be copied.
final class ReplicationStreamStore {
    var backlog: ReplicationBacklog

    init(_ backlog: consuming ReplicationBacklog) {
        self.backlog = backlog
    }
}

/// The server's part in replication. Identity; the server has one.
final class ReplicationState {
    enum Role: Equatable {
        case master
        /// Follows the master of `Settings.replicaOf`.
        case replica
    }

    var role = Role.master
    /// Which history our data belongs to. Its offset does not yet count what happened in this turn:
    /// that is `Server.masterOffset`.
    var history: ReplicationHistory
    /// nil: there is no stream.
    private(set) var store: ReplicationStreamStore?
    var random = RandomSource()
    private let heap: UnsafeMutablePointer<Heap>

    // MARK: - The master's side

    /// Those that have sent PSYNC or SYNC, in that order.
    var replicas: [Replica] = []
    /// Dumps that are being made or sent.
    var transfers: [ReplicaTransfer] = []
    /// Since when there is no replica: monotonic milliseconds.
    var aloneSince: Int64 = 0
    /// When the last `ping` went into the stream, or the stream began: monotonic milliseconds.
    var pingedAt: Int64 = 0
    /// Some replica waits for a snapshot to begin.
    var isSomebodyWaiting = false
    /// Spools that were made: their numbers.
    var spools = 0
    /// Bytes of the stream were added that no replica has been given.
    var hasNews = false
    var counters = Counters()

    // MARK: - The replica's side, as the master's needs it

    /// The link to our master is up: whoever follows us may synchronise.
    var isMasterLinkUp = false
    /// A coordinated failover is under way: nobody may synchronise.
    var isFailingOver = false
    /// As INFO says it.
    var failoverState = "no-failover"
    /// INFO's fields about our master.
    var masterFacts: (() -> [(String, String)])?
    /// ROLE's reply while we follow a master.
    var tellRole: ((ReplyWriter) -> Void)?
    /// Our master has asked how far we are.
    var answerMaster: (() -> Void)?
    /// A replica has acknowledged something.
    var acknowledged: ((Replica) -> Void)?
    /// Ends following a master, for this reason.
    var becomeMaster: ((String) -> Void)?

    /// What INFO counts.
    struct Counters {
        var fullSyncs = 0
        var partialSyncs = 0
        var failedPartialSyncs = 0
        /// Bytes handed to replicas' sockets, dumps and stream.
        var outputBytes: Int64 = 0
        /// Bytes received from our master.
        var inputBytes: Int64 = 0
    }

    init(heap: UnsafeMutablePointer<Heap>) {
        self.heap = heap
        history = ReplicationHistory(drawnFrom: &random)
    }

    // MARK: - The stream

    /// Begins to keep the stream behind `history.offset`, if it is not kept yet.
    func open(size: Int, limit: Int) {
        guard store == nil else { return }
        store = ReplicationStreamStore(
            ReplicationBacklog(after: history.offset, size: size, limit: limit, heap: heap))
    }

    /// Forgets the stream: its history was replaced, or nobody wants it. There must be no readers.
    func close() {
        store = nil
    }

    /// Adds bytes to the stream: our effects', or our master's as they came.
    func append(_ bytes: ByteView) {
        history.advance(by: bytes.count)
        guard let store else { return }
        store.backlog.append(bytes)
        hasNews = true
    }

    /// What can be sent again; nil without a stream.
    var range: BacklogRange? { store?.backlog.range }
}

extension Server {
    /// The number of the last byte of the stream, what this turn added included.
    var masterOffset: Int64 {
        let offset = keyspace.state.pointee.effects.replication.position
        return replication.role == .master && isStreaming ? offset : replication.history.offset
    }

    /// Whether our own effects are the stream.
    var isStreaming: Bool {
        keyspace.state.pointee.effects.audience.contains(.replicas)
    }

    /// Lets our effects be the stream from here on: this server is a master that somebody follows.
    func beginStreaming() {
        let settings = configuration.settings
        replication.open(size: settings.backlogBytes, limit: settings.backlogLimitBytes)
        guard !isStreaming else { return }
        replication.pingedAt = loop.clock.pointee.monotonicMilliseconds
        keyspace.state.pointee.effects.replication.restart(at: replication.history.offset)
        keyspace.state.pointee.effects.add(.replicas)
    }

    /// Our effects are no stream any more: nobody follows, or we follow a master.
    func endStreaming() {
        deliverEffects()
        keyspace.state.pointee.effects.remove(.replicas)
    }
}

extension Settings {
    /// Bytes of the stream that are kept without a replica.
    var backlogBytes: Int { Int(clamping: backlogSizeBytes) }

    /// Bytes that are kept for replicas that are behind: a full resync must fit.
    var backlogLimitBytes: Int { max(backlogBytes, Int(clamping: backlogMaxSizeBytes)) }

    /// `repl-timeout`, milliseconds.
    var replicationTimeout: Int64 { replicationTimeoutSeconds * 1000 }
}
