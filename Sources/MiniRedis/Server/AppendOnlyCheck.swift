// SPDX-License-Identifier: BSD-3-Clause
//
// redis-check-aof: whether the files of an append-only file are whole, and cutting off what is not.
//
//     redis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>
//
// Output and exit status are those of Redis 7.0's tool, which runbooks look for: 0 if all files are
// valid or were made so, 1 if not. Only the last file is ever cut. It starts no server and runs no
// command; `redis --check-aof` is the same.

import Glibc

/// One run of the tool.
struct AppendOnlyCheck {
    private enum Mode: Equatable {
        case report
        case fix
        case truncate(to: Int64)
    }

    /// The tool ends with this status; what there was to say is said.
    private struct End: Error {
        let status: Int32
    }

    private let mode: Mode
    private let say: (String) -> Void
    /// Lines that were read, of all files together.
    private var line = 1

    private init(mode: Mode, say: @escaping (String) -> Void) {
        self.mode = mode
        self.say = say
    }

    /// Runs the tool; returns its exit status.
    static func run(_ program: String, _ words: [String], _ say: (String) -> Void) -> Int32 {
        var mode = Mode.report
        switch words.count {
        case 1: break
        case 2 where words[0] == "--fix": mode = .fix
        case 3 where words[0] == "--truncate-to-timestamp":
            guard let timestamp = Int64(words[1]) else {
                say("Invalid timestamp, aborting...\n")
                return 1
            }
            mode = .truncate(to: timestamp)
        default:
            say(
                "Usage: \(program) [--fix|--truncate-to-timestamp $timestamp] "
                    + "<file.manifest|file.aof>\n")
            return 1
        }
        return withoutActuallyEscaping(say) { say in
            var check = AppendOnlyCheck(mode: mode, say: say)
            do throws(End) {
                try check.check(words[words.count - 1])
                return 0
            } catch {
                return error.status
            }
        }
    }

    // MARK: - Which files

    private mutating func check(_ path: String) throws(End) {
        let mapped = try MappedFile(path, orElse: fail)
        guard !Self.isDump(mapped.bytes), let manifest = manifest(mapped.bytes, path) else {
            say("Start checking Old-Style AOF\n")
            let result = try check(path, named: path, isLast: true)
            say("AOF \(path) \(result)\n")
            return
        }
        say("Start checking Multi Part AOF\n")
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let prefix = directory.isEmpty ? "" : directory.joined(separator: "/") + "/"
        if let base = manifest.base {
            let file = try MappedFile(prefix + base.name, orElse: fail)
            let format = Self.isDump(file.bytes) ? "RDB" : "RESP"
            say("Start to check BASE AOF (\(format) format).\n")
            let result = try check(
                prefix + base.name, named: base.name, isLast: manifest.increments.isEmpty)
            say("BASE AOF \(base.name) \(result)\n")
        }
        if !manifest.increments.isEmpty { say("Start to check INCR files.\n") }
        for file in manifest.increments {
            let result = try check(
                prefix + file.name, named: file.name, isLast: file == manifest.increments.last)
            say("INCR AOF \(file.name) \(result)\n")
        }
        say("All AOF files and manifest are valid\n")
    }

    private func fail(_ text: String) -> End {
        say(text)
        return End(status: 1)
    }

    private static func isDump(_ bytes: ByteView) -> Bool {
        let mark = ByteView("REDIS")
        return bytes.count >= mark.count && bytes.prefix(mark.count) == mark
    }

    /// The manifest, if the file is one: its first line names a file.
    private func manifest(_ bytes: ByteView, _ path: String) -> AppendOnlyManifest? {
        guard bytes.count > 0, bytes.count < 64 << 20 else { return nil }
        var rest = bytes
        while rest.count > 0, rest[0] == UInt8(ascii: "#"), let end = rest.firstIndex(of: 10) {
            rest = rest.suffix(from: end + 1)
        }
        guard rest.count > 5, rest.prefix(5) == ByteView("file ") else { return nil }
        return try? AppendOnlyManifest(text: (0..<bytes.count).map { bytes[$0] })
    }

    // MARK: - One file

