// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: clients that wait for keys, and what changes do.
//
// After each command, and after other work that changes keys, the notes of changes are taken
// (`settle`). Keys that somebody waits for are collected first and served then, one key after the
// other, its clients in their order; what serving changes is noted and served in turn, until
// nothing is left. Nothing is served within EXEC, but all of it after.

extension Dispatcher {
    // MARK: - Beginning and ending

    /// The session's command has asked to wait.
    func beginWait(_ session: UnsafeMutablePointer<Session>) {
        guard let wait = frame.pointee.wait else { return }
        frame.pointee.wait = nil
        let record = frame.pointee.command
        let database = databases + session.pointee.databaseIndex
        var keys: [FollowedKey] = []
        keys.reserveCapacity(wait.keys.count)
        var seen: Set<FollowedKey> = []
        for index in wait.keys {
            let bytes = frame.pointee.request[index]
            let key = FollowedKey(
                KeyArgument(bytes: bytes, hash: database.pointee.hash(bytes)),
                database: session.pointee.databaseIndex)
            guard seen.insert(key).inserted else { continue }
            keys.append(key)
            keyspace.state.pointee.changeLog.follow(key.hash)
        }
        let now = frame.pointee.administration.monotonicMilliseconds
        followers.pointee.blocked.add(
            BlockedClients.Waiter(
                session: session, id: session.pointee.id, record: record,
                request: store(frame.pointee.request, replacing: wait.replacements),
                family: BlockedClients.Family(table.commands[record].group),
                deadline: wait.timeout == 0
                    ? nil : now.addingReportingOverflow(wait.timeout).partialValue,
                answer: wait.answer, database: session.pointee.databaseIndex, keys: keys))
        updateAttention()
        if wait.timeout != 0 { frame.pointee.administration.waitTimesChanged() }
    }

    /// The client of this number waits no more; false if it does not.
    @discardableResult
    func endWait(_ id: Int64) -> Bool {
        guard let waiter = followers.pointee.blocked.remove(id) else { return false }
        for key in waiter.keys { keyspace.state.pointee.changeLog.forget(key.hash) }
        discard(waiter.request)
        updateAttention()
        return true
    }

    /// Copies a request; its blocks get a reference more.
    func store(
        _ request: Request, replacing changes: [(argument: Int, bytes: [UInt8])] = []
    ) -> StoredRequest {
        let stored = StoredRequest(copying: request, replacing: changes)
        for bytes in stored.blocks {
            ReferencedBlock(bytes - ReferencedBlock.headerBytes).retain()
        }
        return stored
    }

    /// Gives a copied request up.
    func discard(_ stored: StoredRequest) {
        for bytes in stored.blocks {
            ReferencedBlock(bytes - ReferencedBlock.headerBytes).release(databases.pointee.heap)
        }
        stored.deallocate()
    }

    /// Lets all requests take the careful way while somebody follows keys.
    func updateAttention() {
        if keyspace.state.pointee.changeLog.isActive {
            frame.pointee.attention.insert(.followed)
        } else {
            frame.pointee.attention.remove(.followed)
        }
    }

    // MARK: - Changes

    /// Does what changes ask for, until there is nothing more to do.
    @inline(never)
    mutating func settle() {
        while true {
            noteChanges()
            guard frame.pointee.attention.isDisjoint(with: [.writesPaused, .allPaused]),
                let key = followers.pointee.blocked.takeReady()
            else { return }
            serve(key)
        }
    }

    /// Whether `settle` has something to do.
    @inline(__always)
    var hasChanges: Bool {
        !keyspace.state.pointee.changeLog.changes.isEmpty || followers.pointee.blocked.hasReady
    }

    /// Takes the notes of changes; serves nobody.
    func noteChanges() {
        let publishes = !keyspace.state.pointee.changeLog.published.isEmpty
        while !keyspace.state.pointee.changeLog.changes.isEmpty {
            for change in keyspace.state.pointee.changeLog.take() {
                if case .key(let event, let key, _) = change.kind, publishes {
                    frame.pointee.administration.publish(
                        event, key: key, database: change.database)
                }
                followers.pointee.watched.note(change) { keyspace.type(of: $0) != nil }
                followers.pointee.blocked.note(change)
            }
        }
    }

    /// Serves those who wait for a key, as long as it holds what they wait for. Who waits for a
    /// stream is told, too, that there is none any more.
    private mutating func serve(_ key: FollowedKey) {
        keyspace.dropIfDue(key)
        let newest = followers.pointee.blocked.newestOrder
        for family in BlockedClients.Family.allCases {
            var place = followers.pointee.blocked.first(key, family)
            while let current = place, !followers.pointee.blocked.isPast(current, newest) {
                guard family == .stream || keyspace.type(of: key) == family.type else { break }
                let next = followers.pointee.blocked.next(after: current)
                if let waiter = followers.pointee.blocked[current.slot] { retry(waiter) }
                place = next.flatMap { followers.pointee.blocked.valid($0, key, family) }
            }
        }
    }

