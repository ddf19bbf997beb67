# SPDX-License-Identifier: BSD-3-Clause
"""Limits and floods: clients that do not read, too many of them, slow patterns."""

import socket
import time
import unittest

from support import (
    Disconnected,
    OK,
    PONG,
    SharedServerCase,
    amount,
    better_than_redis,
    encode,
    error,
)

MIB = 1024 * 1024


class SlowReaders(SharedServerCase):
    """F21, F31: a client that goes away or does not read harms nobody else."""

    def test_F21_a_reset_in_the_middle_of_a_large_reply(self):
        large = b"x" * (100 * MIB)
        self.assertEqual(self.client.call("SET", "large", large), OK)
        del large
        self.assertEqual(self.client.call("PING"), PONG)
        before = self.server.resident()
        for _ in range(5):
            reader = self.new_client()
            reader.send("GET", "large")
            reader.send("GET", "large")
            self.assertEqual(reader.read_line(), b"$104857600")
            reader.reset()
            self.assertEqual(self.client.call("PING"), PONG)
        self.assertEqual(self.client.call("STRLEN", "large"), 100 * MIB)
        self.eventually(
            lambda: int(self.client.info("clients")["connected_clients"]) == 1,
            message="a reset connection is still counted",
        )
        self.eventually(
            lambda: self.server.resident() - before < 64 * MIB,
            message="the memory of the replies was not released",
        )
        self.assertEqual(self.client.call("DEL", "large"), 1)

    def fill(self, client, request, seconds=1.5):
        """Sends the request again and again until the server has not read for a while."""
        client.socket.settimeout(0.4)
        sent = 0
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                sent += client.socket.send(request)
        except TimeoutError:
            pass
        client.socket.settimeout(20)
        return sent

    @better_than_redis("Redis keeps reading and buffers without a limit")
    def test_F31_a_client_that_never_reads_is_not_read_from(self):
        self.assertEqual(self.client.call("SET", "value", b"x" * MIB), OK)
        before = self.server.resident()
        reader = self.new_client()
        # A thousand GETs in one write are a gigabyte of replies.
        self.fill(reader, encode("GET", "value") * 1000)
        growth = self.server.resident() - before
        self.assertLess(growth, 64 * MIB, "replies to a client that does not read pile up")
        self.assertEqual(self.client.call("PING"), PONG)
        reader.close()
        self.eventually(lambda: int(self.client.info("clients")["connected_clients"]) == 1)

    @better_than_redis("Redis keeps reading and buffers without a limit")
    def test_F31_small_replies_that_are_not_read_are_bounded_too(self):
        before = self.server.resident()
        reader = self.new_client()
        sent = self.fill(reader, encode("PING") * 10_000, seconds=10)
        self.assertLess(self.server.resident() - before, 64 * MIB)
        self.assertLess(sent, 256 * MIB, "the server read on although nobody reads its replies")
        self.assertEqual(self.client.call("PING"), PONG)

    def test_F31_every_reply_arrives_in_order_when_the_client_reads_at_last(self):
        count, size = 200, MIB
        for i in range(4):
            self.assertEqual(self.client.call("SET", f"value:{i}", b"%d" % i * size), OK)
        reader = self.new_client()
        reader.send_raw(b"".join(encode("GET", f"value:{i % 4}") for i in range(count)))
        reader.send("ECHO", "last")
        time.sleep(0.3)
        self.assertEqual(self.client.call("PING"), PONG)
        for i in range(count):
            reply = reader.read()
            self.assertEqual(len(reply), size)
            self.assertEqual(reply.count(b"%d" % (i % 4)), size, f"reply {i} is another's")
        self.assertEqual(reader.read(), b"last")

    def test_F31_a_writer_that_does_not_read_gets_its_writes_done_when_it_reads(self):
        reader = self.new_client(timeout=60)
        count = amount("TEST_BACKPRESSURE_COMMANDS", 100_000)
        request = b"".join(encode("INCR", "counter") for _ in range(count))
        reader.socket.setblocking(False)
        sent, received = 0, bytearray()
        deadline = time.monotonic() + 60
        while not received.endswith(b":%d\r\n" % count):
            self.assertLess(time.monotonic(), deadline)
            try:
                sent += reader.socket.send(request[sent : sent + 65536])
            except BlockingIOError:
                pass
            if sent == len(request):
                reader.socket.setblocking(True)
                received += reader.socket.recv(1 << 20)
        self.assertEqual(received, b"".join(b":%d\r\n" % i for i in range(1, count + 1)))


