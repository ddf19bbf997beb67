// SPDX-License-Identifier: BSD-3-Clause
//
// The rows that SORT puts in order: copies of the elements, and what each is compared by.
//
// All texts lie in one buffer, one behind the other, a row knows where its own are. So a sort takes
// the bytes of the elements (and of the weights), and some 40 bytes for each.

struct SortRows: ~Copyable {
    private struct Row {
        /// Where the element is in `texts`.
        var start: Int
        var count: Int
        /// What it is compared by: a number, or the place of a text in `texts` (-1: there is none).
        var score = 0.0
        var weightStart = -1
        var weightCount = 0
    }

    private var texts = ByteBuffer()
    private var rows: [Row] = []
    /// Whether every weight was a number, where it had to be.
    private(set) var areSortable = true
    private var isWeighed = false

    var count: Int { rows.count }

    /// The element of a row; valid until rows are loaded or weighed.
    func element(_ index: Int) -> ByteView { text(rows[index].start, rows[index].count) }

    private func text(_ start: Int, _ count: Int) -> ByteView { texts.view.slice(start, count) }

    // MARK: - Loading

    func canLoad(_ type: ValueType) -> Bool {
        switch type {
        case .list, .set, .sortedSet: true
        case .string, .hash, .stream: false
        }
    }

    /// Takes the elements of a value, in their order or in the opposite one.
    mutating func load(_ entry: Entry, isReversed: Bool) {
        switch entry.type {
        case .list: ListView(entry.collection).forEach { add($0) }
        case .set: SetView(entry.collection).forEach { add($0) }
        case .sortedSet: SortedSetView(entry.collection).forEach { member, _ in add(member) }
        case .string, .hash, .stream: break
        }
        if isReversed && entry.type != .set { rows.reverse() }
    }

    private mutating func add(_ element: ByteView) {
        rows.append(Row(start: texts.count, count: element.count))
        texts.append(element)
    }

    // MARK: - Weighing

    /// Finds what each row is compared by: what the pattern leads to, or the element itself.
    mutating func weigh(by pattern: KeyPattern?, isText: Bool, _ context: DataContext) {
        isWeighed = pattern != nil
        if pattern == nil && isText { return }
        for index in 0..<rows.count {
            guard let pattern else {
                setScore(index, rows[index].start, rows[index].count)
                continue
            }
            let start = texts.count
            // The element lies in the buffer that its weight is added to.
            var weight = ByteBuffer()
            let isThere = pattern.withValue(of: element(index), context) { value in
                if let value { weight.append(value) }
                return value != nil
            }
            guard isThere else { continue }
            texts.append(weight.view)
            if isText {
                rows[index].weightStart = start
                rows[index].weightCount = weight.count
            } else {
                setScore(index, start, weight.count)
                texts.removeLast(weight.count)
            }
        }
    }

    private mutating func setScore(_ index: Int, _ start: Int, _ count: Int) {
        if let score = FloatingPointText.parseLeniently(text(start, count)) {
            rows[index].score = score
        } else {
            areSortable = false
        }
    }

    // MARK: - Sorting

    /// Rows that are equal in every respect keep their order.
    mutating func sort(isText: Bool, isDescending: Bool) {
        let bytes = texts.view
        let isWeighed = isWeighed
        rows.sort { left, right in
            let (first, second) = isDescending ? (right, left) : (left, right)
            if !isText {
                if first.score != second.score { return first.score < second.score }
            } else if isWeighed {
                return Self.precedes(first, second, bytes)
            }
            let text = bytes.slice(first.start, first.count)
            return text.compare(bytes.slice(second.start, second.count)) < 0
        }
    }

    /// A row without a weight comes before those that have one.
    private static func precedes(_ first: Row, _ second: Row, _ bytes: ByteView) -> Bool {
        if first.weightStart < 0 || second.weightStart < 0 {
            return first.weightStart < 0 && second.weightStart >= 0
        }
        let text = bytes.slice(first.weightStart, first.weightCount)
        return text.compare(bytes.slice(second.weightStart, second.weightCount)) < 0
    }
}
