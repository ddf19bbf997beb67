# SPDX-License-Identifier: BSD-3-Clause
"""Every type of value in dump files and in the payloads of DUMP, here and in the oracle."""

import random
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path

import rdb
from support import (
    Case,
    Error,
    IS_ORACLE,
    OK,
    Oracle,
    Server,
    SharedServerCase,
    amount,
    needs_oracle,
    needs_tool,
)

FAR = 4102444800000  # 2100-01-01 in milliseconds
TESTER = Path(__file__).with_name("differential.py")


def text(source):
    """A string as clients store it: an integer, a word, bytes, something that compresses."""
    shape = source.randrange(6)
    if shape == 0:
        return b"%d" % source.randrange(-200, 70000)
    if shape == 1:
        return b"%d" % source.randrange(-(2**63), 2**63)
    if shape == 2:
        return source.randbytes(source.randrange(0, 30))
    if shape == 3:
        return source.choice((b"a", b"ab", b"\x00")) * source.randrange(1, 200)
    return b"value:%d" % source.randrange(1000)


def commands_of_all_types(count, seed):
    """Writes of every type: small ones and large ones, integers and bytes, with expiries."""
    source = random.Random(seed)
    commands = []
    for i in range(count):
        size = source.choice((1, 2, 5, 20, 130, 600))
        items = [text(source) for _ in range(size)]
        key = b"%b:%d" % (source.choice((b"k", b"\x00\xff", b"key")), i)
        kind = i % 6
        if kind == 0:
            commands.append(("SET", key, items[0]))
        elif kind == 1:
            commands.append(("RPUSH", key, *items))
        elif kind == 2:
            if source.random() < 0.4:
                items = [b"%d" % source.randrange(-(2 ** source.choice((8, 20, 40))), 99) for _ in items]
            commands.append(("SADD", key, *items))
        elif kind == 3:
            scores = (b"inf", b"-inf", b"0", b"-0", b"1.5", b"1e300", b"3", b"-17.25", b"0.1")
            pairs = [x for item in items for x in (source.choice(scores), item)]
            commands.append(("ZADD", key, *pairs))
        elif kind == 4:
            commands.append(("HSET", key, *[x for item in items for x in (item, text(source))]))
        else:
            commands += stream(source, key, items)
        if source.randrange(5) == 0:
            commands.append(("PEXPIREAT", key, FAR + i))
    commands.append(("SELECT", 5))
    commands.append(("RPUSH", "in another database", "a"))
    commands.append(("SELECT", 0))
    return commands


