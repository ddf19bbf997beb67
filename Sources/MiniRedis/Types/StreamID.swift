// SPDX-License-Identifier: BSD-3-Clause
//
// The identifier of a stream's entry: milliseconds and a sequence number, written `ms-seq`.
//
// Source: https://redis.io/docs/latest/develop/data-types/streams/#entry-ids

/// 128 bits in two halves, in the order of time.
struct StreamID: Equatable, Sendable {
    var milliseconds: UInt64
    var sequence: UInt64

    static let zero = StreamID(milliseconds: 0, sequence: 0)
    static let maximum = StreamID(milliseconds: .max, sequence: .max)

    @inline(__always)
    init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// The 16 bytes at `base`, aligned to 8.
    @inline(__always)
    init(at base: UnsafeRawPointer) {
        milliseconds = base.load(as: UInt64.self)
        sequence = base.load(fromByteOffset: 8, as: UInt64.self)
    }

    /// Writes 16 bytes to `base`, aligned to 8.
    @inline(__always)
    func write(to base: UnsafeMutableRawPointer) {
        base.storeBytes(of: milliseconds, as: UInt64.self)
        base.storeBytes(of: sequence, toByteOffset: 8, as: UInt64.self)
    }

    @inline(__always)
    static func < (left: StreamID, right: StreamID) -> Bool {
        left.milliseconds == right.milliseconds
            ? left.sequence < right.sequence : left.milliseconds < right.milliseconds
    }

    @inline(__always)
    static func > (left: StreamID, right: StreamID) -> Bool { right < left }
    @inline(__always)
    static func <= (left: StreamID, right: StreamID) -> Bool { !(right < left) }
    @inline(__always)
    static func >= (left: StreamID, right: StreamID) -> Bool { !(left < right) }

    /// The smallest identifier above this one, or nil.
    @inline(__always)
    var next: StreamID? {
        if sequence < .max { return StreamID(milliseconds: milliseconds, sequence: sequence + 1) }
        if milliseconds < .max { return StreamID(milliseconds: milliseconds + 1, sequence: 0) }
        return nil
    }

    /// The greatest identifier below this one, or nil.
    var previous: StreamID? {
        if sequence > 0 { return StreamID(milliseconds: milliseconds, sequence: sequence - 1) }
        if milliseconds > 0 { return StreamID(milliseconds: milliseconds - 1, sequence: .max) }
        return nil
    }
}

// MARK: - Reading

extension StreamID {
    /// Bytes of the longest text that may be an identifier.
    private static let longestText = 127

    /// An identifier as a command names it.
    struct Text {
        var id: StreamID
        /// Whether the sequence was left to the server: `ms-*`.
        var hasOpenSequence: Bool
    }

    /// The identifier `ms-seq`, or `ms`, which has the sequence `missing`; nil if it is neither.
    @inline(__always)
    static func parse(_ text: ByteView, missing: UInt64 = 0) -> StreamID? {
        guard let read = read(text, missing: missing), !read.hasOpenSequence else { return nil }
        return read.id
    }

    /// `parse`, or `-` for the smallest one and `+` for the greatest one.
    static func parseBound(_ text: ByteView, missing: UInt64) -> StreamID? {
        if text.equals("-") { return .zero }
        if text.equals("+") { return .maximum }
        return parse(text, missing: missing)
    }

    /// `parse`, or `ms-*`.
    static func read(_ text: ByteView, missing: UInt64 = 0) -> Text? {
        guard text.count <= longestText else { return nil }
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")) else {
            guard let milliseconds = number(text) else { return nil }
            return Text(
                id: StreamID(milliseconds: milliseconds, sequence: missing),
                hasOpenSequence: false)
        }
        guard let milliseconds = number(text.prefix(dash)) else { return nil }
        let rest = text.suffix(from: dash + 1)
        if rest.equals("*") {
            return Text(
                id: StreamID(milliseconds: milliseconds, sequence: 0), hasOpenSequence: true)
        }
        guard let sequence = number(rest) else { return nil }
        return Text(
            id: StreamID(milliseconds: milliseconds, sequence: sequence), hasOpenSequence: false)
    }

    /// A number below 2^64.
    @inline(__always)
    private static func number(_ text: ByteView) -> UInt64? {
        if let value = DecimalInteger.parse(text) { return value < 0 ? nil : UInt64(value) }
        return lenientNumber(text)
    }

    /// What is no canonical integer is read as C's `strtoull` does, as Redis reads it: white space
    /// and a sign before the digits, zeros before others.
    private static func lenientNumber(_ text: ByteView) -> UInt64? {
        var at = 0
        while at < text.count, text[at] == 0x20 || (0x09...0x0d).contains(text[at]) { at += 1 }
        var isNegative = false
        if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") {
            isNegative = text[at] == UInt8(ascii: "-")
            at += 1
        }
        guard at < text.count else { return nil }
        var value: UInt64 = 0
        while at < text.count {
            let digit = text[at] &- 0x30
            guard digit <= 9 else { return nil }
            let (product, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = product.addingReportingOverflow(UInt64(digit))
            guard !first && !second else { return nil }
            value = sum
            at += 1
        }
        return isNegative ? 0 &- value : value
    }
}
