// SPDX-License-Identifier: BSD-3-Clause
//
// Keyspaces of collections of all types for the tests of dumps: made through the editors, written
// and read.

import Testing

@testable import MiniRedis

/// Fields and values of an entry that a test adds.
struct SampleFields: StreamFields {
    var items: [ByteView]
    var count: Int { items.count / 2 }
    func field(_ index: Int) -> ByteView { items[2 * index] }
    func value(_ index: Int) -> ByteView { items[2 * index + 1] }
}

/// A keyspace of collections of all types, made through the editors, and what became of it.
final class SampleKeyspace {
    let keyspace: Keyspace
    static let now: Int64 = 1_700_000_000_000
    /// What the last load has to say.
    fileprivate(set) var lastLoader: RDBLoader?

    /// A keyspace that `home` will adopt.
    init(adoptedBy home: SampleKeyspace) {
        keyspace = Keyspace(toBeAdoptedBy: home.keyspace)
    }

    init(_ databases: Int = 3) {
        keyspace = Keyspace(databaseCount: databases, hasher: KeyHash(seed: 5))
        keyspace.state.pointee.setTime(Self.now)
    }

    private var limits: EncodingLimits { keyspace.state.pointee.encodingLimits }

    func add(
        _ key: String, _ type: ValueType, deadline: Int64? = nil, database: Int = 0,
        _ body: (BlockPlace, EncodingLimits) -> Void
    ) {
        let memory = keyspace.memory
        let base = BlockPlace.withBlock(type.collection.create(memory), memory) {
            body($0, limits)
        }
        withView(of: Array(key.utf8)) { view in
            let target = keyspace.databases + database
            target.pointee.load(
                view, target.pointee.hash(view),
                .collection(CollectionSource(type: type, base: base)), deadline: deadline, nil)
        }
    }

    func addString(_ key: String, _ value: [UInt8], deadline: Int64? = nil, database: Int = 0) {
        withView(of: Array(key.utf8)) { view in
            withView(of: value) { value in
                let target = keyspace.databases + database
                target.pointee.load(
                    view, target.pointee.hash(view),
                    .string(.stored(value, heap: target.pointee.heap)), deadline: deadline, nil)
            }
        }
    }

    /// One small value of each type, and of each encoding that we write.
    func fillSmall() {
        addString("string", Array("text".utf8), deadline: Self.now + 5000)
        add("list", .list) { place, limits in
            for text in ["a", "17", "-70000"] {
                withView(of: Array(text.utf8)) { ListEditor(place, limits).append($0) }
            }
        }
        add("set", .set) { place, limits in
            for text in ["a", "17"] {
                _ = withView(of: Array(text.utf8)) { SetEditor(place, limits).insert($0) }
            }
        }
        add("sorted set", .sortedSet) { place, limits in
            for (text, score) in [("a", -1.5), ("b", .infinity)] {
                _ = withView(of: Array(text.utf8)) {
                    SortedSetEditor(place, limits).set($0, score)
                }
            }
        }
        add("hash", .hash) { place, limits in
            Self.set(["f": "v", "g": "12"], deadlines: [:], place, limits)
        }
        add("timed hash", .hash) { place, limits in
            Self.set(["f": "v", "g": "12"], deadlines: ["g": Self.now + 77], place, limits)
        }
        add("stream", .stream) { place, limits in
            var numbers = SeededNumbers(state: 3)
            Self.fillStream(place, limits, entries: 3, &numbers)
        }
    }

    /// Values of all types and sizes, the same for the same seed.
    func fill(_ count: Int, seed: UInt64) {
        var numbers = SeededNumbers(state: seed)
        for index in 0..<count {
            let database = index % 3
            let deadline = index % 5 == 0 ? Self.now + 1000 + Int64(index) : nil
            let size = Int([1, 3, 12, 150, 700][Int(numbers.next() % 5)])
            let type = ValueType(rawValue: UInt8(index % 6)) ?? .string
            let key = "key:\(index)"
            guard type != .string else {
                let value = Self.text(&numbers)
                addString(key, value, deadline: deadline, database: database)
                continue
            }
            add(key, type, deadline: deadline, database: database) { place, limits in
                Self.fill(place, limits, type, size, &numbers)
            }
        }
    }

    private static func fill(
        _ place: BlockPlace, _ limits: EncodingLimits, _ type: ValueType, _ size: Int,
        _ numbers: inout SeededNumbers
    ) {
        if type == .stream { return fillStream(place, limits, entries: size, &numbers) }
        for index in 0..<size {
            let (text, value) = (text(&numbers), text(&numbers))
            withView(of: text) { element in
                switch type {
                case .list: ListEditor(place, limits).append(element)
                case .set: _ = SetEditor(place, limits).insert(element)
                case .sortedSet:
                    let score = Double(bitPattern: numbers.next())
                    _ = SortedSetEditor(place, limits).set(element, score.isNaN ? 1 : score)
                case .hash:
                    _ = withView(of: value) { HashEditor(place, limits).set(element, $0) }
                    if size == 12 && index % 3 == 0 {
                        HashEditor(place, limits).setDeadline(element, now + Int64(index + 1))
                    }
                case .string, .stream: break
                }
            }
        }
    }

    private static func set(
        _ pairs: [String: String], deadlines: [String: Int64], _ place: BlockPlace,
        _ limits: EncodingLimits
    ) {
        let editor = HashEditor(place, limits)
        for (field, value) in pairs.sorted(by: { $0.key < $1.key }) {
            withView(of: Array(field.utf8)) { field in
                _ = withView(of: Array(value.utf8)) { editor.set(field, $0) }
            }
            guard let deadline = deadlines[field] else { continue }
            withView(of: Array(field.utf8)) { editor.setDeadline($0, deadline) }
        }
    }

