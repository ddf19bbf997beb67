// SPDX-License-Identifier: BSD-3-Clause
//
// A list as it is changed: at its ends and at one position. Every verb leaves the count, and what
// the elements would take in a listpack, as they are; what OBJECT ENCODING says is changed by
// `prepareForGrowth` and `noteShrinkage`, which a command calls once.

/// The list whose block's address is at `place`, to be edited.
///
/// Ownership: owns nothing; after every verb the block may be elsewhere, the place says where. What
/// is written must not lie in the list itself.
struct ListEditor {
    let place: BlockPlace
    /// `list-max-listpack-size`.
    let listSize: Int

    @inline(__always)
    init(_ place: BlockPlace, _ limits: EncodingLimits) {
        self.place = place
        listSize = limits.listSize
    }

    @inline(__always)
    var view: ListView { ListView(place.base) }

    @inline(__always)
    var memory: UnsafeMutablePointer<Memory> { place.memory }

    /// The root, to be written.
    @inline(__always)
    func writableRoot() -> UnsafeMutableRawPointer { place.writable(bytes: ListRoot.bytes) }

    @inline(__always)
    func tree(_ root: UnsafeMutableRawPointer) -> CountedTree<ListLayout> {
        CountedTree(head: ListRoot.head(root), memory: memory)
    }

    /// After the tree was changed: the root's own fields.
    @inline(__always)
    func finish(_ root: UnsafeMutableRawPointer, listpackChange: Int) {
        CollectionHeader.setRootCount(ListRoot.head(root).pointee.weight, at: root)
        ListRoot.setListpackBytes(ListRoot.listpackBytes(root) &+ listpackChange, at: root)
    }
}

// MARK: - Ends

extension ListEditor {
    /// Adds an element at an end.
    @inline(__always)
    func push(_ element: ListElement, _ end: ListEnd) {
        if case .item(let item) = element, !view.isRoot,
            ListEditor.fits(item, view.packed.byteCount, ListValue.packedBytes)
        {
            ListEditor.add(item, end, to: PackedBlock(place))
        } else {
            pushToRoot(element, end)
        }
    }

    /// Adds an element at the right end: for whoever loads a list. What OBJECT ENCODING says
    /// follows.
    func append(_ text: ByteView) {
        prepareForGrowth(bytes: text.count, elements: 1)
        push(ListElement(text, place.heap), .right)
    }

    @inline(__always)
    static func fits(_ item: PackedItem, _ byteCount: Int, _ limit: Int) -> Bool {
        byteCount &+ item.byteCount &+ PackedBlock.mostTrailerBytes <= limit
    }

    @inline(__always)
    private static func add(_ item: PackedItem, _ end: ListEnd, to block: PackedBlock) {
        if end == .left { block.prepend(item) } else { block.append(item) }
    }

    @inline(never)
    private func pushToRoot(_ element: ListElement, _ end: ListEnd) {
        makeRoot()
        let root = writableRoot()
        let tree = tree(root)
        let size = ListpackSize.of(element)
        if case .item(let item) = element, !tree.isEmpty {
            var cursor = end == .left ? tree.view.first() : tree.view.last()
            let bytes = ListRecord(cursor.record).chunk.byteCount
            if ListEditor.fits(item, bytes, ListChunk.mostBytes) {
                tree.update(&cursor) { base in
                    let record = ListRecord(base)
                    ListEditor.add(item, end, to: record.packed(memory, ahead: ListChunk.mostBytes))
                    record.elements &+= 1
                    record.listpackBytes &+= size
                }
                return finish(root, listpackChange: size)
            }
        }
        let chunk = newChunk(element)
        ListRecord.with(chunk, elements: 1, listpackBytes: size) {
            if end == .left { tree.prepend($0) } else { tree.append($0) }
        }
        finish(root, listpackChange: size)
    }

    /// A chunk of one element.
    func newChunk(_ element: ListElement) -> UnsafeMutableRawPointer {
        switch element {
        case .item(let item):
            var address = UInt(
                bitPattern: PackedBlock.create(memory, bidirectional: true))
            return withUnsafeMutableBytes(of: &address) { word in
                let place = BlockPlace(word.baseAddress.unsafelyUnwrapped, memory: memory)
                PackedBlock(place).append(item)
                return place.base
            }
        case .block(let block):
            return BlockReference.create(block, memory, traits: ListChunk.referenceTrait)
        }
    }

    /// Removes the element at an end of a list that has any.
    @inline(__always)
    func pop(_ end: ListEnd) {
        guard !view.isRoot else { return popFromRoot(end) }
        let packed = view.packed
        PackedBlock(place).remove(at: end == .left ? packed.first : packed.last)
    }

    @inline(never)
    private func popFromRoot(_ end: ListEnd) {
        let root = writableRoot()
        let tree = tree(root)
        var cursor = end == .left ? tree.view.first() : tree.view.last()
        let record = ListRecord(cursor.record)
        if record.elements == 1 { return removeChunk(root, tree, &cursor) }
        let packed = record.chunk.packed
        let at = end == .left ? packed.first : packed.last
        removeItem(root, tree, &cursor, at: at)
    }

    /// Removes an element of a packed chunk that has others.
    @inline(__always)
    func removeItem(
        _ root: UnsafeMutableRawPointer, _ tree: CountedTree<ListLayout>,
        _ cursor: inout CountedTree<ListLayout>.Cursor, at offset: Int
    ) {
        let packed = ListRecord(cursor.record).chunk.packed
        let size = ListpackSize.of(packed.payload(at: offset))
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            record.packed(memory).remove(at: offset)
            record.elements &-= 1
            record.listpackBytes &-= size
        }
        finish(root, listpackChange: -size)
    }

    /// Removes a chunk with all that is in it; the cursor is then at the next one.
    func removeChunk(
        _ root: UnsafeMutableRawPointer, _ tree: CountedTree<ListLayout>,
        _ cursor: inout CountedTree<ListLayout>.Cursor
    ) {
        let record = ListRecord(cursor.record)
        let (chunk, size) = (record.chunk, record.listpackBytes)
        tree.remove(&cursor)
        chunk.free(memory)
        finish(root, listpackChange: -size)
    }
}

// MARK: - From one block to a root

extension ListEditor {
    /// Makes a root of a packed list.
    func makeRoot() {
        guard !view.isRoot else { return }
        let old = place.base
        let packed = view.packed
        let root = ListRoot.create(memory, traits: packed.traits)
        let tree = tree(root)
        var (at, sum) = (packed.first, 0)
        while at < packed.end {
            let run = ListEditor.run(of: packed, from: at, upTo: packed.end, ListChunk.mostBytes)
            let size = ListChunk.listpackBytes(run)
            let chunk = newChunk(copying: run)
            ListRecord.with(chunk, elements: run.count, listpackBytes: size) { tree.append($0) }
            sum += size
            at = run.end
        }
        place.base = root
        PackedBlock.free(old, memory)
        finish(root, listpackChange: sum)
    }

    /// A chunk of the elements of a run.
    func newChunk(copying run: PackedRun) -> UnsafeMutableRawPointer {
        PackedBlock.create(memory, copying: run)
    }

    /// The elements from `start` on, before `end`, that fit a block of `bytes`: at least one.
    static func run(
        of view: PackedView, from start: Int, upTo end: Int, _ bytes: Int
    ) -> PackedRun {
        var at = view.next(start)
        var count = 1
        while at < end {
            let next = view.next(at)
            if next &- start > bytes &- PackedBlock.headerBytes { break }
            at = next
            count += 1
        }
        return PackedRun(view: view, start: start, end: at, count: count)
    }
}
