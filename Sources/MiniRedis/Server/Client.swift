// SPDX-License-Identifier: BSD-3-Clause
//
// Client: a connection, a parser and a session, put together.
//
// Input that the connection brings goes to the dispatcher in place. Two things stand in the way at
// times:
//
//   hold      a reply that is being made in the background, CLIENT PAUSE, or the end of the
//             connection: input stays where it is, and is offered again when the hold is over.
//   detaching an argument of 32 KiB and more is received straight into the block that will hold it
//             as a value. The start of its request (`head`) is kept here meanwhile, without the
//             argument's bytes, and what comes after the argument is added to it until the request
//             is complete.

/// A client of the server. Identity; owned by the server's registry until its connection has
/// closed.
final class Client: ConnectionDelegate {
    let connection: Connection
    let session: UnsafeMutablePointer<Session>
    let parser: UnsafeMutablePointer<RequestParser>
    unowned let server: Server

    /// The start of a request of which an argument was detached; empty otherwise.
    private(set) var head = ByteBuffer()
    /// The block that is being received, with a reference of the parser's.
    private var incoming: ReferencedBlock?
    /// Bytes of the incoming argument in all.
    private var incomingLength = 0
    /// The peer sends nothing any more; the connection closes when everything is answered.
    private var hasEnded = false
    /// There is input to execute that waits for a turn of this client.
    private var isQueued = false
    /// Bytes of the arguments that were detached from the request in progress.
    private(set) var detachedBytes = 0
    /// Bytes of the input that is being executed; 0: none is.
    private(set) var bytesInExecution = 0
    /// Since when its unsent output is above its class's soft limit: milliseconds of the monotonic
    /// clock.
    var overSoftLimitSince: Int64?
    /// What it took when that was last counted, bytes.
    var countedBytes = 0
    /// Unsent bytes when the server last looked.
    var unsentAtLastSweep = 0
    /// What it has said of itself as a replica; nil for other clients.
    var replica: Replica?
    /// The server has this client on its list of those that are to have a turn.
    private var isListed = false

    /// A block's first size; it doubles as its bytes really arrive.
    private static let firstBlockBytes = 128 * 1024
    /// How much is added to `head` at a time.
    private static let headStepBytes = 16 * 1024

    init(server: Server, connection: Connection, id: Int64, isAuthenticated: Bool) {
        self.server = server
        self.connection = connection
        session = .allocate(capacity: 1)
        session.initialize(
            to: Session(
                id: id, isAuthenticated: isAuthenticated, isLocal: connection.isLoopback,
                now: server.loop.clock.pointee.unixMilliseconds))
        session.pointee.lastHeardAt = server.loop.clock.pointee.monotonicMilliseconds
        parser = .allocate(capacity: 1)
        parser.initialize(to: RequestParser())
    }

    deinit {
        parser.deinitialize(count: 1)
        parser.deallocate()
        session.deinitialize(count: 1)
        session.deallocate()
    }

    // MARK: - Input

    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int {
        server.turnBegan()
        session.pointee.lastHeardAt = server.loop.clock.pointee.monotonicMilliseconds
        if session.pointee.kind == .primary { return executeStream(bytes, count) }
        var at = 0
        while at < count && session.pointee.hold.isEmpty && incoming == nil {
            let before = at
            if head.isEmpty {
                at += execute(bytes + at, count - at)
            } else {
                at += continueHead(bytes + at, count - at)
            }
            if at == before || isQueued { break }
        }
        // Nothing is executed after the last reply.
        return session.pointee.hold.contains(.closing) ? count : at
    }

    /// Executes requests; returns how many bytes are done with.
    private func execute(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let (consumed, outcome) = run(bytes, count)
        guard case .needsMore = outcome, let argument = parser.pointee.detachable else {
            return consumed
        }
        head.append(ByteView(bytes + consumed, count: argument.position))
        detach(argument.length)
        return consumed + argument.position
    }

