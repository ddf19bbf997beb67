// SPDX-License-Identifier: BSD-3-Clause
//
// Lists: elements put in at either end, and how many there are.

/// The commands on lists.
enum Lists {
    static let pushes: [Command] = [
        pushing("LPUSH", since: "1.0.0", "Puts elements in front of a list; creates the list.") {
            context throws(ErrorReply) in try push(context, .left)
        },
        pushing("RPUSH", since: "1.0.0", "Puts elements behind a list; creates the list.") {
            context throws(ErrorReply) in try push(context, .right)
        },
        pushing("LPUSHX", since: "2.2.0", "Puts elements in front of a list that exists.") {
            context throws(ErrorReply) in try pushIfPresent(context, .left)
        },
        pushing("RPUSHX", since: "2.2.0", "Puts elements behind a list that exists.") {
            context throws(ErrorReply) in try pushIfPresent(context, .right)
        },
        Command(
            "LLEN", in: .list, since: "1.0.0", complexity: "O(1)",
            summary: "Counts the elements of a list.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly])],
            run: .data(length)),
    ]

    private static func pushing(
        _ name: String, since: String, _ summary: String, _ run: @escaping DataHandler
    ) -> Command {
        Command(
            name, in: .list, since: since,
            complexity: "O(N) where N is the number of elements to put in.", summary: summary,
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .insert]), .many(.string("element"))],
            run: .data(run))
    }

    /// https://redis.io/docs/latest/commands/lpush/
    @inline(__always)
    private static func push(_ context: DataContext, _ end: ListEnd) throws(ErrorReply) {
        var total = 0
        try context.updateOrCreate(context.key(1), .list, pushEvent(end)) { place in
            total = add(context, end, to: place)
            return context.count - 2
        }
        context.reply.integer(total)
    }

    /// https://redis.io/docs/latest/commands/lpushx/
    private static func pushIfPresent(
        _ context: DataContext, _ end: ListEnd
    ) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .list) else { return context.reply.integer(0) }
        var total = 0
        context.database.pointee.update(slot, key, pushEvent(end)) { place in
            total = add(context, end, to: place)
            return context.count - 2
        }
        context.reply.integer(total)
    }

    /// Puts the arguments from number 2 on in, one by one; returns the length.
    @inline(__always)
    private static func add(_ context: DataContext, _ end: ListEnd, to place: BlockPlace) -> Int {
        let editor = ListEditor(place, context.limits)
        var bytes = 0
        for index in 2..<context.count { bytes &+= context[index].count }
        editor.prepareForGrowth(bytes: bytes, elements: context.count &- 2)
        for index in 2..<context.count { editor.push(context.listElement(index), end) }
        return editor.view.count
    }

    @inline(__always)
    static func pushEvent(_ end: ListEnd) -> KeyspaceEvent {
        end == .left ? .leftPush : .rightPush
    }

    @inline(__always)
    static func popEvent(_ end: ListEnd) -> KeyspaceEvent { end == .left ? .leftPop : .rightPop }

    /// https://redis.io/docs/latest/commands/llen/
    static func length(_ context: DataContext) throws(ErrorReply) {
        let base = try context.collection(context.key(1), .list)
        context.reply.integer(base.map { ListView($0).count } ?? 0)
    }
}

extension DataContext {
    /// The argument as an element of a list; a huge one as a block with a reference that the list
    /// must take over.
    @inline(__always)
    func listElement(_ index: Int) -> ListElement {
        let text = self[index]
        if text.count < ReferencedBlock.threshold { return .item(PackedItem(text)) }
        if case .block(let block) = stringSource(index) { return .block(block) }
        return ListElement(text, database.pointee.heap)
    }

    /// Calls with the argument as an element to look for.
    func withListElement<Result>(_ index: Int, _ body: (ListElement) -> Result) -> Result {
        let element = listElement(index)
        defer {
            if case .block(let block) = element { block.release(database.pointee.heap) }
        }
        return body(element)
    }

    /// Writes an element as a bulk reply; a huge one without copying it.
    @inline(__always)
    func replyItem(_ item: ListItem) {
        switch item {
        case .bytes(let text): reply.bulk(text)
        case .integer(let value): reply.bulk(decimal: value)
        case .block(let block): replyBlock(block)
        }
    }

    /// The end of a list that an argument names.
    func listEnd(_ index: Int) throws(ErrorReply) -> ListEnd {
        if self[index].equalsFolded("left") { return .left }
        if self[index].equalsFolded("right") { return .right }
        throw .syntax
    }

    /// The range of numbers from argument `start` to the one behind it, both included and, if
    /// negative, counted from the end, of a list of `count` elements.
    static func range(_ start: Int64, _ stop: Int64, of count: Int) -> Range<Int> {
        let size = Int64(count)
        let first = max(0, start < 0 ? size &+ start : start)
        let last = min(size &- 1, stop < 0 ? size &+ stop : stop)
        return first <= last ? Int(first)..<Int(last) + 1 : 0..<0
    }
}
