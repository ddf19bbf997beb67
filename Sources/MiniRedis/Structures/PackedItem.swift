// SPDX-License-Identifier: BSD-3-Clause
//
// One item of a packed block: how byte strings and numbers are encoded.
//
//     code         then               the item
//     00 ... 7f                       the integer 0 ... 127
//     80 ... df    0 ... 95 bytes     a string of so many bytes
//     e0 ... ef    1 byte             an integer from -128 to 3967: 12 bits, less 128
//     f0 ... f6    2 ... 8 bytes      any other integer, in as few bytes as hold it
//     f7           8 bytes            a double
//     f8 ... fb    1 byte, bytes      a string of 96 ... 1119 bytes: 10 bits, and 96
//     fc           2 bytes, bytes     a string of up to 65,535 bytes
//     fd           3 bytes, bytes     a longer string
//     fe           4 bytes            a double that a float holds exactly
//
// Numbers are little-endian. A string that is the one decimal text of a 64-bit integer is always
// kept as the integer, and an integer always in its shortest form, so equal strings have equal
// encodings: a search encodes what it looks for once and compares bytes. A double that is an
// integer (and not -0) is kept as one; which items are doubles, the owner of the block knows by
// their position.

import Glibc

/// A byte string or a number, ready to be written to a block or looked for in one.
///
/// Ownership: a string's bytes stay the caller's and must live as long as the item is used.
struct PackedItem {
    let code: UInt8
    /// How many of the lowest bytes of `word` follow the code.
    let wordBytes: Int
    let word: UInt64
    /// What follows the word.
    let body: ByteView

    @inline(__always)
    private init(code: Int, word: UInt64, bytes: Int, body: ByteView = ByteView("")) {
        self.code = UInt8(truncatingIfNeeded: code)
        self.word = word
        wordBytes = bytes
        self.body = body
    }

    /// The string, as an integer if it is the text of one.
    @inline(__always)
    init(_ text: ByteView) {
        if PackedItem.mayBeInteger(text), let value = DecimalInteger.parse(text) {
            self.init(value)
        } else {
            self.init(string: text)
        }
    }

    /// The integer, which is the same item as its text.
    @inline(__always)
    init(_ value: Int64) {
        if value >= 0 && value <= 127 {
            self.init(code: Int(value), word: 0, bytes: 0)
        } else {
            self.init(long: value)
        }
    }

    private init(long value: Int64) {
        if value >= -128 && value <= 3967 {
            let biased = Int(value) &+ 128
            self.init(code: 0xe0 | biased >> 8, word: UInt64(biased & 0xff), bytes: 1)
        } else {
            let bits = 65 &- (value ^ value >> 63).leadingZeroBitCount
            let bytes = (bits &+ 7) >> 3
            let mask = UInt64.max >> UInt64(64 &- bytes &* 8)
            self.init(code: 0xee &+ bytes, word: UInt64(bitPattern: value) & mask, bytes: bytes)
        }
    }

    private init(string text: ByteView) {
        let count = text.count
        let rest = UInt64(count)
        if count <= 95 {
            self.init(code: 0x80 &+ count, word: 0, bytes: 0, body: text)
        } else if count <= 1119 {
            let code = 0xf8 &+ (count &- 96) >> 8
            self.init(code: code, word: (rest &- 96) & 0xff, bytes: 1, body: text)
        } else if count <= 0xffff {
            self.init(code: 0xfc, word: rest, bytes: 2, body: text)
        } else {
            // Three bytes hold the length of whatever a block can hold.
            self.init(code: 0xfd, word: rest, bytes: 3, body: text)
        }
    }

    /// The double, not NaN; to be read with `PackedView.double(at:)` only.
    init(double value: Double) {
        if let integer = Int64(exactly: value), integer.magnitude <= 1 << 53,
            !(integer == 0 && value.sign == .minus)
        {
            self.init(integer)
        } else if Double(Float(value)) == value {
            self.init(code: 0xfe, word: UInt64(Float(value).bitPattern), bytes: 4)
        } else {
            self.init(code: 0xf7, word: value.bitPattern, bytes: 8)
        }
    }

