// SPDX-License-Identifier: BSD-3-Clause
//
// The dump of the data directory: loaded at the start, and by DEBUG RELOAD.

import Glibc

extension Server {
    /// Loads the dump of the data directory, if there is one, while the loop runs; then `done` is
    /// called with whether the data are there. If not, the reason is in the log.
    func loadDump(_ kind: LoadKind, done: @escaping (Bool) -> Void) {
        let settings = configuration.settings
        let path = settings.directory + "/" + settings.dbFilename
        guard access(path, F_OK) == 0 else { return done(true) }
        let start = Clock.readMonotonicNanoseconds()
        beginLoad(from: .file(path: path), kind: kind) { [unowned self] result in
            switch result {
            case .failure(let error):
                logFailure(error)
                done(false)
            case .success(let result):
                if kind == .start { restoreHistory(result.facts) }
                let seconds = Double(Clock.readMonotonicNanoseconds() - start) / 1e9
                log.write(
                    .notice,
                    "DB loaded from disk: \(InfoReport.fixed(seconds, digits: 3)) seconds")
                keyspace.state.pointee.changesSinceSave = 0
                done(true)
            }
        }
    }

    /// The data at the start, then `ready`; without them the process ends.
    func loadAtStart(_ ready: @escaping () -> Void) {
        let settings = configuration.settings
        persistence.lastSaveAt = keyspace.state.pointee.now / 1000
        if let removed = try? SnapshotFile.removeStale(directory: settings.directory), removed > 0 {
            log.write(.notice, "Removed \(removed) temporary files of saves that did not finish.")
        }
        if settings.appendOnly {
            return startAppendOnly { [unowned self] isThere in
                if isThere { return ready() }
                exitStatus = 1
                loop.stop()
            }
        }
        loadDump(.start) { [unowned self] isThere in
            if isThere { return ready() }
            log.write(.warning, "Fatal error loading the DB, check server logs. Exiting.")
            exitStatus = 1
            loop.stop()
        }
    }

    // MARK: - DEBUG RELOAD

    /// Saves, forgets everything and loads what was saved. Others wait meanwhile, as they do in
    /// Redis: what they wrote between the save and the load would be lost.
    func reload(
        _ options: ReloadOptions, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply) {
        guard loading == nil else { throw .loading }
        guard persistence.runningSince == nil else { throw .alreadySaving }
        if !options.contains(.noSave), let error = saveNow() {
            frame.pointee.reply.error("ERR \(error)")
            throw .written
        }
        if options.contains(.noFlush) { return try reloadOver(options) }
        answerLater(session) { [unowned self] answer in
            loadDump(.reload) { isThere in
                answer { reply in
                    isThere ? reply.ok() : reply.error(Self.reloadFailure)
                }
            }
        }
    }

    private static var reloadFailure: String {
        "ERR Error trying to load the RDB dump, check server logs."
    }

    /// Loads the dump over what is here, while everybody waits.
    private func reloadOver(_ options: ReloadOptions) throws(ErrorReply) {
        let settings = configuration.settings
        var how = loadOptions(.reload, keepsExpired: false)
        how.replacesKeys = options.contains(.merge)
        var loader = RDBLoader(into: keyspace, options: how)
        do throws(RDBLoadError) {
            try loader.load(file: settings.directory + "/" + settings.dbFilename)
        } catch {
            logFailure(error)
            frame.pointee.reply.error(Self.reloadFailure)
            throw .written
        }
        frame.pointee.reply.ok()
    }
}
