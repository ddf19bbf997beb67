// SPDX-License-Identifier: BSD-3-Clause
//
// Dispatcher: the limit of memory, before a command that wants more.

extension Dispatcher {
    /// Keys that go before one command or at the end of a turn, at most: half a millisecond.
    static let evictionBudget = 150

    /// Whether the limit of memory lets a command run.
    @inline(__always)
    func hasRoom(for record: Int) -> Bool {
        !isMemoryLimited || !commands.records[record].flags.contains(.denyOutOfMemory)
            || makeRoom()
    }

    /// Brings the keys nearer to the limit of memory; false if they are above it and none may go.
    @inline(never)
    func makeRoom() -> Bool {
        guard keyspace.isOverLimit else { return true }
        defer { state.pointee.effects.endUnit(isAtomic: false) }
        return keyspace.evict(budget: Self.evictionBudget) != .nothingLeft
    }

    @inline(never)
    func refuseForMemory(_ record: Int) {
        statistics[record].rejected += 1
        frame.pointee.reply.error(.outOfMemory, command: table.names[record])
    }
}
