// SPDX-License-Identifier: BSD-3-Clause
//
// How bytes go out.
//
// Between `beginOutput()` and `endOutput()` whatever is appended to the loop's shared buffer is
// output of this connection. Its slice stays in the buffer until the loop flushes: one try_write
// per connection and turn. Three things make it more than one slice, and then the parts stand
// in the queue in their order, and still leave with one vectored write:
//
//   - a large value that is sent from where it is (`appendReference`),
//   - a chunk that is handed over (`sendOwned`),
//   - output of another connection in between (a published message).
//
// What the socket does not take is copied out of the shared buffer, and a uv_write of at most
// `writeBudgetBytes` waits for the socket; when it is done the next flush goes on. So memory that
// is not this turn's replies leaves at most a budget per turn, and a reply of 250 MB does not
// hold the loop.
//
// Back-pressure: above the high watermark nothing more is read from the peer and the delegate is
// asked (`isCongested`) to stop executing; below the low one it is told (`connectionDrained`). A
// peer that never reads costs its watermark, one read of requests and what one request answered.

import CUVShim
import Glibc

extension Connection {
    /// How many pieces leave with one system call.
    private static let vectorsPerWrite = 64

    /// The bytes that were appended and not yet taken by the kernel.
    var unsentBytes: Int {
        let slice = loop.openConnection === self ? openSliceCount : sliceCount
        return queue.byteCount + slice
    }

    /// From now on what is appended to `loop.output` is output of this connection. May interrupt
    /// another connection's output (not its own), which goes on after `endOutput()`.
    func beginOutput() {
        assert(loop.openConnection !== self)
        interrupted = loop.openConnection
        interrupted?.suspendSlice()
        loop.openConnection = self
        openSlice()
    }

    /// Ends what `beginOutput()` began. May write: when the output of the turn is large.
    func endOutput() {
        assert(loop.openConnection === self)
        let outer = interrupted
        interrupted = nil
        loop.openConnection = outer
        sliceCount = loop.output.pointee.count - sliceStart
        if isClosing {
            loop.output.pointee.truncate(to: sliceStart)
            sliceCount = 0
        } else if sliceCount > 0 || !queue.isEmpty || isFinishing {
            markDirty()
        }
        if let outer {
            outer.openSlice()
        } else if loop.output.pointee.count > EventLoop.earlyFlushBytes
            || (!isCongested && queue.byteCount + sliceCount > Connection.highWatermarkBytes)
        {
            loop.flushOutput()
        }
    }

    /// Sends bytes from where they are, after what was appended so far; between `beginOutput()` and
    /// `endOutput()`.
    ///
    /// Ownership: `owner` keeps the bytes alive and unchanged until `loop.releaseReference(owner)`,
    /// which is called exactly once.
    func appendReference(
        _ base: UnsafeMutableRawPointer, count: Int, owner: UnsafeMutableRawPointer
    ) {
        guard count > 0, !isClosed else { return loop.releaseReference(owner) }
        suspendSlice()
        queue.appendReference(base, count: count, owner: owner)
        openSlice()
    }

    /// Sends a malloc'd chunk after what was appended so far, then frees it. Within or without
    /// `beginOutput()`.
    func sendOwned(_ base: UnsafeMutableRawPointer, count: Int) {
        guard count > 0, !isClosed else { return free(base) }
        let isOpen = loop.openConnection === self
        if !isOpen { beginOutput() }
        suspendSlice()
        queue.appendOwned(base, from: 0, to: count)
        openSlice()
        if !isOpen { endOutput() }
    }

    /// Closes when everything that was appended has been taken by the kernel. Reads nothing more.
    func closeAfterOutput() {
        guard !isClosing, !isFinishing else { return }
        isFinishing = true
        updateReading()
        if loop.openConnection !== self { markDirty() }
    }

    private var openSliceCount: Int { loop.output.pointee.count - sliceStart }

    /// Continues the slice if it is at the end of the buffer, else starts a new one there.
    private func openSlice() {
        let end = loop.output.pointee.count
        if sliceCount > 0 {
            if sliceStart + sliceCount == end { return }
            queue.appendShared(from: sliceStart, to: sliceStart + sliceCount)
        }
        sliceStart = end
        sliceCount = 0
    }

    /// Moves the open slice to the queue, so that something else may follow it.
    private func suspendSlice() {
        let end = loop.output.pointee.count
        if end > sliceStart { queue.appendShared(from: sliceStart, to: end) }
        sliceStart = end
        sliceCount = 0
    }

