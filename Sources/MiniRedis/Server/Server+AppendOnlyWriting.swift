// SPDX-License-Identifier: BSD-3-Clause
//
// The append-only file, written. Once a turn the bytes of what happened are appended with one
// write, before any reply of the turn leaves; then, by `appendfsync`:
//
//     always      the turn waits for the disk: one sync for all its commands, and then the replies
//     everysec    a thread syncs once a second. Writing to a file that is being synced may block,
//                 so the bytes wait for it, two seconds at most
//     no          the system decides
//
// A disk that fails: with `always` the process ends, since replies that were promised to be durable
// cannot be; else writes are refused until what is pending could be written.

import Glibc

extension Server {
    /// How long bytes wait for a sync, milliseconds.
    private static let longestPostponement: Int64 = 2000
    private static let syncInterval: Int64 = 1000
    /// At most one line in the log in so many milliseconds.
    private static let errorLogInterval: Int64 = 30_000
    /// A buffer that grew beyond this is given back.
    private static let keptPendingBytes = 1 << 20

    private var monotonic: Int64 { loop.clock.pointee.monotonicMilliseconds }

    /// The policy, or none while a rewrite or a save keeps the disk busy and the settings let it.
    private var syncPolicy: AppendSyncPolicy {
        let settings = configuration.settings
        let isBusy = appendOnly.rewrite != nil || isOtherJobRunning
        return settings.appendOnlySkipsSyncOnRewrite && isBusy ? .no : settings.appendSync
    }

    /// Takes what happened since the last time to the file.
    func takeAppendOnlyEffects() {
        keyspace.state.pointee.effects.appendOnly.take(effectTakers.appendOnly)
    }

    /// What a replica tells its master of its disk: the number of the last byte of the stream whose
    /// effects are there. Nil if it keeps no file.
    var durableOffset: Int64? {
        guard appendOnly.phase == .on else { return nil }
        let isAllThere = appendOnly.durable == keyspace.state.pointee.effects.appendOnly.position
        return isAllThere ? replication.history.offset : appendOnly.syncedOffset
    }

    /// What the file holds of the master's stream, if all that was executed of it was written.
    private var writtenOffset: Int64? {
        let isAllThere = appendOnly.written == keyspace.state.pointee.effects.appendOnly.position
        return isAllThere ? replication.history.offset : nil
    }

    /// Writes what happened in a turn.
    func writeAppendOnly(_ bytes: ByteView) {
        appendOnly.taken += Int64(bytes.count)
        // Turned on, and the base waits for another job: its snapshot will hold all of this.
        guard appendOnly.file != nil else { return }
        annotate()
        if mustPostpone() { return appendOnly.pending.append(bytes) }
        write(bytes)
    }

    /// Writes what is pending; `force` does not wait for a sync.
    func flushAppendOnly(force: Bool) {
        guard appendOnly.file != nil else { return }
        if !appendOnly.pending.isEmpty {
            if !force && mustPostpone() { return }
            write(ByteView(""))
        } else if !force {
            syncIfDue()
        }
    }

    /// The time, if it is wanted and another than the last.
    private func annotate() {
        guard configuration.settings.appendOnlyTimestamps else { return }
        let second = loop.clock.pointee.unixMilliseconds / 1000
        guard second > appendOnly.annotatedSecond else { return }
        appendOnly.annotatedSecond = second
        appendOnly.pending.append(text: "#TS:\(second)\r\n")
    }

    /// Whether the bytes wait for the sync that is running.
    private func mustPostpone() -> Bool {
        guard appendOnly.isSyncing, syncPolicy == .everySecond else { return false }
        guard let since = appendOnly.postponedSince else {
            appendOnly.postponedSince = monotonic
            return true
        }
        if monotonic - since < Self.longestPostponement { return true }
        appendOnly.delayedSyncs += 1
        log.write(
            .notice,
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer "
                + "without waiting for fsync to complete, this may slow down Redis.")
        return false
    }

    /// Appends what is pending and then `bytes`, and syncs.
    private func write(_ bytes: ByteView) {
        if appendOnly.flushDelay > 0 { usleep(UInt32(clamping: appendOnly.flushDelay)) }
        appendOnly.postponedSince = nil
        if !appendOnly.pending.isEmpty {
            let (written, code) = append(appendOnly.pending.view)
            appendOnly.pending.removeFirst(written)
            if let code {
                appendOnly.pending.append(bytes)
                return failToWrite(code)
            }
            appendOnly.pending.removeAll(
                keepingCapacity: appendOnly.pending.capacity <= Self.keptPendingBytes)
        }
        let (written, code) = append(bytes)
        if let code {
            appendOnly.pending.append(bytes.suffix(from: written))
            return failToWrite(code)
        }
        if appendOnly.writeError != nil {
            log.write(.warning, "AOF write error looks solved. The server can write again.")
            appendOnly.writeError = nil
            updateDiskAttention()
        }
        appendOnly.written = appendOnly.taken
        if syncPolicy == .always { syncNow() } else { syncIfDue() }
    }

