# SPDX-License-Identifier: BSD-3-Clause
"""Runs Redis's own test suite against this server, unit by unit, and keeps the table of results.

    external mode   the suite talks to a server that was started here, a fresh one for each unit
    own mode        the suite starts src/redis-server itself, which is this server, as it needs it

A unit is one process of tclsh with a time limit. What it prints becomes a Result: the tests that
passed and those that failed, each with its message. Why a test fails is said by the list of reasons
(peer-suite/reasons.txt), or by the message itself if it names a command that does not exist.

docs/compatibility.md is table and memory in one: with --write the rows of the units that ran take
the place of the old ones, the others stay. The totals are the tests that pass on Redis 7.0.15 with
the same switches (peer-suite/ceiling.txt, written by --ceiling).

Only processes that were started here are ended.
"""

import argparse
import fcntl
import fnmatch
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / ".build-peer-suite" / "redis-7.0.15"
DATA = Path(__file__).resolve().parent / "peer-suite"
DOCUMENT = ROOT / "docs" / "compatibility.md"
MODES = ("external", "own")
START_SECONDS = 20
SERVER_OPTIONS = [
    "--enable-protected-configs", "yes", "--enable-debug-command", "yes",
    "--enable-module-command", "yes", "--bind", "127.0.0.1",
]

# ----------------------------------------------------------------------------------------- results


@dataclass
class Failure:
    name: str
    message: str


@dataclass
class Result:
    """What one unit did in one mode."""

    unit: str
    mode: str
    passed: int = 0
    failures: list = field(default_factory=list)
    # What ended the unit before its last test, or nothing.
    ended_by: str = ""


MARK = re.compile(r"\[(ok|err|exception|skip|ignore|timeout|ready|testing|done|\d+/\d+ done)\]:? ?")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def parse(unit, mode, text):
    """The result that the suite's output tells."""
    result = Result(unit, mode)
    blocks, kind = [], None
    for line in COLOUR.sub("", text).splitlines():
        mark = MARK.match(line)
        if mark:
            kind = mark.group(1)
            blocks.append((kind, [line[mark.end():]]))
        elif kind:
            blocks[-1][1].append(line)
    for kind, lines in blocks:
        if kind == "ok":
            result.passed += 1
        elif kind == "err":
            name = re.sub(r" in tests/\S+\.tcl$", "", lines[0])
            result.failures.append(Failure(name, "\n".join(lines[1:])))
        elif kind == "skip" and ": " not in lines[0]:
            result.failures.append(Failure(lines[0], "not run"))
        elif kind == "exception":
            result.ended_by = "\n".join(lines)
        elif kind == "timeout":
            result.ended_by = "a test took longer than the suite allows"
    return result


# ----------------------------------------------------------------------------------------- reasons

SWITCH = re.compile(r"(\S+)\s+(--\S+)")
REASON = re.compile(r"(\S+)\s+(!?)/(.*)/\s+(\S.*)")
UNKNOWN_COMMAND = re.compile(r"unknown command '([^']+)'")
UNKNOWN_SUBCOMMAND = re.compile(r"[Uu]nknown subcommand(?: or wrong number of arguments for)? '([^']+)'")
UNEXPLAINED = "**not explained yet**"


