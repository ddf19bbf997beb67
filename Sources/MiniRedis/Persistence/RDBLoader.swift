// SPDX-License-Identifier: BSD-3-Clause
//
// Loads a dump into a keyspace: every key, or the reason why not.
//
// On a master, keys whose deadlines have passed are read, checked and left out; a replica keeps
// them until its master says otherwise. Keys with collections that have no elements, which no
// command could make, are left out on both.

/// Why a dump cannot be taken over.
enum RDBLoadError: Error {
    case unreadable(RDBError)
    case tooManyDatabases(limit: Int)
    case duplicateKey(String, database: Int)
    /// Nothing is wrong with it, but it is not wanted (any more).
    case refused
}

extension RDBLoadError: CustomStringConvertible {
    var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .tooManyDatabases(let limit):
            "FATAL: Data file was created with a Redis server configured to handle more than "
                + "\(limit) databases. Exiting"
        case .duplicateKey(let key, let database):
            "RDB has duplicated key '\(key)' in DB \(database)"
        case .refused: "The loaded data are not wanted any more"
        }
    }

    /// A second line for the log, if there is more to say.
    var hint: String? {
        guard case .unreadable(let error) = self else { return nil }
        return error.hint
    }

    /// Whether somebody gave the load up, so that nothing is wrong with the dump.
    var isCancellation: Bool {
        guard case .unreadable(let error) = self, case .unreadable(let cause) = error.defect else {
            return false
        }
        return cause == .abandoned(.cancelled)
    }
}

/// What to do with the keys of a dump.
struct RDBLoadOptions {
    var reader = RDBReaderOptions()
    /// Keys whose deadlines have passed are kept (on a replica, and before commands that follow).
    var keepsExpiredKeys = false
    /// Keys whose deadlines have passed are counted as left out, but kept if the dump belongs to a
    /// history that replicas may share: whoever loads it removes them, and tells.
    var tellsExpired = false
    /// Keys that are there are replaced, where else the load fails.
    var replacesKeys = false
}

/// What was loaded.
struct RDBLoadResult {
    var keysLoaded = 0
    /// Keys that were left out because their deadlines had passed.
    var keysExpired = 0
    /// Keys that were left out because their collections had no elements.
    var emptyKeys = 0
    /// The first of those, for the log.
    var emptyKeyNames: [String] = []
    var checksumWasDisabled = false
    /// What the dump says of itself.
    var facts = RDBFacts()
    /// Bytes of the dump, its checksum included: where in a file the next thing begins.
    var bytesRead = 0
}

/// What a dump says of itself, as far as it does: the auxiliary fields that mean something here.
struct RDBFacts {
    /// The version of the server that wrote it.
    var producer: String?
    /// Seconds since 1970.
    var createdAt: Int64?
    /// Bytes.
    var usedMemory: Int64?
    var replicationID: String?
    var replicationOffset: Int64?
    /// The database that the stream of commands had selected.
    var streamDatabase: Int64?
    /// Whether it is the base of an append-only file: commands follow, here or in another file.
    var isAppendOnlyBase = false

    mutating func take(_ name: ByteView, _ value: ByteView) {
        switch name.string {
        case "redis-ver", "valkey-ver": producer = value.prefix(min(64, value.count)).string
        case "ctime": createdAt = Int64(value.string)
        case "used-mem": usedMemory = Int64(value.string)
        case "repl-id" where value.count == 40: replicationID = value.string
        case "repl-offset": replicationOffset = Int64(value.string)
        case "repl-stream-db": streamDatabase = Int64(value.string)
        case "aof-base", "aof-preamble": isAppendOnlyBase = Int64(value.string) ?? 0 != 0
        default: break
        }
    }
}

/// Loads one dump, on the thread that the keyspace belongs to.
struct RDBLoader {
    private let keyspace: Keyspace
    private let options: RDBLoadOptions
    private let progress: LoadProgress?
    private(set) var result = RDBLoadResult()
    private var libraries: [[UInt8]] = []
    /// Where small collections are put together, while a dump is read.
    private var stage: UnsafeMutablePointer<PackedStage>?

    private static let namedEmptyKeys = 10
    /// Auxiliary fields longer than this are none that mean something here, bytes.
    private static let longestFact = 256

    init(
        into keyspace: Keyspace, options: RDBLoadOptions = RDBLoadOptions(),
        progress: LoadProgress? = nil
    ) {
        self.keyspace = keyspace
        self.options = options
        self.progress = progress
    }

    /// Reads the dump of a file, as `load` does.
    mutating func load(file path: String) throws(RDBLoadError) {
        let source: FileSource
        do throws(PersistenceError) {
            source = try FileSource(path: path)
        } catch {
            throw .unreadable(
                RDBError(defect: .unreadable(error), offset: 0, database: 0, key: nil))
        }
        try load(source)
    }

