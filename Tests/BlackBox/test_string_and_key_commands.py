# SPDX-License-Identifier: BSD-3-Clause
"""The string and key commands beside GET, SET and the counters: options, edges, error texts."""

import time
import unittest

from support import Map, OK, SharedServerCase, Status, Verbatim, error

WRONG_INTEGER = error("ERR value is not an integer or out of range")
NOT_FLOAT = error("ERR value is not a valid float")
SYNTAX = error("ERR syntax error")
TOO_LONG = error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
DATABASE = error("ERR DB index is out of range")
NOT_INT32 = error("ERR value is out of range, value must between -2147483648 and 2147483647")
SAME = error("ERR source and destination objects are the same")
MINIMUM, MAXIMUM = -(2**63), 2**63 - 1


def expire_error(command):
    return error(f"ERR invalid expire time in '{command}' command")


class Writes(SharedServerCase):
    """SETNX, SETEX, PSETEX, MSETNX, GETSET, GETDEL, GETEX."""

    def test_set_if_absent(self):
        call = self.client.call
        self.assertEqual(call("SETNX", "a", "1"), 1)
        self.assertEqual(call("SETNX", "a", "2"), 0)
        self.assertEqual(call("GET", "a"), b"1")
        self.assertEqual(call("MSETNX", "b", "1", "c", "2", "b", "3"), 1)
        self.assertEqual(call("MGET", "b", "c"), [b"3", b"2"])
        self.assertEqual(call("MSETNX", "d", "1", "c", "9"), 0)
        self.assertEqual(call("EXISTS", "d"), 0)
        self.assertEqual(
            call("MSETNX", "d", "1", "c"),
            error("ERR wrong number of arguments for 'msetnx' command"),
        )

    def test_F42_expire_times(self):
        call = self.client.call
        call("SET", "k", "v")
        for command in ("SETEX", "PSETEX"):
            for amount in (0, -1, MINIMUM, MAXIMUM):
                self.assertEqual(call(command, "k", amount, "x"), expire_error(command.lower()))
            self.assertEqual(call(command, "k", "x", "x"), WRONG_INTEGER)
        for unit in ("EX", "PX", "EXAT", "PXAT"):
            for amount in (0, -1, MINIMUM):
                self.assertEqual(call("GETEX", "k", unit, amount), expire_error("getex"))
            self.assertEqual(call("GETEX", "k", unit, "x"), WRONG_INTEGER)
        for unit in ("EX", "PX", "EXAT"):
            self.assertEqual(call("GETEX", "k", unit, MAXIMUM), expire_error("getex"))
        self.assertEqual((call("GET", "k"), call("PTTL", "k")), (b"v", -1))
        self.assertEqual(call("SETEX", "k", "100", "w"), OK)
        self.assertTrue(99_000 < call("PTTL", "k") <= 100_000)
        self.assertEqual(call("PSETEX", "k", "100", "w"), OK)
        self.assertTrue(0 < call("PTTL", "k") <= 100)

    def test_exchanges(self):
        call = self.client.call
        self.assertEqual(call("GETSET", "k", "1"), None)
        call("EXPIRE", "k", "100")
        self.assertEqual(call("GETSET", "k", "2"), b"1")
        self.assertEqual(call("TTL", "k"), -1)
        self.assertEqual(call("GETDEL", "k"), b"2")
        self.assertEqual(call("GETDEL", "k"), None)

    def test_get_with_a_deadline(self):
        call = self.client.call
        call("SET", "k", "v")
        self.assertEqual(call("GETEX", "k"), b"v")
        self.assertEqual(call("GETEX", "k", "ex", "100"), b"v")
        self.assertTrue(0 < call("TTL", "k") <= 100)
        self.assertEqual(call("GETEX", "k"), b"v")
        self.assertTrue(0 < call("TTL", "k") <= 100)
        self.assertEqual(call("GETEX", "k", "PERSIST"), b"v")
        self.assertEqual(call("TTL", "k"), -1)
        self.assertEqual(call("GETEX", "k", "PXAT", "1"), b"v")
        self.assertEqual(call("EXISTS", "k"), 0)
        self.assertEqual(call("GETEX", "missing", "EX", "x"), None)
        for words in (("EX",), ("EX", "1", "PX", "1"), ("PERSIST", "EX", "1"), ("KEEPTTL",)):
            self.assertEqual(call("GETEX", "missing", *words), SYNTAX)


