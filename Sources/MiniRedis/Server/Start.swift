// SPDX-License-Identifier: BSD-3-Clause
//
// From the process's arguments to a server: what the executable calls.

import Glibc

/// Starts a server as the arguments say (the first is the program's name), or prints what they ask
/// for. Returns the status for the process to end with.
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
            return server.run()
        } catch {
            return 1
        }
    }
}
