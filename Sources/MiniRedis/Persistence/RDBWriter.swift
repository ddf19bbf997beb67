// SPDX-License-Identifier: BSD-3-Clause
//
// Writes a dump, item by item, in the order of the picture in RDBFormat.swift.
//
// It runs on the thread of a save and shares nothing: views are read during the call and not kept.
// It does not know the file. The encodings of strings are those that Redis 7.0 would choose,
// so that a dump of the same data has about the same size; one deviation is that strings larger
// than `maximumCompressedBytes` are written as they are, which bounds the memory of a save.
//
// After an error the dump is lost, and the writer is to be dropped.

import Glibc

/// How to write a dump.
struct RDBWriterOptions {
    /// Compress long strings by LZF (`rdbcompression`).
    var compression = true
    /// End with a checksum (`rdbchecksum`); without it the field is 0.
    var checksum = true
    /// Pack small collections.
    var packs = true
    /// The version in the header: the lowest that has what will be written (`RDBValueForm`).
    var version = RDBVersion.written
}

struct RDBWriter<Sink: ByteSink & ~Copyable>: ~Copyable {
    /// The most that the fixed-size part of an item takes: a deadline, a type, two lengths.
    static var itemHeadBytes: Int { 32 }

    /// The stream, for its byte count and, at the end, its device.
    var output: ChecksummedSink<Sink>
    let options: RDBWriterOptions
    /// Where strings are compressed.
    var compressed = StreamScratch()
    /// Where small collections are packed.
    var ziplist = RDBZiplistBuilder()
    /// The intset that was made last.
    var integers = ByteView("")

    /// Takes the device over.
    init(sink: consuming Sink, options: RDBWriterOptions) throws(PersistenceError) {
        assert(RDBVersion.redis.contains(options.version))
        output = try ChecksummedSink(sink, checksum: options.checksum)
        self.options = options
    }

    /// All bytes so far.
    var bytesWritten: Int { output.bytesWritten }

    /// The header and the fields that describe the dump.
    mutating func begin(auxiliary fields: [(String, String)]) throws(PersistenceError) {
        let digits = String(options.version)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        try append(text: "REDIS" + zeros + digits)
        for (key, value) in fields {
            try opcode(RDBOpcode.auxiliary)
            try string(text: key)
            try string(text: value)
        }
    }

    /// A library of functions, before all keys.
    mutating func library(_ bytes: [UInt8]) throws(PersistenceError) {
        try opcode(RDBOpcode.function2)
        var failure: PersistenceError?
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            do throws(PersistenceError) {
                try string(ByteView(base, count: bytes.count))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// The following keys are in this database, which holds this many, and so many of them with a
    /// deadline: hints for the reader.
    mutating func selectDatabase(
        _ index: Int, keys: Int, expires: Int
    ) throws(PersistenceError) {
        try opcode(RDBOpcode.selectDatabase)
        try length(index)
        try opcode(RDBOpcode.resizeDatabase)
        try length(keys)
        try length(expires)
    }

    /// A key with a string; `deadline` in milliseconds since 1970.
    mutating func string(
        key: ByteView, value: StringPayload, deadline: Int64?
    ) throws(PersistenceError) {
        try beginValue(RDBValueType.string, deadline: deadline)
        try string(key)
        try string(value)
    }

    mutating func string(_ value: StringPayload) throws(PersistenceError) {
        switch value {
        case .bytes(let bytes): try string(bytes)
        case .integer(let integer): try string(integer)
        }
    }

    /// Ends the dump and hands all of it to the device.
    mutating func finish() throws(PersistenceError) {
        try opcode(RDBOpcode.endOfFile)
        try writeChecksum()
    }

    /// The checksum of everything so far; hands all of it to the device.
    mutating func writeChecksum() throws(PersistenceError) {
        try output.flush()
        let checksum = output.checksumOfFlushed
        try output.reserve(8).storeBytes(of: checksum.littleEndian, as: UInt64.self)
        output.commit(8)
        try output.flush()
    }

    /// What stands before the key.
    mutating func beginValue(
        _ type: UInt8, deadline: Int64?
    ) throws(PersistenceError) {
        let room = try output.reserve(Self.itemHeadBytes)
        guard let deadline else {
            room.storeBytes(of: type, as: UInt8.self)
            return output.commit(1)
        }
        room.storeBytes(of: RDBOpcode.expireTimeMilliseconds, as: UInt8.self)
        (room + 1).storeBytes(of: deadline.littleEndian, as: Int64.self)
        (room + 9).storeBytes(of: type, as: UInt8.self)
        output.commit(10)
    }

    /// How long the next key was not used, seconds, for a server that evicts by recency.
    mutating func idle(_ entry: Entry, now: Int64) throws(PersistenceError) {
        try opcode(RDBOpcode.idle)
        try length(AccessRecord.idleSeconds(entry.accessClock, now: now))
    }

    /// How often the next key was used, for a server that evicts by frequency.
    mutating func frequency(
        _ entry: Entry, now: Int64, _ scale: AccessRecord.FrequencyScale
    ) throws(PersistenceError) {
        try opcode(RDBOpcode.frequency)
        try opcode(
            UInt8(clamping: AccessRecord.frequency(entry.accessClock, now: now, scale)))
    }

    private mutating func opcode(_ code: UInt8) throws(PersistenceError) {
        try output.reserve(1).storeBytes(of: code, as: UInt8.self)
        output.commit(1)
    }

    /// A number in the form of a length.
    mutating func length(_ value: Int) throws(PersistenceError) {
        assert(value >= 0)
        try number(UInt64(value))
    }

    /// A number of 64 bits in the form of a length.
    mutating func number(_ value: UInt64) throws(PersistenceError) {
        let room = try output.reserve(Self.itemHeadBytes)
        output.commit(Self.storeLength(value, to: room))
    }

    private mutating func append(text: String) throws(PersistenceError) {
        for byte in text.utf8 { try opcode(byte) }
    }

    private mutating func string(text: String) throws(PersistenceError) {
        var buffer = ByteBuffer()
        for byte in text.utf8 { buffer.append(byte: byte) }
        try string(buffer.view)
    }
}
