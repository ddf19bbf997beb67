// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of replication.

extension ErrorReply {
    static let notEnoughReplicas = ErrorReply(
        """
        NOREPLICAS Not enough good replicas to write.
        """)
    static let replicaUsesKeyspace = ErrorReply(
        """
        ERR Replica can't interact with the keyspace
        """)
    static let syncWithoutMaster = ErrorReply(
        """
        NOMASTERLINK Can't SYNC while not connected with my master
        """)
    static let syncWhileFailingOver = ErrorReply(
        """
        NOMASTERLINK Can't SYNC while failing over
        """)
    static let filteredReplicaNeedsMark = ErrorReply(
        """
        ERR Filtered replica requires EOF capability
        """)
    static let failoverToMaster = ErrorReply(
        """
        ERR PSYNC FAILOVER can't be sent to a master.
        """)
    static let failoverOfOtherHistory = ErrorReply(
        """
        ERR PSYNC FAILOVER replid must match my replid.
        """)
    static let waitOnReplica = ErrorReply(
        """
        ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a \
        replica is configured to be writable (which is not the default) writes to replicas are \
        just local and are not propagated.
        """)
}
