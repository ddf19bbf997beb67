# SPDX-License-Identifier: BSD-3-Clause
"""Memory that is short: refusals, the eight policies, what never counts against the keys."""

import random
import threading
import time
import unittest

from support import (
    OK,
    SharedServerCase,
    amount,
    better_than_redis,
    encode,
    error,
)

KIB = 1024
MIB = 1024 * KIB
OUT_OF_MEMORY = error("OOM command not allowed when used memory > 'maxmemory'.")
POLICIES = [
    f"{scope}-{order}" for scope in ("allkeys", "volatile") for order in ("lru", "lfu", "random")
] + ["volatile-ttl", "noeviction"]


class EvictionCase(SharedServerCase):
    options = {"enable_debug_command": "yes"}

    def setUp(self):
        self.client = self.connect(self.server)
        self.set(maxmemory=0, maxmemory_policy="noeviction", maxmemory_samples=5)
        self.assertEqual(self.client.call("FLUSHALL"), OK)
        self.eventually(lambda: self.client.info("memory")["lazyfree_pending_objects"] == "0")
        self.client.call("CONFIG", "RESETSTAT")

    def set(self, **settings):
        words = [w for pair in settings.items() for w in pair]
        words[::2] = [name.replace("_", "-") for name in words[::2]]
        self.assertEqual(self.client.call("CONFIG", "SET", *words), OK)

    def counted(self):
        """The bytes that the limit is compared with."""
        memory = self.client.info("memory")
        return int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])

    def evicted(self):
        return int(self.client.info("stats")["evicted_keys"])

    def fill(self, count, prefix="key", size=64, expire=None):
        tail = ("EX", expire) if expire else ()
        replies = self.client.pipeline(
            [("SET", f"{prefix}:{n}", b"x" * size, *tail) for n in range(count)]
        )
        return replies

    def left(self, prefix, count):
        return [
            n
            for n, there in enumerate(
                self.client.pipeline([("EXISTS", f"{prefix}:{n}") for n in range(count)])
            )
            if there
        ]


