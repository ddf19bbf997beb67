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
