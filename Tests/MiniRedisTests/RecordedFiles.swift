// SPDX-License-Identifier: BSD-3-Clause
//
// What redis-server 7.0.15 said of texts on its standard input: recorded, not reasoned.

struct RecordedFile: Sendable {
    let text: String
    /// The number and text of the refused line, and the reason; nil if it started.
    let refusal: (line: Int, text: String, reason: String)?
}

// swift-format-ignore
let recordedFiles: [RecordedFile] = [
    RecordedFile(text: "port abc\n", refusal: (
        1, "port abc",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "\n# c\n  port   abc  \n", refusal: (
        3, "port   abc",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "PORT 1 2\n", refusal: (
        1, "PORT 1 2",
        "wrong number of arguments")),
    RecordedFile(text: "foo\n", refusal: (
        1, "foo",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "port \"1\n", refusal: (
        1, "port \"1",
        "Unbalanced quotes in configuration line")),
    RecordedFile(text: "port '1\n", refusal: (
        1, "port '1",
        "Unbalanced quotes in configuration line")),
    RecordedFile(text: "port \"1\"x\n", refusal: (
        1, "port \"1\"x",
        "Unbalanced quotes in configuration line")),
    RecordedFile(text: "port \"a\\x31\"\n", refusal: (
        1, "port \"a\\x31\"",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "port \"\\x31\\x37\\x39\\x31\\x32\"\n", refusal: nil),
    RecordedFile(text: "port \"\\q\"\n", refusal: (
        1, "port \"\\q\"",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "requirepass 'a\\'b' x\n", refusal: (
        1, "requirepass 'a\\'b' x",
        "wrong number of arguments")),
    RecordedFile(text: "logfile \"\"\nbla 1\n", refusal: (
        2, "bla 1",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "save\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "save \"\"\nsave 1 1 x\n", refusal: (
        2, "save 1 1 x",
        "Invalid save parameters")),
    RecordedFile(text: "save 1\n", refusal: (
        1, "save 1",
        "Invalid save parameters")),
    RecordedFile(text: "save 1 1 2\n", refusal: (
        1, "save 1 1 2",
        "Invalid save parameters")),
    RecordedFile(text: "save 1 1 2 2\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "save \"1 1\"\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "save a b\n", refusal: (
        1, "save a b",
        "Invalid save parameters")),
    RecordedFile(text: "save -1 1\n", refusal: (
        1, "save -1 1",
        "Invalid save parameters")),
    RecordedFile(text: "save \"\" \"\"\n", refusal: (
        1, "save \"\" \"\"",
        "Invalid save parameters")),
    RecordedFile(text: "save \"\" 1\n", refusal: (
        1, "save \"\" 1",
        "Invalid save parameters")),
    RecordedFile(text: "save 1x 1\n", refusal: (
        1, "save 1x 1",
        "Invalid save parameters")),
    RecordedFile(text: "user\n", refusal: (
        1, "user",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "user foo on\nuser foo on\n", refusal: (
        2, "user foo on",
        "Error in user declaration 'foo': Duplicate user found. A user can only be defined "
            + "once in config files")),
    RecordedFile(text: "user default on nopass ~* &* +@all\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "rename-command a\n", refusal: (
        1, "rename-command a",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "rename-command GET b c\n", refusal: (
        1, "rename-command GET b c",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "include\n", refusal: (
        1, "include",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "include /nope*\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "include a b\n", refusal: (
        1, "include a b",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "loadmodule\n", refusal: (
        1, "loadmodule",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "list-max-ziplist-entries 5\nlist-max-ziplist-value 5\nbla\n", refusal: (
        3, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "list-max-ziplist-entries\n", refusal: (
        1, "list-max-ziplist-entries",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "replicaof a b c\n", refusal: (
        1, "replicaof a b c",
        "wrong number of arguments")),
    RecordedFile(text: "replicaof no one\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "replicaof \"a 1\"\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "slaveof a x\n", refusal: (
        1, "slaveof a x",
        "Invalid master port")),
    RecordedFile(text: "replicaof a -1\n", refusal: (
        1, "replicaof a -1",
        "Invalid master port")),
    RecordedFile(text: "replicaof \"a b c\"\n", refusal: (
        1, "replicaof \"a b c\"",
        "wrong number of arguments")),
    RecordedFile(text: "appendonly yes no\n", refusal: (
        1, "appendonly yes no",
        "wrong number of arguments")),
    RecordedFile(text: "appendonly\n", refusal: (
        1, "appendonly",
        "wrong number of arguments")),
    RecordedFile(text: "daemonize maybe\n", refusal: (
        1, "daemonize maybe",
        "argument must be 'yes' or 'no'")),
    RecordedFile(text: "dir /nope\n", refusal: (
        1, "dir /nope",
        "No such file or directory")),
    RecordedFile(text: "dir /etc/hosts\n", refusal: (
        1, "dir /etc/hosts",
        "Not a directory")),
    RecordedFile(text: "bind\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "unixsocketperm 8\n", refusal: (
        1, "unixsocketperm 8",
        "argument couldn't be parsed as an octal number")),
    RecordedFile(text: "unixsocketperm 1000\n", refusal: (
        1, "unixsocketperm 1000",
        "argument must be between 0 and 777 inclusive")),
    RecordedFile(text: "unixsocketperm -1\n", refusal: (
        1, "unixsocketperm -1",
        "argument must be between 0 and 777 inclusive")),
    RecordedFile(text: "unixsocketperm\n", refusal: (
        1, "unixsocketperm",
        "wrong number of arguments")),
    RecordedFile(text: "oom-score-adj-values 1 2\n", refusal: (
        1, "oom-score-adj-values 1 2",
        "wrong number of arguments")),
    RecordedFile(text: "oom-score-adj-values 1 2 a\n", refusal: (
        1, "oom-score-adj-values 1 2 a",
        "Invalid oom-score-adj-values, elements must be between -2000 and 2000.")),
    RecordedFile(text: "client-output-buffer-limit\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "client-output-buffer-limit normal 0 0 a\n", refusal: (
        1, "client-output-buffer-limit normal 0 0 a",
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.")),
    RecordedFile(text: "client-output-buffer-limit foo 0 0 0\n", refusal: (
        1, "client-output-buffer-limit foo 0 0 0",
        "Invalid client class specified in buffer limit configuration.")),
    RecordedFile(text: "client-output-buffer-limit normal 1 1 1 pubsub 1 1 1\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "notify-keyspace-events q\n", refusal: (
        1, "notify-keyspace-events q",
        "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")),
    RecordedFile(text: "notify-keyspace-events K E\n", refusal: (
        1, "notify-keyspace-events K E",
        "wrong number of arguments")),
    RecordedFile(text: "notify-keyspace-events\n", refusal: (
        1, "notify-keyspace-events",
        "wrong number of arguments")),
    RecordedFile(text: "loglevel\n", refusal: (
        1, "loglevel",
        "wrong number of arguments")),
    RecordedFile(text: "loglevel a b\n", refusal: (
        1, "loglevel a b",
        "wrong number of arguments")),
    RecordedFile(text: "shutdown-on-sigterm nosave save\n", refusal: (
        1, "shutdown-on-sigterm nosave save",
        "shutdown options SAVE and NOSAVE can't be used simultaneously")),
    RecordedFile(text: "enable-debug-command x\n", refusal: (
        1, "enable-debug-command x",
        "argument(s) must be one of the following: no, yes, local")),
    RecordedFile(text: "latency-tracking-info-percentiles\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "latency-tracking-info-percentiles a\n", refusal: (
        1, "latency-tracking-info-percentiles a",
        "Invalid latency-tracking-info-percentiles parameters")),
    RecordedFile(text: "latency-tracking-info-percentiles 50 101\n", refusal: (
        1, "latency-tracking-info-percentiles 50 101",
        "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")),
    RecordedFile(text: "maxmemory-clients x\n", refusal: (
        1, "maxmemory-clients x",
        "argument must be a memory or percent value")),
    RecordedFile(text: "maxmemory 100%\n", refusal: (
        1, "maxmemory 100%",
        "argument must be a memory value")),
    RecordedFile(text: "maxmemory -1\n", refusal: (
        1, "maxmemory -1",
        "argument must be a memory value")),
    RecordedFile(text: "repl-backlog-size 0\n", refusal: (
        1, "repl-backlog-size 0",
        "argument must be between 1 and 9223372036854775807 inclusive")),
    RecordedFile(text: "io-threads 2 3\n", refusal: (
        1, "io-threads 2 3",
        "wrong number of arguments")),
    RecordedFile(text: "slaveof\n", refusal: (
        1, "slaveof",
        "wrong number of arguments")),
    RecordedFile(text: "proc-title-template {x}\n", refusal: (
        1, "proc-title-template {x}",
        "template format is invalid or contains unknown variables")),
    RecordedFile(text: "cluster-announce-hostname a_b\n", refusal: (
        1, "cluster-announce-hostname a_b",
        "Hostnames may only contain alphanumeric characters, hyphens or dots")),
    RecordedFile(text: "acllog-max-len x\n", refusal: (
        1, "acllog-max-len x",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "sentinel monitor a b c d\n", refusal: (
        1, "sentinel monitor a b c d",
        "sentinel directive while not in sentinel mode")),
    RecordedFile(text: "syslog-facility x\n", refusal: (
        1, "syslog-facility x",
        "argument(s) must be one of the following: user, local0, local1, local2, local3, "
            + "local4, local5, local6, local7")),
    RecordedFile(text: "dbfilename\n", refusal: (
        1, "dbfilename",
        "wrong number of arguments")),
    RecordedFile(text: "requirepass\n", refusal: (
        1, "requirepass",
        "wrong number of arguments")),
    RecordedFile(text: "requirepass \"\"\nbla\n", refusal: (
        2, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "vm-enabled no\n", refusal: (
        1, "vm-enabled no",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "min-replicas-max-lag -1\n", refusal: (
        1, "min-replicas-max-lag -1",
        "argument must be between 0 and 2147483647 inclusive")),
    RecordedFile(text: "\tport\tabc\t\n", refusal: (
        1, "port\tabc",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "port\u{b}abc\n", refusal: (
        1, "port\u{b}abc",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "port abc # comment\n", refusal: (
        1, "port abc # comment",
        "wrong number of arguments")),
    RecordedFile(text: "#port abc\nport #1\n", refusal: (
        2, "port #1",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "port\r\n", refusal: (
        1, "port",
        "wrong number of arguments")),
    RecordedFile(text: "\"port\" abc\n", refusal: (
        1, "\"port\" abc",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "\"PORT abc\"\n", refusal: (
        1, "\"PORT abc\"",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "'port' abc\n", refusal: (
        1, "'port' abc",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "port \"a\tb\"\n", refusal: (
        1, "port \"a\tb\"",
        "argument couldn't be parsed into an integer")),
    RecordedFile(text: "databases 0\n", refusal: (
        1, "databases 0",
        "argument must be between 1 and 2147483647 inclusive")),
    RecordedFile(text: "unixsocket\n", refusal: (
        1, "unixsocket",
        "wrong number of arguments")),
    RecordedFile(text: "unixsocket a b\n", refusal: (
        1, "unixsocket a b",
        "wrong number of arguments")),
    RecordedFile(text: "io-threads-do-reads maybe\n", refusal: (
        1, "io-threads-do-reads maybe",
        "argument must be 'yes' or 'no'")),
    RecordedFile(text: "port 17912\nhz 600\nbla", refusal: (
        3, "bla",
        "Bad directive or wrong number of arguments")),
    RecordedFile(text: "requirepass \"a\\x00b\" c\n", refusal: (
        1, "requirepass \"a\\x00b\" c",
        "wrong number of arguments")),
    RecordedFile(text: "replicaof \"a\\\"b\"\n", refusal: (
        1, "replicaof \"a\\\"b\"",
        "wrong number of arguments")),
]
