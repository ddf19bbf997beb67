// SPDX-License-Identifier: BSD-3-Clause
//
// The one way into the loop from another thread: a flag for each who is to be called, and one bell
// for all of them, an eventfd that the loop polls. Several signals before the loop has come to it
// are one call.
//
//     a thread   raises its flag, rings ---> eventfd ---> the loop calls whose flag is raised
//
// Why not libuv's uv_async_t: its callback spins until the sender has left uv_async_send, and what
// that does last is to wake the loop. A patient thread (see OwnThreadJob.swift) loses its processor
// right there, and the loop spins for as long as the thread waits for it back: milliseconds.

import CUVShim
import Glibc
import Synchronization

/// Calls a closure on the loop, soon after some thread has signalled. It lives until `close()` or
/// the loop's.
final class LoopWakeup {
    /// What other threads signal with. After `close()` that is allowed and does nothing.
    let signal: Signal
    private unowned let loop: EventLoop
    fileprivate private(set) var handler: () -> Void
    fileprivate private(set) var isClosed = false

    init(loop: EventLoop, handler: @escaping () -> Void) {
        self.loop = loop
        self.handler = handler
        signal = Signal(loop.doorbell)
        loop.wakeups.append(self)
    }

    /// From now on nothing is called. May be called from the handler, and more than once.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = {}
        loop.wakeups.removeAll { $0 === self }
    }

    /// A wake-up, as other threads have it.
    final class Signal: Sendable {
        private let isRaised = Atomic<Bool>(false)
        private let doorbell: Doorbell

        fileprivate init(_ doorbell: Doorbell) {
            self.doorbell = doorbell
        }

        func send() {
            if !isRaised.exchange(true, ordering: .acquiringAndReleasing) { doorbell.ring() }
        }

        /// Whether it was sent since the last call.
        fileprivate func take() -> Bool {
            isRaised.exchange(false, ordering: .acquiringAndReleasing)
        }
    }
}

/// An eventfd, open for as long as anybody may ring.
final class Doorbell: Sendable {
    let descriptor: Int32

    /// Nil if there is no descriptor to be had; `errno` says why.
    init?() {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    func ring() {
        // It fails only if it was rung 2^64 times unheard.
        eventfd_write(descriptor, 1)
    }

    fileprivate func quieten() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

extension EventLoop {
    /// Somebody has rung.
    func answerDoorbell() {
        turnStarted()
        // Before the flags are looked at: who raises one later rings again.
        doorbell.quieten()
        for wakeup in wakeups where !wakeup.isClosed && wakeup.signal.take() { wakeup.handler() }
    }
}
