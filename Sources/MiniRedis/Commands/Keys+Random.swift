// SPDX-License-Identifier: BSD-3-Clause
//
// A key at random: RANDOMKEY.

extension Keys {
    static let draws: [Command] = [
        Command(
            "RANDOMKEY", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Returns the name of a key, drawn evenly from all of them.",
            flags: [.readOnly, .keyspace],
            tips: ["request_policy:all_shards", "nondeterministic_output"],
            run: .data(random))
    ]

    /// https://redis.io/docs/latest/commands/randomkey/
    static func random(_ context: DataContext) throws(ErrorReply) {
        guard let entry = context.database.pointee.randomEntry() else {
            return context.reply.null()
        }
        context.reply.bulk(entry.key)
    }
}
