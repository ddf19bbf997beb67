// SPDX-License-Identifier: BSD-3-Clause
//
// MasterLink: a master's side of the link to one replica, as a value. Events go in, what to do
// comes out; it knows no socket, no clock, no data, and only the numbers of the backlog.
//
//     introducing -PSYNC-> online                              +CONTINUE id, the stream
//                 -PSYNC, SYNC-> waiting                       newline each second
//       waiting   -snapshotStarted-> preparing                 +FULLRESYNC id offset; newlines
//       preparing -dumpBegins-> sending                        $EOF:mark or $count
//       sending   -dumpSent-> acknowledging (marked)           the mark; the stream waits
//                          -> online (counted)                 the stream
//                          -> finished (rdb-only)              closed when all is sent
//       acknowledging -REPLCONF ACK-> online                   the stream
//
// A replica that got a marked dump reads on until it has loaded it and says so; only then may the
// stream follow, because what comes behind the mark in one piece would be lost to older replicas.
// INFO calls it online from the mark on, as Redis does.
//
// A replica that has replicas sends them its own master's stream, byte for byte. While that master
// is away there is nothing to send: a keepalive would be in nobody else's stream, and replicas of
// Redis 7 count a newline, too. So theirs is a silence, which they bear for `repl-timeout`.
//
// The stream is in the shared backlog, where the owner gives the replica a reader from the moment
// its snapshot starts (or its PSYNC is granted). How much of it the replica has not taken is
// limited, with one exception that Redis does not make: what had gathered when the stream began is
// the price of the resync itself, and no reason to drop the replica and begin again.
//
// Acknowledged offsets never move backwards, and a replica cannot acknowledge what was never
// written.

/// What the owner of the link is to do.
enum MasterLinkAction: Equatable, Sendable {
    /// Nothing beside what always holds: if `output` has bytes now, send them, then
    /// `clearOutput()`.
    case none
    /// From byte `from` on, the stream is to be sent.
    case startStream(from: Int64)
    /// Close when all is sent: the replica wanted the dump alone.
    case finish
    /// Close at once.
    case drop(MasterLinkFailure)
    /// The event cannot happen in this state: a defect of the owner, which nothing followed from.
    case impossible(String)
}

/// Why a replica was dropped.
enum MasterLinkFailure: Equatable, Sendable {
    case streamTimeout
    case transferTimeout
    case snapshotFailed
    /// It is too slow: its part of the stream passed the output limits, or the backlog's.
    case tooFarBehind

    /// The log's line without the replica's address, which follows a colon.
    var text: StaticString {
        switch self {
        case .streamTimeout: "Disconnecting timedout replica (streaming sync)"
        case .transferTimeout: "Disconnecting timedout replica (full sync)"
        case .snapshotFailed: "SYNC failed. BGSAVE child returned an error"
        case .tooFarBehind: "Disconnecting replica: it is too far behind the stream"
        }
    }
}

/// `client-output-buffer-limit replica`: bytes and seconds; zero is no limit.
struct ReplicaOutputLimits: Equatable, Sendable {
    var hardBytes = 256 << 20
    var softBytes = 64 << 20
    var softMilliseconds: Int64 = 60_000
}

/// A master's link to a replica.
struct MasterLink: ~Copyable {
    /// A replica that waits for its dump hears from us so often: milliseconds.
    static let newlineInterval: Int64 = 1000

    enum State: Equatable, Sendable {
        /// REPLCONF, and nothing asked for yet.
        case introducing
        case waiting
        case preparing(after: Int64)
        case sending(after: Int64, DumpForm)
        case acknowledging(after: Int64)
        case online
        case finished
    }

    var options = ReplicaOptions()
    private(set) var state = State.introducing
    /// What is to be sent after an event, whatever its action was; empty most of the time.
    private(set) var output = ByteBuffer()
    /// The bytes that the replica has applied, by its own word.
    private(set) var acknowledged: Int64 = 0
    /// The bytes that the replica has on disk, by its own word.
    private(set) var acknowledgedSynced: Int64 = 0
    /// When it last spoke: milliseconds of the monotonic clock.
    private(set) var heardAt: Int64 = 0
    private var mark: ReplicationMark?
    private var newlineAt: Int64 = 0
    private var isSync = false
    /// The byte up to which the stream is its resync's; see the header.
    private var resyncEnd: Int64 = 0
    /// Since when it has been over the soft limit; nil if it is not.
    private var overSoftSince: Int64?

