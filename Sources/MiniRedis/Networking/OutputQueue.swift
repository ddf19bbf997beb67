// SPDX-License-Identifier: BSD-3-Clause
//
// What a connection still has to send, in order, as pieces.
//
// Three kinds of memory leave through one queue without changing their order:
//
//     shared      a slice of the loop's reply buffer, by offset; only until the end of the turn
//     owned       a malloc'd chunk, freed when it was sent
//     referenced  somebody else's bytes (a large value), given back through a closure
//
//     | owned 40 KiB | referenced 1 MiB | shared 120..180 | referenced 1 MiB | shared 180..200 |
//       ^ partly sent                     `settle()` copies what is shared into owned chunks
//
// Most connections never have a queue: their one slice is written from the shared buffer at the
// end of the turn and the kernel takes all of it. A queue appears with a reference, with a slice
// that another connection's output cut in two, or with a socket that is full. When it is empty
// it owns no memory.
//
// Hard case: settling. A subscriber that cannot keep up gets thousands of small slices; each goes
// to the end of the last owned chunk if there is room, so that the queue stays short. Such a chunk
// may be on its way into the kernel: appending writes behind the bytes in flight and moves nothing.
//
// Limits: pieces are counted in bytes only; who bounds the bytes is `Connection`.

import CUVShim
import Glibc

/// A run of bytes to be sent.
struct OutputPiece {
    enum Kind: UInt8 {
        case shared, owned, referenced
    }

    /// The memory that `start` and `end` are relative to; nil for the shared buffer.
    var base: UnsafeMutableRawPointer?
    /// The first byte that was not sent.
    var start: Int
    /// The end of the bytes.
    var end: Int
    /// The size of an owned chunk.
    var capacity = 0
    /// Whom to give a referenced piece back to.
    var owner: UnsafeMutableRawPointer?
    var kind: Kind
}

/// The pieces of one connection.
///
/// Ownership: it owns its array and every owned chunk; `removeAll` must be called before it dies,
/// because only the caller can give references back.
struct OutputQueue: ~Copyable {
    private var pieces: UnsafeMutablePointer<OutputPiece>?
    private var head = 0
    private var tail = 0
    private var capacity = 0
    /// The bytes that were not sent, of all pieces.
    private(set) var byteCount = 0
    /// How many of them are in the shared buffer.
    private(set) var sharedByteCount = 0

    /// The least that is allocated for bytes the socket did not take.
    static let smallestChunkBytes = 16 << 10
    /// A shared piece of this size takes the buffer with it instead of being copied, if it can.
    static let detachedBytes = 1 << 20
    private static let initialCapacity = 8

    @inline(__always)
    var isEmpty: Bool { head == tail }

    /// How many pieces wait.
    var pieceCount: Int { tail - head }

    /// Appends a slice of the shared buffer, which lives until the end of the turn.
    mutating func appendShared(from start: Int, to end: Int) {
        assert(start < end)
        sharedByteCount += end - start
        append(OutputPiece(base: nil, start: start, end: end, kind: .shared))
    }

    /// Appends a malloc'd chunk, which the queue frees.
    mutating func appendOwned(_ base: UnsafeMutableRawPointer, from start: Int, to end: Int) {
        append(OutputPiece(base: base, start: start, end: end, capacity: end, kind: .owned))
    }

    /// Appends bytes that belong to `owner`.
    mutating func appendReference(
        _ base: UnsafeMutableRawPointer, count: Int, owner: UnsafeMutableRawPointer
    ) {
        append(OutputPiece(base: base, start: 0, end: count, owner: owner, kind: .referenced))
    }

    /// Describes the first bytes to the kernel.
    ///
    /// Shared pieces are described whole, because they are what must leave this turn; other pieces
    /// only as long as the total is within `budget`.
    ///
    /// - Returns: how many vectors were filled, and their total length.
    func gather(
        into vectors: UnsafeMutableBufferPointer<uv_buf_t>, shared: UnsafeMutableRawPointer,
        budget: Int
    ) -> (vectors: Int, bytes: Int) {
        guard let pieces else { return (0, 0) }
        var used = 0
        var total = 0
        var index = head
        while index < tail, used < vectors.count, total < budget {
            let piece = pieces[index]
            var length = piece.end - piece.start
            if piece.kind != .shared { length = min(length, budget - total) }
            let first = (piece.base ?? shared) + piece.start
            vectors[used] = uv_buf_t(base: first.assumingMemoryBound(to: CChar.self), len: length)
            used += 1
            total += length
            index += 1
        }
        return (used, total)
    }

