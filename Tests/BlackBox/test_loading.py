# SPDX-License-Identifier: BSD-3-Clause
"""Loading while the server answers: F81, F101, INFO's progress, DEBUG RELOAD."""

import signal
import time
import unittest

import rdb
from support import Case, OK, error, ours_only

LOADING = error("LOADING Redis is loading the dataset in memory")
KEYS = {0: {b"key:%d" % n: b"value %d" % n for n in range(3000)}}


class WhileLoading(Case):
    """A start that takes some seconds, by key-load-delay."""

    def slow(self, microseconds=2000, keys=KEYS, **options):
        directory = self.temporary_directory()
        (directory / "dump.rdb").write_bytes(rdb.dump(keys, aux=[(b"used-mem", b"1234567")]))
        return self.start(
            directory=directory, wait=False, key_load_delay=microseconds, **options)

    def connected(self, server):
        for _ in range(200):
            try:
                client = self.connect(server)
                client.call("HELLO")
                return client
            except OSError:
                time.sleep(0.02)
        self.fail("the server does not listen while it loads")

    def test_F81_what_is_answered_while_loading(self):
        server = self.slow()
        client = self.connected(server)
        for request in (
            ["GET", "key:1"], ["SET", "a", "b"], ["DBSIZE"], ["PING"], ["KEYS", "*"],
            ["FLUSHALL"], ["BLPOP", "l", "0"], ["SAVE"],
        ):
            with self.subTest(request):
                self.assertEqual(client.call(*request), LOADING)
        for request, reply in ((["SELECT", "3"], OK), (["CLIENT", "SETNAME", "x"], OK)):
            with self.subTest(request):
                self.assertEqual(client.call(*request), reply)
        fields = client.info("persistence")
        self.assertEqual(fields["loading"], "1")
        self.assertEqual(fields["async_loading"], "0")
        self.assertEqual(fields["loading_rdb_used_mem"], "1234567")
        size = len(rdb.dump(KEYS, aux=[(b"used-mem", b"1234567")]))
        self.assertEqual(int(fields["loading_total_bytes"]), size)
        self.assertLessEqual(int(fields["loading_loaded_bytes"]), size)
        for name in ("loading_start_time", "loading_loaded_perc", "loading_eta_seconds"):
            self.assertIn(name, fields)
        self.assertEqual(client.call("CONFIG", "SET", "key-load-delay", "0"), OK)
        client.call("SELECT", "0")
        for _ in range(500):
            if client.call("DBSIZE") == 3000:
                break
            time.sleep(0.02)
        self.assertEqual(client.call("GET", "key:2999"), b"value 2999")
        fields = client.info("persistence")
        self.assertEqual(fields["loading"], "0")
        self.assertEqual(fields["rdb_last_load_keys_loaded"], "3000")
        self.assertEqual(fields["rdb_changes_since_last_save"], "0")
        self.assertNotIn("loading_total_bytes", fields)

    def test_F81_a_transaction_while_loading(self):
        server = self.slow()
        client = self.connected(server)
        self.assertEqual(client.call("MULTI"), OK)
        self.assertEqual(client.call("GET", "key:1"), LOADING)
        self.assertIn("EXECABORT", str(client.call("EXEC")))

    @ours_only("the exit status and the log of this server")
    def test_F101_SIGTERM_while_loading_leaves_the_dump_alone(self):
        server = self.slow()
        client = self.connected(server)
        path = server.directory / "dump.rdb"
        before = path.read_bytes()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait_for_exit(10), 0)
        self.assertEqual(path.read_bytes(), before)
        self.assertIn(
            "Received shutdown signal during loading, exiting now.", server.log())
        del client

    def test_F101_SHUTDOWN_SAVE_while_loading_leaves_the_dump_alone(self):
        server = self.slow()
        client = self.connected(server)
        path = server.directory / "dump.rdb"
        before = path.read_bytes()
        client.send("SHUTDOWN", "SAVE")
        self.assertEqual(server.wait_for_exit(10), 0)
        self.assertEqual(path.read_bytes(), before)


