// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: the careful way, for a request that may not run, or not just run.
//
//     unknown, wrong number of arguments, not authenticated    an error instead
//     loading                                                  an error instead
//     CLIENT PAUSE                                             not now
//     MULTI                                                    queued
//     CLIENT REPLY                                             without its reply
//     CLIENT NO-TOUCH                                          without a trace of the access
//     MONITOR                                                  and somebody is told
//
// It knows the reasons why a request is special, and nothing of what commands do.

extension Dispatcher {
    /// Admits and runs the frame's request, with everything that the short way leaves out.
    @inline(never)
    mutating func executeCarefully(
        _ resolution: CommandIndex.Resolution, _ session: UnsafeMutablePointer<Session>
    ) {
        defer {
            if hasChanges { settle() }
            if frame.pointee.hasDeferred { frame.pointee.administration.sendDeferred() }
        }
        keyspace.state.pointee.sparesAccess = session.pointee.attention.contains(.untouching)
        defer { keyspace.state.pointee.sparesAccess = false }
        let isReplica = session.pointee.attention.contains(.replica)
        let isSilent = session.pointee.beginSilence()
        let output = frame.pointee.reply.buffer
        if isSilent || isReplica { writeReplies(to: unwanted) }
        let admitted = admit(resolution, session)
        let isQueued = admitted.map { isToBeQueued($0, session) } ?? false
        if let admitted { runOrQueue(admitted, session) }
        if isSilent || isReplica {
            writeReplies(to: output)
            defer { unwanted.pointee.truncate(to: 0) }
            if session.pointee.hold.contains(.paused) { return }
            if isReplica { refuseReply(session) }
            if isSilent && !session.pointee.endSilence() {
                output.pointee.append(unwanted.pointee.base, count: unwanted.pointee.count)
            }
        }
        if session.pointee.hold.contains(.paused) { return }
        if let admitted, !isQueued { feedMonitors(admitted, session) }
    }

    /// Lets replies go to another buffer from here on.
    func writeReplies(to buffer: UnsafeMutablePointer<OutputBuffer>) {
        frame.pointee.reply = ReplyWriter(buffer: buffer, version: frame.pointee.reply.version)
    }

    /// Runs an admitted request, or queues it after MULTI.
    private mutating func runOrQueue(_ record: Int, _ session: UnsafeMutablePointer<Session>) {
        guard !isToBeQueued(record, session) else { return queue(record, session) }
        run(record)
        guard frame.pointee.runsTransaction else { return }
        frame.pointee.runsTransaction = false
        runTransaction(session)
    }

    private func isToBeQueued(_ record: Int, _ session: UnsafeMutablePointer<Session>) -> Bool {
        session.pointee.transaction != nil && !commands.records[record].flags.contains(.immediate)
    }

    /// Tells those who monitor of the frame's request, which was executed.
    func feedMonitors(_ record: Int, _ session: UnsafeMutablePointer<Session>) {
        guard frame.pointee.attention.contains(.monitored),
            commands.records[record].flags.isDisjoint(with: [.admin, .skipMonitor])
        else { return }
        frame.pointee.administration.feedMonitors(frame.pointee.request, from: session)
    }

    /// The record to run; nil if an error is written or the session is on hold.
    private func admit(
        _ resolution: CommandIndex.Resolution, _ session: UnsafeMutablePointer<Session>
    ) -> Int? {
        guard case .record(let record) = resolution else {
            session.pointee.transaction?.isAborted = true
            refuseUnknown(resolution, session)
            return nil
        }
        frame.pointee.command = record
        let count = frame.pointee.request.count
        guard count >= commands.records[record].fewestArguments,
            count <= commands.records[record].mostArguments
        else { return refuse(record, .wrongArity, session) }
        let flags = commands.records[record].flags
        guard session.pointee.isAuthenticated || flags.contains(.noAuthentication) else {
            return refuse(record, .noAuthentication, session)
        }
        guard session.pointee.transaction == nil || !flags.contains(.noMulti) else {
            return refuse(record, .notInTransaction, session)
        }
        if session.pointee.attention.contains(.replica),
            !flags.isDisjoint(with: [.write, .readOnly, .mayReplicate])
        {
            return refuse(record, .replicaUsesKeyspace, session)
        }
        guard !isDiskErrorReported(flags, session) else {
            let text = frame.pointee.administration.diskErrorText
            refuse(record, session, text, inside: text)
            return nil
        }
        guard
            !frame.pointee.attention.contains(.lacksReplicas)
                || !allFlags(flags, session).contains(.write)
        else { return refuse(record, .notEnoughReplicas, session) }
        guard maySubscriberUse(flags, session) else {
            refuseSubscriber(record, session)
            return nil
        }
        if let error = replicaRefusal(flags, session) { return refuse(record, error, session) }
        let waitsForData = waitsForData(flags, session)
        let isReloading = frame.pointee.attention.contains(.reloading)
        guard !waitsForData || isReloading else { return refuse(record, .loading, session) }
        guard !waitsForData && !isPaused(flags, session) else {
            session.pointee.hold.insert(.paused)
            return nil
        }
        // What the master has done is done.
        if session.pointee.kind == .primary { return record }
        guard hasRoom(for: record), hasRoomInTransaction(for: record, session) else {
            return refuse(record, .outOfMemory, session)
        }
        return record
    }

