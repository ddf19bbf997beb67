// SPDX-License-Identifier: BSD-3-Clause
//
// The append-only file, as the server turns it on and off. What happens in a turn is written at its
// end, before any reply of the turn leaves (`Server+AppendOnlyWriting`); rewrites and loading have
// files of their own.
//
//     start:       manifest -> base, increments loaded -> last increment opened -> on
//     CONFIG SET:  off -> waitingForBase --rewrite done--> on -> off

import Glibc

extension Server {
    /// Where the append-only file is.
    var appendOnlyDirectory: AppendOnlyDirectory {
        let settings = configuration.settings
        return AppendOnlyDirectory(
            parent: settings.directory, name: settings.appendDirectoryName,
            fileName: settings.appendFileName)
    }

    /// The hooks of the directives.
    func wireAppendOnlySettings() {
        configuration.onChange["appendonly"] = { [unowned self] new, _ in
            if let refusal = moveDataLock(new) { return refusal }
            if new.appendOnly {
                return turnOnAppendOnly() ? nil : "Unable to turn on AOF. Check server logs."
            }
            turnOffAppendOnly()
            return nil
        }
        configuration.onChange["appendfsync"] = { [unowned self] new, _ in
            // What the old policy left undone is not left to the new one.
            if new.appendSync == .always, appendOnly.isOn { syncAppendOnlyNow() }
            return nil
        }
        configuration.onChange["aof-disable-auto-gc"] = { [unowned self] new, _ in
            if !new.appendOnlyKeepsHistory { removeAppendOnlyHistory() }
            return nil
        }
        configuration.onChange["rdb-key-save-delay"] = { [unowned self] new, _ in
            appendOnly.rewrite?.setKeyDelay(microseconds: new.keySaveDelayMicroseconds)
            return nil
        }
    }

    /// From now on what happens is told to the file.
    func listenForAppendOnly() {
        let state = keyspace.state
        appendOnly.taken = state.pointee.effects.appendOnly.position
        state.pointee.effects.appendOnly.restart(at: appendOnly.taken)
        state.pointee.effects.add(.appendOnlyFile)
        effectTakers.appendOnly = { [unowned self] bytes in writeAppendOnly(bytes) }
    }

    // MARK: - On

    /// Opens the file at the start, after it was loaded; creates what is not there. False, with the
    /// reason in the log, if that fails.
    func openAppendOnly() -> Bool {
        let directory = appendOnlyDirectory
        do throws(AppendOnlyDirectory.Failure) {
            try directory.create()
            var manifest = appendOnly.manifest
            if manifest.isEmpty {
                let isDump = configuration.settings.appendOnlyUsesDump
                let name = manifest.beginBase(
                    of: directory.fileName, isDump: isDump)
                log.write(.notice, "Creating AOF base file \(name) on server start")
                try createFirstBase(name, isDump: isDump)
            }
            try openLastIncrement(&manifest)
            appendOnly.manifest = manifest
        } catch {
            log.write(.warning, error.text)
            return false
        }
        appendOnly.phase = .on
        appendOnly.lastSyncAt = loop.clock.pointee.monotonicMilliseconds
        listenForAppendOnly()
        removeAppendOnlyHistory()
        return true
    }

    /// Writes the base of a server that starts without one.
    private func createFirstBase(
        _ name: String, isDump: Bool
    ) throws(AppendOnlyDirectory.Failure) {
        let job = makeRewrite(name, isDump: isDump)
        job.run()
        keyspace.endSnapshot(job.snapshot)
        switch job.outcome {
        case .success(let bytes):
            appendOnly.currentSize = bytes
            appendOnly.baseSize = bytes
        case .failure(let error): throw AppendOnlyDirectory.Failure(text: "\(error)")
        case nil: preconditionFailure("a job that has run has an outcome")
        }
    }

    private func openLastIncrement(
        _ manifest: inout AppendOnlyManifest
    ) throws(AppendOnlyDirectory.Failure) {
        let directory = appendOnlyDirectory
        let name: String
        if let last = manifest.increments.last {
            name = last.name
            log.write(.notice, "Opening AOF incr file \(name) on server start")
        } else {
            name = manifest.beginIncrement(of: directory.fileName)
            log.write(.notice, "Creating AOF incr file \(name) on server start")
        }
        appendOnly.file = AppendOnlyFile(try directory.open(name))
        if manifest != appendOnly.manifest { try directory.write(manifest) }
    }

