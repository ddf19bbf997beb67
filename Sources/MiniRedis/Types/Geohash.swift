// SPDX-License-Identifier: BSD-3-Clause
//
// Places on earth as numbers, for sorted sets: numbers that are near each other are places near
// each other, mostly.
//
// Longitude and latitude are cut into 2^26 steps each, and the bits of the two step numbers are
// interleaved: latitude in the even bits, longitude in the odd ones. The result has 52 bits, which
// a score holds exactly. Its leading 2n bits name the cell of a coarser grid of 2^n by 2^n, and all
// of a cell's places are one range of scores: that is what a search uses (GeoArea).
//
//     score   ... x4 y4 x3 y3 x2 y2 x1 y1 x0 y0        x: longitude, y: latitude
//
// Latitudes end at 85.05112878 degrees, where the square world map of the web ends. The text that
// GEOHASH returns is the common one of geohash.org, whose latitudes end at the poles: a place is
// decoded from its score and encoded anew.
//
// What comes back is the middle of a cell, 60 cm wide at the equator.

import Glibc

/// Degrees.
struct GeoPoint: Equatable {
    var longitude: Double
    var latitude: Double

    static let longestLongitude = 180.0
    static let highestLatitude = 85.05112878

    /// Whether it can be a score.
    var isValid: Bool {
        longitude.magnitude <= Self.longestLongitude && latitude.magnitude <= Self.highestLatitude
    }

    private static let earthRadius = 6372797.560856
    private static let radiansPerDegree = Double.pi / 180

    static func radians(_ degrees: Double) -> Double { degrees * radiansPerDegree }

    /// The angle, in degrees, that so many metres along a meridian make.
    static func degrees(metres: Double) -> Double { metres / earthRadius / radiansPerDegree }

    /// Metres between the two on a sphere, by the haversine formula.
    func distance(to other: GeoPoint) -> Double {
        let eastward = sin((Self.radians(other.longitude) - Self.radians(longitude)) / 2)
        if eastward == 0 { return northwardDistance(to: other) }
        let (south, north) = (Self.radians(latitude), Self.radians(other.latitude))
        let northward = sin((north - south) / 2)
        let chord = northward * northward + cos(south) * cos(north) * eastward * eastward
        // Rounding may make the chord of the other side of the earth a little too long.
        return 2 * Self.earthRadius * asin(min(1, chord.squareRoot()))
    }

    /// Metres between the two parallels.
    func northwardDistance(to other: GeoPoint) -> Double {
        Self.earthRadius * abs(Self.radians(other.latitude) - Self.radians(latitude))
    }
}

/// A cell of a grid of 2^steps by 2^steps.
struct GeoCell: Equatable {
    /// Step numbers; the lowest `steps` bits count.
    var column: UInt32
    var row: UInt32
    /// 1 to 26.
    var steps: Int

    /// The steps of a score.
    static let finest = 26

    /// The cell of `point`, which is valid.
    init(of point: GeoPoint, steps: Int) {
        self.init(of: point, steps: steps, highestLatitude: GeoPoint.highestLatitude)
    }

    fileprivate init(of point: GeoPoint, steps: Int, highestLatitude: Double) {
        self.steps = steps
        column = Self.step(point.longitude, GeoPoint.longestLongitude, steps)
        row = Self.step(point.latitude, highestLatitude, steps)
    }

    /// The cell of the finest grid that a score names.
    init(score: Double) {
        steps = Self.finest
        column = Self.evenBits(Self.bits(score) >> 1)
        row = Self.evenBits(Self.bits(score))
    }

    private static func step(_ value: Double, _ limit: Double, _ steps: Int) -> UInt32 {
        // The upper limit itself is one step too far: its score has 53 or 54 bits.
        UInt32((value + limit) / (limit + limit) * Double(1 << steps))
    }

    /// The bits of a score, which may be any number: negative ones wrap around, and those beyond 64
    /// bits are what x86 makes of them.
    private static func bits(_ score: Double) -> UInt64 {
        if let small = Int64(exactly: score.rounded(.towardZero)) {
            return UInt64(bitPattern: small)
        }
        if let large = UInt64(exactly: score.rounded(.towardZero)) { return large }
        return score > 0 ? 0 : 1 << 63
    }

