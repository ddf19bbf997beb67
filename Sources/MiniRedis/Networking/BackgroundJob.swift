// SPDX-License-Identifier: BSD-3-Clause
//
// Work off the loop: a closure on libuv's thread pool, then a closure back on the loop. Cold by
// intent (a save, a log file, a name look-up), hence closures. It must not know what is computed.

import CUVShim

/// One piece of work on its way through the thread pool. It holds itself until it is done.
private final class BackgroundJob {
    let loop: EventLoop
    let work: @Sendable () -> Void
    let completion: () -> Void
    let request: UnsafeMutablePointer<uv_work_t>

    init(
        loop: EventLoop, work: @escaping @Sendable () -> Void, completion: @escaping () -> Void
    ) {
        self.loop = loop
        self.work = work
        self.completion = completion
        request = .allocate(capacity: 1)
        request.initialize(to: uv_work_t())
    }

    deinit {
        request.deallocate()
    }

    static func from(_ request: UnsafeMutablePointer<uv_work_t>?) -> Unmanaged<BackgroundJob> {
        guard let data = request?.pointee.data else {
            preconditionFailure("a job without its owner")
        }
        return Unmanaged<BackgroundJob>.fromOpaque(data)
    }
}

extension EventLoop {
    /// Runs `work` on a thread of the pool (four of them, shared by the process), then
    /// `completion` on the loop. `work` sees only what is safe to share; `completion` always runs,
    /// also while the loop is being closed.
    func perform(work: @escaping @Sendable () -> Void, completion: @escaping () -> Void) {
        let job = BackgroundJob(loop: self, work: work, completion: completion)
        job.request.pointee.data = Unmanaged.passRetained(job).toOpaque()
        runningJobs += 1
        let status = uv_queue_work(
            uv, job.request,
            { request in BackgroundJob.from(request).takeUnretainedValue().work() },
            { request, _ in
                let finished = BackgroundJob.from(request).takeRetainedValue()
                finished.loop.turnStarted()
                finished.loop.runningJobs -= 1
                finished.completion()
            })
        precondition(status == 0, "libuv refuses a job only without a function to run")
    }
}
