# SPDX-License-Identifier: BSD-3-Clause
"""Dump files: damaged ones stop the start (F72 to F79), good ones travel both ways."""

import random
import shutil
import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import rdb
from support import (
    Case,
    IS_ORACLE,
    OK,
    Oracle,
    Server,
    amount,
    better_than_redis,
    needs_oracle,
    needs_tool,
)

FAR = 4102444800000  # 2100-01-01 in milliseconds
SHORT_READ = "Short read or OOM loading DB. Unrecoverable error, aborting now."
SMALL = {0: {b"key": b"value", b"n": 42, b"due": (b"soon", FAR)}, 5: {b"other": b"x" * 20}}


class StartsFromFile(Case):
    """Starts a server on the bytes of a dump file."""

    def write(self, data):
        directory = self.temporary_directory()
        (directory / "dump.rdb").write_bytes(data)
        return directory

    def refused(self, data, seconds=20):
        """Starts on bytes that must not load: the exit status and the log."""
        directory = self.write(data)
        server = Server(directory=directory, wait=False)
        try:
            try:
                status = server.wait_for_exit(seconds)
            except subprocess.TimeoutExpired:
                status = "still running"
            return status, server.log()
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)

    def refusals(self, samples):
        """The same for many samples, some at a time: yields (name, status, log)."""
        with ThreadPoolExecutor(4) as pool:
            results = pool.map(lambda item: self.refused(item[1]), samples)
            for (name, _), (status, log) in zip(samples, results):
                yield name, status, log

    def loaded(self, data, **options):
        directory = self.write(data)
        server = self.start(directory=directory, **options)
        return server, self.connect(server)


