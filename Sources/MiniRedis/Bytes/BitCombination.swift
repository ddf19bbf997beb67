// SPDX-License-Identifier: BSD-3-Clause
//
// Strings combined bit by bit, 32 bytes at a time. A string that is shorter than the result
// continues with zeros.

import Glibc

/// What BITOP does with the bits of its strings.
enum BitCombination {
    case and, or, xor

    /// Writes the combination of two strings to the `count` bytes at `result`. None is longer than
    /// `count`; `first` may be `result` itself, none may overlap it otherwise.
    func write(
        _ first: ByteView, _ second: ByteView, to result: UnsafeMutableRawPointer, count: Int
    ) {
        let common = min(first.count, second.count)
        let longer = first.count > second.count ? first : second
        switch self {
        case .and:
            Self.combine(first, second, common, result) { $0 & $1 }
            memset(result + common, 0, count - common)
            return
        case .or: Self.combine(first, second, common, result) { $0 | $1 }
        case .xor: Self.combine(first, second, common, result) { $0 ^ $1 }
        }
        if longer.base != UnsafeRawPointer(result) {
            (result + common).copyMemory(
                from: longer.base + common, byteCount: longer.count - common)
        }
        memset(result + longer.count, 0, count - longer.count)
    }

    /// Writes the string with all bits turned around.
    static func writeInverted(_ text: ByteView, to result: UnsafeMutableRawPointer) {
        combine(text, text, text.count, result) { one, _ in ~one }
    }

    private typealias Vector = SIMD4<UInt64>
    private static let vectorBytes = 32

    @inline(__always)
    private static func combine(
        _ first: ByteView, _ second: ByteView, _ count: Int, _ result: UnsafeMutableRawPointer,
        _ body: (Vector, Vector) -> Vector
    ) {
        var at = 0
        while at + vectorBytes <= count {
            let one = first.base.loadUnaligned(fromByteOffset: at, as: Vector.self)
            let other = second.base.loadUnaligned(fromByteOffset: at, as: Vector.self)
            (result + at).storeBytes(of: body(one, other), as: Vector.self)
            at += vectorBytes
        }
        guard at < count else { return }
        let vector = body(partial(first, at, count - at), partial(second, at, count - at))
        withUnsafeBytes(of: vector) { bytes in
            guard let base = bytes.baseAddress else { return }
            (result + at).copyMemory(from: base, byteCount: count - at)
        }
    }

    private static func partial(_ text: ByteView, _ at: Int, _ count: Int) -> Vector {
        var vector = Vector()
        withUnsafeMutableBytes(of: &vector) { bytes in
            bytes.baseAddress?.copyMemory(from: text.base + at, byteCount: count)
        }
        return vector
    }
}
