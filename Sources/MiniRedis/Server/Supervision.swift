// SPDX-License-Identifier: BSD-3-Clause
//
// Whoever started the process and wants to be told how it fares: systemd by datagrams to the socket
// that it names, upstart by the process stopping itself once it is ready.
//
// Source: sd_notify(3); https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/

import CProcess
import Glibc

/// The service manager above this process, if there is one and the settings mention it.
struct Supervision {
    private(set) var kind: Supervisor
    /// What there is to say of the search for it, for the log.
    private(set) var notices: [(Log.Level, String)] = []

    /// Finds out who supervises, and tells systemd that the start has begun.
    init(_ wanted: Supervisor) {
        kind = wanted
        if wanted == .auto {
            kind = getenv("UPSTART_JOB") != nil ? .upstart : .no
            if kind == .no, getenv("NOTIFY_SOCKET") != nil { kind = .systemd }
        }
        switch kind {
        case .no, .auto: break
        case .upstart: stopUntilContinued()
        case .systemd:
            if process_notify("STATUS=Redis is loading...\n") > 0 {
                notices.append(
                    (
                        .notice,
                        "Supervised by systemd. Please make sure you set appropriate values for "
                            + "TimeoutStartSec and TimeoutStopSec in your service unit."
                    ))
            } else {
                notices.append(
                    (.warning, "systemd supervision error: NOTIFY_SOCKET not found!"))
                kind = .no
            }
        }
    }

    private mutating func stopUntilContinued() {
        guard getenv("UPSTART_JOB") != nil else {
            notices.append(
                (.warning, "Upstart supervision requested, but UPSTART_JOB not found!"))
            kind = .no
            return
        }
        notices.append((.notice, "Supervised by upstart, stopped until it was told to go on."))
        raise(SIGSTOP)
        unsetenv("UPSTART_JOB")
    }

    /// Whether somebody supervises; who does needs no daemon.
    var isActive: Bool { kind != .no }

    func tell(_ message: String) {
        guard kind == .systemd else { return }
        _ = process_notify(message + "\n")
    }
}
