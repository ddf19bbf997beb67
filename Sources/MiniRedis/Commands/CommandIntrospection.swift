// SPDX-License-Identifier: BSD-3-Clause
//
// The commands about commands: COMMAND and its family. All of it derives from the declarations.

/// COMMAND, COUNT, INFO, DOCS, LIST, GETKEYS.
enum CommandIntrospection {
    static let declarations: [Command] = [
        Command(
            "COMMAND", in: .server, since: "2.8.13",
            complexity: "O(N) where N is the number of commands",
            summary: "Describes all commands.",
            flags: [.loading, .stale, .connection],
            arity: -1,  // Without a subcommand it answers what COMMAND INFO does for all.
            tips: ["nondeterministic_output_order"],
            subcommands: [
                Command(
                    "COUNT", in: .server, since: "2.8.13", complexity: "O(1)",
                    summary: "Counts the commands.", flags: [.loading, .stale, .connection],
                    run: .administration(countAll)),
                Command(
                    "INFO", in: .server, since: "2.8.13",
                    complexity: "O(N) where N is the number of names",
                    summary: "Describes commands for programs.",
                    flags: [.loading, .stale, .connection],
                    tips: ["nondeterministic_output_order"],
                    syntax: [.optional(.many(.string("command-name")))],
                    run: .administration(describe)),
                Command(
                    "DOCS", in: .server, since: "7.0.0",
                    complexity: "O(N) where N is the number of names",
                    summary: "Describes commands for people, their arguments included.",
                    flags: [.loading, .stale, .connection],
                    tips: ["nondeterministic_output_order"],
                    syntax: [.optional(.many(.string("command-name")))],
                    run: .administration(document)),
                Command(
                    "LIST", in: .server, since: "7.0.0",
                    complexity: "O(N) where N is the number of commands",
                    summary: "Returns the names of all commands, or of those that a filter lets.",
                    flags: [.loading, .stale, .connection],
                    tips: ["nondeterministic_output_order"],
                    syntax: [
                        .optional(
                            .oneOf(
                                "filterby", token: "FILTERBY",
                                .string("module-name", token: "MODULE"),
                                .string("category", token: "ACLCAT"),
                                .pattern("pattern", token: "PATTERN")))
                    ],
                    run: .administration(list)),
                Command(
                    "GETKEYS", in: .server, since: "2.8.13",
                    complexity: "O(N) where N is the number of arguments",
                    summary: "Returns the keys among the arguments of a command.",
                    flags: [.loading, .stale, .connection],
                    syntax: [.string("command"), .optional(.many(.string("arg")))],
                    run: .administration(keys)),
                Command(
                    "GETKEYSANDFLAGS", in: .server, since: "7.0.0",
                    complexity: "O(N) where N is the number of arguments",
                    summary: "Returns the keys of a command and what it does with each.",
                    flags: [.loading, .stale, .connection],
                    syntax: [.string("command"), .optional(.many(.string("arg")))],
                    run: .administration(keysAndFlags)),
                .help(in: .server, since: "5.0.0", flags: [.connection]),
            ],
            run: .administration(describe))
    ]

    /// https://redis.io/docs/latest/commands/command-count/
    static func countAll(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.integer(context.administration.commandTable.topLevelCount)
    }

    /// https://redis.io/docs/latest/commands/command-info/
    static func describe(_ context: AdministrationContext) throws(ErrorReply) {
        let table = context.administration.commandTable
        if context.data.count <= 2 {
            context.reply.array(table.topLevelCount)
            for index in 0..<table.topLevelCount { writeInfo(index, table, context.reply) }
            return
        }
        context.reply.array(context.data.count - 2)
        for at in 2..<context.data.count {
            if let index = named(context.data[at], table) {
                writeInfo(index, table, context.reply)
            } else {
                context.reply.null()
            }
        }
    }

