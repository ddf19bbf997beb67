// SPDX-License-Identifier: BSD-3-Clause
//
// From the process's arguments to a server: what the executable calls.

import Glibc

/// Starts a server as the arguments say (the first is the program's name), or prints what they ask
/// for. Returns the status for the process to end with.
///
/// Does not return from a server: it ends the process.
public func runMiniRedis(arguments: [String]) -> Int32 {
    if let (tool, program, words) = OfflineTool.find(arguments) {
        return tool.run(program, words) { say($0, to: STDOUT_FILENO) }
    }
    switch LaunchArguments.interpret(arguments) {
    case .printAndExit(let text, let status, let toStandardError):
        say(text, to: toStandardError ? STDERR_FILENO : STDOUT_FILENO)
        return status
    case .run(let configuration, let notices):
        guard let process = settle(configuration.settings, program: arguments.first ?? "") else {
            return 1
        }
        do throws(NetworkError) {
            let server = try Server(configuration, process)
            for notice in notices { server.log.write(.notice, notice) }
            end(server, with: server.run())
        } catch {
            say("\(error)\n")
            return 1
        }
    }
}

private func say(_ text: String, to file: Int32 = STDERR_FILENO) {
    var text = text
    text.withUTF8 { bytes in
        _ = bytes.baseAddress.map { write(file, $0, bytes.count) }
    }
}

/// Goes to the data's directory and, if asked to, away from the terminal: before there is a thread,
/// for threads do not come along. Nil, with the reason on standard error, if that is not possible.
private func settle(_ settings: Settings, program: String) -> ProcessState? {
    guard chdir(settings.directory) == 0 else {
        say("Can't chdir to '\(settings.directory)': \(String(cString: strerror(errno)))\n")
        return nil
    }
    if let reason = Log.refusal(of: settings.logFile) {
        let error = ConfigurationFileError.line(
            number: 0, text: "logfile \(ConfigurationText.quoted(settings.logFile))",
            reason: "Can't open the log file: \(reason)")
        say(error.text)
        return nil
    }
    let supervision = Supervision(settings.supervised)
    let isDaemon = settings.daemonize && !supervision.isActive
    if isDaemon, daemon(1, 0) != 0 {
        say("Can't go into the background: \(String(cString: strerror(errno)))\n")
        return nil
    }
    return ProcessState(supervision: supervision, isDaemon: isDaemon, program: program)
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
