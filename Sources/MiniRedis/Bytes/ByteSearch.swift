// SPDX-License-Identifier: BSD-3-Clause
//
// Finding a row of bytes in another, in linear time and without memory.
//
// The idea. Most searches are short or fail at the first byte, so the C library's memchr finds the
// first byte and a comparison does the rest. Only when that has been wrong a number of times does
// the two-way algorithm (Crochemore and Perrin 1991) take over: the needle is cut at a place where
// its right part is the largest of its suffixes; the right part is compared forwards, then the left
// one backwards. A mismatch in the right part moves past all that was compared, one in the left
// part by the needle's period, which the cut makes known.
//
// The hard case is a needle with a short period, "aaaab" or "abababac": after a move by the period
// its beginning is known to agree already and must not be compared again, or the time becomes the
// product of both lengths.

extension ByteView {
    /// Wrong first bytes after which the search becomes careful.
    private static let hastyAttempts = 16

    /// Where `needle`, which is not empty, is first found.
    func firstIndex(of needle: ByteView) -> Int? {
        assert(!needle.isEmpty)
        var at = 0
        for _ in 0..<Self.hastyAttempts {
            guard count - at >= needle.count else { return nil }
            let room = slice(at, count - at - needle.count + 1)
            guard let found = room.firstIndex(of: needle[0]) else { return nil }
            at += found
            if slice(at, needle.count) == needle { return at }
            at += 1
        }
        return TwoWaySearch(needle).firstIndex(in: self, from: at)
    }
}

/// A needle, cut.
private struct TwoWaySearch {
    private let needle: ByteView
    /// The length of the left part.
    private let cut: Int
    /// How far a mismatch in the left part moves.
    private let period: Int
    /// Bytes at the needle's beginning that agree again after a move by the period.
    private let overlap: Int

    init(_ needle: ByteView) {
        self.needle = needle
        let one = Self.maximalSuffix(needle, isReversed: false)
        let other = Self.maximalSuffix(needle, isReversed: true)
        let longer = one.start > other.start ? one : other
        cut = longer.start
        let isPeriodic =
            longer.start + longer.period <= needle.count
            && needle.prefix(longer.start) == needle.slice(longer.period, longer.start)
        if isPeriodic {
            period = longer.period
            overlap = needle.count - longer.period
        } else {
            // No period is shorter than the longer part: that move is always safe.
            period = max(cut, needle.count - cut) + 1
            overlap = 0
        }
    }

    /// The largest suffix in the order of bytes, or in its reverse, and its period.
    private static func maximalSuffix(
        _ needle: ByteView, isReversed: Bool
    ) -> (start: Int, period: Int) {
        var start = 0
        var rival = 1
        var agreeing = 0
        var period = 1
        while rival + agreeing < needle.count {
            let held = needle[start + agreeing]
            let found = needle[rival + agreeing]
            if held == found {
                agreeing += 1
                if agreeing == period {
                    rival += period
                    agreeing = 0
                }
            } else if isReversed ? held < found : held > found {
                rival += agreeing + 1
                agreeing = 0
                period = rival - start
            } else {
                start = rival
                rival += 1
                agreeing = 0
                period = 1
            }
        }
        return (start, period)
    }

    func firstIndex(in text: ByteView, from start: Int) -> Int? {
        var at = start
        var known = 0
        while text.count - at >= needle.count {
            var right = max(cut, known)
            while right < needle.count, needle[right] == text[at + right] { right += 1 }
            if right < needle.count {
                at += right - cut + 1
                known = 0
                continue
            }
            var left = cut
            while left > known, needle[left - 1] == text[at + left - 1] { left -= 1 }
            if left <= known { return at }
            at += period
            known = overlap
        }
        return nil
    }
}