    /// Goes on with a request whose start is in `head`; returns how many bytes are done with.
    private func continueHead(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        guard head.count < connection.inputLimitBytes else {
            connectionInputTooLarge(connection)
            return count
        }
        let added = min(count, Self.headStepBytes)
        head.append(ByteView(bytes, count: added))
        let (consumed, outcome) = run(head.base, head.count)
        if parser.pointee.isPostponed {
            // A request is complete and waits in `head`, alone: those before it were executed, and
            // what follows it is received again.
            if consumed > 0 {
                head.removeFirst(consumed)
                detachedBytes = 0
            }
            let early = head.count - parser.pointee.length
            head.removeLast(early)
            return added - early
        }
        if consumed > 0 || session.pointee.hold.contains(.closing) {
            let left = head.count - consumed
            head.removeAll()
            detachedBytes = 0
            return max(0, added - left)
        }
        guard case .needsMore = outcome, let argument = parser.pointee.detachable else {
            return added
        }
        // The bytes behind the position are the next argument's first: they are received again.
        let early = head.count - argument.position
        head.removeLast(early)
        detach(argument.length)
        return added - early
    }

    func run(
        _ bytes: UnsafeMutableRawPointer, _ count: Int
    ) -> (consumed: Int, outcome: Dispatcher.Outcome) {
        server.currentConnection = connection
        connection.beginOutput()
        bytesInExecution = count
        let wasAuthenticated = session.pointee.isAuthenticated
        let (consumed, outcome) = server.dispatcher.pointee.process(
            bytes, count: count, parser: parser, limits: server.limits, session: session)
        switch outcome {
        case .needsMore: break
        case .malformed: refuse()
        case .held:
            // Who waits for a key is listened to: the end of its stream ends its wait.
            if !session.pointee.hold.isDisjoint(with: [.waiting, .paused]),
                !session.pointee.hold.contains(.closing)
            {
                connection.pauseReading()
            }
            if session.pointee.hold.contains(.paused) { server.clientControl.held.append(self) }
        case .congested:
            // Nothing more is read while there is something to execute.
            connection.pauseReading()
            isQueued = true
            if !isListed { server.queue(self) }
            isListed = true
        }
        bytesInExecution = 0
        if wasAuthenticated != session.pointee.isAuthenticated { server.limitInput(of: self) }
        checkOutput()
        if session.pointee.hold.contains(.dropping) { connection.close() }
        connection.endOutput()
        if session.pointee.hold.contains(.closing) { connection.closeAfterOutput() }
        return (consumed, outcome)
    }

    private func refuse() {
        if session.pointee.kind == .primary {
            session.pointee.hold.insert(.dropping)
            return server.replica.streamIsCorrupt(parser.pointee.errorText)
        }
        if !session.pointee.attention.contains(.silent) {
            server.frame.pointee.reply.error("ERR Protocol error: \(parser.pointee.errorText)")
            server.countError()
        }
        session.pointee.hold.insert(.closing)
    }

    // MARK: - Detached arguments

    private func detach(_ length: Int) {
        detachedBytes += length
        guard detachedBytes + head.count <= connection.inputLimitBytes else {
            return connectionInputTooLarge(connection)
        }
        let block = ReferencedBlock(
            capacity: min(length, Self.firstBlockBytes), heap: server.keyspace.memory.pointee.heap)
        parser.pointee.detach(to: block.bytes)
        incoming = block
        incomingLength = length
        receiveMore(block)
        server.countMemory(of: self)
    }

    private func receiveMore(_ block: ReferencedBlock) {
        connection.receive(
            into: block.bytes + block.count,
            count: min(block.capacity, incomingLength) - block.count)
    }

    func connectionFilled(_ connection: Connection) {
        guard var block = incoming else { return }
        block.count = min(block.capacity, incomingLength)
        guard block.count < incomingLength else {
            incoming = nil
            return
        }
        block = block.grown(
            to: min(incomingLength, block.capacity * 2), heap: server.keyspace.memory.pointee.heap)
        parser.pointee.moveLastBlock(to: block.bytes)
        incoming = block
        receiveMore(block)
    }

