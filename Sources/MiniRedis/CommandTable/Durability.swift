// SPDX-License-Identifier: BSD-3-Clause
//
// What commands may ask of the append-only file.

/// How BGREWRITEAOF begins.
enum RewriteAnswer {
    case started
    /// When what is running now has ended.
    case scheduled
}

/// The server, as the commands on its append-only file see it.
protocol Durability: AnyObject {
    /// Rewrites the append-only file in the background.
    func rewriteAppendOnly() throws(ErrorReply) -> RewriteAnswer
    /// Answers WAITAOF: the client waits, `timeout` milliseconds or for ever with 0, until what it
    /// did is on the disk here, if `local` is 1, and on those of so many replicas.
    func waitForDurability(
        local: Int64, replicas: Int64, timeout: Int64, for session: UnsafeMutablePointer<Session>
    ) throws(ErrorReply)
    /// DEBUG LOADAOF: forgets everything and loads the append-only file.
    func reloadAppendOnly(for session: UnsafeMutablePointer<Session>) throws(ErrorReply)
    /// DEBUG AOF-FLUSH-SLEEP: microseconds to stand still before each write of the file.
    func setFlushDelay(microseconds: Int64)
}
