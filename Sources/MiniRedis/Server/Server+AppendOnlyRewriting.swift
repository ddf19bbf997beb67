// SPDX-License-Identifier: BSD-3-Clause
//
// The append-only file, rewritten: a new base from a snapshot, by a thread, while commands go on to
// a new increment.
//
//     start       increment 4 | snapshot | increment 5          all in one instant
//     meanwhile   base 2, 3, 4 and 5 are what would be loaded   5 is in the manifest
//     end         base 3 and 5; base 2, 3 and 4 are history     one write of the manifest
//
// A rewrite that fails leaves one increment more and nothing else. After three failures in a row
// the next one waits, for a minute, two, four, at most an hour.

import Glibc

extension Server {
    private static let failuresBeforeWait = 3
    private static let longestWaitMinutes: Int64 = 60

    /// Whether a job runs that a rewrite waits for.
    var isOtherJobRunning: Bool { persistence.runningSince != nil }

    // MARK: - BGREWRITEAOF

    func rewriteAppendOnly() throws(ErrorReply) -> RewriteAnswer {
        guard appendOnly.rewrite == nil else { throw .alreadyRewriting }
        if isOtherJobRunning || loading != nil || frame.pointee.mode != .direct {
            appendOnly.isRewriteScheduled = true
            // Who asks for one does not wait for what went wrong before.
            appendOnly.failuresInARow = 0
            appendOnly.heldBackUntil = 0
            return .scheduled
        }
        guard startRewrite() else { throw .rewriteFailed }
        return .started
    }

    // MARK: - Each tick

    /// Starts what is due; called several times a second.
    func tickAppendOnly() {
        if appendOnly.isOn, !appendOnly.pending.isEmpty || !appendOnly.isSyncing {
            flushAppendOnly(force: false)
        }
        guard appendOnly.rewrite == nil, !isOtherJobRunning, loading == nil, !isEnding else {
            return
        }
        if appendOnly.isRewriteScheduled {
            if !isRewriteHeldBack() { startRewrite() }
        } else if let growth = rewriteGrowth(), !isRewriteHeldBack() {
            log.write(.notice, "Starting automatic rewriting of AOF on \(growth)% growth")
            startRewrite()
        }
    }

    /// By how many percent the file has grown, if that is reason enough to rewrite it.
    private func rewriteGrowth() -> Int64? {
        let settings = configuration.settings
        guard appendOnly.phase == .on, settings.autoRewritePercentage > 0,
            appendOnly.currentSize > Int(clamping: settings.autoRewriteMinSizeBytes)
        else { return nil }
        let base = Int64(max(1, appendOnly.baseSize))
        let growth = Int64(appendOnly.currentSize) * 100 / base - 100
        return growth >= settings.autoRewritePercentage ? growth : nil
    }

    /// Whether failures keep rewrites from starting by themselves at the moment.
    private func isRewriteHeldBack() -> Bool {
        guard appendOnly.failuresInARow >= Self.failuresBeforeWait else {
            appendOnly.heldBackUntil = 0
            return false
        }
        let now = loop.clock.pointee.monotonicMilliseconds
        if appendOnly.heldBackUntil != 0 {
            guard now >= appendOnly.heldBackUntil else { return true }
            appendOnly.heldBackUntil = 0
            return false
        }
        let shift = min(6, appendOnly.failuresInARow - Self.failuresBeforeWait)
        let minutes = min(Self.longestWaitMinutes, Int64(1) << Int64(shift))
        appendOnly.heldBackUntil = now + minutes * 60_000
        log.write(
            .warning,
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
                + "\(minutes) minutes")
        return true
    }

    // MARK: - Start

    /// Starts a rewrite now. False, with the reason in the log, if that fails.
    @discardableResult
    func startRewrite() -> Bool {
        appendOnly.isRewriteScheduled = false
        takeAppendOnlyEffects()
        flushAppendOnly(force: true)
        guard appendOnly.pending.isEmpty else {
            log.write(.warning, "The AOF cannot be rewritten while it cannot be written.")
            return false
        }
        let directory = appendOnlyDirectory
        do throws(AppendOnlyDirectory.Failure) {
            try directory.create()
            if appendOnly.isOn { try beginIncrement() }
        } catch {
            log.write(.warning, error.text)
            appendOnly.lastRewriteSucceeded = false
            return false
        }
        var next = appendOnly.manifest
        let isDump = configuration.settings.appendOnlyUsesDump
        let name = next.beginBase(of: directory.fileName, isDump: isDump)
        let job = makeRewrite(name, isDump: isDump)
        appendOnly.rewrite = job
        appendOnly.isRewriteStale = false
        appendOnly.rewriteBegan = loop.clock.pointee.unixMilliseconds
        log.write(.notice, "Background append only file rewriting started")
        loop.performOnOwnThread(isPatient: true) {
            job.run()
        } completion: { [unowned self] in
            keyspace.endSnapshot(job.snapshot)
            endRewrite(job, name, isDump: isDump)
        }
        return true
    }

