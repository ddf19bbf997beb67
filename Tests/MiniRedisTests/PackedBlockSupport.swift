// SPDX-License-Identifier: BSD-3-Clause
//
// A packed block beside the array of byte strings that it must equal, and byte strings that lie at
// the boundaries of its encodings.

import Testing

@testable import MiniRedis

/// A seeded source of numbers (SplitMix64): the same ones in every run.
struct PackedNumbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// A byte string that may well be at a boundary.
    mutating func text(longest: Int = 1200) -> [UInt8] {
        switch below(8) {
        case 0, 1: return Array("\(below(300) - 150)".utf8)
        case 2: return Array("\(edgeInteger())".utf8)
        case 3: return nearInteger()
        case 4: return letters(edgeLength(longest))
        default: return letters(below(12))
        }
    }

    mutating func edgeInteger() -> Int64 {
        let edges: [Int64] = [0, -128, 127, 128, 3967, 3968, .max, .min]
        let edge = below(2) == 0 ? edges[below(edges.count)] : 1 << Int64(below(63))
        return (below(2) == 0 ? edge : 0 &- edge) &+ Int64(below(5) - 2)
    }

    /// What looks like an integer's text and is none.
    private mutating func nearInteger() -> [UInt8] {
        let texts = [
            "", "-", "-0", "00", "01", "+1", " 1", "1 ", "1.0", "--1", "9223372036854775808",
            "-9223372036854775809", "18446744073709551616", "99999999999999999999", "1e3",
        ]
        return Array(texts[below(texts.count)].utf8)
    }

    private mutating func edgeLength(_ longest: Int) -> Int {
        let edges = [0, 63, 95, 96, 126, 127, 128, 351, 352, 1119, 1120, 16_380, 65_535, 65_536]
        return min(longest, max(0, edges[below(edges.count)] + below(5) - 2))
    }

    /// Few different letters, so that equal strings happen.
    mutating func letters(_ count: Int) -> [UInt8] {
        let first = UInt8(0x61 + below(3))
        var text = [UInt8](repeating: first, count: count)
        if count > 0 { text[below(count)] = UInt8(0x61 + below(26)) }
        return text
    }
}

/// Calls with the item of a text.
func withItem<Result>(_ text: [UInt8], _ body: (PackedItem) -> Result) -> Result {
    text.withUnsafeBytes { room in
        guard let base = room.baseAddress else { return body(PackedItem(ByteView(""))) }
        return body(PackedItem(ByteView(base, count: room.count)))
    }
}

/// All items of a block, as texts.
func texts(of view: PackedView) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var at = view.first
    while at < view.end {
        found.append(text(view, at))
        at = view.next(at)
    }
    return found
}

func text(_ view: PackedView, _ cursor: Int) -> [UInt8] {
    view.withText(at: cursor) { Array(UnsafeRawBufferPointer(start: $0.base, count: $0.count)) }
}

/// A block and its model, with memory of their own. When it goes, every byte must have come back.
final class ModelledBlock {
    let memory: UnsafeMutablePointer<Memory>
    private let room: UnsafeMutableRawPointer
    let block: PackedBlock
    var model: [[UInt8]] = []

    init(bidirectional: Bool, traits: UInt8 = 0xa5) {
        memory = .allocate(capacity: 1)
        memory.initialize(to: Memory())
        room = .allocate(byteCount: 16, alignment: 8)
        block = PackedBlock(BlockPlace(room + 3, memory: memory))
        block.place.base = PackedBlock.create(memory, bidirectional: bidirectional, traits: traits)
    }

    deinit {
        PackedBlock.free(block.place.base, memory)
        while memory.pointee.reclaim(budget: 1000, release: { _, _ in }) {}
        precondition(memory.pointee.heap.pointee.allocatedBytes == 0, "the block leaks")
        room.deallocate()
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    var view: PackedView { block.view }
    var allocatedBytes: Int { memory.pointee.heap.pointee.allocatedBytes }

    func append(_ text: [UInt8]) {
        withItem(text) { block.append($0) }
        model.append(text)
    }

    func append(_ text: String) { append(Array(text.utf8)) }

    /// Everything, walked both ways if the block can be.
    func check() {
        view.checkInvariants()
        #expect(view.count == model.count)
        #expect(texts(of: view) == model)
        guard view.isBidirectional else { return }
        var at = view.end
        for expected in model.reversed() {
            at = view.previous(at)
            if text(view, at) != expected { Issue.record("not \(expected) at \(at)") }
        }
        #expect(at == view.first)
    }
}

extension ModelledBlock {
    /// One random edit, and a look at what it touched. `size` is about how many items stay.
    func edit(_ numbers: inout PackedNumbers, size: Int, longest: Int) {
        let index = numbers.below(model.count + 1)
        let cursor = view.cursor(at: index)
        let item = numbers.text(longest: longest)
        switch numbers.below(model.count > size ? 14 : 10) {
        case 0, 1:
            append(item)
        case 2:
            withItem(item) { block.prepend($0) }
            model.insert(item, at: 0)
        case 3, 4:
            withItem(item) { block.insert($0, before: cursor) }
            model.insert(item, at: index)
            expect(item, at: cursor)
        case 5:
            let second = numbers.text()
            withItem(item) { a in withItem(second) { block.insert(a, $0, before: cursor) } }
            model.insert(contentsOf: [item, second], at: index)
            expect(item, at: cursor)
        case 6, 7, 8:
            guard index < model.count else { return }
            withItem(item) { block.replace(cursor, with: $0) }
            model[index] = item
            expect(item, at: cursor)
        case 9:
            find(item)
        case 10:
            insertOwnCopy(at: index, numbers.below(3))
        default:
            remove(at: index, min(model.count - index, numbers.below(1 + size / 4)))
        }
        if numbers.below(4000) == 0 {
            block.removeAll()
            model = []
        }
    }

    private func remove(at index: Int, _ count: Int) {
        let cursor = view.cursor(at: index)
        block.remove(at: cursor, count: count)
        model.removeSubrange(index..<index + count)
        if index < model.count { expect(model[index], at: cursor) }
    }

    /// Takes a run of items by way of a block of its own.
    private func insertOwnCopy(at index: Int, _ count: Int) {
        let count = min(count, model.count - index)
        let cursor = view.cursor(at: index)
        let run = view.run(at: cursor, count: count)
        let other = PackedBlock.create(memory, copying: run)
        PackedView(other).checkInvariants()
        block.insert(PackedView(other).all, before: cursor)
        PackedBlock.free(other, memory)
        model.insert(contentsOf: model[index..<index + count], at: index)
    }

    private func find(_ text: [UInt8]) {
        let found = withItem(text) { view.find($0) }
        let place = model.firstIndex(of: text)
        if found != place.map({ view.cursor(at: $0) }) { Issue.record("\(text) is not found") }
        let even = model.indices.first { $0 % 2 == 0 && model[$0] == text }
        let second = withItem(text) { view.find($0, step: 2) }
        if second != even.map({ view.cursor(at: $0) }) { Issue.record("\(text), even") }
    }

    private func expect(_ item: [UInt8], at cursor: Int) {
        if text(view, cursor) != item { Issue.record("not \(item) at \(cursor)") }
        if view.textLength(at: cursor) != item.count { Issue.record("length of \(item)") }
        if !withItem(item, { view.isEqual(at: cursor, $0) }) { Issue.record("unequal \(item)") }
        if view.count != model.count { Issue.record("the count") }
    }
}