    /// Runs a waiting client's command again; if it answers, the client waits no more.
    private mutating func retry(_ waiter: BlockedClients.Waiter) {
        let session = waiter.session
        let saved = SavedFrame(frame)
        var isServed = false
        let isReached = frame.pointee.administration.answer(session) {
            isServed = runAgain(waiter)
        }
        saved.restore(frame)
        guard isServed || !isReached else { return }
        endWait(waiter.id)
        if isServed { frame.pointee.administration.waitEnded(for: session) }
        frame.pointee.administration.waitTimesChanged()
    }

    private mutating func runAgain(_ waiter: BlockedClients.Waiter) -> Bool {
        let start = frame.pointee.reply.buffer.pointee.count
        frame.pointee.session = waiter.session
        frame.pointee.reply.version = waiter.session.pointee.protocolVersion
        frame.pointee.database = databases + waiter.database
        frame.pointee.request = waiter.request.request
        frame.pointee.hashedArgument = 0
        frame.pointee.mode = .retry
        frame.pointee.stillWaits = false
        if hasRoom(for: waiter.record) {
            run(waiter.record)
            // It was counted when it began to wait.
            statistics[waiter.record].calls &-= 1
        } else {
            refuseForMemory(waiter.record)
        }
        guard !frame.pointee.stillWaits else { return false }
        dropUnwanted(waiter.session, start)
        return true
    }

    /// Takes a reply back that CLIENT REPLY suppresses.
    private func dropUnwanted(_ session: UnsafeMutablePointer<Session>, _ start: Int) {
        guard session.pointee.isAnswerUnwanted else { return }
        session.pointee.isAnswerUnwanted = false
        frame.pointee.reply.buffer.pointee.truncate(to: start)
    }

    // MARK: - Other ends

    /// Answers those whose time is over at `now`, monotonic milliseconds.
    func endOverdueWaits(now: Int64) {
        while let id = followers.pointee.blocked.firstDue(now: now) {
            unblock(id, withError: false)
        }
    }

    /// Ends a client's wait without serving it; false if it does not wait.
    @discardableResult
    func unblock(_ id: Int64, withError: Bool) -> Bool {
        guard let waiter = followers.pointee.blocked.waiter(id) else { return false }
        let session = waiter.session
        let isWanted = !session.pointee.isAnswerUnwanted
        session.pointee.isAnswerUnwanted = false
        let version = frame.pointee.reply.version
        _ = frame.pointee.administration.answer(session) {
            guard isWanted else { return }
            frame.pointee.reply.version = session.pointee.protocolVersion
            if withError {
                frame.pointee.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
            } else {
                switch waiter.answer {
                case .null: frame.pointee.reply.null()
                case .nullArray: frame.pointee.reply.nullArray()
                }
            }
        }
        frame.pointee.reply.version = version
        endWait(id)
        frame.pointee.administration.waitEnded(for: session)
        return true
    }
}

/// What another client's command overwrites of the frame.
private struct SavedFrame {
    private let request: Request
    private let database: UnsafeMutablePointer<Database>
    private let session: UnsafeMutablePointer<Session>
    private let version: Int
    private let hashedArgument: Int
    private let keyHash: UInt64
    private let command: Int
    private let mode: ExecutionMode
    private let referencedBytes: Int

    init(_ frame: UnsafeMutablePointer<ExecutionFrame>) {
        request = frame.pointee.request
        database = frame.pointee.database
        session = frame.pointee.session
        version = frame.pointee.reply.version
        hashedArgument = frame.pointee.hashedArgument
        keyHash = frame.pointee.keyHash
        command = frame.pointee.command
        mode = frame.pointee.mode
        referencedBytes = frame.pointee.referencedBytes
    }

    func restore(_ frame: UnsafeMutablePointer<ExecutionFrame>) {
        frame.pointee.request = request
        frame.pointee.database = database
        frame.pointee.session = session
        frame.pointee.reply.version = version
        frame.pointee.hashedArgument = hashedArgument
        frame.pointee.keyHash = keyHash
        frame.pointee.command = command
        frame.pointee.mode = mode
        frame.pointee.referencedBytes = referencedBytes
    }
}

extension BlockedClients.Family {
    /// What the commands of a group wait for.
    fileprivate init(_ group: CommandGroup) {
        switch group {
        case .stream: self = .stream
        case .sortedSet: self = .sortedSet
        default: self = .list
        }
    }
}
