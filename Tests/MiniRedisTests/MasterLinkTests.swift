// SPDX-License-Identifier: BSD-3-Clause
//
// The master's link to a replica, its options, and FAILOVER's states.

import Testing

@testable import MiniRedis

private let identifier = "0123456789abcdef0123456789abcdef01234567"

private func sent(_ link: inout MasterLink) -> String {
    let text = link.output.view.string
    link.clearOutput()
    return text
}

private func configure(
    _ options: inout ReplicaOptions, _ words: [String], isReplica: Bool = false
) -> ReplicaOptionsOutcome {
    withRequest(["REPLCONF"] + words) { options.configure($0, isReplica: isReplica) }
}

@Suite struct `A replica's options` {
    @Test func `are read in pairs`() {
        var options = ReplicaOptions()
        let words = ["listening-port", "7001", "IP-ADDRESS", "10.0.0.1", "capa", "eof"]
        #expect(configure(&options, words) == .accepted)
        #expect(configure(&options, ["capa", "psync2", "capa", "new"]) == .accepted)
        #expect(configure(&options, ["version", "8.0.1", "rdb-only", "1"]) == .accepted)
        #expect(configure(&options, ["rdb-filter-only", "\"functions\""]) == .accepted)
        let expected = ReplicaOptions(
            listeningPort: 7001, address: "10.0.0.1", readsMarkedDumps: true,
            understandsPsync2: true, wantsDumpOnly: true, isFiltered: true,
            includesFunctions: true)
        #expect(options == expected)
        #expect(configure(&options, ["rdb-filter-only", ""]) == .accepted)
        #expect(!options.includesFunctions)
    }

    @Test(arguments: [
        (["a"], "ERR syntax error"),
        (["listening-port", "x"], "ERR value is not an integer or out of range"),
        (["rdb-only", "2"], "ERR value is out of range, value must between 0 and 1"),
        (["rdb-only", "x"], "ERR value is not an integer or out of range"),
        (["rdb-filter-only", "foo"], "ERR Unsupported rdb-filter-only option: foo"),
        (["rdb-filter-only", "\"foo"], "ERR Missing rdb-filter-only values"),
        (["foo", "bar"], "ERR Unrecognized REPLCONF option: foo"),
        (
            ["ip-address", String(repeating: "a", count: 256)],
            "ERR REPLCONF ip-address provided by replica instance is too long: 256 bytes"
        ),
    ])
    func `are refused in Redis's words`(words: [String], text: String) {
        var options = ReplicaOptions()
        #expect(configure(&options, words) == .refused(text))
        #expect(options == ReplicaOptions())
    }

    @Test func `messages end the command`() {
        var options = ReplicaOptions()
        #expect(configure(&options, ["ack", "5"]) == .ignored)
        #expect(
            configure(&options, ["ack", "5"], isReplica: true)
                == .acknowledged(offset: 5, synced: nil))
        #expect(
            configure(&options, ["ACK", "5", "fack", "3"], isReplica: true)
                == .acknowledged(offset: 5, synced: 3))
        #expect(configure(&options, ["ack", "x"], isReplica: true) == .ignored)
        #expect(configure(&options, ["getack", "*"]) == .asked)
    }
}

@Suite struct `A master's link` {
    private func id() throws -> ReplicationID {
        try #require(withExactBytes(identifier) { ReplicationID($0) })
    }

    private func mark() throws -> ReplicationMark {
        try #require(withExactBytes(identifier) { ReplicationMark($0) })
    }