class Fractions(SharedServerCase):
    """INCRBYFLOAT."""

    SUMS = (
        ("0", "0.1", "0.1"), ("10.5", "0.1", "10.6"), ("5.0e3", "2.0e2", "5200"),
        ("3", "-3", "0"), ("0", "-0", "0"), ("1e17", "1", "100000000000000001"),
        ("123456789012345678", "0.5", "123456789012345678.5"), ("0", "1e-5", "0.00001"),
        ("0", "1e-17", "0.00000000000000001"), ("0", "-1e-18", "0"), ("0x10", "0x1p3", "24"),
        ("1.17", "0", "1.17"), ("0", "1e20", "100000000000000000000"),
    )  # fmt: skip

    def test_sums(self):
        for old, increment, total in self.SUMS:
            with self.subTest(old=old, increment=increment):
                self.client.call("SET", "k", old)
                reply = self.client.call("INCRBYFLOAT", "k", increment)
                self.assertEqual(reply.decode(), total)
                self.assertEqual(self.client.call("GET", "k"), reply)

    def test_F41_numbers_that_are_none(self):
        call = self.client.call
        infinite = error("ERR increment would produce NaN or Infinity")
        for text in ("", " 1", "1 ", "a", "1a", "nan", "1e5000", "1..2", "1\0", "9" * 6000):
            call("SET", "k", "1")
            self.assertEqual(call("INCRBYFLOAT", "k", text), NOT_FLOAT)
            self.assertEqual(call("INCRBYFLOAT", "missing", text), NOT_FLOAT)
            call("SET", "k", text)
            self.assertEqual(call("INCRBYFLOAT", "k", "1"), NOT_FLOAT)
            self.assertEqual(call("GET", "k"), text.encode())
        call("SET", "k", "1", "EX", "100")
        for text in ("inf", "-inf", "+Infinity"):
            self.assertEqual(call("INCRBYFLOAT", "k", text), infinite)
        self.assertEqual(call("GET", "k"), b"1")
        self.assertEqual(call("INCRBYFLOAT", "k", "1e4900"), call("GET", "k"))
        self.assertEqual(call("INCRBYFLOAT", "k", "1.1e4932"), call("GET", "k"))
        self.assertEqual(call("INCRBYFLOAT", "k", "1.1e4932"), infinite)
        self.assertTrue(0 < call("TTL", "k") <= 100)


class Ranges(SharedServerCase):
    """GETRANGE, SUBSTR, SETRANGE."""

    def test_F43_get_range(self):
        call = self.client.call
        call("SET", "k", "Hello World")
        for start, end, part in (
            (0, 4, "Hello"), (-3, -1, "rld"), (0, -1, "Hello World"), (10, 100, "d"), (5, 3, ""),
            (-1, -5, ""), (-100, -200, ""), (-200, -100, "H"), (-100, 2, "Hel"), (11, 12, ""),
            (MINIMUM, MAXIMUM, "Hello World"), (MAXIMUM, MAXIMUM, ""), (MINIMUM, MINIMUM, "H"),
            (MAXIMUM, MINIMUM, ""), (0, MINIMUM, "H"), (1, MINIMUM, ""),
        ):  # fmt: skip
            for command in ("GETRANGE", "SUBSTR"):
                self.assertEqual(call(command, "k", start, end), part.encode(), (start, end))
        self.assertEqual(call("GETRANGE", "missing", "0", "-1"), b"")
        for words in (("x", "0"), ("0", "x"), ("", "0"), (str(2**63), "0")):
            self.assertEqual(call("GETRANGE", "missing", *words), WRONG_INTEGER)
        call("SET", "k", "12345")
        self.assertEqual(call("GETRANGE", "k", "1", "-2"), b"234")

    def test_parts_of_a_huge_value(self):
        call = self.client.call
        value = bytes(range(256)) * 4096
        call("SET", "k", value)
        for start, end in ((0, 10), (5, 20_000), (100_000, -1), (0, -1), (-40_000, -3)):
            expected = value[start:] if end == -1 else value[start : end + 1]
            self.assertEqual(call("GETRANGE", "k", start, end), expected)
        # The reply that is on its way keeps its bytes.
        self.client.send("GETRANGE", "k", 0, -1)
        self.client.send("SETRANGE", "k", 0, "changed")
        self.client.send("GETRANGE", "k", 0, 9)
        self.assertEqual(self.client.read(), value)
        self.assertEqual(self.client.read(), len(value))
        self.assertEqual(self.client.read(), b"changed" + value[7:10])

    def test_set_range(self):
        call = self.client.call
        self.assertEqual(call("SETRANGE", "k", 0, ""), 0)
        self.assertEqual(call("EXISTS", "k"), 0)
        self.assertEqual(call("SETRANGE", "k", 3, "x"), 4)
        self.assertEqual(call("GET", "k"), b"\0\0\0x")
        call("SET", "k", "12345", "EX", "100")
        self.assertEqual(call("SETRANGE", "k", 1, "xy"), 5)
        self.assertEqual(call("GET", "k"), b"1xy45")
        self.assertEqual(call("SETRANGE", "k", 70_000, "end"), 70_003)
        self.assertEqual(call("GET", "k"), b"1xy45" + b"\0" * 69_995 + b"end")
        self.assertTrue(0 < call("TTL", "k") <= 100)

    def test_F43_set_range_beyond_the_limit(self):
        call = self.client.call
        for key in ("missing", "k"):
            for offset in (2**29, MAXIMUM, MAXIMUM - 1, 2**32):
                self.assertEqual(call("SETRANGE", key, offset, "xx"), TOO_LONG)
            for offset in (-1, MINIMUM):
                self.assertEqual(
                    call("SETRANGE", key, offset, ""), error("ERR offset is out of range")
                )
            self.assertEqual(call("SETRANGE", key, "x", ""), WRONG_INTEGER)
            call("SET", "k", "v")
        self.assertEqual(call("SETRANGE", "k", MAXIMUM, ""), 1)
        self.assertEqual(call("EXISTS", "missing"), 0)
        self.assertEqual(call("GET", "k"), b"v")

    def test_a_distant_range(self):
        self.assertEqual(self.client.call("SETRANGE", "k", 2**29 - 1, "x"), 2**29)
        self.assertEqual(self.client.call("GETRANGE", "k", 2**29 - 2, -1), b"\0x")


