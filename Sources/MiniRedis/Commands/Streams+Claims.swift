// SPDX-License-Identifier: BSD-3-Clause
//
// Who takes over what is pending in a group: XCLAIM, XAUTOCLAIM.

extension Streams {
    static let claims: [Command] = [
        Command(
            "XCLAIM", in: .stream, since: "5.0.0",
            complexity: "O(log(N)) for each entry, where N is the number of pending ones.",
            summary: "Gives pending entries to a consumer, whoever had them before.",
            flags: [.write, .fast], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readWrite, .update]), .string("group"), .string("consumer"),
                .string("min-idle-time"), .many(.string("id")),
                .optional(.integer("ms", token: "IDLE")),
                .optional(.unixTime("unix-time-milliseconds", token: "TIME")),
                .optional(.integer("count", token: "RETRYCOUNT")), .optional(.token("FORCE")),
                .optional(.token("JUSTID")), .optional(.string("lastid", token: "LASTID")),
            ],
            run: .data(claim)),
        Command(
            "XAUTOCLAIM", in: .stream, since: "6.2.0",
            complexity: "O(N) where N is the number of entries looked at: ten for each of COUNT.",
            summary: "Gives what has been pending for long to a consumer.",
            flags: [.write, .fast], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readWrite, .delete]), .string("group"), .string("consumer"),
                .string("min-idle-time"), .string("start"),
                .optional(.integer("count", token: "COUNT")), .optional(.token("JUSTID")),
            ],
            run: .data(claimAutomatically)),
    ]

    // MARK: - XCLAIM

    /// What follows the consumer in XCLAIM.
    private struct ClaimOptions {
        var idleTime: Int64
        /// The arguments that are identifiers.
        var ids = 5..<5
        var deliveryTime: Int64?
        var deliveryCount: Int64?
        var isForced = false
        var wantsIDsOnly = false
        var lastID = StreamID.zero

        /// Those of XAUTOCLAIM.
        init(idleTime: Int64) {
            self.idleTime = idleTime
        }

        init(_ context: DataContext) throws(ErrorReply) {
            guard let idle = DecimalInteger.parse(context[4]) else {
                throw .stream(.claimIdleTime)
            }
            idleTime = max(idle, 0)
            var at = 5
            while at < context.count, StreamID.parse(context[at]) != nil { at += 1 }
            ids = 5..<at
            while at < context.count {
                let word = context[at]
                let hasMore = at + 1 < context.count
                if word.equalsFolded("force") {
                    isForced = true
                } else if word.equalsFolded("justid") {
                    wantsIDsOnly = true
                } else if word.equalsFolded("idle"), hasMore {
                    at += 1
                    deliveryTime =
                        context.now &- (try Self.integer(context[at], .claimIdleOption))
                } else if word.equalsFolded("time"), hasMore {
                    at += 1
                    deliveryTime = try Self.integer(context[at], .claimTimeOption)
                } else if word.equalsFolded("retrycount"), hasMore {
                    at += 1
                    let count = try Self.integer(context[at], .claimRetryOption)
                    deliveryCount = count < 0 ? nil : count
                } else if word.equalsFolded("lastid"), hasMore {
                    at += 1
                    lastID = try Streams.id(context, at)
                } else {
                    context.reply.error(
                        joining: ByteView("ERR Unrecognized XCLAIM option '"), word,
                        ByteView("'"))
                    throw .written
                }
                at += 1
            }
        }

        private static func integer(
            _ text: ByteView, _ error: StreamErrorReply
        ) throws(ErrorReply) -> Int64 {
            guard let value = DecimalInteger.parse(text) else { throw .stream(error) }
            return value
        }

        /// When what is claimed counts as delivered: nonsense counts as now.
        func time(now: Int64) -> Int64 {
            guard let deliveryTime, 0...now ~= deliveryTime else { return now }
            return deliveryTime
        }
    }

    /// https://redis.io/docs/latest/commands/xclaim/
    static func claim(_ context: DataContext) throws(ErrorReply) {
        let key = context.key(1)
        guard let slot = try context.slot(key, .stream),
            StreamView(Entry(slot.entry).collection).group(context[2]) != nil
        else { throw noKeyOrGroup(context, context[2], key: key.bytes) }
        let options = try ClaimOptions(context)
        let isNew = createConsumer(context[3], of: context[2], context, slot, key)
        let told = RepeatedGroup(context: context, key: key.bytes, name: context[2])
        let limits = context.limits
        let mark = context.reply.beginArray()
        var claimed = 0
        context.database.pointee.update(slot, key, .unheard) { place in
            let editor = StreamEditor(place, limits)
            return editor.withGroup(context[2]) { group in
                var changes = 0
                var isPositionTold = options.lastID <= group.view.lastID
                if !isPositionTold {
                    group.setLastID(options.lastID)
                    changes = 1
                }
                group.withConsumer(context[3]) { consumer in
                    consumer.setSeenTime(context.now)
                    for index in options.ids {
                        guard let id = StreamID.parse(context[index]) else { continue }
                        let claim = Claim(
                            context: context, stream: editor.view, group: group,
                            consumer: consumer, told: told)
                        switch claim.take(id, options) {
                        case .nothing: continue
                        case .deleted: break
                        case .claimed: claimed += 1
                        }
                        isPositionTold = true
                        changes += 1
                    }
                }
                if !isPositionTold { told.tellPosition(group.view) }
                return changes
            } ?? 0
        }
        if isNew && claimed == 0 { told.tellConsumer(context[3]) }
        context.propagateNothingElse()
        context.reply.endArray(mark, claimed)
    }

    /// What XCLAIM and XAUTOCLAIM do with one entry.
    private struct Claim {
        enum Outcome {
            case nothing
            /// The entry was deleted from the stream, and is no longer pending.
            case deleted
            case claimed
        }

        let context: DataContext
        let stream: StreamView
        let group: StreamGroupEditor
        let consumer: StreamConsumerEditor
        let told: RepeatedGroup

        /// Gives the entry to the consumer, and writes it, if it may be claimed.
        func take(_ id: StreamID, _ options: ClaimOptions) -> Outcome {
            let pending = group.view.pending(id)
            guard let entry = stream.entry(id) else {
                guard pending != nil else { return .nothing }
                told.tellPending(id, group.view)
                return group.acknowledge(id) ? .deleted : .nothing
            }
            if let pending {
                let idle = context.now &- pending.deliveryTime
                if options.idleTime > 0 && idle < options.idleTime { return .nothing }
            } else if !options.isForced {
                return .nothing
            }
            // What is not pending yet counts as delivered once before this.
            let before = pending?.deliveryCount ?? 1
            let count =
                options.deliveryCount ?? (options.wantsIDsOnly ? before : before &+ 1)
            group.assign(id, to: consumer, time: options.time(now: context.now)) { _ in count }
            consumer.setActiveTime(context.now)
            told.tellPending(id, group.view)
            if options.wantsIDsOnly {
                Streams.write(id, context.reply)
            } else {
                Streams.write(entry, context.reply)
            }
            return .claimed
        }
    }

    // MARK: - XAUTOCLAIM

    /// How many pending entries are looked at for each that is asked for.
    private static let looksForEach: Int64 = 10
    /// The most that may be asked for: as many as Redis could keep the identifiers of.
    private static let mostClaimed = Int64.max / 16

    /// What follows the consumer in XAUTOCLAIM.
    private struct SearchOptions {
        var claim: ClaimOptions
        var start: StreamID
        var most: Int64 = 100

        init(_ context: DataContext) throws(ErrorReply) {
            guard let idle = DecimalInteger.parse(context[4]) else {
                throw .stream(.automaticClaimIdleTime)
            }
            claim = ClaimOptions(idleTime: max(idle, 0))
            start = try Streams.start(context, 5)
            var at = 6
            while at < context.count {
                if context[at].equalsFolded("count"), at + 1 < context.count {
                    at += 1
                    guard let count = DecimalInteger.parse(context[at]),
                        1...Streams.mostClaimed ~= count
                    else { throw .stream(.claimCount) }
                    most = count
                } else if context[at].equalsFolded("justid") {
                    claim.wantsIDsOnly = true
                } else {
                    throw .syntax
                }
                at += 1
            }
        }
    }

    /// https://redis.io/docs/latest/commands/xautoclaim/
    static func claimAutomatically(_ context: DataContext) throws(ErrorReply) {
        let options = try SearchOptions(context)
        let key = context.key(1)
        guard let slot = try context.slot(key, .stream),
            StreamView(Entry(slot.entry).collection).group(context[2]) != nil
        else { throw noKeyOrGroup(context, context[2], key: key.bytes) }
        let isNew = createConsumer(context[3], of: context[2], context, slot, key)
        let told = RepeatedGroup(context: context, key: key.bytes, name: context[2])
        let limits = context.limits
        let reply = context.reply
        reply.array(3)
        let mark = reply.beginArray()
        var search = Search(left: options.most, looks: options.most &* looksForEach)
        context.database.pointee.update(slot, key, .unheard) { place in
            let editor = StreamEditor(place, limits)
            editor.withGroup(context[2]) { group in
                group.withConsumer(context[3]) { consumer in
                    consumer.setSeenTime(context.now)
                    let claim = Claim(
                        context: context, stream: editor.view, group: group, consumer: consumer,
                        told: told)
                    search.run(claim, options)
                }
            }
            return search.claimed + search.deleted.count
        }
        if isNew && search.claimed == 0 { told.tellConsumer(context[3]) }
        context.propagateNothingElse()
        reply.endArray(mark, search.claimed)
        reply.prepend(dashed: search.next.milliseconds, search.next.sequence, at: mark)
        reply.array(search.deleted.count)
        for id in search.deleted { write(id, reply) }
    }

    /// A walk over what is pending, from an identifier on.
    private struct Search {
        /// How many more may be claimed, or found deleted.
        var left: Int64
        var looks: Int64
        var claimed = 0
        var deleted: [StreamID] = []
        /// Where the next walk is to start; zero at the end.
        var next = StreamID.zero

        init(left: Int64, looks: Int64) {
            self.left = left
            self.looks = looks
        }

        mutating func run(_ claim: Claim, _ options: SearchOptions) {
            var cursor = claim.group.view.pending.lowerBound { StreamID(at: $0) < options.start }
            while !cursor.isAtEnd {
                let id = StreamID(at: cursor.record)
                guard looks > 0 && left > 0 else {
                    next = id
                    return
                }
                looks -= 1
                switch claim.take(id, options.claim) {
                case .nothing:
                    _ = cursor.next()
                    continue
                case .deleted: deleted.append(id)
                case .claimed: claimed += 1
                }
                left -= 1
                // What was written has made the cursor invalid.
                cursor = claim.group.view.pending.lowerBound { StreamID(at: $0) <= id }
            }
        }
    }
}
