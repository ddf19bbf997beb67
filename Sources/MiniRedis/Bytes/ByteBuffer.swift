// SPDX-License-Identifier: BSD-3-Clause
//
// Bytes that grow at the end and are taken from the beginning.
//
//     storage                                        capacity
//     |  taken already  |  the bytes (count)  |  room  |
//                       start                 start + count
//
// For cold paths and for the background writer; replies have buffers of their own. Taking bytes
// from the beginning moves only `start`; the gap is reused when room is needed and the bytes are
// no more than half of the whole, so that each byte is moved a constant number of times.

import Glibc

struct ByteBuffer: ~Copyable {
    /// The smallest block ever allocated, bytes.
    private static let smallestCapacity = 64

    private var storage: UnsafeMutableRawPointer?
    private var start = 0
    /// The bytes held.
    private(set) var count = 0
    /// The bytes of the block, room and gap included.
    private(set) var capacity = 0

    /// Empty, with room for `capacity` bytes. None is allocated for none.
    init(capacity: Int = 0) {
        if capacity > 0 { reallocate(capacity) }
    }

    deinit { free(storage) }

    /// The first byte. It moves whenever the buffer grows; with a count of zero it is not readable.
    var base: UnsafeMutableRawPointer {
        // Any address but zero serves no bytes at all.
        (storage ?? UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped) + start
    }

    /// The bytes, until the buffer changes.
    var view: ByteView { ByteView(base, count: count) }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: ByteView) {
        guard bytes.count > 0 else { return }
        memcpy(reserve(bytes.count), bytes.base, bytes.count)
        commit(bytes.count)
    }

    mutating func append(_ text: StaticString) { append(ByteView(text)) }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            append(ByteView(base, count: bytes.count))
        }
    }

    mutating func append(byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        commit(1)
    }

    /// Appends the decimal text.
    mutating func append(decimal value: Int64) {
        commit(DecimalInteger.write(value, to: reserve(DecimalInteger.maximumLength)))
    }

    /// Appends the bytes of the integer, the lowest first.
    mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
        let size = MemoryLayout<T>.size
        withUnsafeBytes(of: value.littleEndian) { bytes in
            _ = bytes.baseAddress.map { memcpy(reserve(size), $0, size) }
        }
        commit(size)
    }

    /// Room for at least `extra` bytes after the last one, to be filled and then committed. The
    /// address is good until the buffer changes.
    mutating func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
        precondition(extra >= 0, "negative room")
        if extra > capacity - start - count { makeRoom(extra) }
        return base + count
    }

    /// Makes the first `n` bytes of the reserved room part of the contents.
    mutating func commit(_ n: Int) {
        precondition(n >= 0 && n <= capacity - start - count, "more bytes than were reserved")
        count += n
    }

    /// Forgets the first `n` bytes, of which there must be as many.
    mutating func removeFirst(_ n: Int) {
        precondition(n >= 0 && n <= count, "more bytes than there are")
        start += n
        count -= n
        if count == 0 { start = 0 }
    }

    /// Forgets the last `n` bytes, of which there must be as many.
    mutating func removeLast(_ n: Int) {
        precondition(n >= 0 && n <= count, "more bytes than there are")
        count -= n
    }

    /// Forgets all bytes, and the memory unless it is wanted again.
    mutating func removeAll(keepingCapacity: Bool = false) {
        start = 0
        count = 0
        if !keepingCapacity {
            free(storage)
            storage = nil
            capacity = 0
        }
    }

    /// Closes the gap if that gives room enough and moves no more than half a block, else grows.
    private mutating func makeRoom(_ extra: Int) {
        let (needed, overflow) = count.addingReportingOverflow(extra)
        precondition(!overflow, "a buffer larger than the address space")
        if start > 0, let storage {
            memmove(storage, storage + start, count)
            let hasMovedMuch = count > capacity / 2
            start = 0
            if needed <= capacity, !hasMovedMuch { return }
        }
        let doubled = capacity.addingReportingOverflow(capacity)
        reallocate(max(needed, doubled.overflow ? needed : doubled.partialValue))
    }

    private mutating func reallocate(_ wanted: Int) {
        let size = max(wanted, Self.smallestCapacity)
        guard let block = realloc(storage, size) else {
            preconditionFailure("out of memory")
        }
        storage = block
        capacity = size
    }
}