    /// Returns how many bytes are in the file now, and why not all of them are.
    private func append(_ bytes: ByteView) -> (written: Int, code: Int32?) {
        guard var file = appendOnly.file else { return (bytes.count, nil) }
        let outcome = file.append(bytes)
        appendOnly.file = file
        switch outcome {
        case .done:
            appendOnly.currentSize += bytes.count
            return (bytes.count, nil)
        case .failed(let written, let code):
            appendOnly.currentSize += written
            return (written, code)
        }
    }

    private func failToWrite(_ code: Int32) {
        let reason = String(cString: strerror(code))
        if appendOnly.errorLoggedAt.map({ monotonic - $0 > Self.errorLogInterval }) ?? true {
            appendOnly.errorLoggedAt = monotonic
            log.write(.warning, "Error writing to the AOF file: \(reason)")
        }
        if configuration.settings.appendSync == .always {
            log.write(
                .warning,
                "Can't recover from AOF write error when the AOF fsync policy is 'always'. "
                    + "Exiting...")
            leaveNoTrace()
            _exit(1)
        }
        appendOnly.writeError = code
        updateDiskAttention()
    }

    // MARK: - The disk

    /// Waits for the disk, in this turn.
    private func syncNow() {
        guard let file = appendOnly.file else { return }
        if let code = file.sync() {
            log.write(
                .warning,
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': "
                    + "\(String(cString: strerror(code))). Exiting...")
            leaveNoTrace()
            _exit(1)
        }
        appendOnly.lastSyncAt = monotonic
        // An older increment may still be on its way, on the thread.
        if !appendOnly.isSyncing && appendOnly.retired.isEmpty {
            noteSynced(appendOnly.written, writtenOffset)
        } else {
            syncIfDue()
        }
    }

    /// Waits for the disk whatever the policy is, old increments included; for rare moments.
    func syncAppendOnlyNow() {
        for descriptor in appendOnly.retired {
            _ = fdatasync(descriptor)
            close(descriptor)
        }
        appendOnly.retired = []
        guard let file = appendOnly.file else { return }
        if let code = file.sync() {
            return log.write(
                .warning, "Fail to fsync the AOF file: \(String(cString: strerror(code)))")
        }
        noteSynced(appendOnly.written, writtenOffset)
    }

    /// Lets a thread sync if there is something to sync and the time has come.
    func syncIfDue() {
        guard !appendOnly.isSyncing else { return }
        let isDue =
            syncPolicy != .no && appendOnly.file != nil && appendOnly.synced < appendOnly.written
            && (monotonic - appendOnly.lastSyncAt >= Self.syncInterval || syncPolicy == .always)
        guard isDue || !appendOnly.retired.isEmpty else { return }
        let job = AppendOnlySync(
            retired: appendOnly.retired, current: isDue ? appendOnly.file?.descriptor : nil)
        let position = isDue ? appendOnly.written : appendOnly.synced
        let offset = isDue ? writtenOffset : nil
        appendOnly.retired = []
        appendOnly.isSyncing = true
        appendOnly.lastSyncAt = monotonic
        loop.perform {
            job.run()
        } completion: { [unowned self] in
            appendOnly.isSyncing = false
            endSync(job.failure, position, offset)
            flushAppendOnly(force: false)
            syncIfDue()
        }
    }

    private func endSync(_ code: Int32, _ position: Int64, _ offset: Int64?) {
        guard code == 0 else {
            if appendOnly.syncError == nil {
                log.write(
                    .warning, "Fail to fsync the AOF file: \(String(cString: strerror(code)))")
            }
            appendOnly.syncError = code
            return updateDiskAttention()
        }
        if appendOnly.syncError != nil {
            appendOnly.syncError = nil
            updateDiskAttention()
        }
        noteSynced(position, offset)
    }

    /// Up to `position` in the stream of effects, and `offset` in a master's stream, all is synced.
    private func noteSynced(_ position: Int64, _ offset: Int64?) {
        appendOnly.synced = max(appendOnly.synced, position)
        if let offset { appendOnly.syncedOffset = offset }
        noteDurable()
    }

    /// What is synced counts, once the manifest names the file.
    func noteDurable() {
        guard appendOnly.phase == .on, appendOnly.durable < appendOnly.synced else { return }
        appendOnly.durable = appendOnly.synced
        acknowledgementCame()
        // It may be the end of the turn already: its output is being written.
        if acknowledgementWaits.areDue || replica.owedDurability != nil { loop.requestTurn() }
    }

    // MARK: - Refusals

    /// Why writes are refused, or nil.
    var appendOnlyRefusal: String? {
        guard appendOnly.phase == .on, let code = appendOnly.syncError ?? appendOnly.writeError
        else { return nil }
        return "MISCONF Errors writing to the AOF file: \(String(cString: strerror(code)))"
    }
}
