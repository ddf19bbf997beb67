// SPDX-License-Identifier: BSD-3-Clause
//
// Strings as arrays of integers of any width: BITFIELD, BITFIELD_RO.
//
// All operations are read before the first one is done, and read again when it is done: nothing is
// kept of them in between.

extension Bitmaps {
    static let fields: [Command] = [
        Command(
            "BITFIELD", in: .bitmap, since: "3.2.0", complexity: "O(1) for each operation.",
            summary: "Reads and changes integers of any width in a string.",
            flags: [.write, .denyOutOfMemory],
            syntax: [
                .key("key", [.readWrite, .access, .update, .variableFlags]),
                .optional(.many(.oneOf("operation", getBlock, writeBlock))),
            ],
            run: .data(changeFields)),
        Command(
            "BITFIELD_RO", in: .bitmap, since: "6.0.0", complexity: "O(1) for each operation.",
            summary: "Reads integers of any width in a string.",
            flags: [.readOnly, .fast],
            syntax: [
                .key("key", [.readOnly, .access]), .optional(.manyTokens(getBlock)),
            ],
            run: .data(readFields)),
    ]

    private static let getBlock = Syntax.block(
        "get-block", token: "GET", .string("encoding"), .integer("offset"))
    private static let writeBlock = Syntax.block(
        "write",
        .optional(
            .oneOf(
                "overflow-block", token: "OVERFLOW", .token("WRAP"), .token("SAT"),
                .token("FAIL"))),
        .oneOf(
            "write-operation",
            .block(
                "set-block", token: "SET", .string("encoding"), .integer("offset"),
                .integer("value")),
            .block(
                "incrby-block", token: "INCRBY", .string("encoding"), .integer("offset"),
                .integer("increment"))))

    /// What becomes of a number that its field cannot hold.
    private enum Overflow {
        case wrap, saturate, fail
    }

    /// What a field holds: i1 to i64, u1 to u63.
    private struct FieldType {
        var isSigned: Bool
        var width: Int

        init(_ text: ByteView) throws(ErrorReply) {
            guard text.count > 1, text[0] == UInt8(ascii: "i") || text[0] == UInt8(ascii: "u"),
                let width = DecimalInteger.parse(text.suffix(from: 1))
            else { throw .bitFieldType }
            isSigned = text[0] == UInt8(ascii: "i")
            guard width >= 1, width <= (isSigned ? 64 : 63) else { throw .bitFieldType }
            self.width = Int(width)
        }

        private var least: Int64 { isSigned ? Int64.min >> Int64(64 - width) : 0 }
        private var most: Int64 {
            isSigned ? ~least : Int64(bitPattern: UInt64.max >> UInt64(64 - width))
        }

        func read(_ text: ByteView, _ offset: Int) -> Int64 {
            let bits = text.bitField(at: offset, width: width)
            guard isSigned else { return Int64(bitPattern: bits) }
            return Int64(bitPattern: bits << UInt64(64 - width)) >> Int64(64 - width)
        }

        /// `value + increment` as the field can hold it, or nil if it cannot and is not to change.
        /// A negative value for an unsigned field is a very large one, as in Redis.
        func sum(_ value: Int64, _ increment: Int64, _ overflow: Overflow) -> Int64? {
            let isHuge = !isSigned && value < 0
            let (sum, carried) = value.addingReportingOverflow(increment)
            // So far below zero that the way to `most` needs more than 63 bits: Redis takes it for
            // a number that is too large.
            let isFar = isSigned && width < 64 && increment > most &- value
            let isAbove = isHuge || isFar || (carried ? increment > 0 : sum > most)
            let isBelow = !isAbove && (carried ? increment < 0 : sum < least)
            guard isAbove || isBelow else { return sum }
            switch overflow {
            case .fail: return nil
            case .saturate: return isAbove ? most : least
            case .wrap:
                let bits = UInt64(bitPattern: sum) << UInt64(64 - width)
                return isSigned
                    ? Int64(bitPattern: bits) >> Int64(64 - width)
                    : Int64(bitPattern: bits >> UInt64(64 - width))
            }
        }
    }

    private struct Operation {
        enum Kind {
            case get, set, increment
        }

