// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs of a server that follows a master, or hands its own part over.

/// What FAILOVER was asked for.
struct FailoverWish {
    /// The replica to hand over to; nil: whichever has everything first.
    var target: (host: String, port: Int)?
    /// Hand over when the time is up, whatever the target has.
    var isForced = false
    /// Milliseconds; nil: for ever.
    var timeout: Int64?
}

/// A server's place behind a master, or in front of replicas.
protocol Following: AnyObject {
    /// Becomes, or stays, the replica of this master; false if it is that already.
    func follow(
        host: String, port: Int, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) -> Bool
    /// Is a master from now on, with the data that are here.
    func followNobody(for session: UnsafeMutablePointer<Session>) throws(ErrorReply)
    /// Begins to hand over to a replica.
    func failOver(_ wish: FailoverWish) throws(ErrorReply)
    /// Ends the handing over, and is the master as before.
    func abortFailover() throws(ErrorReply)
}
