// SPDX-License-Identifier: BSD-3-Clause
//
// From what the user wrote to listening sockets. All of it happens at start-up (or at CONFIG SET)
// and blocks. It knows Redis's notation for addresses; it must not know where they come from.
//
//     127.0.0.1  ::1  name     one address
//     *                        every IPv4 address
//     ::*  or  ::              every IPv6 address, and only those
//     -address                 the address may be missing on this machine

import Glibc

/// A bound and listening socket that nobody watches yet.
struct ListeningSocket {
    let descriptor: Int32
    let name: String
    let unixPath: String
}

extension Listener {
    /// Listens on a port of several addresses: on all of them or, if one fails, on none.
    ///
    /// An address is left out without an error if it is optional ("-" in front) and this machine
    /// does not have it, or if this machine does not have its protocol at all. So the result may
    /// be empty.
    ///
    /// - Parameters:
    ///   - port: zero for a free one, a different one for each address.
    ///   - keepAliveSeconds: see `setKeepAlive(seconds:)`.
    static func tcp(
        loop: EventLoop, addresses: [String], port: UInt16, backlog: Int32 = 511,
        keepAliveSeconds: Int = 300
    ) throws(NetworkError) -> [Listener] {
        var sockets: [ListeningSocket] = []
        for address in addresses {
            do throws(NetworkError) {
                sockets.append(try bind(address: address, port: port, backlog: backlog))
            } catch {
                if isTolerated(error, isOptional: address.first == "-") { continue }
                for socket in sockets { _ = Glibc.close(socket.descriptor) }
                throw error
            }
        }
        return sockets.map { socket in
            let listener = Listener(loop: loop, listening: socket)
            listener.setKeepAlive(seconds: keepAliveSeconds)
            return listener
        }
    }

    /// Listens on a path of the file system.
    ///
    /// The file is created for its owner alone and gets `permissions` afterwards, if there are any.
    /// A socket file that nobody listens on any more is replaced; any other file is an error.
    static func unix(
        loop: EventLoop, path: String, permissions: UInt32? = nil, backlog: Int32 = 511
    ) throws(NetworkError) -> Listener {
        removeStaleSocket(at: path)
        let descriptor = socket(AF_UNIX, socketType, 0)
        guard descriptor >= 0 else { throw NetworkError("socket", address: path) }
        do throws(NetworkError) {
            try bindUnix(descriptor, to: path)
            if let permissions, chmod(path, permissions) != 0 {
                throw NetworkError("chmod", address: path)
            }
            guard Glibc.listen(descriptor, backlog) == 0 else {
                throw NetworkError("listen", address: path)
            }
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
        return Listener(
            loop: loop,
            listening: ListeningSocket(descriptor: descriptor, name: path, unixPath: path))
    }

    private static let socketType = Int32(
        SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

    private static func isTolerated(_ error: NetworkError, isOptional: Bool) -> Bool {
        switch error.code {
        case EADDRNOTAVAIL: isOptional
        case ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPFNOSUPPORT, EAFNOSUPPORT: true
        default: false
        }
    }

    private static func bind(
        address written: String, port: UInt16, backlog: Int32
    ) throws(NetworkError) -> ListeningSocket {
        let host = written.first == "-" ? String(written.dropFirst()) : written
        let name = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let found = try resolve(host, port: port, name: name)
        defer { freeaddrinfo(found) }
        let descriptor = socket(found.pointee.ai_family, socketType, 0)
        guard descriptor >= 0 else { throw NetworkError("socket", address: name) }
        do throws(NetworkError) {
            try setOptions(of: descriptor, isIPv6: found.pointee.ai_family == AF_INET6, name: name)
            let status = Glibc.bind(
                descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen)
            guard status == 0 else {
                throw NetworkError("bind", address: name)
            }
            guard Glibc.listen(descriptor, backlog) == 0 else {
                throw NetworkError("listen", address: name)
            }
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
        return ListeningSocket(descriptor: descriptor, name: name, unixPath: "")
    }

    /// The first address of a literal or a name; to be freed by the caller.
    private static func resolve(
        _ host: String, port: UInt16, name: String
    ) throws(NetworkError) -> UnsafeMutablePointer<addrinfo> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        hints.ai_family = host.contains(":") ? AF_INET6 : AF_INET
        let node: String? = host == "*" || host == "::*" ? nil : host
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(node, String(port), &hints, &found)
        guard status == 0, let found else {
            throw NetworkError(resolving: name, status: status)
        }
        return found
    }

    private static func setOptions(
        of descriptor: Int32, isIPv6: Bool, name: String
    ) throws(NetworkError) {
        // A restarted server may use the port while connections of the last one are in TIME_WAIT.
        try turnOn(descriptor, SOL_SOCKET, SO_REUSEADDR, name: name)
        try turnOn(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, name: name)
        if isIPv6 { try turnOn(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, name: name) }
    }

    private static func turnOn(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, name: String
    ) throws(NetworkError) {
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard setsockopt(descriptor, level, option, &one, size) == 0 else {
            throw NetworkError("setsockopt", address: name)
        }
    }

    private static func bindUnix(_ descriptor: Int32, to path: String) throws(NetworkError) {
        guard let address = unixAddress(path) else {
            throw NetworkError("bind", code: ENAMETOOLONG, address: path)
        }
        // Between bind and chmod nobody else may connect.
        let mask = umask(0o077)
        let status = withSocketAddress(address) { Glibc.bind(descriptor, $0, $1) }
        let code = errno
        umask(mask)
        guard status == 0 else { throw NetworkError("bind", code: code, address: path) }
    }

    /// Removes a socket file that its server left behind. A server that still listens, or a file
    /// that is no socket, stays, and `bind` says so.
    private static func removeStaleSocket(at path: String) {
        guard SocketFile(path: path) != nil, let address = unixAddress(path) else { return }
        let probe = socket(AF_UNIX, socketType, 0)
        guard probe >= 0 else { return }
        defer { _ = Glibc.close(probe) }
        let status = withSocketAddress(address) { Glibc.connect(probe, $0, $1) }
        if status != 0 && errno == ECONNREFUSED { Glibc.unlink(path) }
    }

    private static func unixAddress(_ path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            let bytes = Array(path.utf8)
            guard !bytes.isEmpty, bytes.count < room.count, !bytes.contains(0) else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        return fits ? address : nil
    }

    private static func withSocketAddress(
        _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// A socket file by its identity, so that only the one that was made here is ever removed.
struct SocketFile {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// The socket at `path`; nil if there is none.
    init?(path: String) {
        var status = stat()
        guard !path.isEmpty, lstat(path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Removes the file unless another one took its place.
    func unlink() {
        guard let now = SocketFile(path: path), now.device == device, now.inode == inode else {
            return
        }
        Glibc.unlink(path)
    }
}