class Reasons:
    """Why tests fail: lines of `unit-pattern /expression/ reason`, the first that fits wins.

    With `!` before the expression the suite is told not to run the test at all. A line of
    `unit-pattern --switch` gives the suite that switch for those units.
    """

    def __init__(self, text):
        self.lines, self.switches = [], []
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            switch = SWITCH.fullmatch(line.strip())
            if switch:
                self.switches.append(switch.groups())
                continue
            parts = REASON.fullmatch(line.strip())
            if not parts:
                raise SystemExit(f"no reason: {line}")
            self.lines.append((parts[1], parts[2], re.compile(parts[3], re.DOTALL), parts[4]))

    def of(self, unit, name, message):
        for pattern, _, expression, reason in self.lines:
            if fnmatch.fnmatch(unit, pattern) and expression.search(f"{name}\n{message}"):
                return reason
        return self._of_message(message)

    def switches_of(self, unit):
        return [switch for pattern, switch in self.switches if fnmatch.fnmatch(unit, pattern)]

    def skipped(self, unit):
        """The expressions of tests of this unit that are not to be run."""
        return [expression.pattern for pattern, mark, expression, _ in self.lines
                if mark and fnmatch.fnmatch(unit, pattern)]

    @staticmethod
    def _of_message(message):
        unknown = UNKNOWN_COMMAND.search(message)
        if unknown:
            return f"{unknown[1].upper()} is not there yet"
        unknown = UNKNOWN_SUBCOMMAND.search(message)
        if unknown:
            return f"there is no subcommand {unknown[1].upper()} yet"
        return UNEXPLAINED


# ---------------------------------------------------------------------------------------- document

PREFACE = """\
# Compatibility

What Redis's own test suite (7.0.15, from Debian's source package; `--tags -slow`) says about this
server. This file is written by

    scripts/peer-suite --write                        all units of the table
    scripts/peer-suite --units unit/scan --write      these rows, the others stay

*external*: the suite talks to one running server; *own*: it starts and stops servers itself, as
`src/redis-server`. *total*: the tests that pass on Redis 7.0.15 in the same mode on the same
machine. Under the table: every test that fails, and why. The units unit/type/list, unit/type/set,
unit/sort, unit/keyspace and unit/scan run with `--ignore-encoding`: they expect the names that 7.0
has for small lists and sets, and 7.2 has others.

"""
HEAD = "| unit | mode | passed / total | not passed, and why |\n| --- | --- | --: | --- |\n"
ROW = re.compile(r"\| (\S+) \| (\S+) \|")
SECTION = re.compile(r"^### (\S+), (\S+)\n", re.MULTILINE)


class Document:
    """docs/compatibility.md: rows and sections by unit and mode."""

    def __init__(self, text=""):
        self.rows, self.sections = {}, {}
        table, *rest = text.split("\n## ", 1)
        for line in table.splitlines():
            row = ROW.match(line)
            if row and row[2] in MODES:
                self.rows[row[1], row[2]] = line
        parts = SECTION.split(rest[0]) if rest else []
        for unit, mode, body in zip(parts[1::3], parts[2::3], parts[3::3]):
            self.sections[unit, mode] = body.strip("\n")

    def put(self, result, total, reasons):
        """Takes over a result; returns the failures that nothing explains."""
        key = (result.unit, result.mode)
        total = max(total, result.passed + len(result.failures))
        groups = {}
        for failure in result.failures:
            reason = reasons.of(result.unit, failure.name, failure.message)
            groups.setdefault(reason, []).append(failure)
        lost = total - result.passed - len(result.failures)
        counts = {reason: len(found) for reason, found in groups.items()}
        if lost:
            cause = result.ended_by and reasons.of(result.unit, "", result.ended_by)
            reason = f"not reached: {cause}" if cause else "not run by the suite here"
            counts[reason] = lost
        order = sorted(counts.items(), key=lambda item: -item[1])
        cell = "; ".join(f"{reason} ({count})" for reason, count in order)
        self.sections.pop(key, None)
        if total == 0:  # nothing of the unit is meant for this mode
            self.rows.pop(key, None)
            return []
        self.rows[key] = f"| {key[0]} | {key[1]} | {result.passed} / {total} | {cell} |"
        if groups:
            self.sections[key] = "\n".join(
                f"- {reason}:\n" + "\n".join(f"  - {escaped(f.name)}" for f in found)
                for reason, found in groups.items())
        unexplained = list(groups.get(UNEXPLAINED, []))
        if lost and result.ended_by and UNEXPLAINED in next(iter(counts), "") :
            unexplained.append(Failure("(end of the unit)", result.ended_by))
        return unexplained

    def text(self, order):
        """The document, its rows in this order of units."""
        place = {unit: number for number, unit in enumerate(order)}
        keys = sorted(self.rows, key=lambda key: (place.get(key[0], len(place)), key))
        passed = total = 0
        for key in keys:
            figures = re.search(r"\| (\d+) / (\d+) \|", self.rows[key])
            passed, total = passed + int(figures[1]), total + int(figures[2])
        text = PREFACE + HEAD + "".join(self.rows[key] + "\n" for key in keys)
        text += f"| **all** | | **{passed} / {total}** | |\n\n## Tests that fail\n"
        for key in keys:
            if key in self.sections:
                text += f"\n### {key[0]}, {key[1]}\n\n{self.sections[key]}\n"
        return text


