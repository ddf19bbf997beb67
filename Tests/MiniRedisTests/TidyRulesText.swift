// SPDX-License-Identifier: BSD-3-Clause
//
// Just enough Swift and C to tell code from comments and literals and to find words and braces.
// What it cannot know, such as regular expression literals, the product does not use.

import Foundation

/// A word (identifier, keyword, number) or one byte of punctuation, where it begins.
struct SourceToken {
    /// The word, or the punctuation byte as a string of one character.
    let text: String
    let offset: Int
    let isWord: Bool
}

func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        return true
    default:
        return false
    }
}

/// The offsets of `needle`, which is not empty, in `bytes`, without overlaps.
func occurrences(of needle: [UInt8], in bytes: [UInt8]) -> [Int] {
    var offsets: [Int] = []
    bytes.withUnsafeBytes { all in
        guard let base = all.baseAddress else { return }
        var start = 0
        while start + needle.count <= all.count {
            let rest = all.count - needle.count + 1 - start
            guard let hit = memchr(base + start, Int32(needle[0]), rest) else { return }
            start = UnsafeRawPointer(hit) - base
            if memcmp(base + start, needle, needle.count) == 0 {
                offsets.append(start)
                start += needle.count
            } else {
                start += 1
            }
        }
    }
    return offsets
}

func sourceTokens(_ code: [UInt8]) -> [SourceToken] {
    var tokens: [SourceToken] = []
    code.withUnsafeBufferPointer { code in
        var index = 0
        while index < code.count {
            let byte = code[index]
            let start = index
            index += 1
            guard byte > UInt8(ascii: " ") else { continue }
            let isWord = isWordByte(byte)
            while isWord, index < code.count, isWordByte(code[index]) { index += 1 }
            let text = String(decoding: code[start..<index], as: UTF8.self)
            tokens.append(SourceToken(text: text, offset: start, isWord: isWord))
        }
    }
    return tokens
}

/// Replaces comments and literals by spaces; what is interpolated into a literal is code.
struct SourceScrubber {
    private enum Mode {
        /// Code; inside of an interpolation, how many parentheses are open.
        case code(parentheses: Int?)
        case string(hashes: Int, isMultiline: Bool)
    }

    private let text: [UInt8]
    private let isC: Bool
    private var output: [UInt8]
    private var index = 0
    private var modes: [Mode] = [.code(parentheses: nil)]

    init(_ text: [UInt8], isC: Bool) {
        self.text = text
        self.isC = isC
        output = text
    }

    mutating func run() -> [UInt8] {
        while index < text.count {
            switch modes[modes.count - 1] {
            case .code(let parentheses): stepInCode(parentheses)
            case .string(let hashes, let isMultiline): stepInString(hashes, isMultiline)
            }
        }
        return output
    }

    private func isAhead(_ word: StaticString, at offset: Int = 0) -> Bool {
        let start = index + offset
        guard start + word.utf8CodeUnitCount <= text.count else { return false }
        for place in 0..<word.utf8CodeUnitCount where text[start + place] != word.utf8Start[place] {
            return false
        }
        return true
    }

    /// Blanks the next `count` bytes, but keeps the line breaks.
    private mutating func blank(_ count: Int) {
        let end = min(index + count, text.count)
        while index < end {
            if text[index] != UInt8(ascii: "\n") { output[index] = UInt8(ascii: " ") }
            index += 1
        }
    }

    private mutating func stepInCode(_ parentheses: Int?) {
        switch text[index] {
        case UInt8(ascii: "/") where isAhead("//"):
            while index < text.count, text[index] != UInt8(ascii: "\n") { blank(1) }
        case UInt8(ascii: "/") where isAhead("/*"):
            skipBlockComment()
        case UInt8(ascii: "\""), UInt8(ascii: "#"):
            openString()
        case UInt8(ascii: "'") where isC:
            skipCharacter()
        case UInt8(ascii: "("):
            if let parentheses { modes[modes.count - 1] = .code(parentheses: parentheses + 1) }
            index += 1
        case UInt8(ascii: ")"):
            closeParenthesis(parentheses)
        default:
            index += 1
        }
    }

    private mutating func closeParenthesis(_ parentheses: Int?) {
        guard let parentheses else {
            index += 1
            return
        }
        if parentheses > 1 {
            modes[modes.count - 1] = .code(parentheses: parentheses - 1)
            index += 1
        } else {
            modes.removeLast()
            blank(1)
        }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if isAhead("/*"), depth == 0 || !isC {
                depth += 1
                blank(2)
            } else if isAhead("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && index < text.count
    }

    private mutating func skipCharacter() {
        blank(1)
        while index < text.count, text[index] != UInt8(ascii: "'") {
            blank(text[index] == UInt8(ascii: "\\") ? 2 : 1)
        }
        blank(1)
    }

    private mutating func openString() {
        var hashes = 0
        while index + hashes < text.count, text[index + hashes] == UInt8(ascii: "#") { hashes += 1 }
        guard isAhead("\"", at: hashes) else {
            index += max(hashes, 1)  // `#if`, `#expect`: code
            return
        }
        let isMultiline = !isC && isAhead("\"\"\"", at: hashes)
        modes.append(.string(hashes: hashes, isMultiline: isMultiline))
        blank(hashes + (isMultiline ? 3 : 1))
    }

    private mutating func stepInString(_ hashes: Int, _ isMultiline: Bool) {
        let quotes = isMultiline ? 3 : 1
        if text[index] == UInt8(ascii: "\\"), hasHashes(hashes, at: 1) {
            if !isC, isAhead("(", at: 1 + hashes) {
                blank(2 + hashes)
                modes.append(.code(parentheses: 1))
            } else {
                blank(2 + hashes)
            }
        } else if isAhead(isMultiline ? "\"\"\"" : "\""), hasHashes(hashes, at: quotes) {
            blank(quotes + hashes)
            modes.removeLast()
        } else if text[index] == UInt8(ascii: "\n"), !isMultiline {
            modes.removeLast()  // not a literal after all; the compiler will say so
        } else {
            blank(1)
        }
    }

    private func hasHashes(_ count: Int, at offset: Int) -> Bool {
        for place in 0..<count where !isAhead("#", at: offset + place) { return false }
        return true
    }
}
