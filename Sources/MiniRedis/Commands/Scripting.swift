// SPDX-License-Identifier: BSD-3-Clause
//
// FUNCTION, SCRIPT and EVAL, as those of a server that holds no function and no script and runs
// none: questions are answered, clearing what is not there succeeds, and running is refused with
// a reason.

/// The scripting commands.
enum Scripting {
    private static let flushMode = Syntax.optional(
        .oneOf("flush-type", .token("ASYNC"), .token("SYNC")))
    private static let everyShard = [
        "request_policy:all_shards", "response_policy:all_succeeded",
    ]

    static let declarations: [Command] = [
        Command(
            "FUNCTION", in: .scripting, since: "7.0.0", complexity: "Depends on subcommand.",
            summary: "Manages functions, of which this server has none.",
            subcommands: functionChanges + functionQuestions
                + [.help(in: .scripting, since: "7.0.0")],
            run: .container),
        Command(
            "SCRIPT", in: .scripting, since: "2.6.0", complexity: "Depends on subcommand.",
            summary: "Manages cached scripts, of which this server has none.",
            subcommands: scripts + [.help(in: .scripting, since: "5.0.0")],
            run: .container),
    ]

    private static let functionChanges: [Command] = [
        Command(
            "DELETE", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Deletes a library.", flags: [.write, .noScript], tips: everyShard,
            syntax: [.string("library-name")],
            run: .session { _ throws(ErrorReply) in throw .libraryNotFound }),
        Command(
            "FLUSH", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Deletes all libraries.", flags: [.write, .noScript], tips: everyShard,
            syntax: [flushMode],
            run: .session { context throws(ErrorReply) in
                try flush(context, .functionFlushMode)
            }),
        Command(
            "LOAD", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Refused: this server runs no functions.",
            flags: [.write, .denyOutOfMemory, .noScript], tips: everyShard,
            syntax: [.optional(.token("REPLACE")), .string("function-code")],
            run: .session { _ throws(ErrorReply) in throw .noFunctions }),
        Command(
            "RESTORE", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Refused: this server runs no functions.",
            flags: [.write, .denyOutOfMemory, .noScript], tips: everyShard,
            syntax: [
                .string("serialized-value"),
                .optional(
                    .oneOf("policy", .token("FLUSH"), .token("APPEND"), .token("REPLACE"))),
            ],
            run: .session { _ throws(ErrorReply) in throw .noFunctions }),
    ]

    private static let functionQuestions: [Command] = [
        Command(
            "DUMP", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Returns the serialized libraries.", flags: [.noScript],
            run: .session(dumpFunctions)),
        Command(
            "KILL", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Ends the running function.", flags: [.noScript, .allowBusy],
            tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
            run: .session { _ throws(ErrorReply) in throw .notBusy }),
        Command(
            "LIST", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Returns the libraries.", flags: [.noScript],
            tips: ["nondeterministic_output_order"],
            syntax: [
                .optional(.string("library-name-pattern", token: "LIBRARYNAME")),
                .optional(.token("WITHCODE")),
            ],
            run: .session(listFunctions)),
        Command(
            "STATS", in: .scripting, since: "7.0.0", complexity: "O(1)",
            summary: "Returns the running function and the counts of libraries.",
            flags: [.noScript, .allowBusy],
            tips: [
                "nondeterministic_output", "request_policy:all_shards", "response_policy:special",
            ],
            run: .session(describeFunctions)),
    ]

    private static let scripts: [Command] = [
        Command(
            "DEBUG", in: .scripting, since: "3.2.0", complexity: "O(1)",
            summary: "Refused: this server runs no scripts.", flags: [.noScript],
            syntax: [.oneOf("mode", .token("YES"), .token("SYNC"), .token("NO"))],
            run: .session { _ throws(ErrorReply) in throw .noScripts }),
        Command(
            "EXISTS", in: .scripting, since: "2.6.0",
            complexity: "O(N) where N is the number of digests",
            summary: "Tells for each digest whether its script is cached.", flags: [.noScript],
            tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
            syntax: [.many(.string("sha1"))], run: .session(findScripts)),
        Command(
            "FLUSH", in: .scripting, since: "2.6.0", complexity: "O(1)",
            summary: "Forgets all cached scripts.", flags: [.noScript],
            tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
            syntax: [flushMode.since("6.2.0")],
            run: .session { context throws(ErrorReply) in
                try flush(context, .scriptFlushMode)
            }),
        Command(
            "KILL", in: .scripting, since: "2.6.0", complexity: "O(1)",
            summary: "Ends the running script.", flags: [.noScript, .allowBusy],
            tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
            run: .session { _ throws(ErrorReply) in throw .notBusy }),
        Command(
            "LOAD", in: .scripting, since: "2.6.0", complexity: "O(1)",
            summary: "Refused: this server runs no scripts.", flags: [.noScript, .stale],
            tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
            syntax: [.string("script")],
            run: .session { _ throws(ErrorReply) in throw .noScripts }),
    ]

