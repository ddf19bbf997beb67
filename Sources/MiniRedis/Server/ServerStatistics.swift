// SPDX-License-Identifier: BSD-3-Clause
//
// Counters that belong to the server as a whole; INFO shows them, CONFIG RESETSTAT clears them.

struct ServerStatistics {
    var connectionsReceived = 0
    var connectionsRejected = 0
    var queryBufferDisconnections = 0
    var outputBufferDisconnections = 0
    var evictedClients = 0
}
