// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that count: INCR, DECR, INCRBY, DECRBY.

extension Strings {
    static let counters: [Command] = [
        Command(
            "INCR", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Adds one to the integer that a key holds; a missing key counts as 0.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .access, .update])],
            run: .data(increment)),
        Command(
            "DECR", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Takes one from the integer that a key holds; a missing key counts as 0.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .access, .update])],
            run: .data(decrement)),
        Command(
            "INCRBY", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Adds an integer to the one that a key holds.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .access, .update]), .integer("increment")],
            run: .data(incrementBy)),
        Command(
            "DECRBY", in: .string, since: "1.0.0", complexity: "O(1)",
            summary: "Takes an integer from the one that a key holds.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .access, .update]), .integer("decrement")],
            run: .data(decrementBy)),
    ]

    /// https://redis.io/docs/latest/commands/incr/
    static func increment(_ context: DataContext) throws(ErrorReply) {
        try add(1, context)
    }

    /// https://redis.io/docs/latest/commands/decr/
    static func decrement(_ context: DataContext) throws(ErrorReply) {
        try add(-1, context)
    }

    /// https://redis.io/docs/latest/commands/incrby/
    static func incrementBy(_ context: DataContext) throws(ErrorReply) {
        try add(try context.integer(2), context)
    }

    /// https://redis.io/docs/latest/commands/decrby/
    static func decrementBy(_ context: DataContext) throws(ErrorReply) {
        let amount = try context.integer(2)
        guard amount != .min else { throw .decrementOverflow }
        try add(-amount, context)
    }

    @inline(__always)
    private static func add(_ amount: Int64, _ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            context.database.pointee.add(
                key.bytes, key.hash, .integer(amount), nil, .incrementBy)
            return context.reply.integer(amount)
        }
        let entry = Entry(slot.entry)
        guard entry.type == .string else { throw .wrongType }
        let old: Int64
        switch entry.string {
        case .integer(let value): old = value
        case .bytes(let text):
            guard let value = DecimalInteger.parse(text) else { throw .notInteger }
            old = value
        }
        let (sum, overflow) = old.addingReportingOverflow(amount)
        guard !overflow else { throw .overflow }
        context.database.pointee.setInteger(slot, key.hash, sum)
        context.reply.integer(sum)
    }
}
