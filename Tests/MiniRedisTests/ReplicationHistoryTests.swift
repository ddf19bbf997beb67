// SPDX-License-Identifier: BSD-3-Clause
//
// Who may go on: the decision's table of cases, and what promotion keeps.

import Testing

@testable import MiniRedis

@Suite struct `The replication history` {
    private let old = String(repeating: "a", count: 40)
    private let other = String(repeating: "1", count: 40)

    private func id(_ text: String) throws -> ReplicationID {
        try #require(withExactBytes(text) { ReplicationID($0) })
    }

    private func decide(
        _ history: ReplicationHistory, _ requested: String, _ byte: Int64, _ range: BacklogRange?
    ) -> ResyncDecision {
        withExactBytes(requested) { history.decide(requested: $0, byte: byte, range: range) }
    }

    @Test func `an id is forty hexadecimal digits`() throws {
        #expect(withExactBytes(String(repeating: "a", count: 39)) { ReplicationID($0) } == nil)
        #expect(withExactBytes(String(repeating: "g", count: 40)) { ReplicationID($0) } == nil)
        let mixed = "0123456789abcdefABCDEF0123456789abcdef01"
        #expect(try id(mixed).text == mixed)
        let mixedID = try id(mixed)
        #expect(withExactBytes(mixed.lowercased()) { mixedID.matches($0) })
        #expect(withExactBytes(other) { mixedID.matches($0) } == false)
        #expect(ReplicationID.none.text == String(repeating: "0", count: 40))
        var random = RandomSource(seed: 1)
        let drawn = ReplicationID(drawnFrom: &random)
        #expect(try id(drawn.text) == drawn)
        #expect(drawn.text == drawn.text.lowercased())
        #expect(ReplicationID(drawnFrom: &random) != drawn)
    }

    @Test func `a replica goes on from what the backlog holds`() throws {
        let history = ReplicationHistory(id: try id(old), offset: 1000)
        let range = BacklogRange(first: 500, end: 1001)
        #expect(decide(history, old, 500, range) == .partial(from: 500))
        #expect(decide(history, old, 1001, range) == .partial(from: 1001))
        #expect(decide(history, old.uppercased(), 700, range) == .partial(from: 700))
        #expect(decide(history, old, 499, range) == .full(.lackOfBacklog))
        #expect(decide(history, old, 1002, range) == .full(.aheadOfStream))
        #expect(decide(history, old, .min, range) == .full(.lackOfBacklog))
        #expect(decide(history, old, .max, range) == .full(.aheadOfStream))
        #expect(decide(history, old, 700, nil) == .full(.lackOfBacklog))
        #expect(decide(history, other, 700, range) == .full(.unknownID))
        #expect(decide(history, "", 700, range) == .full(.unknownID))
        #expect(decide(history, "?", -1, range) == .full(.requested))
        #expect(decide(history, ReplicationID.none.text, 700, range) == .full(.unknownID))
        #expect(!FullResyncReason.requested.isFailedAttempt)
        #expect(FullResyncReason.lackOfBacklog.isFailedAttempt)
    }

    @Test func `promotion keeps the past under its old name, and no more of it`() throws {
        var random = RandomSource(seed: 2)
        var history = ReplicationHistory(id: try id(old), offset: 900)
        history.promote(&random)
        #expect(history.secondID.text == old)
        #expect(history.secondOffset == 901)
        #expect(history.offset == 900)
        #expect(history.id.text != old)
        #expect(
            withExactBytes(old) { history.decideHandOver(requested: $0, isReplica: false) }
                == .isPromoted)
        #expect(
            withExactBytes(old) { history.decideHandOver(requested: $0, isReplica: true) }
                == .refuse)
        #expect(
            withExactBytes(other) { history.decideHandOver(requested: $0, isReplica: false) }
                == .refuse)
        #expect(
            withExactBytes(history.id.text) {
                history.decideHandOver(requested: $0, isReplica: true)
            } == .promote)
        history.advance(by: 300)
        let range = BacklogRange(first: 500, end: 1201)
        #expect(decide(history, old, 901, range) == .partial(from: 901))
        #expect(decide(history, old.uppercased(), 600, range) == .partial(from: 600))
        #expect(decide(history, old, 902, range) == .full(.beyondSecondOffset))
        #expect(decide(history, history.id.text, 1201, range) == .partial(from: 1201))
    }

    @Test func `following another name keeps ours, a full resync does not`() throws {
        var random = RandomSource(seed: 3)
        var history = ReplicationHistory(id: try id(old), offset: 100)
        #expect(!history.follow(try id(old)))
        #expect(history.follow(try id(other)))
        #expect(history.secondID.text == old)
        #expect(history.secondOffset == 101)
        history.adopt(id: try id(old), offset: 7)
        #expect(history.secondID == .none)
        #expect(history.secondOffset == -1)
        #expect(history.nextByte == 8)
        history.promote(&random)
        history.renew(&random)
        #expect(history.secondID == .none)
        #expect(history.offset == 7)
    }
}
