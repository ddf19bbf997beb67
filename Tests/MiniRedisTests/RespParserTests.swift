// SPDX-License-Identifier: BSD-3-Clause

// The request parser: what the streams of the table give, and the ways to cut a stream that must
// not matter. Knows the parser's C interface only.

import CRespParser
import Testing

/// Reads a stream as a connection would: pieces arrive, requests leave. Every call gets the
/// request at another address, in memory of its exact size.
private struct StreamReader {
    var limits = clientLimits
    /// How many slices there are at first; they grow one by one.
    var capacity = 64
    /// Arguments from this length on are taken out of the stream.
    var detachLength: Int64 = .max

    private var parser = crp_parser()
    private var buffer: [UInt8] = []
    private var slices: [crp_slice] = []
    private var detached: [UInt8] = []
    private var missing = 0
    private(set) var events: [RequestEvent] = []

    init(limits: crp_limits = clientLimits, capacity: Int = 64, detachLength: Int64 = .max) {
        self.limits = limits
        self.capacity = capacity
        self.detachLength = detachLength
        slices = Array(repeating: crp_slice(), count: capacity)
    }

    /// Reads the pieces and returns what they gave.
    static func events(
        of pieces: [ArraySlice<UInt8>],
        limits: crp_limits = clientLimits,
        capacity: Int = 64,
        detachLength: Int64 = .max
    ) -> [RequestEvent] {
        var reader = StreamReader(limits: limits, capacity: capacity, detachLength: detachLength)
        for piece in pieces {
            reader.receive(piece)
        }
        return reader.events
    }

    mutating func receive(_ piece: ArraySlice<UInt8>) {
        let mine = min(missing, piece.count)
        detached += piece.prefix(mine)
        missing -= mine
        buffer += piece.dropFirst(mine)
        if missing == 0 {
            parse()
        }
    }

    private mutating func parse() {
        while true {
            var bytes = Array(buffer)
            let status = crp_parse(
                &parser, &limits, &bytes, bytes.count, &slices, UInt32(slices.count))
            buffer = bytes
            switch status {
            case CRP_COMPLETE:
                finish()
            case CRP_NEED_SLICES:
                slices.append(crp_slice())
            case CRP_NEED_MORE:
                guard detach() else { return }
            default:
                fail()
                return
            }
        }
    }

    private mutating func finish() {
        let arguments = slices.prefix(Int(parser.count)).map { slice in
            let length = Int(slice.length)
            guard slice.offset != CRP_DETACHED else {
                defer { detached.removeFirst(length) }
                return Array(detached.prefix(length))
            }
            return Array(buffer[Int(slice.offset)..<Int(slice.offset) + length])
        }
        events.append(.request(arguments))
        buffer.removeFirst(Int(parser.position))
        crp_reset(&parser)
    }

    private mutating func fail() {
        guard !events.contains(where: { if case .failure = $0 { true } else { false } }) else {
            return
        }
        let text = String(cString: crp_error_text(parser.error))
        let found = String(UnicodeScalar(parser.unexpected))
        events.append(.failure(text.split(separator: "%c").joined(separator: found)))
    }

    /// Takes the pending argument out of the stream. True if parsing can go on.
    private mutating func detach() -> Bool {
        let pending = crp_pending_bulk(&parser)
        guard pending >= detachLength else { return false }
        let position = Int(parser.position)
        detached += buffer[position...]
        missing = Int(pending) - (buffer.count - position)
        crp_detach_bulk(&parser, &slices)
        buffer.removeSubrange(position...)
        return false
    }
}

@Suite struct `Requests in RESP` {
    @Test(arguments: requestParserCases)
    func `a whole stream gives its requests`(_ sample: RequestCase) {
        let events = StreamReader.events(of: [sample.stream[...]], limits: sample.limits)
        #expect(events == sample.events)
    }

    @Test(arguments: requestParserCases)
    func `a stream in two pieces gives the same (F01)`(_ sample: RequestCase) {
        for cut in 0...sample.stream.count {
            let pieces = [sample.stream[..<cut], sample.stream[cut...]]
            let events = StreamReader.events(of: pieces, limits: sample.limits)
            #expect(events == sample.events, "cut at \(cut)")
        }
    }

    @Test(arguments: requestParserCases)
    func `a stream byte by byte gives the same (F01)`(_ sample: RequestCase) {
        let pieces = sample.stream.indices.map { sample.stream[$0...$0] }
        let events = StreamReader.events(of: pieces, limits: sample.limits)
        #expect(events == sample.events)
    }

    @Test(arguments: requestParserCases)
    func `slices that grow one by one give the same`(_ sample: RequestCase) {
        for cut in 0...sample.stream.count {
            let pieces = [sample.stream[..<cut], sample.stream[cut...]]
            let events = StreamReader.events(of: pieces, limits: sample.limits, capacity: 0)
            #expect(events == sample.events, "cut at \(cut)")
        }
    }

