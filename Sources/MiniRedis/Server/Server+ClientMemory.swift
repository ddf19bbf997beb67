// SPDX-License-Identifier: BSD-3-Clause
//
// maxmemory-clients: what all clients may take together. Above it the largest go, until the rest
// fits; keys are never evicted for clients (that is `maxmemory`'s matter).
//
// What a client takes is counted where it can grow: after each read of its requests, when a large
// argument is announced (as a whole: who is too large is closed before it arrives), and in the
// sweep. The sum of the counts is an estimate that may be too high, for nobody counts when output
// leaves; so before somebody is closed everybody is counted anew. Without a limit nothing is
// counted: the limit makes `checkOutput` take its long way.
//
// Source: https://redis.io/docs/latest/develop/reference/clients/#client-eviction

extension Client {
    /// What a client takes that has sent nothing: the objects, estimated, bytes.
    static let ownBytes = 1280

    /// All that this client takes, bytes. Short replies that leave with this turn are not counted.
    var memoryBytes: Int {
        let unsent = connection.unsentBytes
        return Self.ownBytes + connection.retained.capacity + head.count + detachedMemory
            + (unsent > ClientControl.uncountedOutputBytes ? unsent : 0)
            + (session.pointee.transaction?.byteCount ?? 0)
            + server.followers.pointee.watched.byteCount(of: session.pointee.id)
            + (session.pointee.subscriptions.isEmpty
                ? 0 : server.channels.byteCount(of: session.pointee.id))
    }

    /// All that it takes or has announced: the whole of a large argument, from its header on.
    var claimedBytes: Int {
        memoryBytes - detachedMemory + detachedBytes
    }

    /// Whether CLIENT NO-EVICT or its class protects it.
    fileprivate var isProtected: Bool {
        let session = session
        return session.pointee.traits.contains(.isKept) || session.pointee.kind == .replica
            || session.pointee.kind == .primary || connection.isClosing
            || !session.pointee.hold.isDisjoint(with: .dropping)
    }
}

extension Server {
    /// How long nobody is counted again after there was nobody left to close.
    private static let patienceMilliseconds: Int64 = 100

    /// Takes over the limit, and closes who is too much for it.
    func applyClientMemoryLimit() {
        let settings = configuration.settings
        switch settings.maxClientsMemory {
        case .bytes(let bytes):
            clientControl.memoryLimit = bytes == 0 ? .max : Int(clamping: bytes)
        case .percent(let percent):
            let share = Double(settings.maxMemoryBytes) * Double(percent) / 100
            clientControl.memoryLimit = share < 1 ? .max : Int(min(share, 0x1p62))
        }
        clientControl.memoryPatienceEnds = 0
        guard clientControl.memoryLimit < .max else { return }
        // Every read of requests is to be looked at.
        clientControl.leastOutputLimit = -1
        evictClients()
    }

    /// Counts a client that may have grown.
    func countMemory(of client: Client) {
        guard clientControl.memoryLimit < .max, clients[client.session.pointee.id] != nil else {
            return
        }
        let bytes = client.claimedBytes
        clientControl.memoryBytes += bytes - client.countedBytes
        client.countedBytes = bytes
        if clientControl.memoryBytes > clientControl.memoryLimit { evictClients() }
    }

    /// Closes the largest clients until the others fit.
    private func evictClients() {
        let now = loop.clock.pointee.monotonicMilliseconds
        guard now >= clientControl.memoryPatienceEnds else { return }
        clientControl.memoryBytes = 0
        for client in clients.values where !client.connection.isClosing {
            client.countedBytes = client.claimedBytes
            clientControl.memoryBytes += client.countedBytes
        }
        guard clientControl.memoryBytes > clientControl.memoryLimit else { return }
        let candidates = clients.values.filter { !$0.isProtected }
            .sorted { $0.countedBytes > $1.countedBytes }
        for client in candidates {
            guard clientControl.memoryBytes > clientControl.memoryLimit else { return }
            evict(client)
        }
        guard clientControl.memoryBytes > clientControl.memoryLimit else { return }
        clientControl.memoryPatienceEnds = now + Self.patienceMilliseconds
        log.write(.verbose, "Over client maxmemory after evicting all evictable clients")
    }

    private func evict(_ client: Client) {
        statistics.evictedClients += 1
        log.write(.notice, "Evicting client: \(client.line(names: commandTable.names))")
        clientControl.memoryBytes -= client.countedBytes
        client.countedBytes = 0
        client.session.pointee.hold.insert([.closing, .dropping])
        // Who is being executed is closed when that is done.
        if client.bytesInExecution == 0 { client.connection.close() }
    }
}