    /// Says what is wrong with a file, and makes it right if that is wanted; returns what it is.
    private mutating func check(
        _ path: String, named name: String, isLast: Bool
    ) throws(End) -> String {
        let file = try MappedFile(path) { reason in
            say("\(reason.dropLast()), aborting...\n")
            return End(status: 1)
        }
        guard file.bytes.count > 0 else { return "is empty" }
        var start = 0
        if Self.isDump(file.bytes) { start = try checkDump(path) }
        var scan = Scan(line: line, truncatesAt: nil)
        if case .truncate(let timestamp) = mode { scan.truncatesAt = timestamp }
        scan.run(file.bytes, from: start, name: name, say: say)
        line = scan.line
        if case .truncate(let timestamp) = mode {
            return try truncate(path, name, scan, to: timestamp, isLast: isLast)
        }
        let size = file.bytes.count
        say(
            "AOF analyzed: filename=\(name), size=\(size), ok_up_to=\(scan.sound), "
                + "ok_up_to_line=\(line), diff=\(size - scan.sound)\n")
        guard scan.sound < size else { return "is valid" }
        guard mode == .fix else {
            say("AOF \(name) is not valid. Use the --fix option to try fixing it.\n")
            throw End(status: 1)
        }
        try fix(path, name, size: size, sound: scan.sound, isLast: isLast)
        throw End(status: 0)
    }

    /// Returns where the dump at the beginning of a file ends.
    private func checkDump(_ path: String) throws(End) -> Int {
        do throws(PersistenceError) {
            let source = try FileSource(path: path)
            do throws(RDBError) {
                let end = try Self.readDump(source)
                say("RDB preamble is OK, proceeding with AOF tail...\n")
                return end
            } catch {
                say("--- RDB ERROR DETECTED ---\n\(error)\n")
            }
        } catch {
            say("\(error)\n")
        }
        say("RDB preamble of AOF file is not sane, aborting.\n")
        throw End(status: 1)
    }

    private static func readDump(_ source: consuming FileSource) throws(RDBError) -> Int {
        var reader = try RDBReader(source: source, options: RDBReaderOptions())
        while true {
            switch try reader.next() {
            case .end: return reader.bytesRead
            default: continue
            }
        }
    }

    private func truncate(
        _ path: String, _ name: String, _ scan: Scan, to timestamp: Int64, isLast: Bool
    ) throws(End) -> String {
        guard let end = scan.truncation else {
            guard scan.isWhole else {
                say("AOF \(name) is not valid. Use the --fix option to try fixing it.\n")
                throw End(status: 1)
            }
            say("Truncate nothing in AOF \(name) to timestamp \(timestamp)\n")
            return "is valid"
        }
        guard end > 0 else {
            say("AOF \(name) has nothing before timestamp \(timestamp), aborting...\n")
            throw End(status: 1)
        }
        guard isLast else {
            say(
                "Failed to truncate AOF \(name) to timestamp \(timestamp) to offset \(end) because "
                    + "it is not the last file.\n")
            sayHowToInsist()
            throw End(status: 1)
        }
        guard Glibc.truncate(path, end) == 0 else {
            say("Failed to truncate AOF \(name) to timestamp \(timestamp)\n")
            throw End(status: 1)
        }
        say("Successfully truncated AOF \(name) to timestamp \(timestamp)\n")
        throw End(status: 0)
    }

    private func fix(
        _ path: String, _ name: String, size: Int, sound: Int, isLast: Bool
    ) throws(End) {
        guard isLast else {
            say("Failed to truncate AOF \(name) because it is not the last file\n")
            throw End(status: 1)
        }
        say(
            "This will shrink the AOF \(name) from \(size) bytes, with \(size - sound) bytes, to "
                + "\(sound) bytes\nContinue? [y/N]: ")
        var answer = [UInt8](repeating: 0, count: 2)
        guard read(STDIN_FILENO, &answer, 2) > 0, answer[0] | 32 == UInt8(ascii: "y") else {
            say("Aborting...\n")
            throw End(status: 1)
        }
        guard Glibc.truncate(path, sound) == 0 else {
            say("Failed to truncate AOF \(name)\n")
            throw End(status: 1)
        }
        say("Successfully truncated AOF \(name)\n")
    }

    private func sayHowToInsist() {
        say(
            "To cut this file all the same, remove the files behind it and their lines in the "
                + "manifest first, then run redis-check-aof again.\n")
    }
}

/// A walk over the requests of one file.
private struct Scan {
    var line: Int
    /// Seconds since the epoch: stop before what happened later.
    var truncatesAt: Int64?
    /// Everything before is whole.
    private(set) var sound = 0
    /// Where the first annotation of a later time is.
    private(set) var truncation: Int?
    private(set) var isWhole = false

