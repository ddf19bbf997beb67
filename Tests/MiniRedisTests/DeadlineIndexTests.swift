// SPDX-License-Identifier: BSD-3-Clause
//
// `DeadlineIndex` against a model, at its edges, and its memory.

import Testing

@testable import MiniRedis

private typealias Element = DeadlineIndex.Element

/// A seeded source of numbers (SplitMix64): the same ones in every run.
private struct Numbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

/// An index with a heap of its own, whose destruction proves that every byte came back.
private final class Fixture {
    let heap: UnsafeMutablePointer<Heap>
    var index: DeadlineIndex

    init() {
        heap = .allocate(capacity: 1)
        heap.initialize(to: Heap())
        index = DeadlineIndex(heap: heap)
    }

    deinit {
        var rest = index.detach()
        _ = rest.free(atMost: .max, heap: heap)
        precondition(heap.pointee.allocatedBytes == 0, "the index leaks")
        heap.deinitialize(count: 1)
        heap.deallocate()
    }

    var count: Int { index.count }
    var first: Element? { index.first }
    var byteCount: Int { index.byteCount }
    var allocatedBytes: Int { heap.pointee.allocatedBytes }
    var bytesPerElement: Double { Double(byteCount) / Double(count) }

    func insert(_ element: Element) {
        index.insert(deadline: element.deadline, hash: element.hash)
    }

    func remove(_ element: Element) -> Bool {
        index.remove(deadline: element.deadline, hash: element.hash)
    }
}

/// A multiset of elements from a sorted pool: how often each is in, and a bit for each that is, in
/// a tree of words, to find the first one.
private struct Model {
    let pool: [Element]
    private(set) var counts: [Int]
    private(set) var total = 0
    private var words: [UInt64]
    private var summary: [UInt64]

    init(pool: [Element]) {
        self.pool = pool
        counts = Array(repeating: 0, count: pool.count)
        words = Array(repeating: 0, count: pool.count / 64 + 1)
        summary = Array(repeating: 0, count: words.count / 64 + 1)
    }

    var firstIndex: Int? {
        guard let top = summary.firstIndex(where: { $0 != 0 }) else { return nil }
        let word = top * 64 + summary[top].trailingZeroBitCount
        return word * 64 + words[word].trailingZeroBitCount
    }

    mutating func insert(_ index: Int) {
        counts[index] += 1
        total += 1
        words[index / 64] |= 1 << UInt64(index % 64)
        summary[index / 4096] |= 1 << UInt64(index / 64 % 64)
    }

    mutating func remove(_ index: Int) -> Bool {
        guard counts[index] > 0 else { return false }
        counts[index] -= 1
        total -= 1
        if counts[index] == 0 { words[index / 64] &= ~(1 << UInt64(index % 64)) }
        if words[index / 64] == 0 { summary[index / 4096] &= ~(1 << UInt64(index / 64 % 64)) }
        return true
    }
}

/// Where a model test takes its elements from.
private enum Pool: CaseIterable {
    /// Any deadline of 48 bits, any hash; the very first and last elements too.
    case anything
    /// Few milliseconds with many keys each, so that hashes decide, often by their low half alone.
    case fewMilliseconds
    /// Seven elements in all: each fills several leaves.
    case sevenElements
    /// Runs of neighbours that differ in the lowest bit.
    case neighbours

    func elements(_ numbers: inout Numbers) -> [Element] {
        var elements: [Element] = []
        switch self {
        case .anything:
            elements = (0..<40_000).map { _ in
                Element(
                    deadline: Int64(numbers.next() >> 16),
                    hash: UInt32(truncatingIfNeeded: numbers.next()))
            }
            elements.append(Element(deadline: 0, hash: 0))
            elements.append(Element(deadline: DeadlineIndex.limit - 1, hash: .max))
        case .fewMilliseconds:
            elements = (0..<30_000).map { _ in
                Element(
                    deadline: 1_700_000_000_000 + Int64(numbers.below(3)),
                    hash: UInt32(numbers.below(4)) << 16 | UInt32(numbers.below(65_536)))
            }
        case .sevenElements:
            elements = (0..<7).map { Element(deadline: 5 + Int64($0 / 2), hash: UInt32($0)) }
        case .neighbours:
            elements = (0..<20_000).map { Element(deadline: 77, hash: UInt32($0 + 50_000)) }
        }
        elements.sort { ($0.deadline, $0.hash) < ($1.deadline, $1.hash) }
        return elements.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
}

@Suite struct DeadlineIndexTests {
    /// A quarter of a million operations for each pool, a million in all; the index grows and
    /// shrinks in turn.
    @Test(arguments: Pool.allCases)
    private func `Every operation agrees with a sorted multiset`(pool: Pool) {
        var numbers = Numbers(state: 42)
        var model = Model(pool: pool.elements(&numbers))
        let fixture = Fixture()
        var disagreement: String?
        for step in 0..<250_000 where disagreement == nil {
            let isGrowing = step / 25_000 % 2 == 0
            let chance = numbers.below(100)
            if chance < (isGrowing ? 70 : 25) {
                let index = numbers.below(model.pool.count)
                model.insert(index)
                fixture.insert(model.pool[index])
            } else if chance < 90 {
                let index = numbers.below(model.pool.count)
                let isIn = model.remove(index)
                if fixture.remove(model.pool[index]) != isIn { disagreement = "remove, \(step)" }
            } else {
                let index = model.firstIndex
                if let index { _ = model.remove(index) }
                if fixture.index.removeFirst() != index.map({ model.pool[$0] }) {
                    disagreement = "removeFirst, \(step)"
                }
            }
            if fixture.first != model.firstIndex.map({ model.pool[$0] })
                || fixture.count != model.total
            {
                disagreement = "first or count, \(step)"
            }
            if step % 1_000 == 999 { fixture.index.checkInvariants() }
        }
        #expect(disagreement == nil)
        #expect(drained(fixture) == expanded(model))
        #expect(fixture.allocatedBytes == 0)
    }

