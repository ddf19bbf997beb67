// SPDX-License-Identifier: BSD-3-Clause
//
// KeyspaceSnapshot: all databases as they were at one instant, read by a background thread while
// the loop goes on.

/// The captured databases. Created and ended by the `Keyspace`, on the loop; walked by one other
/// thread in between.
///
/// Sendable although it holds pointers: by the snapshot rule nothing that it reaches is written or
/// freed before its end, but for the access clocks, which are atomic.
final class KeyspaceSnapshot: @unchecked Sendable {
    struct CapturedDatabase {
        var index: Int
        var table: CapturedTable
        /// How many of the keys have a deadline.
        var volatileCount: Int
    }

    let epoch: UInt64
    let databases: [CapturedDatabase]
    /// The time of the capture, in milliseconds since the epoch.
    let now: Int64
    /// Whether any field of a hash has a deadline.
    let hasFieldDeadlines: Bool
    /// Whether there may be a stream: if not, there is none.
    let hasStreams: Bool
    /// Libraries of functions, to be saved as they came.
    let functionLibraries: [[UInt8]]
    private let progress: UnsafeMutablePointer<WalkProgress>

    init(
        epoch: UInt64, progress: UnsafeMutablePointer<WalkProgress>, databases: [CapturedDatabase],
        state: borrowing KeyspaceState, hasFieldDeadlines: Bool
    ) {
        self.epoch = epoch
        self.progress = progress
        self.databases = databases
        now = state.now
        functionLibraries = state.functionLibraries
        hasStreams = state.streams > 0
        self.hasFieldDeadlines = hasFieldDeadlines
    }

    /// Keys of all captured databases.
    var count: Int { databases.reduce(0) { $0 + $1.table.count } }

    /// Walks one captured database, in order; databases are to be walked in the order of
    /// `databases`. The loop is told how far the walk is, and no longer copies what lies behind.
    /// Stops when `body` returns false.
    func walk(_ database: CapturedDatabase, _ body: (Entry) -> Bool) {
        let ordinal = database.table.ordinal
        publish(WalkProgress.position(ordinal: ordinal, start: 0))
        database.table.forEachEntry { address in
            body(Entry(address))
        } passed: { next in
            publish(WalkProgress.position(ordinal: ordinal, end: next))
            return true
        }
    }

    private func publish(_ position: UInt64) {
        progress.pointee.publish(position)
    }
}
