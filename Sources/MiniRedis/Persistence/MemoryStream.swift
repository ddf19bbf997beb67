// SPDX-License-Identifier: BSD-3-Clause
//
// Streams over memory, for payloads that never see a disk and for tests.

import Glibc

/// Gathers what is written in one growing buffer.
struct MemorySink: ByteSink, ~Copyable {
    private(set) var buffer = ByteBuffer()

    mutating func write(_ bytes: ByteView) throws(PersistenceError) {
        buffer.append(bytes)
    }
}

/// Gives bytes that somebody else owns, and that must stay where they are as long as the source is
/// read from.
struct MemorySource: ByteSource {
    private var rest: ByteView
    private let step: Int

    /// `step` is the most that one read gives: a test's way to let every piece arrive in parts.
    init(_ bytes: ByteView, step: Int = .max) {
        rest = bytes
        self.step = max(1, step)
    }

    mutating func read(
        into destination: UnsafeMutableRawPointer, count: Int
    ) throws(PersistenceError) -> Int {
        let given = min(rest.count, count, step)
        if given > 0 { memcpy(destination, rest.base, given) }
        rest = rest.suffix(from: given)
        return given
    }
}
