// SPDX-License-Identifier: BSD-3-Clause
//
// Places as numbers: what Redis says of them, digit by digit, and that a search misses nothing.

import Testing

@testable import MiniRedis

private func text(_ degrees: Double) -> String {
    FloatingPointText.withText(LongDouble(degrees), \.string)
}

@Suite struct `A place on earth` {
    @Test(arguments: RecordedPlace.all.indices)
    func `has the score, the text and the distances that Redis gives it`(index: Int) {
        let place = RecordedPlace.all[index]
        let next = RecordedPlace.all[(index + 1) % RecordedPlace.all.count]
        let point = GeoPoint(longitude: place.longitude, latitude: place.latitude)
        #expect(point.isValid)
        #expect(Geohash.score(point) == place.score)
        let decoded = Geohash.point(place.score)
        #expect(text(decoded.longitude) == place.decodedLongitude)
        #expect(text(decoded.latitude) == place.decodedLatitude)
        #expect(Geohash.withText(place.score, \.string) == place.text)
        let distance = decoded.distance(to: Geohash.point(next.score))
        #expect(DoubleText.withFourDecimals(distance, \.string) == place.distanceToNext)
    }

    @Test(arguments: [
        (0.0, "-179.99999731779098511", "-85.05112751263942528", "00bh0hbj200"),
        (0x1p52 - 1, "179.99999731779098511", "85.05112751263942528", "zzpgzgpfxz0"),
        (0x1p52, "-179.99999731779098511", "85.0511287799999991", "bp05b5048p0"),
        (-1, "180", "85.0511287799999991", "bp05b5048p0"),
        (1.5, "-179.99999731779098511", "-85.05112497791824921", "00bh0hbj210"),
    ])
    func `is made of any score`(score: Double, longitude: String, latitude: String, word: String) {
        let point = Geohash.point(score)
        #expect(text(point.longitude) == longitude)
        #expect(text(point.latitude) == latitude)
        #expect(Geohash.withText(score, \.string) == word)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300, 0x1p63, -0x1p63, 0x1p64])
    func `is somewhere whatever the score`(score: Double) {
        #expect(Geohash.point(score).isValid)
    }

    @Test(arguments: [
        (166274.15156960033, "166274.1516"), (0, "0.0000"), (0.00004, "0.0000"),
        (0.00005, "0.0001"), (-0.00005, "-0.0001"), (9.99995, "10.0000"), (0.99999, "1.0000"),
        (103.31822459492733, "103.3182"), (-1.5, "-1.5000"), (-0.00001, "0.0000"),
        (20_037_726.37, "20037726.3700"), (12.00015, "12.0001"), (0.12345, "0.1235"),
    ])
    func `is so far from another, with four decimals`(value: Double, expected: String) {
        #expect(DoubleText.withFourDecimals(value, \.string) == expected)
    }

    @Test func `is out of bounds near the poles`() {
        #expect(!GeoPoint(longitude: 0, latitude: 85.06).isValid)
        #expect(!GeoPoint(longitude: 180.1, latitude: 0).isValid)
        #expect(!GeoPoint(longitude: .nan, latitude: 0).isValid)
    }

    @Test func `is measured in four units`() {
        #expect(GeoUnit(ByteView("KM"))?.metres == 1000)
        #expect(GeoUnit(ByteView("mi"))?.metres == 1609.34)
        #expect(GeoUnit(ByteView("Ft"))?.metres == 0.3048)
        #expect(GeoUnit(ByteView("m"))?.metres == 1)
        #expect(GeoUnit(ByteView("cm")) == nil)
    }
}

@Suite struct `An area on earth` {
    private static func number(_ random: inout RandomSource, _ limit: Double) -> Double {
        (Double(random.next() >> 11) * 0x1p-53 * 2 - 1) * limit
    }

    @Test(arguments: [1.0, 50, 3000, 200_000, 2_000_000])
    func `is covered by its ranges of scores`(size: Double) {
        var random = RandomSource(seed: UInt64(size))
        var inside = 0
        for round in 0..<3000 {
            let center = GeoPoint(
                longitude: Self.number(&random, 179), latitude: Self.number(&random, 80))
            let shape: GeoArea.Shape =
                round % 2 == 0 ? .circle(radius: size) : .box(width: size, height: size / 3)
            let area = GeoArea(center: center, shape: shape)
            let spread = GeoPoint.degrees(metres: size) * 1.5
            let point = GeoPoint(
                longitude: center.longitude + Self.number(&random, spread),
                latitude: center.latitude + Self.number(&random, spread))
            guard point.isValid else { continue }
            let score = Geohash.score(point)
            guard area.distance(to: Geohash.point(score)) != nil else { continue }
            inside += 1
            var hits = 0
            var ranges = 0
            area.forEachRange { lower, upper in
                hits += lower <= score && score < upper ? 1 : 0
                ranges += 1
                return true
            }
            #expect(hits == 1 && ranges <= 9, "\(center) \(point)")
        }
        #expect(inside > 300)
    }

    @Test func `stops when it is told to, and lists no cell twice`() {
        let world = GeoArea(
            center: GeoPoint(longitude: 0, latitude: 0), shape: .circle(radius: 3e7))
        var lowers: Set<Double> = []
        var calls = 0
        world.forEachRange { lower, _ in
            lowers.insert(lower)
            calls += 1
            return true
        }
        #expect(calls == lowers.count)
        calls = 0
        world.forEachRange { _, _ in
            calls += 1
            return false
        }
        #expect(calls == 1)
    }
}
