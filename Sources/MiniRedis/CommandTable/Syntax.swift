// SPDX-License-Identifier: BSD-3-Clause
//
// The argument grammar of a command, written once beside its handler. Arity, key positions, COMMAND
// DOCS and COMMAND GETKEYS derive from it.
//
// Source: https://redis.io/docs/latest/develop/reference/command-arguments/

/// What a command does with a key, as the key specifications of COMMAND INFO name it.
struct KeyAccess: OptionSet, Sendable {
    var rawValue: UInt16

    static let readOnly = KeyAccess(rawValue: 1 << 0)
    static let readWrite = KeyAccess(rawValue: 1 << 1)
    static let overwrite = KeyAccess(rawValue: 1 << 2)
    static let remove = KeyAccess(rawValue: 1 << 3)
    static let access = KeyAccess(rawValue: 1 << 4)
    static let update = KeyAccess(rawValue: 1 << 5)
    static let insert = KeyAccess(rawValue: 1 << 6)
    static let delete = KeyAccess(rawValue: 1 << 7)
    static let variableFlags = KeyAccess(rawValue: 1 << 8)
    /// Placed as a key, and none: a shard channel.
    static let notKey = KeyAccess(rawValue: 1 << 9)

    static let names: [(KeyAccess, StaticString)] = [
        (.readOnly, "RO"), (.readWrite, "RW"), (.overwrite, "OW"), (.remove, "RM"),
        (.access, "access"), (.update, "update"), (.insert, "insert"), (.delete, "delete"),
        (.variableFlags, "variable_flags"), (.notKey, "not_key"),
    ]
}

/// One argument of a command, or a group of them.
struct Syntax: Sendable {
    enum Kind: String, Sendable {
        case key, string, integer, double, pattern, block
        case unixTime = "unix-time"
        case pureToken = "pure-token"
        case oneOf = "oneof"
    }

    var name: String
    var kind: Kind
    var token: String?
    var since: String?
    var deprecatedSince: String?
    var access: KeyAccess = []
    var isOptional = false
    var isMultiple = false
    /// Whether every repetition begins with the token.
    var repeatsToken = false
    /// Where the keys are that it names, nobody can tell beforehand: it may be anywhere among the
    /// arguments, or is a pattern of keys.
    var namesUnknownKeys = false
    var children: [Syntax] = []

