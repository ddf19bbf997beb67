// SPDX-License-Identifier: BSD-3-Clause
//
// INFO: where the bytes are, in memory and on disk.

import Glibc

extension InfoReport {
    mutating func describeMemory() {
        let memory = server.memoryReport()
        bytes("used_memory", memory.used)
        bytes("used_memory_rss", memory.processResident)
        bytes("used_memory_peak", memory.peak)
        field("used_memory_peak_perc", Self.fixed(memory.peakPercentage, digits: 2) + "%")
        field("used_memory_overhead", memory.overhead)
        field("used_memory_startup", memory.startup)
        field("used_memory_dataset", memory.dataset)
        field("used_memory_dataset_perc", Self.fixed(memory.datasetPercentage, digits: 2) + "%")
        field("allocator_allocated", memory.allocated)
        field("allocator_active", memory.active)
        field("allocator_resident", memory.resident)
        field("allocator_muzzy", 0)
        bytes("total_system_memory", Self.systemMemoryBytes())
        describeScriptMemory()
        let limit = server.configuration.settings.maxMemoryBytes
        bytes("maxmemory", Int(clamping: limit))
        field("maxmemory_policy", server.configuration.value(of: "maxmemory-policy") ?? "")
        ratio("allocator_frag", memory.active, memory.allocated)
        ratio("allocator_rss", memory.resident, memory.active)
        ratio("rss_overhead", memory.processResident, memory.resident)
        field(
            "mem_fragmentation_ratio", MemoryReport.ratio(memory.processResident, memory.used),
            digits: 2)
        field("mem_fragmentation_bytes", memory.processResident - memory.used)
        field("mem_not_counted_for_evict", max(0, memory.used - server.keyspace.countedBytes))
        describeReplicationMemory()
        field("mem_clients_normal", memory.clients - server.replicaClientBytes)
        zeros("mem_cluster_links", "mem_aof_buffer")
        field("mem_allocator", Version.allocator)
        field("active_defrag_running", 0)
        field("lazyfree_pending_objects", server.keyspace.pendingFrees)
        field("lazyfreed_objects", 0)
        field("snapshot_retained_bytes", server.keyspace.retainedBytes)
        field("snapshot_retained_peak_bytes", server.persistence.peakRetained)
    }

    private mutating func describeScriptMemory() {
        zeros("used_memory_lua", "used_memory_vm_eval")
        field("used_memory_lua_human", "0B")
        zeros(
            "used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
            "number_of_libraries", "used_memory_vm_functions")
        bytes("used_memory_vm_total", 0)
        field("used_memory_functions", 0)
        bytes("used_memory_scripts", 0)
    }

    private mutating func ratio(_ name: String, _ one: Int, _ other: Int) {
        field("\(name)_ratio", MemoryReport.ratio(one, other), digits: 2)
        field("\(name)_bytes", one - other)
    }

    private static func systemMemoryBytes() -> Int {
        sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }

    mutating func describePersistence() {
        let status = server.persistence
        let loading = server.loading
        field("loading", loading.map { $0.kind.isBeside ? 0 : 1 } ?? 0)
        field("async_loading", loading.map { $0.kind.isBeside ? 1 : 0 } ?? 0)
        describeRunningSave()
        field("rdb_changes_since_last_save", server.keyspace.state.pointee.changesSinceSave)
        // A dump for replicas is a save too for whoever looks at Redis.
        let dumps = server.replication.transfers.contains { $0.job != nil }
        field("rdb_bgsave_in_progress", status.runningSince == nil && !dumps ? 0 : 1)
        field("rdb_last_save_time", status.lastSaveAt)
        field("rdb_last_bgsave_status", status.lastSaveSucceeded ? "ok" : "err")
        field("rdb_last_bgsave_time_sec", status.lastSaveSeconds)
        field("rdb_current_bgsave_time_sec", status.runningSince.map { (now - $0) / 1000 } ?? -1)
        field("rdb_saves", status.saves)
        field("rdb_last_cow_size", status.lastRetainedPeak)
        field("rdb_last_load_keys_expired", status.keysExpiredAtLoad)
        field("rdb_last_load_keys_loaded", status.keysLoaded)
        field("rdb_bgsave_scheduled", status.isScheduled ? 1 : 0)
        field(
            "rdb_last_error",
            status.lastFailure.map { "\($0.error.step): \($0.error.reason): \($0.path)" } ?? "")
        field("rdb_last_size", status.lastDump?.bytes ?? 0)
        field("snapshots_live", server.keyspace.liveSnapshots)
        field("snapshot_last_pause_usec", status.lastSnapshotPauseMicroseconds)
        describeAppendOnly()
        zeros("module_fork_in_progress", "module_fork_last_cow_size")
        if let loading { describe(loading) }
    }

    private mutating func describe(_ loading: LoadingState) {
        let loaded = loading.loadedBytes
        field("loading_start_time", loading.startedAt)
        field("loading_total_bytes", loading.totalBytes)
        field("loading_rdb_used_mem", loading.progress?.claimedBytes ?? 0)
        field("loading_loaded_bytes", loaded)
        let total = max(loading.totalBytes, loaded)
        field(
            "loading_loaded_perc", total == 0 ? 0 : Double(loaded) / Double(total) * 100, digits: 2)
        let elapsed = now / 1000 - loading.startedAt
        let rate = Double(loaded) / Double(max(1, elapsed))
        let left = Double(total - loaded)
        field("loading_eta_seconds", loaded == 0 ? 1 : Int(left / rate))
    }

    /// How far the oldest job is that writes a snapshot.
    private mutating func describeRunningSave() {
        let running = server.snapshotJobs.running.first
        let keys = running?.job.progress.keys ?? 0
        let total = running?.job.totalKeys ?? 0
        field("current_cow_peak", running?.peakRetainedBytes ?? 0)
        field("current_cow_size", running == nil ? 0 : server.keyspace.retainedBytes)
        field("current_cow_size_age", 0)
        field(
            "current_fork_perc", total == 0 ? 0.0 : Double(keys) / Double(total) * 100, digits: 2)
        field("current_save_keys_processed", keys)
        field("current_save_keys_total", total)
        field("current_save_bytes_written", running?.job.progress.bytes ?? 0)
    }
}