    /// From here on what happens goes to a new increment: with the file being turned on, to one
    /// that has its name when its base is there.
    private func beginIncrement() throws(AppendOnlyDirectory.Failure) {
        let directory = appendOnlyDirectory
        let descriptor: Int32
        if appendOnly.phase == .waitingForBase {
            descriptor = try directory.open(directory.temporaryIncrement, truncating: true)
        } else {
            var manifest = appendOnly.manifest
            let name = manifest.beginIncrement(of: directory.fileName)
            log.write(.notice, "Creating AOF incr file \(name) on background rewrite")
            descriptor = try directory.open(name, truncating: true)
            do throws(AppendOnlyDirectory.Failure) {
                try directory.write(manifest)
            } catch {
                close(descriptor)
                throw error
            }
            appendOnly.manifest = manifest
        }
        if let old = appendOnly.file { appendOnly.retired.append(old.descriptor) }
        appendOnly.file = AppendOnlyFile(descriptor)
        appendOnly.annotatedSecond = 0
        listenForAppendOnly()
        if appendOnly.phase == .waitingForBase {
            appendOnly.written = appendOnly.taken
            appendOnly.synced = appendOnly.written
        }
        syncIfDue()
    }

    /// A rewrite of everything as it is now.
    func makeRewrite(_ name: String, isDump: Bool) -> AppendOnlyRewrite {
        let settings = configuration.settings
        let options = snapshotOptions(isAppendOnlyBase: true)
        let second = loop.clock.pointee.unixMilliseconds / 1000
        var plan = AppendOnlyRewrite.Plan(directory: appendOnlyDirectory.path, name: name)
        plan.compression = options.compression
        plan.checksum = options.checksum
        plan.version = options.version
        plan.isDump = isDump
        plan.auxiliary = options.auxiliary.map { ($0.name, $0.value) }
        plan.timestamp = settings.appendOnlyTimestamps ? second : nil
        return AppendOnlyRewrite(
            snapshot: beginSnapshot(), plan: plan,
            keyDelayMicroseconds: settings.keySaveDelayMicroseconds)
    }

    // MARK: - End

    /// The running rewrite is not wanted any more.
    func cancelRewrite() {
        guard let job = appendOnly.rewrite else { return }
        log.write(.notice, "Killing running AOF rewrite child: its thread gives up")
        appendOnly.isRewriteStale = true
        job.cancel()
    }

    private func endRewrite(_ job: AppendOnlyRewrite, _ name: String, isDump: Bool) {
        let milliseconds = loop.clock.pointee.unixMilliseconds - appendOnly.rewriteBegan
        let isStale = appendOnly.isRewriteStale
        appendOnly.rewrite = nil
        appendOnly.lastRewriteSeconds = milliseconds / 1000
        switch job.outcome {
        case .success(let bytes) where !isStale:
            log.write(.notice, "Background AOF rewrite terminated with success")
            do throws(AppendOnlyDirectory.Failure) {
                try adoptBase(isDump: isDump, bytes: bytes)
                appendOnly.rewrites += 1
                appendOnly.lastRewriteSucceeded = true
                appendOnly.failuresInARow = 0
                log.write(.notice, "Background AOF rewrite finished successfully")
                removeAppendOnlyHistory()
                return
            } catch {
                log.write(.warning, error.text)
                appendOnlyDirectory.remove(name)
                noteFailedRewrite()
            }
        case .success:
            appendOnlyDirectory.remove(name)
            log.write(.warning, "Background AOF rewrite terminated: nobody wants it any more")
        case .failure(let error):
            log.write(.warning, "\(error)")
            log.write(.warning, "Background AOF rewrite terminated with error")
            if !isStale { noteFailedRewrite() }
        case nil: preconditionFailure("a job that has run has an outcome")
        }
        guard appendOnly.phase == .waitingForBase else { return }
        // What happened meanwhile will be in the next snapshot.
        if let file = appendOnly.file { appendOnly.retired.append(file.descriptor) }
        appendOnly.file = nil
        appendOnly.pending.removeAll()
        keyspace.state.pointee.effects.remove(.appendOnlyFile)
        removeTemporaryIncrement()
        appendOnly.isRewriteScheduled = true
    }

    private func noteFailedRewrite() {
        appendOnly.lastRewriteSucceeded = false
        appendOnly.failuresInARow += 1
    }

    /// Makes the new base, which is on the disk, the one that counts.
    private func adoptBase(isDump: Bool, bytes: Int) throws(AppendOnlyDirectory.Failure) {
        let directory = appendOnlyDirectory
        var manifest = appendOnly.manifest
        _ = manifest.beginBase(of: directory.fileName, isDump: isDump)
        if appendOnly.phase == .waitingForBase {
            let name = manifest.beginIncrement(of: directory.fileName)
            try directory.rename(directory.temporaryIncrement, to: name)
        }
        manifest.retireIncrements(keeping: appendOnly.isOn ? 1 : 0)
        try directory.write(manifest)
        appendOnly.manifest = manifest
        appendOnly.currentSize = bytes + (appendOnly.file?.size ?? 0)
        appendOnly.baseSize = appendOnly.currentSize
        guard appendOnly.phase == .waitingForBase else { return }
        appendOnly.phase = .on
        updateDiskAttention()
        noteDurable()
    }

    func removeTemporaryIncrement() {
        let directory = appendOnlyDirectory
        let name = directory.temporaryIncrement
        log.write(.notice, "Removing the temp incr aof file \(name) in the background")
        // At once, for the next one has the same name; a thread closes it, which frees it.
        directory.remove(name)
    }
}
