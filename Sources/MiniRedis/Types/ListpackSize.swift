// SPDX-License-Identifier: BSD-3-Clause
//
// What numbers and strings would take in the listpacks of Redis. We keep none, but sizes in them
// decide what OBJECT ENCODING says of a list and where a stream's nodes end.

/// What an element would take in a listpack of Redis, which decides what OBJECT ENCODING says.
///
/// Source: the format, https://github.com/antirez/listpack/blob/master/listpack.md
enum ListpackSize {
    /// Of a listpack without elements.
    static let header = 7

    /// The bytes of an entry: encoding, contents, and its length once more.
    @inline(__always)
    static func of(_ payload: PackedPayload) -> Int {
        switch payload {
        case .bytes(let view): of(string: view.count)
        case .integer(let value): of(integer: value)
        }
    }

    @inline(__always)
    static func of(_ item: ListItem) -> Int {
        switch item {
        case .bytes(let view): of(string: view.count)
        case .integer(let value): of(integer: value)
        case .block(let block): of(string: block.count)
        }
    }

    @inline(__always)
    static func of(string count: Int) -> Int {
        if count < 64 { return count &+ 2 }
        let entry = count &+ (count < 4096 ? 2 : 5)
        if entry < 128 { return entry &+ 1 }
        if entry < 16_383 { return entry &+ 2 }
        return entry &+ (entry < 2_097_151 ? 3 : (entry < 268_435_455 ? 4 : 5))
    }

    @inline(__always)
    static func of(integer value: Int64) -> Int {
        if value >= 0 && value <= 127 { return 2 }
        if value >= -4096 && value <= 4095 { return 3 }
        if value == Int64(Int16(truncatingIfNeeded: value)) { return 4 }
        if value >= -(1 << 23) && value < 1 << 23 { return 5 }
        return value == Int64(Int32(truncatingIfNeeded: value)) ? 6 : 10
    }

    /// The bytes of an entry with this text.
    @inline(__always)
    static func of(text: ByteView) -> Int {
        let mayBeInteger =
            text.count > 0 && text.count <= DecimalInteger.maximumLength
            && (text[0] &- 0x30 <= 9 || text[0] == UInt8(ascii: "-"))
        if mayBeInteger, let value = DecimalInteger.parse(text) { return of(integer: value) }
        return of(string: text.count)
    }
}
