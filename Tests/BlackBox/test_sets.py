# SPDX-License-Identifier: BSD-3-Clause
"""Sets: shapes of replies in RESP3, error texts, large sets against Python's, draws, SSCAN's promise.

Rows of the fault table: F36 (SMEMBERS of a large set), F40 (wrong type), F44 (extreme counts).
"""

import random
import threading
import time
import unittest

from support import OK, Map, SetReply, SharedServerCase, better_than_redis, error

WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_INTEGER = error("ERR value is not an integer or out of range")
SYNTAX = error("ERR syntax error")


def members(prefix, count):
    return [f"{prefix}{n}".encode() for n in range(count)]


class SetCase(SharedServerCase):
    def fill(self, key, items):
        for at in range(0, len(items), 1000):
            self.client.call("SADD", key, *items[at : at + 1000])


class Replies(SetCase):
    def test_shapes_in_resp3(self):
        call = self.client.call
        self.assertIsInstance(call("HELLO", "3"), Map)
        call("SADD", "s", "a", "b", "c")
        for words in (("SMEMBERS", "s"), ("SINTER", "s"), ("SUNION", "s", "n"), ("SDIFF", "s", "n")):
            reply = call(*words)
            self.assertIsInstance(reply, SetReply, words)
            self.assertEqual(sorted(reply), [b"a", b"b", b"c"])
        for words in (("SMEMBERS", "n"), ("SINTER", "s", "n"), ("SPOP", "n", "1"), ("SPOP", "s", "0")):
            reply = call(*words)
            self.assertIsInstance(reply, SetReply, words)
            self.assertEqual(list(reply), [])
        self.assertNotIsInstance(call("SRANDMEMBER", "s", "2"), SetReply)
        self.assertEqual(call("SRANDMEMBER", "n", "2"), [])
        self.assertIsNone(call("SRANDMEMBER", "n"))
        self.assertIsNone(call("SPOP", "n"))
        self.assertEqual(call("SMISMEMBER", "n", "a", "b"), [0, 0])
        self.assertEqual(call("SMISMEMBER", "s", "a", "x"), [1, 0])
        self.assertIsInstance(call("SPOP", "s", "1"), SetReply)

    def test_errors(self):
        call = self.client.call
        call("SADD", "s", "a", "b")
        call("SET", "string", "x")
        for words, expected in (
            (("SPOP", "s", "-1"), error("ERR value is out of range, must be positive")),
            (("SPOP", "s", "x"), error("ERR value is out of range, must be positive")),
            (("SPOP", "s", "1", "2"), SYNTAX),
            (("SRANDMEMBER", "s", "x"), NOT_INTEGER),
            (("SRANDMEMBER", "s", "1", "2"), SYNTAX),
            (("SINTERCARD", "0", "s"), error("ERR numkeys should be greater than 0")),
            (("SINTERCARD", "x", "s"), error("ERR numkeys should be greater than 0")),
            (
                ("SINTERCARD", "2", "s"),
                error("ERR Number of keys can't be greater than number of args"),
            ),
            (("SINTERCARD", "1", "s", "LIMIT", "-1"), error("ERR LIMIT can't be negative")),
            (("SINTERCARD", "1", "s", "LIMIT"), SYNTAX),
            (("SINTERCARD", "1", "s", "NOPE", "1"), SYNTAX),
            (("SSCAN", "s", "x"), error("ERR invalid cursor")),
            (("SSCAN", "s", "0", "COUNT", "0"), SYNTAX),
            (("SSCAN", "s", "0", "TYPE", "set"), SYNTAX),
        ):
            self.assertEqual(call(*words), expected, words)
        self.assertEqual(call("SSCAN", "none", "0", "NOPE"), [b"0", []])
        self.assertEqual(sorted(call("SMEMBERS", "s")), [b"a", b"b"])

    def test_the_wrong_type_changes_nothing(self):  # F40
        call = self.client.call
        call("SET", "string", "x")
        call("SADD", "s", "a")
        for words in (
            ("SADD", "string", "a"), ("SREM", "string", "a"), ("SISMEMBER", "string", "a"),
            ("SMISMEMBER", "string", "a"), ("SCARD", "string"), ("SMEMBERS", "string"),
            ("SPOP", "string"), ("SPOP", "string", "1"), ("SRANDMEMBER", "string"),
            ("SRANDMEMBER", "string", "1"), ("SMOVE", "string", "s", "a"),
            ("SMOVE", "s", "string", "a"), ("SINTER", "s", "string"), ("SINTER", "none", "string"),
            ("SUNION", "s", "string"), ("SDIFF", "s", "string"), ("SSCAN", "string", "0"),
            ("SINTERSTORE", "d", "s", "string"), ("SUNIONSTORE", "d", "s", "string"),
            ("SDIFFSTORE", "d", "s", "string"), ("SINTERCARD", "2", "s", "string"), ("GET", "s"),
        ):
            self.assertEqual(call(*words), WRONG_TYPE, words)
        self.assertEqual(call("GET", "string"), b"x")
        self.assertEqual(call("SMEMBERS", "s"), [b"a"])
        self.assertEqual(call("EXISTS", "d"), 0)

    @better_than_redis("a reply of any length for a few bytes")
    def test_extreme_counts(self):  # F44
        call = self.client.call
        out_of_range = (
            "ERR value is out of range, value must between -9223372036854775807"
            " and 9223372036854775807"
        )
        for items in (["a", "b"], members("member:", 1000)):
            call("DEL", "s")
            self.fill("s", items)
            self.assertEqual(call("SRANDMEMBER", "s", str(-(2**63))), error(out_of_range))
            self.assertEqual(call("SRANDMEMBER", "s", str(-(2**63) - 1)), NOT_INTEGER)
            self.assertEqual(
                call("SRANDMEMBER", "s", str(-(2**63) + 1)), error("ERR value is out of range")
            )
            self.assertEqual(len(call("SRANDMEMBER", "s", str(2**63 - 1))), len(items))
            self.assertEqual(len(call("SRANDMEMBER", "s", "-5000")), 5000)
            self.assertEqual(len(call("SPOP", "s", str(2**63 - 1))), len(items))
            self.assertEqual(call("EXISTS", "s"), 0)


