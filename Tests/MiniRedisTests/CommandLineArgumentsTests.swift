// SPDX-License-Identifier: BSD-3-Clause
//
// The command line and the configuration file, from words to a decision.

import Testing

@testable import MiniRedis

@Suite struct CommandLineArgumentsTests {
    /// The decision of `argv`, whose first word is the program, with files that exist in memory.
    private func interpret(_ arguments: [String], files: [String: String] = [:]) -> LaunchDecision {
        LaunchArguments.interpret(["redis"] + arguments, workingDirectory: "/tmp") { path in
            files[path].map { .text($0) } ?? .unreadable(reason: "No such file or directory")
        }
    }

    /// The configuration that `lines` give, read from standard input; a failure is an issue.
    private func configuration(_ lines: String) throws -> Configuration {
        let decision = interpret(["-"], files: ["-": lines])
        guard case .run(let configuration, _) = decision else {
            Issue.record("\(decision)")
            throw SettingRefusal("did not start")
        }
        return configuration
    }

    private func message(_ line: Int, _ text: String, _ reason: String) -> String {
        """

        *** FATAL CONFIG FILE ERROR (Redis 7.2.5) ***
        Reading the configuration file, at line \(line)
        >>> '\(text)'
        \(reason)

        """
    }

    private func expect(
        _ decision: LaunchDecision, _ refusal: (line: Int, text: String, reason: String)?,
        _ name: String
    ) {
        switch (decision, refusal) {
        case (.run, nil):
            break
        case (.printAndExit(let text, let status, let toStandardError), let refusal?):
            #expect(text == message(refusal.line, refusal.text, refusal.reason), "\(name)")
            #expect(status == 1 && toStandardError)
        case (.printAndExit(let text, _, _), nil):
            Issue.record("\(name) must start, and said \(text)")
        case (.run, .some):
            Issue.record("\(name) must not start")
        }
    }

    @Test func `F104 command lines end as the recorded server's did`() {
        for record in recordedLaunches {
            let decision = interpret(record.arguments, files: ["-": record.standardInput])
            expect(decision, record.refusal, "\(record.arguments)")
        }
    }

    @Test func `F104 configuration texts end as the recorded server's did`() {
        for record in recordedFiles {
            let decision = interpret(["-"], files: ["-": record.text])
            expect(decision, record.refusal, record.text)
        }
    }

    // MARK: - Values

    @Test(arguments: [
        (["--save"], "save", ""), (["--save", ""], "save", ""),
        (["--save", "100", "100"], "save", "100 100"), (["--save", "1 1"], "save", "1 1"),
        (["--save", "1", "1", "--save", "2", "2"], "save", "1 1 2 2"),
        (["--save", "", "--save", "1", "1"], "save", "1 1"),
        (["--save", "1", "1", "--save", ""], "save", ""), (["--save", "--hz", "20"], "hz", "20"),
        (["--maxmemory 700mb"], "maxmemory", "734003200"),
        (["--maxmemory 700mb", "--hz", "20"], "hz", "20"),
        (["--logfile", "--x"], "logfile", "--x"),
        (["--requirepass", "a b\"\\\u{e4}\n"], "requirepass", "a b\"\\\u{e4}\n"),
        (["--replicaof", "127.0.0.1 6379"], "slaveof", "127.0.0.1 6379"),
        (["--PORT", "7000"], "port", "7000"), ([], "save", "3600 1 300 100 60 10000"),
        (["--unixsocketperm", "0700"], "unixsocketperm", "700"),
    ])
    func `options become values`(arguments: [String], name: String, value: String) {
        let decision = interpret(arguments)
        guard case .run(let configuration, _) = decision else {
            Issue.record("\(arguments): \(decision)")
            return
        }
        #expect(configuration.value(of: name) == value, "\(arguments)")
    }

