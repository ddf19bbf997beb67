// SPDX-License-Identifier: BSD-3-Clause
//
// The vocabulary of replies, in RESP2 and RESP3: appended to the buffer that all replies of a loop
// turn share. No tree of a reply is built anywhere.
//
// Source: the RESP specification, https://redis.io/docs/latest/develop/reference/protocol-spec/

/// Where bytes go that are written to the socket from where they lie: `count` bytes at `base` are
/// appended to the reply in progress, and `owner` is given back when they have left.
typealias ReferenceSink = (
    _ base: UnsafeRawPointer, _ count: Int, _ owner: UnsafeMutableRawPointer
) -> Void

/// Writes the replies of one command.
struct ReplyWriter {
    let buffer: UnsafeMutablePointer<OutputBuffer>
    /// 2 or 3.
    var version: Int

    // MARK: - Simple replies

    @inline(__always)
    func literal(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        let at = buffer.pointee.reserve(count)
        at.copyMemory(from: text.utf8Start, byteCount: count)
        buffer.pointee.commit(count)
    }

    @inline(__always)
    func ok() {
        literal("+OK\r\n")
    }

    func simple(_ text: StaticString) {
        literal("+")
        literal(text)
        literal("\r\n")
    }

    func simple(_ text: String) {
        literal("+")
        raw(text)
        literal("\r\n")
    }

    @inline(__always)
    func integer(_ value: Int64) {
        header(UInt8(ascii: ":"), value)
    }

    @inline(__always)
    func integer(_ value: Int) {
        integer(Int64(value))
    }

    @inline(__always)
    func null() {
        if version == 3 { literal("_\r\n") } else { literal("$-1\r\n") }
    }

    /// The null of a reply that would have been an array.
    @inline(__always)
    func nullArray() {
        if version == 3 { literal("_\r\n") } else { literal("*-1\r\n") }
    }

    // MARK: - Strings

    @inline(__always)
    func bulk(_ bytes: ByteView) {
        Self.bulk(bytes, to: &buffer.pointee)
    }

    /// Writes a bulk string to any buffer: what a background job makes its reply of.
    @inline(__always)
    static func bulk(_ bytes: ByteView, to buffer: inout OutputBuffer) {
        let at = buffer.reserve(bytes.count + 32)
        at.storeBytes(of: UInt8(ascii: "$"), as: UInt8.self)
        var count = 1 + DecimalInteger.write(Int64(bytes.count), to: at + 1)
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        count &+= 2
        (at + count).copyMemory(from: bytes.base, byteCount: bytes.count)
        count &+= bytes.count
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        buffer.commit(count &+ 2)
    }

    func bulk(_ text: StaticString) {
        bulk(ByteView(text))
    }

