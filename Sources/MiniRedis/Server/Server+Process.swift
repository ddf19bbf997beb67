// SPDX-License-Identifier: BSD-3-Clause
//
// The server as a process: what it does at its start and end for the system around it, and what
// signals mean to it.

import CProcess
import Glibc

/// What the process is beside a server.
struct ProcessState {
    var supervision: Supervision
    var isDaemon: Bool
    /// The program's name as it was started.
    var program: String
    var pidFile: PidFile?
    var outOfMemoryScore = OutOfMemoryScore()
}

extension Server {
    // MARK: - Start

    /// The hooks of the directives that change the process.
    func wireProcessSettings() {
        configuration.onChange["dir"] = { [unowned self] new, _ in
            guard chdir(new.directory) == 0 else { return String(cString: strerror(errno)) }
            return moveDataLock(new)
        }
        for name in ["dbfilename", "save"] {
            configuration.onChange[name] = { [unowned self] new, _ in moveDataLock(new) }
        }
        configuration.onChange["crash-log-enabled"] = { new, _ in
            process_report_crashes(new.crashLogEnabled)
            return nil
        }
        for name in ["oom-score-adj", "oom-score-adj-values"] {
            configuration.onChange[name] = { [unowned self] _, _ in applyOutOfMemoryScore() }
        }
        configuration.onChange["proc-title-template"] = { [unowned self] _, _ in
            setTitle() ? nil : "failed to set process title"
        }
    }

    /// What later reports of crashes need: from now on they go to the log.
    func prepareCrashReports() {
        log.path.withCString { path in
            "Mini-Redis \(Version.server) (Redis \(Version.redis))".withCString { version in
                var report = process_report(log_path: path, version: version)
                process_describe(&report)
            }
        }
        process_report_crashes(configuration.settings.crashLogEnabled)
    }

    /// Called when the server listens and has not begun to load: the title and the file with the
    /// process's id; signals end the process at once until the data is there.
    func settleProcess() {
        for (level, text) in process.supervision.notices { log.write(level, text) }
        process.pidFile = PidFile(configuration.settings, isDaemon: process.isDaemon)
        // First, for whoever sees the file may send a signal.
        process_end_on_signals(
            log.line(.warning, "Received shutdown signal during loading, exiting now."),
            process.pidFile?.path ?? "", configuration.settings.unixSocketPath)
        if let file = process.pidFile, let reason = file.write() {
            log.write(.warning, "Failed to write PID file '\(file.path)': \(reason)")
            process.pidFile = nil
        }
        if configuration.settings.setsProcessTitle { setTitle() }
        applyOutOfMemoryScore()
        log.write(
            .notice,
            "Saves do not fork here: transparent huge pages and vm.overcommit_memory do not matter "
                + "to them.")
        warnOfShortBacklog()
    }

    @discardableResult
    private func setTitle() -> Bool {
        guard configuration.settings.setsProcessTitle,
            let title = ProcessTitle(configuration.settings.processTitleTemplate)
        else { return true }
        return ProcessTitle.set(title.text(program: process.program, configuration))
    }

    private func warnOfShortBacklog() {
        guard case .text(let text) = ConfigurationPaths.contents(of: SystemCheck.backlogPath),
            let limit = Int64(text.filter(\.isNumber)), limit < configuration.settings.tcpBacklog
        else { return }
        log.write(
            .warning,
            "WARNING: The TCP backlog setting of \(configuration.settings.tcpBacklog) cannot be "
                + "enforced because \(SystemCheck.backlogPath) is set to the lower value of "
                + "\(limit).")
    }

    /// From now on the process ends by itself when it is asked to.
    func watchSignals() throws(NetworkError) {
        for signal in [SIGTERM, SIGINT] {
            signals.append(
                try SignalSource(loop: loop, signal: signal) { [unowned self] in
                    endBySignal(signal)
                })
        }
    }

    /// The data are there, and clients are served.
    func announceReadiness() {
        log.write(.notice, "Ready to accept connections tcp")
        process.supervision.tell("STATUS=Ready to accept connections")
        process.supervision.tell("READY=1")
    }

    // MARK: - End

    /// A signal asks for the end. The second SIGINT means it, whatever the first one waits for.
    func endBySignal(_ signal: Int32) {
        guard loading == nil else {
            log.write(.warning, "Received shutdown signal during loading, exiting now.")
            exitStatus = 0
            return loop.stop()
        }
        guard !isEnding else {
            guard signal == SIGINT else { return }
            log.write(.warning, "You insist... exiting now.")
            SnapshotFile.removeOwn(directory: configuration.settings.directory)
            leaveNoTrace()
            _exit(1)
        }
        let settings = configuration.settings
        let options = signal == SIGINT ? settings.shutdownOnInterrupt : settings.shutdownOnTerminate
        let name = signal == SIGINT ? "SIGINT" : "SIGTERM"
        log.write(.warning, "Received \(name) scheduling shutdown...")
        let saves =
            options.contains(.save) || !options.contains(.noSave) && !settings.savePoints.isEmpty
        end(saving: saves, force: options.contains(.force)) {}
    }

    /// Removes what says that the server is there.
    func leaveNoTrace() {
        process.pidFile?.remove()
        dataLock?.release()
        dataLock = nil
        for listener in listeners { listener.close() }
        listeners.removeAll()
        metrics?.close()
    }
}
