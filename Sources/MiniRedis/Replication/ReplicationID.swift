// SPDX-License-Identifier: BSD-3-Clause
//
// The name of a history of writes: 40 hexadecimal digits, drawn at random when a history begins.
// Two servers with the same id and the same offset have the same data.

/// 40 hexadecimal digits, as they were written, in 40 bytes without an allocation.
struct ReplicationID: Equatable, Sendable {
    /// The digits of an id.
    static let count = 40
    /// What stands for "no id" in INFO: 40 zeros.
    static let none = ReplicationID()

    /// Eight digits each, the first in the lowest byte.
    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64)

    private init() {
        let zeros: UInt64 = 0x3030_3030_3030_3030
        words = (zeros, zeros, zeros, zeros, zeros)
    }

    /// The id that a peer or a file wrote; nil unless it is 40 hexadecimal digits of either case.
    init?(_ text: ByteView) {
        guard text.count == Self.count else { return nil }
        self.init()
        for index in 0..<Self.count {
            let byte = text[index]
            guard ReplicationID.isDigit(byte) else { return nil }
            self[index] = byte
        }
    }

    /// The id of a history that begins now.
    init(drawnFrom random: inout RandomSource) {
        self.init()
        var word: UInt64 = 0
        for index in 0..<Self.count {
            if index % 16 == 0 { word = random.next() }
            let digit = UInt8(truncatingIfNeeded: word & 15)
            self[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
            word >>= 4
        }
    }

    static func == (left: ReplicationID, right: ReplicationID) -> Bool {
        left.words.0 == right.words.0 && left.words.1 == right.words.1
            && left.words.2 == right.words.2 && left.words.3 == right.words.3
            && left.words.4 == right.words.4
    }

    /// Whether `text` names this history: upper and lower case count as the same.
    func matches(_ text: ByteView) -> Bool {
        guard text.count == Self.count else { return false }
        return withUnsafeBytes(of: words) { digits in
            for index in 0..<Self.count {
                guard ASCIICase.lower(digits[index]) == ASCIICase.lower(text[index]) else {
                    return false
                }
            }
            return true
        }
    }

    /// The digits, for INFO and the log.
    var text: String {
        withUnsafeBytes(of: words) { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the digits.
    func append(to buffer: inout ByteBuffer) {
        withUnsafeBytes(of: words) { digits in
            for digit in digits { buffer.append(byte: digit) }
        }
    }

    /// Lends the digits to `body`.
    func withView<Result>(_ body: (ByteView) -> Result) -> Result {
        withUnsafeBytes(of: words) { digits in
            guard let base = digits.baseAddress else { preconditionFailure("40 bytes have a base") }
            return body(ByteView(base, count: Self.count))
        }
    }

    private subscript(index: Int) -> UInt8 {
        get { withUnsafeBytes(of: words) { $0[index] } }
        set { withUnsafeMutableBytes(of: &words) { $0[index] = newValue } }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch ASCIICase.lower(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}
