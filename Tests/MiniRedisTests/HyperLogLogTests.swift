// SPDX-License-Identifier: BSD-3-Clause
//
// HyperLogLogs: both forms against an array of registers, estimates, and damaged strings.

import Testing

@testable import MiniRedis

/// Calls with an empty one that has room to grow.
private func withEditor(
    limit: Int = 3000, _ body: (inout HyperLogLogEditor) -> Void
) {
    BitString.withRoom(60_000, startingWith: ByteView("")) { room in
        var editor = HyperLogLogEditor(emptyIn: room, sparseLimit: limit)
        body(&editor)
    }
}

private func registers(_ view: ByteView) -> [UInt8]? {
    guard let hyperLogLog = HyperLogLogView(view) else { return nil }
    var all: [UInt8] = []
    let isWhole = hyperLogLog.forEachRun { value, _, length in
        all += [UInt8](repeating: value, count: length)
    }
    return isWhole ? all : nil
}

@Suite struct `A HyperLogLog` {
    @Test(arguments: [3000, 40, 20, 50_000, 0])
    func `keeps the largest value of each register`(limit: Int) {
        var random = RandomSource(seed: UInt64(limit))
        var model = [UInt8](repeating: 0, count: HyperLogLog.registers)
        withEditor(limit: limit) { editor in
            for round in 0..<6000 {
                let isNear = round % 3 == 0
                let index = Int(random.below(isNear ? 40 : UInt64(HyperLogLog.registers)))
                let value = UInt8(1 + random.below(round % 500 == 499 ? 51 : 4))
                let outcome = editor.raise(index, to: value)
                #expect(outcome == (model[index] < value ? .changed : .unchanged))
                model[index] = max(model[index], value)
                if round % 250 == 0 { #expect(registers(editor.view) == model) }
            }
            #expect(registers(editor.view) == model)
            let isDense = editor.makeDense()
            #expect(isDense)
            #expect(editor.view.count == HyperLogLog.denseBytes)
            #expect(registers(editor.view) == model)
        }
    }

    @Test func `estimates within a few percent, the same in both forms`() {
        #expect(HyperLogLogCheck.run() == nil)
    }

    @Test func `remembers its estimate until it changes`() {
        withEditor { editor in
            #expect(HyperLogLogView(editor.view)?.cachedCount == 0)
            editor.forgetCount()
            #expect(HyperLogLogView(editor.view)?.cachedCount == nil)
        }
    }

    @Test func `is hashed as Redis does`() {
        // Read off PFADD a b c: registers 8436, 12711 and 15780 of 7.0.15.
        let places = ["a", "b", "c"].map { withExactBytes($0, HyperLogLog.place) }
        #expect(Set(places.map(\.index)) == [8436, 12711, 15780])
        #expect(Set(places.map { "\($0.index):\($0.value)" }).contains("12711:2"))
    }

    @Test func `is recognised by its header`() {
        for bytes in [[], Array("HYLL".utf8), Array("HYLM\u{1}\0\0\0\0\0\0\0\0\0\0\0".utf8)] {
            withExactBytes(bytes) { #expect(HyperLogLogView($0) == nil) }
        }
        var dense = Array("HYLL".utf8) + [UInt8](repeating: 0, count: HyperLogLog.denseBytes - 4)
        withExactBytes(dense) { #expect(HyperLogLogView($0) != nil) }
        dense.removeLast()
        withExactBytes(dense) { #expect(HyperLogLogView($0) == nil) }
        dense[4] = 2
        withExactBytes(dense + [0]) { #expect(HyperLogLogView($0) == nil) }
    }

    @Test func `may be damaged: nothing is read or written outside of it`() {
        var random = RandomSource(seed: 31)
        let header = Array("HYLL".utf8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        for _ in 0..<4000 {
            let length = Int(random.below(60))
            let body = (0..<length).map { _ in
                random.below(3) == 0 ? UInt8(0x7F) : UInt8(truncatingIfNeeded: random.next())
            }
            withExactBytes(header + body) { text in
                guard let view = HyperLogLogView(text) else {
                    Issue.record("the header is right")
                    return
                }
                _ = view.count()
                let room = max(HyperLogLog.denseBytes, text.count + 60)
                BitString.withRoom(room, startingWith: text) { room in
                    var editor = HyperLogLogEditor(room, count: text.count, sparseLimit: 3000)
                    for _ in 0..<20 {
                        let index = Int(random.below(UInt64(HyperLogLog.registers)))
                        let value = UInt8(1 + random.below(40))
                        if editor.raise(index, to: value) == .corrupted { break }
                    }
                    _ = editor.makeDense()
                }
            }
        }
    }

    @Test func `is corrupted if its runs are too short, too long or end early`() {
        let header = Array("HYLL".utf8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        for runs: [UInt8] in [
            [], [0x7F], [0x7F, 0xFE], [0x7F, 0xFF, 0x00], [0x80], [0x7F, 0xFF, 0x7F],
        ] {
            withExactBytes(header + runs) { #expect(HyperLogLogView($0)?.count() == nil) }
        }
        withExactBytes(header + [0x7F, 0xFF]) { #expect(HyperLogLogView($0)?.count() == 0) }
        withExactBytes(header + [0x7F, 0xFE, 0x84]) { #expect(HyperLogLogView($0)?.count() == 1) }
    }
}
