// SPDX-License-Identifier: BSD-3-Clause
//
// Powers of ten in 128 bits, which is what it takes to print a double: for every exponent that the
// text of one can have, the leading 128 bits of the power, rounded up.
//
// They are not a table of constants to be trusted but are reckoned once, when the first one is
// needed, with whole numbers of 1152 bits: 10^e by multiplying, 10^-e by dividing 2^1151 again and
// again (the quotient of a quotient, both rounded down, is the quotient by the product). It takes
// some 20 microseconds and 10 KB.

/// The leading bits of a power of ten: the first one is set.
struct PowerOfTen {
    var high: UInt64
    var low: UInt64

    /// The exponents that there are powers for.
    static let exponents = -292...324

    /// The leading 128 bits of 10 to the `exponent`, rounded up.
    @inline(__always)
    static func leadingBits(_ exponent: Int) -> PowerOfTen {
        assert(exponents.contains(exponent))
        return table[exponent &- exponents.lowerBound]
    }

    /// Powers that a double holds exactly.
    static let exact: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    private static let table: [PowerOfTen] = makeTable()

    private static func makeTable() -> [PowerOfTen] {
        let none = PowerOfTen(high: 0, low: 0)
        var table = [PowerOfTen](repeating: none, count: exponents.count)
        var power = [UInt64](repeating: 0, count: limbs)
        power[0] = 1
        for exponent in 0...exponents.upperBound {
            table[exponent - exponents.lowerBound] = leadingBits(of: power)
            multiplyByTen(&power)
        }
        var quotient = [UInt64](repeating: 0, count: limbs)
        quotient[limbs - 1] = 1 << 63
        for exponent in stride(from: -1, through: exponents.lowerBound, by: -1) {
            divideByTen(&quotient)
            // What the divisions have cut off is never nothing: rounding up always adds one.
            quotient[0] |= 1
            table[exponent - exponents.lowerBound] = leadingBits(of: quotient)
            quotient[0] &= ~1
        }
        return table
    }

    /// 64-bit digits of a number, the lowest first.
    private static let limbs = 18

    private static func multiplyByTen(_ number: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in 0..<limbs {
            let product = number[index].multipliedFullWidth(by: 10)
            let (sum, overflow) = product.low.addingReportingOverflow(carry)
            number[index] = sum
            carry = product.high + (overflow ? 1 : 0)
        }
    }

    private static func divideByTen(_ number: inout [UInt64]) {
        var remainder: UInt64 = 0
        for index in stride(from: limbs - 1, through: 0, by: -1) {
            let part = UInt64(10).dividingFullWidth((remainder, number[index]))
            number[index] = part.quotient
            remainder = part.remainder
        }
    }

    private static func leadingBits(of number: [UInt64]) -> PowerOfTen {
        guard let top = number.lastIndex(where: { $0 != 0 }) else {
            preconditionFailure("a power is not zero")
        }
        let shift = UInt64(number[top].leadingZeroBitCount)
        let limb = { (index: Int) in index >= 0 ? number[index] : 0 }
        // A shift by 64 gives zero.
        let high = limb(top) << shift | limb(top - 1) >> (64 - shift)
        let low = limb(top - 1) << shift | limb(top - 2) >> (64 - shift)
        let isExact =
            limb(top - 2) << shift == 0 && number.prefix(max(0, top - 2)).allSatisfy { $0 == 0 }
        if isExact { return PowerOfTen(high: high, low: low) }
        let (up, carry) = low.addingReportingOverflow(1)
        return PowerOfTen(high: high + (carry ? 1 : 0), low: up)
    }
}
