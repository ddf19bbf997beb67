// SPDX-License-Identifier: BSD-3-Clause
//
// ReplicationBacklog: the last bytes of the command stream, once for everybody.
//
// Every replica gets the same bytes, at its own pace. So they are kept once, in a chain of blocks,
// and a replica is a position in it. What is sent to a socket is a reference to a block, not a
// copy; a block is freed when it has left the chain and the last socket has sent its part of it.
//
//     numbers     base          first         reader a        reader b     end
//                  |              |              |               |          |
//     blocks      [. . . . . . . . x x x][x x x x x x x x x x x][x x x x x x . . . .]
//                  kept, not offered                                          room
//
// The layout. All blocks have the same capacity and all but the last are full, so the block of a
// byte follows from its number by a division: there is nothing to search. Bytes have the numbers
// that Redis gives them, from 1 on: `first` is `repl_backlog_first_byte_offset`, `end` is the
// master's offset plus one.
//
// The rule. Without readers the chain keeps exactly the last `size` bytes. A reader, which is a
// replica that receives the stream or one that waits for its snapshot, holds everything from its
// position on, so that a full resync of any length finds its stream whole, and the next replica may
// use it too. What all of them together can hold is bounded by `limit`: an append that would pass
// it breaks the readers that would need more. A broken reader has lost bytes; its owner is told
// (`takeBroken`) and closes the replica.
//
// The hard cases.
//  - An append larger than `limit` keeps its last `limit` bytes: numbers never jump.
//  - The last block is appended to while sockets refer to its beginning. That is allowed: written
//    bytes never change, and a run names its own count.
//  - A reader is broken for its own distance from the end only, never for that of another one.
//
// Invariants: base <= first <= end; end - base is at most the blocks' capacity and more than that
// of all but the last; first is in the first block; no reader that is
// not broken stands before `first` or behind `end`; every block has a reference of the chain.
//
// Limits: one thread. A position is 63 bits. The chain allocates whole blocks: the smallest
// backlog takes one as soon as it has a byte.

/// A replica's position in the stream. Valid until it is removed.
struct BacklogReader: Equatable, Hashable, Sendable {
    fileprivate let slot: Int
    /// Distinguishes it from later readers in the same slot.
    fileprivate let serial: UInt64
}

/// Contiguous bytes of the stream with a reference to the block that keeps them: what
/// `Connection.appendReference` takes. Whoever has it gives up the reference, once.
struct BacklogRun {
    let base: UnsafeMutableRawPointer
    let count: Int
    /// The address of a `ReferencedBlock`.
    let owner: UnsafeMutableRawPointer
}

/// The tail of the command stream, and who reads it.
///
/// Ownership: it owns its blocks' references and uses `heap`, which outlives it.
struct ReplicationBacklog: ~Copyable {
    /// A block with its header is 64 KiB, which is one of the allocator's sizes.
    static let allocatedBytes = 64 << 10
    /// Bytes of the stream in a block.
    static let blockBytes = allocatedBytes - ReferencedBlock.headerBytes

    private struct Slot {
        var position: Int64
        var serial: UInt64
        var isUsed: Bool
        var isBroken: Bool
    }

    private let heap: UnsafeMutablePointer<Heap>
    /// The blocks' addresses, the unused ones in front of `head`.
    private var blocks: ContiguousArray<UnsafeMutableRawPointer> = []
    private var head = 0
    /// The number of the first byte in the first block.
    private var base: Int64
    /// The first byte that is offered.
    private(set) var first: Int64
    /// The number that the next byte will have.
    private(set) var end: Int64
    private var slots: ContiguousArray<Slot> = []
    private var lastSerial: UInt64 = 0
    /// Readers that were broken and not yet taken by `takeBroken`.
    private var brokenCount = 0

    /// Bytes that are kept without a reader (`repl-backlog-size`).
    private(set) var size: Int
    /// Bytes that are kept at most, readers or not; at least `size`.
    private(set) var limit: Int

    /// An empty backlog of a stream whose last byte so far was number `offset`.
    init(after offset: Int64, size: Int, limit: Int, heap: UnsafeMutablePointer<Heap>) {
        self.heap = heap
        self.size = max(1, size)
        self.limit = max(self.size, limit)
        base = offset + 1
        first = base
        end = base
    }

    deinit {
        for index in head..<blocks.count { ReferencedBlock(blocks[index]).release(heap) }
    }

    var range: BacklogRange { BacklogRange(first: first, end: end) }

    /// Bytes that can be sent (`repl_backlog_histlen`).
    var count: Int { Int(end - first) }

    /// Bytes of memory that the chain takes, blocks that only sockets refer to not included
    /// (`mem_total_replication_buffers`).
    var memoryBytes: Int { (blocks.count - head) * Self.allocatedBytes + blocks.capacity * 8 }

    /// The part of `memoryBytes` that is there without any reader (`mem_replication_backlog`); the
    /// rest is the replicas' (`mem_clients_slaves`).
    var ownMemoryBytes: Int { min(memoryBytes, max(size, Self.allocatedBytes)) }

    /// Changes what is kept, at once.
    mutating func resize(size: Int, limit: Int) {
        self.size = max(1, size)
        self.limit = max(self.size, limit)
        trim()
    }

    // MARK: - Writing