    func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        guard leavesFirst else { return loop.dirtyConnections.append(self) }
        loop.dirtyConnections.insert(self, at: 0)
    }

    /// Writes what the turn appended, or what earlier turns left. Called by the loop's flush only.
    func flush() {
        isDirty = false
        guard !isClosing else {
            sliceCount = 0
            return
        }
        guard queue.isEmpty else {
            if sliceCount > 0 { queue.appendShared(from: sliceStart, to: sliceStart + sliceCount) }
            sliceCount = 0
            flushQueue()
            return
        }
        guard sliceCount > 0 else { return finishIfSent() }
        var vector = uv_buf_t(
            base: (loop.output.pointee.base + sliceStart).assumingMemoryBound(to: CChar.self),
            len: sliceCount)
        let sent = tryWrite(&vector, count: 1)
        guard sent >= 0 else { return close() }
        let rest = sliceCount - sent
        sliceCount = 0
        guard rest > 0 else {
            noteDrained()
            return finishIfSent()
        }
        let end = sliceStart + sent + rest
        queue.appendShared(from: end - rest, to: end)
        waitForSocket()
    }

    /// Writes from the queue until the socket is full or this turn's budget is used up.
    private func flushQueue() {
        guard bytesInFlight == 0 else { return settle() }
        var written = 0
        while spentTurn != loop.turnNumber {
            let budget = Connection.writeBudgetBytes - written
            let (sent, offered) = withVectors(budget: budget) { vectors, bytes in
                (tryWrite(vectors.baseAddress, count: vectors.count), bytes)
            }
            guard sent >= 0 else { return close() }
            queue.consume(sent, release: loop.releaseReference)
            if queue.isEmpty {
                noteDrained()
                return finishIfSent()
            }
            if sent < offered { return waitForSocket() }
            written += sent
            if written >= Connection.writeBudgetBytes { spentTurn = loop.turnNumber }
        }
        settle()
        markDirty()
    }

    /// Has libuv write the first part of the queue as soon as the socket takes it.
    private func waitForSocket() {
        settle()
        let status = withVectors(budget: Connection.writeBudgetBytes) { vectors, bytes in
            bytesInFlight = bytes
            writeRequest.pointee.data = handle.pointee.data
            return uv_write(
                writeRequest, stream, vectors.baseAddress, UInt32(vectors.count)
            ) { request, status in
                Connection.owner(request?.pointee.data).wasWritten(status: status)
            }
        }
        if status < 0 {
            bytesInFlight = 0
            close()
        }
    }

    private func wasWritten(status: Int32) {
        loop.turnStarted()
        let sent = bytesInFlight
        bytesInFlight = 0
        guard !isClosing else { return }
        guard status >= 0 else { return close() }
        loop.traffic.pointee.writes &+= 1
        loop.traffic.pointee.netOutputBytes &+= UInt64(sent)
        if sent >= Connection.writeBudgetBytes { spentTurn = loop.turnNumber }
        queue.consume(sent, release: loop.releaseReference)
        noteDrained()
        if queue.isEmpty { finishIfSent() } else { markDirty() }
    }

    /// Takes the queue out of the shared buffer, and judges its size.
    private func settle() {
        if queue.canAdoptLastShared && loop.isFlushingAlone {
            let capacity = loop.output.pointee.capacity
            queue.adoptLastShared(loop.output.pointee.detach(), capacity: capacity)
        } else {
            queue.settle(shared: loop.output.pointee.base)
        }
        guard !isCongested, queue.byteCount > Connection.highWatermarkBytes else { return }
        isCongested = true
        updateReading()
    }

    private func noteDrained() {
        guard isCongested || isFed, queue.byteCount < Connection.lowWatermarkBytes else { return }
        isCongested = false
        isFed = false
        loop.drainedConnections.append(self)
    }

    private func finishIfSent() {
        if isFinishing && queue.isEmpty && bytesInFlight == 0 { close() }
    }

    /// - Returns: the bytes the kernel took; zero if the socket is full; negative for an error.
    private func tryWrite(_ vectors: UnsafePointer<uv_buf_t>?, count: Int) -> Int {
        let status = uv_try_write(stream, vectors, UInt32(count))
        guard status != UV_EAGAIN.rawValue else { return 0 }
        guard status > 0 else { return Int(status) }
        loop.traffic.pointee.writes &+= 1
        loop.traffic.pointee.netOutputBytes &+= UInt64(status)
        return Int(status)
    }

    private func withVectors<Result>(
        budget: Int, _ body: (UnsafeMutableBufferPointer<uv_buf_t>, _ bytes: Int) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: Connection.vectorsPerWrite) {
            let (used, bytes) = queue.gather(
                into: $0, shared: loop.output.pointee.base, budget: budget)
            return body(UnsafeMutableBufferPointer(rebasing: $0[..<used]), bytes)
        }
    }
}

extension EventLoop {
    /// Whether the connection being written is the only one with output in the shared buffer.
    var isFlushingAlone: Bool { flushingConnections.count == 1 }

    /// Writes every dirty connection and empties the shared buffer. The loop calls it twice a turn;
    /// nobody else needs to.
    func flushOutput() {
        guard !dirtyConnections.isEmpty else { return }
        assert(openConnection == nil)
        beforeOutput()
        swap(&dirtyConnections, &flushingConnections)
        for connection in flushingConnections { connection.flush() }
        flushingConnections.removeAll(keepingCapacity: true)
        output.pointee.reset()
    }

    /// Tells delegates that back-pressure is over, when nobody's output is being walked.
    func tellDrained() {
        while let connection = drainedConnections.popLast() {
            guard !connection.isClosing else { continue }
            connection.updateReading()
            connection.delegate?.connectionDrained(connection)
        }
    }
}
