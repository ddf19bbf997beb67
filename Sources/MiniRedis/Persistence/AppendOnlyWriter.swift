// SPDX-License-Identifier: BSD-3-Clause
//
// Everything as commands that make it: the base of an append-only file without a dump
// (`aof-use-rdb-preamble no`). Collections are made in commands of at most 64 elements, so that
// loading them holds nobody up and needs no long request.
//
//     SET, RPUSH, SADD, ZADD, HMSET, XADD ...      then HPEXPIREAT, PEXPIREAT for what dies
//
// Runs on the thread of a rewrite. After an error it does nothing more, and tells it at the end.
//
// Source: the commands are those that Redis 7.0 was seen to write.

import Glibc

struct AppendOnlyWriter: ~Copyable {
    /// Elements of a collection in one command.
    private static let elementsPerCommand = 64

    private var output: ChecksummedSink<FileSink>
    private var failure: PersistenceError?

    init(sink: FileSink) throws(PersistenceError) {
        output = try ChecksummedSink(sink, checksum: false)
    }

    var bytesWritten: Int { output.bytesWritten }
    /// Whether all went well so far.
    var isSound: Bool { failure == nil }

    /// Hands all of it to the device; throws the first error.
    mutating func finish() throws(PersistenceError) {
        if let failure { throw failure }
        try output.flush()
    }

    // MARK: - Requests

    private mutating func put(_ bytes: ByteView) {
        guard failure == nil else { return }
        do throws(PersistenceError) {
            try output.append(bytes)
        } catch {
            failure = error
        }
    }

    private mutating func mark(_ kind: UInt8, _ value: Int) {
        guard failure == nil else { return }
        do throws(PersistenceError) {
            let room = try output.reserve(32)
            room.storeBytes(of: kind, as: UInt8.self)
            let digits = DecimalInteger.write(Int64(value), to: room + 1)
            (room + 1 + digits).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
            output.commit(digits + 3)
        } catch {
            failure = error
        }
    }

    private mutating func begin(_ count: Int, _ name: StaticString) {
        mark(UInt8(ascii: "*"), count)
        add(name)
    }

    private mutating func add(_ bytes: ByteView) {
        mark(UInt8(ascii: "$"), bytes.count)
        put(bytes)
        put(ByteView("\r\n"))
    }

    private mutating func add(_ word: StaticString) { add(ByteView(word)) }

