// SPDX-License-Identifier: BSD-3-Clause
//
// Work on a thread of its own, for what may wait long for somebody else: the pool has four threads,
// and a load that waits for a master would take one away from saves and KEYS.

import CUVShim
import Glibc

/// One piece of work on its own thread. It holds itself until it is done.
private final class OwnThreadJob {
    let work: @Sendable () -> Void
    let completion: () -> Void
    let loop: EventLoop
    let isPatient: Bool
    var thread = uv_thread_t()
    var wakeup: LoopWakeup?

    /// How much nicer than the process a patient thread is: where processors are scarce it gets a
    /// third of one that the loop wants, too.
    private static let patience: Int32 = 5

    init(
        loop: EventLoop, isPatient: Bool, work: @escaping @Sendable () -> Void,
        completion: @escaping () -> Void
    ) {
        self.loop = loop
        self.isPatient = isPatient
        self.work = work
        self.completion = completion
    }

    func start() {
        let wakeup = LoopWakeup(loop: loop) { [unowned self] in finish() }
        self.wakeup = wakeup
        let parcel = UnsafeMutablePointer<Parcel>.allocate(capacity: 1)
        parcel.initialize(to: Parcel(work: work, signal: wakeup.signal, isPatient: isPatient))
        _ = Unmanaged.passRetained(self)
        loop.runningJobs += 1
        let status = uv_thread_create(
            &thread,
            { argument in
                guard let parcel = argument?.assumingMemoryBound(to: Parcel.self) else { return }
                let (work, signal) = (parcel.pointee.work, parcel.pointee.signal)
                if parcel.pointee.isPatient { cuv_be_patient(OwnThreadJob.patience) }
                parcel.deinitialize(count: 1)
                parcel.deallocate()
                work()
                signal.send()
            }, parcel)
        guard status != 0 else {
            // Joining would wait for its end, which comes after its signal, and in its own time.
            pthread_detach(thread)
            return
        }
        // No thread to be had: one of the pool does it.
        parcel.deinitialize(count: 1)
        parcel.deallocate()
        wakeup.close()
        loop.runningJobs -= 1
        loop.perform(work: work, completion: completion)
        Unmanaged.passUnretained(self).release()
    }

    /// What a thread is given.
    private struct Parcel {
        let work: @Sendable () -> Void
        let signal: LoopWakeup.Signal
        let isPatient: Bool
    }

    private func finish() {
        wakeup?.close()
        leave()
    }

    private func leave() {
        loop.runningJobs -= 1
        completion()
        Unmanaged.passUnretained(self).release()
    }
}

extension EventLoop {
    /// Runs `work` on a thread of its own, then `completion` on the loop. `work` sees only what is
    /// safe to share; patient work lets the loop go first. If the loop ends before, `completion`
    /// does not run.
    func performOnOwnThread(
        isPatient: Bool = false, work: @escaping @Sendable () -> Void,
        completion: @escaping () -> Void
    ) {
        OwnThreadJob(loop: self, isPatient: isPatient, work: work, completion: completion).start()
    }
}
