// SPDX-License-Identifier: BSD-3-Clause
//
// Jobs that write snapshots, each on a thread of its own, while values of every type change: what
// each has written, loaded again, is the state at its start. And what a job does whose sink fails,
// hangs, or is not wanted any more.

import Glibc
import Synchronization
import Testing

@testable import MiniRedis

/// A sink that keeps everything, and takes its time.
private final class SlowSink: SnapshotSink, @unchecked Sendable {
    private(set) var bytes: [UInt8] = []
    private let pause: UInt32
    /// The sink hangs as long as this is set.
    let hangs = Atomic<Bool>(false)
    let isCalled = Atomic<Bool>(false)
    let isPublished = Atomic<Bool>(false)

    init(pause: UInt32 = 0) { self.pause = pause }

    func write(_ bytes: ByteView) throws(PersistenceError) {
        isCalled.store(true, ordering: .releasing)
        while hangs.load(ordering: .acquiring) { usleep(500) }
        if pause > 0 { usleep(pause) }
        self.bytes += Array(bytes)
    }

    func publish() throws(PersistenceError) { isPublished.store(true, ordering: .releasing) }
}

/// A job on a thread, and the digest of what it has to write.
private final class RunningJob: @unchecked Sendable {
    let job: SnapshotJob
    let sink: SlowSink
    let digest: String
    private let isDone = Atomic<Bool>(false)
    private var thread = pthread_t()

    init(_ keyspace: Keyspace, _ sink: SlowSink, options: SnapshotJobOptions = .init()) {
        self.sink = sink
        digest = KeyspaceDigest.ofAll(keyspace)
        job = SnapshotJob(snapshot: keyspace.beginSnapshot(), options: options) {
            () throws(PersistenceError) in sink
        }
        let start = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let running = Unmanaged<RunningJob>.fromOpaque(argument).takeRetainedValue()
                running.job.run()
                running.isDone.store(true, ordering: .releasing)
                return nil
            }, start)
        precondition(status == 0, "a thread starts")
    }

    var hasEnded: Bool { isDone.load(ordering: .acquiring) }
    func join() { pthread_join(thread, nil) }
}

/// Random changes of values of every type in a keyspace.
private struct RandomWrites {
    let keyspace: Keyspace
    var numbers: SeededNumbers
    private var sequence: UInt64 = 0

    init(_ keyspace: Keyspace, seed: UInt64) {
        self.keyspace = keyspace
        numbers = SeededNumbers(state: seed)
    }

    private var limits: EncodingLimits { keyspace.state.pointee.encodingLimits }

    mutating func step() {
        let number = numbers.next() % 240
        let type = ValueType(rawValue: UInt8(number % 6)) ?? .string
        let name = Array("\(type.name):\(number)".utf8)
        let choice = numbers.next() % 100
        let index = Int(numbers.next() % 2)
        withView(of: name) { key in
            let database = keyspace.databases + index
            let hash = database.pointee.hash(key)
            if choice == 0 { _ = keyspace.flush(index) }
            guard let slot = database.pointee.table.find(hash, key) else {
                return create(type, key, hash, database)
            }
            if choice < 4 { return database.pointee.remove(slot, hash) }
            if type == .string {
                let text = SampleKeyspace.text(&numbers)
                withView(of: text) {
                    database.pointee.set(
                        key, hash, .stored($0, heap: database.pointee.heap), .keep)
                }
                return
            }
            _ = database.pointee.update(slot, KeyArgument(bytes: key, hash: hash), .set) { place in
                change(type, place)
                return 1
            }
        }
        _ = keyspace.doPendingWork(budget: 20)
    }

    private mutating func create(
        _ type: ValueType, _ key: ByteView, _ hash: UInt64,
        _ database: UnsafeMutablePointer<Database>
    ) {
        if type == .string {
            database.pointee.add(
                key, hash, .stored(ByteView("new"), heap: database.pointee.heap), nil)
            return
        }
        let memory = keyspace.memory
        let base = BlockPlace.withBlock(type.collection.create(memory), memory) { place in
            let size = [1, 5, 40, 400][Int(numbers.next() % 4)]
            for _ in 0..<size { change(type, place, isAdding: true) }
        }
        database.pointee.store(key, hash, CollectionSource(type: type, base: base), .set)
    }

