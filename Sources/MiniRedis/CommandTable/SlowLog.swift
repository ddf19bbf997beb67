// SPDX-License-Identifier: BSD-3-Clause
//
// SlowLog: the last commands that took longer than a threshold, with the start of their arguments.
// It keeps what it is given; whoever runs commands decides what is slow.
//
// Limits: an entry keeps at most 32 arguments of at most 128 bytes each; what it left out is said
// in words in its place.

/// The slow commands of a server, newest last. Cold: only slow commands come here.
final class SlowLog {
    struct Entry {
        let id: Int64
        let unixSeconds: Int64
        let microseconds: Int64
        let arguments: [[UInt8]]
        let peer: String
        let clientName: String
    }

    private static let mostArguments = 32
    private static let mostArgumentBytes = 128
    private static let redacted = Array("(redacted)".utf8)

    /// slowlog-max-len.
    var capacity = 128 {
        didSet { trim() }
    }
    /// Entries from `first` on are in the log; those before it wait to be dropped together.
    private var entries: [Entry] = []
    private var first = 0
    private var nextID: Int64 = 0

    var count: Int { entries.count - first }

    /// The newest entries, at most `limit` of them, newest first.
    func newest(_ limit: Int) -> ReversedCollection<ArraySlice<Entry>> {
        entries[first...].suffix(limit).reversed()
    }

    /// Adds a command. `hides` says which arguments are secrets.
    func append(
        _ request: Request, hides: (Int) -> Bool, microseconds: Int64, unixSeconds: Int64,
        peer: String, clientName: String
    ) {
        let id = nextID
        nextID += 1
        guard capacity > 0 else { return }
        let kept = min(request.count, Self.mostArguments)
        var arguments: [[UInt8]] = []
        for index in 0..<kept {
            if index == kept - 1 && request.count > kept {
                let text = "... (\(request.count - kept + 1) more arguments)"
                arguments.append(Array(text.utf8))
            } else {
                arguments.append(hides(index) ? Self.redacted : Self.trimmed(request[index]))
            }
        }
        entries.append(
            Entry(
                id: id, unixSeconds: unixSeconds, microseconds: microseconds,
                arguments: arguments, peer: peer, clientName: clientName))
        trim()
    }

    /// Forgets all entries; their numbers go on.
    func removeAll() {
        entries = []
        first = 0
    }

    private static func trimmed(_ argument: ByteView) -> [UInt8] {
        let kept = argument.prefix(min(argument.count, mostArgumentBytes))
        var bytes = (0..<kept.count).map { kept[$0] }
        if argument.count > mostArgumentBytes {
            bytes += Array("... (\(argument.count - mostArgumentBytes) more bytes)".utf8)
        }
        return bytes
    }

    private func trim() {
        first = max(first, entries.count - capacity)
        guard first > 64 && first > entries.count / 2 || first == entries.count else { return }
        entries.removeFirst(first)
        first = 0
    }
}
