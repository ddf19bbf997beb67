# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of a master and a replica of the same kind: what a replica costs its master, WAIT, a full
resync under load, and a replica that reads slowly."""

import dataclasses
import os
import socket
import statistics
import threading
import time

import cases
import load
import saves
from cases import Case, Result
from servers import BenchError, Server, encode

CASE = Case("replica-p16", "SET, pipeline 16, with one replica", 0.50, 16, 2_000_000,
            ("-t", "set"))
ALONE_GOAL = 1.25
WAITS = 5_000
RESYNC_KEYS = 5_000_000
RESYNC_PATIENCE_SECONDS = 300
OPTIONS = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0",
           "--repl-backlog-size", "64mb")
SLOW_KEYS = 500_000
SLOW_VALUE_BYTES = 16 << 10
SLOW_SECONDS = 20
SLOW_BYTES_A_SECOND = 1_000_000
SLOW_WRITES_A_SECOND = 50_000_000
SLOW_LIMIT_BYTES = 256 << 20


def _await(server, field, value, seconds=RESYNC_PATIENCE_SECONDS, sample=lambda: None):
    """Waits until INFO replication says so; the seconds since the call."""
    started = time.monotonic()
    while server.info("replication").get(field) != value:
        sample()
        if time.monotonic() - started > seconds:
            raise BenchError(f"{server.name}: {field} does not become {value}")
        time.sleep(0.005)
    return time.monotonic() - started


def _follow(replica, master):
    with replica.connect() as connection:
        connection.command("REPLICAOF", "127.0.0.1", master.port)


def _await_equal(master, replica, seconds=60):
    """Waits until the replica has executed what its master has written."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        offset = master.info("replication")["master_repl_offset"]
        if replica.info("replication").get("slave_repl_offset") == offset:
            return
        time.sleep(0.02)
    raise BenchError(f"{master.name}: the replica does not catch up")


