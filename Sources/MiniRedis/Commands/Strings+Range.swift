// SPDX-License-Identifier: BSD-3-Clause
//
// Parts of strings: GETRANGE and its old name SUBSTR, SETRANGE.

extension Strings {
    static let ranges: [Command] = [
        Command(
            "GETRANGE", in: .string, since: "2.4.0",
            complexity: "O(N) where N is the length of the part.",
            summary: "Returns a part of the string that a key holds.",
            flags: [.readOnly],
            syntax: [.key("key", [.readOnly, .access]), .integer("start"), .integer("end")],
            run: .data(getRange)),
        Command(
            "SUBSTR", in: .string, since: "1.0.0",
            complexity: "O(N) where N is the length of the part.",
            summary: "Returns a part of the string that a key holds.",
            flags: [.readOnly],
            deprecated: Deprecation(since: "2.0.0", replacement: "`GETRANGE`"),
            syntax: [.key("key", [.readOnly, .access]), .integer("start"), .integer("end")],
            run: .data(getRange)),
        Command(
            "SETRANGE", in: .string, since: "2.2.0",
            complexity: "O(N) where N is the length of the value and of the gap before it.",
            summary: "Writes over a part of the string that a key holds; creates the key.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .update]), .integer("offset"), .string("value"),
            ],
            run: .data(setRange)),
    ]

    /// Parts of this many bytes and more are sent from the block where they lie.
    private static let referenceFromBytes = 16 * 1024

    /// https://redis.io/docs/latest/commands/getrange/
    static func getRange(_ context: DataContext) throws(ErrorReply) {
        let (start, end) = (try context.integer(2), try context.integer(3))
        let key = context.key(1)
        guard let entry = context.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.bulk("")
        }
        guard entry.type == .string else { throw .wrongType }
        let range = range(start, end, of: entry.string.count)
        guard range.count >= referenceFromBytes, entry.encoding == .block else {
            return entry.string.withText {
                context.reply.bulk($0.slice(range.lowerBound, range.count))
            }
        }
        let block = entry.block
        block.retain()
        context.frame.pointee.referencedBytes += range.count
        context.reply.bulk(
            referring: block.view.slice(range.lowerBound, range.count), owner: block.address,
            through: context.frame.pointee.references)
    }

    /// The bytes from `start` to `end`, both included and, if negative, counted from the end.
    private static func range(_ start: Int64, _ end: Int64, of count: Int) -> Range<Int> {
        guard count > 0, !(start < 0 && end < 0 && start > end) else { return 0..<0 }
        let size = Int64(count)
        let first = start < 0 ? max(0, size &+ start) : start
        let last = min(size - 1, end < 0 ? max(0, size &+ end) : end)
        return first <= last ? Int(first)..<Int(last) + 1 : 0..<0
    }

    /// https://redis.io/docs/latest/commands/setrange/
    static func setRange(_ context: DataContext) throws(ErrorReply) {
        let offset = try context.integer(2)
        guard offset >= 0 else { throw .offsetOutOfRange }
        let (key, patch) = (context.key(1), context[3])
        let (end, overflow) = Int(offset).addingReportingOverflow(patch.count)
        let isTooLong = overflow || end > context.longestString
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            if patch.isEmpty { return context.reply.integer(0) }
            guard !isTooLong else { throw .stringTooLong }
            context.database.pointee.addRange(key.bytes, key.hash, Int(offset), patch)
            return context.reply.integer(end)
        }
        let entry = Entry(slot.entry)
        guard entry.type == .string else { throw .wrongType }
        if patch.isEmpty { return context.reply.integer(entry.string.count) }
        guard !isTooLong else { throw .stringTooLong }
        context.reply.integer(
            context.database.pointee.setRange(slot, key.hash, Int(offset), patch))
    }
}