    /// Integers, short strings, compressible strings, and now and then a long one.
    static func text(_ numbers: inout SeededNumbers) -> [UInt8] {
        switch numbers.next() % 8 {
        case 0: Array(String(Int8(truncatingIfNeeded: numbers.next())).utf8)
        case 1: Array(String(Int64(bitPattern: numbers.next()) >> 20).utf8)
        case 2: [UInt8](repeating: 0x61, count: Int(numbers.next() % 300))
        case 3: numbers.next() % 40 == 0 ? numbers.bytes(6000) : numbers.bytes(70)
        default: numbers.bytes(Int(numbers.next() % 24))
        }
    }
}

extension SampleKeyspace {
    fileprivate static func fillStream(
        _ place: BlockPlace, _ limits: EncodingLimits, entries: Int, _ numbers: inout SeededNumbers
    ) {
        let stream = StreamEditor(place, limits)
        var id = StreamID(milliseconds: 1000 + numbers.next() % 100_000, sequence: 0)
        var ids: [StreamID] = []
        for index in 0..<entries {
            var bytes: [[UInt8]] = [Array("name".utf8), text(&numbers)]
            if index % 4 == 3 { bytes += [text(&numbers), text(&numbers)] }
            let flat = ByteRun(bytes)
            flat.withViews { stream.append(id, SampleFields(items: $0)) }
            ids.append(id)
            let step = numbers.next() % 3
            id =
                step == 0
                ? StreamID(milliseconds: id.milliseconds, sequence: id.sequence + 1)
                : StreamID(milliseconds: id.milliseconds + step, sequence: numbers.next() % 3)
        }
        for index in stride(from: 1, to: ids.count, by: 7) { _ = stream.delete(ids[index]) }
        addGroups(stream, ids, &numbers)
    }

    private static func addGroups(
        _ stream: StreamEditor, _ ids: [StreamID], _ numbers: inout SeededNumbers
    ) {
        for name in ["first", "second"] {
            withView(of: Array(name.utf8)) { name in
                let last = ids[ids.count / 2]
                _ = stream.createGroup(
                    name, lastID: last, entriesRead: numbers.next() % 2 == 0 ? nil : 3)
                stream.withGroup(name) { group in
                    for consumer in ["alice", "bob"] {
                        withView(of: Array(consumer.utf8)) { consumer in
                            _ = group.createConsumer(consumer, seen: now - 5, active: now - 5)
                        }
                    }
                    for (index, id) in ids.prefix(ids.count / 2).enumerated() {
                        let owner = Array((index % 3 == 0 ? "bob" : "alice").utf8)
                        withView(of: owner) { owner in
                            _ = group.withConsumer(owner) { consumer in
                                group.assign(id, to: consumer, time: now - Int64(index)) { _ in
                                    Int64(index)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The dump of everything.
    func dump() throws -> [UInt8] {
        let snapshot = keyspace.beginSnapshot()
        defer { keyspace.endSnapshot(snapshot) }
        var writer = try RDBWriter(
            sink: MemorySink(),
            options: RDBWriterOptions(version: RDBVersion.lowest(for: snapshot)))
        try writer.begin(auxiliary: [])
        for captured in snapshot.databases {
            try writer.selectDatabase(captured.index, keys: captured.table.count, expires: 0)
            var failure: PersistenceError?
            snapshot.walk(captured) { entry in
                failure = writer.attempt { writer throws(PersistenceError) in
                    try writer.entry(entry)
                }
                return failure == nil
            }
            if let failure { throw failure }
        }
        try writer.finish()
        return Array(writer.output.sink.buffer.view)
    }

    /// Loads a dump; nil, or what is wrong with it.
    func load(_ bytes: [UInt8], verify: Bool = true, step: Int = .max) -> RDBLoadError? {
        // A block of exactly this size, so that the address sanitizer sees every byte too far.
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { block.deallocate() }
        block.copyBytes(from: bytes)
        let view = block.baseAddress.map { ByteView($0, count: block.count) } ?? ByteView("")
        var options = RDBReaderOptions()
        options.verifyChecksum = verify
        var loader = RDBLoader(into: keyspace, options: RDBLoadOptions(reader: options))
        defer { lastLoader = loader }
        do throws(RDBLoadError) {
            try loader.load(MemorySource(view, step: step))
            return nil
        } catch {
            return error
        }
    }

    var digest: String { KeyspaceDigest.ofAll(keyspace) }

    /// Calls with the entry of a key.
    func withEntry<Result>(_ key: String, _ body: (Entry) -> Result) -> Result? {
        withView(of: Array(key.utf8)) { view in
            let database = keyspace.databases
            return database.pointee.lookup(view, database.pointee.hash(view)).map {
                body(Entry($0.entry))
            }
        }
    }
}

/// Strings in one block that stays where it is.
struct ByteRun {
    private let bytes: [UInt8]
    private let counts: [Int]

    init(_ strings: [[UInt8]]) {
        bytes = strings.flatMap { $0 }
        counts = strings.map(\.count)
    }

    func withViews(_ body: ([ByteView]) -> Void) {
        withView(of: bytes) { whole in
            var views: [ByteView] = []
            var start = 0
            for count in counts {
                views.append(whole.slice(start, count))
                start += count
            }
            body(views)
        }
    }
}
