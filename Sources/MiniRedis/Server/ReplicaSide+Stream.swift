// SPDX-License-Identifier: BSD-3-Clause
//
// The master's stream: executed by a client of its own, which is never answered, counted byte by
// byte, and passed on as it came.
//
// A byte counts when its request was executed. Two places must be known exactly, so the commands
// there put the session on hold and execution stops behind them:
//
//     MULTI     ... SET | MULTI SET SET EXEC | ...   the transaction counts as a whole, with EXEC:
//                       ^ what is before counts      if the link breaks within it, it comes again
//     GETACK    the reply is the offset before it
//
// No key is due while the stream is executed (`KeyspaceState.repeats`): a DEL will come.

extension ReplicaSide {
    /// The connection carries the stream from here on. Returns how many bytes are done with.
    func beginStream(
        on connection: Connection, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int {
        let client = server.makePrimary(connection, database: streamDatabase)
        self.client = client
        unapplied.removeAll()
        hasFollowed = true
        isGuarding = false
        connection.delegate = client
        server.updateReplicaRefusals()
        guard let bytes, count > 0 else { return 0 }
        return client.connection(connection, received: bytes, count: count)
    }

    /// The database that the next byte of the stream is meant for.
    var selectedDatabase: Int { client?.session.pointee.databaseIndex ?? streamDatabase }

    /// The stream has ended: what was executed stays counted.
    func endStream() {
        guard let client else { return }
        self.client = nil
        streamDatabase = client.session.pointee.databaseIndex
        unapplied.removeAll()
        askedBytes = nil
        owedDurability = nil
    }

    /// The client of the stream has lost its connection.
    func streamClosed(_ client: Client) {
        guard client === self.client else { return }
        act(link.closed(now))
    }

    /// What follows is no request. What we have may have been wrong for a while: the next link
    /// begins with all data, as it does for Redis.
    func streamIsCorrupt(_ fault: String) {
        let why = fault.isEmpty ? "Master using the inline protocol. Desync?" : fault
        log(
            .warning,
            "Protocol error (\(why)) in the stream of our master: closing the connection, and "
                + "asking for all data anew.")
        hasHistory = false
    }

    /// The stream was heard of.
    func heard() { link.heard(now) }

    /// These bytes of the stream were executed, up to the last request of a transaction that is
    /// still open.
    func executed(_ bytes: UnsafeMutableRawPointer, _ count: Int, by client: Client) {
        guard client === self.client else { return }
        replication.counters.inputBytes += Int64(count)
        let isOpen = client.session.pointee.transaction != nil
        let stoppedAtMulti = isOpen && client.session.pointee.hold.contains(.marked)
        let begin = stoppedAtMulti ? max(0, count - Self.multiBytes) : isOpen ? 0 : count
        if begin > 0 || !isOpen {
            if !unapplied.isEmpty { replication.append(unapplied.view) }
            unapplied.removeAll()
            replication.append(ByteView(bytes, count: begin))
        }
        if isOpen { unapplied.append(ByteView(bytes + begin, count: count - begin)) }
        answerGetAck()
    }

    /// As every master writes it.
    private static let multiBytes = "*1\r\n$5\r\nMULTI\r\n".utf8.count

    private func answerGetAck() {
        guard let bytes = askedBytes else { return }
        askedBytes = nil
        let applied = replication.history.offset - Int64(bytes)
        let synced = server.durableOffset.map { min($0, applied) }
        if let synced, synced < applied { owedDurability = applied }
        act(link.asked(now, applied: applied, synced: synced))
    }

    /// Tells the master as soon as what it asked for is on our disk, too; called at a turn's end.
    func payDurability() {
        guard let owed = owedDurability, let synced = server.durableOffset, synced >= owed else {
            return
        }
        owedDurability = nil
        guard link.state == .streaming else { return }
        act(link.asked(now, applied: replication.history.offset, synced: synced))
    }

    /// Bytes of the stream that have been read, whether they count already or not.
    var readOffset: Int64 {
        replication.history.offset + Int64(unapplied.count)
            + Int64(client?.connection.retainedBytes ?? 0)
    }
}

extension Client {
    /// Executes what a master sends.
    func executeStream(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        server.replica.heard()
        var at = 0
        while at < count && session.pointee.hold.isEmpty && !connection.isClosing {
            server.keyspace.state.pointee.repeats = true
            let (consumed, outcome) = run(bytes + at, count - at)
            server.keyspace.state.pointee.repeats = false
            server.replica.executed(bytes + at, consumed, by: self)
            session.pointee.hold.remove(.marked)
            at += consumed
            guard case .held = outcome else { break }
        }
        return connection.isClosing ? count : at
    }
}

extension Server {
    /// A client for the stream of a connection to our master.
    func makePrimary(_ connection: Connection, database: Int) -> Client {
        let client = Client(
            server: self, connection: connection, id: nextClientID, isAuthenticated: true)
        nextClientID += 1
        clients[client.session.pointee.id] = client
        client.session.pointee.kind = .primary
        client.session.pointee.replyMode = .off
        client.session.pointee.databaseIndex = database
        return client
    }

    /// Our master asks how far we are; `request` is its question. Called while it is executed.
    func askedByMaster(_ request: Request, from session: UnsafeMutablePointer<Session>) {
        guard session.pointee.kind == .primary else { return }
        var bytes = 0
        for index in 0..<request.count {
            let count = request[index].count
            bytes += count + DecimalInteger.length(Int64(count)) + 5
        }
        replica.askedBytes = bytes + DecimalInteger.length(Int64(request.count)) + 3
        session.pointee.hold.insert(.marked)
    }

    /// A request of our master was answered with an error, whose line ends the output.
    func reportErrorToPrimary() {
        let output = frame.pointee.reply.buffer
        let replies = ByteView(output.pointee.base, count: output.pointee.count)
        let last = frame.pointee.command
        let command = last >= 0 ? commandTable.names[last] : "<unknown>"
        log.write(
            .warning,
            "== CRITICAL == This replica is sending an error to its master: "
                + "'\(ErrorStatistics.lastLine(of: replies).string)' after processing the command "
                + "'\(command)'")
    }
}
