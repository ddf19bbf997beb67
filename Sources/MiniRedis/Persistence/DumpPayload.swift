// SPDX-License-Identifier: BSD-3-Clause
//
// The payload of DUMP and RESTORE: a value without a key, in the encodings of dumps.
//
//     type : 8 | value | version : 16 | checksum : 64
//
// Version and checksum are little-endian; the checksum is the CRC64 of everything before it. What
// reads a dump reads this, and trusts it as little: a payload may come from anybody.

/// Why a payload is not taken.
enum DumpPayloadError: Error {
    /// Too short, of a version to come, or damaged.
    case versionOrChecksum
    /// The value is no value, or one that no key may hold.
    case value
}

enum DumpPayload {
    private static let versionBytes = 2
    private static let checksumBytes = 8

    /// Calls `body` with the payload of what an entry holds.
    static func write(
        _ entry: Entry, compression: Bool, _ body: (ByteView) -> Void
    ) throws(PersistenceError) {
        var writer = try RDBWriter(
            sink: MemorySink(), options: RDBWriterOptions(compression: compression))
        try writer.payload(entry)
        body(writer.output.sink.buffer.view)
    }

    /// Calls `body` with the value that a payload holds, whose it is from then on, once; a string's
    /// bytes are good until `body` returns.
    static func read(
        _ payload: ByteView, _ state: UnsafeMutablePointer<KeyspaceState>, longestString: Int,
        _ body: (DetachedValue) -> Void
    ) throws(DumpPayloadError) {
        let (value, version) = try verified(
            payload, checksumCounts: state.pointee.verifiesPayloads)
        var options = RDBReaderOptions()
        options.maximumStringBytes = longestString
        do throws(RDBError) {
            var reader = try RDBReader(
                payload: MemorySource(value), version: version, options: options)
            switch try reader.payload() {
            case .string(let string):
                guard reader.bytesRead == value.count else { throw RDBError.ofValue }
                body(.string(string.stored(heap: state.pointee.memory.pointee.heap)))
            case .collection(let type):
                var builder = RDBValueBuilder(type, state)
                try reader.readValue(into: &builder)
                guard !builder.isEmpty, reader.bytesRead == value.count else {
                    throw RDBError.ofValue
                }
                body(.collection(builder.take()))
            }
        } catch {
            throw .value
        }
    }

    /// The type and the value, and the version that they are written in.
    private static func verified(
        _ payload: ByteView, checksumCounts: Bool
    ) throws(DumpPayloadError) -> (value: ByteView, version: Int) {
        let footer = versionBytes + checksumBytes
        guard payload.count > footer else { throw .versionOrChecksum }
        let value = payload.prefix(payload.count - footer)
        var scanner = RDBScanner(payload.suffix(from: value.count))
        guard let number = try? scanner.littleEndian(versionBytes),
            let checksum = try? scanner.littleEndian(checksumBytes)
        else { throw .versionOrChecksum }
        let version = Int(number)
        var computed = CRC64()
        computed.update(payload.base, count: payload.count - checksumBytes)
        guard RDBVersion.redis.contains(version) || RDBVersion.valkey.contains(version),
            computed.value == checksum || !checksumCounts
        else { throw .versionOrChecksum }
        return (value, version)
    }
}

extension RDBError {
    /// What is wrong with a payload as a whole.
    fileprivate static var ofValue: RDBError {
        RDBError(defect: .damaged(.trailingBytes), offset: 0, database: 0, key: nil)
    }
}
