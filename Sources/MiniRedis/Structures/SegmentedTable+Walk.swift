// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: everything that goes over all entries: SCAN's steps on the live table, a
// snapshot's walk on captured segments, and the freeing of a table that was taken away.
//
// SCAN. The cursor is the top 48 bits of a hash: all entries below it have been returned. A step
// finds the bucket in whose interval of hashes the cursor lies, returns every entry whose home it
// is, and goes on to the next interval.
//
//     hashes   0 |----b0----|----b1----|--b2--|--b3--| ... 2^64   (deeper segments: narrower)
//                            ^ cursor: b0 is done
//
// Segments that split or merge between two steps change the intervals, but not the order: the
// cursor still separates what was returned from what was not. If it now lies inside a wider bucket,
// that bucket is returned whole, some of it again. An entry that was there from the first step to
// the last one is therefore returned at least once.

/// The segments of a table at one instant. What it points to is not written or freed while its
/// snapshot lives.
struct CapturedTable {
    let directory: UnsafeMutablePointer<UInt>
    let globalDepth: Int
    let ordinal: Int
    let count: Int

    /// The number of words of the directory.
    var width: Int { 1 << globalDepth }

    /// Calls `body` for each entry, in the order of hashes, and `passed` with the hash at which the
    /// next segment starts (0 after the last) when a segment is done; either may stop the walk by
    /// returning false.
    func forEachEntry(
        _ body: (UnsafeMutableRawPointer) -> Bool, passed: (UInt64) -> Bool
    ) {
        var at = 0
        while at < width {
            let word = directory[at]
            guard Self.forEachEntry(word, body) else { return }
            at += 1 << (globalDepth - Int(word & Segment.depthMask))
            let next = at == width ? 0 : UInt64(at) << UInt64(64 - globalDepth)
            guard passed(next) else { return }
        }
    }

    /// The entries of one segment, with their cache lines asked for a bucket ahead.
    private static func forEachEntry(
        _ word: UInt, _ body: (UnsafeMutableRawPointer) -> Bool
    ) -> Bool {
        let words = UnsafePointer<UInt64>(bitPattern: word & ~Segment.depthMask).unsafelyUnwrapped
        for bucket in 0..<Segment.buckets {
            if bucket + 1 < Segment.buckets {
                for slot in 1...Segment.slotsPerBucket {
                    let ahead = words[bucket * 8 + 8 + slot] & Segment.addressMask
                    if let entry = UnsafeRawPointer(bitPattern: UInt(ahead)) { prefetch(entry) }
                }
            }
            for slot in 1...Segment.slotsPerBucket {
                let address = UInt(words[bucket * 8 + slot] & Segment.addressMask)
                guard let entry = UnsafeMutableRawPointer(bitPattern: address) else { continue }
                guard body(entry) else { return false }
            }
        }
        return true
    }
}

/// A table that was taken away and waits to be freed.
struct DetachedTable {
    var directory: UnsafeMutablePointer<UInt>
    var globalDepth: Int
    var epoch: UInt64
    /// Entries that are not freed yet.
    var count: Int
    fileprivate var next = 0
    fileprivate var nextBucket = 0

    /// Gives entries to `body`, which frees them and returns how many blocks that were, until about
    /// `budget` blocks are freed, and frees their segments; true when all is freed. Only when no
    /// live snapshot is older than `epoch`.
    mutating func free(
        atMost budget: Int, heap: UnsafeMutablePointer<Heap>,
        _ body: (UnsafeMutableRawPointer) -> Int
    ) -> Bool {
        var left = budget
        while next < 1 << globalDepth {
            let word = directory[next]
            let page = UnsafeMutableRawPointer(bitPattern: word & ~Segment.depthMask)
                .unsafelyUnwrapped
            let words = page.assumingMemoryBound(to: UInt64.self)
            while nextBucket < Segment.buckets {
                if left <= 0 { return false }
                Self.prefetchEntries(words, ofBucket: nextBucket + Self.bucketsAhead)
                for slot in 1...Segment.slotsPerBucket {
                    let address = UInt(words[nextBucket * 8 + slot] & Segment.addressMask)
                    guard let entry = UnsafeMutableRawPointer(bitPattern: address) else { continue }
                    left -= body(entry)
                    count -= 1
                }
                nextBucket += 1
                left -= 1
            }
            heap.pointee.free(page, Heap.pageBytes)
            next += 1 << (globalDepth - Int(word & Segment.depthMask))
            nextBucket = 0
        }
        heap.pointee.free(directory, MemoryLayout<UInt>.stride << globalDepth)
        return true
    }

