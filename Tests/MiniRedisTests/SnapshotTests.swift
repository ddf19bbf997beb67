// SPDX-License-Identifier: BSD-3-Clause
//
// The promise of a snapshot: it shows the keyspace as it was when it began, whatever is written
// while it is walked. Walks go on in threads of their own, where the sanitizers watch them, and,
// step by step with the writes, on the test's thread, where every run is the same.

import Glibc
import Synchronization
import Testing

@testable import MiniRedis

/// A live snapshot, a copy of the model from its start, and what its walk has seen.
private final class WatchedSnapshot {
    let snapshot: KeyspaceSnapshot
    let model: [[Int: ModelValue]]
    var records: [Int: WalkRecord] = [:]

    init(_ subject: ModelledKeyspace) {
        model = subject.model
        snapshot = subject.keyspace.beginSnapshot()
    }

    /// Walks all databases; `pause` is called after each entry.
    func walk(_ pause: () -> Void) {
        for database in snapshot.databases {
            var record = WalkRecord()
            snapshot.walk(database) { entry in
                record.add(entry)
                pause()
                return true
            }
            records[database.index] = record
        }
    }

    /// Compares what was seen with the model.
    func verify(_ label: String) {
        for (number, keys) in model.enumerated() {
            let record = records[number] ?? WalkRecord()
            let difference = record.difference(from: keys)
            #expect(difference == nil, "\(label), database \(number)")
            let captured = snapshot.databases.first { $0.index == number }
            #expect((captured?.table.count ?? 0) == keys.count)
            #expect(
                (captured?.volatileCount ?? 0) == keys.values.count { $0.deadline != nil })
        }
    }
}

/// A walk in a thread of its own, as fast as its seed says.
private final class ThreadedWalk: @unchecked Sendable {
    let watched: WatchedSnapshot
    private let random: RandomSource
    private let isDone = Atomic<Bool>(false)
    private var thread = pthread_t()

    init(_ watched: WatchedSnapshot, random: RandomSource) {
        self.watched = watched
        self.random = random
        let start = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadedWalk>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start)
        precondition(status == 0, "a thread starts")
    }

    var hasEnded: Bool { isDone.load(ordering: .acquiring) }

    private func run() {
        var random = random
        let pace = random.below(4)
        watched.walk {
            switch pace {
            case 0: break
            case 1: if random.below(64) == 0 { sched_yield() }
            case 2: if random.below(400) == 0 { usleep(UInt32(random.below(300))) }
            default: if random.below(3000) == 0 { usleep(UInt32(random.below(3000))) }
            }
        }
        isDone.store(true, ordering: .releasing)
    }

    func join() {
        pthread_join(thread, nil)
    }
}

/// What a round of random writes starts from.
private let mixes: [OperationMix] = [.mixed, .growing, .shrinking, .touching]

private func filled(seed: UInt64) -> ModelledKeyspace {
    var random = RandomSource(seed: seed ^ 0x5EED)
    let sizes = [0, 3, 60, 400, 1000, 3000, 3000, 6000]
    var size = sizes[Int(random.below(UInt64(sizes.count)))]
    if seed % 40 == 7 { size = 20_000 }
    let subject = ModelledKeyspace(
        seed: seed, databases: seed % 5 == 0 ? 3 : 1, keyRange: max(8, size * 3 / 2))
    subject.mix = .growing
    for _ in 0..<size * 2 { subject.step() }
    // Half of them sparse: segments that the first removals will merge.
    if random.below(2) == 0 {
        subject.mix = .shrinking
        for _ in 0..<size * Int(1 + random.below(3)) / 2 { subject.step() }
    }
    subject.mix = mixes[Int(random.below(4))]
    subject.mix.flush = random.below(4) == 0 ? 1 : 0
    subject.hugeEvery = random.below(4) == 0 ? 20 : 500
    return subject
}

/// What must be true when no snapshot lives any more.
private func expectNothingLeft(_ subject: ModelledKeyspace) {
    subject.finishWork()
    subject.check()
    #expect(subject.keyspace.liveSnapshots == 0)
    #expect(subject.keyspace.retainedBytes == 0)
    #expect(subject.keyspace.pendingFrees == 0)
    subject.removeEverything()
    let empty = Keyspace(
        databaseCount: subject.keyspace.databaseCount, hasher: KeyHash(seed: 1))
    #expect(subject.keyspace.allocatedBytes == empty.allocatedBytes)
}

@Suite struct `A snapshot` {
    /// The walk stops after some entries, writes are made, and it goes on: no threads, no luck.
    @Test(arguments: 0..<80)
    func `shows its beginning to a walk that is interrupted by writes`(seed: Int) {
        let subject = filled(seed: UInt64(seed))
        interrupted(subject, depth: 0)
        expectNothingLeft(subject)
    }

    /// Walks one snapshot, and inside of it others, which begin and end there.
    private func interrupted(_ subject: ModelledKeyspace, depth: Int) {
        let watched = WatchedSnapshot(subject)
        let every = 1 + subject.below(60)
        let burst = 1 + subject.below(60)
        var writes = 0
        watched.walk {
            guard writes < 30_000, subject.below(every) == 0 else { return }
            for _ in 0..<subject.below(burst) { subject.step() }
            writes += burst
            if subject.below(200) == 0 { subject.mix = mixes[subject.below(4)] }
            if depth < 2, subject.below(400) == 0 { interrupted(subject, depth: depth + 1) }
        }
        watched.verify("depth \(depth), \(subject.operations) operations")
        subject.keyspace.endSnapshot(watched.snapshot)
    }

    @Test(arguments: 0..<120)
    func `shows its beginning to walks in other threads`(seed: Int) {
        let subject = filled(seed: UInt64(seed))
        var walks: [ThreadedWalk] = []
        var begun = 0
        let snapshots = 1 + subject.below(5)
        let pace = 20 + subject.below(400)
        while begun < snapshots || !walks.isEmpty {
            if begun < snapshots, walks.count < 3, subject.below(4) == 0 {
                begun += 1
                let random = RandomSource(seed: subject.random.next())
                walks.append(ThreadedWalk(WatchedSnapshot(subject), random: random))
            }
            for _ in 0..<pace { subject.step() }
            if subject.operations > 40_000 { subject.mix = .touching }
            // Ended in any order, some time after they are done.
            let ended = walks.indices.filter { walks[$0].hasEnded }
            if let index = ended.randomElement(using: &subject.random), subject.below(3) == 0 {
                end(walks.remove(at: index), subject)
            }
        }
        expectNothingLeft(subject)
    }

    private func end(_ walk: ThreadedWalk, _ subject: ModelledKeyspace) {
        walk.join()
        walk.watched.verify("\(subject.operations) operations")
        subject.keyspace.endSnapshot(walk.watched.snapshot)
    }
}

extension RandomSource: RandomNumberGenerator {}
