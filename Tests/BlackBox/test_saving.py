# SPDX-License-Identifier: BSD-3-Clause
"""Saves that succeed, fail, hang and are killed: rows F60 to F71 of the table of faults."""

import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support import (
    Case,
    OK,
    PONG,
    Status,
    amount,
    better_than_redis,
    error,
    free_port,
    ours_only,
    run_to_exit,
)

HERE = Path(__file__).resolve().parent
MISCONF = (
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to"
    " disk. Commands that may modify the data set are disabled, because this instance is"
    " configured to report errors during writes if RDB snapshotting fails"
    " (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB"
    " error.")
STARTED = Status(b"Background saving started")
SCHEDULED = Status(b"Background saving scheduled")


class SavingCase(Case):
    def populated(self, keys=1000, **options):
        options = {"save": "3600 1000000", "enable_debug_command": "yes", **options}
        server = self.start(**options)
        client = self.connect(server)
        if keys:
            client.call("DEBUG", "POPULATE", keys, "key", 40)
        return server, client

    def persistence(self, client):
        return client.info("persistence")

    def is_saving(self, client):
        return self.persistence(client)["rdb_bgsave_in_progress"] == "1"

    def background_save(self, client):
        """BGSAVE, and the status when it is over."""
        self.assertEqual(client.call("BGSAVE"), STARTED)
        self.eventually(lambda: not self.is_saving(client), 30)
        return self.persistence(client)["rdb_last_bgsave_status"]

    def temporary_files(self, server):
        return [name for name in os.listdir(server.directory) if name.startswith("temp-")]

    def digest(self, client):
        return client.call("DEBUG", "DIGEST")

    def reloaded(self, server):
        """A client of a second server that has loaded a copy of the first one's dump."""
        directory = self.temporary_directory()
        shutil.copy(server.directory / "dump.rdb", directory)
        return self.connect(self.start(directory=directory, enable_debug_command="yes"))

    def fill_every_type(self, client, count=30):
        for number in range(count):
            client.pipeline([
                ("SET", f"s:{number}", f"text {number} " * 5), ("SET", f"i:{number}", number),
                ("RPUSH", f"l:{number}", *range(number + 1)),
                ("SADD", f"t:{number}", *(f"m{n}" for n in range(number + 1))),
                ("HSET", f"h:{number}", *(f"f{n}" for n in range(2 * number + 2))),
                ("ZADD", f"z:{number}", *(x for n in range(number + 1) for x in (n, f"e{n}"))),
                ("XADD", f"x:{number}", "1-1", "f", "v"),
                ("SET", f"v:{number}", "x", "EX", 3600),
            ])


