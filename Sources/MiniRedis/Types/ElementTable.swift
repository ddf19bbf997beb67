// SPDX-License-Identifier: BSD-3-Clause
//
// ElementTable: the root of a collection whose elements lie in a hash table of their own.
//
//     place --> root     0     16                       tableEnd
//               | header | SegmentedTable's own fields | the type's own fields |
//                            | directory
//                            v
//                        segments --> elements: one block each, laid out by their type
//
// The root is a stamped block; the table's directory and segments follow the snapshot rule by
// themselves (see `SegmentedTable`, nested tables). An element has no stamp: `isPrivate` of its
// slot tells whether it may be written or freed at once, and it is retired otherwise. A copy of a
// root that a snapshot keeps shares the tables' facts about segments with the present one, but a
// view reads only what is frozen: directory, depth and count.
//
// An element table is never smaller than a page. Small collections are packed blocks instead.

/// How the elements of one type of collection lie in their blocks.
protocol ElementLayout: TableLayout {
    /// The bytes that the element's block was allocated for.
    static func byteCount(of element: UnsafeMutableRawPointer) -> Int
}

/// A root with a table. Owns nothing; valid as long as the root is where it is.
struct ElementTable<Layout: ElementLayout> {
    /// Where the type's own fields begin.
    static var tableEnd: Int {
        CollectionHeader.rootBytes + MemoryLayout<SegmentedTable<Layout>>.stride
    }

    let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) {
        self.base = base
    }

    /// For reading alone.
    @inline(__always)
    init(_ base: UnsafeRawPointer) {
        self.base = UnsafeMutableRawPointer(mutating: base)
    }

    var table: UnsafeMutablePointer<SegmentedTable<Layout>> {
        @inline(__always) get {
            (base + CollectionHeader.rootBytes)
                .assumingMemoryBound(to: SegmentedTable<Layout>.self)
        }
    }

    var count: Int { @inline(__always) get { CollectionHeader(base).count } }

    /// A root of `bytes` with an empty table; the caller fills what is behind the table.
    static func create(
        _ memory: UnsafeMutablePointer<Memory>, bytes: Int, traits: UInt8
    ) -> ElementTable {
        let root = ElementTable(memory.pointee.heap.pointee.allocate(bytes))
        CollectionHeader.writeRoot(
            at: root.base, stamp: memory.pointee.epochs.current, traits: traits)
        root.table.initialize(
            to: SegmentedTable(
                ordinal: SegmentedTable<Layout>.nestedOrdinal, hasher: memory.pointee.hasher,
                memory: memory))
        return root
    }

    // MARK: - Changes, of a root that is writable

    /// Sets the type's own bits.
    func setTraits(_ traits: UInt8) {
        base.storeBytes(of: traits | CollectionHeader.rootBit, toByteOffset: 5, as: UInt8.self)
    }

    /// Adds an element that is not there yet; the table owns it from now on.
    @inline(__always)
    func insert(_ element: UnsafeMutableRawPointer, hash: UInt64) {
        table.pointee.insert(element, hash: hash)
        CollectionHeader.setRootCount(table.pointee.count, at: base)
    }

    /// Takes an element out and frees it, or keeps it for the snapshots that see it.
    @inline(__always)
    func remove(_ slot: TableSlot, hash: UInt64) {
        let isPrivate = table.pointee.isPrivate(slot, hash: hash)
        let element = slot.entry
        table.pointee.remove(slot, hash: hash)
        CollectionHeader.setRootCount(table.pointee.count, at: base)
        discard(element, isPrivate: isPrivate)
    }

    /// Puts another element, with the same key, in the place of one.
    func replace(_ slot: TableSlot, hash: UInt64, with element: UnsafeMutableRawPointer) {
        let isPrivate = table.pointee.isPrivate(slot, hash: hash)
        let old = slot.entry
        table.pointee.replace(slot, hash: hash, with: element)
        discard(old, isPrivate: isPrivate)
    }

    @inline(__always)
    private func discard(_ element: UnsafeMutableRawPointer, isPrivate: Bool) {
        let bytes = Layout.byteCount(of: element)
        if isPrivate {
            table.pointee.memory.pointee.heap.pointee.free(element, bytes)
        } else {
            table.pointee.memory.pointee.retire(element, bytes: bytes)
        }
    }

    // MARK: - Reading

    /// Calls `body` with each element, in the order of hashes, until it returns false.
    @inline(__always)
    func forEachWhile(_ body: (UnsafeMutableRawPointer) -> Bool) {
        table.pointee.view.forEachEntry(body) { _ in true }
    }

    /// Bytes of the elements as allocated; of many, estimated from `samples` (0: all).
    func elementBytes(samples: Int) -> Int {
        var (seen, bytes) = (0, 0)
        forEachWhile { element in
            bytes += Heap.sizeClass(Layout.byteCount(of: element))
            seen += 1
            return seen != samples
        }
        guard seen > 0 else { return 0 }
        return seen == count ? bytes : Int(Double(bytes) / Double(seen) * Double(count))
    }

    // MARK: - Freeing

    /// Says whose the collection is: from now on its table allocates from, and asks the epochs of,
    /// this memory.
    func settle(in memory: UnsafeMutablePointer<Memory>) {
        if table.pointee.memory != memory { table.pointee.memory = memory }
    }

    /// Gives everything up, the root of `bytes` included: see `CollectionValue.dismantle`.
    func dismantle(
        bytes: Int, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        settle(in: memory)
        var rest = table.pointee.dismantle()
        let base = base
        return { budget in
            let heap = memory.pointee.heap
            let done = rest.free(atMost: budget, heap: heap) { element in
                heap.pointee.free(element, Layout.byteCount(of: element))
                return 1
            }
            if done { heap.pointee.free(base, bytes) }
            return done
        }
    }
}