    /// A key; one behind a token may be anywhere among the options.
    static func key(_ name: String, _ access: KeyAccess, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .key, token: token, access: access)
    }

    /// What goes to the node of a cluster that a key of this name would go to.
    static func shardChannel(_ name: String) -> Syntax {
        Syntax(name: name, kind: .key, access: .notKey)
    }

    static func string(_ name: String, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .string, token: token)
    }

    static func integer(_ name: String, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .integer, token: token)
    }

    static func double(_ name: String, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .double, token: token)
    }

    static func unixTime(_ name: String, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .unixTime, token: token)
    }

    static func pattern(_ name: String, token: String? = nil) -> Syntax {
        Syntax(name: name, kind: .pattern, token: token)
    }

    /// A pattern that names of keys are made by.
    static func keyPattern(_ name: String, _ access: KeyAccess, token: String) -> Syntax {
        Syntax(
            name: name, kind: .pattern, token: token, access: access, namesUnknownKeys: true)
    }

    /// A key to write to, behind a word that may be anywhere.
    static func storedKey(_ name: String, _ access: KeyAccess, token: String) -> Syntax {
        Syntax(name: name, kind: .key, token: token, access: access, namesUnknownKeys: true)
    }

    /// A word that stands for itself, called by its lower-case form unless it has another name.
    static func token(_ token: String, name: String? = nil) -> Syntax {
        Syntax(name: name ?? token.lowercased(), kind: .pureToken, token: token)
    }

    static func oneOf(_ name: String, token: String? = nil, _ choices: Syntax...) -> Syntax {
        Syntax(name: name, kind: .oneOf, token: token, children: choices)
    }

    static func oneOf(_ name: String, of choices: [Syntax]) -> Syntax {
        Syntax(name: name, kind: .oneOf, children: choices)
    }

    static func block(_ name: String, token: String? = nil, _ parts: Syntax...) -> Syntax {
        Syntax(name: name, kind: .block, token: token, children: parts)
    }

    static func optional(_ argument: Syntax) -> Syntax {
        var copy = argument
        copy.isOptional = true
        return copy
    }

    /// One or more of it.
    static func many(_ argument: Syntax) -> Syntax {
        var copy = argument
        copy.isMultiple = true
        return copy
    }

    /// One or more of it, each with its token.
    static func manyTokens(_ argument: Syntax) -> Syntax {
        var copy = many(argument)
        copy.repeatsToken = true
        return copy
    }

    /// The version since which something else is to be used instead of this argument.
    func deprecated(since version: String) -> Syntax {
        var copy = self
        copy.deprecatedSince = version
        return copy
    }

    /// The version in which this argument came, where it is not the command's own.
    func since(_ version: String) -> Syntax {
        var copy = self
        copy.since = version
        return copy
    }

    // MARK: - What derives from it

    /// The fewest words that the argument takes.
    var fewestWords: Int {
        if isOptional { return 0 }
        let own = token == nil || kind == .pureToken ? 0 : 1
        switch kind {
        case .pureToken: return 1
        case .oneOf: return own + (children.map(\.fewestWords).min() ?? 0)
        case .block: return own + children.reduce(0) { $0 + $1.fewestWords }
        case .key, .string, .integer, .double, .pattern, .unixTime: return own + 1
        }
    }

    /// Whether it always takes the same number of words.
    var isFixed: Bool {
        if isOptional || isMultiple { return false }
        switch kind {
        case .oneOf: return children.allSatisfy { $0.isFixed && $0.fewestWords == fewestWords }
        case .block: return children.allSatisfy(\.isFixed)
        case .key, .string, .integer, .double, .pattern, .unixTime, .pureToken: return true
        }
    }

    /// Whether this is a key of the same specification as the argument before it.
    func continuesKeys(_ previous: Syntax) -> Bool {
        kind == .key && previous.kind == .key && access == previous.access && !isMultiple
            && previous.isFixed && token == nil
    }

    /// The arity of a command with this grammar whose name is `nameWords` words: negative if there
    /// may be more.
    static func arity(_ syntax: [Syntax], nameWords: Int) -> Int {
        let fewest = nameWords + syntax.reduce(0) { $0 + $1.fewestWords }
        return syntax.allSatisfy(\.isFixed) ? fewest : -fewest
    }
}

/// Where the keys of a command are: from argument `first` on, every `step`-th up to `last`
/// (negative: from the end).
struct KeySpecification {
    var first: Int
    /// 0: that one key; -1: to the last argument.
    var last: Int
    var step: Int
    var access: KeyAccess
    /// Argument `first` is the number of keys, which are behind it.
    var isCounted = false
    /// Nobody can tell where they are.
    var isUnknown = false
    /// The word in front of an unknown key, if there is one; it may be anywhere, the last counts.
    var unknownKeyword: String?
    /// The keys are behind this word, which is at argument `first` or later, and as many arguments
    /// that are none follow them.
    var keyword: String?

    /// The keys that a grammar names, when their place is fixed. Neighbours with the same access
    /// are one specification.
    static func derive(_ syntax: [Syntax], nameWords: Int) -> [KeySpecification] {
        if let found = keyword(syntax, nameWords: nameWords) { return [found] }
        var specifications: [KeySpecification] = []
        var position = nameWords
        for (at, argument) in syntax.enumerated() {
            if argument.name == "numkeys", at + 1 < syntax.count {
                specifications.append(
                    KeySpecification(
                        first: position, last: 0, step: 1, access: syntax[at + 1].access,
                        isCounted: true))
                break
            }
            if argument.kind == .key, at > 0, argument.continuesKeys(syntax[at - 1]) {
                specifications[specifications.count - 1].last += 1
            } else if argument.kind == .key {
                let behind = syntax[(at + 1)...].reduce(0) { $0 + $1.fewestWords }
                specifications.append(
                    KeySpecification(
                        first: position, last: argument.isMultiple ? -1 - behind : 0, step: 1,
                        access: argument.access))
            } else if argument.kind == .block, let key = argument.children.first, key.kind == .key {
                specifications.append(
                    KeySpecification(
                        first: position, last: argument.isMultiple ? -1 : 0,
                        step: argument.children.count, access: key.access))
            }
            guard argument.isFixed else {
                specifications += keywords(syntax[at...], from: position)
                break
            }
            position += argument.fewestWords
        }
        return specifications + unknown(syntax)
    }

