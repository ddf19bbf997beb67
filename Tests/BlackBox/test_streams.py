# SPDX-License-Identifier: BSD-3-Clause
"""The commands of streams: options, edges, error texts, waiting."""

import threading
import time
import unittest

from support import OK, Map, NilArray, SharedServerCase, error

WRONG_TYPE = error("WRONGTYPE Operation against a key holding the wrong kind of value")
WRONG_INTEGER = error("ERR value is not an integer or out of range")
SYNTAX = error("ERR syntax error")
INVALID = error("ERR Invalid stream ID specified as stream command argument")
TOO_SMALL = error(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"
)
MAXIMUM = "18446744073709551615-18446744073709551615"


def entry(identifier, *pairs):
    return [identifier.encode(), [p.encode() for p in pairs]]


class Additions(SharedServerCase):
    """XADD, XLEN, XRANGE, XREVRANGE, XDEL, XTRIM, XSETID."""

    def fill(self, count, key="s", start=1):
        for n in range(start, start + count):
            self.client.call("XADD", key, f"{n}-0", "n", n)

    def test_identifiers(self):
        call = self.client.call
        self.assertEqual(call("XADD", "s", "5", "f", "v"), b"5-0")
        self.assertEqual(call("XADD", "s", "5-*", "f", "v"), b"5-1")
        self.assertEqual(call("XADD", "s", "6-*", "f", "v"), b"6-0")
        self.assertEqual(call("XADD", "s", "6-0", "f", "v"), TOO_SMALL)
        self.assertEqual(call("XADD", "s", "5-*", "f", "v"), TOO_SMALL)
        self.assertEqual(
            call("XADD", "new", "0-0", "f", "v"),
            error("ERR The ID specified in XADD must be greater than 0-0"),
        )
        for text in ("x", "-", "+", "1-2-3", "1-x", "-1", "18446744073709551616", "", "1" * 200):
            self.assertEqual(call("XADD", "new", text, "f", "v"), INVALID)
        self.assertEqual(call("EXISTS", "new"), 0)
        self.assertEqual(call("XADD", "new", "0-*", "f", "v"), b"0-1")
        self.assertEqual(call("XADD", "new", MAXIMUM, "f", "v"), MAXIMUM.encode())
        self.assertEqual(
            call("XADD", "new", "*", "f", "v"),
            error("ERR The stream has exhausted the last possible ID, unable to add more items"),
        )
        automatic = call("XADD", "s", "*", "f", "v")
        self.assertLess(abs(int(automatic.split(b"-")[0]) - time.time() * 1000), 60_000)
        self.assertEqual(call("XADD", "absent", "NOMKSTREAM", "*", "f", "v"), None)
        for words in (("*",), ("*", "f"), ("*", "f", "v", "g"), ("MAXLEN", "1")):
            self.assertEqual(
                call("XADD", "s", *words, *([] if len(words) > 2 else ["q"] * 0)),
                error("ERR wrong number of arguments for 'xadd' command"),
            )

    def test_ranges(self):
        call = self.client.call
        self.fill(5)
        self.assertEqual(call("XRANGE", "s", "2", "3"), [entry("2-0", "n", "2"), entry("3-0", "n", "3")])
        self.assertEqual(call("XRANGE", "s", "(2-0", "(4-0"), [entry("3-0", "n", "3")])
        self.assertEqual(call("XREVRANGE", "s", "+", "-", "COUNT", "2"), [entry("5-0", "n", "5"), entry("4-0", "n", "4")])
        self.assertEqual(call("XRANGE", "s", "-", "+", "COUNT", "0"), NilArray())
        self.assertEqual(call("XRANGE", "absent", "-", "+", "COUNT", "0"), [])
        self.assertEqual(
            call("XRANGE", "s", "(" + MAXIMUM, "+"),
            error("ERR invalid start ID for the interval"),
        )
        self.assertEqual(
            call("XRANGE", "s", "-", "(0-0"), error("ERR invalid end ID for the interval")
        )
        self.assertEqual(call("XRANGE", "s", "(-", "+"), INVALID)
        self.assertEqual(call("XRANGE", "s", "-", "+", "COUNT"), SYNTAX)
        call("SET", "string", "x")
        for words in (("XLEN",), ("XRANGE", "-", "+"), ("XDEL", "1"), ("XADD", "*", "f", "v")):
            self.assertEqual(call(words[0], "string", *words[1:]), WRONG_TYPE)

    def test_trimming_takes_whole_nodes(self):
        call = self.client.call
        self.fill(250)
        self.assertEqual(call("XTRIM", "s", "MAXLEN", "~", "200"), 0)
        self.assertEqual(call("XTRIM", "s", "MAXLEN", "~", "120"), 100)
        self.assertEqual(call("XTRIM", "s", "MINID", "~", "205", "LIMIT", "50"), 0)
        self.assertEqual(call("XTRIM", "s", "MINID", "~", "205"), 100)
        self.assertEqual(call("XTRIM", "s", "MINID", "205"), 4)
        self.assertEqual(call("XTRIM", "s", "MAXLEN", "=", "10"), 36)
        self.assertEqual(call("XADD", "s", "MAXLEN", "1", "300", "a", "b"), b"300-0")
        self.assertEqual(call("XRANGE", "s", "-", "+"), [entry("300-0", "a", "b")])

    def test_trimming_errors(self):
        call = self.client.call
        self.fill(1)
        for words, text in (
            ((), "syntax error, XTRIM must be called with a trimming strategy"),
            (("MAXLEN", "-1"), "The MAXLEN argument must be >= 0."),
            (("MAXLEN", "1", "LIMIT", "5"), "syntax error, LIMIT cannot be used without the special ~ option"),
            (("MAXLEN", "~", "1", "LIMIT", "-5"), "The LIMIT argument must be >= 0."),
            (("MAXLEN", "1", "MINID", "1"), "syntax error, MAXLEN and MINID options at the same time are not compatible"),
            (("LIMIT", "1"), "syntax error, LIMIT cannot be used without specifying a trimming strategy"),
        ):
            if words:
                self.assertEqual(call("XTRIM", "s", *words), error("ERR " + text))
        self.assertEqual(call("XTRIM", "s", "MAXLEN", "x"), WRONG_INTEGER)

    def test_deleting_and_setting(self):
        call = self.client.call
        self.fill(4)
        self.assertEqual(call("XDEL", "s", "2", "2", "9"), 1)
        self.assertEqual(call("XDEL", "s", "3", "x"), INVALID)
        self.assertEqual(call("XLEN", "s"), 3)
        self.assertEqual(call("XDEL", "s", "1", "3", "4"), 3)
        self.assertEqual((call("EXISTS", "s"), call("XLEN", "s")), (1, 0))
        self.assertEqual(call("XSETID", "s", "10", "ENTRIESADDED", "7", "MAXDELETEDID", "5"), OK)
        info = dict(zip(*[iter(call("XINFO", "STREAM", "s"))] * 2))
        self.assertEqual(info[b"last-generated-id"], b"10-0")
        self.assertEqual((info[b"entries-added"], info[b"max-deleted-entry-id"]), (7, b"5-0"))
        self.assertEqual(call("XADD", "s", "9", "f", "v"), TOO_SMALL)
        self.assertEqual(call("XSETID", "absent", "1"), error("ERR no such key"))
        self.assertEqual(call("OBJECT", "ENCODING", "s"), b"stream")


