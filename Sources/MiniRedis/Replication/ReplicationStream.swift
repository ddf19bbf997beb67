// SPDX-License-Identifier: BSD-3-Clause
//
// The words that the two ends of a replication link say beside commands, byte for byte as Redis
// says them: a master's keepalives and questions, a replica's acknowledgements.
//
// What a master appends to its stream (`ping`, `getAcknowledgement`) counts in the offset like any
// command; what a replica sends, and the bare newline, does not.

enum ReplicationStream {
    /// A master's keepalive in the stream, every `repl-ping-replica-period`.
    static var ping: StaticString { "*1\r\n$4\r\nping\r\n" }

    /// A master's question in the stream, which each replica answers at once: for WAIT.
    static var getAcknowledgement: StaticString {
        "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
    }

    /// Says "I am alive" where no command may stand: from a master while a snapshot is prepared,
    /// from a replica while it loads.
    static var newline: StaticString { "\n" }

    /// A replica's report: all bytes up to number `offset` are applied, and those up to `synced`
    /// are on its disk, if it keeps an append-only file (Redis 7.2).
    static func acknowledge(_ offset: Int64, synced: Int64? = nil, to buffer: inout ByteBuffer) {
        RequestEncoder.begin(synced == nil ? 3 : 5, to: &buffer)
        RequestEncoder.argument("REPLCONF", to: &buffer)
        RequestEncoder.argument("ACK", to: &buffer)
        RequestEncoder.argument(decimal: offset, to: &buffer)
        guard let synced else { return }
        RequestEncoder.argument("FACK", to: &buffer)
        RequestEncoder.argument(decimal: synced, to: &buffer)
    }
}

extension RequestEncoder {
    static func argument(_ text: StaticString, to buffer: inout ByteBuffer) {
        argument(ByteView(text), to: &buffer)
    }

    /// An argument from the configuration.
    static func argument(text: String, to buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else {
                return argument(ByteView(""), to: &buffer)
            }
            argument(ByteView(base, count: bytes.count), to: &buffer)
        }
    }
}
