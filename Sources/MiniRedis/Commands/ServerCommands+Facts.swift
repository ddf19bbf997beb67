// SPDX-License-Identifier: BSD-3-Clause
//
// Small facts about the server: TIME, LASTSAVE, ROLE, LOLWUT; and SWAPDB.

extension ServerCommands {
    static let swaps: [Command] = [
        Command(
            "SWAPDB", in: .server, since: "4.0.0", complexity: "O(1)",
            summary: "Exchanges the keys of two databases, under their clients.",
            flags: [.write, .fast, .keyspace, .dangerous],
            syntax: [.integer("index1"), .integer("index2")],
            run: .administration(swapDatabases))
    ]

    static let facts: [Command] = [
        Command(
            "TIME", in: .server, since: "2.6.0", complexity: "O(1)",
            summary: "Returns the server's clock: seconds of Unix time, and microseconds.",
            flags: [.loading, .stale, .fast], tips: ["nondeterministic_output"],
            run: .administration(time)),
        Command(
            "LASTSAVE", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Returns the Unix time of the last save that succeeded.",
            flags: [.loading, .stale, .fast, .administrative], tips: ["nondeterministic_output"],
            run: .administration(lastSave)),
        Command(
            "LOLWUT", in: .server, since: "5.0.0", complexity: "O(1)",
            summary: "Draws a picture and names the version.",
            flags: [.readOnly, .fast],
            syntax: [.optional(.integer("version", token: "VERSION"))],
            run: .administration(draw)),
    ]

    /// https://redis.io/docs/latest/commands/swapdb/
    static func swapDatabases(_ context: AdministrationContext) throws(ErrorReply) {
        guard let first = DecimalInteger.parse(context.data[1]), Int32(exactly: first) != nil
        else { throw .invalidFirstDatabase }
        guard let second = DecimalInteger.parse(context.data[2]), Int32(exactly: second) != nil
        else { throw .invalidSecondDatabase }
        let keyspace = context.administration.keyspace
        let databases = 0..<Int64(keyspace.databaseCount)
        guard databases.contains(first), databases.contains(second) else {
            throw .databaseOutOfRange
        }
        keyspace.swap(Int(first), Int(second))
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/time/
    static func time(_ context: AdministrationContext) throws(ErrorReply) {
        let microseconds = context.administration.unixMicroseconds
        context.reply.array(2)
        context.reply.bulk(decimal: microseconds / 1_000_000)
        context.reply.bulk(decimal: microseconds % 1_000_000)
    }

    /// https://redis.io/docs/latest/commands/lastsave/
    static func lastSave(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(context.administration.lastSaveAt)
    }

    /// https://redis.io/docs/latest/commands/lolwut/
    ///
    /// A labyrinth of two strokes, in any version; `VERSION n columns rows` makes it larger.
    static func draw(_ context: AdministrationContext) throws(ErrorReply) {
        var (columns, rows): (Int64, Int64) = (40, 6)
        let arguments = context.data
        if arguments.count > 2, arguments[1].equalsFolded("version") {
            _ = try arguments.integer(2)
            if arguments.count > 3 { columns = try arguments.integer(3) }
            if arguments.count > 4 { rows = try arguments.integer(4) }
        }
        let state = arguments.database.pointee.state
        var text = ""
        for _ in 0..<min(max(rows, 1), 40) {
            for _ in 0..<min(max(columns, 1), 160) {
                text += state.pointee.random.below(2) == 0 ? "\u{2571}" : "\u{2572}"
            }
            text += "\n"
        }
        let version = context.administration.version
        context.reply.verbatim("\(text)\nA labyrinth, drawn by chance. Redis ver. \(version)\n")
    }
}
