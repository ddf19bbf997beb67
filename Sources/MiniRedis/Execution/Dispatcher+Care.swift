// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: the careful way, for a request that may not run, or not just run.
//
//     unknown, wrong number of arguments, not authenticated    an error instead
//     CLIENT PAUSE                                             not now
//     CLIENT REPLY                                             without its reply
//     MONITOR                                                  and somebody is told
//
// It knows the reasons why a request is special, and nothing of what commands do.

extension Dispatcher {
    /// Admits and runs the frame's request, with everything that the short way leaves out.
    @inline(never)
    mutating func executeCarefully(
        _ resolution: CommandIndex.Resolution, _ session: UnsafeMutablePointer<Session>
    ) {
        defer { if hasChanges { settle() } }
        let start = frame.pointee.reply.buffer.pointee.count
        let isSilent = session.pointee.beginSilence()
        let admitted = admit(resolution, session)
        if let admitted { run(admitted) }
        if session.pointee.hold.contains(.paused) { return }
        if isSilent && session.pointee.endSilence() {
            frame.pointee.reply.buffer.pointee.truncate(to: start)
        }
        if let admitted, frame.pointee.attention.contains(.monitored),
            commands.records[admitted].flags.isDisjoint(with: [.admin, .skipMonitor])
        {
            frame.pointee.administration.feedMonitors(frame.pointee.request, from: session)
        }
    }

    /// The record to run; nil if an error is written or the session is on hold.
    private func admit(
        _ resolution: CommandIndex.Resolution, _ session: UnsafeMutablePointer<Session>
    ) -> Int? {
        guard case .record(let record) = resolution else {
            refuseUnknown(resolution, session)
            return nil
        }
        frame.pointee.command = record
        let count = frame.pointee.request.count
        guard count >= commands.records[record].fewestArguments,
            count <= commands.records[record].mostArguments
        else { return refuse(record, .wrongArity) }
        let flags = commands.records[record].flags
        guard session.pointee.isAuthenticated || flags.contains(.noAuthentication) else {
            return refuse(record, .noAuthentication)
        }
        guard !isPaused(flags) else {
            session.pointee.hold.insert(.paused)
            return nil
        }
        guard hasRoom(for: record) else {
            refuseForMemory(record)
            return nil
        }
        return record
    }

    private func isPaused(_ flags: CommandFlags) -> Bool {
        let attention = frame.pointee.attention
        if attention.contains(.allPaused) { return true }
        return attention.contains(.writesPaused)
            && !flags.isDisjoint(with: [.write, .mayReplicate])
    }

    private func refuse(_ record: Int, _ error: ErrorReply) -> Int? {
        statistics[record].rejected += 1
        frame.pointee.reply.error(error, command: table.names[record])
        frame.pointee.administration.countError()
        return nil
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
