// SPDX-License-Identifier: BSD-3-Clause
//
// How far a load has come, for whoever watches it from another thread, and the word to give it up.

import Glibc
import Synchronization

/// Written by the loading thread, read by the loop; the two wishes the other way round.
final class LoadProgress: Sendable {
    private let loaded = Atomic<Int>(0)
    private let used = Atomic<Int>(0)
    private let claimed = Atomic<Int>(0)
    private let cancelled = Atomic<Bool>(false)
    private let delay = Atomic<Int>(0)

    /// Bytes of the dump that were read.
    var loadedBytes: Int { loaded.load(ordering: .relaxed) }
    /// Bytes that the keys take that were read.
    var usedBytes: Int { used.load(ordering: .relaxed) }
    /// Bytes that the server which wrote the dump used, as it says.
    var claimedBytes: Int { claimed.load(ordering: .relaxed) }
    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func advance(_ bytes: Int) {
        loaded.store(loaded.load(ordering: .relaxed) + bytes, ordering: .relaxed)
    }

    func setUsed(_ bytes: Int) { used.store(bytes, ordering: .relaxed) }
    func setClaimed(_ bytes: Int) { claimed.store(bytes, ordering: .relaxed) }

    /// Asks the loading thread to give up.
    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// The pause after each key, microseconds; -n stands for one microsecond after every n keys or
    /// so. For tests of slow loads.
    var delayMicroseconds: Int {
        get { delay.load(ordering: .relaxed) }
        set { delay.store(newValue, ordering: .relaxed) }
    }

    /// Called by the loading thread after a key, of which `number` came before.
    @inline(__always)
    func pauseAfterKey(_ number: Int) {
        let pause = delay.load(ordering: .relaxed)
        if pause != 0 { wait(pause, number) }
    }

    @inline(never)
    private func wait(_ pause: Int, _ number: Int) {
        if pause < 0 {
            if number % -pause == 0 { usleep(1) }
            return
        }
        var left = pause
        while left > 0 && !isCancelled {
            let step = min(left, 100_000)
            usleep(UInt32(step))
            left -= step
        }
    }
}

/// A source whose reader is watched.
struct WatchedSource<Source: ByteSource & ~Copyable>: ByteSource, ~Copyable {
    private var source: Source
    private let progress: LoadProgress

    init(_ source: consuming Source, _ progress: LoadProgress) {
        self.source = source
        self.progress = progress
    }

    mutating func read(
        into destination: UnsafeMutableRawPointer, count: Int
    ) throws(PersistenceError) -> Int {
        if progress.isCancelled { throw .abandoned(.cancelled) }
        let taken = try source.read(into: destination, count: count)
        progress.advance(taken)
        return taken
    }
}
