// SPDX-License-Identifier: BSD-3-Clause
//
// Where a socket is, in 24 bytes that are copied from the kernel at accept and turned into text
// only when somebody asks. It knows the layout of `sockaddr`; it must not know sockets.

import CUVShim
import Glibc

/// An IPv4 or IPv6 address with its port, or "a Unix socket" (whose path the listener knows).
struct SocketAddress: Equatable {
    enum Family: UInt8 {
        case unix, ipv4, ipv6
    }

    let family: Family
    /// In host order; zero for a Unix socket.
    let port: UInt16
    /// The address in network order; the first four bytes for IPv4.
    private let bytes: (UInt64, UInt64)

    /// The address of every Unix socket.
    static let unix = SocketAddress(family: .unix, port: 0, bytes: (0, 0))

    private init(family: Family, port: UInt16, bytes: (UInt64, UInt64)) {
        self.family = family
        self.port = port
        self.bytes = bytes
    }

    /// The address the kernel wrote; anything but the two internet families counts as Unix.
    init(_ storage: sockaddr_storage) {
        self = withUnsafeBytes(of: storage) { raw in
            let port = UInt16(bigEndian: raw.load(fromByteOffset: 2, as: UInt16.self))
            switch Int32(storage.ss_family) {
            case AF_INET:
                let word = UInt64(raw.load(fromByteOffset: 4, as: UInt32.self))
                return SocketAddress(family: .ipv4, port: port, bytes: (word, 0))
            case AF_INET6:
                let high = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                let low = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                return SocketAddress(family: .ipv6, port: port, bytes: (high, low))
            default:
                return .unix
            }
        }
    }

    /// The address this end of `descriptor` is bound to; `unix` if the kernel does not say.
    init(localOf descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        self = status == 0 ? SocketAddress(storage) : .unix
    }

    /// Whether only this machine can be at the other end: 127.0.0.0/8 (also mapped into IPv6), ::1,
    /// a Unix socket.
    var isLoopback: Bool {
        withUnsafeBytes(of: bytes) { raw in
            switch family {
            case .unix:
                return true
            case .ipv4:
                return raw[0] == 127
            case .ipv6:
                let isMapped = bytes.0 == 0 && raw[8] == 0 && raw[9] == 0
                if isMapped && raw[10] == 0xff && raw[11] == 0xff { return raw[12] == 127 }
                return bytes.0 == 0 && UInt64(bigEndian: bytes.1) == 1
            }
        }
    }

    /// "127.0.0.1:1234" or "[::1]:1234"; for a Unix socket the path it was bound to and port 0.
    func text(unixPath: String) -> String {
        switch family {
        case .unix: unixPath + ":0"
        case .ipv4: host + ":\(port)"
        case .ipv6: "[" + host + "]:\(port)"
        }
    }

    /// The address without its port, as the kernel's tools print it; empty for a Unix socket.
    var host: String {
        guard family != .unix else { return "" }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let version = family == .ipv4 ? AF_INET : AF_INET6
        let isWritten = withUnsafeBytes(of: bytes) { raw in
            inet_ntop(version, raw.baseAddress, &buffer, socklen_t(INET6_ADDRSTRLEN)) != nil
        }
        guard isWritten else { return "?" }
        return buffer.withUnsafeBufferPointer { text in
            text.baseAddress.map { String(cString: $0) } ?? "?"
        }
    }

    static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        left.family == right.family && left.port == right.port && left.bytes == right.bytes
    }
}
