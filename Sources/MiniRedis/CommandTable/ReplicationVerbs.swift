// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs of replication that the server implements for its replicas' commands and for WAIT.

/// What a PSYNC or a SYNC asks for.
struct SyncRequest {
    /// The history of the replica's data; nil for SYNC, which has none.
    var id: ByteView?
    /// The first byte that it lacks.
    var byte: Int64 = -1
    /// SYNC: the reply is the dump alone.
    var isOldProtocol = false
    /// The last step of a FAILOVER: whoever is asked is to be the master.
    var isFailover = false
}

protocol ReplicationVerbs: AnyObject {
    /// REPLCONF: notes what a replica says of itself, or of its progress; replies or does not.
    func configureReplica(
        _ request: Request, _ session: UnsafeMutablePointer<Session>, _ reply: ReplyWriter)
    /// PSYNC, SYNC: the client becomes a replica.
    func synchronize(
        _ request: SyncRequest, _ session: UnsafeMutablePointer<Session>) throws(ErrorReply)
    /// A replica's request had a reply, for which there is no place on its link.
    func replicaSpoke(
        _ session: UnsafeMutablePointer<Session>, command: String, reply: ByteView)
    /// ROLE.
    func replyRole(_ reply: ReplyWriter)
    /// Whether this server follows a master.
    var isReplica: Bool { get }
    /// WAIT: replies when so many replicas have what this client wrote, or when `timeout`,
    /// milliseconds, is over; 0 for ever.
    func waitForReplicas(
        _ wanted: Int64, timeout: Int64, for session: UnsafeMutablePointer<Session>)
}
