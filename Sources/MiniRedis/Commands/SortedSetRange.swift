// SPDX-License-Identifier: BSD-3-Clause
//
// A range of a sorted set as commands name it: from and to, by rank, by score or by name.

/// What a command asks of a sorted set's order.
enum SortedSetRange {
    /// Ranks, both included; negative ones count from the end.
    case ranks(Int64, Int64)
    case scores(ScoreBound, ScoreBound)
    case names(NameBound, NameBound)

    enum Order {
        case rank, score, name
    }

    /// An end of a range of scores.
    struct ScoreBound {
        var value: Double
        var isExcluded: Bool

        init(_ text: ByteView) throws(ErrorReply) {
            isExcluded = text.count > 0 && text[0] == UInt8(ascii: "(")
            let number = isExcluded ? text.suffix(from: 1) : text
            guard let value = FloatingPointText.parseBound(number) else { throw .notScoreRange }
            self.value = value
        }
    }

    /// An end of a range of names.
    struct NameBound {
        enum Kind {
            case least, greatest, included, excluded
        }

        var kind: Kind
        var name: ByteView

        init(_ text: ByteView) throws(ErrorReply) {
            name = text.count > 1 ? text.suffix(from: 1) : ByteView("")
            switch text.count > 0 ? text[0] : 0 {
            case UInt8(ascii: "-") where text.count == 1: kind = .least
            case UInt8(ascii: "+") where text.count == 1: kind = .greatest
            case UInt8(ascii: "["): kind = .included
            case UInt8(ascii: "("): kind = .excluded
            default: throw .notNameRange
            }
        }

        /// Whether `member` lies before the bound, or, with `orAt`, at it.
        func isBehind(_ member: ByteView, orAt: Bool) -> Bool {
            switch kind {
            case .least: return false
            case .greatest: return true
            case .included, .excluded:
                let order = member.compare(name)
                return order < 0 || order == 0 && orAt
            }
        }
    }

    /// The range that two arguments name; `from` is the lower end.
    init(_ order: Order, from: ByteView, to: ByteView) throws(ErrorReply) {
        switch order {
        case .rank:
            guard let first = DecimalInteger.parse(from), let last = DecimalInteger.parse(to) else {
                throw .notInteger
            }
            self = .ranks(first, last)
        case .score: self = .scores(try ScoreBound(from), try ScoreBound(to))
        case .name: self = .names(try NameBound(from), try NameBound(to))
        }
    }

    /// The ranks of a set that are in the range. Ranks that count from the greatest score down are
    /// turned around if `isReversed`.
    func resolve(in view: SortedSetView, isReversed: Bool = false) -> Range<Int> {
        let lower: Int
        let upper: Int
        switch self {
        case .ranks(let first, let last):
            let range = Self.resolve(first, last, count: view.count)
            guard isReversed else { return range }
            return view.count - range.upperBound..<view.count - range.lowerBound
        case .scores(let least, let most):
            // Nothing lies between two bounds in the wrong order, which a search would not notice.
            guard least.value <= most.value else { return 0..<0 }
            lower = view.count(whileScore: {
                $0 < least.value || least.isExcluded && $0 == least.value
            })
            upper = view.count(whileScore: {
                $0 < most.value || !most.isExcluded && $0 == most.value
            })
        case .names(let least, let most):
            lower = view.count(whileMember: {
                least.isBehind($0, orAt: least.kind == .excluded)
            })
            upper = view.count(whileMember: { most.isBehind($0, orAt: most.kind == .included) })
        }
        return lower..<max(lower, upper)
    }

    private static func resolve(_ first: Int64, _ last: Int64, count: Int) -> Range<Int> {
        let size = Int64(count)
        let start = max(0, first < 0 ? first &+ size : first)
        let end = min(size - 1, last < 0 ? last &+ size : last)
        return start <= end ? Int(start)..<Int(end) + 1 : 0..<0
    }
}