    init() {}

    /// The bytes of `output` were taken.
    mutating func clearOutput() { output.removeAll() }

    // MARK: - The beginning

    /// PSYNC or SYNC was answered with `decision`.
    ///
    /// - Parameters:
    ///   - isSync: the old command, which has no +FULLRESYNC in its reply.
    ///   - id: the history that a +CONTINUE names.
    ///   - end: the number that the stream's next byte will have.
    mutating func resync(
        _ decision: ResyncDecision, isSync: Bool, id: ReplicationID, end: Int64, _ now: Int64
    ) -> MasterLinkAction {
        switch state {
        case .introducing:
            heardAt = now
            self.isSync = isSync
            switch decision {
            case .full:
                state = .waiting
                newlineAt = now
                return .none
            case .partial(let byte):
                output.append("+CONTINUE")
                if options.understandsPsync2 {
                    output.append(" ")
                    id.append(to: &output)
                }
                output.append("\r\n")
                // It has asked for what follows the bytes it has.
                acknowledged = byte - 1
                state = .online
                resyncEnd = end
                return .startStream(from: byte)
            }
        case .waiting, .preparing, .sending, .acknowledging, .online, .finished:
            return .impossible("a replica asks once; further requests are ignored before this")
        }
    }

    /// Its snapshot was taken: the data up to byte `offset` of the history `id`.
    mutating func snapshotStarted(
        id: ReplicationID, offset: Int64, _ now: Int64
    ) -> MasterLinkAction {
        switch state {
        case .waiting:
            if !isSync {
                output.append("+FULLRESYNC ")
                id.append(to: &output)
                output.append(" ")
                output.append(decimal: offset)
                output.append("\r\n")
            }
            state = .preparing(after: offset)
            newlineAt = now
            return .none
        case .introducing:
            return .impossible("nobody asked for a snapshot yet")
        case .preparing, .sending, .acknowledging, .online, .finished:
            return .impossible("the snapshot of this replica has been taken")
        }
    }

    /// The first bytes of the dump follow. The form must be one that the replica reads.
    mutating func dumpBegins(
        _ form: DumpForm, mark: ReplicationMark, _ now: Int64
    ) -> MasterLinkAction {
        switch state {
        case .preparing(let offset):
            switch form {
            case .marked:
                output.append("$EOF:")
                mark.append(to: &output)
                self.mark = mark
            case .counted(let count):
                output.append("$")
                output.append(decimal: count)
            }
            output.append("\r\n")
            state = .sending(after: offset, form)
            heardAt = now
            return .none
        case .introducing, .waiting:
            return .impossible("a dump is made of a snapshot, which has not been taken")
        case .sending, .acknowledging, .online, .finished:
            return .impossible("a replica gets one dump")
        }
    }

    /// The replica's socket took some of the dump.
    mutating func progressed(_ now: Int64) { heardAt = now }

    /// All of the dump was handed to the socket.
    ///
    /// - Parameter end: the number that the stream's next byte will have.
    mutating func dumpSent(end: Int64, _ now: Int64) -> MasterLinkAction {
        switch state {
        case .sending(let offset, let form):
            mark?.append(to: &output)
            mark = nil
            heardAt = now
            if options.wantsDumpOnly {
                state = .finished
                return .finish
            }
            resyncEnd = end
            switch form {
            case .marked:
                state = .acknowledging(after: offset)
                return .none
            case .counted:
                state = .online
                return .startStream(from: offset + 1)
            }
        case .introducing, .waiting, .preparing:
            return .impossible("a dump that has not begun cannot have been sent")
        case .acknowledging, .online, .finished:
            return .impossible("a replica gets one dump")
        }
    }

