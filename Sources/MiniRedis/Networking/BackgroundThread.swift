// SPDX-License-Identifier: BSD-3-Clause
//
// Work that may take as long as a device wants: a closure on a thread of its own, then a closure
// back on the loop. The pool's four threads are for what ends soon; a disk that hangs would take
// one of them away from everybody. It must not know what is computed.

import CUVShim
import Glibc

/// One piece of work with a thread of its own. The thread holds it until it is done, and its
/// handle until the loop has heard of that.
private final class BackgroundThread: LoopHandle {
    private let work: @Sendable () -> Void
    private var completion: () -> Void

    init(
        loop: EventLoop, work: @escaping @Sendable () -> Void, completion: @escaping () -> Void
    ) {
        self.work = work
        self.completion = completion
        super.init(loop: loop, byteCount: MemoryLayout<uv_async_t>.size)
        let status = uv_async_init(loop.uv, handle(as: uv_async_t.self)) { async in
            BackgroundThread.owner(async?.pointee.data).finished()
        }
        precondition(status == 0, "a loop that runs has its descriptor for wake-ups")
        opened()
    }

    private func finished() {
        loop.turnStarted()
        guard !isClosing else { return }
        loop.runningJobs -= 1
        let completion = completion
        self.completion = {}
        close()
        completion()
    }

    /// Starts the thread; false if the system refuses one.
    func start() -> Bool {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let argument = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, &attributes,
            { data in
                guard let data else { preconditionFailure("a thread without its work") }
                let object = Unmanaged<BackgroundThread>.fromOpaque(data)
                let handle = object.takeUnretainedValue().run()
                // The loop may free the object from here on; its handle stays until it is closed,
                // and that is after this call.
                object.release()
                uv_async_send(handle)
                return nil
            },
            argument.toOpaque())
        if status != 0 { argument.release() }
        return status == 0
    }

    private func run() -> UnsafeMutablePointer<uv_async_t> {
        work()
        return handle(as: uv_async_t.self)
    }
}

extension EventLoop {
    /// Runs `work` on a new thread, then `completion` on the loop. `work` sees only what is safe to
    /// share. If the system has no thread to give, one of the pool does it.
    func performOnThread(
        work: @escaping @Sendable () -> Void, completion: @escaping () -> Void
    ) {
        let thread = BackgroundThread(loop: self, work: work, completion: completion)
        runningJobs += 1
        guard !thread.start() else { return }
        runningJobs -= 1
        thread.close()
        perform(work: work, completion: completion)
    }
}