    private func drained(_ fixture: Fixture) -> [Element] {
        var elements: [Element] = []
        while let element = fixture.index.removeFirst() { elements.append(element) }
        return elements
    }

    private func expanded(_ model: Model) -> [Element] {
        zip(model.pool, model.counts).flatMap { Array(repeating: $0, count: $1) }
    }

    /// Orders in which the numbers from 0 to `count` can come and go.
    private enum Order: CaseIterable {
        case ascending, descending, fromTheMiddle, toTheMiddle, random

        func numbers(_ count: Int) -> [Int] {
            switch self {
            case .ascending: return Array(0..<count)
            case .descending: return (0..<count).reversed()
            case .fromTheMiddle:
                return (0..<count).map { $0 % 2 == 0 ? count / 2 + $0 / 2 : count / 2 - 1 - $0 / 2 }
            case .toTheMiddle: return Order.fromTheMiddle.numbers(count).reversed()
            case .random:
                var source = Numbers(state: 7)
                var numbers = Array(0..<count)
                for index in numbers.indices.reversed() {
                    numbers.swapAt(index, source.below(index + 1))
                }
                return numbers
            }
        }
    }

    @Test(arguments: Order.allCases, Order.allCases)
    private func `Elements come and go in any order`(coming: Order, going: Order) {
        let fixture = Fixture()
        let count = 12_000
        for (step, number) in coming.numbers(count).enumerated() {
            fixture.insert(Element(deadline: Int64(number), hash: 1))
            if step % 1_000 == 0 { fixture.index.checkInvariants() }
        }
        #expect(fixture.count == count)
        var missing = 0
        for (step, number) in going.numbers(count).enumerated() {
            if !fixture.remove(Element(deadline: Int64(number), hash: 1)) { missing += 1 }
            if step % 1_000 == 0 { fixture.index.checkInvariants() }
        }
        #expect(missing == 0)
        #expect(fixture.first == nil)
        #expect(fixture.byteCount == 0)
        #expect(fixture.allocatedBytes == 0)
    }

    @Test func `An empty index has nothing and costs nothing`() {
        let fixture = Fixture()
        #expect(fixture.first == nil)
        #expect(fixture.index.removeFirst() == nil)
        #expect(!fixture.remove(Element(deadline: 1, hash: 1)))
        #expect(fixture.byteCount == 0)
        fixture.index.checkInvariants()
    }

    @Test func `The first and the last possible element are kept exactly`() {
        let fixture = Fixture()
        let last = Element(deadline: DeadlineIndex.limit - 1, hash: .max)
        let first = Element(deadline: 0, hash: 0)
        fixture.insert(last)
        fixture.insert(first)
        #expect(fixture.first == first)
        #expect(fixture.index.removeFirst() == first)
        #expect(fixture.index.removeFirst() == last)
    }

    @Test func `Nothing is removed that is out of range or differs in one bit`() {
        let fixture = Fixture()
        fixture.insert(Element(deadline: 1_000, hash: 0x8001_8001))
        #expect(!fixture.remove(Element(deadline: -1, hash: 0)))
        #expect(!fixture.remove(Element(deadline: .min, hash: 0)))
        #expect(!fixture.remove(Element(deadline: DeadlineIndex.limit, hash: 0)))
        #expect(!fixture.remove(Element(deadline: .max, hash: .max)))
        for bit in 0..<32 {
            let hash = 0x8001_8001 ^ (UInt32(1) << UInt32(bit))
            #expect(!fixture.remove(Element(deadline: 1_000, hash: hash)))
        }
        #expect(!fixture.remove(Element(deadline: 1_001, hash: 0x8001_8001)))
        #expect(fixture.remove(Element(deadline: 1_000, hash: 0x8001_8001)))
    }

    @Test func `Equal elements over many leaves are each removed once`() {
        let fixture = Fixture()
        let twin = Element(deadline: 500, hash: 9)
        for number in 0..<1_000 {
            fixture.insert(Element(deadline: Int64(number), hash: 3))
            fixture.insert(twin)
        }
        var removed = 0
        while fixture.remove(twin) {
            removed += 1
            if removed % 100 == 0 { fixture.index.checkInvariants() }
        }
        #expect(removed == 1_000)
        #expect(fixture.count == 1_000)
        #expect(drained(fixture).map(\.deadline) == Array(0..<1_000))
    }

