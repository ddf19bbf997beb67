// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of what concerns the append-only file.

extension ErrorReply {
    static let alreadyRewriting = ErrorReply(
        """
        ERR Background append only file rewriting already in progress
        """)
    static let rewriteFailed = ErrorReply(
        """
        ERR Can't execute an AOF background rewriting. Please check the server logs for more \
        information.
        """)
    static let waitNeedsAppendOnly = ErrorReply(
        """
        ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.
        """)
    static let durabilityWaitOnReplica = ErrorReply(
        """
        ERR WAITAOF cannot be used with replica instances. Please also note that writes to \
        replicas are just local and are not propagated.
        """)
    static let waitLocalRange = ErrorReply(
        """
        ERR value is out of range, value must between 0 and 1
        """)
}
