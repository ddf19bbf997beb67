// SPDX-License-Identifier: BSD-3-Clause
//
// The replica's link against recorded transcripts, with its input cut at every place, and against
// masters that answer otherwise.

import Testing

@testable import MiniRedis

/// A link with a clock, whose input comes in pieces.
private final class LinkRig {
    var link: ReplicaLink
    var now: Int64 = 1_000_000
    var actions: [ReplicaLinkAction] = []
    var sent = ""
    var dump: [UInt8] = []
    private var pending: [UInt8] = []

    init(_ settings: ReplicaLinkSettings = ReplicaLinkSettings()) {
        link = ReplicaLink(settings: settings, random: RandomSource(seed: 1))
    }

    func note(_ action: ReplicaLinkAction) {
        if action != .none && action != .send && action != .transfer { actions.append(action) }
        if !link.output.isEmpty {
            sent += link.output.view.string
            link.clearOutput()
        }
    }

    /// A link that has sent PING.
    func connect(_ request: PsyncRequest = .full) {
        link.start(now)
        note(link.tick(now, applied: 0))
        note(link.connected(now, request: request))
    }

    func receive(_ bytes: [UInt8], cutAt cuts: [Int] = []) {
        var start = 0
        for cut in cuts.filter({ $0 < bytes.count }) + [bytes.count] {
            pending += bytes[start..<cut]
            start = cut
            drain()
        }
    }

    func receive(_ text: String) { receive(Array(text.utf8)) }

    func drain() {
        while true {
            let step = withExactBytes(pending) { link.receive($0, now) }
            if step.action == .transfer { dump += pending[..<step.consumed] }
            pending.removeFirst(step.consumed)
            note(step.action)
            if step.action == .stream { return }
            if step.action == .none && (step.consumed == 0 || pending.isEmpty) { return }
        }
    }

    func tick(after milliseconds: Int64, applied: Int64 = 0) {
        now += milliseconds
        note(link.tick(now, applied: applied))
    }

    var rest: [UInt8] { pending }
    var state: ReplicaLink.State { link.state }
    var deadline: Int64? { link.deadline }
    var downSince: Int64 { link.downSince }
}

private let master = "0123456789abcdef0123456789abcdef01234567"
private let mark = "fedcba9876543210fedcba9876543210fedcba98"

private func identifier(_ text: String) throws -> ReplicationID {
    try #require(withExactBytes(text) { ReplicationID($0) })
}

@Suite struct `A replica's link` {
    private let introduction = """
        *3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$5\r\n27852\r\n\
        *5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n
        """

