// SPDX-License-Identifier: BSD-3-Clause
//
// One element of a list: as it is read, and as it is to be written.

/// Which end of a list.
enum ListEnd {
    case left, right
}

/// An element as it is read; valid until the list changes.
enum ListItem {
    case bytes(ByteView)
    case integer(Int64)
    case block(ReferencedBlock)

    @inline(__always)
    init(_ payload: PackedPayload) {
        switch payload {
        case .bytes(let view): self = .bytes(view)
        case .integer(let value): self = .integer(value)
        }
    }

    /// The bytes of the text.
    var count: Int {
        switch self {
        case .bytes(let view): view.count
        case .integer(let value): DecimalInteger.length(value)
        case .block(let block): block.count
        }
    }

    /// Calls with the text, which lives while `body` runs.
    @inline(__always)
    func withText<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        switch self {
        case .bytes(let view): try body(view)
        case .integer(let value): try PackedPayload.integer(value).withText(body)
        case .block(let block): try body(block.view)
        }
    }

    /// Calls with the element as it can be written to this list or another one: with its bytes
    /// copied, or with a reference of its own that whoever writes it takes over.
    func withCopy<Result>(_ body: (ListElement) throws -> Result) rethrows -> Result {
        switch self {
        case .integer(let value):
            return try body(.item(PackedItem(value)))
        case .block(let block):
            block.retain()
            return try body(.block(block))
        case .bytes(let view):
            return try withUnsafeTemporaryAllocation(byteCount: max(1, view.count), alignment: 8) {
                room in
                guard let start = room.baseAddress else { preconditionFailure("room has a base") }
                start.copyMemory(from: view.base, byteCount: view.count)
                return try body(.item(PackedItem(ByteView(start, count: view.count))))
            }
        }
    }
}

/// An element as it is to be written or looked for.
enum ListElement {
    /// Of less than `ReferencedBlock.threshold` bytes.
    case item(PackedItem)
    /// A block whose reference the list takes over, if it is written.
    case block(ReferencedBlock)

    /// The element of this text; a huge one in a block of its own, with a reference that the caller
    /// has to give away or release.
    @inline(__always)
    init(_ text: ByteView, _ heap: UnsafeMutablePointer<Heap>) {
        if text.count < ReferencedBlock.threshold {
            self = .item(PackedItem(text))
        } else {
            self = .block(ReferencedBlock(copying: text, heap: heap))
        }
    }
}

// MARK: - The size of a listpack

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
}
