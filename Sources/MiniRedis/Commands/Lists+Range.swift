// SPDX-License-Identifier: BSD-3-Clause
//
// Lists: elements by their number, and those that equal one.

extension Lists {
    static let reads: [Command] = [
        Command(
            "LRANGE", in: .list, since: "1.0.0",
            complexity: "O(log(S)+N) where S is the length and N the number of elements returned.",
            summary: "Returns the elements of a list from one number to another one.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), .integer("start"), .integer("stop")],
            run: .data(range)),
        Command(
            "LINDEX", in: .list, since: "1.0.0",
            complexity: "O(log(N)) where N is the length of the list.",
            summary: "Returns the element of a list that has a number.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), .integer("index")],
            run: .data(index)),
        Command(
            "LPOS", in: .list, since: "6.0.6",
            complexity: "O(N) where N is the length of the list, or MAXLEN if that is less.",
            summary: "Returns the numbers of the elements of a list that equal one.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]), .string("element"),
                .optional(.integer("rank", token: "RANK")),
                .optional(.integer("num-matches", token: "COUNT")),
                .optional(.integer("len", token: "MAXLEN")),
            ],
            run: .data(position)),
    ]

    /// https://redis.io/docs/latest/commands/lrange/
    static func range(_ context: DataContext) throws(ErrorReply) {
        let (start, stop) = (try context.integer(2), try context.integer(3))
        guard let base = try context.collection(context.key(1), .list) else {
            return context.reply.array(0)
        }
        let view = ListView(base)
        let range = DataContext.range(start, stop, of: view.count)
        context.reply.array(range.count)
        view.forEachItemWhile(from: range.lowerBound, count: range.count) { item in
            context.replyItem(item)
            return true
        }
    }

    /// https://redis.io/docs/latest/commands/lindex/
    static func index(_ context: DataContext) throws(ErrorReply) {
        guard let base = try context.collection(context.key(1), .list) else {
            return context.reply.null()
        }
        let view = ListView(base)
        guard let index = number(try context.integer(2), of: view.count) else {
            return context.reply.null()
        }
        view.withItem(at: index) { context.replyItem($0) }
    }

    /// A number that, if negative, counts from the end; nil if there is no such element.
    static func number(_ index: Int64, of count: Int) -> Int? {
        let number = index < 0 ? Int64(count) &+ index : index
        return number >= 0 && number < Int64(count) ? Int(number) : nil
    }

    /// What follows the element in LPOS.
    private struct Search {
        var end = ListEnd.left
        /// Matches that do not count.
        var skipped: Int64 = 0
        /// 0 is all of them; nil asks for one and no array.
        var matches: Int64?
        /// 0 is all of the list.
        var length: Int64 = 0

        init(_ context: DataContext) throws(ErrorReply) {
            for at in stride(from: 3, to: context.count, by: 2) {
                let word = context[at]
                guard at + 1 < context.count else { throw .syntax }
                if word.equalsFolded("rank") {
                    let rank = try context.integer(at + 1)
                    guard rank != .min else { throw .drawsOutOfRange }
                    guard rank != 0 else { throw .rankIsZero }
                    end = rank < 0 ? .right : .left
                    skipped = abs(rank) - 1
                } else if word.equalsFolded("count") {
                    matches = DecimalInteger.parse(context[at + 1])
                    guard let matches, matches >= 0 else { throw .countIsNegative }
                } else if word.equalsFolded("maxlen") {
                    guard let length = DecimalInteger.parse(context[at + 1]), length >= 0 else {
                        throw .maximumLengthIsNegative
                    }
                    self.length = length
                } else {
                    throw .syntax
                }
            }
        }
    }

    /// https://redis.io/docs/latest/commands/lpos/
    static func position(_ context: DataContext) throws(ErrorReply) {
        let search = try Search(context)
        let base = try context.collection(context.key(1), .list)
        let mark = context.reply.beginArray()
        var (skipped, found) = (search.skipped, Int64(0))
        let wanted = search.matches ?? 1
        if let base {
            let limit = search.length == 0 ? Int.max : Int(search.length)
            context.withListElement(2) { element in
                ListView(base).forEachMatch(element, from: search.end, limit: limit) { index in
                    if skipped > 0 {
                        skipped -= 1
                        return true
                    }
                    context.reply.integer(index)
                    found += 1
                    return found != wanted
                }
            }
        }
        if search.matches != nil {
            context.reply.endArray(mark, Int(found))
        } else if found == 0 {
            context.reply.null()
        }
    }
}
