# SPDX-License-Identifier: BSD-3-Clause
"""The append-only file: written, loaded, rewritten; across crashes, a full disk, and with Redis."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import differential
from support import (
    BINARY,
    Case,
    Disconnected,
    OK,
    amount,
    encode,
    error,
    needs_oracle,
    needs_tool,
    ours_only,
)

NAME = "appendonly.aof"


def aof(*commands):
    return b"".join(encode(*c) for c in commands)


def everything(client):
    """Keys of every type, with and without deadlines, in two databases."""
    far = str(int(time.time() * 1000) + 10_000_000)
    for database in ("0", "3"):
        client.call("SELECT", database)
        client.call("SET", "string", "value\r\n\0")
        client.call("SET", "number", "12345")
        client.call("SET", "huge", "x" * 100_000)
        client.call("SET", "timed", "v", "PXAT", far)
        client.call("SETRANGE", "padded", "5", "x")
        client.call("PFADD", "hll", "a", "b", "c")
        client.call("SETBIT", "bits", "99", "1")
        for kind, count in (("small", 5), ("large", 700)):
            client.call("RPUSH", f"list:{kind}", *[f"e{i}" for i in range(count)])
            client.call("SADD", f"set:{kind}", *[f"m{i}" for i in range(count)])
            client.call("SADD", f"ints:{kind}", *range(count))
            client.call(
                "ZADD", f"zset:{kind}", *[x for i in range(count) for x in (i / 7, f"m{i}")])
            client.call("HSET", f"hash:{kind}", *[x for i in range(count) for x in (f"f{i}", i)])
        client.call("PEXPIREAT", "hash:small", far)
        for i in range(1, 200):
            client.call("XADD", "stream", f"{i}-{i}", "field", i, *(["other", "x"] if i % 3 else []))
        client.call("XDEL", "stream", "5-5", "199-199")
        client.call("XGROUP", "CREATE", "stream", "group", "3-3")
        client.call("XGROUP", "CREATE", "stream", "empty", "$")
        client.call("XREADGROUP", "GROUP", "group", "one", "COUNT", "7", "STREAMS", "stream", ">")
        client.call("XREADGROUP", "GROUP", "group", "two", "COUNT", "3", "STREAMS", "stream", ">")
        client.call("XACK", "stream", "group", "6-6")
        client.call("XGROUP", "CREATE", "no-entries", "group", "0", "MKSTREAM")
    client.call("SELECT", "0")


def effects(client):
    """Commands whose effects depend on time or chance, or are told in another form."""
    client.call("EXPIRE", "string", "5000")
    client.call("GETEX", "number", "EX", "4000")
    client.call("INCRBYFLOAT", "float", "1.5")
    client.call("SPOP", "set:large", "13")
    client.call("HINCRBYFLOAT", "hash:large", "f1", "2.25")
    client.call("GETDEL", "padded")
    client.call("SET", "short", "v", "PX", "1")
    client.call("BLMPOP", "1", "1", "list:small", "LEFT", "COUNT", "2")
    client.call("ZPOPMIN", "zset:large", "3")
    client.call("XADD", "stream", "*", "k", "v")
    client.call("XCLAIM", "stream", "group", "two", "0", "4-4")
    client.call("XAUTOCLAIM", "stream", "group", "three", "0", "7-7", "COUNT", "1")
    client.call("MULTI")
    client.call("INCR", "number")
    client.call("SELECT", "3")
    client.call("RPUSH", "list:large", "x")
    client.call("EXEC")
    client.call("SELECT", "0")
    client.call("COPY", "string", "copied", "DB", "3")
    client.call("RENAME", "float", "renamed")
    client.call("RESTORE", "restored", "0", client.call("DUMP", "zset:small"))
    client.call("SORT", "list:large", "ALPHA", "STORE", "sorted")
    time.sleep(0.02)


def contents(client):
    """Everything in both databases, by value."""
    result = {}
    reads = {
        b"string": ["GET"], b"list": ["LRANGE", "0", "-1"], b"set": ["SMEMBERS"],
        b"hash": ["HGETALL"], b"zset": ["ZRANGE", "0", "-1", "WITHSCORES"],
        b"stream": ["XRANGE", "-", "+"],
    }
    for database in ("0", "3"):
        client.call("SELECT", database)
        for key in sorted(client.call("KEYS", "*")):
            kind = client.call("TYPE", key).text
            words = reads[kind]
            value = client.call(words[0], key, *words[1:])
            if kind in (b"set",):
                value = sorted(value)
            if kind == b"hash":
                value = sorted(zip(value[::2], value[1::2]))
            if kind == b"zset":
                # 7.0 prints other digits of the same number.
                value = list(zip(value[::2], map(float, value[1::2])))
            more = None
            if kind == b"stream":
                groups = client.call("XINFO", "GROUPS", key)
                pending = [
                    [row[:2] + row[3:] for row in
                     client.call("XPENDING", key, group[1], "-", "+", "1000")]
                    for group in groups
                ]
                facts = client.call("XINFO", "STREAM", key)
                facts = dict(zip(facts[::2], facts[1::2]))
                more = groups, pending, facts[b"last-generated-id"], facts.get(b"entries-added")
            result[database, key] = kind, value, client.call("PEXPIRETIME", key), more
    client.call("SELECT", "0")
    return result


def settled(case, server):
    """A client of a server that has loaded."""
    client = case.connect(server)
    case.eventually(lambda: client.info("persistence")["loading"] == "0")
    return client


def rewritten(case, client):
    case.eventually(
        lambda: client.info("persistence")["aof_rewrite_in_progress"] == "0"
        and client.info("persistence")["aof_rewrite_scheduled"] == "0", 30)


class Files(Case):
    """Which files there are, and what the manifest says."""

    options = {"appendonly": "yes", "auto_aof_rewrite_percentage": 0}

    def manifest(self, server, name=NAME):
        return (server.directory / "appendonlydir" / f"{name}.manifest").read_text()

    def test_start_rewrite_and_history(self):
        server = self.start(**self.options)
        client = self.connect(server)
        self.assertEqual(
            self.manifest(server),
            f"file {NAME}.1.base.rdb seq 1 type b\nfile {NAME}.1.incr.aof seq 1 type i\n")
        client.call("SET", "a", "1")
        reply = client.call("BGREWRITEAOF")
        self.assertEqual(reply.text, b"Background append only file rewriting started")
        rewritten(self, client)
        self.assertEqual(
            self.manifest(server),
            f"file {NAME}.2.base.rdb seq 2 type b\nfile {NAME}.2.incr.aof seq 2 type i\n")
        directory = server.directory / "appendonlydir"
        self.eventually(lambda: len(list(directory.iterdir())) == 3)
        client.call("CONFIG", "SET", "aof-disable-auto-gc", "yes")
        client.call("BGREWRITEAOF")
        rewritten(self, client)
        self.assertEqual(
            self.manifest(server),
            f"file {NAME}.3.base.rdb seq 3 type b\nfile {NAME}.2.incr.aof seq 2 type h\n"
            f"file {NAME}.2.base.rdb seq 2 type h\nfile {NAME}.3.incr.aof seq 3 type i\n")

    def test_names_of_choice(self):
        server = self.start(
            **self.options, appendfilename=" file \n.aof ", aof_use_rdb_preamble="no")
        text = self.manifest(server, " file \n.aof ")
        self.assertEqual(
            text,
            'file " file \\n.aof .1.base.aof" seq 1 type b\n'
            'file " file \\n.aof .1.incr.aof" seq 1 type i\n')

    def test_what_is_appended(self):
        server = self.start(**self.options, appendfsync="always")
        client = self.connect(server)
        client.call("SET", "key", "value")
        client.call("GET", "key")
        client.call("SELECT", "2")
        client.call("MULTI")
        client.call("SADD", "s", "a")
        client.call("SREM", "s", "a", "b")
        client.call("EXEC")
        client.call("FLUSHDB")
        client.call("FLUSHALL")
        path = server.directory / "appendonlydir" / f"{NAME}.1.incr.aof"
        expected = aof(
            ["SELECT", "0"], ["SET", "key", "value"], ["SELECT", "2"], ["MULTI"],
            ["SADD", "s", "a"], ["SREM", "s", "a", "b"], ["EXEC"], ["FLUSHDB"], ["FLUSHALL"])
        self.assertEqual(path.read_bytes(), expected)
        info = client.info("persistence")
        base = (server.directory / "appendonlydir" / f"{NAME}.1.base.rdb").stat().st_size
        self.assertEqual(int(info["aof_current_size"]), base + len(expected))
        self.assertEqual(int(info["aof_base_size"]), base)

    def test_timestamps(self):
        server = self.start(**self.options, aof_timestamp_enabled="yes", aof_use_rdb_preamble="no")
        client = self.connect(server)
        client.call("SET", "a", "b")
        path = server.directory / "appendonlydir" / f"{NAME}.1.incr.aof"
        self.assertRegex(path.read_bytes().split(b"\r\n")[0], rb"^#TS:\d{10}$")
        client.call("BGREWRITEAOF")
        rewritten(self, client)
        path = server.directory / "appendonlydir" / f"{NAME}.2.base.aof"
        self.assertRegex(path.read_bytes().split(b"\r\n")[0], rb"^#TS:\d{10}$")
        client.call("DEBUG", "LOADAOF")
        self.assertEqual(client.call("GET", "a"), b"b")

    def test_turned_on_and_off_while_running(self):
        server = self.start()
        client = self.connect(server)
        client.call("SET", "before", "1")
        self.assertEqual(client.call("CONFIG", "SET", "appendonly", "yes"), OK)
        client.call("SET", "during", "2")
        rewritten(self, client)
        client.call("SET", "after", "3")
        self.assertEqual(client.call("CONFIG", "SET", "appendonly", "no"), OK)
        client.call("SET", "lost", "4")
        self.assertEqual(client.info("persistence")["aof_enabled"], "0")
        server.kill()
        again = settled(self, self.start(directory=server.directory, appendonly="yes"))
        self.assertEqual(
            again.call("MGET", "before", "during", "after", "lost"), [b"1", b"2", b"3", None])

    def test_automatic_rewrite(self):
        server = self.start(
            appendonly="yes", auto_aof_rewrite_percentage=100, auto_aof_rewrite_min_size="64kb")
        client = self.connect(server)
        for i in range(2000):
            client.call("SET", "key", "x" * 100)
        self.eventually(lambda: int(client.info("persistence")["aof_rewrites"]) > 0)
        self.assertIn("Starting automatic rewriting of AOF on", server.log())

    def test_rewrite_waits_for_its_turn(self):
        server = self.start(**self.options, enable_debug_command="yes")
        client = self.connect(server)
        client.call("DEBUG", "POPULATE", "1000")
        client.call("CONFIG", "SET", "rdb-key-save-delay", "10000")
        client.call("BGREWRITEAOF")
        self.assertEqual(
            client.call("BGREWRITEAOF"),
            error("ERR Background append only file rewriting already in progress"))
        self.assertEqual(client.info("persistence")["aof_rewrite_in_progress"], "1")
        client.call("CONFIG", "SET", "rdb-key-save-delay", "0")
        rewritten(self, client)
        client.call("MULTI")
        client.call("BGREWRITEAOF")
        reply = client.call("EXEC")[0]
        self.assertEqual(reply.text, b"Background append only file rewriting scheduled")
        rewritten(self, client)
        self.assertEqual(client.info("persistence")["aof_rewrites"], "2")


class Loading(Case):
    """A start from files that were made by hand."""

    def place(self, increment, base=None, old=None):
        directory = self.temporary_directory()
        folder = directory / "appendonlydir"
        folder.mkdir()
        lines = ""
        if base is not None:
            (folder / f"{NAME}.1.base.aof").write_bytes(base)
            lines += f"file {NAME}.1.base.aof seq 1 type b\n"
        (folder / f"{NAME}.1.incr.aof").write_bytes(increment)
        lines += f"file {NAME}.1.incr.aof seq 1 type i\n"
        (folder / f"{NAME}.manifest").write_text(lines)
        return directory

    def load(self, directory, **options):
        server = self.start(directory=directory, appendonly="yes", **options)
        return server, settled(self, server)

    def refused(self, directory, text, **options):
        server = self.start(directory=directory, appendonly="yes", wait=False, **options)
        self.assertEqual(server.wait_for_exit(), 1)
        self.assertIn(text, server.log())

    def test_commands_in_order_and_transactions(self):
        directory = self.place(
            aof(["MULTI"], ["INCR", "n"], ["SELECT", "1"], ["INCR", "n"], ["EXEC"], ["INCR", "n"]),
            base=aof(["SELECT", "0"], ["SET", "n", "10"]))
        _, client = self.load(directory)
        self.assertEqual(client.call("GET", "n"), b"11")
        client.call("SELECT", "1")
        self.assertEqual(client.call("GET", "n"), b"2")
        info = client.info()
        self.assertEqual(info["rdb_changes_since_last_save"], "0")
        self.assertNotIn("cmdstat_incr", info)

    def test_past_deadlines_die_after_loading(self):
        directory = self.place(
            aof(["RPUSH", "l", "a"], ["PEXPIREAT", "l", "1000"], ["RPUSH", "l", "b"],
                ["SET", "s", "v", "PXAT", "1000"], ["APPEND", "s", "x"]))
        _, client = self.load(directory)
        self.assertEqual(client.call("EXISTS", "l", "s"), 0)
        self.eventually(lambda: client.call("DBSIZE") == 0)

    def test_truncated_tail(self):
        whole = aof(["SET", "a", "1"], ["SET", "b", "2"])
        last = aof(["SET", "c", "3"])
        for cut in (1, 3, 10, len(last) - 1):
            directory = self.place(whole + last[:cut])
            self.refused(
                directory, "Unexpected end of file reading the append only file",
                aof_load_truncated="no")
            server, client = self.load(directory)
            self.assertEqual(client.call("MGET", "a", "b", "c"), [b"1", b"2", None])
            client.call("SET", "d", "4")
            server.terminate()
            self.assertEqual(
                (directory / "appendonlydir" / f"{NAME}.1.incr.aof").read_bytes(),
                whole + aof(["SELECT", "0"], ["SET", "d", "4"]))

    def test_unfinished_transaction(self):
        whole = aof(["SET", "a", "1"])
        directory = self.place(whole + aof(["MULTI"], ["SET", "a", "2"]))
        server, client = self.load(directory)
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertEqual(
            (directory / "appendonlydir" / f"{NAME}.1.incr.aof").stat().st_size, len(whole))

    def test_damage(self):
        good = aof(["SET", "a", "1"])
        for bad in (b"!!!", b"SET a b\r\n", b"*x\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$3\r\nabcd\r\n",
                    b"*0\r\n", b"\0" * 100, b"*1\r\n#3\r\nabc\r\n"):
            with self.subTest(bad):
                self.refused(
                    self.place(good + bad + good),
                    "Bad file format reading the append only file")
        self.refused(
            self.place(good + aof(["BLA", "x"]) + good),
            "Unknown command 'BLA' reading the append only file")
        self.refused(self.place(aof(["SELECT", "99"])), "configured to handle more than 16")
        self.refused(
            self.place(good, base=good[:-1]), "Unexpected end of file reading the append only file")

    @ours_only("a setting of Redis 8.4")
    def test_damaged_tail_within_its_limit(self):
        good = aof(["SET", "a", "1"])
        directory = self.place(good + b"\0" * 4096)
        self.refused(directory, "Bad file format", aof_load_corrupt_tail_max_size=100)
        _, client = self.load(directory, aof_load_corrupt_tail_max_size="4kb")
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertEqual(
            (directory / "appendonlydir" / f"{NAME}.1.incr.aof").stat().st_size, len(good))

    def test_old_file_moves_into_the_directory(self):
        directory = self.temporary_directory()
        (directory / NAME).write_bytes(aof(["SET", "a", "1"]))
        _, client = self.load(directory)
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertFalse((directory / NAME).exists())
        self.assertEqual(
            (directory / "appendonlydir" / f"{NAME}.manifest").read_text(),
            f"file {NAME} seq 1 type b\nfile {NAME}.1.incr.aof seq 1 type i\n")

    def test_missing_file(self):
        directory = self.place(b"")
        (directory / "appendonlydir" / f"{NAME}.1.incr.aof").unlink()
        self.refused(directory, f"{NAME}.1.incr.aof length. stat: No such file or directory")

    @ours_only("the loop lives while commands are replayed")
    def test_answers_while_it_replays(self):
        commands = b"".join(encode("SET", f"key:{i}", "x" * 50) for i in range(400_000))
        directory = self.place(commands)
        server = self.start(directory=directory, appendonly="yes", wait=False)
        seen, longest = 0, 0.0
        deadline = time.monotonic() + 30
        client = None
        while time.monotonic() < deadline:
            try:
                client = client or server.client()
                start = time.monotonic()
                info = client.info("persistence")
                longest = max(longest, time.monotonic() - start)
            except OSError:
                time.sleep(0.005)
                continue
            if info["loading"] == "0":
                break
            seen += 1
        self.assertEqual(client.call("DBSIZE"), 400_000)
        self.assertGreater(seen, 3)
        client.close()


class Exchange(Case):
    """Files of Debian's Redis load here, and ours there."""

    @needs_oracle
    def test_both_ways(self):
        for preamble in ("yes", "no"):
            for first, second in ((self.start_oracle, self.start), (self.start, self.start_oracle)):
                with self.subTest(preamble=preamble, writer=first.__name__):
                    directory = self.temporary_directory()
                    options = {
                        "directory": directory, "appendonly": "yes",
                        "aof_use_rdb_preamble": preamble,
                    }
                    server = first(**options)
                    client = self.connect(server)
                    everything(client)
                    client.call("BGREWRITEAOF")
                    rewritten(self, client)
                    effects(client)
                    before = contents(client)
                    self.assertGreater(len(before), 40)
                    server.terminate()
                    other = settled(self, second(**options))
                    self.assertEqual(contents(other), before)

    def test_restart_keeps_the_digest(self):
        for preamble in ("yes", "no"):
            directory = self.temporary_directory()
            options = {
                "directory": directory, "appendonly": "yes", "aof_use_rdb_preamble": preamble,
                "enable_debug_command": "yes",
            }
            server = self.start(**options)
            client = self.connect(server)
            everything(client)
            effects(client)
            digest = client.call("DEBUG", "DIGEST")
            self.assertEqual(client.call("DEBUG", "LOADAOF"), OK)
            self.assertEqual(client.call("DEBUG", "DIGEST"), digest)
            client.call("BGREWRITEAOF")
            rewritten(self, client)
            self.assertEqual(client.call("DEBUG", "LOADAOF"), OK)
            self.assertEqual(client.call("DEBUG", "DIGEST"), digest)
            server.kill()
            again = settled(self, self.start(**options))
            self.assertEqual(again.call("DEBUG", "DIGEST"), digest)

    @ours_only("both digests are this server's")
    def test_random_commands_replay_to_the_same(self):
        seed = amount("APPEND_ONLY_SEED", 1)
        count = amount("APPEND_ONLY_COMMANDS", 30_000)
        server = self.start(appendonly="yes", enable_debug_command="yes")
        client = self.connect(server)
        differential.R.seed(seed)
        makers = [m for group in differential.GROUPS.values() for m in group]
        sent = 0
        while sent < count:
            batch = []
            while len(batch) < 40:
                argv = random_command(makers)
                if argv[0].upper() not in (b"FLUSHALL", b"DEBUG", b"SHUTDOWN", b"CLIENT"):
                    batch.append(argv)
            client.send_raw(b"".join(encode(*argv) for argv in batch))
            for _ in batch:
                client.read()
            sent += len(batch)
        client.call("DISCARD")
        client.call("SELECT", "0")
        client.call("CONFIG", "SET", "save", "")
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        before = differential_contents(server)
        self.assertGreater(len(before), 20)
        self.assertEqual(client.call("DEBUG", "LOADAOF"), OK)
        self.assertEqual(differential_contents(server), before)


