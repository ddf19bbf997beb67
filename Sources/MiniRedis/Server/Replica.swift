// SPDX-License-Identifier: BSD-3-Clause
//
// Replica: a client that has introduced itself as one, our side of the link to it, and its places
// in the stream and in a dump.

/// One replica. Identity; it lives as long as its client.
final class Replica {
    unowned let client: Client
    var link = MasterLink()
    /// Its place in the backlog: from the start of its snapshot, or the byte it goes on from.
    var reader: BacklogReader?
    /// The stream is to be sent.
    var isStreaming = false
    /// The dump that it is sent.
    weak var transfer: ReplicaTransfer?
    /// When it asked for the data: monotonic milliseconds.
    var askedAt: Int64 = 0
    /// Bytes given to its socket, and how many of them had left when it was last looked at.
    private(set) var givenBytes: Int64 = 0
    private var leftBytes: Int64 = 0

    /// Output that may be unsent before it is given more: bytes. A quarter below what would let the
    /// connection stop reading, for its acknowledgements must be heard.
    static let windowBytes = 512 << 10
    /// Up to here copying is cheaper than a reference: bytes.
    private static let copiedBytes = 4 << 10

    init(client: Client) {
        self.client = client
    }

    var isClosing: Bool { client.connection.isClosing }

    /// Whether its socket has room for more.
    var hasRoom: Bool { client.connection.unsentBytes < Self.windowBytes }

    /// Whether it waits for a snapshot to begin.
    var isWaiting: Bool { link.state == .waiting && !isClosing }

    /// Whether WAIT and `min-replicas-to-write` may count it.
    var isOnline: Bool { link.isOnline && !isClosing }

    // MARK: - How it is called

    /// The address that it announced, or else the one that it comes from.
    var host: String {
        guard link.options.address.isEmpty else { return link.options.address }
        let text = client.connection.peerDescription
        guard let colon = text.lastIndex(of: ":") else { return text }
        let host = text[..<colon]
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// As the log names it.
    var name: String {
        let port = link.options.listeningPort
        return "\(host):" + (port > 0 ? "\(port)" : "<unknown-replica-port>")
    }

    // MARK: - Output

    /// Sends what the link has to say.
    func flushLink() {
        guard !link.output.isEmpty else { return }
        client.push(link.output.view)
        givenBytes += Int64(link.output.count)
        link.clearOutput()
    }

    /// Gives its socket as much of the stream as it has room for. Returns how many bytes.
    func feed(from store: ReplicationStreamStore, heap: UnsafeMutablePointer<Heap>) -> Int {
        let connection = client.connection
        guard let reader, !connection.isClosing else { return 0 }
        var unsent = connection.unsentBytes
        var given = 0
        if unsent < Self.windowBytes && store.backlog.unread(by: reader) > 0 {
            connection.beginOutput()
            while unsent < Self.windowBytes, let run = store.backlog.takeRun(reader) {
                if run.count <= Self.copiedBytes {
                    connection.loop.output.pointee.append(run.base, count: run.count)
                    ReferencedBlock(run.owner).release(heap)
                } else {
                    connection.appendReference(run.base, count: run.count, owner: run.owner)
                }
                unsent += run.count
                given += run.count
            }
            connection.endOutput()
            givenBytes += Int64(given)
        }
        connection.isFed = store.backlog.unread(by: reader) > 0
        return given
    }

    /// Gives its socket a piece of a dump, of which it keeps a reference.
    func give(_ block: ReferencedBlock) {
        let connection = client.connection
        connection.beginOutput()
        block.retain()
        connection.appendReference(block.bytes, count: block.count, owner: block.address)
        connection.endOutput()
        givenBytes += Int64(block.count)
    }

    /// Gives its socket a piece of a dump that nobody else gets.
    func giveOwned(_ chunk: ChunkChannel.Chunk) {
        guard !isClosing else { return ChunkChannel.dispose(chunk) }
        client.connection.sendOwned(chunk.base, count: chunk.count)
        givenBytes += Int64(chunk.count)
    }

    /// Whether its socket took something since the last call, or has nothing to take.
    func hasProgressed() -> Bool {
        let unsent = client.connection.unsentBytes
        let left = givenBytes - Int64(unsent)
        defer { leftBytes = left }
        return unsent == 0 || left > leftBytes
    }
}
