// SPDX-License-Identifier: BSD-3-Clause
//
// Observers: who watches the server while it runs. It remembers what was slow, what failed, and
// what took the longest turn of the loop; it decides nothing and stops nothing.

/// What the server remembers of its own behaviour.
final class Observers {
    /// What a turn of the loop was spent on, as far as it is known.
    struct TurnAccount {
        /// The turn in which `slowest` ran.
        var turn: UInt64 = 0
        /// The record of the slowest command of that turn that took a millisecond or more.
        var slowest = 0
        var slowestCycles: UInt64 = 0
        /// Cycles of the present turn's slices.
        var expiryCycles: UInt64 = 0
        var freeingCycles: UInt64 = 0
    }

    /// A command that takes this long is remembered as a possible cause of a long turn:
    /// microseconds.
    static let notableMicroseconds: Int64 = 1000

    let slowLog = SlowLog()
    let latencyMonitor = LatencyMonitor()
    var errors = ErrorStatistics()
    var turn = TurnAccount()
    /// What took the longest turn; empty while there was none worth a look.
    var longestTurnCause = ""
    /// slowlog-log-slower-than: microseconds; negative is off.
    var slowLogThreshold: Int64 = -1

    /// From how many microseconds on the observers want to be told of a command.
    var threshold: Int64 {
        var least = Self.notableMicroseconds
        if slowLogThreshold >= 0 { least = min(least, slowLogThreshold) }
        return least
    }
}
