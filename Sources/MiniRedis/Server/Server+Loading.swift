// SPDX-License-Identifier: BSD-3-Clause
//
// The dump at the start: read into the keyspace, or the reason why not in the log.

import Glibc

extension Server {
    /// Loads the dump of the data directory, if there is one. False, with the reason in the log, if
    /// it is damaged.
    func load() -> Bool {
        let settings = configuration.settings
        persistence.lastSaveAt = keyspace.state.pointee.now / 1000
        if let removed = try? SnapshotFile.removeStale(directory: settings.directory), removed > 0 {
            log.write(.notice, "Removed \(removed) temporary files of saves that did not finish.")
        }
        let path = settings.directory + "/" + settings.dbFilename
        guard access(path, F_OK) == 0 else { return true }
        let start = Clock.readMonotonicNanoseconds()
        var loader = RDBLoader(into: keyspace)
        do throws(RDBLoadError) {
            try loader.load(file: path)
        } catch {
            log.write(.warning, "\(error)")
            if let hint = error.hint { log.write(.warning, hint) }
            log.write(.warning, "Fatal error loading the DB, check server logs. Exiting.")
            return false
        }
        let seconds = Double(Clock.readMonotonicNanoseconds() - start) / 1e9
        report(loader)
        log.write(
            .notice,
            "DB loaded from disk: \(InfoReport.fixed(seconds, digits: 3)) seconds"
        )
        keyspace.state.pointee.changesSinceSave = 0
        return true
    }

    private func report(_ loader: RDBLoader) {
        persistence.keysLoaded = loader.keysLoaded
        persistence.keysExpiredAtLoad = loader.keysExpired
        if loader.checksumWasDisabled {
            log.write(.notice, RDBReader<FileSource>.checksumDisabledNotice)
        }
        for key in loader.emptyKeyNames {
            log.write(.notice, "rdbLoadObject skipping empty key: \(key)")
        }
        let skipped =
            loader.emptyKeys > 0 ? ", empty keys skipped: \(loader.emptyKeys)" : ""
        log.write(
            .notice,
            "Done loading RDB, keys loaded: \(loader.keysLoaded), "
                + "keys expired: \(loader.keysExpired)\(skipped).")
    }

    // MARK: - DEBUG RELOAD

    /// Saves, forgets everything and loads what was saved. Everybody waits, as for a restart: what
    /// another client wrote between the save and the load would be lost.
    func reload(for session: UnsafeMutablePointer<Session>) throws(ErrorReply) {
        guard persistence.runningSince == nil else { throw .alreadySaving }
        if let error = saveNow() {
            frame.pointee.reply.error("ERR \(error)")
            throw .written
        }
        for index in 0..<keyspace.databaseCount { keyspace.flush(index) }
        guard load() else {
            frame.pointee.reply.error(
                "ERR Error trying to load the RDB dump, check server logs.")
            throw .written
        }
        frame.pointee.reply.ok()
    }
}
