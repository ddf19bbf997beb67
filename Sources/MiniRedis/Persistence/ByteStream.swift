// SPDX-License-Identifier: BSD-3-Clause
//
// Where a dump goes and where it comes from.
//
//     RDBWriter -> ChecksummedSink -> ByteSink      a file, memory, later replicas' sockets
//     RDBReader <- ByteCursor      <- ByteSource    a file, memory, later a master's socket
//
// A writer makes millions of small pieces. They are gathered in one block, and the checksum and the
// device see whole blocks only; so the device is a protocol that costs nothing per key, and no
// format has to remember the checksum. Streams know nothing of what passes through them.

import Glibc

/// Takes bytes and keeps their order.
protocol ByteSink: ~Copyable {
    /// Takes all of `bytes`, waiting as long as the device needs; they are the caller's again when
    /// the call returns. After an error the sink is good for nothing.
    mutating func write(_ bytes: ByteView) throws(PersistenceError)
}

/// Gives bytes in their order.
protocol ByteSource: ~Copyable {
    /// Fills at least one byte and at most `count` bytes, which must be more than none, and returns
    /// how many; zero means that there will be no more. It may wait.
    mutating func read(
        into destination: UnsafeMutableRawPointer, count: Int
    ) throws(PersistenceError) -> Int
}

/// One block in front of a sink, and the checksum of all that went through it.
///
/// A value belongs to the one thread that saves.
struct ChecksummedSink<Sink: ByteSink & ~Copyable>: ~Copyable {
    /// The size of the block: large enough that a call of the device costs nothing per key, small
    /// enough to stay in the second-level cache until the checksum has read it.
    static var blockBytes: Int { 256 << 10 }

    /// The device; to be looked at when everything is flushed.
    private(set) var sink: Sink
    private let block: StreamBlock
    private var used = 0
    private var flushedBytes = 0
    private var checksum = CRC64()
    private let checksums: Bool

    /// With `checksum: false` the checksum stays 0, which in a dump means that there is none.
    init(_ sink: consuming Sink, checksum checksums: Bool) throws(PersistenceError) {
        guard let block = StreamBlock(Self.blockBytes) else { throw .system(.memory, code: ENOMEM) }
        self.sink = sink
        self.block = block
        self.checksums = checksums
    }

    /// All bytes so far, those still in the block included.
    var bytesWritten: Int { flushedBytes + used }

    /// The checksum of the flushed bytes: flush first.
    var checksumOfFlushed: UInt64 { checksum.value }

    /// Room for `count` bytes, which must be at most a block. What was filled is to be committed;
    /// the address is good until the next call.
    @inline(__always)
    mutating func reserve(_ count: Int) throws(PersistenceError) -> UnsafeMutableRawPointer {
        assert(count >= 0 && count <= Self.blockBytes)
        if count > Self.blockBytes &- used { try flush() }
        return block.base + used
    }

    /// Makes the first `count` bytes of the reserved room part of the stream.
    @inline(__always)
    mutating func commit(_ count: Int) {
        assert(count >= 0 && count <= Self.blockBytes - used)
        used &+= count
    }

    /// Appends the bytes, in as many blocks as they need.
    @inline(__always)
    mutating func append(_ bytes: ByteView) throws(PersistenceError) {
        if bytes.count > Self.blockBytes &- used {
            try appendLarge(bytes)
        } else if bytes.count > 0 {
            memcpy(block.base + used, bytes.base, bytes.count)
            used &+= bytes.count
        }
    }

    private mutating func appendLarge(_ bytes: ByteView) throws(PersistenceError) {
        try flush()
        guard bytes.count > Self.blockBytes else {
            memcpy(block.base, bytes.base, bytes.count)
            used = bytes.count
            return
        }
        // Through the block all the same: the checksum has then read what the device is about to,
        // and the device reads nothing that somebody else owns.
        var rest = bytes
        while rest.count > 0 {
            let piece = rest.prefix(min(rest.count, Self.blockBytes))
            memcpy(block.base, piece.base, piece.count)
            used = piece.count
            rest = rest.suffix(from: piece.count)
            if rest.count > 0 { try flush() }
        }
    }

    /// Hands what is in the block to the device.
    mutating func flush() throws(PersistenceError) {
        guard used > 0 else { return }
        try pass(ByteView(block.base, count: used))
        used = 0
    }

    private mutating func pass(_ bytes: ByteView) throws(PersistenceError) {
        if checksums { checksum.update(bytes.base, count: bytes.count) }
        try sink.write(bytes)
        flushedBytes += bytes.count
    }
}
