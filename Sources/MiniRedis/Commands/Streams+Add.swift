// SPDX-License-Identifier: BSD-3-Clause
//
// Streams that grow, and are kept from growing: XADD, XTRIM.

extension Streams {
    static let additions: [Command] = [
        Command(
            "XADD", in: .stream, since: "5.0.0",
            complexity: "O(1), and O(N) where N is the number of entries that are trimmed.",
            summary: "Adds an entry to the end of a stream; creates the key.",
            flags: [.write, .denyOutOfMemory, .fast], tips: ["nondeterministic_output"],
            syntax: [
                .key("key", [.readWrite, .update]),
                .optional(.token("NOMKSTREAM")).since("6.2.0"), .optional(trimming),
                .oneOf("id-selector", .token("*", name: "auto-id"), .string("id")),
                .many(.block("data", .string("field"), .string("value"))),
            ],
            run: .data(add)),
        Command(
            "XTRIM", in: .stream, since: "5.0.0",
            complexity: "O(N) where N is the number of entries that go; many go at once.",
            summary: "Deletes entries from the start of a stream.", flags: [.write],
            tips: ["nondeterministic_output"],
            syntax: [.key("key", [.readWrite, .delete]), trimming], run: .data(trim)),
    ]

    private static let trimming = Syntax.block(
        "trim",
        .oneOf("strategy", .token("MAXLEN"), .token("MINID").since("6.2.0")),
        .optional(
            .oneOf("operator", .token("=", name: "equal"), .token("~", name: "approximately"))),
        .string("threshold"), .optional(.integer("count", token: "LIMIT")).since("6.2.0"))

    /// What comes before the fields of XADD, and after the key of XTRIM.
    private struct Options {
        enum Identifier {
            case automatic
            /// With any sequence.
            case milliseconds(UInt64)
            case given(StreamID)
        }

        var trim: StreamTrim?
        var identifier = Identifier.automatic
        var createsStream = true
        /// The argument of the trim's bound.
        var boundArgument = 0
        /// The argument behind the options.
        var end = 2

        /// For approximate trimming without LIMIT: so many chunks of the usual size.
        private static let chunksAtOnce = 100
        private static let mostAtOnce = 1_000_000
        private static let mostOfUnlimitedChunks = 10_000

        init(_ context: DataContext, isAddition: Bool) throws(ErrorReply) {
            var limit: Int64?
            while end < context.count {
                let word = context[end]
                let hasMore = end + 1 < context.count
                if isAddition, word.equals("*") { break }
                if word.equalsFolded("maxlen"), hasMore {
                    try readBound(context, isLength: true)
                } else if word.equalsFolded("minid"), hasMore {
                    try readBound(context, isLength: false)
                } else if word.equalsFolded("limit"), hasMore {
                    let given = try context.integer(end + 1)
                    guard given >= 0 else { throw .stream(.limitNegative) }
                    limit = given
                    end += 1
                } else if isAddition, word.equalsFolded("nomkstream") {
                    createsStream = false
                } else if isAddition {
                    guard let read = StreamID.read(word) else { throw .stream(.invalidID) }
                    identifier =
                        read.hasOpenSequence
                        ? .milliseconds(read.id.milliseconds) : .given(read.id)
                    break
                } else {
                    throw .syntax
                }
                end += 1
            }
            try setLimit(limit, context, isAddition: isAddition)
        }

        /// Reads MAXLEN or MINID with what follows; `end` is at its last word then.
        private mutating func readBound(
            _ context: DataContext, isLength: Bool
        ) throws(ErrorReply) {
            guard trim == nil else { throw .stream(.twoTrims) }
            var isApproximate = false
            if end + 2 < context.count {
                isApproximate = context[end + 1].equals("~")
                if isApproximate || context[end + 1].equals("=") { end += 1 }
            }
            end += 1
            var bound: StreamTrim.Bound
            if isLength {
                let length = try context.integer(end)
                guard length >= 0 else { throw .stream(.lengthNegative) }
                bound = .count(Int(length))
            } else {
                bound = .minimum(try Streams.id(context, end))
            }
            boundArgument = end
            trim = StreamTrim(bound: bound, isApproximate: isApproximate)
        }

        private mutating func setLimit(
            _ limit: Int64?, _ context: DataContext, isAddition: Bool
        ) throws(ErrorReply) {
            guard var trim else {
                if let limit, limit > 0 { throw .stream(.limitWithoutTrim) }
                if !isAddition { throw .stream(.trimMissing) }
                if limit != nil { throw .stream(.limitOfExactTrim) }
                return
            }
            let limits = context.limits
            if context.database.pointee.state.pointee.repeats {
                // What was trimmed at its origin is exact by now, whatever its limit was.
            } else if let limit {
                guard trim.isApproximate else { throw .stream(.limitOfExactTrim) }
                trim.limit = Int(limit)
            } else if trim.isApproximate {
                let (usual, overflow) = limits.streamNodeEntries
                    .multipliedReportingOverflow(by: Self.chunksAtOnce)
                trim.limit = overflow ? Self.mostAtOnce : min(usual, Self.mostAtOnce)
                if usual <= 0 { trim.limit = Self.mostOfUnlimitedChunks }
            }
            self.trim = trim
        }

