// SPDX-License-Identifier: BSD-3-Clause
//
// The backlog against a model: the whole stream as an array, and a set of readers.

import Testing

@testable import MiniRedis

private final class HeapBox {
    let heap = UnsafeMutablePointer<Heap>.allocate(capacity: 1)
    init() { heap.initialize(to: Heap()) }
    deinit {
        heap.deinitialize(count: 1)
        heap.deallocate()
    }
}

private func append(_ bytes: [UInt8], to backlog: inout ReplicationBacklog) {
    withExactBytes(bytes) { backlog.append($0) }
}

@Suite struct `The replication backlog` {
    private let box = HeapBox()

    private func take(
        _ backlog: inout ReplicationBacklog, _ reader: BacklogReader, atMost most: Int = .max
    ) -> [UInt8]? {
        guard let run = backlog.takeRun(reader, atMost: most) else { return nil }
        let bytes = ByteView(run.base, count: run.count).array
        ReferencedBlock(run.owner).release(box.heap)
        return bytes
    }

    @Test func `numbers bytes as Redis does`() {
        var backlog = ReplicationBacklog(after: 0, size: 10, limit: 10, heap: box.heap)
        expectEqual(backlog.range, BacklogRange(first: 1, end: 1))
        append(Array("hello".utf8), to: &backlog)
        expectEqual(backlog.range, BacklogRange(first: 1, end: 6))
        append(Array(" world".utf8), to: &backlog)
        expectEqual(backlog.range, BacklogRange(first: 2, end: 12))
        expectEqual(backlog.count, 10)
        let reader = backlog.addReader(at: 2)
        expectEqual(take(&backlog, reader, atMost: 4), Array("ello".utf8))
        expectEqual(backlog.unread(by: reader), 6)
        expectEqual(take(&backlog, reader), Array(" world".utf8))
        expectEqual(take(&backlog, reader), nil)
        expectEqual(backlog.memoryBytes > 0, true)
    }

    @Test func `grows for a reader up to its limit and then breaks it`() {
        var backlog = ReplicationBacklog(after: 100, size: 1000, limit: 300_000, heap: box.heap)
        let slow = backlog.addReader(at: 101)
        let chunk = [UInt8](repeating: 7, count: 100_000)
        for _ in 0..<3 { append(chunk, to: &backlog) }
        expectEqual(backlog.first, 101)
        expectEqual(backlog.takeBroken(), nil)
        let fast = backlog.addReader(at: backlog.end)
        append([1], to: &backlog)
        expectEqual(backlog.takeBroken(), slow)
        expectEqual(backlog.takeBroken(), nil)
        expectEqual(backlog.takeRun(slow)?.count, nil)
        expectEqual(backlog.position(of: slow), nil)
        expectEqual(backlog.unread(by: fast), 1)
        expectEqual(backlog.count, 1000)
        backlog.removeReader(slow)
        expectEqual(backlog.hasReaders, true)
        expectEqual(take(&backlog, fast), [1])
        backlog.removeReader(fast)
        expectEqual(backlog.hasReaders, false)
    }

    @Test func `sent bytes outlive the chain`() {
        var runs: [BacklogRun] = []
        do {
            var backlog = ReplicationBacklog(after: 0, size: 1, limit: 1 << 20, heap: box.heap)
            let reader = backlog.addReader(at: 1)
            append([UInt8](repeating: 1, count: 100_000), to: &backlog)
            append([UInt8](repeating: 2, count: 50_000), to: &backlog)
            while let run = backlog.takeRun(reader) { runs.append(run) }
            backlog.removeReader(reader)
            append([UInt8](repeating: 3, count: 200_000), to: &backlog)
        }
        let bytes = runs.flatMap { ByteView($0.base, count: $0.count).array }
        #expect(bytes == Array(repeating: 1, count: 100_000) + Array(repeating: 2, count: 50_000))
        for run in runs { ReferencedBlock(run.owner).release(box.heap) }
        #expect(box.heap.pointee.allocatedBytes == 0)
        #expect(box.heap.pointee.idleBlockBytes == 0)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `does what the model does`(seed: UInt64) {
        var random = RandomSource(seed: seed)
        let start = Int64(random.below(1 << 40))
        var size = 1 + Int(random.below(300_000))
        var limit = size + Int(random.below(600_000))
        do {
            var backlog = ReplicationBacklog(
                after: start, size: size, limit: limit, heap: box.heap)
            var stream: [UInt8] = []
            var readers: [(reader: BacklogReader, position: Int)] = []
            var first = 0
            for _ in 0..<600 {
                var isTrimmed = true
                switch random.below(10) {
                case 0...4:
                    let count = Int(random.below(random.below(10) == 0 ? 200_000 : 3000))
                    let byte = UInt8(truncatingIfNeeded: random.next())
                    append([UInt8](repeating: byte, count: count), to: &backlog)
                    stream += [UInt8](repeating: byte, count: count)
                case 5 where readers.count < 5:
                    isTrimmed = false
                    let room = UInt64(backlog.end - backlog.first) + 1
                    let position = backlog.first + Int64(random.below(room))
                    readers.append(
                        (backlog.addReader(at: position), Int(position - start - 1)))
                case 6 where !readers.isEmpty && random.below(4) == 0:
                    let at = Int(random.below(UInt64(readers.count)))
                    backlog.removeReader(readers.remove(at: at).reader)
                case 7 where random.below(10) == 0:
                    size = 1 + Int(random.below(300_000))
                    limit = size + Int(random.below(600_000))
                    backlog.resize(size: size, limit: limit)
                default:
                    isTrimmed = false
                    guard !readers.isEmpty else { continue }
                    let at = Int(random.below(UInt64(readers.count)))
                    let most = 1 + Int(random.below(100_000))
                    guard let bytes = take(&backlog, readers[at].reader, atMost: most) else {
                        continue
                    }
                    let from = readers[at].position
                    #expect(bytes.elementsEqual(stream[from..<from + bytes.count]))
                    readers[at].position += bytes.count
                }
                while let broken = backlog.takeBroken() {
                    let at = readers.firstIndex { $0.reader == broken }
                    guard let at else {
                        Issue.record("a reader that nobody has was broken")
                        break
                    }
                    #expect(stream.count - readers[at].position > limit)
                    readers.remove(at: at)
                }
                expectEqual(backlog.end, start + 1 + Int64(stream.count))
                if isTrimmed {
                    // The last bytes, what readers want, and nothing that was gone before.
                    let oldest = readers.map(\.position).min() ?? stream.count
                    first = max(first, min(oldest, stream.count - size))
                }
                expectEqual(backlog.first, start + 1 + Int64(first))
                #if INVARIANTS
                    expectEqual(backlog.checkInvariants(), true)
                #endif
            }
        }
        #expect(box.heap.pointee.allocatedBytes == 0)
    }
}