    @Test(arguments: [false, true])
    func `resynchronises in full, wherever its input is cut`(isMarked: Bool) throws {
        let id = try identifier(master)
        let content = "REDIS0010" + mark.dropLast() + mark.dropFirst() + "$EOF"
        let head = isMarked ? "$EOF:\(mark)\r\n" : "$\(content.utf8.count)\r\n"
        let tail = isMarked ? mark : ""
        let input = Array(
            ("+PONG\r\n+OK\r\n+OK\r\n\n\n+FULLRESYNC \(master) 42\r\n\n\n" + head + content + tail
                + "*1\r\n").utf8)
        for cut in 0...input.count {
            let rig = LinkRig()
            rig.link.settings.listeningPort = 27852
            rig.connect()
            rig.receive(input, cutAt: [cut, cut + 3])
            #expect(
                rig.actions == [
                    .connect, .beginFullResync(id, offset: 42),
                    .beginTransfer(isMarked ? .marked : .counted(Int64(content.utf8.count))),
                    .endTransfer,
                ])
            #expect(rig.dump == Array(content.utf8))
            #expect(rig.state == .loading)
            #expect(
                rig.sent == "*1\r\n$4\r\nPING\r\n" + introduction
                    + "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n")
            rig.sent = ""
            rig.tick(after: 1000)
            #expect(rig.sent == "\n")
            rig.note(rig.link.loaded(rig.now, applied: 42))
            #expect(rig.sent == "\n*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n42\r\n")
            rig.drain()
            #expect(rig.actions.last == .stream)
            #expect(rig.rest == Array("*1\r\n".utf8))
        }
    }

    @Test func `a dump may come byte by byte, and be empty`() throws {
        let bytes = Array("+PONG\n+OK\n+OK\n+FULLRESYNC \(master) 0\n$EOF:\(mark)\nab\(mark)".utf8)
        let rig = LinkRig()
        rig.connect()
        rig.receive(bytes, cutAt: Array(1..<bytes.count))
        #expect(rig.dump == Array("ab".utf8))
        #expect(rig.state == .loading)
        let empty = LinkRig()
        empty.connect()
        empty.receive("+PONG\n+OK\n+OK\n+FULLRESYNC \(master) 0\n$0\n")
        #expect(empty.state == .loading)
        #expect(empty.dump.isEmpty)
    }

    @Test func `introduces itself with all it was told`() {
        let rig = LinkRig()
        rig.link.settings.user = "repl"
        rig.link.settings.password = "pw"
        rig.link.settings.announcedAddress = "10.0.0.1"
        rig.link.settings.listeningPort = 7
        rig.connect()
        rig.sent = ""
        rig.receive("-NOAUTH Authentication required.\r\n")
        #expect(
            rig.sent == """
                *3\r\n$4\r\nAUTH\r\n$4\r\nrepl\r\n$2\r\npw\r\n\
                *3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$1\r\n7\r\n\
                *3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$8\r\n10.0.0.1\r\n\
                *5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n\
                $6\r\npsync2\r\n
                """)
        rig.receive("+OK\r\n-ERR no port\r\n-ERR no address\r\n-ERR no capa\r\n")
        #expect(
            rig.actions == [
                .connect, .notice(.optionUnknown(.listeningPort, reply: "-ERR no port")),
                .notice(.optionUnknown(.address, reply: "-ERR no address")),
            ])
        #expect(rig.state == .asking)
    }

    @Test func `goes on where it was, under a new name`() throws {
        let ours = try identifier(mark)
        let rig = LinkRig()
        rig.connect(PsyncRequest(id: ours, nextByte: 51, isFailover: true))
        rig.sent = ""
        rig.receive("+PONG\r\n+OK\r\n+OK\r\n")
        #expect(
            rig.sent.hasSuffix(
                "*4\r\n$5\r\nPSYNC\r\n$40\r\n\(mark)\r\n$2\r\n51\r\n$8\r\nFAILOVER\r\n"))
        rig.receive("+CONTINUE \(master)\r\n*1\r\n$4")
        #expect(rig.actions == [.connect, .resume(try identifier(master)), .stream])
        #expect(rig.rest == Array("*1\r\n$4".utf8))
        rig.sent = ""
        rig.tick(after: 1000, applied: 64)
        #expect(rig.sent == "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n64\r\n")
        rig.sent = ""
        rig.tick(after: 999, applied: 64)
        #expect(rig.sent.isEmpty)
        rig.note(rig.link.asked(rig.now, applied: 65, synced: 60))
        #expect(
            rig.sent
                == "*5\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n65\r\n$4\r\nFACK\r\n$2\r\n60\r\n")
    }

    @Test func `a master without psync2 names no history`() throws {
        let rig = LinkRig()
        rig.connect(PsyncRequest(id: try identifier(mark), nextByte: 51))
        rig.receive("+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n")
        #expect(rig.actions == [.connect, .resume(nil), .stream])
    }

    @Test func `falls back to SYNC`() {
        let rig = LinkRig()
        rig.connect()
        rig.receive("+PONG\r\n+OK\r\n+OK\r\n-ERR unknown command 'PSYNC'\r\n$3\r\nabc")
        #expect(rig.sent.hasSuffix("SYNC\r\n"))
        #expect(rig.dump == Array("abc".utf8))
        #expect(
            rig.actions == [
                .connect, .fallBack(reply: "-ERR unknown command 'PSYNC'"),
                .beginTransfer(.counted(3)), .endTransfer,
            ])
    }

    @Test(arguments: [
        ("-ERR what", ReplicaLinkFailure.pingRefused(reply: "-ERR what")),
        ("+PONG\n-WRONGPASS no", .authenticationRefused(reply: "-WRONGPASS no")),
        ("+PONG\n+OK\n+OK\n+OK\n-LOADING x", .tryLater(reply: "-LOADING x")),
        ("+PONG\n+OK\n+OK\n+OK\n-NOMASTERLINK x", .tryLater(reply: "-NOMASTERLINK x")),
        ("+PONG\n+OK\n+OK\n+OK\n+CONTINUE", .badReply(line: "+CONTINUE")),
        ("+PONG\n+OK\n+OK\n+OK\n+FULLRESYNC x 0", .badReply(line: "+FULLRESYNC x 0")),
        ("+PONG\n+OK\n+OK\n+OK\n+FULLRESYNC", .badReply(line: "+FULLRESYNC")),
        ("+PONG\n+OK\n+OK\n+OK\n*1", .badReply(line: "*1")),
        ("+PONG\n+OK\n+OK\n+OK\n-ERR\n-ERR no", .transferAborted(reply: "-ERR no")),
        ("+PONG\n+OK\n+OK\n+OK\n-ERR\nabc", .notADump(line: "abc")),
        ("+PONG\n+OK\n+OK\n+OK\n-ERR\n$-1", .notADump(line: "$-1")),
        ("+PONG\n+OK\n+OK\n+OK\n-ERR\n$EOF:abc", .notADump(line: "$EOF:abc")),
        (
            "+PONG\n+OK\n+OK\n+OK\n-ERR\n$99999999999999999999",
            .notADump(line: "$99999999999999999999")
        ),
    ])
    func `gives up`(input: String, failure: ReplicaLinkFailure) {
        let rig = LinkRig()
        rig.link.settings.password = "pw"
        rig.connect()
        rig.receive(input + "\n")
        #expect(rig.actions.last == .disconnect(failure))
        let delay = rig.deadline.map { $0 - rig.now } ?? -1
        #expect((1000...1125).contains(delay))
        #expect(!failure.text.isEmpty)
        // What the dead connection still brings, and its end, change nothing.
        rig.receive("+PONG\n")
        rig.note(rig.link.closed(rig.now))
        #expect(rig.actions.last == .disconnect(failure))
        rig.tick(after: 1125)
        #expect(rig.actions.last == .connect)
    }

    @Test func `a line without an end is not waited for`() {
        let rig = LinkRig()
        rig.connect()
        rig.receive(String(repeating: "+", count: 2000))
        #expect(rig.actions.last == .disconnect(.lineTooLong))
    }

    @Test func `silence ends the attempt, whatever it waits for`() {
        let steps = ["+PONG\n", "+OK\n", "+OK\n", "+FULLRESYNC \(master) 0\n", "$5\n", "abc"]
        for count in 0...steps.count {
            let rig = LinkRig()
            rig.connect()
            for step in steps[..<count] { rig.receive(step) }
            rig.tick(after: 60_000)
            #expect(rig.state != .waiting(until: 0))
            rig.tick(after: 1)
            #expect(
                rig.actions.last
                    == .disconnect(count < 4 ? .connectTimeout : .transferTimeout))
        }
    }

    @Test func `waits longer each time, at once after a stream that lasted`() {
        let rig = LinkRig()
        rig.link.start(rig.now)
        var delays: [Int64] = []
        for _ in 0..<12 {
            rig.note(rig.link.tick(rig.now, applied: 0))
            rig.note(rig.link.connectFailed(rig.now))
            let due = rig.deadline ?? 0
            delays.append(due - rig.now)
            rig.now = due
        }
        #expect((1000...1125).contains(delays[0]))
        #expect((1500...1688).contains(delays[1]))
        #expect(delays.allSatisfy { $0 <= 5625 })
        #expect(delays[11] >= 5000)
        rig.note(rig.link.tick(rig.now, applied: 0))
        rig.note(rig.link.connected(rig.now, request: .full))
        rig.receive("+PONG\n+OK\n+OK\n+FULLRESYNC \(master) 0\n$0\n")
        rig.note(rig.link.loaded(rig.now, applied: 0))
        rig.tick(after: 5000)
        rig.note(rig.link.closed(rig.now))
        #expect(rig.deadline == rig.now)
        #expect(rig.downSince == rig.now)
    }

    @Test func `an event that cannot be changes nothing`() {
        let rig = LinkRig()
        expectEqual(isImpossible(rig.link.connected(0, request: .full)), true)
        #expect(rig.state == .idle)
        rig.connect()
        expectEqual(isImpossible(rig.link.connected(0, request: .full)), true)
        expectEqual(isImpossible(rig.link.connectFailed(0)), true)
        expectEqual(isImpossible(rig.link.asked(0, applied: 0)), true)
        expectEqual(rig.link.loaded(0, applied: 0), .none)
        #expect(rig.state == .pinging)
        rig.link.stop()
        expectEqual(rig.link.tick(1 << 40, applied: 0), .none)
        #expect(rig.deadline == nil)
    }

    private func isImpossible(_ action: ReplicaLinkAction) -> Bool {
        if case .impossible = action { true } else { false }
    }
}