    /// https://redis.io/docs/latest/commands/command-docs/
    static func document(_ context: AdministrationContext) throws(ErrorReply) {
        let table = context.administration.commandTable
        var indexes = Array(0..<table.topLevelCount)
        if context.data.count > 2 {
            indexes = (2..<context.data.count).compactMap { named(context.data[$0], table) }
        }
        context.reply.map(indexes.count)
        for index in indexes { writeDocumentation(index, table, context.reply) }
    }

    /// https://redis.io/docs/latest/commands/command-list/
    static func list(_ context: AdministrationContext) throws(ErrorReply) {
        let table = context.administration.commandTable
        let arguments = context.data
        var indexes = Array(0..<table.commands.count)
        if arguments.count > 2 {
            guard arguments.count == 5, arguments[2].equalsFolded("filterby") else { throw .syntax }
            let value = arguments[4]
            if arguments[3].equalsFolded("module") {
                indexes = []
            } else if arguments[3].equalsFolded("aclcat") {
                let category = "@" + value.string.lowercased()
                indexes = indexes.filter { table.commands[$0].categories.contains(category) }
            } else if arguments[3].equalsFolded("pattern") {
                let pattern = GlobPattern(value, ignoringCase: true)
                indexes = indexes.filter { index in
                    var name = table.names[index]
                    return name.withUTF8 { bytes in
                        bytes.baseAddress.map {
                            pattern.matches(ByteView($0, count: bytes.count))
                        } ?? false
                    }
                }
            } else {
                throw .syntax
            }
        }
        context.reply.set(indexes.count)
        for index in indexes { context.reply.bulk(table.names[index]) }
    }

    /// The command that is asked about, and where its keys are.
    private static func inquired(
        _ context: AdministrationContext
    ) throws(ErrorReply) -> ([KeySpecification], Request) {
        let table = context.administration.commandTable
        var request = context.frame.pointee.request
        // The command to ask about starts two arguments further on in the same request.
        request.slices += 2
        request.count -= 2
        guard request.count > 0, case .record(let index) = table.index.resolve(request) else {
            throw .invalidCommandSpecified
        }
        let record = table.index.records + index
        let arity = (record.pointee.fewestArguments, record.pointee.mostArguments)
        let specifications = table.commands[index]
            .keySpecifications(nameWords: index < table.topLevelCount ? 1 : 2)
        guard !specifications.isEmpty else { throw .commandHasNoKeys }
        guard request.count >= arity.0 && request.count <= arity.1 else {
            throw .invalidNumberOfArguments
        }
        return (specifications, request)
    }

    /// https://redis.io/docs/latest/commands/command-getkeys/
    static func keys(_ context: AdministrationContext) throws(ErrorReply) {
        let (specifications, request) = try inquired(context)
        let found = specifications.flatMap { $0.keyIndexes(in: request) }
        context.reply.array(found.count)
        for index in found { context.reply.bulk(request[index]) }
    }

    /// https://redis.io/docs/latest/commands/command-getkeysandflags/
    static func keysAndFlags(_ context: AdministrationContext) throws(ErrorReply) {
        let (specifications, request) = try inquired(context)
        let found = specifications.flatMap { specification in
            specification.keyIndexes(in: request).map { ($0, access(specification, request)) }
        }
        context.reply.array(found.count)
        for (index, access) in found {
            context.reply.array(2)
            context.reply.bulk(request[index])
            write(access, context.reply)
        }
    }

    /// What the request does with its keys. SET's access depends on its options: it reads with GET.
    private static func access(_ specification: KeySpecification, _ request: Request) -> KeyAccess {
        guard specification.access.contains(.variableFlags), request[0].equalsFolded("set") else {
            return specification.access
        }
        let reads = (3..<request.count).contains { request[$0].equalsFolded("get") }
        return reads ? [.readWrite, .access, .update] : [.overwrite, .update]
    }

