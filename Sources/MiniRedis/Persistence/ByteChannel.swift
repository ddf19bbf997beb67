// SPDX-License-Identifier: BSD-3-Clause
//
// A channel of bytes between two threads: one pushes what it has and never waits, the other pulls
// and waits for more.
//
//     the loop   push --> [ chunk ][ chunk ][ chunk ] --> read   a thread
//                         about `capacity` bytes; then "full",
//                         until half of it was read            --> `roomAgain`
//
// Limits: what is pushed is taken whole, so the channel holds at most its capacity and one push.

import Glibc

/// A lock and a condition: memory that two threads wait on.
private struct Monitor: ~Copyable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func whileLocked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Within `whileLocked`: until `wake`.
    func wait() { pthread_cond_wait(condition, mutex) }

    func wake() { pthread_cond_signal(condition) }
}

/// A bounded queue of bytes with one writer and one reader.
///
/// Sendable although it changes: all that changes does so under its lock.
final class ByteChannel: @unchecked Sendable {
    /// How the stream ends.
    private enum End {
        case open
        case finished
        case failed(PersistenceError)
    }

    /// Bytes that are there before the channel calls itself full.
    static let standardCapacity = 4 << 20

    private let monitor = Monitor()
    private let capacity: Int
    private let roomAgain: @Sendable () -> Void
    private var chunks: [[UInt8]] = []
    /// The first chunk that is not read to its end, and how much of it is.
    private var next = 0
    private var nextOffset = 0
    private var count = 0
    private var isFull = false
    private var end = End.open

    /// `roomAgain` is called by the reading thread when a channel that was full is so no more.
    init(
        capacity: Int = ByteChannel.standardCapacity,
        roomAgain: @escaping @Sendable () -> Void = {}
    ) {
        self.capacity = capacity
        self.roomAgain = roomAgain
    }

    /// Takes a copy of the bytes. False if the channel is full now: push no more until `roomAgain`.
    /// What comes after the end is dropped.
    @discardableResult
    func push(_ bytes: ByteView) -> Bool {
        guard bytes.count > 0 else { return !monitor.whileLocked { isFull } }
        let chunk = [UInt8](UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
        return monitor.whileLocked {
            guard case .open = end else { return true }
            chunks.append(chunk)
            count += chunk.count
            isFull = count >= capacity
            monitor.wake()
            return !isFull
        }
    }

    /// There will be no more bytes.
    func finish() { close(.finished) }

    /// The reader gets this error, at once, whatever is left to read.
    func fail(_ error: PersistenceError) { close(.failed(error)) }

    private func close(_ how: End) {
        monitor.whileLocked {
            if case .failed = end { return }
            end = how
            monitor.wake()
        }
    }

    /// Bytes that were pushed and not read.
    var waitingBytes: Int { monitor.whileLocked { count } }

    /// What `ByteSource.read` does.
    fileprivate func read(
        into destination: UnsafeMutableRawPointer, count wanted: Int
    ) -> Result<Int, PersistenceError> {
        var hasRoomAgain = false
        let result = monitor.whileLocked { () -> Result<Int, PersistenceError> in
            while true {
                if case .failed(let error) = end { return .failure(error) }
                if count > 0 { break }
                if case .finished = end { return .success(0) }
                monitor.wait()
            }
            let taken = take(into: destination, count: wanted)
            if isFull && count <= capacity / 2 {
                isFull = false
                hasRoomAgain = true
            }
            return .success(taken)
        }
        if hasRoomAgain { roomAgain() }
        return result
    }

    private func take(into destination: UnsafeMutableRawPointer, count wanted: Int) -> Int {
        let taken = min(wanted, chunks[next].count - nextOffset)
        chunks[next].withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            memcpy(destination, base + nextOffset, taken)
        }
        nextOffset += taken
        count -= taken
        if nextOffset == chunks[next].count {
            chunks[next] = []
            next += 1
            nextOffset = 0
            if next == chunks.count || next > 64 {
                chunks.removeFirst(next)
                next = 0
            }
        }
        return taken
    }
}

/// The reading end of a channel.
struct ChannelSource: ByteSource {
    let channel: ByteChannel

    mutating func read(
        into destination: UnsafeMutableRawPointer, count: Int
    ) throws(PersistenceError) -> Int {
        switch channel.read(into: destination, count: count) {
        case .success(let taken): return taken
        case .failure(let error): throw error
        }
    }
}
