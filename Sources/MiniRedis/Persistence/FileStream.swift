// SPDX-License-Identifier: BSD-3-Clause
//
// Streams over file descriptors, with every interruption and every partial transfer handled here.

import Glibc

/// Writes to a descriptor that somebody else owns, and that must stay open as long as the sink is
/// written to.
struct FileSink: ByteSink {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    mutating func write(_ bytes: ByteView) throws(PersistenceError) {
        var rest = bytes
        while rest.count > 0 {
            let written = Glibc.write(descriptor, rest.base, rest.count)
            if written > 0 {
                rest = rest.suffix(from: written)
            } else if written == 0 {
                // No device may say so; to try for ever would be a hang.
                throw .system(.write, code: EIO)
            } else if errno != EINTR {
                throw .last(.write)
            }
        }
    }
}

/// Reads a file from its beginning and closes it at last.
struct FileSource: ByteSource, ~Copyable {
    private let descriptor: Int32
    /// The size of the file when it was opened, bytes: for showing progress, never to be relied on.
    let size: Int

    /// Opens the file. No such file: `.system(.open, code: ENOENT)`.
    init(path: String) throws(PersistenceError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(.open) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let failure = PersistenceError.last(.open)
            Glibc.close(descriptor)
            throw failure
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            Glibc.close(descriptor)
            throw .system(.open, code: EISDIR)
        }
        // Advice; a system that does not take it reads as well.
        _ = posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_SEQUENTIAL))
        self.descriptor = descriptor
        size = Int(status.st_size)
    }

    deinit { Glibc.close(descriptor) }

    mutating func read(
        into destination: UnsafeMutableRawPointer, count: Int
    ) throws(PersistenceError) -> Int {
        while true {
            let taken = Glibc.read(descriptor, destination, count)
            if taken >= 0 { return taken }
            if errno != EINTR { throw .last(.read) }
        }
    }
}
