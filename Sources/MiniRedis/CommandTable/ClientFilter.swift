// SPDX-License-Identifier: BSD-3-Clause
//
// Which clients a command means, and what is paused for all of them: values that travel from
// commands to the server.

/// The clients that a CLIENT LIST or CLIENT KILL means: those that fit everything that is given.
struct ClientFilter {
    var ids: [Int64]?
    var kind: Session.Kind?
    /// Where the client is, as CLIENT LIST shows it.
    var address: String?
    /// Where it came to.
    var localAddress: String?
    /// Connected for at least so many seconds.
    var leastAgeSeconds: Int64?
    /// The client that is meant in no case.
    var except: Int64?
}

/// What CLIENT PAUSE holds back.
enum PauseScope {
    /// Commands that write or are told to replicas.
    case writes
    case all
}

/// Why a request of any session takes the dispatcher's careful way. 0: it need not.
struct ServerAttention: OptionSet {
    var rawValue: UInt16

    /// Somebody monitors.
    static let monitored = ServerAttention(rawValue: 1 << 0)
    static let writesPaused = ServerAttention(rawValue: 1 << 1)
    static let allPaused = ServerAttention(rawValue: 1 << 2)
    /// Somebody cares for changes of keys: they are noted, and somebody is to be told.
    static let followed = ServerAttention(rawValue: 1 << 3)
    /// There are too few replicas for writes (`min-replicas-to-write`).
    static let lacksReplicas = ServerAttention(rawValue: 1 << 8)
    /// The data are not there yet.
    static let loading = ServerAttention(rawValue: 1 << 4)
    /// Other data are being loaded, which will take the place of those that are served.
    static let loadingBeside = ServerAttention(rawValue: 1 << 5)
    /// What is loaded was here a moment ago: who asks for it waits.
    static let reloading = ServerAttention(rawValue: 1 << 6)
    /// The data cannot be saved: nothing is written until they can.
    static let diskFailed = ServerAttention(rawValue: 1 << 7)
    /// This server is a replica that refuses something: see `ReplicaRefusals`.
    static let refusingReplica = ServerAttention(rawValue: 1 << 9)
}

/// What a replica lets only its master do.
struct ReplicaRefusals: OptionSet {
    var rawValue: UInt8

    /// It is read-only.
    static let writes = ReplicaRefusals(rawValue: 1 << 0)
    /// The link is down, and data that may be old are not served.
    static let staleData = ReplicaRefusals(rawValue: 1 << 1)
}