class Refusals(EvictionCase):
    """F55: noeviction."""

    def test_F55_writes_are_refused_and_everything_else_works(self):
        self.fill(1000)
        self.set(maxmemory=self.counted() - 1000)
        for command in (
            ("SET", "new", "x"),
            ("APPEND", "key:1", "x"),
            ("INCR", "number"),
            ("MSET", "a", 1, "b", 2),
        ):
            self.assertEqual(self.client.call(*command), OUT_OF_MEMORY)
        self.assertEqual(self.client.call("EXISTS", "new", "number", "a", "b"), 0)
        self.assertEqual(self.client.call("STRLEN", "key:1"), 64)
        self.assertEqual(self.client.call("GET", "key:1"), b"x" * 64)
        self.assertEqual(self.client.call("EXPIRE", "key:1", 100), 1)
        self.assertEqual(self.client.call("PERSIST", "key:1"), 1)
        self.assertEqual(self.client.call("DEL", "key:1"), 1)
        self.assertEqual(self.client.call("DBSIZE"), 999)
        self.assertEqual(self.client.call("DEL", *(f"key:{n}" for n in range(500))), 499)
        self.assertEqual(self.client.call("SET", "new", "x"), OK)
        self.assertEqual(self.evicted(), 0)

    def test_F55_a_refusal_counts_as_rejected(self):
        self.set(maxmemory=1)
        self.assertEqual(self.client.call("SET", "a", 1), OUT_OF_MEMORY)
        self.assertEqual(self.client.call("SET", "a", 1), OUT_OF_MEMORY)
        self.assertIn("rejected_calls=2", self.client.info("commandstats")["cmdstat_set"])

    def test_F55_a_huge_argument_is_refused_and_its_memory_comes_back(self):
        self.fill(100)
        self.set(maxmemory=1)
        before = int(self.client.info("memory")["used_memory"])
        for _ in range(5):
            self.assertEqual(self.client.call("SET", "huge", b"x" * MIB), OUT_OF_MEMORY)
        self.assertEqual(int(self.client.info("memory")["used_memory"]), before)

    @better_than_redis("Redis counts what is freed in the background until it is freed")
    def test_F55_a_flush_makes_room_at_once(self):
        self.assertEqual(self.client.call("DEBUG", "POPULATE", 300_000), OK)
        self.set(maxmemory=self.counted() // 2)
        self.assertEqual(self.client.call("SET", "a", 1), OUT_OF_MEMORY)
        self.client.send_raw(encode("FLUSHALL") + encode("SET", "a", 1))
        self.assertEqual([self.client.read(), self.client.read()], [OK, OK])


class Policies(EvictionCase):
    """F57: each policy at the limit."""

    def test_F57_each_policy_keeps_the_limit(self):
        writes = amount("EVICTION_WRITES", 60_000)
        for policy in POLICIES[:-1]:
            with self.subTest(policy=policy):
                self.setUp()
                base = self.counted()
                limit = base + 2 * MIB
                self.set(maxmemory=limit, maxmemory_policy=policy)
                expire = 10_000 if policy.startswith("volatile") else None
                for start in range(0, writes, 5000):
                    replies = self.fill(5000, prefix=f"k{start}", size=100, expire=expire)
                    self.assertEqual(set(replies), {OK})
                    self.assertLess(self.counted(), limit + 64 * KIB)
                self.assertGreater(self.evicted(), writes // 2)
                self.assertEqual(self.evicted() + self.client.call("DBSIZE"), writes)
                self.assertGreater(self.client.call("DBSIZE"), 8000)

    def test_F57_volatile_policies_without_volatile_keys_refuse(self):
        for policy in POLICIES:
            if not policy.startswith("volatile"):
                continue
            with self.subTest(policy=policy):
                self.setUp()
                self.fill(2000)
                self.set(maxmemory=self.counted() - 1000, maxmemory_policy=policy)
                self.assertEqual(self.client.call("SET", "a", 1), OUT_OF_MEMORY)
                self.assertEqual(self.client.call("DBSIZE"), 2000)

    def test_F57_volatile_policies_take_volatile_keys_alone(self):
        for policy in POLICIES:
            if not policy.startswith("volatile"):
                continue
            with self.subTest(policy=policy):
                self.setUp()
                self.fill(2000, prefix="stays")
                self.fill(2000, prefix="goes", expire=10_000)
                limit = self.counted() - 60 * KIB
                self.set(maxmemory=limit, maxmemory_policy=policy)
                self.eventually(lambda limit=limit: self.counted() <= limit)
                self.assertEqual(len(self.left("stays", 2000)), 2000)
                gone = 2000 - len(self.left("goes", 2000))
                self.assertGreater(gone, 300)
                self.assertEqual(self.evicted(), gone)

    def test_F57_volatile_ttl_is_exact(self):
        order = list(range(2000))
        random.Random(5).shuffle(order)
        start = int((time.time() + 1000) * 1000)
        for n in order:
            self.client.send("SET", f"key:{n}", b"x" * 64, "PXAT", start + n)
        for _ in order:
            self.client.read()
        limit = self.counted() - 50 * KIB
        self.set(maxmemory=limit, maxmemory_policy="volatile-ttl")
        self.assertEqual(self.client.call("SET", "one", "more", "EX", 100_000), OK)
        self.eventually(lambda: self.counted() <= limit)
        gone = self.evicted()
        self.assertGreater(gone, 200)
        self.assertEqual(self.left("key", 2000), list(range(gone, 2000)))

    def test_F57_lru_keeps_what_was_used(self):
        self.fill(4000)
        time.sleep(2.1)
        for n in range(0, 1000):
            self.client.send("GET", f"key:{n}")
        for _ in range(1000):
            self.client.read()
        self.set(
            maxmemory=self.counted() - 150 * KIB,
            maxmemory_policy="allkeys-lru",
            maxmemory_samples=10,
        )
        self.client.call("SET", "one", "more")
        self.eventually(lambda: self.counted() <= int(self.client.config("maxmemory")["maxmemory"]))
        left = self.left("key", 4000)
        self.assertLess(len(left), 3200)
        used = sum(1 for n in left if n < 1000)
        self.assertGreater(used, 985)

    def test_F57_lfu_keeps_what_is_used_often(self):
        self.set(maxmemory_policy="allkeys-lfu", maxmemory_samples=10)
        self.fill(4000)
        for _ in range(20):
            self.client.pipeline([("GET", f"key:{n}") for n in range(1000)])
        self.set(maxmemory=self.counted() - 150 * KIB)
        self.client.call("SET", "one", "more")
        self.eventually(lambda: self.counted() <= int(self.client.config("maxmemory")["maxmemory"]))
        left = self.left("key", 4000)
        self.assertLess(len(left), 3200)
        used = sum(1 for n in left if n < 1000)
        self.assertGreater(used, 960)

    def test_F57_keys_of_every_database_may_go(self):
        for policy in ("allkeys-lru", "allkeys-lfu", "allkeys-random"):
            with self.subTest(policy=policy):
                self.setUp()
                for database in range(4):
                    self.client.call("SELECT", database)
                    self.fill(1500)
                limit = self.counted() - 200 * KIB
                self.set(maxmemory=limit, maxmemory_policy=policy)
                self.eventually(lambda limit=limit: self.counted() <= limit)
                for database in range(4):
                    self.client.call("SELECT", database)
                    self.assertLess(self.client.call("DBSIZE"), 1500)


class Slices(EvictionCase):
    """F58: a lower limit is reached in slices."""

    def test_F58_a_much_lower_limit_stalls_nobody(self):
        self.assertEqual(self.client.call("DEBUG", "POPULATE", 500_000, "key", 100), OK)
        limit = self.counted() // 5
        self.client.call("CONFIG", "RESETSTAT")
        self.set(maxmemory=limit, maxmemory_policy="allkeys-random")
        other = self.new_client()
        answered = 0
        while self.counted() > limit:
            self.assertEqual(other.call("SET", "probe", "x"), OK)
            answered += 1
        self.assertGreater(answered, 10, "others are served between the slices")
        self.assertGreater(self.evicted(), 300_000)

    @better_than_redis("Redis does not tell")
    def test_F58_no_turn_is_long(self):
        self.assertEqual(self.client.call("DEBUG", "POPULATE", 500_000, "key", 100), OK)
        limit = self.counted() // 5
        self.client.call("CONFIG", "RESETSTAT")
        self.set(maxmemory=limit, maxmemory_policy="allkeys-lru")
        self.eventually(lambda: self.counted() <= limit, seconds=30)
        stats = self.client.info("stats")
        # A busy machine may hold any single turn; not all of them.
        mean = int(stats["eventloop_duration_sum"]) / int(stats["eventloop_cycles"])
        self.assertLess(mean, 3_000)
        self.assertLess(int(stats["eventloop_duration_max_usec"]), 250_000)


class NotCounted(EvictionCase):
    """F32: clients and snapshots never cost a key."""

    @better_than_redis("Redis evicts keys for the memory of clients")
    def test_F32_slow_readers_of_large_values(self):
        self.fill(1000)
        value = b"v" * (10 * MIB)
        self.assertEqual(self.client.call("SET", "large", value), OK)
        self.set(maxmemory=self.counted() + 100 * KIB, maxmemory_policy="allkeys-lru")
        readers = [self.new_client() for _ in range(100)]
        for reader in readers:
            reader.send("GET", "large")
        time.sleep(0.2)
        # Replaced again and again while the readers hold on to each of the old ones.
        for round in range(10):
            self.assertEqual(self.client.call("SET", "large", value), OK)
            readers[round].send("GET", "large")
        self.assertEqual(self.client.call("SET", "one", "more"), OK)
        self.assertEqual(self.evicted(), 0)
        self.assertEqual(self.client.call("DBSIZE"), 1002)
        for reader in readers:
            reader.close()

    @better_than_redis("Redis evicts keys for the memory of clients")
    def test_F32_writers_of_large_values_that_do_not_finish(self):
        self.fill(1000)
        self.set(maxmemory=self.counted() + 100 * KIB, maxmemory_policy="allkeys-lru")
        before = self.counted()
        for _ in range(20):
            self.new_client().send_raw(encode("SET", "large", b"v" * (4 * MIB))[:-100])
        self.assertEqual(self.client.call("SET", "one", "more"), OK)
        self.eventually(lambda: int(self.client.info("memory")["used_memory"]) > before + 60 * MIB)
        self.assertLess(self.counted(), before + 10 * KIB)
        self.assertEqual(self.client.call("SET", "two", "more"), OK)
        self.assertEqual(self.evicted(), 0)

    @better_than_redis("Redis forks")
    def test_F32_what_a_snapshot_keeps_costs_no_key(self):
        self.fill(30_000, size=500)
        for n in range(20):
            self.client.call("SET", f"large:{n}", b"v" * MIB)
        self.set(maxmemory=self.counted() + 3 * MIB, maxmemory_policy="allkeys-lru")
        stop = threading.Event()

        def save():
            saver = self.new_client()
            while not stop.is_set():
                saver.call("SAVE")

        thread = threading.Thread(target=save)
        thread.start()
        try:
            for round in range(5):
                self.assertEqual(set(self.fill(30_000, size=500)), {OK})
                for n in range(20):
                    self.assertEqual(self.client.call("SET", f"large:{n}", b"v" * MIB), OK)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(self.evicted(), 0)
        self.assertEqual(self.client.call("DBSIZE"), 30_020)

    @better_than_redis("it is exact here")
    def test_F32_nothing_is_left_uncounted_at_rest(self):
        value = b"v" * 100 * KIB
        for n in range(50):
            self.client.call("SET", f"large:{n}", value)
            self.client.call("APPEND", f"large:{n}", "x")
            self.client.call("PEXPIRE", f"large:{n}", 1_000_000)
            self.client.call("GET", f"large:{n}")
            self.client.call("SET", f"large:{n}", value, "KEEPTTL")
            self.client.call("SETRANGE", f"large:{n}", 100 * KIB + 5, "y")
            self.client.call("SETRANGE", f"new:{n}", 100 * KIB, "x")
        self.client.call("SAVE")
        self.eventually(lambda: self.client.info("memory")["mem_not_counted_for_evict"] == "0")
        self.assertGreater(self.counted(), 100 * 100 * KIB)
        self.set(maxmemory=self.counted() + 100 * KIB, maxmemory_policy="noeviction")
        self.assertEqual(self.client.call("SET", "one", "more"), OK)
        self.set(maxmemory=0)
        self.client.call("FLUSHALL")
        self.eventually(lambda: self.client.info("memory")["lazyfree_pending_objects"] == "0")
        self.assertEqual(self.client.info("memory")["mem_not_counted_for_evict"], "0")
        self.assertLess(self.counted(), 200 * KIB)


if __name__ == "__main__":
    unittest.main()