    @Test(arguments: [
        ("save 1 1\nsave 2 2", "save", "1 1 2 2"), ("save 1 1\nsave \"\"\nsave 3 3", "save", "3 3"),
        ("save", "save", ""), ("bind", "bind", ""), ("bind 127.0.0.1\nbind ::1", "bind", "::1"),
        ("bind \"127.0.0.1  ::1\"", "bind", "127.0.0.1 ::1"), ("hz 1000", "hz", "500"),
        ("replicaof no one", "replicaof", ""), ("replicaof a 0", "replicaof", "a 0"),
        ("notify-keyspace-events KEA", "notify-keyspace-events", "AKE"),
        ("notify-keyspace-events \"\"", "notify-keyspace-events", ""),
        (
            "client-output-buffer-limit replica 1mb 1mb 1", "client-output-buffer-limit",
            "normal 0 0 0 slave 1048576 1048576 1 pubsub 33554432 8388608 60"
        ),
        ("shutdown-on-sigint nosave\nshutdown-on-sigint force", "shutdown-on-sigint", "force"),
        ("latency-tracking-info-percentiles", "latency-tracking-info-percentiles", ""),
        ("port 1\r\nport 2\r\n", "port", "2"), ("dir /\ndir tmp", "dir", "/tmp"),
        ("requirepass 'it\\'s'", "requirepass", "it's"),
        ("requirepass \"\\x41\\n\\q\"", "requirepass", "A\nq"),
        ("requirepass ab\"c d\"", "requirepass", "abc d"),
        ("lua-time-limit 7", "busy-reply-threshold", "7"),
    ])
    func `lines become values`(lines: String, name: String, value: String) throws {
        #expect(try configuration(lines).value(of: name) == value)
    }

    @Test func `values are typed`() throws {
        let settings = try configuration(
            """
            replicaof "10.0.0.1 6380"
            maxmemory-policy allkeys-lfu
            save 5 6
            user default on nopass
            rename-command CONFIG ""
            """
        ).settings
        #expect(settings.replicaOf == MasterAddress(host: "10.0.0.1", port: 6380))
        #expect(settings.maxMemoryPolicy == .allKeysLFU)
        #expect(settings.savePoints == [SavePoint(seconds: 5, changes: 6)])
        #expect(settings.users == [["default", "on", "nopass"]])
        #expect(settings.renamedCommands == [CommandRename(name: "CONFIG", newName: "")])
    }

    // MARK: - Files

    @Test func `the file, the standard input and the options follow each other`() {
        let files = ["/tmp/a.conf": "port 1\ntimeout 1\nhz 11", "-": "port 2\ntimeout 2"]
        let decision = interpret(["a.conf", "--port", "3", "-"], files: files)
        guard case .run(let configuration, _) = decision else {
            Issue.record("\(decision)")
            return
        }
        #expect(configuration.filePath == "/tmp/a.conf")
        #expect(configuration.settings.port == 3)
        #expect(configuration.settings.timeoutSeconds == 2)
        #expect(configuration.settings.hz == 11)
    }

    @Test func `options are numbered after the file`() {
        let files = ["/tmp/a.conf": "port 1\n"]
        let decision = interpret(["./a.conf", "--bla", "1"], files: files)
        let reason = "Bad directive or wrong number of arguments"
        expect(decision, (3, "bla \"1\"", reason), "after a file of one line")
    }

