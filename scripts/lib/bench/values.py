# SPDX-License-Identifier: BSD-3-Clause
"""The cases on lists, sets, hashes, sorted sets and streams: the cost of an operation on a small and
on a large collection at each pipeline, and the memory of an element. Both servers are filled alike;
where a command takes elements out, they are put back before every round."""

import dataclasses
import random
import time

import load
from cases import Result
from servers import BenchError, Server

SMALL, LARGE = 100, 1_000_000
PIPELINES = {1: 100_000, 16: 400_000, 100: 800_000}  # with the operations of a round
ANY = "__rand_int__"  # what redis-benchmark puts a number of twelve digits for
ELEMENT = "elem" + ANY  # 16 bytes
GOALS = {1: 1.0, 16: 1.0, 100: 0.6}
SMALL_HASHES = 1_000_000
FILL_BATCH = 500  # elements to one command


@dataclasses.dataclass(frozen=True)
class ValueCase:
    """A command on the collection `key` of `kind`. `drains` says that it takes elements out, and
    `share` divides the operations of commands that do more than one element's work."""

    name: str
    kind: str
    command: tuple
    drains: bool = False
    share: int = 1
    sizes: tuple = (SMALL, LARGE)


COMMANDS = (
    ValueCase("lpush", "list", ("LPUSH", "key", ELEMENT)),
    ValueCase("rpush", "list", ("RPUSH", "key", ELEMENT)),
    ValueCase("lpop", "list", ("LPOP", "key"), drains=True, sizes=(LARGE,)),
    ValueCase("rpop", "list", ("RPOP", "key"), drains=True, sizes=(LARGE,)),
    ValueCase("lrange_100", "list", ("LRANGE", "key", "0", "99"), share=10),
    ValueCase("lrange_600", "list", ("LRANGE", "key", "0", "599"), share=40, sizes=(LARGE,)),
    ValueCase("sadd", "set", ("SADD", "key", ELEMENT)),
    ValueCase("spop", "set", ("SPOP", "key"), drains=True, sizes=(LARGE,)),
    ValueCase("hset", "hash", ("HSET", "key", ELEMENT, ELEMENT)),
    ValueCase("hgetall_100", "hash", ("HGETALL", "key"), share=20, sizes=(SMALL,)),
    ValueCase("zadd", "zset", ("ZADD", "key", ANY, ELEMENT)),
    ValueCase("zrank", "zset", ("ZRANK", "key", ELEMENT)),
    ValueCase("zrange", "zset", ("ZRANGE", "key", "20", "29"), share=2),
    ValueCase("zrangebyscore", "zset",
              ("ZRANGEBYSCORE", "key", ANY, "+inf", "LIMIT", "0", "10"), share=2),
    ValueCase("zpopmin", "zset", ("ZPOPMIN", "key"), drains=True, sizes=(LARGE,)),
    ValueCase("xadd", "stream", ("XADD", "key", "*", "field", ELEMENT)),
)

FILLS = {
    "list": lambda index: (b"elem%012d" % index,),
    "set": lambda index: (b"elem%012d" % index,),
    "hash": lambda index: (b"elem%012d" % index, b"elem%012d" % index),
    "zset": lambda index: (b"%d" % index, b"elem%012d" % index),
}
FILL_WORDS = {"list": b"RPUSH", "set": b"SADD", "hash": b"HSET", "zset": b"ZADD"}


def fill(server, kind, size):
    """Empties the server and makes the collection, in an order that is no order."""
    with server.connect() as connection:
        connection.command("FLUSHALL")
        order = list(range(size))
        random.Random(size).shuffle(order)
        if kind == "stream":
            for start in range(0, size, FILL_BATCH):
                connection.pipeline([("XADD", "key", "*", "field", b"elem%012d" % index)
                                     for index in order[start:start + FILL_BATCH]])
            return
        commands = [
            (FILL_WORDS[kind], "key",
             *[word for index in order[start:start + FILL_BATCH] for word in FILLS[kind](index)])
            for start in range(0, size, FILL_BATCH)
        ]
        for start in range(0, len(commands), 50):
            connection.pipeline(commands[start:start + 50])
    load.settle(server, quiet_seconds=0.1, limit_seconds=3)


