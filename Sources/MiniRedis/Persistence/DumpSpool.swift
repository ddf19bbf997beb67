// SPDX-License-Identifier: BSD-3-Clause
//
// A dump whose length must be known before its first byte is sent: it goes to a file that has no
// name any more, and is read back from there. The snapshot may be ended in between.

import Glibc

/// A dump on its way through an unlinked file: written by one thread, later read by another.
///
/// Sendable although it changes: the two threads never have it at the same time.
final class DumpSpool: SnapshotSink, @unchecked Sendable {
    private static let readBytes = 256 << 10

    private let descriptor: Int32
    private var sink: FileSink
    /// Bytes of the dump.
    private(set) var count = 0

    /// Creates the file in `directory`; `number` tells the spools of a process apart.
    init(directory: String, number: Int) throws(PersistenceError) {
        let path = "\(directory)/temp-repl-\(getpid())-\(number).rdb"
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(.create) }
        unlink(path)
        sink = FileSink(descriptor)
    }

    deinit { close(descriptor) }

    func write(_ bytes: ByteView) throws(PersistenceError) {
        try sink.write(bytes)
        count += bytes.count
    }

    /// Hands the dump to `take`, piece by piece, until that returns false. False if the file cannot
    /// be read to its end.
    func read(_ take: (ByteView) -> Bool) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 16) { room in
            guard let base = room.baseAddress else { return false }
            var at = 0
            while at < count {
                let got = pread(descriptor, base, min(Self.readBytes, count - at), off_t(at))
                if got < 0 && errno == EINTR { continue }
                guard got > 0 else { return false }
                guard take(ByteView(base, count: got)) else { return true }
                at += got
            }
            return true
        }
    }
}
