// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: an entry drawn evenly from all.
//
// One random word names an index of the directory and a place in the segment there. Two things
// would make the draw uneven, and both are refused: a segment that several indexes name counts only
// at its first, and an empty place (or one of the 64 that a segment lacks to 512) is no entry. What
// is left is every entry once.
//
// Limits: a table of n entries takes about 512 * width / n draws, width being the directory's
// length: 1.5 to 6 in a table of many segments, 512 (about a microsecond) for a single entry.

extension SegmentedTable {
    /// The slot of an entry drawn evenly from all, or nil if there is none.
    func randomSlot(_ random: inout RandomSource) -> TableSlot? {
        guard count > 0 else { return nil }
        while true {
            let draw = random.next()
            let place = Int(truncatingIfNeeded: draw & 511)
            guard place < Segment.slots else { continue }
            let at = index(draw)
            let word = directory[at]
            let span = 1 << (globalDepth - Int(word & Segment.depthMask))
            guard at & (span - 1) == 0 else { continue }
            let bucket = Self.page(word) + place / Segment.slotsPerBucket * 64
            let slot = TableSlot(word: Self.slotWord(bucket, place % Segment.slotsPerBucket))
            if slot.word.pointee != 0 { return slot }
        }
    }
}
