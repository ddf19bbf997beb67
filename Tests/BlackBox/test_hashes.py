# SPDX-License-Identifier: BSD-3-Clause
"""Hashes: shapes of replies in RESP3, error texts, large hashes, draws, HSCAN's promise, and fields
that expire.

Rows of the fault table: F33 (a value of half a gibibyte), F40 (wrong type), F44 (extreme counts).
"""

import random
import time
import unittest

from support import OK, Map, SharedServerCase, better_than_redis, error

WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_INTEGER = error("ERR value is not an integer or out of range")
SYNTAX = error("ERR syntax error")
FUTURE = 4102444800  # 2100-01-01


def pairs(count, prefix="field:", length=8):
    return {f"{prefix}{n}".encode(): f"{n:0{length}d}x".encode() for n in range(count)}


def flat(fields):
    return [word for pair in fields.items() for word in pair]


class HashCase(SharedServerCase):
    def fill(self, key, fields):
        words = flat(fields)
        for at in range(0, len(words), 1000):
            self.client.call("HSET", key, *words[at : at + 1000])

    def all(self, key="h"):
        words = self.client.call("HGETALL", key)
        if isinstance(words, dict):
            return dict(words)
        return dict(zip(words[::2], words[1::2]))


class Replies(HashCase):
    def test_shapes_in_resp3(self):
        call = self.client.call
        self.assertIsInstance(call("HELLO", "3"), Map)
        self.assertEqual(call("HSET", "h", "a", "1", "b", "x"), 2)
        reply = call("HGETALL", "h")
        self.assertIsInstance(reply, Map)
        self.assertEqual(reply, {b"a": b"1", b"b": b"x"})
        self.assertEqual(call("HGETALL", "none"), {})
        self.assertEqual(call("HKEYS", "none"), [])
        self.assertEqual(call("HVALS", "h"), [b"1", b"x"])
        self.assertEqual(call("HMGET", "none", "a", "b"), [None, None])
        self.assertEqual(call("HMGET", "h", "a", "no"), [b"1", None])
        self.assertEqual(sorted(call("HRANDFIELD", "h", "5", "WITHVALUES")), [[b"a", b"1"], [b"b", b"x"]])
        self.assertEqual(len(call("HRANDFIELD", "h", "-3", "WITHVALUES")), 3)
        self.assertIsNone(call("HRANDFIELD", "none"))
        self.assertEqual(call("HRANDFIELD", "none", "2"), [])
        self.assertEqual(call("HINCRBYFLOAT", "h", "a", "1.5"), b"2.5")
        self.assertEqual(call("HSCAN", "h", "0"), [b"0", [b"a", b"2.5", b"b", b"x"]])

    def test_shapes_in_resp2(self):
        call = self.client.call
        call("HSET", "h", "a", "1")
        self.assertEqual(call("HRANDFIELD", "h", "-2", "WITHVALUES"), [b"a", b"1"] * 2)
        self.assertEqual(call("HMSET", "h", "b", "2"), OK)

    def test_errors(self):
        call = self.client.call
        call("HSET", "h", "f", "abc", "n", str(2**63 - 1))
        arity = "ERR wrong number of arguments for '{}' command"
        for words, expected in (
            (("HSET", "h", "f"), error(arity.format("hset"))),
            (("HSET", "h", "f", "1", "g"), error(arity.format("hset"))),
            (("HMSET", "h", "f", "1", "g"), error(arity.format("hmset"))),
            (("HINCRBY", "h", "f", "x"), NOT_INTEGER),
            (("HINCRBY", "h", "f", "1"), error("ERR hash value is not an integer")),
            (("HINCRBY", "h", "n", "1"), error("ERR increment or decrement would overflow")),
            (("HINCRBYFLOAT", "h", "f", "inf"), error("ERR value is NaN or Infinity")),
            (("HINCRBYFLOAT", "h", "f", "nan"), error("ERR value is not a valid float")),
            (("HINCRBYFLOAT", "h", "f", "1"), error("ERR hash value is not a float")),
            (("HRANDFIELD", "h", "x"), NOT_INTEGER),
            (("HRANDFIELD", "h", "1", "NOPE"), SYNTAX),
            (("HRANDFIELD", "h", "1", "WITHVALUES", "x"), SYNTAX),
            (("HSCAN", "h", "x"), error("ERR invalid cursor")),
            (("HSCAN", "h", "0", "COUNT"), SYNTAX),
        ):
            self.assertEqual(call(*words), expected, words)
        self.assertEqual(self.all(), {b"f": b"abc", b"n": str(2**63 - 1).encode()})
        self.assertEqual(call("HINCRBY", "new", "f", "x"), NOT_INTEGER)
        self.assertEqual(call("EXISTS", "new"), 0)

    def test_the_wrong_type_changes_nothing(self):  # F40
        call = self.client.call
        call("SET", "string", "x")
        for words in (
            ("HSET", "string", "a", "1"), ("HMSET", "string", "a", "1"), ("HDEL", "string", "a"),
            ("HSETNX", "string", "a", "1"), ("HGET", "string", "a"), ("HMGET", "string", "a"),
            ("HLEN", "string"), ("HSTRLEN", "string", "a"), ("HEXISTS", "string", "a"),
            ("HKEYS", "string"), ("HVALS", "string"), ("HGETALL", "string"),
            ("HINCRBY", "string", "a", "1"), ("HINCRBYFLOAT", "string", "a", "1"),
            ("HRANDFIELD", "string"), ("HRANDFIELD", "string", "1"), ("HSCAN", "string", "0"),
        ):
            self.assertEqual(call(*words), WRONG_TYPE, words)
        self.assertEqual(call("GET", "string"), b"x")

    @better_than_redis("a reply of any length for a few bytes")
    def test_extreme_counts(self):  # F44
        call = self.client.call
        out_of_range = (
            "ERR value is out of range, value must between -9223372036854775807"
            " and 9223372036854775807"
        )
        for count in (2, 1000):
            call("DEL", "h")
            self.fill("h", pairs(count))
            self.assertEqual(call("HRANDFIELD", "h", str(-(2**63))), error(out_of_range))
            self.assertEqual(call("HRANDFIELD", "h", str(-(2**63) + 1)), error("ERR value is out of range"))
            for most in (2**63 - 1, 2**62, -(2**62)):
                self.assertEqual(
                    call("HRANDFIELD", "h", str(most), "WITHVALUES"), error("ERR value is out of range")
                )
            self.assertEqual(len(call("HRANDFIELD", "h", str(2**63 - 1))), count)
            self.assertEqual(len(call("HRANDFIELD", "h", str(2**62 - 1), "WITHVALUES")), 2 * count)

    @better_than_redis("HSCAN's NOVALUES came with 7.4")
    def test_scan_without_values(self):
        for count in (5, 2000):
            self.client.call("DEL", "h")
            self.fill("h", pairs(count))
            found, cursor = [], b"0"
            while True:
                cursor, page = self.client.call("HSCAN", "h", cursor, "NOVALUES", "COUNT", "50")
                found += page
                if cursor == b"0":
                    break
            self.assertEqual(set(found), set(pairs(count)))
        self.assertEqual(self.client.call("HSCAN", "h", "0", "NOVALUES", "MATCH", "none*")[1], [])


