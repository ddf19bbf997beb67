// SPDX-License-Identifier: BSD-3-Clause
//
// Reading the text of a configuration file: lines, comments, `include`. It hands the words of each
// line to the configuration and says where it went wrong. Files come through a closure, so that
// it can be tested without any.

/// Why a start failed while the configuration was read.
enum ConfigurationFileError: Error, Equatable {
    /// A line was refused; `number` counts from 1 in the text it stands in.
    case line(number: Int, text: String, reason: String)
    case unreadable(path: String, reason: String)

    /// What standard error gets, as Redis words it.
    var text: String {
        switch self {
        case .line(let number, let text, let reason):
            return """

                *** FATAL CONFIG FILE ERROR (Redis \(Version.redis)) ***
                Reading the configuration file, at line \(number)
                >>> '\(text)'
                \(reason)

                """
        case .unreadable(let path, let reason):
            return "Fatal error, can't open config file '\(path)': \(reason)\n"
        }
    }
}

/// Applies configuration text to a configuration.
struct ConfigurationFile {
    /// How deep files may include files; a file that includes itself must end.
    static let includeDepthLimit = 16

    let configuration: Configuration
    let workingDirectory: String
    /// The text of the file with that absolute path.
    let readFile: (String) -> LaunchArguments.FileText

    /// Applies the lines in order; a later line wins.
    func load(_ text: String, depth: Int = 0) throws(ConfigurationFileError) {
        for (index, line) in ConfigurationText.lines(text).enumerated() {
            if line.isEmpty || line.utf8.first == UInt8(ascii: "#") { continue }
            do throws(SettingRefusal) {
                guard let words = ConfigurationText.words(line) else {
                    throw SettingRefusal("Unbalanced quotes in configuration line")
                }
                guard let first = words.first else { continue }
                if words.count != 2 || ConfigurationText.lowercased(first) != "include" {
                    try configuration.load(line: words)
                    continue
                }
                if depth == Self.includeDepthLimit {
                    throw SettingRefusal("Too many levels of included files")
                }
            } catch {
                throw .line(number: index + 1, text: line, reason: error.reason)
            }
            try include(ConfigurationText.words(line)?.last ?? "", depth: depth + 1)
        }
    }

    /// Applies the file, or every file that the pattern names; a pattern may name none.
    func include(_ pattern: String, depth: Int) throws(ConfigurationFileError) {
        let path = ConfigurationPaths.absolute(pattern, from: workingDirectory)
        let isPattern = pattern.utf8.contains { "*?[".utf8.contains($0) }
        for file in isPattern ? ConfigurationPaths.expand(path) : [path] {
            try load(contents(of: file), depth: depth)
        }
    }

    /// The text of a file, or why it cannot be read.
    func contents(of path: String) throws(ConfigurationFileError) -> String {
        switch readFile(path) {
        case .text(let text): return text
        case .unreadable(let reason): throw .unreadable(path: path, reason: reason)
        }
    }
}
