// SPDX-License-Identifier: BSD-3-Clause
//
// A `CountedTree` and a sorted array that the same random operations are done to.

import Testing

@testable import MiniRedis

/// The tree, the array, and the snapshots that live, with what each must still read.
struct TreeModel<Layout: TreeTestLayout> {
    private struct Captured {
        var epoch: UInt64
        var view: TreeView<Layout>
        var items: [TreeItem]
    }

    let fixture = TreeFixture<Layout>()
    private var items: [TreeItem] = []
    private var numbers: TreeNumbers
    private let scores: Int
    private var serial: UInt64 = 1 << 32
    private var snapshots: [Captured] = []
    /// What went wrong first.
    private(set) var disagreement: String?

    init(seed: UInt64, scores: Int) {
        numbers = TreeNumbers(state: seed)
        self.scores = scores
    }

    private var tree: CountedTree<Layout> { fixture.tree }

    private mutating func expect(_ isRight: Bool, _ what: String) {
        if !isRight && disagreement == nil { disagreement = what }
    }

    private mutating func anything() -> TreeItem {
        serial += 1
        let score = UInt64(1 + numbers.below(scores))
        // Identities in no order, but never twice.
        let identity = (serial &* 0x9E37_79B9_7F4A_7C15) | 1
        return TreeItem(score: score, identity: identity, load: UInt64(1 + numbers.below(9)))
    }

    private func weight(_ item: TreeItem) -> Int { Layout.isWeighted ? Int(item.load) : 1 }