        var kind: Kind
        var type: FieldType
        var offset: Int
        var amount: Int64
        var overflow: Overflow
    }

    /// Reads the operations, from argument 2 on.
    private static func forEachOperation(
        _ context: DataContext, _ body: (Operation) -> Void
    ) throws(ErrorReply) {
        var overflow = Overflow.wrap
        var at = 2
        while at < context.count {
            let (word, left) = (context[at], context.count - at - 1)
            if word.equalsFolded("overflow"), left >= 1 {
                overflow = try readOverflow(context[at + 1])
                at += 2
                continue
            }
            let kind: Operation.Kind
            if word.equalsFolded("get"), left >= 2 {
                kind = .get
            } else if word.equalsFolded("set"), left >= 3 {
                kind = .set
            } else if word.equalsFolded("incrby"), left >= 3 {
                kind = .increment
            } else {
                throw .syntax
            }
            let type = try FieldType(context[at + 1])
            let offset = try offset(context, at + 2, fields: type.width)
            let amount = kind == .get ? 0 : try context.integer(at + 3)
            body(
                Operation(
                    kind: kind, type: type, offset: offset, amount: amount, overflow: overflow))
            at += kind == .get ? 3 : 4
        }
    }

    private static func readOverflow(_ word: ByteView) throws(ErrorReply) -> Overflow {
        if word.equalsFolded("wrap") { return .wrap }
        if word.equalsFolded("sat") { return .saturate }
        guard word.equalsFolded("fail") else { throw .bitFieldOverflow }
        return .fail
    }

    /// What all operations are together.
    private struct Survey {
        var count = 0
        /// The end of the last field that is written, in bits; 0 if none is.
        var end = 0

        init(_ context: DataContext) throws(ErrorReply) {
            var survey = (count: 0, end: 0)
            try forEachOperation(context) { operation in
                survey.count += 1
                guard operation.kind != .get else { return }
                survey.end = max(survey.end, operation.offset + operation.type.width)
            }
            (count, end) = survey
        }
    }

    /// https://redis.io/docs/latest/commands/bitfield/
    static func changeFields(_ context: DataContext) throws(ErrorReply) {
        let survey = try Survey(context)
        guard survey.end > 0 else { return try reply(context, survey) }
        let key = context.key(1)
        let slot = try context.slot(key, .string)
        context.reply.array(survey.count)
        let least = (survey.end + 7) >> 3
        context.database.pointee.editString(slot, key, atLeast: least, .setBit) { bits in
            var changes = 0
            // They have been read before: there is no error.
            try? forEachOperation(context) { operation in
                changes += perform(operation, bits, context.reply) ? 1 : 0
            }
            return changes
        }
    }

    /// Does one operation and writes its reply; returns whether a bit has changed.
    private static func perform(
        _ operation: Operation, _ bits: BitString, _ reply: ReplyWriter
    ) -> Bool {
        let type = operation.type
        let old = type.read(bits.view, operation.offset)
        let new: Int64?
        switch operation.kind {
        case .get:
            reply.integer(old)
            return false
        case .set: new = type.sum(operation.amount, 0, operation.overflow)
        case .increment: new = type.sum(old, operation.amount, operation.overflow)
        }
        guard let new else {
            reply.null()
            return false
        }
        reply.integer(operation.kind == .set ? old : new)
        guard new != old else { return false }
        bits.setBitField(at: operation.offset, width: type.width, UInt64(bitPattern: new))
        return true
    }

    /// https://redis.io/docs/latest/commands/bitfield_ro/
    static func readFields(_ context: DataContext) throws(ErrorReply) {
        let survey = try Survey(context)
        guard survey.end == 0 else { throw .bitFieldReadOnly }
        try reply(context, survey)
    }

    /// The reply to operations that only read.
    private static func reply(_ context: DataContext, _ survey: Survey) throws(ErrorReply) {
        let entry = try context.entry(context.key(1), .string)
        context.reply.array(survey.count)
        let answer = { (text: ByteView) in
            try? forEachOperation(context) { operation in
                context.reply.integer(operation.type.read(text, operation.offset))
            }
        }
        guard let entry else {
            _ = answer(ByteView(""))
            return
        }
        _ = entry.string.withText(answer)
    }
}
