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
        /// The bytes end within it.
        case incomplete(Fault)
        /// No request.
        case malformed(Fault)
    }

    /// Where an item is wrong: for people.
    struct Fault: Equatable {
        var defect: Defect
        /// Bytes after the item's beginning.
        var position: Int
        /// Lines of the item that are well.
        var lines: Int
    }

    enum Defect: Equatable {
        /// A line that should begin with this begins with something else.
        case mark(UInt8, found: UInt8)
        /// The number after the mark is none, or not possible.
        case number
        /// An argument is not followed by the end of a line.
        case lineEnd(UInt8, UInt8)
        /// The bytes end within an argument and the end of its line.
        case short(expected: Int, found: Int)
        /// The bytes end within a line.
        case noLine
    }

    /// The longest line, its end included.
    static let longestLine = 1024

    /// The item at the beginning of `bytes`, of which there is at least one.
    static func first(_ bytes: ByteView) -> Item {
        if bytes[0] == UInt8(ascii: "#") { return annotation(bytes) }
        var at = 0
        var lines = 0
        let arguments: Int
        switch number(bytes, &at, mark: UInt8(ascii: "*")) {
        case .value(let value):
            guard value > 0, value <= Int64(Int32.max) else { return fault(.number, 0, 0) }
            arguments = Int(value)
        case .fault(let defect): return fault(defect, 0, 0)
        }
        var (nameStart, nameLength) = (0, 0)
        for index in 0..<arguments {
            let start = at
            lines += 1
            switch number(bytes, &at, mark: UInt8(ascii: "$")) {
            case .value(let value):
                if index == 0 { (nameStart, nameLength) = (at, Int(value)) }
                guard Int(value) + 2 <= bytes.count - at else {
                    let short = Defect.short(expected: Int(value) + 2, found: bytes.count - at)
                    return fault(short, at, lines + 1)
                }
                let end = at + Int(value)
                guard bytes[end] == 13, bytes[end + 1] == 10 else {
                    return fault(.lineEnd(bytes[end], bytes[end + 1]), at, lines + 1)
                }
                at = end + 2
                lines += 1
            case .fault(let defect): return fault(defect, start, lines)
            }
        }
        return .request(
            length: at, nameStart: nameStart, nameLength: nameLength, arguments: arguments)
    }

    private static func fault(_ defect: Defect, _ position: Int, _ lines: Int) -> Item {
        let fault = Fault(defect: defect, position: position, lines: lines)
        switch defect {
        case .short, .noLine: return .incomplete(fault)
        case .mark, .number, .lineEnd: return .malformed(fault)
        }
    }

    private enum Number {
        case value(Int64)
        case fault(Defect)
    }

    /// Reads `mark`, digits and the end of the line.
    @inline(__always)
    private static func number(_ bytes: ByteView, _ at: inout Int, mark: UInt8) -> Number {
        guard at < bytes.count else { return .fault(.noLine) }
        guard bytes[at] == mark else { return .fault(.mark(mark, found: bytes[at])) }
        var value: Int64 = 0
        var index = at + 1
        while index < bytes.count, bytes[index] &- 48 < 10 {
            // More digits than a length of 2^60 has.
            guard index - at <= 18 else { return .fault(.number) }
            value = value * 10 + Int64(bytes[index] &- 48)
            index += 1
        }
        guard index < bytes.count else { return .fault(.noLine) }
        guard index > at + 1, bytes[index] == 13 else { return .fault(.number) }
        guard index + 1 < bytes.count else { return .fault(.noLine) }
        guard bytes[index + 1] == 10 else { return .fault(.number) }
        at = index + 2
        return .value(value)
    }

    private static func annotation(_ bytes: ByteView) -> Item {
        let line = bytes.prefix(min(bytes.count, longestLine))
        guard let end = line.firstIndex(of: 10) else {
            return fault(line.count < longestLine ? .noLine : .number, 0, 0)
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
