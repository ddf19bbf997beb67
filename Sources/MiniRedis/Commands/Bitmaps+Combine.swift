// SPDX-License-Identifier: BSD-3-Clause
//
// Strings combined bit by bit: BITOP.

extension Bitmaps {
    static let combinations: [Command] = [
        Command(
            "BITOP", in: .bitmap, since: "2.6.0",
            complexity: "O(N) where N is the length of the longest string.",
            summary: "Combines strings bit by bit and stores the result.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .oneOf(
                    "operation", .token("AND"), .token("OR"), .token("XOR"), .token("NOT")),
                .key("destkey", [.overwrite, .update]), .many(.key("key", [.readOnly, .access])),
            ],
            run: .data(combine))
    ]

    /// nil: turn the bits of the one string around.
    private static func combination(_ word: ByteView) throws(ErrorReply) -> BitCombination? {
        if word.equalsFolded("and") { return .and }
        if word.equalsFolded("or") { return .or }
        if word.equalsFolded("xor") { return .xor }
        guard word.equalsFolded("not") else { throw .syntax }
        return nil
    }

    /// https://redis.io/docs/latest/commands/bitop/
    ///
    /// The result is as long as the longest string that is really there. Nothing is stored of the
    /// strings between the two passes over the keys: they are looked up again.
    static func combine(_ context: DataContext) throws(ErrorReply) {
        let combination = try combination(context[1])
        if combination == nil && context.count != 4 { throw .bitOperationNot }
        var longest = 0
        for index in 3..<context.count {
            let entry = try context.entry(context.key(index), .string)
            longest = max(longest, entry?.string.count ?? 0)
        }
        let destination = context.key(2)
        guard longest > 0 else {
            if let slot = context.database.pointee.lookup(destination.bytes, destination.hash) {
                context.database.pointee.remove(slot, destination.hash)
            }
            return context.reply.integer(0)
        }
        let database = context.database
        Database.withMade(count: longest, database.pointee.heap) { result in
            write(combination, context, to: result, count: longest)
        } _: { value in
            database.pointee.set(destination.bytes, destination.hash, value, .clear, .set)
        }
        context.reply.integer(longest)
    }

    /// Writes the combination of the strings from argument 3 on to the `count` bytes at `result`.
    private static func write(
        _ combination: BitCombination?, _ context: DataContext,
        to result: UnsafeMutableRawPointer, count: Int
    ) {
        withString(context, 3) { first in
            guard let combination else {
                return BitCombination.writeInverted(first, to: result)
            }
            guard context.count > 4 else {
                // One string alone is a copy of itself.
                return BitCombination.or.write(first, ByteView(""), to: result, count: count)
            }
            withString(context, 4) { combination.write(first, $0, to: result, count: count) }
            for index in 5..<max(5, context.count) {
                withString(context, index) {
                    let soFar = ByteView(result, count: count)
                    combination.write(soFar, $0, to: result, count: count)
                }
            }
        }
    }

    /// Calls with the string of a key, or with an empty one.
    private static func withString(
        _ context: DataContext, _ index: Int, _ body: (ByteView) -> Void
    ) {
        let key = context.key(index)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            return body(ByteView(""))
        }
        Entry(slot.entry).string.withText(body)
    }
}
