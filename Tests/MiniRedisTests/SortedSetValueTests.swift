// SPDX-License-Identifier: BSD-3-Clause
//
// Sorted sets against a model: packed and as roots, under snapshots, at the edges of scores.

import Testing

@testable import MiniRedis

@Suite struct SortedSetValueTests {
    /// Random edits; the set grows and shrinks in turn, and is given up now and then.
    private func run(_ kind: SortedSetKind, steps: Int) {
        let model = SortedSetModel(seed: UInt64(steps + kind.members + kind.scores), kind)
        let phase = max(2_000, kind.size * 3)
        for step in 0..<steps where model.disagreement == nil {
            model.step(isGrowing: step / phase % 2 == 0)
            if let every = kind.snapshotEvery, step % every == 0 { model.stepOfSnapshots() }
            if step % 2_000 == 1_999 { model.check() }
            if step % 10_000 == 9_999 { model.checkCopy() }
            if step % 50_000 == 49_999 { model.startAnew() }
        }
        model.endSnapshots()
        model.check()
        #expect(model.disagreement == nil, "\(kind)")
    }

    // More than 400,000 edits in all.

    @Test(arguments: [
        SortedSetKind(members: 60, scores: 1_000, size: 40),
        SortedSetKind(members: 60, scores: 2, size: 40),
        SortedSetKind(members: 200, scores: 50, size: 150, tail: 70),
    ])
    func `A packed set agrees with a sorted array`(kind: SortedSetKind) {
        run(kind, steps: 40_000)
    }

    @Test(arguments: [
        SortedSetKind(members: 3_000, scores: 100_000, size: 2_000),
        SortedSetKind(members: 3_000, scores: 3, size: 2_000),
        SortedSetKind(members: 2_000, scores: 200, size: 600, tail: 300),
    ])
    func `A large set agrees with a sorted array`(kind: SortedSetKind) {
        run(kind, steps: 60_000)
    }

    @Test(arguments: [1, 7, 100, 2_000])
    func `Snapshots read what was there when they began`(every: Int) {
        let steps = every == 1 ? 8_000 : 25_000
        run(
            SortedSetKind(members: 60, scores: 20, size: 40, snapshotEvery: every), steps: steps)
        run(
            SortedSetKind(members: 500, scores: 30, size: 300, tail: 20, snapshotEvery: every),
            steps: steps)
        run(
            SortedSetKind(members: 3_000, scores: 1_000, size: 2_000, snapshotEvery: every),
            steps: steps)
    }

    @Test func `Every score is kept and ordered, packed and not`() {
        let scores: [Double] = [
            -.infinity, -.greatestFiniteMagnitude, -0x1p63, -1.5, -1, -.leastNormalMagnitude,
            -.leastNonzeroMagnitude, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, 0.1, 1,
            3967, 3968, 0x1p53, 0x1p53 + 2, 0x1p63, .greatestFiniteMagnitude, .infinity,
        ]
        let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
        memory.initialize(to: Memory())
        for padding in [0, 500] {
            let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) { place in
                let editor = SortedSetEditor(place, EncodingLimits())
                for (number, score) in scores.enumerated().reversed() {
                    let name = [UInt8](repeating: 0x61, count: padding) + Array("\(number)".utf8)
                    let item = ScoredMember(member: name, score: score)
                    item.withView { _ = editor.set($0, score) }
                }
            }
            let view = SortedSetView(base)
            #expect(view.isRoot == (padding > 0))
            let kept = SortedSetModel.contents(view).map(\.score.bitPattern)
            #expect(kept == scores.map(\.bitPattern))
            for (rank, score) in scores.enumerated() {
                #expect(view.count { $0 < score } == rank)
                #expect(view.count { $0 <= score } == rank + 1)
            }
            SortedSetValue.free(base, memory)
        }
        #expect(memory.pointee.heap.pointee.allocatedBytes == 0)
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    @Test func `Many members take few bytes each`() {
        let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
        memory.initialize(to: Memory())
        let count = 200_000
        let base = BlockPlace.withBlock(SortedSetValue.create(memory), memory) { place in
            let editor = SortedSetEditor(place, EncodingLimits())
            var numbers = TreeNumbers(state: 1)
            for number in 0..<count {
                let text = "\(number)"
                let name = "member:" + String(repeating: "0", count: 9 - text.count) + text
                let item = ScoredMember(
                    member: Array(name.utf8), score: Double(numbers.below(1_000_000)))
                item.withView { _ = editor.set($0, item.score) }
            }
        }
        let bytes = memory.pointee.heap.pointee.allocatedBytes
        #expect(bytes == SortedSetValue.byteCount(base, samples: 0))
        #expect(Double(bytes) / Double(count) < 72, "\(Double(bytes) / Double(count))")
        SortedSetValue.free(base, memory)
        #expect(memory.pointee.heap.pointee.allocatedBytes == 0)
        memory.deinitialize(count: 1)
        memory.deallocate()
    }
}
