// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

@Suite(.serialized) struct NetworkingOutputTests {
    @Test func `referenced bytes arrive in their place and are released once`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let value = UnsafeMutableRawPointer.allocate(byteCount: 100_000, alignment: 1)
        value.initializeMemory(as: UInt8.self, repeating: 9, count: 100_000)
        defer { value.deallocate() }
        var released = 0
        server.loop.releaseReference = { owner in
            #expect(owner == value)
            released += 1
        }
        server.delegate.answer = { connection, line in
            LineServer.echo(connection, line)
            connection.appendReference(value, count: 100_000, owner: value)
            connection.appendReference(value, count: 50_000, owner: value)
            LineServer.echo(connection, line)
        }
        let unit = Array("a\n".utf8) + [UInt8](repeating: 9, count: 150_000) + Array("a\n".utf8)
        server.run { port in
            let client = RawClient(port: port)
            client.send(String(repeating: "a\n", count: 40))
            for _ in 0..<40 { #expect(client.receive(unit.count) == unit) }
            client.send("a\n")
            #expect(client.receive(unit.count) == unit)
        }
        #expect(released == 82)
        #expect(server.connections[0].unsentBytes == 0)
    }

    @Test func `references of a peer that resets are released once`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let size = 16 << 20
        let value = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
        defer { value.deallocate() }
        var appended = 0
        var released = 0
        server.loop.releaseReference = { _ in released += 1 }
        server.delegate.answer = { connection, line in
            appended += 1
            connection.appendReference(value, count: size, owner: value)
            LineServer.echo(connection, line)
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("a\nb\nc\n")
            _ = client.receive(1 << 20)
            client.reset()
            let other = RawClient(port: port)
            other.send("d\n")
            #expect(other.receive(size + 2).count == size + 2)
            other.close()
        }
        #expect(appended == 4)
        #expect(released == 4)
        #expect(server.delegate.closes == 2)
    }

    @Test func `a huge owned chunk leaves in slices while others are served`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let size = 32 << 20
        server.delegate.answer = { connection, line in
            guard line.elementsEqual("huge\n".utf8) else {
                return LineServer.echo(connection, line)
            }
            LineServer.echo(connection, line)
            guard let chunk = malloc(size) else { return }
            memset(chunk, 5, size)
            connection.sendOwned(chunk, count: size)
            LineServer.echo(connection, line)
        }
        var largestStep: UInt64 = 0
        var before: UInt64 = 0
        server.loop.beforeSleep = {
            let now = server.loop.traffic.pointee.netOutputBytes
            largestStep = max(largestStep, now - before)
            before = now
        }
        server.run { port in
            let client = RawClient(port: port)
            let other = RawClient(port: port)
            client.send("huge\n")
            #expect(client.receiveText(5) == "huge\n")
            other.send("x\n")
            #expect(other.receiveText(2) == "x\n")
            #expect(client.receive(size) == [UInt8](repeating: 5, count: size))
            #expect(client.receiveText(5) == "huge\n")
        }
        // Two turns' budgets may show up between two observations, not more.
        #expect(largestStep <= UInt64(2 * Connection.writeBudgetBytes) + 16)
        #expect(server.loop.traffic.pointee.netOutputBytes == UInt64(size + 12))
    }

    @Test func `a peer that never reads is no longer read from and costs bounded memory`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let reply = [UInt8](repeating: 1, count: 16 << 10)
        server.delegate.answer = { connection, _ in
            reply.withUnsafeBytes { LineServer.echo(connection, $0) }
        }
        server.run { port in
            let client = RawClient(port: port)
            client.set(SO_SNDTIMEO, timeval(tv_sec: 0, tv_usec: 300_000))
            client.set(SO_RCVBUF, Int32(64 << 10))
            let taken = client.send([UInt8](repeating: 10, count: 64 << 20))
            #expect(taken < 64 << 20)
            // Everything that was taken is answered, in spite of all the pauses.
            client.endWriting()
            client.set(SO_RCVTIMEO, timeval(tv_sec: 5, tv_usec: 0))
            let wanted = min(taken, 4_000) * reply.count
            #expect(client.receive(wanted).count == wanted)
            client.reset()
        }
        #expect(server.delegate.drains > 0)
        let bound =
            Connection.highWatermarkBytes + EventLoop.earlyFlushBytes
            + server.delegate.batch * reply.count
        #expect(server.delegate.largestUnsent <= bound)
        #expect(server.delegate.closes == 1)
    }

    @Test func `back-pressure loses no line and keeps the order`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let padding = [UInt8](repeating: 46, count: 4_000)
        server.delegate.answer = { connection, line in
            padding.withUnsafeBytes { LineServer.echo(connection, $0) }
            LineServer.echo(connection, line)
        }
        let lines = 5_000
        server.run { port in
            let client = RawClient(port: port)
            client.send((0..<lines).map { "\($0)\n" }.joined())
            client.endWriting()
            usleep(100_000)
            let all = client.receiveAll()
            let wanted = (0..<lines).flatMap { padding + Array("\($0)\n".utf8) }
            #expect(all == wanted)
        }
        #expect(server.delegate.drains > 0)
        #expect(server.delegate.lines == lines)
        #expect(server.delegate.closes == 1)
    }

    @Test func `a reset in the middle of a large reply frees it and hurts nobody else`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            guard line.elementsEqual("big\n".utf8) else {
                return LineServer.echo(connection, line)
            }
            let size = 100 << 20
            memset(connection.loop.output.pointee.reserve(size), 1, size)
            connection.loop.output.pointee.commit(size)
        }
        server.run { port in
            let other = RawClient(port: port)
            let client = RawClient(port: port)
            client.send("big\n")
            _ = client.receive(1 << 20)
            other.send("x\n")
            #expect(other.receiveText(2) == "x\n")
            client.reset()
            usleep(20_000)
            other.send("y\n")
            #expect(other.receiveText(2) == "y\n")
        }
        #expect(server.delegate.closes == 1)
        #expect(server.loop.output.pointee.capacity == OutputBuffer.initialCapacity)
        let dead = server.connections.first { $0.isClosed }
        #expect(dead?.unsentBytes == 0)
    }

    @Test func `output of other connections in between keeps every order`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            LineServer.echo(connection, line)
            for other in server.connections where other !== connection {
                other.beginOutput()
                LineServer.echo(other, line)
                other.endOutput()
            }
            LineServer.echo(connection, line)
        }
        let lines = (0..<1_000).map { "message \($0)\n" }
        server.run { port in
            let subscriber = RawClient(port: port)
            let publisher = RawClient(port: port)
            usleep(20_000)
            publisher.send(lines.joined())
            let doubled = lines.map { $0 + $0 }.joined()
            #expect(publisher.receiveText(doubled.utf8.count) == doubled)
            let once = lines.joined()
            #expect(subscriber.receiveText(once.utf8.count) == once)
        }
        #expect(server.loop.traffic.pointee.writes < 200)
    }

    @Test func `a subscriber that does not read gets everything when it does`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            for other in server.connections where other !== connection {
                other.beginOutput()
                for _ in 0..<100 { LineServer.echo(other, line) }
                other.endOutput()
            }
            LineServer.echo(connection, line)
        }
        let line = String(repeating: "m", count: 999) + "\n"
        server.run { port in
            let subscriber = RawClient(port: port)
            subscriber.set(SO_RCVBUF, Int32(16 << 10))
            let publisher = RawClient(port: port)
            usleep(20_000)
            for _ in 0..<100 {
                publisher.send(line)
                _ = publisher.receive(1_000)
            }
            let wanted = [UInt8](String(repeating: line, count: 10_000).utf8)
            #expect(subscriber.receive(wanted.count) == wanted)
        }
        #expect(server.connections.allSatisfy { $0.unsentBytes == 0 })
    }

    @Test func `output for a connection that is closing is dropped`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let value = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 1)
        defer { value.deallocate() }
        var released = 0
        server.loop.releaseReference = { _ in released += 1 }
        server.delegate.answer = { connection, line in
            connection.close()
            LineServer.echo(connection, line)
            connection.appendReference(value, count: 8, owner: value)
            LineServer.echo(connection, line)
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("x\n")
            #expect(client.receiveAll() == [])
        }
        #expect(released == 1)
        let gone = server.connections[0]
        gone.beginOutput()
        gone.appendReference(value, count: 8, owner: value)
        gone.endOutput()
        #expect(released == 2)
    }

    @Test func `nothing leaves before the hook that makes it durable`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        var hooks = 0
        var sentBefore: UInt64 = 0
        server.loop.beforeOutput = {
            hooks += 1
            sentBefore = server.loop.traffic.pointee.netOutputBytes
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("x\n")
            #expect(client.receiveText(2) == "x\n")
        }
        #expect(hooks == 1)
        #expect(sentBefore == 0)
    }
}