    /// How many buckets ahead entries are asked for: whoever frees one reads its length.
    private static let bucketsAhead = 2

    private static func prefetchEntries(
        _ words: UnsafeMutablePointer<UInt64>, ofBucket bucket: Int
    ) {
        guard bucket < Segment.buckets else { return }
        for slot in 1...Segment.slotsPerBucket {
            let address = UInt(words[bucket * 8 + slot] & Segment.addressMask)
            if let entry = UnsafeRawPointer(bitPattern: address) { prefetch(entry) }
        }
    }
}

extension SegmentedTable {
    /// The present segments, for a snapshot that has just begun. The caller frees it with
    /// `release`.
    mutating func capture() -> CapturedTable {
        let copy = UnsafeMutablePointer<UInt>.allocate(capacity: 1 << globalDepth)
        copy.initialize(from: directory, count: 1 << globalDepth)
        let captured = CapturedTable(
            directory: copy, globalDepth: globalDepth, ordinal: ordinal, count: count)
        #if INVARIANTS
            witness(captured)
        #endif
        return captured
    }

    /// Takes everything away at once; the table is empty, and may be used on.
    mutating func detach() -> DetachedTable {
        let detached = DetachedTable(
            directory: directory, globalDepth: globalDepth, epoch: memory.pointee.epochs.current,
            count: count)
        Self.free(memory, info, 1 << globalDepth)
        segmentsOfDepth.update(repeating: 0, count: Segment.deepest + 2)
        (count, globalDepth) = (0, 0)
        directory = Self.allocate(memory, UInt.self, 1)
        info = Self.allocate(memory, SegmentInfo.self, 1)
        startEmpty()
        return detached
    }

    /// Exchanges what two tables with the same hash hold, at once. Each keeps its place in the
    /// order of walks, and its memory: whose blocks they are is the caller's business.
    mutating func exchangeContents(with other: inout SegmentedTable) {
        swap(&directory, &other.directory)
        swap(&directoryStamp, &other.directoryStamp)
        swap(&info, &other.info)
        swap(&globalDepth, &other.globalDepth)
        swap(&segmentsOfDepth, &other.segmentsOfDepth)
        swap(&count, &other.count)
    }

    /// The segments of a nested table as a snapshot sees them; valid as long as the table's fields
    /// are, and never released.
    var view: CapturedTable {
        CapturedTable(
            directory: directory, globalDepth: globalDepth, ordinal: ordinal, count: count)
    }

    /// Takes a nested table apart, whose fields go away with its collection. Nothing is freed but
    /// what no snapshot sees anyway; the rest is freed through what is returned.
    mutating func dismantle() -> DetachedTable {
        Self.free(memory, info, 1 << globalDepth)
        Self.free(memory, segmentsOfDepth, Segment.deepest + 2)
        return DetachedTable(
            directory: directory, globalDepth: globalDepth, epoch: memory.pointee.epochs.current,
            count: count)
    }

    /// One step of SCAN: calls `body` for every entry whose home is the bucket at `cursor`, and
    /// returns the next cursor, 0 at the end. Cursors are the top 48 bits of a hash.
    func scan(_ cursor: UInt64, _ body: (UnsafeMutableRawPointer) -> Void) -> UInt64 {
        let hash = (cursor & 0xFFFF_FFFF_FFFF) << 16
        let depth = UInt64(directory[index(hash)] & Segment.depthMask)
        let home = homeBucket(hash)
        let overflow = Self.overflow(home)
        for distance in 0...Segment.longestDisplacement {
            let bucket = Self.bucket(home, plus: distance)
            for slot in 0..<Segment.slotsPerBucket {
                let word = Self.slotWord(bucket, slot)
                let displacement =
                    (word.pointee & Segment.displacementMask) >> Segment.displacementShift
                if word.pointee != 0 && displacement == distance {
                    body(TableSlot(word: word).entry)
                }
            }
            if overflow == 0 { break }
        }
        let width = UInt64(1) << (58 - depth)
        let next = (hash & ~(width - 1)) &+ width
        return next >> 16
    }
}

extension CapturedTable {
    /// Frees what `capture` allocated.
    func release() {
        directory.deallocate()
    }
}
