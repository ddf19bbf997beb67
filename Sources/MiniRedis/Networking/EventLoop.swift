// SPDX-License-Identifier: BSD-3-Clause
//
// The loop, its turns and their hooks.
//
// Everything runs on one thread, in callbacks of one libuv loop. What happens between two waits
// for the kernel is a *turn*, and its order is the order of this server:
//
//     kernel wakes us                                               epoll_wait returns
//       -> first callback                `turnStarted()`: the clock is read, once
//       -> reads, accepts, jobs          delegates consume input and append replies
//       -> pollEnded()      (uv_check)   `afterPoll`, then every dirty connection is written
//       -> closed handles, timers        may append replies too
//       -> turnEnding()     (uv_prepare) `beforeSleep`, then what became dirty is written
//     kernel waits for events                                       epoll_wait
//
// A turn in which nothing happened does not exist: no callback ran, so no clock was read and no
// hook called. Nothing keeps the loop awake: an idle server sleeps until its next timer.
//
// Sliced work asks for another turn (`requestTurn()`): the next wait does not block, both hooks run
// after it, whether something arrived or not. That is an idle handle which is started in
// `turnEnding()` and stopped there as soon as nobody asked again.
//
// Hard case: output while output is being written. A write may find that a congested connection
// has drained, and its delegate may then execute retained commands and append. So connections are
// collected while the shared buffer is walked, and told after it was emptied.
//
// Limits: one thread, by construction; the object and all it hands out are not sendable.

import CUVShim
import Glibc

/// A libuv loop with turns. Create it, wire it, `run()` it, `close()` it.
final class EventLoop {
    /// The libuv loop; its `data` points back here, unretained.
    let uv: UnsafeMutablePointer<uv_loop_t>
    /// The time of the current turn. Valid as long as the loop.
    let clock: UnsafeMutablePointer<Clock>
    /// How long turns take.
    let statistics: UnsafeMutablePointer<LoopStatistics>
    /// What went over the sockets.
    let traffic: UnsafeMutablePointer<TrafficStatistics>
    /// The reply buffer that all connections share; see `Connection.beginOutput()`.
    let output: UnsafeMutablePointer<OutputBuffer>
    /// The memory that reads go to, `readBufferBytes` and the slack.
    let readBuffer: UnsafeMutableRawPointer

    /// Called after the kernel's events of a turn were handled, before replies are written.
    var afterPoll: () -> Void = {}
    /// Called at the end of each turn, before the last replies are written: the place for slices.
    var beforeSleep: () -> Void = {}
    /// Called after a turn of `longTurnNanoseconds` or more, and after one that is the longest yet,
    /// with its nanoseconds and whether it is.
    var longTurnEnded: (_ nanoseconds: UInt64, _ isLongest: Bool) -> Void = { _, _ in }
    /// Called before any reply leaves: what must be durable or on the backlog first. It may run
    /// inside `Connection.endOutput()` when the output of a turn is large, so it must not touch
    /// connections.
    var beforeOutput: () -> Void = {}
    /// Called with the owner of referenced output when its bytes were sent or their connection
    /// died: once for each `Connection.appendReference`. It must not touch connections.
    var releaseReference: (UnsafeMutableRawPointer) -> Void = { _ in }

    /// Jobs on the thread pool that were not completed yet.
    var runningJobs = 0
    /// Counts turns and is never reset: two callbacks with the same number share a turn.
    private(set) var turnNumber: UInt64 = 0
    private var isInTurn = false
    /// Somebody called `requestTurn()` since the last turn ended.
    private var isTurnRequested = false
    /// The coming turn takes place even if the kernel has nothing to tell.
    private var isTurnForced = false

    /// Connections with something to write or to settle, in the order they became so.
    var dirtyConnections: ContiguousArray<Connection> = []
    /// The ones being written right now.
    var flushingConnections: ContiguousArray<Connection> = []
    /// Connections whose back-pressure ended and whose delegates do not know yet.
    var drainedConnections: ContiguousArray<Connection> = []
    /// Connections that had their share of reading in this turn.
    var yieldedConnections: ContiguousArray<Connection> = []
    /// The connection between `beginOutput()` and `endOutput()`.
    unowned(unsafe) var openConnection: Connection?

    /// What other threads ring, and who is called then; see LoopWakeup.swift.
    let doorbell: Doorbell
    var wakeups: [LoopWakeup] = []

    private let bell: UnsafeMutablePointer<uv_poll_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let check: UnsafeMutablePointer<uv_check_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private var isOpen = true

    /// A turn that others notice.
    static let longTurnNanoseconds: UInt64 = 1_000_000
    /// The shared read buffer: the most that one read brings to one connection.
    static let readBufferBytes = 256 << 10
    /// Output beyond this is written before the turn ends.
    static let earlyFlushBytes = 1 << 20

