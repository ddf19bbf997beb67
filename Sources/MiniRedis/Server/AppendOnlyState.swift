// SPDX-License-Identifier: BSD-3-Clause
//
// What the server knows of its append-only file.

import Glibc
import Synchronization

/// The append-only file of a server. Identity; used by the loop alone.
final class AppendOnlyState {
    enum Phase {
        /// `appendonly no`.
        case off
        /// Turned on while the server runs: what happens goes to a file that will follow the base
        /// which is being written, and counts for nothing until then.
        case waitingForBase
        case on
    }

    var phase = Phase.off
    var manifest = AppendOnlyManifest()
    /// The increment that is appended to.
    var file: AppendOnlyFile?
    /// Bytes of all files that would be loaded.
    var currentSize = 0
    /// What `currentSize` was after the last rewrite, or what the base takes.
    var baseSize = 0

    // MARK: Writing

    /// What happened and is not in the file yet: the disk is busy, or fails.
    var pending = ByteBuffer()
    /// Since when `pending` waits for the disk: milliseconds of the monotonic clock.
    var postponedSince: Int64?
    /// Where in the stream of effects what was taken of it ends.
    var taken: Int64 = 0
    /// Where in the stream of effects the file ends.
    var written: Int64 = 0
    /// Up to where in the stream all is on the disk. What counts for WAITAOF is `durable`.
    var synced: Int64 = 0
    /// As `synced`, but only of files that the manifest names.
    var durable: Int64 = 0
    /// At a replica: the number of the last byte of its master's stream whose effects are synced,
    /// as far as a sync has found out.
    var syncedOffset: Int64 = 0
    /// When the file was last synced: milliseconds of the monotonic clock.
    var lastSyncAt: Int64 = 0
    var isSyncing = false
    /// Descriptors of increments that are done with, to be synced before anything newer is, and
    /// closed.
    var retired: [Int32] = []
    /// The second of the last annotation.
    var annotatedSecond: Int64 = 0
    /// How the last attempt to write ended, and the last one to sync: nil is well.
    var writeError: Int32?
    var syncError: Int32?
    /// When an error was last written to the log: milliseconds of the monotonic clock.
    var errorLoggedAt: Int64?
    var delayedSyncs = 0
    /// DEBUG AOF-FLUSH-SLEEP: microseconds to stand still before each write.
    var flushDelay: Int64 = 0

    // MARK: Rewriting

    var rewrite: AppendOnlyRewrite?
    /// Milliseconds since the epoch.
    var rewriteBegan: Int64 = 0
    var isRewriteScheduled = false
    /// The running rewrite's result is not wanted: the file was turned off, or off and on again.
    var isRewriteStale = false
    var lastRewriteSeconds: Int64 = -1
    var lastRewriteSucceeded = true
    var rewrites = 0
    var failuresInARow = 0
    /// Until when no rewrite starts by itself after failures: milliseconds of the monotonic clock.
    var heldBackUntil: Int64 = 0

    // MARK: Others

    /// What is being loaded.
    var replay: AppendOnlyReplay?
    /// Told how it ended.
    var replayEnded: (AppendOnlyReplay.Outcome) -> Void = { _ in }

    var isOn: Bool { phase != .off }
}

/// Waits for the disk on a thread: one after the other, the oldest file first.
final class AppendOnlySync: Sendable {
    private let retired: [Int32]
    private let current: Int32?
    private let code = Atomic<Int32>(0)

    init(retired: [Int32], current: Int32?) {
        self.retired = retired
        self.current = current
    }

    /// Why it failed; zero if it did not.
    var failure: Int32 { code.load(ordering: .relaxed) }

    func run() {
        for descriptor in retired {
            note(fdatasync(descriptor))
            close(descriptor)
        }
        if let current { note(fdatasync(current)) }
    }

    private func note(_ status: Int32) {
        if status != 0 { code.store(errno, ordering: .relaxed) }
    }
}
