// SPDX-License-Identifier: BSD-3-Clause
//
// A list beside the array that it must equal, changed together by seeded random edits while
// snapshots of it live.

import Testing

@testable import MiniRedis

/// A captured list and what it must hold as long as the snapshot lives.
private struct CapturedList {
    var epoch: UInt64
    var base: UnsafeRawPointer
    var contents: [[UInt8]]
}

/// A list, its memory, and its model.
final class ModelledList {
    let memory: UnsafeMutablePointer<Memory>
    /// The address of the list's block: its place.
    private let word: UnsafeMutablePointer<UInt>
    private(set) var model: [[UInt8]] = []
    private var snapshots: [CapturedList] = []
    var numbers: PackedNumbers
    var limits = EncodingLimits()

    init(seed: UInt64) {
        numbers = PackedNumbers(state: seed)
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        word = .allocate(capacity: 1)
        word.initialize(to: UInt(bitPattern: ListValue.create(memory)))
    }

    deinit {
        word.deallocate()
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    var editor: ListEditor { ListEditor(BlockPlace(word, memory: memory), limits) }
    var view: ListView { editor.view }
    var heap: UnsafeMutablePointer<Heap> { memory.pointee.heap }
    var name: String { "\(ListValue.encodingName(view.base))" }

    /// Frees everything; what is left is a leak.
    func finish() -> Int {
        while !snapshots.isEmpty { endSnapshot(0) }
        ListValue.free(editor.place.base, memory)
        work()
        return heap.pointee.allocatedBytes + heap.pointee.idleBlockBytes
    }

    // MARK: - Snapshots

    func beginSnapshot() {
        let epoch = memory.pointee.epochs.begin().epoch
        snapshots.append(CapturedList(epoch: epoch, base: view.base, contents: model))
    }

    func endSnapshot(_ index: Int) {
        let snapshot = snapshots.remove(at: index)
        #expect(contents(ListView(snapshot.base)) == snapshot.contents)
        memory.pointee.epochs.end(snapshot.epoch)
        work()
    }

    func endSnapshotIfAny() {
        if !snapshots.isEmpty { endSnapshot(numbers.below(snapshots.count)) }
    }

    private func work() {
        while memory.pointee.reclaim(
            budget: 1000,
            release: { node, heap in
                guard node.kind == BlockReference.graveyardKind else { return }
                BlockReference(node.block).block.release(heap)
            })
        {}
    }

    // MARK: - Edits

    func element<Result>(_ text: [UInt8], _ body: (ListElement) -> Result) -> Result {
        withBytes(text) { body(ListElement($0, heap)) }
    }

    func push(_ text: [UInt8], _ end: ListEnd) {
        editor.prepareForGrowth(bytes: text.count, elements: 1)
        element(text) { editor.push($0, end) }
        model.insert(text, at: end == .left ? 0 : model.count)
    }

    func pop(_ end: ListEnd) {
        guard !model.isEmpty else { return }
        let expected = end == .left ? model.removeFirst() : model.removeLast()
        #expect(view.item(at: end).withText { bytes($0) } == expected)
        editor.pop(end)
        editor.noteShrinkage()
    }

    func insert(_ text: [UInt8], at index: Int) {
        editor.prepareForGrowth(bytes: text.count, elements: 1)
        element(text) { editor.insert($0, at: index) }
        model.insert(text, at: index)
    }

    func replace(at index: Int, with text: [UInt8]) {
        element(text) { editor.replace(at: index, with: $0) }
        model[index] = text
    }

    func remove(from index: Int, count: Int) {
        editor.remove(from: index, count: count)
        editor.noteShrinkage()
        model.removeSubrange(index..<index + count)
    }

    func removeMatches(of text: [UInt8], from end: ListEnd, limit: Int) {
        let removed = look(text) { editor.removeMatches(of: $0, from: end, limit: limit) }
        editor.noteShrinkage()
        var places = model.indices.filter { model[$0] == text }
        if end == .right { places.reverse() }
        places = Array(places.prefix(limit))
        for place in places.sorted(by: >) { model.remove(at: place) }
        #expect(removed == places.count)
    }

    /// Calls with an element to look for.
    private func look<Result>(_ text: [UInt8], _ body: (ListElement) -> Result) -> Result {
        element(text) { element in
            defer { if case .block(let block) = element { block.release(heap) } }
            return body(element)
        }
    }

    // MARK: - Comparing

    func check() {
        #if INVARIANTS
            view.checkInvariants()
        #endif
        #expect(view.count == model.count)
        #expect(contents(view) == model)
        var reversed: [[UInt8]] = []
        view.forEachItem(from: .right, count: model.count) { item in
            reversed.append(item.withText { bytes($0) })
        }
        #expect(reversed == model.reversed())
        guard !model.isEmpty else { return }
        let index = numbers.below(model.count)
        #expect(view.withItem(at: index) { $0.withText { bytes($0) } } == model[index])
        checkMatches(of: model[index])
    }

    private func checkMatches(of text: [UInt8]) {
        let limit = 1 + numbers.below(model.count + 5)
        for end in [ListEnd.left, .right] {
            var found: [Int] = []
            look(text) { element in
                view.forEachMatch(element, from: end, limit: limit) { index in
                    found.append(index)
                    return true
                }
            }
            let range =
                end == .left
                ? 0..<min(limit, model.count) : max(0, model.count - limit)..<model.count
            let expected = range.filter { model[$0] == text }
            #expect(found == (end == .left ? expected : expected.reversed()))
        }
    }

    func contents(_ view: ListView) -> [[UInt8]] {
        var found: [[UInt8]] = []
        view.forEach { found.append(bytes($0)) }
        return found
    }

    func bytes(_ view: ByteView) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: view.base, count: view.count))
    }
}
