// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs of publishing, as commands see them.

/// What publish and subscribe offer.
protocol Publishing: AnyObject {
    /// Who listens to what.
    var channels: Channels { get }

    /// This client listens to a channel from now on.
    func subscribe(
        _ session: UnsafeMutablePointer<Session>, to name: ByteView, _ kind: SubscriptionKind)
    /// This client listens to a channel no more.
    func unsubscribe(
        _ session: UnsafeMutablePointer<Session>, from name: ByteView, _ kind: SubscriptionKind)
    /// Sends a message to all who listen to the channel; returns how many. `kind` is `.channel`,
    /// which patterns hear too, or `.shard`.
    func publish(_ message: ByteView, on name: ByteView, _ kind: SubscriptionKind) -> Int
    /// Tells what happened to a key to those who listen for it.
    func publish(_ event: KeyspaceEvent, key: [UInt8], database: Int)
    /// Takes the reply that began at this place of the buffer back, to be sent when the command has
    /// ended.
    func deferReply(since start: Int)
    /// Sends what was published to the client whose command has just ended.
    func sendDeferred()
}
