// SPDX-License-Identifier: BSD-3-Clause
//
// The server's verbs for clients that wait for keys: their replies, and the one timer of all waits.

extension Server {
    var monotonicMilliseconds: Int64 {
        Int64((loop.clock.pointee.monotonicNanoseconds + 999_999) / 1_000_000)
    }

    func answer(_ session: UnsafeMutablePointer<Session>, _ write: () -> Void) -> Bool {
        guard let client = client(of: session), !client.connection.isClosing else { return false }
        let outer = currentConnection
        currentConnection = client.connection
        client.answer(write)
        currentConnection = outer
        return true
    }

    func waitEnded(for session: UnsafeMutablePointer<Session>) {
        client(of: session)?.release(from: .blocked)
    }

    func unblock(_ id: Int64, withError: Bool) -> Bool {
        if unblockAcknowledgementWait(id, withError: withError) { return true }
        guard dispatcher.pointee.unblock(id, withError: withError) else { return false }
        waitTimesChanged()
        return true
    }

    func waitTimesChanged() {
        let next = followers.pointee.blocked.earliestDeadline
        guard next != waitTimer.deadline else { return }
        waitTimer.deadline = next
        setWaitTimer()
    }

    private func setWaitTimer() {
        guard let next = waitTimer.deadline else { return waitTimer.timer?.stop() ?? () }
        let timer = waitTimer.timer ?? LoopTimer(loop: loop) { [unowned self] in endOverdueWaits() }
        waitTimer.timer = timer
        // Not zero: the clock stands still while timers run, and the timer would run for ever.
        timer.start(afterMilliseconds: UInt64(max(1, next - monotonicMilliseconds)))
    }

    private func endOverdueWaits() {
        turnBegan()
        let now = Int64(loop.clock.pointee.monotonicNanoseconds / 1_000_000)
        dispatcher.pointee.endOverdueWaits(now: now)
        waitTimer.deadline = followers.pointee.blocked.earliestDeadline
        setWaitTimer()
    }
}

extension Server {
    // MARK: - Transactions

    func hasBrokenWatch(_ session: UnsafeMutablePointer<Session>) -> Bool {
        dispatcher.pointee.hasBrokenWatch(session)
    }

    func watch(_ key: KeyArgument, for session: UnsafeMutablePointer<Session>) {
        dispatcher.pointee.watch(key, session)
    }

    func unwatch(_ session: UnsafeMutablePointer<Session>) {
        dispatcher.pointee.unwatch(session)
    }

    func discardTransaction(of session: UnsafeMutablePointer<Session>) {
        dispatcher.pointee.discardTransaction(session)
    }

    func inputTooLarge(of session: UnsafeMutablePointer<Session>) {
        guard let client = client(of: session) else { return }
        client.connectionInputTooLarge(client.connection)
    }
}

/// The timer of the wait that is over first.
struct WaitTimer {
    var timer: LoopTimer?
    /// What it is set to: monotonic milliseconds.
    var deadline: Int64?
}
