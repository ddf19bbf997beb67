// SPDX-License-Identifier: BSD-3-Clause
//
// A listening socket and how connections are accepted from it.
//
// The socket is made with plain system calls (`Listener+Binding.swift`), and libuv only watches
// it. libuv's own listener answers a shortage of descriptors by accepting and closing everybody who
// waits, without telling; an operator must hear of it, and waiting peers should be served when
// descriptors come back. So accept4 is called here, and:
//
//   - at most `acceptBudget` connections are accepted per turn; the rest are still in the kernel's
//     backlog, which wakes the next turn,
//   - an error of one peer (reset before it was accepted) costs only that peer,
//   - any other error (EMFILE) is reported and accepting pauses for `errorPauseMilliseconds`,
//     because the backlog would wake the loop at once, for ever.
//
// TCP_NODELAY and keep-alive are set on the listening socket; Linux hands them to every accepted
// one, which saves five system calls per connection.

import CUVShim
import Glibc

/// A TCP address or a Unix path on which connections are accepted, until `close()`.
final class Listener: LoopHandle {
    /// The most connections one listener accepts in one turn.
    static let acceptBudget = 1000
    /// How long accepting pauses after an error.
    static let errorPauseMilliseconds: UInt64 = 100

    /// What the user asked for: "127.0.0.1:6379", "/run/redis.sock".
    let name: String
    /// The address it got; the port is the real one if zero was asked for.
    let address: SocketAddress
    /// The path of a Unix socket, else empty.
    let unixPath: String
    /// Called with each new connection, which starts reading afterwards. A connection that was
    /// given no delegate is closed after the output it was given.
    var onConnection: (Connection) -> Void = { _ in }
    /// Called when accepting failed; it pauses by itself.
    var onError: (NetworkError) -> Void = { _ in }

    private let descriptor: Int32
    private var retryTimer: LoopTimer?
    /// The file that was created for a Unix socket, so that another one is not removed.
    private let socketFile: SocketFile?

    /// Takes over a listening, non-blocking socket.
    init(loop: EventLoop, listening socket: ListeningSocket) {
        descriptor = socket.descriptor
        name = socket.name
        unixPath = socket.unixPath
        socketFile = SocketFile(path: socket.unixPath)
        address = SocketAddress(localOf: socket.descriptor)
        super.init(loop: loop, byteCount: MemoryLayout<uv_poll_t>.size)
        let status = uv_poll_init(loop.uv, handle(as: uv_poll_t.self), descriptor)
        precondition(status == 0, "a listening socket can always be watched")
        opened()
        watch()
    }

    /// Probes idle peers after this many seconds and gives up after about twice as many; zero for
    /// never. Holds for connections accepted from now on.
    func setKeepAlive(seconds: Int) {
        guard address.family != .unix else { return }
        set(SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0)
        guard seconds > 0 else { return }
        let idle = Int32(clamping: seconds)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, idle)
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, idle / 3))
        set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    override func willClose() {
        retryTimer?.close()
        // Its port is free at once, for a listener that takes its place.
        uv_poll_stop(handle(as: uv_poll_t.self))
        _ = Glibc.close(descriptor)
        socketFile?.unlink()
    }

    override func didClose() {
        onConnection = { _ in }
        onError = { _ in }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func watch() {
        guard !isClosing else { return }
        uv_poll_start(handle(as: uv_poll_t.self), Int32(UV_READABLE.rawValue)) { handle, _, _ in
            let listener = Listener.owner(handle?.pointee.data)
            listener.loop.turnStarted()
            listener.acceptWaiting()
        }
    }

    private func acceptWaiting() {
        for _ in 0..<Listener.acceptBudget {
            guard !isClosing else { return }
            var storage = sockaddr_storage()
            let accepted = accept(from: &storage)
            if accepted < 0 {
                switch errno {
                case EAGAIN: return
                // The connection failed before it was accepted (accept(2), "Error handling").
                case EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN,
                    EHOSTUNREACH, ENONET, EOPNOTSUPP:
                    continue
                default: return pauseAccepting(after: NetworkError("accept", address: name))
                }
            }
            do throws(NetworkError) {
                let peer = SocketAddress(storage)
                adopt(
                    try Connection(
                        loop: loop, accepted: accepted, peer: peer, unixPath: unixPath))
            } catch {
                return pauseAccepting(after: error)
            }
        }
    }

    private func accept(from storage: inout sockaddr_storage) -> Int32 {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                cuv_accept(descriptor, $0, &length)
            }
        }
    }

    private func adopt(_ connection: Connection) {
        onConnection(connection)
        if connection.delegate == nil { connection.closeAfterOutput() }
        connection.start()
    }

    private func pauseAccepting(after error: NetworkError) {
        uv_poll_stop(handle(as: uv_poll_t.self))
        let timer = retryTimer ?? LoopTimer(loop: loop) { [unowned self] in watch() }
        retryTimer = timer
        timer.start(afterMilliseconds: Listener.errorPauseMilliseconds)
        onError(error)
    }
}
