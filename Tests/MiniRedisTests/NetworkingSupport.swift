// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of the loop share: a line server, a raw client, and a way to run both. The loop
// runs on the test's thread; the client is a script of blocking system calls on a thread of its
// own, and its end stops the loop.

import Glibc
import Testing

@testable import MiniRedis

/// Answers each line through a closure; by default with the line itself.
final class LineServer: ConnectionDelegate {
    var answer: (Connection, UnsafeRawBufferPointer) -> Void = LineServer.echo
    var ended: (Connection) -> Void = { $0.closeAfterOutput() }
    var filled: (Connection) -> Void = { _ in }
    /// The lines that are answered between `beginOutput()` and `endOutput()`.
    var batch = 32
    /// Whether input is left where it is.
    var isBlocked = false
    var lines = 0
    var deliveries = 0
    var drains = 0
    var ends = 0
    var closes = 0
    var tooLarge = 0
    var largestUnsent = 0

    static func echo(_ connection: Connection, _ line: UnsafeRawBufferPointer) {
        guard let base = line.baseAddress else { return }
        connection.loop.output.pointee.append(base, count: line.count)
    }

    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int {
        deliveries += 1
        var consumed = 0
        while consumed < count, !isBlocked, !connection.isCongested, !connection.isClosing {
            let before = consumed
            connection.beginOutput()
            for _ in 0..<batch {
                guard let end = memchr(bytes + consumed, 10, count - consumed) else { break }
                let line = UnsafeRawBufferPointer(
                    start: bytes + consumed, count: end + 1 - (bytes + consumed))
                lines += 1
                answer(connection, line)
                consumed += line.count
                if connection.isReceiving { break }
            }
            connection.endOutput()
            largestUnsent = max(largestUnsent, connection.unsentBytes)
            if before == consumed || connection.isReceiving { break }
        }
        return consumed
    }

    func connectionFilled(_ connection: Connection) { filled(connection) }

    func connectionInputTooLarge(_ connection: Connection) { tooLarge += 1 }

    func connectionEnded(_ connection: Connection) {
        ends += 1
        ended(connection)
    }

    func connectionDrained(_ connection: Connection) {
        drains += 1
        connection.redeliver()
    }

    func connectionClosed(_ connection: Connection) { closes += 1 }
}

/// A blocking socket of the client's side.
struct RawClient: Sendable {
    let descriptor: Int32

    /// Reading and writing give up after so long, so that a broken server fails the test.
    static let patienceSeconds = 10

    init(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        setPatience()
    }

    init(path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        setPatience()
    }

    private func setPatience() {
        set(SO_RCVTIMEO, timeval(tv_sec: RawClient.patienceSeconds, tv_usec: 0))
        set(SO_SNDTIMEO, timeval(tv_sec: RawClient.patienceSeconds, tv_usec: 0))
    }

    func set<Value>(_ option: Int32, _ value: Value) {
        withUnsafeBytes(of: value) { bytes in
            _ = setsockopt(
                descriptor, SOL_SOCKET, option, bytes.baseAddress, socklen_t(bytes.count))
        }
    }

    /// - Returns: how many bytes were taken before an error or the end of patience.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let status = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard status > 0 else { break }
            sent += status
        }
        return sent
    }

    @discardableResult
    func send(_ text: String) -> Int { send(Array(text.utf8)) }

    /// The next `count` bytes, fewer at the end of the stream.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let status = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, 0)
            }
            guard status > 0 else { break }
            filled += status
        }
        return Array(bytes[..<filled])
    }

    /// Everything until the peer closes.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let next = receive(64 << 10)
            all += next
            if next.count < 64 << 10 { return all }
        }
    }

    func receiveText(_ count: Int) -> String { String(decoding: receive(count), as: UTF8.self) }

    func endWriting() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { _ = Glibc.close(descriptor) }

    /// Closes with a reset instead of an orderly end.
    func reset() {
        set(SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        close()
    }
}

/// A loop with one listener on a free loopback port, all of whose connections share one delegate.
final class LoopbackServer {
    let loop: EventLoop
    let listener: Listener
    let delegate = LineServer()
    var connections: [Connection] = []

    init() throws {
        loop = try EventLoop()
        listener = try Listener.tcp(loop: loop, addresses: ["127.0.0.1"], port: 0)[0]
        listener.onConnection = { [unowned self] connection in
            connection.delegate = delegate
            connections.append(connection)
        }
    }

    /// Runs the loop until the client's script ends.
    func run(_ client: @escaping @Sendable (UInt16) -> Void) {
        let port = listener.address.port
        runLoop(loop) { client(port) }
    }

    /// Ends everything, and the cycles of a test's closures with it.
    func close() {
        loop.close()
        connections = []
        delegate.answer = LineServer.echo
        delegate.ended = { _ in }
        delegate.filled = { _ in }
    }
}

/// Runs a loop while `client` runs on another thread, and a little longer, so that the loop hears
/// of what the client did last.
func runLoop(_ loop: EventLoop, whileRunning client: @escaping @Sendable () -> Void) {
    let deadline = LoopTimer(loop: loop) {
        Issue.record("the client did not end")
        loop.stop()
    }
    deadline.start(afterMilliseconds: 30_000)
    let rest = LoopTimer(loop: loop) { loop.stop() }
    loop.perform(work: client) { rest.start(afterMilliseconds: 20) }
    loop.run()
    deadline.close()
    rest.close()
}
