// SPDX-License-Identifier: BSD-3-Clause
//
// The families of commands, and nothing else: a command is registered by being written in its
// family's list.

/// Every command of the server.
enum AllCommands {
    static func declarations() -> [Command] {
        Strings.reads + Strings.writes + Strings.counters
            + Keys.declarations + Keys.expiry + Keys.deadlines + Keys.walks
            + Connections.declarations + ServerCommands.declarations
            + CommandIntrospection.declarations + Debugging.declarations
            + SlowLogCommands.declarations + LatencyCommands.declarations
            + MemoryCommands.declarations + Scripting.declarations + Scripting.evaluations
            + Extensions.declarations
    }
}
