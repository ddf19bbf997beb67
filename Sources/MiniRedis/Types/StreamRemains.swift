// SPDX-License-Identifier: BSD-3-Clause
//
// What is left of a stream or of a group that was deleted, to be freed in slices.

/// Trees without an owner, with what their records own.
///
/// Ownership: it owns blocks and nodes, and must be freed to the end exactly once; a copy that is
/// used after another one was is an error that nothing detects.
struct StreamRemains {
    private let memory: UnsafeMutablePointer<Memory>
    private var root: UnsafeMutableRawPointer?
    private var chunks = DetachedTree<StreamChunkRecord>(TreeHead())
    private var groups = DetachedTree<StreamGroupView>(TreeHead())
    private var consumers: [DetachedTree<StreamConsumerView>] = []
    private var pending: [DetachedTree<StreamPendingView>] = []
    private var own: [DetachedTree<StreamOwnRecord>] = []
    private var names: [StreamName] = []

    /// A whole stream.
    init(root: UnsafeMutableRawPointer, memory: UnsafeMutablePointer<Memory>) {
        self.init(memory: memory)
        self.root = root
        chunks = DetachedTree(StreamView(root).chunks.head)
        groups = DetachedTree(StreamView(root).groups.head)
    }

    /// Nothing yet.
    init(memory: UnsafeMutablePointer<Memory>) {
        self.memory = memory
    }

    /// Records that are left; those of groups and consumers count when these are taken apart.
    var count: Int {
        chunks.count + groups.count + consumers.reduce(0) { $0 + $1.count }
            + pending.reduce(0) { $0 + $1.count } + own.reduce(0) { $0 + $1.count }
    }

    /// Takes over what a group owns, whose record goes.
    mutating func take(group record: UnsafeRawPointer) {
        let group = StreamGroupView(record)
        pending.append(DetachedTree(group.pending.head))
        consumers.append(DetachedTree(group.consumers.head))
        names.append(StreamName(of: record))
    }

    /// Frees about `budget` blocks; true when nothing is left.
    mutating func free(atMost budget: Int) -> Bool {
        var rest = budget
        while rest > 0 {
            if let name = names.popLast() {
                name.discard(memory)
                rest -= 1
            } else if let tree = own.popLast() {
                if let left = slice(tree, &rest, { _ in }) { own.append(left) }
            } else if let tree = pending.popLast() {
                if let left = slice(tree, &rest, { _ in }) { pending.append(left) }
            } else if let tree = consumers.popLast() {
                freeConsumers(tree, &rest)
            } else if !groups.isEmpty {
                takeGroup()
            } else if !chunks.isEmpty {
                freeChunks(&rest)
            } else {
                if let root { memory.pointee.discard(root, bytes: StreamEditor.rootBytes) }
                root = nil
                return true
            }
        }
        return false
    }

    /// Frees up to `rest` records of a tree; what is left of it, or nil.
    private func slice<Layout: TreeLayout>(
        _ tree: DetachedTree<Layout>, _ rest: inout Int, _ release: (UnsafeRawPointer) -> Void
    ) -> DetachedTree<Layout>? {
        var tree = tree
        let before = tree.count
        let isDone = tree.free(atMost: rest, memory: memory, release)
        rest -= before - tree.count + 1
        return isDone ? nil : tree
    }

    private mutating func freeConsumers(
        _ tree: DetachedTree<StreamConsumerView>, _ rest: inout Int
    ) {
        var found: [DetachedTree<StreamOwnRecord>] = []
        let left = slice(tree, &rest) { record in
            let own = StreamConsumerView(record).own
            if !own.isEmpty { found.append(DetachedTree(own.head)) }
            StreamName(of: record).discard(memory)
        }
        if let left { consumers.append(left) }
        own += found
    }

    private mutating func takeGroup() {
        var tree = groups
        var taken = StreamRemains(memory: memory)
        _ = tree.free(atMost: 1, memory: memory) { taken.take(group: $0) }
        groups = tree
        pending += taken.pending
        consumers += taken.consumers
        names += taken.names
    }

    private mutating func freeChunks(_ rest: inout Int) {
        let left = slice(chunks, &rest) { record in
            let chunk = StreamChunkRecord(record).chunk
            memory.pointee.discard(
                UnsafeMutableRawPointer(mutating: chunk.base), bytes: chunk.capacity)
        }
        chunks = left ?? DetachedTree(TreeHead())
    }
}
