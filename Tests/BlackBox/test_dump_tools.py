# SPDX-License-Identifier: BSD-3-Clause
"""The tools for dumps: redis-check-rdb by name and by option, --convert-rdb."""

import shutil
import subprocess
import unittest
from pathlib import Path

import rdb
from support import BINARY, Case, OK, ORACLE_BINARY, needs_oracle, ours_only, run_to_exit

FIXTURES = Path(__file__).parent.parent / "MiniRedisTests" / "Fixtures" / "rdb"
FAR = 4102444800000


@ours_only("Redis's tools are programs of their own")
class CheckDump(Case):
    def check(self, path):
        status, text, complaint = run_to_exit(["--check-rdb", str(path)])
        return status, text + complaint

    def write(self, data):
        path = self.temporary_directory() / "x.rdb"
        path.write_bytes(data)
        return path

    def test_by_the_name_of_the_program(self):
        link = self.temporary_directory() / "redis-check-rdb"
        link.symlink_to(BINARY)
        path = self.write(rdb.dump({0: {b"a": b"b"}}))
        status, text, _ = run_to_exit([str(path)], binary=str(link))
        self.assertEqual(status, 0)
        self.assertIn("\\o/ RDB looks OK! \\o/", text)
        status, _, complaint = run_to_exit([], binary=str(link))
        self.assertEqual((status, complaint), (1, f"Usage: {link} <rdb-file-name>\n"))

    def test_a_good_dump_and_its_summary(self):
        keys = {0: {b"a": b"b", b"big": b"x" * 500}, 3: {b"c": (b"d", FAR), b"e": (b"f", 1)}}
        status, text = self.check(self.write(rdb.dump(keys, aux=[(b"redis-ver", b"7.0.15")])))
        self.assertEqual(status, 0)
        for line in (
            "AUX FIELD redis-ver = '7.0.15'", "Selecting DB ID 0", "Selecting DB ID 3",
            "Checksum OK", "\\o/ RDB looks OK! \\o/", "[info] 4 keys read", "[info] 2 expires",
            "[info] 1 already expired", "[summary] version 9 of Redis, written by 7.0.15",
            "[summary] database 3: 2 keys (string 2), 2 expires, 1 already expired",
            'largest: string "big" in database 0',
        ):
            self.assertIn(line, text)

    def test_damage(self):
        data = rdb.dump({0: {b"a": b"b", b"c": b"d"}})
        flipped = bytearray(data)
        flipped[-1] ^= 1
        for what, bad, line in (
            ("cut off", data[:-12], "Unexpected EOF reading RDB file"),
            ("checksum", bytes(flipped), "RDB CRC error"),
            ("signature", b"X" + data[1:], "Wrong signature trying to load DB from file"),
            ("version", b"REDIS0099" + data[9:], "Can't handle RDB format version 99"),
        ):
            with self.subTest(what):
                status, text = self.check(self.write(bad))
                self.assertEqual(status, 1)
                self.assertIn("--- RDB ERROR DETECTED ---", text)
                self.assertIn(line, text)
        self.assertEqual(self.check("/no/such/file")[0], 1)

    def test_every_fixture(self):
        for path in sorted(FIXTURES.glob("*.rdb")):
            with self.subTest(path.name):
                status, text = self.check(path)
                self.assertEqual(status, 0, text)

    @needs_oracle
    def test_the_verdicts_of_Redis(self):
        tool = shutil.which("redis-check-rdb")
        if not tool:
            self.skipTest("redis-check-rdb is not installed")
        data = rdb.dump({0: {b"k%d" % n: b"value" for n in range(4)}})
        for cut in range(0, len(data), 5):
            path = self.write(data[:cut])
            theirs = subprocess.run([tool, path], capture_output=True, check=False).returncode
            self.assertEqual(self.check(path)[0], theirs, cut)


@ours_only("Redis has no such tool")
class ConvertDump(Case):
    def convert(self, source, target, version):
        return run_to_exit(
            ["--convert-rdb", str(source), str(target), "--rdb-version", str(version)])

    def digest(self, path):
        directory = self.temporary_directory()
        shutil.copy(path, directory / "dump.rdb")
        with self.start(directory=directory, enable_debug_command="yes") as server:
            return self.connect(server).call("DEBUG", "DIGEST")

    def saved_by_Redis(self, path):
        """What Redis makes of a dump."""
        directory = self.temporary_directory()
        shutil.copy(path, directory / "dump.rdb")
        with self.start_oracle(directory=directory) as oracle:
            self.assertEqual(self.connect(oracle).call("SAVE"), OK)
        return directory / "dump.rdb"

    def test_newer_dumps_for_older_servers(self):
        for name in ("hash_lp_v11", "set_lp_v11", "zset_lp_v11", "quicklist2_v11", "dictionary",
                     "multiple_dbs", "mem_policy_lru"):
            with self.subTest(name):
                target = self.temporary_directory() / "out.rdb"
                status, text, complaint = self.convert(FIXTURES / f"{name}.rdb", target, 9)
                self.assertEqual(status, 0, complaint)
                self.assertEqual(target.read_bytes()[:9], b"REDIS0009")
                ours = self.digest(FIXTURES / f"{name}.rdb")
                self.assertEqual(self.digest(target), ours)
                if ORACLE_BINARY:
                    self.assertEqual(self.digest(self.saved_by_Redis(target)), ours)

    def test_what_does_not_fit_is_named(self):
        directory = self.temporary_directory()
        target = directory / "out.rdb"
        status, _, complaint = self.convert(FIXTURES / "hash_field_ttl_v12.rdb", target, 9)
        self.assertEqual(status, 1)
        self.assertIn("which needs version 12", complaint)
        self.assertIn("hash", complaint)
        self.assertEqual(list(directory.iterdir()), [])
        status, _, complaint = self.convert(FIXTURES / "function.rdb", target, 9)
        self.assertEqual(status, 1)
        self.assertIn("functions", complaint)
        self.assertEqual(self.convert(FIXTURES / "function.rdb", target, 10)[0], 0)

    def test_usage(self):
        self.assertEqual(run_to_exit(["--convert-rdb", "a", "b"])[0], 1)
        self.assertEqual(self.convert("/no/such", "/tmp/x.rdb", 9)[0], 1)
        self.assertEqual(self.convert(FIXTURES / "dictionary.rdb", "/tmp/x.rdb", 8)[0], 1)


@ours_only("Redis has functions")
class Functions(Case):
    @needs_oracle
    def test_libraries_pass_through_this_server(self):
        directory = self.temporary_directory()
        code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
        with self.start_oracle(directory=directory) as oracle:
            client = self.connect(oracle)
            client.call("FUNCTION", "LOAD", code)
            libraries = client.call("FUNCTION", "LIST")
            client.call("SAVE")
        with self.start(directory=directory) as server:
            client = self.connect(server)
            client.call("SET", "a", "b")
            self.assertEqual(client.call("SAVE"), OK)
        client = self.connect(self.start_oracle(directory=directory))
        self.assertEqual(client.call("GET", "a"), b"b")
        self.assertEqual(len(libraries), 1)
        self.assertEqual(client.call("FUNCTION", "LIST"), libraries)


if __name__ == "__main__":
    unittest.main()