    /// One change of a collection.
    private mutating func change(
        _ type: ValueType, _ place: BlockPlace, isAdding: Bool = false
    ) {
        let text = Array("element:\(numbers.next() % 900)".utf8)
        let removes = !isAdding && numbers.next() % 3 == 0
        let value = SampleKeyspace.text(&numbers)
        withView(of: text) { element in
            switch type {
            case .string: break
            case .list:
                let editor = ListEditor(place, limits)
                if removes { editor.pop(.left) } else { editor.append(element) }
            case .set:
                let editor = SetEditor(place, limits)
                _ = removes ? editor.remove(element) : editor.insert(element)
            case .sortedSet:
                let editor = SortedSetEditor(place, limits)
                let score = Double(numbers.next() % 1000) / 4
                if removes { _ = editor.remove(element) } else { _ = editor.set(element, score) }
            case .hash:
                let editor = HashEditor(place, limits)
                if removes {
                    _ = editor.remove(element)
                    return
                }
                _ = withView(of: value) { editor.set(element, $0) }
            case .stream:
                sequence += 1
                let id = StreamID(milliseconds: 1_000_000 + sequence / 3, sequence: sequence)
                let run = ByteRun([Array("name".utf8), value])
                run.withViews {
                    StreamEditor(place, limits).append(id, SampleFields(items: $0))
                }
            }
        }
    }
}

@Suite struct `A snapshot job` {
    private func loaded(_ bytes: [UInt8]) -> String? {
        let again = SampleKeyspace(2)
        guard again.load(bytes) == nil else { return nil }
        return KeyspaceDigest.ofAll(again.keyspace)
    }

    /// Several jobs live at once, on threads, while everything changes.
    @Test(arguments: 0..<6)
    func `writes the state at its start`(seed: Int) {
        let sample = SampleKeyspace(2)
        let keyspace = sample.keyspace
        var writes = RandomWrites(keyspace, seed: UInt64(seed) + 70)
        for _ in 0..<1500 { writes.step() }
        var live: [RunningJob] = []
        var begun = 0
        while begun < 8 || !live.isEmpty {
            if begun < 8 && live.count < 3 && writes.numbers.next() % 60 == 0 {
                begun += 1
                live.append(
                    RunningJob(keyspace, SlowSink(pause: UInt32(writes.numbers.next() % 3000))))
            }
            writes.step()
            for running in live where running.hasEnded {
                running.join()
                keyspace.endSnapshot(running.job.snapshot)
                #expect(loaded(running.sink.bytes) == running.digest, "seed \(seed)")
                #expect(running.job.progress.keys == running.job.totalKeys)
                live.removeAll { $0 === running }
            }
        }
        while keyspace.doPendingWork(budget: 1000) {}
        #expect(keyspace.retainedBytes == 0)
    }

    /// The device hangs: the snapshot comes back at once, and the thread touches it no more.
    @Test func `that is given up while its sink hangs returns the snapshot`() {
        let sample = SampleKeyspace(2)
        let keyspace = sample.keyspace
        var writes = RandomWrites(keyspace, seed: 5)
        for _ in 0..<6000 { writes.step() }
        let sink = SlowSink()
        sink.hangs.store(true, ordering: .releasing)
        let running = RunningJob(keyspace, sink)
        while !sink.isCalled.load(ordering: .acquiring) { usleep(200) }
        for _ in 0..<500 { writes.step() }
        #expect(keyspace.retainedBytes > 0)
        #expect(running.job.progress.abandon(.cancelled) == .taken)
        keyspace.endSnapshot(running.job.snapshot)
        for index in 0..<2 { _ = keyspace.flush(index) }
        while keyspace.doPendingWork(budget: 1000) {}
        #expect(keyspace.retainedBytes == 0)
        sink.hangs.store(false, ordering: .releasing)
        running.join()
        guard case .failure(.abandoned(.cancelled)) = running.job.result else {
            Issue.record("the job was given up")
            return
        }
        expectEqual(sink.isPublished.load(ordering: .acquiring), false)
    }

    /// A sink ends the walk with a reason of its own.
    @Test func `ends with the error of its sink`() {
        final class Refusing: SnapshotSink {
            func write(_ bytes: ByteView) throws(PersistenceError) {
                throw .ended("the replica went away")
            }
        }
        let sample = SampleKeyspace(2)
        sample.addString("key", Array("value".utf8))
        let snapshot = sample.keyspace.beginSnapshot()
        let job = SnapshotJob(snapshot: snapshot, options: SnapshotJobOptions()) {
            () throws(PersistenceError) in Refusing()
        }
        job.run()
        sample.keyspace.endSnapshot(snapshot)
        guard case .failure(let error) = job.result else {
            Issue.record("the sink refused")
            return
        }
        #expect("\(error)" == "The save of the DB was given up: the replica went away")
    }

    /// What does not fit a version is named.
    @Test func `names what a pinned version cannot hold`() {
        let sample = SampleKeyspace(2)
        sample.fillSmall()
        let snapshot = sample.keyspace.beginSnapshot()
        var options = SnapshotJobOptions()
        options.version = 11
        let job = SnapshotJob(snapshot: snapshot, options: options) {
            () throws(PersistenceError) in SlowSink()
        }
        job.run()
        sample.keyspace.endSnapshot(snapshot)
        guard case .failure(.version(11, let what)) = job.result else {
            Issue.record("deadlines of fields need version 12")
            return
        }
        #expect(what.contains("'timed hash'"))
    }
}
