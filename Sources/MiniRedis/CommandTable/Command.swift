// SPDX-License-Identifier: BSD-3-Clause
//
// The declaration of a command: everything there is to know of it, in one place, beside its
// handler.

typealias DataHandler = @Sendable (DataContext) throws(ErrorReply) -> Void
typealias SessionHandler = @Sendable (SessionContext) throws(ErrorReply) -> Void
typealias AdministrationHandler = @Sendable (AdministrationContext) throws(ErrorReply) -> Void

/// What runs a command, by how much it may see.
enum Handler: Sendable {
    case data(DataHandler)
    case session(SessionHandler)
    case administration(AdministrationHandler)
    /// The command is only a family name; its subcommands run.
    case container
}

/// Since when a command should no longer be used, and what should be.
struct Deprecation: Sendable {
    var since: String
    var replacement: String
}

/// A command as it is declared.
struct Command: Sendable {
    /// Upper case; a subcommand's is its own word alone.
    let name: String
    let group: CommandGroup
    let since: String
    let complexity: String
    /// One sentence, ours.
    let summary: String
    let flags: CommandFlags
    let syntax: [Syntax]
    let subcommands: [Command]
    let handler: Handler
    /// Command tips, https://redis.io/docs/latest/develop/reference/command-tips/
    let tips: [String]
    let deprecation: Deprecation?
    /// What COMMAND DOCS says of the command as a whole, such as `syscmd`.
    let documentFlags: [String]
    private let explicitArity: Int?

    /// `arity` is given only where the grammar does not say it, with a comment why.
    init(
        _ name: String, in group: CommandGroup, since: String, complexity: String,
        summary: String, flags: CommandFlags = [], arity: Int? = nil, tips: [String] = [],
        deprecated deprecation: Deprecation? = nil, documentFlags: [String] = [],
        syntax: [Syntax] = [], subcommands: [Command] = [], run handler: Handler
    ) {
        self.name = name
        self.group = group
        self.since = since
        self.complexity = complexity
        self.summary = summary
        self.flags = flags
        self.tips = tips
        self.deprecation = deprecation
        self.documentFlags = documentFlags + (deprecation == nil ? [] : ["deprecated"])
        self.syntax = syntax
        self.subcommands = subcommands
        self.handler = handler
        explicitArity = arity
    }

    /// The arity of COMMAND INFO when the name is `nameWords` words: 2 for a subcommand.
    func arity(nameWords: Int) -> Int {
        if let explicitArity { return explicitArity }
        if !subcommands.isEmpty { return -2 }
        return Syntax.arity(syntax, nameWords: nameWords)
    }

    func keySpecifications(nameWords: Int) -> [KeySpecification] {
        KeySpecification.derive(syntax, nameWords: nameWords)
    }

    /// Whether the argument behind the first key is an element that is looked for in the collection
    /// at that key, as the grammar has it.
    var findsElement: Bool {
        guard [.set, .hash, .sortedSet].contains(group), syntax.count > 1,
            syntax[0].kind == .key, !syntax[1].isOptional, syntax[1].token == nil
        else { return false }
        let second = syntax[1].children.first ?? syntax[1]
        return second.kind == .string && ["member", "field"].contains(second.name)
    }

    /// The access categories: from group and flags, as Redis derives them.
    var categories: [String] {
        var names: [String] = []
        if flags.contains(.keyspace) { names.append("@keyspace") }
        if flags.contains(.write) { names.append("@write") }
        if flags.contains(.readOnly) && group != .scripting { names.append("@read") }
        if let category = group.category {
            if subcommands.isEmpty { names.append(category) }
        } else if group == .connection || group == .scripting {
            if subcommands.isEmpty { names.append("@\(group.rawValue)") }
        } else if flags.contains(.connection) {
            names.append("@connection")
        }
        if flags.contains(.pubSub) { names.append("@pubsub") }
        if flags.contains(.sorting) { names += ["@set", "@sortedset", "@list"] }
        let isAdministrative = flags.contains(.admin) || flags.contains(.administrative)
        if isAdministrative { names.append("@admin") }
        names.append(flags.contains(.fast) ? "@fast" : "@slow")
        if flags.contains(.blocking) { names.append("@blocking") }
        if isAdministrative || flags.contains(.dangerous) { names.append("@dangerous") }
        return names
    }
}
