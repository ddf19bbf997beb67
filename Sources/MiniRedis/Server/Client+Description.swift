// SPDX-License-Identifier: BSD-3-Clause
//
// A client in a line, as CLIENT LIST and CLIENT INFO show it and the log names it.
//
// Source: https://redis.io/docs/latest/commands/client-list/

extension Client {
    /// The line, without a line feed; `names` are those of the command table.
    func line(names: [String]) -> String {
        let session = session
        let now = server.loop.clock.pointee.unixMilliseconds
        let isRunning = bytesInExecution > 0
        // The start of a request with a large argument has been parsed: it is memory of arguments.
        let retained = connection.retained.count + detachedBytes
        let spare = connection.retained.capacity - connection.retained.count
        let number = isRunning ? server.frame.pointee.command : session.pointee.lastCommand
        let isIndexed = names.indices.contains(number)
        var fields: [(String, String)] = [
            ("id", "\(session.pointee.id)"),
            ("addr", connection.peerDescription),
            ("laddr", connection.localDescription),
            ("fd", "\(connection.descriptor)"),
            ("name", session.pointee.name),
            ("age", "\((now - session.pointee.connectedAt) / 1000)"),
            ("idle", "\(idleSeconds)"),
            ("flags", flagLetters),
            ("db", "\(session.pointee.databaseIndex)"),
            ("sub", "\(session.pointee.subscriptions.channels)"),
            ("psub", "\(session.pointee.subscriptions.patterns)"),
            ("ssub", "\(session.pointee.subscriptions.shards)"),
            ("multi", "\(session.pointee.transaction?.requests.count ?? -1)"),
            ("qbuf", "\(isRunning ? bytesInExecution : retained)"),
            ("qbuf-free", "\(spare)"),
            ("argv-mem", "\(isRunning ? argumentBytes : head.count)"),
            ("multi-mem", "\(session.pointee.transaction?.byteCount ?? 0)"),
            ("rbs", "0"), ("rbp", "0"),
            ("obl", "\(connection.unsentBytes - connection.queue.byteCount)"),
            ("oll", "\(connection.queue.pieceCount)"),
            ("omem", "\(connection.queue.byteCount)"),
        ]
        fields += [
            ("tot-mem", "\(claimedBytes)"),
            ("events", events),
            ("cmd", isIndexed ? names[number] : "NULL"),
            ("user", "default"),
            ("redir", "-1"),
            ("resp", "\(session.pointee.protocolVersion)"),
            ("lib-name", session.pointee.libraryName),
            ("lib-ver", session.pointee.libraryVersion),
            ("watch", "\(server.followers.pointee.watched.count(of: session.pointee.id))"),
        ]
        return fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
    }

    private var idleSeconds: Int64 {
        let now = server.loop.clock.pointee.monotonicMilliseconds
        return (now - session.pointee.lastHeardAt) / 1000
    }

    private var events: String {
        (connection.isReading ? "r" : "") + (connection.bytesInFlight > 0 ? "w" : "")
    }

    /// Bytes of the arguments of the request that is being executed.
    private var argumentBytes: Int {
        let request = server.frame.pointee.request
        return (0..<request.count).reduce(0) { $0 + request[$1].count }
    }

    /// One letter for each state, `N` for none.
    private var flagLetters: String {
        let (traits, hold) = (session.pointee.traits, session.pointee.hold)
        var letters = ""
        if traits.contains(.monitors) { letters += "O" }
        if session.pointee.kind == .replica { letters += "S" }
        if session.pointee.kind == .primary { letters += "M" }
        if session.pointee.kind == .subscriber { letters += "P" }
        if session.pointee.transaction != nil { letters += "x" }
        if !hold.isDisjoint(with: [.waiting, .paused, .blocked]) { letters += "b" }
        if server.followers.pointee.watched.isBroken(for: session.pointee.id) { letters += "d" }
        if hold.contains(.closing) { letters += "c" }
        if connection.peer.family == .unix { letters += "U" }
        if traits.contains(.isKept) { letters += "e" }
        if traits.contains(.doesNotTouch) { letters += "T" }
        return letters.isEmpty ? "N" : letters
    }
}