    private mutating func add(_ value: Int64) {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 1) { room in
            guard let base = room.baseAddress else { return }
            add(ByteView(base, count: DecimalInteger.write(value, to: base)))
        }
    }

    private mutating func add(_ id: StreamID) {
        withUnsafeTemporaryAllocation(byteCount: 48, alignment: 1) { room in
            guard let base = room.baseAddress else { return }
            var count = DecimalInteger.write(id.milliseconds, to: base)
            base.storeBytes(of: UInt8(ascii: "-"), toByteOffset: count, as: UInt8.self)
            count += 1
            count += DecimalInteger.write(id.sequence, to: base + count)
            add(ByteView(base, count: count))
        }
    }

    private mutating func add(_ score: Double) {
        withUnsafeTemporaryAllocation(byteCount: DoubleText.roomBytes, alignment: 8) { room in
            guard let base = room.baseAddress else { return }
            add(ByteView(base, count: DoubleText.write(score, to: base)))
        }
    }

    // MARK: - Items

    /// An annotation: the time at which this was so, seconds since the epoch.
    mutating func timestamp(_ seconds: Int64) {
        put(ByteView("#TS:"))
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 1) { room in
            guard let base = room.baseAddress else { return }
            put(ByteView(base, count: DecimalInteger.write(seconds, to: base)))
        }
        put(ByteView("\r\n"))
    }

    mutating func select(_ database: Int) {
        begin(2, "SELECT")
        add(Int64(database))
    }

    /// A key with what it holds.
    mutating func entry(_ entry: Entry) {
        let key = entry.key
        if entry.encoding == .collection {
            collection(key, entry.type, entry.collection)
        } else {
            begin(3, "SET")
            add(key)
            switch entry.string {
            case .bytes(let bytes): add(bytes)
            case .integer(let value): add(value)
            }
        }
        guard let deadline = entry.deadline else { return }
        begin(3, "PEXPIREAT")
        add(key)
        add(deadline)
    }

    private mutating func collection(
        _ key: ByteView, _ type: ValueType, _ base: UnsafeRawPointer
    ) {
        switch type {
        case .string: preconditionFailure("a string is no collection")
        case .list:
            let view = ListView(base)
            var run = Run(left: view.count)
            view.forEachWhile { element in
                startIfDue(&run, "RPUSH", key, perElement: 1)
                add(element)
                return isSound
            }
        case .set:
            let view = SetView(base)
            var run = Run(left: view.count)
            view.forEachWhile { member in
                startIfDue(&run, "SADD", key, perElement: 1)
                add(member)
                return isSound
            }
        case .sortedSet:
            let view = SortedSetView(base)
            var run = Run(left: view.count)
            view.forEachWhile { member, score in
                startIfDue(&run, "ZADD", key, perElement: 2)
                add(score)
                add(member)
                return isSound
            }
        case .hash: hash(key, HashView(base))
        case .stream: stream(key, StreamView(base))
        }
    }

    /// Elements that are left, and those that the command under way still takes.
    private struct Run {
        var left: Int
        var open = 0

        init(left: Int) { self.left = left }
    }

    /// Begins a command if the last one is full.
    private mutating func startIfDue(
        _ run: inout Run, _ name: StaticString, _ key: ByteView, perElement: Int
    ) {
        if run.open == 0 {
            run.open = min(Self.elementsPerCommand, run.left)
            run.left -= run.open
            begin(2 + run.open * perElement, name)
            add(key)
        }
        run.open -= 1
    }

    private mutating func hash(_ key: ByteView, _ view: HashView) {
        var run = Run(left: view.totalCount)
        view.forEachWhile { field, value, _ in
            startIfDue(&run, "HMSET", key, perElement: 2)
            add(field)
            add(value)
            return isSound
        }
        guard view.isTimed else { return }
        view.forEachWhile { field, _, deadline in
            guard let deadline else { return true }
            begin(6, "HPEXPIREAT")
            add(key)
            add(deadline)
            add("FIELDS")
            add("1")
            add(field)
            return isSound
        }
    }

    // MARK: - Streams

    private mutating func stream(_ key: ByteView, _ view: StreamView) {
        view.forEach(from: .zero, through: .maximum) { entry in
            begin(3 + 2 * entry.fieldCount, "XADD")
            add(key)
            add(entry.id)
            entry.forEach { field, value in
                add(field)
                add(value)
            }
            return isSound
        }
        if view.count == 0 {
            // There is no command for an empty stream: one entry, trimmed at once.
            begin(7, "XADD")
            add(key)
            add("MAXLEN")
            add("0")
            add(view.lastID == .zero ? StreamID(milliseconds: 0, sequence: 1) : view.lastID)
            add("x")
            add("y")
        }
        begin(7, "XSETID")
        add(key)
        add(view.lastID)
        add("ENTRIESADDED")
        add(view.entriesAdded)
        add("MAXDELETEDID")
        add(view.maximalDeletedID)
        view.groups.forEachRecord { record in group(key, StreamGroupView(record)) }
    }

    private mutating func group(_ key: ByteView, _ group: StreamGroupView) {
        begin(7, "XGROUP")
        add("CREATE")
        add(key)
        add(group.name)
        add(group.lastID)
        add("ENTRIESREAD")
        add(group.entriesRead ?? -1)
        group.consumers.forEachRecord { record in
            let consumer = StreamConsumerView(record)
            begin(5, "XGROUP")
            add("CREATECONSUMER")
            add(key)
            add(group.name)
            add(consumer.name)
            consumer.own.forEachRecord { own in
                if let pending = group.pending(StreamID(at: own)) {
                    claim(key, group, consumer, pending)
                }
            }
        }
    }

    private mutating func claim(
        _ key: ByteView, _ group: StreamGroupView, _ consumer: StreamConsumerView,
        _ pending: StreamPendingView
    ) {
        begin(12, "XCLAIM")
        add(key)
        add(group.name)
        add(consumer.name)
        add("0")
        add(pending.id)
        add("TIME")
        add(pending.deliveryTime)
        add("RETRYCOUNT")
        add(pending.deliveryCount)
        add("JUSTID")
        add("FORCE")
    }
}
