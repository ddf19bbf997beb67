#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Differential tester: the same random commands go to this server and to a real Redis, and every reply is compared.

    differential.py --ours 127.0.0.1:7777 --oracle 127.0.0.1:7778 --groups string,key --count 20000 --seed 1

Both servers must be running and empty-able: the tester sends FLUSHALL to each. The oracle is `redis-server` from
Debian's package redis-server (7.0.15). Only the Python standard library is used.

Exit status: 0 when every reply and the final contents agree, 1 on a difference (the first ones are printed with the
history of the keys they touch), 2 when a server cannot be reached or drops the connection.

How replies are compared (see `normalise`): byte for byte as RESP trees, except
  - commands whose order is unspecified (KEYS, SMEMBERS, HGETALL, ...): as multisets (HGETALL: of pairs);
  - commands that draw at random (SRANDMEMBER, RANDOMKEY, ...): by shape, and by membership in the final dump;
  - remaining times (TTL, PTTL): within a tolerance;
  - error replies: the whole text, unless --errors code, which compares the first word alone.

With --only-known, a command that the oracle has and this server does not is drawn and thrown away, so that a server that
is still growing can be held to what it has. Names that neither knows stay: their error texts are compared.
"""
import argparse
import random
import socket
import sys

# ------------------------------------------------------------------------------------------------- RESP client


class Connection:
    """A blocking client over one socket that keeps errors and nils apart from other replies."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.name = address
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, commands):
        out = bytearray()
        for argv in commands:
            out += b"*%d\r\n" % len(argv)
            for a in argv:
                out += b"$%d\r\n%s\r\n" % (len(a), a)
        self.socket.sendall(out)

    def read(self):
        try:
            line = self.file.readline()
        except TimeoutError:
            raise ConnectionError(f"{self.name} does not answer") from None
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"{self.name} closed the connection (got {line!r})")
        kind, body = line[:1], line[1:-2]
        if kind == b"+":
            return ("status", body)
        if kind == b"-":
            return ("error", body)
        if kind == b":":
            return ("int", int(body))
        if kind == b"$":
            n = int(body)
            if n < 0:
                return ("nil",)
            data = self.file.read(n + 2)
            if len(data) != n + 2 or data[-2:] != b"\r\n":
                raise ConnectionError(f"{self.name}: bad bulk")
            return ("bulk", data[:-2])
        if kind == b"*":
            n = int(body)
            if n < 0:
                return ("nilarray",)
            return ("array", [self.read() for _ in range(n)])
        return self.read_resp3(kind, body)

    def read_resp3(self, kind, body):
        """The types of the third protocol; a map is its pairs, a null a nil whatever stood for it before."""
        if kind == b"_":
            return ("nil",)
        if kind == b"#":
            return ("bool", body == b"t")
        if kind == b",":
            return ("double", float(body))
        if kind == b"(":
            return ("big", int(body))
        if kind in b"=!":
            return ("verbatim" if kind == b"=" else "error", self.file.read(int(body) + 2)[:-2])
        if kind in b"~>":
            return ("set" if kind == b"~" else "push", [self.read() for _ in range(int(body))])
        if kind == b"%":
            return ("map", [("pair", [self.read(), self.read()]) for _ in range(int(body))])
        raise ConnectionError(f"{self.name}: unknown reply type {kind + body!r}")

    def batch(self, commands):
        self.send(commands)
        return [self.read() for _ in commands]

    def call(self, *argv):
        return self.batch([[a if isinstance(a, bytes) else str(a).encode() for a in argv]])[0]


# ------------------------------------------------------------------------------------------------- generators

R = random.Random()


def b(x):
    return x if isinstance(x, bytes) else str(x).encode()


def pick(*options):
    return R.choice(options)


def chance(p):
    return R.random() < p


def key(kind):
    # Mostly a key that holds this kind, sometimes one of another kind, so that WRONGTYPE is met too.
    if chance(0.05):
        kind = pick("s", "l", "S", "h", "x", "n")
    return b(f"{kind}{R.randrange(12)}")


INTS = [0, 1, -1, 2, 3, 5, 7, 10, 11, 99, 100, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31,
        -2**31, 2**32, 2**53, 2**63 - 1, -2**63, 2**63, 12345678901234567890]
BAD_INTS = [b"", b"a", b"1a", b" 1", b"1 ", b"01", b"-0", b"+1", b"1.0", b"0x10", b"1e3", b"99999999999999999999"]


def integer(small=False):
    if chance(0.04):
        return pick(*BAD_INTS)
    if small or chance(0.7):
        return b(R.randrange(-12, 13))
    return b(pick(*INTS))


def real():
    if chance(0.04):
        return pick(b"", b"abc", b"nan", b"1.2.3", b" 1", b"1 ", b"0x1p3", b"--1")
    if chance(0.05):
        return pick(b"inf", b"-inf", b"+inf", b"1e308", b"-1e308", b"1e-300", b"3.0e10", b"5e-324")
    if chance(0.5):
        return b(R.randrange(-20, 20))
    return b(round(R.uniform(-50, 50), R.randrange(0, 6)))


