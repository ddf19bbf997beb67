// SPDX-License-Identifier: BSD-3-Clause
//
// The file that effects are appended to. It ends with a whole unit, or with as much of one as the
// disk took and would not give back: a write that came short is undone by truncation.

import Glibc

/// An increment that is open for appending. Whoever has it closes its descriptor.
struct AppendOnlyFile {
    let descriptor: Int32
    /// Bytes that it has.
    private(set) var size: Int

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var status = stat()
        size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// How an attempt to append ended.
    enum Outcome {
        case done
        /// The first `written` bytes are in the file, the rest is not; `code` is the reason.
        case failed(written: Int, code: Int32)
    }

    /// Appends the bytes.
    mutating func append(_ bytes: ByteView) -> Outcome {
        var written = 0
        var code: Int32 = 0
        while written < bytes.count {
            let taken = write(descriptor, bytes.base + written, bytes.count - written)
            if taken > 0 {
                written += taken
            } else if taken == 0 || errno != EINTR {
                code = taken == 0 ? ENOSPC : errno
                break
            }
        }
        if written == bytes.count {
            size += written
            return .done
        }
        guard written > 0 else { return .failed(written: 0, code: code) }
        if ftruncate(descriptor, Int(size)) == 0 { return .failed(written: 0, code: code) }
        size += written
        return .failed(written: written, code: code)
    }

    /// Waits until all of it is on the disk; returns the reason if that fails.
    func sync() -> Int32? { fdatasync(descriptor) == 0 ? nil : errno }
}
