// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: the append-only file.

extension InfoReport {
    mutating func describeAppendOnly() {
        let state = server.appendOnly
        field("aof_enabled", state.isOn ? 1 : 0)
        field("aof_rewrite_in_progress", state.rewrite == nil ? 0 : 1)
        field("aof_rewrite_scheduled", state.isRewriteScheduled ? 1 : 0)
        field("aof_last_rewrite_time_sec", state.lastRewriteSeconds)
        field(
            "aof_current_rewrite_time_sec",
            state.rewrite == nil ? -1 : (now - state.rewriteBegan) / 1000)
        field("aof_last_bgrewrite_status", state.lastRewriteSucceeded ? "ok" : "err")
        field("aof_rewrites", state.rewrites)
        field("aof_rewrites_consecutive_failures", state.failuresInARow)
        let isSound = state.writeError == nil && state.syncError == nil
        field("aof_last_write_status", isSound ? "ok" : "err")
        field("aof_last_cow_size", 0)
        guard state.isOn else { return }
        field("aof_current_size", state.currentSize)
        field("aof_base_size", state.baseSize)
        field("aof_pending_rewrite", 0)
        field("aof_buffer_length", state.pending.count)
        field("aof_pending_bio_fsync", state.isSyncing ? 1 : 0)
        field("aof_delayed_fsync", state.delayedSyncs)
    }
}
