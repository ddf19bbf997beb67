# SPDX-License-Identifier: BSD-3-Clause
"""This server as a replica: of Redis, of itself, in the middle of a chain; what it answers."""

import os
import socket
import threading
import time
import unittest

import rdb
from replication import FAST, ReplicationCase
from support import OK, Status, better_than_redis, error, needs_oracle

READONLY = error("READONLY You can't write against a read only replica.")
MASTERDOWN = error(
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
)
UNBLOCKED = error(
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
)


class Commands(ReplicationCase):
    """REPLICAOF, its errors, and what INFO and ROLE say."""

    def test_replies(self):
        client = self.connect(self.start(**FAST))
        self.assertEqual(client.call("REPLICAOF", "a", "b"), error("ERR Invalid master port"))
        self.assertEqual(client.call("SLAVEOF", "a", "65536"), error("ERR Invalid master port"))
        self.assertEqual(client.call("REPLICAOF", "NO", "ONE"), OK)
        port = self.dead_port()
        self.assertEqual(client.call("REPLICAOF", "127.0.0.1", port), OK)
        self.assertEqual(
            client.call("REPLICAOF", "127.0.0.1", port),
            Status(b"OK Already connected to specified master"),
        )
        role = client.call("ROLE")
        self.assertEqual(role[:3], [b"slave", b"127.0.0.1", port])
        self.assertIn(role[3], (b"connect", b"connecting"))
        self.assertEqual(
            client.call("FAILOVER"), error("ERR FAILOVER is not valid when server is a replica.")
        )
        self.assertEqual(client.call("SLAVEOF", "no", "one"), OK)
        self.assertEqual(client.call("ROLE")[0], b"master")

    @needs_oracle
    def test_fields_of_info(self):
        port = self.dead_port()
        names = []
        for server in (self.start(**FAST), self.start_oracle(**FAST)):
            self.call(server, "REPLICAOF", "127.0.0.1", port)
            time.sleep(0.3)
            text = self.call(server, "INFO", "replication").decode()
            fields = [line.split(":")[0] for line in text.splitlines()[1:]]
            names.append(fields)
        self.assertEqual(*names)

    def test_rewrite(self):
        file = self.temporary_directory() / "redis.conf"
        file.write_text("# mine\n")
        server = self.start(words=[file], **FAST)
        client = self.connect(server)
        port = self.dead_port()
        client.send("MULTI")
        client.send("SLAVEOF", "127.0.0.1", port)
        client.send("CONFIG", "REWRITE")
        client.send("CLIENT", "KILL", "TYPE", "normal")
        client.send("EXEC")
        client.send("PING")
        self.assertEqual(client.read(), OK)
        for _ in range(3):
            self.assertEqual(client.read(), Status(b"QUEUED"))
        self.assertEqual(client.read()[:2], [OK, OK])
        self.assertIn(f"replicaof 127.0.0.1 {port}", file.read_text())
        client = self.connect(server)
        self.assertEqual(client.call("SLAVEOF", "NO", "ONE"), OK)
        self.assertEqual(client.call("CONFIG", "REWRITE"), OK)
        self.assertNotIn("replicaof", file.read_text())

    def test_f91_reads_and_writes_of_a_replica(self):
        server = self.start(**FAST)
        client = self.connect(server)
        client.call("SET", "k", "v")
        client.call("REPLICAOF", "127.0.0.1", self.dead_port())
        self.assertEqual(client.call("SET", "k", "w"), READONLY)
        self.assertEqual(client.call("GET", "k"), b"v")
        client.call("MULTI")
        self.assertEqual(client.call("SET", "k", "w"), READONLY)
        self.assertEqual(client.call("EXEC").text[:9], b"EXECABORT")
        self.assertEqual(
            client.call("PSYNC", "?", "-1"),
            error("NOMASTERLINK Can't SYNC while not connected with my master"),
        )
        client.call("CONFIG", "SET", "replica-read-only", "no")
        self.assertEqual(client.call("SET", "k", "w"), OK)
        client.call("CONFIG", "SET", "replica-serve-stale-data", "no")
        self.assertEqual(client.call("GET", "k"), MASTERDOWN)
        self.assertEqual(client.call("SET", "k", "w"), MASTERDOWN)
        self.assertEqual(client.call("PING"), MASTERDOWN)
        self.assertIsInstance(client.call("INFO"), bytes)

    def test_a_writable_replica_expires_what_its_clients_wrote(self):
        master = self.start(**FAST)
        replica = self.start(**FAST)
        self.follow(replica, master)
        client = self.connect(replica)
        self.call(master, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.call(master, "SET", "masters", "v", "PX", 100)
        self.call(master, "SET", "taken", "v")
        self.eventually(lambda: client.call("EXISTS", "taken") == 1)
        client.call("CONFIG", "SET", "replica-read-only", "no")
        client.call("SET", "own", "v", "PX", 100)
        client.call("RENAME", "own", "renamed")
        client.call("MULTI")
        client.call("RPUSH", "list", "v")
        client.call("PEXPIRE", "list", 100)
        client.call("EXEC")
        client.call("SELECT", 3)
        client.call("SET", "elsewhere", "v", "PX", 100)
        client.call("SET", "kept", "v", "PX", 100)
        client.call("PERSIST", "kept")
        self.eventually(lambda: client.call("DBSIZE") == 1)
        self.assertEqual(client.call("KEYS", "*"), [b"kept"])
        client.call("SELECT", 0)
        # The master's word is waited for, whatever the clock says.
        self.eventually(lambda: client.call("EXISTS", "masters") == 0)
        self.assertEqual(client.call("DBSIZE"), 2)
        # What the master writes is its own again.
        client.call("PEXPIRE", "taken", 100)
        self.call(master, "SET", "taken", "w", "PX", 150)
        self.eventually(lambda: client.call("EXISTS", "taken") == 0)
        self.call(master, "SET", "last", "v")
        self.eventually(lambda: client.call("EXISTS", "last") == 1)
        self.assertEqual(client.call("DBSIZE"), 3)

    def test_f93_who_waits_is_sent_away(self):
        server = self.start(**FAST)
        waiting = self.connect(server)
        waiting.send("BLPOP", "nothing", 0)
        self.eventually(lambda: self.info(server, "clients")["blocked_clients"] == "1")
        self.call(server, "REPLICAOF", "127.0.0.1", self.dead_port())
        self.assertEqual(waiting.read(), UNBLOCKED)
        self.assertEqual(waiting.read_to_end(), b"")

    def test_f93_who_waits_for_replicas_is_sent_away(self):
        server = self.start(**FAST)
        waiting = self.connect(server)
        waiting.send("WAIT", 1, 0)
        self.eventually(lambda: self.info(server, "clients")["blocked_clients"] == "1")
        self.call(server, "REPLICAOF", "127.0.0.1", self.dead_port())
        self.assertEqual(waiting.read(), UNBLOCKED)


class OfRedis(ReplicationCase):
    """Redis is the master."""

    def master(self, **options):
        return self.start_oracle(**{**FAST, **options})

    def sync_under_load(self, master, **options):
        load = self.load(master)
        self.eventually(lambda: load.count > 50)
        replica = self.start(**FAST, **options)
        self.follow(replica, master)
        self.eventually(lambda: load.count > 300)
        load.finish()
        contents = self.assert_equal_data(master, replica)
        self.assertGreater(len(contents), 100)
        return replica

    @needs_oracle
    def test_diskless(self):
        self.sync_under_load(self.master(repl_diskless_sync="yes"))

    @needs_oracle
    def test_by_way_of_disk(self):
        replica = self.sync_under_load(self.master(repl_diskless_sync="no"))
        self.assertRegex(replica.log(), r"receiving \d+ bytes from master")

    @needs_oracle
    def test_with_password(self):
        master = self.master(requirepass="secret")
        client = self.connect(master)
        client.call("AUTH", "secret")
        client.call("SET", "k", "v")
        replica = self.start(**FAST)
        self.call(replica, "REPLICAOF", "127.0.0.1", master.port)
        self.eventually(lambda: "NOAUTH" in replica.log() or "to PSYNC" in replica.log())
        self.call(replica, "CONFIG", "SET", "masterauth", "wrong")
        self.eventually(lambda: "Unable to AUTH to MASTER" in replica.log())
        self.call(replica, "CONFIG", "SET", "masterauth", "secret")
        self.await_link(replica)
        self.assertEqual(self.call(replica, "GET", "k"), b"v")

    @needs_oracle
    def test_with_user(self):
        master = self.master()
        self.call(
            master, "ACL", "SETUSER", "copy", "on", ">pw", "+psync", "+replconf", "+ping"
        )
        self.call(master, "ACL", "SETUSER", "default", "nopass", "-psync")
        self.call(master, "SET", "k", "v")
        replica = self.start(**FAST, masteruser="copy", masterauth="pw")
        self.follow(replica, master)
        self.assertEqual(self.call(replica, "GET", "k"), b"v")

    @needs_oracle
    def test_f84_partial_resync_after_a_cut(self):
        # Room for what is written in the second that the replica waits before it tries again.
        master = self.master(repl_backlog_size="200mb")
        relay = self.relay(master)
        replica = self.start(**FAST)
        self.follow(replica, relay)
        load = self.load(master)
        for number in range(1, 4):
            self.eventually(lambda before=load.count: load.count > before + 30)
            relay.cut()
            self.eventually(
                lambda number=number: self.statistics(master)["sync_partial_ok"] == str(number), 20
            )
        load.finish()
        self.assert_equal_data(master, replica)
        self.assertEqual(self.statistics(master)["sync_full"], "1")

    @needs_oracle
    def test_handshake_byte_for_byte(self):
        master = self.master()
        relay = self.relay(master)
        replica = self.start(**FAST, replica_announce_ip="10.0.0.1", replica_announce_port=4321)
        self.follow(replica, relay)
        self.eventually(lambda: b"ACK" in relay.received[0])
        begin = (
            b"*1\r\n$4\r\nPING\r\n"
            b"*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n4321\r\n"
            b"*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$8\r\n10.0.0.1\r\n"
            b"*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
            b"*3\r\n$5\r\nPSYNC\r\n$40\r\n"
        )
        received = bytes(relay.received[0])
        self.assertEqual(received[: len(begin)], begin)
        self.assertEqual(received[len(begin) + 40 : len(begin) + 49], b"\r\n$1\r\n1\r\n")
        self.assertRegex(received[len(begin) + 49 :], rb"\A\n*\*3\r\n\$8\r\nREPLCONF\r\n\$3\r\nACK")

    @needs_oracle
    def test_wait_on_the_master(self):
        master = self.master()
        replica = self.start(**FAST)
        self.follow(replica, master)
        client = self.connect(master)
        for number in range(20):
            client.call("SET", "k", number)
            self.assertEqual(client.call("WAIT", 1, 5000), 1)
            self.assertEqual(self.call(replica, "GET", "k"), b"%d" % number)

    @needs_oracle
    def test_f95_expiry_is_the_masters_word(self):
        master = self.master()
        replica = self.start(**FAST)
        self.follow(replica, master)
        client = self.connect(replica)
        self.call(master, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
        self.call(master, "SET", "k", "v", "PX", 800)
        self.eventually(lambda: client.call("GET", "k") == b"v")
        time.sleep(0.9)
        # Its own clock says that it is gone; the master has not said so.
        self.assertIsNone(client.call("GET", "k"))
        self.assertEqual(client.call("EXISTS", "k"), 0)
        self.assertEqual(client.call("DBSIZE"), 1)
        self.assertEqual(self.info(replica, "stats")["expired_keys"], "0")
        self.assertIsNone(self.call(master, "GET", "k"))
        self.eventually(lambda: client.call("DBSIZE") == 0)

    @needs_oracle
    def test_f90_broken_transfers(self):
        """The dump is cut at places all over it: the old data are kept, and in the end all came."""
        master = self.master()
        client = self.connect(master)
        for number in range(300):
            client.call("SET", f"k{number}", os.urandom(100))
        relay = self.relay(master, limit=0)
        replica = self.start(**FAST)
        self.call(replica, "SET", "old", "data")
        self.call(replica, "REPLICAOF", "127.0.0.1", relay.port)
        for limit in (1, 8, 40, 60, 100, 200, 5000, 20000, 30000):
            relay.limit = limit
            before = len(relay.counts)
            self.eventually(lambda before=before: len(relay.counts) > before, 12)
            self.eventually(lambda: relay.counts[-1] >= relay.limit)
            self.assertEqual(self.call(replica, "GET", "old"), b"data")
        relay.limit = None
        self.await_link(replica)
        self.assertIsNone(self.call(replica, "GET", "old"))
        self.assert_equal_data(master, replica)

    @needs_oracle
    def test_huge_values(self):
        master = self.master()
        client = self.connect(master)
        client.call("SET", "before", "b" * 3_000_000)
        replica = self.start(**FAST)
        self.follow(replica, master)
        client.call("SET", "after", "a" * 3_000_000)
        client.call("APPEND", "after", "c" * 40_000)
        self.assert_equal_data(master, replica)

    @needs_oracle
    def test_transactions_are_whole(self):
        """Nobody sees half of a master's MULTI, and a cut within one repeats it from its start."""
        master = self.master()
        relay = self.relay(master)
        replica = self.start(**FAST)
        self.follow(replica, relay)
        stop = threading.Event()

        def write():
            client = master.client()
            while not stop.is_set():
                client.send_raw(b"MULTI\r\nINCR a\r\nINCR b\r\nINCR c\r\nEXEC\r\n" * 50)
                for _ in range(250):
                    client.read()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            client = self.connect(replica)
            for _ in range(4):
                for _ in range(100):
                    self.assertEqual(len(set(client.call("MGET", "a", "b", "c"))), 1)
                relay.cut()
                self.await_link(replica)
        finally:
            stop.set()
            writer.join()
        self.assert_equal_data(master, replica)

    @needs_oracle
    def test_published_messages_arrive(self):
        master = self.master()
        replica = self.start(**FAST)
        self.follow(replica, master)
        client = self.connect(replica)
        client.call("SUBSCRIBE", "news")
        self.call(master, "PUBLISH", "news", "hello")
        self.assertEqual(client.read(), [b"message", b"news", b"hello"])

    @needs_oracle
    def test_f89_a_silent_master(self):
        master = self.master(repl_ping_replica_period=100)
        replica = self.start(**{**FAST, "repl_timeout": 1})
        self.follow(replica, master)
        self.eventually(
            lambda: "MASTER timeout: no data nor PING received..." in replica.log(), 6
        )
        self.await_link(replica)

    @needs_oracle
    def test_f87_promotion(self):
        master = self.master()
        replica = self.start(**FAST)
        self.follow(replica, master)
        self.call(master, "SET", "k", "v")
        self.assert_equal_data(master, replica)
        before = self.info(replica)
        self.assertEqual(self.call(replica, "REPLICAOF", "NO", "ONE"), OK)
        after = self.info(replica)
        self.assertEqual(after["role"], "master")
        self.assertEqual(after["master_replid2"], before["master_replid"])
        self.assertNotEqual(after["master_replid"], before["master_replid"])
        self.assertEqual(int(after["second_repl_offset"]), int(before["slave_repl_offset"]) + 1)
        self.assertEqual(after["repl_backlog_active"], "1")
        self.assertEqual(self.call(replica, "SET", "k", "w"), OK)

    @needs_oracle
    def test_f86_restart_of_the_replica(self):
        """A replica that saved goes on from its dump with a partial resync."""
        master = self.master()
        directory = self.temporary_directory()
        replica = self.start(directory=directory, **FAST)
        self.follow(replica, master)
        self.call(master, "SET", "k", "v")
        self.assert_equal_data(master, replica)
        self.assertEqual(self.call(replica, "SAVE"), OK)
        replica.terminate()
        self.call(master, "SET", "k", "w")
        again = self.start(
            directory=directory, replicaof=["127.0.0.1", str(master.port)], **FAST
        )
        self.await_link(again)
        self.assert_equal_data(master, again)
        self.assertEqual(self.statistics(master)["sync_full"], "1")
        self.assertEqual(self.statistics(master)["sync_partial_ok"], "1")


class FakeMaster:
    """A master that says what a test tells it to, once for each connection."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.count = 0
        self.requests = []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        self.is_ending = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while not self.is_ending:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            answer = self.answers[min(self.count, len(self.answers) - 1)]
            self.count += 1
            threading.Thread(target=self._answer, args=(peer, answer), daemon=True).start()

    def _answer(self, peer, answer):
        try:
            self._expect(peer, b"PING")
            peer.sendall(b"+PONG\r\n")
            self._expect(peer, b"psync2")
            peer.sendall(b"+OK\r\n+OK\r\n")
            self.requests.append(self._expect(peer, b"PSYNC"))
            answer(peer)
        except OSError:
            pass

    def _expect(self, peer, word):
        data = b""
        while word not in data:
            part = peer.recv(4096)
            if not part:
                raise OSError("closed")
            data += part
        return data

    def close(self):
        self.is_ending = True
        self.listener.close()


class EmptyMasters(ReplicationCase):
    """F97: a master that comes back empty does not wipe a full replica."""

    @better_than_redis("Redis's replica forgets everything")
    @needs_oracle
    def test_f97_an_empty_restarted_master(self):
        master = self.start_oracle(**FAST)
        port = master.port
        self.call(master, "SET", "k", "v")
        replica = self.start(**FAST)
        self.follow(replica, master)
        self.call(master, "SET", "k", "w")
        self.assert_equal_data(master, replica)
        master.kill()
        again = self.start_oracle(port=port, **FAST)
        self.eventually(lambda: "come back without any key" in replica.log(), 15)
        self.assertEqual(self.call(replica, "GET", "k"), b"w")
        self.assertEqual(self.info(replica)["master_link_status"], "down")
        self.assertEqual(self.info(replica)["master_sync_refused"], "empty-master-guard")
        # The order, said again, is obeyed.
        self.assertEqual(self.call(replica, "REPLICAOF", "127.0.0.1", port), OK)
        self.await_link(replica)
        self.assertIsNone(self.call(replica, "GET", "k"))
        self.assert_equal_data(again, replica)

    @needs_oracle
    def test_empty_on_purpose(self):
        """A first sync, FLUSHALL, and a guard that is switched off: the master is followed."""
        master = self.start_oracle(**FAST)
        port = master.port
        replica = self.start(**FAST)
        self.call(replica, "SET", "k", "v")
        self.follow(replica, master)
        self.assertIsNone(self.call(replica, "GET", "k"))
        self.call(master, "SET", "k", "v")
        self.assert_equal_data(master, replica)
        self.call(master, "FLUSHALL")
        self.assert_equal_data(master, replica)
        self.call(master, "SET", "k", "v")
        self.assert_equal_data(master, replica)
        self.call(replica, "CONFIG", "SET", "replica-empty-master-guard", "no")
        master.kill()
        self.start_oracle(port=port, **FAST)
        self.eventually(lambda: self.call(replica, "GET", "k") is None, 15)


class HostileMasters(ReplicationCase):
    """F90: what a broken master sends ends the attempt, never the process, and changes nothing."""

    ID = b"8" * 40

    def attempt(self, payload, seconds=0.6, close=True):
        def answer(peer):
            peer.sendall(payload)
            if close:
                time.sleep(0.1)
                peer.close()
            else:
                time.sleep(seconds + 3)

        master = FakeMaster(answer)
        self.addCleanup(master.close)
        replica = self.start(**FAST)
        self.call(replica, "SET", "old", "data")
        self.call(replica, "REPLICAOF", "127.0.0.1", master.port)
        self.eventually(lambda: master.count >= 1)
        time.sleep(seconds)
        self.assertTrue(replica.is_running(), replica.log()[-3000:])
        self.assertEqual(self.call(replica, "GET", "old"), b"data")
        return replica

    def test_nonsense(self):
        full = b"+FULLRESYNC " + self.ID + b" 0\r\n"
        mark = b"e" * 40
        for payload in (
            b"+WHAT\r\n",
            b"-ERR no\r\n-ERR no\r\n",
            b"+FULLRESYNC\r\n",
            b"+FULLRESYNC x -1\r\n",
            b"+FULLRESYNC " + self.ID + b" -5\r\n",
            b"+CONTINUE nonsense\r\n",
            b"x" * 100_000,
            full + b"$-1\r\n",
            full + b"$99999999999999999999\r\n",
            full + b"$EOF:short\r\n",
            full + b"$5\r\nREDIS",
            full + b"$9\r\nREDIS0011",
            full + b"$EOF:" + mark + b"\r\n" + b"garbage" * 100 + mark,
            full + b"$EOF:" + mark + b"\r\n" + b"REDIS0010\xfa" + b"\xff" * 400 + mark,
            full + b"$9223372036854775807\r\nREDIS0011\xfe",
        ):
            with self.subTest(payload=payload[:70]):
                self.attempt(payload)

    def test_streams_that_are_none(self):
        full = b"+FULLRESYNC " + self.ID + b" 100\r\n"
        dump = bytes(rdb.dump({}))
        for stream in (b"*1\r\n$-7\r\n", b"nonsense \"\r\n", b"*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"):
            with self.subTest(stream=stream):
                master = FakeMaster(
                    lambda peer, stream=stream: (
                        peer.sendall(full + b"$%d\r\n" % len(dump) + dump + stream),
                        time.sleep(1),
                    )
                )
                self.addCleanup(master.close)
                replica = self.start(**FAST)
                self.call(replica, "REPLICAOF", "127.0.0.1", master.port)
                self.eventually(lambda: "Finished with success" in replica.log())
                time.sleep(0.3)
                self.assertTrue(replica.is_running())

    def test_a_stream_that_begins_in_the_middle_is_asked_for_anew(self):
        """A request without its first byte is a line of words: nothing of it is executed."""
        dump = bytes(rdb.dump({}))
        asked = []
        full = b"+FULLRESYNC " + self.ID + b" 100\r\n$%d\r\n" % len(dump) + dump

        def answer(peer):
            asked.append(True)
            peer.sendall(full + b"3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\nFLUSHALL\r\n")
            time.sleep(0.5)

        master = FakeMaster(answer, answer)
        self.addCleanup(master.close)
        replica = self.start(**FAST)
        self.call(replica, "REPLICAOF", "127.0.0.1", master.port)
        self.eventually(lambda: len(asked) == 2, 20)
        self.assertIn(b"\r\n?\r\n", master.requests[1])
        self.assertIn("Master using the inline protocol. Desync?", replica.log())
        self.assertNotIn("CRITICAL", replica.log())
        self.assertTrue(replica.is_running())

    def test_errors_of_the_stream_are_logged(self):
        dump = bytes(rdb.dump({}))
        full = b"+FULLRESYNC " + self.ID + b" 100\r\n$%d\r\n" % len(dump) + dump
        stream = (
            b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*3\r\n$5\r\nLPUSH\r\n$1\r\nk\r\n$1\r\nx\r\n"
        )
        master = FakeMaster(lambda peer: (peer.sendall(full + stream), time.sleep(3)))
        self.addCleanup(master.close)
        replica = self.start(**FAST)
        self.call(replica, "REPLICAOF", "127.0.0.1", master.port)
        self.eventually(lambda: "== CRITICAL ==" in replica.log(), 5, "nothing was logged")
        self.assertIn(
            "== CRITICAL == This replica is sending an error to its master: '-WRONGTYPE",
            replica.log(),
        )
        self.assertEqual(
            int(self.info(replica)["slave_repl_offset"]), 100 + len(stream)
        )


if __name__ == "__main__":
    unittest.main()
