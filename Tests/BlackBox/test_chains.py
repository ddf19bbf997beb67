# SPDX-License-Identifier: BSD-3-Clause
"""Chains and families of three servers, this one and Redis in every place."""

import time

from replication import FAST, ReplicationCase
from support import OK, needs_oracle

# Who is who, from the master on: this server or Redis.
CHAINS = ["ours ours ours", "ours redis ours", "redis ours ours", "ours ours redis",
          "redis ours redis"]
FAMILIES = ["ours ours ours", "redis ours redis", "ours redis ours", "ours ours redis",
            "redis ours ours"]


class Chains(ReplicationCase):
    """A <- B <- C."""

    def start_kinds(self, kinds, **options):
        starts = {"ours": self.start, "redis": self.start_oracle}
        return [starts[kind](**{**FAST, "repl_backlog_size": "100mb", **options})
                for kind in kinds.split()]

    def cut_and_resume(self, kinds):
        """A load on A while both links break; partial resyncs alone; all are equal in the end."""
        first, middle, last = self.start_kinds(kinds)
        above, below = self.relay(first), self.relay(middle)
        load = self.load(first)
        self.follow(middle, above)
        self.follow(last, below)
        for number, relay in enumerate((below, above, below, above)):
            self.eventually(lambda before=load.count: load.count > before + 30)
            upper = first if relay is above else middle
            relay.cut()
            self.eventually(
                lambda upper=upper, number=number: int(
                    self.statistics(upper)["sync_partial_ok"]) >= number // 2 + 1, 20)
            self.await_link(middle)
        load.finish()
        self.assert_equal_data(first, middle, last)
        self.assertEqual(self.statistics(first)["sync_full"], "1")
        self.assertEqual(self.statistics(middle)["sync_full"], "1")
        return first, middle, last

    @needs_oracle
    def test_f84_cuts_in_chains(self):
        for kinds in CHAINS:
            with self.subTest(kinds):
                self.cut_and_resume(kinds)

    @needs_oracle
    def test_f98_the_head_dies(self):
        """C keeps its link to B, their offsets stay equal, and C goes on from the promoted B."""
        for kinds in ("ours ours ours", "redis ours redis", "ours redis ours", "ours ours redis"):
            with self.subTest(kinds):
                first, middle, last = self.start_kinds(kinds)
                self.follow(middle, first)
                self.follow(last, middle)
                self.call(first, "SET", "k", "v")
                self.assert_equal_data(first, middle, last)
                before = self.statistics(middle)
                first.kill()
                self.eventually(lambda: self.info(middle)["master_link_status"] == "down")
                deadline = time.monotonic() + 2
                while time.monotonic() < deadline:
                    self.assertEqual(self.info(last)["master_link_status"], "up")
                    time.sleep(0.1)
                after = self.statistics(middle)
                for name in ("sync_full", "sync_partial_ok", "sync_partial_err"):
                    self.assertEqual(after[name], before[name], name)
                self.assertEqual(self.info(middle)["master_repl_offset"],
                                 self.info(last)["master_repl_offset"])
                # Promoted, B goes on writing the stream that C reads.
                self.assertEqual(self.call(middle, "REPLICAOF", "NO", "ONE"), OK)
                self.call(middle, "SET", "k", "w")
                self.eventually(lambda: self.call(last, "GET", "k") == b"w")
                self.assert_equal_data(middle, last)
                self.assertEqual(self.statistics(middle)["sync_full"], before["sync_full"])

    @needs_oracle
    def test_f87_promotion_in_families(self):
        """B and C follow A, which dies; B is promoted, and C goes on from B without a dump."""
        for kinds in FAMILIES:
            with self.subTest(kinds):
                first, second, third = self.start_kinds(kinds)
                load = self.load(first)
                self.follow(second, first)
                self.follow(third, first)
                self.eventually(lambda before=load.count: load.count > before + 50)
                load.finish()
                self.assert_equal_data(first, second, third)
                first.kill()
                self.assertEqual(self.call(second, "REPLICAOF", "NO", "ONE"), OK)
                self.call(second, "SET", "k", "w")
                self.follow(third, second)
                self.assert_equal_data(second, third)
                self.assertEqual(self.statistics(second)["sync_full"], "0")
                self.assertEqual(self.statistics(second)["sync_partial_ok"], "1")