@unittest.skipUnless(shutil.which("cc"), "no C compiler to make the failing disk with")
class FailingDiskCase(SavingCase):
    """A server whose disk fails when the file `self.order` says so."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="redis-test-")
        cls.library = f"{cls.home}/failing_disk.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", cls.library, HERE / "failing_disk.c", "-ldl"],
            check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home, ignore_errors=True)

    def failing(self, **options):
        home = self.temporary_directory()
        self.order, self.calls = home / "order", home / "calls"
        self.order.write_text("")
        os.environ.update(
            LD_PRELOAD=self.library, FAILING_DISK=str(self.order),
            FAILING_DISK_CALLS=str(self.calls))
        try:
            return self.populated(**options)
        finally:
            for name in ("LD_PRELOAD", "FAILING_DISK", "FAILING_DISK_CALLS"):
                os.environ.pop(name)


class Kills(SavingCase):
    """F60. F60_KILLS=1000 makes it the thousand kills of the table."""

    def test_F60_the_dump_is_always_a_complete_earlier_state(self):
        rounds = amount("F60_KILLS", 20)
        keys = amount("F60_KEYS", 30_000)
        chance = random.Random(60)
        server, client = self.populated(keys)
        self.assertEqual(client.call("SET", "generation", 0), OK)
        self.assertEqual(client.call("SAVE"), OK)
        possible = {b"0"}
        for generation in range(1, rounds + 1):
            self.assertEqual(client.call("SET", "generation", generation), OK)
            self.assertEqual(client.call("BGSAVE"), STARTED)
            possible.add(b"%d" % generation)
            time.sleep(chance.random() * 0.06)
            server.kill()
            self.assertLessEqual(len(self.temporary_files(server)), 1)
            again = self.start(
                directory=server.directory, save="3600 1000000", enable_debug_command="yes")
            if server is not again:
                self.addCleanup(server.stop)
            server = again
            client.close()
            client = self.connect(server)
            self.assertEqual(self.temporary_files(server), [])
            self.assertEqual(client.call("DBSIZE"), keys + 1)
            found = client.call("GET", "generation")
            self.assertIn(found, possible)
            possible = {found}


class FullDisk(FailingDiskCase):
    @better_than_redis("the error names the step, the reason and the path")
    def test_F61_a_full_disk_stops_writes_until_a_save_succeeds(self):
        server, client = self.failing()
        self.assertEqual(self.background_save(client), "ok")
        before = (server.directory / "dump.rdb").read_bytes()
        self.order.write_text("write ENOSPC")
        client.call("SET", "a", 1)
        self.assertEqual(self.background_save(client), "err")
        self.assertEqual((server.directory / "dump.rdb").read_bytes(), before)
        self.assertEqual(self.temporary_files(server), [])
        reason = f" [write: No space left on device: {server.directory}/dump.rdb]"
        self.assertEqual(client.call("SET", "b", 1), error(MISCONF + reason))
        self.assertEqual(client.call("PING"), error(MISCONF + reason))
        self.assertEqual(client.call("GET", "a"), b"1")
        client.call("MULTI")
        self.assert_error(client.call("SET", "b", 1), "MISCONF")
        self.assert_error(client.call("EXEC"), "EXECABORT")
        fields = self.persistence(client)
        self.assertIn("write: No space left on device", fields["rdb_last_error"])
        self.assertIn(
            "Write error while saving DB to the disk(write): No space left on device", server.log())
        self.order.write_text("")
        self.assertEqual(self.background_save(client), "ok")
        self.assertEqual(client.call("SET", "b", 1), OK)
        self.assertEqual(client.call("PING"), PONG)
        self.assertEqual(self.persistence(client)["rdb_last_error"], "")

    def test_F61_a_save_point_tries_again_after_five_seconds(self):
        server, client = self.failing(save="1 1")
        self.order.write_text("write ENOSPC")
        client.call("SET", "a", 1)
        self.eventually(lambda: self.persistence(client)["rdb_last_bgsave_status"] == "err", 10)
        failed = time.monotonic()
        self.order.write_text("")
        self.eventually(lambda: self.persistence(client)["rdb_last_bgsave_status"] == "ok", 15)
        self.assertGreater(time.monotonic() - failed, 3.5)
        self.assertEqual(client.call("SET", "a", 2), OK)

    def test_F62_writes_go_on_without_the_option_or_without_save_points(self):
        server, client = self.failing()
        self.order.write_text("write EIO")
        self.assertEqual(self.background_save(client), "err")
        self.assert_error(client.call("SET", "a", 1), "MISCONF")
        client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        self.assertEqual(client.call("SET", "a", 1), OK)
        client.call("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
        self.assert_error(client.call("SET", "a", 1), "MISCONF")
        client.call("CONFIG", "SET", "save", "")
        self.assertEqual(client.call("SET", "a", 1), OK)
        self.assertEqual(client.call("PING"), PONG)

    @ours_only("Redis names its steps in other words")
    def test_F63_every_step_that_fails_is_named_and_leaves_the_old_dump(self):
        server, client = self.failing()
        self.assertEqual(self.background_save(client), "ok")
        before = (server.directory / "dump.rdb").read_bytes()
        client.call("DEL", "key:1")
        for call, step in [
                ("write", "write"), ("fsync", "fsync"), ("close", "close"), ("rename", "rename"),
                ("fsync-directory", "fsync directory")]:
            self.order.write_text(f"{call} EIO")
            self.assertEqual(self.background_save(client), "err", call)
            self.assertIn(
                f"Write error while saving DB to the disk({step}): Input/output error", server.log())
            self.assertTrue(self.persistence(client)["rdb_last_error"].startswith(step))
            self.assertEqual(self.temporary_files(server), [])
            if call != "fsync-directory":
                self.assertEqual((server.directory / "dump.rdb").read_bytes(), before, call)
        self.order.write_text("short write")
        self.assertEqual(self.background_save(client), "ok")
        self.order.write_text("")
        self.assertEqual(self.digest(self.reloaded(server)), self.digest(client))

    def test_F64_a_directory_that_is_gone_and_a_dump_that_is_a_directory(self):
        server, client = self.populated()
        server.directory.rename(server.directory.with_name("gone"))
        self.assertEqual(self.background_save(client), "err")
        self.assertEqual(client.call("GET", "key:1")[:5], b"value")
        server.directory.with_name("gone").rename(server.directory)
        (server.directory / "dump.rdb").mkdir()
        self.assertEqual(self.background_save(client), "err")
        self.assertEqual(self.temporary_files(server), [])
        (server.directory / "dump.rdb").rmdir()
        self.assertEqual(self.background_save(client), "ok")
        self.assertEqual(client.call("SET", "a", 1), OK)

    @ours_only("Redis writes through stdio")
    def test_F65_what_is_acknowledged_is_on_the_disk(self):
        server, client = self.failing()
        self.assertEqual(client.call("SAVE"), OK)
        calls = self.calls.read_text().split()
        order = [c for i, c in enumerate(calls) if i == 0 or calls[i - 1] != c]
        self.assertEqual(order, ["write", "fsync", "close", "rename", "fsync-directory"])

    @better_than_redis("a hanging disk is given up")
    def test_F67_a_disk_that_hangs_disturbs_nobody_and_is_given_up(self):
        server, client = self.failing(keys=0, rdbcompression="no")
        client.pipeline([("SET", f"k:{n}", "x" * 400) for n in range(10_000)])
        self.order.write_text("hang")
        self.assertEqual(client.call("BGSAVE"), STARTED)
        other = self.connect(server)
        for _ in range(3):
            other.pipeline([("SET", f"k:{n}", "y" * 400) for n in range(10_000)])
        fields = self.persistence(client)
        self.assertEqual(fields["rdb_bgsave_in_progress"], "1")
        self.assertEqual(fields["current_save_keys_total"], "10000")
        retained = int(client.info("memory")["snapshot_retained_bytes"])
        self.assertGreater(retained, 3_000_000)
        self.assertLess(retained, 12_000_000, "once for each value, however often it changes")
        self.assertEqual(client.call("BGSAVE", "CANCEL"), Status(b"Background saving cancelled"))
        self.eventually(lambda: client.info("memory")["snapshot_retained_bytes"] == "0", 5)
        self.assertFalse(self.is_saving(client))
        self.assertEqual(self.persistence(client)["rdb_last_bgsave_status"], "ok")
        self.assert_error(client.call("BGSAVE", "CANCEL"), "ERR Background saving is currently not")
        self.order.write_text("")
        self.assertEqual(self.background_save(client), "ok")
        self.eventually(lambda: self.temporary_files(server) == [])
        self.assertEqual(self.digest(self.reloaded(server)), self.digest(client))

    @better_than_redis("there is a limit of what a save may retain")
    def test_F68_a_save_that_retains_too_much_fails_alone(self):
        server, client = self.failing(
            keys=0, snapshot_retained_limit="1mb", rdbcompression="no")
        client.pipeline([("SET", f"k:{n}", "x" * 400) for n in range(10_000)])
        self.order.write_text("hang")
        self.assertEqual(client.call("BGSAVE"), STARTED)
        client.pipeline([("SET", f"k:{n}", "y" * 400) for n in range(10_000)], batch=50)
        self.eventually(lambda: not self.is_saving(client), 5)
        self.assertEqual(self.persistence(client)["rdb_last_bgsave_status"], "err")
        self.assertIn("snapshot-retained-limit", self.persistence(client)["rdb_last_error"])
        self.assert_error(client.call("SET", "a", 1), "MISCONF")
        peak = int(client.info("memory")["snapshot_retained_peak_bytes"])
        self.assertLess(peak, 2 << 20)
        self.order.write_text("")
        self.assertEqual(self.background_save(client), "ok")
        self.assertEqual(client.call("SET", "a", 1), OK)

    @better_than_redis("a snapshot's memory is counted to the last block")
    def test_F68_flushed_tables_and_huge_values_count_as_retained(self):
        server, client = self.failing(keys=0, rdbcompression="no")
        client.call("SET", "huge", "x" * 2_000_000)
        client.call("RPUSH", "list", *("y" * 100 for _ in range(20_000)))
        self.order.write_text("hang")
        self.assertEqual(client.call("BGSAVE"), STARTED)

        def retained():
            return int(client.info("memory")["snapshot_retained_bytes"])

        client.call("DEL", "huge")
        self.assertGreater(retained(), 1_900_000)
        client.call("DEL", "list")
        self.assertGreater(retained(), 3_800_000)
        client.call("SET", "after", "z" * 1_000_000)
        client.call("FLUSHALL")
        self.order.write_text("")
        self.eventually(lambda: retained() == 0)

    @better_than_redis("a dump that cannot fit is not begun")
    def test_F61_too_little_space_is_known_before(self):
        server, client = self.failing()
        self.assertEqual(self.background_save(client), "ok")
        self.order.write_text("free 10000")
        self.calls.unlink()
        self.assertEqual(self.background_save(client), "err")
        self.assertRegex(
            self.persistence(client)["rdb_last_error"],
            "^check free space: No space left on device: about [0-9]+ bytes are needed, 10000 are")
        self.assertFalse(self.calls.exists(), "nothing was written")
        self.order.write_text("")
        self.assertEqual(self.background_save(client), "ok")

    def test_F70_shutdown_fails_with_its_save_and_the_server_goes_on(self):
        server, client = self.failing()
        self.order.write_text("fsync EIO")
        self.assertEqual(
            client.call("SHUTDOWN"), error("ERR Errors trying to SHUTDOWN. Check logs."))
        self.assertEqual(client.call("SET", "a", 1), OK)
        server.process.terminate()
        self.eventually(lambda: server.log().count("Error trying to save the DB, can't exit") == 2)
        self.assertEqual(client.call("GET", "a"), b"1")
        client.send("SHUTDOWN", "FORCE")
        self.assertEqual(server.wait_for_exit(10), 0)


class Replies(SavingCase):
    def slow(self, **options):
        """A server whose saves take long."""
        server, client = self.populated(2000, **options)
        client.call("CONFIG", "SET", "rdb-key-save-delay", 1000)
        return server, client

    def test_F66_one_save_at_a_time(self):
        server, client = self.slow()
        self.assertEqual(client.call("BGSAVE"), STARTED)
        already = error("ERR Background save already in progress")
        self.assertEqual(client.call("BGSAVE"), already)
        self.assertEqual(client.call("BGSAVE", "SCHEDULE"), already)
        self.assertEqual(client.call("SAVE"), already)
        self.assertEqual(client.call("BGSAVE", "NOW"), error("ERR syntax error"))
        fields = self.persistence(client)
        self.assertEqual(fields["current_save_keys_total"], "2000")
        self.assertEqual(fields["rdb_bgsave_in_progress"], "1")
        self.eventually(
            lambda: int(self.persistence(client)["current_save_keys_processed"]) > 0)

    def test_F66_within_a_transaction_it_is_scheduled(self):
        server, client = self.populated()
        client.call("MULTI")
        client.call("BGSAVE")
        self.assertEqual(client.call("EXEC"), [SCHEDULED])
        self.eventually(lambda: self.persistence(client)["rdb_saves"] == "1")

    def test_save_points_count_changes_and_seconds(self):
        server, client = self.populated(0, save="1 3")
        client.pipeline([("SET", "a", 1), ("SET", "b", 1)])
        time.sleep(2.2)
        self.assertEqual(self.persistence(client)["rdb_saves"], "0")
        client.call("SET", "c", 1)
        self.eventually(lambda: self.persistence(client)["rdb_saves"] == "1")
        self.assertEqual(self.persistence(client)["rdb_changes_since_last_save"], "0")
        self.assertIn("3 changes in 1 seconds. Saving...", server.log())

    @better_than_redis("Redis kills the save that is running")
    def test_F71_a_snapshot_is_the_state_at_its_start_whatever_happens(self):
        server, client = self.populated(0, databases=4)
        self.fill_every_type(client)
        start = self.digest(client)
        client.call("CONFIG", "SET", "rdb-key-save-delay", 2000)
        self.assertEqual(client.call("BGSAVE"), STARTED)
        client.pipeline([("PEXPIRE", f"s:{n}", 1) for n in range(30)])
        client.pipeline([("APPEND", f"i:{n}", "9") for n in range(30)])
        client.pipeline([("LPOP", f"l:{n}") for n in range(30)])
        client.pipeline([("XADD", f"x:{n}", "2-1", "f", "v") for n in range(30)])
        self.assertEqual(client.call("SWAPDB", 0, 1), OK)
        self.fill_every_type(client, 5)
        self.assertTrue(self.is_saving(client))
        client.call("CONFIG", "SET", "save", "")
        self.assertEqual(client.call("FLUSHALL"), OK)
        self.assertTrue(self.is_saving(client))
        self.eventually(lambda: not self.is_saving(client), 20)
        self.assertEqual(self.digest(self.reloaded(server)), start)
        self.assertEqual(client.call("DBSIZE"), 0)

    def test_F71_flushall_saves_the_emptiness(self):
        server, client = self.populated()
        self.assertEqual(client.call("SAVE"), OK)
        self.assertEqual(client.call("FLUSHALL"), OK)
        self.eventually(
            lambda: not self.is_saving(client)
            and (server.directory / "dump.rdb").stat().st_size < 200)
        self.assertEqual(self.reloaded(server).call("DBSIZE"), 0)

    @ours_only("a version that is asked for")
    def test_a_version_that_cannot_hold_the_data_is_refused_by_name(self):
        server, client = self.populated(5, rdb_version=9)
        client.call("XADD", "stream", "1-1", "f", "v")
        self.assertEqual(client.call("SAVE"), OK)
        self.assertEqual((server.directory / "dump.rdb").read_bytes()[:9], b"REDIS0009")
        self.assertEqual(self.digest(self.reloaded(server)), self.digest(client))
        client.call("HSET", "timed", "f", "v")
        client.call("HEXPIRE", "timed", 100, "FIELDS", 1, "f")
        self.assert_error(
            client.call("SAVE"), "ERR Write error while saving DB to the disk(version): RDB version"
            " 9 (rdb-version) cannot hold the hash 'timed'")
        self.assertEqual(client.call("CONFIG", "SET", "rdb-version", 0), OK)
        self.assertEqual(client.call("SAVE"), OK)
        self.assert_error(client.call("CONFIG", "SET", "rdb-version", 5), "ERR CONFIG SET failed")

    def test_the_policy_brings_its_opcodes_along(self):
        for policy, opcode in (("allkeys-lfu", b"\xf9"), ("allkeys-lru", b"\xf8")):
            server, client = self.populated(0, maxmemory_policy=policy)
            client.call("SET", "k", "v")
            self.assertEqual(client.call("SAVE"), OK)
            dump = (server.directory / "dump.rdb").read_bytes()
            self.assertRegex(dump, opcode + b".\x00\x01k\x01v")
        again = self.start(directory=server.directory)
        self.assertEqual(self.connect(again).call("GET", "k"), b"v")


class Locks(SavingCase):
    @better_than_redis("two servers do not share a dump")
    def test_F83_a_second_server_on_the_same_dump_is_refused(self):
        server, client = self.populated()
        status, output, _ = run_to_exit(
            ["--port", free_port(), "--dir", server.directory, "--save", "3600 1"])
        self.assertEqual(status, 1)
        self.assertIn(f"Another server (pid {server.pid}) saves to 'dump.rdb'", output)
        other = self.connect(self.start(
            directory=server.directory, save="3600 1", dbfilename="other.rdb",
            enable_protected_configs="yes"))
        self.assert_error(
            other.call("CONFIG", "SET", "dbfilename", "dump.rdb"), "ERR CONFIG SET failed")
        reader = self.connect(self.start(directory=server.directory, save=""))
        self.assertEqual(reader.call("PING"), PONG)
        server.kill()
        self.assertEqual(other.call("CONFIG", "SET", "dbfilename", "dump.rdb"), OK)


class HugeValues(SavingCase):
    @better_than_redis("no pause, and a snapshot of a hash that is written all the time")
    def test_F69_a_huge_hash_is_written_while_it_is_saved(self):
        fields = amount("F69_FIELDS", 100_000)
        server, client = self.populated(0)
        for start in range(0, fields, 1000):
            client.call(
                "HSET", "hash", *(x for n in range(start, start + 1000) for x in (f"f{n}", n)))
        before = self.digest(client)
        client.call("CONFIG", "RESETSTAT")
        waits = []
        self.assertEqual(client.call("BGSAVE"), STARTED)
        number = 0
        while self.is_saving(client) or number < 2000:
            begun = time.monotonic()
            client.call("HSET", "hash", f"f{number % fields}", "changed")
            waits.append(time.monotonic() - begun)
            number += 7
        self.assertEqual(self.digest(self.reloaded(server)), before)
        longest = int(client.info("stats")["eventloop_duration_max_usec"])
        self.assertLess(longest, 50_000, "a turn of the loop, microseconds, on a busy machine")


if __name__ == "__main__":
    unittest.main()
