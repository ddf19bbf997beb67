// SPDX-License-Identifier: BSD-3-Clause
//
// A list from which equal elements are removed, chunk by chunk. A chunk of nothing else goes as a
// whole; what is left of others is merged with what was gone through before.

extension ListEditor {
    /// Removes up to `limit` elements that equal this one, from `end` on; returns how many.
    func removeMatches(of element: ListElement, from end: ListEnd, limit: Int) -> Int {
        guard view.isRoot else {
            guard case .item(let item) = element else { return 0 }
            return ListEditor.remove(item, from: end, limit: limit, in: PackedBlock(place))
        }
        let root = writableRoot()
        let tree = tree(root)
        var cursor = end == .left ? tree.view.first() : tree.view.last()
        var (rest, goesOn) = (limit, true)
        while goesOn && rest > 0 {
            let record = ListRecord(cursor.record)
            let found = matches(of: element, in: record.chunk, record.elements, atMost: rest)
            if found == record.elements {
                rest -= found
                removeChunk(root, tree, &cursor)
                goesOn = end == .left ? !cursor.isAtEnd : cursor.previous()
                continue
            }
            if found > 0, case .item(let item) = element {
                let size = ListpackSize.of(element) * found
                tree.update(&cursor) { base in
                    let record = ListRecord(base)
                    _ = ListEditor.remove(
                        item, from: end, limit: found, in: record.packed(memory))
                    record.elements &-= found
                    record.listpackBytes &-= size
                }
                finish(root, listpackChange: -size)
                rest -= found
                mergeWithPassed(tree, &cursor, end)
            }
            goesOn = end == .left ? cursor.next() : cursor.previous()
        }
        return limit - rest
    }

    /// How many elements of a chunk equal this one; no more than `atMost` are counted.
    private func matches(
        of element: ListElement, in chunk: ListChunk, _ elements: Int, atMost limit: Int
    ) -> Int {
        var found = 0
        _ = chunk.forEachMatch(element, from: .left, limit: elements) { _ in
            found += 1
            return found < limit
        }
        return found
    }

    /// Merges the chunk at the cursor, if it is small, with the neighbour that was gone through
    /// before it. The cursor stays.
    private func mergeWithPassed(
        _ tree: CountedTree<ListLayout>, _ cursor: inout CountedTree<ListLayout>.Cursor,
        _ end: ListEnd
    ) {
        if end == .left {
            mergeWithPrevious(tree, &cursor)
        } else {
            let isLast = !cursor.next()
            if isLast || !mergeWithPrevious(tree, &cursor) { _ = cursor.previous() }
        }
    }

    /// Removes up to `limit` items that equal this one; returns how many.
    private static func remove(
        _ item: PackedItem, from end: ListEnd, limit: Int, in block: PackedBlock
    ) -> Int {
        end == .left
            ? removeForwards(item, limit, block) : removeBackwards(item, limit, block)
    }

    private static func removeForwards(
        _ item: PackedItem, _ limit: Int, _ block: PackedBlock
    ) -> Int {
        var at = block.view.first
        var removed = 0
        while at < block.view.end && removed < limit {
            let view = block.view
            var (end, count) = (at, 0)
            while end < view.end && removed + count < limit && view.isEqual(at: end, item) {
                end = view.next(end)
                count += 1
            }
            if count == 0 {
                at = view.next(at)
            } else {
                block.remove(PackedRun(view: view, start: at, end: end, count: count))
                removed += count
            }
        }
        return removed
    }

    private static func removeBackwards(
        _ item: PackedItem, _ limit: Int, _ block: PackedBlock
    ) -> Int {
        var at = block.view.end
        var removed = 0
        while at > block.view.first && removed < limit {
            at = block.view.previous(at)
            if block.view.isEqual(at: at, item) {
                block.remove(at: at)
                removed += 1
            }
        }
        return removed
    }
}
