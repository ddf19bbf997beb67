# SPDX-License-Identifier: BSD-3-Clause
"""KEYS and SCAN: complete, and others are served meanwhile."""

import random
import unittest
from collections import Counter

from support import OK, PONG, SharedServerCase, amount, error

PATTERNS = [
    b"*",
    b"k*",
    b"*1",
    b"k?",
    b"k1?",
    b"[ak]*",
    b"k[0-4]",
    b"k[^0-4]",
    b"k[4-0]",
    b"\\*",
    b"k\\1",
    b"**",
    b"",
    b"[",
    b"k[",
    b"k\\",
    b"*[13579]",
    b"[^k]*",
    b"k[\\]]",
    b"k[]",
    b"?",
    b"??",
    b"k*9*",
    b"K*",
    b"k[a-",
    b"[k]1",
    b"*\xff*",
    b"\xff?",
    b"a*b*c",
    b"[^]*",
    b"k[1\\-3]",
]
NAMES = [b"k%d" % i for i in range(120)] + [
    b"",
    b"*",
    b"a",
    b"abc",
    b"aXbXc",
    b"K1",
    b"\xff\xfe",
    b"\xff",
    b"k]",
    b"k-",
    b"[",
    b"\\",
    b"k\\",
    b"a b",
    b"?",
]


class Keys(SharedServerCase):
    """KEYS PATTERN."""

    def test_patterns_against_a_model(self):
        """The model is Redis's description of its patterns."""
        self.client.pipeline([("SET", name, "v") for name in NAMES])
        expected = {
            b"*": NAMES,
            b"k?": [n for n in NAMES if len(n) == 2 and n[:1] == b"k"],
            b"\\*": [b"*"],
            b"k[0-4]": [b"k%d" % i for i in range(5)],
            b"k[4-0]": [b"k%d" % i for i in range(5)],
            b"k[^0-4]": [b"k%d" % i for i in range(5, 10)] + [b"k]", b"k-", b"k\\"],
            b"": [b""],
            b"k[1\\-3]": [b"k1", b"k3", b"k-"],
            b"k[\\]]": [b"k]"],
            b"K*": [b"K1"],
            b"a*b*c": [b"abc", b"aXbXc"],
            b"\xff?": [b"\xff\xfe"],
            b"*\xff*": [b"\xff\xfe", b"\xff"],
            b"k\\1": [b"k1"],
        }
        for pattern, names in expected.items():
            with self.subTest(pattern=pattern):
                self.assertEqual(sorted(self.client.call("KEYS", pattern)), sorted(names))
        for pattern in PATTERNS:  # whatever it means, SCAN means the same
            with self.subTest(pattern=pattern):
                reply = self.client.call("SCAN", "0", "MATCH", pattern, "COUNT", "100000")
                self.assertEqual(sorted(reply[1]), sorted(self.client.call("KEYS", pattern)))

    def test_an_empty_database_and_another_one(self):
        self.assertEqual(self.client.call("KEYS", "*"), [])
        self.client.call("SET", "a", "1")
        self.client.call("SELECT", "1")
        self.assertEqual(self.client.call("KEYS", "*"), [])

    def test_expired_keys_are_left_out(self):
        self.client.pipeline([("SET", f"gone:{i}", "v", "PXAT", "1") for i in range(10)])
        self.client.call("SET", "here", "v", "EX", "100")
        self.assertEqual(self.client.call("KEYS", "*"), [b"here"])

    def test_keys_of_a_large_database_while_others_work(self):
        """What is there throughout is in the reply, once; others are served meanwhile."""
        count = amount("TEST_KEYS_KEYS", 100_000)
        self.client.pipeline([("SET", f"stay:{i}", i) for i in range(count)], batch=5000)
        others = [self.new_client() for _ in range(3)]
        stay = {b"stay:%d" % i for i in range(count)}
        for _ in range(4):
            self.client.send("KEYS", "*")
            served = 0
            while True:
                for i, other in enumerate(others):
                    key = f"come:{i}:{served}"
                    replies = other.pipeline(
                        [
                            ("SET", key, "x"),
                            ("GET", key),
                            ("DEL", key),
                            ("INCR", "counter"),
                            ("SET", f"stay:{served}", "changed"),
                            ("GET", f"stay:{served}"),
                        ]
                    )
                    self.assertEqual(replies[:3], [OK, b"x", 1])
                    self.assertEqual(replies[4:], [OK, b"changed"])
                served += 1
                if not self.client.is_quiet(0.0005):
                    break
            keys = self.client.read()
            self.assertEqual(len(keys), len(set(keys)), "a key twice")
            self.assertEqual(stay - set(keys), set())
            extra = set(keys) - stay - {b"counter"}
            self.assertTrue(all(key.startswith(b"come:") for key in extra), list(extra)[:3])
            self.assertGreaterEqual(served, 1)

    def test_commands_behind_keys_on_one_connection_wait_for_it(self):
        self.client.pipeline([("SET", f"k{i}", i) for i in range(50_000)], batch=5000)
        for _ in range(5):
            for command in (
                ("KEYS", "*"),
                ("SET", "k0", "x"),
                ("PING",),
                ("KEYS", "k1"),
                ("DBSIZE",),
            ):
                self.client.send(*command)
            self.assertEqual(len(self.client.read()), 50_000)
            self.assertEqual([self.client.read() for _ in range(4)], [OK, PONG, [b"k1"], 50_000])

    def test_a_client_that_leaves_during_keys(self):
        self.client.pipeline([("SET", f"k{i}", i) for i in range(50_000)], batch=5000)
        for i in range(20):
            other = self.new_client()
            other.send("KEYS", "*")
            other.reset() if i % 2 else other.close()
        self.assertEqual(len(self.client.call("KEYS", "*")), 50_000)

    def test_flush_during_keys(self):
        for _ in range(5):
            self.client.pipeline([("SET", f"k{i}", i) for i in range(50_000)], batch=5000)
            other = self.new_client()
            other.send("KEYS", "*")
            self.assertEqual(self.client.call("FLUSHALL"), OK)
            self.assertIn(len(other.read()), (0, 50_000))
            self.assertEqual(self.client.call("DBSIZE"), 0)


