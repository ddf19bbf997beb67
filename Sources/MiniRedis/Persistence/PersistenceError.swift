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
    /// The save was given up for a reason of the server's own, a complete sentence.
    case abandoned(Reason)

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

    /// Why a save was given up.
    enum Reason: String {
        case cancelled = "it was cancelled"
        case memoryLimit = "the memory retained for it reached its limit"
    }

    /// The failure of the system call made last on this thread.
    static func last(_ step: Step) -> PersistenceError { .system(step, code: errno) }
}

extension PersistenceError: CustomStringConvertible {
    /// The line for the log.
    var description: String {
        switch self {
        case .system(.open, let code), .system(.read, let code):
            "Error reading the DB from the disk(\(step)): \(Self.text(code))"
        case .system(_, let code):
            "Write error while saving DB to the disk(\(step)): \(Self.text(code))"
        case .abandoned(let reason):
            "The save of the DB was given up: \(reason.rawValue)"
        }
    }

    private var step: String {
        guard case .system(let step, _) = self else { return "" }
        return step.rawValue
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
