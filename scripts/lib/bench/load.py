# SPDX-License-Identifier: BSD-3-Clause
"""Load for a server: keyspaces filled from here, streams of commands from redis-benchmark, and the
checks that both did what they say. An error anywhere ends the run: errors are never measured."""

import csv
import io
import os
import math
import random
import subprocess
import threading
import time

from servers import BenchError

CLIENTS = 50
SAMPLES = 200
FILL_CHUNK = 1_000  # commands to one send
BENCHMARK_TIMEOUT_SECONDS = 600  # redis-benchmark waits for ever for a server that is gone


def key(index, prefix=b"key:"):
    """The key that redis-benchmark makes of the prefix and __rand_int__: 16 bytes with `key:`."""
    return b"%s%012d" % (prefix, index)


def set_commands(indices, value, prefix=b"key:", options=None):
    """SET of each index as RESP, in chunks; `options` gives the words behind a key's value."""
    head = b"*%d\r\n$3\r\nSET\r\n$%d\r\n" % (3, len(prefix) + 12)
    tail = b"\r\n$%d\r\n%s\r\n" % (len(value), value)
    chunk = []
    for index in indices:
        if options is None:
            chunk.append(b"%s%s%012d%s" % (head, prefix, index, tail))
        else:
            name, number = options(index)
            chunk.append(
                b"*5\r\n$3\r\nSET\r\n$%d\r\n%s%012d%s$%d\r\n%s\r\n$%d\r\n%d\r\n"
                % (len(prefix) + 12, prefix, index, tail, len(name), name,
                   len(str(number)), number)
            )
        if len(chunk) == FILL_CHUNK:
            yield b"".join(chunk)
            chunk.clear()
    yield b"".join(chunk)


def fill(server, chunks, count):
    """Sends the commands and waits for `count` replies, each of which must be +OK."""
    expected = count * len(b"+OK\r\n")
    with server.connect() as connection:
        failure = []

        def send():
            try:
                for chunk in chunks:
                    connection.socket.sendall(chunk)
            except OSError as error:
                failure.append(error)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        while expected > 0:
            data = connection.socket.recv(1 << 16)
            if not data or b"-" in data or failure:
                raise BenchError(f"{server.name}: filling failed: {failure or data[:200]}")
            expected -= len(data)
        sender.join()


def benchmark(server, case, operations, keys):
    """One run of redis-benchmark; returns the throughput it saw, in operations a second."""
    command = [
        "redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CLIENTS),
        "-r", str(keys), "-P", str(case.pipeline), "-n", str(operations), "-d", str(case.size),
        "--csv", *case.load,
    ]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env=environment, timeout=BENCHMARK_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{server.name}: redis-benchmark did not end: {' '.join(command)}")
    if run.returncode != 0 or run.stderr.strip() or "rror" in run.stdout:
        raise BenchError(
            f"{server.name}: redis-benchmark failed ({run.returncode}): {' '.join(command)}\n"
            f"{run.stdout[-500:]}{run.stderr[-500:]}"
        )
    rows = list(csv.reader(io.StringIO(run.stdout)))
    if len(rows) != 2:
        raise BenchError(f"{server.name}: expected one row of figures, got {rows}")
    return float(rows[1][1])


class Witness:
    """Sample keys by which a run proves that it happened: written before it, read after it."""

    def __init__(self, server, case, keys):
        self.server, self.case, self.keys = server, case, keys
        self.samples = random.Random(keys).sample(range(keys), min(SAMPLES, keys))
        self.mark = b"0" if case.counters else b"\x01" * case.size
        self.processed = 0

    def before(self):
        self._expect_size()
        with self.server.connect() as connection:
            connection.pipeline(
                [("SET", key(index, self.case.prefix), self.mark) for index in self.samples]
            )
        self.processed = self._processed()

    def after(self, operations):
        processed = self._processed() - self.processed
        if processed < operations:
            raise self._lie(f"processed {processed} commands of {operations}")
        self._expect_size()
        with self.server.connect() as connection:
            values = connection.pipeline(
                [("GET", key(index, self.case.prefix)) for index in self.samples]
            )
        if not self.case.counters and any(len(v or b"") != self.case.size for v in values):
            raise self._lie(f"a value has not its {self.case.size} bytes")
        changed = sum(value != self.mark for value in values) / len(values)
        touched = operations * self.case.keys_per_operation / self.keys
        expected = 1 - math.exp(-touched) if self.case.writes else 0
        # Five standard deviations of the sample: a false alarm in a million runs.
        slack = 5 * math.sqrt(max(expected * (1 - expected), 0.01) / len(values))
        if abs(changed - expected) > slack:
            raise self._lie(f"{changed:.0%} of the samples changed, {expected:.0%} should have")

    def _processed(self):
        return int(self.server.info("stats").get("total_commands_processed", 0))

    def _expect_size(self):
        with self.server.connect() as connection:
            size = connection.command("DBSIZE")
        if size != self.keys:
            raise self._lie(f"holds {size} keys, not {self.keys}")

    def _lie(self, text):
        return BenchError(f"{self.case.name}: {self.server.name} {text}")


def settle(server, quiet_seconds=0.5, limit_seconds=20):
    """Waits until the server's memory stands still (it has freed what it frees in slices)."""
    deadline = time.monotonic() + limit_seconds
    last = server.resident_bytes()
    while time.monotonic() < deadline:
        time.sleep(quiet_seconds)
        now = server.resident_bytes()
        if abs(now - last) <= max(last, now) // 1_000:
            return now
        last = now
    return last
