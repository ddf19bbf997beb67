// SPDX-License-Identifier: BSD-3-Clause
//
// The one way into the loop from another thread: a flag and a wake-up. Several signals before the
// loop has come to it are one call.

import CUVShim

/// Calls a closure on the loop, soon after some thread has signalled.
///
/// Whoever closes it makes sure that no thread signals any more.
final class LoopWakeup: LoopHandle {
    private var handler: () -> Void

    init(loop: EventLoop, handler: @escaping () -> Void) {
        self.handler = handler
        super.init(loop: loop, byteCount: MemoryLayout<uv_async_t>.size)
        let status = uv_async_init(loop.uv, handle(as: uv_async_t.self)) { source in
            let object = LoopWakeup.owner(source?.pointee.data)
            object.loop.turnStarted()
            object.handler()
        }
        precondition(status == 0, "a loop that runs has its own wake-up")
        opened()
    }

    /// What other threads signal with. Valid until `close()`.
    var signal: Signal { Signal(async: handle(as: uv_async_t.self)) }

    override func didClose() {
        handler = {}
    }

    /// A wake-up, as other threads have it.
    ///
    /// Sendable although it holds a pointer: libuv says that this one call may come from anywhere.
    struct Signal: @unchecked Sendable {
        fileprivate let async: UnsafeMutablePointer<uv_async_t>

        func send() {
            uv_async_send(async)
        }
    }
}
