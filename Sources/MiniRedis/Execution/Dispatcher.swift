// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: from bytes to replies, on one page.
//
// What one read brought is parsed up to 32 requests ahead; the first key of each is hashed and its
// bucket asked for, then the entries the buckets name; then the requests run in order. By the time
// a handler looks a key up, its cache lines have arrived: the misses of a pipeline overlap instead
// of adding up. What is kept from the look ahead is the hash, never an address: a command may move
// any entry, and none changes a key's hash.
//
//     parse  32 x  [ request ][ request ] ...
//     ask    32 x  command, hash, prefetch bucket
//     ask    32 x  prefetch entry
//     ask    32 x  prefetch collection, bucket of an element, element: if such commands are there
//     run    32 x  admit -> handler -> reply
//
// A request that needs more than that, because its session or the server is in an unusual state,
// takes the careful way (`Dispatcher+Care`): one branch tells.
//
// It does not know sockets: bytes come in, replies go to the buffer, and the outcome says why it
// stopped.

/// Executes the requests of all clients, one client's run at a time.
///
/// Ownership: owns the arena and the batch; used through a pointer, by the loop alone.
struct Dispatcher: ~Copyable {
    /// Why `process` stopped.
    enum Outcome {
        /// All complete requests are executed; what is left is the start of one.
        case needsMore
        /// The bytes are no request; `RequestParser.errorText` says why. Nothing more can be
        /// parsed.
        case malformed
        /// The session is on hold.
        case held
        /// The client has had its share: `replyBudget` bytes of replies or `shareCycles` of time.
        /// Go on when the replies have left and other clients have had theirs.
        case congested
    }

    /// A request with what is known of it before it runs.
    private struct Prepared {
        var request: Request
        var resolution: CommandIndex.Resolution
        /// The end of the request in the bytes.
        var end: Int
        var keyHash: UInt64
        var hashedArgument: Int
        /// The collection that an element will be looked for in; nil if that is not known. Only
        /// while the batch is prepared.
        var collection: UnsafeRawPointer?
        var elementHash: UInt64
    }

    /// Why the batch is not longer.
    private enum ParseEnd {
        case needsMore
        case failed
        /// It is full, or must run before more is parsed.
        case mayParse

        init(_ outcome: RequestParser.Outcome) {
            switch outcome {
            case .needsMore: self = .needsMore
            case .failed: self = .failed
            case .arenaFull, .request: self = .mayParse
            }
        }
    }

    private static let batchCapacity = 32
    /// A longer element is not hashed twice. Bytes.
    private static let longestElementAhead = 256
    /// Bytes of replies after which other clients have their turn.
    static let replyBudget = 1 << 20
    /// Microseconds of execution after which other clients have their turn.
    static let shareMicroseconds = 1000

    // A pointer stands first: with an integer there, Swift 6.3 makes a module of this file that the
    // thread sanitizer's build refuses ("Invalid bitcast").
    let frame: UnsafeMutablePointer<ExecutionFrame>
    /// Who cares for what becomes of keys.
    let followers: UnsafeMutablePointer<Followers>
    /// Where replies go that nobody is to get. Not the output, to take them back from there again:
    /// what a command sends to others stands between them.
    let unwanted: UnsafeMutablePointer<OutputBuffer>
    let commands: CommandIndex
    let statistics: UnsafeMutablePointer<CommandStatistics>
    let databases: UnsafeMutablePointer<Database>
    let state: UnsafeMutablePointer<KeyspaceState>
    unowned let table: CommandTable
    unowned let keyspace: Keyspace
    /// Whether there is a limit of memory, so that commands that want more may be refused.
    var isMemoryLimited = false
    /// `shareMicroseconds` in cycles of the processor's counter, as far as its rate is known.
    var shareCycles: UInt64 = 1_000_000
    private var arena = SliceArena()
    private let batch: UnsafeMutablePointer<Prepared>
    private var batchCount = 0
    private var cycles: UInt64 = 0

