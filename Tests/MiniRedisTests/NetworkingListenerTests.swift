// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

@Suite(.serialized) struct NetworkingListenerTests {
    @Test func `a busy port is an error with the address and the reason`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let port = server.listener.address.port
        let error = #expect(throws: NetworkError.self) {
            try Listener.tcp(loop: server.loop, addresses: ["127.0.0.1"], port: port)
        }
        #expect(error?.text == "bind: Address already in use")
        #expect(error?.address == "127.0.0.1:\(port)")
        #expect(error?.code == EADDRINUSE)
    }

    @Test func `if one address fails none is listened on`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let port = server.listener.address.port
        #expect(throws: NetworkError.self) {
            try Listener.tcp(loop: server.loop, addresses: ["127.0.0.2", "127.0.0.1"], port: port)
        }
        let again = try Listener.tcp(loop: server.loop, addresses: ["127.0.0.2"], port: port)
        #expect(again.count == 1)
    }

    @Test func `a missing address is an error unless it is optional`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let error = #expect(throws: NetworkError.self) {
            try Listener.tcp(loop: loop, addresses: ["192.0.2.1"], port: 0)
        }
        #expect(error?.code == EADDRNOTAVAIL)
        let some = try Listener.tcp(loop: loop, addresses: ["-192.0.2.1", "127.0.0.1"], port: 0)
        #expect(some.map(\.name) == ["127.0.0.1:0"])
    }

    @Test func `a name that is no address is an error`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let error = #expect(throws: NetworkError.self) {
            try Listener.tcp(loop: loop, addresses: ["300.1.2.3"], port: 0)
        }
        #expect(error?.address == "300.1.2.3:0")
        #expect(error?.text.isEmpty == false)
    }

    @Test func `every address of IPv4 and IPv6 can share a port`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let first = try Listener.tcp(loop: loop, addresses: ["*"], port: 0)[0]
        let port = first.address.port
        let second = try Listener.tcp(loop: loop, addresses: ["-::*"], port: port)
        #expect(first.address.text(unixPath: "") == "0.0.0.0:\(port)")
        // A machine without IPv6 has none, and that is no error.
        for listener in second {
            #expect(listener.address.text(unixPath: "") == "[::]:\(port)")
        }
    }

    @Test func `addresses are told, and sockets are set up for small replies`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.listener.setKeepAlive(seconds: 120)
        var options: [Int32] = []
        var descriptions: [String] = []
        server.delegate.answer = { connection, line in
            options = [
                option(connection, Int32(IPPROTO_TCP), TCP_NODELAY),
                option(connection, SOL_SOCKET, SO_KEEPALIVE),
                option(connection, Int32(IPPROTO_TCP), TCP_KEEPIDLE),
            ]
            descriptions = [connection.peerDescription, connection.localDescription]
            #expect(connection.isLoopback)
            LineServer.echo(connection, line)
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("x\n")
            _ = client.receive(2)
        }
        #expect(options == [1, 1, 120])
        #expect(descriptions.last == "127.0.0.1:\(server.listener.address.port)")
        #expect(descriptions.first?.hasPrefix("127.0.0.1:") == true)
    }

    @Test func `a Unix socket is made for its owner, gets its bits, and goes when closed`() throws {
        let path = "/tmp/mini-redis-test-\(getpid()).sock"
        let loop = try EventLoop()
        defer { loop.close() }
        let closed = try Listener.unix(loop: loop, path: path)
        #expect(permissions(path) == 0o700)
        closed.close()
        #expect(permissions(path) == nil)
        let listener = try Listener.unix(loop: loop, path: path, permissions: 0o770)
        #expect(permissions(path) == 0o770)
        let delegate = LineServer()
        var description = ""
        listener.onConnection = { connection in
            connection.delegate = delegate
            description = connection.peerDescription
            #expect(connection.isLoopback)
        }
        runLoop(loop) {
            let client = RawClient(path: path)
            client.send("over a path\n")
            #expect(client.receiveText(12) == "over a path\n")
        }
        #expect(description == path + ":0")
        listener.close()
        #expect(permissions(path) == nil)
    }

    @Test func `a stale socket file is replaced, a live one and a file are not`() throws {
        let path = "/tmp/mini-redis-stale-\(getpid()).sock"
        defer { unlink(path) }
        let loop = try EventLoop()
        defer { loop.close() }
        close(boundSocket(path))
        let listener = try Listener.unix(loop: loop, path: path)
        let live = #expect(throws: NetworkError.self) {
            try Listener.unix(loop: loop, path: path)
        }
        #expect(live?.text == "bind: Address already in use")
        listener.close()
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: NetworkError.self) { try Listener.unix(loop: loop, path: path) }
        #expect(access(path, F_OK) == 0)
        #expect(throws: NetworkError.self) {
            try Listener.unix(loop: loop, path: String(repeating: "p", count: 200))
        }
    }

    @Test func `a connection without a delegate gets its refusal and is closed`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.listener.onConnection = { connection in
            connection.beginOutput()
            connection.loop.output.pointee.append("full\n", count: 5)
            connection.endOutput()
        }
        server.run { port in
            let client = RawClient(port: port)
            #expect(client.receiveAll() == Array("full\n".utf8))
        }
    }

    @Test func `more peers than one turn accepts are all accepted`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let clients = (0..<300).map { _ in RawClient(port: port) }
            for client in clients { client.send("x\n") }
            for client in clients { #expect(client.receiveText(2) == "x\n") }
            for client in clients { client.close() }
        }
        #expect(server.delegate.closes == 300)
    }

    @Test func `an accept error is reported, pauses, and waiting peers are served later`() throws {
        // What fails to accept is a readable socket that does not listen; later it does, under the
        // same number. (A shortage of descriptors would hit the other tests of this process.)
        let server = try LoopbackServer()
        defer { server.close() }
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        #expect(write(pair[1], "x", 1) == 1)
        let broken = Listener(
            loop: server.loop,
            listening: ListeningSocket(descriptor: pair[0], name: "broken", unixPath: ""))
        let path = "/tmp/mini-redis-accept-\(getpid()).sock"
        defer { unlink(path) }
        let working = boundSocket(path)
        listen(working, 5)
        defer { close(working) }
        let began = Clock.readMonotonicNanoseconds()
        var errors: [NetworkError] = []
        var turnsAtThirdError: UInt64 = 0
        var served = 0
        broken.onConnection = { connection in
            served += 1
            connection.delegate = server.delegate
        }
        broken.onError = { error in
            errors.append(error)
            guard errors.count == 3 else { return }
            turnsAtThirdError = server.loop.statistics.pointee.turns
            dup2(working, pair[0])
        }
        runLoop(server.loop) {
            let client = RawClient(path: path)
            client.send("served\n")
            #expect(client.receiveText(7) == "served\n")
            client.close()
        }
        #expect(errors.count == 3)
        #expect(errors.first?.operation == "accept")
        #expect(errors.first?.address == "broken")
        #expect(served == 1)
        #expect(turnsAtThirdError < 20)
        let elapsed = Clock.readMonotonicNanoseconds() - began
        #expect(elapsed >= 2 * Listener.errorPauseMilliseconds * 1_000_000)
        close(pair[1])
    }
}

private func option(_ connection: Connection, _ level: Int32, _ name: Int32) -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(connection.descriptor, level, name, &value, &length)
    return value
}

private func permissions(_ path: String) -> UInt32? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return status.st_mode & 0o777
}

/// A Unix socket that is bound to a path and does not listen.
private func boundSocket(_ path: String) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, type, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    _ = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    return descriptor
}
