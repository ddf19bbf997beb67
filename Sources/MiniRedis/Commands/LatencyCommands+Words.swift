// SPDX-License-Identifier: BSD-3-Clause
//
// LATENCY for people: the doctor's report and the graph.

extension LatencyCommands {
    // MARK: - DOCTOR

    /// https://redis.io/docs/latest/commands/latency-doctor/
    static func consult(_ context: AdministrationContext) throws(ErrorReply) {
        let monitor = context.administration.latencyMonitor
        guard monitor.threshold > 0 else {
            return context.reply.verbatim(
                "Latency monitoring is off: CONFIG SET latency-monitor-threshold <milliseconds> "
                    + "turns it on.\n")
        }
        guard !monitor.series.isEmpty else {
            return context.reply.verbatim(
                "Nothing took \(monitor.threshold) milliseconds or more.\n")
        }
        var text = "What took \(monitor.threshold) milliseconds or more:\n\n"
        var number = 0
        for event in LatencyEvent.allCases {
            guard let own = monitor.series[event] else { continue }
            number += 1
            text += "\(number). " + diagnose(event, own) + "\n"
        }
        text += "\nWhat may help:\n\n"
        for event in LatencyEvent.allCases where monitor.series[event] != nil {
            text += "- " + advice(event) + "\n"
        }
        context.reply.verbatim(text)
    }

    private static func diagnose(_ event: LatencyEvent, _ series: LatencyMonitor.Series) -> String {
        let values = series.samples.map(\.milliseconds)
        let count = Int64(max(1, values.count))
        let mean = values.reduce(0, +) / count
        let deviation = values.reduce(0) { $0 + abs($1 - mean) } / count
        var text =
            "\(event.rawValue): \(values.count) latency spikes (average \(mean)ms, "
            + "mean deviation \(deviation)ms). Worst all time event \(series.worst)ms"
        if !series.worstCause.isEmpty { text += " (\(series.worstCause))" }
        return text + "."
    }

    private static func advice(_ event: LatencyEvent) -> String {
        switch event {
        case .command:
            "SLOWLOG GET shows which commands were slow: look for large replies, many keys or "
                + "large values in one command."
        case .fastCommand:
            "A command that is always fast was slow: the machine has too few processors for what "
                + "runs on it, or it swaps."
        case .eventLoop:
            "Other clients waited for a turn this long: INFO's eventloop_duration_max_cause names "
                + "what took the longest one."
        }
    }

    // MARK: - GRAPH

    private static let graphWidth = 80
    private static let graphRows = 4

    /// https://redis.io/docs/latest/commands/latency-graph/
    static func graph(_ context: AdministrationContext) throws(ErrorReply) {
        let name = context.data[2].string
        guard let event = LatencyEvent(rawValue: name),
            let series = context.administration.latencyMonitor.series[event]
        else {
            context.reply.error("ERR No samples available for event '\(name)'")
            throw .written
        }
        let samples = series.samples.suffix(graphWidth)
        let high = samples.map(\.milliseconds).max() ?? 0
        let low = samples.map(\.milliseconds).min() ?? 0
        let now = context.data.now / 1000
        var text = "\(event.rawValue) - high \(high) ms, low \(low) ms "
        text += "(all time high \(series.worst) ms)\n"
        text += String(repeating: "-", count: graphWidth) + "\n"
        for row in (0..<graphRows).reversed() {
            for sample in samples {
                text += mark(sample.milliseconds, low: low, high: high, row: row)
            }
            text += "\n"
        }
        text += "\n" + legend(samples.map { age(now - $0.unixSeconds) })
        context.reply.verbatim(text)
    }

    /// What a sample shows in a row: a column that rises from the lowest to the highest one.
    private static func mark(_ value: Int64, low: Int64, high: Int64, row: Int) -> String {
        let top = graphRows * 2 - 1
        let height = high == low ? 0 : Int((value - low) * Int64(top) / (high - low))
        if height / 2 > row { return "|" }
        if height / 2 < row { return " " }
        return height % 2 == 0 ? "_" : "#"
    }

    /// The ages of the samples, written downwards under their columns.
    private static func legend(_ ages: [String]) -> String {
        let rows = ages.map(\.utf8.count).max() ?? 0
        var text = ""
        for row in 0..<rows {
            for age in ages {
                let letters = Array(age)
                text += row < letters.count ? String(letters[row]) : " "
            }
            text += "\n"
        }
        return text
    }

    private static func age(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds))s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86400: "\(seconds / 3600)h"
        default: "\(seconds / 86400)d"
        }
    }
}
