// SPDX-License-Identifier: BSD-3-Clause
//
// What the loop counts about itself, behind pointers so that counting is one addition. It must not
// know who reports the numbers.

/// How long turns took. A turn is everything between two waits for the kernel.
struct LoopStatistics {
    /// Turns in which something happened.
    private(set) var turns: UInt64 = 0
    /// Their total duration.
    private(set) var busyNanoseconds: UInt64 = 0
    /// The duration of the longest one: the longest that any client waited for others.
    private(set) var longestTurnNanoseconds: UInt64 = 0

    /// Counts a turn; returns whether it was the longest so far.
    @inline(__always)
    mutating func record(turn nanoseconds: UInt64) -> Bool {
        turns &+= 1
        busyNanoseconds &+= nanoseconds
        guard nanoseconds > longestTurnNanoseconds else { return false }
        longestTurnNanoseconds = nanoseconds
        return true
    }

    mutating func reset() {
        self = LoopStatistics()
    }
}

/// What went over all sockets of the loop.
struct TrafficStatistics {
    var netInputBytes: UInt64 = 0
    var netOutputBytes: UInt64 = 0
    /// Reads that brought something.
    var reads: UInt64 = 0
    /// Writes that took something.
    var writes: UInt64 = 0

    mutating func reset() {
        self = TrafficStatistics()
    }
}
