// SPDX-License-Identifier: BSD-3-Clause
//
// The heap: its size classes are the allocator's, its count is exact.

import Testing

@testable import MiniRedis

@Suite struct `The heap` {
    private func expectAllocatorsClass(_ bytes: Int) {
        let expected = Heap.allocatorSizeClass(max(bytes, 9)) ?? Heap.sizeClass(bytes)
        if Heap.sizeClass(bytes) != expected {
            Issue.record("\(bytes) bytes take \(expected), not \(Heap.sizeClass(bytes))")
        }
    }

    @Test func `has the allocator's size classes`() {
        for bytes in 1...100_000 { expectAllocatorsClass(bytes) }
        for shift in 17..<46 {
            for quarter in 0..<4 {
                let border = 1 << shift + quarter << (shift - 2)
                for distance in -17...17 { expectAllocatorsClass(border + distance) }
            }
        }
    }

    @Test func `gives a class for a class`() {
        for bytes in 1...100_000 {
            let size = Heap.sizeClass(bytes)
            if size < bytes || Heap.sizeClass(size) != size || size % 16 != 0 {
                Issue.record("\(bytes) bytes have the size class \(size)")
            }
            // Never more than a quarter of waste above the smallest classes.
            if bytes > 128, size - bytes > bytes / 4 { Issue.record("\(bytes) bytes waste") }
        }
    }

    @Test func `counts what it gives and takes back`() {
        var heap = Heap()
        var random = RandomSource(seed: 1)
        var blocks: [(block: UnsafeMutableRawPointer, bytes: Int)] = []
        var expected = 0
        for _ in 0..<20_000 {
            let bytes = 1 + Int(random.below(random.below(50) == 0 ? 300_000 : 300))
            switch random.below(4) {
            case 0, 1:
                let block = heap.allocate(bytes)
                #expect(UInt(bitPattern: block) % 16 == 0)
                blocks.append((block, bytes))
                expected += Heap.sizeClass(bytes)
            case 2 where !blocks.isEmpty:
                let at = Int(random.below(UInt64(blocks.count)))
                let old = blocks[at]
                let block = heap.reallocate(old.block, from: old.bytes, to: bytes)
                blocks[at] = (block, bytes)
                expected += Heap.sizeClass(bytes) - Heap.sizeClass(old.bytes)
            default:
                guard !blocks.isEmpty else { continue }
                let last = blocks.swapRemove(Int(random.below(UInt64(blocks.count))))
                heap.free(last.block, last.bytes)
                expected -= Heap.sizeClass(last.bytes)
            }
            if heap.allocatedBytes != expected { Issue.record("the count is off") }
        }
        for block in blocks { heap.free(block.block, block.bytes) }
        #expect(heap.allocatedBytes == 0)
    }

    @Test func `keeps the bytes of a block that it moves`() {
        var heap = Heap()
        var block = heap.allocate(10)
        for index in 0..<10 as Range<UInt8> {
            block.storeBytes(of: index, toByteOffset: Int(index), as: UInt8.self)
        }
        for (old, new) in [(10, 5000), (5000, 200_000), (200_000, 12)] {
            block = heap.reallocate(block, from: old, to: new)
            let bytes = ByteView(block, count: 10)
            #expect(bytes.array == Array(0..<10))
        }
        heap.free(block, 12)
        #expect(heap.allocatedBytes == 0)
    }

    @Test func `gives pages that are aligned and empty`() {
        var heap = Heap()
        let pages = (0..<50).map { _ in heap.allocatePage() }
        for page in pages {
            #expect(UInt(bitPattern: page) % UInt(Heap.pageBytes) == 0)
            let bytes = UnsafeRawBufferPointer(start: page, count: Heap.pageBytes)
            #expect(bytes.allSatisfy { $0 == 0 })
        }
        #expect(heap.allocatedBytes == 50 * Heap.pageBytes)
        for page in pages { heap.free(page, Heap.pageBytes) }
        #expect(heap.allocatedBytes == 0)
    }
}

extension Array {
    /// Takes one element out; the last one takes its place.
    mutating func swapRemove(_ index: Int) -> Element {
        swapAt(index, count - 1)
        return removeLast()
    }
}

@Suite struct `The graveyard` {
    private func plain(_ memory: UnsafeMutablePointer<Memory>, _ bytes: Int) {
        let block = memory.pointee.heap.pointee.allocate(bytes)
        memory.pointee.retire(block, bytes: bytes)
    }

    @Test func `frees what no live snapshot can see, in slices`() {
        let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
        memory.initialize(to: Memory())
        let first = memory.pointee.epochs.begin().epoch
        for _ in 0..<3000 { plain(memory, 20) }
        let second = memory.pointee.epochs.begin().epoch
        for _ in 0..<10 { plain(memory, 200) }
        #expect(memory.pointee.graveyard.retainedBytes == 3000 * 32 + 10 * 224)
        #expect(!memory.pointee.reclaim(budget: 100) { _, _ in })
        #expect(memory.pointee.graveyard.count == 3010)
        memory.pointee.epochs.end(first)
        #expect(memory.pointee.reclaim(budget: 100) { _, _ in })
        #expect(memory.pointee.graveyard.count == 2910)
        #expect(!memory.pointee.reclaim(budget: 10_000) { _, _ in })
        #expect(memory.pointee.graveyard.count == 10)
        memory.pointee.epochs.end(second)
        #expect(!memory.pointee.reclaim(budget: 11) { _, _ in })
        #expect(memory.pointee.graveyard.count == 0)
        #expect(memory.pointee.graveyard.retainedBytes == 0)
        #expect(memory.pointee.heap.pointee.allocatedBytes == 0)
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    @Test func `knows the oldest and the newest snapshot, ended in any order`() {
        var epochs = Epochs()
        let (a, b, c) = (epochs.begin().epoch, epochs.begin().epoch, epochs.begin().epoch)
        #expect((epochs.oldestLive, epochs.newestLive) == (a, c))
        epochs.end(b)
        #expect((epochs.oldestLive, epochs.newestLive) == (a, c))
        epochs.end(c)
        #expect((epochs.oldestLive, epochs.newestLive) == (a, a))
        epochs.end(a)
        #expect((epochs.oldestLive, epochs.newestLive) == (.max, 0))
    }

    @Test func `takes a walk for past when it is past the end`() {
        var epochs = Epochs()
        let (epoch, progress) = epochs.begin()
        #expect(epochs.hasPassed(ordinal: 3, end: 1 << 60) == false)
        progress.pointee.publish(WalkProgress.position(ordinal: 3, start: 1 << 60))
        #expect(epochs.hasPassed(ordinal: 3, end: 1 << 60) == true)
        #expect(epochs.hasPassed(ordinal: 2, end: 0) == true)
        #expect(epochs.hasPassed(ordinal: 3, end: 1 << 61) == false)
        #expect(epochs.hasPassed(ordinal: 3, end: 0) == false)
        progress.pointee.publish(WalkProgress.position(ordinal: 3, end: 0))
        #expect(epochs.hasPassed(ordinal: 3, end: 0) == true)
        #expect(epochs.hasPassed(ordinal: 4, end: 1 << 16) == false)
        epochs.end(epoch)
    }
}
