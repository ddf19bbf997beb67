// SPDX-License-Identifier: BSD-3-Clause
//
// The shared reply buffer.
//
// All connections append their replies of one turn to this one buffer, each a contiguous slice of
// it; at the end of the turn every slice leaves with one write and the buffer starts again at
// zero. So the bytes of a reply are written to memory that is warm, and an idle connection owns no
// buffer.
//
//     | A: +OK +OK +OK | B: $64 ... | A: :1 |            | free ...        |
//     0                                     count                          capacity
//
// Growth moves the buffer, so nobody keeps an address across an append: slices are offsets.
//
// Limits: the buffer grows to what one turn appends; past a bound the loop
// writes before the turn ends, so it is one reply, not a turn of them, that makes it large. A
// buffer that grew is given back after the flush.

import Glibc

/// A growable run of bytes that is appended to and emptied as a whole.
///
/// Ownership: it owns its memory; it lives behind the loop's pointer `EventLoop.output`
/// (Networking).
struct OutputBuffer: ~Copyable {
    /// The first byte; moves when the buffer grows.
    private(set) var base: UnsafeMutableRawPointer
    /// The bytes appended so far.
    private(set) var count = 0
    private(set) var capacity: Int

    /// What the buffer has at the start, and again after a flush of something larger.
    static let initialCapacity = 256 << 10
    /// A capacity up to this one is kept from turn to turn.
    static let keptCapacity = 2 << 20

    init() {
        capacity = OutputBuffer.initialCapacity
        base = OutputBuffer.allocate(capacity)
    }

    deinit {
        free(base)
    }

    /// The address at which the next `needed` bytes may be written; valid until the next `reserve`.
    @inline(__always)
    mutating func reserve(_ needed: Int) -> UnsafeMutableRawPointer {
        if capacity &- count < needed { grow(toFit: needed) }
        return base + count
    }

    /// Makes the next `written` bytes, which were reserved and filled, part of the output.
    @inline(__always)
    mutating func commit(_ written: Int) {
        assert(written >= 0 && written <= capacity - count)
        count &+= written
    }

    /// Copies bytes to the end.
    @inline(__always)
    mutating func append(_ bytes: UnsafeRawPointer, count appended: Int) {
        memcpy(reserve(appended), bytes, appended)
        commit(appended)
    }

    /// Forgets everything from `offset` on.
    mutating func truncate(to offset: Int) {
        assert(offset >= 0 && offset <= count)
        count = offset
    }

    /// Forgets everything; gives a grown buffer back.
    mutating func reset() {
        count = 0
        guard capacity > OutputBuffer.keptCapacity else { return }
        free(base)
        capacity = OutputBuffer.initialCapacity
        base = OutputBuffer.allocate(capacity)
    }

    /// Hands the memory to the caller, who frees it, and starts again with a fresh buffer: how a
    /// huge reply that the socket did not take leaves the buffer without being copied.
    mutating func detach() -> UnsafeMutableRawPointer {
        let detached = base
        count = 0
        capacity = OutputBuffer.initialCapacity
        base = OutputBuffer.allocate(capacity)
        return detached
    }

    @inline(never)
    private mutating func grow(toFit needed: Int) {
        let (required, overflow) = count.addingReportingOverflow(needed)
        precondition(!overflow, "a reply larger than the address space")
        var enlarged = capacity
        while enlarged < required { enlarged = enlarged.multipliedReportingOverflow(by: 2).0 }
        guard let moved = realloc(base, enlarged) else { preconditionFailure("out of memory") }
        base = moved
        capacity = enlarged
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
        guard let memory = malloc(capacity) else { preconditionFailure("out of memory") }
        return memory
    }
}
