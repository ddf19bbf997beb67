// SPDX-License-Identifier: BSD-3-Clause
//
// What every change of a `CountedTree` is made of: a way that may be written, weights and first
// records along it; and the change of a record where it lies.

extension CountedTree {
    /// Makes every node on the way writable; the cursor then leads over the copies. Without a live
    /// snapshot it is one comparison.
    @inline(__always)
    func makeWritable(_ cursor: inout Cursor) {
        if memory.pointee.isQuiet || cursor.leafAddress == 0 { return }
        copyWay(&cursor, withLeaf: true)
    }

    /// `makeWritable`, or that of the inner nodes alone.
    @inline(never)
    func copyWay(_ cursor: inout Cursor, withLeaf: Bool) {
        var place = rootPlace
        for depth in 0..<cursor.height {
            let inner = Inner(Node(place.writable(bytes: Node.bytes)))
            cursor.steps[depth].address = inner.node.address
            place = inner.place(ofChild: cursor.steps[depth].index, memory: memory)
        }
        if withLeaf {
            let bytes = cursor.leaf.node.allocatedBytes
            cursor.leafAddress = UInt(bitPattern: place.writable(bytes: bytes))
        }
    }

    /// A child of a writable node, to be written.
    func writableChild(_ parent: Inner, _ index: Int) -> Node {
        Node(parent.place(ofChild: index, memory: memory).writable(bytes: Node.bytes))
    }

    /// Adds to the weights on a writable way, from the root down to the given depth.
    @inline(__always)
    func addWeight(_ difference: Int, along cursor: Cursor, levels: Int) {
        for depth in 0..<levels {
            let inner = cursor.inner(depth)
            checkWritable(inner.node)
            inner.weights[cursor.steps[unchecked: depth].index] += difference
        }
    }

    /// Renews, from the step at `depth` upwards, the copies of the first record under it: it is
    /// `record` now.
    @inline(__always)
    func renewFirsts(_ record: UnsafeRawPointer, along cursor: Cursor, from depth: Int) {
        guard Layout.isOrdered else { return }
        var depth = depth
        while depth >= 0 {
            let step = cursor.steps[unchecked: depth]
            checkWritable(cursor.inner(depth).node)
            cursor.inner(depth).renewFirst(step.index, from: record)
            if step.index != 0 { return }
            depth &-= 1
        }
    }

    /// Changes the record at the cursor where it lies: `body` gets it to be written, and must leave
    /// it in its place in the order. What else the tree knows of it (weights, copies) follows.
    ///
    /// A block that the record points to may be made writable in `body`: the record is its place.
    @inline(__always)
    @discardableResult
    func update<Result>(
        _ cursor: inout Cursor, _ body: (UnsafeMutableRawPointer) -> Result
    ) -> Result {
        makeWritable(&cursor)
        checkWritable(cursor.leaf.node)
        let record = cursor.leaf.record(cursor.index)
        let before = Layout.weight(record)
        let result = body(record)
        let difference = Layout.weight(record) &- before
        if difference != 0 {
            head.pointee.weight += difference
            addWeight(difference, along: cursor, levels: cursor.height)
        }
        if cursor.index == 0 { renewFirsts(record, along: cursor, from: cursor.height - 1) }
        return result
    }

    /// Puts another record in the place of the one at the cursor; it must belong there.
    @inline(__always)
    func replace(_ cursor: inout Cursor, with record: UnsafeRawPointer) {
        update(&cursor) { $0.copyMemory(from: record, byteCount: Layout.recordBytes) }
    }

    /// Levels two neighbours under a writable parent out; the left one is at `index`.
    func levelOut(_ parent: Inner, _ index: Int) {
        let left = writableChild(parent, index)
        let right = writableChild(parent, index + 1)
        checkWritable(parent.node)
        checkWritable(left)
        checkWritable(right)
        left.levelOut(with: right)
        let total = parent.weights[index] + parent.weights[index + 1]
        parent.weights[index + 1] = right.totalWeight
        parent.weights[index] = total - parent.weights[index + 1]
        if Layout.isOrdered { parent.renewFirst(index + 1, from: right.first) }
    }

    /// Moves everything of the right one of two neighbours, which fit into one node, to the left
    /// one at `index`.
    func merge(_ parent: Inner, _ index: Int) {
        let left = writableChild(parent, index)
        let right = writableChild(parent, index + 1)
        checkWritable(parent.node)
        checkWritable(left)
        left.takeHead(right.count, of: right)
        parent.weights[index] += parent.weights[index + 1]
        parent.removeChild(at: index + 1)
        discard(right)
    }
}
