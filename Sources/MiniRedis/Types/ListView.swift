// SPDX-License-Identifier: BSD-3-Clause
//
// A list as its readers see it: any thread, as long as the list's block is not written.

/// The elements of a list.
///
/// Ownership: owns nothing, valid until the list changes, as are the elements that it gives out.
struct ListView {
    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    var isRoot: Bool { @inline(__always) get { CollectionHeader(base).isRoot } }

    /// The number of elements.
    var count: Int { @inline(__always) get { CollectionHeader(base).count } }

    var packed: PackedView { @inline(__always) get { PackedView(base) } }

    /// The tree of a list that is a root.
    var tree: TreeView<ListLayout> {
        @inline(__always) get { TreeView(ListRoot.head(base)) }
    }

    /// Calls with `count` elements from number `index` on, as many as there are, until `body`
    /// returns false.
    @inline(__always)
    func forEachItemWhile(from index: Int, count: Int, _ body: (ListItem) -> Bool) {
        var rest = min(count, self.count &- index)
        guard rest > 0 else { return }
        if !isRoot {
            _ = packedChunk.forEachWhile(from: index, count: rest, body)
            return
        }
        var (cursor, start) = tree.locate(index)
        while rest > 0 {
            let record = ListRecord(cursor.record)
            let here = min(rest, record.elements &- start)
            guard record.chunk.forEachWhile(from: start, count: here, body) else { return }
            rest &-= here
            start = 0
            _ = cursor.next()
        }
    }

    /// Calls with each chunk, in order, until `body` returns false; a packed list is one chunk.
    /// Returns whether it was called with all of them.
    func forEachChunkWhile(_ body: (ListChunk) -> Bool) -> Bool {
        guard isRoot else { return body(packedChunk) }
        var cursor = tree.first()
        while !cursor.isAtEnd {
            guard body(ListRecord(cursor.record).chunk) else { return false }
            _ = cursor.next()
        }
        return true
    }

    /// Calls with `count` elements, which there must be, from an end on.
    @inline(__always)
    func forEachItem(from end: ListEnd, count: Int, _ body: (ListItem) -> Void) {
        if end == .left {
            return forEachItemWhile(from: 0, count: count) { item in
                body(item)
                return true
            }
        }
        if !isRoot { return packedChunk.forEachBackwards(count, body) }
        var (cursor, rest) = (tree.last(), count)
        while rest > 0 {
            let record = ListRecord(cursor.record)
            let here = min(rest, record.elements)
            record.chunk.forEachBackwards(here, body)
            rest &-= here
            _ = cursor.previous()
        }
    }

    /// The element of a number from 0 on, which there must be.
    func withItem<Result>(at index: Int, _ body: (ListItem) throws -> Result) rethrows -> Result {
        if !isRoot { return try body(ListItem(packed.payload(at: packed.cursor(at: index)))) }
        let (cursor, start) = tree.locate(index)
        let chunk = ListRecord(cursor.record).chunk
        if chunk.isReference { return try body(.block(chunk.block)) }
        return try body(ListItem(chunk.packed.payload(at: chunk.packed.cursor(at: start))))
    }

    /// The element at an end of a list that has any.
    @inline(__always)
    func item(at end: ListEnd) -> ListItem {
        let chunk = isRoot ? edgeChunk(end) : packedChunk
        if chunk.isReference { return .block(chunk.block) }
        let view = chunk.packed
        return ListItem(view.payload(at: end == .left ? view.first : view.last))
    }

    private func edgeChunk(_ end: ListEnd) -> ListChunk {
        let cursor = end == .left ? tree.first() : tree.last()
        return ListRecord(cursor.record).chunk
    }

    /// The block of a packed list, which is like a chunk.
    private var packedChunk: ListChunk {
        @inline(__always) get { ListChunk(UnsafeMutableRawPointer(mutating: base)) }
    }
}

// MARK: - For others

extension ListView {
    /// Calls with the text of each element, which lives while `body` runs, until it returns false.
    func forEachWhile(_ body: (ByteView) -> Bool) {
        forEachItemWhile(from: 0, count: count) { $0.withText(body) }
    }

    /// Calls with the text of each element, which lives while `body` runs.
    func forEach(_ body: (ByteView) -> Void) {
        forEachItemWhile(from: 0, count: count) { item in
            item.withText(body)
            return true
        }
    }
}

// MARK: - Searching

extension ListView {
    /// Calls with the number of each element that equals `element`, from `end` on, among `limit`
    /// elements, until `body` returns false.
    @inline(__always)
    func forEachMatch(
        _ element: ListElement, from end: ListEnd, limit: Int, _ body: (Int) -> Bool
    ) {
        var rest = min(limit, count)
        if !isRoot {
            let first = end == .left ? 0 : count &- rest
            _ = packedChunk.forEachMatch(element, from: end, limit: rest) { body(first &+ $0) }
            return
        }
        var cursor = end == .left ? tree.first() : tree.last()
        var passed = 0
        while rest > 0 {
            let record = ListRecord(cursor.record)
            let here = min(rest, record.elements)
            let first = end == .left ? passed : count &- passed &- here
            let goesOn = record.chunk.forEachMatch(element, from: end, limit: here) {
                body(first &+ $0)
            }
            guard goesOn else { return }
            passed &+= here
            rest &-= here
            _ = end == .left ? cursor.next() : cursor.previous()
        }
    }
}

extension ListChunk {
    /// The same in a chunk, which must have `limit` elements; numbers are from the first one that
    /// is looked at from the left. False if `body` was.
    @inline(__always)
    func forEachMatch(
        _ element: ListElement, from end: ListEnd, limit: Int, _ body: (Int) -> Bool
    ) -> Bool {
        guard limit > 0 else { return true }
        if isReference { return !isBlock(equalTo: element) || body(0) }
        guard case .item(let item) = element else { return true }
        let view = packed
        if end == .left {
            var at = view.first
            for number in 0..<limit {
                if view.isEqual(at: at, item) && !body(number) { return false }
                at = view.next(at)
            }
        } else {
            var at = view.end
            for number in (0..<limit).reversed() {
                at = view.previous(at)
                if view.isEqual(at: at, item) && !body(number) { return false }
            }
        }
        return true
    }

    /// Whether the huge element is this one.
    func isBlock(equalTo element: ListElement) -> Bool {
        guard case .block(let other) = element else { return false }
        return other.view == block.view
    }
}