class DamagedFiles(StartsFromFile):
    """F72 to F77. Never a signal, never a hang, never an empty start from a damaged file."""

    def test_F72_no_dump_file(self):
        client = self.connect(self.start())
        self.assertEqual(client.call("DBSIZE"), 0)

    def test_F73_truncated_at_every_offset(self):
        data = rdb.dump(SMALL, aux=[(b"redis-bits", b"64")])
        samples = [(f"the first {n} of {len(data)} bytes", data[:n]) for n in range(len(data))]
        for name, status, log in self.refusals(samples):
            with self.subTest(name):
                self.assertEqual(status, 1, log)
                self.assertIn(SHORT_READ, log)

    def test_F74_wrong_signature(self):
        for magic in (b"RADIS0009", b"redis0009", b"PK\x03\x04aaaaa", b"\x00" * 9):
            with self.subTest(magic=magic):
                status, log = self.refused(magic + rdb.dump(SMALL)[9:])
                self.assertEqual(status, 1, log)
                self.assertIn("Wrong signature trying to load DB from file", log)
                # 7.0 says why with the text of an errno that has nothing to do with it.
                self.assertRegex(
                    log, "Fatal error loading the DB(, check server logs|: .*)?. Exiting."
                )

    def test_F75_unsupported_version(self):
        for version in (0, 99, 9999):
            with self.subTest(version=version):
                status, log = self.refused(rdb.dump(SMALL, version=version))
                self.assertEqual(status, 1, log)
                self.assertIn(f"Can't handle RDB format version {version}", log)

    @better_than_redis("Redis names the number alone")
    def test_F75_says_where_the_version_comes_from_and_what_to_do(self):
        status, log = self.refused(rdb.dump(SMALL, version=99))
        self.assertEqual(status, 1, log)
        self.assertRegex(log, r"(?i)(newer|later).*(redis|valkey)|(redis|valkey).*(newer|later)")

    def test_F76_one_flipped_byte_anywhere(self):
        data = rdb.dump(SMALL)
        samples = []
        for offset in range(len(data)):
            damaged = bytearray(data)
            damaged[offset] ^= 0xFF if offset % 2 else 0x10
            name = f"byte {offset} of {len(data)} is {damaged[offset]:#04x}"
            samples.append((name, bytes(damaged)))
        wrong_checksums = 0
        for name, status, log in self.refusals(samples):
            with self.subTest(name):
                self.assertEqual(status, 1, log)
                wrong_checksums += "Wrong RDB checksum expected: (" in log
        self.assertGreater(wrong_checksums, len(b"value" + b"x" * 20))

    def test_F76_the_checksum_message_names_both(self):
        data = bytearray(rdb.dump(SMALL))
        data[data.index(b"value")] ^= 1
        status, log = self.refused(bytes(data))
        self.assertEqual(status, 1, log)
        self.assertRegex(
            log,
            r"Wrong RDB checksum expected: \([0-9a-f]+\) but got \([0-9a-f]+\)\. Aborting now\.",
        )

    @better_than_redis("Redis reports a line of its own source")
    def test_F76_a_decode_error_names_the_key_and_the_offset(self):
        data = bytearray(rdb.dump({0: {b"before": b"1", b"broken": b"value"}}))
        place = data.index(b"broken") + len(b"broken")
        data[place] = 0xC9  # an encoding that does not exist
        status, log = self.refused(bytes(data))
        self.assertEqual(status, 1, log)
        offset = rf"\b({place}|{place + 1})\b"  # of the encoding, or just behind it
        self.assertRegex(log, rf"(?s)broken.*{offset}|{offset}.*broken")

    def test_F77_checksum_of_zero(self):
        server, client = self.loaded(rdb.dump(SMALL, checksum=False))
        self.assertEqual(client.call("GET", "key"), b"value")
        self.assertIn(
            "RDB file was saved with checksum disabled: no check performed.", server.log()
        )

    def test_F78_lengths_that_exceed_the_file(self):
        claims = (b"\x81\x7f" + b"\xff" * 7, b"\x81" + b"\xff" * 8, b"\x80\x7f" + b"\xff" * 3)
        for claim in claims:
            for body in (b"\x00" + claim + b"key", b"\x00\x03key" + claim + b"value"):
                with self.subTest(body=body):
                    status, log = self.refused(rdb.seal(b"REDIS0009\xfe\x00" + body + b"\xff"))
                    self.assertEqual(status, 1, log)

    def test_F78_compressed_strings_that_are_not(self):
        # \xc3 compressed-length length data
        for value in (
            b"\xc3\x03\x81" + b"\x7f" * 8 + b"\x01ab",
            b"\xc3\x02\x0a\x01ab",
            b"\xc3\x04\x0a\xe0\xff\xff\xff",
            b"\xc3\x00\x05",
            b"\xc3\x3f\x05ab",
        ):
            with self.subTest(value=value):
                body = b"REDIS0009\xfe\x00\x00\x03key" + value + b"\xff"
                status, log = self.refused(rdb.seal(body))
                self.assertEqual(status, 1, log)

    def test_F79_a_database_out_of_range(self):
        status, log = self.refused(rdb.dump({16: {b"a": b"b"}}))
        self.assertEqual(status, 1, log)
        self.assertIn("FATAL: Data file was created with a Redis server configured", log)
        self.assertIn("to handle more than 16 databases. Exiting", log)


