# SPDX-License-Identifier: BSD-3-Clause
"""The cases with their goals, and the measurement of those that redis-benchmark makes the load for.
Knows how to measure, not how to report."""

import dataclasses
import statistics
import time

import load

KEYS_OF_100_KB = 1_000  # a million of them would not fit into memory


@dataclasses.dataclass(frozen=True)
class Case:
    """A load and its goal. The keyspace is filled first, so that every GET hits and every SET
    overwrites; `load` are redis-benchmark's words for what it sends."""

    name: str
    title: str
    goal: float
    pipeline: int
    operations: int
    load: tuple
    size: int = 64
    writes: bool = True
    counters: bool = False
    keys_per_operation: int = 1
    keys: int = 0  # 0: as many as the run is told

    @property
    def prefix(self):
        return b"counter:" if self.counters else b"key:"

    @property
    def dataset(self):
        """Cases of one data set may follow each other without filling the servers again."""
        return (self.prefix, self.size, self.keys)


@dataclasses.dataclass
class Result:
    """What was measured, round by round. `goal` is a limit of the ratio ours over Redis, or, if
    `absolute`, of our median itself. `seconds` is the least CPU time that a figure rests on."""

    name: str
    title: str
    unit: str
    goal: float
    ours: list = dataclasses.field(default_factory=list)
    theirs: list = dataclasses.field(default_factory=list)
    our_rates: list = dataclasses.field(default_factory=list)
    their_rates: list = dataclasses.field(default_factory=list)
    absolute: bool = False
    note: str = ""
    seconds: float = 0.0

    @property
    def ratio(self):
        return statistics.median(self.ours) / max(statistics.median(self.theirs), 1e-9)

    @property
    def noise(self):
        """The least and the greatest ratio that one round alone would have shown."""
        ratios = [a / max(b, 1e-9) for a, b in zip(self.ours, self.theirs)]
        return min(ratios), max(ratios)

    @property
    def reached(self):
        return (statistics.median(self.ours) if self.absolute else self.ratio) <= self.goal


_TEN_KEYS = ("key:__rand_int__",) * 10

CASES = (
    Case("set-p100", "SET, pipeline 100", 0.25, 100, 4_000_000, ("-t", "set")),
    Case("get-p100", "GET, pipeline 100", 0.25, 100, 4_000_000, ("-t", "get"), writes=False),
    Case("set-p16", "SET, pipeline 16", 0.45, 16, 2_000_000, ("-t", "set")),
    Case("get-p16", "GET, pipeline 16", 0.45, 16, 2_000_000, ("-t", "get"), writes=False),
    Case("set-p1", "SET, pipeline 1", 0.95, 1, 300_000, ("-t", "set")),
    Case("get-p1", "GET, pipeline 1", 0.95, 1, 300_000, ("-t", "get"), writes=False),
    Case("mset-p16", "MSET of 10 keys, pipeline 16", 0.50, 16, 500_000, ("-t", "mset"),
         keys_per_operation=10),
    Case("mget-p16", "MGET of 10 keys, pipeline 16", 0.50, 16, 500_000, ("mget", *_TEN_KEYS),
         writes=False, keys_per_operation=10),
    Case("incr-p16", "INCR, pipeline 16", 0.50, 16, 2_000_000, ("-t", "incr"), counters=True),
    Case("set-1k-p100", "SET of 1 KiB, pipeline 100", 0.30, 100, 2_000_000, ("-t", "set"),
         size=1_024),
    Case("get-100k-p1", "GET of 100 KB, pipeline 1", 0.90, 1, 100_000, ("-t", "get"),
         size=100_000, writes=False, keys=KEYS_OF_100_KB),
)


def prepare(server, case, keys):
    """Fills an emptied server with the case's keys."""
    with server.connect() as connection:
        connection.command("FLUSHALL")
    value = b"0" if case.counters else b"p" * case.size
    load.fill(server, load.set_commands(range(keys), value, case.prefix), keys)
    load.settle(server)


def measure_once(server, case, operations, keys):
    """One run: (CPU microseconds per operation, operations a second, CPU seconds in all)."""
    witness = load.Witness(server, case, keys)
    witness.before()
    before = server.cpu_nanoseconds()
    rate = load.benchmark(server, case, operations, keys)
    spent = server.cpu_nanoseconds() - before
    witness.after(operations)
    time.sleep(0.1)  # connections close, the next run starts from rest
    return spent / 1_000 / operations, rate, spent / 1e9


def measure(case, servers, plan, previous):
    """All rounds of a case on both servers in turn; `previous` is the case measured before."""
    ours, theirs = servers
    keys = case.keys or plan.keys
    operations = max(case.operations // plan.divisor, 1)
    if previous is None or previous.dataset != case.dataset:
        for server in servers:
            plan.say(f"{case.name}: filling {server.name}")
            prepare(server, case, keys)
    result = Result(case.name, case.title, "us CPU/op", case.goal, seconds=float("inf"))
    for number in range(plan.rounds):
        plan.say(f"{case.name}: round {number + 1} of {plan.rounds}")
        for server, values, rates in (
            (ours, result.ours, result.our_rates),
            (theirs, result.theirs, result.their_rates),
        ):
            cost, rate, seconds = measure_once(server, case, operations, keys)
            values.append(cost)
            rates.append(rate)
            result.seconds = min(result.seconds, seconds)
    if result.seconds < 1:
        result.note = f"rests on {result.seconds:.2f} s of CPU a run"
    return result