    /// The bytes of the encoding, without what a block that is walked both ways adds.
    @inline(__always)
    var byteCount: Int { 1 &+ wordBytes &+ body.count }

    /// Whether the item is an integer, or a string that reads as one.
    @inline(__always)
    var isInteger: Bool { code < 0x80 || code &- 0xe0 < 0x17 }

    /// A glance at the length and the first byte.
    @inline(__always)
    private static func mayBeInteger(_ text: ByteView) -> Bool {
        text.count > 0 && text.count <= DecimalInteger.maximumLength
            && (text[0] &- 0x30 <= 9 || text[0] == 0x2d)
    }
}

// MARK: - Writing and comparing

extension PackedItem {
    /// Writes the `byteCount` bytes of the encoding.
    @inline(__always)
    func write(to place: UnsafeMutableRawPointer) {
        place.storeBytes(of: code, as: UInt8.self)
        var rest = word
        var at = 1
        while at <= wordBytes {
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: at, as: UInt8.self)
            rest >>= 8
            at &+= 1
        }
        if body.count > 0 { (place + at).copyMemory(from: body.base, byteCount: body.count) }
    }

    /// Whether the encoding at `place` is this one.
    @inline(__always)
    func isEqual(to place: UnsafeRawPointer) -> Bool {
        guard place.load(as: UInt8.self) == code else { return false }
        // The code says how many bytes the word has, both together how long the body is.
        if wordBytes > 0 {
            guard PackedItem.word(at: place + 1, bytes: wordBytes) == word else { return false }
        }
        return body.count == 0 || memcmp(place + (1 &+ wordBytes), body.base, body.count) == 0
    }
}

// MARK: - Searching

/// An item to look for among many: those of another length are told apart by the code, most others
/// by the last eight bytes of the encoding, which lie in the block whatever its length.
struct PackedProbe {
    /// The first of the codes that do not tell the length: their items are not looked for so.
    static let noCode: UInt8 = 0xf7

    /// The last bytes of the encoding, up to eight.
    private let tail: UInt64
    private let shift: UInt64
    private let tailOffset: Int
    private let body: ByteView
    /// What an item of this code takes in a block.
    let bytes: Int

    /// `trailed`: the items can be walked both ways.
    @inline(__always)
    init(_ item: PackedItem, trailed: Bool) {
        let count = item.byteCount
        tailOffset = count &- 8
        shift = count < 8 ? UInt64(truncatingIfNeeded: 8 &- count) &* 8 : 0
        bytes = count &+ (trailed ? 1 : 0)
        body = item.body
        if body.count >= 8 {
            tail = (body.base + (body.count &- 8)).loadUnaligned(as: UInt64.self)
        } else {
            let word =
                item.wordBytes > 0
                ? item.word : ASCIICase.word(at: body.base, count: body.count)
            tail = item.wordBytes == 8 ? word : word &<< 8 | UInt64(item.code)
        }
    }

    /// Whether the last bytes of the item at `place`, which has the same code, are this one's.
    /// Reads from the seven bytes before it too: of a block's header, if it is the first.
    @inline(__always)
    func mayMatch(_ place: UnsafeRawPointer) -> Bool {
        place.loadUnaligned(fromByteOffset: tailOffset, as: UInt64.self) &>> shift == tail
    }

    /// Whether the rest is equal too.
    @inline(__always)
    func matches(_ place: UnsafeRawPointer) -> Bool {
        tailOffset <= 0 || memcmp(place + 1, body.base, body.count) == 0
    }
}

// MARK: - Reading

extension PackedItem {
    /// The number in the `bytes` (1 to 8) at `place`; no other byte is touched.
    @inline(__always)
    static func word(at place: UnsafeRawPointer, bytes: Int) -> UInt64 {
        if bytes >= 4 {
            // Two halves that overlap.
            let low = UInt64(place.loadUnaligned(as: UInt32.self))
            let back = bytes &- 4
            let high = UInt64(place.loadUnaligned(fromByteOffset: back, as: UInt32.self))
            return low | high << UInt64(back &* 8)
        }
        let first = UInt64(place.load(as: UInt8.self))
        if bytes == 1 { return first }
        let back = bytes &- 2
        let rest = UInt64(place.loadUnaligned(fromByteOffset: back, as: UInt16.self))
        return first | rest << UInt64(back &* 8)
    }

