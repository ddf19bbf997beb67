// SPDX-License-Identifier: BSD-3-Clause
//
// A connection that this process opens: from a host's name to a `Connection` with its delegate.
//
// A literal address is used at once; a name is looked up on the thread pool, since a resolver may
// take seconds. Its addresses are tried in order, each until it answers or fails; the time limit is
// for all of it. An attempt is a non-blocking socket that libuv watches until it can be written;
// then the kernel is asked what became of it. The socket is handed to a `Connection` only when it
// is connected, so a connection is the same thing whoever opened it.
//
// The attempt tells its result exactly once, never from within `init`, and not at all after
// `cancel()`.

import CUVShim
import Glibc
import Synchronization

/// Where to connect to and how.
struct OutgoingAddress: Sendable {
    /// A literal address or a name.
    var host: String
    var port: UInt16
    /// The address of this machine to come from (`bind-source-addr`); empty: the kernel's choice.
    var source = ""
    /// Milliseconds for everything.
    var timeout: UInt64 = 60_000

    /// "host:port", as errors name it.
    var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One attempt to connect.
final class OutgoingConnection {
    private let loop: EventLoop
    private let target: OutgoingAddress
    private var completion: ((Result<Connection, NetworkError>) -> Void)?
    private var timer: LoopTimer?
    private var watcher: SocketWatcher?
    private var candidates: [ResolvedAddress] = []
    private var next = 0
    private var lastError: NetworkError

    /// Begins to connect. `completion` is called on the loop with a connection, which has no
    /// delegate and does not read yet (give it one, then `start()`), or with the last address's
    /// error. The attempt keeps itself alive until then.
    init(
        loop: EventLoop, to target: OutgoingAddress,
        completion: @escaping (Result<Connection, NetworkError>) -> Void
    ) {
        self.loop = loop
        self.target = target
        self.completion = completion
        lastError = NetworkError("connect", code: EADDRNOTAVAIL, address: target.name)
        let timer = LoopTimer(loop: loop) { [self] in
            fail(NetworkError("connect", code: ETIMEDOUT, address: target.name))
        }
        self.timer = timer
        timer.start(afterMilliseconds: target.timeout)
        resolve()
    }

    /// Gives the attempt up; nothing is told any more.
    func cancel() {
        completion = nil
        tidy()
    }

    // MARK: - Steps

    private func resolve() {
        let target = target
        let answer = ResolverAnswer()
        // A literal address is not worth a thread, but its result must not be told from `init`.
        let literal = ResolverAnswer()
        literal.resolve(target, isLiteral: true)
        let isLiteral = literal.isFound
        loop.perform(
            work: { if !isLiteral { answer.resolve(target, isLiteral: false) } },
            completion: { [self] in resolved(isLiteral ? literal : answer) })
    }

    private func resolved(_ answer: ResolverAnswer) {
        // A loop that is being closed has closed the timer and starts nothing any more.
        guard completion != nil, timer?.isClosing == false else { return }
        switch answer.taken(name: target.name) {
        case .success(let addresses):
            candidates = addresses
            tryNext()
        case .failure(let error):
            fail(error)
        }
    }

    private func tryNext() {
        while next < candidates.count {
            let candidate = candidates[next]
            next += 1
            do throws(NetworkError) {
                let descriptor = try candidate.openSocket(target)
                watch(descriptor, candidate)
                return
            } catch {
                lastError = error
            }
        }
        fail(lastError)
    }

    private func watch(_ descriptor: Int32, _ candidate: ResolvedAddress) {
        watcher = SocketWatcher(loop: loop, descriptor: descriptor) { [self] in
            watcher?.release()
            watcher = nil
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            let status = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard status == 0, code == 0 else {
                lastError = NetworkError(
                    "connect", code: status == 0 ? code : errno, address: target.name)
                _ = Glibc.close(descriptor)
                return tryNext()
            }
            succeed(descriptor, candidate)
        }
    }

    private func succeed(_ descriptor: Int32, _ candidate: ResolvedAddress) {
        do throws(NetworkError) {
            let connection = try Connection(
                loop: loop, accepted: descriptor, peer: SocketAddress(candidate.storage))
            finish(.success(connection))
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: NetworkError) { finish(.failure(error)) }

    private func finish(_ result: Result<Connection, NetworkError>) {
        let told = completion
        completion = nil
        tidy()
        guard let told else {
            if case .success(let connection) = result { connection.close() }
            return
        }
        told(result)
    }

    /// Lets go of whatever could call back.
    private func tidy() {
        timer?.close()
        timer = nil
        watcher?.abandon()
        watcher = nil
    }
}

/// Tells once when a socket can be written or has failed.
private final class SocketWatcher: LoopHandle {
    private let descriptor: Int32
    private var handler: () -> Void

