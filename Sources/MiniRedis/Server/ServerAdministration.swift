// SPDX-License-Identifier: BSD-3-Clause
//
// What commands may ask of the server, except the work in the background (`Server+Jobs`).

extension Server: Administration {
    var version: String { Version.redis }
    var unixMicroseconds: Int64 { loop.clock.pointee.unixMicroseconds }
    var lastSaveAt: Int64 { persistence.lastSaveAt }
    var requiredPassword: String { configuration.settings.requirePass }

    func information(sections: [String]) -> String {
        InfoReport(server: self).text(sections: sections)
    }

    func settings(matching patterns: [String]) -> [(String, String)] {
        configuration.get(patterns: patterns)
    }

    func changeSettings(_ pairs: [(String, String)], from session: borrowing Session) -> String? {
        let mayChangeProtected = allows(
            configuration.settings.enableProtectedConfigs, isLocal: session.isLocal)
        if let error = configuration.set(pairs, mayChangeProtected: mayChangeProtected) {
            return error.text
        }
        applySettings()
        return nil
    }

    func allowsDebug(_ session: borrowing Session) -> Bool {
        allows(configuration.settings.enableDebugCommand, isLocal: session.isLocal)
    }

    func allows(_ permission: LocalPermission, isLocal: Bool) -> Bool {
        switch permission {
        case .no: false
        case .local: isLocal
        case .yes: true
        }
    }

    func resetStatistics() {
        commandTable.resetStatistics()
        loop.statistics.pointee.reset()
        loop.traffic.pointee.reset()
        keyspace.state.pointee.statistics = KeyspaceStatistics()
        statistics = ServerStatistics()
        replication.counters = ReplicationState.Counters()
        observers.errors = ErrorStatistics()
        observers.longestTurnCause = ""
    }

    func log(_ text: String) {
        log.write(.warning, text)
    }
}
