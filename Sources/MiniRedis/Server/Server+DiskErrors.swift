// SPDX-License-Identifier: BSD-3-Clause
//
// Writes are refused while the append-only file cannot be written: see the checks before a command
// runs in `Dispatcher+Care`.

extension Server {
    /// Lets all requests take the careful way while the append-only file cannot be written.
    func updateDiskErrors() {
        frame.pointee.diskRefusal = appendOnlyRefusal
        if frame.pointee.diskRefusal == nil {
            frame.pointee.attention.remove(.appendOnlyFails)
        } else {
            frame.pointee.attention.insert(.appendOnlyFails)
        }
    }
}
