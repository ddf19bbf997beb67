# SPDX-License-Identifier: BSD-3-Clause
"""The bench judges, counts and reports rightly; a server that lies is found out."""

import io
import os
import sys
import types
import unittest
import xml.etree.ElementTree

ROOT = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir)
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib", "bench"))

import cases  # noqa: E402  (the path is set above)
import load  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402


def result(ours, theirs, goal, **more):
    return cases.Result("name", "a <title>", "us", goal, ours, theirs, **more)


class FakeServer:
    """Answers what the checks ask for: every key has `value`, `processed` grows by `step`."""

    name = "fake"

    def __init__(self, size, value, step):
        self.size, self.value, self.step, self.processed = size, value, step, 0

    def info(self, _):
        self.processed += self.step
        return {"total_commands_processed": str(self.processed)}

    def connect(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def command(self, *_):
        return self.size

    def pipeline(self, commands):
        return [self.value for _ in commands]


class Bench(unittest.TestCase):
    def test_a_ratio_is_of_medians_and_its_noise_of_rounds(self):
        measured = result([1, 2, 30], [4, 4, 5], 0.5)
        self.assertEqual(measured.ratio, 0.5)
        self.assertEqual(measured.noise, (0.25, 6))
        self.assertTrue(measured.reached)
        self.assertFalse(result([1], [1], 0.95).reached)

    def test_an_absolute_goal_looks_at_ours_only(self):
        self.assertTrue(result([9], [1], 10, absolute=True).reached)
        self.assertFalse(result([11], [99], 10, absolute=True).reached)

    def test_filling_commands_are_resp(self):
        (chunk,) = load.set_commands([7], b"v")
        self.assertEqual(chunk, servers.encode("SET", "key:000000000007", "v"))
        (chunk,) = load.set_commands([7], b"v", options=lambda index: (b"EX", 100 + index))
        self.assertEqual(chunk, servers.encode("SET", "key:000000000007", "v", "EX", 107))

    def test_replies_are_read(self):
        connection = servers.Connection.__new__(servers.Connection)
        connection.file = io.BytesIO(b"*3\r\n$2\r\nab\r\n:5\r\n$-1\r\n-ERR no\r\n")
        self.assertEqual(connection.reply(), [b"ab", 5, None])
        with self.assertRaisesRegex(servers.BenchError, "ERR no"):
            connection.reply()

    def check(self, server, operations):
        witness = load.Witness(server, cases.CASES[0], 1_000)
        witness.before()
        witness.after(operations)

    def test_a_run_that_happened_passes(self):
        self.check(FakeServer(1_000, b"x" * 64, 100_000), 100_000)

    def test_a_run_that_did_not_happen_is_found_out(self):
        with self.assertRaisesRegex(servers.BenchError, "holds 999 keys"):
            self.check(FakeServer(999, b"x" * 64, 100_000), 100_000)
        with self.assertRaisesRegex(servers.BenchError, "processed 10 commands"):
            self.check(FakeServer(1_000, b"x" * 64, 10), 100_000)
        with self.assertRaisesRegex(servers.BenchError, "has not its 64 bytes"):
            self.check(FakeServer(1_000, None, 100_000), 100_000)
        with self.assertRaisesRegex(servers.BenchError, "0% of the samples changed"):
            self.check(FakeServer(1_000, b"\x01" * 64, 100_000), 100_000)

    def test_the_plot_is_well_formed_and_leaves_absolute_goals_out(self):
        text = plot.svg([result([1], [2], 0.6), result([1], [2], 9, absolute=True)])
        root = xml.etree.ElementTree.fromstring(text)
        bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("class") == "good"]
        self.assertEqual(len(bars), 1)

    def test_the_document_says_which_goals_are_reached(self):
        facts = {"command": "scripts/bench", "plan": types.SimpleNamespace(keys=5, rounds=1),
                 "load": "0", "commit": "c", "plot": "p.svg", "versions": ["a", "b"]}
        text = report.markdown([result([1], [2], 0.6), result([2], [2], 0.6)], facts)
        self.assertIn("1 of 2 goals", text)
        self.assertIn("**falls short**", text)
        self.assertIn("![", text)

    def test_every_case_of_the_issue_is_there(self):
        self.assertEqual(len({case.name for case in cases.CASES}), len(cases.CASES))
        goals = {case.name: case.goal for case in cases.CASES}
        self.assertEqual((goals["set-p100"], goals["get-p16"], goals["set-p1"]), (0.25, 0.45, 0.95))


if __name__ == "__main__":
    unittest.main()