    /// The bits of both step numbers, the first ones leading.
    var bits: UInt64 { Self.spread(row) | Self.spread(column) << 1 }

    /// The scores of the places in the cell: from `lower` up to, not including, `upper`.
    var scores: (lower: Double, upper: Double) {
        let shift = UInt64(2 * (Self.finest - steps))
        return (Double(bits << shift), Double((bits + 1) << shift))
    }

    /// The cell so many columns to the east and rows to the north; the grid has no ends.
    func moved(east columns: Int, north rows: Int) -> GeoCell {
        let mask = UInt32(truncatingIfNeeded: 1 << steps - 1)
        var cell = self
        // One step too far, at the upper limit, stays so unless there is a move.
        if columns != 0 {
            cell.column = (column &+ UInt32(truncatingIfNeeded: columns)) & mask
        }
        if rows != 0 { cell.row = (row &+ UInt32(truncatingIfNeeded: rows)) & mask }
        return cell
    }

    var south: Double { Self.edge(row, 0, GeoPoint.highestLatitude, steps) }
    var north: Double { Self.edge(row, 1, GeoPoint.highestLatitude, steps) }
    var west: Double { Self.edge(column, 0, GeoPoint.longestLongitude, steps) }
    var east: Double { Self.edge(column, 1, GeoPoint.longestLongitude, steps) }

    private static func edge(
        _ step: UInt32, _ offset: Double, _ limit: Double, _ steps: Int
    ) -> Double {
        -limit + (Double(step) + offset) / Double(1 << steps) * (limit + limit)
    }

    /// The middle of the cell.
    var center: GeoPoint {
        let (longest, highest) = (GeoPoint.longestLongitude, GeoPoint.highestLatitude)
        return GeoPoint(
            longitude: max(-longest, min(longest, (west + east) / 2)),
            latitude: max(-highest, min(highest, (south + north) / 2)))
    }

    /// Puts a zero before every bit.
    private static func spread(_ number: UInt32) -> UInt64 {
        var bits = UInt64(number)
        bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF
        bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF
        bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        bits = (bits | bits << 2) & 0x3333_3333_3333_3333
        return (bits | bits << 1) & 0x5555_5555_5555_5555
    }

    /// The opposite: every other bit, from the lowest on.
    private static func evenBits(_ number: UInt64) -> UInt32 {
        var bits = number & 0x5555_5555_5555_5555
        bits = (bits | bits >> 1) & 0x3333_3333_3333_3333
        bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F
        bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF
        bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: bits | bits >> 16)
    }
}

/// From places to scores and back.
enum Geohash {
    /// The score of `point`, which is valid.
    static func score(_ point: GeoPoint) -> Double { Double(wholeScore(point)) }

    /// The same before it is rounded: at 180 degrees it has more bits than a double.
    static func wholeScore(_ point: GeoPoint) -> Int64 {
        Int64(GeoCell(of: point, steps: GeoCell.finest).bits)
    }

    /// The place that a score stands for.
    static func point(_ score: Double) -> GeoPoint { GeoCell(score: score).center }

    /// Characters of a text.
    static let textLength = 11

    /// Calls with the common text of the place that a score stands for: five bits a character. The
    /// eleventh would need 55 bits and is always zero.
    static func withText<Result>(_ score: Double, _ body: (ByteView) -> Result) -> Result {
        let alphabet = ByteView("0123456789bcdefghjkmnpqrstuvwxyz")
        let cell = GeoCell(of: point(score), steps: GeoCell.finest, highestLatitude: 90)
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: textLength) { room in
            for index in 0..<textLength {
                let shift = 52 - (index + 1) * 5
                room[index] = alphabet[shift < 0 ? 0 : Int(cell.bits >> UInt64(shift) & 31)]
            }
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            return body(ByteView(start, count: textLength))
        }
    }
}
