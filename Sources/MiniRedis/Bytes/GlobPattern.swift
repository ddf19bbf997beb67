// SPDX-License-Identifier: BSD-3-Clause
//
// Redis's glob patterns (KEYS, SCAN MATCH, PSUBSCRIBE, ACL, CONFIG GET), in linear time.
//
// The idea. Whatever is not a star stands for exactly one byte, so a pattern is a row of segments
// of known lengths with stars between them:
//
//     head * segment * segment * tail
//
// The head must stand at the beginning of the text, the tail at its end, and each segment between
// them is looked for from the left: the first place is always good enough, because the star after
// it takes whatever a later place would have left over. There is no recursion and nothing is tried
// twice for two stars, which is what made the recursive matcher exponential. A text that is shorter
// than all segments together is refused before anything is looked at.
//
// The pattern is compiled to a program of bytes, so that classes need not be read for every byte of
// every key, escapes are gone and literals stand together:
//
//     star                        0
//     any                         1, count (8 bytes)
//     short literal               2, count (1 byte), its bytes
//     long literal                3, count (8 bytes), its bytes
//     ranges                      4, count (1 byte), pairs of first and last byte
//     set                         5, 32 bytes, a bit for each byte
//
// The hard case is fidelity: what a class means that is not closed, that is empty, whose range runs
// backwards, or a backslash at the end. `GlobCompiler` says it case by case. And an empty text is
// matched by the empty pattern only, not even by a star.
//
// Limits: a segment that begins with a literal is found with the C library's linear search; any
// other, and any that ignores case, is tried at each place, so that the worst case is the length of
// the text times that of the longest segment. The program is at most about six times the pattern.

import Glibc

/// A compiled pattern, which owns its memory: a background thread may use it.
struct GlobPattern: ~Copyable {
    private let program: ByteBuffer
    private let shape: GlobShape
    private let isIgnoringCase: Bool

    /// The pattern is exactly "*", which KEYS and SCAN take to mean every key, the empty one too.
    let matchesEverything: Bool

    /// Copies what it needs of the pattern's bytes.
    init(_ pattern: ByteView, ignoringCase: Bool = false) {
        var compiler = GlobCompiler(pattern, ignoringCase: ignoringCase)
        compiler.compile()
        shape = compiler.shape
        isIgnoringCase = ignoringCase
        matchesEverything = pattern.count == 1 && pattern[0] == GlobCompiler.starByte
        program = compiler.finish()
    }

    /// The whole text is described by the pattern.
    func matches(_ text: ByteView) -> Bool {
        if text.isEmpty { return program.isEmpty }
        guard text.count >= shape.minimumLength else { return false }
        var machine = GlobMachine(program.view, text, ignoringCase: isIgnoringCase)
        guard shape.hasStar else {
            return text.count == shape.minimumLength && machine.matchSegment(at: 0)
        }
        guard machine.matchSegment(at: 0) else { return false }
        let tailStart = text.count - shape.tailLength
        var at = shape.headLength
        while true {
            machine.skipStar()
            if machine.position == shape.tailOffset { return machine.matchSegment(at: tailStart) }
            guard let end = machine.findSegment(from: at, to: tailStart) else { return false }
            at = end
        }
    }
}

/// What is known of a pattern without running it; lengths are bytes of text.
struct GlobShape {
    var hasStar = false
    /// Before the first star.
    var headLength = 0
    /// After the last star.
    var tailLength = 0
    /// Where in the program the tail begins: after the last star.
    var tailOffset = 0
    /// All segments together.
    var minimumLength = 0
}

/// The kinds of instruction.
enum GlobCode {
    static let star: UInt8 = 0
    static let any: UInt8 = 1
    static let shortLiteral: UInt8 = 2
    static let longLiteral: UInt8 = 3
    static let ranges: UInt8 = 4
    static let set: UInt8 = 5
}

extension GlobPattern {
    /// As KEYS and SCAN match: the pattern `*` also matches the empty key.
    @inline(__always)
    func matchesKey(_ key: ByteView) -> Bool {
        matchesEverything || matches(key)
    }
}
