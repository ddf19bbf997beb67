// SPDX-License-Identifier: BSD-3-Clause
//
// A string value as it is read and as it is written: what the entry, the dump and the commands
// exchange.

/// A string as it is read: text, or an integer that stands for its decimal text.
enum StringPayload {
    /// Valid as long as the owner of the bytes says.
    case bytes(ByteView)
    case integer(Int64)

    /// The number of bytes of the text.
    var count: Int {
        switch self {
        case .bytes(let view): view.count
        case .integer(let value): DecimalInteger.length(value)
        }
    }

    /// The text, an integer's written out, while `body` runs.
    func withText<Result>(_ body: (ByteView) -> Result) -> Result {
        switch self {
        case .bytes(let view): return body(view)
        case .integer(let value):
            return withUnsafeTemporaryAllocation(
                byteCount: DecimalInteger.maximumLength, alignment: 8
            ) { room in
                guard let base = room.baseAddress else { preconditionFailure("room has a base") }
                return body(ByteView(base, count: DecimalInteger.write(value, to: base)))
            }
        }
    }
}

/// A string as it is to be stored.
enum StringSource {
    /// Copied into the entry.
    case bytes(ByteView)
    /// Copied too: a string that was changed in part, which OBJECT ENCODING calls raw.
    case edited(ByteView)
    case integer(Int64)
    /// A block whose reference the entry takes over.
    case block(ReferencedBlock)

    /// The form in which `text` is stored: an integer if it is the canonical text of one, a block
    /// of its own if it is huge (the caller gets the reference), itself otherwise.
    @inline(__always)
    static func stored(_ text: ByteView, heap: UnsafeMutablePointer<Heap>) -> StringSource {
        if text.count <= DecimalInteger.maximumLength {
            if let value = DecimalInteger.parse(text) { return .integer(value) }
        } else if text.count >= ReferencedBlock.threshold {
            return copied(text, heap)
        }
        return .bytes(text)
    }

    @inline(never)
    private static func copied(
        _ text: ByteView, _ heap: UnsafeMutablePointer<Heap>
    ) -> StringSource {
        .block(ReferencedBlock(copying: text, heap: heap))
    }
}
