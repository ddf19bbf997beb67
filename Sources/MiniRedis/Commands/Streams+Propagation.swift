// SPDX-License-Identifier: BSD-3-Clause
//
// Streams: what those who repeat the changes of consumer groups are told. What a group gives and a
// consumer claims depends on time, so it is told as its outcome, entry by entry, as Redis tells it:
//
//     XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n FORCE JUSTID LASTID id
//     XGROUP SETID key group id ENTRIESREAD n

extension EffectUnit {
    mutating func add(_ id: StreamID) { add(dashed: id.milliseconds, id.sequence) }
}

/// A group that a command changes, as it is to be told.
struct RepeatedGroup {
    let context: DataContext
    let key: ByteView
    let name: ByteView

    /// What is pending under an identifier is with a consumer now. If the entry was deleted from
    /// the stream, whoever repeats this finds as much and forgets what is pending, too.
    func tellPending(_ id: StreamID, _ group: StreamGroupView) {
        guard context.isRepeated, let pending = group.pending(id) else { return }
        context.propagate(14) {
            $0.add("XCLAIM")
            $0.add(key)
            $0.add(name)
            $0.add(pending.consumer.view)
            $0.add("0")
            $0.add(id)
            $0.add("TIME")
            $0.add(pending.deliveryTime)
            $0.add("RETRYCOUNT")
            $0.add(pending.deliveryCount)
            $0.add("FORCE")
            $0.add("JUSTID")
            $0.add("LASTID")
            $0.add(group.lastID)
        }
    }

    /// The group was given entries up to its last identifier.
    func tellPosition(_ group: StreamGroupView) {
        context.propagate(7) {
            $0.add("XGROUP")
            $0.add("SETID")
            $0.add(key)
            $0.add(name)
            $0.add(group.lastID)
            $0.add("ENTRIESREAD")
            $0.add(group.entriesRead ?? -1)
        }
    }

    /// A consumer was made that has nothing pending, so that nothing else tells of it.
    func tellConsumer(_ consumer: ByteView) {
        context.propagate(5) {
            $0.add("XGROUP")
            $0.add("CREATECONSUMER")
            $0.add(key)
            $0.add(name)
            $0.add(consumer)
        }
    }
}
