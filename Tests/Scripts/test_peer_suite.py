# SPDX-License-Identifier: BSD-3-Clause
"""What the suite prints becomes results, reasons and a document that keeps what did not run."""

import os
import sys
import unittest

ROOT = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir)
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import peer_suite  # noqa: E402  (the path is set above)

OUTPUT = """
Starting test server at port 21078
[ready]: 4242
\x1b[1;37;49m[testing]: unit/some\x1b[0m
[\x1b[0;32;49mok\x1b[0m]: the first (1 ms)
[err]: the second in tests/unit/some.tcl
n command 'lpush', with args
ERR unknown command 'lpush', with args beginning with: 'a'
[ok]: the third (1 ms)
[ignore]: not for this mode
[skip]: the hanging one
[exception]: Executing test client: boom.
    while executing
[1/1 done]: unit/some (0 seconds)
*** [err]: the second in tests/unit/some.tcl
"""

REASONS = """
# a comment
unit/s*  /third|boom/ it goes off
unit/some  !/hanging/ it would never end
"""


class Results(unittest.TestCase):
    def setUp(self):
        self.result = peer_suite.parse("unit/some", "own", OUTPUT)
        self.reasons = peer_suite.Reasons(REASONS)

    def test_parse(self):
        self.assertEqual(self.result.passed, 2)
        names = [failure.name for failure in self.result.failures]
        self.assertEqual(names, ["the second", "the hanging one"])
        self.assertIn("unknown command 'lpush'", self.result.failures[0].message)
        self.assertIn("boom", self.result.ended_by)

    def test_reasons(self):
        of = self.reasons.of
        self.assertEqual(of("unit/some", "the third", ""), "it goes off")
        self.assertEqual(of("other", "the third", ""), peer_suite.UNEXPLAINED)
        self.assertEqual(of("other", "x", "ERR unknown command 'lpush', "), "LPUSH is not there yet")
        self.assertEqual(self.reasons.skipped("unit/some"), ["hanging"])
        self.assertEqual(self.reasons.skipped("unit/other"), [])
        with self.assertRaises(SystemExit):
            peer_suite.Reasons("unit/some without an expression")

    def test_the_document_keeps_what_did_not_run(self):
        document = peer_suite.Document()
        self.assertEqual(document.put(self.result, 10, self.reasons), [])
        other = peer_suite.Result("unit/other", "external", passed=3)
        self.assertEqual(document.put(other, 3, self.reasons), [])
        text = document.text(["unit/other", "unit/some"])
        self.assertIn("| unit/some | own | 2 / 10 | not reached: it goes off (6); ", text)
        self.assertIn("| unit/other | external | 3 / 3 |  |", text)
        self.assertIn("**5 / 13**", text)
        self.assertLess(text.index("unit/other |"), text.index("unit/some |"))
        again = peer_suite.Document(text)
        self.assertEqual(again.text(["unit/other", "unit/some"]), text)
        better = peer_suite.Result("unit/some", "own", passed=10)
        again.put(better, 10, self.reasons)
        self.assertNotIn("### unit/some", again.text([]))

    def test_a_failure_without_a_reason_is_handed_back(self):
        result = peer_suite.Result("x", "own", failures=[peer_suite.Failure("odd", "why")])
        (unexplained,) = peer_suite.Document().put(result, 1, self.reasons)
        self.assertEqual(unexplained.name, "odd")


if __name__ == "__main__":
    unittest.main()
