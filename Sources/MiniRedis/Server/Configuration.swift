// SPDX-License-Identifier: BSD-3-Clause
//
// The configuration of a server: typed values, and the table through which text reaches them from
// the file, the command line and CONFIG SET. It knows text and typed settings only; the keyspace,
// sockets and clients learn of a change through `onChange`.
//
// A directive is one line of a table (`Configuration+Directives.swift`) and one stored property of
// `Settings`, whose initial value is the default. Everything else derives: CONFIG GET and SET, the
// file, the command line.

import Glibc

/// Why CONFIG SET failed: the whole error reply, without the leading `-`.
struct ConfigurationError: Error, Equatable {
    let text: String
}

/// The settings of a server and the table of directives that reach them.
final class Configuration {
    /// Told of a change that is already stored, with what was there before. It applies the change
    /// and returns nil, or returns why it cannot (the reason in CONFIG SET's error): then every
    /// change of the same CONFIG SET is undone, and hooks that had applied theirs are told again.
    typealias ChangeHook = (_ new: Settings, _ old: Settings) -> String?

    /// The values. The server reads them when it starts and when a hook is told of a change.
    private(set) var settings = Settings()
    /// Hooks by the directive's name (not an alias).
    var onChange: [String: ChangeHook] = [:]
    /// The absolute path of the file that was read, if there was one.
    var filePath: String?

    /// Directives set so far while the file and the command line are read: `save` adds up.
    private var loaded: Set<String> = []
    /// The directives that were set and do nothing yet, in the order of their first line.
    private var idle: [String] = []

    /// Every directive, in the order in which CONFIG GET lists them.
    static let directives: [Setting] =
        networkDirectives + processDirectives + memoryDirectives + persistenceDirectives
        + appendOnlyDirectives + observationDirectives + masterDirectives + replicaDirectives
        + unusedReplicationDirectives + unusedPersistenceDirectives
        + unusedMemoryDirectives + unusedProcessDirectives + unusedClusterDirectives
        + unusedTLSDirectives + unusedLaterDirectives

    /// The index in `directives` of each name and alias.
    private static let index: [String: Int] = {
        var index: [String: Int] = [:]
        for (position, setting) in directives.enumerated() {
            for name in setting.names { index[name] = position }
        }
        return index
    }()

    /// The defaults, with `dir` being the given directory or the process's working directory.
    init(workingDirectory: String? = nil) {
        settings.directory = workingDirectory ?? ConfigurationPaths.workingDirectory()
    }

    /// The directive of that name or alias, in any case.
    static func directive(named name: String) -> Setting? {
        index[ConfigurationText.lowercased(name)].map { directives[$0] }
    }
}

// MARK: - CONFIG GET

extension Configuration {
    /// Names and canonical values of the directives that match a pattern, each name once, as
    /// declared. A pattern without glob characters is a name: it also finds a hidden directive,
    /// and is repeated as it was written, as Redis does.
    func get(patterns: [String]) -> [(String, String)] {
        var spelling: [String: String] = [:]
        for pattern in patterns {
            if pattern.utf8.contains(where: { "*?[".utf8.contains($0) }) {
                for name in Self.names(matching: pattern) where spelling[name] == nil {
                    spelling[name] = name
                }
            } else {
                let name = ConfigurationText.lowercased(pattern)
                if spelling[name] == nil { spelling[name] = pattern }
            }
        }
        var found: [(String, String)] = []
        for setting in Self.directives {
            for name in setting.names {
                guard let spelled = spelling[name] else { continue }
                found.append((spelled, setting.read(settings)))
            }
        }
        return found
    }

    /// The names and aliases that a glob pattern describes, hidden directives left out.
    private static func names(matching pattern: String) -> [String] {
        let glob = Self.glob(Self.bytes(pattern))
        var found: [String] = []
        for setting in directives where !setting.isHidden {
            for name in setting.names where Self.matches(glob, Self.bytes(name)) {
                found.append(name)
            }
        }
        return found
    }

    // The parameters below are borrowed so that the bytes outlive the views of them.

    private static func glob(_ pattern: borrowing ByteBuffer) -> GlobPattern {
        GlobPattern(pattern.view, ignoringCase: true)
    }

    private static func matches(_ glob: borrowing GlobPattern, _ name: borrowing ByteBuffer)
        -> Bool
    {
        glob.matches(name.view)
    }

    private static func bytes(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer(capacity: text.utf8.count)
        for byte in text.utf8 { buffer.append(byte: byte) }
        return buffer
    }

    /// The canonical value of one directive, nil if there is none of that name.
    func value(of name: String) -> String? {
        Self.directive(named: name)?.read(settings)
    }
}

// MARK: - CONFIG SET

