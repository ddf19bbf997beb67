// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: what the server is and does, in sections of `name:value` lines. Built when asked for. The
// sections are in files of their own; a field that Redis has and that means nothing here is 0.
//
// Source: https://redis.io/docs/latest/commands/info/

import Glibc

/// Builds INFO's text.
struct InfoReport {
    unowned let server: Server
    private var text = ""

    init(server: Server) {
        self.server = server
    }

    private typealias Section = (
        name: String, isDefault: Bool, write: @Sendable (inout InfoReport) -> Void
    )

    private static let sections: [Section] = [
        ("Server", true, { $0.describeServer() }),
        ("Clients", true, { $0.describeClients() }),
        ("Memory", true, { $0.describeMemory() }),
        ("Persistence", true, { $0.describePersistence() }),
        ("Stats", true, { $0.describeStatistics() }),
        ("Replication", true, { $0.describeReplication() }),
        ("CPU", true, { $0.describeProcessor() }),
        ("Modules", true, { _ in }),
        ("Commandstats", false, { $0.describeCommands() }),
        ("Errorstats", true, { $0.describeErrors() }),
        ("Latencystats", false, { $0.describeLatencies() }),
        ("Cluster", true, { $0.field("cluster_enabled", 0) }),
        ("Keyspace", true, { $0.describeKeyspace() }),
    ]

    /// The text of the sections, named in lower case; none for the default ones.
    func text(sections wanted: [String]) -> String {
        var report = self
        let all = wanted.contains("all") || wanted.contains("everything")
        let defaults = wanted.isEmpty || wanted.contains("default")
        for section in Self.sections
        where all || wanted.contains(section.name.lowercased()) || defaults && section.isDefault {
            if !report.text.isEmpty { report.text += "\r\n" }
            report.text += "# \(section.name)\r\n"
            section.write(&report)
        }
        return report.text
    }

    mutating func field(_ name: String, _ value: some CustomStringConvertible) {
        text += "\(name):\(value)\r\n"
    }

    /// Fields of things that this server does not have.
    mutating func zeros(_ names: String...) {
        for name in names { field(name, 0) }
    }

    /// Bytes, and the same for people.
    mutating func bytes(_ name: String, _ value: Int) {
        field(name, value)
        field("\(name)_human", Self.human(value))
    }

    /// A number with `digits` digits after the point.
    mutating func field(_ name: String, _ value: Double, digits: Int) {
        field(name, Self.fixed(value, digits: digits))
    }

    var now: Int64 { server.loop.clock.pointee.unixMilliseconds }

    // MARK: - Figures

    static func fixed(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((value * scale).rounded())
        let fraction = String(abs(scaled) % Int64(scale))
        return (scaled < 0 ? "-" : "") + "\(abs(scaled) / Int64(scale))."
            + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// Resident bytes of the process, from /proc.
    static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = line.split(separator: CChar(UInt8(ascii: " ")))
        guard words.count > 1 else { return 0 }
        var pages = 0
        for digit in words[1] { pages = pages * 10 + Int(digit) - 48 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// `1.50M`, as INFO's `_human` fields print bytes.
    static func human(_ bytes: Int) -> String {
        let units: [(Double, String)] = [(0x1p30, "G"), (0x1p20, "M"), (0x1p10, "K")]
        for (size, letter) in units where Double(bytes) >= size {
            return fixed(Double(bytes) / size, digits: 2) + letter
        }
        return "\(bytes)B"
    }
}