    init(frame: UnsafeMutablePointer<ExecutionFrame>, table: CommandTable, keyspace: Keyspace) {
        self.frame = frame
        self.table = table
        self.keyspace = keyspace
        commands = table.index
        statistics = table.statistics
        databases = keyspace.databases
        state = keyspace.state
        batch = .allocate(capacity: Self.batchCapacity)
        followers = .allocate(capacity: 1)
        followers.initialize(to: Followers())
        unwanted = .allocate(capacity: 1)
        unwanted.initialize(to: OutputBuffer())
    }

    deinit {
        batch.deallocate()
        followers.deinitialize(count: 1)
        followers.deallocate()
        unwanted.deinitialize(count: 1)
        unwanted.deallocate()
    }

    /// Executes what is complete of `count` bytes. Returns how many of them are done with, and why
    /// it stopped. `limits` are two: those before authentication, and those after it.
    mutating func process(
        _ bytes: UnsafeMutableRawPointer, count: Int, parser: UnsafeMutablePointer<RequestParser>,
        limits: UnsafePointer<ProtocolLimits>, session: UnsafeMutablePointer<Session>
    ) -> (consumed: Int, outcome: Outcome) {
        let start = frame.pointee.reply.buffer.pointee.count
        frame.pointee.session = session
        frame.pointee.reply.version = session.pointee.protocolVersion
        frame.pointee.database = databases + session.pointee.databaseIndex
        frame.pointee.referencedBytes = 0
        frame.pointee.command = session.pointee.lastCommand
        defer { session.pointee.lastCommand = frame.pointee.command }
        cycles = CycleClock.cycles
        let began = cycles
        var consumed = 0
        while true {
            let batchStart = consumed
            let last = parse(bytes, from: consumed, count: count, parser, limits, session)
            prepare(session)
            for number in 0..<batchCount {
                execute(number, session)
                consumed = batch[number].end
                let written = frame.pointee.reply.buffer.pointee.count &- start
                let isFull =
                    written &+ frame.pointee.referencedBytes > Self.replyBudget
                    || cycles &- began > shareCycles
                if session.pointee.hold.isEmpty && !isFull { continue }
                if session.pointee.hold.contains(.blocked) { beginWait(session) }
                if session.pointee.hold.contains(.paused) {
                    consumed = number == 0 ? batchStart : batch[number - 1].end
                    postpone(number, from: consumed, parser, isKept: last == .mayParse)
                    return (consumed, .held)
                }
                finishBatch()
                // What was parsed ahead is parsed again, from its first byte.
                release(parser)
                guard session.pointee.hold.isEmpty else { return (consumed, .held) }
                return (consumed, consumed == count ? .needsMore : .congested)
            }
            finishBatch()
            if last == .mayParse && parser.pointee.isKept { release(parser) }
            switch last {
            case .needsMore: return (consumed, .needsMore)
            case .failed: return (consumed, .malformed)
            case .mayParse: if consumed == count { return (consumed, .needsMore) }
            }
        }
    }

    /// Keeps a request that may not run yet, as it is: its bytes may be unescaped in place and
    /// cannot be parsed twice. What was parsed behind it is parsed again.
    private mutating func postpone(
        _ number: Int, from start: Int, _ parser: UnsafeMutablePointer<RequestParser>, isKept: Bool
    ) {
        // A kept request that is complete is alone in its batch; any other kept one is a later one.
        if !(isKept && parser.pointee.isKept) { release(parser) }
        parser.pointee.postpone(batch[number].request, length: batch[number].end - start)
        finishBatch()
    }

    private mutating func finishBatch() {
        batchCount = 0
        arena.removeAll()
    }

    /// Gives up what the parser kept of a request: its slices, and its references to detached
    /// arguments' blocks.
    func release(_ parser: UnsafeMutablePointer<RequestParser>) {
        for bytes in parser.pointee.blockAddresses {
            ReferencedBlock(bytes - ReferencedBlock.headerBytes).release(databases.pointee.heap)
        }
        parser.pointee.release()
    }