class Comparisons(SharedServerCase):
    """LCS."""

    def setUp(self):
        super().setUp()
        self.client.call("MSET", "a", "ohmytext", "b", "mynewtext")

    def test_replies(self):
        call = self.client.call
        matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
        self.assertEqual(call("LCS", "a", "b"), b"mytext")
        self.assertEqual(call("LCS", "a", "b", "LEN"), 6)
        self.assertEqual(call("LCS", "a", "b", "IDX"), [b"matches", matches, b"len", 6])
        self.assertEqual(
            call("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"),
            [b"matches", [[*matches[0], 4]], b"len", 6],
        )
        self.assertEqual(call("LCS", "a", "b", "IDX", "MINMATCHLEN", MINIMUM)[1], matches)
        self.assertEqual(call("LCS", "a", "b", "IDX", "MINMATCHLEN", MAXIMUM)[1], [])
        self.assertEqual(call("LCS", "a", "missing"), b"")
        self.assertEqual(call("LCS", "no", "missing", "LEN"), 0)
        self.assertEqual(call("LCS", "no", "missing", "IDX"), [b"matches", [], b"len", 0])
        call("HELLO", "3")
        self.assertEqual(
            call("LCS", "a", "b", "IDX"), Map({b"matches": matches, b"len": 6})
        )

    def test_errors(self):
        call = self.client.call
        self.assertEqual(
            call("LCS", "a", "b", "LEN", "IDX"),
            error("ERR If you want both the length and indexes, please just use IDX."),
        )
        self.assertEqual(call("LCS", "a", "b", "MINMATCHLEN"), SYNTAX)
        self.assertEqual(call("LCS", "a", "b", "BOGUS"), SYNTAX)
        self.assertEqual(call("LCS", "a", "b", "MINMATCHLEN", "x"), WRONG_INTEGER)

    def test_memory_is_bounded(self):
        call = self.client.call
        call("MSET", "a", "ab" * 5750, "b", "ba" * 5750)
        self.assertEqual(call("LCS", "a", "b", "LEN"), 11_499)
        self.assertEqual(call("LCS", "a", "b", "IDX")[3], 11_499)
        call("SETRANGE", "b", 12_000, "x")
        self.assertEqual(
            call("LCS", "a", "b"),
            error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"),
        )

    def test_the_largest_comparison(self):
        call = self.client.call
        call("MSET", "a", "ab" * 5750, "b", "ba" * 5750)
        self.assertEqual(call("LCS", "a", "b", "LEN"), 11_499)


