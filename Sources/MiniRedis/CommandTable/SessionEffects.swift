// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs with which whoever runs commands reaches clients: it knows sessions and no sockets.

/// What happens to clients beside the one whose request is being executed.
protocol SessionEffects: AnyObject {
    /// The monotonic clock of the loop turn, rounded up: milliseconds.
    var monotonicMilliseconds: Int64 { get }
    /// Lets `write` append a reply to this client, in the frame's protocol; false, and nothing is
    /// called, if the client is about to go.
    func answer(_ session: UnsafeMutablePointer<Session>, _ write: () -> Void) -> Bool
    /// The client waits for keys no more: its next request may run.
    func waitEnded(for session: UnsafeMutablePointer<Session>)
    /// Who waits until when has changed.
    func waitTimesChanged()
    /// Ends the wait of the client of this number, as if its time were over or with an error; false
    /// if it waits for no key.
    func unblock(_ id: Int64, withError: Bool) -> Bool

    // MARK: - Transactions

    /// Whether a key that the client watches was changed.
    func hasBrokenWatch(_ session: UnsafeMutablePointer<Session>) -> Bool
    func watch(_ key: KeyArgument, for session: UnsafeMutablePointer<Session>)
    func unwatch(_ session: UnsafeMutablePointer<Session>)
    /// Ends the client's transaction, whatever it has queued, and its watches.
    func discardTransaction(of session: UnsafeMutablePointer<Session>)
    /// The client has sent more that cannot be executed yet than it may: it has to go.
    func inputTooLarge(of session: UnsafeMutablePointer<Session>)
}
