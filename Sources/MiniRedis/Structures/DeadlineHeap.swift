// SPDX-License-Identifier: BSD-3-Clause
//
// DeadlineHeap: the earliest of many deadlines, each of which may be called off.
//
// A binary heap of (deadline, slot) in an array, the parent of `i` at `(i - 1) / 2`, never later
// than its children; and, by slot, where each element stands, so that calling one off costs what
// inserting one does: O(log n) and no search.
//
//     heap       [ 3|a ][ 7|c ][ 5|b ][ 9|d ]
//     positions  a: 0   b: 2   c: 1   d: 3         -1: has no deadline
//
// Slots are small numbers that the owner hands out and uses again; the array of positions is as
// long as the largest one.
//
// Invariants: every element's position is where it stands; no child is earlier than its parent.

/// Deadlines by slot, the earliest first.
struct DeadlineHeap {
    private struct Element {
        var deadline: Int64
        var slot: Int32
    }

    private var heap: ContiguousArray<Element> = []
    private var positions: ContiguousArray<Int32> = []

    var count: Int { heap.count }

    /// The earliest deadline and whose it is.
    var first: (deadline: Int64, slot: Int)? {
        heap.first.map { ($0.deadline, Int($0.slot)) }
    }

    /// Adds the deadline of a slot that has none.
    mutating func insert(_ deadline: Int64, slot: Int) {
        while positions.count <= slot { positions.append(-1) }
        precondition(positions[slot] < 0, "a slot has one deadline")
        heap.append(Element(deadline: deadline, slot: Int32(slot)))
        positions[slot] = Int32(heap.count - 1)
        rise(from: heap.count - 1)
    }

    /// Calls off the deadline of a slot, if it has one.
    mutating func remove(slot: Int) {
        guard slot < positions.count, positions[slot] >= 0 else { return }
        let at = Int(positions[slot])
        positions[slot] = -1
        let last = heap.removeLast()
        guard at < heap.count else { return }
        heap[at] = last
        positions[Int(last.slot)] = Int32(at)
        rise(from: at)
        sink(from: at)
    }

    private mutating func rise(from start: Int) {
        var at = start
        while at > 0, heap[at].deadline < heap[(at - 1) / 2].deadline {
            exchange(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    private mutating func sink(from start: Int) {
        var at = start
        while 2 * at + 1 < heap.count {
            var child = 2 * at + 1
            if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline {
                child += 1
            }
            guard heap[child].deadline < heap[at].deadline else { return }
            exchange(at, child)
            at = child
        }
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        heap.swapAt(one, other)
        positions[Int(heap[one].slot)] = Int32(one)
        positions[Int(heap[other].slot)] = Int32(other)
    }

    /// Traps unless the invariants hold.
    func checkInvariants() {
        for at in heap.indices {
            precondition(Int(positions[Int(heap[at].slot)]) == at, "an element is where it stands")
            precondition(
                at == 0 || heap[(at - 1) / 2].deadline <= heap[at].deadline,
                "no child is earlier than its parent")
        }
        precondition(positions.count { $0 >= 0 } == heap.count, "a position for each element")
    }
}
