// SPDX-License-Identifier: BSD-3-Clause
//
// `--check-system`: settings of the operating system that make this server slower or smaller than
// it could be. It reads /proc and /sys and changes nothing. What matters to Redis for its forks
// (overcommit, copy on write) matters less here: a save is a thread.

import Glibc

/// A look at the system that the server would run on.
struct SystemCheck {
    static let backlogPath = "/proc/sys/net/core/somaxconn"
    private static let clockPath =
        "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    private static let hugePagesPath = "/sys/kernel/mm/transparent_hugepage/enabled"
    private static let overcommitPath = "/proc/sys/vm/overcommit_memory"

    enum Verdict: Equatable {
        case good, skipped
        case bad(String)

        var mark: String {
            switch self {
            case .good: "OK"
            case .skipped: "skipped"
            case .bad: "WARNING"
            }
        }
    }

    /// The text of a file of the system, nil if there is none.
    let read: (String) -> String?
    /// The most files that this process may have open.
    let openFileLimit: UInt64

    /// This machine.
    static var current: SystemCheck {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return SystemCheck(
            read: { path in
                guard case .text(let text) = ConfigurationPaths.contents(of: path) else {
                    return nil
                }
                return text.split(separator: "\n").first.map(String.init) ?? ""
            }, openFileLimit: UInt64(limit.rlim_max))
    }

    /// Every check's line, and whether all is well.
    func report() -> (text: String, isGood: Bool) {
        let checks: [(String, Verdict)] = [
            ("clocksource", clock), ("transparent-huge-pages", hugePages), ("backlog", backlog),
            ("open-files", openFiles), ("overcommit", overcommit),
        ]
        var text = ""
        var isGood = true
        for (name, verdict) in checks {
            text += "[\(name)]...\(verdict.mark)\n"
            guard case .bad(let advice) = verdict else { continue }
            isGood = false
            text += advice + "\n"
        }
        return (text, isGood)
    }

    private var clock: Verdict {
        guard let source = read(Self.clockPath) else { return .skipped }
        let fast = ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"]
        if fast.contains(source) { return .good }
        return .bad(
            "The clock source '\(source)' is read by a system call, several times a turn. If the "
                + "machine has a better one: echo tsc > \(Self.clockPath)")
    }

    private var hugePages: Verdict {
        guard let modes = read(Self.hugePagesPath) else { return .skipped }
        guard modes.contains("[always]") else { return .good }
        return .bad(
            "Transparent huge pages are always on: memory is given back late and small data take "
                + "large pages. As root: echo madvise > \(Self.hugePagesPath)")
    }

    private var backlog: Verdict {
        guard let limit = read(Self.backlogPath).flatMap({ Int64($0) }) else { return .skipped }
        guard limit < Settings().tcpBacklog else { return .good }
        return .bad(
            "At most \(limit) connections wait to be accepted, 'tcp-backlog' or not. As root: "
                + "sysctl net.core.somaxconn=\(Settings().tcpBacklog)")
    }

    private var openFiles: Verdict {
        let needed = UInt64(Settings().maxClients) + ClientControl.reservedDescriptors
        guard openFileLimit < needed else { return .good }
        return .bad(
            "The process may open \(openFileLimit) files, which is less than the default "
                + "'maxclients' needs (\(needed)). Raise it: ulimit -n \(needed)")
    }

    private var overcommit: Verdict {
        guard let mode = read(Self.overcommitPath) else { return .skipped }
        guard mode == "2" else { return .good }
        return .bad(
            "The kernel never overcommits memory: large allocations may be refused although "
                + "there is room. As root: sysctl vm.overcommit_memory=1")
    }
}
