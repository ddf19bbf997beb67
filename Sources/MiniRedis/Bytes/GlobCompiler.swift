// SPDX-License-Identifier: BSD-3-Clause
//
// Reads a glob pattern and writes the program that `GlobPattern` describes.
//
// What odd patterns mean, all observed from the outside:
//
// - A backslash makes the next byte a literal; at the end of the pattern it is one itself.
// - `[` opens a class. `^` right after it negates. `]` closes it, wherever it stands: `[]a]` is a
//   class of nothing (and then "a]"), `[^]` is any byte.
// - In a class a backslash makes the next byte a member (even `]`), and that byte begins no range.
//   A backslash that is the pattern's last byte is a member itself.
// - `x-y` is a range if there is a byte for `y` in the pattern, whatever it is: `[a-]` is a range
//   that ends with `]` in a class that is not closed. Bytes are signed: 0x80 to 0xff come first.
//   A range that runs backwards is turned round.
// - A class that is not closed ends with the pattern.
// - Ignoring case, both ends of a range are lower-cased after they were put in order, and escaped
//   members are not lower-cased at all.

struct GlobCompiler: ~Copyable {
    static let starByte = UInt8(ascii: "*")

    private let source: ByteView
    private let isIgnoringCase: Bool
    private var at = 0
    private var program: ByteBuffer
    private var segmentLength = 0
    private(set) var shape = GlobShape()

    /// The view must live until `compile` has returned.
    init(_ pattern: ByteView, ignoringCase: Bool) {
        source = pattern
        isIgnoringCase = ignoringCase
        program = ByteBuffer(capacity: pattern.isEmpty ? 0 : pattern.count + 16)
    }

    /// The program; the compiler is done.
    consuming func finish() -> ByteBuffer { program }

    mutating func compile() {
        while at < source.count {
            switch source[at] {
            case Self.starByte: compileStars()
            case UInt8(ascii: "?"): compileAny()
            case UInt8(ascii: "["): compileClass()
            default: compileLiteral()
            }
        }
        shape.minimumLength += segmentLength
        shape.tailLength = segmentLength
    }

    private mutating func compileStars() {
        while at < source.count, source[at] == Self.starByte { at += 1 }
        program.append(byte: GlobCode.star)
        if !shape.hasStar { shape.headLength = segmentLength }
        shape.hasStar = true
        shape.minimumLength += segmentLength
        shape.tailOffset = program.count
        segmentLength = 0
    }

    private mutating func compileAny() {
        let start = at
        while at < source.count, source[at] == UInt8(ascii: "?") { at += 1 }
        program.append(byte: GlobCode.any)
        program.append(littleEndian: at - start)
        segmentLength += at - start
    }

    private mutating func compileLiteral() {
        let start = at
        var count = 0
        while let _ = nextLiteral() { count += 1 }
        at = start
        if count <= UInt8.max {
            program.append(byte: GlobCode.shortLiteral)
            program.append(byte: UInt8(count))
        } else {
            program.append(byte: GlobCode.longLiteral)
            program.append(littleEndian: count)
        }
        while let byte = nextLiteral() {
            program.append(byte: isIgnoringCase ? ASCIICase.lower(byte) : byte)
        }
        segmentLength += count
    }

    private mutating func nextLiteral() -> UInt8? {
        guard at < source.count else { return nil }
        switch source[at] {
        case Self.starByte, UInt8(ascii: "?"), UInt8(ascii: "["):
            return nil
        case UInt8(ascii: "\\") where at + 1 < source.count:
            at += 2
            return source[at - 1]
        default:
            at += 1
            return source[at - 1]
        }
    }

    private mutating func compileClass() {
        at += 1
        var members = ByteSet()
        let isNegated = at < source.count && source[at] == UInt8(ascii: "^")
        if isNegated { at += 1 }
        while at < source.count {
            let byte = source[at]
            let left = source.count - at
            if byte == UInt8(ascii: "\\"), left >= 2 {
                let member = source[at + 1]
                members.formUnion(ByteSet(from: member, to: member))
                at += 2
            } else if byte == UInt8(ascii: "]") {
                at += 1
                break
            } else if left >= 3, source[at + 1] == UInt8(ascii: "-") {
                insertRange(byte, source[at + 2], into: &members)
                at += 3
            } else {
                insertRange(byte, byte, into: &members)
                at += 1
            }
        }
        if isNegated { members.invert() }
        append(members)
        segmentLength += 1
    }

    private func insertRange(_ one: UInt8, _ other: UInt8, into members: inout ByteSet) {
        let signed = (Int8(bitPattern: one), Int8(bitPattern: other))
        var first = UInt8(bitPattern: min(signed.0, signed.1))
        var last = UInt8(bitPattern: max(signed.0, signed.1))
        if isIgnoringCase {
            first = ASCIICase.lower(first)
            last = ASCIICase.lower(last)
        }
        var range: ByteSet
        if first >= 0x80, last < 0x80 {
            // From a negative byte to a positive one: up to the end, and on from zero.
            range = ByteSet(from: first, to: 0xff)
            range.formUnion(ByteSet(from: 0, to: last))
        } else {
            range = ByteSet(from: first, to: last)
        }
        if isIgnoringCase { range.foldLetters() }
        members.formUnion(range)
    }

    /// Whichever is shorter of ranges and set.
    private mutating func append(_ members: ByteSet) {
        let runs = members.runCount
        guard runs * 2 < ByteSet.storedSize else {
            program.append(byte: GlobCode.set)
            members.append(to: &program)
            return
        }
        program.append(byte: GlobCode.ranges)
        program.append(byte: UInt8(runs))
        // The closure may not capture the program, so the runs are gathered on the way.
        members.forEachRun { first, last in
            program.append(byte: first)
            program.append(byte: last)
        }
    }
}
