// SPDX-License-Identifier: BSD-3-Clause
//
// The append-only file, loaded: the base by a thread, then the commands of the increments on the
// loop, in slices. All of it in one loading state: others get -LOADING.
//
//     manifest -> [ base: dump ] -> [ commands behind it ] -> increment -> increment ...
//
// The last file may end in the middle of a command, where a crash cut the last write: with
// `aof-load-truncated` it is cut off there. In any other place that is damage.

import Glibc

extension Server {
    /// How loading an append-only file went.
    private enum AppendOnlyLoad {
        /// There is none.
        case nothing
        case loaded
        case failed
    }

    // MARK: - Start

    /// At the start, in the place of the dump: loads the append-only file and opens it; `done` is
    /// called with whether that went well. If not, the reason is in the log.
    func startAppendOnly(_ done: @escaping (Bool) -> Void) {
        let start = Clock.readMonotonicNanoseconds()
        loadAppendOnly { [unowned self] result in
            switch result {
            case .failed: return done(false)
            case .nothing: break
            case .loaded:
                log.write(
                    .notice,
                    "DB loaded from append only file: \(Self.seconds(since: start)) seconds")
            }
            keyspace.state.pointee.changesSinceSave = 0
            done(openAppendOnly())
        }
    }

    /// DEBUG LOADAOF: forgets everything and loads what the file has.
    func reloadAppendOnly(for session: UnsafeMutablePointer<Session>) throws(ErrorReply) {
        guard loading == nil else { throw .loading }
        if appendOnly.isOn {
            takeAppendOnlyEffects()
            flushAppendOnly(force: true)
        }
        answerLater(session) { [unowned self] answer in
            for index in 0..<keyspace.databaseCount { _ = keyspace.flush(index) }
            loadAppendOnly { [unowned self] result in
                if case .failed = result {
                    leaveNoTrace()
                    _exit(1)
                }
                keyspace.state.pointee.changesSinceSave = 0
                log.write(.warning, "Append Only File loaded by DEBUG LOADAOF")
                answer { $0.ok() }
            }
        }
    }

    private static func seconds(since start: UInt64) -> String {
        let seconds = Double(Clock.readMonotonicNanoseconds() - start) / 1e9
        return InfoReport.fixed(seconds, digits: 3)
    }

    // MARK: - The manifest

    private func loadAppendOnly(_ done: @escaping (AppendOnlyLoad) -> Void) {
        let directory = appendOnlyDirectory
        do throws(AppendOnlyDirectory.ManifestFailure) {
            appendOnly.manifest = try readManifest()
        } catch {
            report(error)
            return done(.failed)
        }
        let manifest = appendOnly.manifest
        guard !manifest.isEmpty else { return done(.nothing) }
        if let removed = try? SnapshotFile.removeStale(directory: directory.path), removed > 0 {
            log.write(.notice, "Removed \(removed) temporary files of rewrites.")
        }
        directory.remove(directory.temporaryIncrement)
        var (total, baseBytes) = (0, 0)
        do throws(AppendOnlyDirectory.Failure) {
            for file in manifest.loaded {
                let bytes = try directory.size(of: file.name)
                total += bytes
                if file.kind == .base { baseBytes = bytes }
            }
        } catch {
            log.write(.warning, error.text)
            return done(.failed)
        }
        beginLoading(.appendOnlyBase, totalBytes: total)
        keyspace.state.pointee.repeats = true
        load(manifest.loaded[...]) { [unowned self] isLoaded in
            appendOnly.replay = nil
            keyspace.state.pointee.repeats = false
            endLoading()
            appendOnly.currentSize = total
            appendOnly.baseSize = baseBytes
            done(isLoaded ? .loaded : .failed)
        }
    }

    /// The manifest; that of an old version's file, if there is one and no other.
    private func readManifest()
        throws(AppendOnlyDirectory.ManifestFailure) -> AppendOnlyManifest
    {
        let directory = appendOnlyDirectory
        let found = try directory.readManifest()
        var manifest = found ?? AppendOnlyManifest()
        let isInterrupted =
            manifest.increments.isEmpty && manifest.base?.name == directory.fileName
            && !directory.contains(directory.fileName)
        guard directory.hasOldFile, found == nil || isInterrupted else { return manifest }
        do throws(AppendOnlyDirectory.Failure) {
            try directory.create()
            if found == nil {
                manifest.adopt(base: directory.fileName)
                try directory.write(manifest)
            }
            try directory.moveOldFile()
        } catch {
            throw .unreadable(error)
        }
        log.write(
            .notice,
            "Successfully migrated an old-style AOF configuration (\(directory.fileName)) into the "
                + "AOF directory (\(directory.name)).")
        return manifest
    }

    private func report(_ failure: AppendOnlyDirectory.ManifestFailure) {
        switch failure {
        case .unreadable(let reason): log.write(.warning, reason.text)
        case .invalid(let error):
            log.write(.warning, "*** FATAL AOF MANIFEST FILE ERROR ***")
            if error.line > 0 {
                log.write(.warning, "Reading the manifest file, at line \(error.line)")
                log.write(.warning, ">>> '\(error.text)'")
            }
            log.write(.warning, error.reason.rawValue)
        }
    }

    // MARK: - Files

