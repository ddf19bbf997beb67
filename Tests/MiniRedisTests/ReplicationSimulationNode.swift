// SPDX-License-Identifier: BSD-3-Clause
//
// A server of the replication simulation: the real history, backlog and links around a dictionary,
// which is all the keyspace it has. It does what the composition root does with actions, with
// simulated connections in the place of sockets.

import Testing

@testable import MiniRedis

/// What a dump holds and a server has: the data, and a hash of every byte that made it.
struct SimulatedData: Equatable {
    var values: [String: String] = [:]
    /// Of the whole stream from its beginning, so that equal hashes mean equal histories.
    var hash: UInt64 = 0

    mutating func apply(_ words: [String], _ bytes: ArraySlice<UInt8>) {
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 &+ 1 }
        if words.first == "SET" { values[words[1]] = words[2] }
    }

    var dump: [UInt8] {
        var text = "\(hash)\n"
        for (key, value) in values.sorted(by: { $0.key < $1.key }) { text += "\(key)=\(value)\n" }
        return Array(text.utf8)
    }

    init() {}

    init?(_ dump: [UInt8]) {
        let lines = String(decoding: dump, as: UTF8.self).split(separator: "\n")
        guard let first = lines.first, let hash = UInt64(first) else { return nil }
        self.hash = hash
        for line in lines.dropFirst() {
            let parts = line.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            values[String(parts[0])] = String(parts[1])
        }
    }
}

/// One replica as its master sees it.
final class SimulatedReplica {
    var link = MasterLink()
    let end: SimulatedEnd
    let number: Int
    var reader: BacklogReader?
    var dump: ArraySlice<UInt8> = []
    var isStreaming = false

    init(_ end: SimulatedEnd, number: Int) {
        self.end = end
        self.number = number
    }
}

/// A server.
final class SimulatedNode {
    /// Bytes that a connection takes before it is full.
    static let window = 4000

    let number: Int
    unowned let world: ReplicationSimulation
    let time: SimulatedTime
    let heap = UnsafeMutablePointer<Heap>.allocate(capacity: 1)
    var random: RandomSource
    var isUp = true
    /// Grows with each restart and change of master, so that old events know that they are old.
    var incarnation = 0
    var data = SimulatedData()
    var history: ReplicationHistory
    /// Whether the data belongs to `history`, so that a partial resync may be asked for.
    var hasHistory = false
    var backlog: ReplicationBacklog?
    /// The hash of the stream up to each offset at which a command ended, in this node's own past.
    var hashes: [Int64: UInt64] = [:]
    var link: ReplicaLink
    var master: SimulatedNode?
    var isFailingOver = false
    var end: SimulatedEnd?
    var replicas: [SimulatedReplica] = []
    var isSnapshotPlanned = false
    var incoming: (id: ReplicationID, offset: Int64)?
    var received: [UInt8] = []

    init(_ number: Int, world: ReplicationSimulation, seed: UInt64) {
        self.number = number
        self.world = world
        time = world.time
        random = RandomSource(seed: seed)
        heap.initialize(to: Heap())
        history = ReplicationHistory(drawnFrom: &random)
        link = ReplicaLink(
            settings: ReplicaLinkSettings(timeout: world.timeout, listeningPort: number),
            random: RandomSource(seed: seed &+ 1))
        makeBacklog()
    }

    deinit {
        backlog = nil
        heap.deinitialize(count: 1)
        heap.deallocate()
    }

    func makeBacklog() {
        backlog = nil
        backlog = ReplicationBacklog(
            after: history.offset, size: world.backlogSize, limit: world.backlogSize * 4,
            heap: heap)
        hashes = [history.offset: data.hash]
    }

    var range: BacklogRange { backlog?.range ?? BacklogRange(first: 0, end: -1) }

    // MARK: - Life

    /// The process ends: connections go with it, and the backlog; the rest if nothing was saved.
    func crash(losingData: Bool) {
        isUp = false
        incarnation += 1
        link.stop()
        end?.close()
        end = nil
        for replica in replicas { replica.end.close() }
        replicas = []
        isSnapshotPlanned = false
        isFailingOver = false
        incoming = nil
        received = []
        if losingData {
            data = SimulatedData()
            history = ReplicationHistory(drawnFrom: &random)
            hasHistory = false
        }
        makeBacklog()
    }

    /// Time passes.
    func tick() {
        guard isUp else { return }
        if master != nil { perform(link.tick(time.now, applied: history.offset)) }
        for replica in replicas {
            act(replica.link.tick(time.now, timeout: world.timeout), on: replica)
            dropIfTooSlow(replica)
        }
    }

