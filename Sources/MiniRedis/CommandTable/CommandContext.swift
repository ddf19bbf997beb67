// SPDX-License-Identifier: BSD-3-Clause
//
// What a handler may see. The three contexts are one pointer each and differ in what they let
// through: a data command sees its arguments, one database and the reply; a session command its
// client too; an administration command the server's verbs as well.

/// Everything about the command that is being executed, in one place of memory that all commands
/// use in turn.
struct ExecutionFrame: ~Copyable {
    var request: Request
    var database: UnsafeMutablePointer<Database>
    var reply: ReplyWriter
    var session: UnsafeMutablePointer<Session>
    /// The index of the argument whose hash is `keyHash`, or 0.
    var hashedArgument = 0
    var keyHash: UInt64 = 0
    /// The index of the command in the table.
    var command = 0
    /// On whose behalf the handler runs.
    var mode = ExecutionMode.direct
    /// What the handler has asked to wait for.
    var wait: WaitRequest?
    /// The handler has asked to wait, or to go on waiting.
    var stillWaits = false
    /// EXEC's handler has found nothing against running what is queued.
    var runsTransaction = false
    /// The handler has said what others are to repeat.
    var hasOwnEffect = false
    /// Something was published to the client whose request is being executed.
    var hasDeferred = false
    /// Bytes that a client may queue in a transaction.
    var queueLimit = Int.max
    /// Why requests need more care than usual, whoever sends them.
    var attention: ServerAttention = []
    /// What is refused because this server is a replica.
    var replicaRefusals: ReplicaRefusals = []
    /// proto-max-bulk-len: no string may become longer, bytes.
    var longestString: Int
    /// Bytes of replies that were not copied into the buffer since it was last looked at.
    var referencedBytes = 0
    /// A command that takes at least so many cycles is told to the observers.
    var slowCycles = UInt64.max
    /// latency-tracking: whether commands get a histogram.
    var tracksLatency = true
    let references: ReferenceSink
    unowned(unsafe) let administration: any Administration
}

/// What a command on the data of one database sees.
struct DataContext {
    let frame: UnsafeMutablePointer<ExecutionFrame>

    /// The number of arguments, the command's name included.
    @inline(__always)
    var count: Int { frame.pointee.request.count }

    @inline(__always)
    subscript(index: Int) -> ByteView { frame.pointee.request[index] }

    @inline(__always)
    var reply: ReplyWriter { frame.pointee.reply }

    @inline(__always)
    var database: UnsafeMutablePointer<Database> { frame.pointee.database }

    /// Milliseconds since the epoch: the loop turn's clock.
    @inline(__always)
    var now: Int64 { frame.pointee.database.pointee.state.pointee.now }

    /// Keys and fields with deadlines up to this are due; see `KeyspaceState.repeats`.
    @inline(__always)
    var dueTime: Int64 { frame.pointee.database.pointee.state.pointee.dueTime }

    /// The key at argument `index`; its hash was computed ahead if it is the first one.
    @inline(__always)
    func key(_ index: Int) -> KeyArgument {
        let bytes = self[index]
        if index == frame.pointee.hashedArgument {
            return KeyArgument(bytes: bytes, hash: frame.pointee.keyHash)
        }
        return KeyArgument(bytes: bytes, hash: database.pointee.hash(bytes))
    }

    /// proto-max-bulk-len, bytes.
    var longestString: Int { frame.pointee.longestString }