    /// Forgets the first `sent` bytes; frees chunks and gives references back that are done.
    mutating func consume(_ sent: Int, release: (UnsafeMutableRawPointer) -> Void) {
        guard let pieces else { return }
        assert(sent <= byteCount)
        byteCount -= sent
        var rest = sent
        while head < tail {
            let length = pieces[head].end - pieces[head].start
            let taken = min(rest, length)
            if pieces[head].kind == .shared { sharedByteCount -= taken }
            pieces[head].start += taken
            rest -= taken
            guard taken == length else { return }
            dispose(pieces[head], release: release)
            head += 1
        }
        freeArray()
    }

    /// Frees and gives back everything.
    mutating func removeAll(release: (UnsafeMutableRawPointer) -> Void) {
        if let pieces {
            for index in head..<tail { dispose(pieces[index], release: release) }
        }
        byteCount = 0
        sharedByteCount = 0
        freeArray()
    }

    /// Takes what is in the shared buffer into memory of its own, so that the turn may end.
    mutating func settle(shared: UnsafeMutableRawPointer) {
        guard sharedByteCount > 0, let pieces else { return }
        var kept = head
        for index in head..<tail {
            var piece = pieces[index]
            if piece.kind == .shared {
                let length = piece.end - piece.start
                sharedByteCount -= length
                if kept > head, extend(&pieces[kept - 1], with: shared + piece.start, length) {
                    continue
                }
                // One chunk for this piece and the small ones that follow it.
                let size = max(length + sharedByteCount, OutputQueue.smallestChunkBytes)
                let chunk = OutputQueue.allocate(size)
                memcpy(chunk, shared + piece.start, length)
                piece = OutputPiece(
                    base: chunk, start: 0, end: length, capacity: size, kind: .owned)
            }
            pieces[kept] = piece
            kept += 1
        }
        tail = kept
    }

    /// Turns the last piece, which must be the only shared one, into an owned one over the memory
    /// of the shared buffer, which the caller has detached.
    mutating func adoptLastShared(_ detached: UnsafeMutableRawPointer, capacity: Int) {
        guard let pieces, !isEmpty else { return }
        assert(pieces[tail - 1].kind == .shared)
        assert(pieces[tail - 1].end - pieces[tail - 1].start == sharedByteCount)
        sharedByteCount = 0
        pieces[tail - 1].base = detached
        pieces[tail - 1].capacity = capacity
        pieces[tail - 1].kind = .owned
    }

    /// Whether the last piece is a shared one, all that is shared, and large.
    var canAdoptLastShared: Bool {
        guard sharedByteCount >= OutputQueue.detachedBytes, let pieces else { return false }
        let last = pieces[tail - 1]
        return last.kind == .shared && last.end - last.start == sharedByteCount
    }

    private func extend(
        _ piece: inout OutputPiece, with bytes: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        guard piece.kind == .owned, let base = piece.base else { return false }
        guard piece.capacity - piece.end >= count else { return false }
        memcpy(base + piece.end, bytes, count)
        piece.end += count
        return true
    }

    private mutating func append(_ piece: OutputPiece) {
        byteCount += piece.end - piece.start
        reserveOne()[tail] = piece
        tail += 1
    }

    private mutating func reserveOne() -> UnsafeMutablePointer<OutputPiece> {
        if let pieces, tail < capacity { return pieces }
        let used = tail - head
        // Half of the array is in front of the head: moving forward is enough.
        if let pieces, used <= capacity / 2 {
            pieces.update(from: pieces + head, count: used)
            head = 0
            tail = used
            return pieces
        }
        let enlarged = max(OutputQueue.initialCapacity, capacity * 2)
        let moved = UnsafeMutablePointer<OutputPiece>.allocate(capacity: enlarged)
        if let pieces {
            moved.update(from: pieces + head, count: used)
            pieces.deallocate()
        }
        pieces = moved
        head = 0
        tail = used
        capacity = enlarged
        return moved
    }

    private mutating func freeArray() {
        pieces?.deallocate()
        pieces = nil
        head = 0
        tail = 0
        capacity = 0
    }

    private func dispose(_ piece: OutputPiece, release: (UnsafeMutableRawPointer) -> Void) {
        switch piece.kind {
        case .shared: break
        case .owned: free(piece.base)
        case .referenced: if let owner = piece.owner { release(owner) }
        }
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard let memory = malloc(size) else { preconditionFailure("out of memory") }
        return memory
    }
}