    @Test(arguments: requestParserCases)
    func `detached arguments give the same`(_ sample: RequestCase) {
        for cut in 0...sample.stream.count {
            let pieces = [sample.stream[..<cut], sample.stream[cut...]]
            let events = StreamReader.events(
                of: pieces, limits: sample.limits, capacity: 0, detachLength: 1)
            #expect(events == sample.events, "cut at \(cut)")
        }
        let bytes = sample.stream.indices.map { sample.stream[$0...$0] }
        let events = StreamReader.events(of: bytes, limits: sample.limits, detachLength: 1)
        #expect(events == sample.events, "byte by byte")
    }

    @Test func `ten thousand pipelined commands and then a half (F02)`() {
        let command = "*2\r\n$4\r\nECHO\r\n$10\r\n0123456789\r\n"
        let stream = Array((String(repeating: command, count: 10_000) + command.prefix(20)).utf8)
        let limits = clientLimits
        let requests = withUnsafePointer(to: limits) { count(of: stream, within: $0) }
        #expect(requests == 10_000)
    }

    /// How many requests a stream holds, read in place.
    private func count(of stream: [UInt8], within limits: UnsafePointer<crp_limits>) -> Int {
        var stream = stream
        return stream.withUnsafeMutableBufferPointer { bytes in
            guard var first = bytes.baseAddress else { return 0 }
            var length = bytes.count
            var parser = crp_parser()
            var slices = (crp_slice(), crp_slice())
            var count = 0
            while withUnsafeMutableBytes(
                of: &slices,
                { raw in
                    let slices = raw.assumingMemoryBound(to: crp_slice.self)
                    return crp_parse(&parser, limits, first, length, slices.baseAddress, 2)
                }) == CRP_COMPLETE
            {
                first += Int(parser.position)
                length -= Int(parser.position)
                crp_reset(&parser)
                count += 1
            }
            return count
        }
    }
}

@Suite struct `Limits of requests` {
    @Test(arguments: [0, 1, 7, 64 * 1024])
    func `an inline request may be as long as the limit (F09)`(limit: Int) {
        let line = Array(repeating: UInt8(ascii: "a"), count: limit)
        let expected: [RequestEvent] = [.request(limit == 0 ? [] : [line])]
        #expect(read(line + [10], lines: limit) == expected)
        #expect(read(line, lines: limit) == [])
    }

    @Test(arguments: [0, 1, 7, 64 * 1024])
    func `a longer inline request is too big, ended or not (F09)`(limit: Int) {
        let line = Array(repeating: UInt8(ascii: "a"), count: limit + 1)
        let expected: [RequestEvent] = [.failure("too big inline request")]
        #expect(read(line, lines: limit) == expected)
        #expect(read(line + [10], lines: limit) == expected)
        #expect(read(line + line + [10], lines: limit) == expected)
    }

    @Test(arguments: [UInt8(ascii: "*"), UInt8(ascii: "$")])
    func `a longer header line is too big, ended or not (F10)`(type: UInt8) {
        let isCount = type == UInt8(ascii: "*")
        let start = isCount ? [] : Array("*1\r\n".utf8)
        let text = isCount ? "too big mbulk count string" : "too big bulk count string"
        let invalid = isCount ? "invalid multibulk length" : "invalid bulk length"
        for limit in [8, 25, 64 * 1024] {
            let line = start + [type] + Array(repeating: UInt8(ascii: "1"), count: limit)
            #expect(read(line, lines: limit) == [.failure(text)])
            #expect(read(line + [13, 10], lines: limit) == [.failure(text)])
            let fitting = Array(line.dropLast())
            #expect(read(fitting, lines: limit) == [])
            let events = read(fitting + [13, 10], lines: limit)
            // With seven digits it is a number that is allowed.
            #expect(events == (limit == 8 ? [] : [.failure(invalid)]))
        }
    }

    @Test(arguments: ["\0", "*\0", "$\0"])
    func `garbage after a zero byte ends as too big (F12)`(start: String) {
        let garbage = Array((start + String(repeating: "A\n", count: 40_000)).utf8)
        let events = StreamReader.events(
            of: stride(from: 0, to: garbage.count, by: 1000).map {
                garbage[$0..<min($0 + 1000, garbage.count)]
            })
        let isCount = start.first == "*"
        let text = isCount ? "too big mbulk count string" : "too big inline request"
        #expect(events == [.failure(text)])
    }

    @Test func `a request stays below four gibibytes`() {
        var limits = clientLimits
        limits.bulk_length = .max
        for length in ["4294967280", "4294967295", "9223372036854775807"] {
            let header = Array("*1\r\n$\(length)\r\n".utf8)
            let events = StreamReader.events(of: [header[...]], limits: limits)
            #expect(events == [.failure("invalid bulk length")])
        }
        // 17 bytes of headers, 4,294,967,276 of argument and 2 after it: the largest request.
        let header = Array("*1\r\n$4294967276\r\n".utf8)
        #expect(StreamReader.events(of: [header[...]], limits: limits) == [])
    }

