// SPDX-License-Identifier: BSD-3-Clause
//
// oom-score-adj: how soon the kernel ends this process when the machine has no memory left.
//
//     no                 as the process was started; what was changed before is undone
//     yes, relative      what it was started with, and the value of its role
//     absolute           the value of its role
//
// The values are a master's, a replica's and a child's. There are no children: saves are threads,
// which have the process's score, so the third value applies never.
//
// Source: https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html

import Glibc

/// What `oom-score-adj` says.
enum OutOfMemoryScoreMode: String, SettingChoice {
    case no, yes, relative, absolute
}

extension SettingFormat where Value == OutOfMemoryScoreMode {
    /// `relative` is another word for `yes`, which CONFIG GET answers.
    static var scoreMode: SettingFormat {
        let choice = SettingFormat.choice
        return SettingFormat(
            parse: { words throws(SettingRefusal) in
                let mode = try choice.parse(words)
                return mode == .relative ? .yes : mode
            },
            print: choice.print)
    }
}

/// The process's score, and what it was before it was changed.
struct OutOfMemoryScore {
    private static let path = "/proc/self/oom_score_adj"
    /// What the kernel takes.
    private static let range = -1000...1000

    /// What the process had when its score was first changed; nil if it is not.
    private var base: Int?

    /// Sets what the settings ask for; returns why it could not, or nil.
    mutating func apply(_ settings: Settings, isReplica: Bool) -> String? {
        let value = settings.outOfMemoryScores[isReplica ? 1 : 0]
        switch settings.outOfMemoryScoreMode {
        case .no:
            guard let base else { return nil }
            let refusal = Self.write(base)
            if refusal == nil { self.base = nil }
            return refusal
        case .yes, .relative:
            guard let start = base ?? Self.read() else { return "cannot read \(Self.path)" }
            base = start
            return Self.write(start + value)
        case .absolute:
            guard let start = base ?? Self.read() else { return "cannot read \(Self.path)" }
            base = start
            return Self.write(value)
        }
    }

    private static func read() -> Int? {
        guard case .text(let text) = ConfigurationPaths.contents(of: path) else { return nil }
        return Int(text.filter { $0.isNumber || $0 == "-" })
    }

    private static func write(_ score: Int) -> String? {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return String(cString: strerror(errno)) }
        defer { close(file) }
        var text = "\(min(max(score, range.lowerBound), range.upperBound))\n"
        let count = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) }
        return count == text.utf8.count ? nil : String(cString: strerror(errno))
    }
}

extension Server {
    /// Brings the process's score to what settings and role ask for: at the start, after CONFIG
    /// SET, and when the role changes. Returns a refusal for CONFIG SET, or nil; the reason is in
    /// the log.
    @discardableResult
    func applyOutOfMemoryScore() -> String? {
        guard
            let reason = process.outOfMemoryScore.apply(
                configuration.settings, isReplica: replication.role == .replica)
        else { return nil }
        log.write(.warning, "Unable to write oom_score_adj: \(reason)")
        return "Failed to set current oom_score_adj. Check server logs."
    }
}