    /// Turns the file on while the server runs: everything is written to a base first.
    private func turnOnAppendOnly() -> Bool {
        // What an earlier file still owes the disk is not this one's.
        appendOnly.phase = .waitingForBase
        if appendOnly.rewrite != nil {
            log.write(
                .warning,
                "AOF was enabled but there is already an AOF rewriting in background. Stopping "
                    + "background AOF and starting a rewrite now.")
            cancelRewrite()
            appendOnly.isRewriteScheduled = true
        } else if isOtherJobRunning {
            appendOnly.isRewriteScheduled = true
            log.write(
                .warning,
                "AOF was enabled but there is already another background operation. An AOF "
                    + "background was scheduled to start when possible.")
        } else if !startRewrite() {
            appendOnly.phase = .off
            log.write(
                .warning,
                "Redis needs to enable the AOF but can't trigger a background AOF rewrite "
                    + "operation. Check the above logs for more info about the error.")
            return false
        }
        appendOnly.writeError = nil
        appendOnly.syncError = nil
        updateDiskAttention()
        return true
    }

    // MARK: - Off

    private func turnOffAppendOnly() {
        guard appendOnly.isOn else { return }
        takeAppendOnlyEffects()
        flushAppendOnly(force: true)
        syncAppendOnlyNow()
        // A sync may be running on it, so it is closed behind that.
        if let file = appendOnly.file { appendOnly.retired.append(file.descriptor) }
        keyspace.state.pointee.effects.remove(.appendOnlyFile)
        appendOnly.file = nil
        if appendOnly.phase == .waitingForBase { removeTemporaryIncrement() }
        appendOnly.phase = .off
        appendOnly.isRewriteScheduled = false
        appendOnly.pending.removeAll()
        appendOnly.postponedSince = nil
        appendOnly.writeError = nil
        appendOnly.syncError = nil
        cancelRewrite()
        syncIfDue()
        updateDiskAttention()
        acknowledgementCame()
    }

    /// All data were replaced by those of a master: what the file says is not their past. Until
    /// their base is written the old files stay, and a start would load those and then ask the
    /// master.
    func restartAppendOnly() {
        guard appendOnly.isOn else { return }
        turnOffAppendOnly()
        appendOnly.syncedOffset = 0
        guard !turnOnAppendOnly() else { return }
        appendOnly.phase = .waitingForBase
        appendOnly.isRewriteScheduled = true
    }

    // MARK: - The end

    /// Brings what happened to the disk before the process ends. False if the first base is not
    /// written yet, and the end is not forced.
    func finishAppendOnly(force: Bool) -> Bool {
        guard appendOnly.isOn else { return true }
        if appendOnly.phase == .waitingForBase {
            guard force else {
                log.write(.warning, "Writing initial AOF, can't exit.")
                return false
            }
            log.write(.warning, "Writing initial AOF. Exit anyway.")
        }
        if appendOnly.rewrite != nil {
            log.write(.warning, "There is a child rewriting the AOF. Killing it!")
            cancelRewrite()
        }
        return true
    }

    /// The last thing before the end.
    func closeAppendOnly() {
        guard appendOnly.isOn else { return }
        takeAppendOnlyEffects()
        log.write(.notice, "Calling fsync() on the AOF file.")
        flushAppendOnly(force: true)
        syncAppendOnlyNow()
        if appendOnly.phase == .waitingForBase { removeTemporaryIncrement() }
    }

    // MARK: - History

    /// Removes the files that a rewrite has replaced, in the background.
    func removeAppendOnlyHistory() {
        guard !configuration.settings.appendOnlyKeepsHistory, appendOnly.phase != .waitingForBase,
            !appendOnly.manifest.history.isEmpty
        else { return }
        let directory = appendOnlyDirectory
        let names = appendOnly.manifest.history.map(\.name)
        for name in names {
            log.write(.notice, "Removing the history file \(name) in the background")
        }
        appendOnly.manifest.forgetHistory()
        do throws(AppendOnlyDirectory.Failure) {
            try directory.write(appendOnly.manifest)
        } catch {
            log.write(.warning, error.text)
        }
        loop.perform {
            for name in names { directory.remove(name) }
        } completion: {
        }
    }
}
