// SPDX-License-Identifier: BSD-3-Clause
//
// `CountedTree` against a model, under snapshots, at its edges, and its memory.

import Testing

@testable import MiniRedis

@Suite struct CountedTreeTests {
    /// Random operations; the tree grows and shrinks in turn.
    private func run<Layout: TreeTestLayout>(
        _ layout: Layout.Type, steps: Int, scores: Int, snapshotEvery: Int? = nil
    ) {
        var model = TreeModel<Layout>(seed: UInt64(steps + scores), scores: scores)
        for step in 0..<steps where model.disagreement == nil {
            model.step(isGrowing: step / 20_000 % 2 == 0)
            if let snapshotEvery, step % snapshotEvery == 0 { model.stepOfSnapshots() }
            if step % 1_000 == 999 { model.check() }
            if step % 10_000 == 9_999 { model.compare() }
            if step % 50_000 == 49_999 {
                model.detachAndFree()
                model.endSnapshots()
            }
        }
        model.endSnapshots()
        model.compare()
        #expect(model.disagreement == nil)
    }

    // A million operations in all.

    @Test func `Records of many scores agree with a sorted array`() {
        run(ScoredLayout.self, steps: 250_000, scores: 100_000)
    }

    @Test func `Records of few scores agree with a sorted array`() {
        run(PendingLayout.self, steps: 150_000, scores: 3)
    }

    @Test func `High trees agree with a sorted array`() {
        run(WideScoredLayout.self, steps: 250_000, scores: 50)
    }

    @Test func `Positions agree with an array`() {
        run(ChunkLayout.self, steps: 100_000, scores: 5)
    }

    @Test func `Positions in high trees agree with an array`() {
        run(WideChunkLayout.self, steps: 150_000, scores: 5)
    }

    @Test func `Order and weights agree with a sorted array`() {
        run(StreamLayout.self, steps: 150_000, scores: 1_000)
    }

    @Test(arguments: [1, 7, 100, 2_000])
    func `Snapshots read what was there when they began`(every: Int) {
        let steps = every == 1 ? 8_000 : 40_000
        run(ScoredLayout.self, steps: steps, scores: 1_000, snapshotEvery: every)
        run(WideScoredLayout.self, steps: steps, scores: 10, snapshotEvery: every)
        run(WideChunkLayout.self, steps: steps, scores: 10, snapshotEvery: every)
        run(StreamLayout.self, steps: steps, scores: 10, snapshotEvery: every)
    }

    private func item(_ score: Int, _ identity: Int = 0) -> TreeItem {
        TreeItem(score: UInt64(score), identity: UInt64(identity), load: 1)
    }

    @Test func `An empty tree has nothing and costs nothing`() {
        let fixture = TreeFixture<ScoredLayout>()
        #expect(fixture.tree.isEmpty && fixture.tree.byteCount == 0)
        #expect(fixture.tree.view.first().isAtEnd && fixture.tree.view.last().isAtEnd)
        #expect(fixture.find(item(1)).isAtEnd)
        #expect(fixture.find(item(1)).weightBefore == 0)
        var cursor = fixture.tree.view.end()
        #expect(!cursor.next() && !cursor.previous())
        #expect(fixture.tree.remove(within: 0..<10) { _ in } == 0)
        var detached = fixture.tree.detach()
        #expect(detached.isEmpty && detached.free(atMost: 0, memory: fixture.memory) { _ in })
    }

    @Test func `A small tree is small, growing and shrinking`() {
        let fixture = TreeFixture<ScoredLayout>()
        for number in 0..<63 {
            fixture.insert(item(number * 8 % 63))
            fixture.tree.checkInvariants()
            #expect(fixture.tree.byteCount <= max(64, 2 * (8 + 16 * (number + 1))))
            #expect(fixture.tree.byteCount == fixture.allocatedBytes)
        }
        for number in 0..<62 {
            var cursor = fixture.find(item(number * 5 % 63))
            fixture.tree.remove(&cursor)
            fixture.tree.checkInvariants()
            #expect(fixture.tree.byteCount == fixture.allocatedBytes)
        }
        #expect(fixture.tree.byteCount == 64)
    }