    // MARK: - Running

    /// EVAL, EVALSHA, FCALL and their read-only forms: they differ in name, age and flags.
    static let evaluations: [Command] = [
        evaluation("EVAL", "script", since: "2.6.0", [.skipMonitor], .noScripts),
        evaluation("EVALSHA", "sha1", since: "2.6.0", [.skipMonitor], .noScripts),
        evaluation("EVAL_RO", "script", since: "7.0.0", [.readOnly, .skipMonitor], .noScripts),
        evaluation("EVALSHA_RO", "sha1", since: "7.0.0", [.readOnly, .skipMonitor], .noScripts),
        evaluation("FCALL", "function", since: "7.0.0", [.skipMonitor], .noFunctions),
        evaluation(
            "FCALL_RO", "function", since: "7.0.0", [.readOnly, .skipMonitor], .noFunctions),
    ]

    private static func evaluation(
        _ name: String, _ subject: String, since: String, _ flags: CommandFlags,
        _ refusal: ErrorReply
    ) -> Command {
        let access: KeyAccess =
            flags.contains(.readOnly) ? [.readOnly, .access] : [.readWrite, .access, .update]
        return Command(
            name, in: .scripting, since: since,
            complexity: "Depends on the script that is executed.",
            summary: "Refused: this server runs no scripts and no functions.",
            flags: flags.union([.noScript, .stale, .noMandatoryKeys, .movableKeys]),
            syntax: [
                .string(subject), .integer("numkeys"), .optional(.many(.key("key", access))),
                .optional(.many(.string("arg"))),
            ],
            run: .session { _ throws(ErrorReply) in throw refusal })
    }

    // MARK: - Answers

    /// https://redis.io/docs/latest/commands/function-flush/
    private static func flush(
        _ context: SessionContext, _ refusal: ErrorReply
    ) throws(ErrorReply) {
        let arguments = context.data
        if arguments.count > 2 {
            guard arguments.count == 3,
                arguments[2].equalsFolded("async") || arguments[2].equalsFolded("sync")
            else { throw refusal }
        }
        context.reply.ok()
    }

    /// The version of dumps that Redis 7.2 writes.
    private static let dumpVersion: UInt16 = 11

    /// https://redis.io/docs/latest/commands/function-dump/
    static func dumpFunctions(_ context: SessionContext) throws(ErrorReply) {
        var payload = ByteBuffer(capacity: 16)
        payload.append(littleEndian: dumpVersion)
        var checksum = CRC64()
        checksum.update(payload.view)
        payload.append(littleEndian: checksum.value)
        context.reply.bulk(payload.view)
    }

    /// https://redis.io/docs/latest/commands/function-list/
    static func listFunctions(_ context: SessionContext) throws(ErrorReply) {
        var at = 2
        while at < context.data.count {
            let word = context.data[at]
            if word.equalsFolded("withcode") {
                at += 1
            } else if word.equalsFolded("libraryname") {
                guard at + 1 < context.data.count else {
                    context.reply.error("ERR library name argument was not given")
                    throw .written
                }
                at += 2
            } else {
                context.reply.error("ERR Unknown argument \(word.string)")
                throw .written
            }
        }
        context.reply.array(0)
    }

    /// https://redis.io/docs/latest/commands/function-stats/
    static func describeFunctions(_ context: SessionContext) throws(ErrorReply) {
        let reply = context.reply
        reply.map(2)
        reply.bulk("running_script")
        reply.null()
        reply.bulk("engines")
        reply.map(1)
        reply.bulk("LUA")
        reply.map(2)
        reply.bulk("libraries_count")
        reply.integer(0)
        reply.bulk("functions_count")
        reply.integer(0)
    }

    /// https://redis.io/docs/latest/commands/script-exists/
    static func findScripts(_ context: SessionContext) throws(ErrorReply) {
        context.reply.array(context.data.count - 2)
        for _ in 2..<context.data.count { context.reply.integer(0) }
    }
}
