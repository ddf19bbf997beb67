// SPDX-License-Identifier: BSD-3-Clause
//
// A sorted set as its readers see it: any thread, as long as a snapshot sees its block.
//
// Every range, whether of ranks, scores or names, is a range of ranks here: its ends are found by
// counting the members before them, which in a tree is one way down.

/// The members of a sorted set with their scores.
///
/// Ownership: owns nothing; valid, as the members that it gives out, until the set is changed.
struct SortedSetView {
    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var isRoot: Bool { @inline(__always) get { CollectionHeader(base).isRoot } }

    var count: Int {
        @inline(__always) get {
            let header = CollectionHeader(base)
            return header.isRoot ? header.count : header.count / 2
        }
    }

    /// Members and scores in turn, if the set is packed.
    var packed: PackedView { @inline(__always) get { PackedView(base) } }
    var root: SortedSetTable { @inline(__always) get { SortedSetTable(base) } }

    var tree: TreeView<SortedSetOrder> {
        @inline(__always) get { TreeView(UnsafePointer(root.treeHead)) }
    }

    // MARK: - One member

    /// The score of a member, or nil if it is not there.
    @inline(__always)
    func score(of member: ByteView) -> Double? {
        guard isRoot else {
            let view = packed
            return view.find(PackedItem(member), step: 2).map { view.double(at: view.next($0)) }
        }
        return score(of: member, hash: root.table.pointee.hasher.hash(member))
    }

    /// The same for a member whose hash is known.
    @inline(__always)
    func score(of member: ByteView, hash: UInt64) -> Double? {
        guard isRoot else { return score(of: member) }
        return root.table.pointee.find(hash, member).map { SortedSetElement.score(of: $0.entry) }
    }

    /// How many members come before this one, and its score; nil if it is not there.
    func rank(of member: ByteView) -> (rank: Int, score: Double)? {
        guard isRoot else {
            let (view, item) = (packed, PackedItem(member))
            var (at, rank) = (view.first, 0)
            while at < view.end {
                let score = view.next(at)
                if view.isEqual(at: at, item) { return (rank, view.double(at: score)) }
                at = view.next(score)
                rank += 1
            }
            return nil
        }
        guard let score = score(of: member) else { return nil }
        return (place(of: member, score).weightBefore, score)
    }

    /// The place in the tree where a member with this score is, or belongs.
    @inline(__always)
    func place(of member: ByteView, _ score: Double) -> SortedSetTree.Cursor {
        let key = SortedSetRecord.key(score)
        return tree.lowerBound { SortedSetRecord($0).precedes(key, member) }
    }

    // MARK: - Counting

    /// How many members' scores come before a bound: `isBefore` is true of those, and of no score
    /// that is greater than one it is false of.
    @inline(__always)
    func count(whileScore isBefore: (Double) -> Bool) -> Int {
        if isRoot {
            return tree.lowerBound { isBefore(Self.score(SortedSetRecord($0).key)) }.weightBefore
        }
        let view = packed
        var (at, rank) = (view.first, 0)
        while at < view.end {
            let score = view.next(at)
            guard isBefore(view.double(at: score)) else { break }
            at = view.next(score)
            rank += 1
        }
        return rank
    }

    /// The score of a key; minus zero is zero here.
    @inline(__always)
    static func score(_ key: UInt64) -> Double {
        let isPositive = key >> 63 != 0
        return Double(bitPattern: isPositive ? key ^ 1 << 63 : ~key)
    }

    /// The same for the members themselves, whose scores should be equal.
    func count(whileMember isBefore: (ByteView) -> Bool) -> Int {
        if isRoot {
            return tree.lowerBound { isBefore(SortedSetRecord($0).member) }.weightBefore
        }
        let view = packed
        var (at, rank) = (view.first, 0)
        while at < view.end {
            guard view.withText(at: at, isBefore) else { break }
            at = view.next(view.next(at))
            rank += 1
        }
        return rank
    }

    // MARK: - Walking

    /// Calls `body` with each member and its score, in order.
    @inline(__always)
    func forEach(_ body: (ByteView, Double) -> Void) {
        forEachWhile { member, score in
            body(member, score)
            return true
        }
    }

    /// Calls `body` with each member and its score, in order, until it returns false.
    @inline(__always)
    func forEachWhile(_ body: (ByteView, Double) -> Bool) {
        forEach(in: 0..<count, isReversed: false, body)
    }

    /// The same for a range of ranks, which is inside of the set; reversed it starts at its end.
    @inline(__always)
    func forEach(in ranks: Range<Int>, isReversed: Bool, _ body: (ByteView, Double) -> Bool) {
        guard !ranks.isEmpty else { return }
        guard isRoot else { return forEachPacked(in: ranks, isReversed: isReversed, body) }
        if isReversed {
            walkBack(ranks, body)
        } else {
            walk(ranks, body)
        }
    }

    /// How many elements ahead memory is asked for.
    private static var ahead: Int { 8 }

    @inline(__always)
    private func walk(_ ranks: Range<Int>, _ body: (ByteView, Double) -> Bool) {
        var cursor = tree.locate(ranks.lowerBound).cursor
        for _ in ranks {
            if let next = cursor.record(ahead: Self.ahead) {
                prefetch(SortedSetRecord(next).element)
            }
            let record = SortedSetRecord(cursor.record)
            guard body(record.member, record.score) else { return }
            _ = cursor.next()
        }
    }

    @inline(__always)
    private func walkBack(_ ranks: Range<Int>, _ body: (ByteView, Double) -> Bool) {
        var cursor = tree.locate(ranks.upperBound - 1).cursor
        for _ in ranks {
            if let next = cursor.record(ahead: -Self.ahead) {
                prefetch(SortedSetRecord(next).element)
            }
            let record = SortedSetRecord(cursor.record)
            guard body(record.member, record.score) else { return }
            _ = cursor.previous()
        }
    }

    /// A packed set cannot be walked backwards: where it is read so, the places are noted first.
    private func forEachPacked(
        in ranks: Range<Int>, isReversed: Bool, _ body: (ByteView, Double) -> Bool
    ) {
        let view = packed
        var at = view.advance(view.first, by: ranks.lowerBound * 2)
        guard isReversed else {
            for _ in ranks {
                let score = view.next(at)
                let goesOn = view.withText(at: at) { body($0, view.double(at: score)) }
                guard goesOn else { return }
                at = view.next(score)
            }
            return
        }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: ranks.count) { places in
            for number in 0..<ranks.count {
                places[number] = UInt32(truncatingIfNeeded: at)
                at = view.next(view.next(at))
            }
            for place in places.reversed() {
                let at = Int(place)
                let score = view.double(at: view.next(at))
                guard view.withText(at: at, { body($0, score) }) else { return }
            }
        }
    }

    /// Calls `body` with the member of a rank.
    func withMember(at rank: Int, _ body: (ByteView, Double) -> Void) {
        forEach(in: rank..<rank + 1, isReversed: false) { member, score in
            body(member, score)
            return false
        }
    }
}
