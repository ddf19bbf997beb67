// SPDX-License-Identifier: BSD-3-Clause
//
// The log of effects: units, their databases, and who is told what.

import Testing

@testable import MiniRedis

@Suite struct EffectLogTests {
    private func taken(_ stream: inout EffectStream) -> String {
        var text = ""
        stream.take { text = $0.string }
        return text
    }

    private func request(_ words: String...) -> String {
        "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
    }

    private func add(_ word: StaticString, _ database: Int?, to log: inout EffectLog) {
        log.add(2, in: database) {
            $0.add(word)
            $0.add(Int64(-7))
        }
    }

    @Test func `one request stands alone, behind the database it is for`() {
        var log = EffectLog()
        log.add([.replicas, .appendOnlyFile])
        add("DEL", 3, to: &log)
        log.endUnit()
        let expected = request("SELECT", "3") + request("DEL", "-7")
        #expect(taken(&log.replication) == expected)
        #expect(taken(&log.appendOnly) == expected)
        #expect(log.replication.position == Int64(expected.utf8.count))
        add("DEL", 3, to: &log)
        log.endUnit()
        #expect(taken(&log.replication) == request("DEL", "-7"))
    }

    @Test func `several requests of a unit are one transaction, and SELECT comes before it`() {
        var log = EffectLog()
        log.add(.replicas)
        add("DEL", 0, to: &log)
        add("INCR", 1, to: &log)
        log.endUnit()
        #expect(
            taken(&log.replication)
                == request("SELECT", "0") + request("MULTI") + request("DEL", "-7")
                + request("SELECT", "1") + request("INCR", "-7") + request("EXEC"))
        add("DEL", 1, to: &log)
        add("DEL", 1, to: &log)
        log.endUnit(isAtomic: false)
        #expect(taken(&log.replication) == request("DEL", "-7") + request("DEL", "-7"))
    }

    @Test func `what one listener is told alone the other never sees`() {
        var log = EffectLog()
        log.add(.everyone)
        log.add(1, in: nil, for: .replicas) { $0.add("PING") }
        add("DEL", 0, to: &log)
        log.endUnit()
        #expect(taken(&log.appendOnly) == request("SELECT", "0") + request("DEL", "-7"))
        #expect(
            taken(&log.replication)
                == request("MULTI") + request("PING") + request("SELECT", "0")
                + request("DEL", "-7") + request("EXEC"))
    }

    @Test func `a stream that starts again knows no selected database`() {
        var log = EffectLog()
        log.add(.replicas)
        add("DEL", 0, to: &log)
        log.endUnit()
        log.replication.restart(at: 1000)
        #expect(taken(&log.replication) == "")
        add("DEL", 0, to: &log)
        log.endUnit()
        let expected = request("SELECT", "0") + request("DEL", "-7")
        #expect(taken(&log.replication) == expected)
        #expect(log.replication.position == 1000 + Int64(expected.utf8.count))
    }
}
