// SPDX-License-Identifier: BSD-3-Clause
//
// Doubles as Redis 7.2 writes them (scores, doubles of RESP3), and the short way to read one. Both
// work in place: no String, no allocation.
//
// Written are the shortest digits that read back the same. Integers up to 2^62 are written as such.
// Of the others, those of up to six decimals, or between a thousandth and ten thousand, are written
// with a point, those with fewer than eight zeros before the point in full, the rest with an
// exponent: 1e+20, 1.5e-7, 1.2345678901234567e+4.
//
// Read are a sign, digits with a point among them and an exponent. If the digits are below 2^53 and
// the power of ten is one of the 23 that a double holds, then the result is one operation between
// two exact numbers, which IEEE 754 rounds correctly. That is nearly everything; the rest is left
// to C's strtod (FloatingPointText).

enum DoubleText {
    /// Bytes of the longest text that is written, rounded up.
    static let roomBytes = 32

    private static let zero = UInt8(ascii: "0")
    private static let point = UInt8(ascii: ".")
    /// Integers up to here, and down to its negative, are written as integers.
    private static let integerLimit = 0x1p62

    /// Writes the text to `destination`, which has `roomBytes`, and returns its length.
    static func write(_ value: Double, to destination: UnsafeMutableRawPointer) -> Int {
        if value.magnitude <= integerLimit, value == value.rounded(.towardZero) {
            if value == 0 && value.sign == .minus { return copy("-0", to: destination) }
            return DecimalInteger.write(Int64(value), to: destination)
        }
        if value.isNaN { return copy("nan", to: destination) }
        guard value < 0 else { return writePositive(value, to: destination) }
        destination.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        return 1 + writePositive(-value, to: destination + 1)
    }

    private static func writePositive(
        _ value: Double, to destination: UnsafeMutableRawPointer
    ) -> Int {
        if value.isInfinite { return copy("inf", to: destination) }
        let decimal = ShortestDecimal(value)
        let count = DecimalInteger.length(decimal.digits)
        // The power of ten of the first digit.
        let leading = decimal.exponent + count - 1
        if decimal.exponent >= 0 && decimal.exponent < 8 {
            _ = DecimalInteger.write(decimal.digits, to: destination)
            fillZeros(destination + count, decimal.exponent)
            return count + decimal.exponent
        }
        if decimal.exponent < 0 && (decimal.exponent > -7 || abs(leading) < 4) {
            return writeWithPoint(decimal, count, to: destination)
        }
        return writeWithExponent(decimal, count, leading, to: destination)
    }

    private static func writeWithPoint(
        _ decimal: ShortestDecimal, _ count: Int, to destination: UnsafeMutableRawPointer
    ) -> Int {
        let whole = count + decimal.exponent
        if whole > 0 {
            _ = DecimalInteger.write(decimal.digits, to: destination + 1)
            destination.copyMemory(from: destination + 1, byteCount: whole)
            destination.storeBytes(of: point, toByteOffset: whole, as: UInt8.self)
            return count + 1
        }
        destination.storeBytes(of: zero, as: UInt8.self)
        destination.storeBytes(of: point, toByteOffset: 1, as: UInt8.self)
        fillZeros(destination + 2, -whole)
        return 2 - whole + DecimalInteger.write(decimal.digits, to: destination + 2 - whole)
    }

    private static func writeWithExponent(
        _ decimal: ShortestDecimal, _ count: Int, _ leading: Int,
        to destination: UnsafeMutableRawPointer
    ) -> Int {
        _ = DecimalInteger.write(decimal.digits, to: destination + 1)
        destination.copyMemory(from: destination + 1, byteCount: 1)
        var end = 1
        if count > 1 {
            destination.storeBytes(of: point, toByteOffset: 1, as: UInt8.self)
            end = count + 1
        }
        let sign = UInt8(ascii: leading < 0 ? "-" : "+")
        destination.storeBytes(of: UInt8(ascii: "e"), toByteOffset: end, as: UInt8.self)
        destination.storeBytes(of: sign, toByteOffset: end + 1, as: UInt8.self)
        end += 2
        return end + DecimalInteger.write(UInt64(leading.magnitude), to: destination + end)
    }

