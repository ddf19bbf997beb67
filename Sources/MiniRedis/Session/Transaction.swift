// SPDX-License-Identifier: BSD-3-Clause
//
// What a client has queued since MULTI.

/// The requests of a transaction that was begun.
struct Transaction {
    /// A request and the number of its command.
    struct Queued {
        var record: Int
        var request: StoredRequest
    }

    /// In their order. Whoever ends the transaction gives them up.
    var requests: [Queued] = []
    /// The flags of all queued commands, united.
    var flags: UInt32 = 0
    /// Whether all queued commands may run while the server loads.
    var runsWhileLoading = true
    /// Whether all queued commands may run on a replica whose data may be old.
    var runsWhileStale = true
    /// Bytes that the queued requests take.
    var byteCount = 0
    /// A request was refused: EXEC will execute nothing.
    var isAborted = false
}