def value():
    r = R.random()
    if r < 0.25:
        return b(R.randrange(-100, 100))
    if r < 0.3:
        return b(pick(*INTS))
    if r < 0.35:
        return b(round(R.uniform(-10, 10), 3))
    if r < 0.4:
        return b""
    if r < 0.5:
        return bytes(R.randrange(256) for _ in range(R.randrange(1, 20)))
    if r < 0.53:
        return bytes([R.randrange(97, 123)]) * R.choice([44, 45, 63, 64, 65, 200, 1000, 20000])
    return b(pick("foo", "bar", "baz", "hello", "world", "a", "b", "c", "d", "e", "Foo", "x:1", "x:2"))


def member():
    r = R.random()
    if r < 0.45:
        return b(f"m{R.randrange(24)}")
    if r < 0.75:
        return b(R.randrange(-20, 40))
    return value()


def members(lo=1, hi=5):
    return [member() for _ in range(R.randrange(lo, hi + 1))]


def case(word):
    return b(word.lower() if chance(0.3) else word)


def option(p, *words):
    """The words with probability p (strings stand for themselves, callables are called)."""
    if not chance(p):
        return []
    return [case(w) if isinstance(w, str) else b(w() if callable(w) else w) for w in words]


FUTURE = 4102444800  # 2100-01-01, so that absolute expiries never fall due while the test runs


def expiry():
    return pick(
        lambda: [case("EX"), pick(b"1000", b"100000", b"0", b"-1", b"x", b"9223372036854775807")],
        lambda: [case("PX"), pick(b"1000000", b"100000000", b"0", b"-5", b"1.5")],
        lambda: [case("EXAT"), b(FUTURE + R.randrange(1000))],
        lambda: [case("PXAT"), b((FUTURE + R.randrange(1000)) * 1000)],
    )()


def index_pair():
    return [integer(True), integer(True)]


def bound():
    return pick(lambda: real(), lambda: b"(" + real(), lambda: pick(b"-inf", b"+inf", b"(1", b"5", b"-5"))()


def lex():
    return pick(b"-", b"+", b"[a", b"(a", b"[m1", b"(m3", b"[foo", b"z", b"[", b"(zzz", b"[0")


def pattern():
    return pick(b"*", b"s*", b"?1", b"[sl]*", b"*1", b"s[0-4]", b"s[^0-4]", b"\\*", b"h?", b"**", b"[z-a]*", b"s1", b"nope",
                b"", b"[", b"s[", b"s\\", b"*[13579]", b"[^s]*")


GROUPS = {}


def group(name):
    def add(f):
        GROUPS.setdefault(name, []).append(f)
        return f
    return add


def G(name, weight, make):
    GROUPS.setdefault(name, []).extend([make] * weight)


# ---- strings
G("string", 6, lambda: [case("SET"), key("s"), value()])
G("string", 4, lambda: [case("SET"), key("s"), value()] + option(0.4, pick("NX", "XX")) + (expiry() if chance(0.4) else option(0.3, "KEEPTTL")) + option(0.3, "GET") + option(0.03, "BOGUS"))
G("string", 6, lambda: [case("GET"), key("s")])
G("string", 1, lambda: [b"SETNX", key("s"), value()])
G("string", 1, lambda: [b"SETEX", key("s"), pick(b"1000", b"0", b"-1", b"a"), value()])
G("string", 1, lambda: [b"PSETEX", key("s"), pick(b"1000000", b"0", b"-1", b"a"), value()])
G("string", 1, lambda: [b"GETSET", key("s"), value()])
G("string", 1, lambda: [b"GETDEL", key("s")])
G("string", 2, lambda: [b"GETEX", key("s")] + (expiry() if chance(0.5) else option(0.4, "PERSIST")) + option(0.03, "BOGUS"))
G("string", 1, lambda: [b"MSET"] + [x for _ in range(R.randrange(1, 4)) for x in (key("s"), value())] + option(0.05, "odd"))
G("string", 1, lambda: [b"MSETNX"] + [x for _ in range(R.randrange(1, 3)) for x in (key("s"), value())])
G("string", 2, lambda: [b"MGET"] + [key("s") for _ in range(R.randrange(1, 5))])
G("string", 2, lambda: [pick(b"INCR", b"DECR"), key("s")])
G("string", 2, lambda: [pick(b"INCRBY", b"DECRBY"), key("s"), integer()])
G("string", 2, lambda: [b"INCRBYFLOAT", key("s"), real()])
G("string", 2, lambda: [b"APPEND", key("s"), value()])
G("string", 2, lambda: [b"STRLEN", key("s")])
G("string", 2, lambda: [pick(b"GETRANGE", b"SUBSTR"), key("s")] + index_pair())
G("string", 2, lambda: [b"SETRANGE", key("s"), pick(b"0", b"1", b"5", b"100", b"-1", b"x", b"536870912"), value()])
G("string", 2, lambda: [b"LCS", key("s"), key("s")] + option(0.3, "LEN") + option(0.3, "IDX") + option(0.2, "MINMATCHLEN", "2") + option(0.2, "WITHMATCHLEN"))

