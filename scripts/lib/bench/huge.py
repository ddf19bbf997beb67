# SPDX-License-Identifier: BSD-3-Clause
"""The cases on huge inputs: single commands that read or build millions of elements. They may take
their time; the figures say how much. What frees or only looks is measured with them."""

import dataclasses

import load
from cases import Result
from servers import BenchError, Server

ELEMENTS = 1_000_000
LIST_ELEMENTS = 5_000_000
FILL_BATCH = 1_000
REPLY_PATIENCE_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class HugeCase:
    """One command; `undo` makes it possible again, unmeasured; `answer` is what it must say."""

    name: str
    title: str
    command: tuple
    answer: object
    undo: tuple = ()


CASES = (
    HugeCase("smembers", "SMEMBERS of 1,000,000", ("SMEMBERS", "set1"), ELEMENTS),
    HugeCase("sunionstore", "SUNIONSTORE of two sets of 1,000,000, half in both",
             ("SUNIONSTORE", "to", "set1", "set2"), ELEMENTS * 3 // 2, ("DEL", "to")),
    HugeCase("hgetall", "HGETALL of 1,000,000 fields", ("HGETALL", "hash"), 2 * ELEMENTS),
    HugeCase("zunionstore", "ZUNIONSTORE of two sorted sets of 1,000,000, half in both",
             ("ZUNIONSTORE", "to", "2", "zset1", "zset2"), ELEMENTS * 3 // 2, ("DEL", "to")),
    HugeCase("sort", "SORT of a list of 1,000,000 numbers", ("SORT", "numbers"), ELEMENTS),
    HugeCase("sort-store", "SORT of 1,000,000 numbers, STORE", ("SORT", "numbers", "STORE", "to"),
             ELEMENTS, ("DEL", "to")),
    HugeCase("lrange", "LRANGE of all 5,000,000 elements", ("LRANGE", "list", "0", "-1"),
             LIST_ELEMENTS),
    HugeCase("copy", "COPY of a list of 5,000,000", ("COPY", "list", "to"), 1, ("DEL", "to")),
    HugeCase("lpos", "LPOS, 5,000,000 elements, none found", ("LPOS", "list", "none"), None),
    HugeCase("lrem", "LREM, 5,000,000 elements, none found", ("LREM", "list", "0", "none"), 0),
    HugeCase("xtrim", "XTRIM of 1,000,000 entries to half", ("XTRIM", "stream", "MAXLEN", "500000"),
             500_000),
)


def _order(start, count):
    """Numbers in an order that is no order, the same for both servers."""
    return [start + (index * 7_368_787) % count for index in range(count)]


def _fill(server):
    half = ELEMENTS // 2
    plans = (
        ("set1", b"SADD", _order(0, ELEMENTS), lambda n: (b"elem%012d" % n,)),
        ("set2", b"SADD", _order(half, ELEMENTS), lambda n: (b"elem%012d" % n,)),
        ("hash", b"HSET", _order(0, ELEMENTS), lambda n: (b"elem%012d" % n, b"elem%012d" % n)),
        ("zset1", b"ZADD", _order(0, ELEMENTS), lambda n: (b"%d" % n, b"elem%012d" % n)),
        ("zset2", b"ZADD", _order(half, ELEMENTS), lambda n: (b"%d" % n, b"elem%012d" % n)),
        ("numbers", b"RPUSH", _order(0, ELEMENTS), lambda n: (b"%d" % n,)),
        ("list", b"RPUSH", range(LIST_ELEMENTS), lambda n: (b"elem%012d" % n,)),
    )
    with server.connect(REPLY_PATIENCE_SECONDS) as connection:
        for key, word, order, words in plans:
            order = list(order)
            for start in range(0, len(order), FILL_BATCH * 20):
                connection.pipeline([
                    (word, key, *[w for n in order[at:at + FILL_BATCH] for w in words(n)])
                    for at in range(start, min(start + FILL_BATCH * 20, len(order)), FILL_BATCH)])
        for start in range(0, ELEMENTS, FILL_BATCH):
            connection.pipeline([("XADD", "stream", "%d-1" % (start + n + 1), "field", "value")
                                 for n in range(FILL_BATCH)])
    load.settle(server)


def _measure(server, case):
    """CPU milliseconds of the command, its reply included."""
    with server.connect(REPLY_PATIENCE_SECONDS) as connection:
        before = server.cpu_nanoseconds()
        reply = connection.command(*case.command)
        spent = server.cpu_nanoseconds() - before
        reply = len(reply) if isinstance(reply, list) else reply
        if reply != case.answer:
            raise BenchError(f"{server.name}: {case.name} answered {reply}, not {case.answer}")
        if case.undo:
            connection.command(*case.undo)
    load.settle(server, quiet_seconds=0.3, limit_seconds=10)
    return spent / 1e6


def costs(plan):
    (our_name, our_path), (their_name, their_path) = plan.binaries
    with Server(our_name, our_path) as ours, Server(their_name, their_path) as theirs:
        for server in (ours, theirs):
            plan.say(f"huge: filling {server.name}")
            _fill(server)
        for case in CASES:
            result = Result(f"huge-{case.name}", case.title, "ms CPU", 1.0)
            for _ in range(plan.rounds if case.name != "xtrim" else 1):
                result.ours.append(_measure(ours, case))
                result.theirs.append(_measure(theirs, case))
            yield result