    /// Fills the batch; returns how the last attempt to parse ended.
    ///
    /// Two kinds of request are not looked past: an inline one, which is unescaped in place and so
    /// cannot be parsed twice, and, before authentication, any, because it may change the limits.
    /// A master writes no inline requests: one in its stream is the middle of something else.
    @inline(__always)
    private mutating func parse(
        _ bytes: UnsafeMutableRawPointer, from start: Int, count: Int,
        _ parser: UnsafeMutablePointer<RequestParser>, _ bothLimits: UnsafePointer<ProtocolLimits>,
        _ session: UnsafeMutablePointer<Session>
    ) -> ParseEnd {
        let isAuthenticated = session.pointee.isAuthenticated
        let limits = bothLimits + (isAuthenticated ? 1 : 0)
        let capacity = isAuthenticated ? Self.batchCapacity : 1
        var at = start
        while at < count && batchCount < capacity {
            let isInline = RequestParser.isInline(bytes + at)
            if isInline {
                if batchCount > 0 { return .mayParse }
                if session.pointee.kind == .primary && !parser.pointee.isKept
                    && !RequestParser.isBlank(bytes + at)
                {
                    return .failed
                }
            }
            let outcome = parser.pointee.parse(
                bytes + at, count: count &- at, limits: limits, arena: &arena)
            guard case .request(let request) = outcome else { return ParseEnd(outcome) }
            at &+= parser.pointee.length
            let prepared = batch + batchCount
            prepared.pointee.request = request
            prepared.pointee.end = at
            batchCount &+= 1
            // A kept request's slices are the parser's: it runs before another is parsed.
            if parser.pointee.isKept || isInline { return .mayParse }
        }
        return at == count && batchCount < capacity ? .needsMore : .mayParse
    }

    /// Looks up the commands of the batch and asks for the memory that they will read.
    @inline(__always)
    private mutating func prepare(_ session: UnsafeMutablePointer<Session>) {
        let database = databases + session.pointee.databaseIndex
        var findsElements = false
        for number in 0..<batchCount {
            batch[number].hashedArgument = 0
            batch[number].collection = nil
            guard batch[number].request.count > 0 else { continue }
            batch[number].resolution = commands.resolve(batch[number].request)
            guard case .record(let record) = batch[number].resolution else { continue }
            let firstKey = commands.records[record].firstKey
            guard firstKey > 0 && firstKey < batch[number].request.count else { continue }
            let hash = database.pointee.hash(batch[number].request[firstKey])
            batch[number].keyHash = hash
            batch[number].hashedArgument = firstKey
            if batchCount > 1 { database.pointee.table.prefetchBucket(hash) }
            findsElements = findsElements || commands.records[record].findsElement
        }
        guard batchCount > 1 else { return }
        for number in 0..<batchCount where batch[number].hashedArgument > 0 {
            database.pointee.table.prefetchEntry(batch[number].keyHash)
        }
        if findsElements { prepareElements(database) }
    }

    /// Asks for the elements that the commands of the batch will look for in large collections.
    private mutating func prepareElements(_ database: UnsafeMutablePointer<Database>) {
        for number in 0..<batchCount {
            let key = batch[number].hashedArgument
            guard key > 0, key &+ 1 < batch[number].request.count,
                batch[number].request[key &+ 1].count <= Self.longestElementAhead,
                case .record(let record) = batch[number].resolution,
                commands.records[record].findsElement
            else { continue }
            batch[number].collection = database.pointee.prefetchCollection(batch[number].keyHash)
        }
        var hasBuckets = false
        for number in 0..<batchCount {
            guard let collection = batch[number].collection else { continue }
            let element = batch[number].request[batch[number].hashedArgument &+ 1]
            let hash = database.pointee.hash(element)
            batch[number].elementHash = hash
            if database.pointee.prefetchElementBucket(collection, hash) {
                hasBuckets = true
            } else {
                batch[number].collection = nil
            }
        }
        guard hasBuckets else { return }
        for number in 0..<batchCount {
            guard let collection = batch[number].collection else { continue }
            database.pointee.prefetchElement(collection, batch[number].elementHash)
        }
    }

