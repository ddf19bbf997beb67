// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of transactions.

extension ErrorReply {
    static let nestedMulti = ErrorReply("ERR MULTI calls can not be nested")
    static let execWithoutMulti = ErrorReply("ERR EXEC without MULTI")
    static let discardWithoutMulti = ErrorReply("ERR DISCARD without MULTI")
    static let watchInsideMulti = ErrorReply("ERR WATCH inside MULTI is not allowed")
    static let transactionAborted = ErrorReply(
        """
        EXECABORT Transaction discarded because of previous errors.
        """)
    static let shardsInTransaction = ErrorReply(
        """
        ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client
        """)
    static let notInTransaction = ErrorReply("ERR Command not allowed inside a transaction")
}
