// SPDX-License-Identifier: BSD-3-Clause
//
// Chunks of bytes on their way from a thread to the loop, in order and bounded.
//
//     a thread   push --> [ chunk ][ chunk ][ chunk ] --> pop   the loop, which hears of the first
//                waits while there are `capacity` bytes
//
// Whoever pops at the pace of the slowest receiver paces the thread, and nobody else. `cancel` lets
// a waiting thread go at once and frees what is left; the thread may find that out much later.

import Glibc

/// A bounded queue of malloc'd chunks; a thread fills it, the loop empties it.
///
/// Sendable although it changes: all that changes does so under its lock, but for the wake-up,
/// which the loop alone opens and closes.
final class ChunkChannel: @unchecked Sendable {
    /// A run of bytes; whoever pops it frees it.
    struct Chunk {
        let base: UnsafeMutableRawPointer
        let count: Int
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let capacity: Int
    private let wakeup: LoopWakeup
    private let signal: LoopWakeup.Signal
    private var chunks: [Chunk] = []
    private var head = 0
    private var byteCount = 0
    private var hasEnded = false
    private var isCancelled = false

    /// `arrived` is called on the loop when there is something to pop, or the end.
    init(loop: EventLoop, capacityBytes: Int, arrived: @escaping () -> Void) {
        capacity = capacityBytes
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        wakeup = LoopWakeup(loop: loop, handler: arrived)
        signal = wakeup.signal
    }

    deinit {
        for index in head..<chunks.count { free(chunks[index].base) }
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    private func whileLocked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Frees a chunk that was popped.
    static func dispose(_ chunk: Chunk) { free(chunk.base) }

    // MARK: - The thread's side

    /// Copies the bytes into the queue, after waiting for room. False if nobody wants them.
    func push(_ bytes: ByteView) -> Bool {
        guard bytes.count > 0 else { return true }
        let copy = malloc(bytes.count)
        guard let copy else { preconditionFailure("out of memory") }
        memcpy(copy, bytes.base, bytes.count)
        let isTaken = whileLocked {
            while byteCount >= capacity && !isCancelled { pthread_cond_wait(condition, mutex) }
            guard !isCancelled else { return false }
            chunks.append(Chunk(base: copy, count: bytes.count))
            byteCount += bytes.count
            return true
        }
        // Not under the lock, for which the loop that this wakes would wait.
        if isTaken { signal.send() } else { free(copy) }
        return isTaken
    }

    /// Nothing comes after this.
    func finish() {
        whileLocked {
            guard !isCancelled else { return }
            hasEnded = true
        }
        signal.send()
    }

    // MARK: - The loop's side

    /// The next chunk, which now belongs to the caller; nil if there is none yet, or none any more.
    func pop() -> Chunk? {
        whileLocked {
            guard head < chunks.count else { return nil }
            let chunk = chunks[head]
            head += 1
            if head == chunks.count || head > 64 {
                chunks.removeFirst(head)
                head = 0
            }
            byteCount -= chunk.count
            pthread_cond_signal(condition)
            return chunk
        }
    }

    /// Whether everything was popped and nothing is to come.
    var isExhausted: Bool { whileLocked { hasEnded && head == chunks.count } }

    /// Wants no more; what is left is freed. Also to be called after the end.
    func cancel() {
        whileLocked {
            isCancelled = true
            for index in head..<chunks.count { free(chunks[index].base) }
            chunks.removeAll()
            head = 0
            byteCount = 0
            pthread_cond_broadcast(condition)
        }
        wakeup.close()
    }
}
