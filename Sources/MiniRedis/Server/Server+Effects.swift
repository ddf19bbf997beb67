// SPDX-License-Identifier: BSD-3-Clause
//
// What happened in a turn goes to those who repeat it before any reply of the turn leaves: so what
// a client was told is on the backlog and in the append-only file.

/// Who takes the bytes of the streams of effects, once a turn; whoever sets one lets the log know
/// that he listens. They must not touch connections: they run while output is being written.
struct EffectTakers {
    var replication: (ByteView) -> Void = { _ in }
    var appendOnly: (ByteView) -> Void = { _ in }
}

extension Server {
    /// Hands over what happened since the last time.
    func deliverEffects() {
        let state = keyspace.state
        guard state.pointee.effects.isActive else { return }
        state.pointee.effects.replication.take(effectTakers.replication)
        state.pointee.effects.appendOnly.take(effectTakers.appendOnly)
    }
}
