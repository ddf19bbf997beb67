// SPDX-License-Identifier: BSD-3-Clause
//
// Finding a row of bytes in another.

import Glibc

extension ByteView {
    /// Where `needle`, which is not empty, is first found.
    func firstIndex(of needle: ByteView) -> Int? {
        assert(!needle.isEmpty)
        var at = 0
        while count - at >= needle.count {
            let room = slice(at, count - at - needle.count + 1)
            guard let found = room.firstIndex(of: needle[0]) else { return nil }
            at += found
            if slice(at, needle.count) == needle { return at }
            at += 1
        }
        return nil
    }
}
