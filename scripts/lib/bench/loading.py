# SPDX-License-Identifier: BSD-3-Clause
"""The time from a dump to a server that answers: dumps that Redis wrote, loaded by both."""

import os
import re
import shutil
import subprocess
import tempfile
import time

from cases import Result
from servers import BenchError, Server, encode

STRINGS = 5_000_000
COLLECTIONS = 100_000
ELEMENTS = 20
VALUE_POOL = 1 << 20
PATIENCE_SECONDS = 300
CHUNK = 1_000


def _values():
    """Values of 64 bytes that do not compress, different for each key."""
    pool = os.urandom(VALUE_POOL // 2).hex().encode()
    return lambda index: pool[(index * 37) % (VALUE_POOL - 64):][:64]


def _strings(count):
    value = _values()
    for start in range(0, count, CHUNK):
        yield b"".join(
            b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n%s\r\n" % (index, value(index))
            for index in range(start, min(start + CHUNK, count)))


def _element(index, number):
    return b"element:%d:%d" % (index * 7919 % 1_000_003, number)


def _mixed(count):
    numbers = range(ELEMENTS)
    for index in range(count):
        elements = [_element(index, number) for number in numbers]
        commands = [
            encode("HSET", f"hash:{index}",
                   *(word for n in numbers for word in (f"field:{n}", elements[n]))),
            encode("RPUSH", f"list:{index}", *elements),
            encode("SADD", f"set:{index}", *elements),
            encode("ZADD", f"zset:{index}",
                   *(word for n in numbers for word in (index * 31 * n % 99_991, elements[n]))),
        ] + [encode("XADD", f"stream:{index}", f"{n + 1}-1", "field", elements[n])
             for n in numbers]
        yield b"".join(commands)


def _fill(server, chunks):
    """Sends commands of any kind by redis-cli, which reads the replies and counts the errors."""
    client = subprocess.Popen(
        ["redis-cli", "-p", str(server.port), "--pipe"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    for chunk in chunks:
        client.stdin.write(chunk)
    text = client.communicate()[0].decode()
    if client.returncode != 0 or "errors: 0" not in text:
        raise BenchError(f"{server.name}: filling failed: {text[-200:]}")


def _make_dump(plan, directory, chunks, keys):
    """Has Redis write a dump of what the chunks of commands make."""
    label, path = plan.binaries[1]
    with Server(label, path) as server:
        _fill(server, chunks)
        with server.connect(timeout=PATIENCE_SECONDS) as connection:
            if connection.command("DBSIZE") != keys:
                raise BenchError("Redis did not store the keys of the dump")
            connection.command("SAVE")
        shutil.move(os.path.join(server.directory, "dump.rdb"), directory)
    return os.path.join(directory, "dump.rdb")


def _load_once(path, directory):
    """Seconds that a server says it took to load, and its CPU seconds until then."""
    log = os.path.join(directory, "log")
    process = subprocess.Popen(
        [path, "--port", "0", "--unixsocket", os.path.join(directory, "socket"), "--save", "",
         "--dir", directory, "--logfile", log], cwd=directory, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.02)
            if process.poll() is not None:
                raise BenchError(f"{path} ended instead of loading")
            if not os.path.exists(log):
                continue
            with open(log, encoding="utf-8", errors="replace") as lines:
                found = re.search(r"DB loaded from disk: ([0-9.]+) seconds", lines.read())
            if found:
                return float(found.group(1))
        raise BenchError(f"{path} did not load in time")
    finally:
        process.kill()
        process.wait()
        for name in ("log", "socket"):
            if os.path.exists(os.path.join(directory, name)):
                os.unlink(os.path.join(directory, name))


def _case(plan, name, title, goal, chunks, keys):
    result = Result(name, title, "seconds", goal)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        plan.say(f"{name}: Redis writes the dump")
        size = os.path.getsize(_make_dump(plan, directory, chunks, keys))
        result.note = f"a dump of {size / 1e6:.0f} MB"
        for number in range(plan.rounds):
            plan.say(f"{name}: round {number + 1}")
            for (_, path), values in zip(plan.binaries, (result.ours, result.theirs)):
                values.append(_load_once(path, directory))
    return result


def strings(plan):
    keys = STRINGS // plan.divisor
    return [_case(plan, "load-strings",
                  f"loading {keys:,} strings (16-byte keys, 64-byte values)", 0.35,
                  _strings(keys), keys)]


def mixed(plan):
    each = COLLECTIONS // plan.divisor
    return [_case(plan, "load-mixed",
                  f"loading {each:,} hashes, lists, sets, sorted sets and streams each, "
                  f"of {ELEMENTS} elements", 0.60, _mixed(each), each * 5)]