    private static func fillZeros(_ destination: UnsafeMutableRawPointer, _ count: Int) {
        for index in 0..<count {
            destination.storeBytes(of: zero, toByteOffset: index, as: UInt8.self)
        }
    }

    private static func copy(
        _ text: StaticString, to destination: UnsafeMutableRawPointer
    ) -> Int {
        destination.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        return text.utf8CodeUnitCount
    }

    /// Calls with the text of `value`.
    static func withText<Result>(_ value: Double, _ body: (ByteView) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: roomBytes, alignment: 8) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            return body(ByteView(start, count: write(value, to: start)))
        }
    }
}

// MARK: - Reading

extension DoubleText {
    /// The number if the text is one that needs no long reckoning, or nil: it may still be a
    /// number.
    static func parseShort(_ text: ByteView) -> Double? {
        var at = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative || text.count > 0 && text[0] == UInt8(ascii: "+") { at = 1 }
        let start = at
        var digits: UInt64 = 0
        var pointAt = -1
        while at < text.count, at - start < 20 {
            let digit = text[at] &- zero
            if digit <= 9 {
                // Twenty characters with a point among them are nineteen digits: they fit.
                if at - start == 19 && pointAt < 0 { return nil }
                digits = digits &* 10 &+ UInt64(digit)
            } else if text[at] == point && pointAt < 0 {
                pointAt = at
            } else {
                break
            }
            at += 1
        }
        let count = at - start - (pointAt < 0 ? 0 : 1)
        guard count > 0, digits <= 1 << 53 else { return nil }
        var exponent = pointAt < 0 ? 0 : pointAt + 1 - at
        if at < text.count {
            guard text[at] | 0x20 == UInt8(ascii: "e"),
                let written = shortExponent(text.suffix(from: at + 1))
            else { return nil }
            exponent += written
        }
        guard abs(exponent) < PowerOfTen.exact.count else { return nil }
        let scale = PowerOfTen.exact[abs(exponent)]
        let value = exponent < 0 ? Double(digits) / scale : Double(digits) * scale
        return isNegative ? -value : value
    }

    /// A sign and up to three digits.
    private static func shortExponent(_ text: ByteView) -> Int? {
        guard text.count > 0 else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        let start = isNegative || text[0] == UInt8(ascii: "+") ? 1 : 0
        guard text.count > start, text.count <= start + 3 else { return nil }
        var value = 0
        for index in start..<text.count {
            let digit = text[index] &- zero
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
        }
        return isNegative ? -value : value
    }
}

// MARK: - Four decimals

extension DoubleText {
    /// Calls with the text of a distance: exactly four decimals, correctly rounded. Below 10^14.
    static func withFourDecimals<Result>(
        _ value: Double, _ body: (ByteView) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: roomBytes, alignment: 8) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            let scaled = min(tenThousandths(value.magnitude), 1 << 62)
            let isNegative = value < 0 && scaled > 0
            start.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
            let digits = start + (isNegative ? 1 : 0)
            let whole = DecimalInteger.write(scaled / 10_000, to: digits)
            // The decimals with a one before them, over which the point is written.
            _ = DecimalInteger.write(scaled % 10_000 + 10_000, to: digits + whole)
            digits.storeBytes(of: point, toByteOffset: whole, as: UInt8.self)
            return body(ByteView(start, count: digits - start + whole + 5))
        }
    }

    /// The value times ten thousand, as a whole number. The product itself is rounded once before;
    /// what is lost in that is known exactly, and corrects the last digit.
    private static func tenThousandths(_ value: Double) -> UInt64 {
        guard value < 1e14 else { return 1 << 62 }
        let product = value * 10_000
        let lost = (-product).addingProduct(value, 10_000)
        let scaled = product.rounded(.toNearestOrEven)
        // Only what looks like a tie can have been decided wrongly.
        if product - scaled == 0.5 && lost > 0 { return UInt64(scaled) + 1 }
        if product - scaled == -0.5 && lost < 0 { return UInt64(scaled) - 1 }
        return UInt64(scaled)
    }
}
