// SPDX-License-Identifier: BSD-3-Clause
//
// What must hold in a `DeadlineIndex` between two calls, checked node by node. Debug builds only.

extension DeadlineIndex {
    #if INVARIANTS
        private struct Tally {
            var elements = 0
            var nodes = 0
            var firstLeaf: Leaf?
            var lastLeaf: Leaf?
        }

        /// Where a node lies: what bounds its elements, and whether it is at an edge of the tree.
        private struct Place {
            var level: Int
            var low: PackedElement?
            var high: PackedElement?
            var isEdge: Bool { low == nil || high == nil }
        }

        /// Stops the process if the structure is broken.
        func checkInvariants() {
            var tally = Tally()
            if let tree {
                precondition(tree.height <= DeadlineIndex.maximumHeight)
                precondition(tree.height == 0 || Inner(tree.root).childCount > 1, "a needless root")
                check(tree.root, Place(level: tree.height), &tally)
            }
            precondition(tally.firstLeaf == tree?.firstLeaf, "the first leaf")
            precondition(tally.lastLeaf == tree?.lastLeaf, "the last leaf")
            precondition(tally.elements == count, "the count of elements")
            precondition(tally.nodes == nodeCount, "the count of nodes")
            precondition((tree == nil) == (count == 0), "an empty index has no nodes")
        }

        private func check(_ node: Node, _ place: Place, _ tally: inout Tally) {
            precondition(node.level == place.level, "all leaves are equally deep")
            tally.nodes += 1
            if place.level == 0 {
                check(Leaf(node), place, &tally)
            } else {
                check(Inner(node), place, &tally)
            }
        }

        private func check(_ leaf: Leaf, _ place: Place, _ tally: inout Tally) {
            precondition(leaf.start < leaf.end && leaf.end <= Leaf.capacity, "no leaf is empty")
            precondition(place.isEdge || leaf.count >= Leaf.minimum, "too few elements in a leaf")
            checkOrder(leaf.elements, leaf.start..<leaf.end, place)
            tally.elements += leaf.count
            if tally.firstLeaf == nil { tally.firstLeaf = leaf }
            tally.lastLeaf = leaf
        }

        private func check(_ inner: Inner, _ place: Place, _ tally: inout Tally) {
            let count = inner.childCount
            precondition(count > 0 && count <= Inner.capacity, "no inner node is empty")
            precondition(place.isEdge || count >= Inner.minimum, "too few children in a node")
            checkOrder(inner.separators, 0..<count - 1, place)
            for index in 0..<count {
                let low = index == 0 ? place.low : inner.separators[index - 1]
                let high = index == count - 1 ? place.high : inner.separators[index]
                let below = Place(level: place.level - 1, low: low, high: high)
                check(inner.child(index), below, &tally)
            }
        }

        private func checkOrder(_ columns: Columns, _ range: Range<Int>, _ place: Place) {
            var previous = place.low
            for index in range {
                if let previous { precondition(!(columns[index] < previous), "out of order") }
                previous = columns[index]
            }
            if let previous, let high = place.high {
                precondition(!(high < previous), "an element beyond its separator")
            }
        }
    #else
        /// Checks nothing: release builds trust the tests.
        @inline(__always)
        func checkInvariants() {}
    #endif
}
