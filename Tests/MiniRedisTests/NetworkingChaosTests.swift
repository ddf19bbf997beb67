// SPDX-License-Identifier: BSD-3-Clause

import Glibc
import Testing

@testable import MiniRedis

/// A small generator with a printed seed, so that a failure can be repeated.
private struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

@Suite(.serialized) struct NetworkingChaosTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `whatever peers do, each reference is released and each end is told once`(
        seed: UInt64
    ) throws {
        let server = try LoopbackServer()
        let value = UnsafeMutableRawPointer.allocate(byteCount: 300_000, alignment: 1)
        value.initializeMemory(as: UInt8.self, repeating: 3, count: 300_000)
        defer { value.deallocate() }
        var appended = 0
        var released = 0
        server.loop.releaseReference = { _ in released += 1 }
        server.delegate.answer = { connection, line in
            switch line[0] {
            case UInt8(ascii: "r"):
                appended += 1
                connection.appendReference(value, count: 300_000, owner: value)
            case UInt8(ascii: "o"):
                guard let chunk = malloc(100_000) else { return }
                memset(chunk, 4, 100_000)
                connection.sendOwned(chunk, count: 100_000)
            case UInt8(ascii: "p"):
                for other in server.connections where other !== connection {
                    other.beginOutput()
                    LineServer.echo(other, line)
                    other.endOutput()
                }
            case UInt8(ascii: "c"):
                connection.close()
            case UInt8(ascii: "f"):
                connection.closeAfterOutput()
            default:
                LineServer.echo(connection, line)
            }
        }
        server.run { port in misbehave(port: port, seed: seed) }
        let all = server.connections
        server.loop.close()
        #expect(appended > 0)
        #expect(released == appended)
        #expect(server.delegate.closes == all.count)
        #expect(all.allSatisfy { $0.isClosed && $0.unsentBytes == 0 })
        server.close()
    }
}

/// Ten peers at a time that send, read, half-close, reset and vanish, in an order the seed decides.
private func misbehave(port: UInt16, seed: UInt64) {
    var random = Xorshift(state: seed &* 0x9e37_79b9_7f4a_7c15)
    let commands = ["r", "o", "p", "e", "e", "e", "r", "f", "c"]
    var clients = (0..<10).map { _ in patientClient(port) }
    for _ in 0..<300 {
        let index = Int.random(in: 0..<clients.count, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: clients[index].reset()
        case 1: clients[index].close()
        case 2:
            clients[index].endWriting()
            continue
        case 3, 4, 5:
            _ = clients[index].receive(Int.random(in: 1..<200_000, using: &random))
            continue
        default:
            // The last two commands end the connection: rare, so that output piles up first.
            let kinds = Int.random(in: 0..<10, using: &random) == 0 ? 9 : 7
            let lines = (0..<Int.random(in: 1..<40, using: &random)).map { _ in
                commands[Int.random(in: 0..<kinds, using: &random)] + "\n"
            }
            clients[index].send(lines.joined())
            continue
        }
        clients[index] = patientClient(port)
    }
    for client in clients { client.close() }
}

private func patientClient(_ port: UInt16) -> RawClient {
    let client = RawClient(port: port)
    client.set(SO_RCVTIMEO, timeval(tv_sec: 0, tv_usec: 3_000))
    client.set(SO_SNDTIMEO, timeval(tv_sec: 0, tv_usec: 3_000))
    return client
}
