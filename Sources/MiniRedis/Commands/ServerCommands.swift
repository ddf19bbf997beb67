// SPDX-License-Identifier: BSD-3-Clause
//
// The server as a whole: its databases, its settings, its reports, its saves and its end.

/// The commands on the server.
enum ServerCommands {
    static let declarations = databases + settings + saves + life

    private static let flushMode = Syntax.optional(
        .oneOf(
            "flush-type", .token("ASYNC").since("4.0.0"), .token("SYNC").since("6.2.0")))

    private static let databases: [Command] = [
        Command(
            "DBSIZE", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Counts the keys of the selected database.",
            flags: [.readOnly, .fast, .keyspace],
            tips: ["request_policy:all_shards", "response_policy:agg_sum"],
            run: .data(size)),
        Command(
            "FLUSHDB", in: .server, since: "1.0.0",
            complexity: "O(1); the memory comes back in slices.",
            summary: "Removes all keys of the selected database.",
            flags: [.write, .keyspace, .dangerous],
            tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
            syntax: [flushMode], run: .administration(flushDatabase)),
        Command(
            "FLUSHALL", in: .server, since: "1.0.0",
            complexity: "O(1); the memory comes back in slices.",
            summary: "Removes all keys of all databases.",
            flags: [.write, .keyspace, .dangerous],
            tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
            syntax: [flushMode], run: .administration(flushAll)),
        Command(
            "INFO", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Reports what the server is and does, in sections.",
            flags: [.loading, .stale, .dangerous],
            tips: [
                "nondeterministic_output", "request_policy:all_shards", "response_policy:special",
            ],
            syntax: [.optional(.many(.string("section")))],
            run: .administration(information)),
    ]

    private static let settings: [Command] = [
        Command(
            "CONFIG", in: .server, since: "2.0.0", complexity: "Depends on subcommand.",
            summary: "Reads and changes the settings of the running server.",
            subcommands: [
                Command(
                    "GET", in: .server, since: "2.0.0",
                    complexity: "O(N) where N is the number of patterns",
                    summary: "Returns the settings whose names match.",
                    flags: [.admin, .noScript, .loading, .stale],
                    syntax: [.many(.block("parameter", .string("parameter")))],
                    run: .administration(getSettings)),
                Command(
                    "SET", in: .server, since: "2.0.0",
                    complexity: "O(N) where N is the number of settings",
                    summary: "Changes settings, all of them or none.",
                    flags: [.admin, .noScript, .loading, .stale],
                    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
                    syntax: [.many(.block("data", .string("parameter"), .string("value")))],
                    run: .administration(setSettings)),
                Command(
                    "RESETSTAT", in: .server, since: "2.0.0", complexity: "O(1)",
                    summary: "Sets the counters of INFO to zero.",
                    flags: [.admin, .noScript, .loading, .stale],
                    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
                    run: .administration(resetStatistics)),
                Command(
                    "REWRITE", in: .server, since: "2.8.0", complexity: "O(1)",
                    summary: "Writes the settings that differ into the configuration file.",
                    flags: [.admin, .noScript, .loading, .stale],
                    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
                    run: .administration(rewrite)),
                .help(in: .server, since: "5.0.0"),
            ],
            run: .container)
    ]

    private static let life: [Command] = [
        Command(
            "SHUTDOWN", in: .server, since: "1.0.0",
            complexity: "O(N) when saving, where N is the number of keys; otherwise O(1)",
            summary: "Saves, if there are save points or SAVE asks for it, and ends the server.",
            flags: [.admin, .noScript, .loading, .stale, .noMulti, .allowBusy],
            syntax: [
                .optional(.oneOf("save-selector", .token("NOSAVE"), .token("SAVE"))),
                .optional(.token("NOW")).since("7.0.0"),
                .optional(.token("FORCE")).since("7.0.0"),
                .optional(.token("ABORT")).since("7.0.0"),
            ],
            run: .administration(shutDown))
    ]

    /// https://redis.io/docs/latest/commands/dbsize/
    static func size(_ context: DataContext) throws(ErrorReply) {
        context.reply.integer(context.database.pointee.count)
    }

    /// https://redis.io/docs/latest/commands/flushdb/
    static func flushDatabase(_ context: AdministrationContext) throws(ErrorReply) {
        try checkFlushMode(context.data)
        context.administration.keyspace.flush(context.session.pointee.databaseIndex)
        context.data.propagateRequest()
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/flushall/
    static func flushAll(_ context: AdministrationContext) throws(ErrorReply) {
        try checkFlushMode(context.data)
        let keyspace = context.administration.keyspace
        for index in 0..<keyspace.databaseCount { keyspace.flush(index) }
        context.data.propagateRequest()
        context.administration.flushedAll(for: context.session)
    }

    /// ASYNC and SYNC mean the same here: the keys are gone at once, the memory follows in slices.
    private static func checkFlushMode(_ arguments: DataContext) throws(ErrorReply) {
        guard arguments.count > 1 else { return }
        guard arguments.count == 2,
            arguments[1].equalsFolded("async") || arguments[1].equalsFolded("sync")
        else { throw .syntax }
    }

    /// https://redis.io/docs/latest/commands/info/
    static func information(_ context: AdministrationContext) throws(ErrorReply) {
        let sections = (1..<context.data.count).map { context.data[$0].string.lowercased() }
        context.reply.verbatim(context.administration.information(sections: sections))
    }

    /// https://redis.io/docs/latest/commands/config-get/
    static func getSettings(_ context: AdministrationContext) throws(ErrorReply) {
        let patterns = (2..<context.data.count).map { context.data[$0].string }
        let found = context.administration.settings(matching: patterns)
        context.reply.map(found.count)
        for (name, value) in found {
            context.reply.bulk(name)
            context.reply.bulk(value)
        }
    }

    /// https://redis.io/docs/latest/commands/config-set/
    static func setSettings(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.data.count % 2 == 0 else { throw .wrongArity }
        var pairs: [(String, String)] = []
        for at in stride(from: 2, to: context.data.count, by: 2) {
            pairs.append((context.data[at].string, context.data[at + 1].string))
        }
        if let text = context.administration.changeSettings(pairs, from: context.session.pointee) {
            context.reply.error(text)
            throw .written
        }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/config-resetstat/
    static func resetStatistics(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.resetStatistics()
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/config-rewrite/
    static func rewrite(_ context: AdministrationContext) throws(ErrorReply) {
        try context.administration.rewriteConfiguration(
            for: context.session, everything: false)
    }

    /// https://redis.io/docs/latest/commands/shutdown/
    static func shutDown(_ context: AdministrationContext) throws(ErrorReply) {
        var (mode, force, aborts) = (ShutdownMode.byConfiguration, false, false)
        for at in 1..<max(1, context.data.count) {
            let word = context.data[at]
            if word.equalsFolded("nosave"), mode != .save {
                mode = .noSave
            } else if word.equalsFolded("save"), mode != .noSave {
                mode = .save
            } else if word.equalsFolded("force") {
                force = true
            } else if word.equalsFolded("abort") {
                aborts = true
            } else if !word.equalsFolded("now") {
                throw .syntax
            }
        }
        if aborts {
            guard context.data.count == 2 else { throw .syntax }
            throw .noShutdownInProgress
        }
        context.administration.shutDown(mode, for: context.session, force: force)
    }
}
