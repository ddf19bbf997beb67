// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: what must be true of a table between two calls.

#if INVARIANTS
    extension SegmentedTable {
        /// Checks every segment, bucket and slot; traps at the first that is wrong.
        func checkInvariants() {
            var (at, total, segments) = (0, 0, [Int](repeating: 0, count: Segment.deepest + 2))
            while at < 1 << globalDepth {
                let word = directory[at]
                let depth = Int(word & Segment.depthMask)
                precondition(depth <= globalDepth, "a segment is no deeper than the directory")
                let width = 1 << (globalDepth - depth)
                precondition(at & (width - 1) == 0, "a segment starts at a multiple of its width")
                for other in at..<at + width {
                    precondition(directory[other] == word, "all of a segment's words are equal")
                }
                let count = checkSegment(word, prefix: UInt64(at / width), depth: UInt64(depth))
                precondition(info[at].count == count, "a segment knows its count")
                precondition(info[at].entriesStamp <= memory.pointee.epochs.current)
                precondition(info[at].stamp <= memory.pointee.epochs.current)
                total += count
                segments[depth] += 1
                at += width
            }
            precondition(total == count, "the table knows its count")
            for depth in 0..<segments.count {
                precondition(
                    segments[depth] == Int(segmentsOfDepth[depth]), "segments of each depth")
            }
            precondition(globalDepth == 0 || segments[globalDepth] > 0, "the directory is tight")
        }

        private func checkSegment(_ word: UInt, prefix: UInt64, depth: UInt64) -> Int {
            let page = Self.page(word)
            var count = 0
            var emigrants = [Int](repeating: 0, count: Segment.buckets)
            for number in 0..<Segment.buckets {
                let bucket = page + number * 64
                for index in 0..<Segment.slotsPerBucket {
                    let slot = Self.slotWord(bucket, index).pointee
                    let mark = bucket.load(fromByteOffset: index, as: UInt8.self)
                    precondition((slot == 0) == (mark == 0), "a mark for each entry and no other")
                    if slot == 0 { continue }
                    count += 1
                    let hash = hash(ofSlotWord: slot)
                    precondition(depth == 0 || hash >> (64 - depth) == prefix, "the right segment")
                    precondition(slot >> Segment.tagShift == Segment.tag(hash), "tag")
                    precondition(UInt64(mark) == Segment.fingerprint(hash), "fingerprint")
                    let displacement =
                        Int((slot & Segment.displacementMask) >> Segment.displacementShift)
                    let home = Int(Segment.home(hash, depth))
                    precondition((home + displacement) % Segment.buckets == number, "displacement")
                    if displacement > 0 { emigrants[home] += 1 }
                }
            }
            for number in 0..<Segment.buckets {
                let overflow = Int(Self.overflow(page + number * 64))
                precondition(overflow == emigrants[number], "a bucket counts its emigrants")
            }
            return count
        }
    }
#endif
