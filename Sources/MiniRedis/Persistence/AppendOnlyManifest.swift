// SPDX-License-Identifier: BSD-3-Clause
//
// The manifest of an append-only file: which files it consists of, in which order they are read.
//
//     file appendonly.aof.2.base.rdb seq 2 type b       everything, as it was at one instant
//     file appendonly.aof.1.incr.aof seq 1 type h       history: replaced, and to be removed
//     file appendonly.aof.2.incr.aof seq 2 type i       what happened since, in the order of `seq`
//     file appendonly.aof.3.incr.aof seq 3 type i
//
// A line is words in pairs of a key and its value; keys that are not known are left alone. A name
// with special characters stands in double quotes, with C's escapes. Lines that begin with # say
// nothing. It is a value and touches no disk: see `AppendOnlyDirectory`.
//
// Source: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ ; the errors
// are those that Redis 7.0 prints.

/// The files of one append-only file.
struct AppendOnlyManifest: Equatable {
    enum Kind: String {
        case base = "b"
        case history = "h"
        case increment = "i"
    }

    struct File: Equatable {
        var name: String
        var sequence: Int64
        var kind: Kind
    }

    private(set) var base: File?
    private(set) var increments: [File] = []
    private(set) var history: [File] = []
    /// The numbers that were given last.
    private(set) var baseSequence: Int64 = 0
    private(set) var incrementSequence: Int64 = 0

    /// Whether there is nothing to load.
    var isEmpty: Bool { base == nil && increments.isEmpty }

    /// What is loaded, in order.
    var loaded: [File] { (base.map { [$0] } ?? []) + increments }

    // MARK: - Changes

    /// Makes `name` the base, whatever it is called; for a file of an old version.
    mutating func adopt(base name: String) {
        baseSequence += 1
        base = File(name: name, sequence: baseSequence, kind: .base)
    }

    /// Begins a base, which takes the place of the one there was; returns its name.
    mutating func beginBase(of name: String, isDump: Bool) -> String {
        if let base { history.insert(File(base, .history), at: 0) }
        base = nil
        adopt(base: "\(name).\(baseSequence + 1).base.\(isDump ? "rdb" : "aof")")
        return base?.name ?? ""
    }

    /// Begins an increment; returns its name.
    mutating func beginIncrement(of name: String) -> String {
        incrementSequence += 1
        let file = File(
            name: "\(name).\(incrementSequence).incr.aof", sequence: incrementSequence,
            kind: .increment)
        increments.append(file)
        return file.name
    }

    /// The increments but for the last `kept` are part of the base now.
    mutating func retireIncrements(keeping kept: Int) {
        let count = max(0, increments.count - kept)
        for file in increments.prefix(count).reversed() {
            history.insert(File(file, .history), at: 0)
        }
        increments.removeFirst(count)
    }

    /// The history's files were removed.
    mutating func forgetHistory() { history.removeAll() }

    // MARK: - Text

    /// The longest line, its end included.
    static let longestLine = 1024

    /// The text of the file.
    var text: String {
        let files = (base.map { [$0] } ?? []) + history + increments
        return files.reduce(into: "") { text, file in
            text += "file \(Self.quoted(file.name)) seq \(file.sequence) "
            text += "type \(file.kind.rawValue)\n"
        }
    }

    init() {}

