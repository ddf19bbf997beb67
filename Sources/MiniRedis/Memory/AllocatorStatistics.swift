// SPDX-License-Identifier: BSD-3-Clause
//
// What the allocator says of itself. Zeros where the allocator is the C library's.

#if JEMALLOC
    import CJemalloc
#endif

/// The allocator's totals, bytes.
struct AllocatorStatistics {
    /// In blocks that are handed out, as rounded.
    var allocated = 0
    /// In pages that hold such blocks.
    var active = 0
    /// In pages that are in memory, the allocator's own included.
    var resident = 0

    /// The totals now. Costs some microseconds.
    static func now() -> AllocatorStatistics {
        var totals = AllocatorStatistics()
        #if JEMALLOC
            var epoch: UInt64 = 1
            let size = MemoryLayout<UInt64>.size
            mallctl("epoch", nil, nil, &epoch, size)
            totals.allocated = total("stats.allocated")
            totals.active = total("stats.active")
            totals.resident = total("stats.resident")
        #endif
        return totals
    }

    /// Gives all free pages back to the system. May take long: not for the loop's thread.
    static func purge() {
        #if JEMALLOC
            // All arenas: MALLCTL_ARENAS_ALL.
            mallctl("arena.4096.purge", nil, nil, nil, 0)
        #endif
    }

    /// The allocator's report in words.
    static func report() -> String {
        #if JEMALLOC
            var text = [UInt8]()
            withUnsafeMutablePointer(to: &text) { text in
                malloc_stats_print(
                    { target, piece in
                        guard let target, var next = piece else { return }
                        let text = target.assumingMemoryBound(to: [UInt8].self)
                        while next.pointee != 0 {
                            text.pointee.append(UInt8(bitPattern: next.pointee))
                            next += 1
                        }
                    }, text, nil)
            }
            return text.reduce(into: "") { $0.unicodeScalars.append(Unicode.Scalar($1)) }
        #else
            return "Stats not supported for the current allocator"
        #endif
    }

    #if JEMALLOC
        private static func total(_ name: String) -> Int {
            var value = 0
            var size = MemoryLayout<Int>.size
            return mallctl(name, &value, &size, nil, 0) == 0 ? value : 0
        }
    #endif
}
