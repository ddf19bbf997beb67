// SPDX-License-Identifier: BSD-3-Clause
//
// Replaces a dump as a whole or not at all.
//
//     create temp-<pid>-<number>.rdb  ->  write  ->  fsync  ->  close  ->  rename  ->  fsync of the
//     directory
//
// Until the rename the old dump is untouched, whatever fails; the temporary file is then removed.
// The rename is atomic, and everything it names is on the disk by then. Should the last step fail,
// the new dump stands and is complete, but a power cut may bring the old one back: that save is
// reported as failed, too.
//
// A crash leaves a temporary file behind. `removeStale` finds it at the next start: a save holds
// an exclusive lock on its file, which ends with its process, so that another server's running save
// in the same directory is told from a dead one's, even from within another container, where
// process numbers mean nothing.
//
// All names are looked up in the directory opened at the beginning: if somebody moves it, the dump
// arrives where its directory went.

import Glibc
import Synchronization

/// A dump on its way to the disk; dropped before `commit()`, it leaves no trace.
struct SnapshotFile: ~Copyable {
    private static let prefix = "temp-"
    /// A thread that creates a file while the process ends would leave it behind.
    private static let isProcessEnding = Mutex(false)
    private static let suffix = ".rdb"
    /// Names to try before something other than chance must be at work.
    private static let nameAttempts = 16

    private let directory: Int32
    private(set) var descriptor: Int32
    private let temporaryName: String
    private let targetName: String
    private var isCommitted = false

    /// Creates the temporary file beside the target. `name` is a plain file name.
    init(directory path: String, name: String) throws(PersistenceError) {
        let directory = try Self.open(directory: path)
        do throws(PersistenceError) {
            (descriptor, temporaryName) = try Self.createTemporary(in: directory)
        } catch {
            Glibc.close(directory)
            throw error
        }
        self.directory = directory
        targetName = name
    }

    deinit {
        if descriptor >= 0 { Glibc.close(descriptor) }
        if !isCommitted { unlinkat(directory, temporaryName, 0) }
        Glibc.close(directory)
    }

    /// What the dump is written to, as long as the file exists.
    var sink: FileSink { FileSink(descriptor) }

    /// Puts what was written in the place of the target. After an error the file is to be dropped.
    mutating func commit() throws(PersistenceError) {
        try finish()
        try publish()
    }

    /// Brings what was written to the disk and closes the file.
    mutating func finish() throws(PersistenceError) {
        guard fsync(descriptor) == 0 else { throw .last(.fsync) }
        let closed = Glibc.close(descriptor)
        descriptor = -1
        guard closed == 0 else { throw .last(.close) }
    }

    /// Gives a finished file the target's name, and brings that to the disk.
    mutating func publish() throws(PersistenceError) {
        guard renameat(directory, temporaryName, directory, targetName) == 0 else {
            throw .last(.rename)
        }
        isCommitted = true
        // Some file systems cannot sync a directory and say so; there is nothing to be done then.
        guard fsync(directory) == 0 || errno == EINVAL else { throw .last(.fsyncDirectory) }
    }

    /// Saves a whole dump: `body` writes everything between `begin` and `finish`, both included.
    static func save(
        directory: String, name: String, options: RDBWriterOptions,
        _ body: (inout RDBWriter<FileSink>) throws(PersistenceError) -> Void
    ) throws(PersistenceError) -> SnapshotResult {
        let start = monotonicMicroseconds()
        var file = try SnapshotFile(directory: directory, name: name)
        var writer = try RDBWriter(sink: file.sink, options: options)
        try body(&writer)
        try file.commit()
        return SnapshotResult(
            bytes: writer.bytesWritten, durationMicroseconds: monotonicMicroseconds() - start)
    }

    static func monotonicMicroseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

// MARK: - Temporary files

extension SnapshotFile {
    private static func open(directory path: String) throws(PersistenceError) -> Int32 {
        let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw .last(.openDirectory) }
        return directory
    }

    /// A new and locked file, and its name.
    private static func createTemporary(
        in directory: Int32
    ) throws(PersistenceError) -> (descriptor: Int32, name: String) {
        for attempt in 0..<nameAttempts {
            let number = monotonicMicroseconds() * Int64(nameAttempts) + Int64(attempt)
            let name = "\(prefix)\(getpid())-\(number)\(suffix)"
            // The permissions are left to the umask, as Redis does.
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
            let descriptor = isProcessEnding.withLock { isEnding in
                errno = EINTR
                return isEnding ? -1 : openat(directory, name, flags, 0o666)
            }
            guard descriptor >= 0 else {
                if errno == EEXIST || errno == EINTR { continue }
                throw .last(.create)
            }
            if isOwn(descriptor) { return (descriptor, name) }
            // A starting server took the file for a dead one's before it was locked.
            Glibc.close(descriptor)
        }
        throw .system(.create, code: EEXIST)
    }

    /// Locks the file and sees whether it still has its name.
    private static func isOwn(_ descriptor: Int32) -> Bool {
        // A file system without locks has no stale files removed, that is all.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            return false
        }
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Removes the temporary files that crashed saves left in the directory and returns how many;
    /// files of saves that are running stay. To be called at start.
    static func removeStale(directory path: String) throws(PersistenceError) -> Int {
        let directory = try open(directory: path)
        // The stream owns the descriptor from here on.
        guard let entries = fdopendir(directory) else {
            let failure = PersistenceError.last(.openDirectory)
            Glibc.close(directory)
            throw failure
        }
        defer { closedir(entries) }
        var removed = 0
        while let entry = readdir(entries) {
            let name = Self.name(of: entry)
            if isTemporary(name), removeIfStale(name, in: directory) { removed += 1 }
        }
        return removed
    }

    /// Removes the temporary files of this process's own saves, which nobody wants any more; a save
    /// that is running goes on without a name and leaves nothing, and one that was just begun
    /// fails. For the end of the process.
    static func removeOwn(directory path: String) {
        isProcessEnding.withLock { $0 = true }
        guard let entries = opendir(path) else { return }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = Self.name(of: entry)
            guard isTemporary(name), name.hasPrefix("\(prefix)\(getpid())-") else { continue }
            unlinkat(dirfd(entries), name, 0)
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        let text = UnsafeRawPointer(entry) + offset
        return String(cString: text.assumingMemoryBound(to: CChar.self))
    }

    /// Whether a file is called like ours: temp-, digits, a dash, digits, .rdb.
    static func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
        let parts = name.dropFirst(prefix.count).dropLast(suffix.count)
            .split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            }
    }

    private static func removeIfStale(_ name: String, in directory: Int32) -> Bool {
        // For writing, because network file systems lock nothing else exclusively.
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = openat(directory, name, flags)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
        return unlinkat(directory, name, 0) == 0
    }
}
