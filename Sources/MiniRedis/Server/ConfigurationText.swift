// SPDX-License-Identifier: BSD-3-Clause
//
// The text of configuration: words and quotes of a line, strict numbers, memory units. Works on
// UTF-8 bytes, since a Swift character may be several of them (a carriage return and a line feed
// are one). Knows no directive and no setting.

import Glibc

/// Reading and writing configuration text.
enum ConfigurationText {
    private static let space = UInt8(ascii: " ")
    private static let doubleQuote = UInt8(ascii: "\"")
    private static let singleQuote = UInt8(ascii: "'")
    private static let backslash = UInt8(ascii: "\\")

    /// The text with ASCII letters in lower case, all else untouched.
    static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { (65...90).contains($0) ? $0 | 32 : $0 }, as: UTF8.self)
    }

    /// A strict integer: no sign but `-`, no spaces, no leading zeros, no `-0`.
    static func integer(_ text: String) -> Int64? {
        guard let value = Int64(text), String(value) == text else { return nil }
        return value
    }

    /// One or more decimal digits; leading zeros are allowed.
    static func digits(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }

    /// Bytes with a unit (b, k, kb, m, mb, g, gb in any case). No digits at all is zero, as Redis
    /// has it; what does not fit 64 bits is refused.
    static func memory(_ text: String) -> UInt64? {
        let digits = text.utf8.prefix { (48...57).contains($0) }
        let unit = lowercased(String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self))
        let scale: UInt64
        switch unit {
        case "", "b": scale = 1
        case "k": scale = 1000
        case "kb": scale = 1 << 10
        case "m": scale = 1_000_000
        case "mb": scale = 1 << 20
        case "g": scale = 1_000_000_000
        case "gb": scale = 1 << 30
        default: return nil
        }
        if digits.isEmpty { return 0 }
        guard let count = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : bytes
    }

    /// The words at single spaces, as CONFIG SET splits the value of a directive of many words:
    /// two spaces make an empty word, and an empty text makes none.
    static func wordsAtSpaces(_ text: String) -> [String] {
        if text.isEmpty { return [] }
        return text.utf8.split(separator: space, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The lines of a text, each without the spaces, tabs and carriage returns around it.
    static func lines(_ text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            line in
            let blanks: Set<UInt8> = [space, 9, 10, 13]
            let tail = line.drop { blanks.contains($0) }
            let end = tail.lastIndex { !blanks.contains($0) }.map { tail.index(after: $0) }
            return String(decoding: tail[..<(end ?? tail.startIndex)], as: UTF8.self)
        }
    }

    /// The words of a line: separated by blanks, quoted with `"` (and the escapes `\n \r \t \b \a
    /// \xHH`) or `'` (and the escape `\'`). Nil if a quote is open at the end, or is closed and
    /// not followed by a blank.
    static func words(_ line: String) -> [String]? {
        let bytes = Array(line.utf8)
        var position = 0
        var words: [String] = []
        while true {
            while position < bytes.count, isBlank(bytes[position]) { position += 1 }
            guard position < bytes.count, bytes[position] != 0 else { return words }
            guard let word = nextWord(bytes, &position) else { return nil }
            words.append(String(decoding: word, as: UTF8.self))
        }
    }

    private static func nextWord(_ bytes: [UInt8], _ position: inout Int) -> [UInt8]? {
        var word: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case space, 9, 10, 13, 0:
                return word
            case doubleQuote, singleQuote:
                position += 1
                guard appendQuoted(bytes, &position, until: byte, to: &word) else { return nil }
                let isEnd = position == bytes.count || isBlank(bytes[position])
                return isEnd ? word : nil
            default:
                word.append(byte)
                position += 1
            }
        }
        return word
    }

    /// Reads up to and past the closing quote; false if there is none.
    private static func appendQuoted(
        _ bytes: [UInt8], _ position: inout Int, until quote: UInt8, to word: inout [UInt8]
    ) -> Bool {
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote { return true }
            guard byte == backslash, position < bytes.count else {
                word.append(byte)
                continue
            }
            let escaped = bytes[position]
            if quote == singleQuote {
                // Only the quote itself can be escaped here; any other backslash stands for itself.
                if escaped == singleQuote { position += 1 }
                word.append(escaped == singleQuote ? singleQuote : backslash)
            } else if let value = hexadecimal(bytes, after: position) {
                word.append(value)
                position += 3
            } else {
                word.append(controlCharacter(escaped))
                position += 1
            }
        }
        return false
    }

    /// The byte of `xHH` at `position`, if that is what is there.
    private static func hexadecimal(_ bytes: [UInt8], after position: Int) -> UInt8? {
        guard position + 2 < bytes.count, bytes[position] == UInt8(ascii: "x"),
            isxdigit(Int32(bytes[position + 1])) != 0, isxdigit(Int32(bytes[position + 2])) != 0
        else { return nil }
        return UInt8(
            String(decoding: bytes[(position + 1)...(position + 2)], as: UTF8.self), radix: 16)
    }

    private static func controlCharacter(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "a"): return 7
        default: return letter
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == space || (9...13).contains(byte)
    }

    /// The text in double quotes, so that `words` reads it back.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case doubleQuote: result += "\\\""
            case backslash: result += "\\\\"
            case 10: result += "\\n"
            case 13: result += "\\r"
            case 9: result += "\\t"
            case 8: result += "\\b"
            case 7: result += "\\a"
            case 32...126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                result += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
            }
        }
        return result + "\""
    }
}
