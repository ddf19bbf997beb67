// SPDX-License-Identifier: BSD-3-Clause
//
// Where the server can be reached: the listeners at the start, and their change by CONFIG SET.

import Glibc

extension Server {
    /// Opens what the settings ask for.
    func listen() throws(NetworkError) {
        let settings = configuration.settings
        do throws(NetworkError) {
            if settings.port != 0 { listeners += try tcpListeners(settings) }
        } catch {
            log.write(.warning, "Warning: Could not create server TCP listening socket \(error)")
            log.write(.warning, "Failed listening on port \(settings.port) (tcp), aborting.")
            throw error
        }
        do throws(NetworkError) {
            if !settings.unixSocketPath.isEmpty {
                let permissions = settings.unixSocketPermissions
                listeners.append(
                    try Listener.unix(
                        loop: loop, path: settings.unixSocketPath,
                        permissions: permissions == 0 ? nil : UInt32(permissions),
                        backlog: Int32(clamping: settings.tcpBacklog)))
            }
        } catch {
            log.write(.warning, "Failed opening Unix socket: \(error)")
            throw error
        }
        if listeners.isEmpty {
            log.write(.warning, "Configured to not listen anywhere, exiting.")
            throw NetworkError("listen", code: 0)
        }
        metrics = try MetricsEndpoint(self)
        for listener in listeners { wire(listener) }
    }

    /// Answers scrapers where the settings say by now, or not at all; false if that cannot be.
    func relistenForMetrics() -> Bool {
        metrics?.close()
        do throws(NetworkError) {
            metrics = try MetricsEndpoint(self)
            return true
        } catch {
            metrics = nil
            return false
        }
    }

    private func tcpListeners(_ settings: Settings) throws(NetworkError) -> [Listener] {
        try Listener.tcp(
            loop: loop, addresses: settings.bindAddresses, port: UInt16(settings.port),
            backlog: Int32(clamping: settings.tcpBacklog),
            keepAliveSeconds: Int(settings.tcpKeepaliveSeconds))
    }

    private func wire(_ listener: Listener) {
        listener.onConnection = { [unowned self] in accept($0) }
        listener.onError = { [unowned self] in
            log.write(.warning, "Accepting client connection: \($0)")
        }
    }

    /// Listens on other TCP addresses instead of those so far; with false the old ones stay.
    func relisten(_ new: Settings, instead old: Settings) -> Bool {
        if replaceListeners(new) { return true }
        if !replaceListeners(old) {
            log.write(.warning, "The TCP addresses so far could not be listened on again.")
        }
        return false
    }

    /// The old sockets go first: a new one may be on the same port.
    private func replaceListeners(_ settings: Settings) -> Bool {
        let replaced = listeners.filter { $0.address.family != .unix }
        listeners.removeAll { $0.address.family != .unix }
        for listener in replaced { listener.close() }
        guard settings.port != 0, !settings.bindAddresses.isEmpty else { return true }
        do throws(NetworkError) {
            let opened = try tcpListeners(settings)
            for listener in opened { wire(listener) }
            listeners += opened
            return true
        } catch {
            log.write(.warning, "Warning: Could not create server TCP listening socket \(error)")
            return false
        }
    }
}
