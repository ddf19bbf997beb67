# SPDX-License-Identifier: BSD-3-Clause
"""Lists: replies in both protocols, errors word for word, large lists, huge elements, waiting."""

import random
import time
import unittest

from support import OK, NilArray, SharedServerCase, amount, encode, error, needs_oracle, ours_only

WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_INTEGER = error("ERR value is not an integer or out of range")
SYNTAX = error("ERR syntax error")
LEAST, MOST = -(2**63), 2**63 - 1
HUGE = b"h" * 40_000


class ListCase(SharedServerCase):
    def fill(self, key, elements, batch=1000):
        """Puts elements behind a list."""
        commands = [
            ("RPUSH", key, *elements[at : at + batch]) for at in range(0, len(elements), batch)
        ]
        self.client.pipeline(commands, batch=20)

    def contents(self, key):
        return self.client.call("LRANGE", key, 0, -1)


class Ends(ListCase):
    def test_elements_go_in_and_out_at_both_ends(self):
        call = self.client.call
        self.assertEqual(call("RPUSH", "l", "a", "b"), 2)
        self.assertEqual(call("LPUSH", "l", "c", "d"), 4)
        self.assertEqual(self.contents("l"), [b"d", b"c", b"a", b"b"])
        self.assertEqual(call("LPOP", "l"), b"d")
        self.assertEqual(call("RPOP", "l", 2), [b"b", b"a"])
        self.assertEqual(call("LPUSHX", "l", "x"), 2)
        self.assertEqual(call("RPUSHX", "none", "x"), 0)
        self.assertEqual(call("LPOP", "l", 10), [b"x", b"c"])
        self.assertEqual(call("EXISTS", "l", "none"), 0)

    def test_nothing_is_null_or_a_null_array(self):
        for version in (2, 3):
            client = self.new_client()
            client.call("HELLO", version)
            null_array = NilArray() if version == 2 else None
            client.call("RPUSH", "some", "a")
            self.assertIsNone(client.call("LPOP", "none"))
            self.assertEqual(client.call("LPOP", "none", 1), null_array)
            self.assertEqual(client.call("RPOP", "none", 0), null_array)
            self.assertEqual(client.call("RPOP", "some", 0), [])
            self.assertEqual(client.call("LMPOP", 1, "none", "LEFT"), null_array)
            self.assertIsNone(client.call("LMOVE", "none", "other", "LEFT", "LEFT"))
            self.assertIsNone(client.call("RPOPLPUSH", "none", "other"))
            self.assertIsNone(client.call("LINDEX", "none", 0))
            self.assertIsNone(client.call("LPOS", "none", "a"))
            self.assertEqual(client.call("LPOS", "none", "a", "COUNT", 1), [])
            self.assertEqual(client.call("LRANGE", "none", 0, -1), [])
            self.assertEqual(client.call("BLPOP", "none", "0.01"), null_array)
            self.assertEqual(client.call("BLMOVE", "none", "o", "LEFT", "LEFT", "0.01"), null_array)
            client.call("DEL", "some")

    def test_several_lists(self):
        call = self.client.call
        call("RPUSH", "b", "1", "2", "3")
        self.assertEqual(call("LMPOP", 2, "a", "b", "RIGHT", "COUNT", 2), [b"b", [b"3", b"2"]])
        self.assertEqual(call("LMOVE", "b", "c", "LEFT", "RIGHT"), b"1")
        self.assertEqual(call("EXISTS", "b"), 0)
        call("RPUSH", "c", "2", "3")
        self.assertEqual(call("RPOPLPUSH", "c", "c"), b"3")
        self.assertEqual(self.contents("c"), [b"3", b"1", b"2"])
        self.assertEqual(call("LMOVE", "c", "c", "LEFT", "LEFT"), b"3")
        self.assertEqual(self.contents("c"), [b"3", b"1", b"2"])

    def test_errors(self):
        call = self.client.call
        call("RPUSH", "l", "a")
        positive = error("ERR value is out of range, must be positive")
        keys = error("ERR numkeys should be greater than 0")
        count = error("ERR count should be greater than 0")
        for words, expected in (
            (("LPOP", "l", "-1"), positive),
            (("LPOP", "l", "x"), positive),
            (("LPOP", "l", "1", "2"), error("ERR wrong number of arguments for 'lpop' command")),
            (("LMPOP", "0", "l", "LEFT"), keys),
            (("LMPOP", "x", "l", "LEFT"), keys),
            (("LMPOP", str(MOST), "l", "LEFT"), SYNTAX),
            (("LMPOP", "1", "l", "UP"), SYNTAX),
            (("LMPOP", "1", "l", "LEFT", "COUNT", "0"), count),
            (("LMPOP", "1", "l", "LEFT", "COUNT", "1", "COUNT", "1"), SYNTAX),
            (("LMOVE", "l", "l", "LEFT", "UP"), SYNTAX),
            (("LSET", "none", "0", "x"), error("ERR no such key")),
            (("LSET", "l", "1", "x"), error("ERR index out of range")),
            (("LSET", "l", "x", "x"), NOT_INTEGER),
            (("LINSERT", "l", "NEAR", "a", "b"), SYNTAX),
            (("LRANGE", "l", "x", "0"), NOT_INTEGER),
            (("LREM", "l", "x", "0"), NOT_INTEGER),
            (("LTRIM", "l", "0", "x"), NOT_INTEGER),
            (("BLPOP", "l", "-1"), error("ERR timeout is negative")),
            (("BLPOP", "l", "x"), error("ERR timeout is not a float or out of range")),
            (("BLMPOP", "0", "0", "l", "LEFT"), keys),
        ):
            self.assertEqual(call(*words), expected, words)
        self.assertEqual(self.contents("l"), [b"a"])

    def test_other_types_are_refused_and_unchanged(self):
        call = self.client.call
        call("SET", "s", "v")
        call("RPUSH", "l", "a")
        for words in (
            ("LPUSH", "s", "x"), ("RPUSHX", "s", "x"), ("LPOP", "s"), ("RPOP", "s", "1"),
            ("LLEN", "s"), ("LRANGE", "s", "0", "1"), ("LINDEX", "s", "0"), ("LSET", "s", "0", "x"),
            ("LREM", "s", "0", "x"), ("LTRIM", "s", "0", "1"), ("LINSERT", "s", "BEFORE", "a", "b"),
            ("LPOS", "s", "x"), ("RPOPLPUSH", "s", "l"), ("RPOPLPUSH", "l", "s"),
            ("LMOVE", "l", "s", "LEFT", "LEFT"), ("LMPOP", "2", "none", "s", "LEFT"),
            ("BLPOP", "none", "s", "0"), ("BLMOVE", "l", "s", "LEFT", "LEFT", "0"),
            ("BLMPOP", "0", "1", "s", "LEFT"), ("SORT", "s"),
        ):  # fmt: skip
            self.assertEqual(call(*words), WRONG_TYPE, words)
        self.assertEqual(call("GET", "s"), b"v")
        self.assertEqual(self.contents("l"), [b"a"])


