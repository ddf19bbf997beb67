// SPDX-License-Identifier: BSD-3-Clause
//
// The shortest decimal number that reads back as a double, and of those the nearest to it.
//
// A double stands for all numbers nearer to it than to its neighbours: an interval. Scaled by the
// right power of ten (one multiplication by 128 bits of it), the interval is between 2 and 20 units
// wide, so that either a multiple of ten lies in it, one digit shorter, or one of the two whole
// numbers around the double. The products are not exact, but rounded to odd: their last bit says
// whether anything was cut off, and so all comparisons come out as with endless precision.
//
// Source: Raffaello Giulietti, "The Schubfach way to render doubles", 2020.

/// `digits` times ten to the `exponent`.
struct ShortestDecimal {
    /// Neither zero nor a multiple of ten; up to 17 decimal digits.
    var digits: UInt64
    var exponent: Int

    /// The decimal of a double that is finite, positive and not zero.
    init(_ value: Double) {
        assert(value.isFinite && value > 0)
        let pattern = value.bitPattern
        let fraction = pattern & (1 << 52 - 1)
        let biased = Int(pattern >> 52)
        // value = significand * 2^power
        let significand = biased == 0 ? fraction : fraction | 1 << 52
        let power = (biased == 0 ? 1 : biased) &- 1075
        // Below a power of two the doubles lie twice as close as above it.
        let isUneven = fraction == 0 && biased > 1
        self = Self.shortest(significand, power, isUneven)
        while digits % 10 == 0 {
            digits /= 10
            exponent &+= 1
        }
    }

    private init(_ digits: UInt64, _ exponent: Int) {
        self.digits = digits
        self.exponent = exponent
    }

    private static func shortest(
        _ significand: UInt64, _ power: Int, _ isUneven: Bool
    ) -> ShortestDecimal {
        // The unit is 10^scale: floor(log10(2^power)), of three quarters of it if uneven.
        let scale = (power &* 1_262_611 &- (isUneven ? 524_031 : 0)) >> 22
        let ten = PowerOfTen.leadingBits(-scale)
        // floor(log2(10^-scale)) is (-scale * 1741647) >> 19.
        let shift = UInt64(power &+ ((-scale &* 1_741_647) >> 19) &+ 1)
        // The double and the ends of its interval, in quarters of the unit. An even significand's
        // interval includes its ends: ties are rounded to even when they are read.
        let center = rounded(ten, (significand << 2) << shift)
        var lower = rounded(ten, (significand << 2 &- (isUneven ? 1 : 2)) << shift)
        var upper = rounded(ten, (significand << 2 &+ 2) << shift)
        if significand & 1 == 1 {
            lower &+= 1
            upper &-= 1
        }
        let below = center >> 2
        if below >= 10 {
            let tens = below / 10
            let isLowInside = lower <= 40 &* tens
            let isHighInside = 40 &* tens &+ 40 <= upper
            if isLowInside != isHighInside {
                return ShortestDecimal(tens &+ (isHighInside ? 1 : 0), scale &+ 1)
            }
        }
        let isLowInside = lower <= below << 2
        let isHighInside = below << 2 &+ 4 <= upper
        if isLowInside != isHighInside {
            return ShortestDecimal(below &+ (isHighInside ? 1 : 0), scale)
        }
        let middle = below << 2 &+ 2
        let isUp = center > middle || center == middle && below & 1 == 1
        return ShortestDecimal(below &+ (isUp ? 1 : 0), scale)
    }

    /// The upper 64 bits of the product's 192; the last one is set if any below it is.
    @inline(__always)
    private static func rounded(_ ten: PowerOfTen, _ factor: UInt64) -> UInt64 {
        let low = ten.low.multipliedFullWidth(by: factor)
        let high = ten.high.multipliedFullWidth(by: factor)
        let (middle, carry) = high.low.addingReportingOverflow(low.high)
        return (high.high &+ (carry ? 1 : 0)) | (middle > 1 ? 1 : 0)
    }
}
