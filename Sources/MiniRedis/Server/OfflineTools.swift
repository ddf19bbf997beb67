// SPDX-License-Identifier: BSD-3-Clause
//
// What the executable does instead of serving: tools for files, each by the name under which the
// program was started, as Redis's package has them, and by an option.
//
//     redis-check-rdb FILE                    redis --check-rdb FILE
//     redis-check-aof [--fix ...] FILE        redis --check-aof [--fix ...] FILE
//                                             redis --convert-rdb IN OUT --rdb-version N

import Glibc

/// A tool that works on files and ends.
struct OfflineTool {
    /// The name that a link to the executable has, if the tool goes by one.
    var program: String?
    /// The first argument that asks for it otherwise.
    var option: String
    /// Gets what was typed to start it and the words behind; returns the status.
    var run: (_ program: String, _ words: [String], _ say: (String) -> Void) -> Int32

    static var all: [OfflineTool] {
        [
            OfflineTool(program: "redis-check-rdb", option: "--check-rdb", run: checkDump),
            OfflineTool(
                program: "redis-check-aof", option: "--check-aof", run: AppendOnlyCheck.run),
            OfflineTool(program: nil, option: "--convert-rdb", run: convertDump),
        ]
    }

    /// The tool that the arguments ask for, what was typed to start it, and its words.
    static func find(
        _ arguments: [String]
    ) -> (tool: OfflineTool, program: String, words: [String])? {
        let path = arguments.first ?? ""
        let program = path.split(separator: "/").last ?? ""
        for tool in all {
            if let name = tool.program, program.hasPrefix(name) {
                return (tool, path, Array(arguments.dropFirst()))
            }
            if arguments.count > 1, arguments[1] == tool.option {
                return (tool, "\(path) \(tool.option)", Array(arguments.dropFirst(2)))
            }
        }
        return nil
    }
}

// MARK: - Check

extension OfflineTool {
    private static func checkDump(
        _ program: String, _ words: [String], _ say: (String) -> Void
    ) -> Int32 {
        guard words.count == 1 else {
            complain("Usage: \(program) <rdb-file-name>\n")
            return 1
        }
        if words[0] == "-v" || words[0] == "--version" {
            say("redis-check-rdb \(Version.redis)\n")
            return 0
        }
        say("[offset 0] Checking RDB file \(words[0])\n")
        var clock = Clock()
        clock.refresh()
        var lines: [String] = []
        var inspection = RDBInspection(now: clock.unixMilliseconds) { lines.append($0) }
        do throws(PersistenceError) {
            let source = try FileSource(path: words[0])
            do throws(RDBError) {
                try inspection.inspect(source)
            } catch {
                for line in lines { say(line + "\n") }
                tell(error, say)
                tellTotals(inspection, say)
                return 1
            }
        } catch {
            complain("\(error)\n")
            return 1
        }
        for line in lines { say(line + "\n") }
        if inspection.version >= RDBVersion.firstWithChecksum {
            let checked = inspection.checksumWasDisabled
            say(
                "[offset \(inspection.bytes)] "
                    + (checked ? "RDB file was saved with checksum disabled." : "Checksum OK")
                    + "\n")
        }
        say("[offset \(inspection.bytes)] \\o/ RDB looks OK! \\o/\n")
        tellTotals(inspection, say)
        summarize(inspection, say)
        return 0
    }

    private static func tell(_ error: RDBError, _ say: (String) -> Void) {
        say("--- RDB ERROR DETECTED ---\n")
        let text =
            switch error.defect {
            case .shortRead: "Unexpected EOF reading RDB file"
            case .wrongChecksum: "RDB CRC error"
            default: "\(error)"
            }
        say("[offset \(error.offset)] \(text)\n")
        if let key = error.key { say("[additional info] Reading key \(key)\n") }
        if let hint = error.hint { say("[additional info] \(hint)\n") }
    }

    private static func tellTotals(_ inspection: RDBInspection, _ say: (String) -> Void) {
        let total = inspection.total
        say("[info] \(total.total) keys read\n")
        say("[info] \(total.expires) expires\n")
        say("[info] \(total.expired) already expired\n")
    }

    /// What is inside, beyond what Redis's tool tells.
    private static func summarize(_ inspection: RDBInspection, _ say: (String) -> Void) {
        let kind = inspection.isValkey ? "Valkey" : "Redis"
        let writer = inspection.facts.producer.map { ", written by \($0)" } ?? ""
        say("[summary] version \(inspection.version) of \(kind)\(writer)\n")
        for (number, census) in inspection.databases.sorted(by: { $0.key < $1.key }) {
            say("[summary] database \(number): \(census.text)\n")
        }
        if inspection.libraries > 0 {
            say("[summary] libraries of functions: \(inspection.libraries)\n")
        }
        if let largest = inspection.largest {
            say(
                "[summary] largest: \(largest.type) \(largest.key) in database "
                    + "\(largest.database), \(largest.bytes) bytes of the dump\n")
        }
    }

    static func complain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = bytes.baseAddress.map { write(STDERR_FILENO, $0, bytes.count) }
        }
    }
}

// MARK: - Convert

extension OfflineTool {
    private static let conversionUsage = """
        Usage: redis --convert-rdb IN OUT --rdb-version N
        Reads a dump of any version and writes one of version N (9 to 12).

        """

    private static func convertDump(
        _ program: String, _ words: [String], _ say: (String) -> Void
    ) -> Int32 {
        let versions = RDBVersion.written...RDBVersion.firstWithFieldDeadlines
        guard words.count == 4, words[2] == "--rdb-version", let version = Int(words[3]),
            versions.contains(version)
        else {
            complain(conversionUsage)
            return 1
        }
        var parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
        let name = String(parts.removeLast())
        let directory = parts.isEmpty ? "." : parts.joined(separator: "/") + "/"
        do throws(PersistenceError) {
            let source = try FileSource(path: words[0])
            do throws(RDBConversionError) {
                var conversion = try RDBConversion(from: source, version: version)
                let result = try conversion.convert(toDirectory: directory, name: name)
                say("\(conversion.keys) keys, \(result.bytes) bytes, version \(version)\n")
                return 0
            } catch {
                complain(error.text + "\n")
                return 1
            }
        } catch {
            complain("\(error)\n")
            return 1
        }
    }
}
