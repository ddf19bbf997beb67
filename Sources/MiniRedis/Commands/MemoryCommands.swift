// SPDX-License-Identifier: BSD-3-Clause
//
// MEMORY: where the bytes are.

/// MEMORY and its subcommands.
enum MemoryCommands {
    private static let tips = [
        "nondeterministic_output", "request_policy:all_shards", "response_policy:special",
    ]

    static let declarations: [Command] = [
        Command(
            "MEMORY", in: .server, since: "4.0.0", complexity: "Depends on subcommand.",
            summary: "Shows where the memory is.",
            subcommands: [
                Command(
                    "DOCTOR", in: .server, since: "4.0.0", complexity: "O(1)",
                    summary: "Tells in words what is wrong with the memory.", tips: tips,
                    run: .administration(consult)),
                Command(
                    "MALLOC-STATS", in: .server, since: "4.0.0",
                    complexity: "Depends on the allocator.",
                    summary: "Returns the allocator's own report.", tips: tips,
                    run: .administration(reportAllocator)),
                Command(
                    "PURGE", in: .server, since: "4.0.0",
                    complexity: "O(N) where N is the number of free pages, in the background.",
                    summary: "Gives free pages back to the system; this client alone waits.",
                    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
                    run: .administration(purge)),
                Command(
                    "STATS", in: .server, since: "4.0.0", complexity: "O(1)",
                    summary: "Returns the figures of the memory.", tips: tips,
                    run: .administration(report)),
                Command(
                    "USAGE", in: .server, since: "4.0.0", complexity: "O(1)",
                    summary: "Counts the bytes that a key takes: entry, value and indexes.",
                    flags: [.readOnly],
                    syntax: [
                        .key("key", [.readOnly]),
                        .optional(.integer("count", token: "SAMPLES")),
                    ],
                    run: .data(usage)),
                .help(in: .server, since: "4.0.0"),
            ],
            run: .container)
    ]

    /// https://redis.io/docs/latest/commands/memory-usage/
    ///
    /// Exact for strings and what is packed; of a large collection so many elements are measured.
    static func usage(_ context: DataContext) throws(ErrorReply) {
        var (at, samples) = (3, 5)
        while at < context.count {
            guard context[at].equalsFolded("samples"), at + 1 < context.count else {
                throw .syntax
            }
            guard let count = Int(exactly: try context.integer(at + 1)), count >= 0 else {
                throw .syntax
            }
            samples = count
            at += 2
        }
        let key = context.key(2)
        guard let slot = context.database.pointee.lookup(key.bytes, key.hash) else {
            return context.reply.null()
        }
        context.reply.integer(context.database.pointee.byteCount(of: slot, samples: samples))
    }

    /// https://redis.io/docs/latest/commands/memory-purge/
    static func purge(_ context: AdministrationContext) throws(ErrorReply) {
        context.administration.purgeMemory(for: context.session)
    }

    /// https://redis.io/docs/latest/commands/memory-malloc-stats/
    static func reportAllocator(_ context: AdministrationContext) throws(ErrorReply) {
        context.reply.verbatim(context.administration.allocatorReport())
    }

    /// https://redis.io/docs/latest/commands/memory-stats/
    static func report(_ context: AdministrationContext) throws(ErrorReply) {
        let memory = context.administration.memoryReport()
        let reply = context.reply
        reply.map(27 + memory.databases.count)
        write(
            [
                ("peak.allocated", memory.peak), ("total.allocated", memory.used),
                ("startup.allocated", memory.startup), ("replication.backlog", 0),
                ("clients.slaves", 0), ("clients.normal", memory.clients), ("cluster.links", 0),
                ("aof.buffer", 0), ("lua.caches", 0), ("functions.caches", 0),
            ], reply)
        for database in memory.databases {
            reply.bulk("db.\(database.index)")
            reply.map(2)
            write(
                [
                    ("overhead.hashtable.main", database.table),
                    ("overhead.hashtable.expires", database.expires),
                ], reply)
        }
        write(
            [
                ("overhead.total", memory.overhead), ("keys.count", memory.keys),
                ("keys.bytes-per-key", memory.bytesPerKey),
                ("dataset.bytes", memory.dataset),
            ], reply)
        write([("dataset.percentage", memory.datasetPercentage)], reply)
        write([("peak.percentage", memory.peakPercentage)], reply)
        write(
            [
                ("allocator.allocated", memory.allocated), ("allocator.active", memory.active),
                ("allocator.resident", memory.resident),
            ], reply)
        writeRatio("allocator-fragmentation", memory.active, memory.allocated, reply)
        writeRatio("allocator-rss", memory.resident, memory.active, reply)
        writeRatio("rss-overhead", memory.processResident, memory.resident, reply)
        // The last two have names of their own.
        write([("fragmentation", ratio(memory.processResident, memory.used))], reply)
        write([("fragmentation.bytes", memory.processResident - memory.used)], reply)
    }

    private static func ratio(_ one: Int, _ other: Int) -> Double {
        MemoryReport.ratio(one, other)
    }

    private static func writeRatio(_ name: String, _ one: Int, _ other: Int, _ reply: ReplyWriter) {
        write([("\(name).ratio", ratio(one, other))], reply)
        write([("\(name).bytes", one - other)], reply)
    }

    private static func write(_ facts: [(String, Int)], _ reply: ReplyWriter) {
        for (name, value) in facts {
            reply.bulk(name)
            reply.integer(value)
        }
    }

    private static func write(_ facts: [(String, Double)], _ reply: ReplyWriter) {
        for (name, value) in facts {
            reply.bulk(name)
            if reply.version == 3 {
                reply.raw(",\(value)\r\n")
            } else {
                reply.bulk("\(value)")
            }
        }
    }

    // MARK: - DOCTOR

    /// Below this there is nothing to say: bytes.
    private static let leastBytes = 5 << 20

    /// https://redis.io/docs/latest/commands/memory-doctor/
    static func consult(_ context: AdministrationContext) throws(ErrorReply) {
        let memory = context.administration.memoryReport()
        guard memory.used >= leastBytes else {
            return context.reply.verbatim(
                "This server holds almost nothing: there is nothing to diagnose.\n")
        }
        var findings: [String] = []
        if memory.peak > memory.used + memory.used / 2 {
            findings.append(
                "Peak memory: it was half as much again as it is now. What was freed may stay "
                    + "with the allocator for a while; MEMORY PURGE gives it back at once.")
        }
        if ratio(memory.active, memory.allocated) > 1.4 {
            findings.append(
                "Fragmentation: pages are used by few small pieces. It passes as keys come and "
                    + "go; a restart ends it.")
        }
        if ratio(memory.resident, memory.active) > 1.4 {
            findings.append(
                "Free pages: the allocator keeps many that are not in use. MEMORY PURGE gives "
                    + "them back.")
        }
        if memory.clients > memory.used / 2 {
            findings.append(
                "Clients: their buffers take more than half as much as the data. CLIENT LIST "
                    + "shows who reads too slowly.")
        }
        guard !findings.isEmpty else {
            return context.reply.verbatim("Nothing is wrong with the memory of this server.\n")
        }
        context.reply.verbatim(findings.map { "* \($0)\n" }.joined())
    }
}