    private func read(_ stream: [UInt8], lines: Int) -> [RequestEvent] {
        var limits = clientLimits
        limits.inline_length = UInt32(lines)
        let whole = StreamReader.events(of: [stream[...]], limits: limits)
        let halves = [stream[..<(stream.count / 2)], stream[(stream.count / 2)...]]
        #expect(StreamReader.events(of: halves, limits: limits) == whole)
        if stream.count < 100 {
            let bytes = stream.indices.map { stream[$0...$0] }
            #expect(StreamReader.events(of: bytes, limits: limits) == whole)
        }
        return whole
    }
}

@Suite struct `The parser between two calls` {
    private var parser = crp_parser()
    private var slices = Array(repeating: crp_slice(), count: 4)
    private var limits = clientLimits

    private mutating func parse(_ text: String, capacity: UInt32 = 4) -> crp_status {
        var bytes = Array(text.utf8)
        return crp_parse(&parser, &limits, &bytes, bytes.count, &slices, capacity)
    }

    @Test mutating func `it says how much is missing at least`() {
        #expect(parse("") == CRP_NEED_MORE)
        #expect(parser.wanted == 1)
        #expect(parse("*1\r\n$10\r\nabc") == CRP_NEED_MORE)
        #expect(parser.wanted == 9)
        #expect(parse("*1\r\n$10\r\nabcdefghij\r") == CRP_NEED_MORE)
        #expect(parser.wanted == 1)
        #expect(parse("*1\r\n$10\r\nabcdefghij\r\n") == CRP_COMPLETE)
        #expect(parser.position == 21)
    }

    @Test mutating func `it looks at nothing twice`() {
        #expect(parse("abcd") == CRP_NEED_MORE)
        #expect(parse("a\ncde\n") == CRP_COMPLETE)
        #expect(parser.position == 6)
        crp_reset(&parser)
        #expect(parse("*1\r\n$1") == CRP_NEED_MORE)
        #expect(parse("_________\r\n$1\r\na\r\n") == CRP_FAILED)
        #expect(parser.position == 4)
    }

    @Test mutating func `an argument is pending between its header and its last byte`() {
        #expect(crp_pending_bulk(&parser) == -1)
        let steps: [(String, Int64)] = [
            ("*2\r\n", -1), ("*2\r\n$5", -1), ("*2\r\n$5\r", -1), ("*2\r\n$5\r\n", 5),
            ("*2\r\n$5\r\nabcd", 5), ("*2\r\n$5\r\nabcde", -1), ("*2\r\n$5\r\nabcde\r", -1),
            ("*2\r\n$5\r\nabcde\r\n", -1), ("*2\r\n$5\r\nabcde\r\n$0\r\n", -1),
        ]
        for (text, pending) in steps {
            #expect(parse(text) == CRP_NEED_MORE)
            #expect(crp_pending_bulk(&parser) == pending, "\(text)")
        }
    }

    @Test mutating func `a detached argument is no part of the stream`() {
        #expect(parse("*3\r\n$3\r\nSET\r\n$9\r\nabc") == CRP_NEED_MORE)
        #expect(parser.position == 17)
        crp_detach_bulk(&parser, &slices)
        #expect(parser.position == 17)
        #expect(parse("*3\r\n$3\r\nSET\r\n$9\r\n\r") == CRP_NEED_MORE)
        #expect(crp_pending_bulk(&parser) == -1)
        #expect(parse("*3\r\n$3\r\nSET\r\n$9\r\n\r\n$1\r\nx\r\n") == CRP_COMPLETE)
        #expect(parser.position == 26)
        #expect(slices.prefix(3).map(\.offset) == [8, CRP_DETACHED, 23])
        #expect(slices.prefix(3).map(\.length) == [3, 9, 1])
    }

    @Test mutating func `it asks for slices when an argument has none`() {
        let text = "*2\r\n$1\r\na\r\n$1\r\nb\r\n"
        #expect(parse("*2\r\n", capacity: 0) == CRP_NEED_MORE)
        #expect(parse(text, capacity: 0) == CRP_NEED_SLICES)
        #expect(parse(text, capacity: 1) == CRP_NEED_SLICES)
        #expect(parser.count == 1)
        #expect(parser.arguments == 2)
        #expect(parse(text, capacity: 2) == CRP_COMPLETE)
    }

    @Test mutating func `a failure is for ever`() {
        #expect(parse("*x\r\n") == CRP_FAILED)
        #expect(parse("*x\r\n*1\r\n$4\r\nPING\r\n") == CRP_FAILED)
        #expect(parser.error == CRP_ERROR_MULTIBULK_LENGTH)
        crp_reset(&parser)
        #expect(parse("*1\r\n$4\r\nPING\r\n") == CRP_COMPLETE)
    }

    @Test func `it is as small as it says`() {
        #expect(MemoryLayout<crp_parser>.size == 32)
        #expect(MemoryLayout<crp_slice>.size == 8)
    }

    @Test func `every error has the text of Redis`() {
        let texts = (0...10).map { String(cString: crp_error_text(crp_error(rawValue: $0))) }
        #expect(
            texts == [
                "", "too big mbulk count string", "invalid multibulk length",
                "unauthenticated multibulk length", "too big bulk count string",
                "expected '$', got '%c'", "invalid bulk length", "unauthenticated bulk length",
                "too big inline request", "unbalanced quotes in request", "",
            ])
    }
}
