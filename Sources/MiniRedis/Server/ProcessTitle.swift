// SPDX-License-Identifier: BSD-3-Clause
//
// The title that `ps` shows, made of a template: text and `{variables}`.

import CProcess

/// A template of the process's title.
struct ProcessTitle {
    /// Variables that always stand for something, and those that may stand for nothing.
    private static let neverEmpty = ["listen-addr", "port", "tls-port"]
    private static let maybeEmpty = ["title", "server-mode", "unixsocket", "config-file"]

    private enum Part {
        case text(Substring)
        case variable(String)
    }

    private let parts: [Part]

    /// Nil if a brace is left open or a variable is unknown.
    init?(_ template: String) {
        var parts: [Part] = []
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            parts.append(.text(rest[..<open]))
            rest = rest[rest.index(after: open)...]
            guard let end = rest.firstIndex(of: "}") else { return nil }
            let name = String(rest[..<end])
            guard (Self.neverEmpty + Self.maybeEmpty).contains(name) else { return nil }
            parts.append(.variable(name))
            rest = rest[rest.index(after: end)...]
        }
        self.parts = parts + [.text(rest)]
    }

    /// What is wrong with a template, as CONFIG SET says it: a title must never be empty either.
    static let refusal: @Sendable (String) -> String? = { template in
        let hasContent = ProcessTitle(template)?.parts.contains { part in
            switch part {
            case .text(let text): text.contains { $0 != " " }
            case .variable(let name): neverEmpty.contains(name)
            }
        }
        return hasContent == true
            ? nil : "template format is invalid or contains unknown variables"
    }

    /// The title of a server with these settings that was started as `program`.
    func text(program: String, _ configuration: Configuration) -> String {
        let settings = configuration.settings
        return parts.map { part in
            switch part {
            case .text(let text): String(text)
            case .variable("title"): program
            case .variable("listen-addr"): Self.listeningAddress(settings)
            case .variable("port"): String(settings.port)
            case .variable("tls-port"): "0"
            case .variable("unixsocket"): settings.unixSocketPath
            case .variable("config-file"): configuration.filePath ?? ""
            case .variable: ""
            }
        }.joined().trimmed
    }

    /// The first address, or the Unix socket's path if there is no port.
    private static func listeningAddress(_ settings: Settings) -> String {
        guard settings.port != 0 else { return settings.unixSocketPath }
        return "\(settings.bindAddresses.first ?? "*"):\(settings.port)"
    }

    /// Gives the process this title; returns false if the system leaves no room for one.
    static func set(_ title: String) -> Bool {
        process_set_title(title)
    }
}

extension String {
    /// Without spaces at its end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
