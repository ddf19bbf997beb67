# SPDX-License-Identifier: BSD-3-Clause
"""MULTI and EXEC: what is queued, what breaks a watch, what runs within EXEC, what it costs."""

import time
import unittest

from support import (
    OK,
    PONG,
    NilArray,
    SharedServerCase,
    Status,
    better_than_redis,
    encode,
    error,
)

QUEUED = Status(b"QUEUED")
ABORTED = error("EXECABORT Transaction discarded because of previous errors.")
OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."


class Transactions(SharedServerCase):
    options = {"enable_debug_command": "yes"}

    def setUp(self):
        super().setUp()
        self.other = self.new_client()

    def transaction(self, *commands, client=None):
        client = client or self.client
        self.assertEqual(client.call("MULTI"), OK)
        for command in commands:
            self.assertEqual(client.call(*command), QUEUED)
        return client.call("EXEC")

    def test_commands_run_at_exec_and_not_before(self):
        self.assertEqual(self.client.call("MULTI"), OK)
        self.assertEqual(self.client.call("SET", "a", "1"), QUEUED)
        self.assertIsNone(self.other.call("GET", "a"))
        self.assertEqual(self.client.call("INCR", "a"), QUEUED)
        self.assertEqual(self.client.call("EXEC"), [OK, 2])
        self.assertEqual(self.other.call("GET", "a"), b"2")

    def test_f47_an_error_while_queueing_aborts(self):
        for wrong in (("NOSUCH", "x"), ("GET",), ("CONFIG", "NOSUCH")):
            self.assertEqual(self.client.call("MULTI"), OK)
            self.assertEqual(self.client.call("SET", "a", "1"), QUEUED)
            self.client.call(*wrong)
            self.assertEqual(self.client.call("SET", "b", "1"), QUEUED)
            self.assertEqual(self.client.call("EXEC"), ABORTED)
            self.assertEqual(self.client.call("EXISTS", "a", "b"), 0)

    def test_f48_misplaced_commands(self):
        self.assertEqual(self.client.call("EXEC"), error("ERR EXEC without MULTI"))
        self.assertEqual(self.client.call("DISCARD"), error("ERR DISCARD without MULTI"))
        self.assertEqual(self.client.call("MULTI"), OK)
        self.assertEqual(self.client.call("MULTI"), error("ERR MULTI calls can not be nested"))
        self.assertEqual(
            self.client.call("WATCH", "a"), error("ERR WATCH inside MULTI is not allowed")
        )
        self.assertEqual(self.client.call("EXEC"), [])

    def test_f49_what_breaks_a_watch(self):
        changes = [
            ("deleted", [("DEL", "k")]),
            ("overwritten", [("SET", "k", "2")]),
            ("given a deadline", [("EXPIRE", "k", "100")]),
            ("flushed", [("FLUSHALL",)]),
            ("flushed", [("FLUSHDB",)]),
            ("swapped", [("SWAPDB", "0", "1")]),
            ("renamed", [("RENAME", "k", "l")]),
            ("moved", [("MOVE", "k", "2")]),
            ("overwritten by a copy", [("SET", "l", "1"), ("COPY", "l", "k", "REPLACE")]),
        ]
        for name, commands in changes:
            with self.subTest(name):
                self.assertEqual(self.client.call("FLUSHALL"), OK)
                self.client.call("SET", "k", "1")
                self.assertEqual(self.client.call("WATCH", "k"), OK)
                for command in commands:
                    self.other.call(*command)
                self.assertIsInstance(self.transaction(("SET", "r", "1")), NilArray)
                self.assertEqual(self.client.call("EXISTS", "r"), 0)
                self.assertEqual(self.transaction(("PING",)), [PONG])

    def test_f49_a_key_that_expires_breaks_a_watch_on_time(self):
        for active in ("1", "0"):
            self.client.call("DEBUG", "SET-ACTIVE-EXPIRE", active)
            self.client.call("SET", "k", "1", "PX", "20")
            self.client.call("WATCH", "k")
            time.sleep(0.03)
            self.assertIsInstance(self.transaction(("PING",)), NilArray)
        self.client.call("DEBUG", "SET-ACTIVE-EXPIRE", "1")

    def test_what_breaks_no_watch(self):
        self.client.call("WATCH", "absent")
        self.other.call("FLUSHALL")
        self.other.call("GET", "absent")
        self.other.call("SWAPDB", "0", "1")
        self.assertEqual(self.transaction(("PING",)), [PONG])
        self.client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.client.call("SET", "due", "1", "PX", "1")
        time.sleep(0.01)
        self.client.call("WATCH", "due")
        self.other.call("SET", "another", "1")
        self.assertIsNone(self.other.call("GET", "due"))  # removes it
        self.assertEqual(self.transaction(("PING",)), [PONG])
        self.client.call("DEBUG", "SET-ACTIVE-EXPIRE", "1")

    def test_the_groups_of_a_stream_break_no_watch(self):
        for command in (
            ("XGROUP", "CREATE", "x", "other", "$"),
            ("XGROUP", "SETID", "x", "g", "0"),
            ("XGROUP", "CREATECONSUMER", "x", "g", "a"),
            ("XREADGROUP", "GROUP", "g", "b", "STREAMS", "x", ">"),
            ("XCLAIM", "x", "g", "c", "0", "1-1"),
            ("XAUTOCLAIM", "x", "g", "d", "0", "0"),
            ("XGROUP", "DELCONSUMER", "x", "g", "b"),
            ("XSETID", "x", "5-1"),
            ("XGROUP", "DESTROY", "x", "g"),
        ):
            with self.subTest(command):
                self.assertEqual(self.client.call("FLUSHALL"), OK)
                self.client.call("XADD", "x", "1-1", "f", "v")
                self.client.call("XGROUP", "CREATE", "x", "g", "0")
                self.client.call("WATCH", "x")
                self.other.call(*command)
                self.assertEqual(self.transaction(("PING",)), [PONG])
        self.client.call("WATCH", "absent")
        self.other.call("XGROUP", "CREATE", "absent", "g", "$", "MKSTREAM")
        self.assertIsInstance(self.transaction(("PING",)), NilArray)

    def test_unwatch_discard_and_reset_forget_watches(self):
        for end in (["UNWATCH"], ["MULTI", "DISCARD"], ["RESET"]):
            self.client.call("WATCH", "k")
            for word in end:
                self.client.call(word)
            self.other.call("SET", "k", "1")
            self.assertEqual(self.transaction(("PING",)), [PONG])
        self.assertEqual(self.client.info("clients")["total_watched_keys"], "0")

    def test_f50_an_error_in_the_middle_stops_nothing(self):
        self.client.call("SET", "text", "x")
        replies = self.transaction(("SET", "a", "1"), ("INCR", "text"), ("SET", "b", "2"))
        self.assertEqual(
            replies, [OK, error("ERR value is not an integer or out of range"), OK]
        )
        self.assertEqual(self.client.call("MGET", "a", "b"), [b"1", b"2"])

    def test_f56_memory_is_short_at_exec(self):
        self.client.call("MULTI")
        self.client.call("SET", "a", "1")
        self.assertEqual(self.other.call("CONFIG", "SET", "maxmemory", "1"), OK)
        try:
            self.assertEqual(
                self.client.call("EXEC"),
                error(f"EXECABORT Transaction discarded because of: {OUT_OF_MEMORY}"),
            )
            self.assertEqual(self.client.call("EXISTS", "a"), 0)
            self.client.call("MULTI")
            self.assertEqual(self.client.call("GET", "a"), error(OUT_OF_MEMORY))
            self.assertEqual(self.client.call("EXEC"), ABORTED)
        finally:
            self.other.call("CONFIG", "SET", "maxmemory", "0")

    def test_f27_a_queue_is_bounded(self):
        self.other.call("CONFIG", "SET", "client-query-buffer-limit", "1mb")
        try:
            victim = self.new_client()
            victim.call("MULTI")
            with self.assertRaises(Exception):
                for _ in range(200):
                    victim.call("SET", "k", b"x" * 16384)
        finally:
            self.other.call("CONFIG", "SET", "client-query-buffer-limit", "1gb")
        stats = self.other.info("stats")
        self.assertGreaterEqual(int(stats["client_query_buffer_limit_disconnections"]), 1)

    @better_than_redis("there the rest of the replies is lost")
    def test_f39_a_client_that_kills_itself_within_exec_gets_its_reply(self):
        self.client.send_raw(
            encode("MULTI")
            + encode("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
            + encode("PING")
            + encode("EXEC")
        )
        self.assertEqual(self.client.read(), OK)
        self.assertEqual([self.client.read() for _ in range(2)], [QUEUED] * 2)
        replies = self.client.read()
        self.assertGreaterEqual(replies[0], 1)
        self.assertEqual(self.client.read_to_end(), b"")
        self.client = self.new_client()

    def test_f39_unsubscribing_within_exec(self):
        replies = self.transaction(
            ("SUBSCRIBE", "c"), ("CLIENT", "KILL", "TYPE", "pubsub"), ("UNSUBSCRIBE", "c")
        )
        self.assertEqual(replies[0], [b"subscribe", b"c", 1])
        self.assertEqual(replies[2], [b"unsubscribe", b"c", 0])
        self.assertEqual(self.client.call("PING"), PONG)

    def test_what_would_wait_runs_at_once(self):
        self.client.call("SET", "a", "1")
        replies = self.transaction(("KEYS", "*"), ("MEMORY", "PURGE"), ("PING",))
        self.assertEqual(replies, [[b"a"], OK, PONG])
        self.client.call("MULTI")
        self.assertEqual(
            self.client.call("SAVE"), error("ERR Command not allowed inside a transaction")
        )
        self.assertEqual(self.client.call("EXEC"), ABORTED)

    def test_a_large_value_is_queued_and_stored(self):
        value = b"v" * 300_000
        self.assertEqual(self.transaction(("SET", "large", value), ("GET", "large")), [OK, value])
        self.assertEqual(self.client.call("GET", "large"), value)

    def test_select_within_a_transaction(self):
        replies = self.transaction(("SET", "a", "0"), ("SELECT", "1"), ("SET", "a", "1"))
        self.assertEqual(replies, [OK] * 3)
        self.assertEqual(self.client.call("GET", "a"), b"1")
        self.client.call("SELECT", "0")
        self.assertEqual(self.client.call("GET", "a"), b"0")

    def test_monitor_shows_commands_between_multi_and_exec(self):
        monitor = self.new_client()
        self.assertEqual(monitor.call("MONITOR"), OK)
        self.transaction(("SET", "a", "1"), ("GET", "a"))
        words = [monitor.read().text.split(b"] ")[1].split()[0] for _ in range(4)]
        self.assertEqual(words, [b'"MULTI"', b'"SET"', b'"GET"', b'"EXEC"'])

    def test_client_list_shows_the_queue_and_the_watches(self):
        number = self.client.call("CLIENT", "ID")
        self.client.call("WATCH", "a", "b", "a")
        self.client.call("MULTI")
        self.client.call("PING")
        line = self.other.call("CLIENT", "LIST", "ID", number).decode()
        fields = dict(word.split("=", 1) for word in line.split())
        self.assertEqual((fields["multi"], fields["watch"], fields["flags"]), ("1", "2", "x"))
        self.assertNotEqual(fields["multi-mem"], "0")
        self.assertEqual(self.client.call("DISCARD"), OK)

    def test_a_pause_of_writes_holds_exec_back(self):
        self.client.call("MULTI")
        self.client.call("SET", "a", "1")
        self.other.call("CLIENT", "PAUSE", "10000", "WRITE")
        self.client.send("EXEC")
        self.assertTrue(self.client.is_quiet(0.1))
        self.other.call("CLIENT", "UNPAUSE")
        self.assertEqual(self.client.read(), [OK])

    def test_a_client_that_goes_leaves_nothing_behind(self):
        victim = self.new_client()
        victim.call("WATCH", "a")
        victim.call("MULTI")
        victim.call("SET", "large", b"v" * 100_000)
        victim.close()
        self.eventually(lambda: self.client.info("clients")["watching_clients"] == "0")
        self.assertEqual(self.client.call("EXISTS", "large"), 0)


if __name__ == "__main__":
    unittest.main()
