// SPDX-License-Identifier: BSD-3-Clause
//
// MetricsEndpoint: `/metrics` for Prometheus, on a port of its own.
//
// The smallest HTTP/1.1 server that serves a scraper: one request a connection, GET of one path,
// no bodies. Off unless `metrics-port` is set, and bound to the loopback unless `metrics-bind` says
// otherwise: there is no password. CONFIG SET may move it.
//
// Limits: a request of 8 KiB at most, 64 connections at a time, ten seconds for a request to come.

/// Listens for scrapers and answers them, until it is closed.
final class MetricsEndpoint {
    static let mostRequestBytes = 8 << 10
    static let mostConnections = 64
    static let requestMilliseconds: UInt64 = 10_000

    private unowned let server: Server
    private let listeners: [Listener]
    fileprivate(set) var connectionCount = 0

    /// Nil if `metrics-port` is zero.
    init?(_ server: Server) throws(NetworkError) {
        let settings = server.configuration.settings
        guard settings.metricsPort != 0 else { return nil }
        self.server = server
        do throws(NetworkError) {
            listeners = try Listener.tcp(
                loop: server.loop, addresses: settings.metricsBind,
                port: UInt16(settings.metricsPort))
        } catch {
            server.log.write(.warning, "Failed listening on metrics port: \(error)")
            throw error
        }
        for listener in listeners {
            listener.onConnection = { [unowned self] in accept($0) }
            listener.onError = { [unowned server] in
                server.log.write(.warning, "Accepting metrics connection: \($0)")
            }
        }
    }

    private func accept(_ connection: Connection) {
        // Without a delegate it is closed.
        guard connectionCount < Self.mostConnections else { return }
        connectionCount += 1
        connection.inputLimitBytes = Self.mostRequestBytes
        connection.delegate = MetricsClient(self, server, connection)
    }

    func close() {
        for listener in listeners { listener.close() }
    }
}

/// One scraper's connection.
private final class MetricsClient: ConnectionDelegate {
    private let endpoint: MetricsEndpoint
    private unowned let server: Server
    private var timer: LoopTimer?
    private var isAnswered = false

    init(_ endpoint: MetricsEndpoint, _ server: Server, _ connection: Connection) {
        self.endpoint = endpoint
        self.server = server
        timer = LoopTimer(loop: server.loop) { [unowned connection] in connection.close() }
        timer?.start(afterMilliseconds: MetricsEndpoint.requestMilliseconds)
    }

    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int {
        if isAnswered { return count }
        let request = ByteView(bytes, count: count)
        guard request.firstIndex(of: ByteView("\r\n\r\n")) != nil else {
            guard count > MetricsEndpoint.mostRequestBytes else { return 0 }
            answer(connection, status: "431 Request Header Fields Too Large", "Too large.\n")
            return count
        }
        let line = request.prefix(request.firstIndex(of: UInt8(ascii: "\r")) ?? 0)
        let words = line.string.split(separator: " ", omittingEmptySubsequences: false)
        if words.count != 3 || !words[2].hasPrefix("HTTP/1.") {
            answer(connection, status: "400 Bad Request", "This is no HTTP request.\n")
        } else if words[0] != "GET" {
            answer(connection, status: "405 Method Not Allowed", "Only GET.\n")
        } else if words[1].split(separator: "?", omittingEmptySubsequences: false)[0] != "/metrics"
        {
            answer(connection, status: "404 Not Found", "There is only /metrics.\n")
        } else {
            answer(connection, status: "200 OK", MetricsReport(server: server).text())
        }
        return count
    }

    private func answer(_ connection: Connection, status: String, _ body: String) {
        isAnswered = true
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n"
            + (status.hasPrefix("405") ? "Allow: GET\r\n" : "") + "\r\n"
        connection.beginOutput()
        let writer = ReplyWriter(buffer: server.loop.output, version: 2)
        writer.raw(head)
        writer.raw(body)
        connection.endOutput()
        connection.closeAfterOutput()
    }

    func connectionFilled(_ connection: Connection) {}

    func connectionInputTooLarge(_ connection: Connection) {
        connection.close()
    }

    func connectionEnded(_ connection: Connection) {
        connection.closeAfterOutput()
    }

    func connectionDrained(_ connection: Connection) {}

    func connectionClosed(_ connection: Connection) {
        timer?.close()
        timer = nil
        endpoint.connectionCount -= 1
    }
}
