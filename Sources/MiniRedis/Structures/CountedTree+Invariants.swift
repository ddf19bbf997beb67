// SPDX-License-Identifier: BSD-3-Clause
//
// What must hold in a `CountedTree` between two calls, checked node by node. Debug builds only.

extension CountedTree {
    #if INVARIANTS
        private struct Tally {
            var records = 0
            var weight = 0
            var nodes = 0
            var last: UnsafeRawPointer?
        }

        /// Where a node lies.
        private struct Place {
            var level: Int
            var isFirst = true
            var isLast = true
            var parent: Node?
            var isEdge: Bool { isFirst || isLast }
        }

        /// Stops the process if the structure is broken.
        func checkInvariants() {
            var tally = Tally()
            if isEmpty {
                precondition(head.pointee == TreeHead(), "an empty tree has no nodes")
                return
            }
            let root = Node(address: head.pointee.root)
            let height = Int(head.pointee.height)
            precondition(height <= TreeHead.maximumHeight)
            precondition(height == 0 || root.count > 1, "a needless root")
            check(root, Place(level: height), &tally)
            precondition(tally.records == head.pointee.recordCount, "the count of records")
            precondition(tally.weight == head.pointee.weight, "the weight of all")
            precondition(tally.nodes == Int(head.pointee.nodeCount), "the count of nodes")
        }

        private func check(_ node: Node, _ place: Place, _ tally: inout Tally) {
            precondition(node.level == place.level, "all leaves are equally deep")
            precondition(
                node.allocatedBytes == Node.bytes || place.level == 0 && place.parent == nil,
                "a small node that is not the root")
            checkStamp(node, place)
            tally.nodes += 1
            if place.level == 0 {
                check(Leaf(node), place, &tally)
            } else {
                check(Inner(node), place, &tally)
            }
        }

        /// A node that a snapshot may read has no younger one under it.
        private func checkStamp(_ node: Node, _ place: Place) {
            let stamp = BlockStamp.read(node.base)
            precondition(stamp <= memory.pointee.epochs.current, "a stamp of the future")
            if let parent = place.parent, memory.pointee.isWritable(node.base) {
                precondition(
                    memory.pointee.isWritable(parent.base), "a new node under one of a snapshot")
            }
        }

        private func check(_ leaf: Leaf, _ place: Place, _ tally: inout Tally) {
            precondition(leaf.count > 0, "no leaf is empty")
            precondition(leaf.start + leaf.count <= leaf.capacity, "records beyond the leaf")
            precondition(place.isEdge || leaf.count >= Leaf.minimum, "too few records in a leaf")
            for index in 0..<leaf.count {
                let record = UnsafeRawPointer(leaf.record(index))
                if Layout.isOrdered, let last = tally.last {
                    precondition(!Layout.precedes(record, last), "out of order")
                }
                precondition(Layout.weight(record) > 0, "a record weighs at least 1")
                tally.last = record
                tally.weight += Layout.weight(record)
            }
            tally.records += leaf.count
        }

        private func check(_ inner: Inner, _ place: Place, _ tally: inout Tally) {
            let count = inner.count
            precondition(count > 0 && count <= Inner.capacity, "no inner node is empty")
            precondition(place.isEdge || count >= Inner.minimum, "too few children in a node")
            for index in 0..<count {
                let before = tally.weight
                let child = Place(
                    level: place.level - 1, isFirst: place.isFirst && index == 0,
                    isLast: place.isLast && index == count - 1, parent: inner.node)
                check(inner.child(index), child, &tally)
                precondition(tally.weight - before == inner.weights[index], "a child's weight")
                if Layout.isOrdered {
                    let copy = UnsafeRawBufferPointer(
                        start: inner.first(index), count: Layout.recordBytes)
                    let first = UnsafeRawBufferPointer(
                        start: inner.child(index).first, count: Layout.recordBytes)
                    precondition(copy.elementsEqual(first), "a child's first record")
                }
            }
        }
    #else
        /// Checks nothing: release builds trust the tests.
        @inline(__always)
        func checkInvariants() {}
    #endif
}
