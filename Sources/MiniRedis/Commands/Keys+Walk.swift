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

    private struct ScanOptions {
        var count = 10
        var pattern: ByteView?
        var type: ByteView?

        init(_ context: DataContext) throws(ErrorReply) {
            var at = 2
            while at < context.count {
                guard at + 1 < context.count else { throw .syntax }
                let word = context[at]
                if word.equalsFolded("count") {
                    let value = try context.integer(at + 1)
                    guard value >= 1 else { throw .syntax }
                    count = Int(value)
                } else if word.equalsFolded("match") {
                    pattern = context[at + 1]
                } else if word.equalsFolded("type") {
                    type = context[at + 1]
                } else {
                    throw .syntax
                }
                at += 2
            }
        }
    }

    /// https://redis.io/docs/latest/commands/scan/
    ///
    /// The cursor is a place in the order of hashes; see `SegmentedTable+Walk`. Buckets are visited
    /// until `COUNT` keys were looked at, or ten times as many buckets, so that a sparse table does
    /// not make one call long.
    static func scan(_ context: DataContext) throws(ErrorReply) {
        guard let cursor = unsigned(context[1]) else { throw .invalidCursor }
        let options = try ScanOptions(context)
        let database = context.database
        context.reply.array(2)
        let start = context.reply.beginArray()
        var (seen, found, buckets, next) = (0, 0, 0, cursor)
        let bound = options.count.multipliedReportingOverflow(by: 10)
        func step(_ matches: (Entry) -> Bool) {
            repeat {
                next = database.pointee.table.scan(next) { address in
                    let entry = Entry(address)
                    seen += 1
                    guard matches(entry), database.pointee.isLive(entry) else { return }
                    context.reply.bulk(entry.key)
                    found += 1
                }
                buckets += 1
            } while next != 0 && seen < options.count
                && (bound.overflow || buckets < bound.partialValue)
        }
        let type = options.type
        if let text = options.pattern {
            let pattern = GlobPattern(text)
            step { entry in pattern.matchesKey(entry.key) && isOfType(entry, type) }
        } else {
            step { entry in isOfType(entry, type) }
        }
        context.reply.endArray(start, found)
        context.reply.prepend(bulk: next, at: start)
    }

    private static func isOfType(_ entry: Entry, _ type: ByteView?) -> Bool {
        guard let type else { return true }
        return type.equalsFolded(entry.type.name)
    }

    /// A cursor: digits that 64 bits hold.
    private static func unsigned(_ text: ByteView) -> UInt64? {
        guard text.count > 0 && text.count <= 20 else { return nil }
        var value: UInt64 = 0
        for index in 0..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow && !carry else { return nil }
            value = sum
        }
        return value
    }
}