    /// The bytes of the encoding at `place`.
    @inline(__always)
    static func byteCount(at place: UnsafeRawPointer) -> Int {
        let code = Int(place.load(as: UInt8.self))
        if code < 0x80 { return 1 }
        if code < 0xe0 { return code &- 0x7f }
        return longByteCount(code, place)
    }

    private static func longByteCount(_ code: Int, _ place: UnsafeRawPointer) -> Int {
        if code < 0xf0 { return 2 }
        if code < 0xf7 { return code &- 0xed }
        if code == 0xf7 { return 9 }
        if code == 0xfe { return 5 }
        let text = string(code, place)
        return text.base - place + text.count
    }

    /// The string, which has a code of 0xf8 to 0xfd.
    private static func string(_ code: Int, _ place: UnsafeRawPointer) -> ByteView {
        if code < 0xfc {
            let count = (code & 3) << 8 &+ Int(word(at: place + 1, bytes: 1)) &+ 96
            return ByteView(place + 2, count: count)
        }
        let bytes = code &- 0xfa
        assert(bytes == 2 || bytes == 3, "an unknown code")
        let count = Int(truncatingIfNeeded: word(at: place + 1, bytes: bytes))
        return ByteView(place + (1 &+ bytes), count: count)
    }

    /// The string or integer at `place`.
    @inline(__always)
    static func payload(at place: UnsafeRawPointer) -> PackedPayload {
        let code = Int(place.load(as: UInt8.self))
        if code < 0x80 { return .integer(Int64(code)) }
        if code < 0xe0 { return .bytes(ByteView(place + 1, count: code &- 0x80)) }
        return longPayload(code, place)
    }

    private static func longPayload(_ code: Int, _ place: UnsafeRawPointer) -> PackedPayload {
        if code < 0xf0 {
            let low = Int64(place.load(fromByteOffset: 1, as: UInt8.self))
            return .integer(Int64(code & 0xf) << 8 &+ low &- 128)
        }
        if code < 0xf7 {
            let bytes = code &- 0xee
            let unused = Int64(64 &- bytes &* 8)
            let shifted = Int64(bitPattern: word(at: place + 1, bytes: bytes)) << unused
            return .integer(shifted >> unused)
        }
        precondition(code != 0xf7 && code != 0xfe, "a double is read as a double")
        return .bytes(string(code, place))
    }

    /// The double at `place`, which was written as one, or an integer.
    @inline(__always)
    static func double(at place: UnsafeRawPointer) -> Double {
        switch place.load(as: UInt8.self) {
        case 0xf7:
            return Double(bitPattern: word(at: place + 1, bytes: 8))
        case 0xfe:
            let bits = UInt32(truncatingIfNeeded: word(at: place + 1, bytes: 4))
            return Double(Float(bitPattern: bits))
        default:
            guard case .integer(let value) = payload(at: place) else {
                preconditionFailure("a string is no double")
            }
            return Double(value)
        }
    }
}

/// What an item is: an integer if it is a string that reads as one.
enum PackedPayload {
    case bytes(ByteView)
    case integer(Int64)

    /// The length of the text.
    @inline(__always)
    var textLength: Int {
        switch self {
        case .bytes(let text): return text.count
        case .integer(let value): return DecimalInteger.length(value)
        }
    }

    /// Calls with the text, which lives while `body` runs.
    @inline(__always)
    func withText<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        switch self {
        case .bytes(let text):
            return try body(text)
        case .integer(let value):
            let room = DecimalInteger.maximumLength
            return try withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { room in
                let start = room.baseAddress.unsafelyUnwrapped
                let count = DecimalInteger.write(value, to: start)
                return try body(ByteView(start, count: count))
            }
        }
    }
}
