// SPDX-License-Identifier: BSD-3-Clause
//
// SegmentedTable: a hash table that is never rehashed.
//
// Idea. Extendible hashing over pages of 64 buckets of one cache line. A directory, indexed by the
// top bits of the hash, names the page (segment) of each prefix. A segment that is full splits
// alone into two of twice the depth: no operation ever does more work than one segment's, at any
// size of the table. Fewer elements merge segments again.
//
//     hash      [ directory: d bits ][ bucket: 6 ] ... [ tag: bits 40-55 ] ... [ mark: bits 0-7 ]
//     directory [ segment address : 52 ][ local depth d : 12 ]
//     bucket    [ m0 m1 m2 m3 m4 m5 m6 | v ][ slot 0 ] ... [ slot 6 ]    64 bytes; v: overflowed
//     slot      [ tag : 16 ][ entry address / 16 : 44 ][ displacement : 3 ][ fresh : 1 ]  0: empty
//
// A lookup reads one bucket and, if its mark (the fingerprint) and tag agree (24 bits), the entry:
// two cache misses, and a miss that is not there costs one. The bucket comes from the six hash bits
// after the segment's prefix, so homes are in the order of hashes, whatever the depths (an entry
// may lie up to seven buckets behind its home). SCAN rests on it: its cursor is a hash, and means
// "all below have been returned", before and after any split or merge.
//
// A full bucket overflows to one of the next seven; the slot says how far it is from home, and the
// home bucket counts its emigrants, so a lookup looks further only where something overflowed.
//
// Splitting needs the next hash bits of every entry. For 2^8 to 2^17 segments they lie in the tag,
// and no entry is touched; below and above, the key is hashed again.
//
// Snapshots. A segment stamped before the newest live snapshot is copied before it is written, once
// per snapshot, and not at all where every walk has passed. An entry needs no stamp of its own: its
// slot is `fresh` if it was put there after its segment was stamped, and copying a segment clears
// the bits. So
//     segment may be written:  stamp >= newestLive
//     entry may be written:    entriesStamp >= newestLive, or
//                              segment may be written and slot is fresh
// where `entriesStamp` is the stamp below which no entry of the segment is known to be (set when a
// walk has passed). Without a live snapshot all of it is one comparison with zero.
//
// Nested tables. A collection's elements are a table too, of which no snapshot captures the
// directory: it is copied, once per snapshot, before its first word changes, as every stamped block
// is. The fields of the table itself are in the collection's root, which is copied likewise. Where
// a walk stands says nothing of a nested table (its collection may have moved to another key), so
// its ordinal is one that no walk passes.
//
// Limits. A snapshot copies the directory at its start and a doubling copies it too: 8 bytes (32
// for a doubling) for each 250 entries, 30 us for ten million. Addresses must fit in 48 bits and be
// aligned to 16. The depth is at most 42: 57 keys that share 48 hash bits would end the process for
// lack of memory; with a secret seed nobody finds them.

/// How the table reads the entries that it points to.
protocol TableLayout {
    /// The key in an entry; must not change while the entry is in the table.
    static func key(of entry: UnsafeMutableRawPointer) -> ByteView
}

/// The shape of segments, buckets and slot words.
enum Segment {
    static let bucketBits = 6
    static let buckets = 1 << bucketBits
    static let slotsPerBucket = 7
    static let slots = buckets * slotsPerBucket
    /// A segment with more entries than this splits before the next one comes: 85 % of its slots.
    static let splitAbove = 380
    /// A segment with fewer entries than this looks for its buddy, and merges if the two fill less
    /// than half.
    static let mergeBelow = 88
    static let mergedAtMost = 210
    static let longestDisplacement: UInt64 = 7

    static let freshBit: UInt64 = 1
    static let displacementShift: UInt64 = 1
    static let displacementMask: UInt64 = 7 << 1
    static let addressMask: UInt64 = 0x0000_FFFF_FFFF_FFF0
    static let tagShift: UInt64 = 48
    static let fingerprintBytes: UInt64 = 0x00FF_FFFF_FFFF_FFFF

    static let depthMask: UInt = 0xFFF
    static let deepest = 42

    @inline(__always)
    static func tag(_ hash: UInt64) -> UInt64 { (hash >> 40) & 0xFFFF }

    /// The low byte of the hash, never 0: that is an empty slot's.
    @inline(__always)
    static func fingerprint(_ hash: UInt64) -> UInt64 {
        let byte = hash & 0xFF
        return byte == 0 ? 1 : byte
    }

    /// The home bucket of `hash` in a segment of local depth `depth`.
    @inline(__always)
    static func home(_ hash: UInt64, _ depth: UInt64) -> UInt64 { (hash &<< depth) &>> 58 }
}

/// What the loop knows of a segment: kept beside the directory, at the segment's first index, so
/// that a segment is a page and nothing else.
struct SegmentInfo {
    /// The epoch since which this page is the loop's own.
    var stamp: UInt64
    /// No entry of the segment is visible to a snapshot of an epoch up to this one, fresh or not.
    var entriesStamp: UInt64
    var count: Int
}