class Moves(SharedServerCase):
    """RENAME, RENAMENX, COPY, MOVE, SWAPDB."""

    def test_rename(self):
        call = self.client.call
        for value in (b"v", b"12", b"x" * 100_000):
            call("SET", "a", value, "EX", "100")
            call("SET", "b", "old")
            self.assertEqual(call("RENAME", "a", "b"), OK)
            self.assertEqual((call("GET", "a"), call("GET", "b")), (None, value))
            self.assertTrue(0 < call("TTL", "b") <= 100)
            self.assertEqual(call("RENAME", "b", "b"), OK)
            self.assertEqual(call("RENAMENX", "b", "b"), 0)
            call("SET", "c", "1")
            self.assertEqual(call("RENAMENX", "b", "c"), 0)
            self.assertEqual(call("RENAMENX", "b", "d"), 1)
            self.assertEqual(call("RENAME", "d", "e"), OK)
            self.assertEqual(call("GET", "e"), value)
        for command in ("RENAME", "RENAMENX"):
            self.assertEqual(call(command, "missing", "b"), error("ERR no such key"))
            self.assertEqual(call(command, "missing", "missing"), error("ERR no such key"))

    def test_copy(self):
        call = self.client.call
        for value in (b"v", b"12", b"x" * 100_000):
            call("DEL", "b")
            call("SET", "a", value, "EX", "100")
            self.assertEqual(call("COPY", "a", "b"), 1)
            self.assertEqual(call("COPY", "a", "b"), 0)
            self.assertTrue(0 < call("TTL", "b") <= 100)
            call("APPEND", "b", "!")
            self.assertEqual((call("GET", "a"), call("GET", "b")), (value, value + b"!"))
            self.assertEqual(call("COPY", "a", "b", "replace"), 1)
            self.assertEqual(call("GET", "b"), value)
            self.assertEqual(call("COPY", "a", "a", "DB", "1", "REPLACE"), 1)
            call("SETRANGE", "a", 0, "?")
            call("SELECT", "1")
            self.assertEqual(call("GET", "a"), value)
            call("SELECT", "0")
        self.assertEqual(call("COPY", "missing", "b", "REPLACE"), 0)
        self.assertEqual(call("COPY", "a", "a"), SAME)
        self.assertEqual(call("COPY", "a", "a", "DB", "0", "REPLACE"), SAME)
        self.assertEqual(call("COPY", "a", "b", "DB"), SYNTAX)
        self.assertEqual(call("COPY", "a", "b", "BOGUS", "DB", "x"), SYNTAX)
        self.assertEqual(call("COPY", "a", "b", "DB", "x"), WRONG_INTEGER)
        self.assertEqual(call("COPY", "a", "b", "DB", "99"), DATABASE)
        self.assertEqual(call("COPY", "a", "b", "DB", "-1", "BOGUS"), DATABASE)
        self.assertEqual(call("COPY", "a", "b", "DB", 2**31), NOT_INT32)

    def test_move(self):
        call = self.client.call
        call("SET", "a", "v", "EX", "100")
        self.assertEqual(call("MOVE", "a", "1"), 1)
        self.assertEqual(call("MOVE", "a", "1"), 0)
        call("SET", "a", "w")
        self.assertEqual(call("MOVE", "a", "1"), 0)
        self.assertEqual(call("GET", "a"), b"w")
        call("SELECT", "1")
        self.assertEqual(call("GET", "a"), b"v")
        self.assertTrue(0 < call("TTL", "a") <= 100)
        self.assertEqual(call("MOVE", "a", "1"), SAME)
        for number, expected in (("x", WRONG_INTEGER), ("16", DATABASE), ("-1", DATABASE)):
            self.assertEqual(call("MOVE", "a", number), expected)
        self.assertEqual(call("MOVE", "a", 2**40), NOT_INT32)

    def test_F51_swap_databases(self):
        call = self.client.call
        other = self.new_client()
        other.call("SELECT", "1")
        call("SET", "a", "zero", "PX", "300")
        other.call("SET", "a", "one")
        self.assertEqual(call("SWAPDB", "0", "1"), OK)
        self.assertEqual((call("GET", "a"), other.call("GET", "a")), (b"one", b"zero"))
        self.assertEqual(call("SWAPDB", "1", "1"), OK)
        time.sleep(0.4)
        self.assertEqual((call("DBSIZE"), other.call("DBSIZE")), (1, 0))
        first, second = error("ERR invalid first DB index"), error("ERR invalid second DB index")
        for words, expected in (
            (("x", "1"), first), (("1", "x"), second), ((2**31, "0"), first),
            (("0", 2**31), second), (("0", "16"), DATABASE), (("-1", "0"), DATABASE),
        ):  # fmt: skip
            self.assertEqual(call("SWAPDB", *words), expected)


