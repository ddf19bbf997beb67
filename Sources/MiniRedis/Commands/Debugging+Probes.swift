// SPDX-License-Identifier: BSD-3-Clause
//
// DEBUG's words for clients' tests (a reply of each type, an error of choice), for tests of
// crashes, and those that turn knobs inside Redis which have nothing to turn here.
//
// Source: https://redis.io/docs/latest/commands/debug/

import Glibc

/// DEBUG's words that look at no data.
enum DebugProbes {
    /// Knobs of encodings, buffers and timers that this server does not have: what their tests are
    /// about is always so here. Each takes one value.
    private static let knobs: [StaticString] = [
        "quicklist-packed-threshold", "pause-cron", "set-disable-deny-scripts", "dict-resizing",
        "drop-cluster-packet-filter",
    ]

    /// Runs the word if it is one of these.
    static func run(_ context: AdministrationContext) throws(ErrorReply) -> Bool {
        let word = context.data[1]
        switch context.data.count {
        case 2:
            if word.equalsFolded("segfault") { crash(SIGSEGV) }
            if word.equalsFolded("panic") || word.equalsFolded("assert") { crash(SIGABRT) }
            if word.equalsFolded("oom") { Heap.outOfMemory(.max) }
            if word.equalsFolded("help") {
                context.reply.array(help.count)
                for line in help { context.reply.simple(line) }
                return true
            }
            if word.equalsFolded("config-rewrite-force-all") {
                try context.administration.rewriteConfiguration(
                    for: context.session, everything: true)
                return true
            }
        case 3:
            if word.equalsFolded("protocol") {
                reply(context.data[2], context.reply)
                return true
            }
            if word.equalsFolded("error") {
                context.reply.error(joining: context.data[2])
                return true
            }
            if word.equalsFolded("htstats") || word.equalsFolded("htstats-key") {
                describeTable(context, isKey: word.count > 7)
                return true
            }
            if knobs.contains(where: { word.equalsFolded($0) }) {
                context.reply.ok()
                return true
            }
        case 4:
            if word.equalsFolded("replybuffer") {
                context.reply.ok()
                return true
            }
        default: break
        }
        return false
    }

    private static let help: [StaticString] = [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CONFIG-REWRITE-FORCE-ALL",
        "    Rewrites the configuration file with every directive in it.",
        "DIGEST, DIGEST-VALUE <key> [<key> ...]",
        "    Answers a digest of all data, or of the values of keys.",
        "ERROR <text>",
        "    Answers this error.",
        "HTSTATS <database>, HTSTATS-KEY <key>",
        "    Tells how large the tables of a database or of a key's value are.",
        "LOG <text>",
        "    Writes a line to the log.",
        "OBJECT <key>",
        "    Tells how a value is stored.",
        "PANIC, ASSERT, OOM, SEGFAULT",
        "    Ends the server in the way of the name, with a report in the log.",
        "POPULATE <count> [<prefix> [<size>]]",
        "    Makes keys that are called prefix:0 and so on.",
        "PROTOCOL <type>",
        "    Answers a reply of this type.",
        "RELOAD",
        "    Saves, forgets everything and loads what was saved.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Turns the removal of due keys that nobody looks at off and on.",
        "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
        "    Lets RESTORE take payloads with a wrong checksum, if their contents are right.",
        "SLEEP <seconds>",
        "    Keeps everybody waiting.",
        "HELP",
        "    Prints this help.",
    ]

    private static func crash(_ signal: Int32) {
        raise(signal)
    }

    // MARK: - PROTOCOL

    private static func reply(_ type: ByteView, _ reply: ReplyWriter) {
        let isThree = reply.version == 3
        if type.equalsFolded("string") {
            reply.bulk("Hello World")
        } else if type.equalsFolded("integer") {
            reply.integer(12345)
        } else if type.equalsFolded("double") {
            reply.raw(isThree ? ",3.141\r\n" : "$5\r\n3.141\r\n")
        } else if type.equalsFolded("null") {
            reply.null()
        } else if type.equalsFolded("array") {
            reply.raw("*3\r\n:0\r\n:1\r\n:2\r\n")
        } else if type.equalsFolded("set") {
            reply.set(3)
            for number in 0..<3 { reply.integer(number) }
        } else if type.equalsFolded("map") {
            reply.map(3)
            for number in 0..<3 {
                reply.integer(number)
                truth(number == 1, reply)
            }
        } else if type.equalsFolded("verbatim") {
            reply.verbatim("This is a verbatim\nstring")
        } else if type.equalsFolded("true") || type.equalsFolded("false") {
            truth(type.equalsFolded("true"), reply)
        } else if type.equalsFolded("bignum") {
            let digits = "1234567999999999999999999999999999999"
            reply.raw(isThree ? "(\(digits)\r\n" : "$37\r\n\(digits)\r\n")
        } else {
            special(type, reply)
        }
    }

    private static func special(_ type: ByteView, _ reply: ReplyWriter) {
        let isThree = reply.version == 3
        if type.equalsFolded("attrib") {
            if isThree {
                reply.raw("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n")
            }
            reply.bulk("Some real reply following the attribute")
        } else if type.equalsFolded("push") {
            guard isThree else {
                return reply.error("ERR RESP2 is not supported by this command")
            }
            reply.raw(">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n")
            reply.bulk("Some real reply following the push reply")
        } else {
            reply.error(
                "ERR Wrong protocol type name. Please use one of the following: string|integer|"
                    + "double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
        }
    }

    private static func truth(_ value: Bool, _ reply: ReplyWriter) {
        if reply.version == 3 {
            reply.raw(value ? "#t\r\n" : "#f\r\n")
        } else {
            reply.integer(value ? 1 : 0)
        }
    }

    // MARK: - HTSTATS

    /// The table of a database, or an answer for a key, whose table is the collection's own matter.
    private static func describeTable(_ context: AdministrationContext, isKey: Bool) {
        if isKey {
            let key = context.data.key(2)
            guard context.data.database.pointee.lookup(key.bytes, key.hash) != nil else {
                return context.reply.error(.noSuchKey, command: "debug")
            }
            return context.reply.error(
                "ERR The value stored at the specified key is not represented using an hash table")
        }
        let number = Int(context.data[2].string) ?? -1
        guard (0..<context.administration.keyspace.databaseCount).contains(number) else {
            return context.reply.error("ERR Out of range database")
        }
        let database = context.administration.keyspace.databases + number
        context.reply.verbatim(
            "[Dictionary HT]\n elements: \(database.pointee.count)\n "
                + "bytes: \(database.pointee.table.byteCount)\n"
                + "[Expires HT]\n elements: \(database.pointee.deadlines.count)\n "
                + "bytes: \(database.pointee.deadlines.byteCount)\n")
    }
}
