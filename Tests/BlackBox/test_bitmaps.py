# SPDX-License-Identifier: BSD-3-Clause
"""The bitmap commands: edges, error texts, and random operations beside the oracle."""

import random
import unittest

from support import Case, SharedServerCase, amount, error, needs_oracle

SYNTAX = error("ERR syntax error")
OFFSET = error("ERR bit offset is not an integer or out of range")
BIT = error("ERR bit is not an integer or out of range")
NOT_INTEGER = error("ERR value is not an integer or out of range")
FIELD_TYPE = error(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but"
    " i64 is."
)
MINIMUM, MAXIMUM = -(2**63), 2**63 - 1


class Bits(SharedServerCase):
    def test_F43_offsets_that_no_string_has(self):
        call = self.client.call
        before = self.server.resident()
        for offset in (2**32, 2**63 - 1, 2**63, -1, -(2**63), "x", "", "1.0", " 1", "01"):
            self.assertEqual(call("SETBIT", "k", offset, "1"), OFFSET)
            self.assertEqual(call("GETBIT", "k", offset), OFFSET)
            for words in (("GET", "u8", offset), ("SET", "i8", offset, "1")):
                self.assertEqual(call("BITFIELD", "k", *words), OFFSET)
        for offset in ("#536870912", "#4611686018427387904", "#-1", "##1", "#", "#x"):
            self.assertEqual(call("BITFIELD", "k", "INCRBY", "u8", offset, "1"), OFFSET)
        self.assertEqual(call("EXISTS", "k"), 0)
        self.assertEqual(call("SETRANGE", "k", 2**29, "x"), error(
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)"))
        call("SET", "k", "abc")
        self.assertEqual(call("GETRANGE", "k", MINIMUM, MAXIMUM), b"abc")
        self.assertEqual(call("BITCOUNT", "k", MINIMUM, MAXIMUM), 10)
        self.assertEqual(call("BITPOS", "k", 1, MINIMUM, MAXIMUM, "BIT"), 1)
        self.assertEqual(call("BITPOS", "k", 1, MAXIMUM, MINIMUM), -1)
        self.assertLess(self.server.resident() - before, 16 << 20)

    def test_the_last_bit_of_the_longest_string(self):
        call = self.client.call
        self.assertEqual(call("SETBIT", "k", 2**32 - 1, "1"), 0)
        self.assertEqual(call("STRLEN", "k"), 2**29)
        self.assertEqual(call("GETBIT", "k", 2**32 - 1), 1)
        self.assertEqual(call("BITPOS", "k", "1"), 2**32 - 1)
        self.assertEqual(call("BITCOUNT", "k"), 1)
        call("DEL", "k")

    def test_bits_that_are_none(self):
        call = self.client.call
        for bit in ("2", "-1", "x", "", "01", "10"):
            self.assertEqual(call("SETBIT", "k", "1", bit), BIT)
        self.assertEqual(call("SETBIT", "k", "-1", "2"), OFFSET)
        self.assertEqual(call("BITPOS", "k", "2"), error("ERR The bit argument must be 1 or 0."))
        self.assertEqual(call("BITPOS", "k", "x"), NOT_INTEGER)
        self.assertEqual(call("EXISTS", "k"), 0)

    def test_ranges_are_read_before_the_key(self):
        """7.2: BITCOUNT and BITPOS refuse wrong words even if there is no key."""
        call = self.client.call
        for key in ("missing", "k"):
            self.assertEqual(call("BITCOUNT", key, "1"), SYNTAX)
            self.assertEqual(call("BITCOUNT", key, "x", "1"), NOT_INTEGER)
            self.assertEqual(call("BITCOUNT", key, "1", "2", "BITS"), SYNTAX)
            self.assertEqual(call("BITCOUNT", key, "1", "2", "BIT", "x"), SYNTAX)
            self.assertEqual(call("BITPOS", key, "1", "x"), NOT_INTEGER)
            self.assertEqual(call("BITPOS", key, "1", "0", "x", "y"), SYNTAX)
            call("SET", "k", "abc")
        self.assertEqual(call("BITPOS", "missing", "0"), 0)
        self.assertEqual(call("BITPOS", "missing", "1"), -1)

    def test_places(self):
        call = self.client.call
        call("SET", "k", b"\xff\xff")
        self.assertEqual(call("BITPOS", "k", "0"), 16)
        self.assertEqual(call("BITPOS", "k", "0", "1"), 16)
        self.assertEqual(call("BITPOS", "k", "0", "0", "-1"), -1)
        self.assertEqual(call("BITPOS", "k", "0", "5"), -1)
        call("SET", "k", b"\x00\xff\xf0")
        self.assertEqual(call("BITPOS", "k", "1"), 8)
        self.assertEqual(call("BITPOS", "k", "1", "2"), 16)
        self.assertEqual(call("BITPOS", "k", "0", "9", "30", "bit"), 20)
        self.assertEqual(call("BITCOUNT", "k", "5", "30", "BIT"), 12)
        call("SET", "k", "")
        self.assertEqual(call("BITPOS", "k", "0"), -1)

    def test_a_bit_that_is_so_already_is_no_change(self):
        call = self.client.call
        call("SETBIT", "k", "7", "1")
        before = self.client.info()["rdb_changes_since_last_save"]
        self.assertEqual(call("SETBIT", "k", "7", "1"), 1)
        self.assertEqual(call("BITFIELD", "k", "SET", "u8", "0", "1"), [1])
        self.assertEqual(self.client.info()["rdb_changes_since_last_save"], before)

    def test_combinations(self):
        call = self.client.call
        self.assertEqual(call("BITOP", "NAND", "d", "k"), SYNTAX)
        self.assertEqual(
            call("BITOP", "NOT", "d", "a", "b"),
            error("ERR BITOP NOT must be called with a single source key."))
        call("SET", "a", "foobar")
        call("SET", "b", "12")
        call("SET", "d", "old", "EX", "100")
        self.assertEqual(call("BITOP", "and", "d", "a", "b"), 6)
        self.assertEqual(call("GET", "d"), bytes([ord("f") & ord("1"), ord("o") & ord("2")]) + b"\0" * 4)
        self.assertEqual(call("TTL", "d"), -1)
        self.assertEqual(call("BITOP", "not", "a", "a"), 6)
        self.assertEqual(call("GET", "a"), bytes(255 - c for c in b"foobar"))
        self.assertEqual(call("BITOP", "or", "d", "missing", "missing2"), 0)
        self.assertEqual(call("EXISTS", "d"), 0)

    def test_fields(self):
        call = self.client.call
        for kind in ("u64", "u0", "i65", "i0", "I8", "8", "u", "", "u08", "u-1", "f8"):
            self.assertEqual(call("BITFIELD", "k", "GET", kind, "0"), FIELD_TYPE)
        self.assertEqual(
            call("BITFIELD", "k", "OVERFLOW", "x"), error("ERR Invalid OVERFLOW type specified"))
        for words in (("GET", "u8"), ("SET", "u8", "0"), ("OVERFLOW",), ("PUT", "u8", "0", "1")):
            self.assertEqual(call("BITFIELD", "k", *words), SYNTAX)
        self.assertEqual(call("BITFIELD", "k", "SET", "u8", "0", "x"), NOT_INTEGER)
        self.assertEqual(
            call("BITFIELD_RO", "k", "SET", "u8", "0", "1"),
            error("ERR BITFIELD_RO only supports the GET subcommand"))
        self.assertEqual(call("BITFIELD", "k"), [])
        self.assertEqual(call("EXISTS", "k"), 0)
        self.assertEqual(
            call("BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u2", "8", "9", "GET", "u2", "8"),
            [None, 0])
        self.assertEqual(call("GET", "k"), b"\0\0")

    def test_a_huge_string_is_changed_in_place_and_shared_with_nobody(self):
        call = self.client.call
        call("SET", "k", b"\0" * 100_000)
        call("COPY", "k", "c")
        self.assertEqual(call("SETBIT", "k", "8", "1"), 0)
        self.assertEqual(call("BITCOUNT", "c"), 0)
        self.assertEqual(call("BITCOUNT", "k"), 1)
        self.assertEqual(call("SETBIT", "k", "4000000", "1"), 0)
        self.assertEqual(call("STRLEN", "k"), 500_001)


@needs_oracle
class BesideTheOracle(Case):
    """Random operations on few keys; every reply and every string is the same."""

    ROUNDS = amount("TEST_BITMAP_ROUNDS", 6000)

    def operation(self, draw):
        key = draw.choice("abcd")
        offset = draw.choice([draw.randrange(40), draw.randrange(3000), draw.randrange(600_000)])
        width = draw.randrange(1, 65)
        kind = draw.choice(["i", "u"]) + str(width)
        place = draw.choice(["", "#"]) + str(draw.randrange(200))
        number = draw.choice(
            [draw.randrange(-40, 40), draw.randrange(-(2**63), 2**63), MINIMUM, MAXIMUM])
        limits = [draw.randrange(-50, 50), draw.randrange(-50, 50)]
        unit = draw.choice([[], ["BIT"], ["BYTE"]])
        overflow = draw.choice([[], ["OVERFLOW", draw.choice(["WRAP", "SAT", "FAIL"])]])
        return draw.choice([
            ["SETBIT", key, offset, draw.randrange(2)],
            ["GETBIT", key, offset],
            ["BITCOUNT", key],
            ["BITCOUNT", key, *limits, *unit],
            ["BITPOS", key, draw.randrange(2)],
            ["BITPOS", key, draw.randrange(2), *limits, *unit],
            ["BITPOS", key, draw.randrange(2), limits[0]],
            ["BITOP", draw.choice(["AND", "OR", "XOR"]), key, *draw.sample("abcd", 3)],
            ["BITOP", "NOT", key, draw.choice("abcd")],
            ["BITFIELD", key, *overflow, "SET", kind, place, number],
            ["BITFIELD", key, *overflow, "INCRBY", kind, place, number, "GET", kind, place],
            ["BITFIELD_RO", key, "GET", kind, place],
            ["SET", key, draw.randrange(100_000)],
            ["SET", key, draw.randbytes(draw.randrange(300))],
            ["DEL", key],
        ])

    def test_random_operations(self):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        draw = random.Random(7)
        for round in range(self.ROUNDS):
            words = self.operation(draw)
            self.assertEqual(ours.call(*words), oracle.call(*words), words)
            if words[0] not in ("GETBIT", "BITCOUNT", "BITPOS", "BITFIELD_RO"):
                key = words[2] if words[0] == "BITOP" else words[1]
                self.assertEqual(ours.call("GET", key), oracle.call("GET", key), words)
            if round % 200 == 0:
                for key in "abcd":
                    self.assertEqual(ours.call("GET", key), oracle.call("GET", key), key)


if __name__ == "__main__":
    unittest.main()
