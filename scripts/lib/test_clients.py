# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tests of client libraries and applications against this server and against Redis.

    scripts/test-clients --write               all of them, and docs/clients.md anew
    scripts/test-clients --only huey,walrus    some of them

Fetched from PyPI: the programs into a private virtual environment, their source distributions,
which hold the tests, beside it (.build-clients). Each suite runs twice at the same time, with a
server of its own: this one, and Debian's redis-server. What passes there passes here, or is named
with a reason: a feature that this server does not have (read from the error), or a difference that
the list of reasons explains (test-clients/reasons.txt). Anything else is an unexplained failure,
and the exit status is 1.

Suites and tests that speak to port 6379 whatever they are told are sent to their server by a start-up
file of the environment, which changes that port where redis-py opens a connection and nowhere else.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".build-clients"
PYTHON = HOME / "environment" / "bin" / "python"
DOCUMENT = ROOT / "docs" / "clients.md"
REASONS = Path(__file__).resolve().parent / "test-clients" / "reasons.txt"
SERVER_OPTIONS = ["--save", "", "--bind", "127.0.0.1", "--enable-debug-command", "yes"]
TOOLS = ["pytest<8", "pytest-asyncio<0.22", "pytest-timeout", "psutil", "packaging", "hatchling"]

REDIRECT = '''
import os
port = int(os.environ.get("TEST_CLIENTS_PORT", "0"))
if port:
    import redis.asyncio.connection
    import redis.connection

    connect = redis.connection.Connection._connect
    arguments = redis.asyncio.connection.Connection._connection_arguments

    def redirected_connect(self):
        asked = self.port
        self.port = port if asked == 6379 else asked
        try:
            return connect(self)
        finally:
            self.port = asked

    def redirected_arguments(self):
        words = arguments(self)
        return {**words, "port": port} if words.get("port") == 6379 else words

    redis.connection.Connection._connect = redirected_connect
    redis.asyncio.connection.Connection._connection_arguments = redirected_arguments
'''


@dataclass
class Suite:
    """A program's tests: the folder to run them in, what to hand to pytest, what is left out."""

    name: str
    package: str
    tests: list
    words: list = field(default_factory=list)
    left_out: str = ""
    apart: bool = False  # each file by itself: what a failing test leaves behind ends no other

    @property
    def short(self):
        return self.package.split("==")[0]


REDIS_PY_LEFT_OUT = ("modules (bloom, graph, JSON, search, time series), cluster and TLS, which "
                     "need servers of their own")
REDIS_PY = [
    "-o", "asyncio_mode=auto", "-m", "not redismod and not onlycluster and not ssl and not graph",
    *[f"--ignore=tests/{folder}test_{name}.py" for folder in ("", "test_asyncio/")
      for name in ("bloom", "graph", "json", "search", "timeseries", "cluster", "ssl", "cwe_404")],
    "--ignore=tests/test_graph_utils",
]
SUITES = [
    Suite("redis-py, RESP2", "redis==5.0.8", ["tests"], [*REDIS_PY, "--protocol", "2"],
          REDIS_PY_LEFT_OUT),
    Suite("redis-py, RESP3", "redis==5.0.8", ["tests"], [*REDIS_PY, "--protocol", "3"],
          REDIS_PY_LEFT_OUT),
    Suite("huey", "huey==3.5.4", ["huey/tests"], ["--ignore=huey/tests/test_postgres.py"],
          "its storages other than Redis are not about a server, but run as well"),
    Suite("walrus", "walrus==0.9.8", ["walrus/tests"], ["-o", "python_files=*.py"]),
    Suite("RQ", "rq==3.0.0", ["tests"], [], "tests marked slow or TLS by RQ itself", True),
]


# ------------------------------------------------------------------------------------ fetching


def fetch():
    """Makes the environment and unpacks the source distributions, what is missing of them."""
    HOME.mkdir(exist_ok=True)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "environment"], check=True)
    (HOME / "redirect").mkdir(exist_ok=True)
    (HOME / "redirect" / "sitecustomize.py").write_text(REDIRECT)
    packages = sorted({s.package for s in SUITES})
    done = HOME / "fetched"
    wanted = "\n".join([*TOOLS, *packages])
    if done.exists() and done.read_text() == wanted:
        return
    pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *TOOLS, *packages, "croniter"], check=True)
    for package in packages:
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest",
                        HOME / "archives", package], check=True)
    for archive in (HOME / "archives").glob("*.tar.gz"):
        shutil.unpack_archive(archive, HOME / "sources", filter="data")
    done.write_text(wanted)


