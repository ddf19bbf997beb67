// SPDX-License-Identifier: BSD-3-Clause
//
// What one keyspace's memory consists of, in one place that every table and tree of it points to.

/// The heap, the epochs and the graveyard of a keyspace.
///
/// Ownership: one per keyspace, allocated at a fixed address by whoever builds it; used by one
/// thread, the loop or, before the keyspace is adopted, the one that fills it.
struct Memory: ~Copyable {
    let heap: UnsafeMutablePointer<Heap>
    /// What the tables of this memory hash keys and elements with.
    let hasher: KeyHash
    var epochs: Epochs
    var graveyard = Graveyard()

    /// `epoch` is what nodes are stamped with until the first snapshot.
    init(hasher: KeyHash = KeyHash(seed: 0), epoch: UInt64 = 1) {
        self.hasher = hasher
        epochs = Epochs(startingAt: epoch)
        heap = .allocate(capacity: 1)
        heap.initialize(to: Heap())
    }

    deinit {
        heap.deinitialize(count: 1)
        heap.deallocate()
    }

    /// Whether no snapshot lives: then everything may be written in place.
    @inline(__always)
    var isQuiet: Bool { epochs.newestLive == 0 }

    /// Gives up a node that live snapshots may see: it is freed when they have ended, or now if
    /// there are none.
    ///
    /// A node of `kind` 0 is a plain block; for other kinds the caller of `reclaim` releases what
    /// the node owns.
    mutating func retire(_ block: UnsafeMutableRawPointer, bytes: Int, kind: UInt64 = 0) {
        graveyard.append(
            Graveyard.Node(block: block, bytes: bytes, epoch: epochs.current, kind: kind))
    }

    /// Frees up to `budget` nodes that nobody sees any more; `release` is called for those that own
    /// more than their block. Returns whether more could be freed at once.
    mutating func reclaim(
        budget: Int, release: (Graveyard.Node, UnsafeMutablePointer<Heap>) -> Void
    ) -> Bool {
        for _ in 0..<budget {
            guard let node = graveyard.popFirst(before: epochs.oldestLive) else { return false }
            if node.kind != 0 { release(node, heap) }
            heap.pointee.free(node.block, node.bytes)
        }
        return graveyard.count > 0
    }
}
