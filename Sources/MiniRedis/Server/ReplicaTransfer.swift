// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicaTransfer: one dump on its way to the replicas that wait for it.
//
//     marked    snapshot's thread -> channel -> loop -> sockets          $EOF:, as it comes
//     counted   snapshot's thread -> spool; then
//               another thread    -> channel -> loop -> sockets          $length
//
// The channel is bounded and emptied at the pace of the slowest replica, so a replica paces the
// snapshot and never the clients. One that takes nothing for `repl-timeout` is dropped, and the
// others go on.

/// One dump for one or more replicas. Identity; used by the loop alone.
final class ReplicaTransfer {
    let channel: ChunkChannel
    let isMarked: Bool
    let mark: ReplicationMark
    /// Those that still get it.
    var members: [Replica]
    /// The walk of the snapshot; nil if there is nothing to walk, or it has ended.
    var job: RunningSnapshotJob?
    /// The members were told that the dump begins.
    var hasBegun = false
    /// It went well, or came to nothing; nothing is done for it any more.
    var isOver = false

    /// Bytes between the snapshot's thread and the sockets.
    static let channelBytes = 1 << 20

    init(
        _ members: [Replica], isMarked: Bool, mark: ReplicationMark, channel: ChunkChannel
    ) {
        self.members = members
        self.isMarked = isMarked
        self.mark = mark
        self.channel = channel
    }

    /// Whether all members have room for another chunk; those that have not are to tell when.
    func mayGive() -> Bool {
        var all = true
        for member in members where !member.isClosing && !member.hasRoom {
            member.client.connection.isFed = true
            all = false
        }
        return all
    }
}

/// The sink of a marked dump.
final class ReplicaSink: SnapshotSink {
    private let channel: ChunkChannel

    init(_ channel: ChunkChannel) {
        self.channel = channel
    }

    func write(_ bytes: ByteView) throws(PersistenceError) {
        guard channel.push(bytes) else { throw .ended("no replica waits for it any more") }
    }
}
