// SPDX-License-Identifier: BSD-3-Clause
//
// Lists.
//
//     packed   [ stamp | traits | ... elements ... ]              one `PackedBlock`, up to 4 KiB
//
//     root     | stamp | traits | count | TreeHead : 32 bytes | bytes of a listpack |
//              0       5        8       16                    48                    56
//                                         |
//                      [ record | record | record | ... ]          CountedTree, by position
//                          |        |        |
//                       chunk     chunk    chunk                   2 KiB of elements, or a huge one
//
// A small list is one block, its elements walked both ways. A larger one is a root: a tree that
// counts elements, with a chunk under each record. A position is found on one way down and by a
// walk over half a chunk at most; a push or a pop touches the edge of the tree, the counts along
// it and one chunk. A list that became a root stays one.
//
// Chunks at either end may hold little: they grow and drain, and vanish with their last element. A
// chunk in the middle that has become small by removal is merged with a neighbour. An element that
// does not fit a chunk has a chunk to itself; one of 32 KiB or more is a `ReferencedBlock`,
// received and sent without a copy.
//
// Names. OBJECT ENCODING says listpack while the list would fit one listpack as
// `list-max-listpack-size` limits it, quicklist from then on, and listpack again when it fits half
// of that. So each record, and the root, know what their elements would take in a listpack; a
// packed list does not, and is walked if it is not obvious.
//
// Where Redis has two nodes of a quicklist that drain it says quicklist until one of them is gone;
// here the sum decides.

/// What is special about a list, in the traits of its block (`ListChunk.referenceTrait` is another
/// one of these bits).
enum ListTrait {
    /// OBJECT ENCODING says quicklist.
    static let quicklist: UInt8 = 2
}

/// The fields of a root.
enum ListRoot {
    static let bytes = CollectionHeader.rootBytes + TreeHead.bytes + 8
    private static let listpackOffset = CollectionHeader.rootBytes + TreeHead.bytes

    @inline(__always)
    static func head(_ base: UnsafeRawPointer) -> UnsafePointer<TreeHead> {
        (base + CollectionHeader.rootBytes).assumingMemoryBound(to: TreeHead.self)
    }

    @inline(__always)
    static func head(_ base: UnsafeMutableRawPointer) -> UnsafeMutablePointer<TreeHead> {
        (base + CollectionHeader.rootBytes).assumingMemoryBound(to: TreeHead.self)
    }

    /// What the elements would take in a listpack, without its header.
    @inline(__always)
    static func listpackBytes(_ base: UnsafeRawPointer) -> Int {
        base.load(fromByteOffset: listpackOffset, as: Int.self)
    }

    @inline(__always)
    static func setListpackBytes(_ bytes: Int, at base: UnsafeMutableRawPointer) {
        base.storeBytes(of: bytes, toByteOffset: listpackOffset, as: Int.self)
    }

    /// A root without elements. The caller owns it.
    static func create(
        _ memory: UnsafeMutablePointer<Memory>, traits: UInt8
    ) -> UnsafeMutableRawPointer {
        let base = memory.pointee.heap.pointee.allocate(bytes)
        CollectionHeader.writeRoot(
            at: base, stamp: memory.pointee.epochs.current, traits: traits)
        (base + CollectionHeader.rootBytes).initializeMemory(
            as: TreeHead.self, to: TreeHead())
        setListpackBytes(0, at: base)
        return base
    }
}

enum ListValue: CollectionValue {
    /// A packed list becomes no larger than this. Bytes.
    static let packedBytes = 4096

    static func create(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        PackedBlock.create(memory, bidirectional: true)
    }

    static func copy(
        _ base: UnsafeRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> UnsafeMutableRawPointer {
        let view = ListView(base)
        guard view.isRoot else { return PackedBlock.copy(base, memory) }
        let copy = ListRoot.create(memory, traits: CollectionHeader(base).traits)
        let tree = CountedTree<ListLayout>(head: ListRoot.head(copy), memory: memory)
        var cursor = view.tree.first()
        tree.append(count: view.tree.count) { _, place in
            let record = ListRecord(cursor.record)
            place.copyMemory(from: record.base, byteCount: ListRecord.bytes)
            place.storeBytes(of: UInt(bitPattern: record.chunk.copy(memory)), as: UInt.self)
            _ = cursor.next()
        }
        CollectionHeader.setRootCount(tree.weight, at: copy)
        ListRoot.setListpackBytes(ListRoot.listpackBytes(base), at: copy)
        return copy
    }

    static func encodingName(_ base: UnsafeRawPointer) -> StaticString {
        CollectionHeader(base).traits & ListTrait.quicklist != 0 ? "quicklist" : "listpack"
    }

    static func byteCount(_ base: UnsafeRawPointer, samples: Int) -> Int {
        let view = ListView(base)
        guard view.isRoot else { return view.packed.allocatedBytes }
        let tree = view.tree
        let own = Heap.sizeClass(ListRoot.bytes) + tree.byteCount
        let looked = samples == 0 ? tree.count : min(samples, tree.count)
        guard looked > 0 else { return own }
        var (cursor, chunks) = (tree.first(), 0)
        for _ in 0..<looked {
            chunks += ListRecord(cursor.record).chunk.allocatedBytes
            _ = cursor.next()
        }
        return own + Int(Double(chunks) / Double(looked) * Double(tree.count))
    }

    static func blockCount(_ base: UnsafeRawPointer) -> Int {
        let view = ListView(base)
        return view.isRoot ? 1 + view.tree.count + Int(view.tree.head.nodeCount) : 1
    }

    static func free(_ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>) {
        _ = dismantle(base, memory)(.max)
    }

    static func dismantle(
        _ base: UnsafeMutableRawPointer, _ memory: UnsafeMutablePointer<Memory>
    ) -> (_ budget: Int) -> Bool {
        guard ListView(base).isRoot else {
            return { _ in
                PackedBlock.free(base, memory)
                return true
            }
        }
        // The head is copied and not emptied: a snapshot may still read it.
        var detached = DetachedTree<ListLayout>(ListView(base).tree.head)
        return { budget in
            let isDone = detached.free(atMost: budget, memory: memory) {
                ListRecord($0).chunk.free(memory)
            }
            if isDone { memory.pointee.discard(base, bytes: ListRoot.bytes) }
            return isDone
        }
    }

    static func digest(_ base: UnsafeRawPointer, into digest: inout ValueDigest) {
        ListView(base).forEach { digest.add(ordered: $0) }
    }
}
