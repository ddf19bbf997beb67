// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicationHistory: which history of writes this server has, and how much of it.
//
// A master numbers the bytes of its command stream from 1 on; its offset is the number of the last
// one. Who has the same id and the same offset has the same data, so a replica that comes back asks
// for the bytes behind its own offset and, if they are still in the backlog, gets only those.
//
//     bytes     1 ............................ 900 | 901 ..................... 1200
//     history   the old master's id (secondID)     | our own id, since the promotion (id)
//                                secondOffset = 901                     offset = 1200
//
// Promotion keeps the past: the old id becomes the second one and is good up to and including the
// request for byte `secondOffset`, which is the first that the old master never sent us. So the
// other replicas of the old master go on with us, and those that received more from it than we did
// do not, because what they have beyond that byte is not in our history.
//
// It must not know the backlog's memory (only its range), sockets, or what the bytes mean.

/// The numbers of the bytes that a backlog still holds.
struct BacklogRange: Equatable, Sendable {
    /// The first byte that can be sent.
    var first: Int64
    /// The byte that the stream will have next; the range is empty if it is also the first.
    var end: Int64

    var count: Int64 { end - first }
}

/// The answer to a replica that asks to go on.
enum ResyncDecision: Equatable, Sendable {
    /// It gets the stream from this byte on.
    case partial(from: Int64)
    /// It gets a snapshot.
    case full(FullResyncReason)
}

/// Why a replica cannot go on from where it is.
enum FullResyncReason: Equatable, Sendable {
    /// It did not ask to: its id is "?", or it sent SYNC.
    case requested
    /// Its history is not ours.
    case unknownID
    /// Its history was ours up to `secondOffset`, and it has more of it than we do.
    case beyondSecondOffset
    /// There is no backlog, or it does not reach back that far.
    case lackOfBacklog
    /// It asks for bytes that do not exist yet.
    case aheadOfStream

    /// Whether it counts as a failed attempt (`sync_partial_err` of INFO).
    var isFailedAttempt: Bool { self != .requested }
}

/// The answer to a master that hands over to us (PSYNC with FAILOVER).
enum HandOverDecision: Equatable, Sendable {
    /// Become a master now, then answer the request like any other.
    case promote
    /// We have been promoted from that history: the answer to an earlier request was lost. Answer
    /// like any other. (Redis refuses, and then there are two masters.)
    case isPromoted
    /// It is not our master, or not of our history.
    case refuse
}

/// The id pair and the offset of one server.
struct ReplicationHistory: Equatable, Sendable {
    /// The history that the next byte belongs to (`master_replid`).
    private(set) var id: ReplicationID
    /// The history before the last change of ids (`master_replid2`).
    private(set) var secondID = ReplicationID.none
    /// The first byte that may not be asked for under `secondID` is the one after this; -1 without
    /// a second id (`second_repl_offset`).
    private(set) var secondOffset: Int64 = -1
    /// The number of the last byte of the stream (`master_repl_offset`).
    private(set) var offset: Int64

    /// A history that begins here.
    init(drawnFrom random: inout RandomSource) {
        id = ReplicationID(drawnFrom: &random)
        offset = 0
    }

    /// The history that a dump says its data is: for a server that starts from it.
    init(id: ReplicationID, offset: Int64) {
        self.id = id
        self.offset = max(0, offset)
    }

    /// The first byte that this server does not have: what it asks a master for.
    var nextByte: Int64 { offset + 1 }

    /// The stream has got longer.
    @inline(__always)
    mutating func advance(by count: Int) {
        assert(count >= 0)
        offset &+= Int64(count)
    }

    /// A replica becomes a master: what it had stays good under its old id.
    mutating func promote(_ random: inout RandomSource) {
        secondID = id
        secondOffset = nextByte
        id = ReplicationID(drawnFrom: &random)
    }

    /// The past is not worth keeping, because the backlog that could prove it is gone: its time to
    /// live has ended, or the data was replaced (DEBUG RELOAD of something else, a flush at load).
    /// The offset goes on, so that it never moves backwards.
    mutating func renew(_ random: inout RandomSource) {
        id = ReplicationID(drawnFrom: &random)
        forgetSecond()
    }

    /// A full resync has replaced our data with the master's.
    mutating func adopt(id: ReplicationID, offset: Int64) {
        self.id = id
        self.offset = max(0, offset)
        forgetSecond()
    }

    /// The master let us go on and named its history (+CONTINUE with an id). If the name is new,
    /// the old one stays good for what we have: our own replicas know it by that.
    ///
    /// - Returns: whether the id changed; then replicas of ours that do not take the stream as it
    ///   comes must be told (Redis disconnects them, and they come back with a PSYNC).
    mutating func follow(_ id: ReplicationID) -> Bool {
        guard id != self.id else { return false }
        secondID = self.id
        secondOffset = nextByte
        self.id = id
        return true
    }

    private mutating func forgetSecond() {
        secondID = .none
        secondOffset = -1
    }

    /// What to do with a request to take over a history.
    ///
    /// - Parameter isReplica: whether we have a master.
    func decideHandOver(requested: ByteView, isReplica: Bool) -> HandOverDecision {
        if isReplica { return id.matches(requested) ? .promote : .refuse }
        return secondOffset >= 0 && secondID.matches(requested) ? .isPromoted : .refuse
    }

    /// Whether a replica may go on.
    ///
    /// - Parameters:
    ///   - requested: the id it sent: any bytes.
    ///   - byte: the number of the first byte it wants: any number.
    ///   - range: what the backlog holds; nil without one.
    func decide(requested: ByteView, byte: Int64, range: BacklogRange?) -> ResyncDecision {
        if !id.matches(requested) {
            if requested.count > 0 && requested[0] == UInt8(ascii: "?") { return .full(.requested) }
            // Without a second id its offset is -1; nobody is at home under 40 zeros.
            guard secondOffset >= 0, secondID.matches(requested) else { return .full(.unknownID) }
            guard byte <= secondOffset else { return .full(.beyondSecondOffset) }
        }
        guard let range, byte >= range.first else { return .full(.lackOfBacklog) }
        guard byte <= range.end else { return .full(.aheadOfStream) }
        return .partial(from: byte)
    }
}
