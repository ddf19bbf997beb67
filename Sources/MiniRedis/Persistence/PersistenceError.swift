// SPDX-License-Identifier: BSD-3-Clause
//
// What can go wrong between a stream and the device under it: the step and the system's reason.
//
// It knows no format: damage inside a dump is an `RDBError`.

import Glibc

/// A device that failed, or a save that its owner gave up.
enum PersistenceError: Error, Equatable {
    /// A system call failed with this `errno`.
    case system(Step, code: Int32)
    /// The job was given up for a reason of the server's own.
    case abandoned(Reason)
    /// The sink wants no more, for this reason: half a sentence, as "the replica went away".
    case ended(String)
    /// The disk has fewer bytes free than the dump will take.
    case space(free: Int, needed: Int)
    /// The version that was asked for has no form for a value: half a sentence that names it.
    case version(Int, cannotHold: String)

    /// What was being done; the raw value stands in the log.
    enum Step: String {
        case openDirectory = "open directory"
        case create
        case lock
        case write
        case fsync
        case close
        case rename
        case fsyncDirectory = "fsync directory"
        case open
        case read
        case memory
    }

    /// Why a job was given up.
    enum Reason: Int {
        case cancelled = 1
        case memoryLimit
        case shutdown

        var text: String {
            switch self {
            case .cancelled: "it was cancelled"
            case .memoryLimit:
                "the memory retained for snapshots reached 'snapshot-retained-limit'"
            case .shutdown: "the server ends"
            }
        }
    }

    /// The failure of the system call made last on this thread.
    static func last(_ step: Step) -> PersistenceError { .system(step, code: errno) }
}

extension PersistenceError: CustomStringConvertible {
    /// The line for the log.
    var description: String {
        switch self {
        case .system(.open, _), .system(.read, _):
            "Error reading the DB from the disk(\(step)): \(reason)"
        case .system, .space, .version:
            "Write error while saving DB to the disk(\(step)): \(reason)"
        case .abandoned, .ended:
            "The save of the DB was given up: \(reason)"
        }
    }

    /// The step that failed, as INFO shows it.
    var step: String {
        switch self {
        case .system(let step, _): step.rawValue
        case .abandoned: "abandoned"
        case .ended: "sink"
        case .space: "check free space"
        case .version: "version"
        }
    }

    /// Why it failed.
    var reason: String {
        switch self {
        case .system(_, let code): Self.text(code)
        case .abandoned(let reason): reason.text
        case .ended(let reason): reason
        case .space(let free, let needed):
            "\(Self.text(ENOSPC)): about \(needed) bytes are needed, \(free) are free"
        case .version(let version, let what):
            "RDB version \(version) (rdb-version) cannot hold \(what)"
        }
    }

    /// The system's sentence for an error number. Threads save, so the reentrant form.
    private static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
            guard let start = room.baseAddress, strerror_r(code, start, room.count) == 0 else {
                return "error \(code)"
            }
            return String(cString: start)
        }
    }
}
