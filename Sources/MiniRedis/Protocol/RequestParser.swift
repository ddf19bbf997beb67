// SPDX-License-Identifier: BSD-3-Clause
//
// The Swift face of the parser in C: bytes in; a request, "more", or a protocol error out.
//
// Requests that are complete in one buffer put their slices into an array that all connections
// share. A request that is not complete at the end of the bytes has its slices moved here, to
// memory of its own, and goes on there: so a connection owns memory for a request only while it has
// half of one.

import CRespParser
import Glibc

/// What a peer may send before it is refused.
struct ProtocolLimits {
    /// The longest inline request and the longest header line, bytes.
    static let lineBytes: UInt32 = 64 * 1024
    /// Arguments of a request, and bytes of one argument, before authentication.
    static let unauthenticatedArguments: Int64 = 10
    static let unauthenticatedBulkBytes: Int64 = 16 * 1024
    /// Bytes of arguments that are received into a block of their own.
    static let detachedBulkBytes: Int64 = 32 * 1024

    fileprivate var limits: crp_limits

    /// The limits of a client; `bulkLength` is proto-max-bulk-len.
    init(bulkLength: Int64, isAuthenticated: Bool) {
        limits = crp_limits(
            inline_length: Self.lineBytes,
            multibulk_count: isAuthenticated ? Int64(Int32.max) : Self.unauthenticatedArguments,
            bulk_length: isAuthenticated
                ? bulkLength : min(bulkLength, Self.unauthenticatedBulkBytes),
            authenticated: isAuthenticated ? 1 : 0)
    }
}

/// The array that requests of one read put their slices into.
struct SliceArena: ~Copyable {
    private(set) var slices: UnsafeMutablePointer<ArgumentSlice>
    private(set) var capacity: Int
    private var used = 0

    private static let initialCapacity = 4096

    init() {
        capacity = Self.initialCapacity
        slices = .allocate(capacity: capacity)
    }

    deinit {
        slices.deallocate()
    }

    @inline(__always)
    var next: UnsafeMutablePointer<ArgumentSlice> { slices + used }
    @inline(__always)
    var room: Int { capacity - used }

    @inline(__always)
    mutating func use(_ count: Int) {
        used &+= count
    }

    @inline(__always)
    mutating func removeAll() {
        used = 0
    }
}

/// The parser of one connection.
///
/// Ownership: owns the slices of a request that is not complete yet, and the list of its detached
/// arguments' blocks, not the blocks.
struct RequestParser: ~Copyable {
    enum Outcome {
        /// A request; if `isKept`, `release` is due after it was executed, before the next `parse`.
        case request(Request)
        case needsMore
        /// The arena is full: execute what there is, empty the arena, and call again.
        case arenaFull
        case failed
    }

    private var parser = crp_parser()
    private var kept: UnsafeMutablePointer<ArgumentSlice>?
    private var keptCapacity = 0
    /// The bytes of the detached arguments of the request in progress, in order.
    private var blocks: UnsafeMutablePointer<UnsafeMutableRawPointer>?
    private(set) var blockCount = 0
    /// `postpone` was called: what is kept is a complete request that has not run.
    private(set) var isPostponed = false
    private var postponedCount = 0
    /// The length of the last complete request, bytes.
    private(set) var length = 0

    deinit {
        kept?.deallocate()
        blocks?.deallocate()
    }

    /// Whether the slices of the request in progress are kept here.
    @inline(__always)
    var isKept: Bool { kept != nil }

    /// Whether the request that starts at `bytes` is a line of words and no array.
    @inline(__always)
    static func isInline(_ bytes: UnsafeMutableRawPointer) -> Bool {
        bytes.load(as: UInt8.self) != UInt8(ascii: "*")
    }

    /// Whether the inline request that starts at `bytes` begins with the end of its line.
    static func isBlank(_ bytes: UnsafeMutableRawPointer) -> Bool {
        let first = bytes.load(as: UInt8.self)
        return first == UInt8(ascii: "\n") || first == UInt8(ascii: "\r")
    }

    /// Parses one request from `bytes`, its first byte. On `.request`, `request` is filled, and the
    /// next one starts at `bytes + length`. On `.needsMore`, call again with the same bytes, moved
    /// or not, and more of them.
    @inline(__always)
    mutating func parse(
        _ bytes: UnsafeMutableRawPointer, count: Int, limits: UnsafePointer<ProtocolLimits>,
        arena: inout SliceArena
    ) -> Outcome {
        if isKept { return resume(bytes, count, limits) }
        let slices = arena.next
        let status = run(bytes, count, limits, slices, arena.room)
        guard status == CRP_COMPLETE else {
            return stop(status, bytes, count, limits, &arena)
        }
        let request = Request(
            base: UnsafeRawPointer(bytes), slices: UnsafePointer(slices),
            count: Int(parser.count), blocks: nil)
        arena.use(request.count)
        length = Int(parser.position)
        crp_reset(&parser)
        return .request(request)
    }

    /// A request that was just returned may not run yet: the next `parse`, of the same bytes, moved
    /// or not, returns it again.
    mutating func postpone(_ request: Request, length: Int) {
        if kept == nil {
            keptCapacity = max(1, request.count)
            let own = UnsafeMutablePointer<ArgumentSlice>.allocate(capacity: keptCapacity)
            own.update(from: request.slices, count: request.count)
            kept = own
        }
        self.length = length
        postponedCount = request.count
        isPostponed = true
    }

