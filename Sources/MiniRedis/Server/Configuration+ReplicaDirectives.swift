// SPDX-License-Identifier: BSD-3-Clause
//
// The directives of a replica.

extension Configuration {
    static let replicaDirectives: [Setting] = [
        .typed("masterauth", \.masterPassword, .anything),
        .typed("masteruser", \.masterUser, .anything),
        .bool("replica-read-only", \.replicaIsReadOnly).alias("slave-read-only"),
        .bool("replica-serve-stale-data", \.replicaServesStaleData)
            .alias("slave-serve-stale-data"),
        .bool("replica-ignore-maxmemory", \.replicaIgnoresMaxMemory)
            .alias("slave-ignore-maxmemory"),
        .integer("replica-priority", \.replicaPriority, natural32).alias("slave-priority"),
        .bool("replica-announced", \.replicaIsAnnounced),
        .text("replica-announce-ip", \.replicaAnnouncedAddress).alias("slave-announce-ip"),
        .integer("replica-announce-port", \.replicaAnnouncedPort, portNumber)
            .alias("slave-announce-port"),
        .bool("replica-empty-master-guard", \.emptyMasterGuard),
        .text("bind-source-addr", \.bindSourceAddress),
    ]
}
