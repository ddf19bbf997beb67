// SPDX-License-Identifier: BSD-3-Clause
//
// `PackedBlock`: its encodings at every boundary, its sizes, and what a snapshot sees of it.

import Testing

@testable import MiniRedis

private func pairs(_ count: Int, _ field: Int, _ value: Int) -> ModelledBlock {
    let subject = ModelledBlock(bidirectional: false)
    for index in 0..<count {
        subject.append(String(repeating: "f", count: field - 3) + "\(index + 100)")
        subject.append(String(repeating: "v", count: value))
    }
    return subject
}

private func scores(_ values: [Double]) -> ModelledBlock {
    let subject = ModelledBlock(bidirectional: false)
    for value in values { subject.block.append(PackedItem(double: value)) }
    return subject
}

@Suite struct `A packed item` {
    @Test(
        arguments: [
            (0, 1), (127, 1), (128, 2), (-1, 2), (-128, 2), (-129, 3), (3967, 2), (3968, 3),
            (32_767, 3), (-32_768, 3), (32_768, 4), (8_388_607, 4), (-8_388_609, 5), (1 << 31, 6),
            (1 << 39 - 1, 6), (1 << 39, 7), (-1 << 39, 6), (1 << 47, 8), (1 << 55, 9),
            (Int64.max, 9), (Int64.min, 9),
        ] as [(Int64, Int)])
    func `takes as few bytes as its integer needs`(value: Int64, bytes: Int) {
        #expect(PackedItem(value).byteCount == bytes)
        let subject = ModelledBlock(bidirectional: false)
        subject.append("\(value)")
        subject.append("x")
        #expect(subject.view.integer(at: subject.view.first) == value)
        #expect(subject.view.find(PackedItem(value)) == subject.view.first)
        #expect(subject.view.next(subject.view.first) == subject.view.first + bytes)
        subject.check()
    }

    @Test func `round-trips around every power of two`() {
        let subject = ModelledBlock(bidirectional: true)
        for bit in 0..<63 {
            for sign in [1, -1] as [Int64] {
                for nudge in -2...2 as ClosedRange<Int64> {
                    subject.append("\(sign * (1 << Int64(bit)) &+ nudge)")
                }
            }
        }
        subject.check()
    }

    @Test(arguments: [
        (0, 1), (1, 2), (95, 96), (96, 98), (1119, 1121), (1120, 1123), (65_535, 65_538),
        (65_536, 65_540), (1_000_000, 1_000_004),
    ])
    func `takes a header of one to four bytes`(length: Int, bytes: Int) {
        let text = [UInt8](repeating: 0x78, count: length)
        #expect(withItem(text) { $0.byteCount } == bytes)
        let subject = ModelledBlock(bidirectional: true)
        subject.append("1")
        subject.append(text)
        subject.append("2")
        subject.check()
        #expect(withItem(text) { subject.view.find($0) } == PackedBlock.headerBytes + 2)
    }

    @Test(
        arguments: [
            (0, 1), (-0.0, 5), (1, 1), (3967, 2), (0.5, 5), (0.1, 9), (-1e300, 9), (.infinity, 5),
            (-.infinity, 5), (0x1p53, 8), (0x1p54, 5), (0x1p54 + 4, 9), (-7, 2),
            (.leastNonzeroMagnitude, 9),
        ] as [(Double, Int)])
    func `holds a double exactly`(value: Double, bytes: Int) {
        let subject = scores([value, 1])
        #expect(PackedItem(double: value).byteCount == bytes)
        #expect(subject.view.double(at: subject.view.first).bitPattern == value.bitPattern)
        subject.view.checkInvariants()
    }

    @Test func `copies its text out`() {
        let subject = ModelledBlock(bidirectional: false)
        for text in ["-12345", "abc", ""] { subject.append(text) }
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { room in
            guard let base = room.baseAddress else { return }
            let found = texts(of: subject.view).indices.map { index in
                let cursor = subject.view.cursor(at: index)
                return ByteView(base, count: subject.view.copyText(at: cursor, to: base)).string
            }
            #expect(found == ["-12345", "abc", ""])
        }
    }
}

@Suite struct `A packed block` {
    @Test(arguments: [false, true])
    func `equals its model through random edits`(bidirectional: Bool) {
        // Sizes, edits and the longest strings of blocks: tiny, of some hundred, and with giants.
        let plans = [(3, 300_000, 100), (40, 250_000, 400), (12, 30_000, 70_000)]
        for (seed, plan) in plans.enumerated() {
            let subject = ModelledBlock(bidirectional: bidirectional)
            var numbers = PackedNumbers(state: UInt64(seed * 2 + (bidirectional ? 1 : 0)))
            for step in 1...plan.1 {
                subject.edit(&numbers, size: plan.0, longest: plan.2)
                if step % 1000 == 0 { subject.check() }
            }
            #expect(subject.view.traits == 0xa5)
            #expect(subject.view.isBidirectional == bidirectional)
            #expect(subject.allocatedBytes == subject.view.allocatedBytes)
        }
    }

    @Test func `keeps its traits`() {
        let subject = ModelledBlock(bidirectional: true, traits: 7)
        subject.append("a")
        #expect(subject.view.traits == 7)
        subject.block.setTraits(0xff)
        subject.append("b")
        #expect(subject.view.traits == 0xff)
        let copy = PackedBlock.copy(subject.block.place.base, subject.memory)
        #expect(PackedView(copy).traits == 0xff)
        #expect(texts(of: PackedView(copy)) == subject.model)
        PackedBlock.free(copy, subject.memory)
        subject.check()
    }

