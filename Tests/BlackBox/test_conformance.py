# SPDX-License-Identifier: BSD-3-Clause
"""Conformance: random commands go to this server and to the oracle, and every reply is the same.

TEST_CONFORMANCE_COUNT commands are drawn for each seed; TEST_CONFORMANCE_SEEDS seeds are tried.
"""

import subprocess
import sys
import unittest
from pathlib import Path

from support import Case, amount, needs_oracle

TESTER = Path(__file__).with_name("differential.py")


@needs_oracle
class RandomCommands(Case):
    """The differential tester with the groups that this server has."""

    COUNT = amount("TEST_CONFORMANCE_COUNT", 10_000)
    SEEDS = amount("TEST_CONFORMANCE_SEEDS", 4)

    def assert_no_differences(self, *words):
        ours, oracle = self.start(), self.start_oracle()
        for seed in range(1, self.SEEDS + 1):
            with self.subTest(seed=seed):
                done = subprocess.run(
                    [
                        sys.executable,
                        TESTER,
                        "--ours",
                        f"127.0.0.1:{ours.port}",
                        "--oracle",
                        f"127.0.0.1:{oracle.port}",
                        "--count",
                        str(self.COUNT),
                        "--seed",
                        str(seed),
                        *words,
                    ],
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(" 0 differences", done.stdout)

    def test_strings_and_keys(self):
        self.assert_no_differences("--groups", "string,key")

    def test_all_types(self):
        self.assert_no_differences("--groups", "all", "--count", "10000")

    def test_all_types_over_resp3(self):
        self.assert_no_differences("--groups", "all", "--resp", "3")

    def test_strings_and_keys_one_command_at_a_time(self):
        self.assert_no_differences("--groups", "string,key", "--batch", "1", "--count", "1500")

    def test_strings_and_keys_in_long_pipelines(self):
        self.assert_no_differences("--groups", "string,key", "--batch", "2500")


@needs_oracle
class Sessions(Case):
    """The tester of several connections, the clock and payloads from one server to the other."""

    COUNT = amount("TEST_CONFORMANCE_SCENES", 160)
    SEEDS = amount("TEST_CONFORMANCE_SEEDS", 4)

    def test_scenes_of_every_kind(self):
        ours = self.start(proto_max_bulk_len="1mb")
        oracle = self.start_oracle(proto_max_bulk_len="1mb")
        for seed in range(1, self.SEEDS + 1):
            with self.subTest(seed=seed):
                done = subprocess.run(
                    [
                        sys.executable,
                        TESTER.with_name("differential_sessions.py"),
                        "--ours",
                        f"127.0.0.1:{ours.port}",
                        "--oracle",
                        f"127.0.0.1:{oracle.port}",
                        "--count",
                        str(self.COUNT),
                        "--seed",
                        str(seed),
                    ],
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn(" 0 differences", done.stdout)


@needs_oracle
class TheTesterItself(Case):
    """A tester that finds nothing must be known to look."""

    def run_tester(self, ours, oracle, *words):
        return subprocess.run(
            [
                sys.executable,
                TESTER,
                "--ours",
                f"127.0.0.1:{ours.port}",
                "--oracle",
                f"127.0.0.1:{oracle.port}",
                "--count",
                "400",
                "--groups",
                "string,key",
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_it_draws_the_same_commands_for_the_same_seed(self):
        one, other = self.start_oracle(), self.start_oracle()
        seen = []
        for seed in ("5", "5", "6"):
            self.run_tester(one, other, "--seed", seed, "--only-known")
            client = self.connect(one)
            keys = sorted(client.call("KEYS", "*"))
            seen.append([(k, client.call("TYPE", k), client.call("DUMP", k)) for k in keys])
        self.assertEqual(seen[0], seen[1])
        self.assertNotEqual(seen[0], seen[2])

    def test_it_finds_a_difference(self):
        one = self.start_oracle()
        # A server whose list of commands is shorter, and one that answers otherwise.
        renamed = self.temporary_directory() / "redis.conf"
        renamed.write_text('rename-command APPEND ""\nrename-command GETDEL ""\n')
        other = self.start_oracle(words=[str(renamed)])
        done = self.run_tester(other, one)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("DIFFERS", done.stdout)
        self.assertIn("APPEND", done.stdout)
        done = self.run_tester(other, one, "--only-known")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 commands of the oracle were left out", done.stdout)


if __name__ == "__main__":
    unittest.main()
