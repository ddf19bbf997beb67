// SPDX-License-Identifier: BSD-3-Clause
//
// Epochs: who may still see a node.
//
// The one rule of the keyspace: a node that is older than the newest live snapshot is never
// written; it is copied, the copy takes its place, and the old one waits until no live snapshot can
// see it.
//
//        epoch     1        2        3        4
//                  |--------|--------|--------|------> time
//     snapshot A            [................]          sees nodes stamped 1
//     snapshot B                     [...........       sees nodes stamped 1 and 2
//     node n       stamped 2:        ^ read only from here on, while B lives
//
// Starting a snapshot takes the next epoch E: every node stamped before E belongs to it, every node
// made from now on is stamped E or later and does not. `newestLive` is E while it lives and 0 when
// nothing does, so that "may I write in place" is `stamp >= newestLive`: one comparison, always
// true when there is no snapshot.
//
// A snapshot walks the tables in the order of their ordinals and of the hash, and publishes how far
// it has come. What lies behind it is as good as unseen: the loop asks `hasPassed` before it
// copies. It asks with the end of what it is about to write, not with its start: nodes may have
// merged since, and the walk stand in the middle of them.
//
// Limits: the progress of a walk is a word of 16 bits of table ordinal and 48 bits of hash.

import Synchronization

/// How far a snapshot's walk has come; written by the walking thread, read by the loop.
///
/// Ownership: allocated by `Epochs.begin`, freed by `Epochs.end`, which the loop calls after the
/// walker is done.
struct WalkProgress: ~Copyable {
    private let position = Atomic<UInt64>(0)

    /// Tells the loop that everything below `position` has been read. Called by the walking thread.
    func publish(_ position: UInt64) {
        self.position.store(position, ordering: .releasing)
    }

    /// Whether everything below `position` has been read.
    func hasPassed(_ position: UInt64) -> Bool {
        self.position.load(ordering: .acquiring) >= position
    }

    /// The position of the hash prefix `start` (a whole hash, low bits zero) in table `ordinal`.
    @inline(__always)
    static func position(ordinal: Int, start: UInt64) -> UInt64 {
        UInt64(UInt16(truncatingIfNeeded: ordinal)) << 48 | start >> 16
    }

    /// The position behind the nodes of table `ordinal` that end where hash `end` begins, 0 for the
    /// last ones.
    @inline(__always)
    static func position(ordinal: Int, end: UInt64) -> UInt64 {
        position(ordinal: end == 0 ? ordinal + 1 : ordinal, start: end)
    }
}

/// The epochs of the process: the current one, and those of live snapshots.
struct Epochs: ~Copyable {
    private struct LiveSnapshot {
        var epoch: UInt64
        var progress: UnsafeMutablePointer<WalkProgress>
    }

    /// The epoch that new nodes are stamped with; never 0.
    private(set) var current: UInt64
    /// The epoch of the youngest live snapshot, or 0.
    private(set) var newestLive: UInt64 = 0
    /// The epoch of the oldest live snapshot, or `UInt64.max`.
    private(set) var oldestLive: UInt64 = .max
    private var live: [LiveSnapshot] = []

    /// The epochs of a memory without snapshots, the first of which is `first`.
    init(startingAt first: UInt64 = 1) {
        current = first
    }

    var liveCount: Int { live.count }

    /// Starts a snapshot: everything that exists now belongs to it. The progress is valid until
    /// `end`.
    mutating func begin() -> (epoch: UInt64, progress: UnsafeMutablePointer<WalkProgress>) {
        current += 1
        let progress = UnsafeMutablePointer<WalkProgress>.allocate(capacity: 1)
        progress.initialize(to: WalkProgress())
        live.append(LiveSnapshot(epoch: current, progress: progress))
        updateBounds()
        return (current, progress)
    }

    /// Ends the snapshot of `epoch`, which nothing reads any more.
    mutating func end(_ epoch: UInt64) {
        guard let index = live.firstIndex(where: { $0.epoch == epoch }) else {
            preconditionFailure("a snapshot ends once")
        }
        live[index].progress.deinitialize(count: 1)
        live[index].progress.deallocate()
        live.remove(at: index)
        updateBounds()
    }

    /// Whether every live snapshot has walked past everything of table `ordinal` below hash `end`
    /// (0: all of it).
    func hasPassed(ordinal: Int, end: UInt64) -> Bool {
        let position = WalkProgress.position(ordinal: ordinal, end: end)
        return live.allSatisfy { $0.progress.pointee.hasPassed(position) }
    }

    #if INVARIANTS
        /// The progress of the live snapshot of `epoch`, or nil if it has ended.
        func progress(of epoch: UInt64) -> UnsafeMutablePointer<WalkProgress>? {
            live.first { $0.epoch == epoch }?.progress
        }
    #endif

    private mutating func updateBounds() {
        newestLive = live.last?.epoch ?? 0
        oldestLive = live.first?.epoch ?? .max
    }
}
