// SPDX-License-Identifier: BSD-3-Clause
//
// What this server does not have, answered as a Redis answers that has none of it: modules.

/// MODULE.
enum Extensions {
    static let declarations: [Command] = [
        Command(
            "MODULE", in: .server, since: "4.0.0", complexity: "Depends on subcommand.",
            summary: "Manages modules, of which this server has none.",
            subcommands: [
                .help(in: .server, since: "5.0.0"),
                Command(
                    "LIST", in: .server, since: "4.0.0", complexity: "O(1)",
                    summary: "Returns the loaded modules.", flags: [.admin, .noScript],
                    tips: ["nondeterministic_output_order"],
                    run: .session { context throws(ErrorReply) in context.reply.array(0) }),
                refused(
                    "LOAD", since: "4.0.0",
                    [.string("path"), .optional(.many(.string("arg")))]),
                refused(
                    "LOADEX", since: "7.0.0",
                    [
                        .string("path"),
                        .optional(
                            .manyTokens(
                                .block(
                                    "configs", token: "CONFIG", .string("name"),
                                    .string("value")))),
                        .optional(.many(.block("args", token: "ARGS", .string("arg")))),
                    ]),
                refused("UNLOAD", since: "4.0.0", [.string("name")]),
            ],
            run: .container)
    ]

    private static func refused(_ name: String, since: String, _ syntax: [Syntax]) -> Command {
        Command(
            name, in: .server, since: since, complexity: "O(1)",
            summary: "Refused: this server loads no modules.",
            flags: [.admin, .noScript, .noAsyncLoading], syntax: syntax,
            run: .administration { context throws(ErrorReply) in
                let allowed = context.administration.allowsModules(context.session.pointee)
                throw allowed ? .noModules : .modulesDisabled
            })
    }
}
