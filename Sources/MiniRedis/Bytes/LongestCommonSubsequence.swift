// SPDX-License-Identifier: BSD-3-Clause
//
// The longest common subsequence of two strings, 64 cells of its matrix at a time.
//
// Idea. In the matrix L of lengths (L[i][j]: of the first i bytes of one string and the first j of
// the other) neighbours in a row differ by 0 or 1. A row is therefore a string of bits, "the length
// grows here", and the next row follows from it with an addition, two ANDs and an OR on whole words
// (Hyyroe 2004), given for each byte value the columns where it occurs:
//
//              c o l u m n s  (the shorter string)
//     row i    0 0 1 0 1 1 0          L[i][5] = bits before column 5 = 2
//     row i+1  0 1 0 0 1 1 1
//
// The way back from the last cell, which finds the bytes, needs three numbers at each step: here,
// above, and to the left. A step to the left subtracts a bit from each, and a step up counts the
// bits of one row: as many words as the way forward took. So the whole takes a sixty-fourth of the
// time of the matrix, and a thirty-second of its memory.
//
// Which of several longest subsequences is found is Redis's choice: from the end, equal bytes are
// taken; otherwise the first string is shortened if that leaves strictly more, else the second.
//
// Limits: memory is longer * ceil(shorter / 8) bytes, which the caller bounds.

import Glibc

/// The matrix of two strings. Ownership: owns its memory; the strings are the caller's and outlive
/// it.
struct LongestCommonSubsequence: ~Copyable {
    /// Equal bytes of both strings: `count` of them from `first` in the one and `second` in the
    /// other.
    struct Match {
        var first: Int
        var second: Int
        var count: Int
    }

    private let rows: ByteView
    private let columns: ByteView
    /// Whether the rows are those of the second string.
    private let isTransposed: Bool
    private let rowBytes: Int
    /// The bits of every row, if they are kept; a word more, so that whole words may be read.
    private let history: UnsafeMutableRawPointer?
    /// The length of the longest common subsequence.
    private(set) var length = 0

    /// Nil if there is no memory. Without `keepsRows` only the length is found.
    init?(_ first: ByteView, _ second: ByteView, keepsRows: Bool) {
        isTransposed = first.count < second.count
        rows = isTransposed ? second : first
        columns = isTransposed ? first : second
        rowBytes = (columns.count + 7) / 8
        let wordCount = (columns.count + 63) / 64
        history = keepsRows ? malloc(rows.count * rowBytes + 8) : nil
        if keepsRows && history == nil { return nil }
        // The row, and for each byte value its columns.
        guard let words = calloc(max(1, wordCount) * 257, 8) else {
            Glibc.free(history)
            return nil
        }
        length = Self.fill(
            rows, columns, words.bindMemory(to: UInt64.self, capacity: wordCount * 257), history)
        Glibc.free(words)
    }

    deinit {
        Glibc.free(history)
    }

    /// Calls `body` with the runs of matching bytes, the last first.
    func forEachMatch(_ body: (Match) -> Void) {
        var run = Match(first: 0, second: 0, count: 0)
        forEachPair { row, column in
            let (first, second) = isTransposed ? (column, row) : (row, column)
            if run.count > 0 && run.first == first + 1 && run.second == second + 1 {
                run = Match(first: first, second: second, count: run.count + 1)
            } else {
                if run.count > 0 { body(run) }
                run = Match(first: first, second: second, count: 1)
            }
        }
        if run.count > 0 { body(run) }
    }

    /// Calls with the bytes of the subsequence.
    func withText<Result>(_ body: (ByteView) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: max(1, length), alignment: 8) { room in
            guard let base = room.baseAddress else { preconditionFailure("room has a base") }
            var left = length
            forEachPair { row, _ in
                left -= 1
                base.storeBytes(of: rows[row], toByteOffset: left, as: UInt8.self)
            }
            return body(ByteView(base, count: length))
        }
    }

    // MARK: - The way forward

    /// Computes all rows and returns the length. `words` are zeros: one row, inverted as the
    /// formula wants it, and behind it the columns of each byte value.
    private static func fill(
        _ rows: ByteView, _ columns: ByteView, _ words: UnsafeMutablePointer<UInt64>,
        _ history: UnsafeMutableRawPointer?
    ) -> Int {
        let count = (columns.count + 63) / 64
        let rowBytes = (columns.count + 7) / 8
        let places = words + count
        for column in 0..<columns.count {
            places[Int(columns[column]) * count + column / 64] |= 1 << UInt64(column % 64)
        }
        words.update(repeating: .max, count: count)
        for row in 0..<rows.count {
            let here = places + Int(rows[row]) * count
            var carry: UInt64 = 0
            for at in 0..<count {
                let old = words[at]
                let matching = old & here[at]
                let (half, overflow) = old.addingReportingOverflow(matching)
                let (sum, more) = half.addingReportingOverflow(carry)
                carry = overflow || more ? 1 : 0
                words[at] = sum | (old & ~here[at])
            }
            if let history { memcpy(history + row * rowBytes, words, rowBytes) }
        }
        var length = 0
        for column in 0..<columns.count where words[column / 64] >> UInt64(column % 64) & 1 == 0 {
            length += 1
        }
        return length
    }

    // MARK: - The way back

    /// Calls with row and column of every pair of bytes of the subsequence, the last first.
    private func forEachPair(_ body: (Int, Int) -> Void) {
        var (row, column) = (rows.count, columns.count)
        var here = length
        var above = bits(row - 1, column)
        while row > 0 && column > 0 {
            if rows[row - 1] == columns[column - 1] {
                body(row - 1, column - 1)
                here = above - bit(row - 1, column - 1)
                row -= 1
                column -= 1
                above = bits(row - 1, column)
                continue
            }
            let left = here - bit(row, column - 1)
            if isTransposed ? left <= above : above > left {
                here = above
                row -= 1
                above = bits(row - 1, column)
            } else {
                above -= bit(row - 1, column - 1)
                here = left
                column -= 1
            }
        }
    }

    /// How much the length grows at `column` of `row`; row 0 is the one before the first byte.
    @inline(__always)
    private func bit(_ row: Int, _ column: Int) -> Int {
        guard row > 0, let history else { return 0 }
        let byte = history.load(
            fromByteOffset: (row - 1) * rowBytes + column / 8, as: UInt8.self)
        return Int(~byte >> UInt8(column % 8) & 1)
    }

    /// The length in `row` after `count` columns.
    private func bits(_ row: Int, _ count: Int) -> Int {
        guard row > 0, let history else { return 0 }
        let start = history + (row - 1) * rowBytes
        var (sum, at) = (0, 0)
        while at + 64 <= count {
            sum += (~start.loadUnaligned(fromByteOffset: at / 8, as: UInt64.self)).nonzeroBitCount
            at += 64
        }
        if at < count {
            let word = ~start.loadUnaligned(fromByteOffset: at / 8, as: UInt64.self)
            sum += (word & ((1 << UInt64(count - at)) - 1)).nonzeroBitCount
        }
        return sum
    }
}
