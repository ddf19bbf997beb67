// SPDX-License-Identifier: BSD-3-Clause
//
// Members of a sorted set that are remembered without being copied: where in the set each one is.

/// Where a member is, in a set that is not changed meanwhile. Owns nothing.
struct SortedSetPlace {
    /// The address of an element, or in a packed set the offset of an item.
    fileprivate let bits: UInt
}

extension SortedSetView {
    /// Calls `body` with each member whose score is at least `lower` and less than `upper`, in
    /// order, until it returns false. In a tree no member is looked at.
    @inline(__always)
    func forEachPlace(
        from lower: Double, upTo upper: Double, _ body: (SortedSetPlace, Double) -> Bool
    ) {
        if isRoot {
            let (first, end) = (SortedSetRecord.key(lower), SortedSetRecord.key(upper))
            var cursor = tree.lowerBound { SortedSetRecord($0).key < first }
            while !cursor.isAtEnd {
                let record = SortedSetRecord(cursor.record)
                guard record.key < end,
                    body(SortedSetPlace(bits: record.address), Self.score(record.key))
                else { return }
                _ = cursor.next()
            }
            return
        }
        let view = packed
        var at = view.first
        while at < view.end {
            let next = view.next(at)
            let score = view.double(at: next)
            if score >= lower {
                guard score < upper, body(SortedSetPlace(bits: UInt(at)), score) else { return }
            }
            at = view.next(next)
        }
    }

    /// Calls `body` with the member at a place.
    @inline(__always)
    func withMember(at place: SortedSetPlace, _ body: (ByteView) -> Void) {
        guard isRoot else { return packed.withText(at: Int(place.bits), body) }
        guard let element = UnsafeMutableRawPointer(bitPattern: place.bits) else {
            preconditionFailure("an element has an address")
        }
        body(SortedSetElement.key(of: element))
    }
}
