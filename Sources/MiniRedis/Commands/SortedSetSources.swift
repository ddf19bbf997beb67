// SPDX-License-Identifier: BSD-3-Clause
//
// The sets and sorted sets that a command combines, and how: union, intersection, difference.
//
// Sources are combined from the smallest to the largest, as Redis does: scores are doubles, and the
// order of sums shows in the last digit. A member of a set has the score 1.

/// How the scores of one member in several sources become one.
enum ScoreAggregate {
    case sum, least, greatest

    /// By its word.
    init(_ word: ByteView) throws(ErrorReply) {
        if word.equalsFolded("sum") {
            self = .sum
        } else if word.equalsFolded("min") {
            self = .least
        } else if word.equalsFolded("max") {
            self = .greatest
        } else {
            throw .syntax
        }
    }

    /// Infinities that cancel out are zero.
    @inline(__always)
    func combine(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .sum:
            let sum = left + right
            return sum.isNaN ? 0 : sum
        case .least: return min(left, right)
        case .greatest: return max(left, right)
        }
    }
}

/// A set or a sorted set, or nothing, with what its scores are multiplied by.
struct SortedSetSource {
    enum Contents {
        case missing
        case set(SetView)
        case sortedSet(SortedSetView)
    }

    var contents: Contents
    var weight = 1.0

    var count: Int {
        switch contents {
        case .missing: 0
        case .set(let view): view.count
        case .sortedSet(let view): view.count
        }
    }

    /// Zero times infinity is zero.
    @inline(__always)
    private func weighted(_ score: Double) -> Double {
        let product = weight * score
        return product.isNaN ? 0 : product
    }

    /// The weighted score of a member, or nil. Zero times infinity is no number here: an aggregate
    /// decides what becomes of it, as in Redis.
    @inline(__always)
    func score(of member: ByteView) -> Double? {
        switch contents {
        case .missing: nil
        case .set(let view): view.contains(member) ? weight : nil
        case .sortedSet(let view): view.score(of: member).map { weight * $0 }
        }
    }

    /// Calls `body` with each member and its weighted score until it returns false.
    @inline(__always)
    func forEachWhile(_ body: (ByteView, Double) -> Bool) {
        switch contents {
        case .missing: return
        case .set(let view): view.forEachWhile { body($0, weighted(1)) }
        case .sortedSet(let view): view.forEachWhile { body($0, weighted($1)) }
        }
    }
}

/// All sources of a command.
///
/// Ownership: owns the list, not the sets; valid until a key is changed.
struct SortedSetSources: ~Copyable {
    let list: UnsafeMutableBufferPointer<SortedSetSource>
    var aggregate = ScoreAggregate.sum

    /// What the keys at these arguments hold.
    init(_ context: DataContext, _ keys: Range<Int>) throws(ErrorReply) {
        list = .allocate(capacity: keys.count)
        list.initialize(repeating: SortedSetSource(contents: .missing))
        for (number, index) in keys.enumerated() {
            let key = context.key(index)
            guard let entry = context.database.pointee.read(key.bytes, key.hash) else { continue }
            switch entry.type {
            case .set: list[number].contents = .set(SetView(entry.collection))
            case .sortedSet:
                list[number].contents = .sortedSet(SortedSetView(entry.collection))
            case .string, .list, .hash, .stream: throw .wrongType
            }
        }
    }

    deinit {
        list.deallocate()
    }

    /// Puts the members of any source into `result`.
    func unite(into result: SortedSetEditor) {
        sort()
        for source in list {
            source.forEachWhile { member, score in
                _ = result.update(member) { old in
                    old.map { aggregate.combine($0, score) } ?? score
                }
                return true
            }
        }
    }

    /// Calls `body` with the members of all sources until it returns false.
    func intersect(_ body: (ByteView, Double) -> Bool) {
        sort()
        list[0].forEachWhile { member, score in
            var combined = score
            for source in list[1...] {
                guard let other = source.score(of: member) else { return true }
                combined = aggregate.combine(combined, other)
            }
            return body(member, combined)
        }
    }

    /// Puts the members of the first source that no other has into `result`.
    func subtract(into result: SortedSetEditor) {
        list[0].forEachWhile { member, score in
            for source in list[1...] where source.score(of: member) != nil { return true }
            result.set(member, score)
            return true
        }
    }

    /// From the smallest to the largest; equal ones stay as they were named.
    private func sort() {
        let order = list.indices.sorted { (list[$0].count, $0) < (list[$1].count, $1) }
        let sorted = order.map { list[$0] }
        for (index, source) in sorted.enumerated() { list[index] = source }
    }
}