extension Configuration {
    /// Sets all of `pairs` or none. Returns the error reply, nil if everything is set and applied.
    /// - Parameter mayChangeProtected: what `enable-protected-configs` says of this client.
    func set(_ pairs: [(String, String)], mayChangeProtected: Bool) -> ConfigurationError? {
        var changes: [(name: String, setting: Setting, value: String)] = []
        for (given, value) in pairs {
            let name = ConfigurationText.lowercased(given)
            guard let setting = Self.directive(named: name) else {
                return ConfigurationError(
                    text: "ERR Unknown option or number of arguments for CONFIG SET - '\(given)'")
            }
            if let reason = refusal(of: setting, mayChangeProtected) {
                return Self.failure(given, reason)
            }
            if changes.contains(where: { $0.name == name }) {
                return Self.failure(given, "duplicate parameter")
            }
            changes.append((name, setting, value))
        }

        var proposed = settings
        for (name, setting, value) in changes {
            let words =
                setting.takesManyWords ? ConfigurationText.wordsAtSpaces(value) : [value]
            do throws(SettingRefusal) {
                try setting.write(&proposed, words, false)
            } catch {
                return Self.failure(name, error.reason)
            }
        }
        return apply(proposed, changes.map { ($0.name, $0.setting) })
    }

    private func refusal(of setting: Setting, _ mayChangeProtected: Bool) -> String? {
        switch setting.mutability {
        case .always: return nil
        case .ifProtectedAllowed: return mayChangeProtected ? nil : "can't set protected config"
        case .atStart: return "can't set immutable config"
        }
    }

    /// Stores the new values and tells the hooks; undoes all of it if one refuses.
    private func apply(_ proposed: Settings, _ changes: [(name: String, setting: Setting)])
        -> ConfigurationError?
    {
        let old = settings
        settings = proposed
        var told: [ChangeHook] = []
        for (name, setting) in changes where setting.read(old) != setting.read(proposed) {
            guard let hook = onChange[setting.name] else { continue }
            guard let reason = hook(proposed, old) else {
                told.append(hook)
                continue
            }
            settings = old
            for hook in told.reversed() { _ = hook(old, proposed) }
            return Self.failure(name, reason)
        }
        return nil
    }

    private static func failure(_ name: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(
            text: "ERR CONFIG SET failed (possibly related to argument '\(name)') - \(reason)")
    }

    /// Corrects a setting to what the system allows (the port that was bound, the clients that
    /// fit the limit of open files), without hooks.
    func adjust(_ change: (inout Settings) -> Void) {
        change(&settings)
    }
}

// MARK: - The file and the command line

extension Configuration {
    /// Applies one line's words, of which there is at least one; `include` is the caller's.
    func load(line words: [String]) throws(SettingRefusal) {
        let name = ConfigurationText.lowercased(words[0])
        var values = Array(words.dropFirst())
        guard let setting = Self.directive(named: name) else {
            return try loadOther(name, values)
        }
        if setting.takesManyWords {
            if values.count == 1 {
                guard let split = ConfigurationText.words(values[0]) else {
                    throw SettingRefusal("wrong number of arguments")
                }
                values = split
            }
        } else if values.count != 1 {
            throw SettingRefusal("wrong number of arguments")
        }
        try setting.write(&settings, values, loaded.contains(setting.name))
        loaded.insert(setting.name)
        if !setting.hasEffect { noteIdle(setting.name) }
    }

    /// The lines that are no settings: users, renamed commands, modules, and what Redis forgot.
    private func loadOther(_ name: String, _ values: [String]) throws(SettingRefusal) {
        switch (name, values.count) {
        case ("user", 1...):
            try loadUser(values)
        case ("rename-command", 2):
            settings.renamedCommands.append(CommandRename(name: values[0], newName: values[1]))
        case ("loadmodule", 1...):
            throw SettingRefusal("Modules are not supported")
        case ("sentinel", _):
            throw SettingRefusal("sentinel directive while not in sentinel mode")
        case ("list-max-ziplist-entries", 1), ("list-max-ziplist-value", 1):
            // Without a meaning since Redis 3.2, and still in old files.
            break
        default:
            throw SettingRefusal("Bad directive or wrong number of arguments")
        }
    }

    private func loadUser(_ words: [String]) throws(SettingRefusal) {
        if settings.users.contains(where: { $0[0] == words[0] }) {
            throw SettingRefusal(
                "Error in user declaration '\(words[0])': Duplicate user found. "
                    + "A user can only be defined once in config files")
        }
        settings.users.append(words)
        noteIdle("user")
    }

    private func noteIdle(_ name: String) {
        if !idle.contains(name) { idle.append(name) }
    }

    /// A line for the log for each directive that was set to something that is not its default and
    /// does nothing yet.
    var notices: [String] {
        let defaults = Configuration(workingDirectory: settings.directory)
        return idle.compactMap { name in
            if let value = value(of: name), value == defaults.value(of: name) { return nil }
            return "directive '\(name)' has no effect yet"
        }
    }
}
