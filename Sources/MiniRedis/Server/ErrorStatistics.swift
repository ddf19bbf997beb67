// SPDX-License-Identifier: BSD-3-Clause
//
// How often each kind of error was answered: by the first word of its text, as INFO errorstats
// shows.

/// Counts errors by their first word.
struct ErrorStatistics {
    /// Kinds beyond this many are counted in `total` alone.
    static let mostKinds = 128
    /// A first word longer than this is a text without one.
    private static let mostPrefixBytes = 64

    private(set) var total = 0
    /// In the order of their first occurrence.
    private(set) var kinds: [(prefix: String, count: Int)] = []

    /// Counts the error whose line, with its leading dash, ends where `replies` do.
    mutating func count(lastLineOf replies: ByteView) {
        total += 1
        let line = Self.lastLine(of: replies)
        guard !line.isEmpty, line[0] == UInt8(ascii: "-") else { return }
        let text = line.suffix(from: 1)
        guard let end = text.firstIndex(of: UInt8(ascii: " ")), end > 0,
            end <= Self.mostPrefixBytes
        else { return add("ERR") }
        add(text.prefix(end).string)
    }

    /// The line that ends where `replies` do, without its line end.
    static func lastLine(of replies: ByteView) -> ByteView {
        let end = max(0, replies.count - 2)
        var start = end
        while start > 0 && replies[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return replies.slice(start, end - start)
    }

    private mutating func add(_ prefix: String) {
        if let index = kinds.firstIndex(where: { $0.prefix == prefix }) {
            kinds[index].count += 1
        } else if kinds.count < Self.mostKinds {
            kinds.append((prefix, 1))
        }
    }
}