class MaximumClients(SharedServerCase):
    """F24: one connection too many."""

    options = {"maxclients": 5}

    def test_F24_the_next_connection_is_refused_and_the_others_go_on(self):
        rejected = int(self.client.info("stats")["rejected_connections"])
        others = [self.new_client() for _ in range(4)]
        for other in others:
            self.assertEqual(other.call("PING"), PONG)
        for _ in range(3):
            extra = self.new_client()
            self.assertEqual(extra.read_to_end(), b"-ERR max number of clients reached\r\n")
        self.assertEqual(self.client.call("PING"), PONG)
        self.assertEqual(int(self.client.info("stats")["rejected_connections"]), rejected + 3)
        others[0].close()
        self.eventually(lambda: int(self.client.info("clients")["connected_clients"]) == 4)
        self.assertEqual(self.new_client().call("PING"), PONG)


class ManyConnections(SharedServerCase):
    """F26, in small: connections that come and go leave nothing behind."""

    def test_F26_connects_and_disconnects_leak_no_descriptor(self):
        import os

        def descriptors():
            return len(os.listdir(f"/proc/{self.server.pid}/fd"))

        before = descriptors()
        for i in range(2000):
            client = self.server.client()
            if i % 3 == 0:
                client.send("PING")
            if i % 5 == 0:
                client.reset()
            else:
                client.close()
        self.eventually(lambda: descriptors() <= before, message="descriptors are left open")
        self.assertEqual(self.client.call("PING"), PONG)

    def test_five_hundred_clients_at_once_each_get_their_own_replies(self):
        clients = [self.new_client() for _ in range(500)]
        for round_ in range(3):
            for i, client in enumerate(clients):
                client.send_raw(encode("SET", f"k{i}", f"{i}:{round_}") + encode("GET", f"k{i}"))
            for i, client in enumerate(clients):
                self.assertEqual(client.read(), OK)
                self.assertEqual(client.read(), f"{i}:{round_}".encode())


class SlowPatterns(SharedServerCase):
    """F37: patterns that make a backtracking matcher take for ever."""

    PATTERNS = [b"a*" * 40 + b"b", b"*a" * 30 + b"*b", b"[^b]*" * 30 + b"b", b"?*" * 30 + b"b"]

    def test_F37_patterns_with_many_stars_answer_at_once(self):
        self.client.pipeline([("SET", b"a" * 60 + b"%03d" % i, "v") for i in range(100)])
        for pattern in self.PATTERNS:
            with self.subTest(pattern=pattern):
                start = time.monotonic()
                self.assertEqual(self.client.call("KEYS", pattern), [])
                self.assertEqual(
                    self.client.call("SCAN", "0", "MATCH", pattern, "COUNT", "1000"), [b"0", []]
                )
                self.assertLess(time.monotonic() - start, 5)

    def test_F37_a_pattern_of_ten_megabytes(self):
        self.client.call("SET", b"a" * 100, "v")
        start = time.monotonic()
        self.assertEqual(self.client.call("KEYS", b"a*" * (5 * MIB)), [])
        self.assertEqual(self.client.call("KEYS", b"*" * (10 * MIB) + b"b"), [])
        self.assertLess(time.monotonic() - start, 10)


if __name__ == "__main__":
    unittest.main()
