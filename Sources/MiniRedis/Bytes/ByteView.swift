// SPDX-License-Identifier: BSD-3-Clause
//
// Borrowed bytes.
//
// A command's arguments are slices of the buffer that the network filled, an entry's key and value
// are slices of its block. Both are seen through this one type: an address and a count, copied
// freely, owning nothing.

import Glibc

/// Bytes that somebody else owns.
///
/// Ownership: the view is valid until its owner moves, changes or frees the memory; whoever hands a
/// view out says until when. It is never stored in a structure that outlives the call.
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

    /// The bytes of a literal, which live as long as the process.
    @inline(__always)
    init(_ text: StaticString) {
        self.init(UnsafeRawPointer(text.utf8Start), count: text.utf8CodeUnitCount)
    }

    @inline(__always)
    var isEmpty: Bool { count == 0 }

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

    /// The first `n` bytes, of which there must be as many.
    @inline(__always)
    func prefix(_ n: Int) -> ByteView {
        assert(n >= 0 && n <= count)
        return ByteView(base, count: n)
    }

    /// The `count` bytes from `start`, all of which must exist.
    @inline(__always)
    func slice(_ start: Int, _ count: Int) -> ByteView {
        assert(start >= 0 && count >= 0 && start <= self.count - count)
        return ByteView(base + start, count: count)
    }

    /// The place of the first such byte.
    @inline(__always)
    func firstIndex(of byte: UInt8) -> Int? {
        guard count > 0, let found = memchr(base, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The bytes as text, what is not UTF-8 replaced. It allocates: for cold paths only.
    var string: String {
        String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
    }
}

// MARK: - Comparing

extension ByteView {
    /// The same bytes, wherever they are.
    @inline(__always)
    static func == (left: ByteView, right: ByteView) -> Bool {
        left.count == right.count && memcmp(left.base, right.base, left.count) == 0
    }

    @inline(__always)
    static func != (left: ByteView, right: ByteView) -> Bool { !(left == right) }

    /// -1, 0 or 1: the order of the bytes as unsigned numbers; of two equal beginnings the shorter
    /// is first. It is the order of sorted sets' members.
    @inline(__always)
    func compare(_ other: ByteView) -> Int {
        let order = memcmp(base, other.base, min(count, other.count))
        if order != 0 { return order < 0 ? -1 : 1 }
        return count == other.count ? 0 : (count < other.count ? -1 : 1)
    }

    /// The same bytes as the literal's.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool { self == ByteView(text) }

    /// The same bytes as the literal's when upper and lower case ASCII letters count as the same.
    @inline(__always)
    func equalsFolded(_ lowerOrUpper: StaticString) -> Bool {
        count == lowerOrUpper.utf8CodeUnitCount && sameFolded(as: ByteView(lowerOrUpper))
    }

    /// Compares eight letters at a time; the counts are equal.
    private func sameFolded(as other: ByteView) -> Bool {
        var at = 0
        while at < count {
            let step = min(count - at, 8)
            let mine = ASCIICase.foldedWord(at: base + at, count: step)
            guard mine == ASCIICase.foldedWord(at: other.base + at, count: step) else {
                return false
            }
            at += step
        }
        return true
    }
}

extension ByteView {
    /// The bytes of `first` and then `second`, in memory that lives while `body` runs.
    static func withJoined<Result>(
        _ first: ByteView, _ second: ByteView, _ body: (ByteView) -> Result
    ) -> Result {
        let total = first.count + second.count
        return withUnsafeTemporaryAllocation(byteCount: max(1, total), alignment: 16) { room in
            guard let joined = room.baseAddress else { preconditionFailure("room has a base") }
            joined.copyMemory(from: first.base, byteCount: first.count)
            (joined + first.count).copyMemory(from: second.base, byteCount: second.count)
            return body(ByteView(joined, count: total))
        }
    }
    /// These bytes with `patch` written over them from `offset` on and zeros between the two, in
    /// memory that lives while `body` runs.
    func withPatched<Result>(
        at offset: Int, with patch: ByteView, _ body: (ByteView) -> Result
    ) -> Result {
        let total = max(count, offset + patch.count)
        return withUnsafeTemporaryAllocation(byteCount: max(1, total), alignment: 16) { room in
            guard let start = room.baseAddress else { preconditionFailure("room has a base") }
            start.copyMemory(from: base, byteCount: count)
            if offset > count { memset(start + count, 0, offset - count) }
            (start + offset).copyMemory(from: patch.base, byteCount: patch.count)
            return body(ByteView(start, count: total))
        }
    }
}