class Groups(SharedServerCase):
    """XGROUP, XREADGROUP, XACK, XCLAIM, XAUTOCLAIM, XPENDING, XINFO."""

    def setUp(self):
        super().setUp()
        call = self.client.call
        for n in range(1, 6):
            call("XADD", "s", f"{n}-0", "n", n)
        call("XGROUP", "CREATE", "s", "g", "0")

    def read(self, consumer, *words, key="s", start=">"):
        return self.client.call(
            "XREADGROUP", "GROUP", "g", consumer, *words, "STREAMS", key, start
        )

    def test_life_of_an_entry(self):
        call = self.client.call
        self.assertEqual(
            self.read("a", "COUNT", "2"), [[b"s", [entry("1-0", "n", "1"), entry("2-0", "n", "2")]]]
        )
        self.assertEqual(call("XPENDING", "s", "g"), [2, b"1-0", b"2-0", [[b"a", b"2"]]])
        self.assertEqual(call("XCLAIM", "s", "g", "b", "0", "1-0", "JUSTID"), [b"1-0"])
        self.assertEqual(call("XACK", "s", "g", "2-0", "2-0", "9-0"), 1)
        self.assertEqual(self.read("b", start="0"), [[b"s", [entry("1-0", "n", "1")]]])
        call("XDEL", "s", "1-0")
        self.assertEqual(self.read("b", start="0"), [[b"s", [[b"1-0", NilArray()]]]])
        self.assertEqual(call("XAUTOCLAIM", "s", "g", "c", "0", "-"), [b"0-0", [], [b"1-0"]])
        self.assertEqual(call("XPENDING", "s", "g"), [0, None, None, NilArray()])

    def test_errors(self):
        call = self.client.call
        self.assertEqual(
            call("XGROUP", "CREATE", "s", "g", "0"),
            error("BUSYGROUP Consumer Group name already exists"),
        )
        self.assertEqual(
            call("XGROUP", "SETID", "s", "no", "0"),
            error("NOGROUP No such consumer group 'no' for key name 's'"),
        )
        self.assertEqual(
            self.read("a", key="absent"),
            error(
                "NOGROUP No such key 'absent' or consumer group 'g' in XREADGROUP with GROUP option"
            ),
        )
        self.assertEqual(
            call("XPENDING", "s", "no"), error("NOGROUP No such key 's' or consumer group 'no'")
        )
        self.assertEqual(
            call("XCLAIM", "s", "g", "a", "0", "1-0", "NOSUCH"),
            error("ERR Unrecognized XCLAIM option 'NOSUCH'"),
        )
        self.assertEqual(call("XGROUP", "CREATE", "s", "h", "x", "MKSTREAM"), INVALID)
        self.assertEqual(call("XGROUP", "CREATE", "fresh", "h", "$", "MKSTREAM"), OK)
        self.assertEqual(
            call("XGROUP", "CREATE", "s", "h", "0", "NOSUCH"),
            error(
                "ERR unknown subcommand or wrong number of arguments for 'CREATE'."
                " Try XGROUP HELP."
            ),
        )

    def test_F44_counts(self):
        call = self.client.call
        self.read("a")
        positive = error("ERR COUNT must be > 0")
        for count in (0, -1, 2**63 - 1, -(2**63), 2**64, "x"):
            self.assertEqual(call("XAUTOCLAIM", "s", "g", "b", "0", "-", "COUNT", count), positive)
        reply = call("XAUTOCLAIM", "s", "g", "b", "0", "-", "COUNT", 2**59 - 1, "JUSTID")
        self.assertEqual(reply, [b"0-0", [b"1-0", b"2-0", b"3-0", b"4-0", b"5-0"], []])
        reply = call("XAUTOCLAIM", "s", "g", "a", "0", "(1-0", "COUNT", "2", "JUSTID")
        self.assertEqual(reply, [b"4-0", [b"2-0", b"3-0"], []])

    def test_consumers(self):
        call = self.client.call
        self.assertEqual(call("XGROUP", "CREATECONSUMER", "s", "g", "b"), 1)
        self.assertEqual(call("XGROUP", "CREATECONSUMER", "s", "g", "b"), 0)
        self.read("a", "COUNT", "3")
        found = [dict(zip(*[iter(c)] * 2)) for c in call("XINFO", "CONSUMERS", "s", "g")]
        self.assertEqual([(c[b"name"], c[b"pending"]) for c in found], [(b"a", 3), (b"b", 0)])
        self.assertEqual(found[1][b"inactive"], -1)
        self.assertLess(found[0][b"inactive"], 10_000)
        group = dict(zip(*[iter(call("XINFO", "GROUPS", "s")[0])] * 2))
        self.assertEqual((group[b"entries-read"], group[b"lag"], group[b"pending"]), (3, 2, 3))
        self.assertEqual(call("XGROUP", "DELCONSUMER", "s", "g", "a"), 3)
        self.assertEqual(call("XPENDING", "s", "g", "-", "+", "10"), [])
        self.assertEqual(call("XGROUP", "DESTROY", "s", "g"), 1)
        self.assertEqual(call("XGROUP", "DESTROY", "s", "g"), 0)

    def test_in_RESP3(self):
        client = self.connect(self.server)
        self.assertIsInstance(client.call("HELLO", "3"), Map)
        reply = client.call("XREAD", "COUNT", "1", "STREAMS", "s", "0")
        self.assertEqual(reply, Map({b"s": [entry("1-0", "n", "1")]}))
        self.assertEqual(client.call("XREAD", "STREAMS", "s", "$"), None)
        self.assertIsInstance(client.call("XINFO", "STREAM", "s", "FULL"), Map)