    func bulk(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return bulk(ByteView("")) }
            bulk(ByteView(base, count: bytes.count))
        }
    }

    @inline(__always)
    func bulk(decimal value: Int64) {
        let at = buffer.pointee.reserve(64)
        let digits = DecimalInteger.write(value, to: at + 32)
        at.storeBytes(of: UInt8(ascii: "$"), as: UInt8.self)
        var count = 1 + DecimalInteger.write(Int64(digits), to: at + 1)
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        count &+= 2
        (at + count).copyMemory(from: at + 32, byteCount: digits)
        count &+= digits
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        buffer.pointee.commit(count &+ 2)
    }

    /// Two numbers with a dash between them: an identifier of a stream.
    @inline(__always)
    func bulk(dashed first: UInt64, _ second: UInt64) {
        let at = buffer.pointee.reserve(96)
        let text = at + 32
        var digits = DecimalInteger.write(first, to: text)
        text.storeBytes(of: UInt8(ascii: "-"), toByteOffset: digits, as: UInt8.self)
        digits &+= 1
        digits &+= DecimalInteger.write(second, to: text + digits)
        at.storeBytes(of: UInt8(ascii: "$"), as: UInt8.self)
        var count = 1 + DecimalInteger.write(Int64(digits), to: at + 1)
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        count &+= 2
        (at + count).copyMemory(from: text, byteCount: digits)
        count &+= digits
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        buffer.pointee.commit(count &+ 2)
    }

    /// Bytes that stay where they are until they have left; the sink's owner releases `owner` then.
    func bulk(
        referring bytes: ByteView, owner: UnsafeMutableRawPointer, through sink: ReferenceSink
    ) {
        header(UInt8(ascii: "$"), Int64(bytes.count))
        sink(bytes.base, bytes.count, owner)
        literal("\r\n")
    }

    /// Text for people: a verbatim string in RESP3.
    func verbatim(_ text: String) {
        guard version == 3 else { return bulk(text) }
        header(UInt8(ascii: "="), Int64(text.utf8.count + 4))
        literal("txt:")
        raw(text)
        literal("\r\n")
    }

    // MARK: - Aggregates

    @inline(__always)
    func array(_ count: Int) {
        header(UInt8(ascii: "*"), Int64(count))
    }

    /// A map of `count` pairs; in RESP2 an array of twice as many elements.
    func map(_ count: Int) {
        if version == 3 { header(UInt8(ascii: "%"), Int64(count)) } else { array(count * 2) }
    }

    /// A set of `count` elements; in RESP2 an array.
    func set(_ count: Int) {
        if version == 3 { header(UInt8(ascii: "~"), Int64(count)) } else { array(count) }
    }

    /// Something that was not asked for, of `count` elements; in RESP2 an array.
    func push(_ count: Int) {
        if version == 3 { header(UInt8(ascii: ">"), Int64(count)) } else { array(count) }
    }

    /// Starts an array whose length is not known yet: write its elements, then call `endArray` with
    /// the mark.
    func beginArray() -> Int { buffer.pointee.count }

    /// Writes the header of an array of `count` elements before those written since `mark`.
    func endArray(_ mark: Int, _ count: Int) {
        let end = buffer.pointee.count
        array(count)
        moveTail(from: end, to: mark)
    }

    /// Writes the header of a map of `count` pairs before those written since `mark`.
    func endMap(_ mark: Int, _ count: Int) {
        let end = buffer.pointee.count
        map(count)
        moveTail(from: end, to: mark)
    }

    /// Writes an identifier of a stream before what was written since `mark`.
    func prepend(dashed first: UInt64, _ second: UInt64, at mark: Int) {
        let end = buffer.pointee.count
        bulk(dashed: first, second)
        moveTail(from: end, to: mark)
    }

    /// The same for a set of `count` elements.
    func endSet(_ mark: Int, _ count: Int) {
        let end = buffer.pointee.count
        set(count)
        moveTail(from: end, to: mark)
    }

    /// Writes a bulk string of the decimal text of `value` before what was written since `mark`.
    func prepend(bulk value: UInt64, at mark: Int) {
        let end = buffer.pointee.count
        bulk("\(value)")
        moveTail(from: end, to: mark)
    }

    /// Moves what was written since `end`, a short piece, to `mark`, before what was written there.
    private func moveTail(from end: Int, to mark: Int) {
        let count = buffer.pointee.count - end
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { room in
            guard let kept = room.baseAddress, count <= 64 else {
                preconditionFailure("only short pieces are moved")
            }
            kept.copyMemory(from: buffer.pointee.base + end, byteCount: count)
            let start = buffer.pointee.base + mark
            (start + count).copyMemory(from: start, byteCount: end - mark)
            start.copyMemory(from: kept, byteCount: count)
        }
    }

    // MARK: - Errors

    /// An error whose text ends where the reply does; control characters become spaces, so that it
    /// is one frame.
    func error(_ text: String) {
        literal("-")
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            // Line breaks become spaces; those at the end go.
            var count = bytes.count
            while count > 0, bytes[count - 1] == 13 || bytes[count - 1] == 10 { count -= 1 }
            let at = buffer.pointee.reserve(count)
            at.copyMemory(from: base, byteCount: count)
            for index in 0..<count where bytes[index] == 13 || bytes[index] == 10 {
                at.storeBytes(of: UInt8(ascii: " "), toByteOffset: index, as: UInt8.self)
            }
            buffer.pointee.commit(count)
        }
        literal("\r\n")
    }

    /// An error whose text is put together of bytes; what a peer sent ends at its first zero, and
    /// its line breaks become spaces.
    /// Those at the end of a text of several parts go.
    func error(joining parts: ByteView...) {
        literal("-")
        for (number, part) in parts.enumerated() {
            var count = part.firstIndex(of: 0) ?? part.count
            if number > 0 && number == parts.count - 1 {
                while count > 0, part[count - 1] == 13 || part[count - 1] == 10 { count -= 1 }
            }
            let at = buffer.pointee.reserve(count)
            at.copyMemory(from: part.base, byteCount: count)
            for index in 0..<count where part[index] == 13 || part[index] == 10 {
                at.storeBytes(of: UInt8(ascii: " "), toByteOffset: index, as: UInt8.self)
            }
            buffer.pointee.commit(count)
        }
        literal("\r\n")
    }

    /// An error of the list, on behalf of the command `name` (lower case).
    func error(_ error: ErrorReply, command name: String) {
        var text = "\(error.text)"
        if let place = text.firstRange(of: "%c") { text.replaceSubrange(place, with: name) }
        self.error(text)
    }

    // MARK: - Parts

    func raw(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            buffer.pointee.append(base, count: bytes.count)
        }
    }

    @inline(__always)
    func header(_ type: UInt8, _ value: Int64) {
        let at = buffer.pointee.reserve(32)
        at.storeBytes(of: type, as: UInt8.self)
        let count = 1 + DecimalInteger.write(value, to: at + 1)
        (at + count).storeBytes(of: 0x0A0D, as: UInt16.self)
        buffer.pointee.commit(count &+ 2)
    }
}
