// SPDX-License-Identifier: BSD-3-Clause
//
// DEBUG: what tests need to look inside. Refused unless `enable-debug-command` allows it.

import Glibc

/// DEBUG and its words.
enum Debugging {
    static let declarations: [Command] = [
        Command(
            "DEBUG", in: .server, since: "1.0.0", complexity: "Depends on subcommand.",
            summary: "Looks inside the server, for tests.",
            flags: [.admin, .noScript, .loading, .stale],
            arity: -2,  // The words are no subcommands to COMMAND.
            documentFlags: ["syscmd"],
            run: .administration(debug))
    ]

    /// https://redis.io/docs/latest/commands/debug/
    static func debug(_ context: AdministrationContext) throws(ErrorReply) {
        guard context.administration.allowsDebug(context.session.pointee) else {
            throw .debugDisabled
        }
        let word = context.data[1]
        if word.equalsFolded("sleep"), context.data.count == 3 {
            try sleep(context)
        } else if word.equalsFolded("set-active-expire"), context.data.count == 3 {
            let value = try context.data.integer(2)
            context.administration.keyspace.state.pointee.expiresActively = value != 0
            context.reply.ok()
        } else if word.equalsFolded("set-skip-checksum-validation"), context.data.count == 3 {
            let value = try context.data.integer(2)
            context.administration.keyspace.state.pointee.verifiesPayloads = value == 0
            context.reply.ok()
        } else if word.equalsFolded("populate"), (3...5).contains(context.data.count) {
            try populate(context)
        } else if word.equalsFolded("digest"), context.data.count == 2 {
            let digest = KeyspaceDigest.ofAll(context.administration.keyspace)
            context.reply.simple(digest)
        } else if word.equalsFolded("digest-value") {
            digestValues(context)
        } else if word.equalsFolded("object"), context.data.count == 3 {
            try describeObject(context)
        } else if word.equalsFolded("reload") {
            try context.administration.reload(reloadOptions(context), for: context.session)
        } else if word.equalsFolded("loadaof"), context.data.count == 2 {
            try context.administration.reloadAppendOnly(for: context.session)
        } else if word.equalsFolded("aof-flush-sleep"), context.data.count == 3 {
            let microseconds = try context.data.integer(2)
            context.administration.setFlushDelay(microseconds: max(0, microseconds))
            context.reply.ok()
        } else if word.equalsFolded("log"), context.data.count == 3 {
            context.administration.log("DEBUG LOG: \(context.data[2].string)")
            context.reply.ok()
        } else if try !DebugProbes.run(context) {
            context.reply.error(
                "ERR unknown subcommand or wrong number of arguments for '\(word.string)'. "
                    + "Try DEBUG HELP."
            )
            throw .written
        }
    }

    private static func reloadOptions(
        _ context: AdministrationContext
    ) throws(ErrorReply) -> ReloadOptions {
        var options: ReloadOptions = []
        for at in 2..<max(2, context.data.count) {
            if context.data[at].equalsFolded("merge") {
                options.insert(.merge)
            } else if context.data[at].equalsFolded("noflush") {
                options.insert(.noFlush)
            } else if context.data[at].equalsFolded("nosave") {
                options.insert(.noSave)
            } else {
                context.reply.error(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
                throw .written
            }
        }
        return options
    }

    /// Holds the whole server for so many seconds, a fraction allowed: what a stall looks like.
    private static func sleep(_ context: AdministrationContext) throws(ErrorReply) {
        guard let seconds = Double(context.data[2].string), seconds >= 0, seconds < 1e6 else {
            throw .notFloat
        }
        var duration = timespec()
        duration.tv_sec = Int(seconds)
        duration.tv_nsec = Int((seconds - seconds.rounded(.down)) * 1e9)
        nanosleep(&duration, nil)
        // Whoever is served next finds due what was slept past.
        context.data.database.pointee.state.pointee.setTime(Clock().unixMilliseconds)
        context.reply.ok()
    }

    /// `POPULATE count [prefix [size]]`: keys `prefix:0` and on, with values `value:0` padded to
    /// `size`.
    private static func populate(_ context: AdministrationContext) throws(ErrorReply) {
        let count = try context.data.integer(2)
        guard count >= 0 else { throw .notPositiveInteger }
        let prefix = context.data.count > 3 ? context.data[3].string : "key"
        let size = context.data.count > 4 ? try context.data.integer(4) : 0
        guard size >= 0 && size <= 1 << 20 else { throw .outOfRange }
        let database = context.data.database
        for number in 0..<count {
            var key = ByteBuffer(capacity: 64)
            key.append(text: "\(prefix):\(number)")
            let hash = database.pointee.hash(key.view)
            if database.pointee.lookup(key.view, hash) != nil { continue }
            var value = ByteBuffer(capacity: max(64, Int(size)))
            value.append(text: "value:\(number)")
            if size > 0 {
                while value.count < Int(size) { value.append(byte: 0) }
            }
            let length = size > 0 ? Int(size) : value.count
            database.pointee.set(
                key.view, hash, .stored(value.view.prefix(length), heap: database.pointee.heap),
                .clear)
        }
        context.reply.ok()
    }

    private static func digestValues(_ context: AdministrationContext) {
        context.reply.array(context.data.count - 2)
        for at in 2..<max(2, context.data.count) {
            let key = context.data.key(at)
            let slot = context.data.database.pointee.lookup(key.bytes, key.hash)
            context.reply.simple(
                slot.map { KeyspaceDigest.ofValue(Entry($0.entry)) }
                    ?? KeyspaceDigest.nothing)
        }
    }

    private static func describeObject(_ context: AdministrationContext) throws(ErrorReply) {
        let key = context.data.key(2)
        guard let slot = context.data.database.pointee.lookup(key.bytes, key.hash) else {
            throw .noSuchKey
        }
        let entry = Entry(slot.entry)
        context.reply.simple(
            "Value at:0x\(String(UInt(bitPattern: entry.base), radix: 16)) refcount:1 "
                + "encoding:\(entry.encodingName) serializedlength:\(length(entry)) "
                + "lru:\(entry.accessClock) lru_seconds_idle:0")
    }

    /// The bytes of a value: a string's text, what a collection takes.
    private static func length(_ entry: Entry) -> Int {
        entry.type == .string
            ? entry.string.count : entry.type.collection.byteCount(entry.collection, samples: 5)
    }
}
