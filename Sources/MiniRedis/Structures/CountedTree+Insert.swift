// SPDX-License-Identifier: BSD-3-Clause
//
// Insertion into a `CountedTree`: by order, by place, at either end; and how a full leaf gets room.
// This file knows nothing of removal.

extension CountedTree {
    /// Adds a record where the order has it, beside equal ones if there are any. The bytes are
    /// copied and must not lie in the tree.
    @inline(__always)
    func insert(_ record: UnsafeRawPointer) {
        var cursor = view.place { Layout.precedes($0, record) }
        insert(record, before: &cursor)
    }

    /// Adds a record behind all others.
    @inline(__always)
    func append(_ record: UnsafeRawPointer) {
        var cursor = view.end()
        insert(record, before: &cursor)
    }

    /// Adds a record in front of all others.
    @inline(__always)
    func prepend(_ record: UnsafeRawPointer) {
        var cursor = view.first()
        insert(record, before: &cursor)
    }

    /// Adds a record in front of the one at the cursor (at the end: behind all), which must suit
    /// the order if there is one. The cursor is then at the new record.
    func insert(_ record: UnsafeRawPointer, before cursor: inout Cursor) {
        if isEmpty { cursor = plant() }
        makeWritable(&cursor)
        while cursor.leaf.isFull {
            if hasMadeRoom(for: record, before: &cursor) { return }
            makeWritable(&cursor)
        }
        checkWritable(cursor.leaf.node)
        cursor.leaf.insert(record, at: cursor.index)
        noteNew(record)
        addWeight(Layout.weight(record), along: cursor, levels: cursor.height)
        if cursor.index == 0 { renewFirsts(record, along: cursor, from: cursor.height - 1) }
    }

    /// Adds `count` records behind all others: `fill` writes each, from number 0 on, into its
    /// place. For loading in order; fewer steps than as many `append`s.
    @inline(__always)
    func append(count: Int, _ fill: (Int, UnsafeMutableRawPointer) -> Void) {
        var done = 0
        while done < count {
            var cursor = view.end()
            if isEmpty || cursor.leaf.roomBehind == 0 {
                withUnsafeTemporaryAllocation(byteCount: Layout.recordBytes, alignment: 16) {
                    guard let record = $0.baseAddress else { return }
                    fill(done, record)
                    insert(record, before: &cursor)
                }
                done += 1
                continue
            }
            makeWritable(&cursor)
            checkWritable(cursor.leaf.node)
            let leaf = cursor.leaf
            let added = min(leaf.roomBehind, count - done)
            var weight = 0
            for index in 0..<added {
                let record = leaf.record(cursor.index + index)
                fill(done + index, record)
                weight &+= Layout.weight(record)
            }
            leaf.count += added
            head.pointee.recordCount += added
            head.pointee.weight += weight
            addWeight(weight, along: cursor, levels: cursor.height)
            done += added
        }
    }

    @inline(__always)
    private func noteNew(_ record: UnsafeRawPointer) {
        head.pointee.recordCount += 1
        head.pointee.weight += Layout.weight(record)
    }

    /// Gives an empty tree its first leaf.
    private func plant() -> Cursor {
        let leaf = makeNode(level: 0, bytes: Node.smallestBytes)
        head.pointee.root = leaf.address
        head.pointee.height = 0
        return view.end()
    }

    /// Makes room in the full leaf at the cursor: it grows if it is a small root; a sibling takes
    /// some of its records; or it is split in halves. At the very end or the very start of the tree
    /// the record gets a leaf of its own, and true is returned; else the cursor is where the record
    /// belongs now.
    @inline(never)
    private func hasMadeRoom(for record: UnsafeRawPointer, before cursor: inout Cursor) -> Bool {
        let leaf = cursor.leaf
        if leaf.node.allocatedBytes < Node.bytes {
            growRootLeaf(&cursor)
            return false
        }
        if cursor.index == leaf.count && cursor.isRightEdge(at: cursor.height) {
            addLeaf(record, along: cursor, inFront: false)
            cursor = view.last()
            return true
        }
        if cursor.index == 0 && cursor.isLeftEdge(at: cursor.height) {
            addLeaf(record, along: cursor, inFront: true)
            cursor = view.first()
            if cursor.height > 0 {
                renewFirsts(cursor.record, along: cursor, from: cursor.height - 1)
            }
            return true
        }
        let rank = cursor.weightBefore
        if !hasSharedWithSibling(cursor) { split(cursor) }
        cursor = view.place(behind: rank)
        return false
    }

