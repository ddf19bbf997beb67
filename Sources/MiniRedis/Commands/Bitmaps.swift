// SPDX-License-Identifier: BSD-3-Clause
//
// Strings as rows of bits: SETBIT, GETBIT, BITCOUNT, BITPOS.

enum Bitmaps {
    static let declarations: [Command] = [
        Command(
            "SETBIT", in: .bitmap, since: "2.2.0", complexity: "O(1)",
            summary: "Changes one bit of the string that a key holds; creates the key.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .access, .update]), .integer("offset"), .integer("value"),
            ],
            run: .data(setBit)),
        Command(
            "GETBIT", in: .bitmap, since: "2.2.0", complexity: "O(1)",
            summary: "Returns one bit of the string that a key holds.",
            flags: [.readOnly, .fast],
            syntax: [.key("key", [.readOnly, .access]), .integer("offset")],
            run: .data(getBit)),
        Command(
            "BITCOUNT", in: .bitmap, since: "2.6.0",
            complexity: "O(N) where N is the number of bytes looked at.",
            summary: "Counts the ones in a string or in a part of it.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]),
                .optional(.block("range", .integer("start"), .integer("end"), unit)),
            ],
            run: .data(countOnes)),
        Command(
            "BITPOS", in: .bitmap, since: "2.8.7",
            complexity: "O(N) where N is the number of bytes looked at.",
            summary: "Finds the first one or the first zero in a string or in a part of it.",
            flags: [.readOnly],
            syntax: [
                .key("key", [.readOnly, .access]), .integer("bit"),
                .optional(
                    .block(
                        "range", .integer("start"),
                        .optional(.block("end-unit-block", .integer("end"), unit)))),
            ],
            run: .data(findBit)),
    ]

    private static let unit = Syntax.optional(
        .oneOf("unit", .token("BYTE"), .token("BIT")).since("7.0.0"))

    /// The place of a bit that a field of `width` bits begins with: an integer, or, where `width`
    /// is given, one behind a `#` that counts such fields.
    static func offset(
        _ context: DataContext, _ index: Int, fields width: Int? = nil
    ) throws(ErrorReply) -> Int {
        var text = context[index]
        var scale: Int64 = 1
        if let width, text.count > 0, text[0] == UInt8(ascii: "#") {
            text = text.suffix(from: 1)
            scale = Int64(width)
        }
        guard let number = DecimalInteger.parse(text) else { throw .bitOffset }
        let (offset, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow, offset >= 0, offset >> 3 < Int64(context.longestString) else {
            throw .bitOffset
        }
        return Int(offset)
    }

    /// https://redis.io/docs/latest/commands/setbit/
    static func setBit(_ context: DataContext) throws(ErrorReply) {
        let offset = try offset(context, 2)
        let bit = DecimalInteger.parse(context[3])
        guard bit == 0 || bit == 1 else { throw .bitValue }
        let key = context.key(1)
        let slot = try context.slot(key, .string)
        var old = 0
        context.database.pointee.editString(slot, key, atLeast: offset >> 3 + 1, .setBit) { bits in
            old = bits.view.bit(offset)
            guard old != bit.map(Int.init) else { return 0 }
            bits.setBit(offset, bit == 1)
            return 1
        }
        context.reply.integer(old)
    }

    /// https://redis.io/docs/latest/commands/getbit/
    static func getBit(_ context: DataContext) throws(ErrorReply) {
        let offset = try offset(context, 2)
        guard let entry = try context.entry(context.key(1), .string) else {
            return context.reply.integer(0)
        }
        context.reply.integer(entry.string.withText { $0.bit(offset) })
    }

    // MARK: - Ranges

    /// What BITCOUNT and BITPOS take of a string: a start and an end, both included and, if
    /// negative, counted from the end, in bytes or bits.
    private struct Part {
        var start: Int64 = 0
        var end: Int64?
        var isInBits = false

        /// Reads what follows argument `first`, which is the start if there is one.
        init(_ context: DataContext, from first: Int, needsEnd: Bool) throws(ErrorReply) {
            let given = context.count - first
            guard given <= 3, !(needsEnd && given == 1) else { throw .syntax }
            if given < 1 { return }
            start = try context.integer(first)
            if given == 3 {
                isInBits = context[first + 2].equalsFolded("bit")
                guard isInBits || context[first + 2].equalsFolded("byte") else { throw .syntax }
            }
            if given >= 2 { end = try context.integer(first + 1) }
        }

        /// The bits of a string of `count` bytes.
        func bits(of count: Int) -> Range<Int> {
            let unit: Int64 = isInBits ? 1 : 8
            let total = Int64(count) * 8 / unit
            let first = start < 0 ? max(0, total &+ start) : start
            let last = min(total - 1, (end ?? -1) < 0 ? max(0, total &+ (end ?? -1)) : end ?? 0)
            guard first <= last else { return 0..<0 }
            return Int(first * unit)..<Int((last + 1) * unit)
        }
    }

    /// https://redis.io/docs/latest/commands/bitcount/
    static func countOnes(_ context: DataContext) throws(ErrorReply) {
        let part = try Part(context, from: 2, needsEnd: true)
        guard let entry = try context.entry(context.key(1), .string) else {
            return context.reply.integer(0)
        }
        if part.start < 0, let end = part.end, end < 0, part.start > end {
            return context.reply.integer(0)
        }
        context.reply.integer(
            entry.string.withText { $0.countOnes(in: part.bits(of: $0.count)) })
    }

    /// https://redis.io/docs/latest/commands/bitpos/
    ///
    /// Behind the end of a string there are zeros, unless the caller has named an end.
    static func findBit(_ context: DataContext) throws(ErrorReply) {
        let bit = try context.integer(2)
        guard bit == 0 || bit == 1 else { throw .bitArgument }
        let part = try Part(context, from: 3, needsEnd: false)
        guard let entry = try context.entry(context.key(1), .string) else {
            return context.reply.integer(bit == 0 ? 0 : -1)
        }
        let place = entry.string.withText { text -> Int in
            let range = part.bits(of: text.count)
            if let place = text.firstBit(bit == 1, in: range) { return place }
            let isOpen = bit == 0 && part.end == nil && !range.isEmpty
            return isOpen ? range.upperBound : -1
        }
        context.reply.integer(place)
    }
}
