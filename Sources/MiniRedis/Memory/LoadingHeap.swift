// SPDX-License-Identifier: BSD-3-Clause
//
// Where the allocator takes memory from while a dump is loaded.
//
// Of the loop's arena. A thread of its own would be given an arena of its own, where what the loop
// overwrites later leaves holes that the loop's allocations do not use.
//
// In huge pages, if they are wanted. A load touches new memory as fast as it can: a fifth of its
// time went into faults of four kilobytes. The allocator asks its hook for address space in large
// steps (an "extent"); the hook advises the kernel. When the load is over the advice is taken back:
// pages that are huge stay so, and what the loop touches later comes in small pages, whose faults
// it does not notice.
//
// Hard case: the hook runs inside of the allocator, so it must not allocate: no closure with a
// context, no lazy global. All it needs lies behind the table that it is called with.

#if JEMALLOC
    import CJemalloc
    import Glibc
    import Synchronization

    /// The allocator's table of hooks of one arena and what ours needs besides. Never freed, for
    /// the arena keeps its address.
    private struct ExtentHooks: ~Copyable {
        /// First, for the allocator knows this address.
        var table: extent_hooks_t
        let original: UnsafeMutablePointer<extent_hooks_t>
        let wantsHugePages = Atomic<Bool>(false)
        /// The extents that were advised.
        let extents: UnsafeMutablePointer<UnsafeMutableRawBufferPointer>
        let extentCount = Atomic<Int>(0)
        /// Extents double in size: no load needs so many. What is more gets small pages.
        static let mostExtents = 64

        init(_ original: UnsafeMutablePointer<extent_hooks_t>) {
            self.original = original
            table = original.pointee
            extents = .allocate(capacity: Self.mostExtents)
            table.alloc = { hooks, address, size, alignment, zero, commit, arena in
                guard let hooks else { return nil }
                let own = UnsafeMutableRawPointer(hooks).assumingMemoryBound(to: ExtentHooks.self)
                let original = own.pointee.original
                guard
                    let base = original.pointee.alloc?(
                        original, address, size, alignment, zero, commit, arena)
                else { return nil }
                own.pointee.advise(UnsafeMutableRawBufferPointer(start: base, count: size))
                return base
            }
        }

        func advise(_ extent: UnsafeMutableRawBufferPointer) {
            guard wantsHugePages.load(ordering: .relaxed) else { return }
            let index = extentCount.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < Self.mostExtents else { return }
            extents[index] = extent
            madvise(extent.baseAddress, extent.count, Int32(MADV_HUGEPAGE))
        }

        func endAdvice() {
            wantsHugePages.store(false, ordering: .relaxed)
            for index in 0..<min(extentCount.load(ordering: .relaxed), Self.mostExtents) {
                madvise(extents[index].baseAddress, extents[index].count, Int32(MADV_NOHUGEPAGE))
            }
            extentCount.store(0, ordering: .relaxed)
        }
    }
#endif

/// The allocator's arena of the loop, for one load at a time.
///
/// Sendable although it holds a pointer: what it points to changes atomically.
struct LoadingHeap: @unchecked Sendable {
    #if JEMALLOC
        private let arena: UInt32
        private let hooks: UnsafeMutablePointer<ExtentHooks>?
    #endif

    /// That of the thread which asks first: the loop's.
    static let shared = LoadingHeap()

    private init() {
        #if JEMALLOC
            var index: UInt32 = 0
            var size = MemoryLayout<UInt32>.size
            guard mallctl("thread.arena", &index, &size, nil, 0) == 0 else {
                (arena, hooks) = (0, nil)
                return
            }
            arena = index
            let name = "arena.\(index).extent_hooks"
            var original: UnsafeMutablePointer<extent_hooks_t>?
            var pointerSize = MemoryLayout<UnsafeMutablePointer<extent_hooks_t>?>.size
            guard mallctl(name, &original, &pointerSize, nil, 0) == 0, let original else {
                hooks = nil
                return
            }
            let own = UnsafeMutablePointer<ExtentHooks>.allocate(capacity: 1)
            own.initialize(to: ExtentHooks(original))
            var table: UnsafeMutableRawPointer? = UnsafeMutableRawPointer(own)
            hooks = mallctl(name, nil, nil, &table, pointerSize) == 0 ? own : nil
        #endif
    }

    /// Does the work of a load on the thread that calls.
    func load(inHugePages: Bool, _ work: () -> Void) {
        #if JEMALLOC
            var index = arena
            mallctl("thread.arena", nil, nil, &index, MemoryLayout<UInt32>.size)
            if inHugePages { hooks?.pointee.wantsHugePages.store(true, ordering: .relaxed) }
            defer { hooks?.pointee.endAdvice() }
        #endif
        work()
    }
}
