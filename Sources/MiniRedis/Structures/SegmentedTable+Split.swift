// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: segments that split and merge, and the directory that doubles and halves with
// them.
//
// Both work on a handful: the slot words and fingerprints of one segment (or two that merge), taken
// out of their buckets. A handful is dealt into a new page; if a bucket and its seven neighbours
// should be full, which only a segment of very uneven hashes can do, it is parted by the next hash
// bit and each half is dealt anew.

/// The slots of a segment, taken out: words without displacement, and their fingerprints.
private struct Handful {
    var words: UnsafeMutablePointer<UInt64>
    var fingerprints: UnsafeMutablePointer<UInt8>
    var count = 0

    /// Takes all slots of `page`, keeping those bits of the words that are in `mask`.
    mutating func take(_ page: UnsafeMutableRawPointer, keeping mask: UInt64) {
        for bucket in 0..<Segment.buckets {
            let base = page + bucket * 64
            for slot in 0..<Segment.slotsPerBucket {
                let word = base.load(fromByteOffset: 8 + slot * 8, as: UInt64.self)
                if word == 0 { continue }
                words[count] = word & mask
                fingerprints[count] = base.load(fromByteOffset: slot, as: UInt8.self)
                count += 1
            }
        }
    }

    /// Room for two segments' slots on the stack while `body` runs.
    static func withRoom<Result>(_ body: (inout Handful) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * Segment.slots) { words in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * Segment.slots) { marks in
                guard let words = words.baseAddress, let marks = marks.baseAddress else {
                    preconditionFailure("a temporary allocation has an address")
                }
                var handful = Handful(words: words, fingerprints: marks)
                return body(&handful)
            }
        }
    }
}

extension SegmentedTable {
    /// Splits the segment at `first`, which must be writable, into two of the next depth.
    @inline(never)
    mutating func split(_ first: Int) {
        checkWritable(segmentAt: first)
        ownDirectory()
        let depth = Int(directory[first] & Segment.depthMask)
        let prefix = UInt64(first >> (globalDepth - depth))
        let page = Self.page(directory[first])
        let stamps = info[first]
        Handful.withRoom { handful in
            handful.take(page, keeping: ~Segment.displacementMask)
            segmentsOfDepth[depth] -= 1
            part(&handful, prefix: prefix, depth: depth, stamps: stamps)
        }
        memory.pointee.heap.pointee.free(page, Heap.pageBytes)
    }

    /// Merges the segment at `first`, which must be writable, with its buddy, if both are small.
    @inline(never)
    mutating func merge(_ first: Int) {
        let depth = Int(directory[first] & Segment.depthMask)
        guard depth > 0 else { return }
        let buddy = first ^ (1 << (globalDepth - depth))
        guard Int(directory[buddy] & Segment.depthMask) == depth,
            info[first].count + info[buddy].count <= Segment.mergedAtMost
        else { return }
        let pages = (Self.page(directory[first]), Self.page(directory[buddy]))
        let buddyIsProtected = isProtected(buddy)
        checkWritable(segmentAt: first)
        if !buddyIsProtected { checkWritable(segmentAt: buddy) }
        let buddyIsOlder = info[buddy].stamp < memory.pointee.epochs.newestLive
        ownDirectory()
        var stamps = info[first]
        stamps.stamp = memory.pointee.epochs.current
        stamps.entriesStamp = min(stamps.entriesStamp, info[buddy].entriesStamp)
        let prefix = UInt64(first >> (globalDepth - depth)) >> 1
        let merged = Handful.withRoom { handful in
            handful.take(pages.0, keeping: ~Segment.displacementMask)
            let stale = buddyIsOlder ? Segment.freshBit : 0
            handful.take(pages.1, keeping: ~(Segment.displacementMask | stale))
            return deal(handful, prefix: prefix, depth: depth - 1, stamps: stamps)
        }
        guard merged else { return }
        segmentsOfDepth[depth] -= 2
        memory.pointee.heap.pointee.free(pages.0, Heap.pageBytes)
        if buddyIsProtected {
            memory.pointee.retire(pages.1, bytes: Heap.pageBytes)
        } else {
            memory.pointee.heap.pointee.free(pages.1, Heap.pageBytes)
        }
        while globalDepth > 0 && segmentsOfDepth[globalDepth] == 0 { halveDirectory() }
    }

    // MARK: - Handfuls

