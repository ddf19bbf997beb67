// SPDX-License-Identifier: BSD-3-Clause
//
// Borrowed bytes.
//
// A command's arguments are slices of the buffer that the network filled, an entry's key and value are slices of its
// block. Both are seen through this one type: an address and a count, copied freely, owning nothing.

/// Bytes that somebody else owns.
///
/// Ownership: the view is valid until its owner moves, changes or frees the memory; whoever hands a view out says until
/// when. It is never stored in a structure that outlives the call.
public struct ByteView {
    /// The first byte; meaningful only if `count` is not zero.
    public var base: UnsafeRawPointer
    /// The number of bytes.
    public var count: Int

    @inline(__always)
    public init(_ base: UnsafeRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    /// The byte at `index`, which must be less than `count`.
    @inline(__always)
    public subscript(index: Int) -> UInt8 {
        assert(index >= 0 && index < count)
        return base.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The bytes from `start` (inclusive) to the end.
    @inline(__always)
    public func suffix(from start: Int) -> ByteView {
        assert(start >= 0 && start <= count)
        return ByteView(base + start, count: count - start)
    }
}