    @Test func `A tree that shrinks gives its inner nodes back`() {
        let fixture = TreeFixture<ScoredLayout>()
        for number in 0..<100 { fixture.insert(item(number)) }
        #expect(fixture.tree.byteCount == 3 * 1024)
        while fixture.tree.count > 10 {
            var cursor = fixture.tree.view.locate(fixture.tree.count / 2).cursor
            fixture.tree.remove(&cursor)
            fixture.tree.checkInvariants()
        }
        #expect(fixture.tree.byteCount <= 512)
    }

    @Test func `A head captured with its block leads to the old nodes`() {
        let fixture = TreeFixture<ScoredLayout>()
        for number in 0..<5_000 { fixture.insert(item(number)) }
        let bytes = fixture.allocatedBytes
        let epoch = fixture.memory.pointee.epochs.begin().epoch
        let view = fixture.tree.view
        var cursor = fixture.find(item(2_500))
        fixture.tree.remove(&cursor)
        #expect(fixture.allocatedBytes <= bytes + 4 * 1024)
        fixture.tree.free { _ in }
        #expect(TreeFixture.contents(view) == (0..<5_000).map { item($0) })
        fixture.memory.pointee.epochs.end(epoch)
        while fixture.memory.pointee.reclaim(budget: 100, release: { _, _ in }) {}
        #expect(fixture.allocatedBytes == 0)
    }

    // Memory

    private let count = 100_000

    @Test func `Records in random order take at most 21 and a half bytes each`() {
        let fixture = TreeFixture<ScoredLayout>()
        var numbers = TreeNumbers(state: 1)
        for number in 0..<count { fixture.insert(item(numbers.below(1 << 30), number)) }
        fixture.tree.checkInvariants()
        #expect(fixture.bytesPerRecord <= 21.5)
        #expect(fixture.tree.byteCount == fixture.allocatedBytes)
    }

    @Test(arguments: [false, true])
    func `Records that come in order leave full nodes`(descending: Bool) {
        let fixture = TreeFixture<ScoredLayout>()
        for number in 0..<count { fixture.insert(item(descending ? count - number : number)) }
        fixture.tree.checkInvariants()
        #expect(fixture.bytesPerRecord <= 17.5)
    }

    @Test func `Records appended in bulk leave full nodes`() {
        let fixture = TreeFixture<ScoredLayout>()
        fixture.tree.append(count: count) { ScoredLayout.write(self.item($0), to: $1) }
        fixture.tree.checkInvariants()
        #expect(TreeFixture.contents(fixture.tree.view) == (0..<count).map { item($0) })
        #expect(fixture.bytesPerRecord <= 17.5)
    }

    @Test func `Memory comes back while records are removed at random`() {
        let fixture = TreeFixture<ScoredLayout>()
        var numbers = TreeNumbers(state: 4)
        for number in 0..<count { fixture.insert(item(numbers.below(1 << 30), number)) }
        while fixture.tree.count > count / 10 {
            var cursor = fixture.tree.view.locate(numbers.below(fixture.tree.count)).cursor
            fixture.tree.remove(&cursor)
        }
        fixture.tree.checkInvariants()
        #expect(fixture.bytesPerRecord <= 34)
    }

    @Test func `A queue stays as small as what is in it`() {
        let fixture = TreeFixture<ScoredLayout>()
        var greatest = 0
        for number in 0..<count {
            fixture.insert(item(number))
            guard number >= 200 else { continue }
            var cursor = fixture.tree.view.first()
            fixture.tree.remove(&cursor)
            greatest = max(greatest, fixture.tree.byteCount)
        }
        fixture.tree.checkInvariants()
        #expect(greatest <= 6 * 1024)
    }
}
