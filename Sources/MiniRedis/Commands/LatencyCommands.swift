// SPDX-License-Identifier: BSD-3-Clause
//
// LATENCY: what took too long and when, and how long every command takes.

/// LATENCY and its subcommands.
enum LatencyCommands {
    private static let flags: CommandFlags = [.admin, .noScript, .loading, .stale]
    private static let tips = [
        "nondeterministic_output", "request_policy:all_nodes", "response_policy:special",
    ]

    static let declarations: [Command] = [
        Command(
            "LATENCY", in: .server, since: "2.8.13", complexity: "Depends on subcommand.",
            summary: "Shows what took longer than latency-monitor-threshold.",
            subcommands: reports + [
                Command(
                    "HISTOGRAM", in: .server, since: "7.0.0",
                    complexity: "O(N) where N is the number of commands",
                    summary: "Returns the distribution of the durations of commands.",
                    flags: flags, tips: tips,
                    syntax: [.optional(.many(.string("command")))],
                    run: .administration(histogram)),
                Command(
                    "RESET", in: .server, since: "2.8.13", complexity: "O(1)",
                    summary: "Forgets the samples of all events, or of those named.",
                    flags: flags,
                    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
                    syntax: [.optional(.many(.string("event")))], run: .administration(reset)),
                .help(in: .server, since: "2.8.13"),
            ],
            run: .container)
    ]

    private static let reports: [Command] = [
        Command(
            "DOCTOR", in: .server, since: "2.8.13", complexity: "O(1)",
            summary: "Tells in words what took too long, and what may help.",
            flags: flags, tips: tips, run: .administration(consult)),
        Command(
            "GRAPH", in: .server, since: "2.8.13", complexity: "O(1)",
            summary: "Draws the samples of an event.",
            flags: flags, tips: tips, syntax: [.string("event")], run: .administration(graph)),
        Command(
            "HISTORY", in: .server, since: "2.8.13", complexity: "O(1)",
            summary: "Returns the samples of an event: time and milliseconds.",
            flags: flags, tips: tips, syntax: [.string("event")], run: .administration(history)),
        Command(
            "LATEST", in: .server, since: "2.8.13", complexity: "O(1)",
            summary: "Returns the newest and the worst sample of every event.",
            flags: flags, tips: tips, run: .administration(latest)),
    ]

    /// https://redis.io/docs/latest/commands/latency-latest/
    static func latest(_ context: AdministrationContext) throws(ErrorReply) {
        let series = context.administration.latencyMonitor.series
        context.reply.array(series.count)
        for event in LatencyEvent.allCases {
            guard let own = series[event], let last = own.samples.last else { continue }
            context.reply.array(4)
            context.reply.bulk(event.rawValue)
            context.reply.integer(last.unixSeconds)
            context.reply.integer(last.milliseconds)
            context.reply.integer(own.worst)
        }
    }

    /// https://redis.io/docs/latest/commands/latency-history/
    static func history(_ context: AdministrationContext) throws(ErrorReply) {
        let event = LatencyEvent(rawValue: context.data[2].string)
        let samples =
            event.flatMap { context.administration.latencyMonitor.series[$0]?.samples } ?? []
        context.reply.array(samples.count)
        for sample in samples {
            context.reply.array(2)
            context.reply.integer(sample.unixSeconds)
            context.reply.integer(sample.milliseconds)
        }
    }

    /// https://redis.io/docs/latest/commands/latency-reset/
    static func reset(_ context: AdministrationContext) throws(ErrorReply) {
        var events = LatencyEvent.allCases
        if context.data.count > 2 {
            events = (2..<context.data.count).compactMap {
                LatencyEvent(rawValue: context.data[$0].string)
            }
        }
        let monitor = context.administration.latencyMonitor
        context.reply.integer(events.filter { monitor.reset($0) }.count)
    }

    // MARK: - Distributions

    /// Microseconds at which the distribution is cut, as Redis shows them: powers of two of 1,024
    /// nanoseconds, at the edges of its histogram.
    private static func edge(_ step: Int) -> Double { Double(1024 << step) * 129 / 128_000 }
    private static let mostEdges = 36

    /// https://redis.io/docs/latest/commands/latency-histogram/
    static func histogram(_ context: AdministrationContext) throws(ErrorReply) {
        let table = context.administration.commandTable
        var indexes = Array(0..<table.commands.count)
        if context.data.count > 2 {
            indexes = (2..<context.data.count).flatMap { named(context.data[$0], table) }
        }
        indexes = indexes.filter { table.statistics[$0].histogram != nil }
        let rate = context.administration.cyclesPerMicrosecond
        context.reply.map(indexes.count)
        for index in indexes {
            guard let histogram = table.statistics[index].histogram else { continue }
            context.reply.bulk(table.names[index])
            write(histogram, rate, context.reply)
        }
    }

    /// The command of that name with its subcommands; none if there is none.
    private static func named(_ name: ByteView, _ table: CommandTable) -> [Int] {
        if let index = table.index.find(name) {
            return [index] + Array((table.index.records + index).pointee.subcommands)
        }
        let text = name.string.lowercased()
        return table.names.firstIndex(of: text).map { [$0] } ?? []
    }

    private static func write(
        _ histogram: LatencyHistogram, _ rate: Double, _ reply: ReplyWriter
    ) {
        let total = histogram.total
        var cuts: [(Int, UInt64)] = []
        var last: UInt64 = 0
        for step in 0..<mostEdges where last < total {
            let isFinal = step == mostEdges - 1
            let count = isFinal ? total : histogram.count(upTo: edge(step) * rate)
            guard count > last else { continue }
            cuts.append((Int(edge(step)), count))
            last = count
        }
        reply.map(2)
        reply.bulk("calls")
        reply.integer(Int64(clamping: total))
        reply.bulk("histogram_usec")
        reply.map(cuts.count)
        for (microseconds, count) in cuts {
            reply.integer(microseconds)
            reply.integer(Int64(clamping: count))
        }
    }
}