    init(loop: EventLoop, descriptor: Int32, handler: @escaping () -> Void) {
        self.descriptor = descriptor
        self.handler = handler
        super.init(loop: loop, byteCount: MemoryLayout<uv_poll_t>.size)
        let status = uv_poll_init(loop.uv, handle(as: uv_poll_t.self), descriptor)
        precondition(status == 0, "a new socket can always be watched")
        opened()
        uv_poll_start(handle(as: uv_poll_t.self), Int32(UV_WRITABLE.rawValue)) { handle, _, _ in
            let watcher = SocketWatcher.owner(handle?.pointee.data)
            watcher.loop.turnStarted()
            watcher.handler()
        }
    }

    private var ownsSocket = true

    /// Stops watching; the socket belongs to the caller.
    func release() {
        ownsSocket = false
        close()
    }

    /// Stops watching and closes the socket.
    func abandon() { close() }

    override func willClose() {
        // libuv must have forgotten the descriptor before anybody else may watch or close it.
        uv_poll_stop(handle(as: uv_poll_t.self))
        if ownsSocket { _ = Glibc.close(descriptor) }
    }

    override func didClose() { handler = {} }
}

/// One address of a host, as the kernel wants it.
private struct ResolvedAddress: Sendable {
    let storage: sockaddr_storage
    let length: socklen_t

    /// A socket on its way to this address; it belongs to the caller.
    func openSocket(_ target: OutgoingAddress) throws(NetworkError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(Int32(storage.ss_family), type, 0)
        guard descriptor >= 0 else { throw NetworkError("socket", address: target.name) }
        do throws(NetworkError) {
            try bindSource(descriptor, target)
            var one: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
            setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, size)
            let status = withAddress { Glibc.connect(descriptor, $0, length) }
            guard status == 0 || errno == EINPROGRESS else {
                throw NetworkError("connect", address: target.name)
            }
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    private func bindSource(
        _ descriptor: Int32, _ target: OutgoingAddress
    ) throws(NetworkError) {
        guard !target.source.isEmpty else { return }
        let answer = ResolverAnswer()
        answer.resolve(OutgoingAddress(host: target.source, port: 0), isLiteral: true)
        for address in try answer.taken(name: target.source).get()
        where address.storage.ss_family == storage.ss_family {
            let status = address.withAddress { Glibc.bind(descriptor, $0, address.length) }
            guard status == 0 else { throw NetworkError("bind", address: target.source) }
            return
        }
        throw NetworkError("bind", code: EAFNOSUPPORT, address: target.source)
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
        }
    }
}

/// What the resolver found; written by a thread, read by the loop afterwards.
private final class ResolverAnswer: Sendable {
    private struct Contents {
        var status: Int32 = EAI_NONAME
        var addresses: [ResolvedAddress] = []
    }

    private let contents = Mutex(Contents())

    /// Asks the resolver; blocks unless only literal addresses are wanted.
    func resolve(_ target: OutgoingAddress, isLiteral: Bool) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = isLiteral ? AI_NUMERICHOST | AI_NUMERICSERV : AI_NUMERICSERV
        hints.ai_family = AF_UNSPEC
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(target.host, String(target.port), &hints, &found)
        var addresses: [ResolvedAddress] = []
        var entry = found
        while let current = entry {
            if let address = Self.copy(current.pointee) { addresses.append(address) }
            entry = current.pointee.ai_next
        }
        if let found { freeaddrinfo(found) }
        let result = addresses
        contents.withLock { $0 = Contents(status: status, addresses: result) }
    }

    var isFound: Bool { contents.withLock { $0.status == 0 } }

    func taken(name: String) -> Result<[ResolvedAddress], NetworkError> {
        contents.withLock { contents in
            guard contents.status == 0, !contents.addresses.isEmpty else {
                return .failure(NetworkError(resolving: name, status: contents.status))
            }
            return .success(contents.addresses)
        }
    }

    private static func copy(_ entry: addrinfo) -> ResolvedAddress? {
        var storage = sockaddr_storage()
        let length = Int(entry.ai_addrlen)
        guard let address = entry.ai_addr, length <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        withUnsafeMutableBytes(of: &storage) { room in
            room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
        }
        return ResolvedAddress(storage: storage, length: entry.ai_addrlen)
    }
}