    /// A command by the name that COMMAND INFO takes: `config|get` for a subcommand.
    private static func named(_ name: ByteView, _ table: CommandTable) -> Int? {
        guard let bar = name.firstIndex(of: UInt8(ascii: "|")) else {
            return table.index.find(name)
        }
        guard let container = table.index.find(name.prefix(bar)) else { return nil }
        return table.index.find(name.suffix(from: bar + 1), in: container)
    }

    // MARK: - COMMAND INFO

    private static func writeInfo(_ index: Int, _ table: CommandTable, _ reply: ReplyWriter) {
        let command = table.commands[index]
        let nameWords = index < table.topLevelCount ? 1 : 2
        let specifications = command.keySpecifications(nameWords: nameWords)
        reply.array(10)
        reply.bulk(table.names[index])
        reply.integer(command.arity(nameWords: nameWords))
        let flags = CommandFlags.names.filter { command.flags.contains($0.0) }
        reply.set(flags.count)
        for (_, name) in flags { reply.simple(name) }
        let range = legacyRange(specifications)
        reply.integer(range.first)
        reply.integer(range.last)
        reply.integer(range.step)
        reply.set(command.categories.count)
        for category in command.categories { reply.simple(category) }
        reply.array(command.tips.count)
        for tip in command.tips { reply.bulk(tip) }
        reply.set(specifications.count)
        for specification in specifications { write(specification, reply) }
        let subcommands = Array((table.index.records + index).pointee.subcommands)
        reply.array(subcommands.count)
        for subcommand in subcommands { writeInfo(subcommand, table, reply) }
    }

    /// First key, last key and step, as commands had them before key specifications.
    private static func legacyRange(
        _ specifications: [KeySpecification]
    ) -> (first: Int, last: Int, step: Int) {
        guard let first = specifications.first, !first.isCounted, first.keyword == nil else {
            return (0, 0, 0)
        }
        var last = first.last >= 0 ? first.first + first.last : first.last
        for next in specifications.dropFirst()
        where last >= 0 && !next.isUnknown && !next.isCounted && next.keyword == nil {
            last = next.last >= 0 ? next.first + next.last : next.last
        }
        return (first.first, last, first.step)
    }

    private static func write(_ access: KeyAccess, _ reply: ReplyWriter) {
        let names = KeyAccess.names.filter { access.contains($0.0) }
        reply.set(names.count)
        for (_, name) in names { reply.simple(name) }
    }

