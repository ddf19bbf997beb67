// SPDX-License-Identifier: BSD-3-Clause
//
// A list as it is changed in the middle: elements put in, exchanged and taken out by number.

extension ListEditor {
    /// Puts an element before the one of a number from 0 on, or to the end.
    func insert(_ element: ListElement, at index: Int) {
        let count = view.count
        if index == 0 || index == count { return push(element, index == 0 ? .left : .right) }
        if case .item(let item) = element, !view.isRoot,
            ListEditor.fits(item, view.packed.byteCount, ListValue.packedBytes)
        {
            PackedBlock(place).insert(item, before: view.packed.cursor(at: index))
            return
        }
        makeRoot()
        insertIntoRoot(element, at: index)
    }

    /// Puts an element into a chunk that has room, or a chunk of its own between two others; splits
    /// the one that is in the way.
    private func insertIntoRoot(_ element: ListElement, at index: Int) {
        let root = writableRoot()
        let tree = tree(root)
        let size = ListpackSize.of(element)
        var (cursor, start) = tree.view.locate(index)
        if case .item(let item) = element {
            if add(item, to: tree, &cursor, at: start, size) {
                return finish(root, listpackChange: size)
            }
            if start == 0, cursor.previous() {
                let last = ListRecord(cursor.record).elements
                if add(item, to: tree, &cursor, at: last, size) {
                    return finish(root, listpackChange: size)
                }
                _ = cursor.next()
            }
        }
        if start > 0 {
            split(tree, &cursor, at: splitPoint(cursor, element, start))
            return insertIntoRoot(element, at: index)
        }
        ListRecord.with(newChunk(element), elements: 1, listpackBytes: size) {
            tree.insert($0, before: &cursor)
        }
        finish(root, listpackChange: size)
    }

    /// Puts an item before element `start` of the chunk at the cursor, if it has room.
    private func add(
        _ item: PackedItem, to tree: CountedTree<ListLayout>,
        _ cursor: inout CountedTree<ListLayout>.Cursor, at start: Int, _ size: Int
    ) -> Bool {
        let chunk = ListRecord(cursor.record).chunk
        guard ListEditor.fits(item, chunk.byteCount, ListChunk.mostBytes) else { return false }
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            let packed = record.packed(memory)
            packed.insert(item, before: packed.view.cursor(at: start))
            record.elements &+= 1
            record.listpackBytes &+= size
        }
        return true
    }

    /// Where to split the chunk at the cursor for an element that is to come before number `start`:
    /// in the middle if that makes room for it, right there if not.
    private func splitPoint(
        _ cursor: CountedTree<ListLayout>.Cursor, _ element: ListElement, _ start: Int
    ) -> Int {
        let record = ListRecord(cursor.record)
        if case .item(let item) = element, record.elements >= 4,
            ListEditor.fits(item, 0, ListChunk.smallBytes)
        {
            return record.elements / 2
        }
        return start
    }

    /// Moves the elements of the chunk at the cursor from number `start` on to a new chunk behind.
    private func split(
        _ tree: CountedTree<ListLayout>, _ cursor: inout CountedTree<ListLayout>.Cursor,
        at start: Int
    ) {
        let view = ListRecord(cursor.record).chunk.packed
        let at = view.cursor(at: start)
        let tail = PackedRun(view: view, start: at, end: view.end, count: view.count - start)
        let size = ListChunk.listpackBytes(tail)
        let (chunk, elements) = (newChunk(copying: tail), tail.count)
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            let packed = record.packed(memory)
            packed.remove(at: packed.view.cursor(at: start), count: elements)
            record.elements &-= elements
            record.listpackBytes &-= size
        }
        // Behind the last record of a leaf, too: `insert` takes the place before the next one.
        _ = cursor.next()
        ListRecord.with(chunk, elements: elements, listpackBytes: size) {
            tree.insert($0, before: &cursor)
        }
    }

    /// Puts another element in the place of the one of a number.
    func replace(at index: Int, with element: ListElement) {
        if case .item(let item) = element, replaceInPlace(at: index, with: item) { return }
        remove(from: index, count: 1)
        insert(element, at: index)
    }

    /// Writes over a packed element if its block does not get too large.
    private func replaceInPlace(at index: Int, with item: PackedItem) -> Bool {
        if !view.isRoot {
            let packed = view.packed
            guard ListEditor.fits(item, packed.byteCount, ListValue.packedBytes) else {
                return false
            }
            PackedBlock(place).replace(packed.cursor(at: index), with: item)
            return true
        }
        let root = writableRoot()
        let tree = tree(root)
        var (cursor, start) = tree.view.locate(index)
        let bytes = ListRecord(cursor.record).chunk.byteCount
        guard ListEditor.fits(item, bytes, ListChunk.mostBytes) else { return false }
        let packed = ListRecord(cursor.record).chunk.packed
        let at = packed.cursor(at: start)
        let change = ListpackSize.of(.item(item)) - ListpackSize.of(packed.payload(at: at))
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            record.packed(memory).replace(at, with: item)
            record.listpackBytes += change
        }
        finish(root, listpackChange: change)
        return true
    }
}

