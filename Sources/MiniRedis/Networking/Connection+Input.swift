// SPDX-License-Identifier: BSD-3-Clause
//
// How bytes come in.
//
// Where a read goes is decided just before it happens:
//
//     receive(into:) is active         -> the caller's memory; the kernel writes it, nobody copies
//     nothing or little is retained    -> the shared buffer, the retained bytes copied to its front
//     much is retained                 -> behind the retained bytes, which grow by doubling
//
// The delegate sees unconsumed input as one run from its first byte. What it leaves is copied out
// of the shared buffer, so the usual case (whole requests) copies nothing, and the tail of a
// pipeline costs one copy of that tail.
//
// libuv reads up to 32 times while reads come back full. One peer could thus hold the turn for
// megabytes of commands; after a full read of `yieldBytes` the connection stops reading until the
// events of all others were handled (`EventLoop.resumeYielded()`).

import CUVShim
import Glibc

extension Connection {
    /// Retained input up to this size is copied in front of the next read, so that the read can
    /// use the large shared buffer.
    static let carriedBytes = 64 << 10
    /// The least free memory that is offered to a read behind retained input.
    static let smallestReadBytes = 16 << 10
    /// The most that one read brings into memory given to `receive(into:count:)`.
    static let largestReadBytes = 1 << 20
    /// A read that was full and at least this large ends the connection's share of the turn.
    static let yieldBytes = 192 << 10

    /// Stops reading until `resumeReading()`. Input that was read already stays retained.
    func pauseReading() {
        isPaused = true
        updateReading()
    }

    /// Ends `pauseReading()`.
    func resumeReading() {
        isPaused = false
        updateReading()
    }

    /// The next `count` bytes of the stream go straight to `memory`: first what the current
    /// `received` call leaves unconsumed, then what the kernel has. Then `connectionFilled`.
    ///
    /// Ownership: the caller's, but it must stay valid until `connectionFilled` or
    /// `connectionClosed`.
    func receive(into memory: UnsafeMutableRawPointer, count: Int) {
        precondition(count > 0 && receiveRemaining == 0)
        receiveNext = memory
        receiveRemaining = count
        if !isDelivering { redeliver() }
    }

    /// Whether memory given to `receive(into:count:)` is not full yet.
    var isReceiving: Bool { receiveRemaining > 0 }

    /// Offers retained input to the delegate again, without a read: when it may go on with what it
    /// left. May be called from the loop's hooks and from other connections' delegates; from
    /// within this connection's `received` it does nothing, for that call is still going on.
    func redeliver() {
        guard !isDelivering, retained.count > 0, let base = retained.base else { return }
        let consumed = deliver(base, count: retained.count)
        guard !isClosing else { return }
        retained.removePrefix(consumed)
        checkInputLimit()
    }

    /// The bytes that wait to be consumed.
    var retainedBytes: Int { retained.count }

    /// Brings libuv's reading in line with the reasons not to read.
    func updateReading() {
        let isWanted =
            isStarted && !isPaused && !isCongested && !hasYielded
            && !hasEnded && !isFinishing && !isClosing
        guard isWanted != isReading else { return }
        isReading = isWanted
        guard !isClosing else { return }
        guard isWanted else {
            uv_read_stop(stream)
            return
        }
        uv_read_start(
            stream,
            { handle, _, space in
                space?.pointee = Connection.owner(handle?.pointee.data).inputSpace()
            },
            { stream, count, space in
                let connection = Connection.owner(stream?.pointee.data)
                if count > 0, let space {
                    connection.wasRead(count, isFull: count == space.pointee.len)
                } else if count < 0 {
                    connection.readFailed(status: Int32(truncatingIfNeeded: count))
                }
            })
    }

    /// Whether the next read goes to the shared buffer.
    private var isCarried: Bool { retained.count <= Connection.carriedBytes }

    /// The memory for the next read; empty if there is none, which libuv reports as an error.
    private func inputSpace() -> uv_buf_t {
        loop.turnStarted()
        let start: UnsafeMutableRawPointer?
        let count: Int
        if receiveRemaining > 0 {
            start = receiveNext
            count = min(receiveRemaining, Connection.largestReadBytes)
        } else if isCarried {
            if let base = retained.base { memcpy(loop.readBuffer, base, retained.count) }
            start = loop.readBuffer + retained.count
            count = EventLoop.readBufferBytes - retained.count
        } else {
            let tail = retained.reserveTail(Connection.smallestReadBytes)
            start = tail?.baseAddress
            count = min(tail?.count ?? 0, Connection.largestReadBytes)
        }
        return uv_buf_t(base: start?.assumingMemoryBound(to: CChar.self), len: count)
    }

    /// The kernel wrote `count` bytes where `inputSpace()` said.
    private func wasRead(_ count: Int, isFull: Bool) {
        loop.traffic.pointee.reads &+= 1
        loop.traffic.pointee.netInputBytes &+= UInt64(count)
        if receiveRemaining > 0 {
            filled(count)
        } else if isCarried {
            let total = retained.count + count
            let consumed = deliver(loop.readBuffer, count: total)
            guard !isClosing else { return }
            let rest = loop.readBuffer + consumed
            guard retained.replace(with: rest, count: total - consumed) else { return close() }
            checkInputLimit()
        } else {
            retained.commit(count)
            redeliver()
        }
        if isFull && count >= Connection.yieldBytes && isReading {
            hasYielded = true
            updateReading()
            loop.yieldedConnections.append(self)
        }
    }

    private func readFailed(status: Int32) {
        loop.turnStarted()
        guard status == UV_EOF.rawValue, let delegate else { return close() }
        hasEnded = true
        updateReading()
        delegate.connectionEnded(self)
    }

    /// Gives a run of input to whom it belongs: the memory of `receive(into:)` while that is
    /// active, else the delegate.
    ///
    /// - Returns: how many bytes are done with.
    private func deliver(_ bytes: UnsafeMutableRawPointer, count: Int) -> Int {
        guard let delegate else { return count }
        isDelivering = true
        defer { isDelivering = false }
        var consumed = 0
        while consumed < count, !isClosing, !isFinishing {
            if receiveRemaining > 0, let target = receiveNext {
                let moved = min(receiveRemaining, count - consumed)
                memcpy(target, bytes + consumed, moved)
                consumed += moved
                filled(moved)
                continue
            }
            let taken = delegate.connection(
                self, received: bytes + consumed, count: count - consumed)
            assert(taken >= 0 && taken <= count - consumed)
            consumed += taken
            if receiveRemaining == 0 { break }
        }
        // What a finishing connection did not look at is of no interest to anybody.
        return isFinishing ? count : consumed
    }

    private func filled(_ count: Int) {
        receiveNext = receiveNext.map { $0 + count }
        receiveRemaining -= count
        guard receiveRemaining == 0 else { return }
        receiveNext = nil
        delegate?.connectionFilled(self)
    }

    private func checkInputLimit() {
        guard retained.count > inputLimitBytes, !isClosing, !isFinishing else { return }
        delegate?.connectionInputTooLarge(self)
        guard retained.count > inputLimitBytes, !isClosing, !isFinishing else { return }
        close()
    }
}

extension EventLoop {
    /// Lets connections read again that had their share; before any of them can have been freed.
    func resumeYielded() {
        guard !yieldedConnections.isEmpty else { return }
        for connection in yieldedConnections {
            connection.hasYielded = false
            connection.updateReading()
        }
        yieldedConnections.removeAll(keepingCapacity: true)
    }
}
