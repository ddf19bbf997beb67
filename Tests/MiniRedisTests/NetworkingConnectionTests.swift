// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

@Suite(.serialized) struct NetworkingConnectionTests {
    @Test func `a line comes back whole when its bytes arrive one by one`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let client = RawClient(port: port)
            for byte in Array("hello\nworld\n".utf8) {
                client.send([byte])
                usleep(1000)
            }
            #expect(client.receiveText(12) == "hello\nworld\n")
            client.close()
        }
        #expect(server.delegate.lines == 2)
        #expect(server.delegate.deliveries > 2)
        #expect(server.delegate.closes == 1)
    }

    @Test func `ten thousand pipelined lines and then half a line are answered in order`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let client = RawClient(port: port)
            let lines = (0..<10_000).map { "line \($0)\n" }.joined()
            client.send(lines + "ha")
            #expect(client.receiveText(lines.utf8.count) == lines)
            client.send("lf\n")
            #expect(client.receiveText(5) == "half\n")
            client.close()
        }
        #expect(server.delegate.lines == 10_001)
        let traffic = server.loop.traffic.pointee
        #expect(traffic.netInputBytes == traffic.netOutputBytes)
        #expect(traffic.writes < 1_000)
    }

    @Test func `a peer that has half-closed still gets its answers`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let client = RawClient(port: port)
            client.send("x\ny\n")
            client.endWriting()
            #expect(client.receiveAll() == Array("x\ny\n".utf8))
            client.close()
        }
        #expect(server.delegate.ends == 1)
        #expect(server.delegate.closes == 1)
    }

    @Test func `a line longer than every buffer arrives whole`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let client = RawClient(port: port)
            let line = [UInt8](repeating: 7, count: 3 << 20) + [10]
            client.send(line)
            #expect(client.receive(line.count) == line)
            client.send("small\n")
            #expect(client.receiveText(6) == "small\n")
        }
        #expect(server.connections[0].retainedBytes == 0)
        #expect(server.connections[0].retained.capacity == 0)
    }

    @Test func `input beyond its limit is reported and ends the connection`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.listener.onConnection = { connection in
            connection.delegate = server.delegate
            connection.inputLimitBytes = 100_000
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send([UInt8](repeating: 7, count: 100_001))
            #expect(client.receiveAll() == [])
            client.close()
        }
        #expect(server.delegate.tooLarge == 1)
        #expect(server.delegate.closes == 1)
    }

    @Test(arguments: [1, 10, 65_536, 3_000_000])
    func `a body is received into the caller's memory and the stream goes on`(size: Int) throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let body = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
        defer { body.deallocate() }
        server.delegate.answer = { connection, line in
            guard line.elementsEqual("body\n".utf8) else {
                return LineServer.echo(connection, line)
            }
            connection.receive(into: body, count: size)
        }
        server.delegate.filled = { connection in
            connection.beginOutput()
            connection.loop.output.pointee.append(body, count: size)
            connection.endOutput()
        }
        server.run { port in
            let client = RawClient(port: port)
            var sent = [UInt8](repeating: 17, count: size)
            for index in stride(from: 0, to: size, by: 997) { sent[index] = UInt8(index % 251) }
            for _ in 0..<2 {
                client.send(Array("a\nbody\n".utf8) + sent + Array("b\n".utf8))
                #expect(client.receive(size + 4) == Array("a\n".utf8) + sent + Array("b\n".utf8))
            }
            client.close()
        }
        #expect(server.delegate.lines == 6)
        #expect(server.delegate.closes == 1)
    }

    @Test func `a connection that dies while a body is received is closed once`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        let body = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 1)
        defer { body.deallocate() }
        server.delegate.answer = { connection, _ in
            connection.receive(into: body, count: 1 << 20)
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send([10] + [UInt8](repeating: 1, count: 1 << 19))
            usleep(20_000)
            client.reset()
        }
        #expect(server.delegate.closes == 1)
    }

    @Test func `retained input is delivered again when the delegate may go on`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.isBlocked = true
        let timer = LoopTimer(loop: server.loop) {
            #expect(server.delegate.lines == 0)
            server.delegate.isBlocked = false
            server.loop.requestTurn()
        }
        server.loop.beforeSleep = {
            for connection in server.connections { connection.redeliver() }
        }
        timer.start(afterMilliseconds: 50)
        server.run { port in
            let client = RawClient(port: port)
            client.send("one\ntwo\nthr")
            #expect(client.receiveText(8) == "one\ntwo\n")
            client.send("ee\n")
            #expect(client.receiveText(6) == "three\n")
        }
        #expect(server.delegate.lines == 3)
    }

    @Test func `a paused connection reads nothing until it is resumed`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.listener.onConnection = { connection in
            connection.delegate = server.delegate
            connection.pauseReading()
            server.connections.append(connection)
        }
        let timer = LoopTimer(loop: server.loop) {
            #expect(server.loop.traffic.pointee.reads == 0)
            server.connections[0].resumeReading()
        }
        timer.start(afterMilliseconds: 50)
        server.run { port in
            let client = RawClient(port: port)
            client.send("x\n")
            #expect(client.receiveText(2) == "x\n")
        }
        #expect(server.loop.traffic.pointee.reads == 1)
    }

    @Test func `closing within received ends the connection once and drops the rest`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            LineServer.echo(connection, line)
            connection.close()
            connection.close()
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("a\nb\nc\n")
            _ = client.receiveAll()
            client.close()
        }
        #expect(server.delegate.closes == 1)
        #expect(server.connections[0].isClosed)
        #expect(server.connections[0].delegate == nil)
    }

    @Test func `closing after output delivers what was answered and nothing later`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            guard !connection.isFinishing else { return }
            LineServer.echo(connection, line)
            connection.closeAfterOutput()
        }
        server.run { port in
            let client = RawClient(port: port)
            client.send("bye\nmore\n")
            #expect(client.receiveAll() == Array("bye\n".utf8))
            client.close()
        }
        #expect(server.delegate.closes == 1)
    }

    @Test func `a flooding peer does not keep another one waiting`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.run { port in
            let flood = RawClient(port: port)
            let quiet = RawClient(port: port)
            let noise = [UInt8](repeating: 1, count: 8 << 20) + [10]
            for _ in 0..<4 {
                flood.send(noise)
                quiet.send("ping\n")
                #expect(quiet.receiveText(5) == "ping\n")
                #expect(flood.receive(noise.count) == noise)
            }
        }
        #expect(server.delegate.lines == 8)
    }

    @Test func `bytes behind the input can be read`() throws {
        let server = try LoopbackServer()
        defer { server.close() }
        server.delegate.answer = { connection, line in
            guard let base = line.baseAddress else { return }
            var sum: UInt8 = 0
            for offset in line.count..<line.count + Connection.slack {
                sum &+= base.load(fromByteOffset: offset, as: UInt8.self)
            }
            withExtendedLifetime(sum) { LineServer.echo(connection, line) }
        }
        server.run { port in
            let client = RawClient(port: port)
            for size in [1, 70_000, 262_143, 400_000] {
                let line = [UInt8](repeating: 1, count: size) + [10]
                client.send(line)
                #expect(client.receive(line.count) == line)
            }
        }
    }
}
