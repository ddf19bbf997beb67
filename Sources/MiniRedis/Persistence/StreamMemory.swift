// SPDX-License-Identifier: BSD-3-Clause
//
// Memory that streams own: blocks whose allocation may fail, and which are freed with their owner.
//
// They are types of their own, and not generic, for a reason: a debug build of Swift 6.3 does not
// run the `deinit` of a generic type that is used in another file with a copyable argument, such as
// a writer over a file. The generic streams hold these and need no `deinit`.

import Glibc

/// A block of a fixed size.
struct StreamBlock: ~Copyable {
    let base: UnsafeMutableRawPointer
    let capacity: Int

    /// Nil if there is no memory.
    init?(_ capacity: Int) {
        guard let base = malloc(capacity) else { return nil }
        self.base = base
        self.capacity = capacity
    }

    deinit { free(base) }
}

/// Memory for one string after the other.
struct StreamScratch: ~Copyable {
    /// What `trim` leaves alone, bytes.
    private static let keptBytes = 1 << 20
    /// The least that is allocated, bytes.
    private static let smallestBytes = 4096

    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0

    deinit { free(memory) }

    /// Gives back what an exceptional string needed.
    @inline(__always)
    mutating func trim() {
        if capacity > Self.keptBytes { release() }
    }

    /// Room for `count` bytes, or nil if there is no memory; what was there before is lost.
    mutating func room(_ count: Int) -> UnsafeMutableRawPointer? {
        if let memory, count <= capacity { return memory }
        release()
        let size = max(count, Self.smallestBytes)
        memory = malloc(size)
        capacity = memory == nil ? 0 : size
        return memory
    }

    /// Keeps a copy of the bytes; false if there is no memory.
    mutating func hold(_ bytes: ByteView) -> Bool {
        guard let room = room(bytes.count) else { return false }
        memcpy(room, bytes.base, bytes.count)
        return true
    }

    /// The first `count` bytes of the room asked for last.
    func view(_ count: Int) -> ByteView {
        guard let memory else { return ByteView("") }
        return ByteView(memory, count: count)
    }

    private mutating func release() {
        free(memory)
        memory = nil
        capacity = 0
    }
}