    /// Reads the dump to its end. After an error the keyspace has some of its keys.
    mutating func load<Source: ByteSource & ~Copyable>(
        _ source: consuming Source
    ) throws(RDBLoadError) {
        let refusal: RDBLoadError?
        do throws(RDBError) {
            if let progress {
                var reader = try RDBReader(
                    source: WatchedSource(source, progress), options: options.reader)
                refusal = try loadAll(&reader)
            } else {
                var reader = try RDBReader(source: source, options: options.reader)
                refusal = try loadAll(&reader)
            }
        } catch {
            throw .unreadable(error)
        }
        if let refusal { throw refusal }
    }

    private mutating func loadAll<Source: ByteSource & ~Copyable>(
        _ reader: inout RDBReader<Source>
    ) throws(RDBError) -> RDBLoadError? {
        var keys = LoadedKeys(replacingKeys: options.replacesKeys)
        var database = keyspace.databases
        let stage = UnsafeMutablePointer<PackedStage>.allocate(capacity: 1)
        stage.initialize(to: PackedStage())
        self.stage = stage
        defer {
            self.stage = nil
            stage.deinitialize(count: 1)
            stage.deallocate()
        }
        do throws(RDBError) {
            if let refusal = try load(&reader, &keys, &database) {
                keys.discard(from: database)
                return refusal
            }
        } catch {
            keys.discard(from: database)
            throw error
        }
        keyspace.state.pointee.keepLibraries(libraries)
        result.checksumWasDisabled = reader.checksumWasDisabled
        result.bytesRead = reader.bytesRead
        return nil
    }

    /// Returns the error that is not the reader's.
    private mutating func load<Source: ByteSource & ~Copyable>(
        _ reader: inout RDBReader<Source>, _ keys: inout LoadedKeys,
        _ database: inout UnsafeMutablePointer<Database>
    ) throws(RDBError) -> RDBLoadError? {
        while true {
            var existing: String?
            switch try reader.next() {
            case .end:
                return keys.flush(to: database).map { duplicate($0, database) }
            case .selectDatabase(let index):
                guard index < keyspace.databaseCount else {
                    return .tooManyDatabases(limit: keyspace.databaseCount)
                }
                existing = keys.flush(to: database)
                if existing == nil { database = keyspace.databases + index }
            case .string(let key, let value, let deadline, let access):
                if isDue(deadline) { continue }
                let source = value.stored(heap: database.pointee.heap)
                let entry = database.pointee.makeEntry(
                    key, .string(source), deadline: deadline, access)
                existing = keys.add(entry, database.pointee.hash(key), to: database)
                noteLoaded()
            case .collection(let key, let type, let deadline, let access):
                var builder = RDBValueBuilder(type, keyspace.state, stage: stage)
                try reader.readValue(into: &builder)
                if builder.isEmpty {
                    noteEmpty(key)
                } else if !isDue(deadline) {
                    let entry = database.pointee.makeEntry(
                        key, .collection(builder.take()), deadline: deadline, access)
                    existing = keys.add(entry, database.pointee.hash(key), to: database)
                    noteLoaded()
                }
            case .auxiliary(let name, let value): noteFact(name, value)
            case .function(let library):
                libraries.append(
                    [UInt8](UnsafeRawBufferPointer(start: library.base, count: library.count)))
            case .resize, .module: continue
            }
            if let existing { return duplicate(existing, database) }
        }
    }

    private mutating func noteLoaded() {
        result.keysLoaded += 1
        guard let progress else { return }
        if result.keysLoaded & 1023 == 0 { progress.setUsed(keyspace.allocatedBytes) }
        progress.pauseAfterKey(result.keysLoaded)
    }

    private mutating func noteFact(_ name: ByteView, _ value: ByteView) {
        guard name.count <= Self.longestFact && value.count <= Self.longestFact else { return }
        result.facts.take(name, value)
        progress?.setClaimed(Int(clamping: result.facts.usedMemory ?? 0))
    }

    private mutating func isDue(_ deadline: Int64?) -> Bool {
        guard !options.keepsExpiredKeys, let deadline, deadline <= keyspace.state.pointee.now
        else { return false }
        result.keysExpired += 1
        // Replicas that go on from this dump's history must be told of its end.
        return !(options.tellsExpired && result.facts.replicationID != nil)
    }

    private mutating func noteEmpty(_ key: ByteView) {
        result.emptyKeys += 1
        if result.emptyKeyNames.count < Self.namedEmptyKeys {
            result.emptyKeyNames.append(key.string)
        }
    }

    private func duplicate(
        _ key: String, _ database: UnsafeMutablePointer<Database>
    ) -> RDBLoadError {
        .duplicateKey(key, database: database.pointee.index)
    }
}
