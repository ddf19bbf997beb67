// SPDX-License-Identifier: BSD-3-Clause
//
// One line of the table of directives: what a directive is called, who may change it when, and how
// its text becomes the value of a typed setting. Knows no directive by name but those whose value
// depends on what was there before (`dir`, `client-output-buffer-limit`, `save`).

/// A directive.
struct Setting: Sendable {
    /// When and by whom a directive may be changed.
    enum Mutability: Sendable {
        case always
        /// Only with `enable-protected-configs`: it could be used to write anywhere.
        case ifProtectedAllowed
        /// Only in the file and on the command line.
        case atStart
    }

    typealias Write =
        @Sendable (inout Settings, _ words: [String], _ appending: Bool) throws(SettingRefusal) ->
        Void

    /// The name, in lower case.
    let name: String
    /// Other names of the same setting; CONFIG GET lists them too.
    private(set) var aliases: [String] = []
    private(set) var mutability = Mutability.always
    /// A hidden directive is found by its name only, not by a pattern.
    private(set) var isHidden = false
    /// False while the server accepts the directive and does nothing with it.
    private(set) var hasEffect = true
    /// Whether the directive takes any number of words; else it takes exactly one.
    let takesManyWords: Bool
    /// The canonical text of the value, as CONFIG GET prints it.
    let read: @Sendable (Settings) -> String
    /// Parses and stores; `appending` if an earlier line already set the directive.
    let write: Write

    init(
        _ name: String, manyWords: Bool, read: @escaping @Sendable (Settings) -> String,
        write: @escaping Write
    ) {
        self.name = name
        self.takesManyWords = manyWords
        self.read = read
        self.write = write
    }

    /// The name and the aliases.
    var names: [String] { [name] + aliases }
}

// MARK: - What a line may add

extension Setting {
    func alias(_ names: String...) -> Setting {
        var copy = self
        copy.aliases += names
        return copy
    }

    var immutable: Setting { with(\.mutability, .atStart) }
    var protected: Setting { with(\.mutability, .ifProtectedAllowed) }
    var hidden: Setting { with(\.isHidden, true) }
    var withoutEffect: Setting { with(\.hasEffect, false) }

    private func with<Value>(_ path: WritableKeyPath<Setting, Value>, _ value: Value) -> Setting {
        var copy = self
        copy[keyPath: path] = value
        return copy
    }
}

// MARK: - Settings with a typed value

extension Setting {
    typealias Path<Value> = any WritableKeyPath<Settings, Value> & Sendable

    static func typed<Value: Sendable>(
        _ name: String, _ path: Path<Value>, _ format: SettingFormat<Value>
    ) -> Setting {
        Setting(
            name, manyWords: format.takesManyWords, read: { format.print($0[keyPath: path]) },
            write: { settings, words, _ throws(SettingRefusal) in
                settings[keyPath: path] = try format.parse(words)
            })
    }

    static func bool(_ name: String, _ path: Path<Bool>) -> Setting {
        typed(name, path, .yesNo)
    }

    static func integer(_ name: String, _ path: Path<Int64>, _ range: ClosedRange<Int64>) -> Setting
    {
        typed(name, path, .integer(range))
    }

    static func memory(_ name: String, _ path: Path<UInt64>, _ range: ClosedRange<UInt64>)
        -> Setting
    {
        typed(name, path, .memory(range))
    }

    static func choice<Value: SettingChoice>(_ name: String, _ path: Path<Value>) -> Setting {
        typed(name, path, .choice)
    }

    static func text(_ name: String, _ path: Path<String>) -> Setting {
        typed(name, path, .text())
    }

    /// Save points add up from line to line; an empty line forgets them, CONFIG SET replaces them.
    static func savePoints(_ name: String, _ path: Path<[SavePoint]>) -> Setting {
        let format = SettingFormat<[SavePoint]>.savePoints
        return Setting(
            name, manyWords: true, read: { format.print($0[keyPath: path]) },
            write: { settings, words, appending throws(SettingRefusal) in
                let points = try format.parse(words)
                let kept = appending && !points.isEmpty ? settings[keyPath: path] : []
                settings[keyPath: path] = kept + points
            })
    }

    /// Classes that a line does not name keep their limits.
    static func outputLimits(_ name: String, _ path: Path<ClientOutputLimits>) -> Setting {
        Setting(
            name, manyWords: true, read: { $0[keyPath: path].text },
            write: { settings, words, _ throws(SettingRefusal) in
                settings[keyPath: path] = try settings[keyPath: path].applying(words)
            })
    }

    /// A directory that must exist; a relative one is taken from the directory before.
    static func directory(_ name: String, _ path: Path<String>) -> Setting {
        Setting(
            name, manyWords: false, read: { $0[keyPath: path] },
            write: { settings, words, _ throws(SettingRefusal) in
                settings[keyPath: path] = try ConfigurationPaths.existingDirectory(
                    words[0], from: settings[keyPath: path])
            })
    }
}

// MARK: - Settings that are accepted and do nothing yet

extension Setting {
    static func unused<Value: Sendable>(
        _ name: String, _ initial: String, _ format: SettingFormat<Value>
    ) -> Setting {
        Setting(
            name, manyWords: format.takesManyWords, read: { $0.unused[name] ?? initial },
            write: { settings, words, _ throws(SettingRefusal) in
                settings.unused[name] = format.print(try format.parse(words))
            }
        ).withoutEffect
    }

    static func unusedBool(_ name: String, _ initial: Bool) -> Setting {
        unused(name, initial ? "yes" : "no", SettingFormat<Bool>.yesNo)
    }

    static func unusedInteger(_ name: String, _ initial: Int64, _ range: ClosedRange<Int64>)
        -> Setting
    {
        unused(name, String(initial), SettingFormat<Int64>.integer(range))
    }

    static func unusedMemory(_ name: String, _ initial: UInt64, _ range: ClosedRange<UInt64>)
        -> Setting
    {
        unused(name, String(initial), SettingFormat<UInt64>.memory(range))
    }

    /// The first of `choices` need not be the initial one: their order is the error text's.
    static func unusedChoice(_ name: String, _ initial: String, _ choices: [String]) -> Setting {
        unused(name, initial, SettingFormat<String>.oneOf(choices))
    }

    static func unusedText(
        _ name: String, _ initial: String = "",
        refuse: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> Setting {
        unused(name, initial, SettingFormat<String>.text(refuse))
    }
}
