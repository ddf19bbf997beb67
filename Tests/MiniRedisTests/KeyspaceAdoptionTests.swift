// SPDX-License-Identifier: BSD-3-Clause
//
// A keyspace that was filled apart takes the place of what was there: contents, deadlines, streams
// and bytes; snapshots of before show what was before.

import Glibc
import Synchronization
import Testing

@testable import MiniRedis

/// A walk that digests a snapshot on a thread.
private final class DigestedWalk: @unchecked Sendable {
    let snapshot: KeyspaceSnapshot
    private var thread = pthread_t()
    private var seen: [String] = []

    init(_ snapshot: KeyspaceSnapshot) {
        self.snapshot = snapshot
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<DigestedWalk>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "a thread starts")
    }

    private func run() {
        for database in snapshot.databases {
            snapshot.walk(database) { entry in
                seen.append(Self.line(database.index, entry))
                if seen.count % 16 == 0 { usleep(50) }
                return true
            }
        }
    }

    static func line(_ database: Int, _ entry: Entry) -> String {
        "\(database) \(entry.key.string) \(KeyspaceDigest.ofValue(entry))"
    }

    /// What was seen, when the walk is over.
    func lines() -> Set<String> {
        pthread_join(thread, nil)
        return Set(seen)
    }
}

private func lines(_ keyspace: Keyspace) -> Set<String> {
    let snapshot = keyspace.beginSnapshot()
    defer { keyspace.endSnapshot(snapshot) }
    var lines: Set<String> = []
    for database in snapshot.databases {
        snapshot.walk(database) { entry in
            lines.insert(DigestedWalk.line(database.index, entry))
            return true
        }
    }
    return lines
}

private func finishWork(_ keyspace: Keyspace) {
    while keyspace.doPendingWork(budget: 100) {}
    while !keyspace.state.pointee.detachedCollections.isEmpty {
        _ = keyspace.doPendingWork(budget: 100)
    }
}

/// Removes all keys, one by one, as commands would.
private func removeAll(_ keyspace: Keyspace) {
    for index in 0..<keyspace.databaseCount {
        let database = keyspace.databases + index
        while let entry = anyEntry(database) {
            let hash = database.pointee.hash(entry.key)
            guard let slot = database.pointee.table.find(hash, entry.key) else { break }
            database.pointee.remove(slot, hash)
        }
    }
}

private func anyEntry(_ database: UnsafeMutablePointer<Database>) -> Entry? {
    var found: Entry?
    var cursor: UInt64 = 0
    repeat {
        cursor = database.pointee.table.scan(cursor) { found = Entry($0) }
    } while cursor != 0 && found == nil
    return found
}

@Suite struct `A keyspace that is adopted` {
    private func emptyBytes(_ databases: Int) -> Int {
        Keyspace(databaseCount: databases, hasher: KeyHash(seed: 1)).allocatedBytes
    }

    @Test(arguments: 0..<12)
    func `takes the place of what was there`(seed: Int) throws {
        let home = SampleKeyspace()
        home.fill(seed % 3 * 40, seed: UInt64(seed))
        let before = lines(home.keyspace)
        var walks: [DigestedWalk] = []
        if seed % 2 == 0 { walks.append(DigestedWalk(home.keyspace.beginSnapshot())) }
        let other = SampleKeyspace(adoptedBy: home)
        // A snapshot that began after the other keyspace was made.
        if seed % 4 > 1 { walks.append(DigestedWalk(home.keyspace.beginSnapshot())) }
        other.fill(seed % 5 * 30, seed: UInt64(seed) + 100)
        other.fillSmall()
        let after = lines(other.keyspace)
        finishWork(other.keyspace)
        let (streams, bytes) = (
            other.keyspace.state.pointee.streams, other.keyspace.allocatedBytes
        )
        let oldBytes = home.keyspace.allocatedBytes
        home.keyspace.adopt(other.keyspace)
        #expect(other.keyspace.count == 0)
        #expect(other.keyspace.allocatedBytes == emptyBytes(3))
        #expect(home.keyspace.allocatedBytes >= oldBytes + bytes - 2 * emptyBytes(3))
        #expect(lines(home.keyspace) == after)
        if walks.isEmpty {
            finishWork(home.keyspace)
            #expect(home.keyspace.state.pointee.streams == streams)
            #expect(home.keyspace.allocatedBytes == bytes)
        }
        removeAll(home.keyspace)
        for walk in walks {
            #expect(walk.lines() == before)
            home.keyspace.endSnapshot(walk.snapshot)
        }
        finishWork(home.keyspace)
        #expect(home.keyspace.state.pointee.streams == 0)
        #expect(home.keyspace.retainedBytes == 0)
        #expect(home.keyspace.nextDeadline == nil)
        #expect(home.keyspace.allocatedBytes == emptyBytes(3))
    }

    @Test func `may go away with its keys`() {
        let home = SampleKeyspace()
        let bytes = home.keyspace.allocatedBytes
        var other: SampleKeyspace? = SampleKeyspace(adoptedBy: home)
        other?.fill(200, seed: 5)
        other = nil
        #expect(home.keyspace.allocatedBytes == bytes)
    }

