// SPDX-License-Identifier: BSD-3-Clause
//
// How the allocator gives memory back to the system: on threads of its own. Freed pages are
// returned some seconds after they were last used; done by the thread that happens to free, as is
// the default, a FLUSHALL of ten million keys makes the loop wait for it.

#if JEMALLOC
    import CJemalloc
#endif

enum AllocatorTuning {
    /// Starts (or stops) the allocator's own threads for returning memory; false if it has none.
    @discardableResult
    static func returnMemoryInBackground(_ isWanted: Bool) -> Bool {
        #if JEMALLOC
            var value = isWanted
            return mallctl("background_thread", nil, nil, &value, MemoryLayout<Bool>.size) == 0
        #else
            return false
        #endif
    }
}
