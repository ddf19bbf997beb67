// SPDX-License-Identifier: BSD-3-Clause
//
// The bit-parallel longest common subsequence beside the matrix that it stands for.

import Testing

@testable import MiniRedis

/// The textbook's matrix, walked back as Redis does.
private func reference(_ first: [UInt8], _ second: [UInt8]) -> [(Int, Int)] {
    var matrix = [[Int]](
        repeating: [Int](repeating: 0, count: second.count + 1), count: first.count + 1)
    for i in 0..<first.count {
        for j in 0..<second.count {
            matrix[i + 1][j + 1] =
                first[i] == second[j] ? matrix[i][j] + 1 : max(matrix[i][j + 1], matrix[i + 1][j])
        }
    }
    var (i, j, pairs) = (first.count, second.count, [(Int, Int)]())
    while i > 0 && j > 0 {
        if first[i - 1] == second[j - 1] {
            pairs.append((i - 1, j - 1))
            (i, j) = (i - 1, j - 1)
        } else if matrix[i - 1][j] > matrix[i][j - 1] {
            i -= 1
        } else {
            j -= 1
        }
    }
    return pairs
}

@Suite struct `The longest common subsequence` {
    @Test(arguments: [2, 3, 26, 256])
    func `is the one of the matrix`(letters: Int) {
        var random = RandomSource(seed: UInt64(letters))
        let sizes = [0, 1, 2, 7, 8, 9, 31, 63, 64, 65, 127, 128, 129, 200]
        func text() -> [UInt8] {
            let size = sizes[Int(random.below(UInt64(sizes.count)))]
            return (0..<size).map { _ in UInt8(random.below(UInt64(letters))) }
        }
        for _ in 0..<150 {
            let (first, second) = (text(), text())
            let expected = reference(first, second)
            let text = expected.reversed().map { first[$0.0] }
            withBytes(first) { one in
                withBytes(second) { other in
                    guard let found = LongestCommonSubsequence(one, other, keepsRows: true),
                        let length = LongestCommonSubsequence(one, other, keepsRows: false)
                    else {
                        Issue.record("there is memory")
                        return
                    }
                    var pairs: [(Int, Int)] = []
                    found.forEachMatch { match in
                        for at in (0..<match.count).reversed() {
                            pairs.append((match.first + at, match.second + at))
                        }
                    }
                    let isEqual = pairs.elementsEqual(expected, by: ==)
                    let bytes = found.withText(\.array)
                    let lengths = [found.length, length.length]
                    #expect(isEqual)
                    #expect(bytes == text)
                    #expect(lengths == [expected.count, expected.count])
                }
            }
        }
    }
}
