// SPDX-License-Identifier: BSD-3-Clause
//
// The sink of a save: a `SnapshotFile`, brought to the disk while it is written.
//
//     written   |#####|#####|#####|..            a window is 4 MiB
//                  ^     ^     ^ being filled
//                  |     the disk is asked for it
//                  waited for
//
// So there are never more than two windows that the kernel has taken and the disk has not: the last
// fsync is short, and a save does not fill the page cache with what other processes have to wait
// for. (Without it, `rdb-save-incremental-fsync no`, the kernel decides.)

import CIntrinsics
import Glibc

/// Writes a dump beside the target and puts it in its place.
final class SnapshotFileSink: SnapshotSink {
    private static let windowBytes = 4 << 20
    // Flags of sync_file_range(2), which the module of the C library leaves out.
    private static let waitBefore: UInt32 = 1
    private static let startWriting: UInt32 = 2
    private static let waitAfter: UInt32 = 4

    private var file: SnapshotFile
    private var sink: FileSink
    private let descriptor: Int32
    private let syncsAsItGoes: Bool
    private var written = 0
    private var synced = 0

    /// Creates the temporary file. `expectedBytes` is what the dump will take at least, as far as
    /// is known: less free space than that refuses the save before it begins.
    init(
        directory: String, name: String, expectedBytes: Int, syncsAsItGoes: Bool
    ) throws(PersistenceError) {
        try Self.checkSpace(directory, expectedBytes)
        file = try SnapshotFile(directory: directory, name: name)
        sink = file.sink
        descriptor = file.descriptor
        self.syncsAsItGoes = syncsAsItGoes
    }

    private static func checkSpace(_ directory: String, _ needed: Int) throws(PersistenceError) {
        var status = statvfs()
        guard needed > 0, statvfs(directory, &status) == 0 else { return }
        let (free, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int(clamping: status.f_frsize))
        guard !overflow, free < needed else { return }
        throw .space(free: free, needed: needed)
    }

    func write(_ bytes: ByteView) throws(PersistenceError) {
        try sink.write(bytes)
        written += bytes.count
        guard syncsAsItGoes, written - synced >= Self.windowBytes else { return }
        try syncWindow()
    }

    private func syncWindow() throws(PersistenceError) {
        let previous = max(0, synced - Self.windowBytes)
        var status: Int32 = 0
        if previous < synced {
            status = cin_sync_range(
                descriptor, Int64(previous), Int64(synced - previous),
                Self.waitBefore | Self.startWriting | Self.waitAfter)
        }
        if status == 0 {
            status = cin_sync_range(
                descriptor, Int64(synced), Int64(written - synced), Self.startWriting)
        }
        // A file system that cannot do this is asked for the whole file.
        if status != 0, errno == ESPIPE || errno == EINVAL || errno == ENOSYS {
            status = fdatasync(descriptor)
        }
        guard status == 0 else { throw .last(.fsync) }
        synced = written
    }

    func finish() throws(PersistenceError) { try file.finish() }
    func publish() throws(PersistenceError) { try file.publish() }
}
