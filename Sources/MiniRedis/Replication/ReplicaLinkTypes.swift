// SPDX-License-Identifier: BSD-3-Clause
//
// What a replica's link to its master is told, what it wants done, and why it gives up: the
// vocabulary of `ReplicaLink`, with the log's words.

/// What the link must know of the configuration. It may change at any time; the handshake uses what
/// is set when it sends.
struct ReplicaLinkSettings: Sendable {
    /// Silence after which the link is given up (`repl-timeout`): milliseconds.
    var timeout: Int64 = 60_000
    /// The port that the master shows for this replica: `replica-announce-port` or our own.
    var listeningPort = 6379
    /// `replica-announce-ip`; empty: the master shows where the connection came from.
    var announcedAddress = ""
    /// `masteruser`; empty: the default user.
    var user = ""
    /// `masterauth`; empty: no AUTH.
    var password = ""
}

/// What a replica asks for.
struct PsyncRequest: Equatable, Sendable {
    /// The history that our data belongs to; nil if it belongs to none: PSYNC ? -1.
    var id: ReplicationID?
    /// The first byte that we do not have.
    var nextByte: Int64 = -1
    /// Tells the other side to become a master first: the last step of FAILOVER.
    var isFailover = false

    /// Asks for a snapshot.
    static let full = PsyncRequest()
}

/// How the end of a dump is known.
enum DumpForm: Equatable, Sendable {
    /// `$EOF:`: forty bytes that were announced follow it.
    case marked
    /// `$n`: there are so many bytes.
    case counted(Int64)
}

/// What the owner of the link is to do.
enum ReplicaLinkAction: Equatable, Sendable {
    /// Nothing (more) for now.
    case none
    /// Open a connection to the master; answer with `connected` or `connectFailed`.
    case connect
    /// Nothing beside what always holds: if `output` has bytes now, send them, then
    /// `clearOutput()`.
    case send
    /// The master is going to send a dump. Its data is that of the history `id` up to `offset`.
    /// Nothing is replaced yet.
    case beginFullResync(ReplicationID, offset: Int64)
    /// The master is too old for PSYNC and answered it so; `output` holds a SYNC. A dump will come
    /// that belongs to no history: after it, ours is a new one.
    case fallBack(reply: String)
    /// The dump begins with the next byte.
    case beginTransfer(DumpForm)
    /// The first bytes of the input, as many as were consumed, are the dump's.
    case transfer
    /// The dump is whole: read no more, and answer with `loaded` or `loadFailed`.
    case endTransfer
    /// The master goes on from where we are, under this id if it gave one
    /// (`ReplicationHistory.follow`). What comes next is the stream.
    case resume(ReplicationID?)
    /// All input is the stream's now: give it to the parser, and tell the link with `heard`.
    case stream
    /// Something for the log; the link goes on.
    case notice(ReplicaLinkNotice)
    /// Close the connection. The link has already planned its next attempt.
    case disconnect(ReplicaLinkFailure)
    /// The event cannot happen in this state: a defect of the owner, which nothing followed from.
    case impossible(String)
}

/// What is worth a line in the log, in Redis's words.
enum ReplicaLinkNotice: Equatable, Sendable {
    /// The master does not understand a REPLCONF option; that is not critical.
    case optionUnknown(Option, reply: String)

    /// The name of an option.
    enum Option: String, Sendable {
        case listeningPort = "listening-port"
        case address = "ip-address"
        case capabilities = "capa"
    }

    var text: String {
        switch self {
        case .optionUnknown(let option, let reply):
            "(Non critical) Master does not understand REPLCONF \(option.rawValue): \(reply)"
        }
    }
}

/// Why the link was given up, in Redis's words.
enum ReplicaLinkFailure: Equatable, Sendable {
    case connectTimeout
    case transferTimeout
    case streamTimeout
    case connectRefused
    case connectionLost
    case pingRefused(reply: String)
    case authenticationRefused(reply: String)
    /// -NOMASTERLINK, -LOADING: in the future it will be able to.
    case tryLater(reply: String)
    case failoverRefused(reply: String)
    case transferAborted(reply: String)
    case notADump(line: String)
    case badReply(line: String)
    case lineTooLong
    case loadFailed

    /// The log's line.
    var text: String {
        switch self {
        case .connectTimeout: "Timeout connecting to the MASTER..."
        case .transferTimeout:
            "Timeout receiving bulk data from MASTER... If the problem persists try to set the "
                + "'repl-timeout' parameter in redis.conf to a larger value."
        case .streamTimeout: "MASTER timeout: no data nor PING received..."
        case .connectRefused: "Unable to connect to MASTER"
        case .connectionLost: "Connection with master lost."
        case .pingRefused(let reply): "Error reply to PING from master: '\(reply)'"
        case .authenticationRefused(let reply): "Unable to AUTH to MASTER: \(reply)"
        case .tryLater(let reply):
            "Master is currently unable to PSYNC but should be in the future: \(reply)"
        case .failoverRefused: "Failover target rejected psync request"
        case .transferAborted(let reply): "MASTER aborted replication with an error: \(reply)"
        case .notADump(let line):
            "Bad protocol from MASTER, the first byte is not '$' (we received '\(line)'), are you "
                + "sure the host and port are right?"
        case .badReply(let line): "Unexpected reply to PSYNC from master: \(line)"
        case .lineTooLong: "Bad protocol from MASTER: a line without an end"
        case .loadFailed: "Failed trying to load the MASTER synchronization DB, check server logs."
        }
    }
}