def random_command(makers):
    return differential.R.choice(makers)()


def differential_contents(server):
    connection = differential.Connection(f"127.0.0.1:{server.port}")
    try:
        return differential.contents(connection, exact=True)
    finally:
        connection.socket.close()


class Durability(Case):
    """What was promised is there after a crash."""

    def crash(self, directory, seconds, **options):
        """Writes from several clients until the server is killed; returns what was acknowledged."""
        server = self.start(
            directory=directory, appendonly="yes", appendfsync="always",
            auto_aof_rewrite_percentage=50, auto_aof_rewrite_min_size="32kb", **options)
        acknowledged = [0] * 4

        def write(number):
            client = None
            try:
                client = server.client()
                value = int(client.call("GET", f"counter:{number}") or 0)
                while True:
                    client.send_raw(b"".join(encode("INCR", f"counter:{number}") for _ in range(8)))
                    for _ in range(8):
                        value = client.read()
                        acknowledged[number] = value
            except (OSError, Disconnected, ValueError):
                pass
            finally:
                if client:
                    client.close()

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        server.kill()
        for thread in threads:
            thread.join()
        server.stop()
        return acknowledged

    def test_always_loses_nothing_acknowledged(self):
        directory = self.temporary_directory()
        chance = random.Random(amount("APPEND_ONLY_SEED", 1))
        last = [0] * 4
        for number in range(amount("APPEND_ONLY_KILLS", 20)):
            seen = self.crash(directory, chance.uniform(0.02, 0.25))
            last = [max(a, b) for a, b in zip(last, seen)]
            server = self.start(directory=directory, appendonly="yes")
            client = settled(self, server)
            for n in range(4):
                value = int(client.call("GET", f"counter:{n}") or 0)
                self.assertGreaterEqual(value, last[n], f"after kill {number}")
                # At most what was under way is there beyond it.
                self.assertLessEqual(value, last[n] + 8, f"after kill {number}")
                last[n] = value
            client.close()
            server.kill()
            server.stop()
        names = {p.name for p in (directory / "appendonlydir").iterdir()}
        self.assertFalse({n for n in names if n.startswith("temp-") and n.endswith(".rdb")} and
                         len(names) > 12, names)

    def test_full_disk_refuses_writes_until_it_has_room(self):
        directory = self.temporary_directory()
        folder = directory / "appendonlydir"
        folder.mkdir()
        os.symlink("/dev/full", folder / f"temp-{NAME}.incr")
        server = self.start(directory=directory)
        client = self.connect(server)
        self.assertEqual(client.call("CONFIG", "SET", "appendonly", "yes"), OK)
        rewritten(self, client)
        client.call("SET", "a", "1")
        refused = error("MISCONF Errors writing to the AOF file: No space left on device")
        self.eventually(lambda: client.call("SET", "a", "2") == refused)
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertEqual(client.info("persistence")["aof_last_write_status"], "err")
        client.call("MULTI")
        self.assertEqual(client.call("INCR", "b"), refused)
        self.assertIn("EXECABORT", str(client.call("EXEC")))
        self.assertEqual(client.call("CONFIG", "SET", "appendonly", "no"), OK)
        self.assertEqual(client.call("SET", "a", "3"), OK)

    def test_full_disk_ends_a_server_that_promised(self):
        directory = self.temporary_directory()
        folder = directory / "appendonlydir"
        folder.mkdir()
        os.symlink("/dev/full", folder / f"temp-{NAME}.incr")
        server = self.start(directory=directory, appendfsync="always")
        client = self.connect(server)
        client.call("CONFIG", "SET", "appendonly", "yes")
        with self.assertRaises((Disconnected, OSError)):
            client.call("SET", "a", "1")
        self.assertEqual(server.wait_for_exit(), 1)
        self.assertIn("when the AOF fsync policy is 'always'", server.log())

    @ours_only("a command of Redis 7.2")
    def test_waitaof(self):
        server = self.start(appendonly="yes", appendfsync="always")
        client = self.connect(server)
        client.call("INCR", "a")
        self.assertEqual(client.call("WAITAOF", "1", "0", "0"), [1, 0])
        client.call("CONFIG", "SET", "appendfsync", "everysec")
        client.call("INCR", "a")
        start = time.monotonic()
        self.assertEqual(client.call("WAITAOF", "1", "0", "0"), [1, 0])
        self.assertLess(time.monotonic() - start, 2.5)
        client.call("CONFIG", "SET", "appendfsync", "no")
        client.call("INCR", "a")
        self.assertEqual(client.call("WAITAOF", "1", "0", "50"), [0, 0])
        self.assertEqual(client.call("WAITAOF", "0", "1", "50"), [0, 0])
        client.send("WAITAOF", "1", "0", "0")
        other = self.connect(server)
        self.eventually(lambda: other.info("clients")["blocked_clients"] == "1")
        disabled = error(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
        other.call("CONFIG", "SET", "appendonly", "no")
        self.assertEqual(client.read(), disabled)
        self.assertEqual(client.call("WAITAOF", "1", "0", "0"), disabled)
        for words, text in (
            (("2", "0", "0"), "ERR value is out of range, value must between 0 and 1"),
            (("x", "0", "0"), "ERR value is not an integer or out of range"),
            (("0", "-1", "0"), "ERR value is out of range, must be positive"),
            (("0", "0", "-1"), "ERR timeout is negative"),
            (("0", "0", "x"), "ERR timeout is not an integer or out of range"),
        ):
            self.assertEqual(client.call("WAITAOF", *words), error(text))

    def test_shutdown_syncs(self):
        server = self.start(appendonly="yes", appendfsync="no")
        client = self.connect(server)
        for i in range(100):
            client.call("SET", f"k{i}", "v")
        self.assertEqual(server.terminate(), 0)
        self.assertIn("Calling fsync() on the AOF file.", server.log())
        again = settled(self, self.start(directory=server.directory, appendonly="yes"))
        self.assertEqual(again.call("DBSIZE"), 100)


@ours_only("the program is the server's own")
class CheckTool(Case):
    """redis-check-aof: the same output and status as Debian's."""

    FILES = {
        "ok": aof(["set", "a", "b"]),
        "short": aof(["set", "a", "b"]) + aof(["set", "c", "d"])[:-1],
        "bad": aof(["set", "a", "b"]) + b"!!!",
        "length": aof(["set", "a", "b"]) + b"*3\r\n$3\r\nset\r\n$1\r\nabc\r\n$1\r\nb\r\n",
        "mark": aof(["set", "a", "b"]) + b"*3\r\n3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n",
        "multi": aof(["set", "a", "b"], ["multi"], ["set", "a", "b"]),
        "nested": aof(["multi"], ["multi"], ["set", "a", "b"]),
        "exec": aof(["set", "a", "b"], ["exec"]),
        "annotated": aof(["set", "a", "b"]) + b"#foo\r\n" + aof(["set", "a", "b"]),
        "empty": b"",
        "times": b"#TS:100\r\n" + aof(["set", "a", "b"]) + b"#TS:101\r\n" + aof(["set", "a", "c"]),
    }

    def run_tool(self, program, arguments, directory, answer):
        done = subprocess.run(
            [program, *arguments], cwd=directory, input=answer, capture_output=True, timeout=20)
        left = {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()}
        text = done.stdout.decode().replace(program, "redis-check-aof")
        return done.returncode, text, left

    @needs_tool("redis-check-aof")
    def test_as_debians(self):
        cases = [([name], b"") for name in self.FILES]
        cases += [(["--fix", name], answer) for name in ("short", "bad", "multi", "ok")
                  for answer in (b"y\n", b"n\n")]
        cases += [(["--truncate-to-timestamp", when, "times"], b"")
                  for when in ("100", "50", "200", "abc")]
        cases += [(["m.manifest"], b""), (["--fix", "n.manifest"], b"y\n"), ([], b""),
                  (["nothing"], b""), (["--bla", "ok"], b"")]
        link = self.temporary_directory() / "redis-check-aof"
        link.symlink_to(Path(BINARY).resolve())
        for arguments, answer in cases:
            with self.subTest(arguments):
                results = []
                for program in (str(link), shutil.which("redis-check-aof")):
                    directory = self.temporary_directory()
                    for name, data in self.FILES.items():
                        (directory / name).write_bytes(data)
                    (directory / "m.manifest").write_text(
                        "file ok seq 1 type b\nfile times seq 1 type i\n")
                    (directory / "n.manifest").write_text(
                        "file multi seq 1 type b\nfile ok seq 1 type i\n")
                    results.append(self.run_tool(program, arguments, directory, answer))
                self.assertEqual(*results)

    def test_a_dump_before_the_commands(self):
        server = self.start(appendonly="yes")
        client = self.connect(server)
        everything(client)
        client.call("BGREWRITEAOF")
        rewritten(self, client)
        effects(client)
        server.terminate()
        path = server.directory / "appendonlydir" / f"{NAME}.manifest"
        done = subprocess.run(
            [BINARY, "--check-aof", path], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("RDB preamble is OK, proceeding with AOF tail...", done.stdout)
        self.assertIn("All AOF files and manifest are valid", done.stdout)


if __name__ == "__main__":
    unittest.main()
