// SPDX-License-Identifier: BSD-3-Clause
//
// Runs the program of a glob pattern over one text, segment by segment. The program comes from
// `GlobCompiler` and is trusted; the text is not.

struct GlobMachine {
    private let program: ByteView
    private let text: ByteView
    private let isIgnoringCase: Bool
    /// The next instruction.
    private(set) var position = 0

    /// What an instruction that is not a star means, and where the next one is.
    private struct Step {
        var code: UInt8
        /// Bytes of text it stands for.
        var length: Int
        /// The literal's bytes, the ranges or the set.
        var operand: ByteView
        var next: Int
    }

    init(_ program: ByteView, _ text: ByteView, ignoringCase: Bool) {
        self.program = program
        self.text = text
        isIgnoringCase = ignoringCase
    }

    /// Passes the star that stands at the position.
    mutating func skipStar() {
        assert(program[position] == GlobCode.star)
        position += 1
    }

    /// The segment at the position describes the text from `start`, where there is text enough.
    /// Then the position is behind the segment, else it has not moved.
    mutating func matchSegment(at start: Int) -> Bool {
        var at = start
        var instruction = position
        while instruction < program.count, program[instruction] != GlobCode.star {
            let step = decode(instruction)
            guard holds(step, at) else { return false }
            at += step.length
            instruction = step.next
        }
        position = instruction
        return true
    }

    /// Looks for the segment at the position in the text from `start` to before `limit`, and
    /// returns where the first place ends; the position is behind the segment then.
    mutating func findSegment(from start: Int, to limit: Int) -> Int? {
        let first = decode(position)
        let length = segmentLength()
        guard length <= limit - start else { return nil }
        let lastStart = limit - length
        var at = start
        while at <= lastStart {
            guard let place = candidate(first, from: at, to: lastStart) else { return nil }
            if matchSegment(at: place) { return place + length }
            at = place + 1
        }
        return nil
    }

    /// The first place, not after `lastStart`, at which the segment might begin.
    private func candidate(_ first: Step, from start: Int, to lastStart: Int) -> Int? {
        let isLiteral = first.code == GlobCode.shortLiteral || first.code == GlobCode.longLiteral
        guard isLiteral, !isIgnoringCase else { return start }
        let count = lastStart - start + first.length
        return text.slice(start, count).firstIndex(of: first.operand).map { start + $0 }
    }

    /// Bytes of text that the segment at the position stands for.
    private func segmentLength() -> Int {
        var length = 0
        var instruction = position
        while instruction < program.count, program[instruction] != GlobCode.star {
            let step = decode(instruction)
            length += step.length
            instruction = step.next
        }
        return length
    }

    private func holds(_ step: Step, _ at: Int) -> Bool {
        switch step.code {
        case GlobCode.any:
            return true
        case GlobCode.ranges:
            return isInRanges(step.operand, text[at])
        case GlobCode.set:
            return ByteSet.stored(at: step.operand.base, contains: text[at])
        default:
            let part = text.slice(at, step.length)
            return isIgnoringCase ? isFolded(step.operand, part) : step.operand == part
        }
    }

    private func isInRanges(_ ranges: ByteView, _ byte: UInt8) -> Bool {
        var at = 0
        while at < ranges.count {
            if byte >= ranges[at], byte <= ranges[at + 1] { return true }
            at += 2
        }
        return false
    }

    /// The literal, in lower case already, is the text but for the case of letters.
    private func isFolded(_ literal: ByteView, _ part: ByteView) -> Bool {
        for index in 0..<literal.count where literal[index] != ASCIICase.lower(part[index]) {
            return false
        }
        return true
    }

    private func decode(_ instruction: Int) -> Step {
        let code = program[instruction]
        let after = instruction + 1
        switch code {
        case GlobCode.any:
            return step(code, length: longCount(after), operand: 0, at: after + 8)
        case GlobCode.shortLiteral:
            let count = Int(program[after])
            return step(code, length: count, operand: count, at: after + 1)
        case GlobCode.longLiteral:
            let count = longCount(after)
            return step(code, length: count, operand: count, at: after + 8)
        case GlobCode.ranges:
            return step(code, length: 1, operand: Int(program[after]) * 2, at: after + 1)
        default:
            return step(code, length: 1, operand: ByteSet.storedSize, at: after)
        }
    }

    private func step(_ code: UInt8, length: Int, operand: Int, at start: Int) -> Step {
        Step(
            code: code, length: length, operand: program.slice(start, operand),
            next: start + operand)
    }

    private func longCount(_ at: Int) -> Int {
        Int(littleEndian: program.base.loadUnaligned(fromByteOffset: at, as: Int.self))
    }
}
