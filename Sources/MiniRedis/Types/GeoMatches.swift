// SPDX-License-Identifier: BSD-3-Clause
//
// What a search of an area finds, in the order that was asked for.
//
// A match is 32 bytes: distance, score, and where the member is. All matches are kept only if all
// are asked for. Of a search for the nearest (or farthest) few, no more than so many are kept: they
// form a heap with the last of them on top, which whatever comes before it replaces.
//
// Equal distances stay in the order in which they were found.

/// A member in the area.
struct GeoMatch {
    /// Metres from the centre.
    var distance: Double
    var score: Double
    var place: SortedSetPlace
    /// How many were found before it.
    var number: Int
}

/// Matches of a search. Owns their list; the set must not change while they are used.
struct GeoMatches: ~Copyable {
    enum Order {
        case asFound, nearestFirst, farthestFirst
    }

    private static let smallestCapacity = 32

    private var room: UnsafeMutableBufferPointer<GeoMatch>
    private(set) var count = 0
    private let order: Order
    private let limit: Int
    private let takesAny: Bool
    private var found = 0

    /// No matches yet. At most `limit` will be kept: the first ones in this order, or if `takesAny`
    /// the first ones that are found.
    init(_ order: Order, limit: Int, takesAny: Bool) {
        room = .allocate(capacity: Self.smallestCapacity)
        self.order = order
        self.limit = limit
        self.takesAny = takesAny || order == .asFound
    }

    deinit {
        room.deallocate()
    }

    subscript(index: Int) -> GeoMatch { room[index] }

    /// Finds what is in the area and puts it in order. Called once.
    mutating func search(_ set: SortedSetView, _ area: GeoArea) {
        area.forEachRange { lower, upper in
            set.forEachPlace(from: lower, upTo: upper) { place, score in
                guard let distance = area.distance(to: Geohash.point(score)) else { return true }
                add(
                    GeoMatch(distance: distance, score: score, place: place, number: found))
                return needsMore
            }
            return needsMore
        }
        guard order != .asFound else { return }
        var all = UnsafeMutableBufferPointer(rebasing: room[..<count])
        all.sort { precedes($0, $1) }
    }

    private var needsMore: Bool { count < limit || !takesAny }

    private func precedes(_ left: GeoMatch, _ right: GeoMatch) -> Bool {
        if left.distance == right.distance { return left.number < right.number }
        return (left.distance < right.distance) == (order == .nearestFirst)
    }

    private mutating func add(_ match: GeoMatch) {
        found += 1
        if count == limit {
            guard precedes(match, room[0]) else { return }
            room[0] = match
            return sink(0)
        }
        if count == room.count { grow() }
        room.initializeElement(at: count, to: match)
        count += 1
        if count == limit && !takesAny {
            for index in stride(from: count / 2 - 1, through: 0, by: -1) { sink(index) }
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<GeoMatch>.allocate(capacity: room.count * 2)
        _ = larger.moveInitialize(fromContentsOf: room)
        room.deallocate()
        room = larger
    }

    // MARK: - The heap of the first ones, the last of them on top

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var last = index
            for child in 2 * index + 1...2 * index + 2
            where child < count && precedes(room[last], room[child]) {
                last = child
            }
            if last == index { return }
            room.swapAt(index, last)
            index = last
        }
    }
}
