// SPDX-License-Identifier: BSD-3-Clause
//
// What redis-server 7.0.15 did with command lines: recorded, not reasoned. A case without a line is
// one it started with.

struct RecordedLaunch: Sendable {
    let arguments: [String]
    let standardInput: String
    /// The number and text of the refused line, and the reason.
    let refusal: (line: Int, text: String, reason: String)?
}

// swift-format-ignore
let recordedLaunches: [RecordedLaunch] = [
    RecordedLaunch(arguments: ["--port"],
        standardInput: "", refusal: (
            2,
            "port",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "6380", "--loglevel"],
        standardInput: "", refusal: (
            3,
            "loglevel",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "6379", "6380"],
        standardInput: "", refusal: (
            2,
            "port \"6379\" \"6380\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "--loglevel", "verbose"],
        standardInput: "", refusal: (
            2,
            "port \"--loglevel\" \"verbose\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "--bla"],
        standardInput: "", refusal: (
            2,
            "port \"--bla\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "--bla", "--loglevel", "verbose"],
        standardInput: "", refusal: (
            2,
            "port \"--bla\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: [
        "--port", "17912", "--logfile", "--my--log--file", "--loglevel", "--bla"
        ],
        standardInput: "", refusal: (
            4,
            "loglevel \"--bla\"",
            "argument(s) must be one of the following: debug, verbose, notice, warning")),
    RecordedLaunch(arguments: ["--port", "17912", "--shutdown-on-sigint"],
        standardInput: "", refusal: (
            3,
            "shutdown-on-sigint",
            "argument(s) must be one of the following: default, save, nosave, now, force")),
    RecordedLaunch(arguments: ["--port", "17912", "--shutdown-on-sigint", "now force"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--shutdown-on-sigint", "nosave force now"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--shutdown-on-sigint", "nosave", "force"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "127.0.0.1", "abc"],
        standardInput: "", refusal: (
            3,
            "replicaof \"127.0.0.1\" \"abc\"",
            "Invalid master port")),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "--127.0.0.1", "abc"],
        standardInput: "", refusal: (
            3,
            "replicaof \"--127.0.0.1\" \"abc\"",
            "Invalid master port")),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "127.0.0.1 6379"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "127.0.0.1", "6379"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "127.0.0.1"],
        standardInput: "", refusal: (
            3,
            "replicaof \"127.0.0.1\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "no", "one"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "a", "0"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "a", "65536"],
        standardInput: "", refusal: (
            3,
            "replicaof \"a\" \"65536\"",
            "Invalid master port")),
    RecordedLaunch(arguments: ["--port", "17912", "--replicaof", "a", "b", "c"],
        standardInput: "", refusal: (
            3,
            "replicaof \"a\" \"b\" \"c\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--user", "foo", "--user", "foo"],
        standardInput: "", refusal: (
            4,
            "user \"foo\"",
            "Error in user declaration 'foo': Duplicate user found. A user can only be "
                + "defined once in config files")),
    RecordedLaunch(arguments: ["--port", "17912", "--save"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--save", ""],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "100", "100"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "100 100"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "1 1", "2 2"],
        standardInput: "", refusal: (
            3,
            "save \"1 1\" \"2 2\"",
            "Invalid save parameters")),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "abc"],
        standardInput: "", refusal: (
            3,
            "save \"abc\"",
            "Invalid save parameters")),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "1"],
        standardInput: "", refusal: (
            3,
            "save \"1\"",
            "Invalid save parameters")),
    RecordedLaunch(arguments: ["--port", "17912", "--save", "--port", "17912"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--maxmemory 700mb"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--maxmemory 700mb", "--loglevel", "x"],
        standardInput: "", refusal: (
            4,
            "loglevel \"x\"",
            "argument(s) must be one of the following: debug, verbose, notice, warning")),
    RecordedLaunch(arguments: ["--port", "17912", "--maxmemory", "700mb", "5"],
        standardInput: "", refusal: (
            3,
            "maxmemory \"700mb\" \"5\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--proc-title-template", "--my--title"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: [
        "--port", "17912", "--proc-title-template", "--my--title", "--loglevel", "x"
        ],
        standardInput: "", refusal: (
            4,
            "loglevel \"x\"",
            "argument(s) must be one of the following: debug, verbose, notice, warning")),
    RecordedLaunch(arguments: ["--port", "17912", "--bla", "1"],
        standardInput: "", refusal: (
            3,
            "bla \"1\"",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--bla"],
        standardInput: "", refusal: (
            3,
            "bla",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "bla"],
        standardInput: "", refusal: (
            2,
            "port \"17912\" \"bla\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["-x"],
        standardInput: "", refusal: (
            2,
            "\"-x\"",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["-V"],
        standardInput: "", refusal: (
            2,
            "\"-V\"",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--", ""],
        standardInput: "", refusal: (
            2,
            "\"\"",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", ""],
        standardInput: "", refusal: (
            2,
            "port \"\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "abc"],
        standardInput: "", refusal: (
            2,
            "port \"abc\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "70000"],
        standardInput: "", refusal: (
            2,
            "port \"70000\"",
            "argument must be between 0 and 65535 inclusive")),
    RecordedLaunch(arguments: ["--port=6380"],
        standardInput: "", refusal: (
            2,
            "port=6380",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--loglevel", "wrong"],
        standardInput: "", refusal: (
            3,
            "loglevel \"wrong\"",
            "argument(s) must be one of the following: debug, verbose, notice, warning")),
    RecordedLaunch(arguments: ["--port", "17912", "--rdbcompression", "maybe"],
        standardInput: "", refusal: (
            3,
            "rdbcompression \"maybe\"",
            "argument must be 'yes' or 'no'")),
    RecordedLaunch(arguments: ["--port", "17912", "--maxmemory", "abc"],
        standardInput: "", refusal: (
            3,
            "maxmemory \"abc\"",
            "argument must be a memory value")),
    RecordedLaunch(arguments: ["--port", "17912", "--dir", "/nope"],
        standardInput: "", refusal: (
            3,
            "dir \"/nope\"",
            "No such file or directory")),
    RecordedLaunch(arguments: ["--port", "17912", "--dir", ""],
        standardInput: "", refusal: (
            3,
            "dir \"\"",
            "No such file or directory")),
    RecordedLaunch(arguments: ["--port", "17912", "--dir", "/etc/hosts"],
        standardInput: "", refusal: (
            3,
            "dir \"/etc/hosts\"",
            "Not a directory")),
    RecordedLaunch(arguments: ["--port", "17912", "--dbfilename", "a/b"],
        standardInput: "", refusal: (
            3,
            "dbfilename \"a/b\"",
            "dbfilename can't be a path, just a filename")),
    RecordedLaunch(arguments: ["--port", "17912", "--daemonize"],
        standardInput: "", refusal: (
            3,
            "daemonize",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--PORT", "17913"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--appendonly", "\"no\""],
        standardInput: "", refusal: (
            3,
            "appendonly \"\\\"no\\\"\"",
            "argument must be 'yes' or 'no'")),
    RecordedLaunch(arguments: ["--port", "17912", "--appendonly", "'no'"],
        standardInput: "", refusal: (
            3,
            "appendonly \"'no'\"",
            "argument must be 'yes' or 'no'")),
    RecordedLaunch(arguments: ["--port", "17912", "--logfile", "a\"b"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--requirepass", "a b", "c"],
        standardInput: "", refusal: (
            3,
            "requirepass \"a b\" \"c\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--requirepass", "--x"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--requirepass", "--"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--include"],
        standardInput: "", refusal: (
            3,
            "include",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--io-threads", "200"],
        standardInput: "", refusal: (
            3,
            "io-threads \"200\"",
            "argument must be between 1 and 128 inclusive")),
    RecordedLaunch(arguments: ["--port", "17912", "--databases", "0"],
        standardInput: "", refusal: (
            3,
            "databases \"0\"",
            "argument must be between 1 and 2147483647 inclusive")),
    RecordedLaunch(arguments: ["--port", "17912", "--unixsocketperm", "999"],
        standardInput: "", refusal: (
            3,
            "unixsocketperm \"999\"",
            "argument couldn't be parsed as an octal number")),
    RecordedLaunch(arguments: ["--port", "17912", "--unixsocketperm", "0700"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: ["--port", "17912", "--unixsocketperm", "1777"],
        standardInput: "", refusal: (
            3,
            "unixsocketperm \"1777\"",
            "argument must be between 0 and 777 inclusive")),
    RecordedLaunch(arguments: ["--port", "17912", "--bind", "127.0.0.1", "::1"],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: [
        "--port", "17912", "--bind", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
        "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
        "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1",
        "127.0.0.1"
        ],
        standardInput: "", refusal: (
            3,
            "bind \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" "
                + "\"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" "
                + "\"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" \"127.0.0.1\" "
                + "\"127.0.0.1\" \"127.0.0.1\"",
            "Too many bind addresses specified.")),
    RecordedLaunch(arguments: [
        "--port", "17912", "--client-output-buffer-limit", "normal", "0", "0", "0"
        ],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: [
        "--port", "17912", "--client-output-buffer-limit", "normal 0 0 0"
        ],
        standardInput: "", refusal: nil),
    RecordedLaunch(arguments: [
        "--port", "17912", "--client-output-buffer-limit", "normal", "0", "0"
        ],
        standardInput: "", refusal: (
            3,
            "client-output-buffer-limit \"normal\" \"0\" \"0\"",
            "Wrong number of arguments in buffer limit configuration.")),
    RecordedLaunch(arguments: ["--port", "17912", "--list-max-ziplist-size", "x"],
        standardInput: "", refusal: (
            3,
            "list-max-ziplist-size \"x\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "17912", "--supervised", "x"],
        standardInput: "", refusal: (
            3,
            "supervised \"x\"",
            "argument(s) must be one of the following: upstart, systemd, auto, no")),
    RecordedLaunch(arguments: ["--port", "17912", "--lua-time-limit", "x"],
        standardInput: "", refusal: (
            3,
            "lua-time-limit \"x\"",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "17912", "--requirepass", "päss\n\"w\\", "x"],
        standardInput: "", refusal: (
            3,
            "requirepass \"p\\xc3\\xa4ss\\n\\\"w\\\\\" \"x\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "--slaveof", "a"],
        standardInput: "", refusal: (
            3,
            "slaveof \"a\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "x", "--bla"],
        standardInput: "", refusal: (
            2,
            "port \"17912\" \"x\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["--save", "--bla"],
        standardInput: "", refusal: (
            3,
            "bla",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--SAVE", "--bla", "1"],
        standardInput: "", refusal: (
            3,
            "bla \"1\"",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["--port", "17912", "-"],
        standardInput: "hz abc\n", refusal: (
            1,
            "hz abc",
            "argument couldn't be parsed into an integer")),
    RecordedLaunch(arguments: ["--port", "17912", "-", "--bla"],
        standardInput: "", refusal: (
            2,
            "port \"17912\" \"-\"",
            "wrong number of arguments")),
    RecordedLaunch(arguments: ["-", "--bla"],
        standardInput: "hz 10\n\n", refusal: (
            4,
            "bla",
            "Bad directive or wrong number of arguments")),
    RecordedLaunch(arguments: ["-"],
        standardInput: "hz abc", refusal: (
            1,
            "hz abc",
            "argument couldn't be parsed into an integer")),
]
