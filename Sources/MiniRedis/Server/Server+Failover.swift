// SPDX-License-Identifier: BSD-3-Clause
//
// FAILOVER: this master lets a replica that has every write take its place. `Failover` decides;
// here is what it asks for.
//
// The target is told by the PSYNC of the one who was its master.

extension Server {
    func failOver(_ wish: FailoverWish) throws(ErrorReply) {
        guard replica.failover.state == .none else { throw .failoverInProgress }
        guard replication.role == .master else { throw .failoverOfReplica }
        guard !replication.replicas.isEmpty else { throw .failoverNeedsReplicas }
        guard !wish.isForced || wish.timeout != nil && wish.target != nil else {
            throw .failoverForce
        }
        let target = wish.target.map { FailoverTarget(host: $0.host, port: $0.port) }
        if let target {
            guard let known = failoverTargets.first(where: { $0.target == target }) else {
                throw .failoverTargetUnknown
            }
            guard known.isOnline else { throw .failoverTargetNotOnline }
            log.write(.notice, "FAILOVER requested to \(target.host):\(target.port).")
        } else {
            log.write(.notice, "FAILOVER requested.")
        }
        replica.perform(
            replica.failover.begin(
                target: target, isForced: wish.isForced, timeout: wish.timeout, replica.now))
    }

    func abortFailover() throws(ErrorReply) {
        let action = replica.failover.abort()
        guard action != .nothingToAbort else { throw .noFailoverInProgress }
        replica.perform(action)
    }

    /// Looks whether the failover that is under way can go on. Called when replicas have
    /// acknowledged, and ten times a second.
    func continueFailover() {
        guard replica.failover.state != .none else { return }
        deliverEffects()
        let written = replication.history.offset
        for known in failoverTargets where known.isOnline {
            replica.perform(
                replica.failover.acknowledged(
                    by: known.target, offset: known.acknowledged, written: written))
        }
        replica.perform(replica.failover.tick(replica.now))
    }

    /// Holds writes back, or lets them go on.
    fileprivate func pauseForFailover(_ isOn: Bool) {
        guard isOn else { return unpauseClients() }
        pauseClients(.writes, until: .max)
    }

    private var failoverTargets: [KnownReplica] {
        replication.replicas.map { replica in
            KnownReplica(
                target: FailoverTarget(
                    host: replica.host, port: replica.link.options.listeningPort),
                isOnline: replica.isOnline, acknowledged: replica.link.acknowledged)
        }
    }
}

/// A replica, as FAILOVER sees it.
private struct KnownReplica {
    var target: FailoverTarget
    var isOnline: Bool
    var acknowledged: Int64
}

extension ReplicaSide {
    func perform(_ action: FailoverAction) {
        defer {
            replication.isFailingOver = failover.state != .none
            replication.failoverState = "\(failover.infoName)"
        }
        switch action {
        case .none, .nothingToAbort: break
        case .pauseWrites: server.pauseForFailover(true)
        case .resumeWrites(let failure):
            log(.notice, "\(failure.text)")
            server.pauseForFailover(false)
        case .handOver(let target):
            let state =
                failover.isOverdue
                ? "\(target.host):\(target.port) time out exceeded" : "is synced"
            log(.notice, "Failover target \(state), failing over.")
            server.becomeReplica(of: MasterAddress(host: target.host, port: target.port))
        case .takeBack(let failure):
            log(.notice, "\(failure.text)")
            server.becomeMaster()
            server.pauseForFailover(false)
        case .finish:
            server.pauseForFailover(false)
        case .impossible(let text):
            log(.warning, "Failover: \(text)")
            assertionFailure(text)
        }
    }
}
