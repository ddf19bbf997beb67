# SPDX-License-Identifier: BSD-3-Clause
"""Finds calls of the Swift runtime in chosen functions of a binary, by its disassembly.

The compiler puts reference counting into functions of its own ("outlined copy of ..."), and the
lazy initialisation of a global behind an accessor. Such helpers are looked through: what they call
counts as called by the function that calls them. Calls through a pointer cannot be seen, so each
handler that is reached through a table is named in the list by itself.

Knows objdump's text for x86-64 and AArch64; knows nothing of the project but the list it is given.
"""

import argparse
import collections
import re
import subprocess
import sys

# By the runtime's names; each family has variants (swift_retain_n, swift_release_x20, ...).
FORBIDDEN = re.compile(
    r"swift_(retain|release|nonatomic_retain|nonatomic_release|bridgeObject(Retain|Release)"
    r"|unknownObject(Retain|Release)|allocObject|allocBox|allocError|beginAccess|once)\w*$"
)
# Written by the compiler, not by us: looked through, never looked at.
TRANSPARENT = re.compile(
    r"^(merged )?outlined |unsafeMutableAddressor|unsafeAddressor|metadata accessor"
    r"|lazy protocol witness table"
)
# Named after our types but run by the runtime or at start; or split off as cold by the compiler.
IGNORED = re.compile(
    r"value witness|metadata (instantiation|completion)|one-time initialization|\.cold(\.\d+)?\b"
)

HEADER = re.compile(r"^[0-9a-f]+ <(.+)>:$")
# A call or a jump out of the function (a tail call), direct or through the linkage table.
TRANSFER = re.compile(r"\t(?:(?:bnd |notrack )?(?:call|jmp|j[a-z]+)q?|bl|b(?:\.[a-z]+)?)\s.*<([^>]+)>")


class Pattern:
    """One line of the list: an expression and the calls it allows, each with its limit."""

    def __init__(self, line, where):
        text, _, reason = line.partition(" # ")
        expression, _, allowance = text.partition(" ; ")
        try:
            self.expression = re.compile(expression.strip())
        except re.error as error:
            raise SystemExit(f"{where}: not a regular expression: {error}")
        self.text, self.allowed = expression.strip(), {}
        for name in filter(None, allowance.strip().removeprefix("allow=").split(",")):
            name, _, limit = name.partition(":")
            self.allowed[name] = int(limit) if limit else sys.maxsize
        if allowance and not (allowance.strip().startswith("allow=") and reason.strip()):
            raise SystemExit(f"{where}: write 'expression ; allow=call[:limit],... # reason'")


def read_list(path):
    with open(path, encoding="utf-8") as file:
        lines = [(number, line.rstrip()) for number, line in enumerate(file, 1)]
    return [
        Pattern(line, f"{path}:{number}")
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def calls_of(listing):
    """Mangled name of each function -> how often it names another one in a call or jump."""
    functions, current = {}, None
    for line in listing:
        header = HEADER.match(line)
        if header:
            current = functions.setdefault(header[1], collections.Counter())
            continue
        transfer = TRANSFER.search(line) if current is not None else None
        if transfer and "+0x" not in transfer[1]:
            current[transfer[1].partition("@")[0]] += 1
    return functions


def runtime_calls(name, functions, demangled, path=()):
    """The forbidden calls of a function, those of transparent helpers included: (call, via)."""
    found = collections.Counter()
    for callee, count in functions.get(name, {}).items():
        if FORBIDDEN.match(callee):
            found[callee, " -> ".join(path)] += count
        elif callee not in path and TRANSPARENT.search(demangled.get(callee, callee)):
            for key, inner in runtime_calls(
                callee, functions, demangled, path + (demangled.get(callee, callee),)
            ).items():
                found[key] += inner * count
    return found


def check(patterns, functions, demangled, say=lambda text: None):
    """The complaints, as lines; empty if the way is clean."""
    complaints = []
    looked_at = {
        name: demangled.get(name, name)
        for name in functions
        if not TRANSPARENT.search(demangled.get(name, name))
        and not IGNORED.search(demangled.get(name, name))
    }
    for pattern in patterns:
        if not any(pattern.expression.search(title) for title in looked_at.values()):
            complaints.append(f"no function is named by '{pattern.text}': renamed or inlined away?")
    for name, title in sorted(looked_at.items(), key=lambda item: item[1]):
        matching = [pattern for pattern in patterns if pattern.expression.search(title)]
        if not matching:
            continue
        say(f"looked at {title}")
        used = collections.Counter()
        for (call, via), count in sorted(runtime_calls(name, functions, demangled).items()):
            used[call] += count
            # Of several lines that name the function, the most generous one counts.
            if used[call] > max(pattern.allowed.get(call, 0) for pattern in matching):
                through = f" (through {via})" if via else ""
                complaints.append(f"{title}\n    calls {call} {count} times{through}")
    return complaints


def demangle(names):
    text = subprocess.run(
        ["swift", "demangle", "--compact"],
        input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True,
    ).stdout
    return dict(zip(names, text.splitlines(), strict=True))


def disassemble(binary):
    command = ["objdump", "--disassemble", "--no-show-raw-insn", "--wide", binary]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--list", required=True)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    patterns = read_list(options.list)
    functions = calls_of(disassemble(options.binary).splitlines())
    say = print if options.verbose else lambda text: None
    complaints = check(patterns, functions, demangle(list(functions)), say)
    for complaint in complaints:
        print(complaint)
    if complaints:
        sys.exit(f"hot path: {len(complaints)} complaints")
    print(f"hot path: clean, {len(patterns)} patterns over {len(functions)} functions")


if __name__ == "__main__":
    main()
