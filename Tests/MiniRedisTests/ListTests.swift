// SPDX-License-Identifier: BSD-3-Clause
//
// Lists against a model, under snapshots, at the boundary of their two forms, and their names.

import Testing

@testable import MiniRedis

extension ModelledList {
    fileprivate func text() -> [UInt8] {
        switch numbers.below(60) {
        case 0: [UInt8](repeating: 0x62, count: 1500 + numbers.below(4000))
        case 1: [UInt8](repeating: 0x63, count: ReferencedBlock.threshold - 1 + numbers.below(3))
        default: numbers.text(longest: 1200)
        }
    }

    /// One random edit. `growth` of 100 are edits that add.
    fileprivate func step(growth: Int) {
        let end: ListEnd = numbers.below(2) == 0 ? .left : .right
        if numbers.below(100) < growth {
            if numbers.below(3) == 0 {
                insert(text(), at: numbers.below(model.count + 1))
            } else {
                push(text(), end)
            }
            return
        }
        guard !model.isEmpty else { return }
        let index = numbers.below(model.count)
        switch numbers.below(8) {
        case 0, 1: pop(end)
        case 2, 3: replace(at: index, with: text())
        case 4:
            removeMatches(
                of: numbers.below(3) == 0 ? text() : model[index], from: end,
                limit: 1 + numbers.below(4))
        case 5: remove(from: index, count: numbers.below(min(model.count - index, 40) + 1))
        case 6: remove(from: 0, count: numbers.below(min(model.count, 100) + 1))
        default: remove(from: index, count: min(1, model.count - index))
        }
    }

    fileprivate func stepOfSnapshots() {
        if numbers.below(2) == 0 { beginSnapshot() } else { endSnapshotIfAny() }
    }
}

@Suite struct `A list` {
    @Test(arguments: [1, 2, 3, 4] as [UInt64], [false, true])
    func `equal a model`(seed: UInt64, hasSnapshots: Bool) {
        let list = ModelledList(seed: seed)
        for step in 0..<3_000 {
            list.step(growth: step % 1500 < 1000 ? 70 : 25)
            if hasSnapshots && step % 23 == 0 { list.stepOfSnapshots() }
            if step % 29 == 0 { list.check() }
        }
        list.check()
        #expect(list.finish() == 0)
    }

    @Test func `drain from either end`() {
        for end in [ListEnd.left, .right] {
            let list = ModelledList(seed: 9)
            for number in 0..<5_000 { list.push(Array("element \(number)".utf8), .right) }
            list.check()
            for step in 0..<5_000 {
                list.pop(end)
                if step % 250 == 0 { list.check() }
            }
            #expect(list.view.count == 0)
            #expect(list.finish() == 0)
        }
    }

    @Test func `lose every equal element at once`() {
        let list = ModelledList(seed: 10)
        for number in 0..<4_000 { list.push(Array("\(number % 3)".utf8), .right) }
        list.removeMatches(of: Array("1".utf8), from: .left, limit: .max)
        list.check()
        list.removeMatches(of: Array("2".utf8), from: .right, limit: 1_000)
        list.check()
        list.removeMatches(of: Array("0".utf8), from: .right, limit: .max)
        list.check()
        #expect(list.finish() == 0)
    }

    @Test func `are copied, and freed in slices under a snapshot`() {
        let list = ModelledList(seed: 11)
        for _ in 0..<2_000 { list.push(list.text(), .right) }
        let copy = ListValue.copy(list.view.base, list.memory)
        #expect(list.contents(ListView(copy)) == list.model)
        #expect(ListValue.byteCount(copy, samples: 0) > 0)
        list.beginSnapshot()
        var slices = 0
        let free = ListValue.dismantle(copy, list.memory)
        while !free(20) { slices += 1 }
        #expect(slices > 3)
        #expect(list.finish() == 0)
    }

    @Test func `take little more than their elements`() {
        let list = ModelledList(seed: 12)
        let elements = 20_000
        for number in 0..<elements {
            let text = Array("element:\(10_000_000 + number)".utf8)
            list.element(text) { list.editor.push($0, .right) }
        }
        let bytes = ListValue.byteCount(list.view.base, samples: 0)
        #expect(bytes < elements * 185 / 10)
        #expect(bytes == list.heap.pointee.allocatedBytes)
        ListValue.free(list.editor.place.base, list.memory)
    }

    @Test func `are called a listpack while they would fit one`() {
        let list = ModelledList(seed: 13)
        let text = [UInt8](repeating: 0x61, count: 16)
        // 18 bytes each and 7 for the header: 454 fit 8 KiB, 227 half of it. Redis adds what is
        // to come without its length.
        while list.model.count < 454 { list.push(text, .right) }
        #expect(list.name == "listpack")
        list.push(text, .left)
        #expect(list.name == "quicklist")
        while list.model.count > 228 { list.pop(.left) }
        #expect(list.name == "quicklist")
        list.pop(.right)
        #expect(list.name == "listpack")
        #expect(list.finish() == 0)
    }

    @Test func `are called by their length if that is limited`() {
        let list = ModelledList(seed: 14)
        list.limits.listSize = 10
        for _ in 0..<10 { list.push([0x61], .right) }
        #expect(list.name == "listpack")
        list.push([0x61], .right)
        #expect(list.name == "quicklist")
        while list.model.count > 6 { list.pop(.left) }
        #expect(list.name == "quicklist")
        list.pop(.left)
        #expect(list.name == "listpack")
        list.push([UInt8](repeating: 0x61, count: 8_192), .right)
        #expect(list.name == "quicklist")
        #expect(list.finish() == 0)
    }
}
