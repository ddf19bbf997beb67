// SPDX-License-Identifier: BSD-3-Clause
//
// The syntax of directives that take several words. Knows no directive by name but the few whose
// syntax is theirs alone.

extension SettingFormat where Value == [String] {
    /// Up to `limit` words, such as addresses.
    static func words(atMost limit: Int, else reason: String) -> SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                if words.count > limit { throw SettingRefusal(reason) }
                // One empty word is how "none" is written.
                return words == [""] ? [] : words
            },
            print: { $0.joined(separator: " ") })
    }
}

extension SettingFormat where Value == [SavePoint] {
    /// Pairs of seconds and changes; nothing, or one empty word, is "never".
    static var savePoints: SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                if words.isEmpty || words == [""] { return [] }
                let refusal = SettingRefusal("Invalid save parameters")
                guard words.count % 2 == 0 else { throw refusal }
                var points: [SavePoint] = []
                for index in stride(from: 0, to: words.count, by: 2) {
                    guard let seconds = ConfigurationText.digits(words[index]), seconds >= 1,
                        let changes = ConfigurationText.digits(words[index + 1])
                    else { throw refusal }
                    points.append(SavePoint(seconds: seconds, changes: changes))
                }
                return points
            },
            print: { points in
                points.map { "\($0.seconds) \($0.changes)" }.joined(separator: " ")
            })
    }
}

extension SettingFormat where Value == MasterAddress? {
    /// `host port`, or `no one`.
    static var master: SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                guard words.count == 2 else { throw SettingRefusal("wrong number of arguments") }
                if words.map(ConfigurationText.lowercased) == ["no", "one"] { return nil }
                guard let port = ConfigurationText.digits(words[1]), port <= 65535 else {
                    throw SettingRefusal("Invalid master port")
                }
                return MasterAddress(host: words[0], port: Int(port))
            },
            print: { address in address.map { "\($0.host) \($0.port)" } ?? "" })
    }
}

extension SettingFormat where Value == [Double] {
    static var percentiles: SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                if words == [""] { return [] }
                let name = "latency-tracking-info-percentiles"
                var values: [Double] = []
                for word in words {
                    guard let value = Double(word), value.isFinite else {
                        throw SettingRefusal("Invalid \(name) parameters")
                    }
                    guard (0...100).contains(value) else {
                        throw SettingRefusal("\(name) parameters should sit between [0.0,100.0]")
                    }
                    values.append(value)
                }
                return values
            },
            print: { values in
                values.map { value in
                    let text = "\(value)"
                    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
                }.joined(separator: " ")
            })
    }
}

extension SettingFormat where Value == [Int] {
    /// The three scores that `oom-score-adj-values` takes.
    static var oomScores: SettingFormat {
        SettingFormat(
            takesManyWords: true,
            parse: { words throws(SettingRefusal) in
                guard words.count == 3 else { throw SettingRefusal("wrong number of arguments") }
                return try words.map { word throws(SettingRefusal) in
                    guard let score = ConfigurationText.integer(word),
                        (-2000...2000).contains(score)
                    else {
                        throw SettingRefusal(
                            "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
                        )
                    }
                    return Int(score)
                }
            },
            print: { scores in scores.map(String.init).joined(separator: " ") })
    }
}

extension ClientOutputLimits {
    /// The limits with groups of `class hard soft seconds` applied; classes that no group names
    /// keep what they have.
    func applying(_ words: [String]) throws(SettingRefusal) -> ClientOutputLimits {
        guard words.count % 4 == 0 else {
            throw SettingRefusal("Wrong number of arguments in buffer limit configuration.")
        }
        var limits = self
        for index in stride(from: 0, to: words.count, by: 4) {
            let path = try Self.path(of: words[index])
            guard let hard = ConfigurationText.memory(words[index + 1]),
                let soft = ConfigurationText.memory(words[index + 2]),
                let seconds = ConfigurationText.digits(words[index + 3])
            else {
                throw SettingRefusal(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            }
            limits[keyPath: path] = ClientOutputLimit(
                hardBytes: hard, softBytes: soft, softSeconds: seconds)
        }
        return limits
    }

    private static func path(of word: String) throws(SettingRefusal)
        -> WritableKeyPath<ClientOutputLimits, ClientOutputLimit>
    {
        switch ConfigurationText.lowercased(word) {
        case "normal": return \.normal
        case "slave", "replica": return \.replica
        case "pubsub": return \.subscriber
        default:
            throw SettingRefusal("Invalid client class specified in buffer limit configuration.")
        }
    }

    /// As CONFIG GET prints it.
    var text: String {
        [("normal", normal), ("slave", replica), ("pubsub", subscriber)].map { name, limit in
            "\(name) \(limit.hardBytes) \(limit.softBytes) \(limit.softSeconds)"
        }.joined(separator: " ")
    }
}
