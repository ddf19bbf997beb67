// SPDX-License-Identifier: BSD-3-Clause
//
// Hashes: fields by chance.

extension Hashes {
    static let draws: [Command] = [
        Command(
            "HRANDFIELD", in: .hash, since: "6.2.0",
            complexity: "O(N) where N is the number of fields to return.",
            summary: "Returns fields by chance; each may come more than once for a negative count.",
            flags: [.readOnly], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readOnly, .access]),
                .optional(
                    .block("options", .integer("count"), .optional(.token("WITHVALUES")))),
            ],
            run: .data(randomField))
    ]

    /// https://redis.io/docs/latest/commands/hrandfield/
    ///
    /// As many fields as one likes, the same ones again, would be a reply of any size: there is a
    /// limit, as of SRANDMEMBER.
    static func randomField(_ context: DataContext) throws(ErrorReply) {
        let state = context.database.pointee.state
        guard context.count > 2 else {
            guard let view = try view(context), view.count > 0 else {
                return context.reply.null()
            }
            return view.withRandomField(&state.pointee.random) { field, _ in
                context.reply.bulk(field)
            }
        }
        let wanted = try context.integer(2)
        guard wanted != .min else { throw .drawsOutOfRange }
        guard context.count == 3 || context.count == 4 && context[3].equalsFolded("withvalues")
        else { throw .syntax }
        let withValues = context.count == 4
        if withValues && wanted.magnitude > Int64.max / 2 { throw .outOfRange }
        guard let view = try view(context), wanted != 0, view.count > 0 else {
            return context.reply.array(0)
        }
        guard wanted > 0 || -wanted <= Sets.mostRepeated else { throw .outOfRange }
        let count = wanted > 0 ? Int(min(wanted, Int64(view.count))) : Int(-wanted)
        let isNested = withValues && context.reply.version == 3
        context.reply.array(withValues && !isNested ? count * 2 : count)
        func write(_ field: ByteView, _ value: ByteView) {
            if isNested { context.reply.array(2) }
            context.reply.bulk(field)
            if withValues { context.reply.bulk(value) }
        }
        if wanted > 0 { return view.sample(count, &state.pointee.random, write) }
        for _ in 0..<count { view.withRandomField(&state.pointee.random, write) }
    }
}
