// SPDX-License-Identifier: BSD-3-Clause
//
// What INFO and LASTSAVE tell about saves and loads.

struct PersistenceStatus {
    /// Unix seconds of the last successful save, or of the start.
    var lastSaveAt: Int64 = 0
    var lastSaveSucceeded = true
    /// Seconds, or -1 if there was none.
    var lastSaveSeconds: Int64 = -1
    /// Milliseconds since the epoch at which the running save began, or nil.
    var runningSince: Int64?
    var saves = 0
    /// Microseconds that the start of the last snapshot took: the whole pause.
    var lastSnapshotPauseMicroseconds: Int64 = 0
    var keysLoaded = 0
    var keysExpiredAtLoad = 0
}