    /// Adds bytes to the stream. Afterwards `takeBroken` may have something to tell.
    mutating func append(_ bytes: ByteView) {
        var rest = bytes
        while !rest.isEmpty {
            let used = Int((end - base) % Int64(Self.blockBytes))
            if used == 0 { blocks.append(newBlock()) }
            let part = min(rest.count, Self.blockBytes - used)
            ReferencedBlock(blocks[blocks.count - 1]).append(rest.prefix(part))
            end += Int64(part)
            rest = rest.suffix(from: part)
            // Within the loop, so that a huge append never holds more than the limit and a block.
            trim()
        }
    }

    private func newBlock() -> UnsafeMutableRawPointer {
        ReferencedBlock(capacity: Self.blockBytes, heap: heap).address
    }

    /// Moves `first` up to where the rule wants it, and frees the blocks before it.
    private mutating func trim() {
        let wanted = end - Int64(size)
        guard wanted > first else { return }
        breakReaders(before: end - Int64(limit))
        let start = min(wanted, oldestPosition())
        guard start > first else { return }
        first = start
        while first - base >= Int64(Self.blockBytes) {
            ReferencedBlock(blocks[head]).release(heap)
            head += 1
            base += Int64(Self.blockBytes)
        }
        compact()
    }

    /// Closes the gap in front of the addresses when it is the larger part.
    private mutating func compact() {
        guard head > 16, head > blocks.count / 2 else { return }
        blocks.removeSubrange(..<head)
        head = 0
    }

    // MARK: - Reading

    /// A reader whose next byte is number `position`, which must be in the range (or its end).
    mutating func addReader(at position: Int64) -> BacklogReader {
        precondition(position >= first && position <= end, "a byte that is not in the backlog")
        lastSerial += 1
        let slot = Slot(position: position, serial: lastSerial, isUsed: true, isBroken: false)
        let index = slots.firstIndex { !$0.isUsed } ?? slots.count
        if index == slots.count { slots.append(slot) } else { slots[index] = slot }
        return BacklogReader(slot: index, serial: lastSerial)
    }

    /// Ends a reader, broken or not; what only it held is freed.
    mutating func removeReader(_ reader: BacklogReader) {
        guard isValid(reader) else { return }
        if slots[reader.slot].isBroken { brokenCount -= 1 }
        slots[reader.slot].isUsed = false
        trim()
    }

    /// The number of the byte that the reader will take next; nil if the reader was broken or
    /// removed.
    func position(of reader: BacklogReader) -> Int64? {
        guard isValid(reader), !slots[reader.slot].isBroken else { return nil }
        return slots[reader.slot].position
    }

    /// Bytes that the reader has not taken; zero for a broken one.
    func unread(by reader: BacklogReader) -> Int {
        position(of: reader).map { Int(end - $0) } ?? 0
    }

    /// The next contiguous bytes for a reader, at most `most`, and moves it behind them; nil if
    /// there are none. The caller owns the reference in the run.
    mutating func takeRun(_ reader: BacklogReader, atMost most: Int = .max) -> BacklogRun? {
        guard let position = position(of: reader), position < end, most > 0 else { return nil }
        let distance = Int(position - base)
        let block = ReferencedBlock(blocks[head + distance / Self.blockBytes])
        let start = distance % Self.blockBytes
        let count = min(block.count - start, most)
        block.retain()
        slots[reader.slot].position += Int64(count)
        return BacklogRun(base: block.bytes + start, count: count, owner: block.address)
    }

    /// A reader that has lost bytes because the limit was met; nil if there is none (any more). It
    /// is removed with this call.
    mutating func takeBroken() -> BacklogReader? {
        guard brokenCount > 0 else { return nil }
        guard let index = slots.firstIndex(where: { $0.isUsed && $0.isBroken }) else { return nil }
        let reader = BacklogReader(slot: index, serial: slots[index].serial)
        slots[index].isUsed = false
        brokenCount -= 1
        return reader
    }

    /// Whether there are readers that are not broken.
    var hasReaders: Bool { slots.contains { $0.isUsed && !$0.isBroken } }

    private func isValid(_ reader: BacklogReader) -> Bool {
        reader.slot < slots.count && slots[reader.slot].isUsed
            && slots[reader.slot].serial == reader.serial
    }

    private func oldestPosition() -> Int64 {
        var oldest = end
        for slot in slots where slot.isUsed && !slot.isBroken {
            oldest = min(oldest, slot.position)
        }
        return oldest
    }

    private mutating func breakReaders(before position: Int64) {
        for index in slots.indices where slots[index].isUsed && !slots[index].isBroken {
            guard slots[index].position < position else { continue }
            slots[index].isBroken = true
            brokenCount += 1
        }
    }

    // MARK: - Checking

    #if INVARIANTS
        /// The header's invariants, for tests.
        func checkInvariants() -> Bool {
            let kept = blocks.count - head
            let bytes = Int(end - base)
            guard base <= first, first <= end, first - base < Int64(Self.blockBytes) else {
                return false
            }
            guard bytes <= kept * Self.blockBytes else { return false }
            guard kept == 0 || bytes > (kept - 1) * Self.blockBytes else { return false }
            var held = 0
            for index in head..<blocks.count { held += ReferencedBlock(blocks[index]).count }
            guard held == bytes, count <= limit else { return false }
            let live = slots.filter { $0.isUsed && !$0.isBroken }
            return live.allSatisfy { $0.position >= first && $0.position <= end }
                && brokenCount == slots.filter { $0.isUsed && $0.isBroken }.count
        }
    #endif
}