    /// Admits and runs one request.
    @inline(__always)
    private mutating func execute(_ number: Int, _ session: UnsafeMutablePointer<Session>) {
        let count = batch[number].request.count
        guard count > 0 else { return }
        frame.pointee.request = batch[number].request
        frame.pointee.keyHash = batch[number].keyHash
        frame.pointee.hashedArgument = batch[number].hashedArgument
        frame.pointee.database = databases + session.pointee.databaseIndex
        guard case .record(let record) = batch[number].resolution,
            count >= commands.records[record].fewestArguments,
            count <= commands.records[record].mostArguments,
            frame.pointee.attention.rawValue | session.pointee.attention.rawValue == 0
        else { return executeCarefully(batch[number].resolution, session) }
        // Asked here too: for the call, the dispatcher would be copied before every command.
        guard !isMemoryLimited || hasRoom(for: record) else { return refuseForMemory(record) }
        run(record)
    }

    /// Runs an admitted request.
    @inline(__always)
    mutating func run(_ record: Int) {
        frame.pointee.command = record
        let changes = state.pointee.changesSinceSave
        do throws(ErrorReply) {
            try commands.records[record].run(frame)
        } catch {
            fail(record, error)
        }
        if state.pointee.effects.isActive { propagate(record, since: changes) }
        let now = CycleClock.cycles
        let spent = now &- cycles
        cycles = now
        let statistics = statistics + record
        statistics.pointee.calls &+= 1
        statistics.pointee.cycles &+= spent
        if let histogram = statistics.pointee.histogram {
            histogram.record(spent)
        } else {
            startHistogram(record, spent)
        }
        if spent >= frame.pointee.slowCycles { noteSlow(record, spent) }
    }

    /// Tells those who repeat it what a command has changed.
    @inline(never)
    private func propagate(_ record: Int, since changes: Int) {
        if frame.pointee.hasOwnEffect {
            frame.pointee.hasOwnEffect = false
        } else if state.pointee.changesSinceSave != changes,
            !commands.records[record].flags.isDisjoint(with: [.write, .mayReplicate])
        {
            state.pointee.effects.add(
                frame.pointee.request, in: frame.pointee.database.pointee.index)
        }
        // Due keys that a reading command met are no transaction.
        let isAtomic = !commands.records[record].flags.isDisjoint(with: [.write, .mayReplicate])
        if frame.pointee.mode != .transaction { endUnit(isAtomic: isAtomic) }
    }

    /// What was told since the last unit is one.
    func endUnit(isAtomic: Bool = true) {
        state.pointee.effects.endUnit(isAtomic: isAtomic)
        frame.pointee.session.pointee.lastWrite = EffectPositions(
            replication: state.pointee.effects.replication.position,
            appendOnly: state.pointee.effects.appendOnly.position)
    }

    // MARK: - Observers

    /// The first call of a command since its statistics were cleared.
    @inline(never)
    private func startHistogram(_ record: Int, _ spent: UInt64) {
        guard frame.pointee.tracksLatency else { return }
        let histogram = LatencyHistogram()
        histogram.record(spent)
        statistics[record].histogram = histogram
    }

    @inline(never)
    private func noteSlow(_ record: Int, _ spent: UInt64) {
        frame.pointee.administration.noteSlow(record, cycles: spent, frame)
    }

    // MARK: - Errors

    @inline(never)
    private func fail(_ record: Int, _ error: ErrorReply) {
        statistics[record].failed += 1
        if !error.isWritten {
            frame.pointee.reply.error(error, command: table.names[record])
        }
        frame.pointee.administration.countError()
    }
}
