// SPDX-License-Identifier: BSD-3-Clause
//
// Keys as bytes, to be carried to another server: DUMP and RESTORE.

extension Keys {
    static let dumps: [Command] = [
        Command(
            "DUMP", in: .generic, since: "2.6.0",
            complexity: "O(N) where N is the size of the value.",
            summary: "Gives the value of a key as bytes that RESTORE understands.",
            flags: [.readOnly, .keyspace], tips: ["nondeterministic_output"],
            syntax: [.key("key", [.readOnly, .access])],
            run: .administration(dump)),
        Command(
            "RESTORE", in: .generic, since: "2.6.0",
            complexity: "O(N*log(N)) at most, where N is the size of the value.",
            summary: "Makes a key of the bytes that DUMP gave.",
            flags: [.write, .denyOutOfMemory, .keyspace, .dangerous],
            syntax: [
                .key("key", [.overwrite, .update]), .integer("ttl"), .string("serialized-value"),
                .optional(.token("REPLACE")).since("3.0.0"),
                .optional(.token("ABSTTL")).since("5.0.0"),
                .optional(.integer("seconds", token: "IDLETIME")).since("5.0.0"),
                .optional(.integer("frequency", token: "FREQ")).since("5.0.0"),
            ],
            run: .administration(restore)),
    ]

    /// https://redis.io/docs/latest/commands/dump/
    static func dump(_ context: AdministrationContext) throws(ErrorReply) {
        let key = context.data.key(1)
        guard let entry = context.data.database.pointee.read(key.bytes, key.hash) else {
            return context.reply.null()
        }
        let reply = context.reply
        try context.administration.serialize(entry) { reply.bulk($0) }
    }

    /// What stands behind the payload of RESTORE.
    private struct RestoreOptions {
        var replaces = false
        var isAbsolute = false
        var use: KeyUse?

        init(_ arguments: DataContext) throws(ErrorReply) {
            var at = 4
            while at < arguments.count {
                let hasMore = at + 1 < arguments.count && use == nil
                if arguments[at].equalsFolded("replace") {
                    replaces = true
                } else if arguments[at].equalsFolded("absttl") {
                    isAbsolute = true
                } else if arguments[at].equalsFolded("idletime"), hasMore {
                    at += 1
                    let seconds = try arguments.integer(at)
                    guard seconds >= 0 else { throw .idleTimeNegative }
                    use = .idle(seconds: UInt64(seconds))
                } else if arguments[at].equalsFolded("freq"), hasMore {
                    at += 1
                    let counter = try arguments.integer(at)
                    guard let frequency = UInt8(exactly: counter) else {
                        throw .frequencyOutOfRange
                    }
                    use = .frequency(frequency)
                } else {
                    throw .syntax
                }
                at += 1
            }
        }
    }

    /// https://redis.io/docs/latest/commands/restore/
    static func restore(_ context: AdministrationContext) throws(ErrorReply) {
        let arguments = context.data
        let options = try RestoreOptions(arguments)
        let (database, key) = (arguments.database, arguments.key(1))
        if !options.replaces && database.pointee.lookup(key.bytes, key.hash) != nil {
            throw .busyKey
        }
        let amount = try arguments.integer(2)
        guard amount >= 0 else { throw .timeToLiveNegative }
        var deadline: Int64? = amount == 0 ? nil : amount
        if !options.isAbsolute, amount > 0 {
            let (time, overflow) = amount.addingReportingOverflow(arguments.now)
            guard !overflow else { throw .invalidExpireTime }
            deadline = time
        }
        try context.administration.deserialize(arguments[3]) { value in
            if let deadline, deadline <= arguments.dueTime {
                database.pointee.discard(value)
                if let old = database.pointee.lookup(key.bytes, key.hash) {
                    database.pointee.remove(old, key.hash)
                    arguments.propagateRemoval(of: key)
                }
            } else {
                database.pointee.restore(
                    key.bytes, key.hash, value, deadline: deadline, options.use)
                guard let deadline, !options.isAbsolute else { return }
                arguments.propagate(arguments.count + 1) {
                    $0.add(arguments.frame.pointee.request, from: 0, to: 2)
                    $0.add(deadline)
                    $0.add(arguments.frame.pointee.request, from: 3)
                    $0.add("ABSTTL")
                }
            }
        }
        context.reply.ok()
    }
}
