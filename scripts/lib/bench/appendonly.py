# SPDX-License-Identifier: BSD-3-Clause
"""SET with the append-only file on, synced every second by a thread."""

import time

import cases
from cases import Case, Result
from servers import BenchError, Server

REWRITE_PATIENCE_SECONDS = 120
CASE = Case("appendonly-p16", "SET, pipeline 16, appendonly yes, everysec", 0.60, 16, 2_000_000,
            ("-t", "set"))


def _turn_on(server):
    """Turns the file on and waits for its base; it is not rewritten during the runs."""
    with server.connect() as connection:
        for pair in (("auto-aof-rewrite-percentage", "0"), ("appendfsync", "everysec"),
                     ("appendonly", "yes")):
            connection.command("CONFIG", "SET", *pair)
    deadline = time.monotonic() + REWRITE_PATIENCE_SECONDS
    while True:
        fields = server.info("persistence")
        if fields["aof_rewrite_in_progress"] == "0" and fields["aof_rewrite_scheduled"] == "0":
            break
        if time.monotonic() > deadline:
            raise BenchError(f"{server.name} does not finish its first base")
        time.sleep(0.1)
    if fields["aof_enabled"] != "1" or fields["aof_last_bgrewrite_status"] != "ok":
        raise BenchError(f"{server.name} has no append-only file")


def _size(server):
    return int(server.info("persistence")["aof_current_size"])


def sets(plan):
    result = Result(CASE.name, CASE.title, "us CPU/op", CASE.goal, seconds=float("inf"))
    operations = max(CASE.operations // plan.divisor, 1)
    (our_name, our_path), (their_name, their_path) = plan.binaries
    with Server(our_name, our_path) as ours, Server(their_name, their_path) as theirs:
        for server in (ours, theirs):
            plan.say(f"{CASE.name}: filling {server.name}")
            cases.prepare(server, CASE, plan.keys)
            _turn_on(server)
        for number in range(plan.rounds):
            plan.say(f"{CASE.name}: round {number + 1} of {plan.rounds}")
            for server, values, rates in (
                (ours, result.ours, result.our_rates),
                (theirs, result.theirs, result.their_rates),
            ):
                before = _size(server)
                cost, rate, seconds = cases.measure_once(server, CASE, operations, plan.keys)
                if _size(server) - before < operations * CASE.size:
                    raise BenchError(f"{server.name} did not append what was set")
                values.append(cost)
                rates.append(rate)
                result.seconds = min(result.seconds, seconds)
    return [result]
