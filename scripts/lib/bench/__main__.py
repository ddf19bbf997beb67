# SPDX-License-Identifier: BSD-3-Clause
"""This server beside Debian's Redis: server CPU per operation, throughput, memory, delays."""

import argparse
import dataclasses
import fnmatch
import os
import shlex
import shutil
import signal
import sys

import appendonly
import cases
import huge
import loading
import plot
import replication
import report
import saves
import special
import values
from servers import BenchError, Server

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
QUICK_DIVISOR = 20
SPECIAL = {
    "appendonly-p16": appendonly.sets,
    "memory": lambda plan: [special.memory(plan, expiring=False)],
    "memory-expiry": lambda plan: [special.memory(plan, expiring=True)],
    "scan": lambda plan: [special.scan(plan)],
    "expiry-lag": lambda plan: [special.expiry_lag(plan)],
    "turns": special.longest_turns,
    "values": values.costs,
    "values-memory": values.memory,
    "load-strings": loading.strings,
    "load-mixed": loading.mixed,
    "huge": huge.costs,
    "replica": replication.cost,
    "wait": replication.waits,
    "resync": replication.resync,
    "slow-replica": replication.slow,
    "save": saves.under_load,
    "save-slow": saves.slow_sink,
    "save-hash": saves.huge_hash,
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What this run was asked to do."""

    rounds: int
    keys: int
    divisor: int
    binaries: tuple

    @staticmethod
    def say(text):
        print(f"-- {text}", file=sys.stderr, flush=True)


def parse_arguments():
    names = ", ".join([case.name for case in cases.CASES] + list(SPECIAL))
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, epilog=f"Cases: {names}."
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each case (5)")
    parser.add_argument("--cases", metavar="GLOB[,GLOB...]", default="*",
                        help="only the cases whose names match, as in '*-p100,save*'")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the keys, a twentieth of the operations, one round: "
                        "shows that it works, not how fast it is")
    parser.add_argument("--big", action="store_true",
                        help="also the longest turns with ten million keys, and commands on huge "
                        "collections (some minutes, 3 GB)")
    parser.add_argument("--server", metavar="PATH", help="our program (the release, built first)")
    parser.add_argument("--oracle", metavar="PATH", help="Redis (redis-server in PATH)")
    parser.add_argument("--write", action="store_true",
                        help="write the table and its plot to the output file")
    parser.add_argument("--output", metavar="PATH",
                        help="where to (docs/performance.md, .svg beside it); implies --write")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.write = options.write or options.output is not None
    if options.write and options.quick:
        parser.error("quick figures are not worth writing down: --quick and --write exclude "
                     "each other")
    return options


def program(path, fallback, what):
    found = shutil.which(path or fallback)
    if found is None:
        sys.exit(f"bench: no {what} at {path or fallback}")
    return os.path.abspath(found)


def run(plan, names, both_sides):
    """Measures the named cases in order, and yields each result as it is ready."""
    streamed = [case for case in cases.CASES if case.name in names]
    if streamed:
        with Server(*both_sides[0]) as ours, Server(*both_sides[1]) as theirs:
            previous = None
            for case in streamed:
                yield cases.measure(case, (ours, theirs), plan, previous)
                previous = case
    for name, measure in SPECIAL.items():
        if name in names:
            yield from measure(plan)


def write(results, plan, options, load_before):
    path = os.path.abspath(options.output or os.path.join(ROOT, "docs", "performance.md"))
    picture = os.path.splitext(path)[0] + ".svg"
    words = [os.path.relpath(word, ROOT) if word.startswith(ROOT + os.sep) else word
             for word in sys.argv[1:]]
    facts = {
        "command": shlex.join(["scripts/bench", *words]), "plan": plan, "load": load_before,
        "commit": report.commit(ROOT), "plot": os.path.basename(picture),
        "versions": [Server(*binary).version() for binary in plan.binaries],
    }
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for name, text in ((path, report.markdown(results, facts)), (picture, plot.svg(results))):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        plan.say(f"wrote {name}")


def end_by_signal(number, _):
    # Raised where the program is, so that every `with` ends its server on the way out.
    sys.exit(128 + number)


def main():
    options = parse_arguments()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end_by_signal)
    names = [name for name in [case.name for case in cases.CASES] + list(SPECIAL)
             if any(fnmatch.fnmatchcase(name, glob) for glob in options.cases.split(","))]
    if not options.big:
        names = [name for name in names if name not in ("turns", "huge")]
    if not names:
        sys.exit(f"bench: no case is named '{options.cases}' (turns and huge need --big)")
    binaries = (
        ("ours", program(options.server, os.path.join(ROOT, ".build/release/redis"), "server")),
        ("Redis", program(options.oracle, "redis-server", "oracle")),
    )
    plan = (Plan(1, 100_000, QUICK_DIVISOR, binaries) if options.quick
            else Plan(options.rounds, 1_000_000, 1, binaries))
    load_before = "%.2f" % os.getloadavg()[0]
    results = []
    try:
        for result in run(plan, names, binaries):
            results.append(result)
            plan.say(f"{result.name}: {result.ratio:.2f} of Redis's")
    except (BenchError, OSError) as error:
        if results:
            print(report.text_table(results))
        sys.exit(f"bench: {error}")
    print(report.text_table(results))
    if options.write:
        write(results, plan, options, load_before)


if __name__ == "__main__":
    main()
