# SPDX-License-Identifier: BSD-3-Clause
"""HyperLogLogs: byte for byte the oracle's, and what is none or damaged."""

import random
import unittest

from support import Case, OK, SharedServerCase, Status, amount, error, needs_oracle

INVALID = error("WRONGTYPE Key is not a valid HyperLogLog string value.")
CORRUPTED = error("INVALIDOBJ Corrupted HLL object detected")
HEADER = b"HYLL\x01" + b"\0" * 11


class HyperLogLogs(SharedServerCase):
    def test_what_is_no_hyperloglog(self):
        call = self.client.call
        for text in (b"", b"abc", b"12", b"HYLL", b"HYLL\x02" + b"\0" * 11, b"HYLL" + b"\0" * 12,
                     b"HYLM\x01" + b"\0" * 11, b"HYLL" + b"\0" * 12299, b"HYLL" + b"\0" * 12301):
            call("SET", "k", text)
            for words in (("PFADD", "k", "x"), ("PFCOUNT", "k"), ("PFCOUNT", "k", "l"),
                          ("PFMERGE", "d", "k"), ("PFMERGE", "k"), ("PFDEBUG", "ENCODING", "k")):
                self.assertEqual(call(*words), INVALID)
            self.assertEqual(call("GET", "k"), text)
        self.assertEqual(call("EXISTS", "d"), 0)

    def test_what_is_damaged(self):
        """Registers that are too few, too many or cut off (CVE-2025-32023)."""
        call = self.client.call
        for runs in (b"", b"\x7f", b"\x7f\xfe", b"\x80", b"\x7f\xff\x00", b"\x7f\xff" * 5000,
                     b"\x7f\xff" * 100_000, b"\x80" * 40_000, b"\x00" * 30):
            call("SET", "k", HEADER[:-1] + b"\x80" + runs)
            self.assertEqual(call("PFCOUNT", "k"), CORRUPTED)
            self.assertEqual(call("PFCOUNT", "k", "l"), CORRUPTED)
            self.assertEqual(call("PFMERGE", "d", "k"), CORRUPTED)
            self.assertEqual(call("PFMERGE", "k"), CORRUPTED)
            self.assertEqual(call("PFDEBUG", "TODENSE", "k"), CORRUPTED)
            self.assertEqual(call("GET", "k"), HEADER[:-1] + b"\x80" + runs)
            for element in range(100):
                self.assertIn(call("PFADD", "k", element), (0, 1, CORRUPTED))
        self.assertEqual(call("PING"), Status(b"PONG"))

    def test_random_bytes_never_end_the_server(self):
        draw = random.Random(3)
        for _ in range(400):
            runs = draw.randbytes(draw.randrange(80))
            self.client.call("SET", "k", HEADER + runs)
            self.client.pipeline(
                [("PFADD", "k", *range(20)), ("PFCOUNT", "k", "l"), ("PFMERGE", "m", "k"),
                 ("PFDEBUG", "DECODE", "k"), ("PFDEBUG", "GETREG", "k"), ("PFCOUNT", "k")])
        self.assertEqual(self.client.call("PING"), Status(b"PONG"))

    def test_counting(self):
        call = self.client.call
        self.assertEqual(call("PFCOUNT", "k"), 0)
        self.assertEqual(call("PFADD", "k"), 1)
        self.assertEqual(call("PFADD", "k"), 0)
        self.assertEqual(call("PFADD", "k", "a", "b", "c"), 1)
        self.assertEqual(call("PFADD", "k", "a", "b", "c"), 0)
        self.assertEqual(call("PFCOUNT", "k"), 3)
        self.assertEqual(call("GET", "k")[8:16], b"\x03" + b"\0" * 7)
        self.assertEqual(call("PFADD", "l", "c", "d"), 1)
        self.assertEqual(call("PFCOUNT", "k", "l", "missing"), 4)
        call("EXPIRE", "k", "100")
        self.assertEqual(call("PFMERGE", "k", "l"), OK)
        self.assertEqual(call("PFCOUNT", "k"), 4)
        self.assertEqual(call("TTL", "k"), 100)
        self.assertEqual(call("PFSELFTEST"), OK)

    def test_debugging(self):
        call = self.client.call
        self.assertEqual(call("PFDEBUG", "ENCODING", "k"), error(
            "ERR The specified key does not exist"))
        call("PFADD", "k")
        self.assertEqual(call("PFDEBUG", "foo", "k"), error("ERR Unknown PFDEBUG subcommand 'foo'"))
        self.assertEqual(call("PFDEBUG", "encoding", "k"), Status(b"sparse"))
        self.assertEqual(call("PFDEBUG", "DECODE", "k"), b"Z:16384")
        self.assertEqual(call("PFDEBUG", "GETREG", "k"), [0] * 16384)
        self.assertEqual(call("PFDEBUG", "ENCODING", "k"), Status(b"dense"))
        self.assertEqual(call("PFDEBUG", "TODENSE", "k"), 0)
        self.assertEqual(call("PFDEBUG", "DECODE", "k"), error("ERR HLL encoding is not sparse"))


@needs_oracle
class BesideTheOracle(Case):
    ROUNDS = amount("TEST_HYPERLOGLOG_ROUNDS", 2500)

    def check(self, limit, ROUNDS):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        for client in (ours, oracle):
            self.assertEqual(client.call("CONFIG", "SET", "hll-sparse-max-bytes", limit), OK)
        draw = random.Random(limit)
        for _ in range(ROUNDS):
            key = draw.choice("abcdef")
            elements = [draw.randbytes(draw.randrange(30)) for _ in range(draw.choice([0, 1, 3, 40]))]
            words = draw.choice([
                ["PFADD", key, *elements], ["PFADD", key, *elements], ["PFADD", key, *elements],
                ["PFADD", key, draw.randrange(200)],
                ["PFCOUNT", key], ["PFCOUNT", *draw.sample("abcdef", 3)],
                ["PFMERGE", key, *draw.sample("abcdef", 2)] if draw.random() < 0.1 else ["PFCOUNT", key],
                ["PFDEBUG", "DECODE", key], ["PFDEBUG", "ENCODING", key],
                ["DEL", key] if draw.random() < 0.3 else ["STRLEN", key],
            ])
            self.assertEqual(ours.call(*words), oracle.call(*words), words[:3])
            self.assertEqual(ours.call("GET", key), oracle.call("GET", key), words[:3])
        for key in "abcdef":
            ours.call("PFADD", key, "x"), oracle.call("PFADD", key, "x")
            registers = [client.call("PFDEBUG", "GETREG", key) for client in (ours, oracle)]
            self.assertEqual(*registers)
            self.assertEqual(ours.call("GET", key), oracle.call("GET", key))

    def test_sparse_ones_grow_and_become_dense_at_the_same_moment(self):
        self.check(3000, self.ROUNDS)

    def test_limits_other_than_the_common_one(self):
        for limit in (0, 18, 30, 200, 15_000):
            with self.subTest(limit=limit):
                self.check(limit, self.ROUNDS // 5)

    def test_many_elements(self):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        for start in range(0, 300_000, 1000):
            words = ["PFADD", "k", *range(start, start + 1000)]
            self.assertEqual(ours.call(*words), oracle.call(*words))
            if start % 20_000 == 0:
                self.assertEqual(ours.call("PFCOUNT", "k"), oracle.call("PFCOUNT", "k"))
        self.assertEqual(ours.call("GET", "k"), oracle.call("GET", "k"))


if __name__ == "__main__":
    unittest.main()
