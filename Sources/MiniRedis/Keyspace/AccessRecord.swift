// SPDX-License-Identifier: BSD-3-Clause
//
// What an entry's 24 bits remember of its use: when, or how often.
//
//     by recency     [ seconds of the last access, modulo 2^24             ]
//     by frequency   [ minutes of the last access, modulo 2^16 ][ counter : 8 ]
//
// The policy decides which it is, for all entries alike; after a change of policy the bits mean
// something else until the entry is used again, as in Redis. The counter grows with the logarithm
// of the accesses: one that stands at c grows with probability 1 / ((c - 5) * factor + 1); with the
// factor 10, a million accesses fill it. It falls by one for every `decayMinutes` without an
// access. A new entry starts at 5, so that it is not the next to go.
//
// Source: https://redis.io/docs/latest/develop/reference/eviction/

/// The 24 bits of an entry's use.
enum AccessRecord {
    static let mask: UInt32 = 0xFF_FFFF
    /// The counter of a new entry.
    static let firstCount: UInt32 = 5

    /// How the counter of frequency grows and falls (lfu-log-factor, lfu-decay-time).
    struct FrequencyScale {
        var logarithmFactor = 10
        /// 0: it does not fall.
        var decayMinutes = 1
    }

    /// The clock of recency at a time in milliseconds.
    @inline(__always)
    static func recency(_ milliseconds: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: milliseconds / 1000) & mask
    }

    /// The record of frequency of an entry that is made at a time in milliseconds.
    static func newFrequency(_ milliseconds: Int64) -> UInt32 {
        minutes(milliseconds) << 8 | firstCount
    }

    /// Seconds since the last access, by recency.
    static func idleSeconds(_ record: UInt32, now milliseconds: Int64) -> Int {
        Int((recency(milliseconds) &- record) & mask)
    }

    /// The counter as it stands now, by frequency.
    static func frequency(
        _ record: UInt32, now milliseconds: Int64, _ scale: FrequencyScale
    ) -> Int {
        let count = Int(record & 0xFF)
        guard scale.decayMinutes > 0 else { return count }
        let idleMinutes = Int((minutes(milliseconds) &- (record >> 8)) & 0xFFFF)
        return max(0, count - idleMinutes / scale.decayMinutes)
    }

    /// The record after one more access, by frequency.
    static func counted(
        _ record: UInt32, now milliseconds: Int64, _ scale: FrequencyScale,
        _ random: inout RandomSource
    ) -> UInt32 {
        var count = frequency(record, now: milliseconds, scale)
        if count < 255 {
            let step = max(0, count - Int(firstCount)).multipliedReportingOverflow(
                by: scale.logarithmFactor)
            if step.overflow || random.below(UInt64(step.partialValue) + 1) != 0 {
                // Not this time.
            } else {
                count += 1
            }
        }
        return minutes(milliseconds) << 8 | UInt32(count)
    }

    private static func minutes(_ milliseconds: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: milliseconds / 60_000) & 0xFFFF
    }
}
