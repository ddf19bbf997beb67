// SPDX-License-Identifier: BSD-3-Clause
//
// A timer of the loop. It knows milliseconds and one closure; it must not know what is due.

import CUVShim

/// Calls a closure on the loop, once or repeatedly. Monotonic time: setting the wall clock does
/// not move it. It is late by what the turn in progress takes, never early.
final class LoopTimer: LoopHandle {
    private var handler: () -> Void

    /// A stopped timer. It lives until `close()`, even if nobody else refers to it.
    init(loop: EventLoop, handler: @escaping () -> Void) {
        self.handler = handler
        super.init(loop: loop, byteCount: MemoryLayout<uv_timer_t>.size)
        uv_timer_init(loop.uv, handle(as: uv_timer_t.self))
        opened()
    }

    /// Starts the timer, or starts it anew if it runs.
    ///
    /// - Parameters:
    ///   - delay: milliseconds from now; zero means the next iteration of the loop.
    ///   - interval: milliseconds between further calls; zero means one call only.
    func start(afterMilliseconds delay: UInt64, repeating interval: UInt64 = 0) {
        guard !isClosing else { return }
        uv_timer_start(
            handle(as: uv_timer_t.self),
            { timer in
                let object = LoopTimer.owner(timer?.pointee.data)
                object.loop.turnStarted()
                object.handler()
            },
            delay, interval)
    }

    func stop() {
        guard !isClosing else { return }
        uv_timer_stop(handle(as: uv_timer_t.self))
    }

    override func didClose() {
        // The closure may refer to this timer.
        handler = {}
    }

    /// Whether a call is to come.
    var isActive: Bool {
        uv_is_active(handle) != 0
    }
}
