// SPDX-License-Identifier: BSD-3-Clause
//
// Reads a dump as a load would, keeps nothing of it, and says what is inside.

/// What the keys of a database are.
struct RDBCensus {
    /// By the raw value of their type; strings are 0.
    var keys = [Int](repeating: 0, count: ValueType.allCases.count)
    var expires = 0
    var expired = 0
    var modules = 0

    var total: Int { keys.reduce(0, +) + modules }

    /// `12 keys (string 10, hash 2), 3 expires, 1 already expired`
    var text: String {
        var kinds = ValueType.allCases.filter { keys[Int($0.rawValue)] > 0 }.map {
            "\($0.name) \(keys[Int($0.rawValue)])"
        }
        if modules > 0 { kinds.append("module \(modules)") }
        return "\(total) keys (\(kinds.joined(separator: ", "))), \(expires) expires, "
            + "\(expired) already expired"
    }
}

/// One reading of one dump.
struct RDBInspection {
    /// The key that takes most of the dump.
    struct Largest {
        var key: String
        var type: String
        var database: Int
        /// Bytes of the dump, the key's included.
        var bytes: Int
    }

    /// Milliseconds since 1970: what is due then has expired.
    let now: Int64
    /// Takes a line, which begins with where in the dump it was.
    let say: (String) -> Void
    private(set) var databases: [Int: RDBCensus] = [:]
    private(set) var largest: Largest?
    private(set) var facts = RDBFacts()
    private(set) var version = 0
    private(set) var isValkey = false
    private(set) var checksumWasDisabled = false
    private(set) var bytes = 0
    private(set) var libraries = 0

    init(now: Int64, say: @escaping (String) -> Void) {
        self.now = now
        self.say = say
    }

    var total: RDBCensus {
        databases.values.reduce(into: RDBCensus()) { sum, one in
            for at in sum.keys.indices { sum.keys[at] += one.keys[at] }
            sum.expires += one.expires
            sum.expired += one.expired
            sum.modules += one.modules
        }
    }

    /// Reads all of it. The error says where it ended and why; what was seen before is there.
    mutating func inspect<Source: ByteSource & ~Copyable>(
        _ source: consuming Source
    ) throws(RDBError) {
        var options = RDBReaderOptions()
        options.passesModules = true
        var reader = try RDBReader(source: source, options: options)
        // Where collections are built, so that members that are there twice are found.
        let workshop = Keyspace(databaseCount: 1, hasher: KeyHash(seed: UInt64(now)))
        workshop.state.pointee.setTime(0)
        var start = 0
        while true {
            let item = try reader.next()
            (version, isValkey, bytes) = (reader.version, reader.isValkey, reader.bytesRead)
            switch item {
            case .end:
                checksumWasDisabled = reader.checksumWasDisabled
                return
            case .auxiliary(let name, let value):
                say("[offset \(bytes)] AUX FIELD \(name.string) = '\(value.string)'")
                facts.take(name, value)
            case .selectDatabase(let index): say("[offset \(bytes)] Selecting DB ID \(index)")
            case .resize: break
            case .function: libraries += 1
            case .module(nil, _): break
            case .module(let key?, _):
                databases[reader.database, default: RDBCensus()].modules += 1
                note(key, "module", reader.database, reader.bytesRead - start)
            case .string(let key, _, let deadline, _):
                count(.string, deadline, reader.database)
                note(key, "string", reader.database, reader.bytesRead - start)
            case .collection(let key, let type, let deadline, _):
                var builder = RDBValueBuilder(type, workshop.state)
                try reader.readValue(into: &builder)
                count(type, deadline, reader.database)
                note(key, "\(type.name)", reader.database, reader.bytesRead - start)
            }
            start = reader.bytesRead
        }
    }

    private mutating func count(_ type: ValueType, _ deadline: Int64?, _ database: Int) {
        databases[database, default: RDBCensus()].keys[Int(type.rawValue)] += 1
        guard let deadline else { return }
        databases[database, default: RDBCensus()].expires += 1
        if deadline <= now { databases[database, default: RDBCensus()].expired += 1 }
    }

    private mutating func note(_ key: ByteView, _ type: String, _ database: Int, _ bytes: Int) {
        guard bytes > largest?.bytes ?? 0 else { return }
        largest = Largest(
            key: RDBError.quoted(key), type: type, database: database, bytes: bytes)
    }
}
