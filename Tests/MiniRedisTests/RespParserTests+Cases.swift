// SPDX-License-Identifier: BSD-3-Clause

// Streams of requests, valid and not, each with what it is to give.

import CRespParser
import Testing

/// One thing that a stream gives.
enum RequestEvent: Equatable {
    case request([[UInt8]])
    case failure(String)
}

/// A request as one types it: arguments as text.
private func request(_ arguments: String...) -> RequestEvent {
    .request(arguments.map { Array($0.utf8) })
}

let clientLimits = crp_limits(
    inline_length: 64 * 1024,
    multibulk_count: Int64(Int32.max),
    bulk_length: 512 << 20,
    authenticated: 1
)

let strangerLimits = crp_limits(
    inline_length: 64 * 1024,
    multibulk_count: 10,
    bulk_length: 16 * 1024,
    authenticated: 0
)

/// A stream and what it gives.
struct RequestCase: CustomTestStringConvertible {
    var name: String
    var stream: [UInt8]
    var events: [RequestEvent]
    var limits = clientLimits

    init(
        _ name: String, _ stream: String, limits: crp_limits = clientLimits,
        _ events: RequestEvent...
    ) {
        self.name = name
        self.stream = Array(stream.utf8)
        self.events = events
        self.limits = limits
    }

    var testDescription: String { name }
}

private let requestCases = [
    RequestCase(
        "a command", "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$4\r\nabcd\r\n",
        request("SET", "key:000000000001", "abcd")),
    RequestCase(
        "pipelined commands",
        "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
        request("PING"), request("GET", "k"), request("ECHO", "")),
    RequestCase(
        "arguments of three and four digits",
        "*2\r\n$300\r\n\(String(repeating: "x", count: 300))\r\n"
            + "$1024\r\n\(String(repeating: "y", count: 1024))\r\n*1\r\n$4\r\nPING\r\n",
        request(String(repeating: "x", count: 300), String(repeating: "y", count: 1024)),
        request("PING")),
    RequestCase(
        "twelve arguments",
        "*12\r\n" + String(repeating: "$2\r\nab\r\n", count: 12),
        .request(Array(repeating: Array("ab".utf8), count: 12))),
    RequestCase(
        "line breaks in an argument", "*1\r\n$8\r\n\r\n$1\r\n*1\r\n",
        request("\r\n$1\r\n*1")),
    RequestCase(
        "empty requests (F03)",
        "\r\n\n*0\r\n*-1\r\n*-10\r\n \t\r\n*-9223372036854775808\r\nPING\r\n",
        request(), request(), request(), request(), request(), request(), request(),
        request("PING")),
    RequestCase(
        "any byte after a carriage return, any two after an argument",
        "*1\rx$4\ryPINGzz*1\r\n$1\r\nq\r\n",
        request("PING"), request("q")),
    RequestCase(
        "a stranger within its limits", "*10\r\n" + String(repeating: "$1\r\na\r\n", count: 10),
        limits: strangerLimits,
        .request(Array(repeating: Array("a".utf8), count: 10))),
    RequestCase("a huge count and silence (F08)", "*2147483647\r\n"),
    RequestCase("the start of a request", "*2\r\n$3\r\nGET\r\n$5\r\nabc"),
]

private let inlineCases = [
    RequestCase(
        "words", "SET key  value\r\n\tGET key \n", request("SET", "key", "value"),
        request("GET", "key")),
    RequestCase("no carriage return", "PING\nPING\n", request("PING"), request("PING")),
    RequestCase("a carriage return within a line", "a\rb\r\r\n", request("a", "b")),
    RequestCase(
        "double quotes", #""a b" "" "\n\r\t\b\a\q\\\"" "\x41\x4a\xZZ\x4"\#r\#n"#,
        request("a b", "", "\n\r\t\u{8}\u{7}q\\\"", "AJxZZx4")),
    RequestCase("single quotes", #"'a b' '' '\n\'\"'\#r\#n"#, request("a b", "", #"\n'\""#)),
    RequestCase("quotes within a word", #"ab"c d"  e'f'\#n"#, request("abc d", "ef")),
    RequestCase(
        "backslashes outside quotes", #"a\nb \x41 \\#n"#, request(#"a\nb"#, #"\x41"#, #"\"#)),
    RequestCase(
        "all blanks between words", " \t\u{b}\u{c}\ra\u{b}b \u{b}\u{c}c\n",
        request("a\u{b}b", "c")),
    RequestCase("a blank after a closing quote", "\"a\"\u{b}b\n", request("a", "b")),
    RequestCase(
        "inline and multibulk in turn", "PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n",
        request("PING"), request("PING"), request("PING")),
    RequestCase(
        "a RESP3 type is a word (F14)", "%1\r\n~1\r\n$1\r\n", request("%1"), request("~1"),
        request("$1")),
    RequestCase("HTTP is words", "POST / HTTP/1.1\r\n", request("POST", "/", "HTTP/1.1")),
    RequestCase("a zero byte hides the end of the line", "PI\0NG\r\nPING\r\n"),
]

private let errorCases = [
    RequestCase(
        "unbalanced quotes (F11)", "get k\r\nset \"\"\"x\"\"\" y\r\nPING\r\n",
        request("get", "k"), .failure("unbalanced quotes in request")),
    RequestCase("an open double quote", "set \"x\r\n", .failure("unbalanced quotes in request")),
    RequestCase("an open single quote", "set 'x\\'\r\n", .failure("unbalanced quotes in request")),
    RequestCase(
        "a backslash at the end", "set \"x\\\r\n", .failure("unbalanced quotes in request")),
    RequestCase("a word after a single quote", "'a'b\n", .failure("unbalanced quotes in request")),
    RequestCase(
        "a dollar sign missing (F06)", "*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n",
        .failure("expected '$', got 'f'")),
    RequestCase("a nested array (F14)", "*1\r\n*1\r\n", .failure("expected '$', got '*'")),
    RequestCase("an empty header line", "*1\r\n\r\n", .failure("expected '$', got '\r'")),
    RequestCase(
        "an unauthenticated count", "*11\r\n", limits: strangerLimits,
        .failure("unauthenticated multibulk length")),
    RequestCase(
        "an unauthenticated count that is none", "*2147483648\r\n", limits: strangerLimits,
        .failure("invalid multibulk length")),
    RequestCase(
        "an unauthenticated length", "*1\r\n$16385\r\n", limits: strangerLimits,
        .failure("unauthenticated bulk length")),
    RequestCase("a length over the limit", "*1\r\n$536870913\r\n", .failure("invalid bulk length")),
    RequestCase(
        "an error after a request", "PING\r\n*x\r\nPING\r\n", request("PING"),
        .failure("invalid multibulk length")),
]

private let notCounts = [
    "3000000000", "2147483648", "abc", "", "+1", "01", "-0", "-01", "00", "-", "1 ", " 1", "1a",
    "9223372036854775808", "18446744073709551617", "-9223372036854775809", "99999999999999999999",
]

private let notLengths = notCounts + ["-1", "-10", "blabla", "2000000000", "4294967296"]

private let numberCases =
    notCounts.map {
        RequestCase(
            "a count of '\($0)' (F04, F05)", "*\($0)\r\nPING\r\n",
            .failure("invalid multibulk length"))
    }
    + notLengths.filter { $0 != "2147483648" && $0 != "3000000000" }.map {
        RequestCase(
            "a length of '\($0)' (F07)", "*1\r\n$\($0)\r\n", .failure("invalid bulk length"))
    }

let requestParserCases = requestCases + inlineCases + errorCases + numberCases
