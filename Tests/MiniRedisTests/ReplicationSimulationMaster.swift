// SPDX-License-Identifier: BSD-3-Clause
//
// What a server of the replication simulation does for its replicas.

import Testing

@testable import MiniRedis

extension SimulatedNode {
    func accept(_ server: SimulatedEnd, from number: Int) {
        let replica = SimulatedReplica(server, number: number)
        replicas.append(replica)
        server.onBytes = { [unowned self, unowned replica] in receive(replica) }
        server.onClose = { [unowned self, unowned replica] in drop(replica) }
        server.onRoom = { [unowned self, unowned replica] in pump(replica) }
    }

    private func receive(_ replica: SimulatedReplica) {
        while replica.end.isOpen, let (words, end) = parseRequest(replica.end.inbox, from: 0) {
            replica.end.inbox.removeFirst(end)
            replica.link.heard(time.now)
            switch words.first {
            case "PING": replica.end.send(Array("+PONG\r\n".utf8))
            case "REPLCONF": configure(replica, words)
            case "PSYNC": psync(replica, words)
            case nil: break
            default: Issue.record("a replica sent \(words)")
            }
        }
    }

    private func configure(_ replica: SimulatedReplica, _ words: [String]) {
        let isReplica = replica.link.state != .introducing
        switch withRequest(words, { replica.link.options.configure($0, isReplica: isReplica) }) {
        case .accepted: replica.end.send(Array("+OK\r\n".utf8))
        case .acknowledged(let offset, let synced):
            let action = replica.link.acknowledge(
                offset, synced: synced, end: history.nextByte, time.now)
            act(action, on: replica)
            world.acknowledged(self, replica)
        case .asked, .ignored, .refused: Issue.record("\(words) is no option")
        }
    }

    private func psync(_ replica: SimulatedReplica, _ words: [String]) {
        if words.count == 4 {
            switch withExactBytes(
                words[1], { history.decideHandOver(requested: $0, isReplica: master != nil) })
            {
            case .promote:
                promote()
                world.tookOver(self)
            case .isPromoted: break
            case .refuse:
                replica.end.send(Array("-ERR PSYNC FAILOVER replid must match my replid.\r\n".utf8))
                return
            }
        } else if master != nil && !link.state.isUp {
            replica.end.send(
                Array("-NOMASTERLINK Can't SYNC while not connected with my master\r\n".utf8))
            return
        }
        guard let byte = Int64(words[2]), let range = backlog?.range else { return }
        let decision = withExactBytes(words[1]) {
            history.decide(requested: $0, byte: byte, range: range)
        }
        world.judge(decision, by: self, for: replica.number, byte: byte)
        let action = replica.link.resync(
            decision, isSync: false, id: history.id, end: range.end, time.now)
        if case .startStream(let from) = action { replica.reader = backlog?.addReader(at: from) }
        act(action, on: replica)
        if replica.link.state == .waiting { planSnapshot() }
    }

    /// One snapshot for all who wait when it starts.
    private func planSnapshot() {
        guard !isSnapshotPlanned else { return }
        isSnapshotPlanned = true
        let attempt = incarnation
        time.after(Int64(random.below(2500))) { [self] in
            guard isUp, attempt == incarnation else {
                // A new master for this node: who still waits is served by the next plan.
                isSnapshotPlanned = false
                if isUp && replicas.contains(where: { $0.link.state == .waiting }) {
                    planSnapshot()
                }
                return
            }
            isSnapshotPlanned = false
            let dump = data.dump
            for replica in replicas where replica.link.state == .waiting {
                send(dump, to: replica)
            }
        }
    }

    private func send(_ dump: [UInt8], to replica: SimulatedReplica) {
        replica.reader = backlog?.addReader(at: history.nextByte)
        act(
            replica.link.snapshotStarted(id: history.id, offset: history.offset, time.now),
            on: replica)
        let form: DumpForm = random.below(2) == 0 ? .marked : .counted(Int64(dump.count))
        time.after(Int64(random.below(1500))) { [self, weak replica] in
            guard let replica, replica.end.isOpen else { return }
            let mark = ReplicationMark(drawnFrom: &random)
            act(replica.link.dumpBegins(form, mark: mark, time.now), on: replica)
            replica.dump = dump[...]
            sendDump(replica)
        }
    }

    private func sendDump(_ replica: SimulatedReplica) {
        guard replica.end.isOpen, replicas.contains(where: { $0 === replica }) else { return }
        if replica.end.underway < SimulatedNode.window {
            let part = replica.dump.prefix(1 + Int(random.below(2000)))
            replica.end.send(Array(part))
            replica.dump = replica.dump.dropFirst(part.count)
            replica.link.progressed(time.now)
        }
        guard replica.dump.isEmpty else {
            return time.after(Int64(random.below(50))) { [self, weak replica] in
                if let replica { sendDump(replica) }
            }
        }
        act(replica.link.dumpSent(end: history.nextByte, time.now), on: replica)
    }

    func act(_ action: MasterLinkAction, on replica: SimulatedReplica) {
        if !replica.link.output.isEmpty {
            replica.end.send(replica.link.output)
            replica.link.clearOutput()
        }
        switch action {
        case .none: break
        case .startStream(let from):
            guard let reader = replica.reader, backlog?.position(of: reader) == from else {
                Issue.record("the stream begins elsewhere")
                return
            }
            replica.isStreaming = true
            pump(replica)
        case .finish: Issue.record("nobody wants the dump alone")
        case .drop: drop(replica)
        case .impossible(let why): Issue.record("node \(number): \(why)")
        }
    }

    /// Sends what the connection takes.
    func pump(_ replica: SimulatedReplica) {
        guard replica.isStreaming, let reader = replica.reader else { return }
        while replica.end.isOpen, replica.end.underway < SimulatedNode.window,
            let run = backlog?.takeRun(reader, atMost: 1000)
        {
            replica.end.send(ByteView(run.base, count: run.count).array)
            ReferencedBlock(run.owner).release(heap)
        }
    }

    func dropIfTooSlow(_ replica: SimulatedReplica) {
        guard let reader = replica.reader, let position = backlog?.position(of: reader) else {
            return
        }
        let limits = ReplicaOutputLimits(
            hardBytes: world.backlogSize * 2, softBytes: world.backlogSize,
            softMilliseconds: 5000)
        let isTooFar = replica.link.isTooFarBehind(
            position: position, end: history.nextByte, kept: world.backlogSize, limits: limits,
            time.now)
        if isTooFar { drop(replica) }
    }

    func drop(_ replica: SimulatedReplica) {
        replica.end.close()
        if let reader = replica.reader { backlog?.removeReader(reader) }
        replica.reader = nil
        replica.isStreaming = false
        replicas.removeAll { $0 === replica }
    }

    func dropReplicas() {
        for replica in replicas { drop(replica) }
    }
}
