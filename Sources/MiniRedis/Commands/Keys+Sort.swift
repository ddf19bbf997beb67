// SPDX-License-Identifier: BSD-3-Clause
//
// SORT and SORT_RO: the elements of a list, a set or a sorted set in order, or what other keys hold
// whose names are made of them.
//
//     elements --> rows --> BY: what each row weighs --> sorted --> LIMIT --> GET --> reply or list

extension Keys {
    static let sorts: [Command] = [
        Command(
            "SORT", in: .generic, since: "1.0.0", complexity: sortComplexity,
            summary: "Sorts the elements of a list, a set or a sorted set; may store the result.",
            flags: [.write, .denyOutOfMemory, .movableKeys, .dangerous, .sorting],
            syntax: sortSyntax + [
                .optional(
                    Syntax.storedKey("destination", [.overwrite, .update], token: "STORE"))
            ],
            run: .data(sort)),
        Command(
            "SORT_RO", in: .generic, since: "7.0.0", complexity: sortComplexity,
            summary: "Sorts the elements of a list, a set or a sorted set.",
            flags: [.readOnly, .movableKeys, .dangerous, .sorting],
            syntax: sortSyntax,
            run: .data(sortReadOnly)),
    ]

    private static let sortComplexity =
        "O(N*log(N)) where N is the number of elements; O(N) if they are not sorted."

    private static let sortSyntax: [Syntax] = [
        .key("key", [.readOnly, .access]),
        .optional(.keyPattern("by-pattern", [.readOnly, .access], token: "BY")),
        .optional(.block("limit", token: "LIMIT", .integer("offset"), .integer("count"))),
        .optional(.manyTokens(.keyPattern("get-pattern", [.readOnly, .access], token: "GET"))),
        .optional(.oneOf("order", .token("ASC"), .token("DESC"))),
        .optional(.token("ALPHA", name: "sorting")),
    ]

    /// What follows the key.
    private struct SortOptions {
        var isDescending = false
        var isText = false
        /// nil: the elements themselves are compared.
        var by: KeyPattern?
        var isSorted = true
        var offset: Int64 = 0
        /// Negative: all of them.
        var count: Int64 = -1
        var gets: [KeyPattern] = []
        /// The argument that is the key to store the result under.
        var target: Int?

        init(_ context: DataContext, mayStore: Bool) throws(ErrorReply) {
            var at = 2
            while at < context.count {
                let word = context[at]
                let left = context.count - at - 1
                if word.equalsFolded("asc") {
                    isDescending = false
                } else if word.equalsFolded("desc") {
                    isDescending = true
                } else if word.equalsFolded("alpha") {
                    isText = true
                } else if word.equalsFolded("limit"), left >= 2 {
                    offset = try context.integer(at + 1)
                    count = try context.integer(at + 2)
                    at += 2
                } else if left >= 1 && takeOne(word, context, at + 1, mayStore: mayStore) {
                    at += 1
                } else {
                    throw .syntax
                }
                at += 1
            }
        }

        /// Takes an option of one word; false if it is none.
        private mutating func takeOne(
            _ word: ByteView, _ context: DataContext, _ index: Int, mayStore: Bool
        ) -> Bool {
            if word.equalsFolded("by") {
                by = KeyPattern(context[index])
                if context[index].firstIndex(of: UInt8(ascii: "*")) == nil { isSorted = false }
            } else if word.equalsFolded("get") {
                gets.append(KeyPattern(context[index]))
            } else if mayStore && word.equalsFolded("store") {
                target = index
            } else {
                return false
            }
            return true
        }

        /// The rows that LIMIT lets through, of `total`.
        func range(of total: Int) -> Range<Int> {
            let start = Int(min(max(offset, 0), Int64(total)))
            let most = Int(min(max(count, -1), Int64(total)))
            return start..<(most < 0 ? total : min(start + most, total))
        }
    }

    /// https://redis.io/docs/latest/commands/sort/
    static func sort(_ context: DataContext) throws(ErrorReply) {
        try sort(context, SortOptions(context, mayStore: true))
    }

    /// https://redis.io/docs/latest/commands/sort_ro/
    static func sortReadOnly(_ context: DataContext) throws(ErrorReply) {
        try sort(context, SortOptions(context, mayStore: false))
    }

    /// Redis changes the encoding of a sorted set before it sorts it, and OBJECT ENCODING tells so
    /// from then on; here only the name changes.
    private static func nameSkiplist(_ context: DataContext, _ key: KeyArgument) {
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
        let limits = context.limits
        context.database.pointee.update(slot, key, .sortedSetAdd) { place in
            SortedSetEditor(place, limits).nameSkiplist()
            return 0
        }
    }

    private static func sort(
        _ context: DataContext, _ given: SortOptions
    ) throws(ErrorReply) {
        var options = given
        let key = context.key(1)
        let entry = context.database.pointee.read(key.bytes, key.hash)
        var rows = SortRows()
        if let entry {
            guard rows.canLoad(entry.type) else { throw .wrongType }
            if entry.type == .sortedSet { nameSkiplist(context, key) }
            // A set has no order of its own that a stored list could keep.
            if entry.type == .set && !options.isSorted && options.target != nil {
                options.isSorted = true
                options.isText = true
                options.by = nil
            }
            rows.load(entry, isReversed: !options.isSorted && options.isDescending)
        }
        if options.isSorted {
            rows.weigh(by: options.by, isText: options.isText, context)
            guard rows.areSortable else { throw .notSortable }
            rows.sort(isText: options.isText, isDescending: options.isDescending)
        }
        let range = options.range(of: rows.count)
        if let target = options.target {
            return store(rows, range, options.gets, context, key: target)
        }
        context.reply.array(range.count * max(1, options.gets.count))
        for index in range {
            let element = rows.element(index)
            if options.gets.isEmpty { context.reply.bulk(element) }
            for pattern in options.gets {
                pattern.withValue(of: element, context) { value in
                    if let value { context.reply.bulk(value) } else { context.reply.null() }
                }
            }
        }
    }

    /// Makes a list of the rows, or of what GET finds, an empty element where it finds nothing.
    private static func store(
        _ rows: borrowing SortRows, _ range: Range<Int>, _ gets: [KeyPattern],
        _ context: DataContext, key index: Int
    ) {
        let key = context.key(index)
        var list = ListBuilder(context.database.pointee.state.pointee.memory, context.limits)
        for index in range {
            let element = rows.element(index)
            if gets.isEmpty { list.append(element) }
            for pattern in gets {
                pattern.withValue(of: element, context) { list.append($0 ?? ByteView("")) }
            }
        }
        let count = list.count
        context.database.pointee.store(
            key.bytes, key.hash, CollectionSource(type: .list, base: list.finish()), .sortStore)
        context.reply.integer(count)
    }
}
