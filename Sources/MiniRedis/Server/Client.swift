// SPDX-License-Identifier: BSD-3-Clause
//
// Client: a connection, a parser and a session, put together.
//
// Input that the connection brings goes to the dispatcher in place. Two things stand in the way at
// times:
//
//   hold      a reply that is being made in the background, or the end of the connection: input
//             stays where it is, and is offered again when the hold is over.
//   detaching an argument of 32 KiB and more is received straight into the block that will hold it
//             as a value. The start of its request (`head`) is kept here meanwhile, without the
//             argument's bytes, and what comes after the argument is added to it until the request
//             is complete.

/// A client of the server. Identity; owned by the server's registry until its connection has
/// closed.
final class Client: ConnectionDelegate {
    let connection: Connection
    let session: UnsafeMutablePointer<Session>
    private let parser: UnsafeMutablePointer<RequestParser>
    private unowned let server: Server

    /// The start of a request of which an argument was detached; empty otherwise.
    private var head = ByteBuffer()
    /// The block that is being received, with a reference of the parser's.
    private var incoming: ReferencedBlock?
    /// Bytes of the incoming argument in all.
    private var incomingLength = 0
    /// The peer sends nothing any more; the connection closes when everything is answered.
    private var hasEnded = false
    /// There is input to execute that waits for a turn of this client.
    private var isQueued = false
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
                id: id, isAuthenticated: isAuthenticated, isLocal: connection.isLoopback))
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
        if consumed > 0 || session.pointee.hold.contains(.closing) {
            let left = head.count - consumed
            head.removeAll()
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

    private func run(
        _ bytes: UnsafeMutableRawPointer, _ count: Int
    ) -> (consumed: Int, outcome: Dispatcher.Outcome) {
        server.currentConnection = connection
        connection.beginOutput()
        let (consumed, outcome) = server.dispatcher.pointee.process(
            bytes, count: count, parser: parser, limits: server.limits, session: session)
        switch outcome {
        case .needsMore: break
        case .malformed: refuse()
        case .held:
            if !session.pointee.hold.contains(.closing) { connection.pauseReading() }
        case .congested:
            // Nothing more is read while there is something to execute.
            connection.pauseReading()
            isQueued = true
            if !isListed { server.queue(self) }
            isListed = true
        }
        connection.endOutput()
        if session.pointee.hold.contains(.closing) { connection.closeAfterOutput() }
        return (consumed, outcome)
    }

    private func refuse() {
        server.frame.pointee.reply.error("ERR Protocol error: \(parser.pointee.errorText)")
        server.countError()
        session.pointee.hold.insert(.closing)
    }

    // MARK: - Detached arguments

    private func detach(_ length: Int) {
        let block = ReferencedBlock(
            capacity: min(length, Self.firstBlockBytes), heap: server.keyspace.memory.pointee.heap)
        parser.pointee.detach(to: block.bytes)
        incoming = block
        incomingLength = length
        receiveMore(block)
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

    // MARK: - Going on

    /// Ends the wait for a background reply, and goes on with what has come in meanwhile.
    func resume() {
        session.pointee.hold.remove(.waiting)
        goOn()
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
        connection.redeliver()
        guard !isQueued, !session.pointee.hold.contains(.waiting) else { return }
        connection.resumeReading()
        if hasEnded { endIfIdle() }
    }

    func connectionDrained(_ connection: Connection) {
        goOn()
    }

    func connectionEnded(_ connection: Connection) {
        hasEnded = true
        endIfIdle()
    }

    /// Closes after the last reply if nothing is left that could be executed.
    private func endIfIdle() {
        guard !session.pointee.hold.contains(.waiting), !isQueued, !connection.isCongested else {
            return
        }
        connection.closeAfterOutput()
    }

    func connectionInputTooLarge(_ connection: Connection) {
        server.log.write(
            .warning,
            "Closing client that reached max query buffer length: \(connection.peerDescription)")
        server.statistics.queryBufferDisconnections += 1
        connection.close()
    }

    func connectionClosed(_ connection: Connection) {
        server.dispatcher.pointee.release(parser)
        server.forget(self)
    }
}