    /// Gives up the kept slices of a request that was executed.
    mutating func release() {
        kept?.deallocate()
        blocks?.deallocate()
        (kept, keptCapacity, blocks, blockCount) = (nil, 0, nil, 0)
        isPostponed = false
        crp_reset(&parser)
    }

    /// After `.failed`: what is wrong, as the client is told.
    var errorText: String {
        let text = String(cString: crp_error_text(parser.error))
        guard parser.error == CRP_ERROR_UNEXPECTED else { return text }
        let byte = String(UnicodeScalar(parser.unexpected))
        return text.split(separator: "%c", omittingEmptySubsequences: false).joined(separator: byte)
    }

    // MARK: - Detached arguments

    /// After `.needsMore`: the length of the argument that the bytes end in, if it is to be
    /// received outside of the buffer, and where in the request its bytes start.
    var detachable: (length: Int, position: Int)? {
        let length = withUnsafePointer(to: parser) { crp_pending_bulk($0) }
        guard length >= ProtocolLimits.detachedBulkBytes else { return nil }
        return (Int(length), Int(parser.position))
    }

    /// Takes that argument out of the stream: from now on the byte at `position` is the one after
    /// it. `block` is where its bytes will be when the request is complete.
    mutating func detach(to block: UnsafeMutableRawPointer) {
        guard let kept else { preconditionFailure("an incomplete request is kept") }
        if Int(parser.count) == keptCapacity { grow() }
        crp_detach_bulk(&parser, self.kept ?? kept)
        let grown = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: blockCount + 1)
        if let blocks {
            grown.update(from: blocks, count: blockCount)
            blocks.deallocate()
        }
        grown[blockCount] = block
        (blocks, blockCount) = (grown, blockCount + 1)
    }

    /// Tells that the last detached argument's block has moved.
    mutating func moveLastBlock(to block: UnsafeMutableRawPointer) {
        blocks?[blockCount - 1] = block
    }

    /// The blocks' bytes, of which the caller is to free those that nobody took.
    var blockAddresses: UnsafeBufferPointer<UnsafeMutableRawPointer> {
        UnsafeBufferPointer(start: blocks, count: blockCount)
    }

    // MARK: - Requests in pieces

    @inline(__always)
    private mutating func run(
        _ bytes: UnsafeMutableRawPointer, _ count: Int, _ limits: UnsafePointer<ProtocolLimits>,
        _ slices: UnsafeMutablePointer<ArgumentSlice>, _ capacity: Int
    ) -> crp_status {
        // ProtocolLimits is the C struct and nothing else.
        let limits = UnsafeRawPointer(limits).assumingMemoryBound(to: crp_limits.self)
        return crp_parse(
            &parser, limits, bytes.assumingMemoryBound(to: UInt8.self), count, slices,
            UInt32(truncatingIfNeeded: capacity))
    }

    @inline(never)
    private mutating func stop(
        _ status: crp_status, _ bytes: UnsafeMutableRawPointer, _ count: Int,
        _ limits: UnsafePointer<ProtocolLimits>, _ arena: inout SliceArena
    ) -> Outcome {
        if status == CRP_FAILED { return .failed }
        if status == CRP_NEED_SLICES && arena.room < arena.capacity {
            crp_reset(&parser)
            return .arenaFull
        }
        keep(arena.next)
        return status == CRP_NEED_MORE ? .needsMore : resume(bytes, count, limits)
    }

    @inline(never)
    private mutating func resume(
        _ bytes: UnsafeMutableRawPointer, _ count: Int, _ limits: UnsafePointer<ProtocolLimits>
    ) -> Outcome {
        if isPostponed, let kept {
            isPostponed = false
            return .request(
                Request(
                    base: UnsafeRawPointer(bytes), slices: UnsafePointer(kept),
                    count: postponedCount, blocks: UnsafePointer(blocks)))
        }
        while let slices = kept {
            switch run(bytes, count, limits, slices, keptCapacity) {
            case CRP_COMPLETE:
                length = Int(parser.position)
                return .request(
                    Request(
                        base: UnsafeRawPointer(bytes), slices: UnsafePointer(slices),
                        count: Int(parser.count), blocks: UnsafePointer(blocks)))
            case CRP_NEED_MORE: return .needsMore
            case CRP_NEED_SLICES: grow()
            default: return .failed
            }
        }
        return .failed
    }

    /// Moves the slices that there are from the arena to memory of the parser's own, with a place
    /// for the argument that the bytes may end in: its header was taken, its slice is to come.
    private mutating func keep(_ slices: UnsafeMutablePointer<ArgumentSlice>) {
        keptCapacity = max(16, Int(parser.count) + 1)
        let own = UnsafeMutablePointer<ArgumentSlice>.allocate(capacity: keptCapacity)
        own.update(from: slices, count: Int(parser.count))
        kept = own
    }

    private mutating func grow() {
        guard let old = kept else { return }
        let own = UnsafeMutablePointer<ArgumentSlice>.allocate(capacity: keptCapacity * 2)
        own.update(from: old, count: Int(parser.count))
        old.deallocate()
        (kept, keptCapacity) = (own, keptCapacity * 2)
    }
}