    /// A reply to a replica would be bytes of its stream: whoever asked for one has to go.
    private func refuseReply(_ session: UnsafeMutablePointer<Session>) {
        guard unwanted.pointee.count > 0 else { return }
        frame.pointee.administration.replicaSpoke(
            session, command: table.names[frame.pointee.command],
            reply: ByteView(unwanted.pointee.base, count: unwanted.pointee.count))
        session.pointee.hold.insert([.closing, .dropping])
    }

    /// Whether the server is loading, and the command, or one of those queued that it would run, is
    /// not for that time.
    private func waitsForData(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> Bool {
        let attention = frame.pointee.attention
        guard !attention.isDisjoint(with: [.loading, .loadingBeside]) else { return false }
        if attention.contains(.loadingBeside) { return flags.contains(.noAsyncLoading) }
        if flags.contains(.executes), let transaction = session.pointee.transaction,
            !transaction.runsWhileLoading
        {
            return true
        }
        return !flags.contains(.loading)
    }

    /// Why a replica does not run the command, or what is queued that it would run, for anybody but
    /// its master; nil if it does.
    private func replicaRefusal(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> ErrorReply? {
        guard frame.pointee.attention.contains(.refusingReplica),
            session.pointee.kind != .primary
        else { return nil }
        if frame.pointee.replicaRefusals.contains(.writes),
            allFlags(flags, session).contains(.write)
        {
            return .readOnlyReplica
        }
        guard frame.pointee.replicaRefusals.contains(.staleData) else { return nil }
        let executed = flags.contains(.executes) ? session.pointee.transaction : nil
        let mayRun = flags.contains(.stale) && executed?.runsWhileStale != false
        return mayRun ? nil : .masterDown
    }

    /// The flags of a request, with those of all that it would execute.
    private func allFlags(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> CommandFlags {
        guard flags.contains(.executes), let transaction = session.pointee.transaction else {
            return flags
        }
        return flags.union(CommandFlags(rawValue: transaction.flags))
    }

    private func isDiskErrorReported(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> Bool {
        frame.pointee.attention.contains(.diskFailed) && session.pointee.kind != .primary
            && !allFlags(flags, session).isDisjoint(with: [.write, .reportsDiskErrors])
    }

    private func isPaused(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> Bool {
        let attention = frame.pointee.attention
        guard session.pointee.kind != .primary else { return false }
        let flags = allFlags(flags, session)
        if attention.contains(.allPaused) { return true }
        return attention.contains(.writesPaused)
            && !flags.isDisjoint(with: [.write, .mayReplicate])
    }

    private func maySubscriberUse(
        _ flags: CommandFlags, _ session: UnsafeMutablePointer<Session>
    ) -> Bool {
        !session.pointee.attention.contains(.subscribed) || session.pointee.protocolVersion == 3
            || flags.contains(.whileSubscribed)
    }

    private func refuseSubscriber(_ record: Int, _ session: UnsafeMutablePointer<Session>) {
        let text =
            "Can't execute '\(table.names[record])': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING "
            + "/ QUIT / RESET are allowed in this context"
        refuse(record, session, "ERR \(text)", inside: text)
    }

    private func refuse(
        _ record: Int, _ error: ErrorReply, _ session: UnsafeMutablePointer<Session>
    ) -> Int? {
        var text = "\(error.text)"
        if let place = text.firstRange(of: "%c") {
            text.replaceSubrange(place, with: table.names[record])
        }
        // Redis names the general code only where it is alone.
        refuse(
            record, session, text,
            inside: text.hasPrefix("ERR ") ? String(text.dropFirst(4)) : text)
        return nil
    }

    /// Answers an error instead of running a command; a transaction is aborted by it, and ends if
    /// the command was to execute it.
    private func refuse(
        _ record: Int, _ session: UnsafeMutablePointer<Session>, _ text: String,
        inside abort: String
    ) {
        statistics[record].rejected += 1
        session.pointee.transaction?.isAborted = true
        if commands.records[record].flags.contains(.executes) {
            discardTransaction(session)
            frame.pointee.reply.error("EXECABORT Transaction discarded because of: \(abort)")
        } else {
            frame.pointee.reply.error(text)
        }
        frame.pointee.administration.countError()
    }

    /// The error for a name that is no command, with the start of the arguments, as Redis tells it.
    private func refuseUnknown(
        _ resolution: CommandIndex.Resolution, _ session: UnsafeMutablePointer<Session>
    ) {
        let request = frame.pointee.request
        let name = request[0].prefix(min(128, request[0].count)).string
        if case .unknownSubcommand = resolution {
            let word = request[1].prefix(min(128, request[1].count)).string
            frame.pointee.reply.error(
                "ERR unknown subcommand '\(word)'. Try \(name.uppercased()) HELP.")
            return frame.pointee.administration.countError()
        }
        if request[0].equalsFolded("post") || request[0].equalsFolded("host:") {
            session.pointee.hold.insert([.closing, .dropping])
            return frame.pointee.administration.reportForeignProtocol(of: session)
        }
        var arguments = ""
        for index in 1..<max(1, request.count) where arguments.utf8.count < 128 {
            let room = 128 - arguments.utf8.count
            arguments += "'\(request[index].prefix(min(room, request[index].count)).string)' "
        }
        frame.pointee.reply.error(
            "ERR unknown command '\(name)', with args beginning with: \(arguments)")
        frame.pointee.administration.countError()
    }
}
