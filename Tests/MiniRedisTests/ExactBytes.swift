// SPDX-License-Identifier: BSD-3-Clause
//
// Views for tests of code that must not read outside of them.

import Glibc
import Testing

@testable import MiniRedis

/// Calls with a view of the bytes in a block of exactly their size: the address sanitizer sees a
/// read that is one byte too far.
func withExactBytes<Result>(
    _ bytes: some Collection<UInt8>, _ body: (ByteView) throws -> Result
) rethrows -> Result {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { block.deallocate() }
    block.copyBytes(from: bytes)
    guard let base = block.baseAddress else { return try body(ByteView("")) }
    return try body(ByteView(base, count: bytes.count))
}

func withExactBytes<Result>(
    _ text: String, _ body: (ByteView) throws -> Result
) rethrows -> Result {
    try withExactBytes(Array(text.utf8), body)
}

/// Two views at once.
func withExactBytes<Result>(
    _ one: some Collection<UInt8>, _ other: some Collection<UInt8>,
    _ body: (ByteView, ByteView) throws -> Result
) rethrows -> Result {
    try withExactBytes(one) { one in
        try withExactBytes(other) { other in try body(one, other) }
    }
}

extension ByteView {
    /// A copy.
    var array: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: count)) }
}

/// Bytes that end where readable memory ends, so that a read past them is a crash even without a
/// sanitizer.
struct GuardedPage: ~Copyable {
    static let size = 4096
    private let mapping: UnsafeMutableRawPointer

    init() {
        let protection = PROT_READ | PROT_WRITE
        let kind = MAP_PRIVATE | MAP_ANONYMOUS
        guard let mapping = mmap(nil, 3 * Self.size, protection, kind, -1, 0),
            mapping != MAP_FAILED
        else { preconditionFailure("no memory for a page") }
        mprotect(mapping, Self.size, PROT_NONE)
        mprotect(mapping + 2 * Self.size, Self.size, PROT_NONE)
        self.mapping = mapping
    }

    deinit { munmap(mapping, 3 * Self.size) }

    /// The bytes just before unreadable memory.
    func atEnd(_ bytes: [UInt8]) -> ByteView {
        let place = mapping + 2 * Self.size - bytes.count
        place.copyMemory(from: bytes, byteCount: bytes.count)
        return ByteView(place, count: bytes.count)
    }

    /// The bytes just after unreadable memory.
    func atStart(_ bytes: [UInt8]) -> ByteView {
        let place = mapping + Self.size
        place.copyMemory(from: bytes, byteCount: bytes.count)
        return ByteView(place, count: bytes.count)
    }
}

/// `#expect(found == expected)` for expressions that read what cannot be copied, which the macro
/// does not take.
func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, at location: SourceLocation = #_sourceLocation
) {
    guard found != expected else { return }
    Issue.record("\(found) is not \(expected)", sourceLocation: location)
}