def cost(plan):
    """CPU of the master alone, of a SET with a replica, beside without one and beside Redis's."""
    ratio = Result(CASE.name, CASE.title, "us CPU/op", CASE.goal, seconds=float("inf"))
    alone = Result("replica-extra", f"{CASE.title}: over the same without one", "x", ALONE_GOAL,
                   absolute=True)
    operations = max(CASE.operations // plan.divisor, 1)
    for side, (label, path) in enumerate(plan.binaries):
        values = (ratio.ours, ratio.theirs)[side]
        rates = (ratio.our_rates, ratio.their_rates)[side]
        with Server(label, path, OPTIONS) as master, Server(label, path, OPTIONS) as replica:
            plan.say(f"{CASE.name}: filling {label}")
            cases.prepare(master, CASE, plan.keys)
            costs = {False: [], True: []}
            for number in range(plan.rounds):
                plan.say(f"{CASE.name}: {label}, round {number + 1} of {plan.rounds}")
                for is_followed in (False, True):
                    if is_followed:
                        _follow(replica, master)
                        _await(replica, "master_link_status", "up")
                    spent, rate, seconds = cases.measure_once(master, CASE, operations, plan.keys)
                    costs[is_followed].append(spent)
                    if is_followed:
                        _await_equal(master, replica)
                        values.append(spent)
                        rates.append(rate)
                        ratio.seconds = min(ratio.seconds, seconds)
                        with replica.connect() as connection:
                            connection.command("REPLICAOF", "NO", "ONE")
            (alone.ours, alone.theirs)[side].extend(
                with_one / without for without, with_one in zip(costs[False], costs[True]))
    return [ratio, alone]


def waits(plan):
    """The median of WAIT 1 behind a SET, alone and with its SET, in turns on both pairs."""
    result = Result("wait", "WAIT 1 after a SET, median round trip", "us", 1.0)
    both = Result("set-and-wait", "SET, then WAIT 1, both round trips, median", "us", 1.0)
    for side, (label, path) in enumerate(plan.binaries):
        with Server(label, path, OPTIONS) as master, Server(label, path, OPTIONS) as replica:
            _follow(replica, master)
            _await(replica, "master_link_status", "up")
            _await(master, "connected_slaves", "1")
            with master.connect() as connection:
                for _ in range(plan.rounds):
                    spent, spent_on_both = [], []
                    for number in range(max(WAITS // plan.divisor, 100)):
                        before = time.perf_counter()
                        connection.command("SET", load.key(number % 100), number)
                        started = time.perf_counter()
                        if connection.command("WAIT", 1, 5000) != 1:
                            raise BenchError(f"{label}: WAIT 1 was not fulfilled")
                        ended = time.perf_counter()
                        spent.append((ended - started) * 1e6)
                        spent_on_both.append((ended - before) * 1e6)
                    (result.ours, result.theirs)[side].append(statistics.median(spent))
                    (both.ours, both.theirs)[side].append(statistics.median(spent_on_both))
    return [result, both]


def _resync(plan, label, path, keys, goes_first=False):
    """(seconds, longest turn in us or None, growth in %) of one full resync under SET load.

    A master that goes first has a priority that no other process here has: its turns are then as
    long as their work, and not as what the other processes take of two cores in the middle.
    """
    with Server(label, path, OPTIONS) as master, Server(label, path, OPTIONS) as replica:
        plan.say(f"resync: filling {label}")
        load.fill(master, load.set_commands(range(keys), saves.VALUE), keys)
        load.settle(master)
        plan.say(f"resync: {label} under SET load")
        if goes_first:
            os.sched_setscheduler(master.process.pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK,
                                  os.sched_param(1))
        setter = saves.set_load(master, 1, 1_000_000_000)
        start, peak = master.resident_bytes(), [0]

        def sample():
            peak[0] = max(peak[0], master.resident_bytes())

        try:
            time.sleep(2)
            with master.connect() as connection:
                connection.command("CONFIG", "RESETSTAT")
            _follow(replica, master)
            seconds = _await(replica, "master_link_status", "up", sample=sample)
            turn = master.info("stats").get("eventloop_duration_max_usec")
        finally:
            saves.stop(setter)
        _await_equal(master, replica)
        counts = []
        for server in (master, replica):
            with server.connect() as connection:
                counts.append(connection.command("DBSIZE"))
        if counts[0] != counts[1]:
            raise BenchError(f"{label}: the replica has {counts[1]} keys of {counts[0]}")
        copied = 0 if label == "ours" else int(master.info("persistence")["rdb_last_cow_size"])
        return seconds, turn and float(turn), 100 * (peak[0] + copied - start) / start


def resync(plan):
    keys = RESYNC_KEYS * plan.keys // 1_000_000
    title = f"full resync of {keys:,} keys under SET load: "
    wall = Result("resync-time", title + "time", "s", 0.50)
    turn = Result("resync-turn", title + "longest turn of the master", "us", 2_000, absolute=True)
    memory = Result("resync-memory", title + "the master's resident memory", "% up", 15,
                    absolute=True)
    shared = []
    for side, (label, path) in enumerate(plan.binaries):
        for _ in range(min(plan.rounds, 3)):
            seconds, longest, growth = _resync(plan, label, path, keys)
            for result, value in ((wall, seconds), (memory, max(growth, 0.01))):
                (result.ours, result.theirs)[side].append(value)
            if side == 0:
                shared.append(longest)
                turn.ours.append(_resync(plan, label, path, keys, goes_first=True)[1])
    turn.theirs = list(turn.ours)
    turn.note = ("of a master at real-time priority; at everybody's, two cores being shared by five "
                 f"busy threads, {' and '.join(f'{value:,.0f}' for value in shared)} us. Redis does "
                 "not say.")
    return [wall, turn, memory]


@dataclasses.dataclass
class _SlowReplica:
    """Reads so many bytes a second of a full resync and of what follows it."""

    master: Server
    received: int = 0
    is_gone: bool = False
    is_ending: bool = False

    def begin(self):
        self.socket = socket.create_connection(("127.0.0.1", self.master.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.socket.sendall(encode("REPLCONF", "capa", "eof", "capa", "psync2")
                            + encode("PSYNC", "?", "-1"))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        piece = SLOW_BYTES_A_SECOND // 50
        while not self.is_ending:
            data = self.socket.recv(piece)
            if not data:
                self.is_gone = True
                return
            self.received += len(data)
            time.sleep(len(data) / SLOW_BYTES_A_SECOND)

    def end(self):
        self.is_ending = True
        self.socket.close()
        self.thread.join(5)


def _writes(server, seconds, each):
    """SETs of 16 KiB at a steady pace; what each took, in us."""
    spent, value = [], b"v" * SLOW_VALUE_BYTES
    gap = SLOW_VALUE_BYTES / SLOW_WRITES_A_SECOND
    with server.connect() as connection:
        started = time.perf_counter()
        while (now := time.perf_counter()) - started < seconds:
            connection.command("SET", load.key(len(spent) % 2_000), value)
            spent.append((time.perf_counter() - now) * 1e6)
            if len(spent) % 100 == 0:
                each()
            ahead = started + len(spent) * gap - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
    return spent


def slow(plan):
    """A writer's p99 beside a replica that reads 1 MB/s, over the same without it."""
    title = "a replica that reads 1 MB/s behind writes of 50 MB/s: "
    delay = Result("slow-replica", title + "a writer's p99 over the same alone", "x", 1.5,
                   absolute=True)
    memory = Result("slow-replica-memory", title + "resident memory above the data", "MiB",
                    2 * SLOW_LIMIT_BYTES >> 20, absolute=True)
    keys = SLOW_KEYS * plan.keys // 1_000_000
    limits = ("--repl-backlog-max-size", str(SLOW_LIMIT_BYTES))
    for side, (label, path) in enumerate(plan.binaries):
        plan.say(f"slow-replica: {label}")
        with Server(label, path, OPTIONS + (limits if side == 0 else ())) as master:
            load.fill(master, load.set_commands(range(keys), saves.VALUE), keys)
            alone = saves.high(_writes(master, SLOW_SECONDS / 4, lambda: None), 0.99)
            load.settle(master)
            start, peak = master.resident_bytes(), [0]

            def sample():
                peak[0] = max(peak[0], master.resident_bytes())

            replica = _SlowReplica(master)
            replica.begin()
            try:
                beside = saves.high(_writes(master, SLOW_SECONDS, sample), 0.99)
                text = "was dropped" if replica.is_gone else "was still being served"
            finally:
                replica.end()
            (delay.ours, delay.theirs)[side].append(beside / alone)
            (memory.ours, memory.theirs)[side].append(max(peak[0] - start, 1) / (1 << 20))
            delay.note += (f"{'; ' if delay.note else ''}{label}: p99 {alone:.0f} us alone, "
                           f"{beside:.0f} us beside; the replica {text} after "
                           f"{SLOW_SECONDS} s and {replica.received >> 20} MiB")
    return [delay, memory]
