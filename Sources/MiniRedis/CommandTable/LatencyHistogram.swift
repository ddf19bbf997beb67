// SPDX-License-Identifier: BSD-3-Clause
//
// LatencyHistogram: how long one command took, call by call, in a fixed array.
//
// A duration is counted in cycles, as it was measured, in the bucket of its first five significant
// bits: sixteen buckets to each doubling, so that a bucket's edges are 6 % apart.
//
//     cycles   ... | 1024 | 1088 | 1152 | ... | 1984 | 2048 | 2176 | ...
//                  |<--- 16 buckets, one doubling --->|
//
// Recording is a count of leading zeros, a shift and an increment, without a branch. Cycles become
// time only when somebody asks, since their rate gets more exact with time.
//
// Limits: durations under 16 cycles count as 16, above 2^40 (minutes) as the longest; 4,736 bytes
// for each command that has been called.

/// The distribution of one command's durations. A handle: copies share the counts.
struct LatencyHistogram {
    private static let subBucketBits = 4
    private static let subBuckets = 1 << subBucketBits
    private static let longestExponent = 40
    private static let buckets = (longestExponent - subBucketBits + 1) * subBuckets

    private let counts: UnsafeMutablePointer<UInt64>

    /// An empty histogram; freed with `deallocate`.
    init() {
        counts = .allocate(capacity: Self.buckets)
        counts.initialize(repeating: 0, count: Self.buckets)
    }

    func deallocate() {
        counts.deallocate()
    }

    /// Counts one call that took so many cycles.
    @inline(__always)
    func record(_ cycles: UInt64) {
        let wide = min(max(cycles, 16), (1 << UInt64(Self.longestExponent + 1)) - 1)
        let exponent = 63 &- wide.leadingZeroBitCount
        let shift = exponent &- Self.subBucketBits
        let index = (shift &<< Self.subBucketBits) &+ Int(wide &>> UInt64(shift) & 15)
        counts[index] &+= 1
    }

    /// The first number of cycles behind bucket `index`.
    private static func upperEdge(_ index: Int) -> UInt64 {
        let shift = UInt64(index >> subBucketBits)
        return (UInt64(index & 15) + 17) << shift
    }

    /// Calls that were counted.
    var total: UInt64 { (0..<Self.buckets).reduce(0) { $0 + counts[$1] } }

    /// The cycles that `percent` of the calls did not exceed; 0 if there were none.
    func percentile(_ percent: Double) -> UInt64 {
        let total = total
        let wanted = max(1, UInt64((Double(total) * percent / 100).rounded(.up)))
        var seen: UInt64 = 0
        for index in 0..<Self.buckets {
            seen += counts[index]
            if seen >= wanted { return Self.upperEdge(index) }
        }
        return 0
    }

    /// Calls whose buckets end at or below `cycles`.
    func count(upTo cycles: Double) -> UInt64 {
        var seen: UInt64 = 0
        for index in 0..<Self.buckets where Double(Self.upperEdge(index)) <= cycles {
            seen += counts[index]
        }
        return seen
    }
}