class Waiting(SharedServerCase):
    """XREAD and XREADGROUP with BLOCK."""

    def later(self, *words):
        other = self.connect(self.server)
        found = []
        thread = threading.Thread(target=lambda: found.append(other.call(*words)))
        thread.start()
        for _ in range(200):
            if b"blocked_clients:1\r" in self.client.call("INFO", "clients"):
                break
            time.sleep(0.01)
        return lambda: (thread.join(10), found[0])[1]

    def test_read_of_what_comes(self):
        self.client.call("XADD", "s", "1-0", "f", "v")
        reply = self.later("XREAD", "BLOCK", "0", "STREAMS", "s", "t", "$", "$")
        self.client.call("XADD", "s", "2-0", "f", "w")
        self.assertEqual(reply(), [[b"s", [entry("2-0", "f", "w")]]])

    def test_time_is_over(self):
        call = self.client.call
        self.assertEqual(call("XREAD", "BLOCK", "10", "STREAMS", "s", "$"), NilArray())
        self.assertEqual(
            call("XREAD", "BLOCK", "-1", "STREAMS", "s", "$"), error("ERR timeout is negative")
        )
        self.assertEqual(
            call("XREAD", "BLOCK", "x", "STREAMS", "s", "$"),
            error("ERR timeout is not an integer or out of range"),
        )

    def test_a_wrong_type_is_nothing_to_read(self):
        reply = self.later("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
        self.client.call("SET", "s", "x")
        self.client.call("DEL", "s")
        self.client.call("XADD", "s", "2-0", "f", "w")
        self.assertEqual(reply(), [[b"s", [entry("2-0", "f", "w")]]])

    def group(self):
        self.client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        return self.later("XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">")

    def test_group(self):
        reply = self.group()
        self.client.call("XADD", "s", "2-0", "f", "w")
        self.assertEqual(reply(), [[b"s", [entry("2-0", "f", "w")]]])

    def test_group_is_gone(self):
        for words in (("XGROUP", "DESTROY", "s", "g"), ("DEL", "s")):
            reply = self.group()
            self.client.call(*words)
            self.assertTrue(reply().text.startswith(b"NOGROUP"), words)
            self.client.call("DEL", "s")

    def test_group_of_another_type(self):
        reply = self.group()
        self.client.call("SET", "s", "x")
        self.assertEqual(reply(), WRONG_TYPE)

    def test_last_entry(self):
        call = self.client.call
        call("XADD", "s", "1-0", "f", "v")
        call("XADD", "s", "2-0", "f", "w")
        self.assertEqual(call("XREAD", "STREAMS", "s", "+"), [[b"s", [entry("2-0", "f", "w")]]])
        self.assertEqual(call("XREAD", "STREAMS", "absent", "+"), NilArray())


if __name__ == "__main__":
    unittest.main()
