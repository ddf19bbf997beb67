// SPDX-License-Identifier: BSD-3-Clause
//
// The directory of an append-only file, and what is done to it:
//
//     dir/appenddirname/appendfilename.manifest      replaced as a whole, or not at all
//                       appendfilename.N.base.rdb    written by a rewrite, then renamed
//                       appendfilename.N.incr.aof    appended to
//                       temp-appendfilename.incr     until the first rewrite is done
//     dir/appendfilename                             of a version before 7: moved into it
//
// A name is in the manifest on the disk before the first byte of its file matters, and a file that
// the manifest does not name is never read: so a crash between any two steps loses nothing.

import Glibc

/// Where an append-only file is. Knows no contents but the manifest's.
struct AppendOnlyDirectory: Equatable {
    /// The server's directory.
    let parent: String
    /// `appenddirname`.
    let name: String
    /// `appendfilename`.
    let fileName: String

    var path: String { "\(parent)/\(name)" }
    var manifestName: String { "\(fileName).manifest" }
    var temporaryIncrement: String { "temp-\(fileName).incr" }

    func path(of file: String) -> String { "\(path)/\(file)" }

    /// Why a step failed: for the log.
    struct Failure: Error {
        let text: String
    }

    /// The failure of the last system call.
    private static func failure(_ text: String) -> Failure {
        Failure(text: "\(text): \(String(cString: strerror(errno)))")
    }

    // MARK: - The directory

    func create() throws(Failure) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw Self.failure("Can't open or create append-only dir \(name)")
    }

    var exists: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    func contains(_ file: String) -> Bool { access(path(of: file), F_OK) == 0 }

    /// Bytes of a file.
    func size(of file: String) throws(Failure) -> Int {
        var status = stat()
        guard stat(path(of: file), &status) == 0 else {
            throw Self.failure("Unable to obtain the AOF file \(file) length. stat")
        }
        return Int(status.st_size)
    }

    /// Opens an increment to append to it.
    func open(_ file: String, truncating: Bool = false) throws(Failure) -> Int32 {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | (truncating ? O_TRUNC : 0)
        let descriptor = Glibc.open(path(of: file), flags, 0o644)
        guard descriptor >= 0 else {
            throw Self.failure("Can't open the append-only file \(file)")
        }
        return descriptor
    }

    func rename(_ old: String, to new: String) throws(Failure) {
        guard Glibc.rename(path(of: old), path(of: new)) == 0 else {
            throw Self.failure("Error trying to rename the temporary AOF file \(old) into \(new)")
        }
    }

    /// Removes a file; what is not there is removed.
    func remove(_ file: String) { unlink(path(of: file)) }

    /// Moves the append-only file of an old version into the directory.
    func moveOldFile() throws(Failure) {
        guard Glibc.rename("\(parent)/\(fileName)", path(of: fileName)) == 0 else {
            throw Self.failure(
                "Error trying to move the old AOF file \(fileName) into dir \(name)")
        }
    }

    var hasOldFile: Bool { access("\(parent)/\(fileName)", F_OK) == 0 }

    // MARK: - The manifest

    /// Why there is no manifest.
    enum ManifestFailure: Error {
        case unreadable(Failure)
        case invalid(AppendOnlyManifestError)
    }

    /// Reads the manifest; nil if there is none.
    func readManifest() throws(ManifestFailure) -> AppendOnlyManifest? {
        guard exists, contains(manifestName) else { return nil }
        let text: [UInt8]
        do throws(PersistenceError) {
            text = try Self.read(path(of: manifestName))
        } catch {
            throw .unreadable(
                Failure(
                    text: "Fatal error: can't open the AOF manifest file \(manifestName) for "
                        + "reading: \(error)"))
        }
        do throws(AppendOnlyManifestError) {
            return try AppendOnlyManifest(text: text)
        } catch {
            throw .invalid(error)
        }
    }

    /// The most that is read of a manifest, bytes: of a million files.
    private static let largestManifest = 64 << 20

    private static func read(_ path: String) throws(PersistenceError) -> [UInt8] {
        var source = try FileSource(path: path)
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while text.count < largestManifest {
            var failure: PersistenceError?
            let count = block.withUnsafeMutableBytes { room in
                guard let base = room.baseAddress else { return 0 }
                do throws(PersistenceError) {
                    return try source.read(into: base, count: room.count)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            if count == 0 { break }
            text += block[..<count]
        }
        return text
    }

    /// Puts the manifest on the disk in the place of the one there was.
    func write(_ manifest: AppendOnlyManifest) throws(Failure) {
        let temporary = path(of: "temp-\(manifestName)")
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let descriptor = Glibc.open(temporary, flags, 0o644)
        guard descriptor >= 0 else {
            throw Self.failure("Can't open the AOF manifest file temp-\(manifestName)")
        }
        var text = manifest.text
        let isWritten = text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return true }
            var sink = FileSink(descriptor)
            do throws(PersistenceError) {
                try sink.write(ByteView(base, count: bytes.count))
                return fsync(descriptor) == 0
            } catch {
                return false
            }
        }
        guard isWritten else {
            let failure = Self.failure("Error trying to write the temporary AOF manifest file")
            close(descriptor)
            unlink(temporary)
            throw failure
        }
        close(descriptor)
        guard Glibc.rename(temporary, path(of: manifestName)) == 0 else {
            let failure = Self.failure(
                "Error trying to rename the temporary AOF manifest file temp-\(manifestName) into "
                    + manifestName)
            unlink(temporary)
            throw failure
        }
        try syncDirectory()
    }

    /// What was created or renamed in the directory stays so.
    func syncDirectory() throws(Failure) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.failure("Fail to open AOF directory \(name)")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw Self.failure("Fail to fsync AOF directory \(name)")
        }
    }
}
