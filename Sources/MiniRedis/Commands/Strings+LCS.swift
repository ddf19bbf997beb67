// SPDX-License-Identifier: BSD-3-Clause
//
// What two strings have in common: LCS.

extension Strings {
    static let comparisons: [Command] = [
        Command(
            "LCS", in: .string, since: "7.0.0",
            complexity: "O(N*M/64) where N and M are the lengths of the strings.",
            summary: "Finds the longest common subsequence of two strings.",
            flags: [.readOnly],
            syntax: [
                .key("key1", [.readOnly, .access]), .key("key2", [.readOnly, .access]),
                .optional(.token("LEN")), .optional(.token("IDX")),
                .optional(.integer("min-match-len", token: "MINMATCHLEN")),
                .optional(.token("WITHMATCHLEN")),
            ],
            run: .data(longestCommonSubsequence))
    ]

    private struct ComparisonOptions {
        var wantsLength = false
        var wantsIndexes = false
        var shortestMatch: Int64 = 0
        var showsMatchLength = false

        init(_ context: DataContext) throws(ErrorReply) {
            var at = 3
            while at < context.count {
                let word = context[at]
                if word.equalsFolded("idx") {
                    wantsIndexes = true
                } else if word.equalsFolded("len") {
                    wantsLength = true
                } else if word.equalsFolded("withmatchlen") {
                    showsMatchLength = true
                } else if word.equalsFolded("minmatchlen"), at + 1 < context.count {
                    at += 1
                    shortestMatch = try context.integer(at)
                } else {
                    throw .syntax
                }
                at += 1
            }
            if wantsIndexes && wantsLength { throw .lengthOrIndexes }
        }
    }

    /// https://redis.io/docs/latest/commands/lcs/
    static func longestCommonSubsequence(_ context: DataContext) throws(ErrorReply) {
        let (firstKey, secondKey) = (context.key(1), context.key(2))
        let first = context.database.pointee.read(firstKey.bytes, firstKey.hash)
        let second = context.database.pointee.read(secondKey.bytes, secondKey.hash)
        guard first?.type ?? .string == .string, second?.type ?? .string == .string else {
            throw .keysMustHoldStrings
        }
        let options = try ComparisonOptions(context)
        let nothing = StringPayload.bytes(ByteView(""))
        let error = (first?.string ?? nothing).withText { first in
            (second?.string ?? nothing).withText { second in
                compare(first, second, options, context)
            }
        }
        if let error { throw error }
    }

    /// Writes the reply, or returns why there is none.
    private static func compare(
        _ first: ByteView, _ second: ByteView, _ options: ComparisonOptions,
        _ context: DataContext
    ) -> ErrorReply? {
        guard first.count < UInt32.max - 1, second.count < UInt32.max - 1 else {
            return .tooLongToCompare
        }
        // The memory that Redis takes: a word of 32 bits for each cell. Ours is less, the limit
        // the same.
        let cells = (first.count + 1).multipliedReportingOverflow(by: second.count + 1)
        guard !cells.overflow, cells.partialValue <= Int.max / 4 else {
            return .comparisonOutOfMemory
        }
        guard cells.partialValue * 4 <= context.longestString else { return .comparisonTooLarge }
        let keepsRows = options.wantsIndexes || !options.wantsLength
        guard let found = LongestCommonSubsequence(first, second, keepsRows: keepsRows) else {
            return .comparisonOutOfMemory
        }
        if options.wantsLength {
            context.reply.integer(found.length)
        } else if options.wantsIndexes {
            replyMatches(found, options, context.reply)
        } else {
            found.withText { context.reply.bulk($0) }
        }
        return nil
    }

    private static func replyMatches(
        _ found: borrowing LongestCommonSubsequence, _ options: ComparisonOptions,
        _ reply: ReplyWriter
    ) {
        reply.map(2)
        reply.bulk("matches")
        let mark = reply.beginArray()
        var count = 0
        found.forEachMatch { match in
            guard match.count >= options.shortestMatch else { return }
            reply.array(options.showsMatchLength ? 3 : 2)
            for start in [match.first, match.second] {
                reply.array(2)
                reply.integer(start)
                reply.integer(start + match.count - 1)
            }
            if options.showsMatchLength { reply.integer(match.count) }
            count += 1
        }
        reply.endArray(mark, count)
        reply.bulk("len")
        reply.integer(found.length)
    }
}