    @Test func `sends a marked dump and waits for its acknowledgement`() throws {
        var link = MasterLink()
        let asked = link.resync(.full(.requested), isSync: false, id: try id(), end: 43, 0)
        #expect(asked == .none)
        expectEqual(sent(&link), "")
        expectEqual(link.tick(999, timeout: 5), .none)
        expectEqual(sent(&link), "")
        expectEqual(link.tick(60_000, timeout: 5), .none)
        expectEqual(sent(&link), "\n")
        expectEqual(link.snapshotStarted(id: try id(), offset: 42, 60_000), .none)
        expectEqual(sent(&link), "+FULLRESYNC \(identifier) 42\r\n")
        expectEqual(link.infoName.description, "wait_bgsave")
        expectEqual(link.tick(61_000, timeout: 5), .none)
        expectEqual(sent(&link), "\n")
        expectEqual(link.dumpBegins(.marked, mark: try mark(), 61_000), .none)
        expectEqual(sent(&link), "$EOF:\(identifier)\r\n")
        expectEqual(link.isOnline, false)
        expectEqual(link.acknowledge(0, synced: nil, end: 100, 61_001), .none)
        expectEqual(link.dumpSent(end: 100, 61_002), .none)
        expectEqual(sent(&link), identifier)
        expectEqual(link.isOnline, true)
        expectEqual(link.acknowledge(42, synced: nil, end: 200, 62_000), .startStream(from: 43))
        expectEqual(link.acknowledged, 42)
        expectEqual(link.tick(63_000, timeout: 1000), .none)
        expectEqual(link.tick(63_001, timeout: 1000), .drop(.streamTimeout))
        expectEqual(link.lag(63_001), 1)
    }

    @Test func `sends a counted dump and the stream behind it`() throws {
        var link = MasterLink()
        expectEqual(link.resync(.full(.requested), isSync: true, id: try id(), end: 9, 0), .none)
        expectEqual(link.snapshotStarted(id: try id(), offset: 8, 0), .none)
        expectEqual(sent(&link), "")
        expectEqual(link.dumpBegins(.counted(172), mark: try mark(), 0), .none)
        expectEqual(sent(&link), "$172\r\n")
        expectEqual(link.infoName.description, "send_bulk")
        link.progressed(500)
        expectEqual(link.tick(1500, timeout: 1000), .none)
        expectEqual(link.tick(1501, timeout: 1000), .drop(.transferTimeout))
        expectEqual(link.dumpSent(end: 9, 0), .startStream(from: 9))
        expectEqual(sent(&link), "")
    }

    @Test func `ends after a dump that was all that was wanted`() throws {
        var link = MasterLink()
        link.options.wantsDumpOnly = true
        expectEqual(link.resync(.full(.requested), isSync: true, id: try id(), end: 1, 0), .none)
        expectEqual(link.snapshotStarted(id: try id(), offset: 0, 0), .none)
        expectEqual(link.dumpBegins(.marked, mark: try mark(), 0), .none)
        expectEqual(link.dumpSent(end: 1, 0), .finish)
        expectEqual(link.snapshotFailed(), .none)
    }

    @Test func `goes on, and names the history to who understands it`() throws {
        for understands in [false, true] {
            var link = MasterLink()
            link.options.understandsPsync2 = understands
            let action = link.resync(.partial(from: 51), isSync: false, id: try id(), end: 60, 0)
            #expect(action == .startStream(from: 51))
            expectEqual(
                sent(&link), (understands ? "+CONTINUE \(identifier)\r\n" : "+CONTINUE\r\n"))
            expectEqual(link.acknowledged, 50)
        }
    }

    @Test func `believes no acknowledgement that cannot be`() throws {
        var link = MasterLink()
        _ = link.resync(.partial(from: 51), isSync: false, id: try id(), end: 60, 0)
        expectEqual(link.acknowledge(55, synced: 54, end: 60, 1), .none)
        expectEqual(link.acknowledge(52, synced: 1, end: 60, 2), .none)
        expectEqual(link.acknowledge(.max, synced: .max, end: 60, 3), .none)
        expectEqual(link.acknowledge(.min, synced: .min, end: 60, 4), .none)
        expectEqual(link.acknowledged, 55)
        expectEqual(link.acknowledgedSynced, 54)
        expectEqual(link.heardAt, 4)
    }

