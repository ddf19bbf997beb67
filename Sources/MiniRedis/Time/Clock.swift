// SPDX-License-Identifier: BSD-3-Clause
//
// The time of a turn, as data.
//
// The loop reads the kernel's clocks once when a turn starts and everybody who runs in that turn
// reads the same two numbers from here. A command that asks the kernel for the time is a defect:
// two commands of one batch would disagree, and a test could not set the time.
//
// Two clocks: the wall clock, which users set and which deadlines of keys are written in, and the
// monotonic one, which nobody can set and which durations and timeouts are measured with. Reading
// both in every turn would double the cost, so the wall clock is derived: monotonic time plus an
// offset that is measured anew when it is older than `anchorLifetimeNanoseconds`. A step of the
// wall clock is thus noticed within ten milliseconds; between two measurements the derived time is
// wrong by what the kernel slews in ten milliseconds, at most five microseconds.
//
// This file knows two system calls. It must not know who asks for the time, or why.

import Glibc

/// The two clocks as they stood when the current turn of the loop started.
///
/// A plain value: a test makes one with the numbers it wants and never calls `refresh()`.
struct Clock {
    /// Wall-clock time: milliseconds since 1970-01-01 UTC.
    var unixMilliseconds: Int64
    /// Time since an arbitrary start, never set back: nanoseconds.
    var monotonicNanoseconds: UInt64

    /// The same, in whole milliseconds.
    @inline(__always)
    var monotonicMilliseconds: Int64 { Int64(bitPattern: monotonicNanoseconds / 1_000_000) }

    /// Wall-clock time: microseconds since 1970-01-01 UTC. Whole milliseconds in a clock that was
    /// never refreshed.
    var unixMicroseconds: Int64 {
        if anchoredAt == 0 { return unixMilliseconds &* 1000 }
        return (Int64(bitPattern: monotonicNanoseconds) &+ offsetNanoseconds) / 1000
    }

    /// Wall clock minus monotonic clock in nanoseconds, as measured at `anchoredAt`.
    private var offsetNanoseconds: Int64 = 0
    /// The monotonic time at which the offset was measured; zero if it never was.
    private var anchoredAt: UInt64 = 0

    /// How long a measured offset is trusted.
    private static let anchorLifetimeNanoseconds: UInt64 = 10_000_000
    /// A measurement that took longer was interrupted and would be off by as much: try again.
    private static let anchorToleranceNanoseconds: UInt64 = 50_000
    /// How many times an interrupted measurement is tried before the last one is taken.
    private static let anchorAttempts = 3

    /// The time now.
    init() {
        self.init(unixMilliseconds: 0, monotonicNanoseconds: 0)
        refresh()
    }

    /// The time a test or a log replay says it is.
    init(unixMilliseconds: Int64, monotonicNanoseconds: UInt64) {
        self.unixMilliseconds = unixMilliseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }

    /// Reads the kernel's clocks: one call, or three when the offset is due.
    mutating func refresh() {
        let now = Clock.readMonotonicNanoseconds()
        if anchoredAt == 0 || now &- anchoredAt >= Clock.anchorLifetimeNanoseconds {
            anchor(at: now)
        }
        monotonicNanoseconds = now
        unixMilliseconds = (Int64(bitPattern: now) &+ offsetNanoseconds) / 1_000_000
    }

    /// The monotonic clock, read from the kernel: for the loop and measurements, not for commands.
    @inline(__always)
    static func readMonotonicNanoseconds() -> UInt64 {
        UInt64(bitPattern: read(CLOCK_MONOTONIC))
    }

    /// Measures the offset between two readings of the monotonic clock, so that a thread that lost
    /// the processor between its readings does not see a wall clock that is milliseconds ahead.
    private mutating func anchor(at now: UInt64) {
        var before = now
        for _ in 0..<Clock.anchorAttempts {
            let wall = Clock.read(CLOCK_REALTIME)
            let after = Clock.readMonotonicNanoseconds()
            offsetNanoseconds = wall &- Int64(bitPattern: before &+ (after &- before) / 2)
            if after &- before <= Clock.anchorToleranceNanoseconds { break }
            before = after
        }
        anchoredAt = now
    }

    @inline(__always)
    private static func read(_ identifier: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(identifier, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
