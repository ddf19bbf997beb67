// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicaLink: a replica's side of the link to its master, as a value. Events go in, what to do
// comes out; it knows no socket, no clock and no data.
//
//     idle -start-> waiting -tick-> connecting -connected-> pinging
//       pinging        PING                      +PONG, -NOAUTH, -NOPERM, -ERR operation not ...
//       authenticating AUTH [user] password      +OK          } sent in one segment;
//       announcingPort REPLCONF listening-port   +OK or error } the replies are
//       announcingAddress    REPLCONF ip-address +OK or error } awaited one
//       announcingCapabilities    REPLCONF capa  +OK or error } by one
//       asking         PSYNC id byte             +FULLRESYNC -> awaitingDump
//                                                +CONTINUE   -> streaming
//                                                -LOADING, -NOMASTERLINK -> waiting
//                                                -ERR        -> SYNC, awaitingDump
//       awaitingDump                             $EOF:mark   -> receiving, $n -> receiving
//       receiving                                the dump, then -> loading
//       loading        newline each second       loaded      -> streaming
//       streaming      REPLCONF ACK each second
//     any -failure-> waiting (an attempt is planned), any -stop-> idle
//
// Input is shown from its first unconsumed byte, and each step says how much of it is done with and
// one thing to do; the caller goes on until `.none` (more input is needed) or `.stream`. Lines end
// in "\n", the "\r" before it is optional, empty lines are the master's sign of life.
//
// The mark of a dump of unknown length may be cut anywhere: as long as it has not come, the last 39
// bytes are not consumed, for they may be its beginning. They are seen again with the next input.
//
// Next attempts: at once after a stream that lasted, else after a second, as Redis does, and a
// little later each time up to five seconds, with jitter, so that a master which comes back is not
// met by all its replicas in the same instant.
//
// Source: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ and recorded
// transcripts of Redis 7.0.15.

/// A replica's link to its master.
struct ReplicaLink: ~Copyable {
    /// A line of the handshake is no longer: bytes.
    static let longestLine = 1024
    /// A replica reports its offset, and says that it is loading, so often: milliseconds.
    static let reportInterval: Int64 = 1000
    /// And so often until the stream begins.
    static let firstReportInterval: Int64 = 100
    /// What a first attempt after a failed one waits: milliseconds. Each further one waits half a
    /// second more, up to `longestDelay`.
    static let firstDelay: Int64 = 1000
    static let longestDelay: Int64 = 5000

    enum State: Equatable, Sendable {
        case idle
        case waiting(until: Int64)
        case connecting
        case pinging
        case authenticating
        case announcingPort
        case announcingAddress
        case announcingCapabilities
        case asking
        case awaitingDump
        case receivingMarked
        case receivingCounted(remaining: Int64)
        case loading
        case streaming
    }

    /// What has been done with the input, and what is to be done.
    struct Step {
        /// The bytes at the front of the input that are done with.
        var consumed: Int
        var action: ReplicaLinkAction

        static let more = Step(consumed: 0, action: .none)
    }

    var settings: ReplicaLinkSettings
    private(set) var state = State.idle
    /// What is to be sent after an event, whatever its action was; empty most of the time.
    private(set) var output = ByteBuffer()
    /// When the master was last heard of: milliseconds of the monotonic clock.
    private(set) var heardAt: Int64 = 0
    /// When the stream was last up, or the link was started: for `master_link_down_since_seconds`.
    private(set) var downSince: Int64 = 0
    var request = PsyncRequest.full
    var mark: ReplicationMark?
    private var random: RandomSource
    private var reportedAt: Int64 = 0
    private var streamingSince: Int64 = 0
    private var failures: Int64 = 0

    /// An idle link. `random` is for the jitter.
    init(settings: ReplicaLinkSettings, random: RandomSource) {
        self.settings = settings
        self.random = random
    }

    /// The bytes of `output` were taken.
    mutating func clearOutput() { output.removeAll() }

    /// The master was heard of; also to be called while the owner itself reads nothing because its
    /// loader is behind, so that this is not taken for silence.
    mutating func heard(_ now: Int64) { heardAt = now }

