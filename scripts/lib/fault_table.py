# SPDX-License-Identifier: BSD-3-Clause
"""The table of faults: which test holds each row. Written from the tests, so that it stays true.

lib/faults.txt has a line for each row: its name, what is provoked, and, if need be, `tests:` with the
names of tests that hold it without naming it, or `reason:` why nothing does. A test names its rows in
its own name (`test_F20_...`), its docstring, or a comment in or right above it (`F20`, `F41, F42`,
`F01 to F23` or `F01-F23`); a row that only the head of a class names is held by that class.

    fault_table.py            writes docs/faults.md
    fault_table.py --check    exits 1 if docs/faults.md is not what would be written now

A name of a test that does not exist is an error.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = Path(__file__).resolve().parent / "faults.txt"
DOCUMENT = ROOT / "docs" / "faults.md"
TEST = re.compile(r"\s*(?:@Test.*)?(?:def (test_\w+)|func (`[^`]+`|\w+)\()")
CLASS = re.compile(r"(?:class|struct|final class) (\w+)|@Suite\(\"([^\"]+)\"")

HEAD = """# Faults

What is provoked, and the tests that hold what must happen then. This file is written by

    scripts/fault-table

which looks for the rows' names in `Tests/`. Rows that a machine of tests cannot hold at their full size
are measured by `scripts/reliability` (docs/reliability.md).

{held} of {total} rows have a test, {reasons} a reason, {open} neither.

| row | provoked | held by |
| --- | --- | --- |
"""


def named(text):
    """The rows that a text names, ranges included."""
    rows = set()
    for first, last in re.findall(r"\bF(\d{2,3})(?:(?:\s*[-–]\s*|\s+to\s+)F?(\d{2,3}))?\b", text):
        rows |= {f"F{n:02}" for n in range(int(first), int(last or first) + 1)}
    return rows | {f"F{int(n):02}" for n in re.findall(r"\btest_[Ff](\d{2,3})_", text)}


def scan(path):
    """(row, test) of one file, and the names of its tests."""
    lines = path.read_text(errors="replace").splitlines()
    tests, found = [], []
    swift = path.suffix == ".swift"
    for at, line in enumerate(lines):
        if match := TEST.match(line):
            name = next(g for g in match.groups() if g).strip("`")
            above = lines[at - 1].strip() if at else ""
            if not swift or "@Test" in line or above.startswith("@Test") or name.startswith("test"):
                tests.append((at, name))
    for at, line in enumerate(lines):
        for row in named(line):
            comment = line.strip().startswith(("#", "//", "@Test"))
            below = [n for i, n in tests if at < i and all(
                not x.strip() or x.strip().startswith(("#", "//", "@")) for x in lines[at:i])]
            inside = [n for i, n in tests if i <= at and not any(
                re.match(r"class |@Suite|struct |final class ", x) for x in lines[i + 1:at])]
            if comment and below:
                found.append((row, below[0]))
            elif inside:
                found.append((row, inside[-1]))
            elif name := head_of(lines, at):
                found.append((row, name))
    return found, [n for _, n in tests]


def head_of(lines, at):
    """The class whose head names a row; the head of a file names none: it says too little."""
    for line in reversed(lines[:at + 1]):
        if match := CLASS.match(line):
            return match.group(1) or match.group(2)
    return None


def main():
    held, tests, problems = {}, {}, []
    for path in sorted((ROOT / "Tests").rglob("*")):
        if path.suffix not in (".py", ".swift"):
            continue
        found, names = scan(path)
        for name in names:
            tests.setdefault(name, path.name)
        for row, name in found:
            held.setdefault(row, []).append((path.name, name))
    body, count = "", {"held": 0, "reasons": 0, "open": 0, "total": 0}
    for line in ROWS.read_text().splitlines():
        if not re.match(r"F\d", line):
            continue
        row, text, *more = [part.strip() for part in line.split("|")]
        places = held.get(row, [])
        reason = ""
        for part in more:
            if part.startswith("tests:"):
                for name in part[6:].replace(",", " ").split():
                    if name not in tests:
                        problems.append(f"{row}: there is no test {name}")
                    places.append((tests.get(name, "?"), name))
            elif part.startswith("reason:"):
                reason = part[7:].strip()
        names = "; ".join(list(dict.fromkeys(f"`{file}` {name}" for file, name in places))[:5])
        count["total"] += 1
        count["held" if names else "reasons" if reason else "open"] += 1
        cell = "; ".join(filter(None, (names, reason))) or "**no test yet**"
        body += f"| {row} | {text} | {cell} |\n"
    document = HEAD.format(**count) + body
    for problem in problems:
        print(problem, file=sys.stderr)
    if "--check" in sys.argv:
        problems += [] if DOCUMENT.exists() and DOCUMENT.read_text() == document else ["stale"]
        print("docs/faults.md " + ("differs: run scripts/fault-table" if problems else "is true"))
    else:
        DOCUMENT.write_text(document)
        print("{held} of {total} rows have a test, {reasons} a reason, {open} neither".format(**count))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