class Scan(SharedServerCase):
    """SCAN CURSOR [MATCH pattern] [COUNT count] [TYPE type]."""

    def scan(self, *words, between=None, client=None):
        """All keys of one whole iteration, in the order in which they came."""
        client = client or self.client
        cursor, found, steps = b"0", [], 0
        while True:
            cursor, keys = client.call("SCAN", cursor, *words)
            found += keys
            steps += 1
            self.assertLess(steps, 1_000_000)
            self.assertRegex(cursor, rb"^\d{1,20}$")
            if cursor == b"0":
                return found
            if between:
                between(steps)

    def fill(self, count, prefix="k"):
        self.client.pipeline([("SET", f"{prefix}{i}", i) for i in range(count)], batch=5000)
        return {f"{prefix}{i}".encode() for i in range(count)}

    def test_errors(self):
        call = self.client.call
        for cursor in ("abc", "1x", " 1", str(2**64), "0x1"):
            self.assertEqual(call("SCAN", cursor), error("ERR invalid cursor"), cursor)
        for words in (
            ("COUNT", "0"),
            ("COUNT", "-1"),
            ("NOSUCH", "1"),
            ("MATCH",),
            ("COUNT",),
            ("COUNT", "1", "x"),
        ):
            self.assertEqual(call("SCAN", "0", *words), error("ERR syntax error"), words)
        for count in ("abc", "", str(2**64)):
            self.assertEqual(
                call("SCAN", "0", "COUNT", count),
                error("ERR value is not an integer or out of range"),
            )

    def test_any_cursor_is_an_answer(self):
        keys = self.fill(1000)
        for cursor in (1, 12345, 2**32, 2**63 - 1, 2**63, 2**64 - 1):
            reply = self.client.call("SCAN", cursor)
            self.assertTrue(set(reply[1]) <= keys)

    def test_every_count_finds_every_key(self):
        keys = self.fill(1500)
        for count in (1, 2, 3, 5, 7, 10, 64, 100, 333, 1000, 1501, 10**6, 2**62):
            with self.subTest(count=count):
                found = self.scan("COUNT", count)
                self.assertEqual(set(found), keys)
                self.assertLess(len(found), len(keys) * 2)
        self.assertEqual(set(self.scan()), keys)

    def test_count_bounds_a_reply_roughly(self):
        self.fill(20_000)
        for count in (1, 10, 100, 1000):
            _, keys = self.client.call("SCAN", "0", "COUNT", count)
            self.assertLessEqual(len(keys), 10 * count + 500)

    def test_match_and_type(self):
        self.fill(2000)
        wanted = {b"k%d" % i for i in range(2000) if i % 10 == 7}
        self.assertEqual(set(self.scan("MATCH", "*7")), wanted)
        self.assertEqual(set(self.scan("match", "*7", "COUNT", "13", "type", "STRING")), wanted)
        self.assertEqual(self.scan("TYPE", "hash"), [])
        self.assertEqual(self.scan("MATCH", "nothing*"), [])

    def test_expired_keys_are_left_out(self):
        keys = self.fill(100)
        self.client.pipeline([("SET", f"gone{i}", "v", "PXAT", "1") for i in range(100)])
        self.assertEqual(set(self.scan()), keys)

    def test_keys_present_throughout_are_returned_while_others_come_and_go(self):
        source = random.Random(31)
        for cycle in range(amount("TEST_SCAN_CYCLES", 30)):
            self.assertEqual(self.client.call("FLUSHALL", source.choice(("SYNC", "ASYNC"))), OK)
            stay = self.fill(source.choice((10, 300, 2000)), prefix=f"stay{cycle}:")
            movers = source.choice((100, 1000, 5000))
            growing = source.random() < 0.5
            if not growing:
                self.fill(movers, prefix="move:")
            ever = stay | {b"move:%d" % i for i in range(movers)}

            def disturb(step):
                start = step * movers // 12 % movers
                names = [f"move:{i}" for i in range(start, min(start + movers // 10, movers))]
                act = source.random()
                if act < 0.1:
                    self.client.call("SELECT", "5")
                    self.client.call("SET", "elsewhere", "x")
                    self.client.call("FLUSHDB")
                    self.client.call("SELECT", "0")
                elif growing == (act < 0.85):
                    self.client.call("MSET", *(x for n in names for x in (n, "x")))
                else:
                    self.client.call("DEL", *names)

            found = self.scan("COUNT", source.choice((5, 10, 50, 200)), between=disturb)
            missing = stay - set(found)
            self.assertEqual(
                missing, set(), f"cycle {cycle}: {len(missing)} of {len(stay)} are missing"
            )
            self.assertEqual(set(found) - ever, set())

    def test_a_flush_in_the_middle_ends_the_iteration(self):
        self.fill(5000)
        cursor, _ = self.client.call("SCAN", "0", "COUNT", "100")
        self.assertEqual(self.client.call("FLUSHALL"), OK)
        new = self.fill(50, prefix="new")
        found = []
        for _ in range(10_000):
            cursor, keys = self.client.call("SCAN", cursor, "COUNT", "100")
            found += keys
            if cursor == b"0":
                break
        self.assertEqual(cursor, b"0")
        self.assertTrue(set(found) <= new)

    def test_two_iterations_at_once_do_not_disturb_each_other(self):
        keys = self.fill(3000)
        other = self.new_client()
        found = Counter()
        self.assertEqual(
            set(
                self.scan("COUNT", "20", between=lambda _: found.update(other.call("SCAN", "0")[1]))
            ),
            keys,
        )
        self.assertEqual(set(self.scan("COUNT", "7", client=other)), keys)


if __name__ == "__main__":
    unittest.main()
