# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the table of faults at their full size, with figures; docs/reliability.md with --write."""

import argparse
import datetime
import multiprocessing
import os
import resource
import shlex
import socket
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, os.pardir, os.pardir, os.pardir))
sys.path.insert(0, os.path.join(HERE, os.pardir, "bench"))

import report  # noqa: E402
from servers import BenchError, Server, encode  # noqa: E402

MIB = 1 << 20
KEYS = 10_000_000
ELEMENTS = 5_000_000
BATCH = 1_000
WAITING_CLIENTS = 100_000
SPARE_DESCRIPTORS = 200
PUSHES = 100
LARGEST = 512 * MIB
PATIENCE_SECONDS = 300
PAUSE_BETWEEN_PROBES_SECONDS = 0.0005
CLIENTS_OF_AN_ADDRESS = 20_000  # below the range of local ports


class Failed(Exception):
    """A row is not as it must be."""


def check(condition, text):
    if not condition:
        raise Failed(text)


# ------------------------------------------------------------------------------ another client


def _probe(port, stop, answer):
    with socket.create_connection(("127.0.0.1", port)) as peer:
        worst = 0.0
        while not stop.is_set():
            start = time.monotonic()
            peer.sendall(b"PING\r\n")
            peer.recv(64)
            worst = max(worst, time.monotonic() - start)
            time.sleep(PAUSE_BETWEEN_PROBES_SECONDS)
        answer.put(worst)


class Bystander:
    """Another client that asks all the time; `worst` is its longest wait, in milliseconds."""

    def __init__(self, server):
        self.server, self.worst = server, None
        self.stop, self.answer = multiprocessing.Event(), multiprocessing.Queue()

    def __enter__(self):
        with self.server.connect() as connection:
            connection.command("CONFIG", "RESETSTAT")
        self.process = multiprocessing.Process(
            target=_probe, args=(self.server.port, self.stop, self.answer), daemon=True)
        self.process.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.stop.set()
        self.worst = self.answer.get(timeout=60) * 1_000
        self.process.join()
        self.turn = int(self.server.info("stats").get("eventloop_duration_max_usec", 0)) / 1_000


def _swallow(server, *command):
    """Sends a command and reads the whole reply, an array of bulk strings, without looking at it;
    returns the number of elements and the seconds that it took."""
    with server.connect(PATIENCE_SECONDS) as connection:
        start = time.monotonic()
        connection.socket.sendall(encode(*command))
        count = int(connection.file.readline()[1:])
        lines, tail = 0, b""
        while lines < 2 * count:
            data = connection.file.read1(MIB)
            check(data, "the connection was closed")
            lines += data.count(b"\n")
            tail = data
        check(tail.endswith(b"\r\n"), "the reply does not end with its last element")
        return count, time.monotonic() - start


def _seen(bystander):
    return f"another client waited {bystander.worst:.1f} ms at most, the longest turn " \
           f"was {bystander.turn:.1f} ms"


# ------------------------------------------------------------------------------------------ rows


def largest_values(path):
    """F33: a value of 512 MiB, and one byte more"""
    with Server("ours", path) as server, server.connect(PATIENCE_SECONDS) as connection:
        value = os.urandom(MIB) * 512
        start = time.monotonic()
        check(connection.command("SET", "large", value) == b"OK", "SET of 512 MiB failed")
        stored = time.monotonic() - start
        start = time.monotonic()
        check(connection.command("GET", "large") == value, "GET of 512 MiB is not the same")
        fetched = time.monotonic() - start
        for words in (("APPEND", "large", "x"), ("SETRANGE", "large", LARGEST, "x")):
            try:
                connection.command(*words)
                check(False, f"{words[0]} went past the limit")
            except BenchError as error:
                check("maximum allowed size" in str(error), f"{words[0]} answered: {error}")
        with server.connect() as other:
            other.socket.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (LARGEST + 1))
            check(b"Protocol error: invalid bulk length" in other.file.readline(),
                  "a longer bulk is not refused")
        check(connection.command("STRLEN", "large") == LARGEST, "the value was changed")
    return f"SET in {stored:.2f} s, GET of the same bytes in {fetched:.2f} s, this client's time " \
           "included; one byte more is refused in Redis's words and changes nothing"


def keys_of_ten_million(path):
    """F36: KEYS * on 10,000,000 keys"""
    with Server("ours", path, ("--enable-debug-command", "yes")) as server:
        with server.connect(PATIENCE_SECONDS) as connection:
            connection.command("DEBUG", "POPULATE", KEYS)
        with Bystander(server) as bystander:
            count, seconds = _swallow(server, "KEYS", "*")
        check(count == KEYS, f"KEYS returned {count}")
        return f"{count:,} keys in {seconds:.1f} s; {_seen(bystander)}"


def _fill_elements(server, kind, word, words):
    with server.connect(PATIENCE_SECONDS) as connection:
        for start in range(0, ELEMENTS, BATCH * 20):
            connection.pipeline([
                (word, kind, *[w for n in range(at, at + BATCH) for w in words(n)])
                for at in range(start, start + BATCH * 20, BATCH)])