    init(line: Int, truncatesAt: Int64?) {
        self.line = line
        self.truncatesAt = truncatesAt
    }

    /// Looks at everything, or up to what is no request.
    mutating func run(_ bytes: ByteView, from start: Int, name: String, say: (String) -> Void) {
        var at = start
        var transaction: (start: Int, last: Int)?
        sound = start
        while at < bytes.count {
            switch AppendOnlyScanner.first(bytes.suffix(from: at)) {
            case .annotation(let length, let timestamp):
                if let limit = truncatesAt, let timestamp, timestamp > limit {
                    truncation = at
                    return
                }
                at += length
            case .request(let length, let nameStart, let nameLength, let arguments):
                line += 1 + 2 * arguments
                let word = bytes.slice(at + nameStart, nameLength)
                let isStart = word.equalsFolded("multi")
                let isEnd = word.equalsFolded("exec")
                if isStart && transaction != nil || isEnd && transaction == nil {
                    let what = isStart ? "MULTI" : "EXEC"
                    return say("\(Self.hex(at + nameStart)): Unexpected \(what) in AOF \(name)\n")
                }
                if isStart { transaction = (at, at) }
                if isEnd { transaction = nil }
                at += length
                if transaction != nil {
                    transaction?.last = Self.lastArgument(bytes, endingAt: at)
                }
            case .incomplete(let fault), .malformed(let fault):
                line += fault.lines
                return say(Self.describe(fault, at: at, of: name))
            }
            if transaction == nil { sound = at }
        }
        if let transaction {
            return say(
                "\(Self.hex(transaction.last)): Reached EOF before reading EXEC for MULTI\n")
        }
        isWhole = true
    }

    /// Where the last argument of the request begins that ends there.
    private static func lastArgument(_ bytes: ByteView, endingAt end: Int) -> Int {
        var at = end - 2
        // Its length stands in the line before.
        while at > 0, bytes[at - 1] != 10 { at -= 1 }
        return at
    }

    private static func hex(_ offset: Int) -> String {
        let digits = String(offset, radix: 16)
        return "0x" + String(repeating: " ", count: max(0, 16 - digits.utf8.count)) + digits
    }

    private static func describe(
        _ fault: AppendOnlyScanner.Fault, at: Int, of name: String
    ) -> String {
        let place = hex(at + fault.position)
        switch fault.defect {
        case .mark(let wanted, let found):
            if fault.position == 0 { return "AOF \(name) format error\n" }
            let marks = "'\(UnicodeScalar(wanted))', got: '\(UnicodeScalar(found))'"
            return "\(place): Expected prefix \(marks)\n"
        case .number: return "\(place): Expected a number\n"
        case .lineEnd(let first, let second):
            func byte(_ value: UInt8) -> String {
                (value < 16 ? "0" : "") + String(value, radix: 16)
            }
            return "\(place): Expected \\r\\n, got: \(byte(first))\(byte(second))\n"
        case .short(let expected, let found):
            return "\(place): Expected to read \(expected) bytes, got \(found) bytes\n"
        case .noLine: return "\(place): Expected a line, got the end of the file\n"
        }
    }
}

/// A file's bytes, as the system maps them.
private struct MappedFile: ~Copyable {
    private let base: UnsafeMutableRawPointer?
    private let count: Int

    var bytes: ByteView { base.map { ByteView($0, count: count) } ?? ByteView("") }

    /// `orElse` makes an error of a sentence.
    init<Failure: Error>(_ path: String, orElse: (String) -> Failure) throws(Failure) {
        (base, count) = try Self.map(path, orElse: orElse)
    }

    deinit {
        if let base { munmap(base, count) }
    }

    private static func map<Failure: Error>(
        _ path: String, orElse: (String) -> Failure
    ) throws(Failure) -> (UnsafeMutableRawPointer?, Int) {
        var status = stat()
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw orElse("Cannot open file \(path): \(reason)\n")
        }
        defer { close(descriptor) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw orElse("Cannot read file: \(path)\n")
        }
        let count = Int(status.st_size)
        guard count > 0 else { return (nil, 0) }
        let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            throw orElse("Cannot read file: \(path)\n")
        }
        return (mapped, count)
    }
}
