// SPDX-License-Identifier: BSD-3-Clause
//
// The types of settings that are more than a number or a text. Each knows its own text form, and
// nothing about directives, files or clients.

/// A save point: save when `changes` keys or more changed in the last `seconds`.
struct SavePoint: Equatable, Sendable {
    var seconds: Int64
    var changes: Int64
}

/// A master to follow, as `replicaof` names it.
struct MasterAddress: Equatable, Sendable {
    var host: String
    var port: Int
}

/// The limits of what may wait to be sent to one class of clients; zero is "no limit".
struct ClientOutputLimit: Equatable, Sendable {
    var hardBytes: UInt64
    var softBytes: UInt64
    var softSeconds: Int64
}

/// The three classes that `client-output-buffer-limit` distinguishes.
struct ClientOutputLimits: Equatable, Sendable {
    var normal = ClientOutputLimit(hardBytes: 0, softBytes: 0, softSeconds: 0)
    var replica = ClientOutputLimit(hardBytes: 256 << 20, softBytes: 64 << 20, softSeconds: 60)
    var subscriber = ClientOutputLimit(hardBytes: 32 << 20, softBytes: 8 << 20, softSeconds: 60)
}

/// A limit that is either absolute or a share of `maxmemory`.
enum MemoryOrPercent: Equatable, Sendable {
    case bytes(UInt64)
    case percent(Int64)
}

/// A command that `rename-command` hides (`newName` is empty) or calls by another name.
struct CommandRename: Equatable, Sendable {
    var name: String
    var newName: String
}

extension Settings {
    /// The new names of commands, by the old ones in lower case; empty: the command is removed.
    var newCommandNames: [String: String] {
        renamedCommands.reduce(into: [:]) { names, rename in
            names[ConfigurationText.lowercased(rename.name)] = rename.newName
        }
    }
}

/// A closed set of words, in the order in which the error text lists them.
protocol SettingChoice: RawRepresentable<String>, CaseIterable, Equatable, Sendable {}

/// What `maxmemory` does when it is reached.
enum MaxMemoryPolicy: String, SettingChoice {
    case volatileLRU = "volatile-lru"
    case volatileLFU = "volatile-lfu"
    case volatileRandom = "volatile-random"
    case volatileTTL = "volatile-ttl"
    case allKeysLRU = "allkeys-lru"
    case allKeysLFU = "allkeys-lfu"
    case allKeysRandom = "allkeys-random"
    case noEviction = "noeviction"
}

/// How much is logged, from everything to little.
enum LogLevelSetting: String, SettingChoice {
    case debug, verbose, notice, warning
}

/// Who may use DEBUG, MODULE or change protected settings; `local` is loopback and Unix sockets.
enum LocalPermission: String, SettingChoice {
    case no, yes, local
}

/// When the append-only file is made durable.
enum AppendSyncPolicy: String, SettingChoice {
    case everySecond = "everysec"
    case always, no
}

/// Who supervises the process and wants to be told that it is ready.
enum Supervisor: String, SettingChoice {
    case upstart, systemd, auto, no
}

/// What kind of program syslog takes this for.
enum SyslogFacility: String, SettingChoice {
    case user, local0, local1, local2, local3, local4, local5, local6, local7
}

/// How SHUTDOWN by signal behaves; none of the options is Redis's default: save if there are
/// save points.
struct ShutdownOptions: OptionSet, Equatable, Sendable {
    let rawValue: UInt8
    static let save = ShutdownOptions(rawValue: 1)
    static let noSave = ShutdownOptions(rawValue: 2)
    static let now = ShutdownOptions(rawValue: 4)
    static let force = ShutdownOptions(rawValue: 8)

    /// The words, in the order in which they are printed; `default` is printed for none.
    static let words: [(String, ShutdownOptions)] = [
        ("default", []), ("save", .save), ("nosave", .noSave), ("now", .now), ("force", .force),
    ]
}

extension KeyspaceEventClass {
    /// The class of one letter of `notify-keyspace-events`; empty for one that means nothing.
    init(letter: Character) {
        if letter == "A" {
            self = .all
        } else {
            self = Self.letters.first { $0.1 == letter }?.0 ?? []
        }
    }

    /// The canonical text. With `A`, the letter `n` is left out, as Redis does.
    var text: String {
        let hasAll = contains(.all)
        let hidden = hasAll ? Self.all.union(.new) : []
        let letters = Self.letters.filter { contains($0.0) && !hidden.contains($0.0) }.map(\.1)
        return (hasAll ? "A" : "") + String(letters)
    }
}