    // Memory

    private let count = 200_000

    @Test func `Deadlines in random order take at most 16 bytes each`() {
        let fixture = Fixture()
        var numbers = Numbers(state: 1)
        for _ in 0..<count {
            fixture.insert(
                Element(
                    deadline: 1_700_000_000_000 + Int64(numbers.below(86_400_000)),
                    hash: UInt32(truncatingIfNeeded: numbers.next())))
        }
        fixture.index.checkInvariants()
        #expect(fixture.bytesPerElement <= 13.0)
        #expect(fixture.byteCount == fixture.allocatedBytes)
    }

    /// How many keys get the same deadline before the next millisecond comes.
    @Test(arguments: [(1, 10.5), (100, 11.5), (5_000, 13.0)])
    func `Ascending deadlines leave full nodes`(perMillisecond: Int, limit: Double) {
        let fixture = Fixture()
        var numbers = Numbers(state: 2)
        for number in 0..<count {
            fixture.insert(
                Element(
                    deadline: Int64(number / perMillisecond),
                    hash: UInt32(truncatingIfNeeded: numbers.next())))
        }
        fixture.index.checkInvariants()
        #expect(fixture.bytesPerElement <= limit)
    }

    @Test func `Several constant times to live leave nodes that are nearly full`() {
        let fixture = Fixture()
        var numbers = Numbers(state: 3)
        for number in 0..<count {
            let timeToLive: [Int64] = [1_000, 60_000, 300_000, 3_600_000]
            fixture.insert(
                Element(
                    deadline: Int64(number / 10) + timeToLive[numbers.below(4)],
                    hash: UInt32(truncatingIfNeeded: numbers.next())))
        }
        fixture.index.checkInvariants()
        #expect(fixture.bytesPerElement <= 12.0)
    }

    @Test func `Memory comes back while elements are removed at random`() {
        let fixture = Fixture()
        var numbers = Numbers(state: 4)
        let elements = (0..<count).map { _ in
            Element(
                deadline: Int64(numbers.below(86_400_000)),
                hash: UInt32(truncatingIfNeeded: numbers.next()))
        }
        for element in elements { fixture.insert(element) }
        var missing = 0
        for element in elements.dropLast(count / 10) where !fixture.remove(element) { missing += 1 }
        #expect(missing == 0)
        #expect(fixture.count == count / 10)
        fixture.index.checkInvariants()
        #expect(fixture.bytesPerElement <= 20.0)
        for element in elements.suffix(count / 10) where !fixture.remove(element) { missing += 1 }
        #expect(missing == 0)
        #expect(fixture.allocatedBytes == 0)
    }

    @Test func `A queue of deadlines stays as small as what is in it`() {
        let fixture = Fixture()
        var greatest = 0
        for number in 0..<count {
            fixture.insert(Element(deadline: Int64(number), hash: UInt32(number)))
            if number >= 10_000 {
                #expect(fixture.index.removeFirst()?.deadline == Int64(number - 10_000))
                greatest = max(greatest, fixture.byteCount)
            }
            if number % 10_000 == 0 { fixture.index.checkInvariants() }
        }
        #expect(Double(greatest) / 10_000 <= 11.5)
    }

    // Detaching

    @Test(arguments: [0, 1, 50, 101, 102, 5_000, 60_000], [1, 7, 1_000])
    func `A detached index is freed in slices to the last byte`(count: Int, slice: Int) {
        let fixture = Fixture()
        var numbers = Numbers(state: 5)
        for _ in 0..<count {
            fixture.insert(Element(deadline: Int64(numbers.below(1_000_000)), hash: 0))
        }
        let before = fixture.allocatedBytes
        var detached = fixture.index.detach()
        #expect(fixture.count == 0)
        #expect(fixture.first == nil)
        #expect(fixture.byteCount == 0)
        #expect(fixture.allocatedBytes == before)

        fixture.insert(Element(deadline: 1, hash: 1))
        let kept = fixture.byteCount
        var isDone = false
        var rounds = 0
        var largest = 0
        while !isDone && rounds <= before {
            let held = fixture.allocatedBytes
            isDone = detached.free(atMost: slice, heap: fixture.heap)
            largest = max(largest, held - fixture.allocatedBytes)
            rounds += 1
        }
        #expect(isDone)
        #expect(detached.isEmpty)
        #expect(largest <= slice * DeadlineIndex.Node.bytes)
        #expect(fixture.allocatedBytes == kept)
        fixture.index.checkInvariants()
    }

    @Test func `An index that goes frees its nodes`() {
        let heap = UnsafeMutablePointer<Heap>.allocate(capacity: 1)
        heap.initialize(to: Heap())
        func fill() {
            var index = DeadlineIndex(heap: heap)
            for number in 0..<20_000 { index.insert(deadline: Int64(number), hash: 0) }
        }
        fill()
        #expect(heap.pointee.allocatedBytes == 0)
        heap.deinitialize(count: 1)
        heap.deallocate()
    }
}
