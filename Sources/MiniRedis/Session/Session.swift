// SPDX-License-Identifier: BSD-3-Clause
//
// What a client is to the server, whatever carries its bytes: which database it has selected, which
// protocol it speaks, who it is, what it waits for. Knows no sockets.

/// The state of one client. Used through a pointer, by the loop alone.
struct Session: ~Copyable {
    /// Why requests of this session are not executed at the moment. 0: they are.
    struct Hold: OptionSet {
        var rawValue: UInt8

        /// A reply is being made in the background; it comes before anything else.
        static let waiting = Hold(rawValue: 1)
        /// The connection closes when its replies have left; nothing more is executed.
        static let closing = Hold(rawValue: 2)
    }

    /// The client's number, never used twice.
    let id: Int64
    /// The selected database.
    var databaseIndex = 0
    /// 2 or 3, as HELLO chose.
    var protocolVersion = 2
    var isAuthenticated: Bool
    /// Whether the peer is on this machine (loopback or a Unix socket).
    let isLocal: Bool
    var hold: Hold = []
    /// As HELLO SETNAME gave it; empty if it did not.
    var name = ""

    init(id: Int64, isAuthenticated: Bool, isLocal: Bool) {
        self.id = id
        self.isAuthenticated = isAuthenticated
        self.isLocal = isLocal
    }
}
