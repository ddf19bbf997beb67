// SPDX-License-Identifier: BSD-3-Clause
//
// The allocator's face.
//
// Everything the keyspace keeps is allocated and freed here, with sizes that are known at both
// ends: no header is searched for a size when a block is freed, and the bytes in use are an
// addition, exact at any moment. The allocator behind it is jemalloc (every malloc of the process
// goes to it); builds for the sanitizers use the C library's.
//
// A block's real size is its size class. Whoever overwrites a block in place may use all of it, and
// two sizes of one class are the same block: `sizeClass` says so without asking the allocator.
//
// Limits: one heap serves one thread, the loop, or the thread that fills a keyspace which the loop
// will adopt. A background job allocates with malloc and accounts for itself.

import Glibc

#if JEMALLOC
    import CJemalloc
#endif

/// Sized allocation for one thread, and the count of bytes that it holds.
struct Heap: ~Copyable {
    /// Bytes in use, as the allocator rounds them.
    private(set) var allocatedBytes = 0
    /// Bytes of referenced blocks that no entry of a table holds: on the way from or to a client,
    /// or kept for a snapshot alone.
    var idleBlockBytes = 0
    /// Of those, the ones that only entries in the graveyard refer to.
    var retainedBlockBytes = 0

    /// The size of a memory page as the table uses it for a segment.
    static let pageBytes = 4096

    /// The bytes that a request for `bytes` really takes: jemalloc's size classes with a quantum of
    /// 16 (a test holds this equal to `nallocx`): multiples of 16 up to 128, then four classes to
    /// each doubling. jemalloc's smallest class, of 8 bytes, is not used: blocks are aligned to 16.
    @inline(__always)
    static func sizeClass(_ bytes: Int) -> Int {
        if bytes <= 128 { return (bytes + 15) & ~15 }
        let logarithm = Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount
        let step = 1 << (logarithm - 2)
        return (bytes + step - 1) & ~(step - 1)
    }

    /// The size of the block that the allocator gives for `bytes`, or nil if it does not tell: for
    /// tests.
    static func allocatorSizeClass(_ bytes: Int) -> Int? {
        #if JEMALLOC
            return nallocx(bytes, 0)
        #else
            return nil
        #endif
    }

    /// Blocks of `bytes` in all, as rounded, change hands: `self` counts them from now on.
    mutating func takeOver(_ bytes: Int, from other: inout Heap) {
        allocatedBytes += bytes
        other.allocatedBytes -= bytes
    }

    /// Memory of at least `bytes` (more than zero), aligned to 16, uninitialised. The caller owns
    /// it until `free`.
    @inline(__always)
    mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        let size = Heap.sizeClass(bytes)
        guard let block = malloc(size) else { Heap.outOfMemory(size) }
        allocatedBytes += size
        return block
    }

    /// Returns a block that `allocate` gave for the same number of bytes (or one of the same size
    /// class).
    @inline(__always)
    mutating func free(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
        let size = Heap.sizeClass(bytes)
        allocatedBytes -= size
        #if JEMALLOC
            sdallocx(block, size, 0)
        #else
            Glibc.free(block)
        #endif
    }

    /// A page of `pageBytes`, aligned to its size and zero-filled. Freed with `free(_:_:)`.
    mutating func allocatePage() -> UnsafeMutableRawPointer {
        guard let page = aligned_alloc(Heap.pageBytes, Heap.pageBytes) else {
            Heap.outOfMemory(Heap.pageBytes)
        }
        allocatedBytes += Heap.pageBytes
        memset(page, 0, Heap.pageBytes)
        return page
    }

    /// Zero-filled memory as `allocate` gives it. The kernel fills large blocks page by page, when
    /// they are used.
    mutating func allocateZeroed(_ bytes: Int) -> UnsafeMutableRawPointer {
        let size = Heap.sizeClass(bytes)
        guard let block = calloc(1, size) else { Heap.outOfMemory(size) }
        allocatedBytes += size
        return block
    }

    /// Grows or shrinks a block; its bytes up to the smaller size are kept.
    mutating func reallocate(
        _ block: UnsafeMutableRawPointer, from oldBytes: Int, to newBytes: Int
    ) -> UnsafeMutableRawPointer {
        let size = Heap.sizeClass(newBytes)
        guard let moved = realloc(block, size) else { Heap.outOfMemory(size) }
        allocatedBytes += size - Heap.sizeClass(oldBytes)
        return moved
    }

    /// The end of a process that has no memory left: the size that was asked for on standard error,
    /// then abort. What is on disk is untouched.
    static func outOfMemory(_ bytes: Int) -> Never {
        "Mini-Redis aborting for OUT OF MEMORY. Allocating \(bytes) bytes!\n".withCString { text in
            _ = write(STDERR_FILENO, text, strlen(text))
        }
        abort()
    }
}