def source(suite):
    return HOME / "sources" / suite.package.replace("==", "-")


# ------------------------------------------------------------------------------------- servers


class Server:
    """A server on a free loopback port, in a folder of its own; ended by its process id."""

    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="redis-clients-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(Path(self.home) / "log", "wb")
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--dir", self.home, *SERVER_OPTIONS],
            cwd=self.home, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"{program} did not start: see {self.home}/log")

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        if self.is_running():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


def run(suite, program, label, limit):
    """One suite against one server: {test: (outcome, message)}, and whether the server lives."""
    server = Server(program)
    folder = Path(server.home) / "tests"  # a copy: tests write files beside themselves
    shutil.copytree(source(suite), folder)
    files = suite.tests
    if suite.apart:
        files = sorted(str(f.relative_to(folder)) for name in suite.tests
                       for f in (folder / name).glob("test_*.py"))
    results, deadline = {}, time.monotonic() + limit
    for number, words in enumerate([f] for f in files) if suite.apart else [(0, files)]:
        report = HOME / f"{label}-{suite.name.replace(' ', '')}-{number}.xml"
        report.unlink(missing_ok=True)
        pytest(suite, (folder, server.port), words, report, max(5, deadline - time.monotonic()))
        results |= parse(report) if report.exists() else {}
    alive = server.is_running()
    server.stop()
    return results, alive