def stream(source, key, items):
    commands, sequence = [], 1
    for item in items:
        sequence += source.randrange(1, 4)
        fields = ("name", item) if source.randrange(4) else (text(source), item, b"b", b"c")
        commands.append(("XADD", key, b"%d-%d" % (sequence, source.randrange(3)), *fields))
    commands.append(("XDEL", key, b"%d-1" % (sequence // 2)))
    commands.append(("XGROUP", "CREATE", key, "first", "0"))
    commands.append(("XGROUP", "CREATE", key, b"\x00second", "$"))
    commands.append(("XGROUP", "CREATECONSUMER", key, "first", "idle"))
    for consumer in ("alice", "bob"):
        commands.append(
            ("XREADGROUP", "GROUP", "first", consumer, "COUNT", len(items) // 3 + 1)
            + ("STREAMS", key, ">")
        )
    return commands


def fields_of(reply):
    return dict(zip(reply[::2], reply[1::2]))


def groups_of(client, key):
    groups = []
    for group in map(fields_of, client.call("XINFO", "GROUPS", key)):
        name = group[b"name"]
        pending = client.call("XPENDING", key, name, "-", "+", 10000)
        consumers = [fields_of(c) for c in client.call("XINFO", "CONSUMERS", key, name)]
        groups.append(
            (
                name,
                group[b"last-delivered-id"],
                group[b"entries-read"],
                [(id, consumer, count) for id, consumer, _, count in pending],
                # 7.2 makes a consumer that was given nothing, 7.0 does not.
                [
                    (c[b"name"], c[b"pending"])
                    for c in consumers
                    if c[b"pending"] > 0 or c[b"name"] == b"idle"
                ],
            )
        )
    return groups


def value(client, key):
    kind = client.call("TYPE", key).text
    if kind == b"string":
        return client.call("GET", key)
    if kind == b"list":
        return client.call("LRANGE", key, 0, -1)
    if kind == b"zset":
        flat = client.call("ZRANGE", key, 0, -1, "WITHSCORES")
        # Redis turns -0 into 0 when it makes a small set of what it loads; the sum is 0 for both.
        return [(m, struct.pack(">d", float(s) + 0.0)) for m, s in zip(flat[::2], flat[1::2])]
    if kind == b"set":
        return sorted(client.call("SMEMBERS", key))
    if kind == b"hash":
        return fields_of(client.call("HGETALL", key))
    info = fields_of(client.call("XINFO", "STREAM", key))
    names = (b"length", b"last-generated-id", b"max-deleted-entry-id", b"entries-added")
    entries = client.call("XRANGE", key, "-", "+")
    return [info[name] for name in names], entries, groups_of(client, key)


def everything(client, databases=(0, 5)):
    """Every key with its value and its expiry."""
    found = {}
    for number in databases:
        client.call("SELECT", number)
        for key in client.call("KEYS", "*"):
            found[number, key] = (value(client, key), client.call("PEXPIRETIME", key))
    client.call("SELECT", 0)
    return found


class AllTypes(Case):
    def assert_same(self, got, expected):
        self.assertEqual(sorted(got), sorted(expected))
        for key, known in expected.items():
            self.assertEqual(got[key], known, key)

    def fill(self, client, count, seed):
        for reply in client.pipeline(commands_of_all_types(count, seed)):
            self.assertNotIsInstance(reply, Error, reply)


class Exchange(AllTypes):
    """Dumps of all types travel both ways. TEST_DUMP_VALUES=5000 makes them large."""

    KEYS = amount("TEST_DUMP_VALUES", 400)

    def saved(self, server_class, seed):
        directory = self.temporary_directory()
        with server_class(directory=directory) as server:
            client = self.connect(server, timeout=300)
            self.fill(client, self.KEYS, seed)
            expected = everything(client)
            self.assertEqual(client.call("SAVE"), OK)
        return directory, expected

    def assert_loads(self, server_class, directory, expected):
        with server_class(directory=directory) as server:
            self.assert_same(everything(self.connect(server, timeout=300)), expected)

    @needs_oracle
    def test_values_of_redis_load_here(self):
        self.assert_loads(Server, *self.saved(Oracle, seed=1))

    @needs_oracle
    @needs_tool("redis-check-rdb")
    def test_values_from_here_load_in_redis_and_pass_its_check(self):
        directory, expected = self.saved(Server, seed=2)
        check = subprocess.run(
            ["redis-check-rdb", directory / "dump.rdb"], capture_output=True, text=True, timeout=300
        )
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        self.assertIn("RDB looks OK", check.stdout)
        self.assert_loads(Oracle, directory, expected)

    def test_values_from_here_load_here(self):
        self.assert_loads(Server, *self.saved(Server, seed=3))

    @needs_oracle
    def test_payloads_travel_both_ways(self):
        ours, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        for source, target, seed in ((ours, oracle, 4), (oracle, ours, 5), (ours, ours, 6)):
            source.call("FLUSHALL")
            target.call("FLUSHALL")
            self.fill(source, 120, seed)
            for key in source.call("KEYS", "*"):
                payload = source.call("DUMP", key)
                name = b"copy of " + key
                self.assertEqual(target.call("RESTORE", name, 0, payload), OK, key)
                self.assertEqual(value(target, name), value(source, key), key)

    @needs_oracle
    def test_random_commands_then_a_restart(self):
        directory = self.temporary_directory()
        ours, oracle = self.start(directory=directory), self.start_oracle()
        done = subprocess.run(
            [sys.executable, TESTER, "--ours", f"127.0.0.1:{ours.port}"]
            + ["--oracle", f"127.0.0.1:{oracle.port}", "--count", "4000", "--seed", "11"]
            + ["--groups", "list,set,hash,zset,stream", "--only-known"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-2000:])
        self.assertEqual(self.connect(ours).call("SAVE"), OK)
        ours.kill()
        got = everything(self.connect(self.start(directory=directory)), (0,))
        self.assert_same(got, everything(self.connect(oracle), (0,)))


@unittest.skipIf(IS_ORACLE, "digests are each server's own")
class Reload(AllTypes):
    def test_a_reload_changes_no_digest(self):
        server = self.start(**{"enable-debug-command": "yes"})
        client = self.connect(server)
        self.fill(client, 300, seed=8)
        before, digest = everything(client), client.call("DEBUG", "DIGEST")
        self.assertEqual(client.call("DEBUG", "RELOAD"), OK)
        self.assertEqual(client.call("DEBUG", "DIGEST"), digest)
        self.assert_same(everything(client), before)

    def test_F71_what_happens_during_a_save_is_not_in_it(self):
        directory = self.temporary_directory()
        server = self.start(directory=directory)
        saver, other = self.connect(server), self.connect(server)
        self.fill(other, 300, seed=9)
        other.pipeline([("RPUSH", "long", *range(i, i + 1000)) for i in range(0, 400_000, 1000)])
        expected = everything(other)
        keys = other.call("KEYS", "*")
        saver.send("SAVE")
        changes = [("EXPIRE", key, 1) for key in keys]
        changes += [("RPUSH", "long", "late"), ("SWAPDB", 0, 5), ("SELECT", 5)]
        changes += [("DEL", key) for key in keys[::2]] + [("FLUSHALL",), ("SADD", "new", "a")]
        other.pipeline(changes)
        self.assertEqual(saver.read(), OK)
        server.kill()
        got = everything(self.connect(self.start(directory=directory)))
        self.assert_same(got, expected)

    def test_the_version_is_the_lowest_that_holds_the_data(self):
        directory = self.temporary_directory()
        client = self.connect(self.start(directory=directory))
        for command, version in (
            (("RPUSH", "l", "a"), b"REDIS0009"),
            (("XADD", "x", "*", "a", "b"), b"REDIS0010"),
            (("DEL", "x"), b"REDIS0009"),
        ):
            client.call(*command)
            time.sleep(0.05)
            self.assertEqual(client.call("SAVE"), OK)
            self.assertEqual((directory / "dump.rdb").read_bytes()[:9], version)

    def test_deadlines_of_fields_survive(self):
        directory = self.temporary_directory()
        server = self.start(directory=directory)
        client = self.connect(server)
        client.call("HSET", "h", "a", "1", "b", "2", "c", "3")
        if isinstance(client.call("HPEXPIREAT", "h", FAR, "FIELDS", 1, "a"), Error):
            self.skipTest("fields have no deadlines")
        client.call("HPEXPIRE", "h", 150, "FIELDS", 1, "b")
        payload = client.call("DUMP", "h")
        self.assertEqual(client.call("RESTORE", "copy", 0, payload), OK)
        self.assertEqual(client.call("HPEXPIRETIME", "copy", "FIELDS", 2, "a", "c"), [FAR, -1])
        self.assertEqual(client.call("SAVE"), OK)
        self.assertEqual((directory / "dump.rdb").read_bytes()[:9], b"REDIS0012")
        server.kill()
        time.sleep(0.2)
        client = self.connect(self.start(directory=directory))
        self.assertEqual(client.call("HPEXPIRETIME", "h", "FIELDS", 2, "a", "c"), [FAR, -1])
        self.assertEqual(sorted(client.call("HKEYS", "h")), [b"a", b"c"])


class HostilePayloads(AllTypes):
    """F78: payloads with a right checksum and damaged contents are errors, and do no harm."""

    WRONG = (b"ERR Bad data format", b"ERR DUMP payload version or checksum are wrong")

    def small_values(self, client):
        for words in (
            ("RPUSH", "list", "a", 17, -70000, "b" * 70),
            ("SADD", "integers", 1, 2, 70000),
            ("SADD", "set", "a", "b", 3),
            ("ZADD", "zset", 1, "a", 2.5, "b", "-inf", 7),
            ("HSET", "hash", "f", "v", "g", 12),
            ("XADD", "stream", "5-1", "f", "v", "g", 12),
            ("XADD", "stream", "5-2", "f", "w", "g", 13),
            ("XADD", "stream", "6-0", "other", "x"),
            ("XGROUP", "CREATE", "stream", "group", "0"),
            ("XREADGROUP", "GROUP", "group", "alice", "COUNT", 2, "STREAMS", "stream", ">"),
        ):
            self.assertNotIsInstance(client.call(*words), Error)
        return ("list", "integers", "set", "zset", "hash", "stream")

    def attack(self, source, client, names):
        answers = {"taken": 0, "refused": 0}
        for name in names:
            payload = source.call("DUMP", name)
            body = payload[:-8]
            attempts = [body[:n] + body[-2:] for n in range(len(body) - 2)]
            for at in range(len(body) - 2):
                for change in (1, 0x40, 0x80, 0xFF):
                    damaged = bytearray(body)
                    damaged[at] ^= change
                    attempts.append(bytes(damaged))
            commands = [("RESTORE", "x", 0, rdb.seal(a), "REPLACE") for a in attempts]
            for reply in client.pipeline(commands):
                if isinstance(reply, Error):
                    self.assertIn(reply.text, self.WRONG)
                    answers["refused"] += 1
                else:
                    answers["taken"] += 1
            # What was taken can be read and written.
            client.pipeline([("DEBUG", "DIGEST-VALUE", "x"), ("DUMP", "x"), ("COPY", "x", "y")])
            client.call("DEL", "x", "y")
        self.assertGreater(answers["refused"], answers["taken"])

    @unittest.skipIf(IS_ORACLE, "it checks less")
    def test_F78_our_payloads_damaged_anywhere(self):
        client = self.connect(self.start())
        self.attack(client, client, self.small_values(client))

    @needs_oracle
    @unittest.skipIf(IS_ORACLE, "it checks less")
    def test_F78_payloads_of_redis_damaged_anywhere(self):
        client, oracle = self.connect(self.start()), self.connect(self.start_oracle())
        self.attack(oracle, client, self.small_values(oracle))


class EmptyCollections(Case):
    def test_keys_without_elements_are_skipped_with_a_line(self):
        directory = self.temporary_directory()
        body = b"REDIS0009\xfe\x00" + b"\x01\x01a\x00" + b"\x02\x01b\x01\x01x\xff"
        (directory / "dump.rdb").write_bytes(rdb.seal(body))
        server = self.start(directory=directory)
        self.assertEqual(self.connect(server).call("KEYS", "*"), [b"b"])
        self.assertIn("rdbLoadObject skipping empty key: a", server.log())
        self.assertIn("keys loaded: 1, keys expired: 0, empty keys skipped: 1.", server.log())


class Restore(SharedServerCase):
    """RESTORE's options and errors, word for word."""

    def payload(self, *command):
        self.client.call(*command)
        return self.client.call("DUMP", command[1])

    def test_dump_of_nothing_is_null(self):
        self.assertIsNone(self.client.call("DUMP", "nothing"))

    def test_F82_payloads_that_are_wrong(self):
        wrong = b"ERR DUMP payload version or checksum are wrong"
        payload = self.payload("RPUSH", "l", "a", "b")
        for bad in (b"", b"short", payload[:-1], payload + b"x", b"\x01" * 20):
            self.assertEqual(self.client.call("RESTORE", "x", 0, bad).text, wrong)
        flipped = bytearray(payload)
        flipped[1] ^= 1
        self.assertEqual(self.client.call("RESTORE", "x", 0, bytes(flipped)).text, wrong)
        newer = payload[:-10] + struct.pack("<H", 99)
        self.assertEqual(self.client.call("RESTORE", "x", 0, rdb.seal(newer)).text, wrong)
        nonsense = rdb.seal(b"\x0a\x03abc" + struct.pack("<H", 9))
        self.assertEqual(
            self.client.call("RESTORE", "x", 0, nonsense).text, b"ERR Bad data format"
        )
        self.assertEqual(self.client.call("EXISTS", "x"), 0)

    def test_F82_keys_and_times(self):
        payload = self.payload("SET", "a", "text")
        for words, answer in (
            (("a", 0, payload), b"BUSYKEY Target key name already exists."),
            (("b", -1, payload), b"ERR Invalid TTL value, must be >= 0"),
            (("b", "x", payload), b"ERR value is not an integer or out of range"),
            (("b", 0, payload, "NO"), b"ERR syntax error"),
            (("b", 0, payload, "IDLETIME"), b"ERR syntax error"),
            (("b", 0, payload, "IDLETIME", -1), b"ERR Invalid IDLETIME value, must be >= 0"),
            (("b", 0, payload, "FREQ", 256), b"ERR Invalid FREQ value, must be >= 0 and <= 255"),
            (("b", 0, payload, "FREQ", 1, "IDLETIME", 1), b"ERR syntax error"),
        ):
            with self.subTest(words=words):
                self.assertEqual(self.client.call("RESTORE", *words).text, answer)
        self.assertEqual(self.client.call("EXISTS", "b"), 0)

    def test_options(self):
        payload = self.payload("SADD", "s", "a", "1")
        self.client.call("SET", "t", "x", "EX", 100)
        self.assertEqual(self.client.call("RESTORE", "t", 0, payload, "replace"), OK)
        self.assertEqual(sorted(self.client.call("SMEMBERS", "t")), [b"1", b"a"])
        self.assertEqual(self.client.call("PTTL", "t"), -1)
        self.assertEqual(self.client.call("RESTORE", "u", 5000, payload, "IDLETIME", 900), OK)
        self.assertTrue(4000 < self.client.call("PTTL", "u") <= 5000)
        self.assertTrue(900 <= self.client.call("OBJECT", "IDLETIME", "u") < 910)
        self.assertEqual(self.client.call("RESTORE", "v", FAR, payload, "ABSTTL"), OK)
        self.assertEqual(self.client.call("PEXPIRETIME", "v"), FAR)

    def test_a_deadline_that_has_passed_leaves_nothing(self):
        payload = self.payload("RPUSH", "l", "a")
        self.assertEqual(self.client.call("RESTORE", "l", 1, payload, "ABSTTL", "REPLACE"), OK)
        self.assertEqual(self.client.call("EXISTS", "l"), 0)
        self.assertEqual(self.client.call("RESTORE", "m", 1, payload, "ABSTTL"), OK)
        self.assertEqual(self.client.call("EXISTS", "m"), 0)


if __name__ == "__main__":
    unittest.main()
