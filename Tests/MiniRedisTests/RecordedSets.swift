// SPDX-License-Identifier: BSD-3-Clause
//
// What redis-server 7.0.15 answered to `CONFIG SET`, one after the other: recorded, not reasoned.

/// One CONFIG SET and its outcome.
struct RecordedSet: Sendable {
    let name: String
    let text: String
    /// What CONFIG GET then said; nil if it was refused.
    var value: String?
    /// The name that the error reply blamed, and the reason that it gave.
    var blamed: String?
    var reason: String?
    /// The error reply if it was not of that form.
    var error: String?
}

// swift-format-ignore
let recordedSets: [RecordedSet] = [
    RecordedSet(name: "maxmemory", text: "1k", value: "1000"),
    RecordedSet(name: "maxmemory", text: "1kb", value: "1024"),
    RecordedSet(name: "maxmemory", text: "1K", value: "1000"),
    RecordedSet(name: "maxmemory", text: "1KB", value: "1024"),
    RecordedSet(name: "maxmemory", text: "1m", value: "1000000"),
    RecordedSet(name: "maxmemory", text: "1mb", value: "1048576"),
    RecordedSet(name: "maxmemory", text: "1g", value: "1000000000"),
    RecordedSet(name: "maxmemory", text: "1gb", value: "1073741824"),
    RecordedSet(name: "maxmemory", text: "1b", value: "1"),
    RecordedSet(name: "maxmemory", text: "1B", value: "1"),
    RecordedSet(name: "maxmemory", text: "1Gb", value: "1073741824"),
    RecordedSet(
        name: "maxmemory", text: "1t", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "maxmemory", text: "1 kb", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "maxmemory", text: "1.5mb", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "maxmemory", text: "-1", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(name: "maxmemory", text: "", value: "0"),
    RecordedSet(name: "maxmemory", text: "0", value: "0"),
    RecordedSet(
        name: "maxmemory", text: "+5", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(name: "maxmemory", text: "007", value: "7"),
    RecordedSet(
        name: "maxmemory", text: "0x10", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(name: "maxmemory", text: "k", value: "0"),
    RecordedSet(name: "maxmemory", text: "18446744073709551615", value: "18446744073709551615"),
    RecordedSet(name: "maxmemory", text: "9223372036854775808", value: "9223372036854775808"),
    RecordedSet(
        name: "maxmemory", text: "1kbx", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "maxmemory", text: "%", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "maxmemory", text: "10%", blamed: "maxmemory",
        reason: "argument must be a memory value"),
    RecordedSet(name: "maxmemory-clients", text: "10%", value: "10%"),
    RecordedSet(name: "maxmemory-clients", text: "100%", value: "100%"),
    RecordedSet(
        name: "maxmemory-clients", text: "101%", blamed: "maxmemory-clients",
        reason: "percentage argument must be less or equal to 100"),
    RecordedSet(
        name: "maxmemory-clients", text: "-1%", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(name: "maxmemory-clients", text: "0%", value: "0"),
    RecordedSet(
        name: "maxmemory-clients", text: "%", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(
        name: "maxmemory-clients", text: "1.5%", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(name: "maxmemory-clients", text: "5", value: "5"),
    RecordedSet(
        name: "maxmemory-clients", text: "-5", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(name: "maxmemory-clients", text: "1mb", value: "1048576"),
    RecordedSet(
        name: "maxmemory-clients", text: "10 %", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(
        name: "maxmemory-clients", text: "10%%", blamed: "maxmemory-clients",
        reason: "argument must be a memory or percent value"),
    RecordedSet(name: "stream-node-max-bytes", text: "", value: "0"),
    RecordedSet(
        name: "stream-node-max-bytes", text: "-1", blamed: "stream-node-max-bytes",
        reason: "argument must be a memory value"),
    RecordedSet(name: "stream-node-max-bytes", text: "1b", value: "1"),
    RecordedSet(name: "stream-node-max-bytes", text: "0", value: "0"),
    RecordedSet(name: "stream-node-max-bytes", text: "4096", value: "4096"),
    RecordedSet(
        name: "timeout", text: "", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "+5", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: " 5", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "5 ", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "05", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(name: "timeout", text: "0", value: "0"),
    RecordedSet(
        name: "timeout", text: "0x5", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "-0", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "1e2", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "timeout", text: "-1", blamed: "timeout",
        reason: "argument must be between 0 and 2147483647 inclusive"),
    RecordedSet(
        name: "timeout", text: "2147483648", blamed: "timeout",
        reason: "argument must be between 0 and 2147483647 inclusive"),
    RecordedSet(
        name: "timeout", text: "99999999999999999999", blamed: "timeout",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(name: "rdbcompression", text: "YES", value: "yes"),
    RecordedSet(
        name: "rdbcompression", text: "yes ", blamed: "rdbcompression",
        reason: "argument must be 'yes' or 'no'"),
    RecordedSet(
        name: "rdbcompression", text: "", blamed: "rdbcompression",
        reason: "argument must be 'yes' or 'no'"),
    RecordedSet(name: "loglevel", text: "WARNING", value: "warning"),
    RecordedSet(name: "loglevel", text: "Debug", value: "debug"),
    RecordedSet(
        name: "loglevel", text: "", blamed: "loglevel",
        reason: "argument(s) must be one of the following: debug, verbose, notice, warning"),
    RecordedSet(
        name: "loglevel", text: "warning notice", blamed: "loglevel",
        reason: "argument(s) must be one of the following: debug, verbose, notice, warning"),
    RecordedSet(
        name: "loglevel", text: "nothing", blamed: "loglevel",
        reason: "argument(s) must be one of the following: debug, verbose, notice, warning"),
    RecordedSet(name: "shutdown-on-sigint", text: "nosave", value: "nosave"),
    RecordedSet(name: "shutdown-on-sigint", text: "nosave force now", value: "nosave now force"),
    RecordedSet(
        name: "shutdown-on-sigint", text: "save nosave", blamed: "shutdown-on-sigint",
        reason: "shutdown options SAVE and NOSAVE can't be used simultaneously"),
    RecordedSet(name: "shutdown-on-sigint", text: "default", value: "default"),
    RecordedSet(name: "shutdown-on-sigint", text: "NOSAVE Force", value: "nosave force"),
    RecordedSet(name: "shutdown-on-sigint", text: "now now", value: "now"),
    RecordedSet(
        name: "shutdown-on-sigint", text: "", blamed: "shutdown-on-sigint",
        reason: "argument(s) must be one of the following: default, save, nosave, now, force"),
    RecordedSet(name: "shutdown-on-sigint", text: "save now", value: "save now"),
    RecordedSet(name: "shutdown-on-sigint", text: "default nosave", value: "nosave"),
    RecordedSet(name: "save", text: "", value: ""),
    RecordedSet(name: "save", text: "3600 1", value: "3600 1"),
    RecordedSet(name: "save", text: "3600 1 300 100", value: "3600 1 300 100"),
    RecordedSet(
        name: "save", text: "3600  1", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: "a b", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: "0 1", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(name: "save", text: "1 0", value: "1 0"),
    RecordedSet(
        name: "save", text: "1 -1", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: "1", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: "1 2 3", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: "\"3600 1\"", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(
        name: "save", text: " 1 1 ", blamed: "save",
        reason: "Invalid save parameters"),
    RecordedSet(name: "save", text: "60 10000 60 10000", value: "60 10000 60 10000"),
    RecordedSet(name: "save", text: "99999999999 1", value: "99999999999 1"),
    RecordedSet(name: "save", text: "900 01", value: "900 1"),
    RecordedSet(name: "notify-keyspace-events", text: "A", value: "A"),
    RecordedSet(name: "notify-keyspace-events", text: "KEA", value: "AKE"),
    RecordedSet(name: "notify-keyspace-events", text: "Ex", value: "xE"),
    RecordedSet(name: "notify-keyspace-events", text: "AKE", value: "AKE"),
    RecordedSet(name: "notify-keyspace-events", text: "g$lshzxetd", value: "A"),
    RecordedSet(name: "notify-keyspace-events", text: "g$lshzxetdm", value: "Am"),
    RecordedSet(name: "notify-keyspace-events", text: "n", value: "n"),
    RecordedSet(name: "notify-keyspace-events", text: "AKEn", value: "AKE"),
    RecordedSet(name: "notify-keyspace-events", text: "AKEm", value: "AKEm"),
    RecordedSet(name: "notify-keyspace-events", text: "KEA$", value: "AKE"),
    RecordedSet(name: "notify-keyspace-events", text: "xE", value: "xE"),
    RecordedSet(name: "notify-keyspace-events", text: "", value: ""),
    RecordedSet(name: "notify-keyspace-events", text: "AKEmn", value: "AKEm"),
    RecordedSet(name: "notify-keyspace-events", text: "g$lshzxetdKEmn", value: "AKEm"),
    RecordedSet(
        name: "notify-keyspace-events", text: "q", blamed: "notify-keyspace-events",
        reason: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
    RecordedSet(name: "notify-keyspace-events", text: "KK", value: "K"),
    RecordedSet(name: "notify-keyspace-events", text: "gK", value: "gK"),
    RecordedSet(name: "notify-keyspace-events", text: "dtE", value: "tdE"),
    RecordedSet(name: "notify-keyspace-events", text: "lzsh", value: "lshz"),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0 0",
        value: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
    RecordedSet(
        name: "client-output-buffer-limit", text: "NORMAL 1mb 2k 3",
        value: "normal 1048576 2000 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
    RecordedSet(
        name: "client-output-buffer-limit", text: "replica 1 2 3 slave 4 5 6",
        value: "normal 1048576 2000 3 slave 4 5 6 pubsub 33554432 8388608 60"),
    RecordedSet(
        name: "client-output-buffer-limit", text: "",
        value: "normal 1048576 2000 3 slave 4 5 6 pubsub 33554432 8388608 60"),
    RecordedSet(
        name: "client-output-buffer-limit", text: "master 0 0 0",
        blamed: "client-output-buffer-limit",
        reason: "Invalid client class specified in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0",
        blamed: "client-output-buffer-limit",
        reason: "Wrong number of arguments in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0 0 pubsub",
        blamed: "client-output-buffer-limit",
        reason: "Wrong number of arguments in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal a 0 0",
        blamed: "client-output-buffer-limit",
        reason: "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0 -1",
        blamed: "client-output-buffer-limit",
        reason: "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0 a",
        blamed: "client-output-buffer-limit",
        reason: "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal -1 0 0",
        blamed: "client-output-buffer-limit",
        reason: "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 0 0 0  pubsub 0 0 0",
        blamed: "client-output-buffer-limit",
        reason: "Wrong number of arguments in buffer limit configuration."),
    RecordedSet(
        name: "client-output-buffer-limit", text: "normal 1 1 1 normal 2 2 2",
        value: "normal 2 2 2 slave 4 5 6 pubsub 33554432 8388608 60"),
    RecordedSet(
        name: "oom-score-adj-values", text: "", blamed: "oom-score-adj-values",
        reason: "wrong number of arguments"),
    RecordedSet(name: "oom-score-adj-values", text: "0 200 800", value: "0 200 800"),
    RecordedSet(
        name: "oom-score-adj-values", text: "0 200", blamed: "oom-score-adj-values",
        reason: "wrong number of arguments"),
    RecordedSet(
        name: "oom-score-adj-values", text: "1 2 3 4", blamed: "oom-score-adj-values",
        reason: "wrong number of arguments"),
    RecordedSet(
        name: "oom-score-adj-values", text: "a b c", blamed: "oom-score-adj-values",
        reason: "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
    RecordedSet(name: "oom-score-adj-values", text: "-2000 -1 2000", value: "-2000 -1 2000"),
    RecordedSet(
        name: "oom-score-adj-values", text: "-2001 0 0", blamed: "oom-score-adj-values",
        reason: "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
    RecordedSet(
        name: "oom-score-adj-values", text: "0 0 2001", blamed: "oom-score-adj-values",
        reason: "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
    RecordedSet(name: "oom-score-adj-values", text: "3 2 1", value: "3 2 1"),
    RecordedSet(
        name: "oom-score-adj-values", text: "1.5 0 0", blamed: "oom-score-adj-values",
        reason: "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "", value: ""),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "50", value: "50"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "50 99", value: "50 99"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "50.0 99.99", value: "50 99.99"),
    RecordedSet(
        name: "latency-tracking-info-percentiles", text: "101",
        blamed: "latency-tracking-info-percentiles",
        reason: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"),
    RecordedSet(
        name: "latency-tracking-info-percentiles", text: "-1",
        blamed: "latency-tracking-info-percentiles",
        reason: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"),
    RecordedSet(
        name: "latency-tracking-info-percentiles", text: "a",
        blamed: "latency-tracking-info-percentiles",
        reason: "Invalid latency-tracking-info-percentiles parameters"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "50 50", value: "50 50"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "0.0 100", value: "0 100"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "99.999999", value: "99.999999"),
    RecordedSet(name: "latency-tracking-info-percentiles", text: "1e1", value: "10"),
    RecordedSet(
        name: "latency-tracking-info-percentiles", text: "50  60",
        blamed: "latency-tracking-info-percentiles",
        reason: "Invalid latency-tracking-info-percentiles parameters"),
    RecordedSet(name: "bind", text: "", value: ""),
    RecordedSet(name: "bind", text: "127.0.0.1", value: "127.0.0.1"),
    RecordedSet(name: "bind", text: "127.0.0.1 ::1", value: "127.0.0.1 ::1"),
    RecordedSet(name: "bind", text: "* -::*", value: "* -::*"),
    RecordedSet(name: "hz", text: "500", value: "500"),
    RecordedSet(name: "hz", text: "501", value: "500"),
    RecordedSet(name: "hz", text: "0", value: "1"),
    RecordedSet(name: "hz", text: "1", value: "1"),
    RecordedSet(name: "hz", text: "499", value: "499"),
    RecordedSet(
        name: "hz", text: "-1", blamed: "hz",
        reason: "argument must be between 0 and 2147483647 inclusive"),
    RecordedSet(
        name: "proto-max-bulk-len", text: "0", blamed: "proto-max-bulk-len",
        reason: "argument must be between 1048576 and 9223372036854775807 inclusive"),
    RecordedSet(name: "proto-max-bulk-len", text: "1048576", value: "1048576"),
    RecordedSet(
        name: "proto-max-bulk-len", text: "1048575", blamed: "proto-max-bulk-len",
        reason: "argument must be between 1048576 and 9223372036854775807 inclusive"),
    RecordedSet(name: "proto-max-bulk-len", text: "1mb", value: "1048576"),
    RecordedSet(name: "dbfilename", text: "", value: ""),
    RecordedSet(
        name: "dbfilename", text: "a/b", blamed: "dbfilename",
        reason: "dbfilename can't be a path, just a filename"),
    RecordedSet(name: "dbfilename", text: "x.rdb", value: "x.rdb"),
    RecordedSet(
        name: "dbfilename", text: "/x", blamed: "dbfilename",
        reason: "dbfilename can't be a path, just a filename"),
    RecordedSet(
        name: "dir", text: "/nope", blamed: "dir",
        reason: "No such file or directory"),
    RecordedSet(
        name: "dir", text: "", blamed: "dir",
        reason: "No such file or directory"),
    RecordedSet(name: "dir", text: "/", value: "/"),
    RecordedSet(name: "dir", text: "/tmp/../tmp", value: "/tmp"),
    RecordedSet(
        name: "dir", text: "/etc/hosts", blamed: "dir",
        reason: "Not a directory"),
    RecordedSet(
        name: "port", text: "70000", blamed: "port",
        reason: "argument must be between 0 and 65535 inclusive"),
    RecordedSet(
        name: "port", text: "-1", blamed: "port",
        reason: "argument must be between 0 and 65535 inclusive"),
    RecordedSet(
        name: "port", text: "x", blamed: "port",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "proc-title-template", text: "{title}", blamed: "proc-title-template",
        reason: "template format is invalid or contains unknown variables"),
    RecordedSet(
        name: "proc-title-template", text: "{nope}", blamed: "proc-title-template",
        reason: "template format is invalid or contains unknown variables"),
    RecordedSet(
        name: "proc-title-template", text: "", blamed: "proc-title-template",
        reason: "template format is invalid or contains unknown variables"),
    RecordedSet(
        name: "proc-title-template", text: "{title} {listen-addr", blamed: "proc-title-template",
        reason: "template format is invalid or contains unknown variables"),
    RecordedSet(name: "proc-title-template", text: "x", value: "x"),
    RecordedSet(name: "proc-title-template", text: "{port}", value: "{port}"),
    RecordedSet(
        name: "proc-title-template", text: "{title} {listen-addr} {server-mode}",
        value: "{title} {listen-addr} {server-mode}"),
    RecordedSet(
        name: "cluster-announce-hostname", text: "a_b", blamed: "cluster-announce-hostname",
        reason: "Hostnames may only contain alphanumeric characters, hyphens or dots"),
    RecordedSet(name: "cluster-announce-hostname", text: "a.b-c", value: "a.b-c"),
    RecordedSet(
        name: "cluster-announce-hostname",
        text: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            + "aaaaaaaaaaaaaaaaa", blamed: "cluster-announce-hostname",
        reason: "Hostnames must be less than 256 characters"),
    RecordedSet(name: "cluster-announce-hostname", text: "", value: ""),
    RecordedSet(name: "slowlog-log-slower-than", text: "-1", value: "-1"),
    RecordedSet(
        name: "slowlog-log-slower-than", text: "-2", blamed: "slowlog-log-slower-than",
        reason: "argument must be between -1 and 9223372036854775807 inclusive"),
    RecordedSet(
        name: "slave-priority", text: "abc", blamed: "slave-priority",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(name: "slave-priority", text: "5", value: "5"),
    RecordedSet(name: "list-max-ziplist-size", text: "-6", value: "-6"),
    RecordedSet(
        name: "list-max-ziplist-size", text: "x", blamed: "list-max-ziplist-size",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "SLAVE-Priority", text: "x", blamed: "slave-priority",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "Daemonize", text: "yes", blamed: "Daemonize",
        reason: "can't set immutable config"),
    RecordedSet(
        name: "DATABASES", text: "4", blamed: "DATABASES",
        reason: "can't set immutable config"),
    RecordedSet(
        name: "foo", text: "1",
        error: "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"),
    RecordedSet(
        name: "FOO", text: "1",
        error: "ERR Unknown option or number of arguments for CONFIG SET - 'FOO'"),
    RecordedSet(name: "key-load-delay", text: "5", value: "5"),
    RecordedSet(
        name: "key-load-delay", text: "x", blamed: "key-load-delay",
        reason: "argument couldn't be parsed into an integer"),
    RecordedSet(
        name: "appendfilename", text: "x", blamed: "appendfilename",
        reason: "can't set immutable config"),
    RecordedSet(
        name: "cluster-link-sendbuf-limit", text: "18446744073709551615",
        value: "18446744073709551615"),
    RecordedSet(
        name: "cluster-link-sendbuf-limit", text: "x", blamed: "cluster-link-sendbuf-limit",
        reason: "argument must be a memory value"),
    RecordedSet(
        name: "active-defrag-cycle-min", text: "0", blamed: "active-defrag-cycle-min",
        reason: "argument must be between 1 and 99 inclusive"),
    RecordedSet(name: "active-defrag-cycle-min", text: "50", value: "50"),
    RecordedSet(name: "acl-pubsub-default", text: "ALLCHANNELS", value: "allchannels"),
    RecordedSet(
        name: "acl-pubsub-default", text: "x", blamed: "acl-pubsub-default",
        reason: "argument(s) must be one of the following: allchannels, resetchannels"),
    RecordedSet(
        name: "syslog-ident", text: "x", blamed: "syslog-ident",
        reason: "can't set immutable config"),
    RecordedSet(name: "tls-auth-clients", text: "Optional", value: "optional"),
    RecordedSet(
        name: "tls-auth-clients", text: "x", blamed: "tls-auth-clients",
        reason: "argument(s) must be one of the following: no, yes, optional"),
    RecordedSet(
        name: "replicaof", text: "a 1", blamed: "replicaof",
        reason: "can't set immutable config"),
    RecordedSet(
        name: "repl-timeout", text: "0", blamed: "repl-timeout",
        reason: "argument must be between 1 and 2147483647 inclusive"),
    RecordedSet(
        name: "unixsocketperm", text: "700", blamed: "unixsocketperm",
        reason: "can't set immutable config"),
    RecordedSet(name: "tls-protocols", text: "foo", value: "foo"),
]