    // MARK: - As a replica

    func follow(_ node: SimulatedNode, failingOver: Bool = false) {
        dropLink()
        isFailingOver = failingOver
        master = node
        link.start(time.now)
    }

    func promote() {
        dropLink()
        master = nil
        isFailingOver = false
        history.promote(&random)
        hasHistory = true
    }

    private func dropLink() {
        incarnation += 1
        link.stop()
        end?.close()
        end = nil
        incoming = nil
        received = []
    }

    func perform(_ action: ReplicaLinkAction) {
        if !link.output.isEmpty {
            end?.send(link.output)
            link.clearOutput()
        }
        switch action {
        case .none, .send, .transfer, .stream: break
        case .connect: connect()
        case .beginFullResync(let id, let offset):
            incoming = (id, offset)
            received = []
            world.answered(self, accepted: true)
        case .fallBack(let reply): Issue.record("SYNC after \(reply)")
        case .beginTransfer: received = []
        case .endTransfer: load()
        case .resume(let id):
            if let id, history.follow(id) { dropReplicas() }
            world.answered(self, accepted: true)
        case .notice(let notice): Issue.record("\(notice.text)")
        case .disconnect(let failure):
            end?.close()
            end = nil
            incoming = nil
            received = []
            if case .failoverRefused = failure { world.answered(self, accepted: false) }
        case .impossible(let why): Issue.record("node \(number): \(why)")
        }
    }

    private func connect() {
        let attempt = incarnation
        let target = master
        time.after(Int64(random.below(20))) { [self] in
            guard isUp, attempt == incarnation, let target else { return }
            guard target.isUp, !world.isPartitioned(self, target) else {
                return perform(link.connectFailed(time.now))
            }
            let connection = world.makeConnection(self, target)
            let mine = connection.client
            end = mine
            mine.onBytes = { [unowned self, unowned mine] in if end === mine { receive(mine) } }
            mine.onClose = { [unowned self, unowned mine] in
                guard end === mine else { return }
                end = nil
                perform(link.closed(time.now))
            }
            target.accept(connection.server, from: number)
            let request =
                hasHistory
                ? PsyncRequest(
                    id: history.id, nextByte: history.nextByte, isFailover: isFailingOver)
                : .full
            perform(link.connected(time.now, request: request))
        }
    }

    private func receive(_ mine: SimulatedEnd) {
        while end === mine, !mine.inbox.isEmpty {
            let step = mine.inbox.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    link.receive(ByteView($0, count: bytes.count), time.now)
                } ?? .more
            }
            if step.action == .transfer { received += mine.inbox[..<step.consumed] }
            mine.inbox.removeFirst(step.consumed)
            if step.action == .stream {
                link.heard(time.now)
                return execute(mine)
            }
            perform(step.action)
            if step.action == .none && step.consumed == 0 { return }
        }
    }

    private func execute(_ mine: SimulatedEnd) {
        var start = 0
        while let (words, stop) = parseRequest(mine.inbox, from: start) {
            if words.first == "REPLCONF" {
                perform(link.asked(time.now, applied: history.offset))
            }
            append(words, mine.inbox[start..<stop])
            start = stop
        }
        mine.inbox.removeFirst(start)
    }

    private func load() {
        let attempt = incarnation
        time.after(Int64(random.below(300))) { [self] in
            guard isUp, attempt == incarnation, let incoming else { return }
            guard let whole = SimulatedData(received) else {
                Issue.record("a dump that was whole is not")
                return perform(link.loadFailed(time.now))
            }
            dropReplicas()
            data = whole
            history.adopt(id: incoming.id, offset: incoming.offset)
            hasHistory = true
            self.incoming = nil
            received = []
            makeBacklog()
            perform(link.loaded(time.now, applied: history.offset))
            if let end { receive(end) }
        }
    }

    // MARK: - The stream

    /// Executes a command and passes its bytes on.
    func append(_ words: [String], _ bytes: ArraySlice<UInt8>) {
        data.apply(words, bytes)
        history.advance(by: bytes.count)
        hashes[history.offset] = data.hash
        withExactBytes(bytes) { backlog?.append($0) }
        #if INVARIANTS
            if backlog?.checkInvariants() == false { Issue.record("the backlog's invariants") }
        #endif
        while let broken = backlog?.takeBroken() {
            for replica in replicas where replica.reader == broken {
                replica.reader = nil
                drop(replica)
            }
        }
        for replica in replicas { pump(replica) }
    }

    func append(_ words: [String]) { append(words, requestBytes(words)[...]) }
}