    /// Reads the text of a manifest.
    init(text: [UInt8]) throws(AppendOnlyManifestError) {
        var rest = text[...]
        var number = 0
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let line = rest[rest.startIndex..<(end ?? rest.endIndex)]
            guard let end, line.count < Self.longestLine else {
                throw AppendOnlyManifestError(
                    line: number, text: String(decoding: line.prefix(100), as: UTF8.self),
                    reason: .tooLong)
            }
            rest = rest[(end + 1)...]
            if line.first == UInt8(ascii: "#") { continue }
            if let reason = read(line) {
                throw AppendOnlyManifestError(
                    line: number, text: String(decoding: line, as: UTF8.self), reason: reason)
            }
        }
        guard number > 0 else {
            throw AppendOnlyManifestError(line: 0, text: "", reason: .empty)
        }
    }

    /// Adds what a line says, or returns what is wrong with it.
    private mutating func read(_ line: ArraySlice<UInt8>) -> AppendOnlyManifestError.Reason? {
        guard let words = ManifestWords.split(line), words.count >= 6, words.count % 2 == 0 else {
            return .format
        }
        var (name, sequence, type) = ("", Int64(0), "")
        for at in stride(from: 0, to: words.count, by: 2) {
            switch words[at].lowercased() {
            case "file":
                name = words[at + 1]
                if name.utf8.contains(UInt8(ascii: "/")) { return .path }
            case "seq": sequence = Int64(words[at + 1]) ?? 0
            case "type": type = words[at + 1]
            default: continue
            }
        }
        guard !name.isEmpty, sequence > 0, !type.isEmpty else { return .format }
        guard let kind = Kind(rawValue: type) else { return .type }
        return add(File(name: name, sequence: sequence, kind: kind))
    }

    private mutating func add(_ file: File) -> AppendOnlyManifestError.Reason? {
        switch file.kind {
        case .base:
            guard base == nil else { return .duplicateBase }
            base = file
            baseSequence = file.sequence
        case .history: history.append(file)
        case .increment:
            guard file.sequence > incrementSequence else { return .order }
            increments.append(file)
            incrementSequence = file.sequence
        }
        return nil
    }

    private static func quoted(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            (33...126).contains(byte) && !"\\\"'".utf8.contains(byte)
        }
        return isPlain && !name.isEmpty ? name : ManifestWords.quoted(name)
    }
}

extension AppendOnlyManifest.File {
    fileprivate init(_ file: Self, _ kind: AppendOnlyManifest.Kind) {
        self = file
        self.kind = kind
    }
}

/// Why a manifest cannot be used.
struct AppendOnlyManifestError: Error, Equatable {
    enum Reason: String {
        case empty = "Found an empty AOF manifest"
        case tooLong = "The AOF manifest file contains too long line"
        case format = "Invalid AOF manifest file format"
        case path = "File can't be a path, just a filename"
        case type = "Unknown AOF file type"
        case duplicateBase = "Found duplicate base file information"
        case order = "Found a non-monotonic sequence number"
    }

    var line: Int
    var text: String
    var reason: Reason
}

/// Words of a line, some of them in quotes.
enum ManifestWords {
    /// The words, or nil if quotes are not closed or something follows them at once.
    static func split(_ line: ArraySlice<UInt8>) -> [String]? {
        var words: [String] = []
        var rest = line
        while true {
            while let byte = rest.first, isSpace(byte) { rest.removeFirst() }
            guard let first = rest.first else { return words }
            var word: [UInt8] = []
            if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
                rest.removeFirst()
                guard unquote(&rest, until: first, to: &word) else { return nil }
                guard rest.first.map(isSpace) ?? true else { return nil }
            } else {
                while let byte = rest.first, !isSpace(byte) {
                    word.append(byte)
                    rest.removeFirst()
                }
            }
            words.append(String(decoding: word, as: UTF8.self))
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func unquote(
        _ rest: inout ArraySlice<UInt8>, until quote: UInt8, to word: inout [UInt8]
    ) -> Bool {
        while let byte = rest.popFirst() {
            if byte == quote { return true }
            guard byte == UInt8(ascii: "\\") else {
                word.append(byte)
                continue
            }
            guard let escaped = rest.popFirst() else { return false }
            switch escaped {
            case UInt8(ascii: "n"): word.append(10)
            case UInt8(ascii: "r"): word.append(13)
            case UInt8(ascii: "t"): word.append(9)
            case UInt8(ascii: "b"): word.append(8)
            case UInt8(ascii: "a"): word.append(7)
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard rest.count >= 2, let value = UInt8(digits, radix: 16) else {
                    word.append(escaped)
                    continue
                }
                word.append(value)
                rest.removeFirst(2)
            default: word.append(escaped)
            }
        }
        return false
    }

    /// The text in double quotes, what cannot be printed as an escape.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): result += "\\\\"
            case UInt8(ascii: "\""): result += "\\\""
            case 10: result += "\\n"
            case 13: result += "\\r"
            case 9: result += "\\t"
            case 8: result += "\\b"
            case 7: result += "\\a"
            case 32...126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                result += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
        return result + "\""
    }
}
