// SPDX-License-Identifier: BSD-3-Clause
//
// The input a connection keeps between reads: an incomplete request, or requests that may not be
// executed yet. It knows bytes; it must not know what a request is.

import Glibc

/// Growable bytes with slack behind them, which own memory only while there are any.
struct RetainedInput: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer?
    private(set) var count = 0
    /// Without the slack.
    private(set) var capacity = 0

    deinit {
        free(base)
    }

    /// The free memory behind the bytes, at least `minimum` of it. It grows by doubling, so by what
    /// the peer has really sent and not by what it announced. Nil if there is no memory.
    mutating func reserveTail(_ minimum: Int) -> UnsafeMutableRawBufferPointer? {
        if capacity - count < minimum, !grow(to: max(capacity * 2, count + minimum)) { return nil }
        guard let base else { return nil }
        return UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    /// Makes bytes that were written to the tail part of the input.
    mutating func commit(_ written: Int) {
        assert(written <= capacity - count)
        count += written
    }

    /// Replaces everything by a copy of `bytes`, which are not in this memory. False if there is no
    /// memory.
    mutating func replace(with bytes: UnsafeRawPointer, count newCount: Int) -> Bool {
        guard newCount > 0 else {
            removeAll()
            return true
        }
        count = 0
        if capacity < newCount, !grow(to: newCount) { return false }
        guard let base else { return false }
        memcpy(base, bytes, newCount)
        count = newCount
        return true
    }

    /// Forgets the first bytes and moves the rest to the front.
    mutating func removePrefix(_ removed: Int) {
        assert(removed <= count)
        guard removed < count else { return removeAll() }
        guard removed > 0, let base else { return }
        count -= removed
        memmove(base, base + removed, count)
    }

    mutating func removeAll() {
        free(base)
        base = nil
        count = 0
        capacity = 0
    }

    private mutating func grow(to wanted: Int) -> Bool {
        guard let moved = realloc(base, wanted + Connection.slack) else { return false }
        base = moved
        capacity = wanted
        return true
    }
}
