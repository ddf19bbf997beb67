// SPDX-License-Identifier: BSD-3-Clause
//
// What INFO and LASTSAVE tell about saves and loads.

struct PersistenceStatus {
    /// Unix seconds of the last successful save, or of the start.
    var lastSaveAt: Int64 = 0
    /// False after a save in the background that failed.
    var lastSaveSucceeded = true
    /// Seconds that the last save took, or -1 if there was none.
    var lastSaveSeconds: Int64 = -1
    /// Milliseconds since the epoch at which the running save began, or nil.
    var runningSince: Int64?
    /// Unix seconds at which the last save began, whatever became of it.
    var lastAttemptAt: Int64 = 0
    /// A save is to begin when nothing else runs.
    var isScheduled = false
    var saves = 0
    /// Why the last save failed, and the path of its dump; nil after one that did not.
    var lastFailure: (error: PersistenceError, path: String)?
    /// The most that snapshots retained during the last save, bytes.
    var lastRetainedPeak = 0
    /// The most that snapshots ever retained, bytes.
    var peakRetained = 0
    /// The last dump's size, and what the keys took in memory at its start, bytes.
    var lastDump: (bytes: Int, memory: Int)?
    /// Microseconds that the start of the last snapshot took: the whole pause.
    var lastSnapshotPauseMicroseconds: Int64 = 0
    var keysLoaded = 0
    var keysExpiredAtLoad = 0

    /// What a dump of keys that take `memory` bytes will take at least, bytes: four fifths of what
    /// the last one would let expect, as the data may be of another kind since; 0 if there was
    /// none.
    func expectedDumpBytes(memory: Int) -> Int {
        guard let lastDump, lastDump.memory > 0 else { return 0 }
        return Int(Double(memory) * Double(lastDump.bytes) / Double(lastDump.memory) * 0.8)
    }
}
