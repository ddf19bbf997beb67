// SPDX-License-Identifier: BSD-3-Clause
//
// A place in a `CountedTree`: the way from the root to a record. It reads nodes and changes none.

extension CountedTree {
    /// The inner nodes from the root on, the child that was taken in each, a leaf and an index in
    /// it. A cursor at the end stands behind the last record of the last leaf.
    ///
    /// Ownership: a value that owns nothing, valid as long as the nodes on it are not changed.
    struct Cursor {
        struct Step {
            var address: UInt
            var index: Int
        }

        /// As many as `TreeHead.maximumHeight`; `height` of them are in use.
        var steps: InlineArray<10, Step>
        var height: Int
        /// 0 in an empty tree.
        var leafAddress: UInt
        var index: Int

        /// The only place of an empty tree, to begin with.
        @inline(__always)
        init(_ head: TreeHead) {
            steps = InlineArray(repeating: Step(address: 0, index: 0))
            height = Int(head.height)
            leafAddress = 0
            index = 0
        }

        var leaf: Leaf { @inline(__always) get { Leaf(Node(address: leafAddress)) } }

        @inline(__always)
        func inner(_ depth: Int) -> Inner { Inner(Node(address: steps[unchecked: depth].address)) }

        var isAtEnd: Bool {
            @inline(__always) get { leafAddress == 0 || index == leaf.count }
        }

        /// The record; the cursor must not be at the end. Aligned to 8, valid until the tree
        /// changes.
        var record: UnsafeRawPointer {
            @inline(__always) get { UnsafeRawPointer(leaf.record(index)) }
        }

        /// The record `distance` places ahead (or, if negative, back) if it is in the same leaf:
        /// for whoever asks for what records point to before it is needed.
        @inline(__always)
        func record(ahead distance: Int) -> UnsafeRawPointer? {
            let other = index &+ distance
            guard leafAddress != 0 && other >= 0 && other < leaf.count else { return nil }
            return UnsafeRawPointer(leaf.record(other))
        }

        /// The weight of everything in front of the cursor: its rank.
        var weightBefore: Int {
            guard leafAddress != 0 else { return 0 }
            var sum = leaf.weight(before: index)
            for depth in 0..<height {
                sum += inner(depth).weight(before: steps[unchecked: depth].index)
            }
            return sum
        }

        /// Goes on to the next record; false if there is none, then it is at the end.
        @inline(__always)
        mutating func next() -> Bool {
            if isAtEnd { return false }
            index += 1
            return index < leaf.count || nextLeaf()
        }

        /// Goes back to the record before, also from the end; false, and nothing happens, if there
        /// is none.
        @inline(__always)
        mutating func previous() -> Bool {
            if index > 0 {
                index -= 1
                return true
            }
            return previousLeaf()
        }

        /// Behind the last record of a leaf that is not the last one, goes to the next record.
        @inline(__always)
        mutating func settle() {
            if leafAddress != 0 && index == leaf.count { _ = nextLeaf() }
        }

        /// Goes to the first record of the next leaf; false if this is the last one.
        mutating func nextLeaf() -> Bool {
            var depth = height
            while depth > 0 {
                depth -= 1
                guard steps[depth].index + 1 < inner(depth).count else { continue }
                steps[depth].index += 1
                descendToFirst(below: depth)
                return true
            }
            return false
        }

        private mutating func previousLeaf() -> Bool {
            var depth = height
            while depth > 0 {
                depth -= 1
                guard steps[depth].index > 0 else { continue }
                steps[depth].index -= 1
                descendToLast(below: depth)
                index = leaf.count - 1
                return true
            }
            return false
        }

        /// Takes the first child of every node below the step at `depth`.
        mutating func descendToFirst(below depth: Int) {
            var node = inner(depth).child(steps[depth].index)
            for below in depth + 1..<height {
                steps[below] = Step(address: node.address, index: 0)
                node = Inner(node).child(0)
            }
            leafAddress = node.address
            index = 0
        }

        /// Takes the last child of every node below the step at `depth`, and the place behind the
        /// leaf's last record.
        mutating func descendToLast(below depth: Int) {
            var node = inner(depth).child(steps[depth].index)
            for below in depth + 1..<height {
                let last = node.count - 1
                steps[below] = Step(address: node.address, index: last)
                node = Inner(node).child(last)
            }
            leafAddress = node.address
            index = node.count
        }

        /// Whether the tree has nothing left of the node at `depth` (0 is the root, `height` the
        /// leaf).
        func isLeftEdge(at depth: Int) -> Bool {
            for above in 0..<depth where steps[above].index != 0 { return false }
            return true
        }

        /// Whether the tree has nothing right of the node at `depth`.
        func isRightEdge(at depth: Int) -> Bool {
            for above in 0..<depth where steps[above].index != inner(above).count - 1 {
                return false
            }
            return true
        }
    }
}
