// SPDX-License-Identifier: BSD-3-Clause
//
// Where a snapshot goes, and who may still touch it.
//
//     thread:  reading --leave--> away (the sink works) --enter--> reading ... --> publishing
//     loop:                        | abandon
//                                  v
//                                taken: the snapshot is the loop's again
//
// A device may take a block at once or in a minute. While it does, the thread is away from the
// keyspace: it reads nothing of the snapshot and holds one block of its own. So a save that is
// given up while its device hangs gives its snapshot back at once, and with it the memory that was
// kept; the thread finds out when the device lets it go, and ends. Whoever writes a walk has to
// hold the other half of this: after an error nothing of the snapshot may be looked at any more.

import Synchronization

/// A device for a dump, used by the thread that walks the snapshot and by nobody else. Dropped
/// before `publish`, it leaves no trace.
protocol SnapshotSink: AnyObject {
    /// Takes all of `bytes`, waiting as long as the device needs. An error ends the walk and is the
    /// job's result: `.ended` for a reason of the sink's own.
    func write(_ bytes: ByteView) throws(PersistenceError)
    /// Everything was written: makes it last. It may wait.
    func finish() throws(PersistenceError)
    /// Everything lasts: puts it in the place of what was there. The job cannot be given up any
    /// more.
    func publish() throws(PersistenceError)
}

extension SnapshotSink {
    func finish() throws(PersistenceError) {}
    func publish() throws(PersistenceError) {}
}

/// How far a job is, and whether it goes on; shared by its thread and the loop.
final class SnapshotProgress: Sendable {
    /// What became of a wish to end a job.
    enum Abandonment {
        /// The thread is away and does not come back to the snapshot, which may be ended now.
        case taken
        /// The thread stops at its next key.
        case stopping
        /// The dump is complete and about to be published.
        case tooLate
    }

    private enum Place {
        static let away = 0
        static let reading = 1
        static let taken = 2
        static let publishing = 3
    }

    private let place = Atomic<Int>(Place.away)
    private let reason = Atomic<Int>(0)
    private let keyCount = Atomic<Int>(0)
    private let byteCount = Atomic<Int>(0)

    /// Keys that were written.
    var keys: Int { keyCount.load(ordering: .relaxed) }
    /// Bytes that the sink has taken.
    var bytes: Int { byteCount.load(ordering: .relaxed) }

    // MARK: - The thread's side

    /// The snapshot may be read from now on, unless the job was given up.
    func enter() throws(PersistenceError) {
        let (isBack, _) = place.compareExchange(
            expected: Place.away, desired: Place.reading, ordering: .acquiringAndReleasing)
        guard isBack else { throw .abandoned(abandonmentReason) }
        try check()
    }

    /// The snapshot is not read until `enter`.
    func leave() {
        place.store(Place.away, ordering: .releasing)
    }

    /// Throws if the job was given up.
    @inline(__always)
    func check() throws(PersistenceError) {
        if reason.load(ordering: .relaxed) != 0 { throw .abandoned(abandonmentReason) }
    }

    /// From now on it is too late to give up; called while away.
    func beginPublishing() throws(PersistenceError) {
        let (isWanted, _) = place.compareExchange(
            expected: Place.away, desired: Place.publishing, ordering: .acquiringAndReleasing)
        guard isWanted else { throw .abandoned(abandonmentReason) }
    }

    @inline(__always)
    func count(keys: Int) { keyCount.store(keys, ordering: .relaxed) }
    func count(bytes: Int) { byteCount.wrappingAdd(bytes, ordering: .relaxed) }

    private var abandonmentReason: PersistenceError.Reason {
        PersistenceError.Reason(rawValue: reason.load(ordering: .acquiring)) ?? .cancelled
    }

    // MARK: - The loop's side

    /// Asks the thread to end; the first reason stays.
    func abandon(_ why: PersistenceError.Reason) -> Abandonment {
        _ = reason.compareExchange(
            expected: 0, desired: why.rawValue, ordering: .acquiringAndReleasing)
        let (isTaken, found) = place.compareExchange(
            expected: Place.away, desired: Place.taken, ordering: .acquiringAndReleasing)
        if isTaken { return .taken }
        return found == Place.publishing ? .tooLate : .stopping
    }
}

/// The sink of a job as the writer sees it: away while the device works.
struct SnapshotOutlet: ByteSink {
    let sink: any SnapshotSink
    let progress: SnapshotProgress

    mutating func write(_ bytes: ByteView) throws(PersistenceError) {
        progress.leave()
        try sink.write(bytes)
        progress.count(bytes: bytes.count)
        try progress.enter()
    }
}
