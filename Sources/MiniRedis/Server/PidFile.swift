// SPDX-License-Identifier: BSD-3-Clause
//
// The file that says which process is the server: written once it listens, removed at its end.

import Glibc

/// The file with the process's id, for init scripts.
struct PidFile {
    /// Where a daemon puts it that was not told where.
    static let standardPath = "/var/run/redis.pid"

    let path: String

    /// The file that the settings ask for, or nil.
    init?(_ settings: Settings, isDaemon: Bool) {
        if settings.pidFile.isEmpty && !isDaemon { return nil }
        path = settings.pidFile.isEmpty ? Self.standardPath : settings.pidFile
    }

    /// Writes the id; returns why it could not, or nil.
    func write() -> String? {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return String(cString: strerror(errno)) }
        defer { close(file) }
        var text = "\(getpid())\n"
        let count = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) }
        return count == text.utf8.count ? nil : String(cString: strerror(errno))
    }

    func remove() {
        unlink(path)
    }
}