class Encodings(SetCase):
    def encoding(self, key="s"):
        return self.client.call("OBJECT", "ENCODING", key)

    @better_than_redis("7.2 has listpacks of sets, the oracle may be older")
    def test_names_follow_the_limits(self):
        call = self.client.call
        self.fill("s", [str(n) for n in range(512)])
        self.assertEqual(self.encoding(), b"intset")
        call("SADD", "s", "512")
        self.assertEqual(self.encoding(), b"hashtable")
        call("SREM", "s", *[str(n) for n in range(510)])
        self.assertEqual(self.encoding(), b"hashtable")
        call("DEL", "s")
        self.fill("s", [str(n) for n in range(100)])
        call("SADD", "s", "word")
        self.assertEqual(self.encoding(), b"listpack")
        call("SADD", "s", "x" * 65)
        self.assertEqual(self.encoding(), b"hashtable")
        call("DEL", "s")
        call("SADD", "s", *members("m", 128))
        self.assertEqual(self.encoding(), b"listpack")
        call("SADD", "s", "one more")
        self.assertEqual(self.encoding(), b"hashtable")
        call("SADD", "i", "1", "2", "3")
        call("SINTERSTORE", "d", "i", "i")
        self.assertEqual(self.encoding("d"), b"intset")
        call("CONFIG", "SET", "set-max-intset-entries", "2")
        call("SADD", "few", "1", "2", "3")
        self.assertEqual(self.encoding("few"), b"listpack")
        self.assertEqual(call("CONFIG", "SET", "set-max-intset-entries", "512"), OK)