# ---- keys
G("key", 4, lambda: [pick(b"DEL", b"UNLINK", b"EXISTS", b"TOUCH")] + [key(pick(*"slShzx")) for _ in range(R.randrange(1, 4))])
G("key", 2, lambda: [b"TYPE", key(pick(*"slShzxn"))])
G("key", 2, lambda: [b"KEYS", pattern()])
G("key", 1, lambda: [b"DBSIZE"])
G("key", 3, lambda: [pick(b"EXPIRE", b"PEXPIRE"), key(pick(*"slShz")), pick(b"1000000", b"5000000", b"-1", b"0", b"x", b"9223372036854775807")] + option(0.4, pick("NX", "XX", "GT", "LT")) + option(0.05, pick("NX", "GT")))
G("key", 2, lambda: [b"EXPIREAT", key(pick(*"slShz")), b(FUTURE + R.randrange(1000))] + option(0.3, pick("NX", "XX", "GT", "LT")))
G("key", 1, lambda: [b"PEXPIREAT", key(pick(*"slShz")), b((FUTURE + R.randrange(1000)) * 1000)])
G("key", 2, lambda: [pick(b"TTL", b"PTTL"), key(pick(*"slShzx"))])
G("key", 2, lambda: [pick(b"EXPIRETIME", b"PEXPIRETIME"), key("n")])
G("key", 2, lambda: [b"PERSIST", key(pick(*"slShz"))])
G("key", 2, lambda: [pick(b"RENAME", b"RENAMENX"), key(pick(*"ss")), key(pick(*"ss"))])
G("key", 2, lambda: [b"COPY", key("s"), key("s")] + option(0.3, "REPLACE") + option(0.1, "DB", pick("0", "x", "99", "-1")))
G("key", 1, lambda: [b"RANDOMKEY"])
G("key", 1, lambda: [b"OBJECT", pick(b"ENCODING", b"REFCOUNT", b"encoding"), key("s")])
G("key", 1, lambda: [b"ECHO", value()])
G("key", 1, lambda: [b"PING"] + option(0.4, "hey") + option(0.05, "extra"))
G("key", 1, lambda: [pick(b"GET", b"SET", b"NOSUCH", b"DEL", b"EXPIRE", b"GETEX", b"LPUSH", b"HSET", b"ZADD")])
G("key", 1, lambda: [b"SELECT", pick(b"0", b"0", b"0", b"x", b"100", b"-1")])

