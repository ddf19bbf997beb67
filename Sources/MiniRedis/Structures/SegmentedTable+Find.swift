// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: lookups and the hints that precede them.

extension SegmentedTable {
    /// The address of the home bucket of `hash`.
    @inline(__always)
    func homeBucket(_ hash: UInt64) -> UnsafeMutableRawPointer {
        let word = directory[index(hash)]
        let home = Segment.home(hash, UInt64(word & Segment.depthMask))
        return Self.page(word) + Int(truncatingIfNeeded: home &<< 6)
    }

    /// Asks for the bucket that `find` will read first.
    @inline(__always)
    func prefetchBucket(_ hash: UInt64) {
        prefetch(homeBucket(hash))
    }

    /// Asks for the entry that `find` will read first, if the bucket (which should have been asked
    /// for) names one.
    @inline(__always)
    func prefetchEntry(_ hash: UInt64) {
        let bucket = homeBucket(hash)
        let matches = Self.matches(bucket, Segment.fingerprint(hash))
        guard matches != 0 else { return }
        let word = Self.slotWord(bucket, matches.trailingZeroBitCount &>> 3).pointee
        let entry = UnsafeRawPointer(bitPattern: UInt(word & Segment.addressMask))
        prefetch(entry.unsafelyUnwrapped)
        prefetch(entry.unsafelyUnwrapped + 64)
    }

    /// The entry in the home bucket that agrees with `hash` in 24 bits of it, the first if there
    /// are several: most often the one, but nobody has compared keys.
    @inline(__always)
    func likelyEntry(_ hash: UInt64) -> UnsafeMutableRawPointer? {
        let bucket = homeBucket(hash)
        let matches = Self.matches(bucket, Segment.fingerprint(hash))
        guard matches != 0 else { return nil }
        let slot = TableSlot(word: Self.slotWord(bucket, matches.trailingZeroBitCount &>> 3))
        return slot.word.pointee >> Segment.tagShift == Segment.tag(hash) ? slot.entry : nil
    }

    /// The slot of `key`, whose hash is `hash`, or nil.
    @inline(__always)
    func find(_ hash: UInt64, _ key: ByteView) -> TableSlot? {
        let bucket = homeBucket(hash)
        if let slot = Self.findHere(bucket, hash, key) { return slot }
        if Self.overflow(bucket) == 0 { return nil }
        return findOverflowed(bucket, hash, key)
    }

    @inline(never)
    func findOverflowed(
        _ bucket: UnsafeMutableRawPointer, _ hash: UInt64, _ key: ByteView
    ) -> TableSlot? {
        for distance in 1...Segment.longestDisplacement {
            if let slot = Self.findHere(Self.bucket(bucket, plus: distance), hash, key) {
                return slot
            }
        }
        return nil
    }

    /// The first slot of an entry whose hash starts with the 32 bits `prefix` and for which
    /// `accepts` holds.
    ///
    /// Exact as long as directory and bucket bits do not pass 32: 2^26 segments, some ten thousand
    /// million entries.
    func find(prefix: UInt32, where accepts: (UnsafeMutableRawPointer) -> Bool) -> TableSlot? {
        let hash = UInt64(prefix) << 32
        let home = homeBucket(hash)
        let tag = Segment.tag(hash)
        for distance in 0...Segment.longestDisplacement {
            let bucket = Self.bucket(home, plus: distance)
            for index in 0..<Segment.slotsPerBucket {
                let slot = TableSlot(word: Self.slotWord(bucket, index))
                let word = slot.word.pointee
                guard word != 0, word >> Segment.tagShift == tag,
                    (word & Segment.displacementMask) >> Segment.displacementShift == distance,
                    accepts(slot.entry)
                else { continue }
                return slot
            }
            if Self.overflow(home) == 0 { break }
        }
        return nil
    }

    // MARK: - Inside a bucket

    /// A word whose byte i has its high bit set where fingerprint i equals `fingerprint`.
    @inline(__always)
    static func matches(_ bucket: UnsafeMutableRawPointer, _ fingerprint: UInt64) -> UInt64 {
        let differing =
            bucket.load(as: UInt64.self) ^ (fingerprint &* 0x0001_0101_0101_0101)
        // The exact form: the shorter one has false hits above a true one.
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~(((differing & low) &+ low) | differing | low) & Segment.fingerprintBytes
    }

    @inline(__always)
    static func overflow(_ bucket: UnsafeMutableRawPointer) -> UInt64 {
        bucket.load(as: UInt64.self) >> 56
    }

    @inline(__always)
    static func slotWord(
        _ bucket: UnsafeMutableRawPointer, _ index: Int
    ) -> UnsafeMutablePointer<UInt64> {
        (bucket + (8 &+ index &* 8)).assumingMemoryBound(to: UInt64.self)
    }

    /// The bucket `distance` further on in the same page, around its end.
    @inline(__always)
    static func bucket(
        _ bucket: UnsafeMutableRawPointer, plus distance: UInt64
    ) -> UnsafeMutableRawPointer {
        let address = UInt(bitPattern: bucket)
        let moved = (address &+ UInt(distance) &* 64) & 4095
        return UnsafeMutableRawPointer(bitPattern: address & ~4095 | moved).unsafelyUnwrapped
    }

    @inline(__always)
    static func findHere(
        _ bucket: UnsafeMutableRawPointer, _ hash: UInt64, _ key: ByteView
    ) -> TableSlot? {
        var found = matches(bucket, Segment.fingerprint(hash))
        while found != 0 {
            let slot = TableSlot(word: slotWord(bucket, found.trailingZeroBitCount &>> 3))
            if slot.word.pointee >> Segment.tagShift == Segment.tag(hash),
                Layout.key(of: slot.entry) == key
            {
                return slot
            }
            found &= found &- 1
        }
        return nil
    }
}