class Large(HashCase):
    def test_values_of_every_length(self):
        random_source = random.Random(1)
        model = {}
        for _ in range(4000):
            field = f"f{random_source.randrange(400)}".encode()
            if random_source.random() < 0.2:
                self.assertEqual(self.client.call("HDEL", "h", field), int(field in model))
                model.pop(field, None)
                continue
            length = random_source.choice([0, 1, 5, 20, 200, 253, 254, 255, 256, 300, 5000])
            value = bytes([random_source.randrange(97, 123)]) * length
            self.assertEqual(self.client.call("HSET", "h", field, value), int(field not in model))
            model[field] = value
        self.assertEqual(self.all(), model)
        self.assertEqual(self.client.call("HLEN", "h"), len(model))

    @better_than_redis("listpacks follow the configuration of 7.2 in the same way")
    def test_encodings(self):
        call = self.client.call
        self.fill("h", pairs(512))
        self.assertEqual(call("OBJECT", "ENCODING", "h"), b"listpack")
        call("HSET", "h", "one more", "1")
        self.assertEqual(call("OBJECT", "ENCODING", "h"), b"hashtable")
        call("HSET", "g", "f", "x" * 64)
        self.assertEqual(call("OBJECT", "ENCODING", "g"), b"listpack")
        call("HSET", "g", "f", "x" * 65)
        self.assertEqual(call("OBJECT", "ENCODING", "g"), b"hashtable")
        call("HSET", "g", "f", "x")
        self.assertEqual(call("OBJECT", "ENCODING", "g"), b"hashtable")

    def test_a_huge_value(self):  # F33, as far as a test may go
        huge = b"v" * (40 << 20)
        self.assertEqual(self.client.call("HSET", "h", "f", huge, "small", "1"), 2)
        self.assertEqual(self.client.call("HSTRLEN", "h", "f"), len(huge))
        self.assertEqual(self.client.call("HGET", "h", "f"), huge)
        self.assertEqual(self.client.call("HSET", "h", "f", "tiny"), 0)
        self.assertEqual(self.all(), {b"f": b"tiny", b"small": b"1"})

    def test_draws_are_even(self):
        for size in (10, 600):
            fields = pairs(size)
            self.client.call("DEL", "h")
            self.fill("h", fields)
            for count in (-20000, 1, size // 5):
                seen = dict.fromkeys(fields, 0)
                rounds = 1 if count < 0 else 30000 // (count * 2)
                for reply in self.client.pipeline([("HRANDFIELD", "h", str(count))] * rounds):
                    for field in reply:
                        seen[field] += 1
                expected = sum(seen.values()) / size
                deviation = sum((n - expected) ** 2 / expected for n in seen.values())
                self.assertLess(deviation, size + 8 * (2 * size) ** 0.5)

    def test_a_scan_returns_all_that_stays(self):
        """HSCAN's promise while the hash grows from a packed one to 6,000 fields and shrinks again."""
        random_source = random.Random(3)
        for start in (10, 3000):
            self.client.call("DEL", "h")
            stays = pairs(start, "stays:")
            self.fill("h", stays)
            found, cursor, step = set(), b"0", 0
            while True:
                cursor, page = self.client.call("HSCAN", "h", cursor, "COUNT", "20")
                found.update(page[::2])
                if cursor == b"0":
                    break
                step += 1
                if step < 60:
                    self.fill("h", pairs(100, f"other:{step}:"))
                else:
                    gone = pairs(100, f"other:{random_source.randrange(60)}:")
                    self.client.call("HDEL", "h", *gone)
            self.assertEqual(set(stays) - found, set())


@better_than_redis("fields that expire came with 7.4")
class FieldExpiry(HashCase):
    def start_with(self, count=3):
        self.fill("h", pairs(count))

    def test_replies(self):
        call = self.client.call
        self.start_with()
        self.assertEqual(call("HTTL", "h", "FIELDS", "2", "field:0", "no"), [-1, -2])
        self.assertEqual(call("HTTL", "none", "FIELDS", "2", "a", "b"), [-2, -2])
        self.assertEqual(call("HEXPIRE", "none", "10", "FIELDS", "1", "a"), [-2])
        self.assertEqual(call("HPERSIST", "none", "FIELDS", "1", "a"), [-2])
        self.assertEqual(call("HEXPIRE", "h", "100", "FIELDS", "2", "field:0", "no"), [1, -2])
        self.assertEqual(call("OBJECT", "ENCODING", "h"), b"listpackex")
        self.assertIn(call("HTTL", "h", "FIELDS", "1", "field:0")[0], (99, 100))
        self.assertGreater(call("HPTTL", "h", "FIELDS", "1", "field:0")[0], 90_000)
        self.assertEqual(call("HPERSIST", "h", "FIELDS", "3", "field:0", "field:1", "no"), [1, -1, -2])
        self.assertEqual(call("HTTL", "h", "FIELDS", "1", "field:0"), [-1])
        self.assertEqual(call("HEXPIREAT", "h", FUTURE, "FIELDS", "1", "field:1"), [1])
        self.assertEqual(call("HEXPIRETIME", "h", "FIELDS", "1", "field:1"), [FUTURE])
        self.assertEqual(call("HPEXPIREAT", "h", FUTURE * 1000 + 1, "FIELDS", "1", "field:1"), [1])
        self.assertEqual(call("HPEXPIRETIME", "h", "FIELDS", "1", "field:1"), [FUTURE * 1000 + 1])
        self.assertEqual(call("HEXPIRETIME", "h", "FIELDS", "1", "field:1"), [FUTURE + 1])
        self.assertEqual(call("HEXPIRE", "h", "0", "FIELDS", "2", "field:1", "field:2"), [2, 2])
        self.assertEqual(call("HKEYS", "h"), [b"field:0"])
        self.assertEqual(call("HEXPIREAT", "h", "1", "FIELDS", "1", "field:0"), [2])
        self.assertEqual(call("EXISTS", "h"), 0)

    def test_conditions(self):
        call = self.client.call

        def expire(at, *condition):
            return call("HEXPIREAT", "h", FUTURE + at, *condition, "FIELDS", "1", "field:0")[0]

        for count in (3, 3000):
            self.start_with(count)
            call("HPERSIST", "h", "FIELDS", "1", "field:0")
            self.assertEqual(expire(0, "XX"), 0)
            self.assertEqual(expire(0, "GT"), 0)
            self.assertEqual(expire(5, "LT"), 1)
            self.assertEqual(expire(6, "LT"), 0)
            self.assertEqual(expire(5, "gt"), 0)
            self.assertEqual(expire(6, "GT"), 1)
            self.assertEqual(expire(7, "NX"), 0)
            self.assertEqual(expire(7, "xx"), 1)
            self.assertEqual(call("HEXPIRE", "h", "0", "NX", "FIELDS", "1", "field:0"), [0])
            call("HPERSIST", "h", "FIELDS", "1", "field:0")
            self.assertEqual(expire(1, "NX"), 1)

    def test_errors(self):
        call = self.client.call
        self.start_with()
        call("SET", "string", "x")
        missing = error("ERR Mandatory argument FIELDS is missing or not at the right position")
        parameter = error("ERR Parameter `numFields` should be greater than 0")
        mismatch = error("ERR The `numfields` parameter must match the number of arguments")
        number = error("ERR Number of fields must be a positive integer")
        too_late = error("ERR invalid expire time in 'hexpire' command")
        for words, expected in (
            (("HEXPIRE", "string", "x", "FIELDS", "1", "f"), WRONG_TYPE),
            (("HTTL", "string", "FIELDS", "1", "f"), WRONG_TYPE),
            (("HPERSIST", "string", "FIELDS", "1", "f"), WRONG_TYPE),
            (("HEXPIRE", "h", "x", "FIELDS", "1", "f"), NOT_INTEGER),
            (("HEXPIRE", "h", "-1", "FIELDS", "1", "f"), error("ERR invalid expire time, must be >= 0")),
            (("HEXPIRE", "h", str(2**46 // 1000 + 1), "FIELDS", "1", "f"), too_late),
            (("HEXPIRE", "h", str(2**46 // 1000 - 1), "FIELDS", "1", "f"), too_late),
            (
                ("HPEXPIREAT", "h", str(2**46), "FIELDS", "1", "f"),
                error("ERR invalid expire time in 'hpexpireat' command"),
            ),
            (("HEXPIRE", "h", "1", "NOPE", "FIELDS", "1", "f"), missing),
            (("HEXPIRE", "h", "1", "NX", "1", "f", "f"), missing),
            (("HTTL", "h", "NOPE", "1", "f"), missing),
            (("HEXPIRE", "h", "1", "FIELDS", "0", "f"), parameter),
            (("HEXPIRE", "h", "1", "FIELDS", "x", "f"), parameter),
            (("HEXPIRE", "h", "1", "FIELDS", "2", "f"), mismatch),
            (("HEXPIRE", "h", "1", "FIELDS", "1", "f", "g"), mismatch),
            (("HTTL", "h", "FIELDS", "0", "f"), number),
            (("HPERSIST", "h", "FIELDS", "x", "f"), number),
            (("HTTL", "h", "FIELDS", "9223372036854775807", "f"), mismatch),
        ):
            self.assertEqual(call(*words), expected, words)
        self.assertEqual(self.all(), pairs(3))

    def test_fields_are_gone_on_time_with_their_memory_and_events(self):
        call = self.client.call
        for count in (4, 3000):
            call("DEL", "h")
            self.start_with(count)
            names = list(pairs(count))
            dying, staying = names[::2], names[1::2]
            self.assertEqual(call("HPEXPIRE", "h", "250", "FIELDS", len(dying), *dying), [1] * len(dying))
            before = self.fields_expired()
            self.assertEqual(call("HLEN", "h"), count)
            time.sleep(0.3)
            self.assertEqual(self.fields_expired() - before, len(dying))  # before anybody asks
            self.assertEqual(call("HLEN", "h"), len(staying))
            self.assertEqual(set(call("HKEYS", "h")), set(staying))
            self.assertEqual(call("HPEXPIRE", "h", "50", "FIELDS", len(staying), *staying), [1] * len(staying))
            time.sleep(0.1)
            self.assertEqual(call("DBSIZE"), 0)

    def fields_expired(self):
        text = self.client.call("INFO", "stats").decode()
        return int(next(line.split(":")[1] for line in text.splitlines() if "expired_subkeys" in line))

    def test_reads_never_return_a_due_field(self):
        call = self.client.call
        call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        try:
            for count in (4, 3000):
                call("DEL", "h")
                self.start_with(count)
                call("HPEXPIRE", "h", "1", "FIELDS", "2", "field:0", "field:1")
                time.sleep(0.01)
                self.assertIsNone(call("HGET", "h", "field:0"))
                self.assertEqual(call("HEXISTS", "h", "field:0"), 0)
                self.assertEqual(call("HSTRLEN", "h", "field:0"), 0)
                self.assertEqual(call("HLEN", "h"), count - 2)
                self.assertEqual(len(call("HKEYS", "h")), count - 2)
                self.assertNotIn(b"field:0", self.all())
                self.assertEqual(call("HTTL", "h", "FIELDS", "1", "field:0"), [-2])
                self.assertEqual(call("HDEL", "h", "field:0"), 0)
                self.assertEqual(call("HINCRBY", "h", "field:0", "5"), 5)
                self.assertEqual(call("HTTL", "h", "FIELDS", "1", "field:0"), [-1])
                self.assertEqual(call("HSETNX", "h", "field:1", "new"), 1)
                self.assertEqual(call("HLEN", "h"), count)
                self.assertEqual(len(set(call("HRANDFIELD", "h", "100000"))), count)
        finally:
            call("DEBUG", "SET-ACTIVE-EXPIRE", "1")

    def test_setting_a_field_clears_its_deadline_and_counting_keeps_it(self):
        call = self.client.call
        for count in (3, 3000):
            call("DEL", "h")
            self.start_with(count)
            call("HSET", "h", "n", "1")
            call("HEXPIRE", "h", "100", "FIELDS", "2", "field:0", "n")
            call("HSET", "h", "field:0", "new")
            call("HINCRBY", "h", "n", "1")
            call("HINCRBYFLOAT", "h", "n", "1.5")
            self.assertEqual(call("HTTL", "h", "FIELDS", "1", "field:0"), [-1])
            self.assertGreater(call("HTTL", "h", "FIELDS", "1", "n")[0], 90)
            self.assertEqual(call("HGET", "h", "n"), b"3.5")

    def test_a_key_with_a_deadline_of_its_own_too(self):
        call = self.client.call
        self.start_with()
        call("HPEXPIRE", "h", "60", "FIELDS", "1", "field:0")
        call("PEXPIRE", "h", "200")
        time.sleep(0.1)
        self.assertEqual(sorted(call("HKEYS", "h")), [b"field:1", b"field:2"])
        time.sleep(0.15)
        self.assertEqual(call("DBSIZE"), 0)
        self.start_with()
        call("HEXPIRE", "h", "100", "FIELDS", "1", "field:0")
        call("COPY", "h", "copy")
        call("RENAME", "h", "moved")
        self.assertGreater(call("HTTL", "copy", "FIELDS", "1", "field:0")[0], 90)
        self.assertGreater(call("HTTL", "moved", "FIELDS", "1", "field:0")[0], 90)
        self.assertEqual(call("FLUSHALL"), OK)


if __name__ == "__main__":
    unittest.main()