    /// The big collections write where they belong, not where they were made.
    @Test func `has collections that live on`() {
        let home = SampleKeyspace(1)
        let other = SampleKeyspace(adoptedBy: home)
        other.add("set", .set) { place, limits in
            for number in 0..<5000 {
                _ = withView(of: Array("member \(number)".utf8)) {
                    SetEditor(place, limits).insert($0)
                }
            }
        }
        home.keyspace.adopt(other.keyspace)
        let bytes = home.keyspace.allocatedBytes
        let snapshot = home.keyspace.beginSnapshot()
        let database = home.keyspace.databases
        withView(of: Array("set".utf8)) { key in
            let argument = KeyArgument(bytes: key, hash: database.pointee.hash(key))
            for number in 10..<4990 {
                guard let slot = database.pointee.table.find(argument.hash, key) else {
                    Issue.record("the set is there")
                    return
                }
                let limits = home.keyspace.state.pointee.encodingLimits
                database.pointee.update(slot, argument, .setAdd) { place in
                    withView(of: Array("member \(number)".utf8)) {
                        SetEditor(place, limits).insert($0) || SetEditor(place, limits).remove($0)
                            ? 1 : 0
                    }
                }
            }
        }
        #expect(other.keyspace.allocatedBytes == emptyBytes(1))
        #expect(home.keyspace.retainedBytes > 0)
        home.keyspace.endSnapshot(snapshot)
        finishWork(home.keyspace)
        #expect(home.keyspace.allocatedBytes < bytes)
        removeAll(home.keyspace)
        finishWork(home.keyspace)
        #expect(home.keyspace.allocatedBytes == emptyBytes(1))
    }
}

/// A load on a thread, from a channel that the test's thread fills.
private final class ChannelLoad: @unchecked Sendable {
    let channel: ByteChannel
    let keyspace: Keyspace
    let progress = LoadProgress()
    private(set) var result: Result<RDBLoadResult, RDBLoadError>?
    private var thread = pthread_t()

    init(_ channel: ByteChannel, _ keyspace: Keyspace) {
        self.channel = channel
        self.keyspace = keyspace
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ChannelLoad>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "a thread starts")
    }

    private func run() {
        var loader = RDBLoader(into: keyspace, progress: progress)
        do throws(RDBLoadError) {
            try loader.load(ChannelSource(channel: channel))
            result = .success(loader.result)
        } catch {
            result = .failure(error)
        }
    }

    func join() { pthread_join(thread, nil) }
}

@Suite struct `A load from a channel` {
    @Test func `gives the same at any split, while the home is in use`() throws {
        let source = SampleKeyspace()
        source.fillSmall()
        let dump = try source.dump()
        for split in 0...dump.count {
            let home = SampleKeyspace()
            home.fill(3, seed: 1)
            let channel = ByteChannel()
            let load = ChannelLoad(channel, Keyspace(toBeAdoptedBy: home.keyspace))
            for piece in [dump[..<split], dump[split...]] where !piece.isEmpty {
                withView(of: Array(piece)) { _ = channel.push($0) }
                home.addString("other \(piece.count)", [1, 2, 3])
            }
            channel.finish()
            load.join()
            let result = try #require(try load.result?.get())
            #expect(result.bytesRead == dump.count)
            #expect(load.progress.loadedBytes == dump.count)
            home.keyspace.adopt(load.keyspace)
            #expect(home.digest == source.digest)
        }
    }

    /// The writer's view of a channel: full, and room again.
    @Test func `holds its writer back`() throws {
        let source = SampleKeyspace()
        source.fill(300, seed: 3)
        let dump = try source.dump()
        let home = SampleKeyspace()
        let counter = CountedCalls()
        let channel = ByteChannel(capacity: 512) { counter.add() }
        let load = ChannelLoad(channel, Keyspace(toBeAdoptedBy: home.keyspace))
        var at = 0
        var refusals = 0
        while at < dump.count {
            let end = min(dump.count, at + 300)
            let hasRoom = withView(of: Array(dump[at..<end])) { channel.push($0) }
            at = end
            #expect(channel.waitingBytes <= 512 + 300)
            guard !hasRoom else { continue }
            refusals += 1
            let seen = refusals
            while counter.calls < seen { sched_yield() }
        }
        channel.finish()
        load.join()
        _ = try #require(try load.result?.get())
        home.keyspace.adopt(load.keyspace)
        #expect(home.digest == source.digest)
    }

    @Test func `ends when its writer fails, when it is cut off and when it is cancelled`() throws {
        let source = SampleKeyspace()
        source.fill(100, seed: 3)
        let dump = try source.dump()
        for how in 0..<3 {
            let home = SampleKeyspace()
            let channel = ByteChannel()
            let load = ChannelLoad(channel, Keyspace(toBeAdoptedBy: home.keyspace))
            withView(of: Array(dump.prefix(dump.count / 2))) { _ = channel.push($0) }
            switch how {
            case 0: channel.fail(.system(.read, code: ECONNRESET))
            case 1: channel.finish()
            default:
                load.progress.cancel()
                channel.fail(.abandoned(.cancelled))
            }
            load.join()
            guard case .failure(let error) = load.result else {
                Issue.record("half a dump is loaded")
                continue
            }
            #expect(error.isCancellation == (how == 2))
            #expect(home.keyspace.count == 0)
        }
    }
}

private final class CountedCalls: Sendable {
    private let count = Atomic<Int>(0)
    var calls: Int { count.load(ordering: .acquiring) }
    func add() { count.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}
