// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

/// Keeps what it receives.
private final class Collector: ConnectionDelegate {
    var text = ""
    var closes = 0
    var onText: () -> Void = {}

    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int {
        text += ByteView(bytes, count: count).string
        onText()
        return count
    }

    func connectionFilled(_ connection: Connection) {}
    func connectionInputTooLarge(_ connection: Connection) {}
    func connectionEnded(_ connection: Connection) { connection.close() }
    func connectionDrained(_ connection: Connection) {}
    func connectionClosed(_ connection: Connection) { closes += 1 }
}

@Suite(.serialized) struct OutgoingConnectionTests {
    /// The result of one attempt, and the attempt's server.
    private func connect(
        to target: OutgoingAddress, on loop: EventLoop
    ) -> Result<Connection, NetworkError>? {
        var result: Result<Connection, NetworkError>?
        let attempt = OutgoingConnection(loop: loop, to: target) {
            result = $0
            loop.stop()
        }
        #expect(result == nil)
        loop.run()
        withExtendedLifetime(attempt) {}
        return result
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `a host and a port become a connection`(host: String) throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let target = OutgoingAddress(host: host, port: server.listener.address.port)
        let connection = try #require(connect(to: target, on: server.loop)).get()
        let collector = Collector()
        connection.delegate = collector
        connection.start()
        collector.onText = { server.loop.stop() }
        connection.beginOutput()
        server.loop.output.pointee.append("hello\n", count: 6)
        connection.endOutput()
        server.loop.run()
        #expect(collector.text == "hello\n")
        // Paused, nothing is read; resumed, everything is.
        connection.pauseReading()
        connection.beginOutput()
        server.loop.output.pointee.append("again\n", count: 6)
        connection.endOutput()
        let pause = LoopTimer(loop: server.loop) { server.loop.stop() }
        pause.start(afterMilliseconds: 50)
        server.loop.run()
        #expect(collector.text == "hello\n")
        connection.resumeReading()
        server.loop.run()
        #expect(collector.text == "hello\nagain\n")
        connection.close()
        pause.start(afterMilliseconds: 20)
        server.loop.run()
        #expect(collector.closes == 1)
        collector.onText = {}
    }

    @Test func `it comes from the address it was told to`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let port = server.listener.address.port
        let good = OutgoingAddress(host: "127.0.0.1", port: port, source: "127.0.0.2")
        let connection = try #require(connect(to: good, on: server.loop)).get()
        #expect(connection.localDescription.hasPrefix("127.0.0.2:"))
        connection.close()
        for source in ["192.0.2.1", "no address", "::1"] {
            let bad = OutgoingAddress(host: "127.0.0.1", port: port, source: source)
            #expect(throws: NetworkError.self) {
                try #require(connect(to: bad, on: server.loop)).get()
            }
        }
    }

    @Test func `what cannot be reached is told`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let refused = try #require(
            connect(to: OutgoingAddress(host: "127.0.0.1", port: 1), on: loop))
        if case .failure(let error) = refused {
            #expect(error.description == "127.0.0.1:1: connect: Connection refused")
        } else {
            Issue.record("nobody listens there")
        }
        let unknown = OutgoingAddress(host: "no such host.invalid", port: 1)
        #expect(throws: NetworkError.self) { try #require(connect(to: unknown, on: loop)).get() }
    }

    @Test func `it gives up in time, or when it is told to`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        // A listener whose queue is full answers nobody.
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(listening) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(status == 0 && listen(listening, 0) == 0)
        let port = SocketAddress(localOf: listening).port
        let fillers = [RawClient(port: port)]
        defer { for filler in fillers { filler.close() } }
        let target = OutgoingAddress(host: "127.0.0.1", port: port, timeout: 50)
        let result = try #require(connect(to: target, on: loop))
        #expect(throws: NetworkError("connect", code: ETIMEDOUT, address: target.name)) {
            try result.get()
        }
        var patient = target
        patient.timeout = 10_000
        let attempt = OutgoingConnection(loop: loop, to: patient) { _ in
            Issue.record("a cancelled attempt tells nothing")
        }
        let timer = LoopTimer(loop: loop) {
            attempt.cancel()
            loop.stop()
        }
        timer.start(afterMilliseconds: 30)
        loop.run()
    }
}
