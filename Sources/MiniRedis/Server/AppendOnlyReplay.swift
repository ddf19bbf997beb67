// SPDX-License-Identifier: BSD-3-Clause
//
// The commands of one file of an append-only file, run again.
//
// They take the way of a client's requests, in batches, with a session of their own that no
// connection belongs to. First the bytes are looked through: what is not complete, is none of our
// commands or no request at all is found before it runs. A slice of the work is about a
// millisecond, and the loop lives between slices.
//
//     buffer   [ requests that may run: `ready` ][ not looked at yet, or half of one ]
//              ^ `offset` in the file
//
// What runs here has happened: nobody is told of it, it counts for no statistics, nothing is
// refused for memory, and no key is due (`KeyspaceState.repeats`).

import Glibc

/// The replay of one file. Used by the loop alone.
final class AppendOnlyReplay {
    enum Outcome {
        case goesOn
        /// The file ended where a request ends.
        case finished
        /// It ended within a request or a transaction: everything before `sound` is whole.
        case truncated(sound: Int)
        /// What is at `sound` is no request.
        case malformed(sound: Int)
        case unknownCommand(String)
        case tooManyDatabases
        case unreadable(Int32)
    }

    private unowned let server: Server
    private let descriptor: Int32
    private let session: UnsafeMutablePointer<Session>
    private let parser: UnsafeMutablePointer<RequestParser>
    private let limits: UnsafeMutablePointer<ProtocolLimits>
    private var buffer = ByteBuffer()
    private var ready = 0
    /// Where the buffer's first byte is in the file.
    private(set) var offset: Int
    /// Where MULTI was, until EXEC.
    private var transactionStart: Int?
    private var isAtEnd = false

    /// One replay's requests in one run of the dispatcher, bytes: a fraction of a slice.
    private static let runBytes = 64 << 10
    private static let readBytes = 256 << 10
    private static let sliceNanoseconds: UInt64 = 1_000_000
    /// Longer than any string may be.
    private static let longestArgument: Int64 = 1 << 40

    /// Opens the file at `path`; what comes before `offset` is left out. Nil, with `errno`, if that
    /// fails.
    init?(server: Server, path: String, offset: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        lseek(descriptor, offset, SEEK_SET)
        self.server = server
        self.descriptor = descriptor
        self.offset = offset
        session = .allocate(capacity: 1)
        session.initialize(to: Session(id: -1, isAuthenticated: true, isLocal: true))
        parser = .allocate(capacity: 1)
        parser.initialize(to: RequestParser())
        limits = .allocate(capacity: 2)
        for index in 0..<2 {
            (limits + index).initialize(
                to: ProtocolLimits(bulkLength: Self.longestArgument, isAuthenticated: true))
        }
    }

    deinit {
        close(descriptor)
        server.dispatcher.pointee.discardTransaction(session)
        server.dispatcher.pointee.release(parser)
        parser.deinitialize(count: 1)
        parser.deallocate()
        session.deinitialize(count: 1)
        session.deallocate()
        limits.deallocate()
    }

    /// Does a slice of the work.
    func step() -> Outcome {
        let start = Clock.readMonotonicNanoseconds()
        repeat {
            while ready == 0 {
                switch look() {
                case .goesOn: continue
                case let end: return end
                }
            }
            guard run() else { return .malformed(sound: offset) }
        } while Clock.readMonotonicNanoseconds() - start < Self.sliceNanoseconds
        return .goesOn
    }

    // MARK: - Looking

    /// Finds requests that may run, or reads more; returns the end if there is nothing left to run.
    private func look() -> Outcome {
        var at = 0
        var problem: Outcome?
        look: while at < buffer.count && at < Self.runBytes {
            let rest = buffer.view.suffix(from: at)
            switch AppendOnlyScanner.first(rest) {
            case .request(let length, let nameStart, let nameLength, _):
                problem = check(rest.slice(nameStart, nameLength), rest, at: at)
                if problem != nil { break look }
                at += length
            case .annotation(let length, _):
                if at > 0 { break look }
                drop(length)
                return .goesOn
            case .incomplete: break look
            case .malformed: problem = .malformed(sound: transactionStart ?? offset + at)
            }
            if problem != nil { break }
        }
        ready = at
        if at > 0 { return .goesOn }
        if let problem { return problem }
        if !isAtEnd { return fill() }
        guard !buffer.isEmpty || transactionStart != nil else { return .finished }
        return .truncated(sound: transactionStart ?? offset)
    }

