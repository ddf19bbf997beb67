// SPDX-License-Identifier: BSD-3-Clause

import Testing

@testable import MiniRedis

/// The file `redis.conf` at the root of the project.
struct SampleConfigurationTests {
    /// Directives that have an effect and need no line: the server obeys them in one way only, or
    /// they belong to what is not documented yet.
    private static let unnamed: Set<String> = [
        "always-show-logo", "hz", "dynamic-hz", "activerehashing", "active-expire-effort",
        "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del",
        "lazyfree-lazy-user-del", "lazyfree-lazy-user-flush", "list-compress-depth",
        "shutdown-timeout", "replicaof", "notify-keyspace-events",
    ]

    private static var text: String {
        let tests = #filePath.split(separator: "/").dropLast(3)
        let path = "/" + tests.joined(separator: "/") + "/redis.conf"
        guard case .text(let text) = ConfigurationPaths.contents(of: path) else { return "" }
        return text
    }

    /// The names at the beginning of lines, also of those that only show what may be set.
    private static var lines: [(name: String, line: String)] {
        text.split(separator: "\n").compactMap { line in
            let line = line.hasPrefix("# ") ? line.dropFirst(2) : line
            guard let name = line.split(separator: " ").first.map(String.init),
                Configuration.directive(named: name) != nil || name == "rename-command",
                ConfigurationText.lowercased(name) == name, line.contains(" ")
            else { return nil }
            return (name, String(line))
        }
    }

    private func read(_ text: String) throws -> Configuration {
        let configuration = Configuration(workingDirectory: "/")
        let file = ConfigurationFile(
            configuration: configuration, workingDirectory: "/",
            readFile: { _ in .unreadable(reason: "not asked for") })
        try file.load(text)
        return configuration
    }

    @Test func `it is read without complaint and says what the defaults are`() throws {
        let configuration = try read(Self.text)
        #expect(configuration.notices.isEmpty)
        var expected = Settings()
        expected.directory = "/"
        expected.bindAddresses = ["127.0.0.1", "-::1"]
        for setting in Configuration.directives {
            #expect(
                setting.read(configuration.settings) == setting.read(expected),
                "\(setting.name)")
        }
    }

    @Test func `every directive that has an effect has a line`() {
        let names = Set(Self.lines.map(\.name))
        for setting in Configuration.directives where setting.hasEffect && !setting.isHidden {
            let isNamed = names.contains(setting.name) || Self.unnamed.contains(setting.name)
            #expect(isNamed, "\(setting.name)")
        }
    }

    @Test func `the lines that are only shown are right`() throws {
        let shown = Self.lines.filter { Self.text.contains("\n# " + $0.line + "\n") }
        #expect(shown.count >= 4)
        for (_, line) in shown { _ = try read(line) }
    }
}
