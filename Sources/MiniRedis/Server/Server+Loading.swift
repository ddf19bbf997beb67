// SPDX-License-Identifier: BSD-3-Clause
//
// The dump at the start: read into the keyspace, or the reason why not in the log.

import Glibc

/// Why a dump that can be read cannot be taken over.
private enum LoadError: Error, CustomStringConvertible {
    case unreadable(RDBError)
    case tooManyDatabases(Int)
    case duplicateKey(String, database: Int)

    var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .tooManyDatabases(let limit):
            "FATAL: Data file was created with a Redis server configured to handle more than "
                + "\(limit) databases. Exiting"
        case .duplicateKey(let key, let database):
            "RDB has duplicated key '\(key)' in DB \(database)"
        }
    }
}

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
        do throws(LoadError) {
            try load(path)
        } catch {
            log.write(.warning, "\(error)")
            if case .unreadable(let error) = error, let hint = error.hint {
                log.write(.warning, hint)
            }
            log.write(.warning, "Fatal error loading the DB, check server logs. Exiting.")
            return false
        }
        let seconds = Double(Clock.readMonotonicNanoseconds() - start) / 1e9
        log.write(
            .notice,
            "Done loading RDB, keys loaded: \(persistence.keysLoaded), "
                + "keys expired: \(persistence.keysExpiredAtLoad).")
        log.write(
            .notice,
            "DB loaded from disk: \(InfoReport.fixed(seconds, digits: 3)) seconds"
        )
        keyspace.state.pointee.changesSinceSave = 0
        return true
    }

    private func load(_ path: String) throws(LoadError) {
        persistence.keysLoaded = 0
        persistence.keysExpiredAtLoad = 0
        let source: FileSource
        do throws(PersistenceError) {
            source = try FileSource(path: path)
        } catch {
            throw .unreadable(
                RDBError(defect: .unreadable(error), offset: 0, database: 0, key: nil))
        }
        var reader: RDBReader<FileSource>
        do throws(RDBError) {
            reader = try RDBReader(source: source)
        } catch {
            throw .unreadable(error)
        }
        var database = keyspace.databases
        while true {
            switch try next(&reader) {
            case .end:
                if reader.checksumWasDisabled {
                    log.write(.notice, RDBReader<FileSource>.checksumDisabledNotice)
                }
                return
            case .selectDatabase(let index):
                guard index < keyspace.databaseCount else {
                    throw .tooManyDatabases(keyspace.databaseCount)
                }
                database = keyspace.databases + index
            case .string(let key, let value, let deadline, access: _):
                try add(key, value, deadline, to: database)
            case .auxiliary, .resize, .function: continue
            }
        }
    }

    private func next(
        _ reader: inout RDBReader<FileSource>
    ) throws(LoadError) -> RDBItem {
        do throws(RDBError) {
            return try reader.next()
        } catch {
            throw .unreadable(error)
        }
    }

    private func add(
        _ key: ByteView, _ value: StringPayload, _ deadline: Int64?,
        to database: UnsafeMutablePointer<Database>
    ) throws(LoadError) {
        if let deadline, deadline <= keyspace.state.pointee.now {
            persistence.keysExpiredAtLoad += 1
            return
        }
        let hash = database.pointee.hash(key)
        guard database.pointee.lookup(key, hash) == nil else {
            throw .duplicateKey(key.string, database: database.pointee.index)
        }
        let source: StringSource =
            switch value {
            case .integer(let integer): .integer(integer)
            case .bytes(let text): .stored(text, heap: database.pointee.heap)
            }
        database.pointee.add(key, hash, source, deadline)
        persistence.keysLoaded += 1
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
