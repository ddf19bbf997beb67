# SPDX-License-Identifier: BSD-3-Clause
"""Clients that wait for keys: who is served, when, and how a wait ends otherwise."""

import time
import unittest

from support import OK, NilArray, SharedServerCase, amount, encode, error

WAITERS = amount("WAITERS", 2000)


class Waiting(SharedServerCase):
    def waiting(self, *command):
        """A client that waits."""
        before = self.blocked()
        client = self.new_client()
        client.send(*command)
        self.eventually(lambda: self.blocked() == before + 1)
        return client

    def blocked(self):
        return int(self.client.info("clients")["blocked_clients"])

    def test_first_come_first_served_whatever_the_key(self):
        first = self.waiting("BLPOP", "a", "b", "0")
        second = self.waiting("BRPOP", "b", "0")
        third = self.waiting("BLPOP", "b", "a", "0")
        self.assertEqual(self.client.info("clients")["total_blocking_keys"], "2")
        self.assertEqual(self.client.call("RPUSH", "b", "1", "2"), 2)
        self.assertEqual(first.read(), [b"b", b"1"])
        self.assertEqual(second.read(), [b"b", b"2"])
        self.client.call("RPUSH", "a", "3")
        self.assertEqual(third.read(), [b"a", b"3"])
        self.assertEqual(self.blocked(), 0)

    def test_served_after_the_whole_transaction(self):
        waiter = self.waiting("BLPOP", "a", "0")
        self.client.call("MULTI")
        self.client.call("RPUSH", "a", "1")
        self.client.call("DEL", "a")
        self.client.call("EXEC")
        self.assertTrue(waiter.is_quiet(0.05))
        self.client.call("MULTI")
        self.client.call("RPUSH", "a", "1")
        self.client.call("LPUSH", "a", "0")
        self.client.call("EXEC")
        self.assertEqual(waiter.read(), [b"a", b"0"])

    def test_served_by_rename_move_swap_and_copy(self):
        commands = [
            [("RPUSH", "x", "1"), ("RENAME", "x", "a")],
            [("RPUSH", "x", "1"), ("COPY", "x", "a")],
            [("SELECT", "1"), ("RPUSH", "a", "1"), ("MOVE", "a", "0")],
            [("SELECT", "1"), ("RPUSH", "a", "1"), ("SWAPDB", "0", "1")],
        ]
        for steps in commands:
            with self.subTest(steps[-1][0]):
                self.client.call("FLUSHALL")
                waiter = self.waiting("BLPOP", "a", "0")
                for step in steps:
                    self.client.call(*step)
                self.assertEqual(waiter.read(), [b"a", b"1"])
                self.client.call("SELECT", "0")

    def test_who_is_served_serves_others(self):
        last = self.waiting("BLPOP", "c", "0")
        middle = self.waiting("BLMOVE", "b", "c", "LEFT", "LEFT", "0")
        first = self.waiting("BLMOVE", "a", "b", "LEFT", "LEFT", "0")
        self.client.call("RPUSH", "a", "1")
        self.assertEqual(first.read(), b"1")
        self.assertEqual(middle.read(), b"1")
        self.assertEqual(last.read(), [b"c", b"1"])
        self.assertEqual(self.client.call("EXISTS", "a", "b", "c"), 0)

    def test_another_type_serves_nobody(self):
        waiter = self.waiting("BLPOP", "a", "0")
        self.client.call("SET", "a", "x")
        self.client.call("DEL", "a")
        self.client.call("SADD", "a", "x")
        self.assertTrue(waiter.is_quiet(0.05))
        self.client.call("DEL", "a")
        self.client.call("RPUSH", "a", "1")
        self.assertEqual(waiter.read(), [b"a", b"1"])

    def test_timeouts(self):
        start = time.monotonic()
        long = self.waiting("BLPOP", "a", "0.2")
        short = self.waiting("BLMOVE", "a", "b", "LEFT", "LEFT", "0.05")
        short.read()
        between = time.monotonic() - start
        self.assertIsInstance(long.read(), NilArray)
        self.assertTrue(0.05 <= between < 0.2 <= time.monotonic() - start < 1.0)
        self.assertEqual(self.client.info("clients")["clients_in_timeout_table"], "0")

    def test_f51_wrong_timeouts(self):
        for text, reply in (
            ("-1", "ERR timeout is negative"),
            ("x", "ERR timeout is not a float or out of range"),
            ("1e300", "ERR timeout is out of range"),
        ):
            self.assertEqual(self.client.call("BLPOP", "k", text), error(reply))

    def test_within_exec_nobody_waits(self):
        self.client.call("MULTI")
        self.client.call("BLPOP", "a", "0")
        replies = self.client.call("EXEC")
        self.assertIsInstance(replies[0], NilArray)

    def test_client_unblock(self):
        for reason, expected in (
            ((), None),
            (("TIMEOUT",), None),
            (("ERROR",), error("UNBLOCKED client unblocked via CLIENT UNBLOCK")),
        ):
            client = self.new_client()
            number = client.call("CLIENT", "ID")
            client.send("BLPOP", "a", "0")
            self.eventually(lambda: self.blocked() == 1)
            self.assertIn(" flags=b ", self.client.call("CLIENT", "LIST", "ID", number).decode())
            self.assertEqual(self.client.call("CLIENT", "UNBLOCK", number, *reason), 1)
            self.assertEqual(self.client.call("CLIENT", "UNBLOCK", number, *reason), 0)
            reply = client.read()
            if expected is None:
                self.assertIsInstance(reply, NilArray)
            else:
                self.assertEqual(reply, expected)

    def test_requests_behind_a_wait_run_after_it(self):
        client = self.new_client()
        client.send_raw(encode("BLPOP", "a", "0") + encode("SET", "b", "1") + encode("GET", "b"))
        self.eventually(lambda: self.blocked() == 1)
        client.send("ECHO", "later")
        self.assertTrue(client.is_quiet(0.05))
        self.assertEqual(self.client.call("EXISTS", "b"), 0)
        self.client.call("RPUSH", "a", "1")
        self.assertEqual(client.read(), [b"a", b"1"])
        self.assertEqual([client.read() for _ in range(3)], [OK, b"1", b"later"])

    def test_who_goes_is_not_served(self):
        closed = self.waiting("BLPOP", "a", "0")
        killed = self.waiting("BLPOP", "a", "0")
        ended = self.waiting("BLPOP", "a", "0")
        left = self.waiting("BLPOP", "a", "0")
        closed.close()
        ended.half_close()
        self.eventually(lambda: self.blocked() == 2)
        number = self.client.call("CLIENT", "LIST").decode().splitlines()
        blocked = [line.split()[0][3:] for line in number if " flags=b " in line]
        self.client.send_raw(
            encode("CLIENT", "KILL", "ID", min(blocked, key=int)) + encode("RPUSH", "a", "1")
        )
        self.assertEqual(self.client.read(), 1)
        self.assertEqual(self.client.read(), 1)
        self.assertEqual(left.read(), [b"a", b"1"])
        self.assertEqual(killed.read_to_end(), b"")

    def test_nobody_is_served_while_writes_are_paused(self):
        waiter = self.waiting("BLPOP", "a", "0")
        pusher = self.new_client()
        self.client.call("CLIENT", "PAUSE", "100000", "WRITE")
        pusher.send("RPUSH", "a", "1")
        self.assertTrue(waiter.is_quiet(0.05))
        self.client.call("CLIENT", "UNPAUSE")
        self.assertEqual(waiter.read(), [b"a", b"1"])
        self.assertEqual(pusher.read(), 1)

    def test_a_wait_that_is_not_answered(self):
        client = self.new_client()
        client.send_raw(encode("CLIENT", "REPLY", "SKIP") + encode("BLPOP", "a", "0"))
        self.eventually(lambda: self.blocked() == 1)
        self.client.call("RPUSH", "a", "1")
        self.assertEqual(client.call("ECHO", "x"), b"x")

    def test_commandstats_count_a_wait_once(self):
        self.client.call("CONFIG", "RESETSTAT")
        waiter = self.waiting("BLPOP", "a", "0")
        self.client.call("RPUSH", "a", "1")
        waiter.read()
        line = self.client.info("commandstats")["cmdstat_blpop"]
        self.assertIn("calls=1,", line)

    def test_f38_many_wait_and_one_is_served(self):
        waiters = [self.new_client() for _ in range(min(WAITERS, 900))]
        for number, waiter in enumerate(waiters):
            waiter.send("BLPOP", "a", f"own:{number}", "0")
            if number % 50 == 0:
                self.eventually(lambda: self.blocked() == number + 1)
        self.eventually(lambda: self.blocked() == len(waiters))
        self.client.call("RPUSH", "a", "1")
        self.assertEqual(waiters[0].read(), [b"a", b"1"])
        self.assertEqual(self.blocked(), len(waiters) - 1)
        self.assertTrue(waiters[1].is_quiet(0.02))
        for waiter in waiters[1:]:
            waiter.close()
        self.eventually(lambda: self.blocked() == 0)
        self.assertEqual(self.client.info("clients")["total_blocking_keys"], "0")


if __name__ == "__main__":
    unittest.main()