    /// Doubles the small leaf that is the root.
    private func growRootLeaf(_ cursor: inout Cursor) {
        let bytes = cursor.leaf.node.allocatedBytes
        let grown = Node(rootPlace.resized(from: bytes, to: bytes * 2))
        grown.setSize(bytes * 2, level: 0)
        cursor.leafAddress = grown.address
    }

    /// Levels the leaf at the cursor out with its left sibling or else with its right one; false if
    /// neither has enough room.
    private func hasSharedWithSibling(_ cursor: Cursor) -> Bool {
        guard cursor.height > 0 else { return false }
        let parent = cursor.inner(cursor.height - 1)
        let index = cursor.steps[cursor.height - 1].index
        let limit = Leaf.capacity - Leaf.worthwhileRoom
        if index > 0 && parent.child(index - 1).count <= limit {
            levelOut(parent, index - 1)
            return true
        }
        if index + 1 < parent.count && parent.child(index + 1).count <= limit {
            levelOut(parent, index)
            return true
        }
        return false
    }

    /// Moves the second half of the leaf at the cursor to a new one behind it.
    private func split(_ cursor: Cursor) {
        let leaf = cursor.leaf
        checkWritable(leaf.node)
        let right = makeNode(level: 0)
        leaf.moveTail(leaf.count / 2, to: Leaf(right))
        let weight = right.totalWeight
        if cursor.height > 0 {
            let depth = cursor.height - 1
            cursor.inner(depth).weights[cursor.steps[depth].index] -= weight
        }
        addNode(Addition(node: right, weight: weight, isInFront: false), along: cursor)
    }

    /// Puts a record into a leaf of its own, behind the last leaf or in front of the first one,
    /// where the cursor is.
    private func addLeaf(_ record: UnsafeRawPointer, along cursor: Cursor, inFront: Bool) {
        let node = makeNode(level: 0)
        // More records come from the same side, most likely.
        if inFront { node.start = Leaf.capacity }
        Leaf(node).insert(record, at: 0)
        let weight = Layout.weight(record)
        noteNew(record)
        addWeight(weight, along: cursor, levels: max(cursor.height - 1, 0))
        addNode(Addition(node: node, weight: weight, isInFront: inFront), along: cursor)
    }

    /// A node that the node above is to get, and its weight, which that node's own parent counts
    /// already.
    private struct Addition {
        var node: Node
        var weight: Int
        /// Whether it comes in front of the node on the way, rather than behind.
        var isInFront: Bool
    }

    /// Puts a node beside the one at the end of a way, which may split the nodes on the way up.
    private func addNode(_ first: Addition, along cursor: Cursor) {
        var addition = first
        var depth = cursor.height
        while depth > 0 {
            depth -= 1
            let inner = cursor.inner(depth)
            let index = cursor.steps[depth].index + (addition.isInFront ? 0 : 1)
            checkWritable(inner.node)
            if !inner.isFull {
                inner.insert(addition.node, weight: addition.weight, at: index)
                return
            }
            let added = Inner(makeNode(level: inner.node.level))
            // Beyond everything else nothing moves but the new node: what is loaded in order leaves
            // full nodes.
            let isEdge =
                addition.isInFront
                ? index == 0 && cursor.isLeftEdge(at: depth)
                : index == Inner.capacity && cursor.isRightEdge(at: depth)
            if isEdge {
                added.insert(addition.node, weight: addition.weight, at: 0)
            } else {
                split(inner, into: added, with: addition, at: index)
                addition.isInFront = false
                addition.weight = added.node.totalWeight
            }
            addition.node = added.node
            if depth > 0 {
                cursor.inner(depth - 1).weights[cursor.steps[depth - 1].index] -= addition.weight
            }
        }
        growRoot(addition)
    }

    /// Moves the second half of a full inner node to `right`; one of the two gets the addition, at
    /// what was `index` of both.
    private func split(_ inner: Inner, into right: Inner, with addition: Addition, at index: Int) {
        let half = Inner.capacity / 2 + 1
        inner.moveTail(Inner.capacity - half, to: right)
        if index <= half {
            inner.insert(addition.node, weight: addition.weight, at: index)
        } else {
            right.insert(addition.node, weight: addition.weight, at: index - half)
        }
    }

    private func growRoot(_ addition: Addition) {
        let old = Node(address: head.pointee.root)
        precondition(
            head.pointee.height < UInt32(TreeHead.maximumHeight), "more records than memory holds")
        let root = Inner(makeNode(level: Int(head.pointee.height) + 1))
        root.insert(old, weight: old.totalWeight, at: 0)
        root.insert(addition.node, weight: addition.weight, at: addition.isInFront ? 0 : 1)
        head.pointee.root = root.node.address
        head.pointee.height += 1
    }
}
