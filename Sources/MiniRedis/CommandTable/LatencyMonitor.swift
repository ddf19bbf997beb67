// SPDX-License-Identifier: BSD-3-Clause
//
// LatencyMonitor: when something took too long, and how long. A series of samples for each kind of
// event, one sample a second (the worst of it), the last 160 of them.
//
// Source:
// https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/

/// What may take too long.
enum LatencyEvent: String, CaseIterable {
    /// A command.
    case command
    /// A command that is flagged as fast.
    case fastCommand = "fast-command"
    /// A turn of the loop: what any client may have waited for the others.
    case eventLoop = "eventloop"
}

/// The latency samples of a server.
final class LatencyMonitor {
    struct Sample {
        var unixSeconds: Int64
        var milliseconds: Int64
    }

    /// The samples of one kind of event, oldest first, and what was ever the worst.
    struct Series {
        var samples: [Sample] = []
        var worst: Int64 = 0
        /// What took the worst one, in words; empty if nobody knows.
        var worstCause = ""
    }

    static let mostSamples = 160

    /// latency-monitor-threshold: milliseconds from which on an event is sampled; 0 is off.
    var threshold: Int64 = 0
    private(set) var series: [LatencyEvent: Series] = [:]

    /// Takes an event that lasted so long, if that is long enough.
    func add(_ event: LatencyEvent, milliseconds: Int64, unixSeconds: Int64, cause: String = "") {
        guard threshold > 0 && milliseconds >= threshold else { return }
        var own = series[event] ?? Series()
        if milliseconds > own.worst {
            own.worst = milliseconds
            own.worstCause = cause
        }
        if let last = own.samples.last, last.unixSeconds == unixSeconds {
            own.samples[own.samples.count - 1].milliseconds = max(last.milliseconds, milliseconds)
        } else {
            if own.samples.count == Self.mostSamples { own.samples.removeFirst() }
            own.samples.append(Sample(unixSeconds: unixSeconds, milliseconds: milliseconds))
        }
        series[event] = own
    }

    /// Forgets one kind of event; returns whether there was anything to forget.
    func reset(_ event: LatencyEvent) -> Bool {
        series.removeValue(forKey: event) != nil
    }
}
