// SPDX-License-Identifier: BSD-3-Clause
//
// Strings that count with fractions: INCRBYFLOAT.

extension Strings {
    static let floats: [Command] = [
        Command(
            "INCRBYFLOAT", in: .string, since: "2.6.0", complexity: "O(1)",
            summary: "Adds a number with a fraction to the one that a key holds.",
            flags: [.write, .denyOutOfMemory, .fast],
            syntax: [.key("key", [.readWrite, .access, .update]), .double("increment")],
            run: .data(incrementByFloat))
    ]

    /// https://redis.io/docs/latest/commands/incrbyfloat/
    ///
    /// The sum is stored as text even where it is an integer: OBJECT ENCODING shows it.
    static func incrementByFloat(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        var old: LongDouble = 0
        let slot = context.database.pointee.lookup(key.bytes, key.hash)
        if let slot {
            let entry = Entry(slot.entry)
            guard entry.type == .string else { throw .wrongType }
            guard let value = number(entry.string) else { throw .notFloat }
            old = value
        }
        guard let increment = FloatingPointText.parseLong(context[2]) else { throw .notFloat }
        let sum = old + increment
        guard sum.isFinite else { throw .incrementNotFinite }
        FloatingPointText.withText(sum) { text in
            if let slot {
                context.database.pointee.overwrite(
                    slot, key.bytes, key.hash, .bytes(text), .keep, .incrementByFloat)
            } else {
                context.database.pointee.add(
                    key.bytes, key.hash, .bytes(text), nil, .incrementByFloat)
            }
            context.propagate(4) {
                $0.add("SET")
                $0.add(key.bytes)
                $0.add(text)
                $0.add("KEEPTTL")
            }
            context.reply.bulk(text)
        }
    }

    private static func number(_ payload: StringPayload) -> LongDouble? {
        switch payload {
        case .integer(let value): LongDouble(value)
        case .bytes(let text): FloatingPointText.parseLong(text)
        }
    }
}