    @Test(arguments: [["nope.conf"], ["./x/../nope.conf"], ["--include", "nope.conf"]])
    func `a file that cannot be read is named`(arguments: [String]) {
        guard case .printAndExit(let text, 1, true) = interpret(arguments) else {
            Issue.record("\(arguments) must not start")
            return
        }
        #expect(
            text
                == "Fatal error, can't open config file '/tmp/nope.conf': "
                + "No such file or directory\n"
        )
    }

    @Test func `a directory is no file`() {
        let decision = LaunchArguments.interpret(["redis", "/tmp"])
        guard case .printAndExit(let text, 1, true) = decision else {
            Issue.record("must not start")
            return
        }
        #expect(text == "Fatal error, can't open config file '/tmp': Is a directory\n")
    }

    @Test func `included lines count from their own file, and the including file goes on`() {
        let files = ["/tmp/a.conf": "include b.conf\nport 3\n", "/tmp/b.conf": "port 1\nhz 12\n"]
        guard case .run(let configuration, _) = interpret(["a.conf"], files: files) else {
            Issue.record("must start")
            return
        }
        #expect(configuration.settings.port == 3)
        #expect(configuration.settings.hz == 12)

        let bad = ["/tmp/a.conf": "\n\ninclude b.conf\n", "/tmp/b.conf": "\nhz x\n"]
        expect(
            interpret(["a.conf"], files: bad),
            (2, "hz x", "argument couldn't be parsed into an integer"), "an included file")
    }

    @Test func `a file that includes itself ends`() {
        let decision = interpret(["a.conf"], files: ["/tmp/a.conf": "include a.conf\n"])
        expect(decision, (1, "include a.conf", "Too many levels of included files"), "a loop")
    }

    // MARK: - What stands alone, and notices

    @Test func `version and help are printed, and sentinel is refused`() {
        for word in ["-v", "--version"] {
            guard case .printAndExit(let text, 0, false) = interpret([word]) else {
                Issue.record("\(word)")
                continue
            }
            #expect(text.hasPrefix("Redis server v=7.2.5 sha=00000000:0 malloc="))
            #expect(text.hasSuffix(" bits=64 build=mini-redis-0.1.0\n"))
        }
        for word in ["-h", "--help"] {
            guard case .printAndExit(let text, 0, false) = interpret([word]) else {
                Issue.record("\(word)")
                continue
            }
            #expect(text.contains("Usage: redis [/path/to/redis.conf]"))
        }
        let unbuilt = [
            ["--test-memory", "1"], ["--sentinel"], ["x", "--sentinel"],
        ]
        for words in unbuilt {
            guard case .printAndExit(_, 1, true) = interpret(words) else {
                Issue.record("\(words)")
                continue
            }
        }
    }

    @Test func `a directive without effect is said once, and not for its default`() {
        let lines =
            "io-threads 4\nio-threads 2\nrepl-timeout 60\nacllog-max-len 5\nuser a\nuser b\n"
        guard case .run(let configuration, let notices) = interpret(["-"], files: ["-": lines])
        else {
            Issue.record("must start")
            return
        }
        #expect(
            notices == [
                "directive 'io-threads' has no effect yet",
                "directive 'acllog-max-len' has no effect yet",
                "directive 'user' has no effect yet",
            ])
        #expect(configuration.value(of: "acllog-max-len") == "5")
    }

    @Test(arguments: ["", "a b", "\"\\", "\n\r\t\u{7}\u{8}\u{1}\u{7f}", "\u{e4}\u{20ac}", "it's"])
    func `quoted text is read back`(text: String) {
        #expect(ConfigurationText.words(ConfigurationText.quoted(text)) == [text])
    }
}

@Suite struct SystemCheckTests {
    private func check(_ files: [String: String], openFiles: UInt64 = 100_000) -> (String, Bool) {
        SystemCheck(
            read: { path in files.first { path.hasSuffix($0.key) }?.value },
            openFileLimit: openFiles
        ).report()
    }

    @Test func `a good system has nothing to warn of`() {
        let (text, isGood) = check([
            "current_clocksource": "tsc", "transparent_hugepage/enabled": "always [madvise] never",
            "somaxconn": "4096", "overcommit_memory": "0",
        ])
        #expect(isGood)
        #expect(text.split(separator: "\n").allSatisfy { $0.hasSuffix("...OK") })
    }

    @Test func `each bad setting is named with its remedy`() {
        let (text, isGood) = check(
            [
                "current_clocksource": "hpet",
                "transparent_hugepage/enabled": "[always] madvise never",
                "somaxconn": "128", "overcommit_memory": "2",
            ], openFiles: 1024)
        #expect(!isGood)
        #expect(text.split(separator: "\n").count { $0.hasSuffix("...WARNING") } == 5)
        #expect(text.contains("ulimit -n 10032"))
    }

    @Test func `what cannot be read is skipped`() {
        let (text, isGood) = check([:])
        #expect(isGood)
        #expect(text.contains("[clocksource]...skipped"))
    }
}

@Suite struct ProcessTitleTests {
    @Test func `variables are filled in and what stays empty at the end goes`() {
        let configuration = Configuration(workingDirectory: "/")
        configuration.adjust {
            $0.port = 7000
            $0.bindAddresses = ["127.0.0.1"]
        }
        func title(_ template: String) -> String? {
            ProcessTitle(template)?.text(program: "redis", configuration)
        }
        #expect(title("{title} {listen-addr} {server-mode}") == "redis 127.0.0.1:7000")
        #expect(title("x{port}y{unixsocket}z") == "x7000yz")
        #expect(title("{config-file}") == "")
        #expect(title("{nope}") == nil)
        #expect(title("{title") == nil)
    }
}
