// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of dumps share: items that own their bytes, dumps made byte by byte, directories
// that vanish.

import Foundation

@testable import MiniRedis

/// An item of a dump with bytes of its own.
enum DumpItem: Equatable {
    case auxiliary(String, String)
    case selectDatabase(Int)
    case resize(keys: Int, expires: Int)
    case string(DumpString)
    case collection(DumpCollection)
    case function(bytes: UInt64)
    case end
}

struct DumpString: Hashable {
    var database = 0
    var key: [UInt8]
    var value: [UInt8]
    /// Whether the dump gave it as an integer.
    var isInteger = false
    var deadline: Int64?
    var idle: UInt64?
    var frequency: UInt8?
}

/// All that a reader had to say about a dump.
struct DumpContents {
    var items: [DumpItem] = []
    var error: RDBError?
    var version = 0
    var isValkey = false
    var checksumWasDisabled = false

    var strings: [DumpString] {
        items.compactMap { if case .string(let string) = $0 { string } else { nil } }
    }

    var collections: [DumpCollection] {
        items.compactMap { if case .collection(let value) = $0 { value } else { nil } }
    }

    /// Reads to the end or the first error.
    init<Source: ByteSource & ~Copyable>(
        _ source: consuming Source, options: RDBReaderOptions = RDBReaderOptions()
    ) {
        do throws(RDBError) {
            var reader = try RDBReader(source: source, options: options)
            defer {
                version = reader.version
                isValkey = reader.isValkey
                checksumWasDisabled = reader.checksumWasDisabled
            }
            repeat {
                let item = try reader.next()
                guard case .collection(let key, let type, let deadline, let access) = item else {
                    items.append(DumpItem(item, database: reader.database))
                    continue
                }
                var collection = DumpCollection(
                    reader.database, Array(key), type, deadline: deadline, access: access)
                try reader.readValue(into: &collection)
                items.append(.collection(collection))
            } while items.last != .end
        } catch {
            self.error = error
        }
    }

    /// Reads the bytes, of which each read gives at most `step`.
    init(
        _ bytes: some Collection<UInt8>, step: Int = .max,
        options: RDBReaderOptions = RDBReaderOptions()
    ) {
        // A block of exactly this size, so that the address sanitizer sees every byte too far.
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { block.deallocate() }
        block.copyBytes(from: bytes)
        let empty = ByteView("")
        let view = block.baseAddress.map { ByteView($0, count: block.count) } ?? empty
        self.init(MemorySource(view, step: step), options: options)
    }
}

extension DumpItem {
    init(_ item: RDBItem, database: Int) {
        self =
            switch item {
            case .auxiliary(let key, let value): .auxiliary(key.string, value.string)
            case .selectDatabase(let index): .selectDatabase(index)
            case .resize(let keys, let expires): .resize(keys: keys, expires: expires)
            case .string(let key, let value, let deadline, let access):
                .string(
                    DumpString(
                        database, Array(key), value, deadline: deadline, access: access))
            case .function(let library): .function(bytes: UInt64(library.count))
            case .module: preconditionFailure("modules are refused")
            case .end: .end
            case .collection: preconditionFailure("its value is to be read first")
            }
    }
}

extension DumpString {
    fileprivate init(
        _ database: Int, _ key: [UInt8], _ payload: StringPayload, deadline: Int64?,
        access: KeyUse?
    ) {
        self.database = database
        self.key = key
        switch payload {
        case .bytes(let bytes): value = Array(bytes)
        case .integer(let integer):
            value = Array(String(integer).utf8)
            isInteger = true
        }
        self.deadline = deadline
        switch access {
        case .idle(let seconds): idle = seconds
        case .frequency(let counter): frequency = counter
        case nil: break
        }
    }

    /// Short enough for a failure's message.
    var summary: String {
        "\(database): \(key.prefix(20)) (\(key.count)) = \(value.prefix(20)) (\(value.count)), "
            + "deadline \(deadline ?? 0)"
    }

    init(_ key: String, _ value: String, deadline: Int64? = nil, isInteger: Bool = false) {
        self.key = Array(key.utf8)
        self.value = Array(value.utf8)
        self.deadline = deadline
        self.isInteger = isInteger
    }
}

extension Array where Element == UInt8 {
    init(_ view: ByteView) {
        self = Array(UnsafeRawBufferPointer(start: view.base, count: view.count))
    }
}

/// The first pair that differs, told shortly; nil if there is none.
func firstDifference(_ left: [DumpString], _ right: [DumpString]) -> String? {
    if let (one, other) = zip(left, right).first(where: { $0 != $1 }) {
        return one.summary + " is not " + other.summary
    }
    return left.count == right.count ? nil : "\(left.count) is not \(right.count)"
}

/// Lends an array as a view.
func withView<Result>(of bytes: [UInt8], _ body: (ByteView) -> Result) -> Result {
    bytes.withUnsafeBytes { buffer in
        body(buffer.baseAddress.map { ByteView($0, count: buffer.count) } ?? ByteView(""))
    }
}

/// A dump made by hand: a header, whatever bytes, and the right checksum.
func handmadeDump(version: String = "REDIS0009", _ body: [UInt8], checksum: Bool = true) -> [UInt8]
{
    var bytes = Array(version.utf8) + body + [0xFF]
    guard checksum else { return bytes + [UInt8](repeating: 0, count: 8) }
    var crc = CRC64()
    bytes.withUnsafeBytes { buffer in
        if let base = buffer.baseAddress { crc.update(base, count: buffer.count) }
    }
    withUnsafeBytes(of: crc.value.littleEndian) { bytes += $0 }
    return bytes
}

/// The strings as our writer writes them, a section per database.
func writtenDump(
    _ strings: [DumpString], options: RDBWriterOptions = RDBWriterOptions()
) throws -> [UInt8] {
    var writer = try RDBWriter(sink: MemorySink(), options: options)
    try write(strings, to: &writer)
    return Array(writer.output.sink.buffer.view)
}

func write<Sink: ByteSink & ~Copyable>(
    _ strings: [DumpString], to writer: inout RDBWriter<Sink>
) throws(PersistenceError) {
    try writer.begin(auxiliary: [("redis-ver", "7.0.15"), ("redis-bits", "64")])
    for (database, section) in Dictionary(grouping: strings, by: \.database).sorted(by: {
        $0.key < $1.key
    }) {
        let expires = section.count { $0.deadline != nil }
        try writer.selectDatabase(database, keys: section.count, expires: expires)
        for string in section { try write(string, to: &writer) }
    }
    try writer.finish()
}

private func write<Sink: ByteSink & ~Copyable>(
    _ string: DumpString, to writer: inout RDBWriter<Sink>
) throws(PersistenceError) {
    var key = ByteBuffer()
    for byte in string.key { key.append(byte: byte) }
    if string.isInteger, let integer = Int64(String(decoding: string.value, as: UTF8.self)) {
        return try writer.string(
            key: key.view, value: .integer(integer), deadline: string.deadline)
    }
    // Large values are passed as they are; a copy byte by byte would take long in a debug build.
    var value = ByteBuffer(capacity: string.value.count)
    string.value.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { value.append(ByteView(base, count: bytes.count)) }
    }
    try writer.string(key: key.view, value: .bytes(value.view), deadline: string.deadline)
}

/// Runs `body` with a new directory, which is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "rdb-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// Numbers that look random and are the same in every run.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8]()
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: next()) { bytes += $0 } }
        return Array(bytes.prefix(count))
    }
}
