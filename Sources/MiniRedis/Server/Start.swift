// SPDX-License-Identifier: BSD-3-Clause
//
// From the process's arguments to a server: what the executable calls.

import Glibc

/// Starts a server as the arguments say (the first is the program's name), or prints what they ask
/// for. Returns the status for the process to end with.
///
/// Does not return from a server: it ends the process.
public func runMiniRedis(arguments: [String]) -> Int32 {
    switch LaunchArguments.interpret(arguments) {
    case .printAndExit(let text, let status, let toStandardError):
        var text = text
        text.withUTF8 { bytes in
            let file = toStandardError ? STDERR_FILENO : STDOUT_FILENO
            _ = bytes.baseAddress.map { write(file, $0, bytes.count) }
        }
        return status
    case .run(let configuration, let notices):
        if configuration.settings.replicaOf != nil {
            let text = "Mini-Redis cannot be a replica yet: start it without 'replicaof'.\n"
            text.withCString { _ = write(STDERR_FILENO, $0, strlen($0)) }
            return 1
        }
        do throws(NetworkError) {
            let server = try Server(configuration)
            for notice in notices { server.log.write(.notice, notice) }
            end(server, with: server.run())
        } catch {
            return 1
        }
    }
}

/// Ends the process while the server is whole: taking the keyspace apart would take time in
/// proportion to it, and jobs on other threads may be reading it. If there are any, `exit` would
/// wait for them: a save that is no longer wanted may take minutes.
private func end(_ server: Server, with status: Int32) -> Never {
    withExtendedLifetime(server) {
        if server.loop.runningJobs > 0 { _exit(status) }
        exit(status)
    }
}
