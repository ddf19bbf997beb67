// SPDX-License-Identifier: BSD-3-Clause
//
// Keys that move: RENAME, RENAMENX, COPY, MOVE.

extension Keys {
    static let moves: [Command] = [
        Command(
            "RENAME", in: .generic, since: "1.0.0",
            complexity: "O(1); what the new name held is freed in slices.",
            summary: "Gives a key another name, whatever that name stood for.",
            flags: [.write, .keyspace],
            syntax: [
                .key("key", [.readWrite, .access, .delete]), .key("newkey", [.overwrite, .update]),
            ],
            run: .data(rename)),
        Command(
            "RENAMENX", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Gives a key another name if that name is free.",
            flags: [.write, .fast, .keyspace],
            syntax: [
                .key("key", [.readWrite, .access, .delete]), .key("newkey", [.overwrite, .insert]),
            ],
            run: .data(renameIfAbsent)),
        Command(
            "COPY", in: .generic, since: "6.2.0",
            complexity: "O(N) where N is the number of elements; O(1) for strings.",
            summary: "Copies what a key holds to another key, maybe of another database.",
            flags: [.write, .denyOutOfMemory, .keyspace],
            syntax: [
                .key("source", [.readOnly, .access]), .key("destination", [.overwrite, .update]),
                .optional(.integer("destination-db", token: "DB")), .optional(.token("REPLACE")),
            ],
            run: .administration(copy)),
        Command(
            "MOVE", in: .generic, since: "1.0.0", complexity: "O(1)",
            summary: "Moves a key to another database if it is not there.",
            flags: [.write, .fast, .keyspace],
            syntax: [.key("key", [.readWrite, .access, .update]), .integer("db")],
            run: .administration(move)),
    ]

    /// https://redis.io/docs/latest/commands/rename/
    static func rename(_ context: DataContext) throws(ErrorReply) {
        let (key, newKey) = (context.key(1), context.key(2))
        guard context.database.pointee.lookup(key.bytes, key.hash) != nil else {
            throw .noSuchKey
        }
        if key.bytes != newKey.bytes { rename(key, to: newKey, context) }
        context.reply.ok()
    }

    /// https://redis.io/docs/latest/commands/renamenx/
    static func renameIfAbsent(_ context: DataContext) throws(ErrorReply) {
        let (key, newKey) = (context.key(1), context.key(2))
        guard context.database.pointee.lookup(key.bytes, key.hash) != nil else {
            throw .noSuchKey
        }
        guard context.database.pointee.lookup(newKey.bytes, newKey.hash) == nil else {
            return context.reply.integer(0)
        }
        rename(key, to: newKey, context)
        context.reply.integer(1)
    }

    private static func rename(
        _ key: KeyArgument, to newKey: KeyArgument, _ context: DataContext
    ) {
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else { return }
        context.database.pointee.rename(slot, key.hash, to: newKey.bytes, newKey.hash)
    }

    /// https://redis.io/docs/latest/commands/copy/
    static func copy(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        var target = arguments.database
        var replaces = false
        var at = 3
        while at < arguments.count {
            if arguments[at].equalsFolded("replace") {
                replaces = true
            } else if arguments[at].equalsFolded("db"), at + 1 < arguments.count {
                at += 1
                target = try database(context, argument: at)
            } else {
                throw .syntax
            }
            at += 1
        }
        let (source, key) = (arguments.key(1), arguments.key(2))
        if target == arguments.database && source.bytes == key.bytes { throw .sameObject }
        guard let entry = arguments.database.pointee.read(source.bytes, source.hash) else {
            return context.reply.integer(0)
        }
        if target.pointee.lookup(key.bytes, key.hash) != nil && !replaces {
            return context.reply.integer(0)
        }
        target.pointee.put(key.bytes, key.hash, copyOf: entry)
        context.reply.integer(1)
    }

    /// https://redis.io/docs/latest/commands/move/
    static func move(_ context: AdministrationContext) throws(ErrorReply) {
        let target = try database(context, argument: 2)
        let source = context.data.database
        if target == source { throw .sameObject }
        let key = context.data.key(1)
        guard let slot = source.pointee.lookup(key.bytes, key.hash),
            target.pointee.lookup(key.bytes, key.hash) == nil
        else { return context.reply.integer(0) }
        source.pointee.move(slot, key.hash, to: target)
        context.reply.integer(1)
    }

    /// The database whose number an argument is.
    private static func database(
        _ context: AdministrationContext, argument: Int
    ) throws(ErrorReply) -> UnsafeMutablePointer<Database> {
        guard let index = Int32(exactly: try context.data.integer(argument)) else {
            throw .notInt32
        }
        let keyspace = context.administration.keyspace
        guard index >= 0 && index < keyspace.databaseCount else { throw .databaseOutOfRange }
        return keyspace.databases + Int(index)
    }
}
