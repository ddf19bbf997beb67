# SPDX-License-Identifier: BSD-3-Clause
"""This server as a master: of Redis, of redis-cli, of peers that are slow, silent or rude."""

import socket
import subprocess
import threading
import time
import unittest

import rdb
from propagation import Stream
from replication import FAST, ReplicationCase
from support import OK, Client, Disconnected, better_than_redis, error, needs_oracle, needs_tool


def address(server):
    return f"127.0.0.1:{server.port}"


class Commands(ReplicationCase):
    """Replies and errors without a replica, or with one that does nothing."""

    def setUp(self):
        self.server = self.start(**FAST)
        self.client = self.connect(self.server)

    def test_role_and_info(self):
        self.assertEqual(self.client.call("ROLE"), [b"master", 0, []])
        info = self.info(self.server)
        self.assertEqual(info["role"], "master")
        self.assertEqual(info["repl_backlog_active"], "0")
        self.assertEqual(info["second_repl_offset"], "-1")
        stream = Stream(address(self.server))
        self.addCleanup(stream.close)
        self.eventually(lambda: self.info(self.server).get("slave0", "").find("state=online") > 0)
        self.client.call("SET", "k", "v")
        offset = int(self.info(self.server)["master_repl_offset"])
        self.assertGreaterEqual(offset, 50)
        role = self.client.call("ROLE")
        self.assertEqual(role[0], b"master")
        self.assertEqual(role[2][0][:2], [b"127.0.0.1", b"0"])
        info = self.info(self.server)
        self.assertEqual(info["repl_backlog_first_byte_offset"], "1")
        self.assertEqual(info["connected_slaves"], "1")
        lines = self.client.call("CLIENT", "LIST", "TYPE", "replica").decode()
        self.assertIn("flags=S ", lines)

    @needs_oracle
    def test_fields_of_info(self):
        names = []
        for server in (self.server, self.start_oracle(**FAST)):
            stream = Stream(address(server))
            self.call(server, "CONFIG", "SET", "min-replicas-to-write", "1")
            names.append(list(self.info(server)))
            stream.close()
        self.assertEqual(names[0], names[1])

    def test_f96_odd_arguments(self):
        call = self.client.call
        self.assertEqual(call("REPLCONF", "capa"), error("ERR syntax error"))
        self.assertEqual(
            call("REPLCONF", "listening-port", "x"), error("ERR value is not an integer or out of range")
        )
        self.assertEqual(
            call("REPLCONF", "colour", "red"), error("ERR Unrecognized REPLCONF option: colour")
        )
        self.assertEqual(
            call("REPLCONF", "rdb-filter-only", "keys"),
            error("ERR Unsupported rdb-filter-only option: keys"),
        )
        self.assertEqual(
            call("PSYNC", "?", "x"), error("ERR value is not an integer or out of range")
        )
        self.assertEqual(call("REPLCONF", "version", "8.0.1", "capa", "dual-channel"), OK)
        self.assertEqual(
            call("PSYNC", "?", "-1", "FAILOVER"), error("ERR PSYNC FAILOVER can't be sent to a master.")
        )
        call("MULTI")
        self.assert_error(call("SYNC"), "ERR")
        call("DISCARD")

    def test_f96_acknowledgements_that_lie(self):
        stream = Stream(address(self.server))
        self.addCleanup(stream.close)
        self.client.call("SET", "k", "v")
        stream.send(b"REPLCONF", b"ACK", b"9223372036854775807")
        stream.send(b"REPLCONF", b"ACK", b"-1")
        stream.send(b"REPLCONF", b"ACK", b"nonsense")
        for _ in range(2000):
            stream.send(b"REPLCONF", b"ACK", b"1")
        self.assertEqual(self.client.call("WAIT", "1", "200"), 0)
        stream.send(b"REPLCONF", b"ACK", b"100")
        self.assertEqual(self.client.call("PING").text, b"PONG")

    def test_f96_a_replica_that_sends_commands(self):
        for words in ((b"GET", b"k"), (b"SET", b"k", b"v"), (b"PING",), (b"REPLCONF", b"capa", b"eof")):
            stream = Stream(address(self.server))
            stream.send(*words)
            with self.assertRaises((ConnectionError, AssertionError)):
                while True:
                    self.assertEqual(stream.request()[0].lower() in (b"ping", b"replconf"), True)
            stream.close()
            self.assertIn(
                f"Replica generated a reply to command '{words[0].decode().lower()}', disconnecting it: ",
                self.server.log(),
            )
        self.assertIn("-ERR Replica can't interact with the keyspace", self.server.log())
        self.assertEqual(self.client.call("EXISTS", "k"), 0)

    def test_f92_wait(self):
        call = self.client.call
        start = time.monotonic()
        self.assertEqual(call("WAIT", "1", "100"), 0)
        self.assertGreaterEqual(time.monotonic() - start, 0.09)
        self.assertEqual(call("WAIT", "0", "0"), 0)
        self.assertEqual(call("WAIT", "-1", "0"), 0)
        self.assertEqual(call("WAIT", "x", "0"), error("ERR value is not an integer or out of range"))
        self.assertEqual(
            call("WAIT", "1", "x"), error("ERR timeout is not an integer or out of range")
        )
        self.assertEqual(call("WAIT", "1", "-1"), error("ERR timeout is negative"))
        call("MULTI")
        call("WAIT", "1", "0")
        self.assertEqual(call("EXEC"), [0])

    def test_f92_unblocked_and_gone(self):
        waiting = self.connect(self.server)
        number = waiting.call("CLIENT", "ID")
        waiting.send("WAIT", "1", "0")
        self.eventually(lambda: self.info(self.server, "clients")["blocked_clients"] == "1")
        self.assertEqual(self.client.call("CLIENT", "UNBLOCK", number), 1)
        self.assertEqual(waiting.read(), 0)
        waiting.send("WAIT", "1", "0")
        self.eventually(lambda: self.info(self.server, "clients")["blocked_clients"] == "1")
        self.assertEqual(self.client.call("CLIENT", "UNBLOCK", number, "ERROR"), 1)
        self.assertEqual(waiting.read(), error("UNBLOCKED client unblocked via CLIENT UNBLOCK"))
        waiting.send("WAIT", "1", "0")
        self.eventually(lambda: self.info(self.server, "clients")["blocked_clients"] == "1")
        waiting.close()
        self.eventually(lambda: self.info(self.server, "clients")["blocked_clients"] == "0")

    def test_wait_is_exact(self):
        stream = Stream(address(self.server))
        self.addCleanup(stream.close)
        waiting = self.connect(self.server)
        waiting.call("SET", "mine", "1")
        while stream.request()[0] != b"SET":
            pass
        mine = stream.offset
        waiting.send("WAIT", "1", "0")
        # What others write is not waited for.
        for number in range(100):
            self.client.call("SET", f"other{number}", "1")
        while stream.request() != [b"REPLCONF", b"GETACK", b"*"]:
            pass
        self.assertTrue(waiting.is_quiet(0.1))
        stream.send(b"REPLCONF", b"ACK", b"%d" % mine)
        self.assertEqual(waiting.read(), 1)

    def test_f91_noreplicas(self):
        call = self.client.call
        self.assertEqual(call("CONFIG", "SET", "min-replicas-to-write", "1"), OK)
        refusal = error("NOREPLICAS Not enough good replicas to write.")
        self.assertEqual(call("SET", "k", "v"), refusal)
        self.assertIsNone(call("GET", "k"))
        call("MULTI")
        self.assertEqual(call("SET", "k", "v"), refusal)
        self.assert_error(call("EXEC"), "EXECABORT")
        stream = Stream(address(self.server))
        self.assertEqual(call("SET", "k", "v"), OK)
        self.assertEqual(self.info(self.server)["min_slaves_good_slaves"], "1")
        call("CONFIG", "SET", "min-replicas-max-lag", "1")
        self.eventually(lambda: call("SET", "k", "v") == refusal)
        stream.close()

    def test_f89_a_silent_replica(self):
        self.client.call("CONFIG", "SET", "repl-timeout", "1")
        stream = Stream(address(self.server))
        with self.assertRaises(ConnectionError):
            while True:
                stream.request()
        self.assertIn("Disconnecting timedout replica (streaming sync)", self.server.log())

    def test_newlines_while_waiting(self):
        self.client.call("CONFIG", "SET", "repl-diskless-sync-delay", "3")
        peer = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        self.addCleanup(peer.close)
        peer.sendall(b"REPLCONF capa eof\r\n")
        self.assertEqual(peer.recv(5), b"+OK\r\n")
        peer.sendall(b"PSYNC ? -1\r\n")
        self.assertEqual(peer.recv(1), b"\n")

    def test_keepalive(self):
        stream = Stream(address(self.server))
        self.addCleanup(stream.close)
        self.assertEqual(stream.request(), [b"ping"])

    def test_the_stream_begins_with_no_keepalive(self):
        self.client.call("CONFIG", "SET", "repl-ping-replica-period", 3600)
        stream = Stream(address(self.server))
        self.addCleanup(stream.close)
        self.client.call("SET", "k", "v")
        # Longer than it takes to look whether a keepalive is due.
        self.client.call("WAIT", 2, 300)
        self.client.call("SET", "k", "w")
        words = [stream.request()[0] for _ in range(4)]
        self.assertEqual(words, [b"SELECT", b"SET", b"REPLCONF", b"SET"])

    def test_backlog_ends(self):
        self.client.call("CONFIG", "SET", "repl-backlog-ttl", "1")
        Stream(address(self.server)).close()
        before = self.info(self.server)
        self.assertEqual(before["repl_backlog_active"], "1")
        self.eventually(lambda: self.info(self.server)["repl_backlog_active"] == "0")
        self.assertNotEqual(self.info(self.server)["master_replid"], before["master_replid"])


