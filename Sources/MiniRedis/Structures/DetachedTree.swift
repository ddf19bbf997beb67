// SPDX-License-Identifier: BSD-3-Clause
//
// The nodes of a `CountedTree` after `detach`, to be freed a slice at a time.
//
// A snapshot may still read them, so the walk writes nothing into them: it keeps its way in a
// cursor, calls for each record, and gives up every node behind it.

/// Nodes without a tree. They belong to whoever has the value, which must be freed to the end
/// exactly once: a copy that is used after another one was is an error that nothing detects.
struct DetachedTree<Layout: TreeLayout> {
    private typealias Node = CountedTree<Layout>.Node

    /// The next record to go.
    private var cursor: CountedTree<Layout>.Cursor
    /// The records that are left.
    private(set) var count: Int

    init(_ head: TreeHead) {
        cursor = TreeView<Layout>(head).first()
        count = head.recordCount
    }

    var isEmpty: Bool { cursor.leafAddress == 0 }

    /// Takes up to `budget` records off, in order; `release` is called with each before its node
    /// goes. Nodes go back into the heap that they came from, or to the graveyard while a snapshot
    /// sees them. True when nothing is left.
    @inline(__always)
    mutating func free(
        atMost budget: Int, memory: UnsafeMutablePointer<Memory>,
        _ release: (UnsafeRawPointer) -> Void
    ) -> Bool {
        var rest = budget
        while !isEmpty {
            let leaf = cursor.leaf
            while cursor.index < leaf.count {
                if rest <= 0 { return false }
                release(cursor.record)
                cursor.index += 1
                count -= 1
                rest -= 1
            }
            leaveLeaf(memory)
        }
        return true
    }

    /// Gives up the leaf at the cursor and every node above it that has no child left, and goes to
    /// the next leaf.
    @inline(never)
    private mutating func leaveLeaf(_ memory: UnsafeMutablePointer<Memory>) {
        discard(cursor.leaf.node, memory)
        var depth = cursor.height
        while depth > 0 {
            depth -= 1
            let inner = cursor.inner(depth)
            if cursor.steps[depth].index + 1 < inner.count {
                cursor.steps[depth].index += 1
                cursor.descendToFirst(below: depth)
                return
            }
            discard(inner.node, memory)
        }
        cursor.leafAddress = 0
    }

    private func discard(_ node: Node, _ memory: UnsafeMutablePointer<Memory>) {
        memory.pointee.discard(node.base, bytes: node.allocatedBytes)
    }
}