    @Test func `gives memory back, but does not go to and fro`() {
        let subject = ModelledBlock(bidirectional: false)
        while subject.view.byteCount < 400 { subject.append("0123456789a") }
        let edge = subject.allocatedBytes
        var base = subject.block.place.base
        while subject.allocatedBytes == edge {
            base = subject.block.place.base
            subject.append("0123456789a")
        }
        let above = subject.allocatedBytes
        subject.block.remove(at: subject.view.last)
        #expect(subject.allocatedBytes == above)
        base = subject.block.place.base
        for _ in 0..<100 {
            withItem(Array("0123456789a".utf8)) { subject.block.append($0) }
            subject.block.remove(at: subject.view.last)
            #expect(subject.block.place.base == base)
        }
        while subject.allocatedBytes == above { subject.block.remove(at: subject.view.last) }
        #expect(Heap.sizeClass(subject.view.byteCount) == subject.allocatedBytes)
        #expect(Heap.sizeClass(Heap.sizeClass(subject.allocatedBytes + 1) + 1) == above)
        subject.block.removeAll()
        #expect(subject.allocatedBytes == 16)
    }

    @Test func `says what it can hold`() {
        let subject = ModelledBlock(bidirectional: true)
        let room = PackedBlock.mostBytes - PackedBlock.headerBytes
        #expect(subject.view.canHold(items: 1, bytes: room - 4))
        #expect(!subject.view.canHold(items: 1, bytes: room - 3))
        #expect(!subject.view.canHold(items: 1, bytes: .max))
        let text = [UInt8](repeating: 0x78, count: room - 8)
        #expect(withItem(text) { subject.view.canHold($0) })
        subject.append(text)
        #expect(!subject.view.canHold(PackedItem(1)))
        subject.check()
        subject.block.removeAll()
        for _ in 0..<PackedBlock.mostItems { subject.block.append(PackedItem(1)) }
        #expect(!subject.view.canHold(PackedItem(1)))
        subject.view.checkInvariants()
    }

    @Test func `takes as little as its essay says`() {
        #expect(pairs(1, 5, 8).allocatedBytes == 32)
        #expect(pairs(5, 6, 8).allocatedBytes == 96)
        #expect(pairs(10, 8, 16).allocatedBytes == 320)
        let small = ModelledBlock(bidirectional: false)
        for value in 0..<10 { small.append("\(3000 + value)") }
        #expect(small.allocatedBytes == 32)
        let medium = ModelledBlock(bidirectional: false)
        for value in 0..<100 { medium.append("\(100_000 + value)") }
        #expect(medium.allocatedBytes == 448)
        let list = ModelledBlock(bidirectional: true)
        for value in 0..<100 { list.append("element\(value + 100)") }
        #expect(list.allocatedBytes == 1280)
        let ranking = ModelledBlock(bidirectional: false)
        for value in 0..<10 {
            ranking.append("member:1234\(value)")
            ranking.block.append(PackedItem(double: Double(1000 + value)))
        }
        #expect(ranking.allocatedBytes == 192)
    }
}

@Suite struct `A packed block under a snapshot` {
    private typealias Seen = (base: UnsafeRawPointer, texts: [[UInt8]], epoch: UInt64)

    @Test(arguments: [false, true])
    func `stays what it was through random edits`(bidirectional: Bool) {
        let subject = ModelledBlock(bidirectional: bidirectional)
        var numbers = PackedNumbers(state: 77)
        var live: [Seen] = []
        for step in 1...20_000 {
            if numbers.below(20) == 0 && live.count < 3 {
                let epoch = subject.memory.pointee.epochs.begin().epoch
                live.append((UnsafeRawPointer(subject.block.place.base), subject.model, epoch))
            }
            subject.edit(&numbers, size: 12, longest: 200)
            if numbers.below(20) == 0 && !live.isEmpty {
                end(live.remove(at: numbers.below(live.count)), subject)
            }
            if step % 100 == 0 { subject.check() }
        }
        for seen in live { end(seen, subject) }
        subject.check()
        while subject.memory.pointee.reclaim(budget: 100, release: { _, _ in }) {}
        #expect(subject.allocatedBytes == subject.view.allocatedBytes)
    }

    private func end(_ seen: Seen, _ subject: ModelledBlock) {
        PackedView(seen.base).checkInvariants()
        #expect(texts(of: PackedView(seen.base)) == seen.texts)
        subject.memory.pointee.epochs.end(seen.epoch)
        _ = subject.memory.pointee.reclaim(budget: 100) { _, _ in }
    }

    @Test func `is kept when it is freed, and copied once`() {
        let subject = ModelledBlock(bidirectional: false)
        subject.append("one")
        let old = subject.block.place.base
        let epoch = subject.memory.pointee.epochs.begin().epoch
        subject.block.setTraits(1)
        let new = subject.block.place.base
        #expect(new != old && PackedView(old).traits == 0xa5)
        subject.block.setTraits(2)
        #expect(subject.block.place.base == new)
        let other = PackedBlock.create(subject.memory, bidirectional: false)
        PackedBlock.free(other, subject.memory)
        #expect(subject.memory.pointee.graveyard.count == 1)
        subject.memory.pointee.epochs.end(epoch)
    }
}
