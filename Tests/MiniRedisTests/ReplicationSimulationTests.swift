// SPDX-License-Identifier: BSD-3-Clause
//
// Seeded runs of the replication simulation. MINIREDIS_SIMULATION_SEEDS sets how many (200 without
// it), MINIREDIS_SIMULATION_FIRST the first; a failure names its seed, and the seed repeats it.

import Glibc
import Testing

@testable import MiniRedis

@Suite struct `The replication simulation` {
    private func number(_ name: String, _ other: Int) -> Int {
        getenv(name).flatMap { Int(String(cString: $0)) } ?? other
    }

    @Test func `ends with all servers equal and no acknowledged write lost`() {
        let first = number("MINIREDIS_SIMULATION_FIRST", 1)
        let count = number("MINIREDIS_SIMULATION_SEEDS", 200)
        var (partial, full, promotions, acknowledged) = (0, 0, 0, 0)
        for seed in first..<first + count {
            let simulation = ReplicationSimulation(seed: UInt64(seed))
            simulation.run(faults: 40_000, peace: 60_000)
            partial += simulation.partialResyncs
            full += simulation.fullResyncs
            promotions += simulation.promotions
            acknowledged += simulation.acknowledgedKeys.count
        }
        // The runs must have been worth something.
        #expect(partial > count && full > count && promotions > count / 4)
        #expect(acknowledged > 10 * count)
    }
}
