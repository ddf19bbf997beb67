// SPDX-License-Identifier: BSD-3-Clause
//
// The syntax of setting values: text to value and back, with Redis's reasons for refusing one.
// Knows no directive by name.
//
// A format gets the words after the directive's name. A directive of one word has exactly one; the
// caller has seen to it.

/// Why a value was refused, in Redis's words.
struct SettingRefusal: Error, Equatable {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// How the values of a directive are written and read.
struct SettingFormat<Value: Sendable>: Sendable {
    /// Whether the directive takes any number of words; else it takes one.
    var takesManyWords = false
    let parse: @Sendable ([String]) throws(SettingRefusal) -> Value
    let print: @Sendable (Value) -> String
}

/// The reasons that several formats give.
private enum Reason {
    static let notAnInteger = SettingRefusal("argument couldn't be parsed into an integer")
    static let notAMemoryValue = SettingRefusal("argument must be a memory value")
    static let notMemoryOrPercent = SettingRefusal("argument must be a memory or percent value")

    static func outside(_ low: some CustomStringConvertible, _ high: some CustomStringConvertible)
        -> SettingRefusal
    {
        SettingRefusal("argument must be between \(low) and \(high) inclusive")
    }

    static func notOneOf(_ words: [String]) -> SettingRefusal {
        let list = words.joined(separator: ", ")
        return SettingRefusal("argument(s) must be one of the following: \(list)")
    }
}

extension SettingFormat where Value == Bool {
    static var yesNo: SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                switch ConfigurationText.lowercased(words[0]) {
                case "yes": return true
                case "no": return false
                default: throw SettingRefusal("argument must be 'yes' or 'no'")
                }
            },
            print: { $0 ? "yes" : "no" })
    }

    /// Only `no` is accepted: what `feature` would do is not built.
    static func onlyNo(_ feature: String) -> SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                if try SettingFormat.yesNo.parse(words) {
                    throw SettingRefusal("\(feature) is not supported yet: it must be 'no'")
                }
                return false
            },
            print: { $0 ? "yes" : "no" })
    }
}

extension SettingFormat where Value == Int64 {
    /// A strict decimal integer; one outside `clamp` is accepted and brought into it.
    static func integer(_ range: ClosedRange<Int64>, clamp: ClosedRange<Int64>? = nil)
        -> SettingFormat
    {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                guard let value = ConfigurationText.integer(words[0]) else {
                    throw Reason.notAnInteger
                }
                guard range.contains(value) else {
                    throw Reason.outside(range.lowerBound, range.upperBound)
                }
                guard let clamp else { return value }
                return min(max(value, clamp.lowerBound), clamp.upperBound)
            },
            print: { String($0) })
    }

    /// A version of RDB that is written, or 0.
    static var dumpVersion: SettingFormat {
        let versions = RDBVersion.written...RDBVersion.firstWithFieldDeadlines
        return SettingFormat<Int64>.integer(0...Int64(versions.upperBound)).refusing { version in
            version == 0 || versions.contains(Int(version))
                ? nil
                : "argument must be 0 or between \(versions.lowerBound) and "
                    + "\(versions.upperBound) inclusive"
        }
    }

    /// An integer in octal, as permissions are written.
    static func octal(_ range: ClosedRange<Int64>) -> SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                guard let value = Int64(words[0], radix: 8) else {
                    throw SettingRefusal("argument couldn't be parsed as an octal number")
                }
                guard range.contains(value) else {
                    throw Reason.outside(
                        String(range.lowerBound, radix: 8), String(range.upperBound, radix: 8))
                }
                return value
            },
            print: { String($0, radix: 8) })
    }
}

extension SettingFormat where Value == UInt64 {
    /// Bytes with an optional unit. `k` is 1000 and `kb` 1024, as Redis has it.
    static func memory(_ range: ClosedRange<UInt64>) -> SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                guard let value = ConfigurationText.memory(words[0]) else {
                    throw Reason.notAMemoryValue
                }
                guard range.contains(value) else {
                    throw Reason.outside(range.lowerBound, range.upperBound)
                }
                return value
            },
            print: { String($0) })
    }
}

