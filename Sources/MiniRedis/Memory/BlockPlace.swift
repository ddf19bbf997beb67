// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks that the snapshot rule is applied to one by one, and the places that point to them.
//
//     an entry, a root or a parent node                a block
//     [ ... | address : 64 | ... ]  -------------->    [ stamp : 40 | owner's bytes ... ]
//      ^ the place: may be written                       ^ the epoch since which it is the loop's
//
// A block stamped before the newest live snapshot is never written. Whoever wants to write it holds
// the place that points to it, which is writable already (the one above it went first), and asks
// for a writable block: it is the same one, or a copy that has taken its place, the old one waiting
// in the graveyard. So a change walks down from the entry and copies, once per snapshot, what is on
// its path.
//
// Limits: an epoch has 40 bits here, 34 years of a thousand snapshots a second.

/// The first five bytes of every such block.
enum BlockStamp {
    static let bytes = 5
    private static let mask: UInt64 = 0xFF_FFFF_FFFF

    /// The epoch since which the block is the loop's own. Reads eight bytes.
    @inline(__always)
    static func read(_ base: UnsafeRawPointer) -> UInt64 {
        base.loadUnaligned(as: UInt64.self) & mask
    }

    /// Writes the stamp and leaves the three bytes behind it as they are.
    @inline(__always)
    static func write(_ stamp: UInt64, to base: UnsafeMutableRawPointer) {
        let rest = base.loadUnaligned(as: UInt64.self) & ~mask
        base.storeBytes(of: rest | stamp & mask, as: UInt64.self)
    }
}

extension Memory {
    /// Whether no live snapshot sees a block of this stamp.
    @inline(__always)
    func isWritable(stamp: UInt64) -> Bool { stamp >= epochs.newestLive }

    /// Whether no live snapshot sees the stamped block at `base`.
    @inline(__always)
    func isWritable(_ base: UnsafeRawPointer) -> Bool {
        isQuiet || isWritable(stamp: BlockStamp.read(base))
    }

    /// Frees a stamped block of `bytes`, or keeps it for the snapshots that see it.
    @inline(__always)
    mutating func discard(_ base: UnsafeMutableRawPointer, bytes: Int) {
        if isWritable(base) {
            heap.pointee.free(base, bytes)
        } else {
            retire(base, bytes: bytes)
        }
    }
}

/// Where the address of a stamped block is kept, in memory that may be written. Owns nothing; valid
/// as long as the memory around it stays.
struct BlockPlace {
    /// Eight bytes, not necessarily aligned.
    let word: UnsafeMutableRawPointer
    let memory: UnsafeMutablePointer<Memory>

    @inline(__always)
    init(_ word: UnsafeMutableRawPointer, memory: UnsafeMutablePointer<Memory>) {
        self.word = word
        self.memory = memory
    }

    /// The block. Setting it frees nothing.
    var base: UnsafeMutableRawPointer {
        @inline(__always) get {
            UnsafeMutableRawPointer(bitPattern: word.loadUnaligned(as: UInt.self)).unsafelyUnwrapped
        }
        @inline(__always) nonmutating set {
            word.storeBytes(of: UInt(bitPattern: newValue), as: UInt.self)
        }
    }

    var heap: UnsafeMutablePointer<Heap> {
        @inline(__always) get { memory.pointee.heap }
    }

    /// The block, of `bytes`, to be written: if a snapshot sees it, a copy takes its place first.
    @inline(__always)
    func writable(bytes: Int) -> UnsafeMutableRawPointer {
        let old = base
        if memory.pointee.isWritable(old) { return old }
        return copied(old, bytes, to: bytes)
    }

    /// The block, of `oldBytes`, to be written, with room for `newBytes`; its first bytes, as many
    /// as both sizes have, are kept.
    @inline(__always)
    func resized(from oldBytes: Int, to newBytes: Int) -> UnsafeMutableRawPointer {
        let old = base
        guard memory.pointee.isWritable(old) else { return copied(old, oldBytes, to: newBytes) }
        if Heap.sizeClass(oldBytes) == Heap.sizeClass(newBytes) { return old }
        let new = heap.pointee.reallocate(old, from: oldBytes, to: newBytes)
        base = new
        return new
    }

    @inline(never)
    private func copied(
        _ old: UnsafeMutableRawPointer, _ oldBytes: Int, to newBytes: Int
    ) -> UnsafeMutableRawPointer {
        let new = heap.pointee.allocate(newBytes)
        new.copyMemory(from: old, byteCount: min(oldBytes, newBytes))
        BlockStamp.write(memory.pointee.epochs.current, to: new)
        memory.pointee.retire(old, bytes: oldBytes)
        base = new
        return new
    }
}

extension BlockPlace {
    /// A place outside of any other block while `body` runs, that points to the block `base`;
    /// returns the block that it points to then, which is the caller's.
    @inline(__always)
    static func withBlock(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>,
        _ body: (BlockPlace) -> Void
    ) -> UnsafeMutableRawPointer {
        withUnsafeTemporaryAllocation(of: UInt.self, capacity: 1) { word in
            let place = BlockPlace(
                UnsafeMutableRawPointer(word.baseAddress.unsafelyUnwrapped), memory: memory)
            place.base = base
            body(place)
            return place.base
        }
    }
}