    /// Calls `body` for each key from argument `first` on, every `step`-th, with its index. Buckets
    /// and entries of several keys are asked for ahead, so that their cache misses overlap.
    @inline(__always)
    func forEachKey(
        from first: Int, step: Int, _ body: (KeyArgument, Int) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.keysAhead) { hashes in
            var at = first
            while at < count {
                let end = min(count, at + Self.keysAhead * step)
                var number = 0
                for index in stride(from: at, to: end, by: step) {
                    let hash = key(index).hash
                    hashes[number] = hash
                    database.pointee.table.prefetchBucket(hash)
                    number += 1
                }
                for index in 0..<number { database.pointee.table.prefetchEntry(hashes[index]) }
                number = 0
                for index in stride(from: at, to: end, by: step) {
                    body(KeyArgument(bytes: self[index], hash: hashes[number]), index)
                    number += 1
                }
                at = end
            }
        }
    }

    @inline(__always)
    func forEachKey(from first: Int, _ body: (KeyArgument) -> Void) {
        forEachKey(from: first, step: 1) { key, _ in body(key) }
    }

    private static let keysAhead = 16

    /// The argument as an integer.
    @inline(__always)
    func integer(_ index: Int) throws(ErrorReply) -> Int64 {
        guard let value = DecimalInteger.parse(self[index]) else { throw .notInteger }
        return value
    }

    /// The argument as it is to be stored: an argument that was received into a block becomes a
    /// value as it is.
    @inline(__always)
    func stringSource(_ index: Int) -> StringSource {
        if frame.pointee.request.blocks != nil, let block = detachedBlock(index) {
            return .block(block)
        }
        return .stored(self[index], heap: database.pointee.heap)
    }

    /// Writes a string value as a bulk reply; a huge one without copying it.
    @inline(__always)
    func replyString(_ entry: Entry) {
        switch entry.encoding {
        case .inline, .integer:
            switch entry.string {
            case .bytes(let view): reply.bulk(view)
            case .integer(let value): reply.bulk(decimal: value)
            }
        case .block: replyBlock(entry.block)
        case .collection: preconditionFailure("a collection is no string")
        }
    }

    /// Writes the bytes of a block as a bulk reply, without copying them.
    @inline(never)
    func replyBlock(_ block: ReferencedBlock) {
        block.retain()
        frame.pointee.referencedBytes += block.count
        reply.bulk(
            referring: block.view, owner: block.address, through: frame.pointee.references)
    }

    /// The block of a detached argument, with a reference for the caller.
    @inline(never)
    private func detachedBlock(_ index: Int) -> ReferencedBlock? {
        guard let number = frame.pointee.request.blockNumber(ofArgument: index),
            let bytes = frame.pointee.request.blocks?[number]
        else { return nil }
        let block = ReferencedBlock(bytes - ReferencedBlock.headerBytes)
        block.retain()
        return block
    }
}

// MARK: - Collections

extension DataContext {
    /// Up to which sizes collections are packed.
    var limits: EncodingLimits { database.pointee.state.pointee.encodingLimits }

    /// The entry of a key for a command that reads a value of one type; nil if there is none.
    @inline(__always)
    func entry(_ key: KeyArgument, _ type: ValueType) throws(ErrorReply) -> Entry? {
        guard let entry = database.pointee.read(key.bytes, key.hash) else { return nil }
        guard entry.type == type else { throw .wrongType }
        return entry
    }

    /// The block of the collection that a key holds, for a command that reads it; nil if there is
    /// none. Valid until something is changed.
    @inline(__always)
    func collection(
        _ key: KeyArgument, _ type: ValueType
    ) throws(ErrorReply) -> UnsafeRawPointer? {
        try entry(key, type).map { UnsafeRawPointer($0.collection) }
    }

    /// The slot of a key for a command that changes a value of one type; nil if there is none.
    @inline(__always)
    func slot(_ key: KeyArgument, _ type: ValueType) throws(ErrorReply) -> TableSlot? {
        guard let slot = database.pointee.lookup(key.bytes, key.hash) else { return nil }
        guard Entry(slot.entry).type == type else { throw .wrongType }
        return slot
    }

    /// Lets `body` change the collection of that type at `key`, an empty one if there is none yet;
    /// see `Database.update`.
    @inline(__always)
    @discardableResult
    func updateOrCreate(
        _ key: KeyArgument, _ type: ValueType, _ event: KeyspaceEvent,
        _ body: (BlockPlace) throws(ErrorReply) -> Int
    ) throws(ErrorReply) -> Int {
        let slot = try slot(key, type) ?? create(key, type)
        return try database.pointee.update(slot, key, event, body)
    }

    @inline(never)
    private func create(_ key: KeyArgument, _ type: ValueType) -> TableSlot {
        let memory = database.pointee.state.pointee.memory
        database.pointee.note(.new, key.bytes, key.hash)
        return database.pointee.addCollection(
            key.bytes, key.hash,
            CollectionSource(type: type, base: type.collection.create(memory)))
    }
}

/// What a command on the connection sees: the data, and its client.
struct SessionContext {
    let frame: UnsafeMutablePointer<ExecutionFrame>

    var data: DataContext { DataContext(frame: frame) }
    var reply: ReplyWriter { frame.pointee.reply }
    var session: UnsafeMutablePointer<Session> { frame.pointee.session }

    /// Changes the protocol of this reply and those to come.
    func speak(version: Int) {
        frame.pointee.session.pointee.protocolVersion = version
        frame.pointee.reply.version = version
    }
}

/// What a command on the server sees: its client, and the verbs that the server implements.
struct AdministrationContext {
    let frame: UnsafeMutablePointer<ExecutionFrame>

    var data: DataContext { DataContext(frame: frame) }
    var reply: ReplyWriter { frame.pointee.reply }
    var session: UnsafeMutablePointer<Session> { frame.pointee.session }
    var administration: any Administration { frame.pointee.administration }
}
