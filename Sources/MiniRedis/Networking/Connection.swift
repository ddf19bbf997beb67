// SPDX-License-Identifier: BSD-3-Clause
//
// One accepted socket.
//
// A connection moves bytes between its socket and its delegate and keeps as little of them as it
// can. Input: reads go to the loop's shared buffer, are handed to the delegate in place, and only
// what it did not consume is copied into memory of the connection (`Connection+Input.swift`).
// Output: the delegate appends to the loop's shared reply buffer, the loop writes each connection's
// slice once a turn, and only what the socket did not take is copied (`Connection+Output.swift`).
//
//                     reading                          writing
//     start()      -> yes                              when there is output
//     pauseReading -> no, until resumeReading
//     congested    -> no, until output drained
//     ended (EOF)  -> no, for ever                     yes: the peer may only have half-closed
//     finishing    -> no, for ever                     until all is sent, then close()
//     closing      -> no                               no; the delegate hears connectionClosed
//
// `close()` may be called at any time, also from within every delegate call: libuv stops at once,
// memory is freed in the close callback and nowhere else, and `connectionClosed` is the last call.

import CUVShim
import Glibc

/// What a connection tells. All calls are made on the loop, never from within a call to the
/// connection except `redeliver()`.
protocol ConnectionDelegate: AnyObject {
    /// Input: everything that was not consumed so far, from its first byte.
    ///
    /// The bytes may be changed; they are valid until the call returns. `Connection.slack` bytes
    /// behind them may be read (they are garbage), so that a parser may load whole words.
    ///
    /// - Returns: how many bytes are done with; the rest comes again with the next input, or with
    ///   `redeliver()`.
    func connection(
        _ connection: Connection, received bytes: UnsafeMutableRawPointer, count: Int
    ) -> Int

    /// The memory that was given to `receive(into:count:)` is full; it belongs to the caller again.
    func connectionFilled(_ connection: Connection)

    /// More input is waiting to be consumed than `inputLimitBytes`. The delegate raises the limit
    /// or closes; if it does neither the connection is closed.
    func connectionInputTooLarge(_ connection: Connection)

    /// The peer sent everything it had to send (it may still read): close, or
    /// `closeAfterOutput()`.
    func connectionEnded(_ connection: Connection)

    /// Back-pressure is over: the unsent output fell below the low watermark and reading goes on.
    /// The place for `redeliver()`.
    func connectionDrained(_ connection: Connection)

    /// The connection is gone: the last call, and the one place to forget it. Memory given to
    /// `receive(into:count:)` belongs to the caller again.
    func connectionClosed(_ connection: Connection)
}

/// A TCP or Unix socket with buffered, bounded input and output.
final class Connection: LoopHandle {
    /// Bytes behind every input that may be read but mean nothing.
    static let slack = 64
    /// Unsent output above which nothing more is read or executed for this connection: bytes.
    static let highWatermarkBytes = 1 << 20
    /// Unsent output below which it goes on: bytes.
    static let lowWatermarkBytes = 256 << 10
    /// What is written to one socket in one turn from memory that is not this turn's replies.
    static let writeBudgetBytes = 256 << 10
    /// Waiting input above this is a broken or hostile peer, unless the owner says otherwise.
    static let defaultInputLimitBytes = 1 << 30

    /// The socket; it belongs to libuv.
    let descriptor: Int32
    /// Where the peer is.
    let peer: SocketAddress
    /// The path of the listener for a Unix socket, else empty.
    let unixPath: String
    /// Who is told. Held until `connectionClosed` was called.
    var delegate: (any ConnectionDelegate)?
    /// The most input that may wait to be consumed: bytes.
    var inputLimitBytes = Connection.defaultInputLimitBytes