    /// Parts a handful by hash bit `depth` and deals each half into a segment of the next depth.
    private mutating func part(
        _ handful: inout Handful, prefix: UInt64, depth: Int, stamps: SegmentInfo
    ) {
        precondition(depth < Segment.deepest, "more than 2^42 segments")
        if depth == globalDepth { doubleDirectory() }
        var zeros = 0
        for at in 0..<handful.count where bits(handful, at, from: depth) >> 63 == 0 {
            swap(&handful.words[at], &handful.words[zeros])
            swap(&handful.fingerprints[at], &handful.fingerprints[zeros])
            zeros += 1
        }
        for (side, range) in [(UInt64(0), 0..<zeros), (1, zeros..<handful.count)] {
            var half = Handful(
                words: handful.words + range.lowerBound,
                fingerprints: handful.fingerprints + range.lowerBound, count: range.count)
            let prefix = prefix << 1 | side
            if !deal(half, prefix: prefix, depth: depth + 1, stamps: stamps) {
                part(&half, prefix: prefix, depth: depth + 1, stamps: stamps)
            }
        }
    }

    /// Deals a handful into a new segment and puts it into the directory; false, and nothing
    /// changed, if a neighbourhood of buckets is too small for it.
    private mutating func deal(
        _ handful: Handful, prefix: UInt64, depth: Int, stamps: SegmentInfo
    ) -> Bool {
        let page = memory.pointee.heap.pointee.allocatePage()
        for at in 0..<handful.count {
            let home = Int(bits(handful, at, from: depth) >> 58)
            let mark = UInt64(handful.fingerprints[at])
            if !Self.place(page + home * 64, mark, handful.words[at]) {
                memory.pointee.heap.pointee.free(page, Heap.pageBytes)
                return false
            }
        }
        let width = 1 << (globalDepth - depth)
        let first = Int(prefix) * width
        for at in first..<first + width { directory[at] = UInt(bitPattern: page) | UInt(depth) }
        info[first] = stamps
        info[first].count = handful.count
        segmentsOfDepth[depth] += 1
        return true
    }

    /// The hash of a slot from bit `depth` on, at the top of a word; at least seven bits of it are
    /// right.
    private func bits(_ handful: Handful, _ at: Int, from depth: Int) -> UInt64 {
        let word = handful.words[at]
        if depth >= 8 && depth <= 17 { return (word >> Segment.tagShift) << UInt64(40 + depth) }
        return hash(ofSlotWord: word) << UInt64(depth)
    }

    /// The hash of a slot's entry, from its key.
    func hash(ofSlotWord word: UInt64) -> UInt64 {
        let entry = UnsafeMutableRawPointer(bitPattern: UInt(word & Segment.addressMask))
        return hasher.hash(Layout.key(of: entry.unsafelyUnwrapped))
    }

    // MARK: - Directory

    private mutating func doubleDirectory() {
        resizeDirectory(to: globalDepth + 1) { $0 >> 1 }
    }

    private mutating func halveDirectory() {
        resizeDirectory(to: globalDepth - 1) { $0 << 1 }
    }

    /// Makes a directory of another depth whose word i is the present word `source(i)`.
    private mutating func resizeDirectory(to depth: Int, _ source: (Int) -> Int) {
        let words = Self.allocate(memory, UInt.self, 1 << depth)
        let infos = Self.allocate(memory, SegmentInfo.self, 1 << depth)
        for at in 0..<(1 << depth) {
            words[at] = directory[source(at)]
            infos[at] = info[source(at)]
        }
        discardDirectory()
        Self.free(memory, info, 1 << globalDepth)
        (directory, info, globalDepth) = (words, infos, depth)
    }

    /// Makes the directory of a nested table writable: a copy takes its place if snapshots see it.
    @inline(__always)
    mutating func ownDirectory() {
        if ordinal == Self.nestedOrdinal && !memory.pointee.isWritable(stamp: directoryStamp) {
            copyDirectory()
        }
    }

    @inline(never)
    private mutating func copyDirectory() {
        let copy = Self.allocate(memory, UInt.self, 1 << globalDepth)
        copy.update(from: directory, count: 1 << globalDepth)
        discardDirectory()
        directory = copy
    }

    /// Frees the directory, or keeps it for the snapshots that see it; the next one is the loop's
    /// own.
    private mutating func discardDirectory() {
        let bytes = MemoryLayout<UInt>.stride << globalDepth
        if ordinal == Self.nestedOrdinal && !memory.pointee.isWritable(stamp: directoryStamp) {
            memory.pointee.retire(directory, bytes: bytes)
        } else {
            memory.pointee.heap.pointee.free(directory, bytes)
        }
        directoryStamp = memory.pointee.epochs.current
    }
}
