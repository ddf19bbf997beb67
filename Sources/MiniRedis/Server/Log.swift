// SPDX-License-Identifier: BSD-3-Clause
//
// The log, a line at a time, in Redis's format: `pid:role day month year time level text`. A log
// file is opened for each line, so that it may be rotated away at any moment. Never a reason to
// stop serving: what cannot be written is lost. Syslog gets the text too, if it is wanted.

import CProcess
import Glibc

/// Where the server tells what it does.
final class Log {
    enum Level: Int {
        case debug, verbose, notice, warning

        var mark: String {
            switch self {
            case .debug: "."
            case .verbose: "-"
            case .notice: "*"
            case .warning: "#"
            }
        }
    }

    /// The least level that is written.
    var level = Level.notice
    /// The path of the log file; empty for standard output.
    private(set) var path = ""
    private var writesSyslog = false

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Takes over where to write.
    func open(_ settings: Settings) {
        path = settings.logFile
        level = settings.logLevel.level
        writesSyslog = settings.syslogEnabled
        if writesSyslog {
            process_open_syslog(settings.syslogName, settings.syslogFacility.number)
        }
    }

    func write(_ level: Level, _ text: String) {
        guard level.rawValue >= self.level.rawValue else { return }
        raw(line(level, text))
        if writesSyslog { process_syslog(Int32(level.rawValue), text) }
    }

    /// The line that `write` writes.
    func line(_ level: Level, _ text: String) -> String {
        "\(getpid()):M \(Self.timestamp()) \(level.mark) \(text)\n"
    }

    /// Why a log cannot be written to this file, or nil. Asked at the start alone: later on the log
    /// is no reason to stop.
    static func refusal(of path: String) -> String? {
        guard !path.isEmpty else { return nil }
        let file = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { return String(cString: strerror(errno)) }
        close(file)
        return nil
    }

    /// Writes text as it is.
    func raw(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            if path.isEmpty {
                _ = Glibc.write(STDOUT_FILENO, base, bytes.count)
                return
            }
            let file = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else { return }
            _ = Glibc.write(file, base, bytes.count)
            close(file)
        }
    }

    /// `22 Nov 2026 17:42:33.123`, local time.
    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date =
            "\(padded(Int(parts.tm_mday), 2)) \(months[Int(parts.tm_mon)]) "
            + "\(Int(parts.tm_year) + 1900)"
        let time =
            "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):"
            + "\(padded(Int(parts.tm_sec), 2)).\(padded(now.tv_nsec / 1_000_000, 3))"
        return "\(date) \(time)"
    }
}

extension LogLevelSetting {
    var level: Log.Level {
        switch self {
        case .debug: .debug
        case .verbose: .verbose
        case .notice: .notice
        case .warning: .warning
        }
    }
}

extension SyslogFacility {
    /// 0 to 7 for the local ones, negative for `user`.
    fileprivate var number: Int32 {
        Int32(rawValue.dropFirst("local".count)) ?? -1
    }
}