extension SettingFormat where Value == MemoryOrPercent {
    static var memoryOrPercent: SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                if words[0].utf8.last == UInt8(ascii: "%") {
                    let digits = String(words[0].dropLast())
                    guard let percent = ConfigurationText.integer(digits), percent >= 0 else {
                        throw Reason.notMemoryOrPercent
                    }
                    guard percent <= 100 else {
                        throw SettingRefusal("percentage argument must be less or equal to 100")
                    }
                    return percent == 0 ? .bytes(0) : .percent(percent)
                }
                guard let bytes = ConfigurationText.memory(words[0]) else {
                    throw Reason.notMemoryOrPercent
                }
                return .bytes(bytes)
            },
            print: { value in
                switch value {
                case .bytes(let bytes): return String(bytes)
                case .percent(let percent): return "\(percent)%"
                }
            })
    }
}

extension SettingFormat where Value == String {
    /// Any text at all.
    static var anything: SettingFormat {
        SettingFormat(parse: { words throws(SettingRefusal) in words[0] }, print: { $0 })
    }

    /// Any text without a NUL byte; `refuse` says what else is wrong with it.
    static func text(_ refuse: @escaping @Sendable (String) -> String? = { _ in nil })
        -> SettingFormat
    {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                if words[0].utf8.contains(0) {
                    throw SettingRefusal("argument must not contain a NUL byte")
                }
                if let reason = refuse(words[0]) { throw SettingRefusal(reason) }
                return words[0]
            },
            print: { $0 })
    }

    /// One of `choices`, in any case.
    static func oneOf(_ choices: [String]) -> SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                let word = ConfigurationText.lowercased(words[0])
                guard choices.contains(word) else { throw Reason.notOneOf(choices) }
                return word
            },
            print: { $0 })
    }
}

extension SettingFormat where Value: SettingChoice {
    /// One of the cases of an enumeration, in any case.
    static var choice: SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                guard let value = Value(rawValue: ConfigurationText.lowercased(words[0])) else {
                    throw Reason.notOneOf(Value.allCases.map(\.rawValue))
                }
                return value
            },
            print: { $0.rawValue })
    }
}

extension SettingFormat where Value == ShutdownOptions {
    static var shutdownOptions: SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                let known = ShutdownOptions.words
                var options: ShutdownOptions = []
                for word in words {
                    let folded = ConfigurationText.lowercased(word)
                    guard let match = known.first(where: { $0.0 == folded }) else {
                        throw Reason.notOneOf(known.map(\.0))
                    }
                    options.formUnion(match.1)
                }
                if words.isEmpty { throw Reason.notOneOf(known.map(\.0)) }
                if options.isSuperset(of: [.save, .noSave]) {
                    throw SettingRefusal(
                        "shutdown options SAVE and NOSAVE can't be used simultaneously")
                }
                return options
            },
            print: { options in
                if options.isEmpty { return "default" }
                let set = ShutdownOptions.words.filter { !$0.1.isEmpty && options.contains($0.1) }
                return set.map(\.0).joined(separator: " ")
            })
    }
}

extension SettingFormat where Value == KeyspaceEventClass {
    static var keyspaceEvents: SettingFormat {
        SettingFormat(
            parse: { words throws(SettingRefusal) in
                var selection: KeyspaceEventClass = []
                for letter in words[0] {
                    let bit = KeyspaceEventClass(letter: letter)
                    if bit.isEmpty {
                        throw SettingRefusal(
                            "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
                    }
                    selection.formUnion(bit)
                }
                return selection
            },
            print: { $0.text })
    }
}

extension SettingFormat {
    /// The same format, refusing more: `refuse` says what is wrong with a value.
    func refusing(_ refuse: @escaping @Sendable (Value) -> String?) -> SettingFormat {
        SettingFormat(
            takesManyWords: takesManyWords,
            parse: { words throws(SettingRefusal) in
                let value = try parse(words)
                if let reason = refuse(value) { throw SettingRefusal(reason) }
                return value
            },
            print: print)
    }
}
