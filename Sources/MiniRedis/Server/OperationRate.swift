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
    }

    private static let window = 16

    private var samples = [Sample](repeating: Sample(), count: window)
    private var next = 0
    private var last: (commands: Int, input: UInt64, output: UInt64, at: UInt64)?

    /// Takes a sample of the counters at a time in nanoseconds.
    mutating func sample(commands: Int, traffic: TrafficStatistics, nanoseconds now: UInt64) {
        defer { last = (commands, traffic.netInputBytes, traffic.netOutputBytes, now) }
        guard let last, now > last.at, commands >= last.commands,
            traffic.netInputBytes >= last.input, traffic.netOutputBytes >= last.output
        else { return }
        let seconds = Double(now - last.at) / 1e9
        samples[next] = Sample(
            commands: Double(commands - last.commands) / seconds,
            inputBytes: Double(traffic.netInputBytes - last.input) / seconds,
            outputBytes: Double(traffic.netOutputBytes - last.output) / seconds)
        next = (next + 1) % Self.window
    }

    var commandsPerSecond: Int { Int(average(\.commands)) }
    var inputKibibytesPerSecond: Double { average(\.inputBytes) / 1024 }
    var outputKibibytesPerSecond: Double { average(\.outputBytes) / 1024 }

    private func average(_ field: KeyPath<Sample, Double>) -> Double {
        samples.reduce(0) { $0 + $1[keyPath: field] } / Double(Self.window)
    }
}
