// SPDX-License-Identifier: BSD-3-Clause
//
// A dump of one version made into a dump of another one, key by key: no more of it is in memory
// than one value. Deadlines, idle times, functions and what the dump says of itself come along;
// keys that have expired do too, for this is a copy and not a start.

/// Why a dump cannot be converted.
enum RDBConversionError: Error {
    case unreadable(RDBError)
    case unwritable(PersistenceError)

    /// Lines for people.
    var text: String {
        switch self {
        case .unreadable(let error): "\(error)" + (error.hint.map { "\n" + $0 } ?? "")
        case .unwritable(let error): "\(error)"
        }
    }
}

/// One conversion of one dump.
struct RDBConversion<Source: ByteSource & ~Copyable>: ~Copyable {
    private static var mostFields: Int { 64 }

    private var reader: RDBReader<Source>
    private let version: Int
    /// Values pass through it, one at a time. At time zero nothing has expired.
    private let keyspace = Keyspace(databaseCount: 1, hasher: KeyHash(seed: 0))
    private var readError: RDBError?
    /// The database that was named and has no key yet.
    private var named: Int?
    private(set) var keys = 0

    /// `version` is one that a writer has: 9 to 12.
    init(from source: consuming Source, version: Int) throws(RDBConversionError) {
        do throws(RDBError) {
            reader = try RDBReader(source: source)
        } catch {
            throw .unreadable(error)
        }
        self.version = version
        keyspace.state.pointee.setTime(0)
    }

    /// Reads all of the source and writes a file, which appears when it is whole. Throws with the
    /// first key that the version cannot have.
    mutating func convert(
        toDirectory directory: String, name: String
    ) throws(RDBConversionError) -> SnapshotResult {
        do throws(PersistenceError) {
            return try SnapshotFile.save(
                directory: directory, name: name, options: RDBWriterOptions(version: version)
            ) { writer throws(PersistenceError) in
                try copy(to: &writer)
            }
        } catch {
            if let readError { throw .unreadable(readError) }
            throw .unwritable(error)
        }
    }

    /// The next item; the reader's error is kept and thrown as another one.
    private mutating func next() throws(PersistenceError) -> RDBItem {
        do throws(RDBError) {
            return try reader.next()
        } catch {
            readError = error
            throw .abandoned(.cancelled)
        }
    }

    private mutating func copy(to writer: inout RDBWriter<FileSink>) throws(PersistenceError) {
        var fields: [(String, String)] = []
        var item = try next()
        while case .auxiliary(let name, let value) = item {
            if fields.count < Self.mostFields { fields.append((name.string, value.string)) }
            item = try next()
        }
        try writer.begin(auxiliary: fields)
        while true {
            switch item {
            case .end: return try writer.finish()
            case .auxiliary, .module: break
            case .selectDatabase(let index): named = index
            case .resize(let keys, let expires): try select(keys, expires, &writer)
            case .function(let library): try copyLibrary(library, to: &writer)
            case .string(let key, let value, let deadline, let use):
                let source = value.stored(heap: keyspace.memory.pointee.heap)
                try write(key, .string(source), deadline, use, to: &writer)
            case .collection(let key, let type, let deadline, let use):
                let value = try collection(type)
                try write(key, .collection(value), deadline, use, to: &writer)
            }
            item = try next()
        }
    }

    private mutating func collection(
        _ type: ValueType
    ) throws(PersistenceError) -> CollectionSource {
        var builder = RDBValueBuilder(type, keyspace.state)
        do throws(RDBError) {
            try reader.readValue(into: &builder)
        } catch {
            readError = error
            throw .abandoned(.cancelled)
        }
        return builder.take()
    }

    private mutating func select(
        _ keys: Int, _ expires: Int, _ writer: inout RDBWriter<FileSink>
    ) throws(PersistenceError) {
        guard let index = named else { return }
        named = nil
        try writer.selectDatabase(index, keys: keys, expires: expires)
    }

    private func copyLibrary(
        _ library: ByteView, to writer: inout RDBWriter<FileSink>
    ) throws(PersistenceError) {
        guard version >= RDBVersion.firstWithStreamCounts else {
            throw .version(
                version,
                cannotHold: "functions, which need version \(RDBVersion.firstWithStreamCounts)")
        }
        try writer.library(
            [UInt8](UnsafeRawBufferPointer(start: library.base, count: library.count)))
    }

    private mutating func write(
        _ key: ByteView, _ value: DetachedValue, _ deadline: Int64?, _ use: KeyUse?,
        to writer: inout RDBWriter<FileSink>
    ) throws(PersistenceError) {
        try select(0, 0, &writer)
        if case .frequency = use {
            keyspace.state.pointee.countsFrequency = true
        } else {
            keyspace.state.pointee.countsFrequency = false
        }
        let database = keyspace.databases
        let entry = database.pointee.makeEntry(key, value, deadline: deadline, use)
        defer { database.pointee.discard(uninserted: entry) }
        switch use {
        case .idle: try writer.idle(entry, now: 0)
        case .frequency: try writer.frequency(entry, now: 0, AccessRecord.FrequencyScale())
        case nil: break
        }
        try writer.entry(entry)
        keys += 1
    }
}
