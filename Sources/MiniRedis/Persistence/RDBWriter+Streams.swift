// SPDX-License-Identifier: BSD-3-Clause
//
// How a stream is written: each of its chunks as a node in a listpack, made in one buffer that
// serves all of them; then its numbers and its groups. See RDBReader+Streams.swift for the layout.
//
// Deleted entries are left out: a node says that none of its entries are deleted.

import Glibc

/// Makes one listpack after the other in the same memory.
struct RDBListpackBuilder: ~Copyable {
    private var buffer = ByteBuffer()
    private var count = 0

    /// Begins a listpack.
    mutating func begin() {
        buffer.removeAll(keepingCapacity: true)
        count = 0
        for _ in 0..<RDBListpackForm.headerBytes { buffer.append(byte: 0) }
    }

    /// Ends it; the bytes are good until the next one begins.
    mutating func finish() -> ByteView {
        buffer.append(byte: RDBListpackForm.end)
        let header = buffer.base
        header.storeBytes(of: UInt32(clamping: buffer.count).littleEndian, as: UInt32.self)
        header.storeBytes(
            of: UInt16(min(count, RDBListpackForm.unknownCount)).littleEndian, toByteOffset: 4,
            as: UInt16.self)
        return buffer.view
    }

    mutating func append(_ value: Int64) {
        let start = buffer.count
        if value >= 0 && value < 128 {
            buffer.append(byte: UInt8(value))
        } else if value >= -4096 && value < 4096 {
            let bits = UInt16(truncatingIfNeeded: value) & 0x1FFF
            buffer.append(byte: 0xC0 | UInt8(bits >> 8))
            buffer.append(byte: UInt8(bits & 0xFF))
        } else {
            let bits = 65 - (value ^ value >> 63).leadingZeroBitCount
            let (code, bytes): (UInt8, Int) =
                bits <= 16 ? (0xF1, 2) : bits <= 24 ? (0xF2, 3) : bits <= 32 ? (0xF3, 4) : (0xF4, 8)
            buffer.append(byte: code)
            for index in 0..<bytes {
                buffer.append(byte: UInt8(truncatingIfNeeded: value >> Int64(8 * index)))
            }
        }
        finishElement(buffer.count - start)
    }

    /// Appends the string, as an integer if it is the text of one.
    mutating func append(_ text: ByteView) {
        if let value = DecimalInteger.parse(text) { return append(value) }
        let start = buffer.count
        if text.count < 64 {
            buffer.append(byte: 0x80 | UInt8(text.count))
        } else if text.count < 4096 {
            buffer.append(byte: 0xE0 | UInt8(text.count >> 8))
            buffer.append(byte: UInt8(text.count & 0xFF))
        } else {
            buffer.append(byte: 0xF0)
            buffer.append(littleEndian: UInt32(clamping: text.count))
        }
        buffer.append(text)
        finishElement(buffer.count - start)
    }

    private mutating func finishElement(_ length: Int) {
        let bytes = RDBListpackForm.backLengthBytes(length)
        for index in 0..<bytes {
            buffer.append(byte: RDBListpackForm.backLengthByte(index, of: bytes, length))
        }
        count += 1
    }
}

extension RDBListpackBuilder {
    /// Makes a node of the entries of a chunk that are not deleted.
    mutating func append(_ chunk: StreamChunk, live: Int) {
        append(Int64(live))
        append(0)
        var fields = chunk.sharedFields
        append(Int64(fields.count))
        while let field = fields.next() { append(field) }
        append(0)
        var next = chunk.liveEntry(from: chunk.first)
        while let entry = next {
            append(entry, of: chunk)
            next = chunk.liveEntry(from: entry.next)
        }
    }

    private mutating func append(_ entry: StreamEntry, of chunk: StreamChunk) {
        let count = entry.fieldCount
        append(entry.sharesFields ? 2 : 0)
        append(Int64(bitPattern: entry.id.milliseconds &- chunk.origin.milliseconds))
        append(Int64(bitPattern: entry.id.sequence &- chunk.origin.sequence))
        guard entry.sharesFields else {
            append(Int64(count))
            entry.forEach { field, value in
                append(field)
                append(value)
            }
            return append(Int64(2 * count + 4))
        }
        entry.forEach { _, value in append(value) }
        append(Int64(count + 3))
    }
}

extension RDBWriter where Sink: ~Copyable {
    /// A stream, with what Redis 7.0 counts in it, or, for older readers, without.
    mutating func stream(_ view: StreamView, hasCounts: Bool) throws(PersistenceError) {
        try length(view.chunks.count)
        var node = RDBListpackBuilder()
        var failure: PersistenceError?
        view.forEachChunk { chunk, live in
            node.begin()
            node.append(chunk, live: live)
            failure = attempt { writer throws(PersistenceError) in
                try writer.length(StreamIDForm.bytes)
                try writer.rawID(chunk.origin)
                try writer.string(node.finish())
            }
            return failure == nil
        }
        if let failure { throw failure }
        try length(view.count)
        try streamID(view.lastID)
        if hasCounts {
            try streamID(view.firstID)
            try streamID(view.maximalDeletedID)
            try number(UInt64(bitPattern: view.entriesAdded))
        }
        try length(view.groups.count)
        view.groups.forEachRecord(from: view.groups.first()) { record in
            failure = attempt { writer throws(PersistenceError) in
                try writer.group(StreamGroupView(record), hasCounts: hasCounts)
            }
            return failure == nil
        }
        if let failure { throw failure }
    }

    private mutating func group(
        _ group: StreamGroupView, hasCounts: Bool
    ) throws(PersistenceError) {
        try string(group.name)
        try streamID(group.lastID)
        if hasCounts { try number(UInt64(bitPattern: group.entriesRead ?? -1)) }
        try length(group.pending.count)
        var failure: PersistenceError?
        group.pending.forEachRecord(from: group.pending.first()) { record in
            let pending = StreamPendingView(record)
            failure = attempt { writer throws(PersistenceError) in
                try writer.rawID(pending.id)
                try writer.littleEndian(pending.deliveryTime)
                try writer.number(UInt64(bitPattern: pending.deliveryCount))
            }
            return failure == nil
        }
        if let failure { throw failure }
        try length(group.consumers.count)
        group.consumers.forEachRecord(from: group.consumers.first()) { record in
            failure = attempt { writer throws(PersistenceError) in
                try writer.consumer(StreamConsumerView(record))
            }
            return failure == nil
        }
        if let failure { throw failure }
    }

    private mutating func consumer(
        _ consumer: StreamConsumerView
    ) throws(PersistenceError) {
        try string(consumer.name)
        try littleEndian(consumer.seenTime)
        try length(consumer.own.count)
        var failure: PersistenceError?
        consumer.own.forEachRecord(from: consumer.own.first()) { record in
            failure = attempt { writer throws(PersistenceError) in
                try writer.rawID(StreamID(at: record))
            }
            return failure == nil
        }
        if let failure { throw failure }
    }

    /// An identifier as two numbers.
    private mutating func streamID(_ id: StreamID) throws(PersistenceError) {
        try number(id.milliseconds)
        try number(id.sequence)
    }

    /// An identifier as 128 bits.
    private mutating func rawID(_ id: StreamID) throws(PersistenceError) {
        try littleEndian(id.milliseconds.byteSwapped)
        try littleEndian(id.sequence.byteSwapped)
    }
}

private enum StreamIDForm {
    static let bytes = 16
}
