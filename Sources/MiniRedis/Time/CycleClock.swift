// SPDX-License-Identifier: BSD-3-Clause
//
// The processor's counter as a clock: what one command took costs a read of a register, not a call.
//
// The counter's rate is measured against the monotonic clock from the start of the process on, so
// the factor gets more exact with time. Limits: the counter must be constant and the same on all
// cores, as on every x86-64 and ARM server of the last decade; where there is none, `cin_cycles` is
// the monotonic clock itself.

import CIntrinsics

/// Turns differences of the cycle counter into microseconds.
struct CycleClock {
    private let startCycles: UInt64
    private let startNanoseconds: UInt64

    init() {
        startCycles = cin_cycles()
        startNanoseconds = Clock.readMonotonicNanoseconds()
    }

    /// The counter, now.
    @inline(__always)
    static var cycles: UInt64 { cin_cycles() }

    /// Cycles of a microsecond, as measured up to now.
    var cyclesPerMicrosecond: Double {
        let nanoseconds = Clock.readMonotonicNanoseconds() &- startNanoseconds
        guard nanoseconds > 1_000_000 else { return 1000 }
        return Double(cin_cycles() &- startCycles) * 1000 / Double(nanoseconds)
    }
}
