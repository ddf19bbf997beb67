// SPDX-License-Identifier: BSD-3-Clause
//
// The errors of a replica, and of handing a master's part over.

extension ErrorReply {
    static let readOnlyReplica = ErrorReply(
        """
        READONLY You can't write against a read only replica.
        """)
    static let masterDown = ErrorReply(
        """
        MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.
        """)
    static let invalidMasterPort = ErrorReply("ERR Invalid master port")
    static let noReplicaOfDuringFailover = ErrorReply(
        """
        ERR REPLICAOF not allowed while failing over.
        """)
    static let noFailoverInProgress = ErrorReply("ERR No failover in progress.")
    static let failoverInProgress = ErrorReply("ERR FAILOVER already in progress.")
    static let failoverOfReplica = ErrorReply(
        """
        ERR FAILOVER is not valid when server is a replica.
        """)
    static let failoverNeedsReplicas = ErrorReply("ERR FAILOVER requires connected replicas.")
    static let failoverForce = ErrorReply(
        """
        ERR FAILOVER with force option requires both a timeout and target HOST and IP.
        """)
    static let failoverTimeout = ErrorReply("ERR FAILOVER timeout must be greater than 0")
    static let failoverTargetUnknown = ErrorReply(
        """
        ERR FAILOVER target HOST and PORT is not a replica.
        """)
    static let failoverTargetNotOnline = ErrorReply(
        """
        ERR FAILOVER target replica is not online.
        """)
}
