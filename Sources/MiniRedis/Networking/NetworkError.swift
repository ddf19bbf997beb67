// SPDX-License-Identifier: BSD-3-Clause
//
// What goes wrong between this process and the kernel, with the words an operator needs. It knows
// errno and libuv's codes (which are errno, negated); it must not know what is done about them.

import Glibc

/// A system call that failed. Cold: it is made at start-up, or once for a connection.
struct NetworkError: Error, Equatable, CustomStringConvertible {
    /// What it was done to, as the user wrote it: "127.0.0.1:6379" or a path; may be
    /// empty.
    let address: String
    /// The call: "bind", "accept".
    let operation: String
    /// The reason, as errno numbers it.
    let code: Int32
    /// The resolver's own words; it does not answer in errno.
    private let resolverText: String?

    init(_ operation: String, code: Int32 = errno, address: String = "") {
        self.operation = operation
        self.code = code
        self.address = address
        resolverText = nil
    }

    /// A name that the resolver could not turn into an address; `status` is what getaddrinfo gave.
    init(resolving address: String, status: Int32) {
        operation = "Name or service"
        code = EINVAL
        self.address = address
        resolverText = gai_strerror(status).map { String(cString: $0) }
    }

    /// The call and the reason: "bind: Address already in use".
    var text: String {
        if let resolverText { return resolverText }
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "\(operation): \(code)" }
        return buffer.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return operation }
            return operation + ": " + String(cString: base)
        }
    }

    /// The address and the reason: "127.0.0.1:6379: bind: Address already in use".
    var description: String {
        address.isEmpty ? text : address + ": " + text
    }
}