    // MARK: - Events

    /// A master was named: the first attempt is due at once.
    mutating func start(_ now: Int64) {
        output.removeAll()
        failures = 0
        downSince = now
        state = .waiting(until: now)
    }

    /// There is no master any more. The owner closes the connection.
    mutating func stop() {
        output.removeAll()
        state = .idle
    }

    /// Time has passed; call it at `deadline`, or more often.
    ///
    /// - Parameter applied: the number of the last byte of the stream that was executed.
    mutating func tick(
        _ now: Int64, applied: Int64, synced: Int64? = nil
    ) -> ReplicaLinkAction {
        let isSilent = now - heardAt > settings.timeout
        switch state {
        case .idle:
            return .none
        case .waiting(let until):
            guard now >= until else { return .none }
            heardAt = now
            state = .connecting
            return .connect
        case .connecting, .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking:
            return isSilent ? giveUp(.connectTimeout, now) : .none
        case .awaitingDump, .receivingMarked, .receivingCounted:
            if isSilent { return giveUp(.transferTimeout, now) }
            return signOfLife(now)
        case .loading:
            // The master is silent by right: it waits for our first acknowledgement.
            return signOfLife(now)
        case .streaming:
            if isSilent { return giveUp(.streamTimeout, now) }
            // Redis hears no acknowledgement before it has noticed the end of its dump's child, and
            // sends nothing before it has heard one.
            let isAwaited = heardAt == streamingSince && now - streamingSince < Self.reportInterval
            let interval = isAwaited ? Self.firstReportInterval : Self.reportInterval
            guard now - reportedAt >= interval else { return .none }
            return report(applied, synced: synced, now)
        }
    }

    /// When `tick` may have something to do; nil: never.
    var deadline: Int64? {
        switch state {
        case .idle: nil
        case .waiting(let until): until
        case .connecting, .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking:
            heardAt + settings.timeout + 1
        case .awaitingDump, .receivingMarked, .receivingCounted, .streaming:
            min(heardAt + settings.timeout + 1, reportedAt + Self.reportInterval)
        case .loading: reportedAt + Self.reportInterval
        }
    }

    /// The connection is open; `request` is what to ask for.
    mutating func connected(_ now: Int64, request: PsyncRequest) -> ReplicaLinkAction {
        switch state {
        case .connecting:
            heardAt = now
            reportedAt = now
            self.request = request
            output.removeAll()
            RequestEncoder.begin(1, to: &output)
            RequestEncoder.argument("PING", to: &output)
            state = .pinging
            return .send
        case .idle, .waiting:
            return .impossible("no connection is wanted: the attempt was given up, close it")
        case .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking, .awaitingDump, .receivingMarked, .receivingCounted,
            .loading, .streaming:
            return .impossible("there is a connection already, and one attempt at a time")
        }
    }

    /// The connection could not be opened.
    mutating func connectFailed(_ now: Int64) -> ReplicaLinkAction {
        switch state {
        case .connecting:
            return giveUp(.connectRefused, now)
        case .idle, .waiting:
            // The attempt was given up while it was on its way.
            return .none
        case .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking, .awaitingDump, .receivingMarked, .receivingCounted,
            .loading, .streaming:
            return .impossible("an attempt that succeeded cannot fail any more: it closes")
        }
    }

    /// The connection is gone, whoever closed it.
    mutating func closed(_ now: Int64) -> ReplicaLinkAction {
        switch state {
        case .idle, .waiting:
            // The end of a connection that this link has given up, or that its owner stopped.
            return .none
        case .connecting:
            return giveUp(.connectRefused, now)
        case .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking, .awaitingDump, .receivingMarked, .receivingCounted,
            .loading, .streaming:
            return giveUp(.connectionLost, now)
        }
    }

