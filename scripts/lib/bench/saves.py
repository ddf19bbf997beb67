# SPDX-License-Identifier: BSD-3-Clause
"""Saves under load: the pause at their start, what a probe client feels, memory while keys are
overwritten, time; the same with a sink of 5 MB/s, and with one huge hash."""

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time

import load
from cases import Result
from servers import BenchError, Server

KEYS = 5_000_000
VALUE = b"v" * 64
FIELDS_A_COMMAND = 500
PROBE_SECONDS = 0.0005
BEFORE_SECONDS = 8
SLOW_SECONDS = 20
SLOW_BYTES_A_SECOND = 5_000_000
SLOW_LIMIT_BYTES = 64 << 20
BLOCK_BYTES = 256 << 10  # what this server writes at once
SAVE_PATIENCE_SECONDS = 600
SHIM = os.path.join(os.path.dirname(__file__), *[os.pardir] * 3, "Tests", "BlackBox",
                    "failing_disk.c")


def _probe(port, mark, answer):
    """A client that asks for one key after the other: its waits in us, by what `mark` says."""
    from servers import Connection

    waits = {0: [], 1: []}
    with Connection(port, timeout=60) as connection:
        answer.send(None)
        while mark.value >= 0:
            during, started = mark.value, time.perf_counter()
            connection.command("GET", load.key(0))
            waits.setdefault(during, []).append((time.perf_counter() - started) * 1e6)
            time.sleep(PROBE_SECONDS)
    answer.send((waits[0], waits[1]))


class Probe:
    def __init__(self, server):
        self.mark = multiprocessing.Value("i", 0)
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(
            target=_probe, args=(server.port, self.mark, sender), daemon=True)
        self.process.start()
        self.receiver.recv()

    def end(self):
        """The waits before and during."""
        self.mark.value = -1
        waits = self.receiver.recv()
        self.process.join(5)
        return waits


def high(waits, share=0.999):
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * share))] if waits else 0.0


