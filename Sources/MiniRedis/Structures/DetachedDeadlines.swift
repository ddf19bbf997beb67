// SPDX-License-Identifier: BSD-3-Clause
//
// The nodes of a `DeadlineIndex` after `detach`, to be freed a slice at a time.
//
//     current:  [ inner, level 1 ]--> parent: [ inner, level 2 ]--> parent: [ root ]--> 0
//                 children: 3 left              children: 17 left             children: 1 left
//
// The walk takes the last child of the current node off, again and again: a leaf is freed, an inner
// node becomes the current one. When nothing is left in it, it is freed in its turn and the walk
// goes back to its parent, whose address it keeps in the place of its first separator, which nobody
// needs any more. So the whole state is one pointer and nothing is allocated to free memory.

/// Nodes without an index. They belong to whoever has the value, which must be freed to the end
/// exactly once: a copy that is used after another one was is an error that nothing detects.
struct DetachedDeadlines {
    private typealias Node = DeadlineIndex.Node
    private typealias Inner = DeadlineIndex.Inner

    private var current: DeadlineIndex.Node?

    init(root: DeadlineIndex.Node?) {
        current = nil
        if let root { enter(root, from: nil) }
    }

    var isEmpty: Bool { current == nil }

    /// Frees up to `nodes` nodes (1,024 bytes each) into the heap that they came from; true when
    /// none is left.
    mutating func free(atMost nodes: Int, heap: UnsafeMutablePointer<Heap>) -> Bool {
        var budget = nodes
        while budget > 0, let node = current {
            let inner = Inner(node)
            if node.level > 0 && inner.childCount > 0 {
                let last = inner.childCount - 1
                inner.childCount = last
                if node.level > 1 {
                    enter(inner.child(last), from: node)
                    continue
                }
                heap.pointee.free(inner.child(last).base, Node.bytes)
            } else {
                current = node.level > 0 ? parent(of: inner) : nil
                heap.pointee.free(node.base, Node.bytes)
            }
            budget -= 1
        }
        return current == nil
    }

    private mutating func enter(_ node: DeadlineIndex.Node, from parent: DeadlineIndex.Node?) {
        if node.level > 0 {
            let address = parent.map { UInt64(UInt(bitPattern: $0.base)) } ?? 0
            Inner(node).separators.highs[0] = address
        }
        current = node
    }

    private func parent(of inner: DeadlineIndex.Inner) -> DeadlineIndex.Node? {
        let address = UInt(inner.separators.highs[0])
        return UnsafeMutableRawPointer(bitPattern: address).map { DeadlineIndex.Node(base: $0) }
    }
}
