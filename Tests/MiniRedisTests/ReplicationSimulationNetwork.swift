// SPDX-License-Identifier: BSD-3-Clause
//
// The world of the replication simulation: a clock that jumps to the next event, and connections
// whose bytes are split, delayed, held up for longer than any timeout, and lost with a cut that
// one side may never hear of. Everything follows from one seed.

import CRespParser

@testable import MiniRedis

/// Events in the order of their time, those of one time in the order they were made.
final class SimulatedTime {
    private struct Event {
        let time: Int64
        let number: Int
        let action: () -> Void
    }

    /// Milliseconds.
    private(set) var now: Int64 = 1_000_000
    private var heap: [Event] = []
    private var made = 0

    func after(_ delay: Int64, _ action: @escaping () -> Void) {
        made += 1
        heap.append(Event(time: now + max(0, delay), number: made, action: action))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Runs what happens until `end`.
    func run(until end: Int64) {
        while let next = heap.first, next.time <= end {
            removeFirst()
            now = next.time
            next.action()
        }
        now = end
    }

    /// Forgets what would still happen, and whom it would happen to.
    func end() { heap = [] }

    private func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && isBefore(child, least) { least = child }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (one, other) = (heap[left], heap[right])
        return one.time != other.time ? one.time < other.time : one.number < other.number
    }
}

/// One end of a simulated connection.
final class SimulatedEnd {
    /// Bytes that have arrived.
    var inbox: [UInt8] = []
    var isOpen = true
    var onBytes: () -> Void = {}
    var onClose: () -> Void = {}
    /// Bytes that were sent and have not arrived: what a socket's buffer would hold.
    var underway = 0
    var onRoom: () -> Void = {}
    fileprivate var arrival: Int64 = 0
    fileprivate weak var connection: SimulatedConnection?

    /// Sends to the other end.
    func send(_ bytes: [UInt8]) { connection?.send(bytes, from: self) }

    /// This side closes; the other side will hear of it, unless the network is cut.
    func close() {
        guard isOpen else { return }
        isOpen = false
        connection?.closed(by: self)
    }

    func send(_ output: borrowing ByteBuffer) { send(output.view.array) }
}

/// A connection between a replica (`client`) and a master (`server`).
final class SimulatedConnection {
    let client = SimulatedEnd()
    let server = SimulatedEnd()
    /// The numbers of the servers at its ends.
    let nodes: [Int]
    private let time: SimulatedTime
    private var random: RandomSource
    private var isCut = false
    private var stalledUntil: Int64 = 0

    init(_ time: SimulatedTime, between nodes: [Int], seed: UInt64) {
        self.nodes = nodes
        self.time = time
        random = RandomSource(seed: seed)
        client.connection = self
        server.connection = self
    }

    private func other(_ end: SimulatedEnd) -> SimulatedEnd { end === client ? server : client }

    fileprivate func send(_ bytes: [UInt8], from end: SimulatedEnd) {
        guard end.isOpen, !isCut else { return }
        var start = 0
        while start < bytes.count {
            let most = random.below(3) == 0 ? 4 : 2000
            let count = min(bytes.count - start, 1 + Int(random.below(UInt64(most))))
            deliver(Array(bytes[start..<start + count]), from: end)
            start += count
        }
    }

    private func deliver(_ bytes: [UInt8], from end: SimulatedEnd) {
        let delay = Int64(random.below(random.below(20) == 0 ? 200 : 5))
        end.arrival = max(end.arrival, max(time.now, stalledUntil) + delay)
        end.underway += bytes.count
        time.after(end.arrival - time.now) { [self] in
            let target = other(end)
            guard !isCut, target.isOpen else { return }
            end.underway -= bytes.count
            target.inbox += bytes
            target.onBytes()
            if end.isOpen { end.onRoom() }
        }
    }

    /// Nothing arrives for so long.
    func stall(_ milliseconds: Int64) { stalledUntil = time.now + milliseconds }

    /// The connection breaks. What is underway is lost; each side hears of it or does not.
    func cut() {
        guard !isCut else { return }
        isCut = true
        for end in [client, server] where random.below(4) != 0 { tell(end) }
    }

    fileprivate func closed(by end: SimulatedEnd) {
        guard !isCut else { return }
        // What was sent before arrives before the end does.
        let delay = max(0, end.arrival - time.now) + Int64(random.below(5))
        let target = other(end)
        time.after(delay) { [self] in
            guard !isCut, target.isOpen else { return }
            target.isOpen = false
            target.onClose()
        }
    }

    private func tell(_ end: SimulatedEnd) {
        time.after(Int64(random.below(50))) {
            guard end.isOpen else { return }
            end.isOpen = false
            end.onClose()
        }
    }
}

/// A row of words as a request, as a client writes it.
func requestBytes(_ words: [String]) -> [UInt8] {
    var text = "*\(words.count)\r\n"
    for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
    return Array(text.utf8)
}

/// The first request of `bytes` from `start` on, and its end; a newline is a request without
/// words. Nil if it is not whole.
func parseRequest(_ bytes: [UInt8], from start: Int) -> (words: [String], end: Int)? {
    var at = start
    func line() -> ArraySlice<UInt8>? {
        guard let end = bytes[at...].firstIndex(of: 10) else { return nil }
        defer { at = end + 1 }
        return bytes[at..<end].last == 13 ? bytes[at..<end - 1] : bytes[at..<end]
    }
    guard at < bytes.count, let head = line() else { return nil }
    if head.isEmpty { return ([], at) }
    guard head.first == UInt8(ascii: "*"), let count = number(head.dropFirst()) else { return nil }
    var words: [String] = []
    for _ in 0..<count {
        guard at < bytes.count, let header = line(), let length = number(header.dropFirst()),
            at + length + 2 <= bytes.count
        else { return nil }
        words.append(String(decoding: bytes[at..<at + length], as: UTF8.self))
        at += length + 2
    }
    return (words, at)
}

private func number(_ digits: ArraySlice<UInt8>) -> Int? {
    Int(String(decoding: digits, as: UTF8.self))
}

/// Lends the words as the request that a handler sees.
func withRequest<Result>(_ words: [String], _ body: (Request) -> Result) -> Result {
    let bytes = words.flatMap { Array($0.utf8) }
    var slices: [ArgumentSlice] = []
    var offset: UInt32 = 0
    for word in words {
        slices.append(ArgumentSlice(offset: offset, length: UInt32(word.utf8.count)))
        offset += UInt32(word.utf8.count)
    }
    return bytes.withUnsafeBytes { bytes in
        slices.withUnsafeBufferPointer { slices in
            guard let base = bytes.baseAddress, let first = slices.baseAddress else {
                preconditionFailure("a request has a name")
            }
            return body(Request(base: base, slices: first, count: words.count, blocks: nil))
        }
    }
}