class Reload(Case):
    """DEBUG RELOAD and its options."""

    def setUp(self):
        self.server = self.start(enable_debug_command="yes")
        self.client = self.connect(self.server)

    def test_everything_comes_back(self):
        call = self.client.call
        call("SET", "s", "x", "PX", "1000000")
        call("RPUSH", "l", *range(1000))
        call("SADD", "set", *(f"m{n}" for n in range(3000)))
        call("ZADD", "z", *(word for n in range(2000) for word in (str(n), f"m{n}")))
        call("HSET", "h", *(word for n in range(2000) for word in (f"f{n}", "v")))
        call("XADD", "x", "1-1", "a", "b")
        call("SELECT", "7")
        call("SET", "other", "database")
        digest = call("DEBUG", "DIGEST")
        for _ in range(3):
            self.assertEqual(call("DEBUG", "RELOAD"), OK)
            self.assertEqual(call("DEBUG", "DIGEST"), digest)
        call("SELECT", "0")
        self.assertGreater(call("PTTL", "s"), 900000)
        # The collections live on.
        self.assertEqual(call("SADD", "set", "m1", "new"), 1)
        self.assertEqual(call("SREM", "set", *(f"m{n}" for n in range(2990))), 2990)
        self.assertEqual(call("SCARD", "set"), 11)
        self.assertEqual(call("ZREM", "z", *(f"m{n}" for n in range(2000))), 2000)
        self.assertEqual(call("EXISTS", "z"), 0)
        self.assertEqual(call("FLUSHALL"), OK)

    def test_a_pipeline_goes_on_behind_it(self):
        replies = self.client.pipeline([["SET", "a", "1"], ["DEBUG", "RELOAD"], ["GET", "a"]])
        self.assertEqual(replies, [OK, OK, b"1"])

    def test_within_a_transaction(self):
        self.client.call("SET", "a", "1")
        self.client.call("MULTI")
        self.client.call("DEBUG", "RELOAD")
        self.client.call("INCR", "a")
        self.assertEqual(self.client.call("EXEC"), [OK, 2])

    def test_options(self):
        call = self.client.call
        call("SET", "saved", "1")
        self.assertEqual(call("SAVE"), OK)
        call("SET", "unsaved", "1")
        call("SET", "saved", "2")
        self.assertEqual(call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"), OK)
        self.assertEqual(call("MGET", "saved", "unsaved"), [b"1", b"1"])
        self.assertEqual(call("DEBUG", "RELOAD", "NOSAVE"), OK)
        self.assertEqual(call("MGET", "saved", "unsaved"), [b"1", None])
        self.assertEqual(
            call("DEBUG", "RELOAD", "BAD"),
            error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."))

    @ours_only("Redis ends here")
    def test_a_damaged_dump_changes_nothing(self):
        call = self.client.call
        call("SET", "a", "1")
        call("SAVE")
        path = self.server.directory / "dump.rdb"
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(bytes(data))
        call("SET", "a", "2")
        self.assertIn("Error trying to load the RDB dump", str(call("DEBUG", "RELOAD", "NOSAVE")))
        self.assertEqual(call("GET", "a"), b"2")

    def test_watched_keys_and_waiting_clients(self):
        call = self.client.call
        call("RPUSH", "l", "x")
        call("SAVE")
        call("DEL", "l")
        waiting = self.connect(self.server)
        waiting.send("BLPOP", "l", "0")
        watching = self.connect(self.server)
        watching.call("WATCH", "l")
        watching.call("MULTI")
        watching.call("PING")
        time.sleep(0.1)
        self.assertEqual(call("DEBUG", "RELOAD", "NOSAVE"), OK)
        self.assertEqual(waiting.read(), [b"l", b"x"])
        self.assertEqual(repr(watching.call("EXEC")), "*-1")


if __name__ == "__main__":
    unittest.main()
