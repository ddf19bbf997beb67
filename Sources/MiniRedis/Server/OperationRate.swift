// SPDX-License-Identifier: BSD-3-Clause
//
// How much is going on: rates over the last sixteen tenths of a second, for INFO's instantaneous
// fields.

/// Rates of commands and bytes, sampled ten times a second.
struct OperationRate {
    private struct Sample {
        var commands = 0.0
        var inputBytes = 0.0
        var outputBytes = 0.0
        var turns = 0.0
        var busyMicroseconds = 0.0
    }

    private static let window = 16

    private var samples = [Sample](repeating: Sample(), count: window)
    private var next = 0
    private var last: Counters?

    /// The counters at a time in nanoseconds.
    struct Counters {
        var commands: Int
        var traffic: TrafficStatistics
        var loop: LoopStatistics
        var nanoseconds: UInt64
    }

    /// Takes a sample of the counters.
    mutating func sample(_ counters: Counters) {
        defer { last = counters }
        let now = counters.nanoseconds
        guard let last, now > last.nanoseconds, counters.commands >= last.commands,
            counters.traffic.netInputBytes >= last.traffic.netInputBytes,
            counters.traffic.netOutputBytes >= last.traffic.netOutputBytes,
            counters.loop.turns >= last.loop.turns
        else { return }
        let seconds = Double(now - last.nanoseconds) / 1e9
        func rate(_ new: UInt64, _ old: UInt64) -> Double { Double(new &- old) / seconds }
        samples[next] = Sample(
            commands: Double(counters.commands - last.commands) / seconds,
            inputBytes: rate(counters.traffic.netInputBytes, last.traffic.netInputBytes),
            outputBytes: rate(counters.traffic.netOutputBytes, last.traffic.netOutputBytes),
            turns: rate(counters.loop.turns, last.loop.turns),
            busyMicroseconds: rate(counters.loop.busyNanoseconds, last.loop.busyNanoseconds)
                / 1000)
        next = (next + 1) % Self.window
    }

    var commandsPerSecond: Int { Int(average(\.commands)) }
    var inputKibibytesPerSecond: Double { average(\.inputBytes) / 1024 }
    var outputKibibytesPerSecond: Double { average(\.outputBytes) / 1024 }

    var turnsPerSecond: Int { Int(average(\.turns)) }
    /// What a turn took of late, microseconds.
    var turnMicroseconds: Int {
        let turns = average(\.turns)
        return turns > 0 ? Int(average(\.busyMicroseconds) / turns) : 0
    }

    private func average(_ field: KeyPath<Sample, Double>) -> Double {
        samples.reduce(0) { $0 + $1[keyPath: field] } / Double(Self.window)
    }
}
