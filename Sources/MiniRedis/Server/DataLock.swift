// SPDX-License-Identifier: BSD-3-Clause
//
// The lock on the data: two servers that save to the same file would take turns in destroying each
// other's data. A server that saves holds an exclusive lock on `.<dump>.lock` beside the dump, one
// with an append-only file, which starts from that and not from the dump, on one of that name; it
// ends with the process, however that ends. Servers that share a directory but no file, or that
// save nothing, do not disturb each other.

import Glibc

/// An exclusive lock in a directory, held until it is released.
final class DataLock {
    private let descriptor: Int32
    private let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Tries again when the file was removed by its last holder in the meantime.
    private static let attempts = 10

    enum Outcome {
        case locked(DataLock)
        /// Somebody else's, whose process id stands in the file, as far as is known.
        case taken(by: String)
        /// There is no place for a lock, or the file system has none.
        case unsupported
    }

    /// Locks the dump of that name.
    static func take(directory: String, name: String) -> Outcome {
        let path = directory + "/." + name + ".lock"
        for _ in 0..<attempts {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else { return .unsupported }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                defer { close(descriptor) }
                guard errno == EWOULDBLOCK else { return .unsupported }
                return .taken(by: holder(descriptor))
            }
            var status = stat()
            if fstat(descriptor, &status) == 0, status.st_nlink > 0 {
                let text = "\(getpid())\n"
                _ = ftruncate(descriptor, 0)
                _ = write(descriptor, text, text.utf8.count)
                return .locked(DataLock(descriptor: descriptor, path: path))
            }
            close(descriptor)
        }
        return .unsupported
    }

    private static func holder(_ descriptor: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &text, text.count, 0)
        return String(decoding: text.prefix(max(0, count)).prefix { $0 > 32 }, as: UTF8.self)
    }

    /// Whether this is the lock of that dump.
    func isOf(directory: String, name: String) -> Bool {
        path == directory + "/." + name + ".lock"
    }

    /// Ends the lock and removes its file.
    func release() {
        unlink(path)
        close(descriptor)
    }
}

extension Server {
    /// Locks the data, if this server saves by itself. False, with the reason in the log, if
    /// another server works on them.
    func lockData() -> Bool {
        let settings = configuration.settings
        guard let holder = lockData(settings) else { return true }
        log.write(
            .warning,
            "Another server (pid \(holder)) saves to '\(Self.lockedName(settings))' in the data "
                + "directory '\(settings.directory)'. Two servers would destroy each other's data: "
                + "give this one another 'dir' or "
                + (settings.appendOnly ? "'appendfilename'" : "'dbfilename'") + ". Exiting.")
        return false
    }

    /// Takes the lock that the settings ask for, in the place of the one there is; returns the
    /// process that has it instead.
    private func lockData(_ settings: Settings) -> String? {
        guard !settings.savePoints.isEmpty || settings.appendOnly else { return nil }
        let (directory, name) = (settings.directory, Self.lockedName(settings))
        if let dataLock, dataLock.isOf(directory: directory, name: name) { return nil }
        switch DataLock.take(directory: directory, name: name) {
        case .taken(let holder): return holder
        case .unsupported: return nil
        case .locked(let lock):
            dataLock?.release()
            dataLock = lock
            return nil
        }
    }

    /// What this server starts from.
    private static func lockedName(_ settings: Settings) -> String {
        settings.appendOnly ? settings.appendFileName : settings.dbFilename
    }

    /// CONFIG SET: the lock goes with the data.
    func moveDataLock(_ settings: Settings) -> String? {
        lockData(settings).map { "another server (pid \($0)) saves there" }
    }
}
