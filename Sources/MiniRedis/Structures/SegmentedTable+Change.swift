// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: changes of single slots, and the snapshot rule that precedes each.

extension SegmentedTable {
    /// Adds an entry whose key is not in the table. The table points to it from now on.
    mutating func insert(_ entry: UnsafeMutableRawPointer, hash: UInt64) {
        assert(UInt64(UInt(bitPattern: entry)) & ~Segment.addressMask == 0)
        while true {
            let first = writableSegment(hash)
            checkWritable(segmentAt: first)
            if info[first].count <= Segment.splitAbove,
                Self.place(
                    homeBucket(hash), Segment.fingerprint(hash),
                    Segment.tag(hash) << Segment.tagShift | UInt64(UInt(bitPattern: entry))
                        | Segment.freshBit)
            {
                info[first].count += 1
                count += 1
                return
            }
            split(first)
        }
    }

    /// Takes the entry of `slot` out of the table; the caller owns it again, unless a snapshot sees
    /// it (ask `isPrivate` first). Slots are not valid after it.
    mutating func remove(_ slot: TableSlot, hash: UInt64) {
        let first = writableSegment(hash)
        let word = writable(slot, hash).word
        checkWritable(pageAt: word, hash: hash)
        let displacement =
            (word.pointee & Segment.displacementMask) >> Segment.displacementShift
        let address = UInt(bitPattern: word)
        let bucket = UnsafeMutableRawPointer(bitPattern: address & ~63).unsafelyUnwrapped
        let index = Int(address & 63) / 8 - 1
        bucket.storeBytes(of: 0, toByteOffset: index, as: UInt8.self)
        word.pointee = 0
        if displacement != 0 {
            let home = Self.bucket(bucket, plus: 64 &- displacement)
            let overflow = home.load(fromByteOffset: 7, as: UInt8.self)
            home.storeBytes(of: overflow - 1, toByteOffset: 7, as: UInt8.self)
        }
        info[first].count -= 1
        count -= 1
        if info[first].count < Segment.mergeBelow && globalDepth > 0 { merge(first) }
    }

    /// Puts another entry, with the same key, into `slot`. What `remove` says of the old entry
    /// holds here too.
    @inline(__always)
    mutating func replace(
        _ slot: TableSlot, hash: UInt64, with entry: UnsafeMutableRawPointer
    ) {
        let word = writable(slot, hash).word
        checkWritable(pageAt: word, hash: hash)
        word.pointee =
            word.pointee & ~Segment.addressMask | UInt64(UInt(bitPattern: entry))
            | Segment.freshBit
    }

    /// Whether no live snapshot sees the entry of `slot`: it may be written, and freed at once.
    @inline(__always)
    func isPrivate(_ slot: TableSlot, hash: UInt64) -> Bool {
        memory.pointee.isQuiet || isPrivateDuringSnapshot(slot, hash)
    }

    @inline(never)
    private func isPrivateDuringSnapshot(_ slot: TableSlot, _ hash: UInt64) -> Bool {
        let first = firstIndex(hash)
        let segment = info[first]
        let newest = memory.pointee.epochs.newestLive
        if segment.entriesStamp >= newest { return true }
        if segment.stamp >= newest && slot.word.pointee & Segment.freshBit != 0 { return true }
        return memory.pointee.epochs.hasPassed(ordinal: ordinal, end: end(ofIndex: first))
    }

    // MARK: - The snapshot rule

    /// The slot, in a segment that may be written.
    @inline(__always)
    mutating func writable(_ slot: TableSlot, _ hash: UInt64) -> TableSlot {
        if memory.pointee.isQuiet { return slot }
        _ = writableSegment(hash)
        let offset = Int(UInt(bitPattern: slot.word) & 4095)
        let page = Self.page(directory[index(hash)])
        return TableSlot(word: (page + offset).assumingMemoryBound(to: UInt64.self))
    }

    /// Makes the segment of `hash` writable and returns its first index.
    @inline(__always)
    mutating func writableSegment(_ hash: UInt64) -> Int {
        let first = firstIndex(hash)
        if !memory.pointee.isQuiet && info[first].stamp < memory.pointee.epochs.newestLive {
            copySegment(first)
        }
        return first
    }

    /// Whether live snapshots may see the page of the segment at `first`.
    func isProtected(_ first: Int) -> Bool {
        !memory.pointee.isQuiet && info[first].stamp < memory.pointee.epochs.newestLive
            && !memory.pointee.epochs.hasPassed(ordinal: ordinal, end: end(ofIndex: first))
    }

    /// Replaces a segment that a snapshot sees by a copy of its own, or takes it over where every
    /// walk has passed.
    @inline(never)
    private mutating func copySegment(_ first: Int) {
        let current = memory.pointee.epochs.current
        guard isProtected(first) else {
            info[first].stamp = current
            info[first].entriesStamp = current
            return
        }
        ownDirectory()
        let old = Self.page(directory[first])
        let copy = memory.pointee.heap.pointee.allocatePage()
        let words = copy.assumingMemoryBound(to: UInt64.self)
        copy.copyMemory(from: old, byteCount: Heap.pageBytes)
        for bucket in 0..<Segment.buckets {
            for slot in 1...Segment.slotsPerBucket {
                words[bucket * 8 + slot] &= ~Segment.freshBit
            }
        }
        memory.pointee.retire(old, bytes: Heap.pageBytes)
        let depth = directory[first] & Segment.depthMask
        for at in first..<(first + 1 << (globalDepth - Int(depth))) {
            directory[at] = UInt(bitPattern: copy) | depth
        }
        info[first].stamp = current
    }

    // MARK: - Inside a segment

    /// Puts a slot word (without displacement) into the home bucket or one of the seven after it;
    /// false if they are full.
    @inline(__always)
    static func place(
        _ home: UnsafeMutableRawPointer, _ fingerprint: UInt64, _ word: UInt64
    ) -> Bool {
        let free = matches(home, 0)
        if free != 0 {
            put(home, free.trailingZeroBitCount &>> 3, fingerprint, word)
            return true
        }
        return placeFurther(home, fingerprint, word)
    }

    @inline(never)
    private static func placeFurther(
        _ home: UnsafeMutableRawPointer, _ fingerprint: UInt64, _ word: UInt64
    ) -> Bool {
        for distance in 1...Segment.longestDisplacement {
            let further = bucket(home, plus: distance)
            let free = matches(further, 0)
            if free == 0 { continue }
            put(
                further, free.trailingZeroBitCount &>> 3, fingerprint,
                word | distance << Segment.displacementShift)
            let overflow = home.load(fromByteOffset: 7, as: UInt8.self)
            home.storeBytes(of: overflow + 1, toByteOffset: 7, as: UInt8.self)
            return true
        }
        return false
    }

    @inline(__always)
    private static func put(
        _ bucket: UnsafeMutableRawPointer, _ index: Int, _ fingerprint: UInt64, _ word: UInt64
    ) {
        bucket.storeBytes(
            of: UInt8(truncatingIfNeeded: fingerprint), toByteOffset: index, as: UInt8.self)
        slotWord(bucket, index).pointee = word
    }
}