    private static func write(_ specification: KeySpecification, _ reply: ReplyWriter) {
        reply.map(3)
        reply.bulk("flags")
        write(specification.access, reply)
        reply.bulk("begin_search")
        reply.map(2)
        reply.bulk("type")
        if specification.isUnknown { return writeUnknown(reply) }
        reply.bulk(specification.keyword == nil ? "index" : "keyword")
        reply.bulk("spec")
        reply.map(specification.keyword == nil ? 1 : 2)
        if let keyword = specification.keyword {
            reply.bulk("keyword")
            reply.bulk(keyword)
        }
        reply.bulk(specification.keyword == nil ? "index" : "startfrom")
        reply.integer(specification.first)
        reply.bulk("find_keys")
        reply.map(2)
        reply.bulk("type")
        reply.bulk(specification.isCounted ? "keynum" : "range")
        reply.bulk("spec")
        reply.map(3)
        let facts =
            specification.isCounted
            ? [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)]
            : [
                ("lastkey", specification.last), ("keystep", specification.step),
                ("limit", specification.keyword != nil && specification.last < 0 ? 2 : 0),
            ]
        for (name, value) in facts {
            reply.bulk(name)
            reply.integer(value)
        }
    }

    /// What is left of a specification that says nothing.
    private static func writeUnknown(_ reply: ReplyWriter) {
        reply.bulk("unknown")
        reply.bulk("spec")
        reply.map(0)
        reply.bulk("find_keys")
        reply.map(2)
        reply.bulk("type")
        reply.bulk("unknown")
        reply.bulk("spec")
        reply.map(0)
    }

    // MARK: - COMMAND DOCS

    private static func writeDocumentation(
        _ index: Int, _ table: CommandTable, _ reply: ReplyWriter
    ) {
        let command = table.commands[index]
        let subcommands = Array((table.index.records + index).pointee.subcommands)
        reply.bulk(table.names[index])
        var facts = [
            ("summary", command.summary), ("since", command.since),
            ("group", command.group.rawValue), ("complexity", command.complexity),
        ]
        if let deprecation = command.deprecation {
            facts.append(("deprecated_since", deprecation.since))
            facts.append(("replaced_by", deprecation.replacement))
        }
        reply.map(
            facts.count + (command.documentFlags.isEmpty ? 0 : 1)
                + (command.syntax.isEmpty ? 0 : 1) + (subcommands.isEmpty ? 0 : 1))
        for (name, value) in facts {
            reply.bulk(name)
            reply.bulk(value)
        }
        if !command.documentFlags.isEmpty {
            reply.bulk("doc_flags")
            reply.set(command.documentFlags.count)
            for flag in command.documentFlags { reply.simple(flag) }
        }
        if !command.syntax.isEmpty {
            var keyNumber = 0
            reply.bulk("arguments")
            write(command.syntax, reply, since: command.since, keyNumber: &keyNumber)
        }
        if !subcommands.isEmpty {
            reply.bulk("subcommands")
            reply.map(subcommands.count)
            for subcommand in subcommands { writeDocumentation(subcommand, table, reply) }
        }
    }

    private static func write(
        _ syntax: [Syntax], _ reply: ReplyWriter, since: String, keyNumber: inout Int
    ) {
        reply.array(syntax.count)
        for (at, argument) in syntax.enumerated() {
            if at > 0, argument.continuesKeys(syntax[at - 1]) { keyNumber -= 1 }
            let hasSameKeys = syntax[..<at].contains {
                $0.namesUnknownKeys && argument.namesUnknownKeys && $0.access == argument.access
            }
            if hasSameKeys { keyNumber -= 1 }
            write(argument, reply, since: since, keyNumber: &keyNumber)
        }
    }

    private static func write(
        _ argument: Syntax, _ reply: ReplyWriter, since: String, keyNumber: inout Int
    ) {
        var facts = [("name", argument.name), ("type", argument.shownType)]
        let isLeaf = argument.children.isEmpty
        let namesKeys = argument.isKey || argument.namesUnknownKeys
        if isLeaf { facts.append(("display_text", argument.name)) }
        if let token = argument.token { facts.append(("token", token)) }
        if let own = argument.since { facts.append(("since", own)) }
        if let end = argument.deprecatedSince { facts.append(("deprecated_since", end)) }
        let flags =
            (argument.isOptional ? ["optional"] : []) + (argument.isMultiple ? ["multiple"] : [])
            + (argument.repeatsToken ? ["multiple_token"] : [])
        reply.map(
            facts.count + (namesKeys ? 1 : 0) + (flags.isEmpty ? 0 : 1)
                + (isLeaf ? 0 : 1))
        for (name, value) in facts {
            reply.bulk(name)
            reply.bulk(value)
        }
        if namesKeys {
            reply.bulk("key_spec_index")
            reply.integer(keyNumber)
            keyNumber += 1
        }
        if !flags.isEmpty {
            reply.bulk("flags")
            reply.set(flags.count)
            for flag in flags { reply.simple(flag) }
        }
        if !isLeaf {
            reply.bulk("arguments")
            write(argument.children, reply, since: since, keyNumber: &keyNumber)
        }
    }
}

extension Syntax {
    fileprivate var isKey: Bool { kind == .key && !access.contains(.notKey) }

    /// The type as COMMAND DOCS names it.
    fileprivate var shownType: String {
        (kind == .key && !isKey ? Kind.string : kind).rawValue
    }
}