# ---- lists
G("list", 5, lambda: [pick(b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"), key("l")] + members())
G("list", 3, lambda: [pick(b"LPOP", b"RPOP"), key("l")] + option(0.4, lambda: integer(True)))
G("list", 4, lambda: [b"LRANGE", key("l")] + index_pair())
G("list", 2, lambda: [b"LLEN", key("l")])
G("list", 2, lambda: [b"LINDEX", key("l"), integer(True)])
G("list", 2, lambda: [b"LSET", key("l"), integer(True), member()])
G("list", 2, lambda: [b"LREM", key("l"), integer(True), member()])
G("list", 2, lambda: [b"LTRIM", key("l")] + index_pair())
G("list", 2, lambda: [b"LINSERT", key("l"), pick(b"BEFORE", b"AFTER", b"before", b"NEAR"), member(), member()])
G("list", 2, lambda: [b"LPOS", key("l"), member()] + option(0.4, "RANK", lambda: integer(True)) + option(0.4, "COUNT", lambda: integer(True)) + option(0.3, "MAXLEN", lambda: integer(True)))
G("list", 1, lambda: [b"RPOPLPUSH", key("l"), key("l")])
G("list", 2, lambda: [b"LMOVE", key("l"), key("l"), pick(b"LEFT", b"RIGHT", b"left", b"UP"), pick(b"LEFT", b"RIGHT")])
G("list", 1, lambda: [b"LMPOP", pick(b"1", b"2", b"0", b"x"), key("l"), key("l"), pick(b"LEFT", b"RIGHT")] + option(0.4, "COUNT", lambda: integer(True)))
G("list", 1, lambda: [b"LMPOP", b"1", key("l"), pick(b"LEFT", b"RIGHT")] + option(0.4, "COUNT", "2"))
G("list", 1, lambda: [b"OBJECT", b"ENCODING", key("l")])

# ---- sets
G("set", 6, lambda: [b"SADD", key("S")] + members())
G("set", 3, lambda: [b"SREM", key("S")] + members())
G("set", 2, lambda: [b"SISMEMBER", key("S"), member()])
G("set", 2, lambda: [b"SMISMEMBER", key("S")] + members())
G("set", 2, lambda: [b"SCARD", key("S")])
G("set", 3, lambda: [b"SMEMBERS", key("S")])
G("set", 2, lambda: [b"SMOVE", key("S"), key("S"), member()])
G("set", 3, lambda: [pick(b"SINTER", b"SUNION", b"SDIFF")] + [key("S") for _ in range(R.randrange(1, 4))])
G("set", 2, lambda: [pick(b"SINTERSTORE", b"SUNIONSTORE", b"SDIFFSTORE"), key("S")] + [key("S") for _ in range(R.randrange(1, 3))])
G("set", 1, lambda: [b"SINTERCARD", pick(b"1", b"2", b"0", b"x"), key("S"), key("S")] + option(0.4, "LIMIT", lambda: integer(True)))
G("set", 1, lambda: [b"SINTERCARD", b"2", key("S"), key("S")] + option(0.4, "LIMIT", lambda: integer(True)))
G("set", 1, lambda: [b"SRANDMEMBER", key("S")] + option(0.6, lambda: integer(True)))
G("set", 1, lambda: [b"SPOP", key("S"), pick(b"0", b"1000", b"-1", b"x")])
G("set", 1, lambda: [b"OBJECT", b"ENCODING", key("S")])

# ---- hashes
G("hash", 6, lambda: [pick(b"HSET", b"HSET", b"HMSET"), key("h")] + [x for _ in range(R.randrange(1, 4)) for x in (member(), value())] + option(0.03, "odd"))
G("hash", 1, lambda: [b"HSETNX", key("h"), member(), value()])
G("hash", 3, lambda: [b"HGET", key("h"), member()])
G("hash", 2, lambda: [b"HMGET", key("h")] + members())
G("hash", 3, lambda: [b"HDEL", key("h")] + members())
G("hash", 3, lambda: [pick(b"HGETALL", b"HKEYS", b"HVALS", b"HLEN"), key("h")])
G("hash", 2, lambda: [pick(b"HEXISTS", b"HSTRLEN"), key("h"), member()])
G("hash", 2, lambda: [b"HINCRBY", key("h"), member(), integer()])
G("hash", 2, lambda: [b"HINCRBYFLOAT", key("h"), member(), real()])
G("hash", 1, lambda: [b"HRANDFIELD", key("h")] + option(0.6, lambda: integer(True)) + option(0.2, "WITHVALUES"))
G("hash", 1, lambda: [b"OBJECT", b"ENCODING", key("h")])

# ---- sorted sets
G("zset", 7, lambda: [b"ZADD", key("z")] + option(0.25, pick("NX", "XX")) + option(0.25, pick("GT", "LT")) + option(0.2, "CH") + [x for _ in range(R.randrange(1, 4)) for x in (real(), member())])
G("zset", 1, lambda: [b"ZADD", key("z")] + option(0.4, pick("NX", "XX", "GT", "LT")) + [b"INCR", real(), member()] + option(0.1, "2", "two"))
G("zset", 2, lambda: [b"ZINCRBY", key("z"), real(), member()])
G("zset", 2, lambda: [b"ZREM", key("z")] + members())
G("zset", 2, lambda: [pick(b"ZSCORE", b"ZRANK", b"ZREVRANK"), key("z"), member()])
G("zset", 1, lambda: [b"ZMSCORE", key("z")] + members())
G("zset", 1, lambda: [b"ZCARD", key("z")])
G("zset", 2, lambda: [b"ZCOUNT", key("z"), bound(), bound()])
G("zset", 2, lambda: [b"ZADD", b(f"y{R.randrange(3)}"), b"0", member()])  # equal scores: the only sets with a defined lexical order
G("zset", 1, lambda: [b"ZLEXCOUNT", b(f"y{R.randrange(3)}"), lex(), lex()])
G("zset", 3, lambda: [pick(b"ZRANGE", b"ZREVRANGE"), key("z")] + index_pair() + option(0.5, "WITHSCORES"))
G("zset", 2, lambda: [b"ZRANGE", key("z"), bound(), bound(), case("BYSCORE")] + option(0.3, "REV") + option(0.4, "LIMIT", lambda: integer(True), lambda: integer(True)) + option(0.3, "WITHSCORES"))
G("zset", 1, lambda: [b"ZRANGE", b(f"y{R.randrange(3)}"), lex(), lex(), case("BYLEX")] + option(0.3, "REV") + option(0.4, "LIMIT", lambda: integer(True), lambda: integer(True)) + option(0.05, "WITHSCORES"))
G("zset", 2, lambda: [pick(b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE"), key("z"), bound(), bound()] + option(0.4, "WITHSCORES") + option(0.4, "LIMIT", lambda: integer(True), lambda: integer(True)))
G("zset", 1, lambda: [pick(b"ZRANGEBYLEX", b"ZREVRANGEBYLEX"), b(f"y{R.randrange(3)}"), lex(), lex()] + option(0.4, "LIMIT", lambda: integer(True), lambda: integer(True)))
G("zset", 1, lambda: [b"ZREMRANGEBYSCORE", key("z"), bound(), bound()])
G("zset", 1, lambda: [b"ZREMRANGEBYRANK", key("z")] + index_pair())
G("zset", 1, lambda: [b"ZREMRANGEBYLEX", b(f"y{R.randrange(3)}"), lex(), lex()])
G("zset", 2, lambda: [pick(b"ZPOPMIN", b"ZPOPMAX"), key("z")] + option(0.4, lambda: integer(True)))
G("zset", 1, lambda: [b"ZMPOP", b"2", key("z"), key("z"), pick(b"MIN", b"MAX", b"min", b"MID")] + option(0.4, "COUNT", lambda: integer(True)))
G("zset", 2, lambda: [pick(b"ZUNION", b"ZINTER"), b"2", key("z"), key(pick("z", "S"))] + option(0.3, "WEIGHTS", real, real) + option(0.3, "AGGREGATE", pick("SUM", "MIN", "MAX", "AVG")) + option(0.5, "WITHSCORES"))
G("zset", 2, lambda: [pick(b"ZUNIONSTORE", b"ZINTERSTORE"), key("z"), b"2", key("z"), key(pick("z", "S"))] + option(0.3, "WEIGHTS", real, real) + option(0.3, "AGGREGATE", pick("SUM", "MIN", "MAX")))
G("zset", 1, lambda: [b"ZDIFF", b"2", key("z"), key("z")] + option(0.5, "WITHSCORES"))
G("zset", 1, lambda: [b"ZDIFFSTORE", key("z"), b"2", key("z"), key("z")])
G("zset", 1, lambda: [b"ZINTERCARD", b"2", key("z"), key("z")] + option(0.4, "LIMIT", lambda: integer(True)))
G("zset", 1, lambda: [b"ZRANGESTORE", key("z"), key("z")] + index_pair())
G("zset", 1, lambda: [b"ZRANDMEMBER", key("z")] + option(0.6, lambda: integer(True)))
G("zset", 1, lambda: [b"OBJECT", b"ENCODING", key("z")])

# ---- bitmaps
G("bitmap", 3, lambda: [b"SETBIT", key("s"), pick(b"0", b"1", b"7", b"8", b"100", b"-1", b"x", b"4294967296"), pick(b"0", b"1", b"2")])
G("bitmap", 2, lambda: [b"GETBIT", key("s"), pick(b"0", b"1", b"7", b"8", b"100", b"-1", b"x")])
G("bitmap", 2, lambda: [b"BITCOUNT", key("s")] + ([b(R.randrange(-12, 13)), b(R.randrange(-12, 13))] + option(0.4, pick("BYTE", "BIT")) if chance(0.6) else []))
G("bitmap", 2, lambda: [b"BITPOS", key("s"), pick(b"0", b"1", b"2")] + ([b(R.randrange(-12, 13)), b(R.randrange(-12, 13))] + option(0.4, pick("BYTE", "BIT")) if chance(0.6) else []))
G("bitmap", 2, lambda: [b"BITOP", pick(b"AND", b"OR", b"XOR", b"NOT"), key("s")] + [key("s") for _ in range(R.randrange(1, 4))])
G("bitmap", 2, lambda: [b"BITFIELD", key("s")] + option(0.4, "OVERFLOW", pick("WRAP", "SAT", "FAIL")) + option(0.5, "INCRBY", pick("u8", "i5", "u63", "i64", "u64"), pick("0", "#1", "100", "-1"), lambda: integer()) + option(0.5, "SET", pick("u8", "i16"), pick("0", "#2"), lambda: integer()) + option(0.7, "GET", pick("u4", "i8", "u32"), pick("0", "#3", "7")))

# ---- streams (explicit ids, so that both servers agree)
SEQ = [0]


def next_id():
    SEQ[0] += R.randrange(0, 3)
    return pick(b(f"{SEQ[0]}-{R.randrange(4)}"), b(f"{SEQ[0]}-*"), b(f"{SEQ[0]}"))


def stream_id():
    return pick(b"-", b"+", b(f"{R.randrange(SEQ[0] + 3)}"), b(f"{R.randrange(SEQ[0] + 3)}-1"), b"(" + b(R.randrange(SEQ[0] + 3)), b"x", b"0", b"0-0")


G("stream", 6, lambda: [b"XADD", key("x")] + option(0.1, "NOMKSTREAM") + option(0.2, pick("MAXLEN", "maxlen"), lambda: R.randrange(1, 20)) + [next_id()] + [x for _ in range(R.randrange(1, 3)) for x in (member(), value())])
G("stream", 2, lambda: [b"XLEN", key("x")])
G("stream", 3, lambda: [b"XRANGE", key("x"), stream_id(), stream_id()] + option(0.4, "COUNT", lambda: integer(True)))
G("stream", 2, lambda: [b"XREVRANGE", key("x"), stream_id(), stream_id()] + option(0.4, "COUNT", lambda: integer(True)))
G("stream", 1, lambda: [b"XDEL", key("x"), b(f"{R.randrange(SEQ[0] + 2)}-{R.randrange(4)}")])
G("stream", 1, lambda: [b"XTRIM", key("x"), pick(b"MAXLEN", b"MINID"), b(R.randrange(0, 20))])
G("stream", 2, lambda: [b"XREAD"] + option(0.4, "COUNT", lambda: R.randrange(1, 5)) + [b"STREAMS", key("x"), key("x"), b(R.randrange(SEQ[0] + 2)), b(R.randrange(SEQ[0] + 2))])
G("stream", 1, lambda: [b"XGROUP", b"CREATE", key("x"), pick(b"g1", b"g2"), pick(b"0", b"$", b"5")] + option(0.3, "MKSTREAM"))
G("stream", 2, lambda: [b"XREADGROUP", b"GROUP", pick(b"g1", b"g2", b"g3"), pick(b"alice", b"bob")] + option(0.4, "COUNT", lambda: R.randrange(1, 5)) + option(0.1, "NOACK") + [b"STREAMS", key("x"), pick(b">", b">", b"0", b"3")])
G("stream", 1, lambda: [b"XACK", key("x"), pick(b"g1", b"g2"), b(f"{R.randrange(SEQ[0] + 2)}-{R.randrange(4)}")])
G("stream", 1, lambda: [b"XPENDING", key("x"), pick(b"g1", b"g2")])
G("stream", 1, lambda: [b"XSETID", key("x"), b(f"{SEQ[0] + 1}-0")])

# ---- HyperLogLog, geo, sort, transactions
G("hll", 4, lambda: [b"PFADD", key("p")] + members(0, 5))
G("hll", 3, lambda: [b"PFCOUNT"] + [key("p") for _ in range(R.randrange(1, 3))])
G("hll", 1, lambda: [b"PFMERGE", key("p")] + [key("p") for _ in range(R.randrange(0, 3))])
# (Scores beyond the grid, and distances as scores, are not searched: their places coincide, and which of equal distances COUNT keeps is not defined.)
def place():
    """A longitude and a latitude: mostly near a few cities, so that searches find something; some out of bounds."""
    if chance(0.03):
        return pick([b"181", b"0"], [b"0", b"86"], [b"x", b"0"], [b"0", b"nan"], [b"inf", b"0"], [b"1e300", b"-inf"])
    if chance(0.06):
        return pick([b(pick(-180, 180)), b(round(R.uniform(-85, 85), 4))], [b(round(R.uniform(-180, 180), 4)), b(pick("-85.05112878", "85.05112878"))])
    if chance(0.4):
        return [b(round(R.uniform(-180, 180), 4)), b(round(R.uniform(-85, 85), 4))]
    lon, lat = pick((13.361389, 38.115556), (179.99, -16.5), (-0.1276, 51.5072), (25.7, 71.1))
    return [b(round(lon + R.uniform(-0.009, 0.009), 6)), b(round(lat + R.uniform(-0.02, 0.02), 6))]


def unit():
    return pick(b"m", b"km", b"ft", b"mi", b"KM", b"M", b"Ft") if chance(0.97) else pick(b"yd", b"")


def length():
    if chance(0.05):
        return pick(b"0", b"-1", b"x", b"inf", b"1e400", b"nan", b"1e308", b"0x10", b" 1")
    return b(pick(R.randrange(1, 3000), R.randrange(1, 30), round(R.uniform(0, 40000), 3)))


def details():
    words = option(0.3, "WITHDIST") + option(0.3, "WITHCOORD") + option(0.2, "WITHHASH")
    words += option(0.6, pick("ASC", "DESC", "asc"))
    tail = option(0.4, "COUNT", lambda: integer(True)) + option(0.15, "ANY") if chance(0.5) else []
    return words + tail if chance(0.5) else tail + words


def around():
    by = [pick(b"BYRADIUS", b"byradius"), length(), unit()] if chance(0.6) else [b"BYBOX", length(), length(), unit()]
    at = [b"FROMMEMBER", member()] if chance(0.4) else [b"FROMLONLAT"] + place()
    return (at if chance(0.97) else []) + (by if chance(0.97) else [])


G("geo", 8, lambda: [b"GEOADD", key("g")] + option(0.15, pick("NX", "XX", "CH")) + option(0.1, pick("NX", "XX", "ch")) + sum((place() + [member()] for _ in range(R.randrange(1, 4))), []))
G("geo", 2, lambda: [pick(b"GEOPOS", b"GEOHASH"), key("g")] + members(0, 4))
G("geo", 2, lambda: [b"GEODIST", key("g"), member(), member()] + option(0.5, unit()) + option(0.02, "x"))
G("geo", 6, lambda: [b"GEOSEARCH", key("g")] + around() + details() + option(0.02, pick("STOREDIST", "x", "COUNT")))
G("geo", 2, lambda: [b"GEOSEARCHSTORE", key("g"), key("g")] + around() + option(0.3, pick("ASC", "DESC")) + option(0.3, "COUNT", lambda: R.randrange(1, 9)) + option(0.03, pick("WITHDIST", "x")))
G("geo", 1, lambda: [b"GEOSEARCHSTORE", key("far"), key("g")] + around() + option(0.3, pick("ASC", "DESC")) + [b"STOREDIST"])
G("geo", 3, lambda: [pick(b"GEORADIUS", b"GEORADIUS_RO"), key("g")] + place() + [length(), unit()] + details() + option(0.15, "STORE", lambda: key("g")) + option(0.05, "storedist", lambda: key("far")))
G("geo", 3, lambda: [pick(b"GEORADIUSBYMEMBER", b"GEORADIUSBYMEMBER_RO"), key("g"), member(), length(), unit()] + details() + option(0.15, "STORE", lambda: key("g")) + option(0.05, "STOREDIST", lambda: key("far")))
G("geo", 2, lambda: [b"ZADD", key("g"), b(pick(0, 2163546245487752, 3479099956230698) + R.randrange(2**30) + pick(0, 0.5)), member()])
G("geo", 1, lambda: [b"ZREM", key("g")] + members())
G("geo", 1, lambda: [b"ZRANGE", key("g"), b"0", b"-1", b"WITHSCORES"])
G("sort", 3, lambda: [b"RPUSH", key("l")] + [b(R.randrange(30)) for _ in range(3)])
# (BY with ALPHA is left out: missing weights have no defined order)
G("sort", 3, lambda: [pick(b"SORT", b"SORT_RO"), b(f"l{R.randrange(12)}")] + (option(1, "BY", pick("s*", "h*->m1")) if chance(0.3) else option(0.5, "ALPHA")) + option(0.3, "LIMIT", lambda: integer(True), lambda: integer(True)) + option(0.3, "GET", pick("s*", "#", "h*->m2")) + option(0.3, pick("ASC", "DESC")))
G("multi", 2, lambda: [b"MULTI"])
G("multi", 3, lambda: [b"EXEC"])
G("multi", 1, lambda: [b"DISCARD"])
G("multi", 1, lambda: [b"WATCH", key("s")])
G("multi", 6, lambda: [pick(b"SET", b"APPEND", b"INCRBY"), key("s"), value()])
G("multi", 4, lambda: [b"GET", key("s")])
G("multi", 1, lambda: [pick(b"NOSUCH", b"GET")])

# ------------------------------------------------------------------------------------------------- comparison

UNORDERED = {b"KEYS", b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS"}
PAIRS = {b"HGETALL"}
RANDOM = {b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"RANDOMKEY"}
TIMES = {b"TTL": 1000, b"PTTL": 1, b"EXPIRETIME": 1000, b"PEXPIRETIME": 1}  # milliseconds in a unit


class Near:
    """A time in milliseconds that equals another within five seconds: the two servers are asked one after the other."""

    def __init__(self, milliseconds):
        self.milliseconds = milliseconds

    def __eq__(self, other):
        return isinstance(other, Near) and abs(self.milliseconds - other.milliseconds) <= 5000

    def __repr__(self):
        return f"{self.milliseconds} ms"


# Redis reads the range error of an earlier number when an empty element is sorted as one.
STALE_RANGE = ("error", b"ERR One or more scores can't be converted into double")
ENCODING_7_2 = {b"quicklist": b"listpack", b"hashtable": b"listpack"}


def by_value(reply):
    """Scores by value: 7.0 prints 17 digits, later versions the shortest digits that read back the same."""
    if reply[0] in ("array", "map", "pair", "set"):
        return (reply[0], [by_value(r) for r in reply[1]])
    if reply[0] == "bulk":
        try:
            return ("score", float(reply[1]))
        except ValueError:
            return reply
    return reply


def normalise(argv, reply, errors, queued=()):
    name = argv[0].upper()
    if name == b"EXEC" and reply[0] == "array":
        return ("array", [normalise(a, r, errors) for a, r in zip(queued, reply[1])])
    if reply[0] == "error":
        return ("error", reply[1].split(b" ")[0]) if errors == "code" else reply
    if name == b"OBJECT" and len(argv) > 1 and argv[1].upper() == b"REFCOUNT":
        return reply[:1]
    if name == b"OBJECT" and reply[0] == "bulk":  # Redis 7.2 gave small lists and sets the listpack encoding
        return ("bulk", ENCODING_7_2.get(reply[1], reply[1]))
    if name == b"SPOP" and reply[0] == "array":
        return ("array", sorted(reply[1]))
    if reply[0] in ("set", "map") and name not in RANDOM:  # of the third protocol
        return (reply[0], sorted((by_value(r) if name[:1] == b"Z" else r for r in reply[1]), key=repr))
    if name in UNORDERED and reply[0] == "array":
        return ("array", sorted(reply[1]))
    if name in PAIRS and reply[0] == "array":
        items = reply[1]
        return ("array", sorted(zip(items[::2], items[1::2])))
    if name in RANDOM:
        if reply[0] not in ("array", "set", "map"):
            return reply[:1]
        return (reply[0], len(reply[1])) if not any(x[0] == "array" for x in reply[1]) else ("pairs", len(reply[1]))
    if name[:1] == b"Z" or name in (b"HINCRBYFLOAT", b"INCRBYFLOAT"):
        return by_value(reply)
    if name in TIMES and reply[0] == "int" and reply[1] >= 0:
        return ("time", Near(reply[1] * TIMES[name]))
    return reply


def contents(connection, exact=False):
    """Every key of database 0 with its type, value and absolute expiry (to the millisecond if `exact`), as one comparable tree."""
    reads = {
        b"string": lambda k: [[b"GET", k]], b"list": lambda k: [[b"LRANGE", k, b"0", b"-1"]],
        b"set": lambda k: [[b"SMEMBERS", k]], b"hash": lambda k: [[b"HGETALL", k]],
        b"zset": lambda k: [[b"ZRANGE", k, b"0", b"-1", b"WITHSCORES"]], b"stream": lambda k: [[b"XRANGE", k, b"-", b"+"]],
    }
    out = {}
    keys = sorted(x[1] for x in connection.call("KEYS", "*")[1])
    for k in keys:
        kind = connection.call("TYPE", k)[1]
        argvs = reads[kind](k) if kind in reads else []
        values = [normalise(a, r, "text") for a, r in zip(argvs, connection.batch(argvs))] if argvs else []
        due = connection.call("PEXPIRETIME", k)
        out[k] = (kind, values, due if exact else normalise([b"PEXPIRETIME"], due, "text"))
    return out


def show(argv):
    return " ".join(repr(a)[1:] if len(a) < 60 else repr(a[:40])[1:] + f"...({len(a)} bytes)" for a in argv)


def short(reply):
    text = repr(reply)
    return text if len(text) < 400 else text[:400] + "..."


def command_names(connection):
    """The upper-case names of a server's commands, without subcommands."""
    reply = connection.call("COMMAND", "LIST")
    if reply[0] != "array":
        raise ConnectionError(f"{connection.name} does not answer COMMAND LIST: {reply}")
    return {name[1].upper() for name in reply[1] if b"|" not in name[1]}


def draw(makers, left_out):
    """The next random command whose name is not left out."""
    while True:
        argv = R.choice(makers)()
        if argv[0].upper() not in left_out:
            return argv


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, metavar="HOST:PORT")
    parser.add_argument("--oracle", required=True, metavar="HOST:PORT")
    parser.add_argument("--groups", default="string,key", help="of " + ",".join(GROUPS) + ", or all")
    parser.add_argument("--count", type=int, default=20000, help="commands to send")
    parser.add_argument("--batch", type=int, default=40, help="commands in one pipeline")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", choices=["text", "code"], default="text")
    parser.add_argument("--only-known", action="store_true", help="leave out commands that this server does not have")
    parser.add_argument("--leave-out", default="", metavar="NAMES", help="commands, joined by commas, that are not drawn")
    parser.add_argument("--resp", type=int, choices=[2, 3], default=2, help="version of the protocol")
    parser.add_argument("--most", type=int, default=20, help="differences to print")
    options = parser.parse_args()

    names = list(GROUPS) if options.groups == "all" else options.groups.split(",")
    makers = [m for n in names for m in GROUPS[n]]
    R.seed(options.seed)
    SEQ[0] = 0
    try:
        ours, oracle = Connection(options.ours), Connection(options.oracle)
        for c in (ours, oracle):
            c.call("FLUSHALL")
            if options.resp == 3 and c.call("HELLO", "3")[0] != "map":
                raise ConnectionError(f"{c.name} does not speak RESP3")
        left_out = command_names(oracle) - command_names(ours) if options.only_known else set()
        asked = {b(name.upper()) for name in options.leave_out.split(",") if name}
    except (OSError, ConnectionError) as e:
        print(f"cannot start: {e}", file=sys.stderr)
        return 2

    sent, differences, by_command, history, queued = 0, 0, {}, {}, []
    try:
        while sent < options.count:
            batch = [draw(makers, left_out | asked) for _ in range(options.batch)]
            if chance(0.002):
                batch.append([b"FLUSHALL"])
            a, z = ours.batch(batch), oracle.batch(batch)
            for argv, mine, theirs in zip(batch, a, z):
                if theirs == ("status", b"QUEUED"):
                    queued.append(argv)
                elif argv[0].upper() in (b"MULTI", b"DISCARD") and theirs[0] == "status":
                    queued = []
                for arg in argv[1:3]:
                    history.setdefault(arg, []).append(argv)
                    del history[arg][:-6]
                if normalise(argv, mine, options.errors, queued) == normalise(argv, theirs, options.errors, queued):
                    continue
                if theirs == STALE_RANGE and mine[0] == "array" and argv[0].upper() in (b"SORT", b"SORT_RO"):
                    continue
                differences += 1
                name = argv[0].upper()
                by_command[name] = by_command.get(name, 0) + 1
                if differences <= options.most:
                    print(f"DIFFERS {show(argv)}\n  ours   {short(mine)}\n  oracle {short(theirs)}")
                    for arg in argv[1:2]:
                        for old in history.get(arg, [])[:-1]:
                            print(f"    before: {show(old)}")
            sent += len(batch)
        for c in (ours, oracle):
            c.call("DISCARD")
            if options.resp == 3:
                c.call("HELLO", "2")
        mine, theirs = contents(ours), contents(oracle)
    except (OSError, ConnectionError, ValueError) as e:
        print(f"connection lost after {sent} commands: {e}", file=sys.stderr)
        print("last batch:", file=sys.stderr)
        for argv in batch:
            print("  " + show(argv), file=sys.stderr)
        return 2
    for k in sorted(set(mine) | set(theirs)):
        if mine.get(k) != theirs.get(k):
            differences += 1
            by_command[b"(contents)"] = by_command.get(b"(contents)", 0) + 1
            if differences <= options.most:
                print(f"CONTENTS of {k!r} differ\n  ours   {short(mine.get(k))}\n  oracle {short(theirs.get(k))}")
    if left_out:
        print(f"{len(left_out)} commands of the oracle were left out: this server does not have them")
    table = ", ".join(f"{n.decode('latin1')} {c}" for n, c in sorted(by_command.items(), key=lambda x: -x[1]))
    print(f"seed {options.seed}: {sent} commands, {differences} differences" + (f" ({table})" if table else ""))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
