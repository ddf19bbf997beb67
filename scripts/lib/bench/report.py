# SPDX-License-Identifier: BSD-3-Clause
"""Results as a table for a terminal and as docs/performance.md. Measures nothing."""

import datetime
import os
import platform
import statistics
import subprocess


def number(value):
    """Three significant digits, whatever the size."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(result):
    """One line of the table, as text: the same for the terminal and for the document."""
    ours, theirs = statistics.median(result.ours), statistics.median(result.theirs)
    low, high = result.noise
    rates = [
        f"{statistics.median(rates) / 1_000:,.0f}k" if rates else ""
        for rates in (result.our_rates, result.their_rates)
    ]
    goal = f"{number(result.goal)} {result.unit}" if result.absolute else f"{result.goal:.2f}"
    spread = f"{low:.2f}-{high:.2f}" if len(result.ours) > 1 else ""
    verdict = "reached" if result.reached else "falls short"
    return [result.title, result.unit, number(ours), number(theirs), f"{result.ratio:.2f}", spread,
            goal, verdict, *rates]


HEADINGS = ["case", "unit", "ours", "Redis", "ratio", "min-max", "goal", "verdict",
            "ours op/s", "Redis op/s"]


def text_table(results):
    rows = [HEADINGS] + [cells(result) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines + [f"{result.name}: {result.note}" for result in results if result.note])


def markdown_table(results):
    lines = ["| " + " | ".join(HEADINGS) + " |", "| --- | --- |" + " --: |" * (len(HEADINGS) - 2)]
    for result in results:
        row = cells(result)
        row[7] = row[7] if result.reached else f"**{row[7]}**"
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def machine():
    """The machine, in a line: what a reader must know to compare."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        memory = int(meminfo.readline().split()[1]) / (1 << 20)
    with open("/etc/os-release", encoding="utf-8") as release:
        names = dict(line.rstrip().split("=", 1) for line in release if "=" in line)
    system = names.get("PRETTY_NAME", "Linux").strip('"')
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}, "
            f"kernel {platform.release().split('-')[0]}")


def commit(root):
    run = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"],
                         capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


VALUES = """Both servers run side by side on loopback with `--save ""`. One collection is filled alike
on both, in an order that is no order, with elements of 16 bytes; then the command runs on both in
turn, {rounds} rounds, by `redis-benchmark` with 50 clients and random elements of those that
the size names. Where a command takes elements out, the collection is filled anew before each run.
After each run the number of commands that the server processed, and of errors, is checked. Memory
is the growth of the resident set of a fresh server."""
HUGE = """Both servers run side by side on loopback with `--save ""`, filled alike with elements of 16
bytes in an order that is no order. Each command runs {rounds} times on both in turn, one client, its
whole reply read and counted; what it stored is deleted after it, unmeasured."""
SAVES = """One server at a time on loopback, filled with keys of 16 bytes and values of 64. Ten clients of
`redis-benchmark` write random keys without pauses; a probe client asks for one key every half
millisecond, eight seconds before the save and as long as it runs. The pause at the start is what
the server reports (`snapshot_last_pause_usec`; Redis: `latest_fork_usec`). Memory is the resident
set, looked at every five milliseconds, of Redis with what its child copied (`rdb_last_cow_size`).
The disk of 5 MB/s is a library that is preloaded and lets each write of a dump take its time."""
LOADS = """Dumps that Redis wrote, loaded by each server at its start, in turn; the time is what the
server says it took (`DB loaded from disk`)."""
APPEND_ONLY = """Both servers with `--appendonly yes --appendfsync everysec` on the same disk, in turn,
{rounds} rounds."""
PAIRS = """A master and a replica of the same kind, one kind at a time, on loopback with diskless
resynchronisation. CPU is the master's. WAIT is asked by one client, after each SET of a small value.
The full resync runs while ten clients of `redis-benchmark` write random keys without pauses; memory
is the resident set, looked at every five milliseconds, of Redis with what its child copied."""
STREAMED = """Both servers run side by side on loopback with `--save ""`; each case fills both with
{keys:,} keys (16-byte keys, 64-byte values unless it says otherwise), so that reads hit and
writes overwrite, then runs on both in turn, {rounds} rounds (memory at most 3, delays 1), by
`redis-benchmark` with 50 clients and random keys. After each run the number of commands that the
server processed, its number of keys and 200 sample values are checked. GET of 100 KB uses a
thousand keys. Memory is the growth of the resident set of a fresh server."""
# How the cases were measured whose names begin so; all others are streamed.
HOW = {
    ("values-",): VALUES,
    ("huge-",): HUGE,
    ("save-",): SAVES,
    ("load-",): LOADS,
    ("appendonly-",): APPEND_ONLY,
    ("replica-", "wait", "set-and-wait", "resync-", "slow-replica"): PAIRS,
}


def how(results, plan):
    """How it was measured, in a paragraph for each kind of case."""
    texts = []
    for result in results:
        text = next((text for prefixes, text in HOW.items() if result.name.startswith(prefixes)),
                    STREAMED)
        text = text.format(rounds=plan.rounds, keys=plan.keys)
        if text not in texts:
            texts.append(text)
    return "\n\n".join(f"How: {text}" for text in texts)


def markdown(results, facts):
    """The document; `facts` has command, plan, versions, commit, load, plot (a file name)."""
    reached = sum(result.reached for result in results)
    notes = [f"- {result.title}: {result.note}." for result in results if result.note]
    plan = facts["plan"]
    return f"""# Performance

Server CPU per operation, memory and delays of this server beside Debian's Redis, measured by

    {facts["command"]}

{reached} of {len(results)} goals are reached. This file and its plot are written by that command.

![Our cost over Redis's, case by case]({facts["plot"]})

{markdown_table(results)}

*us CPU/op*: user and system time of the server process, over the operations, in microseconds;
*ratio*: the median of ours over the median of Redis's, lower is better; *min-max*: the least and
the greatest ratio that one round alone would have shown; *op/s*: the throughput that
redis-benchmark saw, which on few cores is often its own limit rather than the server's.

{chr(10).join(notes) or "- No remarks."}

{how(results, plan)}

- Machine: {machine()}; load average before the run {facts["load"]}.
- Ours: {facts["versions"][0]}, commit {facts["commit"]}.
- Redis: {facts["versions"][1]}.
- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC.
"""