    /// The index of the first item that is not less.
    private func index(of item: TreeItem) -> Int {
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func weight(before index: Int) -> Int {
        guard Layout.isWeighted else { return index }
        return items.withUnsafeBufferPointer { buffer in
            var sum = 0
            var each = 0
            while each < index {
                sum += Int(buffer[each].load)
                each += 1
            }
            return sum
        }
    }

    // MARK: - Steps

    /// One operation, random; more insertions than removals if `isGrowing`.
    mutating func step(isGrowing: Bool) {
        let chance = numbers.below(1_000)
        if chance < (isGrowing ? 520 : 330) { return insert() }
        switch chance {
        case ..<800: remove()
        case ..<880: update()
        case ..<920: look()
        case ..<960: locate()
        case ..<970: popAtAnEnd()
        case ..<980: addAtAnEnd()
        case ..<984: removeRange(upTo: 30)
        case ..<987: removeRange(upTo: isGrowing ? 150 : 700)
        case ..<990: appendMany()
        default: walk()
        }
    }

    private mutating func insert() {
        let item = anything()
        if Layout.isOrdered {
            fixture.insert(item)
            items.insert(item, at: index(of: item))
        } else {
            let index = numbers.below(items.count + 1)
            var cursor = tree.view.locate(weight(before: index)).cursor
            fixture.withRecord(item) { tree.insert($0, before: &cursor) }
            expect(Layout.read(cursor.record) == item, "the cursor after an insertion")
            items.insert(item, at: index)
        }
    }

    private mutating func cursor(_ index: Int) -> CountedTree<Layout>.Cursor {
        Layout.isOrdered
            ? fixture.find(items[index]) : tree.view.locate(weight(before: index)).cursor
    }

    private mutating func remove() {
        guard !items.isEmpty else { return }
        let index = numbers.below(items.count)
        var cursor = cursor(index)
        expect(Layout.read(cursor.record) == items[index], "what is to be removed")
        tree.remove(&cursor)
        items.remove(at: index)
        let next: TreeItem? = cursor.isAtEnd ? nil : Layout.read(cursor.record)
        expect(next == (index < items.count ? items[index] : nil), "the cursor after a removal")
    }

    private mutating func update() {
        guard !items.isEmpty else { return }
        let index = numbers.below(4) == 0 ? 0 : numbers.below(items.count)
        var cursor = cursor(index)
        items[index].load = UInt64(1 + numbers.below(9))
        let item = items[index]
        if numbers.below(2) == 0 {
            tree.update(&cursor) { Layout.write(item, to: $0) }
        } else {
            fixture.withRecord(item) { tree.replace(&cursor, with: $0) }
        }
    }

    /// Something that is there or not: its place and its rank.
    private mutating func look() {
        guard Layout.isOrdered else { return locate() }
        let item = items.isEmpty || numbers.below(2) == 0 ? anything() : anyItem()
        let cursor = fixture.find(item)
        let index = index(of: item)
        expect(cursor.isAtEnd == (index == items.count), "lowerBound at the end")
        if !cursor.isAtEnd && index < items.count {
            expect(Layout.read(cursor.record) == items[index], "lowerBound")
        }
        expect(cursor.weightBefore == weight(before: index), "rank")
    }

    private mutating func anyItem() -> TreeItem { items[numbers.below(items.count)] }

    private mutating func locate() {
        guard !items.isEmpty else { return expect(tree.view.locate(0).cursor.isAtEnd, "empty") }
        let index = numbers.below(items.count)
        let before = weight(before: index)
        let within = numbers.below(weight(items[index]))
        let found = tree.view.locate(before + within)
        expect(Layout.read(found.cursor.record) == items[index], "locate")
        expect(found.remainder == within, "the remainder of locate")
        expect(found.cursor.weightBefore == before, "the weight before a located record")
    }

    private mutating func popAtAnEnd() {
        guard !items.isEmpty else { return }
        let isFirst = numbers.below(2) == 0
        for _ in 0..<min(numbers.below(40), items.count) {
            var cursor = isFirst ? tree.view.first() : tree.view.last()
            let item = Layout.read(cursor.record)
            tree.remove(&cursor)
            expect(item == (isFirst ? items.removeFirst() : items.removeLast()), "pop")
        }
    }

    private mutating func addAtAnEnd() {
        let isFirst = numbers.below(2) == 0
        for count in 0..<numbers.below(40) {
            var item = anything()
            item.score = isFirst ? 0 : 1 << 20
            // Descending: before whatever is first now; or ascending.
            item.identity = isFirst ? (1 << 31) - serial % (1 << 31) : serial
            if Layout.isOrdered && count % 2 == 0 {
                fixture.insert(item)
            } else {
                fixture.withRecord(item) { isFirst ? tree.prepend($0) : tree.append($0) }
            }
            items.insert(item, at: isFirst ? 0 : items.count)
        }
    }

    private mutating func appendMany() {
        var added: [TreeItem] = []
        for _ in 0..<numbers.below(200) {
            var item = anything()
            item.score = 1 << 20
            item.identity = serial
            added.append(item)
        }
        tree.append(count: added.count) { Layout.write(added[$0], to: $1) }
        items += added
    }

    private mutating func removeRange(upTo most: Int) {
        guard !items.isEmpty else { return }
        let start = numbers.below(items.count)
        let end = min(start + numbers.below(most), items.count)
        var released: [TreeItem] = []
        // A little more or less than whole records, where records have weights.
        let before = start > 0 && Layout.isWeighted ? numbers.below(weight(items[start - 1])) : 0
        let behind = end < items.count && Layout.isWeighted ? numbers.below(weight(items[end])) : 0
        let low = weight(before: start)
        let high = weight(before: end)
        if numbers.below(2) == 0 || start == end {
            tree.remove(within: low - before..<high + behind) { released.append(Layout.read($0)) }
        } else {
            let first = tree.view.locate(low).cursor
            let last = tree.view.locate(high).cursor
            tree.remove(from: first, upTo: last) { released.append(Layout.read($0)) }
        }
        expect(released == Array(items[start..<end]), "what a range released")
        items.removeSubrange(start..<end)
    }

    /// Some steps forwards and backwards from somewhere.
    private mutating func walk() {
        guard !items.isEmpty else { return }
        var index = numbers.below(items.count)
        var cursor = cursor(index)
        for _ in 0..<numbers.below(200) {
            index += 1
            expect(cursor.next() == (index < items.count), "next")
            if index >= items.count { break }
            expect(Layout.read(cursor.record) == items[index], "what is next")
        }
        for _ in 0..<numbers.below(300) {
            expect(cursor.previous() == (index > 0), "previous")
            if index == 0 { break }
            index -= 1
            expect(Layout.read(cursor.record) == items[index], "what is before")
        }
    }

    // MARK: - Snapshots

    /// Begins a snapshot, ends one after reading it, or frees some of what has waited.
    mutating func stepOfSnapshots() {
        switch numbers.below(3) {
        case 0 where snapshots.count < 4:
            let epoch = fixture.memory.pointee.epochs.begin().epoch
            snapshots.append(Captured(epoch: epoch, view: tree.view, items: items))
        case 1 where !snapshots.isEmpty:
            endSnapshot(numbers.below(snapshots.count))
        default:
            _ = fixture.memory.pointee.reclaim(budget: 50) { _, _ in }
        }
    }

    private mutating func endSnapshot(_ index: Int) {
        let snapshot = snapshots.remove(at: index)
        expect(TreeFixture.contents(snapshot.view) == snapshot.items, "what a snapshot reads")
        fixture.memory.pointee.epochs.end(snapshot.epoch)
    }

    /// Ends all snapshots, frees what waited and checks that the tree has the memory alone.
    mutating func endSnapshots() {
        while !snapshots.isEmpty { endSnapshot(numbers.below(snapshots.count)) }
        while fixture.memory.pointee.reclaim(budget: 1_000, release: { _, _ in }) {}
        expect(fixture.allocatedBytes == tree.byteCount, "the bytes that the tree holds")
    }

    // MARK: - Checks

    mutating func check() {
        tree.checkInvariants()
        expect(tree.count == items.count, "the count")
        expect(tree.weight == weight(before: items.count), "the weight")
    }

    mutating func compare() {
        expect(TreeFixture.contents(tree.view) == items, "the contents")
    }

    /// Frees the tree in slices, perhaps while a snapshot sees it.
    mutating func detachAndFree() {
        var detached = tree.detach()
        check(isEmptyNow: true)
        var released: [TreeItem] = []
        let budget = 1 + numbers.below(100)
        while !detached.free(
            atMost: budget, memory: fixture.memory, { released.append(Layout.read($0)) })
        {
            expect(released.count % budget == 0, "the budget of a slice")
        }
        expect(released == items, "what freeing released")
        items = []
    }

    private mutating func check(isEmptyNow: Bool) {
        expect(tree.isEmpty == isEmptyNow && tree.byteCount == 0, "an empty tree")
        tree.checkInvariants()
    }
}