/// Where an entry's address is kept. Valid until the table changes.
struct TableSlot {
    let word: UnsafeMutablePointer<UInt64>

    /// The entry; owned by the table's owner.
    @inline(__always)
    var entry: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: UInt(word.pointee & Segment.addressMask))
            .unsafelyUnwrapped
    }
}

/// A hash table of entries that somebody else allocates, lays out and frees.
///
/// Ownership: the table owns its segments and its directory, not the entries. It must be emptied
/// with `detach` before it goes away.
struct SegmentedTable<Layout: TableLayout>: ~Copyable {
    /// The ordinal of tables inside of collections: no walk comes so far.
    static var nestedOrdinal: Int { 0xFFFE }

    /// For each prefix of `globalDepth` bits: the segment's address and local depth.
    var directory: UnsafeMutablePointer<UInt>
    /// The epoch since which a nested table's directory is the loop's own.
    var directoryStamp: UInt64
    var info: UnsafeMutablePointer<SegmentInfo>
    var globalDepth: Int
    /// How many segments there are of each local depth.
    var segmentsOfDepth: UnsafeMutablePointer<UInt32>
    var count: Int
    /// The place of this table in the order in which a snapshot walks.
    let ordinal: Int
    let hasher: KeyHash
    /// Changes for a nested table alone: see `ElementTable.settle`.
    var memory: UnsafeMutablePointer<Memory>
    #if INVARIANTS
        /// What live snapshots captured of this table: see `SegmentedTable+Witness`.
        var witnessed: [WitnessedCapture] = []
    #endif

    /// An empty table; one page until it grows.
    init(ordinal: Int, hasher: KeyHash, memory: UnsafeMutablePointer<Memory>) {
        self.ordinal = ordinal
        self.hasher = hasher
        self.memory = memory
        count = 0
        globalDepth = 0
        directoryStamp = memory.pointee.epochs.current
        segmentsOfDepth = Self.allocate(memory, UInt32.self, Segment.deepest + 2)
        segmentsOfDepth.initialize(repeating: 0, count: Segment.deepest + 2)
        directory = Self.allocate(memory, UInt.self, 1)
        info = Self.allocate(memory, SegmentInfo.self, 1)
        startEmpty()
    }

    deinit {
        assert(count == 0, "a table is detached before it goes away")
        var at = 0
        while at < 1 << globalDepth {
            let word = directory[at]
            memory.pointee.heap.pointee.free(Self.page(word), Heap.pageBytes)
            at += 1 << (globalDepth - Int(word & Segment.depthMask))
        }
        Self.free(memory, directory, 1 << globalDepth)
        Self.free(memory, info, 1 << globalDepth)
        Self.free(memory, segmentsOfDepth, Segment.deepest + 2)
    }

    /// Puts one empty segment of depth 0 into a directory of one word.
    mutating func startEmpty() {
        let page = memory.pointee.heap.pointee.allocatePage()
        let stamp = memory.pointee.epochs.current
        directory[0] = UInt(bitPattern: page)
        info[0] = SegmentInfo(stamp: stamp, entriesStamp: stamp, count: 0)
        segmentsOfDepth[0] = 1
    }

    /// Bytes of segments and directory, as allocated.
    var byteCount: Int {
        var segments = 0
        for depth in 0...globalDepth { segments += Int(segmentsOfDepth[depth]) }
        return segments * Heap.pageBytes
            + Heap.sizeClass(8 << globalDepth)
            + Heap.sizeClass(MemoryLayout<SegmentInfo>.stride << globalDepth)
            + Heap.sizeClass(MemoryLayout<UInt32>.stride * (Segment.deepest + 2))
    }

    static func allocate<T>(
        _ memory: UnsafeMutablePointer<Memory>, _ type: T.Type, _ count: Int
    ) -> UnsafeMutablePointer<T> {
        memory.pointee.heap.pointee.allocate(count * MemoryLayout<T>.stride)
            .bindMemory(to: type, capacity: count)
    }

    static func free<T>(
        _ memory: UnsafeMutablePointer<Memory>, _ block: UnsafeMutablePointer<T>, _ count: Int
    ) {
        memory.pointee.heap.pointee.free(block, count * MemoryLayout<T>.stride)
    }

    // MARK: - Places

    /// The directory index of `hash`. (Two shifts: one of 64 is not defined.)
    @inline(__always)
    func index(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: (hash &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- globalDepth))
    }

    /// The first directory index of the segment that `hash` belongs to, where its `info` is.
    @inline(__always)
    func firstIndex(_ hash: UInt64) -> Int {
        let at = index(hash)
        let depth = Int(directory[at] & Segment.depthMask)
        return at & ~((1 << (globalDepth - depth)) - 1)
    }

    @inline(__always)
    static func page(_ word: UInt) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(bitPattern: word & ~Segment.depthMask).unsafelyUnwrapped
    }

    /// The first hash behind the segment with the first index `at`, 0 for the last segment.
    func end(ofIndex at: Int) -> UInt64 {
        let next = at + 1 << (globalDepth - Int(directory[at] & Segment.depthMask))
        return next >> globalDepth == 1 ? 0 : UInt64(next) << UInt64(64 - globalDepth)
    }
}
