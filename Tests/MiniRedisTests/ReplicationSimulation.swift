// SPDX-License-Identifier: BSD-3-Clause
//
// One master and three replicas in simulated time, with faults until `faultsEnd` and none after.
//
// A client writes to the master all the time, some writes with WAIT 1. Connections are cut, stall,
// and are refused for a while; replicas and the master crash and come back, with their data or
// without it; a coordinator (what Sentinel does) promotes the replica that has most of the dead
// master's history; and now and then the master hands over by itself (FAILOVER).
//
// At most one server at a time is down or has yet to recover what it lost, so that of every
// acknowledged write one copy lives: the condition under which none may be lost.
//
// Every answer to a PSYNC is judged by what only the simulation knows: whether the bytes before the
// one that is asked for are the same on both sides. A partial resync that was granted wrongly and
// one that was refused wrongly both fail the run.

import Testing

@testable import MiniRedis

final class ReplicationSimulation {
    let seed: UInt64
    let time = SimulatedTime()
    /// `repl-timeout`: milliseconds.
    let timeout: Int64 = 4000
    let backlogSize: Int
    var random: RandomSource
    private(set) var nodes: [SimulatedNode] = []
    private var current = 0
    private var faultsEnd: Int64 = 0
    private var impaired: Int?
    private var isMasterDead = false
    private var refused: Set<[Int]> = []
    private var connections: [SimulatedConnection] = []
    private var written = 0
    private var failover = Failover()
    private var isPaused = false
    private var isSilent = false
    /// Writes that wait for an acknowledgement, and those that have one.
    private var waiting: [(key: String, offset: Int64)] = []
    private(set) var acknowledgedKeys: Set<String> = []
    private(set) var partialResyncs = 0
    private(set) var fullResyncs = 0
    private(set) var promotions = 0

    init(seed: UInt64) {
        self.seed = seed
        random = RandomSource(seed: seed)
        backlogSize = [300, 2000, 20_000, 200_000][Int(random.below(4))]
        for number in 0..<4 {
            nodes.append(SimulatedNode(number, world: self, seed: random.next()))
        }
    }

    /// Runs faults for `faults` milliseconds, then peace for `peace`, then judges.
    func run(faults: Int64, peace: Int64) {
        faultsEnd = time.now + faults
        nodes[0].hasHistory = true
        for node in nodes.dropFirst() { node.follow(nodes[0]) }
        tick()
        write()
        disturb()
        time.run(until: faultsEnd + peace)
        // What is underway arrives.
        isSilent = true
        time.run(until: faultsEnd + peace + 2000)
        judgeEnd()
        for node in nodes { node.crash(losingData: true) }
        time.end()
    }

    private var master: SimulatedNode { nodes[current] }
    private var isPeace: Bool { time.now >= faultsEnd }

    // MARK: - What goes on all the time

    private func tick() {
        for node in nodes { node.tick() }
        perform(failover.tick(time.now))
        if let number = impaired, nodes[number].isUp, isInSync(nodes[number]) { impaired = nil }
        time.after(100) { [self] in tick() }
    }

    private func isInSync(_ node: SimulatedNode) -> Bool {
        node === master ? !isMasterDead : node.master === master && node.link.state.isUp
    }

    private func write() {
        // A burst now and then, and in the end silence but for pings, as a real master has.
        let delay = isPeace ? 1000 : Int64(random.below(random.below(10) == 0 ? 500 : 40))
        time.after(delay) { [self] in write() }
        guard master.isUp, master.master == nil, !isMasterDead, !isSilent else {
            return
        }
        if isPeace || random.below(30) == 0 { return master.append(["ping"]) }
        guard !isPaused else { return }
        written += 1
        if random.below(8) == 0 {
            let key = "wait-\(written)"
            master.append(["SET", key, "\(written)"])
            waiting.append((key, master.history.offset))
            master.append(["REPLCONF", "GETACK", "*"])
        } else {
            let size = Int(random.below(random.below(20) == 0 ? 1500 : 60))
            let value = "\(written)-" + String(repeating: "x", count: size)
            master.append(["SET", "key-\(random.below(50))", value])
        }
    }

    func acknowledged(_ node: SimulatedNode, _ replica: SimulatedReplica) {
        guard node === master, !isMasterDead, replica.link.isOnline else { return }
        let offset = replica.link.acknowledged
        waiting.removeAll { write in
            guard write.offset <= offset else { return false }
            acknowledgedKeys.insert(write.key)
            return true
        }
        let target = FailoverTarget(host: "node", port: replica.number)
        perform(failover.acknowledged(by: target, offset: offset, written: node.history.offset))
    }

    // MARK: - Faults

    private func disturb() {
        guard !isPeace else {
            refused = []
            return
        }
        time.after(Int64(random.below(3000))) { [self] in disturb() }
        switch random.below(12) {
        case 0...3: pick(connections)?.cut()
        case 4: for connection in connections { connection.cut() }
        case 5...6: pick(connections)?.stall(Int64(random.below(9000)))
        case 7: refuse()
        case 8: crashReplica()
        case 9...10: crashMaster()
        default: beginFailover()
        }
        connections.removeAll { !$0.client.isOpen && !$0.server.isOpen }
    }

    private func pick(_ all: [SimulatedConnection]) -> SimulatedConnection? {
        all.isEmpty ? nil : all[Int(random.below(UInt64(all.count)))]
    }

