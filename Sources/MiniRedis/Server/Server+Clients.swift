// SPDX-License-Identifier: BSD-3-Clause
//
// The clients as a whole: who is let in, who is told to wait or to go, and what MONITOR tells.

import Glibc

/// What concerns all clients at once.
struct ClientControl {
    /// The running CLIENT PAUSE.
    struct Pause {
        var scope: PauseScope
        /// Milliseconds since the epoch.
        var end: Int64
    }

    var pause: Pause?
    var pauseTimer: LoopTimer?
    /// Clients whose next request waits for the end of the pause, in their order.
    var held: [Client] = []
    var monitors: [Client] = []
    /// Clients that this second's sweep has not looked at yet.
    var toSweep: [Client] = []
    /// What all clients may take together, and took when they were last counted: bytes.
    var memoryLimit = Int.max
    var memoryBytes = 0
    /// Until then, milliseconds of the monotonic clock, there is nobody left to close.
    var memoryPatienceEnds: Int64 = 0
    /// Unsent bytes above which some limit may be exceeded: what is compared after each read.
    var leastOutputLimit = Int.max
    /// When HTTP was last reported, milliseconds of the monotonic clock.
    var foreignProtocolAt: Int64?

    /// The input that may wait before AUTH, and the output that may be unsent: bytes.
    static let unauthenticatedInputBytes = 1 << 20
    static let unauthenticatedOutputBytes = 16 << 10
    /// Up to here unsent output counts for no limit: bytes.
    static let uncountedOutputBytes = 16 << 10
    /// Descriptors that are no clients': files, listeners, the loop's own.
    static let reservedDescriptors: UInt64 = 32
}

extension Server {
    // MARK: - Coming and going

    func accept(_ connection: Connection) {
        let settings = configuration.settings
        guard clients.count < Int(settings.maxClients) else {
            statistics.connectionsRejected += 1
            return turnAway(connection, "-ERR max number of clients reached\r\n")
        }
        if settings.protectedMode && settings.requirePass.isEmpty && !connection.isLoopback {
            statistics.connectionsRejected += 1
            return turnAway(connection, ProtectedMode.refusal)
        }
        statistics.connectionsReceived += 1
        let client = Client(
            server: self, connection: connection, id: nextClientID,
            isAuthenticated: settings.requirePass.isEmpty)
        clients[nextClientID] = client
        nextClientID += 1
        limitInput(of: client)
        connection.delegate = client
    }

    /// Answers a connection that gets no client; the listener closes it when that has left.
    private func turnAway(_ connection: Connection, _ text: StaticString) {
        connection.beginOutput()
        ReplyWriter(buffer: loop.output, version: 2).literal(text)
        connection.endOutput()
    }

    /// Called once for each client, when its connection has closed.
    func forget(_ client: Client) {
        clients[client.session.pointee.id] = nil
        clientControl.memoryBytes -= client.countedBytes
        client.countedBytes = 0
        if !queuedClients.isEmpty { queuedClients.removeAll { $0 === client } }
        if !clientControl.held.isEmpty { clientControl.held.removeAll { $0 === client } }
        setMonitoring(false, for: client.session)
        forgetEngagements(of: client.session)
        if client.session.pointee.kind == .primary { replica.streamClosed(client) }
        if let replica = client.replica { forgetReplica(replica) }
    }

    func forgetEngagements(of session: UnsafeMutablePointer<Session>) {
        leaveKeys(session)
        discardTransaction(of: session)
        unsubscribeAll(session)
    }

    /// A client that goes waits for no key.
    private func leaveKeys(_ session: UnsafeMutablePointer<Session>) {
        if dispatcher.pointee.endWait(session.pointee.id) { waitTimesChanged() }
        _ = acknowledgementWaits.remove(session.pointee.id)
    }

    /// Lets a client go on in the next turn, after the others.
    func queue(_ client: Client) {
        queuedClients.append(client)
        loop.requestTurn()
    }

    func client(of session: UnsafeMutablePointer<Session>) -> Client? {
        clients[session.pointee.id]
    }

    /// What a peer may send: before authentication, and after it.
    @inline(__always)
    var limits: UnsafePointer<ProtocolLimits> { UnsafePointer(protocolLimits) }

    /// How many clients wait for something.
    var blockedClients: Int {
        clients.values.count {
            !$0.session.pointee.hold.isDisjoint(with: [.waiting, .paused, .blocked])
        }
    }

    // MARK: - Verbs

    func describeClients(_ filter: ClientFilter) -> String {
        clients(filter).map { $0.line(names: commandTable.names) + "\n" }.joined()
    }

    func closeClients(
        _ filter: ClientFilter, for session: UnsafeMutablePointer<Session>
    ) -> Int {
        let closed = clients(filter)
        for client in closed {
            if client.session == session {
                session.pointee.hold.insert(.closing)
            } else {
                // Its registration goes with the close callback, not in this walk.
                client.connection.close()
                // Nothing is given any more to who has been told to go.
                leaveKeys(client.session)
            }
        }
        return closed.count
    }

