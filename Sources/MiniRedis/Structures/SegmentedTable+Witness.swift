// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: a witness of the snapshot rule, in builds that check invariants.
//
// Stamps and fresh bits say what may be written; they are clever, and could be wrong. The witness
// knows nothing of them. It keeps the directories that live snapshots captured, and before a page
// or an entry is written or freed it looks there, the long way:
//
//     written page or entry, hash --> captured directory --> the page of that hash then
//                                     walk beyond its end?   nobody reads it any more
//                                     the page itself?       the rule is broken
//                                     the entry, in the home bucket or seven more?  likewise
//
// A page never changes the hashes that it stands for, so one look into each directory is enough.
// Without a live snapshot it costs a comparison, in a release nothing.

extension SegmentedTable {
    /// Traps, in builds that check, if a live snapshot may still read the page around `address`.
    @inline(__always)
    func checkWritable(pageAt address: UnsafeRawPointer, hash: UInt64) {
        #if INVARIANTS
            if memory.pointee.isQuiet { return }
            let page = UInt(bitPattern: address) & ~UInt(Heap.pageBytes - 1)
            forEachCapturedPage(hash) { captured, _ in
                precondition(captured != page, "a page is written that a snapshot reads")
            }
        #endif
    }

    /// Traps, in builds that check, if a live snapshot may still read `entry`.
    @inline(__always)
    func checkWritable(entry: UnsafeMutableRawPointer, hash: UInt64) {
        #if INVARIANTS
            if memory.pointee.isQuiet { return }
            forEachCapturedPage(hash) { page, depth in
                let isSeen = Self.holds(page, depth, hash, UInt64(UInt(bitPattern: entry)))
                precondition(!isSeen, "an entry is written that a snapshot reads")
            }
        #endif
    }

    /// `checkWritable` for the page of the segment at `first`.
    @inline(__always)
    func checkWritable(segmentAt first: Int) {
        #if INVARIANTS
            let start = globalDepth == 0 ? 0 : UInt64(first) << UInt64(64 - globalDepth)
            checkWritable(pageAt: Self.page(directory[first]), hash: start)
        #endif
    }
}

#if INVARIANTS
    /// A capture and the epoch of its snapshot.
    struct WitnessedCapture {
        let epoch: UInt64
        let table: CapturedTable
    }

    extension SegmentedTable {
        /// Remembers a capture, and forgets those of snapshots that have ended.
        mutating func witness(_ table: CapturedTable) {
            let epoch = memory.pointee.epochs.current
            witnessed.removeAll { memory.pointee.epochs.progress(of: $0.epoch) == nil }
            witnessed.append(WitnessedCapture(epoch: epoch, table: table))
        }

        /// Calls `body` with the address and the depth of each page of `hash` that a live snapshot
        /// captured and has not read to its end.
        @inline(never)
        private func forEachCapturedPage(_ hash: UInt64, _ body: (UInt, UInt64) -> Void) {
            for capture in witnessed {
                let progress = memory.pointee.epochs.progress(of: capture.epoch)
                guard let progress else { continue }
                let table = capture.table
                let bits = UInt64(64 - table.globalDepth)
                let at = table.globalDepth == 0 ? 0 : Int(hash >> bits)
                let word = table.directory[at]
                let depth = Int(word & Segment.depthMask)
                let next = (at >> (table.globalDepth - depth) + 1) << (table.globalDepth - depth)
                let end = next == table.width ? 0 : UInt64(next) << bits
                let position = WalkProgress.position(ordinal: ordinal, end: end)
                if progress.pointee.hasPassed(position) { continue }
                body(word & ~Segment.depthMask, UInt64(depth))
            }
        }

        private static func holds(
            _ page: UInt, _ depth: UInt64, _ hash: UInt64, _ entry: UInt64
        ) -> Bool {
            let home = Self.page(page) + Int(Segment.home(hash, depth)) * 64
            for distance in 0...Segment.longestDisplacement {
                let bucket = bucket(home, plus: distance)
                for index in 0..<Segment.slotsPerBucket
                where slotWord(bucket, index).pointee & Segment.addressMask == entry {
                    return true
                }
            }
            return false
        }
    }
#endif
