# SPDX-License-Identifier: BSD-3-Clause
"""Expiry: keys leave on their own, on time, and the commands about it answer as Redis's do."""

import time
import unittest

from support import OK, SharedServerCase, amount, better_than_redis, error

WRONG_INTEGER = error("ERR value is not an integer or out of range")


def now():
    return int(time.time() * 1000)


class Leaving(SharedServerCase):
    """Keys that are due go without anybody reading them."""

    def expired(self):
        return int(self.client.info("stats")["expired_keys"])

    def test_a_thousand_keys_at_staggered_times_are_gone(self):
        count = 1000
        before = self.expired()
        start = now() + 300
        self.client.pipeline([("SET", f"due:{i}", "v", "PXAT", start + i) for i in range(count)])
        self.client.pipeline([("SET", f"stay:{i}", "v") for i in range(10)])
        self.assertEqual(self.client.call("DBSIZE"), count + 10)
        # Reads of other keys must not be what removes them: only DBSIZE and INFO are asked.
        self.eventually(lambda: self.client.call("DBSIZE") == 10, seconds=10)
        self.assertGreaterEqual(now(), start + count - 1, "keys left before they were due")
        self.assertEqual(self.expired() - before, count)
        self.assertEqual(
            self.client.info("keyspace")["db0"].split(",")[:2], ["keys=10", "expires=0"]
        )

    @better_than_redis("Redis samples: a due key among many that are not may stay for minutes")
    def test_due_keys_go_at_once_among_many_that_are_not_due(self):
        others = amount("TEST_VOLATILE_KEYS", 100_000)
        far = now() + 10**9
        self.client.pipeline(
            [("SET", f"far:{i}", "v", "PXAT", far + i) for i in range(others)], batch=5000
        )
        due = now() + 300
        self.client.pipeline([("SET", f"due:{i}", "v", "PXAT", due + i) for i in range(500)])
        self.eventually(lambda: now() > due + 500)
        self.eventually(lambda: self.client.call("DBSIZE") == others, seconds=1)

    def test_many_keys_at_one_instant(self):
        count = amount("TEST_MASS_EXPIRY_KEYS", 50_000)
        due = now() + 1500
        self.client.pipeline(
            [("SET", f"due:{i}", "v", "PXAT", due) for i in range(count)], batch=5000
        )
        other = self.new_client()
        self.eventually(lambda: now() > due)
        self.assertEqual(other.call("SET", "a", "1"), OK)
        self.eventually(lambda: self.client.call("DBSIZE") == 1, seconds=20)

    def test_keys_go_in_every_database(self):
        for number in range(16):
            self.client.call("SELECT", number)
            self.client.call("SET", "due", "v", "PX", "50")
        self.eventually(lambda: self.client.info("keyspace") == {}, seconds=10)

    def test_a_due_key_is_never_read(self):
        for i in range(50):
            self.client.call("SET", "due", "v", "PX", "5")
            time.sleep(0.006)
            replies = self.client.pipeline(
                [
                    ("GET", "due"),
                    ("EXISTS", "due"),
                    ("TTL", "due"),
                    ("STRLEN", "due"),
                    ("PERSIST", "due"),
                    ("SET", "due", "w", "XX"),
                    ("MGET", "due"),
                    ("DEL", "due"),
                ]
            )
            self.assertEqual(replies, [None, 0, -2, 0, 0, None, [None], 0])

    def test_a_deadline_that_moves_or_goes_is_the_one_that_counts(self):
        call = self.client.call
        soon = now() + 200
        for i in range(300):
            call("SET", f"k{i}", "v", "PXAT", soon)
        for i in range(0, 300, 3):
            call("PEXPIREAT", f"k{i}", soon + 10**7)
            call("PERSIST", f"k{i + 1}")
        self.eventually(lambda: call("DBSIZE") == 200, seconds=10)
        self.assertEqual(call("EXISTS", *(f"k{i}" for i in range(0, 300, 3))), 100)
        for i in range(0, 300, 3):
            call("PEXPIREAT", f"k{i}", now() + 50)
        self.eventually(lambda: call("DBSIZE") == 100, seconds=10)

    def test_active_expiry_can_be_switched_off(self):
        server = self.start(enable_debug_command="yes")
        client = self.connect(server)
        self.assertEqual(client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0"), OK)
        client.call("SET", "due", "v", "PX", "10")
        time.sleep(0.3)
        self.assertEqual(client.call("DBSIZE"), 1)
        self.assertEqual(client.call("GET", "due"), None)
        self.assertEqual(client.call("DBSIZE"), 0)
        client.call("SET", "due", "v", "PX", "10")
        self.assertEqual(client.call("DEBUG", "SET-ACTIVE-EXPIRE", "1"), OK)
        self.eventually(lambda: client.call("DBSIZE") == 0)


class Commands(SharedServerCase):
    """EXPIRE and its family."""

    def test_remaining_times(self):
        call = self.client.call
        self.assertEqual(
            [call(c, "a") for c in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME")], [-2] * 4
        )
        call("SET", "a", "1")
        self.assertEqual(
            [call(c, "a") for c in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME")], [-1] * 4
        )
        self.assertEqual(call("PEXPIREAT", "a", "4102444800499"), 1)
        self.assertEqual(call("PEXPIRETIME", "a"), 4102444800499)
        self.assertEqual(call("EXPIRETIME", "a"), 4102444800)
        call("PEXPIREAT", "a", "4102444800500")
        self.assertEqual(call("EXPIRETIME", "a"), 4102444801)  # rounded to the nearest second
        self.assertEqual(call("EXPIREAT", "a", "4102444801"), 1)
        self.assertEqual(call("PEXPIRETIME", "a"), 4102444801000)

        self.assertEqual(call("PEXPIRE", "a", "1400"), 1)
        self.assertEqual(call("TTL", "a"), 1)
        self.assertEqual(call("PEXPIRE", "a", "1900"), 1)
        self.assertEqual(call("TTL", "a"), 2)
        self.assertTrue(1700 < call("PTTL", "a") <= 1900)
        self.assertEqual(call("PERSIST", "a"), 1)
        self.assertEqual(call("PERSIST", "a"), 0)
        self.assertEqual(call("TTL", "a"), -1)
        self.assertEqual(call("PERSIST", "missing"), 0)

    def test_every_form_sets_the_same_deadline(self):
        call = self.client.call
        for command, value in (
            ("EXPIRE", 100),
            ("PEXPIRE", 100_000),
            ("EXPIREAT", now() // 1000 + 100),
            ("PEXPIREAT", now() + 100_000),
        ):
            call("SET", "a", "1")
            self.assertEqual(call(command, "a", value), 1)
            self.assertTrue(98_000 < call("PTTL", "a") <= 100_001, command)
            self.assertEqual(call(command, "missing", value), 0)

    def test_a_deadline_in_the_past_deletes(self):
        call = self.client.call
        for command, value in (
            ("EXPIRE", "0"),
            ("EXPIRE", "-1"),
            ("PEXPIRE", "-1000"),
            ("EXPIREAT", "1"),
            ("PEXPIREAT", "1"),
            ("EXPIREAT", "0"),
            ("PEXPIREAT", "-1"),
        ):
            call("SET", "a", "1")
            self.assertEqual(call(command, "a", value), 1, (command, value))
            self.assertEqual(call("DBSIZE"), 0)

    def test_conditions(self):
        call = self.client.call
        low, high = 4102444800, 4102448400

        def ask(deadline, *condition):
            return call("EXPIREAT", "a", deadline, *condition)

        call("SET", "a", "1")
        self.assertEqual(ask(low, "XX"), 0)
        self.assertEqual(ask(low, "GT"), 0)  # no expiry counts as infinitely far
        self.assertEqual(ask(low, "LT"), 1)
        self.assertEqual(ask(low, "NX"), 0)
        self.assertEqual(ask(low, "GT"), 0)
        self.assertEqual(ask(low, "lt"), 0)
        self.assertEqual(ask(high, "GT"), 1)
        self.assertEqual(ask(high, "LT"), 0)
        self.assertEqual(ask(low, "XX", "GT"), 0)
        self.assertEqual(ask(low, "XX", "LT"), 1)
        self.assertEqual(call("EXPIRETIME", "a"), low)
        call("PERSIST", "a")
        self.assertEqual(ask(high, "XX", "LT"), 0)
        self.assertEqual(ask(high, "NX"), 1)

    def test_conditions_that_do_not_go_together(self):
        call = self.client.call
        call("SET", "a", "1")
        for words in (("NX", "XX"), ("NX", "GT"), ("NX", "LT"), ("LT", "NX")):
            self.assertEqual(
                call("EXPIRE", "a", "100", *words),
                error("ERR NX and XX, GT or LT options at the same time are not compatible"),
            )
        self.assertEqual(
            call("EXPIRE", "a", "100", "GT", "LT"),
            error("ERR GT and LT options at the same time are not compatible"),
        )
        self.assertEqual(call("EXPIRE", "a", "100", "no"), error("ERR Unsupported option no"))
        self.assertEqual(call("TTL", "a"), -1)

    def test_F42_times_out_of_range(self):
        call = self.client.call
        call("SET", "a", "1")
        for command, values in (
            ("EXPIRE", (2**63 - 1, -(2**63), 9223372036854775, 2**62)),
            ("PEXPIRE", (2**63 - 1,)),
            ("EXPIREAT", (2**63 - 1, -(2**63))),
        ):
            for value in values:
                self.assertEqual(
                    call(command, "a", value),
                    error(f"ERR invalid expire time in '{command.lower()}' command"),
                    (command, value),
                )
        for command in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"):
            for value in ("", "x", "1.0", " 1", str(2**63)):
                self.assertEqual(call(command, "a", value), WRONG_INTEGER)
        self.assertEqual(call("TTL", "a"), -1)
        self.assertEqual(call("PEXPIREAT", "a", 2**63 - 1), 1)
        self.assertEqual(call("PEXPIRETIME", "a"), 2**63 - 1)

    def test_what_keeps_and_what_drops_an_expiry(self):
        call = self.client.call
        for command, kept in (
            (("INCR", "a"), True),
            (("INCRBY", "a", "2"), True),
            (("APPEND", "a", "1"), True),
            (("GET", "a"), True),
            (("SET", "a", "1"), False),
            (("MSET", "a", "1"), False),
            (("SET", "a", "1", "KEEPTTL"), True),
            (("SET", "a", "1", "GET"), False),
            (("SET", "a", "1", "NX"), True),
        ):
            call("SET", "a", "1", "PXAT", "4102444800000")
            call(*command)
            self.assertEqual(call("PEXPIRETIME", "a"), 4102444800000 if kept else -1, command)


if __name__ == "__main__":
    unittest.main()
