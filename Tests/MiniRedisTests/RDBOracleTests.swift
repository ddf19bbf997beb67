// SPDX-License-Identifier: BSD-3-Clause

import Foundation
import Testing

@testable import MiniRedis

/// Our dumps in a real Redis, and its dumps here. Skipped where it is not installed.
@Suite(.enabled(if: RedisServer.isInstalled, "redis-server or redis-tools is not installed"))
struct RDBOracleTests {
    /// Strings of every encoding, in three databases, with and without deadlines far ahead.
    private func variety() -> [DumpString] {
        var numbers = SeededNumbers(state: 3)
        var strings = [DumpString]()
        for index in 0..<5000 {
            var string = DumpString("key:\(index)", "")
            switch index % 8 {
            case 0: string.value = Array(String(Int8(truncatingIfNeeded: numbers.next())).utf8)
            case 1: string.value = Array(String(Int32(truncatingIfNeeded: numbers.next())).utf8)
            case 2: string.value = Array(String(Int64(bitPattern: numbers.next())).utf8)
            case 3: string.value = numbers.bytes(index)
            case 4: string.value = [UInt8](repeating: UInt8(index & 0xFF), count: index * 4)
            case 5: string.key = numbers.bytes(12)
            case 6: string.key = Array(String(index * 1000 - 2_000_000).utf8)
            default: string.key = Array("long key ".utf8) + [UInt8](repeating: 0x20, count: index)
            }
            string.database = index % 3 * 7
            if index % 3 == 1 { string.deadline = 4_000_000_000_000 + Int64(index) }
            strings.append(string)
        }
        return strings
    }

    private func plain(_ strings: [DumpString]) -> Set<DumpString> {
        Set(
            strings.map { string in
                DumpString(
                    database: string.database, key: string.key, value: string.value,
                    deadline: string.deadline)
            })
    }

    private func saveVariety(in directory: String, _ options: RDBWriterOptions) throws {
        _ = try SnapshotFile.save(
            directory: directory, name: "dump.rdb", options: options
        ) { writer throws(PersistenceError) in
            try write(variety(), to: &writer)
        }
    }

    @Test(arguments: [true, false])
    func `our dump survives a real server`(compression: Bool) throws {
        try withTemporaryDirectory { directory in
            var options = RDBWriterOptions()
            options.compression = compression
            try saveVariety(in: directory, options)
            let path = directory + "/dump.rdb"
            let check = try RedisServer.run("redis-check-rdb", [path], in: directory)
            #expect(check.status == 0, "\(check.output)")
            #expect(check.output.contains("5000 keys read"))
            let server = try RedisServer(directory: directory)
            #expect(try server.command("DBSIZE") == "1667")
            #expect(try server.command("STRLEN", "key:12") == "48")
            #expect(try server.command("PEXPIRETIME", "key:4999") == "-2")
            #expect(try server.command("-n", "7", "PEXPIRETIME", "key:1") == "4000000000001")
            try FileManager.default.removeItem(atPath: path)
            #expect(try server.command("SAVE") == "OK")
            let contents = DumpContents(try FileSource(path: path))
            #expect(contents.error == nil)
            #expect(contents.version == 10)
            let (read, written) = (plain(contents.strings), plain(variety()))
            #expect(read.count == 5000)
            #expect(read.symmetricDifference(written).first?.summary == nil)
        }
    }

    @Test func `our dump is as large as the real server's`() throws {
        try withTemporaryDirectory { directory in
            try saveVariety(in: directory, RDBWriterOptions())
            let path = directory + "/dump.rdb"
            let ours = try Data(contentsOf: URL(filePath: path)).count
            let server = try RedisServer(directory: directory)
            _ = try server.command("SAVE")
            let theirs = try Data(contentsOf: URL(filePath: path)).count
            #expect(abs(ours - theirs) < 200, "ours \(ours), theirs \(theirs)")
        }
    }

