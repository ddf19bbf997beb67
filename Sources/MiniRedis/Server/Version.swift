// SPDX-License-Identifier: BSD-3-Clause
//
// The two versions of this server: the Redis whose behaviour it promises, and its own.

/// What INFO, HELLO, `--version` and error texts say about this server.
enum Version {
    /// The Redis version whose commands, replies and error texts are implemented.
    static let redis = "7.2.5"
    /// The version of this server itself.
    static let server = "0.1.0"

    #if JEMALLOC
        /// The allocator of this build, as `--version` and INFO name it.
        static let allocator = "jemalloc-5.3.0"
    #else
        /// The allocator of this build, as `--version` and INFO name it.
        static let allocator = "libc"
    #endif
}
