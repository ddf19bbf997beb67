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
        LinkRequest.begin(synced == nil ? 3 : 5, to: &buffer)
        LinkRequest.argument("REPLCONF", to: &buffer)
        LinkRequest.argument("ACK", to: &buffer)
        LinkRequest.argument(decimal: offset, to: &buffer)
        guard let synced else { return }
        LinkRequest.argument("FACK", to: &buffer)
        LinkRequest.argument(decimal: synced, to: &buffer)
    }
}

/// A request, argument by argument, as a client writes it.
enum LinkRequest {
    /// Begins a request of so many arguments, the command's name included.
    static func begin(_ count: Int, to buffer: inout ByteBuffer) {
        header(UInt8(ascii: "*"), count, to: &buffer)
    }

    static func argument(_ bytes: ByteView, to buffer: inout ByteBuffer) {
        header(UInt8(ascii: "$"), bytes.count, to: &buffer)
        buffer.append(bytes)
        buffer.append("\r\n")
    }

    static func argument(_ text: StaticString, to buffer: inout ByteBuffer) {
        argument(ByteView(text), to: &buffer)
    }

    static func argument(decimal value: Int64, to buffer: inout ByteBuffer) {
        header(UInt8(ascii: "$"), DecimalInteger.length(value), to: &buffer)
        buffer.append(decimal: value)
        buffer.append("\r\n")
    }

    /// An argument from the configuration.
    static func argument(text: String, to buffer: inout ByteBuffer) {
        header(UInt8(ascii: "$"), text.utf8.count, to: &buffer)
        buffer.append(text: text)
        buffer.append("\r\n")
    }

    private static func header(_ kind: UInt8, _ count: Int, to buffer: inout ByteBuffer) {
        buffer.append(byte: kind)
        buffer.append(decimal: Int64(count))
        buffer.append("\r\n")
    }
}
