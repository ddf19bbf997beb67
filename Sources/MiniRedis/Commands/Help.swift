// SPDX-License-Identifier: BSD-3-Clause
//
// HELP of every container, derived from the declarations of its subcommands.

extension Command {
    /// The HELP of a container: to be written in its list of subcommands.
    static func help(
        in group: CommandGroup, since: String, flags: CommandFlags = []
    ) -> Command {
        Command(
            "HELP", in: group, since: since, complexity: "O(1)", summary: "Prints this help.",
            flags: flags.union([.loading, .stale]), run: .administration(Help.write))
    }
}

/// Lines for people, made of grammar.
enum Help {
    /// Answers the subcommands of the container whose HELP is being executed.
    static func write(_ context: AdministrationContext) throws(ErrorReply) {
        let table = context.administration.commandTable
        let own = context.frame.pointee.command
        let container = (0..<table.topLevelCount).first {
            (table.index.records + $0).pointee.subcommands.contains(own)
        }
        guard let container else { throw .unknownSubcommand }
        let name = table.commands[container].name
        var lines = ["\(name) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
        let subcommands = (table.index.records + container).pointee.subcommands
        for index in subcommands.sorted(by: { order(table, $0) < order(table, $1) }) {
            let command = table.commands[index]
            let words = [command.name] + command.syntax.map(describe)
            lines.append(words.joined(separator: " "))
            lines.append("    \(command.summary)")
        }
        context.reply.array(lines.count)
        for line in lines { context.reply.simple(line) }
    }

    /// Alphabetical, HELP last.
    private static func order(_ table: CommandTable, _ index: Int) -> String {
        let name = table.commands[index].name
        return name == "HELP" ? "~" : name
    }

    /// An argument as people write it: `[COUNT <count>]`.
    private static func describe(_ argument: Syntax) -> String {
        var text: String
        switch argument.kind {
        case .pureToken: return bracketed(argument.token ?? argument.name, argument)
        case .oneOf:
            text = argument.children.map(describe).joined(separator: "|")
            if !argument.isOptional || argument.isMultiple { text = "(\(text))" }
        case .block: text = argument.children.map(describe).joined(separator: " ")
        case .key, .string, .integer, .double, .pattern, .unixTime: text = "<\(argument.name)>"
        }
        if argument.isMultiple && !argument.repeatsToken { text += " [\(text) ...]" }
        if let token = argument.token { text = "\(token) \(text)" }
        if argument.repeatsToken { text += " [\(text) ...]" }
        return bracketed(text, argument)
    }

    private static func bracketed(_ text: String, _ argument: Syntax) -> String {
        argument.isOptional ? "[\(text)]" : text
    }
}