    /// The dump was loaded and has taken the place of the data; its offset is `applied`.
    mutating func loaded(_ now: Int64, applied: Int64) -> ReplicaLinkAction {
        switch state {
        case .loading:
            beginStreaming(now)
            return report(applied, synced: nil, now)
        case .idle, .waiting:
            // The link was lost while the dump was loaded. The data is good; the next attempt
            // goes on from its offset.
            return .none
        case .connecting, .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking:
            // As above, and the next attempt is under way already.
            return .none
        case .awaitingDump, .receivingMarked, .receivingCounted:
            return .impossible("a dump that is not whole cannot have been loaded")
        case .streaming:
            return .impossible("a stream follows the dump, and comes after it was loaded")
        }
    }

    /// The dump is of no use. The data is what it was.
    mutating func loadFailed(_ now: Int64) -> ReplicaLinkAction {
        switch state {
        case .loading, .receivingMarked, .receivingCounted:
            // A loader that reads as the bytes come may find out before the end.
            return giveUp(.loadFailed, now)
        case .idle, .waiting, .connecting, .pinging, .authenticating, .announcingPort,
            .announcingAddress, .announcingCapabilities, .asking, .awaitingDump:
            // The loader's end of a transfer that was given up before.
            return .none
        case .streaming:
            return .impossible("the load that a stream waits for has ended")
        }
    }

    /// The master asks (GETACK) how far we are: `applied`, its question not included.
    mutating func asked(_ now: Int64, applied: Int64, synced: Int64? = nil) -> ReplicaLinkAction {
        switch state {
        case .streaming:
            return report(applied, synced: synced, now)
        case .idle, .waiting, .connecting, .pinging, .authenticating, .announcingPort,
            .announcingAddress, .announcingCapabilities, .asking, .awaitingDump, .receivingMarked,
            .receivingCounted, .loading:
            return .impossible("the question is part of the stream, and there is none")
        }
    }

    /// The next thing to do with the input, all of it that was not consumed so far.
    mutating func receive(_ input: ByteView, _ now: Int64) -> Step {
        if !input.isEmpty { heardAt = now }
        switch state {
        case .idle, .waiting:
            // What a connection that was given up still brings.
            return Step(consumed: input.count, action: .none)
        case .connecting:
            return Step(consumed: 0, action: .impossible("bytes before there is a connection"))
        case .pinging, .authenticating, .announcingPort, .announcingAddress,
            .announcingCapabilities, .asking, .awaitingDump:
            return receiveLine(input, now)
        case .receivingMarked:
            return receiveMarked(input)
        case .receivingCounted(let remaining):
            return receiveCounted(input, remaining: remaining)
        case .loading:
            // What follows the dump is the stream; it waits until there is something to apply it
            // to.
            return .more
        case .streaming:
            return Step(consumed: 0, action: .stream)
        }
    }

    // MARK: - What events share

    /// Ends the attempt and plans the next one.
    mutating func giveUp(_ failure: ReplicaLinkFailure, _ now: Int64) -> ReplicaLinkAction {
        let hasLasted = state == .streaming && now - streamingSince >= Self.reportInterval
        if state == .streaming { downSince = now }
        output.removeAll()
        mark = nil
        var delay: Int64 = 0
        if !hasLasted {
            delay = min(Self.firstDelay + failures * Self.firstDelay / 2, Self.longestDelay)
            delay += Int64(random.below(UInt64(delay) / 8 + 1))
            failures += 1
        }
        state = .waiting(until: now + delay)
        return .disconnect(failure)
    }

    mutating func enter(_ next: State) { state = next }

    /// From now on the input is the stream.
    mutating func beginStreaming(_ now: Int64) {
        state = .streaming
        streamingSince = now
        heardAt = now
        failures = 0
    }

    private mutating func report(
        _ applied: Int64, synced: Int64?, _ now: Int64
    ) -> ReplicaLinkAction {
        reportedAt = now
        ReplicationStream.acknowledge(applied, synced: synced, to: &output)
        return .send
    }

    private mutating func signOfLife(_ now: Int64) -> ReplicaLinkAction {
        guard now - reportedAt >= Self.reportInterval else { return .none }
        reportedAt = now
        output.append(ReplicationStream.newline)
        return .send
    }

    /// Lets the handshake write.
    mutating func write(_ body: (inout ByteBuffer) -> Void) { body(&output) }
}