class Positions(ListCase):
    def test_numbers_at_the_extremes(self):
        call = self.client.call
        call("RPUSH", "l", "a", "b", "a")
        self.assertEqual(call("LRANGE", "l", LEAST, MOST), [b"a", b"b", b"a"])
        self.assertEqual(call("LRANGE", "l", MOST, LEAST), [])
        self.assertEqual(call("LPOS", "l", "a", "COUNT", MOST, "MAXLEN", MOST), [0, 2])
        self.assertEqual(call("LPOS", "l", "a", "RANK", -MOST), None)
        self.assertEqual(call("LPOS", "l", "a", "RANK", MOST, "COUNT", 0), [])
        self.assertIsNone(call("LINDEX", "l", LEAST))
        self.assertEqual(call("LREM", "l", LEAST, "none"), 0)
        self.assertEqual(call("LPOP", "l", MOST), [b"a", b"b", b"a"])
        self.assertEqual(call("LTRIM", "l", LEAST, MOST), OK)

    @ours_only("7.0 takes the least rank for 1 from the end")
    def test_the_least_rank_is_refused(self):
        self.client.call("RPUSH", "l", "a")
        self.assertEqual(
            self.client.call("LPOS", "l", "a", "RANK", LEAST),
            error(
                "ERR value is out of range, value must between -9223372036854775807 and"
                " 9223372036854775807"
            ),
        )

    def test_equal_elements(self):
        call = self.client.call
        call("RPUSH", "l", *"abcabcabc")
        self.assertEqual(call("LPOS", "l", "b", "RANK", 2), 4)
        self.assertEqual(call("LPOS", "l", "b", "RANK", -1, "COUNT", 2), [7, 4])
        self.assertEqual(call("LPOS", "l", "c", "COUNT", 0, "MAXLEN", 5), [2])
        self.assertEqual(
            call("LPOS", "l", "c", "RANK", 0),
            error(
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second"
                " ... or use negative to start from the end of the list"
            ),
        )
        for option, text in (("COUNT", "COUNT"), ("MAXLEN", "MAXLEN")):
            refused = error(f"ERR {text} can't be negative")
            self.assertEqual(call("LPOS", "l", "c", option, -1), refused)
        self.assertEqual(call("LREM", "l", -2, "a"), 2)
        self.assertEqual(self.contents("l"), [b"a", b"b", b"c", b"b", b"c", b"b", b"c"])
        self.assertEqual(call("LINSERT", "l", "after", "c", "x"), 8)
        self.assertEqual(call("LINSERT", "l", "BEFORE", "none", "x"), -1)
        self.assertEqual(call("LINSERT", "none", "BEFORE", "c", "x"), 0)
        self.assertEqual(call("LSET", "l", -1, "z"), OK)
        self.assertEqual(call("LTRIM", "l", 2, -2), OK)
        self.assertEqual(self.contents("l"), [b"c", b"x", b"b", b"c", b"b"])

    def test_a_large_list_equals_a_model(self):
        source = random.Random(7)
        model = [b"element:%d" % source.randrange(50) for _ in range(20_000)]
        self.fill("l", model)
        for _ in range(300):
            at = source.randrange(len(model))
            element = b"%d" % source.randrange(10**9) * source.randrange(1, 300)
            self.assertEqual(self.client.call("LSET", "l", at, element), OK)
            model[at] = element
            at = source.randrange(len(model))
            pivot = model[at]
            first = model.index(pivot)
            length = self.client.call("LINSERT", "l", "BEFORE", pivot, element)
            model.insert(first, element)
            self.assertEqual(length, len(model))
            at = source.randrange(len(model))
            self.assertEqual(self.client.call("LINDEX", "l", at), model[at])
            self.assertEqual(self.client.call("LREM", "l", 1, model[at]), 1)
            del model[model.index(model[at])]
        self.assertEqual(self.contents("l"), model)
        self.client.call("LTRIM", "l", 5_000, -5_000)
        self.assertEqual(self.contents("l"), model[5_000 : len(model) - 4_999])


