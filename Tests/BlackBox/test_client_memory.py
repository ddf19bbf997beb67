# SPDX-License-Identifier: BSD-3-Clause
"""maxmemory-clients: the largest clients go, the protected stay, keys are left alone."""

import unittest

from support import OK, SharedServerCase, better_than_redis, encode


class ClientMemory(SharedServerCase):
    options = {"enable_debug_command": "yes"}

    def setUp(self):
        super().setUp()
        self.assertEqual(self.client.call("CONFIG", "SET", "maxmemory-clients", "0"), OK)
        self.assertEqual(self.client.call("CLIENT", "NO-EVICT", "on"), OK)
        self.assertEqual(self.client.call("CONFIG", "RESETSTAT"), OK)

    def limit(self, value):
        self.assertEqual(self.client.call("CONFIG", "SET", "maxmemory-clients", value), OK)

    def alive(self):
        """The names of the clients that are there, and what each takes."""
        found = {}
        for line in self.client.call("CLIENT", "LIST").decode().splitlines():
            fields = dict(word.split("=", 1) for word in line.split(" "))
            if fields["name"]:
                found[fields["name"]] = int(fields["tot-mem"])
        return found

    def unfinished(self, name, size):
        """A client that has sent all but the last of a request's `size` bytes."""
        client = self.new_client()
        self.assertEqual(client.call("CLIENT", "SETNAME", name), OK)
        client.send_raw(b"*2\r\n$%d\r\n" % size + b"v" * size)
        self.eventually(lambda: self.alive().get(name, 0) >= size)
        return client

    def test_a_large_argument(self):
        self.limit(3_000_000)
        client = self.new_client()
        self.assertEqual(client.call("CLIENT", "SETNAME", "large"), OK)
        self.assertEqual(client.call("SET", "k", "v" * 1_000_000), OK)
        try:
            client.send("SET", "k", "v" * 3_000_000)
        except OSError:
            pass
        client.read_to_end()
        self.assertNotIn("large", self.alive())
        self.assertEqual(self.client.info("stats")["evicted_clients"], "1")
        self.assertEqual(self.client.call("STRLEN", "k"), 1_000_000)

    @better_than_redis("Redis takes the memory before it closes the client")
    def test_an_announced_argument_is_refused_before_it_arrives(self):
        self.limit(3_000_000)
        client = self.new_client()
        client.send_raw(b"*2\r\n$400000000\r\nvvv")
        self.assertEqual(client.read_to_end(), b"")

    @better_than_redis("it closes from buckets of sizes, not the largest")
    def test_a_lower_limit_closes_the_largest_first(self):
        sizes = [100_000, 400_000, 1_600_000]
        for size in sizes:
            for number in range(2):
                self.unfinished(f"c{size}-{number}", size)
        self.assertEqual(len(self.alive()), 6)
        for kept in (2, 1, 0):
            self.limit(sum(2 * size for size in sizes[:kept]) + 300_000)
            expected = {f"c{size}-{number}" for size in sizes[:kept] for number in range(2)}
            if kept == 0:  # two small ones fit
                expected = {"c100000-0", "c100000-1"}
            self.assertEqual(set(self.alive()), expected)
        self.assertEqual(self.client.info("stats")["evicted_clients"], "4")

    def test_no_more_go_than_must(self):
        for number in range(10):
            self.unfinished(f"c{number}", 1_000_000)
        each = max(self.alive().values())
        self.limit(each * 5 + 200_000)
        self.assertEqual(len(self.alive()), 5)

    def test_no_evict_protects_and_its_end_does_not(self):
        client = self.unfinished("kept", 10)
        client.send_raw(b"\r\n$1\r\na\r\n")
        client.read()
        self.assertEqual(client.call("CLIENT", "NO-EVICT", "on"), OK)
        client.send_raw(b"*2\r\n$2000000\r\n" + b"v" * 1_900_000)
        self.eventually(lambda: self.alive().get("kept", 0) >= 1_900_000)
        self.limit(1_000_000)
        self.assertIn("kept", self.alive())
        client.send_raw(b"v" * 100_000 + b"\r\n$1\r\nx\r\n")
        client.read()
        self.assertEqual(client.call("CLIENT", "NO-EVICT", "off"), OK)
        client.send_raw(b"*2\r\n$2000000\r\n" + b"v" * 1_900_000)
        self.eventually(lambda: "kept" not in self.alive())

    def test_output_that_is_not_read(self):
        self.assertEqual(self.client.call("SET", "k", "v" * 200_000), OK)
        self.limit(2_000_000)
        client = self.new_client()
        self.assertEqual(client.call("CLIENT", "SETNAME", "reader"), OK)
        client.send_raw(encode("GET", "k") * 100)
        self.eventually(lambda: "reader" not in self.alive())

    def test_a_share_of_maxmemory(self):
        self.assertEqual(self.client.call("CONFIG", "SET", "maxmemory", "50mb"), OK)
        self.addCleanup(lambda: self.client.call("CONFIG", "SET", "maxmemory", "0"))
        self.limit("4%")
        self.unfinished("fits", 1_000_000)
        client = self.new_client()
        client.send_raw(b"*2\r\n$3000000\r\nv")
        self.assertEqual(client.read_to_end(), b"")
        self.assertIn("fits", self.alive())

    @better_than_redis("what it takes itself is counted")
    def test_who_sets_a_limit_below_itself_goes(self):
        self.assertEqual(self.client.call("CLIENT", "NO-EVICT", "off"), OK)
        self.client.send("CONFIG", "SET", "maxmemory-clients", "1")
        self.client.read_to_end()
        self.client = self.new_client()
        self.assertEqual(self.client.call("CLIENT", "NO-EVICT", "on"), OK)
        self.limit(0)


if __name__ == "__main__":
    unittest.main()
