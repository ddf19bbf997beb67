// SPDX-License-Identifier: BSD-3-Clause
//
// What a command that changed something tells those who repeat it: its own request, unless its
// handler says something else here. What depends on time or chance is said as its outcome.

extension DataContext {
    /// Whether anybody repeats what happens here.
    @inline(__always)
    var isRepeated: Bool { database.pointee.state.pointee.effects.isActive }

    /// Tells a request of `count` arguments, which `body` writes, instead of the command's own.
    /// May be called several times. Does nothing, and does not call, if nobody listens.
    @inline(__always)
    func propagate(_ count: Int, _ body: (inout EffectUnit) -> Void) {
        guard isRepeated else { return }
        frame.pointee.hasOwnEffect = true
        database.pointee.state.pointee.effects.add(count, in: database.pointee.index, body)
    }

    /// Tells the command's own request, although it may have changed nothing.
    func propagateRequest(to listeners: EffectAudience = .everyone) {
        guard isRepeated else { return }
        frame.pointee.hasOwnEffect = true
        database.pointee.state.pointee.effects.add(
            frame.pointee.request, in: database.pointee.index, for: listeners)
    }

    /// Tells nothing beside what was told explicitly, whatever is changed.
    func propagateNothingElse() {
        if isRepeated { frame.pointee.hasOwnEffect = true }
    }

    /// Tells that a key is gone.
    func propagateRemoval(of key: KeyArgument) {
        propagate(2) {
            $0.add("DEL")
            $0.add(key.bytes)
        }
    }
}
