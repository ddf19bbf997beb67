// SPDX-License-Identifier: BSD-3-Clause
//
// The server's verbs of publishing. A message is encoded once for each protocol that a listener
// speaks. A long one is put into a block that all their outputs refer to.
//
// What a client publishes to itself comes after the reply of the command, or of the whole EXEC.

extension Server {
    // MARK: - Subscribing

    func subscribe(
        _ session: UnsafeMutablePointer<Session>, to name: ByteView, _ kind: SubscriptionKind
    ) {
        channels.subscribe(session.pointee.id, to: name, kind)
        session.pointee.subscriptions = channels.counts(of: session.pointee.id)
    }

    func unsubscribe(
        _ session: UnsafeMutablePointer<Session>, from name: ByteView, _ kind: SubscriptionKind
    ) {
        channels.unsubscribe(session.pointee.id, from: name, kind)
        session.pointee.subscriptions = channels.counts(of: session.pointee.id)
    }

    func unsubscribeAll(_ session: UnsafeMutablePointer<Session>) {
        guard session.pointee.attention.contains(.subscribed) else { return }
        channels.unsubscribeAll(session.pointee.id)
        session.pointee.subscriptions = SubscriptionCounts()
    }

    // MARK: - Publishing

    func publish(_ message: ByteView, on name: ByteView, _ kind: SubscriptionKind) -> Int {
        var receivers = 0
        if let channel = channels.find(name, kind) {
            var encoded = PublishedMessage(kind == .shard ? .shard : .channel, name, message)
            receivers += send(&encoded, to: channel)
        }
        guard kind == .channel else { return receivers }
        channels.forEachPattern(matching: name) { channel in
            receivers += channel.withName {
                var encoded = PublishedMessage(.pattern($0), name, message)
                return send(&encoded, to: channel)
            }
        }
        return receivers
    }

    private func send(_ message: inout PublishedMessage, to channel: Channel) -> Int {
        var blocks: (two: ReferencedBlock?, three: ReferencedBlock?) = (nil, nil)
        let heap = keyspace.memory.pointee.heap
        for id in channel.subscribers {
            guard let client = clients[id] else { continue }
            let version = client.session.pointee.protocolVersion
            guard message.byteCount >= ReferencedBlock.threshold else {
                publish(message.encoding(version: version), to: client)
                continue
            }
            var block = version == 3 ? blocks.three : blocks.two
            if block == nil {
                block = ReferencedBlock(
                    copying: message.encoding(version: version), heap: heap)
                if version == 3 { blocks.three = block } else { blocks.two = block }
            }
            if let block { publish(block, to: client) }
        }
        blocks.two?.release(heap)
        blocks.three?.release(heap)
        return channel.subscribers.count
    }

    private func publish(_ encoded: ByteView, to client: Client) {
        guard loop.openConnection === client.connection else { return client.push(encoded) }
        deferred.append(encoded)
        frame.pointee.hasDeferred = true
    }

    private func publish(_ block: ReferencedBlock, to client: Client) {
        guard loop.openConnection !== client.connection else {
            return publish(block.view, to: client)
        }
        guard !client.connection.isClosing else { return }
        block.retain()
        client.answer {
            client.connection.appendReference(
                UnsafeMutableRawPointer(mutating: block.view.base), count: block.count,
                owner: block.address)
        }
    }

    func deferReply(since start: Int) {
        let output = frame.pointee.reply.buffer
        deferred.append(
            ByteView(output.pointee.base + start, count: output.pointee.count - start))
        output.pointee.truncate(to: start)
        frame.pointee.hasDeferred = true
    }

    func sendDeferred() {
        frame.pointee.hasDeferred = false
        loop.output.pointee.append(deferred.base, count: deferred.count)
        deferred.removeAll()
    }

    func publish(_ event: KeyspaceEvent, key: [UInt8], database: Int) {
        let published = keyspace.state.pointee.changeLog.published
        guard published.contains(event.eventClass),
            channels.count(.channel) + channels.count(.pattern) > 0
        else { return }
        let name = ByteView(event.name)
        key.withUnsafeBytes { bytes in
            let key = bytes.baseAddress.map { ByteView($0, count: bytes.count) } ?? ByteView("")
            if published.contains(.keyspace) {
                publish(name, on: "__keyspace@\(database)__:", key)
            }
            if published.contains(.keyevent) {
                publish(key, on: "__keyevent@\(database)__:", name)
            }
        }
    }

    private func publish(_ message: ByteView, on prefix: String, _ rest: ByteView) {
        var name = ByteBuffer()
        name.append(text: prefix)
        name.append(rest)
        _ = publish(message, on: name.view, .channel)
    }
}
