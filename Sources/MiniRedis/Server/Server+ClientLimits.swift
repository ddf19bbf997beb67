// SPDX-License-Identifier: BSD-3-Clause
//
// What clients may cost: output that they do not read, input before AUTH, idle time, descriptors.
// Limits are judged where they are cheap to see: output after each read of requests, by one
// comparison, and everything once a second in a sweep that takes a tenth of the clients a time.

import Glibc

extension Server {
    // MARK: - Settings

    /// The hooks of the directives that change what clients may do.
    func wireClientSettings() {
        configuration.onChange["requirepass"] = { [unowned self] new, _ in
            for client in clients.values {
                client.session.pointee.passwordChanged(isRequired: !new.requirePass.isEmpty)
                limitInput(of: client)
            }
            return nil
        }
        configuration.onChange["client-query-buffer-limit"] = { [unowned self] _, _ in
            for client in clients.values { limitInput(of: client) }
            return nil
        }
        configuration.onChange["maxclients"] = { new, old in
            guard new.maxClients > old.maxClients else { return nil }
            let fitting = Self.raiseOpenFiles(for: new.maxClients)
            guard fitting < new.maxClients else { return nil }
            return "The operating system is not able to handle the specified number of clients, "
                + "try with \(fitting)"
        }
        configuration.onChange["port"] = { [unowned self] new, old in
            relisten(new, instead: old)
                ? nil : "Unable to listen on this port. Check server logs."
        }
        configuration.onChange["bind"] = { [unowned self] new, old in
            relisten(new, instead: old) ? nil : "Failed to bind to specified addresses."
        }
        for name in ["metrics-port", "metrics-bind"] {
            configuration.onChange[name] = { [unowned self] _, _ in
                relistenForMetrics() ? nil : "Failed to listen. Check server logs."
            }
        }
        configuration.onChange["tcp-keepalive"] = { [unowned self] new, _ in
            for listener in listeners {
                listener.setKeepAlive(seconds: Int(new.tcpKeepaliveSeconds))
            }
            return nil
        }
    }

    /// Lowers `maxclients` at the start to what the limit of open files allows.
    func fitClientsToOpenFiles() {
        let wanted = configuration.settings.maxClients
        let fitting = Self.raiseOpenFiles(for: wanted)
        guard fitting < wanted else { return }
        if fitting < 1 {
            log.write(.warning, "The limit of open files leaves none for clients.")
        }
        configuration.adjust { $0.maxClients = max(1, fitting) }
        log.write(
            .warning,
            "You requested maxclients of \(wanted), but the limit of open files allows "
                + "\(max(1, fitting)): maxclients has been reduced to that. Raise 'ulimit -n' if "
                + "you need more.")
    }

    /// Raises the process's limit of open files as far as needed and possible; returns how many
    /// clients fit it, `clients` at most.
    private static func raiseOpenFiles(for clients: Int64) -> Int64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return clients
        }
        let needed = UInt64(clients) + ClientControl.reservedDescriptors
        if limit.rlim_cur < needed {
            var raised = limit
            raised.rlim_cur = min(limit.rlim_max, rlim_t(needed))
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 {
                limit = raised
            }
        }
        let available = UInt64(limit.rlim_cur)
        guard available < needed else { return clients }
        return Int64(available) - Int64(ClientControl.reservedDescriptors)
    }

    /// Sets how much input may wait, which depends on AUTH.
    func limitInput(of client: Client) {
        let limit = Int(clamping: configuration.settings.queryBufferLimitBytes)
        client.connection.inputLimitBytes =
            client.session.pointee.isAuthenticated
            ? limit : min(limit, ClientControl.unauthenticatedInputBytes)
    }

    // MARK: - Output

    /// Finds the least unsent output that may be too much for anybody.
    func updateOutputLimits() {
        let settings = configuration.settings
        let all = settings.clientOutputLimits
        var least = Int.max
        for limit in [all.normal, all.subscriber, all.replica] {
            for bytes in [limit.hardBytes, limit.softBytes] where bytes > 0 {
                least = min(least, Int(clamping: bytes))
            }
        }
        if !settings.requirePass.isEmpty {
            least = min(least, ClientControl.unauthenticatedOutputBytes)
        }
        clientControl.leastOutputLimit = least
    }

    /// Whether this much unsent output is too much for the client; a soft limit begins to count.
    func isTooMuch(_ unsent: Int, for client: Client) -> Bool {
        let session = client.session
        if !session.pointee.isAuthenticated
            && unsent > ClientControl.unauthenticatedOutputBytes
        {
            return true
        }
        let limit = outputLimit(of: session)
        // Redis does not count what fits a client's reply buffer.
        let counted = unsent > ClientControl.uncountedOutputBytes ? UInt64(unsent) : 0
        if limit.hardBytes > 0 && counted > limit.hardBytes { return true }
        guard limit.softBytes > 0 && counted > limit.softBytes else {
            client.overSoftLimitSince = nil
            return false
        }
        let now = loop.clock.pointee.monotonicMilliseconds
        guard let since = client.overSoftLimitSince else {
            client.overSoftLimitSince = now
            return false
        }
        return now - since > limit.softSeconds * 1000
    }

    private func outputLimit(
        of session: UnsafeMutablePointer<Session>
    ) -> ClientOutputLimit {
        let limits = configuration.settings.clientOutputLimits
        switch session.pointee.kind {
        case .subscriber: return limits.subscriber
        // Its place in the backlog is what is limited; what its socket has not taken is bounded.
        case .replica: return ClientOutputLimit(hardBytes: 0, softBytes: 0, softSeconds: 0)
        case .primary: return ClientOutputLimit(hardBytes: 0, softBytes: 0, softSeconds: 0)
        case .normal: break
        }
        // What is pushed to a monitor has no bound in what it asks for: without a limit of its own
        // it has a subscriber's. (In Redis a slow monitor can take all memory.)
        let isUnlimited = limits.normal.hardBytes == 0 && limits.normal.softBytes == 0
        return isUnlimited && session.pointee.traits.contains(.monitors)
            ? limits.subscriber : limits.normal
    }

    func reportTooMuchOutput(_ client: Client) {
        statistics.outputBufferDisconnections += 1
        log.write(
            .warning,
            "Client \(client.line(names: commandTable.names)) closed for overcoming of output "
                + "buffer limits.")
    }

    // MARK: - The sweep

    /// Looks at a tenth of the clients; called ten times a second.
    func sweepClients() {
        let settings = configuration.settings
        if clientControl.toSweep.isEmpty {
            let isNeeded =
                settings.timeoutSeconds > 0 || clientControl.leastOutputLimit < .max
            guard isNeeded, !clients.isEmpty else { return }
            clientControl.toSweep = Array(clients.values)
        }
        let share = min(clientControl.toSweep.count, clients.count / 9 + 1)
        for client in clientControl.toSweep.suffix(share) where !client.connection.isClosing {
            sweep(client, idleLimit: settings.timeoutSeconds)
        }
        clientControl.toSweep.removeLast(share)
    }

    private func sweep(_ client: Client, idleLimit: Int64) {
        let now = loop.clock.pointee.monotonicMilliseconds
        client.noteProgress(now)
        client.checkOutput()
        guard idleLimit > 0, !client.connection.isClosing,
            client.session.pointee.kind == .normal,
            !client.session.pointee.traits.contains(.monitors),
            client.session.pointee.hold.isEmpty,
            now - client.session.pointee.lastHeardAt > idleLimit * 1000
        else { return }
        log.write(.verbose, "Closing idle client")
        client.connection.close()
    }
}
