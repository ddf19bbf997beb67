// SPDX-License-Identifier: BSD-3-Clause
//
// Failover: the coordinated hand-over of FAILOVER, seen from the master that steps down.
//
//     none -begin-> waiting     writes pause, so that a replica can catch up
//     waiting -a replica has everything-> handingOver    we become its replica and tell it, with
//                                                        PSYNC id byte FAILOVER, to be the master
//     waiting -timeout-> none (writes go on), or, with FORCE, handingOver all the same
//     handingOver -PSYNC accepted-> none                 writes go on: they are refused as any
//                                                        replica's
//     handingOver -PSYNC refused, ABORT-> none           we are the master again
//
// It knows neither clients nor links; the owner pauses, connects and logs.
//
// Source: https://redis.io/docs/latest/commands/failover/

/// A replica by the address that it announced.
struct FailoverTarget: Equatable, Sendable {
    var host: String
    var port: Int
}

/// What the owner is to do.
enum FailoverAction: Equatable, Sendable {
    case none
    /// Let no client write until the failover has ended.
    case pauseWrites
    /// Let clients write again; the failover came to nothing, for this reason.
    case resumeWrites(FailoverFailure)
    /// Become the replica of this server; ask with `PsyncRequest.isFailover`.
    case handOver(FailoverTarget)
    /// Become a master again, then let clients write; for this reason.
    case takeBack(FailoverFailure)
    /// The other one is the master now: let clients write again (they will be told READONLY).
    case finish
    /// The command is refused: nothing is in progress.
    case nothingToAbort
    /// The event cannot happen in this state: a defect of the owner, which nothing followed from.
    case impossible(String)
}

/// Why a failover came to nothing, in Redis's words.
enum FailoverFailure: Equatable, Sendable {
    case aborted
    case timeout
    case refused

    var text: StaticString {
        switch self {
        case .aborted: "Failover manually aborted"
        case .timeout: "Replica never caught up before timeout"
        case .refused: "Failover target rejected psync request"
        }
    }
}

/// The state of FAILOVER.
struct Failover: ~Copyable {
    enum State: Equatable, Sendable {
        case none
        /// With a target, or with whoever is first.
        case waiting(FailoverTarget?)
        case handingOver(FailoverTarget)
    }

    private(set) var state = State.none
    private var isForced = false
    /// The target was handed over to although it lacked writes: its time was up.
    private(set) var isOverdue = false
    private var endsAt: Int64?

    init() {}

    /// FAILOVER, after its arguments were checked.
    ///
    /// - Parameters:
    ///   - target: nil for any replica.
    ///   - isForced: hand over after the timeout even if the target lacks writes; needs a target
    ///     and a timeout.
    ///   - timeout: milliseconds; nil to wait for ever.
    mutating func begin(
        target: FailoverTarget?, isForced: Bool, timeout: Int64?, _ now: Int64
    ) -> FailoverAction {
        switch state {
        case .none:
            state = .waiting(target)
            isOverdue = false
            self.isForced = isForced
            endsAt = timeout.map { now.addingReportingOverflow($0) }
                .flatMap { $0.overflow ? nil : $0.partialValue }
            return .pauseWrites
        case .waiting, .handingOver:
            return .impossible("the command is refused while a failover is in progress")
        }
    }

    /// A replica has acknowledged `offset`; the stream's last byte is number `written`.
    mutating func acknowledged(
        by replica: FailoverTarget, offset: Int64, written: Int64
    ) -> FailoverAction {
        switch state {
        case .waiting(let target):
            guard target == nil || target == replica, offset == written else { return .none }
            state = .handingOver(replica)
            return .handOver(replica)
        case .none, .handingOver:
            // Acknowledgements come all the time, and the last ones after the decision.
            return .none
        }
    }

    /// Time has passed; call it at `deadline`, or more often.
    mutating func tick(_ now: Int64) -> FailoverAction {
        switch state {
        case .waiting(let target):
            guard let endsAt, now >= endsAt else { return .none }
            if isForced, let target {
                isOverdue = true
                state = .handingOver(target)
                return .handOver(target)
            }
            state = .none
            return .resumeWrites(.timeout)
        case .none, .handingOver:
            // The timeout is for catching up; the target is asked until it answers.
            return .none
        }
    }

    /// When `tick` may have something to do; nil: never.
    var deadline: Int64? {
        switch state {
        case .waiting: endsAt
        case .none, .handingOver: nil
        }
    }

    /// The target has answered the PSYNC.
    mutating func answered(accepted: Bool) -> FailoverAction {
        switch state {
        case .handingOver:
            state = .none
            return accepted ? .finish : .takeBack(.refused)
        case .none, .waiting:
            return .impossible("the target is asked only when it is handed over to")
        }
    }

    /// FAILOVER ABORT.
    mutating func abort() -> FailoverAction {
        switch state {
        case .none:
            return .nothingToAbort
        case .waiting:
            state = .none
            return .resumeWrites(.aborted)
        case .handingOver:
            state = .none
            return .takeBack(.aborted)
        }
    }

    /// The state as INFO says it (`master_failover_state`).
    var infoName: StaticString {
        switch state {
        case .none: "no-failover"
        case .waiting: "waiting-for-sync"
        case .handingOver: "failover-in-progress"
        }
    }
}
