// SPDX-License-Identifier: BSD-3-Clause
//
// Values on their way out of this server and into another one, as commands may ask for it: what the
// bytes mean is known elsewhere.

/// The server, as DUMP and RESTORE see it.
protocol Serialization {
    /// Calls `body` with the bytes that stand for what an entry holds, valid until it returns.
    func serialize(_ entry: Entry, _ body: (ByteView) -> Void) throws(ErrorReply)
    /// Calls `body` once with the value that such bytes stand for, which it stores; its strings are
    /// valid until it returns. Throws, and does not call, if they stand for none.
    func deserialize(
        _ payload: ByteView, _ body: (DetachedValue) -> Void
    ) throws(ErrorReply)
}
