// SPDX-License-Identifier: BSD-3-Clause
//
// The chunks of a list that is too big for one block: what the list's tree has as records, and what
// those point to.
//
//     record   | address : 64 | elements : 32 | bytes of a listpack : 32 |
//     chunk    a `PackedBlock` of elements, or one huge element: a `BlockReference`
//
// The tree counts elements; the bytes that the elements would take in a listpack are only for what
// OBJECT ENCODING says. The place of a chunk is its record.

/// A record of a list's tree, where it lies.
struct ListRecord {
    static let bytes = 16

    let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    /// To be read only.
    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = UnsafeMutableRawPointer(mutating: base) }

    var chunk: ListChunk {
        @inline(__always) get {
            let address = base.load(as: UInt.self)
            return ListChunk(UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped)
        }
    }

    var elements: Int {
        @inline(__always) get { Int(base.load(fromByteOffset: 8, as: UInt32.self)) }
        @inline(__always) nonmutating set {
            base.storeBytes(
                of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 8, as: UInt32.self)
        }
    }

    var listpackBytes: Int {
        @inline(__always) get { Int(base.load(fromByteOffset: 12, as: UInt32.self)) }
        @inline(__always) nonmutating set {
            base.storeBytes(
                of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 12, as: UInt32.self)
        }
    }

    /// The chunk to be edited, in a record that is writable; it holds packed elements. `ahead`: see
    /// `PackedBlock`.
    @inline(__always)
    func packed(_ memory: UnsafeMutablePointer<Memory>, ahead: Int = 0) -> PackedBlock {
        PackedBlock(BlockPlace(base, memory: memory), ahead: ahead)
    }

    /// Calls with a record of a chunk, to be copied into the tree.
    @inline(__always)
    static func with<Result>(
        _ chunk: UnsafeMutableRawPointer, elements: Int, listpackBytes: Int,
        _ body: (UnsafeRawPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 8) { room in
            let start = room.baseAddress.unsafelyUnwrapped
            start.storeBytes(of: UInt(bitPattern: chunk), as: UInt.self)
            let record = ListRecord(start)
            record.elements = elements
            record.listpackBytes = listpackBytes
            return body(UnsafeRawPointer(start))
        }
    }
}

/// How a list's tree reads its records.
enum ListLayout: TreeLayout {
    static var recordBytes: Int { @inline(__always) get { ListRecord.bytes } }
    static var isOrdered: Bool { @inline(__always) get { false } }

    static func precedes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool { false }

    @inline(__always)
    static func weight(_ record: UnsafeRawPointer) -> Int { ListRecord(record).elements }
}

/// A chunk to be read; owns nothing.
struct ListChunk {
    /// A chunk of packed elements becomes no larger than this by a small element; a larger element
    /// has a chunk for itself. Bytes.
    ///
    /// A push at the left end moves the whole chunk, half of it on average; a block of this size
    /// class wastes half an element, and 28 bytes go to record and header.
    static let mostBytes = 2048
    /// A chunk of fewer bytes is merged with a neighbour if both fit `mergedBytes`.
    static let smallBytes = 512
    static let mergedBytes = 1536
    /// The trait of a chunk that is one huge element.
    static let referenceTrait: UInt8 = 1

    let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    /// Whether it is one huge element.
    var isReference: Bool {
        @inline(__always) get { PackedView(base).traits & ListChunk.referenceTrait != 0 }
    }

    var packed: PackedView { @inline(__always) get { PackedView(base) } }
    var block: ReferencedBlock { BlockReference(base).block }

    /// The bytes that packed elements take with their header; many for a huge one.
    var byteCount: Int {
        @inline(__always) get { isReference ? .max / 2 : packed.byteCount }
    }

    /// The bytes of the chunk as allocated; a huge element's are its block's.
    var allocatedBytes: Int {
        guard isReference else { return packed.allocatedBytes }
        return BlockReference.bytes
            + Heap.sizeClass(block.capacity + ReferencedBlock.headerBytes)
    }

    func free(_ memory: UnsafeMutablePointer<Memory>) {
        if isReference {
            BlockReference.free(base, memory)
        } else {
            PackedBlock.free(base, memory)
        }
    }

    /// A chunk with the same elements; a huge one is shared.
    func copy(_ memory: UnsafeMutablePointer<Memory>) -> UnsafeMutableRawPointer {
        guard isReference else { return PackedBlock.copy(base, memory) }
        block.retain()
        return BlockReference.create(block, memory, traits: ListChunk.referenceTrait)
    }
}

extension ListChunk {
    /// Calls with `count` elements from number `index` on, both of which it must have, until `body`
    /// returns false; then it returns false.
    @inline(__always)
    func forEachWhile(from index: Int, count: Int, _ body: (ListItem) -> Bool) -> Bool {
        if isReference { return count == 0 || body(.block(block)) }
        let view = packed
        var at = view.cursor(at: index)
        for _ in 0..<count {
            guard body(ListItem(view.payload(at: at))) else { return false }
            at = view.next(at)
        }
        return true
    }

    /// Calls with the last `count` elements, the last one first.
    @inline(__always)
    func forEachBackwards(_ count: Int, _ body: (ListItem) -> Void) {
        if isReference {
            if count > 0 { body(.block(block)) }
            return
        }
        let view = packed
        var at = view.end
        for _ in 0..<count {
            at = view.previous(at)
            body(ListItem(view.payload(at: at)))
        }
    }

    /// What the elements of a run of a packed chunk would take in a listpack, bytes.
    static func listpackBytes(_ run: PackedRun) -> Int {
        var sum = 0
        var at = run.start
        while at < run.end {
            sum += ListpackSize.of(run.view.payload(at: at))
            at = run.view.next(at)
        }
        return sum
    }
}