class GoodFiles(StartsFromFile):
    """What a well-made file holds is there after the start."""

    def test_contents_of_a_small_dump(self):
        _, client = self.loaded(rdb.dump(SMALL, aux=[(b"unknown-field", b"ignored")]))
        self.assertEqual(client.call("DBSIZE"), 3)
        self.assertEqual(client.call("MGET", "key", "n", "due"), [b"value", b"42", b"soon"])
        self.assertEqual(client.call("PEXPIRETIME", "due"), FAR)
        self.assertEqual(client.call("PEXPIRETIME", "key"), -1)
        self.assertEqual(client.call("SELECT", "5"), OK)
        self.assertEqual(client.call("GET", "other"), b"x" * 20)

    def test_an_empty_dump_loads(self):
        for version in (5, 9, 10):
            with self.subTest(version=version):
                _, client = self.loaded(rdb.dump({}, version=version))
                self.assertEqual(client.call("DBSIZE"), 0)

    def test_integers_in_their_three_sizes(self):
        body = b"REDIS0009\xfe\x00"
        expected = {}
        for name, encoded, value in (
            (b"a", b"\xc0\x80", -128),
            (b"b", b"\xc0\x7f", 127),
            (b"c", b"\xc1\x00\x80", -32768),
            (b"d", b"\xc1\xff\x7f", 32767),
            (b"e", b"\xc2\x00\x00\x00\x80", -(2**31)),
            (b"f", b"\xc2\xff\xff\xff\x7f", 2**31 - 1),
            (b"g", b"\xc0\x00", 0),
        ):
            body += b"\x00\x01" + name + encoded
            expected[name] = b"%d" % value
        _, client = self.loaded(rdb.seal(body + b"\xff"))
        self.assertEqual(client.call("MGET", *expected), list(expected.values()))

    def test_keys_that_fell_due_before_the_start_are_dropped(self):
        _, client = self.loaded(rdb.dump({0: {b"old": (b"x", 1000), b"new": (b"y", FAR)}}))
        self.assertEqual(client.call("KEYS", "*"), [b"new"])

    def test_a_file_of_another_name(self):
        directory = self.temporary_directory()
        (directory / "other.rdb").write_bytes(rdb.dump(SMALL))
        client = self.connect(self.start(directory=directory, dbfilename="other.rdb"))
        self.assertEqual(client.call("GET", "key"), b"value")


def contents(client, databases=16):
    """Every key of every database with its value and expiry."""
    everything = {}
    for number in range(databases):
        client.call("SELECT", number)
        keys = client.call("KEYS", "*")
        values = client.pipeline([("GET", key) for key in keys], batch=5000)
        expiries = client.pipeline([("PEXPIRETIME", key) for key in keys], batch=5000)
        for key, value, expiry in zip(keys, values, expiries):
            everything[number, key] = (value, expiry)
    client.call("SELECT", 0)
    return everything


def fill(client, count, seed):
    """Keys of many shapes, a third with an expiry, in three databases; returns the contents."""
    source = random.Random(seed)
    expected = {}
    for number, share in ((0, 0.8), (1, 0.15), (9, 0.05)):
        commands = [("SELECT", number)]
        for i in range(int(count * share)):
            key = source.choice((b"key:%d", b"%d", b"user:%d:session", b"\x00\xff%d")) % i
            shape = source.randrange(6)
            if shape == 0:
                value = b"%d" % source.randrange(-(2**63), 2**63)
            elif shape == 1:
                value = b"%d" % source.randrange(-40000, 40000)
            elif shape == 2:
                value = source.randbytes(source.randrange(0, 40))
            elif shape == 3:
                value = source.choice((b"abc", b"\x00", b"na ")) * source.randrange(1, 120)
            elif shape == 4:
                value = source.choice((b"", b"-0", b"007", b"1.5", b"9223372036854775808", b"-1"))
            else:
                value = b"value of " + key
            expiry = FAR + source.randrange(10**9) if source.randrange(3) == 0 else -1
            commands.append(("SET", key, value, *(("PXAT", expiry) if expiry > 0 else ())))
            expected[number, key] = (value, expiry)
        replies = client.pipeline(commands, batch=5000)
        assert all(reply == OK for reply in replies)
    return expected