def pytest(suite, place, files, report, limit):
    """Runs pytest on some files of the suite in a folder, for a port; with a report."""
    folder, port = place
    words = list(suite.words)
    environment = {**os.environ, "WALRUS_REDIS_PORT": str(port), "TEST_CLIENTS_PORT": str(port),
                   "PYTHONPATH": str(HOME / "redirect")}
    if suite.short == "redis":
        words += ["--redis-url", f"redis://127.0.0.1:{port}/9"]
    command = [PYTHON, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-p", "no:warnings",
               "--timeout", "60", "--junitxml", report, *words, *files]
    with open(report.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            pass
        try:  # Workers that a test left behind are of its session.
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def parse(report):
    """The tests of a JUnit report: name -> (passed | failed | skipped, message)."""
    results = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        outcome, message = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome = "failed"
                message = f"{child.get('message') or ''}\n{child.text or ''}"
            elif child.tag == "skipped" and outcome == "passed":
                outcome = "skipped"
        results[name] = (outcome, message)
    return results


# ------------------------------------------------------------------------------------- reasons

# What the message of a failure says of the feature that is missing here.
MISSING = [
    (r"no scripting|'(eval|evalsha|script)[^']*'|NoScriptError|EVAL", "scripting"),
    (r"'(function|fcall)[^']*'|no functions", "functions"),
    (r"'acl[^']*'", "ACL users"),
    (r"'cluster[^']*'|cluster support disabled", "cluster"),
    (r"'module[^']*'|MODULE", "modules"),
    (r"'?(TFUNCTION|TFCALL)", "the module of triggers and functions"),
    (r"MIGRATE", "MIGRATE"),
    (r"client tracking|CLIENT TRACKING|tracking", "client tracking"),
]


class Reasons:
    """Lines `suite-pattern test-pattern reason`, the first that matches counts."""

    def __init__(self, text):
        self.lines = [line.split(None, 2) for line in text.splitlines()
                      if line.strip() and not line.startswith("#")]

    def of(self, suite, test, message):
        for suites, tests, reason in self.lines:
            if re.fullmatch(suites, suite.short) and re.search(tests, test):
                return reason
        errors = [line for line in message.splitlines()
                  if re.search(r"unknown (sub)?command|not supported|has no|is disabled|doesn't exist", line, re.I)]
        for pattern, feature in MISSING:
            if any(re.search(pattern, line, re.I) for line in errors):
                return f"needs {feature}, which this server does not have"
        return ""


# ------------------------------------------------------------------------------------ document

HEAD = """# Client libraries and applications

What client libraries and applications test for themselves, against this server and against Redis
{version} on the same machine at the same time. This file is written by

    scripts/test-clients --write

*passed there*: tests that pass against Redis. *of these, here*: how many of them pass here.
*only here*: tests that Redis {version} is too old for and that pass here. Below the table: every test
that passes there and not here, and every test that runs only here and fails, with the reason.

| suite | tests | passed there | of these, here | only here |
| --- | --: | --: | --: | --: |
"""


@dataclass
class Outcome:
    suite: Suite
    ours: dict
    theirs: dict
    alive: bool

    def failing(self):
        """Tests that pass there and not here, or that run here alone and fail."""
        for test, (outcome, message) in sorted(self.ours.items()):
            there = self.theirs.get(test, ("missing", ""))[0]
            if outcome == "failed" and there != "failed":
                yield test, message
        for test, (outcome, _) in sorted(self.theirs.items()):
            if outcome == "passed" and self.ours.get(test, ("missing",))[0] in ("missing", "skipped"):
                yield test, self.ours.get(test, ("missing", "not reached"))[0]

    def counts(self):
        passed = [t for t, r in self.theirs.items() if r[0] == "passed"]
        here = [t for t in passed if self.ours.get(t, ("",))[0] == "passed"]
        only = [t for t, r in self.ours.items()
                if r[0] == "passed" and self.theirs.get(t, ("skipped",))[0] == "skipped"]
        return len(self.theirs), len(passed), len(here), len(only)


def document(outcomes, reasons, version):
    rows, sections, unexplained = "", "", 0
    for outcome in outcomes:
        suite = outcome.suite
        total, passed, here, only = outcome.counts()
        rows += f"| {suite.name} ({suite.package.split('==')[1]}) | {total} | {passed} | {here} | {only} |\n"
        groups = {}
        for test, message in outcome.failing():
            reason = reasons.of(suite, test, message) or "**not explained yet**"
            unexplained += reason.startswith("**")
            groups.setdefault(reason, []).append(test)
        sections += f"\n## {suite.name}\n\n"
        if suite.left_out:
            sections += f"Left out: {suite.left_out}.\n\n"
        if not outcome.alive:
            unexplained += 1
            sections += "**The server ended during the run.**\n\n"
        if not groups:
            sections += "What passes there passes here.\n"
        for reason, tests in sorted(groups.items()):
            names = sorted({re.sub(r"\[.*\]$", "", t) for t in tests})
            sections += f"- {reason}: {', '.join(f'`{shortened(n)}`' for n in names)}\n"
    return HEAD.format(version=version) + rows + sections, unexplained


def shortened(test):
    """tests.test_commands.TestRedisCommands.test_x as test_commands: test_x"""
    parts = test.split(".")
    files = [p for p in parts if p not in ("tests", "huey", "walrus") and not p[:1].isupper()]
    return ": ".join([".".join(files[:-1]), files[-1]] if len(files) > 1 else files)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / ".build/release/redis"), metavar="PROGRAM")
    parser.add_argument("--oracle", default=shutil.which("redis-server") or "redis-server")
    parser.add_argument("--only", default="", metavar="PACKAGES", help="joined by commas")
    parser.add_argument("--limit", type=int, default=1500, help="seconds for one suite")
    parser.add_argument("--write", action="store_true", help="write docs/clients.md")
    options = parser.parse_args()
    only = set(options.only.split(",")) - {""}
    suites = [s for s in SUITES if not only or s.short in only or s.name in only]
    if options.write and only:
        parser.error("--write needs all suites")
    fetch()
    version = subprocess.run([options.oracle, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"v=(\S+)", version).group(1)
    reasons = Reasons(REASONS.read_text())
    outcomes = []
    for suite in suites:
        started = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            ours = pool.submit(run, suite, os.path.abspath(options.server), "ours", options.limit)
            theirs = pool.submit(run, suite, options.oracle, "theirs", options.limit)
        outcomes.append(Outcome(suite, ours.result()[0], theirs.result()[0], ours.result()[1]))
        total, passed, here, only_here = outcomes[-1].counts()
        print(f"{suite.name}: {total} tests, {passed} pass there, {here} of these here, "
              f"{only_here} only here, {time.monotonic() - started:.0f} s", flush=True)
        for test, message in outcomes[-1].failing():
            if not reasons.of(suite, test, message):
                first = next((m for m in message.splitlines() if m.strip()), "")
                print(f"    not explained: {test}\n        {first[:200]}", flush=True)
    text, unexplained = document(outcomes, reasons, version)
    if options.write:
        DOCUMENT.write_text(text)
    print(f"{unexplained} failures are not explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
