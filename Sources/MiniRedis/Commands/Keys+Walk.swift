// SPDX-License-Identifier: BSD-3-Clause
//
// Going over all keys: KEYS, SCAN.

extension Keys {
    static let walks: [Command] = [
        Command(
            "KEYS", in: .generic, since: "1.0.0",
            complexity: "O(N) where N is the number of keys, in the background.",
            summary: "Returns the names of all keys that match a pattern.",
            flags: [.readOnly, .dangerous, .keyspace],
            tips: ["request_policy:all_shards", "nondeterministic_output_order"],
            syntax: [.pattern("pattern")],
            run: .administration(keys)),
        Command(
            "SCAN", in: .generic, since: "2.8.0",
            complexity: "O(1) for a call, O(N) for the whole keyspace of N keys.",
            summary: "Returns some of the keys, and where to go on.",
            flags: [.readOnly, .keyspace],
            tips: ["nondeterministic_output", "request_policy:special"],
            syntax: [
                .integer("cursor"), .optional(.pattern("pattern", token: "MATCH")),
                .optional(.integer("count", token: "COUNT")),
                .optional(.string("type", token: "TYPE")).since("6.0.0"),
            ],
            run: .data(scan)),
    ]

    /// Below this many keys KEYS answers at once: it takes less than 0.2 ms.
    private static let smallKeyspace = 2000

    /// https://redis.io/docs/latest/commands/keys/
    ///
    /// A large keyspace is walked by a background thread on a snapshot: only the client that asked
    /// waits.
    static func keys(_ context: AdministrationContext) throws(ErrorReply) {
        let database = context.data.database
        guard database.pointee.count <= smallKeyspace else {
            return context.administration.replyKeys(
                context.data[1], database: context.session.pointee.databaseIndex,
                to: context.session)
        }
        let pattern = GlobPattern(context.data[1])
        let mark = context.reply.beginArray()
        var (found, cursor) = (0, UInt64(0))
        repeat {
            cursor = database.pointee.table.scan(cursor) { address in
                let entry = Entry(address)
                guard pattern.matchesKey(entry.key), database.pointee.isLive(entry) else { return }
                context.reply.bulk(entry.key)
                found += 1
            }
        } while cursor != 0
        context.reply.endArray(mark, found)
    }

    /// https://redis.io/docs/latest/commands/scan/
    ///
    /// The cursor is a place in the order of hashes; see `SegmentedTable+Walk`. For each key
    /// that is due one is removed when the walk, which must not change the table, is over.
    static func scan(_ context: DataContext) throws(ErrorReply) {
        let cursor = try ScanOptions.cursor(context[1])
        let options = try ScanOptions(context, from: 2, .type)
        let database = context.database
        context.reply.array(2)
        let start = context.reply.beginArray()
        var (found, next) = (0, cursor)
        var due = 0
        options.withFilter { matches in
            next = options.walk(from: cursor) { at in
                var seen = 0
                let following = database.pointee.table.scan(at) { address in
                    let entry = Entry(address)
                    seen += 1
                    guard matches(entry.key), isOfType(entry, options.type) else { return }
                    guard database.pointee.isLive(entry) else {
                        due += 1
                        return
                    }
                    context.reply.bulk(entry.key)
                    found += 1
                }
                return (following, seen)
            }
        }
        context.reply.endArray(start, found)
        context.reply.prepend(bulk: next, at: start)
        if due > 0 && !database.pointee.state.pointee.keepsDueKeys {
            _ = database.pointee.expireDue(budget: due)
        }
    }

    private static func isOfType(_ entry: Entry, _ type: ByteView?) -> Bool {
        guard let type else { return true }
        return type.equalsFolded(entry.type.name)
    }
}