    /// A loop that is ready to have handles added. SIGPIPE and SIGHUP are ignored from now on.
    init() throws(NetworkError) {
        SignalSource.ignoreBrokenPipesAndHangUps()
        guard let doorbell = Doorbell() else { throw NetworkError("eventfd", code: errno) }
        self.doorbell = doorbell
        uv = .allocate(capacity: 1)
        bell = .allocate(capacity: 1)
        prepare = .allocate(capacity: 1)
        check = .allocate(capacity: 1)
        idle = .allocate(capacity: 1)
        clock = .allocate(capacity: 1)
        clock.initialize(to: Clock())
        statistics = .allocate(capacity: 1)
        statistics.initialize(to: LoopStatistics())
        traffic = .allocate(capacity: 1)
        traffic.initialize(to: TrafficStatistics())
        output = .allocate(capacity: 1)
        output.initialize(to: OutputBuffer())
        readBuffer = .allocate(
            byteCount: EventLoop.readBufferBytes + Connection.slack, alignment: 64)
        let status = uv_loop_init(uv)
        guard status == 0 else {
            isOpen = false
            throw NetworkError("uv_loop_init", code: -status)
        }
        uv.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        startPhases()
    }

    deinit {
        close()
        UnsafeMutableRawPointer(uv).deallocate()
        UnsafeMutableRawPointer(bell).deallocate()
        UnsafeMutableRawPointer(prepare).deallocate()
        UnsafeMutableRawPointer(check).deallocate()
        UnsafeMutableRawPointer(idle).deallocate()
        output.deinitialize(count: 1)
        UnsafeMutableRawPointer(output).deallocate()
        clock.deallocate()
        statistics.deallocate()
        traffic.deallocate()
        readBuffer.deallocate()
    }

    /// Runs turns until `stop()`.
    func run() {
        uv_run(uv, UV_RUN_DEFAULT)
    }

    /// Makes `run()` return when the current turn has ended.
    func stop() {
        uv_stop(uv)
    }

    /// Closes every handle that is still open, waits for running jobs, gives the loop back. Not
    /// from within `run()`.
    func close() {
        guard isOpen else { return }
        isOpen = false
        uv_walk(
            uv,
            { handle, _ in
                guard let handle, uv_is_closing(handle) == 0 else { return }
                if let data = handle.pointee.data {
                    LoopHandle.owner(data).close()
                } else {
                    uv_close(handle, nil)
                }
            }, nil)
        while uv_loop_close(uv) == UV_EBUSY.rawValue {
            uv_run(uv, UV_RUN_DEFAULT)
        }
        for wakeup in wakeups { wakeup.close() }
        // They may refer to what refers to the loop.
        afterPoll = {}
        beforeSleep = {}
        longTurnEnded = { _, _ in }
        beforeOutput = {}
        releaseReference = { _ in }
    }

    /// Makes the next wait for events not block, and both hooks run after it.
    func requestTurn() {
        isTurnRequested = true
    }

    /// The first thing each callback does: opens a turn unless one is open.
    @inline(__always)
    func turnStarted() {
        if !isInTurn { openTurn() }
    }

    @inline(never)
    private func openTurn() {
        isInTurn = true
        turnNumber &+= 1
        clock.pointee.refresh()
    }

    /// uv_check: the kernel's events of this iteration were handled.
    private func pollEnded() {
        if isTurnForced { turnStarted() }
        guard isInTurn else { return }
        resumeYielded()
        afterPoll()
        flushOutput()
        tellDrained()
    }

    /// uv_prepare: the loop is about to wait for the kernel.
    private func turnEnding() {
        if !isInTurn {
            guard isTurnRequested || !dirtyConnections.isEmpty else { return }
            turnStarted()
        }
        beforeSleep()
        flushOutput()
        tellDrained()
        if isTurnRequested || !dirtyConnections.isEmpty {
            if !isTurnForced { uv_idle_start(idle, { _ in }) }
            isTurnForced = true
        } else if isTurnForced {
            uv_idle_stop(idle)
            isTurnForced = false
        }
        isTurnRequested = false
        isInTurn = false
        let started = clock.pointee.monotonicNanoseconds
        let spent = Clock.readMonotonicNanoseconds() &- started
        let isLongest = statistics.pointee.record(turn: spent)
        if isLongest || spent >= EventLoop.longTurnNanoseconds { longTurnEnded(spent, isLongest) }
    }

    private func startPhases() {
        uv_prepare_init(uv, prepare)
        uv_prepare_start(prepare) { handle in
            EventLoop.from(handle?.pointee.loop).turnEnding()
        }
        uv_check_init(uv, check)
        uv_check_start(check) { handle in
            EventLoop.from(handle?.pointee.loop).pollEnded()
        }
        uv_idle_init(uv, idle)
        let status = uv_poll_init(uv, bell, doorbell.descriptor)
        precondition(status == 0, "epoll takes an eventfd")
        uv_poll_start(bell, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            EventLoop.from(handle?.pointee.loop).answerDoorbell()
        }
        bell.pointee.data = nil
        prepare.pointee.data = nil
        check.pointee.data = nil
        idle.pointee.data = nil
    }

    private static func from(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop {
        guard let data = loop?.pointee.data else { preconditionFailure("a loop without owner") }
        return Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }
}