    private func refuse() {
        let pair = [Int(random.below(4)), Int(random.below(4))]
        refused.insert(pair)
        time.after(Int64(random.below(10_000))) { [self] in refused.remove(pair) }
    }

    func isPartitioned(_ client: SimulatedNode, _ server: SimulatedNode) -> Bool {
        refused.contains([client.number, server.number])
    }

    func makeConnection(_ client: SimulatedNode, _ server: SimulatedNode) -> SimulatedConnection {
        let connection = SimulatedConnection(
            time, between: [client.number, server.number], seed: random.next())
        connections.append(connection)
        return connection
    }

    private func crashReplica() {
        let number = Int(random.below(4))
        guard impaired == nil, number != current, failover.state == .none else { return }
        impaired = number
        crash(nodes[number])
        time.after(Int64(random.below(5000))) { [self] in
            nodes[number].isUp = true
            nodes[number].follow(master)
        }
    }

    private func crashMaster() {
        guard impaired == nil, failover.state == .none, nodes.allSatisfy(isInSync) else { return }
        let dead = master
        impaired = dead.number
        isMasterDead = true
        let id = dead.history.id
        waiting = []
        crash(dead)
        time.after(1000 + Int64(random.below(3000))) { [self] in elect(after: id) }
        time.after(5000 + Int64(random.below(3000))) { [self] in
            dead.isUp = true
            dead.follow(master)
        }
    }

    /// Ends a process, whose last words the kernel may still send, or a machine, with which they
    /// are lost: then the master's data ends with writes that nobody else has.
    private func crash(_ node: SimulatedNode) {
        if random.below(2) == 0 {
            for connection in connections where connection.nodes.contains(node.number) {
                connection.cut()
            }
        }
        node.crash(losingData: random.below(2) == 0)
    }

    /// The replica with most of the dead master's history is the new one.
    private func elect(after id: ReplicationID) {
        let able = nodes.filter { $0.isUp && $0.history.id == id }
        guard let best = able.max(by: { $0.history.offset < $1.history.offset }) else {
            Issue.record("nobody has the dead master's history")
            return
        }
        best.promote()
        tookOver(best)
        isMasterDead = false
    }

    /// `node` is the master now; the others are told one after the other.
    func tookOver(_ node: SimulatedNode) {
        promotions += 1
        current = node.number
        waiting = []
        for other in nodes where other !== node && other.isUp && other.master !== node {
            time.after(Int64(random.below(2000))) { [self] in
                guard other.isUp, other !== master, other.master !== master else { return }
                other.follow(master)
            }
        }
    }

    // MARK: - FAILOVER

    private func beginFailover() {
        guard impaired == nil, failover.state == .none, nodes.allSatisfy(isInSync) else { return }
        let number = Int(random.below(4))
        let target = FailoverTarget(host: "node", port: number)
        perform(
            failover.begin(
                target: number == current ? nil : target, isForced: false,
                timeout: Int64(random.below(4000)), time.now))
    }

    /// The node that steps down has its PSYNC answered.
    func answered(_ node: SimulatedNode, accepted: Bool) {
        guard node.isFailingOver else { return }
        node.isFailingOver = false
        perform(failover.answered(accepted: accepted))
    }

    private func perform(_ action: FailoverAction) {
        switch action {
        case .none: break
        case .pauseWrites: isPaused = true
        case .resumeWrites, .finish: isPaused = false
        case .handOver(let target): master.follow(nodes[target.port], failingOver: true)
        case .takeBack:
            // The target was refused: it is no replica of ours any more, or of our history.
            Issue.record("a target that has everything refuses")
        case .nothingToAbort: break
        case .impossible(let why): Issue.record("failover: \(why)")
        }
    }

    // MARK: - Judgement

    /// Was the decision right? Known here: the hash of the asker's whole history, and of the
    /// master's at the same offset.
    func judge(_ decision: ResyncDecision, by master: SimulatedNode, for number: Int, byte: Int64) {
        let asker = nodes[number]
        // A request that was held up may arrive when its sender is elsewhere: nobody reads the
        // answer.
        guard byte == -1 || byte == asker.history.nextByte else { return }
        let isSame = asker.hasHistory && master.hashes[byte - 1] == asker.data.hash
        switch decision {
        case .partial:
            partialResyncs += 1
            if !isSame {
                record(
                    "a partial resync of a history that is not the same: node \(number) asks "
                        + "\(master.number) for \(byte): \(asker.history), \(master.history)")
            }
        case .full(let reason):
            fullResyncs += 1
            let isNamed =
                asker.history.id == master.history.id || asker.history.id == master.history.secondID
            let range = master.range
            let isKept = byte >= range.first && byte <= range.end
            if isSame && isNamed && isKept { record("a full resync without need: \(reason)") }
        }
    }

    private func judgeEnd() {
        for node in nodes where node !== master {
            if !isInSync(node) { record("node \(node.number) is \(node.link.state)") }
            if node.history.id != master.history.id { record("node \(node.number): another id") }
            if node.history.offset != master.history.offset || node.data != master.data {
                record("node \(node.number): other data")
            }
        }
        for key in acknowledgedKeys where master.data.values[key] == nil {
            record("the acknowledged write \(key) is lost")
        }
        if failover.state != .none || isPaused {
            record("a failover that has not ended: \(failover.state), master \(current)")
        }
    }

    private func record(_ text: String) { Issue.record("seed \(seed): \(text)") }
}