        /// The identifier of an entry that is added behind `last`.
        func newID(after last: StreamID, now: Int64) throws(ErrorReply) -> StreamID {
            guard let next = last.next else { throw .stream(.noIdentifierLeft) }
            switch identifier {
            case .automatic:
                let time = StreamID(milliseconds: UInt64(max(now, 0)), sequence: 0)
                return time.milliseconds > last.milliseconds ? time : next
            case .milliseconds(let milliseconds):
                if milliseconds == last.milliseconds, next.milliseconds == milliseconds {
                    return next
                }
                guard milliseconds > last.milliseconds else {
                    throw .stream(.identifierTooSmall)
                }
                return StreamID(milliseconds: milliseconds, sequence: 0)
            case .given(let id):
                guard id > last else { throw .stream(.identifierTooSmall) }
                return id
            }
        }
    }

    /// Fields and values among the arguments, from `first` on.
    private struct ArgumentFields: StreamFields {
        let context: DataContext
        let first: Int
        let count: Int

        @inline(__always)
        func field(_ index: Int) -> ByteView { context[first &+ 2 &* index] }
        @inline(__always)
        func value(_ index: Int) -> ByteView { context[first &+ 2 &* index &+ 1] }
    }

    /// https://redis.io/docs/latest/commands/xadd/
    static func add(_ context: DataContext) throws(ErrorReply) {
        let options = try Options(context, isAddition: true)
        let words = context.count - options.end - 1
        guard words >= 2, words % 2 == 0 else { throw .wrongArity }
        if case .given(.zero) = options.identifier { throw .stream(.identifierZero) }
        let key = context.key(1)
        let slot = try context.slot(key, .stream)
        if slot == nil && !options.createsStream { return context.reply.null() }
        let last = slot.map { StreamView(Entry($0.entry).collection).lastID } ?? .zero
        let id = try options.newID(after: last, now: context.now)
        let fields = ArgumentFields(
            context: context, first: options.end + 1, count: words / 2)
        guard size(of: fields) <= StreamChunk.mostBytes else {
            throw .stream(.elementsTooLarge)
        }
        var trimmed = 0
        if let slot {
            context.database.pointee.update(slot, key, .streamAdd) { place in
                trimmed = append(id, fields, options.trim, context, place)
                return 1
            }
        } else {
            try context.updateOrCreate(key, .stream, .streamAdd) { place in
                trimmed = append(id, fields, options.trim, context, place)
                return 1
            }
        }
        if trimmed > 0 { context.database.pointee.note(.streamTrim, key.bytes, key.hash) }
        if context.isRepeated { propagateAddition(of: id, options, context, key) }
        write(id, context.reply)
    }

    /// Returns how many entries were trimmed.
    @inline(__always)
    private static func append(
        _ id: StreamID, _ fields: ArgumentFields, _ trim: StreamTrim?, _ context: DataContext,
        _ place: BlockPlace
    ) -> Int {
        let editor = StreamEditor(place, context.limits)
        editor.append(id, fields)
        return trim.map { editor.trim($0) } ?? 0
    }

    @inline(__always)
    private static func size(of fields: ArgumentFields) -> Int {
        var bytes = 0
        for index in 0..<fields.count {
            bytes &+= fields.field(index).count &+ fields.value(index).count
        }
        return bytes
    }

    /// https://redis.io/docs/latest/commands/xtrim/
    static func trim(_ context: DataContext) throws(ErrorReply) {
        let options = try Options(context, isAddition: false)
        let key = context.key(1)
        guard let trim = options.trim, let slot = try context.slot(key, .stream) else {
            return context.reply.integer(0)
        }
        let limits = context.limits
        let trimmed = context.database.pointee.update(slot, key, .streamTrim) { place in
            StreamEditor(place, limits).trim(trim)
        }
        if trimmed > 0, trim.isApproximate, context.isRepeated {
            propagate(options, context, key, id: nil)
        }
        context.reply.integer(trimmed)
    }

    private static func propagateAddition(
        of id: StreamID, _ options: Options, _ context: DataContext, _ key: KeyArgument
    ) {
        var isIDGiven = false
        if case .given = options.identifier { isIDGiven = true }
        guard !isIDGiven || options.trim?.isApproximate == true else { return }
        propagate(options, context, key, id: isIDGiven ? nil : id)
    }

    /// Tells the request with the identifier that was made, and with what approximate trimming has
    /// come to: an exact bound.
    private static func propagate(
        _ options: Options, _ context: DataContext, _ key: KeyArgument, id: StreamID?
    ) {
        guard let entry = context.database.pointee.table.find(key.hash, key.bytes) else { return }
        let view = StreamView(Entry(entry.entry).collection)
        let isApproximate = options.trim?.isApproximate == true
        context.propagate(context.count) { request in
            for index in 0..<context.count {
                if isApproximate && index == options.boundArgument - 1 {
                    request.add("=")
                } else if isApproximate && index == options.boundArgument {
                    if case .minimum? = options.trim?.bound {
                        request.add(view.firstID)
                    } else {
                        request.add(Int64(view.count))
                    }
                } else if let id, index == options.end {
                    request.add(id)
                } else {
                    request.add(context[index])
                }
            }
        }
    }
}
