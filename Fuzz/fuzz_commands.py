#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of every command, with hostile arguments, against a server that must survive them.

The calls are made from the server's own COMMAND DOCS: the grammar gives a call that is mostly well
formed, on keys of every type, and a mutation makes it hostile: numbers at the edges of 64 bits,
NaN and infinities, texts that are almost numbers, wrong counts of arguments, binary, long words,
patterns that invite backtracking, damaged DUMP payloads.

Work is done in rounds. A round empties the server, fills it with values of every type and encoding
and sends one pipeline over a fresh connection; it is a function of the seed and its number, so it
can be repeated by itself (--seed S --first N --rounds 1). Every reply is parsed: what is no RESP is a
finding, as is a server that ends, or that does not answer PING. There are rounds of three kinds:

    calls      as above, over RESP2 or RESP3
    inline     lines for the inline parser: quotes, escapes, control bytes, lengths at the limits
    settings   words of the configuration parser: a file for a second process of the program, which
               must end by itself or start, and CONFIG SET on the running one

A finding is written to --findings: the pipelines of the last rounds (for --replay FILE), and what the
server printed. Exit status: 0 without findings, 1 with one, 2 when the server cannot be started.
"""
import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What would end the server, reach beyond it, or make the harness blind for the rest of its life.
NEVER = {"shutdown", "monitor", "debug|segfault", "debug|panic", "debug|oom", "debug|assert", "migrate",
         "replicaof", "slaveof", "failover", "bgrewriteaof|never", "module|load", "module|loadex"}
# Called, but seldom: what comes after them in the pipeline is lost, or slow.
SELDOM = {"quit", "subscribe", "psubscribe", "ssubscribe", "multi", "auth", "client|reply", "client|pause",
          "client|kill", "save", "bgsave", "bgrewriteaof", "flushall", "flushdb", "swapdb", "sync", "psync",
          "reset", "hello", "select", "config|rewrite", "client|tracking", "wait", "waitaof", "latency|reset",
          "pfselftest"}
# Settings that would lock the harness out or write where it may not.
UNTOUCHED = {"port", "bind", "requirepass", "maxclients", "unixsocket", "unixsocketperm", "timeout", "dir",
             "dbfilename", "logfile", "pidfile", "daemonize", "enable-protected-configs", "replicaof",
             "enable-debug-command", "protected-mode", "tls-port", "rename-command", "include",
             "syslog-enabled", "supervised", "loadmodule", "appenddirname", "appendfilename", "masterauth",
             "masteruser", "slaveof", "aclfile", "user", "cluster-enabled", "bind-source-addr", "lua-time-limit"}

EDGES = [0, 1, -1, 2, -2, 3, 7, 8, 10, 16, 31, 32, 63, 64, 65, 127, 128, 129, 255, 256, 511, 512, 513, 1000,
         4095, 4096, 4097, 16383, 16384, 32767, 32768, 65535, 65536, 65537, 99999, 1048575, 1048576, 1048577,
         2**31 - 2, 2**31 - 1, 2**31, 2**31 + 1, -2**31, -2**31 - 1, 2**32 - 1, 2**32, 2**32 + 1, -2**32,
         2**40, 2**52, 2**53, 2**53 + 1, 2**60, 2**61, 2**62 - 1, 2**62, 2**63 - 2, 2**63 - 1, 2**63,
         2**63 + 1, -2**62, -2**63 + 1, -2**63, -2**63 - 1, 2**64 - 2, 2**64 - 1, 2**64, 2**64 + 1, 10**19,
         10**30, 1 << 20 << 3, (1 << 23) - 1, (1 << 23) + 1, 9223372036854775, 9223372036854775807 // 1000,
         9223372036854775807 // 1000 + 1]
NUMBERS = [b"", b" ", b"0x10", b"1e3", b"+1", b"-0", b"00", b"01", b" 1", b"1 ", b"1\0", b"1.0", b".5", b"5.",
           b"nan", b"-nan", b"NaN", b"inf", b"-inf", b"+inf", b"infinity", b"1e308", b"-1e308", b"1e309",
           b"1e-400", b"5e-324", b"2.2250738585072014e-308", b"1e400", b"0x1p-1074", b"1e", b"e1", b"--1",
           b"1,5", b"9" * 40, b"0." + b"0" * 400 + b"1", b"1" + b"0" * 400, b"3.0e", b"(1", b"[1", b"(inf",
           b"(", b"[", b"-", b"+", b"#0", b"#9223372036854775807", b"#-1", b"u63", b"u64", b"i64", b"i65",
           b"i0", b"u0", b"i-1", b"i9999999999999999999", b"0-0", b"1-1", b"5-*", b"*", b"$", b">", b"-1-1",
           b"18446744073709551615-18446744073709551615", b"18446744073709551616-1", b"1-", b"-1", b"~", b"="]
PATTERNS = [b"*", b"?", b"[", b"[^", b"[a-", b"[z-a]", b"\\", b"a*" * 60 + b"b", b"*" * 500, b"[" * 300,
            b"\\" * 301, b"[]-a]", b"[^]", b"?*" * 100, b"*[0-9]*[a-z]*", b"\0*", b"[\0-\xff]", b"s*", b"?[^x]*"]
WORDS = [b"", b"a", b"x", b"foo", b"bar", b"m1", b"m2", b"m3", b"7", b"-7", b"1.5", b"\0", b"\r\n", b"\xff\xfe",
         b"\xc3\x28", b"%s%n%d", b"f" * 63, b"f" * 64, b"f" * 65, b"w" * 4096, b"W" * 40000, b"(", b"'", b'"']
TOKENS = [b"LEFT", b"RIGHT", b"MIN", b"MAX", b"COUNT", b"LIMIT", b"STREAMS", b"WITHSCORES", b"STORE", b"GET", b"BY",
          b"ASC", b"REV", b"BYSCORE", b"BYLEX", b"NX", b"XX", b"GT", b"LT", b"MATCH", b"TYPE", b"WEIGHTS",
          b"AGGREGATE", b"SUM", b"OVERFLOW", b"FAIL", b"SAT", b"WRAP", b"SET", b"INCRBY", b"MAXLEN", b"MINID",
          b"NOMKSTREAM", b"BLOCK", b"GROUP", b"IDLE", b"FORCE", b"JUSTID", b"ANY", b"m", b"km", b"FROMMEMBER",
          b"FROMLONLAT", b"BYRADIUS", b"BYBOX", b"AND", b"OR", b"XOR", b"NOT", b"BYTE", b"BIT", b"REPLACE",
          b"ABSTTL", b"IDLETIME", b"FREQ", b"KEEPTTL", b"PERSIST", b"EX", b"PX", b"EXAT", b"PXAT", b"SAMPLES",
          b"FULL", b"ID", b"NO", b"ONE", b"FIELDS", b"numfields", b"IDX", b"LEN", b"WITHMATCHLEN", b"RANK", b"DB"]
KEYS = [b"", b"missing", b"s:int", b"s:short", b"s:raw", b"s:bits", b"s:big", b"h:fake", b"hll", b"hll:dense", b"l:one",
        b"l:small", b"l:big", b"S:int", b"S:small", b"S:big", b"h:small", b"h:big", b"h:ints", b"z:small",
        b"z:big", b"z:lex", b"g", b"x", b"x:big", b"x:groups", b"due", b"k\0\r\n"]


class NotRESP(Exception):
    """A reply that is none."""


class Reader:
    """Reads replies of either protocol and checks their form; values are kept plain."""

    def __init__(self, connection):
        self.connection, self.buffer, self.position = connection, b"", 0

    def more(self):
        data = self.connection.recv(1 << 18)
        if not data:
            raise EOFError
        self.buffer = self.buffer[self.position:] + data
        self.position = 0

    def line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.position)
            if end >= 0:
                line, self.position = self.buffer[self.position:end], end + 2
                return line
            if len(self.buffer) - self.position > 1 << 26:
                raise NotRESP("a line without an end")
            self.more()

    def exactly(self, count):
        parts, missing = [], count
        while True:
            part = self.buffer[self.position:self.position + missing]
            parts.append(part)
            self.position += len(part)
            missing -= len(part)
            if not missing:
                return b"".join(parts)
            self.more()

    def integer(self, text, line):
        if not re.fullmatch(rb"-?\d{1,19}", text):
            raise NotRESP(line)
        return int(text)

    def read(self):
        line = self.line()
        kind, body = line[:1], line[1:]
        if kind in b"+-" and kind:
            if b"\r" in body or b"\n" in body:
                raise NotRESP(line)
            return body
        if kind == b":":
            return self.integer(body, line)
        if kind in (b"$", b"=", b"!"):
            count = self.integer(body, line)
            if count < 0:
                return None
            data = self.exactly(count + 2)
            if data[-2:] != b"\r\n":
                raise NotRESP(line + b" ... " + data[-20:])
            return data[:-2]
        if kind in (b"*", b"~", b">", b"%"):
            count = self.integer(body, line)
            return None if count < 0 else [self.read() for _ in range(count * (1 + (kind == b"%")))]
        if kind == b"|":
            for _ in range(2 * self.integer(body, line)):
                self.read()
            return self.read()
        if kind == b"_" and not body:
            return None
        if kind == b"#" and body in (b"t", b"f"):
            return body == b"t"
        if kind == b"," and re.fullmatch(rb"-?inf|nan|-?\d+(\.\d+)?(e[-+]?\d+)?", body):
            return float(body)
        if kind == b"(" and re.fullmatch(rb"-?\d+", body):
            return int(body)
        raise NotRESP(line[:200])


def encode(argv):
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in argv)


def words(text):
    return [w.encode() for w in text.split()]


def population(r):
    """Commands that fill an empty server with values of every type and encoding, some due soon."""
    members = [b"m%d" % i for i in range(300)]
    big = [b"member-with-a-long-name-%d-" % i + b"x" * (i % 90) for i in range(700)]
    fields = [x for m in members for x in (m, b"v" + m)]
    commands = [
        words("SET s:int 12345"), words("SET s:short abc"), [b"SET", b"s:raw", b"r" * 100],
        [b"SET", b"s:bits", bytes(range(256))], [b"SET", b"s:big", b"B" * 40000],
        [b"SET", b"h:fake", b"HYLL" + bytes(r.randrange(256) for _ in range(r.randrange(40)))],
        [b"PFADD", b"hll", *members[:50]], [b"PFADD", b"hll:dense", *members, *big],
        words("RPUSH l:one 1"), [b"RPUSH", b"l:small", b"a", b"7", b"x" * 70, b"", b"a"], [b"RPUSH", b"l:big", *big],
        words("SADD S:int 1 2 3 -5 70000"), words("SADD S:small m1 m2 m3 7"), [b"SADD", b"S:big", *big],
        words("HSET h:small m1 1 m2 x m3 1.5"), [b"HSET", b"h:big", *fields], words("HSET h:ints 1 1 2 9223372036854775807"),
        words("ZADD z:small 1 m1 2 m2 2 m3 -inf low inf high"),
        [b"ZADD", b"z:big", *[x for i, m in enumerate(big) for x in (b"%d" % (i * 7 % 300), m)]],
        [b"ZADD", b"z:lex", *[x for m in members[:60] for x in (b"0", m)]],
        words("GEOADD g 13.361389 38.115556 m1 15.087269 37.502669 m2 -180 85 m3"),
        words("XADD x 1-1 m1 1"), words("XADD x 5-0 m1 2 m2 3"), words("XDEL x 1-1"),
    ]
    commands += [[b"XADD", b"x:big", b"%d-1" % (i + 1), b"f", b"v" * (i % 40)] for i in range(130)]
    commands += [[b"XADD", b"x:groups", b"%d-1" % (i + 1), b"f", b"v"] for i in range(20)]
    commands += [words("XGROUP CREATE x:groups g 0"), words("XREADGROUP GROUP g c COUNT 9 STREAMS x:groups >"),
                 words("XGROUP CREATE x g $"), words("SET due 1 PX 30"), [b"HSET", b"k\0\r\n", b"f", b"v"],
                 words("PEXPIRE z:lex 100000")]
    return commands


class Grammar:
    """The arguments of every command, as the server documents them, and random calls made of them."""

    def __init__(self, docs):
        self.calls = []  # (words of the name, arguments)
        for name, doc in sorted(docs.items()):
            subs = doc.get("subcommands")
            for full, sub in sorted((subs or {name: doc}).items()):
                if full not in NEVER and name not in NEVER:
                    self.calls.append((full, sub.get("arguments", [])))
        self.calls += [("debug", [{"type": "string", "flags": ["multiple"]}])]
        self.weights = [0.05 if full in SELDOM else 1 for full, _ in self.calls]

    def call(self, r, payloads):
        full, arguments = r.choices(self.calls, self.weights)[0]
        if full == "debug":
            return self.debug(r)
        argv = [w.encode() for w in full.split("|")]
        blocking = full.startswith("b") and full not in ("bitcount", "bitfield", "bitop", "bitpos", "bitfield_ro")
        made = [x for a in arguments for x in self.argument(r, a, payloads)]
        if r.random() < 0.35:
            made = self.mutated(r, made)
        if full == "restore" and r.random() < 0.9 and len(made) > 2:
            made[2] = damaged(r, payloads)
            made = made[:3] + ([b"REPLACE"] if r.random() < 0.8 else made[3:])
        if full == "config|set" and r.random() < 0.95:
            return None
        if full == "client|pause":
            made[:1] = [b"1"]
        if blocking and full not in ("bgsave",) and r.random() < 0.9:
            at = 0 if full in ("blmpop", "bzmpop") else -1
            if made:
                made[at] = b"0.01"
        made = [b"5" if a == b"BLOCK" else x for a, x in zip([b""] + made, made)]
        return argv + made

    def debug(self, r):
        return r.choice([
            [b"DEBUG", b"DIGEST"], [b"DEBUG", b"DIGEST-VALUE"] + [r.choice(KEYS) for _ in range(3)],
            [b"DEBUG", b"OBJECT", r.choice(KEYS)], [b"DEBUG", b"HTSTATS-KEY", r.choice(KEYS)],
            [b"DEBUG", b"HTSTATS", number(r)], [b"DEBUG", b"RELOAD"],
            [b"DEBUG", b"PROTOCOL", r.choice(words("string integer double null array set map attrib push "
                                                   "verbatim true false bignum x"))],
            [b"DEBUG", b"SET-ACTIVE-EXPIRE", r.choice([b"0", b"1", number(r)])],
            [b"DEBUG", b"STRINGMATCH-LEN", b"2000", r.choice(PATTERNS)], [b"DEBUG", b"ERROR", r.choice(WORDS)],
            [b"DEBUG", b"LISTPACK", r.choice(KEYS)], [b"DEBUG", b"JMAP"],
            [b"DEBUG", b"POPULATE", b"50", r.choice(WORDS[:10]), r.choice([b"0", b"3", b"5000"])],
        ])

    def argument(self, r, a, payloads):
        flags = a.get("flags", [])
        if "optional" in flags and r.random() < 0.55:
            return []
        times = r.choice([1, 1, 2, 3, 7]) if "multiple" in flags else 1
        token = a.get("token")
        out = []
        for i in range(times):
            if token and a["type"] != "pure-token" and (i == 0 or "multiple_token" in flags):
                out.append(token.encode())
            out += self.one(r, a, payloads)
        return out

    def one(self, r, a, payloads):
        kind = a["type"]
        if kind == "pure-token":
            return [a.get("token", "").encode()]
        if kind == "oneof":
            return self.argument(r, {**r.choice(a["arguments"]), "flags": []}, payloads)
        if kind == "block":
            return [x for b in a["arguments"] for x in self.argument(r, b, payloads)]
        if kind == "key":
            return [r.choice(KEYS)]
        if kind == "integer":
            if a.get("name", "").startswith("num") and r.random() < 0.8:
                return [b"%d" % r.choice([1, 2, 3])]
            return [number(r) if r.random() < 0.6 else b"%d" % r.randrange(-9, 10)]
        if kind == "double":
            return [number(r) if r.random() < 0.5 else b"%.3f" % r.uniform(-90, 90)]
        if kind == "unix-time":
            return [number(r) if r.random() < 0.5 else b"%d" % (int(time.time()) + r.randrange(-99, 9999))]
        if kind == "pattern":
            return [r.choice(PATTERNS)]
        return [text(r)]

    def mutated(self, r, made):
        for _ in range(r.choice([1, 1, 1, 2, 4])):
            at = r.randrange(len(made) + 1)
            what = r.randrange(8)
            if what == 0:
                del made[at:at + 1]
            elif what == 1:
                made.insert(at, r.choice(TOKENS))
            elif what == 2:
                made.insert(at, text(r))
            elif what == 3 and made:
                made[at % len(made)] = number(r)
            elif what == 4 and made:
                made[at % len(made)] = r.choice(KEYS)
            elif what == 5:
                made = made[:at]
            elif what == 6:
                made = made + made
            elif made:
                made[at % len(made)] = text(r)
        return made


# Up to a limit, a reply of as many elements as the client says is what these are asked for.
ASK_FOR_MANY = {b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"}


def bounded(argv):
    """Leaves out requests for millions of elements, which are no fault but take minutes."""
    if argv[0].upper() not in ASK_FOR_MANY:
        return argv
    return [b"-9" if re.fullmatch(rb"-\d{6,8}", a) else a for a in argv]


def number(r):
    x = r.random()
    if x < 0.7:
        return b"%d" % r.choice(EDGES)
    if x < 0.75:
        return b"%d" % (r.choice(EDGES) + r.randrange(-3, 4))
    return r.choice(NUMBERS)


def text(r):
    x = r.random()
    if x < 0.5:
        return r.choice(WORDS)
    if x < 0.65:
        return number(r)
    if x < 0.75:
        return r.choice(PATTERNS)
    if x < 0.85:
        return r.choice(KEYS)
    if x < 0.95:
        return r.choice(TOKENS)
    return bytes(r.randrange(256) for _ in range(r.randrange(40)))


def crc64(data, table=[]):
    """CRC-64 of Redis's files (Jones's polynomial, reflected)."""
    if not table:
        for i in range(256):
            for _ in range(8):
                i = (i >> 1) ^ (0x95AC9329AC4BC9B5 if i & 1 else 0)
            table.append(i)
    crc = 0
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def damaged(r, payloads):
    """A DUMP payload with some bytes changed; mostly the checksum is right for it."""
    if not payloads:
        return b""
    body = bytearray(r.choice(payloads)[:-8])
    for _ in range(r.choice([0, 1, 1, 1, 2, 5])):
        if not body:
            break
        at = r.randrange(max(1, len(body) - 2))
        what = r.randrange(5)
        if what == 0:
            body[at] = r.randrange(256)
        elif what == 1:
            body[at] ^= 1 << r.randrange(8)
        elif what == 2:
            del body[at:at + r.choice([1, 1, 2, 9])]
        elif what == 3:
            body[at:at] = bytes(r.choice([0, 0xFF, 0x80, 0x81, r.randrange(256)]) for _ in range(r.choice([1, 4, 8])))
        else:
            body[at] = r.choice([0, 1, 0x7F, 0x80, 0xC0, 0xC3, 0xF0, 0xF1, 0xF4, 0xFE, 0xFF])
    sum64 = crc64(bytes(body)) if r.random() < 0.97 else r.getrandbits(64)
    return bytes(body) + sum64.to_bytes(8, "little")


def inline_lines(r):
    """Bytes for the inline parser."""
    pieces = [b'"', b"'", b"\\", b"\\x41", b"\\xZZ", b"\\n", b" ", b"\t", b"\0", b"\x0b", b"\xff", b"get", b"set", b"s:int",
              b"echo", b"''", b'""', b'"a"b', b"\\x", b"\\\"", b"\\'", b"x" * 100, b"*", b"$", b"*1", b"$3", b":", b"\x1b"]
    out = []
    for _ in range(r.randrange(1, 30)):
        line = b"".join(r.choice(pieces) for _ in range(r.randrange(0, 14)))
        if r.random() < 0.02:
            line = b"get " + b"y" * r.choice([65534, 65530, 65536, 70000])
        out.append(line + r.choice([b"\r\n", b"\r\n", b"\n", b"\r\r\n", b"\n\n"]))
    if r.random() < 0.3:
        out.append(b"*%d\r\n$%d\r\n" % (r.choice(EDGES), r.choice(EDGES)))
    return b"".join(out)


class Fuzzer:
    """One server, its rounds and what was found."""

    def __init__(self, options):
        self.options = options
        self.home = Path(tempfile.mkdtemp(prefix="redis-fuzz-"))
        self.log = self.home / "log"
        self.recent, self.open = [], []
        self.commands = self.replies = self.rounds = self.slowest = self.restarts = 0
        self.kinds = {"calls": 0, "inline": 0, "settings": 0}
        self.process = None

    # -------- the server

    def start(self):
        self.port = self.options.port
        environment = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1", "SWIFT_BACKTRACE": "enable=no"}
        words_ = [self.options.server, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", self.home,
                  "--enable-debug-command", "yes", "--proto-max-bulk-len", "1mb", "--databases", "4"]
        self.process = subprocess.Popen([str(w) for w in words_], stdin=subprocess.DEVNULL, cwd=self.home,
                                        stdout=open(self.log, "ab"), stderr=subprocess.STDOUT,
                                        env={**os.environ, **environment})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask([b"PING"]) == b"PONG":
                    self.prepare()
                    return
            except (OSError, EOFError):
                time.sleep(0.05)
        print(f"the server did not start:\n{self.log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
        sys.exit(2)

    def prepare(self):
        """What calls are made of: the grammar, the settings and their values, payloads of DUMP."""
        self.grammar = Grammar(tree(self.ask([b"COMMAND", b"DOCS"])))
        flat = self.ask([b"CONFIG", b"GET", b"*"])
        self.settings = dict(zip(flat[::2], flat[1::2]))
        self.pipeline([encode(c) for c in population(random.Random(1))])
        self.payloads = [p for k in KEYS if (p := self.ask([b"DUMP", k]))]

    def connect(self, seconds=20.0):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        return connection, Reader(connection)

    def ask(self, argv):
        connection, reader = self.connect()
        with connection:
            connection.sendall(encode(argv))
            return reader.read()

    def pipeline(self, parts, seconds=20.0, marker=True):
        """Sends the parts and reads all replies up to a marker's, the end, or a silence. -> replies"""
        connection, reader = self.connect(seconds)
        mark = b"the-end-of-round"
        count = 0
        try:
            connection.sendall(b"".join(parts) + (encode([b"ECHO", mark]) if marker else b""))
            while True:
                reply = reader.read()
                count += 1
                if reply == mark:
                    connection.close()
                    return count
        except TimeoutError:
            # Somebody waits, or the replies are off: left open, so that what comes may wake him.
            self.open.append(connection)
            while len(self.open) > 3:
                self.open.pop(0).close()
        except (EOFError, ConnectionError):
            connection.close()
        return count

    # -------- rounds

    def make(self, number_):
        """The kind of round and its bytes: a function of the seed and the number."""
        r = random.Random(f"{self.options.seed}:{number_}")
        kind = r.choices(["calls", "inline", "settings"], self.options.mix)[0]
        if kind == "inline":
            return kind, [inline_lines(r)], r
        parts = [encode([b"FLUSHALL"])] + [encode(c) for c in population(r)]
        if r.random() < 0.35:
            parts.append(encode([b"HELLO", b"3"]))
        if kind == "settings":
            return kind, parts + [encode(self.config_set(r)) for _ in range(25)], r
        made = 0
        while made < self.options.calls:
            argv = self.grammar.call(r, self.payloads)
            if argv:
                parts.append(encode(bounded(argv)))
                made += 1
                if argv[0] == b"multi" and r.random() < 0.9:
                    parts += [encode(bounded(c)) for c in (self.grammar.call(r, self.payloads) for _ in range(4)) if c]
                    parts.append(encode([b"EXEC"]))
        return kind, parts + [encode([b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1"])], r

    def config_set(self, r):
        names = sorted(set(self.settings) - {n.encode() for n in UNTOUCHED})
        argv = [b"CONFIG", b"SET"]
        for _ in range(r.choice([1, 1, 2])):
            value = r.choice([number(r), text(r), r.choice([b"yes", b"no", b"1gb", b"-1mb", b"5%", b"allkeys-lru",
                                                            b"1 1 1", b"normal 1 2 3", b"replica 1mb 64mb x"])])
            argv += [r.choice(names), value]
        return argv[:-1] if r.random() < 0.03 else argv

    def restore_settings(self):
        """Brings the settings back; a server that no longer lets them is started anew."""
        try:
            for name, value in self.settings.items():
                if name.decode() not in UNTOUCHED:
                    self.ask([b"CONFIG", b"SET", name, value])
            flat = self.ask([b"CONFIG", b"GET", b"*"])
            now = dict(zip(flat[::2], flat[1::2]))
            if all(now.get(n) == v for n, v in self.settings.items() if n.decode() not in UNTOUCHED):
                return
        except (OSError, EOFError, TypeError):
            pass
        if self.process.poll() is None:
            self.restarts += 1
            self.stop()
            self.start()

    def configuration_file(self, r):
        """Starts the program with a hostile file; it must start, or end by itself without a signal."""
        lines = [b"port 0", b"save ''"]
        for _ in range(r.randrange(1, 4)):
            name = r.choice(sorted(set(self.settings) - {n.encode() for n in UNTOUCHED}))
            line = name + b" " + b" ".join(r.choice([text(r), number(r), b'"', b'"a b"', b"'x", b"yes", b"1gb"])
                                           .replace(b"\n", b" ") for _ in range(r.randrange(0, 4)))
            lines.append(line[:2000] if r.random() < 0.9 else bytes(r.randrange(256) for _ in range(60)))
        path = self.home / "hostile.conf"
        path.write_bytes(b"\n".join(lines) + b"\n")
        done = subprocess.Popen([self.options.server, str(path), "--dir", str(self.home)], cwd=self.home,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "SWIFT_BACKTRACE": "enable=no"})
        try:
            output, _ = done.communicate(timeout=1.5)
        except subprocess.TimeoutExpired:
            done.terminate()
            output, _ = done.communicate(timeout=20)
        if done.returncode < 0 and done.returncode != -signal.SIGTERM or b"AddressSanitizer" in output:
            self.found(f"a configuration file ended the start by signal {-done.returncode}",
                       path.read_bytes(), output)
        self.commands += len(lines)

    def round(self, number_):
        kind, parts, r = self.make(number_)
        self.recent.append((number_, b"".join(parts)))
        del self.recent[:-6]
        started = time.monotonic()
        problem = None
        try:
            self.replies += self.pipeline(parts, seconds=self.options.silence, marker=kind != "inline")
        except NotRESP as error:
            problem = f"a reply that is none: {error}"
        except OSError as error:
            problem = f"no connection: {error}"
        if kind == "settings" and r.random() < 0.5:
            self.configuration_file(r)
        if not problem and not self.alive():
            problem = "no answer to PING"
        if kind == "settings" and not problem:
            self.restore_settings()
        self.commands += len(parts)
        self.rounds += 1
        self.kinds[kind] += 1
        self.slowest = max(self.slowest, time.monotonic() - started)
        if problem or self.process.poll() is not None:
            self.found(problem or f"the server ended: {self.process.returncode}", b"".join(p for _, p in self.recent))

    def alive(self):
        for _ in range(3):
            try:
                # (A round may have left a password or a pause behind.)
                return self.ask([b"PING"]) is not None
            except (OSError, EOFError):
                time.sleep(0.2)
        return False

    def found(self, problem, pipelines, output=None):
        time.sleep(0.5)
        folder = Path(self.options.findings)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"seed-{self.options.seed}-round-{self.recent[-1][0] if self.recent else 0}"
        (folder / f"{name}.resp").write_bytes(pipelines)
        (folder / f"{name}.log").write_bytes(output if output is not None else self.log.read_bytes()[-60000:])
        print(f"FINDING {name}: {problem}\n  {folder / name}.resp and .log", flush=True)
        self.findings = getattr(self, "findings", 0) + 1
        if output is None:
            self.stop()
            if self.options.keep_going:
                self.recent.clear()
                self.log.write_bytes(b"")
                self.start()

    def stop(self):
        for connection in self.open:
            connection.close()
        self.open.clear()
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    # -------- the run

    def run(self):
        options, self.findings = self.options, 0
        self.start()
        started = time.monotonic()
        if options.replay:
            return self.replay()
        number_ = options.first
        while number_ < options.first + options.rounds if options.rounds else (
                time.monotonic() - started < options.seconds):
            self.round(number_)
            number_ += 1
            if self.findings and not options.keep_going:
                break
        kinds = ", ".join(f"{n} of {k}" for k, n in self.kinds.items())
        print(f"seed {options.seed}: {self.rounds} rounds ({kinds}), {self.commands} calls, {self.replies} replies "
              f"in {time.monotonic() - started:.0f} s; the slowest round {self.slowest:.1f} s; {self.restarts} restarts; "
              f"{self.findings} findings", flush=True)
        return 1 if self.findings else 0

    def replay(self):
        for name in self.options.replay:
            self.recent = [(0, Path(name).read_bytes())]
            try:
                self.pipeline([self.recent[0][1]], seconds=self.options.silence)
                problem = None if self.alive() else "no answer to PING"
            except NotRESP as error:
                problem = f"a reply that is none: {error}"
            except OSError as error:
                problem = f"no connection: {error}"
            if problem or self.process.poll() is not None:
                self.found(problem or f"the server ended: {self.process.returncode}", self.recent[0][1])
        return 1 if self.findings else 0


def tree(reply):
    """COMMAND DOCS of RESP2 as nested dictionaries and lists of text."""
    def argument(flat):
        a = {k.decode(): v for k, v in zip(flat[::2], flat[1::2])}
        out = {k: v.decode() for k, v in a.items() if isinstance(v, bytes)}
        out["flags"] = [f.decode() for f in a.get("flags", [])]
        if "arguments" in a:
            out["arguments"] = [argument(x) for x in a["arguments"]]
        return out

    def command(flat):
        a = {k.decode(): v for k, v in zip(flat[::2], flat[1::2])}
        out = {"arguments": [argument(x) for x in a.get("arguments", [])]}
        if "subcommands" in a:
            out["subcommands"] = commands(a["subcommands"])
        return out

    def commands(flat):
        return {k.decode(): command(v) for k, v in zip(flat[::2], flat[1::2])}
    return commands(reply)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, metavar="PROGRAM")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--rounds", type=int, default=0, help="rounds to run, in the place of --seconds")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--calls", type=int, default=120, help="calls in a round")
    parser.add_argument("--silence", type=float, default=0.6, help="seconds without a byte that end a round")
    parser.add_argument("--mix", type=lambda t: [float(x) for x in t.split(":")], default=[92, 5, 3],
                        metavar="CALLS:INLINE:SETTINGS", help="how often each kind of round is run")
    parser.add_argument("--findings", default="findings", metavar="FOLDER")
    parser.add_argument("--keep-going", action="store_true", help="restart the server after a finding")
    parser.add_argument("--replay", nargs="+", metavar="FILE", help="send these files of a finding, and nothing else")
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    fuzzer = Fuzzer(options)
    try:
        return fuzzer.run()
    finally:
        fuzzer.close()


if __name__ == "__main__":
    sys.exit(main())
