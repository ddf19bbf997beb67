# SPDX-License-Identifier: BSD-3-Clause
"""What hostile calls and the differential testers found once, and a short run of the fuzzer itself.

TEST_HOSTILE_ROUNDS rounds are run (scripts/fuzz-commands runs as long as one likes, under the address
sanitizer).
"""

import subprocess
import sys
import time
import unittest
from pathlib import Path

from support import (
    BINARY, OK, Case, Error, SharedServerCase, amount, encode, error, free_port, ours_only)

FUZZER = Path(__file__).resolve().parents[2] / "Fuzz" / "fuzz_commands.py"


class Fuzzing(Case):
    ROUNDS = amount("TEST_HOSTILE_ROUNDS", 60)

    @ours_only("the documented grammar of another server asks for things that take minutes")
    def test_hostile_calls_of_every_command_leave_the_server_alive(self):
        done = subprocess.run(
            [sys.executable, FUZZER, "--server", BINARY, "--port", str(free_port()), "--seed", "1",
             "--rounds", str(self.ROUNDS), "--findings", str(self.temporary_directory())],
            capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 findings", done.stdout)


class Requests(SharedServerCase):
    def test_a_request_of_many_arguments_may_be_cut_within_any_of_them(self):
        # The slice of the argument in which the bytes ended was written past the ones that were kept.
        for count in (15, 16, 17, 31, 32, 33, 64, 65, 369, 1000):
            words = [b"value-%d" % i for i in range(count)]
            data = encode("ECHO", "before") + encode("RPUSH", f"list:{count}", *words)
            cut = data.rindex(b"value") + 3
            self.client.send_raw(data[:cut])
            self.assertEqual(self.client.read(), b"before")
            self.client.send_raw(data[cut:])
            self.assertEqual(self.client.read(), count)
            self.assertEqual(self.client.call("LRANGE", f"list:{count}", "0", "-1"), words)

    def test_a_pause_behind_a_request_that_came_in_pieces(self):
        # What the pause held back was looked for where the finished request had been.
        for count in (1, 3):
            large = encode("SET", "large", b"x" * 40_000)
            self.client.send_raw(large[:20_000])
            time.sleep(0.05)
            self.client.send_raw(large[20_000:39_000])
            time.sleep(0.05)
            behind = [["CLIENT", "PAUSE", "80", "ALL"]] + [["INCR", f"n{count}"]] * count + [["STRLEN", "large"]]
            self.client.send_raw(large[39_000:] + b"".join(encode(*words) for words in behind))
            replies = [self.client.read() for _ in range(count + 3)]
            self.assertEqual(replies, [OK, OK, *range(1, count + 1), 40_000])

    def test_many_connections_are_cut_within_their_arguments_at_once(self):
        clients = [self.new_client() for _ in range(20)]
        datas = [encode("RPUSH", f"l{n}", *[b"x" * 7] * (17 + n)) for n in range(20)]
        for client, data in zip(clients, datas):
            client.send_raw(data[:-5])
        time.sleep(0.05)
        for n, (client, data) in enumerate(zip(clients, datas)):
            client.send_raw(data[-5:])
            self.assertEqual(client.read(), 17 + n)


class Replies(SharedServerCase):
    def test_F19_line_breaks_of_a_peer_are_never_two_replies(self):
        for words in (["EXPIRE", "k", "1", "\r\n+OK\r\nx\r\n"], ["\r\nfoo\r\n+OK", "\r\n"],
                      ["CONFIG", "SET", "\r\n+OK\r\n", "x"], ["CONFIG", "\r\n+OK\r\n", "x"],
                      ["CLIENT", "\r\n:1\r\n"], ["OBJECT", "\r\n$-1\r\n", "k"]):
            self.assertIsInstance(self.client.call(*words), Error)
            self.assertEqual(self.client.call("ECHO", "in step"), b"in step")
        # Those at the end go, the others become spaces.
        self.assertEqual(self.client.call("EXPIRE", "k", "1", "\r\nab\r\n"),
                         error("ERR Unsupported option   ab"))
        self.assertEqual(self.client.call("EXPIRE", "k", "1", b"\xff\xfeb\0c"),
                         error(b"ERR Unsupported option \xff\xfeb"))

    def test_F44_members_are_not_drawn_for_ever(self):
        self.client.call("ZADD", "z", "1", "a", "2", "b")
        self.client.call("SADD", "s", "a", "b")
        self.client.call("HSET", "h", "a", "b")
        for command, key in (("ZRANDMEMBER", "z"), ("SRANDMEMBER", "s"), ("HRANDFIELD", "h")):
            for count in (-(2**63) + 1, -(2**62), -(10**12)):
                self.assertEqual(self.client.call(command, key, count), error("ERR value is out of range"))
            self.assertEqual(len(self.client.call(command, key, -1000)), 1000)

    def test_what_waits_is_refused_for_its_keys_before_its_timeout(self):
        self.assertEqual(self.client.call("BLMPOP", "-1", "0", "l", "LEFT"),
                         error("ERR numkeys should be greater than 0"))
        self.assertEqual(self.client.call("BZMPOP", "x", "1", "z", "MIN", "COUNT", "0"),
                         error("ERR count should be greater than 0"))
        self.assertEqual(self.client.call("BLMPOP", "-1", "1", "l", "LEFT"), error("ERR timeout is negative"))

    def test_nobody_subscribes_to_a_shard_channel_within_exec(self):
        self.client.call("MULTI")
        self.client.call("SSUBSCRIBE", "channel")
        self.client.call("PING")
        refused, pong = self.client.call("EXEC")
        self.assertEqual(refused, error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"))
        self.assertEqual(repr(pong), "+PONG")


class Looking(SharedServerCase):
    """Hits, misses and their events of commands that only look."""

    def deltas(self, *words):
        before = self.client.info("stats")
        self.client.call(*words)
        after = self.client.info("stats")
        return tuple(int(after[f]) - int(before[f]) for f in ("keyspace_hits", "keyspace_misses"))

    def test_what_counts_as_a_hit_or_a_miss(self):
        self.client.call("SET", "k", "v")
        self.client.call("XADD", "x", "1-1", "f", "v")
        for words in (["TYPE", "k"], ["OBJECT", "ENCODING", "k"], ["SET", "k", "w", "NX", "GET"],
                      ["XACK", "x", "group", "1-1"]):
            self.assertEqual(self.deltas(*words), (1, 0), words)
        for words in (["TYPE", "no"], ["OBJECT", "ENCODING", "no"], ["SET", "no", "w", "XX", "GET"],
                      ["XACK", "no", "group", "1-1"]):
            self.assertEqual(self.deltas(*words), (0, 1), words)

    def test_events_of_misses_and_of_keys_that_take_a_place(self):
        self.client.call("CONFIG", "SET", "notify-keyspace-events", "Emn")
        self.addCleanup(self.client.call, "CONFIG", "SET", "notify-keyspace-events", "")
        self.client.call("MSET", "a", "1", "b", "2")
        listener = self.new_client()
        listener.call("PSUBSCRIBE", "*")
        for words in (["TYPE", "no"], ["OBJECT", "ENCODING", "quiet"], ["COPY", "a", "b", "REPLACE"],
                      ["RENAME", "a", "b"]):
            self.client.call(*words)
        events = [listener.read()[2:] for _ in range(3)]
        self.assertEqual(events, [[b"__keyevent@0__:keymiss", b"no"], [b"__keyevent@0__:new", b"b"],
                                  [b"__keyevent@0__:new", b"b"]])
        self.assertTrue(listener.is_quiet())

    def test_zero_times_infinity_takes_an_infinity_with_it(self):
        self.client.call("ZADD", "z", "inf", "a", "1", "b")
        for commands, scores in (
            (("ZINTER", "2", "z", "z", "WEIGHTS", "-14", "0"), [b"b", b"-14", b"a", b"0"]),
            (("ZUNION", "2", "z", "z", "WEIGHTS", "-14", "0"), [b"a", b"-inf", b"b", b"-14"]),
        ):
            self.assertEqual(self.client.call(*commands, "WITHSCORES"), scores)


if __name__ == "__main__":
    unittest.main()