// MARK: - Ranges

extension ListEditor {
    /// Removes `count` elements from number `index` on, all of which there must be.
    func remove(from index: Int, count: Int) {
        guard count > 0 else { return }
        guard view.isRoot else {
            let packed = view.packed
            PackedBlock(place).remove(at: packed.cursor(at: index), count: count)
            return
        }
        let root = writableRoot()
        let tree = tree(root)
        let before = ListRoot.listpackBytes(root)
        var (rest, freed) = (count, 0)
        var (cursor, start) = tree.view.locate(index)
        if start > 0 {
            let here = min(rest, ListRecord(cursor.record).elements - start)
            freed += cut(tree, &cursor, from: start, count: here)
            rest -= here
        }
        tree.remove(within: index..<index + rest) { base in
            let record = ListRecord(base)
            rest -= record.elements
            freed += record.listpackBytes
            record.chunk.free(memory)
        }
        if rest > 0 {
            cursor = tree.view.locate(index).cursor
            freed += cut(tree, &cursor, from: 0, count: rest)
        }
        assert(before >= freed)
        finish(root, listpackChange: -freed)
        if index > 0 && index < tree.weight { mergeAround(tree, index) }
    }

    /// Removes some, not all, of the elements of the chunk at the cursor, and returns what they
    /// took in a listpack.
    private func cut(
        _ tree: CountedTree<ListLayout>, _ cursor: inout CountedTree<ListLayout>.Cursor,
        from start: Int, count: Int
    ) -> Int {
        let packed = ListRecord(cursor.record).chunk.packed
        let run = packed.run(at: packed.cursor(at: start), count: count)
        let size = ListChunk.listpackBytes(run)
        let at = run.start
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            record.packed(memory).remove(at: at, count: count)
            record.elements &-= count
            record.listpackBytes &-= size
        }
        return size
    }

    /// Merges the chunk that an element is in with its neighbours, if they are small.
    private func mergeAround(_ tree: CountedTree<ListLayout>, _ index: Int) {
        var cursor = tree.view.locate(index).cursor
        mergeWithPrevious(tree, &cursor)
        if cursor.next() { mergeWithPrevious(tree, &cursor) }
    }

    /// Adds the chunk at the cursor to the one before it if one of the two is small and both are
    /// not too large together. The cursor stays, or is at the chunk that took it.
    /// Returns whether it did.
    @discardableResult
    func mergeWithPrevious(
        _ tree: CountedTree<ListLayout>, _ cursor: inout CountedTree<ListLayout>.Cursor
    ) -> Bool {
        if cursor.isAtEnd { return false }
        let right = ListRecord(cursor.record)
        let (chunk, elements, size) = (right.chunk, right.elements, right.listpackBytes)
        guard cursor.previous() else { return false }
        let (leftBytes, bytes) = (ListRecord(cursor.record).chunk.byteCount, chunk.byteCount)
        guard min(leftBytes, bytes) < ListChunk.smallBytes,
            leftBytes + bytes <= ListChunk.mergedBytes
        else {
            _ = cursor.next()
            return false
        }
        tree.update(&cursor) { base in
            let record = ListRecord(base)
            let packed = record.packed(memory)
            packed.insert(chunk.packed.all, before: packed.view.end)
            record.elements &+= elements
            record.listpackBytes &+= size
        }
        _ = cursor.next()
        tree.remove(&cursor)
        chunk.free(memory)
        return cursor.previous()
    }
}