    /// Notes where transactions begin; returns why the request cannot run.
    private func check(_ name: ByteView, _ request: ByteView, at: Int) -> Outcome? {
        guard server.commandTable.index.find(name) != nil else {
            return .unknownCommand(name.prefix(min(128, name.count)).string)
        }
        guard (4...7).contains(name.count) else { return nil }
        if name.equalsFolded("multi") {
            transactionStart = offset + at
        } else if name.equalsFolded("exec") || name.equalsFolded("discard") {
            transactionStart = nil
        } else if name.equalsFolded("select"), let number = Self.secondArgument(request, name),
            let index = DecimalInteger.parse(number), index >= server.keyspace.databaseCount
        {
            return .tooManyDatabases
        }
        return nil
    }

    private static func secondArgument(_ request: ByteView, _ name: ByteView) -> ByteView? {
        let start = name.base - request.base + name.count + 2
        let rest = request.suffix(from: start)
        guard let lineEnd = rest.firstIndex(of: 10),
            let end = rest.suffix(from: lineEnd + 1).firstIndex(of: 13)
        else { return nil }
        return rest.slice(lineEnd + 1, end)
    }

    private func fill() -> Outcome {
        let wanted = max(Self.readBytes, buffer.count)
        let taken = read(descriptor, buffer.reserve(wanted), wanted)
        if taken > 0 { buffer.commit(taken) }
        if taken == 0 { isAtEnd = true }
        return taken < 0 && errno != EINTR ? .unreadable(errno) : .goesOn
    }

    private func drop(_ count: Int) {
        buffer.removeFirst(count)
        offset += count
        server.noteReplayed(count)
    }

    // MARK: - Running

    /// Runs what is ready, or as much of it as fits the dispatcher's share. False if the dispatcher
    /// finds it malformed.
    private func run() -> Bool {
        let output = server.loop.output
        let outputStart = output.pointee.count
        let quiet = QuietFrame(server)
        server.currentConnection = nil
        let (consumed, outcome) = server.dispatcher.pointee.process(
            buffer.base, count: ready, parser: parser, limits: limits, session: session)
        output.pointee.truncate(to: outputStart)
        quiet.restore(server)
        if session.pointee.hold.contains(.blocked) { server.dispatcher.pointee.endWait(-1) }
        session.pointee.hold = []
        ready -= consumed
        drop(consumed)
        switch outcome {
        case .malformed: return false
        case .needsMore: return consumed > 0
        case .held, .congested: return true
        }
    }
}

/// What a run of replayed commands must leave as it was.
private struct QuietFrame {
    private let audience: EffectAudience
    private let attention: ServerAttention
    private let statistics: [CommandStatistics]
    private let errors: ErrorStatistics
    private let slowCycles: UInt64
    private let tracksLatency: Bool
    private let isMemoryLimited: Bool
    private let session: UnsafeMutablePointer<Session>

    /// Silences everybody.
    init(_ server: Server) {
        let frame = server.frame
        let state = server.keyspace.state
        audience = state.pointee.effects.audience
        attention = frame.pointee.attention
        errors = server.observers.errors
        slowCycles = frame.pointee.slowCycles
        tracksLatency = frame.pointee.tracksLatency
        isMemoryLimited = server.dispatcher.pointee.isMemoryLimited
        session = frame.pointee.session
        let table = server.commandTable
        statistics = (0..<table.commands.count).map { table.statistics[$0] }
        for index in statistics.indices { table.statistics[index].histogram = nil }
        state.pointee.effects.remove(.everyone)
        frame.pointee.attention.formIntersection(.followed)
        frame.pointee.slowCycles = .max
        frame.pointee.tracksLatency = false
        server.dispatcher.pointee.isMemoryLimited = false
    }

    func restore(_ server: Server) {
        let frame = server.frame
        server.keyspace.state.pointee.effects.add(audience)
        let isFollowed = frame.pointee.attention.contains(.followed)
        frame.pointee.attention = attention.subtracting(.followed)
        if isFollowed { frame.pointee.attention.insert(.followed) }
        server.observers.errors = errors
        frame.pointee.slowCycles = slowCycles
        frame.pointee.tracksLatency = tracksLatency
        frame.pointee.session = session
        server.dispatcher.pointee.isMemoryLimited = isMemoryLimited
        for index in statistics.indices {
            server.commandTable.statistics[index] = statistics[index]
        }
    }
}