    /// The clients that fit: in the order of the numbers that are asked for, or else in the order
    /// in which they came.
    private func clients(_ filter: ClientFilter) -> [Client] {
        let now = loop.clock.pointee.unixMilliseconds
        let candidates =
            filter.ids?.compactMap { clients[$0] }
            ?? clients.values.sorted { $0.session.pointee.id < $1.session.pointee.id }
        return candidates.filter { client in
            let session = client.session
            if client.connection.isClosing || session.pointee.id == filter.except { return false }
            if let kind = filter.kind, session.pointee.kind != kind { return false }
            if let age = filter.leastAgeSeconds,
                (now - session.pointee.connectedAt) / 1000 < age
            {
                return false
            }
            if let address = filter.address, client.connection.peerDescription != address {
                return false
            }
            if let local = filter.localAddress, client.connection.localDescription != local {
                return false
            }
            return true
        }
    }

    func reportForeignProtocol(of session: UnsafeMutablePointer<Session>) {
        let now = loop.clock.pointee.monotonicMilliseconds
        if let last = clientControl.foreignProtocolAt, now - last < 60_000 { return }
        clientControl.foreignProtocolAt = now
        let peer = client(of: session)?.connection.peerDescription ?? "?"
        log.write(
            .warning,
            "Possible SECURITY ATTACK detected. A client sent POST or Host: as commands, as a "
                + "browser does that is abused to reach this server (Cross Protocol Scripting). "
                + "Connection from \(peer) aborted.")
    }

    // MARK: - CLIENT PAUSE

    func pauseClients(_ scope: PauseScope, until end: Int64) {
        var pause = clientControl.pause ?? ClientControl.Pause(scope: scope, end: end)
        if scope == .all { pause.scope = .all }
        pause.end = max(pause.end, end)
        clientControl.pause = pause
        frame.pointee.attention.insert(pause.scope == .all ? .allPaused : .writesPaused)
        let timer =
            clientControl.pauseTimer
            ?? LoopTimer(loop: loop) { [unowned self] in unpauseClients() }
        clientControl.pauseTimer = timer
        let delay = max(0, pause.end - loop.clock.pointee.unixMilliseconds)
        timer.start(afterMilliseconds: UInt64(delay))
    }

    func unpauseClients() {
        guard clientControl.pause != nil else { return }
        clientControl.pause = nil
        clientControl.pauseTimer?.stop()
        frame.pointee.attention.remove([.allPaused, .writesPaused])
        releaseHeldClients()
    }

    /// Lets those go on whose requests were held back; who still has to wait is held again.
    func releaseHeldClients() {
        let held = clientControl.held
        clientControl.held.removeAll()
        for client in held { client.release(from: .paused) }
        loop.requestTurn()
    }

    // MARK: - MONITOR

    func setMonitoring(_ isOn: Bool, for session: UnsafeMutablePointer<Session>) {
        guard session.pointee.traits.contains(.monitors) != isOn else { return }
        if isOn, let client = client(of: session) {
            session.pointee.traits.insert(.monitors)
            clientControl.monitors.append(client)
        } else {
            session.pointee.traits.remove(.monitors)
            clientControl.monitors.removeAll { $0.session == session }
        }
        if clientControl.monitors.isEmpty {
            frame.pointee.attention.remove(.monitored)
        } else {
            frame.pointee.attention.insert(.monitored)
        }
    }

    func feedMonitors(_ request: Request, from session: UnsafeMutablePointer<Session>) {
        let source = client(of: session)?.connection
        var peer = source?.peerDescription ?? "?"
        if source?.peer.family == .unix { peer = "unix:" + (source?.unixPath ?? "") }
        let name = commandTable.names[frame.pointee.command]
        let line = MonitorLine.make(
            request, hides: { Secrets.hides($0, of: request, command: name) },
            microseconds: loop.clock.pointee.unixMicroseconds,
            database: session.pointee.databaseIndex, peer: peer)
        for monitor in clientControl.monitors { monitor.push(line.view) }
    }
}

/// What MONITOR prints for a request.
enum MonitorLine {
    /// `+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`, secrets left out.
    static func make(
        _ request: Request, hides isSecret: (Int) -> Bool, microseconds: Int64, database: Int,
        peer: String
    ) -> ByteBuffer {
        var line = ByteBuffer()
        let fraction = String(microseconds % 1_000_000)
        line.append(
            text: "+\(microseconds / 1_000_000)."
                + String(repeating: "0", count: max(0, 6 - fraction.utf8.count)) + fraction
                + " [\(database) \(peer)]")
        for index in 0..<request.count {
            line.append(" ")
            if isSecret(index) {
                quote(ByteView(Secrets.replacement), to: &line)
            } else {
                quote(request[index], to: &line)
            }
        }
        line.append("\r\n")
        return line
    }

    /// The bytes in double quotes, what cannot be printed as an escape.
    private static func quote(_ bytes: ByteView, to line: inout ByteBuffer) {
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        line.append("\"")
        for index in 0..<bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""):
                line.append("\\")
                line.append(byte: byte)
            case 10: line.append("\\n")
            case 13: line.append("\\r")
            case 9: line.append("\\t")
            case 7: line.append("\\a")
            case 8: line.append("\\b")
            case 32...126: line.append(byte: byte)
            default:
                line.append("\\x")
                line.append(byte: digits[Int(byte >> 4)])
                line.append(byte: digits[Int(byte & 15)])
            }
        }
        line.append("\"")
    }
}