class Exchange(Case):
    """Dumps of one server load in the other, unchanged. TEST_DUMP_KEYS=1000000 makes them large."""

    KEYS = amount("TEST_DUMP_KEYS", 100_000)

    def saved(self, server_class):
        """A directory with a dump of this kind of server, and what is in it."""
        directory = self.temporary_directory()
        with server_class(directory=directory) as server:
            client = self.connect(server, timeout=300)
            expected = fill(client, self.KEYS, seed=7)
            self.assertEqual(client.call("SAVE"), OK)
            client.send("SHUTDOWN", "NOSAVE")
            self.assertEqual(client.read_to_end(), b"")
            self.assertEqual(server.wait_for_exit(60), 0)
        return directory, expected

    def assert_loads(self, server_class, directory, expected):
        with server_class(directory=directory) as server:
            client = self.connect(server, timeout=300)
            got = contents(client)
            self.assertEqual(len(got), len(expected))
            wrong = [(k, v, got.get(k)) for k, v in expected.items() if got.get(k) != v]
            self.assertEqual(wrong[:3], [])

    @needs_oracle
    def test_a_dump_of_redis_loads_here(self):
        directory, expected = self.saved(Oracle)
        self.assert_loads(Server, directory, expected)

    @needs_oracle
    @needs_tool("redis-check-rdb")
    def test_a_dump_from_here_loads_in_redis_and_passes_its_check(self):
        directory, expected = self.saved(Server)
        check = subprocess.run(
            ["redis-check-rdb", directory / "dump.rdb"], capture_output=True, text=True, timeout=300
        )
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        self.assertIn("RDB looks OK", check.stdout)
        self.assert_loads(Oracle, directory, expected)

    def test_a_dump_from_here_loads_here(self):
        directory, expected = self.saved(Server)
        self.assert_loads(Server, directory, expected)

    @unittest.skipIf(IS_ORACLE, "Redis writes the version of its release")
    def test_a_dump_has_the_version_that_redis_5_reads(self):
        directory = self.temporary_directory()
        client = self.connect(self.start(directory=directory))
        self.assertEqual(client.call("SET", "a", "b"), OK)
        self.assertEqual(client.call("SAVE"), OK)
        data = (directory / "dump.rdb").read_bytes()
        self.assertEqual(data[:9], b"REDIS0009")
        self.assertEqual(data, rdb.seal(data[:-8]))


class Saving(Case):
    """SAVE: what the file holds, and what is left behind."""

    def test_save_leaves_one_file_and_replaces_it(self):
        directory = self.temporary_directory()
        client = self.connect(self.start(directory=directory))
        for i in range(5):
            self.assertEqual(client.call("SET", "a", i), OK)
            self.assertEqual(client.call("SAVE"), OK)
            self.assertEqual([p.name for p in directory.iterdir()], ["dump.rdb"])
        self.assertEqual(client.info("persistence")["rdb_changes_since_last_save"], "0")
        client.call("SET", "a", "changed")
        self.assertEqual(client.info("persistence")["rdb_changes_since_last_save"], "1")

    def test_a_failing_save_is_an_error_and_leaves_nothing_behind(self):
        directory = self.temporary_directory()
        client = self.connect(self.start(directory=directory))
        self.assertEqual(client.call("SET", "a", "old"), OK)
        self.assertEqual(client.call("SAVE"), OK)
        (directory / "dump.rdb").unlink()
        (directory / "dump.rdb").mkdir()  # no file can be renamed to this
        self.assert_error(client.call("SAVE"), "ERR")
        self.assertEqual([p.name for p in directory.iterdir()], ["dump.rdb"])
        self.assertEqual(client.call("SET", "a", "new"), OK)
        (directory / "dump.rdb").rmdir()
        self.assertEqual(client.call("SAVE"), OK)
        self.assertTrue((directory / "dump.rdb").is_file())

    def test_save_while_others_write_is_a_point_in_time(self):
        """Two counters that rise together in one pipeline may differ by one at most in the file."""
        directory = self.temporary_directory()
        server = self.start(directory=directory)
        writer, saver = self.connect(server), self.connect(server)
        saver.pipeline([("SET", f"filler:{i}", b"x" * 50) for i in range(50_000)])
        saver.send("SAVE")
        deadline = time.monotonic() + 20
        count = 0
        while saver.is_quiet(0.0005) and time.monotonic() < deadline:
            count += 1
            writer.pipeline([("SET", "first", count), ("SET", "second", count)])
        self.assertEqual(saver.read(), OK)
        server.kill()
        client = self.connect(self.start(directory=directory))
        self.assertIn(client.call("DBSIZE"), (50_000, 50_001, 50_002))
        first, second = (int(v or 0) for v in client.call("MGET", "first", "second"))
        self.assertIn(first - second, (0, 1))


if __name__ == "__main__":
    unittest.main()
