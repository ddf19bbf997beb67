// SPDX-License-Identifier: BSD-3-Clause
//
// The source tree as the tidiness rules see it: files with their text, their code without comments
// and literals, and what a rule says when it is broken. Knows nothing of any particular rule.

import Foundation

/// A broken rule at a place, with the remedy in the message.
struct TidyViolation: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// A file that may break a rule, and why. An exception that its file no longer needs breaks the
/// rule too, so that the lists can only shrink; one for a file that does not exist yet waits.
struct TidyException {
    /// The file, from the root of the package; a `*` at the end stands for any ending.
    let path: String
    /// What is allowed there: a rule's subject, such as a banned spelling or a function's name; `*`
    /// for all of them.
    let subject: String
    let reason: String

    func covers(_ path: String, _ subject: String) -> Bool {
        (self.subject == "*" || subject == self.subject) && covers(path)
    }

    func covers(_ path: String) -> Bool {
        guard self.path.hasSuffix("*") else { return path == self.path }
        return path.hasPrefix(self.path.dropLast())
    }
}

/// One file: its text in lines, and its code with everything else blanked.
struct SourceFile {
    /// From the root of the package, such as `Sources/MiniRedis/Bytes/ByteView.swift`.
    let path: String
    let lines: [Substring]
    /// The text with comments and literals replaced by spaces: same length, same lines.
    let code: [UInt8]
    let tokens: [SourceToken]
    private let lineStarts: [Int]

    init(path: String, text: String) {
        self.path = path
        let bytes = Array(text.utf8)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var scrubber = SourceScrubber(bytes, isC: !path.hasSuffix(".swift"))
        code = scrubber.run()
        tokens = sourceTokens(code)
        lineStarts = [0] + occurrences(of: [UInt8(ascii: "\n")], in: bytes).map { $0 + 1 }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// Whether the file belongs to the product: a test may be longer than that.
    var isProduct: Bool { path.hasPrefix("Sources/") }

    /// The folder of the module MiniRedis that the file lies in; nil outside of that module.
    var folder: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2, parts[0] == "Sources", parts[1] == "MiniRedis" else { return nil }
        return parts.count == 3 ? "" : String(parts[2])
    }

    /// The line, from one, of a byte of `code`.
    func line(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The offsets in `code` at which the words of `needle` stand.
    ///
    /// A needle that begins with a letter does not match in the middle of a word and, if
    /// `exceptMembers`, not behind a dot.
    func offsets(of needle: String, exceptMembers: Bool = false) -> [Int] {
        occurrences(of: Array(needle.utf8), in: code).filter { offset in
            guard offset > 0, isWordByte(needle.utf8.first ?? 0) else { return true }
            let before = code[offset - 1]
            return !isWordByte(before) && !(exceptMembers && before == UInt8(ascii: "."))
        }
    }

    func violation(at offset: Int, _ message: String) -> TidyViolation {
        TidyViolation(path: path, line: line(at: offset), message: message)
    }
}

/// The files that the rules are about.
struct SourceTree {
    let files: [SourceFile]

    /// A tree of snippets, for the tests of the rules themselves.
    init(_ texts: [String: String]) {
        files = texts.sorted { $0.key < $1.key }.map { SourceFile(path: $0.key, text: $0.value) }
    }

    /// The package's own tree: products and Swift tests.
    static func load() throws -> SourceTree {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var texts: [String: String] = [:]
        for folder in ["Sources", "Tests"] {
            let base = root.appendingPathComponent(folder)
            let paths = FileManager.default.enumerator(atPath: base.path)
            while let path = paths?.nextObject() as? String {
                let isSource = ["swift", "c", "h"].contains((path as NSString).pathExtension)
                guard isSource, !path.contains(".build/") else { continue }
                let url = base.appendingPathComponent(path)
                texts["\(folder)/\(path)"] = try String(contentsOf: url, encoding: .utf8)
            }
        }
        return SourceTree(texts)
    }
}

/// Removes what the exceptions allow, and adds a violation for each exception that nothing needs
/// although there is such a file.
///
/// `found` holds the subject of each violation, so that an exception can name it.
func applyExceptions(
    _ exceptions: [TidyException], to found: [(subject: String, violation: TidyViolation)],
    in tree: SourceTree
) -> [TidyViolation] {
    var isNeeded = [Bool](repeating: false, count: exceptions.count)
    var remaining: [TidyViolation] = []
    for (subject, violation) in found {
        let index = exceptions.firstIndex { $0.covers(violation.path, subject) }
        if let index { isNeeded[index] = true } else { remaining.append(violation) }
    }
    for (exception, isNeeded) in zip(exceptions, isNeeded) where !isNeeded {
        guard tree.files.contains(where: { exception.covers($0.path) }) else { continue }
        let message = "the exception for '\(exception.subject)' is no longer needed: remove it"
        remaining.append(TidyViolation(path: exception.path, line: 1, message: message))
    }
    for exception in exceptions where exception.reason.isEmpty {
        let message = "the exception for '\(exception.subject)' has no reason"
        remaining.append(TidyViolation(path: exception.path, line: 1, message: message))
    }
    return remaining
}