    // Input; see Connection+Input.swift.
    var retained = RetainedInput()
    /// Where the next bytes of the stream go, and how many of them; none if zero.
    var receiveNext: UnsafeMutableRawPointer?
    var receiveRemaining = 0
    var isStarted = false
    var isReading = false
    var isDelivering = false
    var hasYielded = false
    /// `pauseReading()` was called.
    var isPaused = false
    /// The peer sends nothing any more.
    var hasEnded = false

    // Output; see Connection+Output.swift.
    var queue = OutputQueue()
    /// This turn's slice of the shared buffer, unless it moved to the queue.
    var sliceStart = 0
    var sliceCount = 0
    var isDirty = false
    /// Unsent output is above the watermarks: execute nothing more for this connection.
    var isCongested = false
    /// Its owner has more to send than it appended: `connectionDrained` is to tell when the unsent
    /// output is short, whether it was ever long or not.
    var isFed = false
    /// Its output leaves before that of others in a turn: what replicas are told is on its way when
    /// the clients hear that it was done.
    var leavesFirst = false
    /// `closeAfterOutput()` was called.
    var isFinishing = false
    /// A uv_write is on its way with this many bytes; none if zero.
    var bytesInFlight = 0
    /// The turn in which the write budget was used up.
    var spentTurn: UInt64 = 0
    /// The connection whose output was interrupted by this one's.
    unowned(unsafe) var interrupted: Connection?
    let writeRequest: UnsafeMutablePointer<uv_write_t>

    /// Takes over an accepted, non-blocking socket; it is closed if this fails.
    init(
        loop: EventLoop, accepted descriptor: Int32, peer: SocketAddress, unixPath: String = ""
    ) throws(NetworkError) {
        self.descriptor = descriptor
        self.peer = peer
        self.unixPath = unixPath
        writeRequest = .allocate(capacity: 1)
        writeRequest.initialize(to: uv_write_t())
        super.init(
            loop: loop, byteCount: max(MemoryLayout<uv_tcp_t>.size, MemoryLayout<uv_pipe_t>.size))
        let status = open()
        guard status == 0 else {
            _ = Glibc.close(descriptor)
            close()
            throw NetworkError("uv_open", code: -status)
        }
    }

    deinit {
        writeRequest.deallocate()
    }

    private func open() -> Int32 {
        switch peer.family {
        case .unix:
            uv_pipe_init(loop.uv, handle(as: uv_pipe_t.self), 0)
            opened()
            return uv_pipe_open(handle(as: uv_pipe_t.self), descriptor)
        case .ipv4, .ipv6:
            uv_tcp_init(loop.uv, handle(as: uv_tcp_t.self))
            opened()
            return uv_tcp_open(handle(as: uv_tcp_t.self), descriptor)
        }
    }

    /// The socket as libuv's base type.
    @inline(__always)
    var stream: UnsafeMutablePointer<uv_stream_t> { handle(as: uv_stream_t.self) }

    /// Starts reading; what the listener does once the connection has its delegate.
    func start() {
        isStarted = true
        updateReading()
    }

    /// Where the peer is: "127.0.0.1:1234", "[::1]:1234", "/path:0".
    var peerDescription: String { peer.text(unixPath: unixPath) }

    /// Which of our addresses it came to.
    var localDescription: String {
        SocketAddress(localOf: descriptor).text(unixPath: unixPath)
    }

    /// Lets small segments leave at once, or wait for more (TCP only).
    func setNoDelay(_ isOn: Bool) {
        guard peer.family != .unix, !isClosing else { return }
        uv_tcp_nodelay(handle(as: uv_tcp_t.self), isOn ? 1 : 0)
    }

    /// Whether the peer is on this machine.
    var isLoopback: Bool { peer.isLoopback }

    override func didClose() {
        if isDirty { loop.dirtyConnections.removeAll { $0 === self } }
        isDirty = false
        sliceCount = 0
        queue.removeAll(release: loop.releaseReference)
        retained.removeAll()
        let last = delegate
        delegate = nil
        last?.connectionClosed(self)
    }
}