    /// Bytes of the blocks that detached arguments are received into; `detachedBytes` is what they
    /// will take once they have arrived.
    var detachedMemory: Int {
        guard let incoming else { return detachedBytes }
        return detachedBytes - incomingLength + incoming.capacity
    }

    // MARK: - Going on

    /// Ends the wait for a background reply, and goes on with what has come in meanwhile.
    func resume() {
        session.pointee.hold.remove(.waiting)
        goOn()
    }

    /// CLIENT PAUSE or the wait for a key is over: what was held back runs in the next turn.
    func release(from hold: Session.Hold) {
        session.pointee.hold.remove(hold)
        isQueued = true
        if !isListed { server.queue(self) }
        isListed = true
    }

    /// The server's list has come to this client.
    func takeTurn() {
        isListed = false
        if isQueued { goOn() }
    }

    /// Offers retained input again, and reads on when it is used up.
    private func goOn() {
        isQueued = false
        guard !connection.isCongested else { return }
        if parser.pointee.isPostponed && !head.isEmpty { runHead() }
        connection.redeliver()
        guard !isQueued, session.pointee.hold.isDisjoint(with: [.waiting, .paused]) else { return }
        connection.resumeReading()
        if hasEnded { endIfIdle() }
    }

    /// Runs the request that waited in `head`, and nothing else.
    private func runHead() {
        let (consumed, _) = run(head.base, head.count)
        guard consumed > 0 else { return }
        head.removeAll()
        detachedBytes = 0
    }

    func connectionDrained(_ connection: Connection) {
        if let replica { server.replicaDrained(replica) }
        goOn()
    }

    func connectionEnded(_ connection: Connection) {
        hasEnded = true
        // As in Redis, nobody waits for a key whom nothing more will be heard of.
        guard !session.pointee.hold.contains(.blocked) else { return connection.close() }
        endIfIdle()
    }

    /// Closes after the last reply if nothing is left that could be executed.
    private func endIfIdle() {
        guard session.pointee.hold.isDisjoint(with: [.waiting, .paused]), !isQueued,
            !connection.isCongested
        else {
            return
        }
        connection.closeAfterOutput()
    }

    func connectionInputTooLarge(_ connection: Connection) {
        server.log.write(
            .warning,
            "Closing client that reached max query buffer length: \(connection.peerDescription)")
        server.statistics.queryBufferDisconnections += 1
        session.pointee.hold.insert([.closing, .dropping])
        connection.close()
    }

    func connectionClosed(_ connection: Connection) {
        server.dispatcher.pointee.release(parser)
        server.forget(self)
    }
}

// MARK: - Output that no request of the moment asked for

extension Client {
    /// Whether the reply that was made in the background is to be sent; asked once for each.
    func isAnswerWanted() -> Bool {
        defer { session.pointee.isAnswerUnwanted = false }
        return !session.pointee.isAnswerUnwanted
    }

    /// Lets `write` append a reply outside of a read.
    func answer(_ write: () -> Void) {
        connection.beginOutput()
        write()
        checkOutput()
        connection.endOutput()
    }

    /// Appends a message, also while another client's request, or its own, is being executed.
    func push(_ message: ByteView) {
        guard !connection.isClosing else { return }
        if server.loop.openConnection === connection {
            server.loop.output.pointee.append(message.base, count: message.count)
        } else {
            answer { server.loop.output.pointee.append(message.base, count: message.count) }
        }
    }

    /// Closes a client that has more output waiting than its class may.
    func checkOutput() {
        let unsent = connection.unsentBytes
        guard unsent > server.clientControl.leastOutputLimit || overSoftLimitSince != nil,
            !connection.isClosing
        else { return }
        guard server.isTooMuch(unsent, for: self) else { return server.countMemory(of: self) }
        server.reportTooMuchOutput(self)
        session.pointee.hold.insert([.closing, .dropping])
        connection.close()
    }

    /// Reading replies is a sign of life, too.
    func noteProgress(_ now: Int64) {
        let unsent = connection.unsentBytes
        if unsent < unsentAtLastSweep { session.pointee.lastHeardAt = now }
        unsentAtLastSweep = unsent
    }
}
