// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: transactions. After MULTI requests are copied and queued; EXEC runs them in one go,
// and what they changed is told to others when all are done. A session in MULTI takes the careful
// way, so other sessions know nothing of it.

extension Dispatcher {
    // MARK: - The queue

    /// Queues the frame's request instead of running it.
    func queue(_ record: Int, _ session: UnsafeMutablePointer<Session>) {
        frame.pointee.reply.literal("+QUEUED\r\n")
        // What will not run is not kept.
        guard session.pointee.transaction?.isAborted == false,
            !followers.pointee.watched.isBroken(for: session.pointee.id)
        else { return }
        let stored = store(frame.pointee.request)
        let blockBytes = stored.blocks.reduce(0) {
            $0 + ReferencedBlock($1 - ReferencedBlock.headerBytes).count
        }
        session.pointee.transaction?.requests.append(
            Transaction.Queued(record: record, request: stored))
        session.pointee.transaction?.flags |= commands.records[record].flags.rawValue
        if !commands.records[record].flags.contains(.loading) {
            session.pointee.transaction?.runsWhileLoading = false
        }
        if !commands.records[record].flags.contains(.stale) {
            session.pointee.transaction?.runsWhileStale = false
        }
        session.pointee.transaction?.byteCount += stored.byteCount + blockBytes
        let total = session.pointee.transaction?.byteCount ?? 0
        guard total > frame.pointee.queueLimit, session.pointee.kind != .primary else { return }
        frame.pointee.administration.inputTooLarge(of: session)
    }

    /// Whether memory's limit lets a command run, or be queued, of a session in MULTI.
    func hasRoomInTransaction(
        for record: Int, _ session: UnsafeMutablePointer<Session>
    ) -> Bool {
        guard isMemoryLimited, let transaction = session.pointee.transaction else { return true }
        let flags = commands.records[record].flags
        if flags.contains(.executes) {
            guard CommandFlags(rawValue: transaction.flags).contains(.denyOutOfMemory) else {
                return true
            }
        } else if flags.contains(.immediate) {
            return true
        }
        return makeRoom()
    }

    /// Ends a transaction, whatever was queued, and the client's watches.
    func discardTransaction(_ session: UnsafeMutablePointer<Session>) {
        unwatch(session)
        guard let transaction = session.pointee.transaction else { return }
        session.pointee.transaction = nil
        for queued in transaction.requests { discard(queued.request) }
    }

    // MARK: - EXEC

    /// Runs what is queued; EXEC's handler has found nothing against it.
    mutating func runTransaction(_ session: UnsafeMutablePointer<Session>) {
        guard let transaction = session.pointee.transaction else { return }
        let request = frame.pointee.request
        let command = frame.pointee.command
        unwatch(session)
        frame.pointee.mode = .transaction
        frame.pointee.reply.array(transaction.requests.count)
        for queued in transaction.requests {
            let isSilent = session.pointee.replyMode == .off
            let output = frame.pointee.reply.buffer
            let start = unwanted.pointee.count
            if isSilent { writeReplies(to: unwanted) }
            frame.pointee.request = queued.request.request
            frame.pointee.hashedArgument = 0
            frame.pointee.database = databases + session.pointee.databaseIndex
            run(queued.record)
            if isSilent {
                writeReplies(to: output)
                endSilence(since: start, session)
            }
            noteChanges()
            feedMonitors(queued.record, session)
        }
        frame.pointee.mode = .direct
        if state.pointee.effects.isActive { endUnit() }
        frame.pointee.request = request
        frame.pointee.command = command
        frame.pointee.hashedArgument = 0
        discardTransaction(session)
    }

    /// Forgets the reply of a command in a transaction that CLIENT REPLY suppresses, unless it was
    /// CLIENT REPLY ON.
    private func endSilence(since start: Int, _ session: UnsafeMutablePointer<Session>) {
        let output = frame.pointee.reply.buffer
        if session.pointee.replyMode == .on && output != unwanted {
            let count = unwanted.pointee.count - start
            output.pointee.append(unwanted.pointee.base + start, count: count)
        }
        if output != unwanted || session.pointee.replyMode == .off {
            unwanted.pointee.truncate(to: start)
        }
    }

    // MARK: - WATCH

    /// Whether a key that the session watches was changed, or is due.
    func hasBrokenWatch(_ session: UnsafeMutablePointer<Session>) -> Bool {
        let id = session.pointee.id
        if followers.pointee.watched.isBroken(for: id) { return true }
        return followers.pointee.watched.keysThere(for: id).contains {
            keyspace.type(of: $0) == nil
        }
    }

    func watch(_ key: KeyArgument, _ session: UnsafeMutablePointer<Session>) {
        let followed = FollowedKey(key, database: session.pointee.databaseIndex)
        let isNew = followers.pointee.watched.add(
            followed, for: session.pointee.id, isThere: keyspace.type(of: followed) != nil)
        guard isNew else { return }
        keyspace.state.pointee.changeLog.follow(key.hash)
        updateAttention()
    }

    func unwatch(_ session: UnsafeMutablePointer<Session>) {
        let keys = followers.pointee.watched.remove(session.pointee.id)
        guard !keys.isEmpty else { return }
        for key in keys { keyspace.state.pointee.changeLog.forget(key.hash) }
        updateAttention()
    }
}