def set_load(server, pipeline, count, clients=10):
    """SETs of random keys, in a process that the caller ends or waits for."""
    return subprocess.Popen(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-q", "-c", str(clients),
         "-P", str(pipeline), "-r", str(KEYS), "-n", str(count), "-d", str(len(VALUE)), "-t", "set"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    process.terminate()
    process.wait()


def _await_save(server, sample=lambda: None):
    """Waits until no save runs; the seconds since the call."""
    started = time.monotonic()
    with server.connect() as connection:
        while True:
            text = connection.command("INFO", "persistence")
            if b"rdb_bgsave_in_progress:0" in text:
                if b"rdb_last_bgsave_status:ok" not in text:
                    raise BenchError(f"{server.name}: the save failed")
                return time.monotonic() - started
            sample()
            time.sleep(0.005)
            if time.monotonic() - started > SAVE_PATIENCE_SECONDS:
                raise BenchError(f"{server.name}: the save does not end")


def _save(server):
    with server.connect() as connection:
        connection.command("BGSAVE")


def _filled(server, keys):
    load.fill(server, load.set_commands(range(keys), VALUE), keys)
    load.settle(server)


def _under_load(plan, label, path, keys):
    """(pause us, p99.9 before, p99.9 during, growth %, seconds) of one server."""
    with Server(label, path) as server:
        plan.say(f"save: filling {label}")
        _filled(server, keys)
        plan.say(f"save: {label} under SET load")
        setter, probe = set_load(server, 1, 1_000_000_000), Probe(server)
        try:
            time.sleep(BEFORE_SECONDS)
            _save(server)
            probe.mark.value = 1
            seconds = _await_save(server)
            pause = float(server.info("persistence").get("snapshot_last_pause_usec")
                          or server.info("stats")["latest_fork_usec"])
            before, during = probe.end()
        finally:
            stop(setter)
        plan.say(f"save: {label} while a quarter of the keys is overwritten")
        load.settle(server)
        start, peak = server.resident_bytes(), [0]

        def sample():
            peak[0] = max(peak[0], server.resident_bytes())

        burst = set_load(server, 16, keys // 4, clients=20)
        _save(server)
        _await_save(server, sample)
        while burst.poll() is None:
            sample()
            time.sleep(0.01)
        copied = 0 if label == "ours" else int(server.info("persistence")["rdb_last_cow_size"])
        growth = 100 * (peak[0] + copied - start) / start
        return pause, high(before), high(during), growth, seconds


def under_load(plan):
    keys = KEYS * plan.keys // 1_000_000
    title = f"BGSAVE of {keys:,} keys under SET load: "
    pause = Result("save-pause", title + "pause at the start", "us", 1_000, absolute=True)
    probe = Result("save-probe", title + "a probe's p99.9, during over before", "x", 1.2,
                   absolute=True)
    memory = Result("save-memory", title + "resident memory, a quarter overwritten", "% up", 15,
                    absolute=True)
    wall = Result("save-time", title + "time", "s", 0.50)
    for side, (label, path) in enumerate(plan.binaries):
        for _ in range(min(plan.rounds, 3)):
            at_start, before, during, growth, seconds = _under_load(plan, label, path, keys)
            for result, value in ((pause, at_start), (probe, during / max(before, 1)),
                                  (memory, max(growth, 0.01)), (wall, seconds)):
                (result.ours, result.theirs)[side].append(value)
            probe.note += (f"{'; ' if probe.note else ''}{label}: p99.9 {before:.0f} us before, "
                           f"{during:.0f} us during")
    return [pause, probe, memory, wall]


def _slow_disk(home):
    """A library that makes each write of a dump take its time, and the file that says how long."""
    library, order = os.path.join(home, "disk.so"), os.path.join(home, "order")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    with open(order, "w", encoding="ascii") as file:
        file.write(f"slow {BLOCK_BYTES * 1_000_000 // SLOW_BYTES_A_SECOND}")
    return {"LD_PRELOAD": library, "FAILING_DISK": order}


def _behind_slow_disk(plan, label, path, keys):
    """(p99.9 before, p99.9 during, most bytes retained, how it ended) of one save."""
    plan.say("save-slow: filling")
    with Server(label, path) as server:
        _filled(server, keys)
        with server.connect() as connection:
            connection.command("CONFIG", "SET", "snapshot-retained-limit", SLOW_LIMIT_BYTES)
        setter, probe = set_load(server, 1, 1_000_000_000), Probe(server)
        try:
            time.sleep(BEFORE_SECONDS)
            _save(server)
            probe.mark.value = 1
            peak, deadline = 0, time.monotonic() + SLOW_SECONDS
            end = "still running when the look ended"
            while time.monotonic() < deadline:
                info = {**server.info("memory"), **server.info("persistence")}
                peak = max(peak, int(info["snapshot_retained_bytes"]))
                if info["rdb_bgsave_in_progress"] == "0":
                    # The path behind the last colon is one of this machine.
                    end = f"given up: {info.get('rdb_last_error', '').rpartition(': ')[0]}"
                    break
                time.sleep(0.05)
            before, during = probe.end()
        finally:
            stop(setter)
    return high(before), high(during), peak, end


def slow_sink(plan):
    """Ours alone: Redis writes in pieces of another size, which the same delay would slow more."""
    keys = KEYS * plan.keys // 1_000_000
    result = Result("save-slow", f"BGSAVE of {keys:,} keys to a disk of 5 MB/s: a probe's p99.9, "
                    "during over before", "x", 1.2, absolute=True)
    home = tempfile.mkdtemp(prefix="bench-")
    preload = _slow_disk(home)
    notes = []
    os.environ.update(preload)
    try:
        for _ in range(min(plan.rounds, 3)):
            before, during, peak, end = _behind_slow_disk(plan, *plan.binaries[0], keys)
            result.ours.append(during / max(before, 1))
            notes.append(f"p99.9 {before:.0f} us before, {during:.0f} us during, retained at most "
                         f"{peak >> 20} MiB, {end}")
    finally:
        for name in preload:
            os.environ.pop(name)
        shutil.rmtree(home, ignore_errors=True)
    result.theirs = list(result.ours)
    result.note = (f"the limit being {SLOW_LIMIT_BYTES >> 20} MiB: {'; '.join(notes)}; Redis is not "
                   "measured")
    return [result]


def huge_hash(plan):
    """The longest turn while one hash is written and saved; Redis forks and then writes at will."""
    fields = KEYS * plan.keys // 1_000_000
    result = Result("save-hash", f"longest turn: HSET on a hash of {fields:,} fields while it is "
                    "saved", "us", 2_000, absolute=True)
    for side, (label, path) in enumerate(plan.binaries):
        plan.say(f"save-hash: filling {label}")
        with Server(label, path) as server, server.connect() as connection:
            for first in range(0, fields, 20 * FIELDS_A_COMMAND):
                commands = [
                    ["HSET", "hash", *(word for field in range(at, at + FIELDS_A_COMMAND)
                                       for word in (b"field:%010d" % field, b"value"))]
                    for at in range(first, min(fields, first + 20 * FIELDS_A_COMMAND),
                                    FIELDS_A_COMMAND)]
                connection.pipeline(commands)
            load.settle(server)
            plan.say(f"save-hash: saving on {label}")
            connection.command("CONFIG", "RESETSTAT")
            _save(server)
            longest, number = 0.0, 0
            while b"rdb_bgsave_in_progress:1" in connection.command("INFO", "persistence"):
                for _ in range(50):
                    started = time.perf_counter()
                    connection.command(
                        "HSET", "hash", b"field:%010d" % (number * 7919 % fields), "changed")
                    longest = max(longest, time.perf_counter() - started)
                    number += 1
            reported = server.info("stats").get("eventloop_duration_max_usec")
            (result.ours, result.theirs)[side].append(
                float(reported) if reported else longest * 1e6)
            result.note += (f"{'; ' if result.note else ''}{label}: {number:,} HSETs, the slowest "
                            f"took {longest * 1e6:.0f} us")
    return [result]