    private func load(
        _ files: ArraySlice<AppendOnlyManifest.File>, _ done: @escaping (Bool) -> Void
    ) {
        guard let file = files.first else { return done(true) }
        let start = Clock.readMonotonicNanoseconds()
        let kind = file.kind == .base ? "base" : "incr"
        load(file, isLast: files.count == 1) { [unowned self] isLoaded in
            guard isLoaded else { return done(false) }
            log.write(
                .notice,
                "DB loaded from \(kind) file \(file.name): \(Self.seconds(since: start)) seconds")
            load(files.dropFirst(), done)
        }
    }

    private func load(
        _ file: AppendOnlyManifest.File, isLast: Bool, _ done: @escaping (Bool) -> Void
    ) {
        let path = appendOnlyDirectory.path(of: file.name)
        guard Self.beginsWithDump(path) else {
            return replay(file.name, from: 0, isLast: isLast, done)
        }
        log.write(.notice, "Reading RDB base file on AOF loading...")
        beginLoad(from: .file(path: path), kind: .appendOnlyBase) { [unowned self] result in
            switch result {
            case .failure(let error):
                logFailure(error)
                log.write(
                    .warning,
                    "Error reading the RDB preamble of the AOF file \(file.name), AOF loading "
                        + "aborted")
                done(false)
            case .success(let loaded):
                if !file.name.hasSuffix(".rdb") {
                    log.write(.notice, "Reading the remaining AOF tail...")
                }
                replay(file.name, from: loaded.bytesRead, isLast: isLast, done)
            }
        }
    }

    private static func beginsWithDump(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var mark = [UInt8](repeating: 0, count: 5)
        return read(descriptor, &mark, 5) == 5 && mark == Array("REDIS".utf8)
    }

    private func replay(
        _ name: String, from offset: Int, isLast: Bool, _ done: @escaping (Bool) -> Void
    ) {
        let path = appendOnlyDirectory.path(of: name)
        guard let replay = AppendOnlyReplay(server: self, path: path, offset: offset) else {
            log.write(
                .warning,
                "Fatal error: can't open the append log file \(name) for reading: "
                    + String(cString: strerror(errno)))
            return done(false)
        }
        appendOnly.replay = replay
        appendOnly.replayEnded = { [unowned self] outcome in
            appendOnly.replay = nil
            done(end(outcome, of: name, isLast: isLast))
        }
        loop.requestTurn()
    }

    /// Does a slice of a replay, at the end of a turn.
    func continueReplay() {
        guard let replay = appendOnly.replay else { return }
        let outcome = replay.step()
        if case .goesOn = outcome { return loop.requestTurn() }
        appendOnly.replayEnded(outcome)
    }

    /// So many bytes more are loaded.
    func noteReplayed(_ bytes: Int) {
        loading?.bytesBefore += bytes
    }

    // MARK: - Ends

    /// Whether loading goes on; if not, the reason is in the log.
    private func end(_ outcome: AppendOnlyReplay.Outcome, of name: String, isLast: Bool) -> Bool {
        switch outcome {
        case .goesOn: preconditionFailure("a replay that goes on has not ended")
        case .finished: return true
        case .truncated(let sound): return endTruncated(name, sound, isLast: isLast)
        case .malformed(let sound):
            if isLast && isCorruptTailTolerable(name, sound) {
                log.write(
                    .warning,
                    "!!! Warning: corrupted tail of the AOF file \(name) at offset \(sound)!!!")
                return cut(name, at: sound)
            }
            log.write(
                .warning,
                "Bad file format reading the append only file \(name): make a backup of your AOF "
                    + "file, then use ./redis-check-aof --fix <filename.manifest>")
        case .unknownCommand(let command):
            log.write(
                .warning, "Unknown command '\(command)' reading the append only file \(name)")
        case .tooManyDatabases:
            log.write(
                .warning,
                "\(RDBLoadError.tooManyDatabases(limit: keyspace.databaseCount))")
        case .unreadable(let code):
            log.write(
                .warning,
                "Unrecoverable error reading the append only file \(name): "
                    + String(cString: strerror(code)))
        }
        return false
    }

    private func endTruncated(_ name: String, _ sound: Int, isLast: Bool) -> Bool {
        guard isLast else {
            log.write(
                .warning,
                "Unexpected end of file reading the append only file \(name). Fatal error: the "
                    + "truncated file is not the last file")
            return false
        }
        guard configuration.settings.appendOnlyLoadsTruncated else {
            log.write(
                .warning,
                "Unexpected end of file reading the append only file \(name). You can: 1) Make a "
                    + "backup of your AOF file, then use ./redis-check-aof --fix "
                    + "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' "
                    + "configuration option to yes and restart the server.")
            return false
        }
        log.write(.warning, "!!! Warning: short read while loading the AOF file \(name)!!!")
        return cut(name, at: sound)
    }

    /// Whether what is behind `sound` may be lost: no more than `aof-load-corrupt-tail-max-size`.
    private func isCorruptTailTolerable(_ name: String, _ sound: Int) -> Bool {
        let limit = Int(clamping: configuration.settings.appendOnlyCorruptTailBytes)
        guard limit > 0, let size = try? appendOnlyDirectory.size(of: name) else { return false }
        return size - sound <= limit
    }

    /// Cuts the file off.
    private func cut(_ name: String, at sound: Int) -> Bool {
        log.write(.warning, "AOF \(name) loaded anyway because aof-load-truncated is enabled")
        log.write(.warning, "Truncating the AOF \(name) at offset \(sound)")
        guard truncate(appendOnlyDirectory.path(of: name), sound) == 0 else {
            log.write(
                .warning,
                "Error truncating the AOF file \(name): \(String(cString: strerror(errno)))")
            return false
        }
        return true
    }
}