@dataclasses.dataclass(frozen=True)
class _Load:
    """What `load.benchmark` needs to know of a case."""

    pipeline: int
    load: tuple
    size: int = 3


def measure_once(server, case, size, pipeline, operations):
    """CPU microseconds and operations a second; the server must have done all of it, and well."""
    before = server.info("stats")
    cpu = server.cpu_nanoseconds()
    rate = load.benchmark(server, _Load(pipeline, case.command), operations, size)
    spent = server.cpu_nanoseconds() - cpu
    after = server.info("stats")
    done = int(after["total_commands_processed"]) - int(before["total_commands_processed"])
    if done < operations or after["total_error_replies"] != before["total_error_replies"]:
        raise BenchError(f"{case.name}: {server.name} did {done} of {operations} commands, "
                         f"{after['total_error_replies']} errors in all")
    time.sleep(0.05)
    return spent / 1_000 / operations, rate


def costs(plan):
    """All commands on all sizes at all pipelines, both servers in turn."""
    (our_name, our_path), (their_name, their_path) = plan.binaries
    with Server(our_name, our_path) as ours, Server(their_name, their_path) as theirs:
        for case in COMMANDS:
            for size in case.sizes:
                yield from _costs_of(plan, case, size, (ours, theirs))


def _costs_of(plan, case, size, servers):
    words = f"{case.name.upper()}, {size:,} elements"
    filled = False
    for pipeline, most in PIPELINES.items():
        operations = max(most // case.share // plan.divisor, 100)
        if case.drains:
            operations = min(operations, size // 2)
        result = Result(f"values-{case.name}-{size}-p{pipeline}", f"{words}, pipeline {pipeline}",
                        "us CPU/op", GOALS[pipeline])
        for _ in range(plan.rounds):
            for server, values, rates in (
                (servers[0], result.ours, result.our_rates),
                (servers[1], result.theirs, result.their_rates),
            ):
                if case.drains or not filled:
                    fill(server, case.kind, size)
                cost, rate = measure_once(server, case, size, pipeline, operations)
                values.append(cost)
                rates.append(rate)
            filled = True
        yield result


def _memory_once(name, path, make):
    with Server(name, path) as server:
        empty = load.settle(server)
        count = make(server)
        return (load.settle(server) - empty) / count


def _one_collection(kind):
    def make(server):
        fill(server, kind, LARGE)
        return LARGE
    return make


def _small_hashes(server):
    fields = b"".join(b"$6\r\nfield%d\r\n$16\r\nvalue%011d\r\n" % (n, n) for n in range(5))
    chunks = (
        b"".join(b"*12\r\n$4\r\nHSET\r\n$16\r\nkey:%012d\r\n%s" % (index, fields)
                 for index in range(start, start + 1_000))
        for start in range(0, SMALL_HASHES, 1_000)
    )
    with server.connect() as connection:
        for chunk in chunks:
            connection.socket.sendall(chunk)
            for _ in range(1_000):
                connection.reply()
    return SMALL_HASHES


def memory(plan):
    """Resident bytes an element of each type, and those of a small hash."""
    cases = [(f"{kind} of {LARGE:,} elements of 16 bytes", kind, _one_collection(kind))
             for kind in ("list", "set", "hash", "zset")]
    cases.append((f"{SMALL_HASHES:,} hashes of 5 fields", "small-hashes", _small_hashes))
    for title, name, make in cases:
        result = Result(f"values-memory-{name}", f"resident memory, {title}",
                        "bytes/hash" if name == "small-hashes" else "bytes/element", 0.80)
        for (label, path), values in zip(plan.binaries, (result.ours, result.theirs)):
            values.append(_memory_once(label, path, make))
        yield result