class Facts(SharedServerCase):
    """OBJECT, TOUCH, RANDOMKEY, TIME, LASTSAVE, ROLE, LOLWUT."""

    def test_encodings(self):
        call = self.client.call

        def encoding():
            return call("OBJECT", "ENCODING", "k").decode()

        for value, expected in (
            ("1", "int"), (MINIMUM, "int"), (2**63, "embstr"), ("01", "embstr"), ("", "embstr"),
            ("x" * 44, "embstr"), ("x" * 45, "raw"), ("x" * 40_000, "raw"),
        ):  # fmt: skip
            call("SET", "k", value)
            self.assertEqual(encoding(), expected)
        for words in (("APPEND", "k", ""), ("APPEND", "k", "1"), ("SETRANGE", "k", 0, "2")):
            call("SET", "k", "1")
            call(*words)
            self.assertEqual(encoding(), "raw")
            call("COPY", "k", "l")
            call("RENAME", "l", "k")
            call("EXPIRE", "k", "100")
            self.assertEqual(encoding(), "raw")
        call("INCR", "k")
        self.assertEqual(encoding(), "int")
        call("INCRBYFLOAT", "k", "1")
        self.assertEqual(encoding(), "embstr")

    def test_object(self):
        call = self.client.call
        for word in ("ENCODING", "REFCOUNT", "IDLETIME", "FREQ"):
            self.assertEqual(call("OBJECT", word, "missing"), None)
            self.assertEqual(
                call("OBJECT", word),
                error(f"ERR wrong number of arguments for 'object|{word.lower()}' command"),
            )
        call("MSET", "small", "9999", "large", "10000", "text", "x")
        counts = [call("OBJECT", "REFCOUNT", key) for key in ("small", "large", "text")]
        self.assertEqual(counts, [2**31 - 1, 1, 1])
        self.assertEqual(call("OBJECT", "IDLETIME", "text"), 0)
        self.assertEqual(
            call("OBJECT", "FREQ", "text"),
            error(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                "Please note that when switching between policies at runtime LRU and LFU data "
                "will take some time to adjust."
            ),
        )
        self.assertIsInstance(call("OBJECT", "HELP")[0], Status)
        self.assertEqual(
            call("OBJECT", "NOSUCH"),
            error("ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP."),
        )

    def test_looking_is_no_access(self):
        call = self.client.call
        call("MSET", "a", "1", "b", "1")
        time.sleep(2.1)
        for words in (("TTL", "a"), ("TYPE", "a"), ("EXISTS", "a"), ("OBJECT", "ENCODING", "a")):
            call(*words)
            self.assertGreaterEqual(call("OBJECT", "IDLETIME", "a"), 1)
        self.assertEqual(call("TOUCH", "a", "b", "a", "missing"), 3)
        self.assertEqual(call("OBJECT", "IDLETIME", "a"), 0)

    def test_random_keys(self):
        call = self.client.call
        self.assertEqual(call("RANDOMKEY"), None)
        names = [f"k{number}".encode() for number in range(10)]
        for name in names:
            call("SET", name, "v")
        self.assertEqual({call("RANDOMKEY") for _ in range(500)}, set(names))

    def test_random_keys_are_not_due(self):
        call = self.client.call
        call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.addCleanup(call, "DEBUG", "SET-ACTIVE-EXPIRE", "1")
        for number in range(500):
            self.client.send("PSETEX", f"k{number}", "1", "v")
        for _ in range(500):
            self.client.read()
        call("SET", "alive", "v")
        time.sleep(0.01)
        self.assertEqual({call("RANDOMKEY") for _ in range(20)}, {b"alive"})
        call("DEL", "alive")
        self.assertEqual(call("RANDOMKEY"), None)

    def test_the_time(self):
        call = self.client.call
        before = time.time()
        seconds, microseconds = (int(part) for part in call("TIME"))
        after = time.time()
        self.assertTrue(0 <= microseconds < 1_000_000)
        self.assertTrue(before - 0.05 <= seconds + microseconds / 1e6 <= after + 0.05)
        self.assertTrue(abs(call("LASTSAVE") - after) < 3600)
        self.assertEqual(call("ROLE"), [b"master", 0, []])

    def test_lolwut(self):
        call = self.client.call
        version = call("INFO", "server").decode().split("redis_version:")[1].split("\r\n")[0]
        for words in ((), ("VERSION", "5", "4"), ("VERSION", "7"), ("nonsense",), ("VERSION",)):
            self.assertTrue(call("LOLWUT", *words).decode().endswith(f"Redis ver. {version}\n"))
        self.assertEqual(call("LOLWUT", "VERSION", "x"), WRONG_INTEGER)
        call("HELLO", "3")
        self.assertIsInstance(call("LOLWUT"), Verbatim)


if __name__ == "__main__":
    unittest.main()