class Dumps(ReplicationCase):
    """Forms of the dump, and who gets which."""

    def filled(self, keys=5000, **options):
        server = self.start(**{**FAST, **options})
        self.call(server, "DEBUG", "POPULATE", keys, "key", 200)
        return server

    def test_counted(self):
        server = self.filled()
        stream = Stream(address(server), capabilities=(b"psync2",))
        self.assertEqual(stream.dump[:5], b"REDIS")
        self.call(server, "SET", "k", "v")
        while (words := stream.request()) == [b"ping"]:
            pass
        self.assertEqual(words, [b"SELECT", b"0"])
        self.assertEqual(list(server.directory.iterdir()), [])
        stream.close()

    def test_by_way_of_disk(self):
        server = self.filled(repl_diskless_sync="no")
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.addCleanup(peer.close)
        file = peer.makefile("rb")
        peer.sendall(b"REPLCONF capa eof\r\nSYNC\r\n")
        self.assertEqual(file.readline(), b"+OK\r\n")
        while (line := file.readline()) == b"\n":
            pass
        self.assertRegex(line, rb"^\$[0-9]+\r\n$")
        self.assertEqual(file.read(int(line[1:]))[:5], b"REDIS")

    def test_f94_one_snapshot_for_many(self):
        server = self.filled(20000, repl_diskless_sync_delay=1)
        started = server.log().count("Starting BGSAVE for SYNC")
        streams = [None] * 5

        def sync(number):
            streams[number] = Stream(address(server))

        threads = [threading.Thread(target=sync, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({stream.dump for stream in streams}), 1)
        self.assertEqual(server.log().count("Starting BGSAVE for SYNC"), started + 1)
        self.call(server, "SET", "k", "v")
        for stream in streams:
            while (words := stream.request()) != [b"SET", b"k", b"v"]:
                self.assertIn(words[0], (b"SELECT", b"ping"))
            stream.close()

    def test_a_dump_for_replicas_is_a_save_in_info(self):
        server = self.filled(1000)
        self.call(server, "CONFIG", "SET", "rdb-key-save-delay", 100000)
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        peer.sendall(b"REPLCONF capa eof\r\nPSYNC ? -1\r\n")
        state = lambda: self.info(server, "persistence")["rdb_bgsave_in_progress"]
        self.eventually(lambda: state() == "1")
        peer.close()
        self.eventually(lambda: state() == "0")

    def test_f94_killed_in_transfer(self):
        server = self.filled(100000)
        dying = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.call(server, "CONFIG", "SET", "repl-diskless-sync-delay", "1")
        dying.sendall(b"REPLCONF capa eof\r\nPSYNC ? -1\r\n")
        result = []
        thread = threading.Thread(target=lambda: result.append(Stream(address(server))))
        thread.start()
        dying.recv(100)
        time.sleep(1.2)
        dying.close()
        thread.join()
        self.assertGreater(len(result[0].dump), 100000)
        result[0].close()
        self.eventually(lambda: self.info(server, "persistence")["snapshots_live"] == "0")
        self.eventually(lambda: self.info(server)["connected_slaves"] == "0")
        self.eventually(lambda: self.info(server, "memory")["snapshot_retained_bytes"] == "0")

    def test_a_peer_that_reads_nothing_is_dropped(self):
        server = self.filled(200000, repl_timeout=1)
        peer = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.addCleanup(peer.close)
        peer.sendall(b"REPLCONF capa eof\r\nPSYNC ? -1\r\n")
        self.eventually(
            lambda: "Disconnecting timedout replica (full sync)" in server.log(), 20
        )
        self.eventually(lambda: self.info(server, "persistence")["snapshots_live"] == "0")

    @needs_tool("redis-cli")
    def test_redis_cli(self):
        server = self.filled()
        home = self.temporary_directory()
        for option in ("--rdb", "--functions-rdb"):
            path = f"{home}/x{option}"
            subprocess.run(
                ["redis-cli", "-p", str(server.port), option, path],
                check=True, capture_output=True, timeout=20,
            )
            with open(path, "rb") as file:
                data = file.read()
            self.assertEqual(data[:5], b"REDIS")
            self.assertEqual(len(data) > 100000, option == "--rdb")
            subprocess.run(["redis-check-rdb", path], check=True, capture_output=True)
        process = subprocess.Popen(
            ["redis-cli", "-p", str(server.port), "--replica"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.eventually(lambda: self.info(server)["connected_slaves"] == "1")
        time.sleep(2)
        self.call(server, "SET", "some", "thing")
        time.sleep(1)
        process.terminate()
        output = process.communicate()[0]
        self.assertIn(b'"SET","some","thing"', output)


@needs_oracle
class OfRedis(ReplicationCase):
    """A real Redis follows this server."""

    def pair(self, **options):
        master = self.start(**{**FAST, **options})
        return master, self.start_oracle(**{**FAST})

    def test_full_resync_under_load(self):
        for options in ({}, {"repl_diskless_sync": "no"}):
            master, replica = self.pair(**options)
            self.call(master, "DEBUG", "POPULATE", 50000, "key", 100)
            load = self.load(master)
            self.follow(replica, master)
            time.sleep(1)
            load.finish()
            self.assert_equal_data(master, replica)
            self.assertEqual(self.statistics(master)["sync_full"], "1")

    def test_f84_partial_resync_after_a_cut(self):
        master, replica = self.pair(repl_backlog_size="10mb")
        relay = self.relay(master)
        load = self.load(master)
        self.follow(replica, relay)
        for number in range(1, 4):
            relay.cut()
            self.eventually(lambda: self.statistics(master)["sync_partial_ok"] == str(number))
            self.await_link(replica)
        load.finish()
        self.assert_equal_data(master, replica)
        self.assertEqual(self.statistics(master)["sync_full"], "1")

    def test_f85_cut_beyond_the_backlog(self):
        master, replica = self.pair(repl_backlog_size="20kb")
        relay = self.relay(master)
        self.follow(replica, relay)
        failed = int(self.statistics(master)["sync_partial_err"])
        relay.is_open = False
        relay.cut()
        self.eventually(lambda: self.info(master)["connected_slaves"] == "0")
        self.call(master, "SET", "large", "x" * 100000)
        relay.is_open = True
        self.eventually(lambda: self.statistics(master)["sync_full"] == "2", 20)
        self.assertEqual(self.statistics(master)["sync_partial_err"], str(failed + 1))
        self.assertIn("for lack of backlog", master.log())
        self.await_link(replica)
        self.assert_equal_data(master, replica)

    def test_f86_restart_of_the_master(self):
        directory = self.temporary_directory()
        options = {**FAST, "save": "900 1"}
        master = self.start(directory=directory, **options)
        replica = self.start_oracle(**FAST)
        load = self.load(master)
        self.call(master, "SET", "dying", "x", "PX", 300)
        self.follow(replica, master)
        load.finish()
        self.assert_equal_data(master, replica)
        port = master.port
        self.call(replica, "CONFIG", "SET", "repl-timeout", "60")
        self.connect(master).send("SHUTDOWN")
        master.process.wait(20)
        time.sleep(0.5)
        master = self.start(directory=directory, port=port, **options)
        self.await_link(replica)
        self.assertEqual(self.statistics(master)["sync_partial_ok"], "1")
        self.assertEqual(self.statistics(master)["sync_full"], "0")
        self.call(master, "SET", "after", "it")
        self.assert_equal_data(master, replica)

    @better_than_redis("a replica is not dropped for the buffer of its own resync")
    def test_f88_a_slow_replica_comes_through(self):
        master = self.start(
            **{**FAST, "repl_timeout": 60, "client_output_buffer_limit": "replica 1mb 1mb 1"},
            rdbcompression="no",
        )
        self.call(master, "DEBUG", "POPULATE", 100000, "key", 200)
        peer = socket.create_connection(("127.0.0.1", master.port), timeout=30)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.addCleanup(peer.close)
        peer.sendall(b"REPLCONF capa eof\r\nPSYNC ? -1\r\n")
        client = self.connect(master)
        value, slowest = b"x" * 10000, 0.0
        received = bytearray()
        for number in range(2000):
            start = time.monotonic()
            client.call("SET", f"new{number % 50}", value)
            slowest = max(slowest, time.monotonic() - start)
            if number % 20 == 0:
                received += peer.recv(65536)
        client.call("SET", "the", "last")
        self.assertEqual(self.info(master)["connected_slaves"], "1")
        self.assertLess(slowest, 0.5)
        mark = received[received.index(b"$EOF:") + 5 :][:40]
        looked = received.index(mark) + 40
        while (place := received.find(mark, looked)) < 0:
            looked = max(looked, len(received) - len(mark))
            received += self.more(peer)
        peer.sendall(b"REPLCONF ACK 0\r\n")
        tail = bytearray(received[place + 40 :])
        last = b"$4\r\nlast\r\n"
        while last not in tail[-100:]:
            tail += self.more(peer)
        # Some were written before the snapshot began, and are in the dump.
        self.assertGreater(tail.count(b"$10000\r\n"), 1000)

    def more(self, peer):
        data = peer.recv(1 << 20)
        self.assertTrue(data, "the replica was dropped")
        return data


if __name__ == "__main__":
    unittest.main()
