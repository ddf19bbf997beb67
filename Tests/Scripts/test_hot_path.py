# SPDX-License-Identifier: BSD-3-Clause
"""The hot-path check sees what it must: direct calls, helpers, allowances, lines gone stale."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir)
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import hot_path  # noqa: E402  (the path is set above)

LISTING = """
0000000000001000 <get>:
    1000:\tmov    %rdi,%rax
    1003:\tje     1010 <get+0x10>
    1010:\tret

0000000000001020 <set>:
    1020:\tcall   2000 <swift_release@plt>
    1025:\tcall   2000 <swift_release@plt>
    102a:\tjmp    2010 <swift_retain@plt>

0000000000001040 <incr>:
    1040:\tcall   1060 <copy>

0000000000001060 <copy>:
    1060:\tcall   *0x2fe2(%rip)        # 4ff8 <swift_bridgeObjectRetain@Base>

0000000000001080 <arm>:
    1080:\tbl\t2000 <swift_once@plt>
    1084:\tb.eq\t1080 <arm>

00000000000010a0 <get.cold.1>:
    10a0:\tcall   2000 <swift_allocError@plt>
""".splitlines()

NAMES = {"get": "Strings.get", "set": "Strings.set", "incr": "Strings.incr", "arm": "Arm.run",
         "copy": "outlined copy of Value", "get.cold.1": "Strings.get.cold.1"}


def complaints(*lines):
    functions = hot_path.calls_of(LISTING)
    patterns = [hot_path.Pattern(line, "list:1") for line in lines]
    return hot_path.check(patterns, functions, NAMES)


class HotPath(unittest.TestCase):
    def test_a_clean_function_passes_and_its_cold_part_is_not_its_own(self):
        self.assertEqual(complaints(r"Strings\.get"), [])

    def test_calls_and_tail_calls_are_seen(self):
        found = complaints(r"Strings\.set")
        self.assertEqual(len(found), 2)
        self.assertIn("swift_release 2 times", found[0])
        self.assertIn("swift_retain 1 times", found[1])

    def test_a_call_within_a_compiler_made_helper_counts_for_its_caller(self):
        (found,) = complaints(r"Strings\.incr")
        self.assertIn("swift_bridgeObjectRetain", found)
        self.assertIn("outlined copy of Value", found)

    def test_aarch64_is_read(self):
        self.assertIn("swift_once", complaints("Arm")[0])

    def test_an_allowance_holds_up_to_its_limit(self):
        self.assertEqual(complaints(r"set ; allow=swift_release:2,swift_retain # cold"), [])
        self.assertEqual(len(complaints(r"set ; allow=swift_release:1,swift_retain # cold")), 1)

    def test_an_allowance_without_a_reason_is_refused(self):
        with self.assertRaises(SystemExit):
            hot_path.Pattern("set ; allow=swift_release", "list:1")

    def test_a_line_that_names_nothing_is_an_error(self):
        self.assertIn("no function is named by 'Gone'", complaints("Gone")[0])

    def test_comments_and_blank_lines_of_a_list_are_skipped(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("# a comment\n\nStrings\\.get\n")
            file.flush()
            self.assertEqual([p.text for p in hot_path.read_list(file.name)], [r"Strings\.get"])


if __name__ == "__main__":
    unittest.main()
