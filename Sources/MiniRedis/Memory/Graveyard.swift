// SPDX-License-Identifier: BSD-3-Clause
//
// The graveyard: nodes that were replaced while a snapshot could see them.
//
//     head                                                     tail
//      |  [epoch 7][epoch 7][epoch 9] ... -> [chunk] -> [chunk]  |
//      freed first, once no live snapshot has epoch <= 7         retired last
//
// A node retired in epoch c may be seen by any live snapshot of an epoch up to c, so it waits until
// the oldest live one is younger. Epochs only grow, hence the queue is in the order in which nodes
// may be freed and looking at its head is enough. Chunks are linked rather than grown: retiring
// never copies what is already waiting. Freeing takes a budget of nodes a call, so that the end of
// a long snapshot is not a pause.
//
// Limits: 32 bytes for each waiting node; a node that only an already ended, younger snapshot could
// see waits for the older ones all the same.

/// A first-in, first-out queue of retired nodes.
struct Graveyard: ~Copyable {
    /// A node that waits: its block, and what kind of node the owner says it is.
    struct Node {
        var block: UnsafeMutableRawPointer
        var bytes: Int
        var epoch: UInt64
        /// Meaning is the owner's; 0 is a plain block.
        var kind: UInt64
    }

    private struct Chunk {
        static let capacity = 1023
        var next: UnsafeMutablePointer<Chunk>?
        var start = 0
        var end = 0
        var nodes: UnsafeMutablePointer<Node>
    }

    private var head: UnsafeMutablePointer<Chunk>?
    private var tail: UnsafeMutablePointer<Chunk>?
    /// Bytes that wait, as the allocator rounds them: what live snapshots retain.
    private(set) var retainedBytes = 0
    private(set) var count = 0

    /// Adds a node; the graveyard owns it from now on.
    mutating func append(_ node: Node) {
        if tail == nil || tail?.pointee.end == Chunk.capacity {
            let chunk = UnsafeMutablePointer<Chunk>.allocate(capacity: 1)
            let nodes = UnsafeMutablePointer<Node>.allocate(capacity: Chunk.capacity)
            chunk.initialize(to: Chunk(next: nil, nodes: nodes))
            if let last = tail { last.pointee.next = chunk } else { head = chunk }
            tail = chunk
        }
        guard let last = tail else { return }
        last.pointee.nodes[last.pointee.end] = node
        last.pointee.end += 1
        count += 1
        retainedBytes += Heap.sizeClass(node.bytes)
    }

    /// Whether `popFirst` would take a node.
    func hasFree(before oldestLive: UInt64) -> Bool {
        guard let chunk = head, chunk.pointee.start < chunk.pointee.end else { return false }
        return chunk.pointee.nodes[chunk.pointee.start].epoch < oldestLive
    }

    /// Takes the oldest node if no snapshot of an epoch from `oldestLive` on could see it; the
    /// caller frees it.
    mutating func popFirst(before oldestLive: UInt64) -> Node? {
        guard let chunk = head, chunk.pointee.start < chunk.pointee.end else { return nil }
        let node = chunk.pointee.nodes[chunk.pointee.start]
        guard node.epoch < oldestLive else { return nil }
        chunk.pointee.start += 1
        count -= 1
        retainedBytes -= Heap.sizeClass(node.bytes)
        if chunk.pointee.start == chunk.pointee.end { removeHead(chunk) }
        return node
    }

    private mutating func removeHead(_ chunk: UnsafeMutablePointer<Chunk>) {
        head = chunk.pointee.next
        if head == nil { tail = nil }
        chunk.pointee.nodes.deallocate()
        chunk.deallocate()
    }
}
