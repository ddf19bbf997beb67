// SPDX-License-Identifier: BSD-3-Clause
//
// The families of commands, and nothing else: a command is registered by being written in its
// family's list.

/// Every command of the server.
enum AllCommands {
    static func declarations() -> [Command] {
        Strings.reads + Strings.writes + Strings.conditional + Strings.exchanges + Strings.counters
            + Strings.floats + Strings.ranges + Strings.comparisons
            + Bitmaps.declarations + Bitmaps.combinations + Bitmaps.fields
            + HyperLogLogs.declarations + HyperLogLogs.checks
            + Keys.declarations + Keys.expiry + Keys.deadlines + Keys.walks + Keys.moves
            + Keys.objects + Keys.draws + Keys.sorts + Keys.dumps
            + Connections.declarations + Clients.declarations + Monitoring.declarations
            + ServerCommands.declarations + ServerCommands.facts
            + ServerCommands.swaps + AppendOnlyCommands.declarations
            + CommandIntrospection.declarations + Debugging.declarations
            + SlowLogCommands.declarations + LatencyCommands.declarations
            + MemoryCommands.declarations + Scripting.declarations + Scripting.evaluations
            + Extensions.declarations + Transactions.declarations
            + PubSubCommands.subscriptions + PubSubCommands.publishing
            + Lists.pushes + Lists.pops + Lists.reads + Lists.edits + Lists.moves + Lists.waits
            + Streams.declarations + Streams.additions + Streams.reads + Streams.groups
            + Streams.pendings + Streams.claims + Streams.facts
            + SortedSets.members + SortedSets.counts + SortedSets.ranges + SortedSets.removals
            + SortedSets.pops + SortedSets.walks + SortedSets.combinations
            + SortedSets.storedCombinations + SortedSets.waits
            + Sets.declarations + Sets.draws + Sets.algebra + Sets.stores
            + Hashes.writes + Hashes.reads + Hashes.draws + Hashes.expiries
            + Replication.declarations
            + Geo.declarations + Geo.searches + Geo.radii
            + ReplicaCommands.declarations
    }
}
