// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

@Suite(.serialized) struct NetworkingLoopTests {
    @Test func `a timer fires once, a repeating one until it is stopped`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var once = 0
        var often = 0
        let single = LoopTimer(loop: loop) { once += 1 }
        var repeating: LoopTimer?
        repeating = LoopTimer(loop: loop) {
            often += 1
            guard often == 5 else { return }
            repeating?.stop()
            loop.stop()
        }
        single.start(afterMilliseconds: 1)
        repeating?.start(afterMilliseconds: 2, repeating: 2)
        #expect(single.isActive)
        loop.run()
        #expect(once == 1)
        #expect(often == 5)
        #expect(repeating?.isActive == false)
    }

    @Test func `a turn reads the clock once and is measured`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var times: [UInt64] = []
        let timer = LoopTimer(loop: loop) {
            times.append(loop.clock.pointee.monotonicNanoseconds)
            usleep(5_000)
            times.append(loop.clock.pointee.monotonicNanoseconds)
        }
        loop.beforeSleep = {
            times.append(loop.clock.pointee.monotonicNanoseconds)
            if times.count >= 6 { loop.stop() }
        }
        timer.start(afterMilliseconds: 1, repeating: 10)
        loop.run()
        #expect(times.count == 6)
        #expect(times[0] == times[1] && times[1] == times[2])
        #expect(times[3] > times[2])
        let statistics = loop.statistics.pointee
        #expect(statistics.turns == 2)
        #expect(statistics.longestTurnNanoseconds >= 5_000_000)
        #expect(statistics.busyNanoseconds >= 10_000_000)
        loop.statistics.pointee.reset()
        #expect(loop.statistics.pointee.longestTurnNanoseconds == 0)
    }

    @Test func `the clock follows the wall clock`() {
        var clock = Clock()
        var now = timespec()
        for _ in 0..<50 {
            clock.refresh()
            clock_gettime(CLOCK_REALTIME, &now)
            let milliseconds = Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
            #expect(abs(clock.unixMilliseconds - milliseconds) <= 20)
            usleep(500)
        }
    }

    @Test func `an idle loop sleeps`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let timer = LoopTimer(loop: loop) { loop.stop() }
        timer.start(afterMilliseconds: 200)
        var before = timespec()
        var after = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before)
        loop.run()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after)
        #expect(loop.statistics.pointee.turns == 1)
        let seconds = after.tv_sec - before.tv_sec
        #expect(seconds * 1_000_000_000 + after.tv_nsec - before.tv_nsec < 20_000_000)
    }

    @Test func `requested turns follow each other without waiting, then the loop sleeps`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var slices = 0
        loop.beforeSleep = {
            guard slices > 0, slices < 1_000 else { return }
            slices += 1
            loop.requestTurn()
        }
        let begin = LoopTimer(loop: loop) {
            slices = 1
            loop.requestTurn()
        }
        let end = LoopTimer(loop: loop) { loop.stop() }
        begin.start(afterMilliseconds: 1)
        end.start(afterMilliseconds: 300)
        loop.run()
        #expect(slices == 1_000)
        let turns = loop.statistics.pointee.turns
        #expect(turns >= 1_000 && turns < 1_010)
    }

    @Test func `a turn requested in a callback takes place after the next poll`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var polls = 0
        loop.afterPoll = {
            polls += 1
            loop.stop()
        }
        let timer = LoopTimer(loop: loop) { loop.requestTurn() }
        let late = LoopTimer(loop: loop) { loop.stop() }
        timer.start(afterMilliseconds: 1)
        late.start(afterMilliseconds: 5_000)
        loop.run()
        #expect(polls == 1)
        #expect(loop.statistics.pointee.turns <= 2)
    }

    @Test func `jobs run elsewhere and complete on the loop`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let here = pthread_self()
        var completed = 0
        for _ in 0..<20 {
            loop.perform {
                #expect(pthread_equal(pthread_self(), here) == 0)
            } completion: {
                #expect(pthread_equal(pthread_self(), here) != 0)
                completed += 1
                if completed == 20 { loop.stop() }
            }
        }
        #expect(loop.runningJobs == 20)
        loop.run()
        #expect(completed == 20)
        #expect(loop.runningJobs == 0)
    }

    @Test func `closing the loop waits for its jobs`() throws {
        let loop = try EventLoop()
        var completed = false
        loop.perform {
            usleep(20_000)
        } completion: {
            completed = true
        }
        loop.close()
        #expect(completed)
    }

    @Test func `a signal becomes a call on the loop`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var received = 0
        let source = try SignalSource(loop: loop, signal: SIGUSR2) {
            received += 1
            loop.stop()
        }
        let timer = LoopTimer(loop: loop) { kill(getpid(), SIGUSR2) }
        timer.start(afterMilliseconds: 1)
        loop.run()
        #expect(received == 1)
        source.close()
        #expect(throws: NetworkError.self) {
            try SignalSource(loop: loop, signal: SIGKILL) {}
        }
    }
}