    /// The keys whose place is not known, one specification for each kind of access.
    private static func unknown(_ syntax: [Syntax]) -> [KeySpecification] {
        var specifications: [KeySpecification] = []
        for argument in syntax where argument.namesUnknownKeys {
            if specifications.contains(where: { $0.access == argument.access }) { continue }
            specifications.append(
                KeySpecification(
                    first: 0, last: 0, step: 1, access: argument.access, isUnknown: true,
                    unknownKeyword: argument.kind == .key ? argument.token : nil))
        }
        return specifications
    }

    /// The specification of a grammar with a block of keys that begins with a word.
    private static func keyword(_ syntax: [Syntax], nameWords: Int) -> KeySpecification? {
        var position = nameWords
        for argument in syntax {
            if argument.kind == .block, let token = argument.token,
                let key = argument.children.first, key.kind == .key, key.isMultiple
            {
                return KeySpecification(
                    first: position, last: -1, step: 1, access: key.access, keyword: token)
            }
            position += argument.fewestWords
        }
        return nil
    }

    /// The keys behind words of their own among the options, which begin at argument `position`.
    private static func keywords(
        _ options: ArraySlice<Syntax>, from position: Int
    ) -> [KeySpecification] {
        options.flatMap { option in
            guard option.kind == .key, !option.namesUnknownKeys, let token = option.token else {
                return keywords(option.children[...], from: position)
            }
            return [
                KeySpecification(
                    first: position, last: 0, step: 1, access: option.access, keyword: token)
            ]
        }
    }

    /// The indexes of the keys of a request.
    func keyIndexes(in request: Request) -> [Int] {
        if isUnknown {
            return unknownKeyword.flatMap { keyIndex(behind: $0, request) }.map { [$0] } ?? []
        }
        if let keyword, last == 0 { return keyIndexes(behind: keyword, in: request) }
        if let keyword {
            let place = (min(first, request.count)..<request.count).first {
                request[$0].string.uppercased() == keyword
            }
            guard let place else { return [] }
            return Array(place + 1..<place + 1 + (request.count - place - 1) / 2)
        }
        guard isCounted else { return Array(keyIndexes(count: request.count)) }
        guard first < request.count, let keys = DecimalInteger.parse(request[first]), keys > 0,
            keys <= Int64(request.count - first - 1)
        else { return [] }
        return Array(first + 1...first + Int(keys))
    }

    private func keyIndex(behind keyword: String, _ request: Request) -> Int? {
        var keyword = keyword
        return keyword.withUTF8 { bytes in
            guard let base = bytes.baseAddress, request.count > 3 else { return nil }
            let word = ByteView(base, count: bytes.count)
            return (2..<request.count - 1).last { at in
                FoldedName(request[at]).map { $0 == FoldedName(word) } ?? false
            }.map { $0 + 1 }
        }
    }

    /// The index of the key behind the first such word that something follows.
    private func keyIndexes(behind keyword: String, in request: Request) -> [Int] {
        var keyword = keyword
        return keyword.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return [] }
            let word = ByteView(base, count: bytes.count)
            let found = (first..<max(first, request.count - 1)).first { at in
                request[at].count == word.count
                    && (0..<word.count).allSatisfy { request[at][$0] & 0xDF == word[$0] & 0xDF }
            }
            return found.map { [$0 + 1] } ?? []
        }
    }

    /// The indexes of the keys among `count` arguments.
    func keyIndexes(count: Int) -> StrideTo<Int> {
        let end = last >= 0 ? first + last + 1 : count + last + 1
        return stride(from: first, to: max(first, min(end, count)), by: step)
    }
}