    @Test func `is not dropped for its own resync, nor for what the backlog keeps`() throws {
        let limits = ReplicaOutputLimits(
            hardBytes: 1000, softBytes: 500, softMilliseconds: 10)
        var link = MasterLink()
        expectEqual(link.resync(.full(.requested), isSync: false, id: try id(), end: 1, 0), .none)
        expectEqual(link.snapshotStarted(id: try id(), offset: 0, 0), .none)
        expectEqual(link.dumpBegins(.marked, mark: try mark(), 0), .none)
        var end: Int64 = 100_000
        expectEqual(link.isTooFarBehind(position: 1, end: end, kept: 0, limits: limits, 0), false)
        expectEqual(link.dumpSent(end: end, 0), .none)
        end = 200_000
        expectEqual(link.acknowledge(0, synced: nil, end: end, 0), .startStream(from: 1))
        expectEqual(link.isTooFarBehind(position: 1, end: end, kept: 0, limits: limits, 0), false)
        end += 1099
        expectEqual(
            link.isTooFarBehind(position: 1, end: end, kept: 100, limits: limits, 100), false)
        expectEqual(
            link.isTooFarBehind(position: 1, end: end, kept: 100, limits: limits, 109), false)
        expectEqual(
            link.isTooFarBehind(position: end, end: end, kept: 100, limits: limits, 109), false)
        expectEqual(
            link.isTooFarBehind(position: 1, end: end, kept: 100, limits: limits, 110), false)
        expectEqual(
            link.isTooFarBehind(position: 1, end: end, kept: 100, limits: limits, 120), true)
        end += 1
        expectEqual(
            link.isTooFarBehind(position: 1, end: end, kept: 100, limits: limits, 120), true)
    }
}

@Suite struct `A failover` {
    private let one = FailoverTarget(host: "one", port: 1)
    private let two = FailoverTarget(host: "two", port: 2)

    @Test func `hands over to who has everything`() {
        var failover = Failover()
        expectEqual(failover.infoName.description, "no-failover")
        expectEqual(failover.abort(), .nothingToAbort)
        expectEqual(failover.begin(target: nil, isForced: false, timeout: nil, 0), .pauseWrites)
        expectEqual(failover.infoName.description, "waiting-for-sync")
        expectEqual(failover.deadline, nil)
        expectEqual(failover.acknowledged(by: one, offset: 9, written: 10), .none)
        expectEqual(failover.acknowledged(by: two, offset: 10, written: 10), .handOver(two))
        expectEqual(failover.infoName.description, "failover-in-progress")
        expectEqual(failover.acknowledged(by: one, offset: 10, written: 10), .none)
        expectEqual(failover.tick(1 << 40), .none)
        expectEqual(failover.answered(accepted: true), .finish)
        expectEqual(failover.state, .none)
    }

    @Test func `waits for its target, and no longer than its timeout`() {
        var failover = Failover()
        _ = failover.begin(target: one, isForced: false, timeout: 100, 1000)
        expectEqual(failover.acknowledged(by: two, offset: 10, written: 10), .none)
        expectEqual(failover.deadline, 1100)
        expectEqual(failover.tick(1099), .none)
        expectEqual(failover.tick(1100), .resumeWrites(.timeout))
        _ = failover.begin(target: one, isForced: true, timeout: 100, 2000)
        expectEqual(failover.tick(2100), .handOver(one))
        expectEqual(failover.isOverdue, true)
        expectEqual(failover.answered(accepted: false), .takeBack(.refused))
    }

    @Test func `is aborted in either state`() {
        var failover = Failover()
        _ = failover.begin(target: one, isForced: false, timeout: .max, 1000)
        expectEqual(failover.deadline, nil)
        expectEqual(failover.abort(), .resumeWrites(.aborted))
        _ = failover.begin(target: one, isForced: false, timeout: nil, 0)
        _ = failover.acknowledged(by: one, offset: 1, written: 1)
        expectEqual(failover.abort(), .takeBack(.aborted))
        if case .impossible = failover.answered(accepted: true) {} else { Issue.record("told") }
    }
}
