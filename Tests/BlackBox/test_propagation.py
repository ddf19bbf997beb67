# SPDX-License-Identifier: BSD-3-Clause
"""What a master tells its replicas, held to what Redis tells them: the same commands, the same bytes."""

import unittest

import propagation
from differential import Connection
from replication import FAST, ReplicationCase
from support import amount, needs_oracle

# Redis 7.2 tells more of XREADGROUP than 7.0 does: how many entries a group has read, and new consumers.
TOLD_SINCE_7_2 = {"XREADGROUP"}


@needs_oracle
class Propagation(ReplicationCase):
    """Streams compared request by request."""

    def setUp(self):
        self.ours = self.start(**FAST)
        self.oracle = self.start_oracle(**FAST)
        self.addresses = [f"127.0.0.1:{server.port}" for server in (self.ours, self.oracle)]

    def compare(self, *groups):
        count, seed = amount("PROPAGATION_COMMANDS", 1500), amount("PROPAGATION_SEED", 1)
        differences = propagation.compare(*self.addresses, groups, count, seed, left_out={b"XREADGROUP"})
        self.assertEqual(differences, [], "\n".join(differences))

    def test_strings(self):
        self.compare("string", "bitmap", "hll")

    def test_keys(self):
        self.compare("key", "string", "sort")

    def test_lists_and_sets(self):
        self.compare("list", "set")

    def test_hashes_and_sorted_sets(self):
        self.compare("hash", "zset", "geo")

    def test_streams(self):
        self.compare("stream")

    def test_transactions(self):
        self.compare("multi", "string", "list")

    def each(self, *commands):
        """What both tell of the commands, after a FLUSHALL; asserts that it is the same."""
        told = []
        for address in self.addresses:
            client, stream = Connection(address), propagation.Stream(address)
            for command in (("FLUSHALL",), *commands):
                client.call(*command)
            client.call("PUBLISH", propagation.MARK, "1")
            told.append(propagation.near(stream.until_mark(1))[1:])
            stream.close()
            client.socket.close()
        self.assertEqual(told[0], told[1])
        return told[0]

    def test_what_chance_decides(self):
        self.assertEqual(
            self.each(("SADD", "s", "one"), ("SPOP", "s"))[-1], [b"SREM", b"s", b"one"]
        )
        self.each(("SADD", "s", "one", "two"), ("SPOP", "s", "2"))
        self.each(("SADD", "s", "one", "two"), ("SPOP", "s", "5"))
        self.each(("SPOP", "none"), ("SPOP", "none", "5"))

    def test_expiry(self):
        for address in self.addresses:
            client, stream = Connection(address), propagation.Stream(address)
            client.call("FLUSHALL")
            client.call("SET", "k", "v", "PX", "20")
            client.call("SELECT", "3")
            client.call("SET", "other", "v", "PX", "20")
            self.eventually(lambda: client.call("DBSIZE") == ("int", 0))
            client.call("PUBLISH", "a", "b")
            client.call("PUBLISH", "a", "b")
            told = [stream.request() for _ in range(9)]
            names = [words[:2] for words in told if words != [b"ping"]]
            self.assertEqual(names[:2], [[b"SELECT", b"0"], [b"FLUSHALL"]])
            self.assertIn([b"DEL", b"k"], names)
            stream.close()

    def test_databases_and_messages(self):
        self.each(
            ("SELECT", "2"), ("SET", "a", "1"), ("SET", "b", "1"), ("SELECT", "0"), ("SET", "c", "1"),
            ("PUBLISH", "channel", "text"), ("MOVE", "c", "5"), ("SWAPDB", "2", "5"),
            ("SELECT", "5"), ("COPY", "a", "z", "DB", "1"), ("FLUSHDB", "ASYNC"), ("FLUSHALL", "SYNC"),
        )

    def test_transactions_by_their_effects(self):
        self.each(("MULTI",), ("SET", "a", "1"), ("EXEC",))
        self.each(("MULTI",), ("SET", "a", "1"), ("INCR", "n"), ("EXEC",))
        self.each(("MULTI",), ("GET", "a"), ("EXEC",))
        self.each(("MULTI",), ("GET", "a"), ("SET", "a", "1", "EX", "100"), ("GET", "a"), ("EXEC",))
        self.each(("MULTI",), ("SET", "a", "1"), ("SELECT", "4"), ("SET", "a", "1"), ("EXEC",))

    def test_who_waits_is_served(self):
        told = []
        for address in self.addresses:
            waiting, client, stream = Connection(address), Connection(address), propagation.Stream(address)
            client.call("FLUSHALL")
            waiting.send([[b"BLMOVE", b"from", b"to", b"LEFT", b"RIGHT", b"0"]])
            self.eventually(lambda: b"blocked_clients:1" in client.call("INFO", "clients")[1])
            client.call("RPUSH", "from", "x", "y")
            waiting.read()
            waiting.send([[b"BLPOP", b"none", b"0.05"]])
            waiting.read()
            client.call("PUBLISH", propagation.MARK, "1")
            # 7.0 says the directions in lower case when it serves who has waited, 7.2 as they came.
            told.append([[word.lower() for word in words] for words in stream.until_mark(1)])
            stream.close()
        self.assertEqual(told[0], told[1])

    def test_eviction(self):
        for address in self.addresses:
            client, stream = Connection(address), propagation.Stream(address)
            client.call("FLUSHALL")
            client.call("SET", "k", "v")
            client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
            client.call("CONFIG", "SET", "maxmemory", "1")
            client.call("SET", "k2", "v")
            client.call("CONFIG", "SET", "maxmemory", "0")
            client.call("PUBLISH", propagation.MARK, "1")
            self.assertIn([b"DEL", b"k"], stream.until_mark(1))
            stream.close()


if __name__ == "__main__":
    unittest.main()