def members_of_five_million(path):
    """F36: SMEMBERS of 5,000,000"""
    with Server("ours", path) as server:
        _fill_elements(server, "set", "SADD", lambda n: (b"elem%012d" % n,))
        with Bystander(server) as bystander:
            count, seconds = _swallow(server, "SMEMBERS", "set")
        check(count == ELEMENTS, f"SMEMBERS returned {count}")
        return f"{count:,} members in {seconds:.1f} s; {_seen(bystander)}"


def freeing_five_million(path):
    """F36: DEL of a sorted set, a set and a list of 5,000,000"""
    figures = []
    with Server("ours", path) as server:
        for kind, word, words in (
            ("sorted set", "ZADD", lambda n: (b"%d" % n, b"elem%012d" % n)),
            ("set", "SADD", lambda n: (b"elem%012d" % n,)),
            ("list", "RPUSH", lambda n: (b"elem%012d" % n,)),
        ):
            _fill_elements(server, kind, word, words)
            with Bystander(server) as bystander:
                with server.connect() as connection:
                    check(connection.command("DEL", kind) == 1, "DEL did not remove it")
                time.sleep(2)
            figures.append(f"{kind}: {_seen(bystander)}")
    return "; ".join(figures)


def blocked_clients(path):
    """F38: clients that wait in BLPOP, then one push"""
    wanted = 2 * WAITING_CLIENTS + SPARE_DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, OSError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    count = min(WAITING_CLIENTS, limit - SPARE_DESCRIPTORS)
    with Server("ours", path, ("--maxclients", str(count + 50))) as server:
        waiting = []
        for number in range(count):
            peer = socket.socket()
            peer.bind((f"127.0.0.{2 + number // CLIENTS_OF_AN_ADDRESS}", 0))
            peer.connect(("127.0.0.1", server.port))
            peer.sendall(encode("BLPOP", "queue", "0"))
            waiting.append(peer)
            if number % 500 == 499:
                # In order: those before must wait before those behind ask.
                _until_blocked(server, number + 1)
        _until_blocked(server, count)
        with server.connect() as connection:
            start = time.monotonic()
            connection.command("RPUSH", "queue", "first")
            check(b"first" in waiting[0].recv(100), "the first one was not served")
            first = (time.monotonic() - start) * 1e6
            check(int(server.info("clients")["blocked_clients"]) == count - 1, "others were served")
            start = time.monotonic()
            for number in range(1, PUSHES):
                connection.command("RPUSH", "queue", f"e{number}")
                check(b"e%d\r\n" % number in waiting[number].recv(100), f"number {number}: not FIFO")
            each = (time.monotonic() - start) / (PUSHES - 1) * 1e6
            for peer in waiting:
                peer.close()
            _until_blocked(server, 0)
            check(connection.command("RPUSH", "queue", "left") == 1, "who is gone was served")
        return f"{count:,} clients: the first was served {first:.0f} us after the push, the next " \
               f"{PUSHES - 1} in their order in {each:.0f} us each; after all had gone, nobody was"


def _until_blocked(server, count):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if int(server.info("clients")["blocked_clients"]) == count:
            return
        time.sleep(0.002)
    raise Failed(f"there are not {count} blocked clients")


ROWS = (largest_values, keys_of_ten_million, members_of_five_million, freeing_five_million,
        blocked_clients)


def main():
    parser = argparse.ArgumentParser(prog="scripts/reliability", description=__doc__)
    parser.add_argument("--server", metavar="PATH", help="our program (the release, built first)")
    parser.add_argument("--rows", metavar="WORD", default="", help="only rows with this in the name")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    options = parser.parse_args()
    path = os.path.abspath(options.server or os.path.join(ROOT, ".build/release/redis"))
    load_before = os.getloadavg()[0]
    lines, failed = [], False
    for row in ROWS:
        if options.rows not in row.__doc__:
            continue
        try:
            result = row(path)
        except (Failed, BenchError, OSError) as error:
            result, failed = f"**failed**: {error}", True
        lines.append((row.__doc__, result))
        print(f"{row.__doc__}\n    {result}", flush=True)
    if options.write:
        write(lines, path, load_before)
    sys.exit(1 if failed else 0)


def write(lines, path, load_before):
    rows = "\n".join(f"| {name} | {result} |" for name, result in lines)
    words = shlex.join(["scripts/reliability", *[w for w in sys.argv[1:] if "/" not in w
                                                 and w != "--server"]])
    with open(os.path.join(ROOT, "docs", "reliability.md"), "w", encoding="utf-8") as file:
        file.write(f"""# Reliability

Rows of the table of faults at their full size, which the tests run smaller. Written by

    {words}

| row | seen |
| --- | --- |
{rows}

Waiting times are of the wall clock: what else runs on the machine is in them.

- Machine: {report.machine()}; load average before the run {load_before:.2f}.
- Ours: {Server("ours", path).version()}, commit {report.commit(ROOT)}.
- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC.
""")


if __name__ == "__main__":
    main()
