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
        /// Replies have reached `replyBudget`: go on when they have left.
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
    }

    private static let batchCapacity = 32
    /// Bytes of replies after which other clients have their turn.
    static let replyBudget = 1 << 20

    let frame: UnsafeMutablePointer<ExecutionFrame>
    let commands: CommandIndex
    let statistics: UnsafeMutablePointer<CommandStatistics>
    private let databases: UnsafeMutablePointer<Database>
    unowned let table: CommandTable
    private var arena = SliceArena()
    private let batch: UnsafeMutablePointer<Prepared>
    private var batchCount = 0
    private var cycles: UInt64 = 0

    init(frame: UnsafeMutablePointer<ExecutionFrame>, table: CommandTable, keyspace: Keyspace) {
        self.frame = frame
        self.table = table
        commands = table.index
        statistics = table.statistics
        databases = keyspace.databases
        batch = .allocate(capacity: Self.batchCapacity)
    }

    deinit {
        batch.deallocate()
    }

    /// Executes what is complete of `count` bytes. Returns how many of them are done with, and why
    /// it stopped.
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
        let wasAuthenticated = session.pointee.isAuthenticated
        var consumed = 0
        while true {
            let batchStart = consumed
            let last = parse(bytes, from: consumed, count: count, parser, limits)
            prepare(session)
            for number in 0..<batchCount {
                execute(number, session)
                consumed = batch[number].end
                let written = frame.pointee.reply.buffer.pointee.count &- start
                let isFull = written &+ frame.pointee.referencedBytes > Self.replyBudget
                if session.pointee.hold.isEmpty && !isFull { continue }
                let outcome = session.pointee.hold.isEmpty ? Outcome.congested : .held
                finishBatch()
                if session.pointee.hold.contains(.paused) {
                    // It has not run, and comes again.
                    consumed = number == 0 ? batchStart : batch[number - 1].end
                    if last == .request && parser.pointee.isKept {
                        parser.pointee.postpone()
                        return (consumed, outcome)
                    }
                }
                // What was parsed ahead is parsed again, from its first byte.
                release(parser)
                return (consumed, outcome)
            }
            finishBatch()
            if last == .request && parser.pointee.isKept { release(parser) }
            switch last {
            case .needsMore: return (consumed, .needsMore)
            case .failed:
                // What is too much before AUTH is parsed again, by other limits, after it.
                guard !wasAuthenticated && session.pointee.isAuthenticated else {
                    return (consumed, .malformed)
                }
                release(parser)
                return (consumed, .needsMore)
            case .request, .arenaFull: if consumed == count { return (consumed, .needsMore) }
            }
        }
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
    @inline(__always)
    private mutating func parse(
        _ bytes: UnsafeMutableRawPointer, from start: Int, count: Int,
        _ parser: UnsafeMutablePointer<RequestParser>, _ limits: UnsafePointer<ProtocolLimits>
    ) -> RequestParser.Outcome {
        var at = start
        while at < count && batchCount < Self.batchCapacity {
            let outcome = parser.pointee.parse(
                bytes + at, count: count &- at, limits: limits, arena: &arena,
                request: &batch[batchCount].request)
            guard case .request = outcome else { return outcome }
            at &+= parser.pointee.length
            batch[batchCount].end = at
            batchCount &+= 1
            // A kept request's slices are the parser's: it runs before another is parsed.
            if parser.pointee.isKept { return .request }
        }
        return at == count && batchCount < Self.batchCapacity ? .needsMore : .request
    }

    /// Looks up the commands of the batch and asks for the memory that they will read.
    @inline(__always)
    private mutating func prepare(_ session: UnsafeMutablePointer<Session>) {
        let database = databases + session.pointee.databaseIndex
        for number in 0..<batchCount {
            batch[number].hashedArgument = 0
            guard batch[number].request.count > 0 else { continue }
            batch[number].resolution = commands.resolve(batch[number].request)
            guard case .record(let record) = batch[number].resolution else { continue }
            let firstKey = commands.records[record].firstKey
            guard firstKey > 0 && firstKey < batch[number].request.count else { continue }
            let hash = database.pointee.hash(batch[number].request[firstKey])
            batch[number].keyHash = hash
            batch[number].hashedArgument = firstKey
            if batchCount > 1 { database.pointee.table.prefetchBucket(hash) }
        }
        guard batchCount > 1 else { return }
        for number in 0..<batchCount where batch[number].hashedArgument > 0 {
            database.pointee.table.prefetchEntry(batch[number].keyHash)
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
        run(record)
    }

    /// Runs an admitted request.
    @inline(__always)
    mutating func run(_ record: Int) {
        frame.pointee.command = record
        do throws(ErrorReply) {
            try commands.records[record].run(frame)
        } catch {
            fail(record, error)
        }
        let now = CycleClock.cycles
        statistics[record].calls &+= 1
        statistics[record].cycles &+= now &- cycles
        cycles = now
    }

    @inline(never)
    private func fail(_ record: Int, _ error: ErrorReply) {
        statistics[record].failed += 1
        if case .written = error { return }
        frame.pointee.reply.error(error, command: table.names[record])
    }
}
