// SPDX-License-Identifier: BSD-3-Clause
//
// A request as commands see it: its arguments, where they lie in the buffer they were received
// into.

import CRespParser

/// The place of one argument within its request.
typealias ArgumentSlice = crp_slice

/// A parsed request. Owns nothing: valid until the buffer it was parsed from is filled again.
struct Request {
    /// The first byte of the request.
    var base: UnsafeRawPointer
    var slices: UnsafePointer<ArgumentSlice>
    /// The number of arguments, the command's name included.
    var count: Int
    /// The blocks of arguments that were received outside of the buffer, in order; nil for almost
    /// every request.
    var blocks: UnsafePointer<UnsafeMutableRawPointer>?

    /// A request without arguments: what there is before the first one. `anything` is never read.
    static func empty(_ anything: UnsafeRawPointer) -> Request {
        Request(
            base: anything, slices: anything.assumingMemoryBound(to: ArgumentSlice.self), count: 0,
            blocks: nil)
    }

    /// The bytes of argument `index`; 0 is the command's name.
    @inline(__always)
    subscript(index: Int) -> ByteView {
        assert(index >= 0 && index < count)
        let slice = slices[index]
        if slice.offset == UInt32.max { return ByteView(detached(index), count: Int(slice.length)) }
        return ByteView(base + Int(slice.offset), count: Int(slice.length))
    }

    /// The number in `blocks` of a detached argument, or nil if its bytes lie in the buffer.
    func blockNumber(ofArgument index: Int) -> Int? {
        guard slices[index].offset == UInt32.max else { return nil }
        var number = 0
        for earlier in 0..<index where slices[earlier].offset == UInt32.max { number += 1 }
        return number
    }

    @inline(never)
    private func detached(_ index: Int) -> UnsafeRawPointer {
        guard let number = blockNumber(ofArgument: index), let blocks else {
            preconditionFailure("a detached argument has a block")
        }
        return UnsafeRawPointer(blocks[number])
    }
}
