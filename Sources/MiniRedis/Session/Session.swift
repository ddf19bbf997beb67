// SPDX-License-Identifier: BSD-3-Clause
//
// What a client is to the server, whatever carries its bytes: which database it has selected, which
// protocol it speaks, who it is, what it waits for. Knows no sockets.

/// The state of one client. Used through a pointer, by the loop alone.
struct Session: ~Copyable {
    /// Why requests of this session are not executed at the moment. 0: they are.
    struct Hold: OptionSet {
        var rawValue: UInt8

        /// A reply is being made in the background; it comes before anything else.
        static let waiting = Hold(rawValue: 1)
        /// The connection closes when its replies have left; nothing more is executed.
        static let closing = Hold(rawValue: 2)
        /// The next request may not run until CLIENT PAUSE is over; it stays where it is.
        static let paused = Hold(rawValue: 4)
        /// The connection closes at once: not even the replies it is owed leave.
        static let dropping = Hold(rawValue: 8)
        /// It waits for a key; what it sends meanwhile is received, and executed after.
        static let blocked = Hold(rawValue: 16)
        /// A master's stream has come to a place that whoever reads it has to know exactly.
        static let marked = Hold(rawValue: 32)
    }

    /// Why a request of this session takes the dispatcher's careful way. 0: it need not.
    struct Attention: OptionSet {
        var rawValue: UInt16

        /// AUTH comes first.
        static let unauthenticated = Attention(rawValue: 1)
        /// Replies are suppressed (CLIENT REPLY).
        static let silent = Attention(rawValue: 2)
        /// Requests are queued (MULTI).
        static let queueing = Attention(rawValue: 4)
        /// It listens to channels: in RESP2 it may do little else.
        static let subscribed = Attention(rawValue: 8)
        /// It is a replica: it may not touch keys, and nothing it sends may have a reply.
        static let replica = Attention(rawValue: 64)
        /// Its commands leave no trace of an access (CLIENT NO-TOUCH).
        static let untouching = Attention(rawValue: 16)
    }

    /// What CLIENT REPLY asked for.
    enum ReplyMode: UInt8 {
        case on, off
        /// The command after this one is not answered.
        case skipsNext
        /// This command is not answered.
        case skips
    }

    /// The classes that CLIENT LIST TYPE and the output limits tell apart.
    enum Kind: UInt8 {
        case normal, subscriber, replica, primary
    }

    /// What CLIENT LIST shows as letters.
    struct Traits: OptionSet {
        var rawValue: UInt8

        /// MONITOR: every command is told to this client.
        static let monitors = Traits(rawValue: 1)
        /// CLIENT NO-EVICT: is not closed to save memory.
        static let isKept = Traits(rawValue: 2)
        /// CLIENT NO-TOUCH: its commands do not count as accesses.
        static let doesNotTouch = Traits(rawValue: 4)
    }

    /// The client's number, never used twice.
    let id: Int64
    /// Milliseconds since the epoch.
    let connectedAt: Int64
    /// When it last sent something, milliseconds of the monotonic clock.
    var lastHeardAt: Int64
    /// The selected database.
    var databaseIndex = 0
    /// 2 or 3, as HELLO chose.
    var protocolVersion = 2
    private(set) var attention: Attention = []
    /// It has given a password that was right, or came when none was needed.
    private(set) var hasProvenIdentity: Bool
    /// Whether the peer is on this machine (loopback or a Unix socket).
    let isLocal: Bool
    var hold: Hold = []
    var kind = Kind.normal
    var traits: Traits = [] {
        didSet { setAttention(.untouching, traits.contains(.doesNotTouch)) }
    }
    var replyMode = ReplyMode.on {
        didSet { setAttention(.silent, replyMode != .on) }
    }
    /// The reply that is being made in the background is not to be sent.
    var isAnswerUnwanted = false
    /// What was queued since MULTI; nil outside of a transaction.
    var transaction: Transaction? {
        didSet { setAttention(.queueing, transaction != nil) }
    }
    /// How many channels it listens to.
    var subscriptions = SubscriptionCounts() {
        didSet {
            setAttention(.subscribed, !subscriptions.isEmpty)
            if kind == .normal && !subscriptions.isEmpty { kind = .subscriber }
            if kind == .subscriber && subscriptions.isEmpty { kind = .normal }
        }
    }
    /// Where the streams of effects ended after the command that ran last.
    var lastWrite = EffectPositions()
    /// The number of the command that ran last, or -1.
    var lastCommand = -1
    /// As HELLO SETNAME or CLIENT SETNAME gave it; empty if they did not.
    var name = ""
    /// As CLIENT SETINFO gave them.
    var libraryName = ""
    var libraryVersion = ""

    /// `now` is in milliseconds since the epoch.
    init(id: Int64, isAuthenticated: Bool, isLocal: Bool, now: Int64 = 0) {
        self.id = id
        self.isLocal = isLocal
        connectedAt = now
        lastHeardAt = now
        hasProvenIdentity = isAuthenticated
        setAttention(.unauthenticated, !isAuthenticated)
    }

    /// Whether commands may run without AUTH.
    var isAuthenticated: Bool { !attention.contains(.unauthenticated) }

    /// The password was right; or, with false, who this is has to be shown again.
    mutating func authenticate(_ isProven: Bool = true) {
        hasProvenIdentity = isProven
        setAttention(.unauthenticated, !isProven)
    }

    /// The server's password was set or removed.
    mutating func passwordChanged(isRequired: Bool) {
        setAttention(.unauthenticated, isRequired && !hasProvenIdentity)
    }

    /// PSYNC: the client is a replica from now on.
    mutating func becomesReplica() { setAttention(.replica, true) }

    private mutating func setAttention(_ reason: Attention, _ isOn: Bool) {
        if isOn { attention.insert(reason) } else { attention.remove(reason) }
    }

    // MARK: - CLIENT REPLY

    /// A command begins: whether its reply may have to be forgotten.
    mutating func beginSilence() -> Bool {
        if replyMode == .skipsNext { replyMode = .skips }
        return replyMode != .on
    }

    /// The command has ended: whether its reply is to be forgotten. CLIENT REPLY ON, which just
    /// ended the silence, is answered.
    mutating func endSilence() -> Bool {
        switch replyMode {
        case .on: return false
        case .off, .skipsNext: break
        case .skips: replyMode = .on
        }
        if !hold.isDisjoint(with: [.waiting, .blocked]) { isAnswerUnwanted = true }
        return true
    }
}