class Large(SetCase):
    def test_algebra_equals_that_of_python(self):
        random_source = random.Random(7)
        pool = members("element:", 3000) + [str(n).encode() for n in range(3000)]
        sets = {}
        for name, size in (("a", 4000), ("b", 2500), ("c", 300), ("d", 40), ("e", 0)):
            sets[name] = set(random_source.sample(pool, size))
            self.fill(name, list(sets[name]))
        call = self.client.call
        for _ in range(60):
            names = [random_source.choice("abcde") for _ in range(random_source.randrange(1, 12))]
            chosen = [sets[name] for name in names]
            for word, expected in (
                ("SINTER", set.intersection(*chosen)),
                ("SUNION", set.union(*chosen)),
                ("SDIFF", chosen[0].difference(*chosen[1:])),
            ):
                reply = call(word, *names)
                self.assertEqual(len(reply), len(expected), (word, names))
                self.assertEqual(set(reply), expected, (word, names))
                target = random_source.choice(["t", "u"])
                self.assertEqual(call(word + "STORE", target, *names), len(expected))
                self.assertEqual(set(call("SMEMBERS", target)), expected)
            both = len(set.intersection(*chosen))
            limit = random_source.randrange(1, 50)
            self.assertEqual(call("SINTERCARD", len(names), *names), both)
            self.assertEqual(
                call("SINTERCARD", len(names), *names, "LIMIT", limit), min(limit, both)
            )
        self.assertEqual(set(call("SMEMBERS", "a")), sets["a"])
        self.assertEqual(call("SUNIONSTORE", "a", "a", "b"), len(sets["a"] | sets["b"]))

    def test_pops_take_each_member_once(self):
        for size in (20, 300, 5000):
            for wanted in (1, size // 10, size // 2, size - 3, size - 1):
                items = members("m:", size)
                self.client.call("DEL", "s")
                self.fill("s", items)
                popped = self.client.call("SPOP", "s", wanted)
                left = self.client.call("SMEMBERS", "s")
                self.assertEqual(len(popped), wanted)
                self.assertEqual(sorted(list(popped) + list(left)), sorted(items))
                self.assertEqual(self.client.call("SCARD", "s"), size - wanted)
        while (member := self.client.call("SPOP", "s")) is not None:
            self.assertIn(member, items)
        self.assertEqual(self.client.call("EXISTS", "s"), 0)

    def test_draws_are_even(self):
        for size in (10, 600):
            items = members("a member of some length:", size)
            self.client.call("DEL", "s")
            self.fill("s", items)
            for count, words in ((-20000, ()), (1, ()), (size // 5, ())):
                seen = dict.fromkeys(items, 0)
                rounds = 1 if count < 0 else 30000 // (count * 2)
                for reply in self.client.pipeline(
                    [("SRANDMEMBER", "s", str(count))] * rounds
                ):
                    self.assertTrue(count < 0 or len(set(reply)) == len(reply))
                    for member in reply:
                        seen[member] += 1
                expected = sum(seen.values()) / size
                deviation = sum((n - expected) ** 2 / expected for n in seen.values())
                self.assertLess(deviation, size + 8 * (2 * size) ** 0.5)

    def test_a_scan_returns_all_that_stays(self):
        """SSCAN's promise while the set grows from a packed one to 6,000 members and shrinks again."""
        random_source = random.Random(3)
        for start in (10, 3000):
            self.client.call("DEL", "s")
            stays = members("stays:", start)
            self.fill("s", stays)
            found, cursor, others, step = set(), b"0", 0, 0
            while True:
                cursor, page = self.client.call("SSCAN", "s", cursor, "COUNT", "20")
                found.update(page)
                if cursor == b"0":
                    break
                step += 1
                if step < 60:
                    self.fill("s", members(f"other:{step}:", 100))
                else:
                    gone = members(f"other:{random_source.randrange(60)}:", 100)
                    self.client.call("SREM", "s", *gone)
            self.assertEqual(set(stays) - found, set())


@better_than_redis("nobody waits for a set that another client reads or drops")
class Stalls(SetCase):
    def test_a_large_set_is_freed_in_slices(self):  # F36
        self.fill_many("big", 300_000)
        slowest = self.slowest_ping_while(lambda c: c.call("DEL", "big"))
        self.assertLess(slowest, 0.1)  # the machine may be busy: Redis's own free takes as long

    def test_others_wait_for_one_reply_at_most(self):  # F36
        self.fill_many("big", 300_000)
        slowest = self.slowest_ping_while(lambda c: c.call("SMEMBERS", "big"))
        self.assertLess(slowest, 0.5)

    def fill_many(self, key, count):
        commands = [
            ("SADD", key, *[f"element:{at + n:012d}" for n in range(1000)])
            for at in range(0, count, 1000)
        ]
        self.client.pipeline(commands)

    def slowest_ping_while(self, action):
        other = self.new_client()
        done = threading.Event()

        def act():
            action(other)
            done.set()

        thread = threading.Thread(target=act)
        thread.start()
        slowest = 0
        while not done.is_set():
            start = time.monotonic()
            self.client.call("PING")
            slowest = max(slowest, time.monotonic() - start)
        thread.join()
        return slowest


if __name__ == "__main__":
    unittest.main()
