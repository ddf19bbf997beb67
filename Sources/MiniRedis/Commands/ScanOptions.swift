// SPDX-License-Identifier: BSD-3-Clause
//
// What SCAN and its kin have in common: the cursor, the options, the pattern, and how much work one
// call does.

/// What follows the cursor.
struct ScanOptions {
    var count = 10
    var pattern: ByteView?
    /// SCAN alone: the name of the type that keys must be of.
    var type: ByteView?
    /// HSCAN alone: fields without their values.
    var omitsValues = false

    /// What a command takes beside MATCH and COUNT.
    enum Extra {
        case nothing, type, noValues
    }

    /// Reads the options from argument `first` on.
    init(_ context: DataContext, from first: Int, _ extra: Extra) throws(ErrorReply) {
        var at = first
        while at < context.count {
            let word = context[at]
            if extra == .noValues && word.equalsFolded("novalues") {
                omitsValues = true
                at += 1
                continue
            }
            guard at + 1 < context.count else { throw .syntax }
            if word.equalsFolded("count") {
                let value = try context.integer(at + 1)
                guard value >= 1 else { throw .syntax }
                count = Int(value)
            } else if word.equalsFolded("match") {
                pattern = context[at + 1]
            } else if extra == .type && word.equalsFolded("type") {
                type = context[at + 1]
            } else {
                throw .syntax
            }
            at += 2
        }
    }

    /// A cursor: digits that 64 bits hold.
    static func cursor(_ text: ByteView) throws(ErrorReply) -> UInt64 {
        guard text.count > 0 && text.count <= 20 else { throw .invalidCursor }
        var value: UInt64 = 0
        for index in 0..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard digit < 10 && !overflow && !carry else { throw .invalidCursor }
            value = sum
        }
        return value
    }

    /// Goes on from `cursor` until `count` elements were looked at, or ten times as many steps were
    /// made, so that a sparse table does not make one call long; returns where to go on. `step`
    /// makes one from a cursor: it returns the next one, 0 at the end, and how many elements it
    /// looked at.
    func walk(from cursor: UInt64, _ step: (UInt64) -> (UInt64, Int)) -> UInt64 {
        let bound = count.multipliedReportingOverflow(by: 10)
        let mostSteps = bound.overflow ? Int.max : bound.partialValue
        var (next, seen, steps) = (cursor, 0, 0)
        repeat {
            let (following, looked) = step(next)
            next = following
            seen += looked
            steps += 1
        } while next != 0 && seen < count && steps < mostSteps
        return next
    }

    /// Calls `body` with what says whether a text matches the pattern, if there is one.
    @inline(__always)
    func withFilter(_ body: ((ByteView) -> Bool) -> Void) {
        guard let text = pattern else { return body { _ in true } }
        let pattern = GlobPattern(text)
        body { pattern.matchesKey($0) }
    }
}
