// SPDX-License-Identifier: BSD-3-Clause
//
// Floating-point numbers as text, read and written as Redis does.
//
// Reading accepts what C's strtod does (decimal and hexadecimal, "inf" and "infinity"), but all of
// the text must be the number: no spaces around it, no "nan", nothing that is too large for the
// type or so small that it becomes zero.
//
// Counters (INCRBYFLOAT) are reckoned in C's long double. Where that is the 80-bit format of x86
// (64 bits of precision) it is Swift's Float80, and results are Redis's to the last digit. Swift
// has no type for the 128-bit long double of other processors: there a Double stands in, and
// results differ from Redis's after some 15 digits.

import Glibc

#if arch(x86_64)
    /// C's long double.
    typealias LongDouble = Float80
#else
    /// The nearest to C's long double that Swift has on this processor.
    typealias LongDouble = Double
#endif

enum FloatingPointText {
    /// Bytes of the longest text that is read or written, and one: the largest long double has
    /// 4,933 digits before its point.
    static let roomBytes = 5 * 1024

    /// The number, or nil if the bytes are not the text of one.
    static func parse(_ text: ByteView) -> Double? {
        DoubleText.parseShort(text) ?? parse(text) { strtod($0, &$1) }
    }

    /// An end of a range of scores, or nil if the bytes are no number. Read less strictly, as Redis
    /// reads it: spaces before the number, a number that is too large or too small, and nothing
    /// at all (zero) will do; the bytes from a NUL on do not count.
    static func parseBound(_ text: ByteView) -> Double? {
        if let short = DoubleText.parseShort(text) { return short }
        let end = text.firstIndex(of: 0) ?? text.count
        let used = text.prefix(end)
        guard used.count < roomBytes else { return nil }
        guard used.count > 0 else { return 0 }
        return withTerminated(used) { start in
            var end: UnsafeMutablePointer<CChar>?
            let value = strtod(start, &end)
            return end == start + used.count && !value.isNaN ? value : nil
        }
    }

    /// The number in the precision of counters, or nil if the bytes are not the text of one.
    static func parseLong(_ text: ByteView) -> LongDouble? {
        #if arch(x86_64)
            parse(text) { strtold($0, &$1) }
        #else
            parse(text) { strtod($0, &$1) }
        #endif
    }

    /// The number as SORT takes it: spaces before it do not matter, nor does what follows a NUL,
    /// and no text at all is 0. nil if the bytes are something else, or a number beyond the type's.
    static func parseLeniently(_ text: ByteView) -> Double? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { room in
            guard let start = room.baseAddress else { return nil }
            memcpy(start, text.base, text.count)
            start[text.count] = 0
            var end: UnsafeMutablePointer<CChar>?
            errno = 0
            let value = strtod(start, &end)
            guard let end, end.pointee == 0, errno != ERANGE, !value.isNaN else { return nil }
            return value
        }
    }

    /// Calls with the text of a finite counter: 17 decimals, without zeros at their end, and
    /// without the point if none is left.
    static func withText<Result>(_ value: LongDouble, _ body: (ByteView) -> Result) -> Result {
        #if arch(x86_64)
            let format = "%.17Lf"
        #else
            let format = "%.17f"
        #endif
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: roomBytes) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            let written = withVaList([value]) { vsnprintf(start, roomBytes, format, $0) }
            precondition(value.isFinite && written > 0 && written < roomBytes, "a text that fits")
            let text = ByteView(start, count: Int(written))
            let trimmed = text.prefix(lengthWithoutZeros(text))
            return body(trimmed.equals("-0") ? trimmed.suffix(from: 1) : trimmed)
        }
    }

    /// The text with six decimals, as error texts cite a number.
    static func sixDecimals(_ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: roomBytes) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            let written = withVaList([value]) { vsnprintf(start, roomBytes, "%f", $0) }
            precondition(written > 0 && written < roomBytes, "a text that fits")
            return ByteView(start, count: Int(written)).string
        }
    }

    /// The length of a text with a point, up to its last digit that is not a zero after the point.
    private static func lengthWithoutZeros(_ text: ByteView) -> Int {
        var count = text.count
        while text[count - 1] == UInt8(ascii: "0") { count -= 1 }
        return text[count - 1] == UInt8(ascii: ".") ? count - 1 : count
    }

    /// `read` is called with the text and a NUL, and says where it stopped.
    private static func parse<Number: BinaryFloatingPoint>(
        _ text: ByteView,
        _ read: (UnsafePointer<CChar>, inout UnsafeMutablePointer<CChar>?) -> Number
    ) -> Number? {
        guard text.count > 0, text.count < roomBytes, !isSpace(text[0]) else { return nil }
        return withTerminated(text) { start in
            var end: UnsafeMutablePointer<CChar>?
            errno = 0
            let value = read(start, &end)
            guard end == start + text.count, !value.isNaN else { return nil }
            if errno == ERANGE && (value.isInfinite || value.isZero) { return nil }
            return value
        }
    }

    /// Calls with a copy of the bytes that ends with a NUL.
    private static func withTerminated<Result>(
        _ text: ByteView, _ body: (UnsafeMutablePointer<CChar>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            memcpy(start, text.base, text.count)
            start[text.count] = 0
            return body(start)
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
