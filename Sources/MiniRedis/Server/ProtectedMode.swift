// SPDX-License-Identifier: BSD-3-Clause
//
// What a client from elsewhere is told while the server has no password and nobody said that it may
// be reached.

enum ProtectedMode {
    static let refusal: StaticString = """
        -DENIED Redis is running in protected mode because protected mode is enabled and no \
        password is set for the default user. In this mode connections are only accepted from the \
        loopback interface. If you want to connect from external computers, you may set up an \
        authentication password for the default user (requirepass), or disable protected mode with \
        'CONFIG SET protected-mode no' from the same host, or with the option '--protected-mode \
        no'. \
        Only do that if the server is not reachable from the internet.\r\n
        """
}