class LargeAndHuge(ListCase):
    def test_huge_elements(self):
        call = self.client.call
        other = b"i" * 1_000_000
        self.assertEqual(call("RPUSH", "l", "a", HUGE, "b", other), 4)
        self.assertEqual(self.contents("l"), [b"a", HUGE, b"b", other])
        self.assertEqual(call("LPOS", "l", other), 3)
        self.assertEqual(call("LMOVE", "l", "m", "RIGHT", "LEFT"), other)
        self.assertEqual(call("COPY", "m", "n"), 1)
        self.assertEqual(call("LSET", "l", 0, other), OK)
        self.assertEqual(call("LINSERT", "l", "BEFORE", HUGE, HUGE), 4)
        self.assertEqual(call("LREM", "l", 0, HUGE), 2)
        self.assertEqual(self.contents("l"), [other, b"b"])
        self.assertEqual(call("DEL", "m", "l"), 2)
        self.assertEqual(call("LPOP", "n"), other)

    @ours_only("Redis frees at once, or in another thread")
    def test_a_large_list_is_freed_in_slices(self):
        elements = amount("LIST_ELEMENTS", 400_000)
        self.fill("l", [b"element %d" % number for number in range(elements)])
        client = self.client
        before = int(client.info("memory")["used_memory"])
        # Both are answered in one turn of the loop: what was deleted is still there.
        client.send_raw(encode("DEL", "l") + encode("INFO", "memory"))
        self.assertEqual(client.read(), 1)
        used = int(client.read().split(b"used_memory:")[1].split(b"\r")[0])
        self.assertGreater(used, before // 2)
        self.eventually(lambda: int(client.info("memory")["used_memory"]) < before // 4)
        self.assertEqual(client.call("EXISTS", "l"), 0)


class Encodings(ListCase):
    @ours_only("7.0 calls every list a quicklist")
    def test_the_name_follows_the_setting(self):
        call = self.client.call
        call("CONFIG", "SET", "list-max-listpack-size", "4")
        call("RPUSH", "l", *"abcd")
        self.assertEqual(call("OBJECT", "ENCODING", "l"), b"listpack")
        call("RPUSH", "l", "e")
        self.assertEqual(call("OBJECT", "ENCODING", "l"), b"quicklist")
        call("LPOP", "l", 2)
        self.assertEqual(call("OBJECT", "ENCODING", "l"), b"quicklist")
        call("LPOP", "l")
        self.assertEqual(call("OBJECT", "ENCODING", "l"), b"listpack")
        call("CONFIG", "SET", "list-max-listpack-size", "-2")
        call("RPUSH", "l", "x" * 8_200)
        self.assertEqual(call("OBJECT", "ENCODING", "l"), b"quicklist")


class Waiting(ListCase):
    def blocked(self):
        return int(self.client.info("clients")["blocked_clients"])

    def waiter(self, *words):
        """A client that waits for good, in its turn behind those before it."""
        client = self.new_client()
        before = self.blocked()
        client.send(*words)
        self.eventually(lambda: self.blocked() == before + 1)
        return client

    def test_a_push_serves_the_first_who_waits(self):
        first = self.waiter("BLPOP", "a", "b", 0)
        second = self.waiter("BRPOP", "b", 0)
        self.assertEqual(self.client.call("RPUSH", "b", "1"), 1)
        self.assertEqual(first.read(), [b"b", b"1"])
        self.assertTrue(second.is_quiet())
        self.assertEqual(self.client.call("RPUSH", "b", "2", "3"), 2)
        self.assertEqual(second.read(), [b"b", b"3"])
        self.assertEqual(self.contents("b"), [b"2"])

    def test_who_leaves_is_not_served(self):
        gone = self.waiter("BLPOP", "k", 0)
        stays = self.waiter("BLPOP", "k", 0)
        gone.close()
        self.eventually(lambda: self.blocked() == 1)
        self.client.call("RPUSH", "k", "x")
        self.assertEqual(stays.read(), [b"k", b"x"])

    def test_a_chain_of_moves(self):
        last = self.waiter("BLPOP", "c", 0)
        middle = self.waiter("BLMOVE", "b", "c", "LEFT", "RIGHT", 0)
        first = self.waiter("BRPOPLPUSH", "a", "b", 0)
        self.assertEqual(self.client.call("LPUSH", "a", "x"), 1)
        self.assertEqual(first.read(), b"x")
        self.assertEqual(middle.read(), b"x")
        self.assertEqual(last.read(), [b"c", b"x"])
        self.assertEqual(self.client.call("EXISTS", "a", "b", "c"), 0)

    def test_another_type_does_not_wake(self):
        client = self.waiter("BLMPOP", 0, 2, "x", "y", "LEFT", "COUNT", 5)
        self.client.call("SET", "x", "string")
        self.assertTrue(client.is_quiet())
        self.client.call("DEL", "x")
        self.client.call("RPUSH", "x", "1", "2")
        self.assertEqual(client.read(), [b"x", [b"1", b"2"]])

    def test_in_a_transaction_nobody_waits(self):
        call = self.client.call
        if call("MULTI") != OK:
            self.skipTest("no transactions yet")
        for words in (("BLPOP", "k", 0), ("BLMPOP", 0, 1, "k", "LEFT"), ("BRPOPLPUSH", "k", "d", 0)):
            call(*words)
        self.assertEqual(call("EXEC"), [NilArray(), NilArray(), None])

    def test_time_runs_out(self):
        started = time.monotonic()
        self.assertEqual(self.client.call("BRPOP", "k", "0.05"), NilArray())
        self.assertGreaterEqual(time.monotonic() - started, 0.05)


class Sorting(ListCase):
    def test_orders(self):
        call = self.client.call
        call("RPUSH", "l", "3", "1", "2", "10", "-1", "1.5")
        self.assertEqual(call("SORT", "l"), [b"-1", b"1", b"1.5", b"2", b"3", b"10"])
        self.assertEqual(call("SORT", "l", "DESC", "LIMIT", 0, 2), [b"10", b"3"])
        self.assertEqual(call("SORT_RO", "l", "ALPHA", "LIMIT", 1, 2), [b"1", b"1.5"])
        self.assertEqual(call("SORT", "l", "BY", "nosort", "DESC", "LIMIT", 0, 2), [b"1.5", b"-1"])
        self.assertEqual(call("SORT", "l", "LIMIT", MOST, MOST), [])
        self.assertEqual(call("SORT", "l", "LIMIT", LEAST, LEAST), call("SORT", "l"))

    def test_weights_and_what_is_fetched(self):
        call = self.client.call
        call("RPUSH", "l", "a", "b", "c")
        call("MSET", "w_a", "3", "w_b", "1", "w_c", "2", "d_a", "A", "d_c", "C")
        self.assertEqual(call("SORT", "l", "BY", "w_*"), [b"b", b"c", b"a"])
        self.assertEqual(
            call("SORT", "l", "BY", "w_*", "GET", "#", "GET", "d_*", "GET", "none"),
            [b"b", None, None, b"c", b"C", None, b"a", b"A", None],
        )
        self.assertEqual(call("SORT", "l", "BY", "w_*", "GET", "d_*", "STORE", "out"), 3)
        self.assertEqual(self.contents("out"), [b"", b"C", b"A"])
        self.assertEqual(call("SORT", "none", "STORE", "out"), 0)
        self.assertEqual(call("EXISTS", "out"), 0)

    def test_errors(self):
        call = self.client.call
        call("RPUSH", "l", "a", "b")
        no_number = error("ERR One or more scores can't be converted into double")
        self.assertEqual(call("SORT", "l"), no_number)
        self.assertEqual(call("SORT", "l", "LIMIT", "1"), SYNTAX)
        self.assertEqual(call("SORT", "l", "LIMIT", "1", "x"), NOT_INTEGER)
        self.assertEqual(call("SORT_RO", "l", "STORE", "x"), SYNTAX)
        self.assertEqual(call("SORT", "l", "UPWARDS"), SYNTAX)

    @needs_oracle
    def test_texts_are_numbers_as_the_oracle_takes_them(self):
        oracle = self.connect(self.start_oracle())
        # What is out of range comes last: the oracle does not forget that it was.
        for text in ("", " 1", "1 ", "0x10", "1e3", "inf", "-inf", "nan", "+5", "1\x002",
                     ".5", "5.", "--1", "1e", "infinity", "\t7", "0x", "1_0", "1e400"):  # fmt: skip
            replies = []
            for client in (self.client, oracle):
                client.call("DEL", "l")
                client.call("RPUSH", "l", "2", text, "-3")
                replies.append(client.call("SORT", "l"))
            self.assertEqual(*replies, repr(text))


if __name__ == "__main__":
    unittest.main()