    @Test func `a real server's dump is read`() throws {
        try withTemporaryDirectory { directory in
            let server = try RedisServer(directory: directory)
            _ = try server.command("DEBUG", "POPULATE", "20000", "key", "100")
            _ = try server.command("SET", "counter", "123456789012")
            _ = try server.command("SET", "volatile", "1", "PXAT", "4000000000123")
            _ = try server.command("CONFIG", "SET", "rdbchecksum", "no")
            _ = try server.command("-n", "9", "SETRANGE", "huge", "3000000", "end")
            #expect(try server.command("SAVE") == "OK")
            let contents = DumpContents(try FileSource(path: directory + "/dump.rdb"))
            #expect(contents.error == nil)
            // The setting counts from the start of a server only.
            let strings = contents.strings
            #expect(strings.count == 20_003)
            #expect(strings.contains { $0.deadline == 4_000_000_000_123 && $0.isInteger })
            #expect(strings.contains { $0.database == 9 && $0.value.count == 3_000_003 })
            #expect(strings.contains { $0.value == Array("123456789012".utf8) })
        }
    }

    @Test(arguments: ["allkeys-lru", "allkeys-lfu"])
    func `idle times and counters of a real server are read`(policy: String) throws {
        try withTemporaryDirectory { directory in
            let server = try RedisServer(directory: directory, ["--maxmemory-policy", policy])
            _ = try server.command("SET", "key", "value")
            #expect(try server.command("SAVE") == "OK")
            let contents = DumpContents(try FileSource(path: directory + "/dump.rdb"))
            #expect(contents.error == nil)
            let string = try #require(contents.strings.first)
            #expect((string.idle != nil) == (policy == "allkeys-lru"))
            #expect((string.frequency != nil) == (policy == "allkeys-lfu"))
        }
    }

    @Test func `a dump without checksum is read`() throws {
        try withTemporaryDirectory { directory in
            let server = try RedisServer(directory: directory, ["--rdbchecksum", "no"])
            _ = try server.command("SET", "key", "value")
            #expect(try server.command("SAVE") == "OK")
            let contents = DumpContents(try FileSource(path: directory + "/dump.rdb"))
            #expect(contents.error == nil)
            #expect(contents.checksumWasDisabled)
        }
    }
}

/// A real server of its own on a Unix socket, ended with the value.
///
/// Programs are started by the C library: Foundation's `Process` waits on a run loop, which the
/// threads of these tests do not have.
private final class RedisServer {
    private let process: pid_t
    private let directory: String

    static var isInstalled: Bool {
        ["redis-server", "redis-cli", "redis-check-rdb"].allSatisfy { path($0) != nil }
    }

    private static func path(_ program: String) -> String? {
        ["/usr/bin/", "/usr/local/bin/"].map { $0 + program }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Starts a program whose output goes to a file.
    private static func start(
        _ program: String, _ arguments: [String], output: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let file = try #require(path(program))
        var words = ([file] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var process: pid_t = 0
        try #require(posix_spawn(&process, file, &actions, nil, &words, environ) == 0)
        return process
    }

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// Runs a program to its end.
    static func run(
        _ program: String, _ arguments: [String], in directory: String
    ) throws -> (status: Int32, output: String) {
        let file = directory + "/output-" + UUID().uuidString
        defer { unlink(file) }
        let status = wait(for: try start(program, arguments, output: file))
        let output = try Data(contentsOf: URL(filePath: file))
        return (status, String(decoding: output, as: UTF8.self))
    }

    init(directory: String, _ options: [String] = []) throws {
        self.directory = directory
        process = try Self.start(
            "redis-server",
            ["--port", "0", "--unixsocket", directory + "/s", "--dir", directory, "--save", ""]
                + ["--enable-debug-command", "yes"] + options,
            output: directory + "/log")
        for _ in 0..<200 {
            if try command("PING") == "PONG" { return }
            usleep(50_000)
        }
        Issue.record("redis-server did not start")
    }

    deinit {
        kill(process, SIGKILL)
        _ = Self.wait(for: process)
    }

    /// What `redis-cli` prints, without the end of the line.
    func command(_ arguments: String...) throws -> String {
        let words = ["-s", directory + "/s"] + arguments
        let output = try Self.run("redis-cli", words, in: directory).output
        return output.hasSuffix("\n") ? String(output.dropLast()) : output
    }
}
