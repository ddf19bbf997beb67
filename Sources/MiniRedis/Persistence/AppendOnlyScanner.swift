// SPDX-License-Identifier: BSD-3-Clause
//
// The form of an append-only file: requests as arrays of bulk strings, one after the other, and
// lines of annotations between them.
//
//     #TS:1628217470\r\n               the time from which on the following happened
//     *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n
//
// It finds where requests begin and end and runs none. What is no such thing is told with its
// offset; what is not complete is told apart from it, for a crash may have cut the last write.

/// Finds one item after the other in bytes that somebody else owns.
struct AppendOnlyScanner {
    enum Item: Equatable {
        /// A request of `length` bytes, whose first argument is the `nameLength` bytes at
        /// `nameStart`, counted from its beginning.
        case request(length: Int, nameStart: Int, nameLength: Int, arguments: Int)
        /// A line of `length` bytes; `timestamp` if it tells one, seconds since the epoch.
        case annotation(length: Int, timestamp: Int64?)
        case incomplete
        /// No request: `position` bytes after the beginning.
        case malformed(Defect, position: Int)
    }

    /// What is wrong.
    enum Defect: Equatable {
        /// A line that should begin with this does not.
        case missing(UInt8)
        /// The number after the mark is none, or not possible.
        case number
        /// An argument is not followed by the end of a line.
        case lineEnd(UInt8, UInt8)
    }

    /// The longest line, its end included.
    static let longestLine = 1024

    /// The item at the beginning of `bytes`, of which there is at least one.
    static func first(_ bytes: ByteView) -> Item {
        if bytes[0] == UInt8(ascii: "#") { return annotation(bytes) }
        var at = 0
        let arguments: Int
        switch number(bytes, &at, mark: UInt8(ascii: "*")) {
        case .value(let value):
            guard value > 0, value <= Int64(Int32.max) else {
                return .malformed(.number, position: 0)
            }
            arguments = Int(value)
        case .incomplete: return .incomplete
        case .malformed(let defect): return .malformed(defect, position: 0)
        }
        var (nameStart, nameLength) = (0, 0)
        for index in 0..<arguments {
            let start = at
            guard at < bytes.count else { return .incomplete }
            switch number(bytes, &at, mark: UInt8(ascii: "$")) {
            case .value(let value):
                guard value >= 0 else { return .malformed(.number, position: start) }
                if index == 0 { (nameStart, nameLength) = (at, Int(value)) }
                guard Int(value) <= bytes.count - at else { return .incomplete }
                at += Int(value)
            case .incomplete: return .incomplete
            case .malformed(let defect): return .malformed(defect, position: start)
            }
            guard bytes.count - at >= 2 else { return .incomplete }
            guard bytes[at] == 13, bytes[at + 1] == 10 else {
                return .malformed(.lineEnd(bytes[at], bytes[at + 1]), position: at)
            }
            at += 2
        }
        return .request(
            length: at, nameStart: nameStart, nameLength: nameLength, arguments: arguments)
    }

    private enum Number {
        case value(Int64)
        case incomplete
        case malformed(Defect)
    }

    /// Reads `mark`, digits and the end of the line.
    @inline(__always)
    private static func number(_ bytes: ByteView, _ at: inout Int, mark: UInt8) -> Number {
        guard bytes[at] == mark else { return .malformed(.missing(mark)) }
        var value: Int64 = 0
        var index = at + 1
        var digits = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte &- 48 < 10 else { break }
            digits += 1
            // More digits than a length of 2^60 has.
            guard digits <= 18 else { return .malformed(.number) }
            value = value * 10 + Int64(byte &- 48)
            index += 1
        }
        guard index < bytes.count else { return .incomplete }
        guard bytes[index] == 13, digits > 0 else { return .malformed(.number) }
        guard index + 1 < bytes.count else { return .incomplete }
        guard bytes[index + 1] == 10 else { return .malformed(.number) }
        at = index + 2
        return .value(value)
    }

    private static func annotation(_ bytes: ByteView) -> Item {
        let line = bytes.prefix(min(bytes.count, longestLine))
        guard let end = line.firstIndex(of: 10) else {
            return line.count < longestLine ? .incomplete : .malformed(.number, position: 0)
        }
        let mark = ByteView("#TS:")
        guard end > mark.count, line.prefix(mark.count) == mark else {
            return .annotation(length: end + 1, timestamp: nil)
        }
        var digits = line.slice(mark.count, end - mark.count)
        if digits.count > 0, digits[digits.count - 1] == 13 {
            digits = digits.prefix(digits.count - 1)
        }
        return .annotation(length: end + 1, timestamp: DecimalInteger.parse(digits))
    }
}
