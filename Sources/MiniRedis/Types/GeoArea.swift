// SPDX-License-Identifier: BSD-3-Clause
//
// An area around a place, and where in a sorted set the places in it can be.
//
// The grid is chosen so coarse that the cell in the middle and its eight neighbours cover the area.
// Each of the nine is a range of scores; those that cannot touch the area are left out. What is in
// the ranges is then measured one by one.
//
// The order of the nine is Redis's, because unsorted replies and COUNT with ANY show it: the
// middle, north, south, east, west, north-east, north-west, south-east, south-west.

import Glibc

/// The lengths of GEODIST and GEOSEARCH.
enum GeoUnit {
    case metres, kilometres, feet, miles

    /// By its word (m, km, ft, mi; upper or lower case).
    init?(_ word: ByteView) {
        if word.equalsFolded("m") {
            self = .metres
        } else if word.equalsFolded("km") {
            self = .kilometres
        } else if word.equalsFolded("ft") {
            self = .feet
        } else if word.equalsFolded("mi") {
            self = .miles
        } else {
            return nil
        }
    }

    /// Metres in one.
    var metres: Double {
        switch self {
        case .metres: 1
        case .kilometres: 1000
        case .feet: 0.3048
        case .miles: 1609.34
        }
    }
}

/// A circle or a box on the map. Lengths in metres.
struct GeoArea {
    enum Shape {
        case circle(radius: Double)
        case box(width: Double, height: Double)
    }

    var center: GeoPoint
    var shape: Shape

    /// Metres from the centre to `point` if it is in the area, or nil.
    func distance(to point: GeoPoint) -> Double? {
        switch shape {
        case .circle(let radius):
            let distance = center.distance(to: point)
            return distance <= radius ? distance : nil
        case .box(let width, let height):
            guard center.northwardDistance(to: point) <= height / 2 else { return nil }
            let meridian = GeoPoint(longitude: center.longitude, latitude: point.latitude)
            guard point.distance(to: meridian) <= width / 2 else { return nil }
            return center.distance(to: point)
        }
    }

    /// Calls with the ranges of scores that cover the area, up to nine, none of them twice: `lower`
    /// included, `upper` not. Stops when `body` returns false.
    func forEachRange(_ body: (_ lower: Double, _ upper: Double) -> Bool) {
        let (cell, bounds) = (coveringCell, bounds)
        let canSkip = cell.steps >= 2
        var last: GeoCell?
        for (east, north) in Self.order {
            if canSkip && Self.isOutside(cell, bounds, east: east, north: north) { continue }
            let next = cell.moved(east: east, north: north)
            // In a grid of two columns the eastern neighbour is the western one.
            if next == last { continue }
            last = next
            guard body(next.scores.lower, next.scores.upper) else { return }
        }
    }

    private static let order = [
        (0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1),
    ]

    /// Degrees.
    private struct Bounds {
        var west: Double
        var south: Double
        var east: Double
        var north: Double
    }

    /// Whether the area ends inside of the middle cell before it gets to that neighbour.
    private static func isOutside(
        _ cell: GeoCell, _ bounds: Bounds, east: Int, north: Int
    ) -> Bool {
        north < 0 && cell.south < bounds.south || north > 0 && cell.north > bounds.north
            || east < 0 && cell.west < bounds.west || east > 0 && cell.east > bounds.east
    }

    /// Half of the width and half of the height.
    private var reach: (width: Double, height: Double) {
        switch shape {
        case .circle(let radius): (radius, radius)
        case .box(let width, let height): (width / 2, height / 2)
        }
    }

    /// The rectangle around the area: as wide as it is at its end that is nearer to a pole.
    private var bounds: Bounds {
        let height = GeoPoint.degrees(metres: reach.height)
        let poleward = center.latitude < 0 ? center.latitude - height : center.latitude + height
        let width = GeoPoint.degrees(metres: reach.width) / cos(GeoPoint.radians(poleward))
        return Bounds(
            west: center.longitude - width, south: center.latitude - height,
            east: center.longitude + width, north: center.latitude + height)
    }

    /// The middle one of the nine cells.
    private var coveringCell: GeoCell {
        let cell = GeoCell(of: center, steps: estimatedSteps)
        let bounds = bounds
        let isCovered =
            cell.moved(east: 0, north: 1).north >= bounds.north
            && cell.moved(east: 0, north: -1).south <= bounds.south
            && cell.moved(east: 1, north: 0).east >= bounds.east
            && cell.moved(east: -1, north: 0).west <= bounds.west
        if isCovered || cell.steps == 1 { return cell }
        return GeoCell(of: center, steps: cell.steps - 1)
    }

    /// The finest grid whose cells are larger than the area, and near the poles, where cells are
    /// narrow, one or two coarser.
    private var estimatedSteps: Int {
        let (width, height) = reach
        var radius = width
        if case .box = shape { radius = (width * width + height * height).squareRoot() }
        guard radius > 0 else { return GeoCell.finest }
        var steps = -1
        while radius < Self.mapHalf && steps < GeoCell.finest + 2 {
            radius *= 2
            steps += 1
        }
        if center.latitude.magnitude > 66 { steps -= 1 }
        if center.latitude.magnitude > 80 { steps -= 1 }
        return max(1, min(GeoCell.finest, steps))
    }

    /// Half of the width of the world map of the web, metres.
    private static let mapHalf = 20_037_726.37
}
