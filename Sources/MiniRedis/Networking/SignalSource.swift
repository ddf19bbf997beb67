// SPDX-License-Identifier: BSD-3-Clause
//
// Signals as events of the loop: libuv's handler writes to a pipe, the loop reads it, so the
// closure runs between callbacks and may do anything. It must not know what a signal means.

import CUVShim
import Glibc

/// Calls a closure on the loop each time the process receives one signal.
final class SignalSource: LoopHandle {
    private var handler: () -> Void

    /// Watches `signal` (SIGTERM, SIGINT) until `close()`.
    init(loop: EventLoop, signal: Int32, handler: @escaping () -> Void) throws(NetworkError) {
        self.handler = handler
        super.init(loop: loop, byteCount: MemoryLayout<uv_signal_t>.size)
        uv_signal_init(loop.uv, handle(as: uv_signal_t.self))
        opened()
        let status = uv_signal_start(
            handle(as: uv_signal_t.self),
            { source, _ in
                let object = SignalSource.owner(source?.pointee.data)
                object.loop.turnStarted()
                object.handler()
            },
            signal)
        guard status == 0 else {
            close()
            throw NetworkError("sigaction", code: -status)
        }
    }

    override func didClose() {
        handler = {}
    }

    /// Ignores SIGPIPE (a write to a socket whose peer is gone reports EPIPE instead) and SIGHUP
    /// (the terminal that started the server may be closed). For the whole process.
    static func ignoreBrokenPipesAndHangUps() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }
}
