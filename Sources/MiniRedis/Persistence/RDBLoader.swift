// SPDX-License-Identifier: BSD-3-Clause
//
// Loads a dump into a keyspace: every key, or the reason why not.
//
// Keys whose deadlines have passed are read, checked and left out, as a master does; so are keys
// with collections that have no elements, which no command could make.

/// Why a dump cannot be taken over.
enum RDBLoadError: Error {
    case unreadable(RDBError)
    case tooManyDatabases(limit: Int)
    case duplicateKey(String, database: Int)
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
        }
    }

    /// A second line for the log, if there is more to say.
    var hint: String? {
        guard case .unreadable(let error) = self else { return nil }
        return error.hint
    }
}

/// Loads one dump, on the loop.
struct RDBLoader {
    private let keyspace: Keyspace
    private(set) var keysLoaded = 0
    /// Keys that were left out because their deadlines had passed.
    private(set) var keysExpired = 0
    /// Keys that were left out because their collections had no elements.
    private(set) var emptyKeys = 0
    /// The first of those, for the log.
    private(set) var emptyKeyNames: [String] = []
    private(set) var checksumWasDisabled = false

    private static let namedEmptyKeys = 10

    private let options: RDBReaderOptions

    init(into keyspace: Keyspace, options: RDBReaderOptions = RDBReaderOptions()) {
        self.keyspace = keyspace
        self.options = options
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
            var reader = try RDBReader(source: source, options: options)
            refusal = try load(&reader)
        } catch {
            throw .unreadable(error)
        }
        if let refusal { throw refusal }
    }

    /// Returns the error that is not the reader's.
    private mutating func load<Source: ByteSource & ~Copyable>(
        _ reader: inout RDBReader<Source>
    ) throws(RDBError) -> RDBLoadError? {
        var database = keyspace.databases
        while true {
            switch try reader.next() {
            case .end:
                checksumWasDisabled = reader.checksumWasDisabled
                return nil
            case .selectDatabase(let index):
                guard index < keyspace.databaseCount else {
                    return .tooManyDatabases(limit: keyspace.databaseCount)
                }
                database = keyspace.databases + index
            case .string(let key, let value, let deadline, let access):
                if isDue(deadline) { continue }
                let hash = database.pointee.hash(key)
                if database.pointee.lookup(key, hash) != nil { return duplicate(key, database) }
                let source = value.stored(heap: database.pointee.heap)
                database.pointee.load(key, hash, .string(source), deadline: deadline, access)
                keysLoaded += 1
            case .collection(let key, let type, let deadline, let access):
                let hash = database.pointee.hash(key)
                if database.pointee.lookup(key, hash) != nil { return duplicate(key, database) }
                var builder = RDBValueBuilder(type, keyspace.state)
                try reader.readValue(into: &builder)
                if builder.isEmpty {
                    noteEmpty(key)
                } else if !isDue(deadline) {
                    let value = DetachedValue.collection(builder.take())
                    database.pointee.load(key, hash, value, deadline: deadline, access)
                    keysLoaded += 1
                }
            case .auxiliary, .resize, .function: continue
            }
        }
    }

    private mutating func isDue(_ deadline: Int64?) -> Bool {
        guard let deadline, deadline <= keyspace.state.pointee.now else { return false }
        keysExpired += 1
        return true
    }

    private mutating func noteEmpty(_ key: ByteView) {
        emptyKeys += 1
        if emptyKeyNames.count < Self.namedEmptyKeys { emptyKeyNames.append(key.string) }
    }

    private func duplicate(
        _ key: ByteView, _ database: UnsafeMutablePointer<Database>
    ) -> RDBLoadError {
        .duplicateKey(key.string, database: database.pointee.index)
    }
}