    /// The snapshot or its writer failed.
    mutating func snapshotFailed() -> MasterLinkAction {
        switch state {
        case .waiting, .preparing, .sending:
            state = .finished
            return .drop(.snapshotFailed)
        case .introducing, .acknowledging, .online, .finished:
            // Not this replica's snapshot.
            return .none
        }
    }

    // MARK: - The stream

    /// REPLCONF ACK. Offsets that are lower than earlier ones or higher than what was written count
    /// as signs of life and nothing more.
    mutating func acknowledge(
        _ offset: Int64, synced: Int64?, end: Int64, _ now: Int64
    ) -> MasterLinkAction {
        switch state {
        case .acknowledging(let start):
            note(offset, synced: synced, end: end, now)
            state = .online
            resyncEnd = end
            return .startStream(from: start + 1)
        case .online:
            note(offset, synced: synced, end: end, now)
            return .none
        case .sending:
            // `redis-cli --replica` and its like report from the start.
            heardAt = now
            return .none
        case .introducing, .waiting, .preparing, .finished:
            // A peer may send anything.
            return .none
        }
    }

    /// A newline, or anything else: the replica lives.
    mutating func heard(_ now: Int64) { heardAt = now }

    /// Time has passed; call it at least each second.
    ///
    /// - Parameter timeout: `repl-timeout` in milliseconds.
    mutating func tick(_ now: Int64, timeout: Int64) -> MasterLinkAction {
        switch state {
        case .waiting, .preparing:
            // We are the silent side.
            guard now - newlineAt >= Self.newlineInterval else { return .none }
            newlineAt = now
            output.append(ReplicationStream.newline)
            return .none
        case .sending:
            return now - heardAt > timeout ? .drop(.transferTimeout) : .none
        case .acknowledging, .online:
            return now - heardAt > timeout ? .drop(.streamTimeout) : .none
        case .introducing, .finished:
            // An ordinary client, and one that is closed as soon as it has read.
            return .none
        }
    }

    /// Whether the replica is so far behind that it must go.
    ///
    /// - Parameters:
    ///   - position: the number of the first byte of the stream that its socket has not taken.
    ///   - end: the number that the stream's next byte will have.
    ///   - kept: what the backlog would keep anyway (`repl-backlog-size`): it costs nothing.
    mutating func isTooFarBehind(
        position: Int64, end: Int64, kept: Int, limits: ReplicaOutputLimits, _ now: Int64
    ) -> Bool {
        switch state {
        case .introducing, .waiting, .preparing, .sending, .acknowledging, .finished:
            // Its own resync; the backlog's limit is the only one.
            return false
        case .online:
            let behind = Int(end - max(position, min(resyncEnd, end))) - kept
            if limits.hardBytes > 0 && behind >= limits.hardBytes { return true }
            guard limits.softBytes > 0, behind >= limits.softBytes else {
                overSoftSince = nil
                return false
            }
            let since = overSoftSince ?? now
            overSoftSince = since
            return now - since >= limits.softMilliseconds
        }
    }

    private mutating func note(_ offset: Int64, synced: Int64?, end: Int64, _ now: Int64) {
        heardAt = now
        if offset > acknowledged && offset < end { acknowledged = offset }
        if let synced, synced > acknowledgedSynced && synced < end { acknowledgedSynced = synced }
    }

    // MARK: - What others ask

    /// Whether it may be counted by WAIT and `min-replicas-to-write`.
    var isOnline: Bool {
        switch state {
        case .online, .acknowledging: true
        case .introducing, .waiting, .preparing, .sending, .finished: false
        }
    }

    /// Seconds since it was last heard of; zero unless it is online.
    func lag(_ now: Int64) -> Int64 { isOnline ? max(0, now - heardAt) / 1000 : 0 }

    /// The state as INFO says it.
    var infoName: StaticString {
        switch state {
        case .introducing, .waiting, .preparing, .sending(_, .marked): "wait_bgsave"
        case .sending(_, .counted): "send_bulk"
        case .acknowledging, .online: "online"
        case .finished: "rdb_transmitted"
        }
    }
}