def escaped(name):
    """A test's name that Markdown leaves alone."""
    # The suite names its files by their whole paths, which are nobody's business here.
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", name.replace(f"{SUITE}/", ""))


# ----------------------------------------------------------------------------------------- ceiling


def read_ceiling():
    """{(unit, mode): tests that pass on Redis 7.0.15}, in the order of the suite."""
    ceiling = {}
    for line in (DATA / "ceiling.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            unit, external, own = line.split()
            ceiling[unit, "external"], ceiling[unit, "own"] = int(external), int(own)
    return ceiling


def write_ceiling(ceiling):
    lines = [
        "# The tests of Redis 7.0.15's suite that pass on Redis 7.0.15 (--tags -slow): unit, in",
        "# external mode, in own mode. Written by scripts/peer-suite --ceiling.",
    ]
    for unit in dict.fromkeys(unit for unit, _ in ceiling):
        lines.append(f"{unit} {ceiling.get((unit, 'external'), 0)} {ceiling.get((unit, 'own'), 0)}")
    (DATA / "ceiling.txt").write_text("\n".join(lines) + "\n")


# ----------------------------------------------------------------------------------------- running


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_group(process):
    """Ends a process and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Runner:
    """Runs units of the suite against one program."""

    def __init__(self, program, reasons, options):
        self.program, self.reasons, self.options = Path(program).absolute(), reasons, options
        self.logs = Path(options.logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.base_port = 20000 + os.getpid() % 100 * 100
        # Two runs at a time would sweep each other's files away.
        self.lock = open(SUITE / ".lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self._link()

    def _link(self):
        """Puts the programs where the suite looks for them in own mode."""
        tools = ("redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb")
        wanted = {"redis-server": str(self.program)}
        wanted.update({tool: shutil.which(tool) for tool in tools})
        for name, target in wanted.items():
            link = SUITE / "src" / name
            if target and not (link.is_symlink() and os.readlink(link) == target):
                link.unlink(missing_ok=True)
                link.symlink_to(target)

    def units(self):
        """Every unit that the suite has."""
        listed = subprocess.run(
            ["tclsh", "tests/test_helper.tcl", "--list-tests"], cwd=SUITE, text=True,
            capture_output=True, check=True)
        return listed.stdout.split()

    def run(self, unit, mode):
        words = ["tclsh", "tests/test_helper.tcl", "--single", unit, "--durable"]
        words += ["--tags", self.options.tags] if self.options.tags else []
        words += self.reasons.switches_of(unit)
        for expression in self.reasons.skipped(unit):
            words += ["--skiptest", f"/{expression}"]
        server = None
        with tempfile.TemporaryDirectory(prefix="redis-peer-suite-") as directory:
            if mode == "external":
                server, port = self._start_server(unit, directory)
                words += ["--host", "127.0.0.1", "--port", str(port)]
            else:
                words += ["--clients", "1", "--baseport", str(self.base_port)]
            try:
                text, timed_out = self._run_suite(unit, mode, words)
                died = server is not None and server.poll() is not None
            finally:
                if server:
                    end_group(server)
        result = parse(unit, mode, text)
        if died:
            result.ended_by = f"the server ended with status {server.returncode}"
        if timed_out:
            result.ended_by = f"the unit took longer than {self.options.seconds} s"
        return result

    def _start_server(self, unit, directory):
        port = free_port()
        words = [str(self.program), "--port", str(port), *SERVER_OPTIONS]
        with open(self.logs / f"{unit.replace('/', '_')}.server", "w") as log:
            server = subprocess.Popen(
                words, cwd=directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return server, port
            except OSError:
                time.sleep(0.02)
        end_group(server)
        raise SystemExit(f"the server did not start: {' '.join(words)}; see {log.name}")

    def _run_suite(self, unit, mode, words):
        path = self.logs / f"{unit.replace('/', '_')}.{mode}"
        timed_out = False
        with open(path, "w") as log:
            process = subprocess.Popen(
                words, cwd=SUITE, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
            try:
                process.wait(self.options.seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
            finally:
                end_group(process)
        return path.read_text(errors="replace"), timed_out


# -------------------------------------------------------------------------------------------- main


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/peer-suite",
        description="Runs Redis's own test suite (7.0.15) against the release build.")
    parser.add_argument(
        "--units", help="units or patterns, with commas (unit/scan,unit/type/*); "
        "default: those of the table; 'all': every unit of the suite")
    parser.add_argument("--mode", choices=MODES, help="default: both")
    parser.add_argument("--server", metavar="PATH", help="another program than the release build")
    parser.add_argument("--write", action="store_true", help="update docs/compatibility.md")
    parser.add_argument(
        "--ceiling", action="store_true",
        help="write the totals: with --server of a Redis 7.0.15 that passes everything")
    parser.add_argument("--tags", default="-slow", help="of the suite; default: -slow")
    parser.add_argument("--seconds", type=int, default=300, help="time limit of a unit")
    parser.add_argument("--logs", default=str(ROOT / ".build-peer-suite" / "logs"))
    parser.add_argument("--verbose", action="store_true", help="print the messages of failures")
    return parser.parse_args()


def chosen_units(options, runner, ceiling, document):
    units = list(dict.fromkeys(unit for unit, _ in ceiling))
    if not options.units:
        return [unit for unit in units if any((unit, mode) in document.rows for mode in MODES)]
    if options.units == "all":
        return runner.units()
    patterns = options.units.split(",")
    chosen = [u for u in units if any(fnmatch.fnmatch(u, pattern) for pattern in patterns)]
    return chosen or sys.exit(f"no unit is called {options.units}")


def report(result, total, unexplained, seconds, is_verbose):
    total = max(total, result.passed + len(result.failures))
    print(f"{result.unit:32} {result.mode:8} {result.passed:4} / {total:4}  {seconds:6.1f} s",
          flush=True)
    for failure in result.failures if is_verbose else unexplained:
        print(f"    {failure.name}\n        " + failure.message.strip().replace("\n", "\n        "))
    if is_verbose and result.ended_by:
        print("    ended by: " + result.ended_by.replace("\n", "\n        "))


def main():
    options = arguments()
    reasons = Reasons((DATA / "reasons.txt").read_text())
    runner = Runner(options.server or ROOT / ".build/release/redis", reasons, options)
    ceiling = read_ceiling()
    document = Document(DOCUMENT.read_text() if DOCUMENT.exists() else "")
    missed = False
    for unit in chosen_units(options, runner, ceiling, document):
        for mode in [options.mode] if options.mode else MODES:
            start = time.monotonic()
            result = runner.run(unit, mode)
            if options.ceiling:
                ceiling[unit, mode] = result.passed
                write_ceiling(ceiling)
            total = ceiling.get((unit, mode), 0)
            unexplained = document.put(result, total, reasons)
            report(result, total, unexplained, time.monotonic() - start, options.verbose)
            missed = missed or bool(unexplained)
            if options.write:
                order = list(dict.fromkeys(unit for unit, _ in ceiling))
                DOCUMENT.write_text(document.text(order))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
