// SPDX-License-Identifier: BSD-3-Clause
//
// SAVE and BGSAVE: both are made in the background; they differ in who waits.

extension ServerCommands {
    static let saves: [Command] = [
        Command(
            "SAVE", in: .server, since: "1.0.0",
            complexity: "O(N) where N is the number of keys, in the background.",
            summary: "Saves all databases to the dump file; only this client waits for it.",
            flags: [.admin, .noScript, .noAsyncLoading, .noMulti],
            run: .administration(save)),
        Command(
            "BGSAVE", in: .server, since: "1.0.0", complexity: "O(1)",
            summary: "Saves all databases to the dump file; nobody waits for it.",
            flags: [.admin, .noScript, .noAsyncLoading],
            syntax: [.optional(.token("SCHEDULE")).since("3.2.2")],
            run: .administration(saveInBackground)),
    ]

    /// https://redis.io/docs/latest/commands/save/
    static func save(_ context: AdministrationContext) throws(ErrorReply) {
        try context.administration.save(for: context.session)
    }

    /// BGSAVE [SCHEDULE | CANCEL]; the last one is not Redis's, and no part of its declaration.
    ///
    /// https://redis.io/docs/latest/commands/bgsave/
    static func saveInBackground(_ context: AdministrationContext) throws(ErrorReply) {
        let administration = context.administration
        let word = context.data.count == 2 ? context.data[1] : nil
        if let word, word.equalsFolded("cancel") {
            switch try administration.cancelSave() {
            case .started: context.reply.simple("Background saving cancelled")
            case .scheduled: context.reply.simple("Scheduled background saving cancelled")
            }
            return
        }
        let isScheduling = word?.equalsFolded("schedule") ?? false
        guard context.data.count == 1 || isScheduling else { throw .syntax }
        switch try administration.saveInBackground(maySchedule: isScheduling) {
        case .started: context.reply.simple("Background saving started")
        case .scheduled: context.reply.simple("Background saving scheduled")
        }
    }
}
