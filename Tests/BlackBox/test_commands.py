# SPDX-License-Identifier: BSD-3-Clause
"""The first commands with all their options: replies, errors, RESP2 and RESP3."""

import time
import unittest

from support import Map, OK, PONG, SharedServerCase, Status, Verbatim, amount, error

WRONG_INTEGER = error("ERR value is not an integer or out of range")
OVERFLOW = error("ERR increment or decrement would overflow")
SYNTAX = error("ERR syntax error")
MINIMUM, MAXIMUM = -(2**63), 2**63 - 1
NOT_NUMBERS = (
    "",
    " ",
    "a",
    "1a",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
    "1.0",
    "1e3",
    "0x10",
    str(2**63),
    "9" * 30,
)


class Connections(SharedServerCase):
    """PING, ECHO, HELLO, SELECT."""

    def test_ping_and_echo(self):
        self.assertEqual(self.client.call("PING"), PONG)
        self.assertEqual(self.client.call("ping", "x y"), b"x y")
        self.assertEqual(self.client.call("ECHO", ""), b"")
        self.assertEqual(self.client.call("EcHo", "a"), b"a")

    def test_hello_switches_the_protocol_back_and_forth(self):
        reply = self.client.call("HELLO")
        self.assertIsInstance(reply, list)
        fields = dict(zip(reply[::2], reply[1::2]))
        self.assertEqual(
            list(fields), [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
        )
        self.assertEqual(
            (fields[b"proto"], fields[b"mode"], fields[b"role"]), (2, b"standalone", b"master")
        )
        self.assertEqual(fields[b"server"], b"redis")

        reply = self.client.call("HELLO", "3")
        self.assertIsInstance(reply, Map)
        self.assertEqual((reply[b"proto"], reply[b"id"]), (3, fields[b"id"]))
        self.client.send("GET", "missing")
        self.assertEqual(self.client.read_line(), b"_")
        self.client.send("SET", "a", "b", "XX")
        self.assertEqual(self.client.read_line(), b"_")
        self.assertIsInstance(self.client.call("CONFIG", "GET", "port"), Map)
        self.assertIsInstance(self.client.call("INFO", "server"), Verbatim)

        self.assertIsInstance(self.client.call("HELLO", "2"), list)
        self.client.send("GET", "missing")
        self.assertEqual(self.client.read_line(), b"$-1")

    def test_hello_with_options(self):
        self.assertIsInstance(self.client.call("HELLO", "3", "SETNAME", "me"), Map)
        self.assertIsInstance(self.client.call("HELLO", "3", "AUTH", "default", "any"), Map)
        reply = self.client.call("HELLO", "3", "SETNAME", "with space")
        self.assert_error(
            reply, "ERR Client names cannot contain spaces, newlines or special characters."
        )
        for words in (("NOSUCH",), ("AUTH", "x"), ("SETNAME",)):
            self.assertEqual(
                self.client.call("HELLO", "3", *words),
                error(f"ERR Syntax error in HELLO option '{words[0]}'"),
            )
        self.assertEqual(
            self.client.call("HELLO", "3", "nosuch"),
            error("ERR Syntax error in HELLO option 'nosuch'"),
        )

    def test_F51_select(self):
        self.assertEqual(self.client.call("SET", "a", "zero"), OK)
        self.assertEqual(self.client.call("SELECT", "15"), OK)
        self.assertEqual(self.client.call("GET", "a"), None)
        self.assertEqual(self.client.call("SET", "a", "fifteen"), OK)
        for number in ("16", "-1", str(2**31 - 1)):
            self.assertEqual(
                self.client.call("SELECT", number), error("ERR DB index is out of range")
            )
        for number in ("x", "", "1.0", str(2**64)):
            self.assertEqual(self.client.call("SELECT", number), WRONG_INTEGER)
        self.assertEqual(self.client.call("GET", "a"), b"fifteen")
        self.assertEqual(self.new_client().call("GET", "a"), b"zero")


class Strings(SharedServerCase):
    """GET, SET, MGET, MSET, the counters, APPEND, STRLEN."""

    def test_set_conditions(self):
        call = self.client.call
        self.assertEqual(call("SET", "a", "1", "XX"), None)
        self.assertEqual(call("SET", "a", "1", "NX"), OK)
        self.assertEqual(call("SET", "a", "2", "NX"), None)
        self.assertEqual(call("SET", "a", "2", "xx"), OK)
        self.assertEqual(call("SET", "a", "3", "GET"), b"2")
        self.assertEqual(call("SET", "a", "4", "NX", "GET"), b"3")
        self.assertEqual(call("GET", "a"), b"3")
        self.assertEqual(call("SET", "b", "1", "XX", "GET"), None)
        self.assertEqual(call("EXISTS", "b"), 0)
        self.assertEqual(call("SET", "b", "1", "NX", "GET"), None)
        self.assertEqual(call("GET", "b"), b"1")

    def test_set_expiries(self):
        call = self.client.call
        for words, low, high in (
            (("EX", "100"), 99_000, 100_000),
            (("PX", "5000"), 4000, 5000),
            (("EXAT", int(time.time()) + 100), 98_000, 100_001),
            (("PXAT", int(time.time() * 1000) + 9000), 8000, 9001),
        ):
            with self.subTest(words=words):
                self.assertEqual(call("SET", "a", "v", *words), OK)
                self.assertTrue(low <= call("PTTL", "a") <= high)
                self.assertEqual(call("SET", "a", "w", "KEEPTTL"), OK)
                self.assertTrue(low - 1000 <= call("PTTL", "a") <= high)
                self.assertEqual(call("SET", "a", "w"), OK)
                self.assertEqual(call("PTTL", "a"), -1)
        self.assertEqual(call("SET", "a", "v", "PXAT", "1"), OK)
        self.assertEqual(call("GET", "a"), None)
        self.assertEqual(call("DBSIZE"), 0)

    def test_set_options_that_do_not_go_together(self):
        for words in (
            ("NX", "XX"),
            ("EX", "1", "PX", "1"),
            ("EX", "1", "KEEPTTL"),
            ("KEEPTTL", "PXAT", "1"),
            ("EX",),
            ("NOSUCH",),
            ("EX", "1", "EX"),
            ("",),
            ("NX", "NX", "XX"),
            ("EXAT", "1", "EX", "1"),
        ):
            self.assertEqual(self.client.call("SET", "a", "v", *words), SYNTAX, words)
        self.assertEqual(self.client.call("EXISTS", "a"), 0)

    def test_F42_expiries_that_are_not_valid_leave_the_key_untouched(self):
        call = self.client.call
        self.assertEqual(call("SET", "a", "old"), OK)
        for option, values in (
            ("EX", ("0", "-1", str(MAXIMUM), str(MINIMUM), "9223372036854776")),
            ("PX", ("0", "-1", str(MAXIMUM), str(MINIMUM))),
            ("EXAT", ("0", "-1", str(MAXIMUM))),
            ("PXAT", ("0", "-1", str(MINIMUM))),
        ):
            for value in values:
                self.assertEqual(
                    call("SET", "a", "new", option, value),
                    error("ERR invalid expire time in 'set' command"),
                    (option, value),
                )
            for value in NOT_NUMBERS:
                self.assertEqual(
                    call("SET", "a", "new", option, value), WRONG_INTEGER, (option, value)
                )
        self.assertEqual(call("GET", "a"), b"old")
        self.assertEqual(call("TTL", "a"), -1)

    def test_mget_and_mset(self):
        call = self.client.call
        self.assertEqual(call("MSET", "a", "1", "b", "", "a", "2"), OK)
        self.assertEqual(call("MGET", "a", "b", "missing", "a"), [b"2", b"", None, b"2"])
        self.assertEqual(call("EXPIRE", "a", "100"), 1)
        self.assertEqual(call("MSET", "a", "3"), OK)
        self.assertEqual(call("TTL", "a"), -1)
        pairs = [x for i in range(5000) for x in (f"k{i}", i)]
        self.assertEqual(call("MSET", *pairs), OK)
        self.assertEqual(call("MGET", *pairs[::2]), [b"%d" % i for i in range(5000)])

    def test_F41_counters_at_the_ends_of_their_range(self):
        call = self.client.call
        call("SET", "n", MAXIMUM - 1)
        self.assertEqual(call("INCR", "n"), MAXIMUM)
        self.assertEqual(call("INCR", "n"), OVERFLOW)
        self.assertEqual(call("INCRBY", "n", "1"), OVERFLOW)
        self.assertEqual(call("DECRBY", "n", "-1"), OVERFLOW)
        self.assertEqual(call("INCRBY", "n", MINIMUM), -1)
        call("SET", "n", MINIMUM)
        self.assertEqual(call("DECR", "n"), OVERFLOW)
        self.assertEqual(call("INCRBY", "n", "-1"), OVERFLOW)
        self.assertEqual(call("DECRBY", "n", "1"), OVERFLOW)
        self.assertEqual(call("INCRBY", "n", MAXIMUM), -1)
        self.assertEqual(call("DECRBY", "n", MINIMUM), error("ERR decrement would overflow"))
        self.assertEqual(call("GET", "n"), b"-1")
        self.assertEqual(call("INCR", "new"), 1)
        self.assertEqual(call("DECRBY", "newer", "5"), -5)

    def test_F41_counters_on_what_is_not_a_number(self):
        for text in NOT_NUMBERS:
            self.client.call("SET", "n", text)
            for command in (
                ("INCR", "n"),
                ("DECR", "n"),
                ("INCRBY", "n", "1"),
                ("DECRBY", "n", "1"),
            ):
                self.assertEqual(self.client.call(*command), WRONG_INTEGER, (text, command))
            self.assertEqual(self.client.call("GET", "n"), text.encode())
            self.client.call("SET", "n", "5")
            self.assertEqual(self.client.call("INCRBY", "n", text), WRONG_INTEGER, text)
            self.assertEqual(self.client.call("DECRBY", "n", text), WRONG_INTEGER, text)

    def test_a_counter_keeps_its_expiry(self):
        self.client.call("SET", "n", "1", "EX", "100")
        self.assertEqual(self.client.call("INCR", "n"), 2)
        self.assertTrue(90 < self.client.call("TTL", "n") <= 100)

    def test_append_and_strlen(self):
        call = self.client.call
        self.assertEqual(call("STRLEN", "a"), 0)
        self.assertEqual(call("APPEND", "a", ""), 0)
        expected = b""
        for i in range(300):
            part = bytes([i % 256]) * (i % 17)
            expected += part
            self.assertEqual(call("APPEND", "a", part), len(expected))
        self.assertEqual(call("GET", "a"), expected)
        call("SET", "n", "12", "EX", "100")
        self.assertEqual(call("APPEND", "n", "34"), 4)
        self.assertEqual(call("INCR", "n"), 1235)
        self.assertTrue(90 < call("TTL", "n") <= 100)
        for number in (0, -1, 10**18, MINIMUM, MAXIMUM):
            call("SET", "n", number)
            self.assertEqual(call("STRLEN", "n"), len(str(number)))


class Keys(SharedServerCase):
    """DEL, UNLINK, EXISTS, TYPE, DBSIZE, FLUSHDB, FLUSHALL."""

    def test_delete_exists_and_type(self):
        call = self.client.call
        call("MSET", "a", "1", "b", "2", "c", "3")
        self.assertEqual(call("EXISTS", "a", "b", "a", "missing"), 3)
        self.assertEqual(call("DEL", "a", "a", "missing"), 1)
        self.assertEqual(call("UNLINK", "b", "c", "c"), 2)
        self.assertEqual(call("DBSIZE"), 0)
        call("SET", "a", "1")
        self.assertEqual(call("TYPE", "a"), Status(b"string"))
        self.assertEqual(call("TYPE", "missing"), Status(b"none"))

    def test_flush_one_database_and_all(self):
        call = self.client.call
        for command, left in (
            (("FLUSHDB",), 1),
            (("FLUSHDB", "ASYNC"), 1),
            (("FLUSHDB", "sync"), 1),
            (("FLUSHALL",), 0),
            (("FLUSHALL", "async"), 0),
            (("FLUSHALL", "SYNC"), 0),
        ):
            call("SELECT", "1")
            call("SET", "other", "1")
            call("SELECT", "0")
            self.client.pipeline([("SET", f"k{i}", i, "EX", "1000") for i in range(1000)])
            self.assertEqual(call("DBSIZE"), 1000)
            self.assertEqual(call(*command), OK)
            self.assertEqual((call("DBSIZE"), call("KEYS", "*")), (0, []))
            self.assertEqual(call("SCAN", "0"), [b"0", []])
            call("SELECT", "1")
            self.assertEqual(call("DBSIZE"), left, command)
            call("SELECT", "0")
        self.assertEqual(call("FLUSHALL", "NOSUCH"), SYNTAX)
        self.assertEqual(call("FLUSHDB", "SYNC", "SYNC"), SYNTAX)

    def test_growth_and_shrinkage_keep_every_key(self):
        count = amount("TEST_GROWTH_KEYS", 100_000)
        self.client.pipeline([("SET", f"k{i}", i) for i in range(count)], batch=5000)
        self.assertEqual(self.client.call("DBSIZE"), count)
        for start in range(0, count, 5000):
            names = [f"k{i}" for i in range(start, start + 5000) if i % 100]
            self.assertEqual(self.client.call("DEL", *names), len(names))
        rest = range(0, count, 100)
        self.assertEqual(self.client.call("DBSIZE"), len(rest))
        self.assertEqual(
            self.client.call("MGET", *(f"k{i}" for i in rest)), [b"%d" % i for i in rest]
        )
        self.assertEqual(sorted(self.client.call("KEYS", "*")), sorted(b"k%d" % i for i in rest))


class Administration(SharedServerCase):
    """INFO, CONFIG, DEBUG."""

    options = {"enable-debug-command": "yes"}

    FIELDS = {
        "server": "redis_version redis_mode os arch_bits process_id run_id tcp_port"
        " uptime_in_seconds uptime_in_days hz executable config_file",
        "clients": "connected_clients maxclients blocked_clients",
        "memory": "used_memory used_memory_human used_memory_rss used_memory_peak maxmemory"
        " maxmemory_policy mem_fragmentation_ratio mem_allocator",
        "persistence": "loading rdb_changes_since_last_save rdb_bgsave_in_progress"
        " rdb_last_save_time rdb_last_bgsave_status aof_enabled",
        "stats": "total_connections_received total_commands_processed instantaneous_ops_per_sec"
        " total_net_input_bytes total_net_output_bytes rejected_connections expired_keys"
        " evicted_keys keyspace_hits keyspace_misses total_error_replies",
    }

    def test_info_has_the_fields_that_tools_read(self):
        for section, names in self.FIELDS.items():
            with self.subTest(section):
                fields = self.client.info(section)
                self.assertEqual([n for n in names.split() if n not in fields], [])
                text = self.client.call("INFO", section)
                self.assertTrue(text.startswith(b"# " + section.capitalize().encode() + b"\r\n"))
                self.assertTrue(text.endswith(b"\r\n"))
        everything = self.client.info()
        for names in self.FIELDS.values():
            self.assertEqual([n for n in names.split() if n not in everything], [])
        self.assertEqual(everything["process_id"], str(self.server.pid))
        self.assertEqual(everything["tcp_port"], str(self.server.port))
        self.assertRegex(everything["run_id"], r"^[0-9a-f]{40}$")

    def test_info_of_several_sections_of_none_and_of_unknown_ones(self):
        text = self.client.call("INFO", "CLIENTS", "stats")
        self.assertEqual(
            [line for line in text.decode().split("\r\n") if line.startswith("#")],
            ["# Clients", "# Stats"],
        )
        self.assertEqual(self.client.call("INFO", "nosuch"), b"")
        self.assertNotIn(b"# Commandstats", self.client.call("INFO"))
        self.assertIn(b"# Commandstats", self.client.call("INFO", "all"))
        self.assertIn(b"# Commandstats", self.client.call("INFO", "everything"))

    def test_info_keyspace(self):
        self.assertEqual(self.client.info("keyspace"), {})
        self.client.call("SET", "a", "1")
        self.client.call("SET", "b", "1", "EX", "100")
        self.client.call("SELECT", "7")
        self.client.call("SET", "c", "1")
        fields = self.client.info("keyspace")
        self.assertEqual(list(fields), ["db0", "db7"])
        self.assertRegex(fields["db0"], r"^keys=2,expires=1,avg_ttl=\d+")
        self.assertRegex(fields["db7"], r"^keys=1,expires=0,avg_ttl=0")

    def test_statistics_count_and_are_reset(self):
        self.assertEqual(self.client.call("CONFIG", "RESETSTAT"), OK)
        self.client.pipeline(
            [("SET", "a", "1")] * 10 + [("GET", "a")] * 7 + [("GET", "missing")] * 3
        )
        self.client.call("GET")
        self.client.call("INCR", "missing", "x")
        self.client.call("SET", "text", "x")
        self.client.call("INCR", "text")
        stats = self.client.info("stats")
        self.assertEqual((stats["keyspace_hits"], stats["keyspace_misses"]), ("7", "3"))
        commands = self.client.info("commandstats")
        self.assertRegex(
            commands["cmdstat_set"],
            r"^calls=11,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=0",
        )
        self.assertRegex(commands["cmdstat_get"], r"^calls=10,.*,rejected_calls=1,failed_calls=0")
        self.assertRegex(commands["cmdstat_incr"], r"^calls=1,.*,rejected_calls=1,failed_calls=1")
        self.assertIn("cmdstat_config|resetstat", commands)
        self.assertEqual(self.client.call("CONFIG", "RESETSTAT"), OK)
        self.assertNotIn("cmdstat_set", self.client.info("commandstats"))

    def test_config_get(self):
        self.assertEqual(self.client.config("port"), {"port": str(self.server.port)})
        self.assertEqual(list(self.client.config("PORT").values()), [str(self.server.port)])
        self.assertEqual(self.client.call("CONFIG", "GET", "nosuch"), [])
        several = self.client.config("max*", "databases", "save")
        self.assertEqual((several["databases"], several["save"]), ("16", ""))
        self.assertIn("maxclients", several)
        self.assertIn("maxmemory", several)
        everything = self.client.config("*")
        self.assertGreater(len(everything), 10)
        self.assertEqual(everything["dbfilename"], "dump.rdb")
        self.assertEqual(everything["dir"], str(self.server.directory))
        self.assertIn("appendonly", everything)

    def test_config_set(self):
        before = self.client.config("maxclients")["maxclients"]
        self.assertEqual(
            self.client.call("CONFIG", "SET", "maxclients", "500", "save", "60 1000"), OK
        )
        self.assertEqual(
            self.client.config("maxclients", "save"), {"maxclients": "500", "save": "60 1000"}
        )
        self.assertEqual(self.client.call("CONFIG", "SET", "maxclients", before, "save", ""), OK)

    def test_F52_config_set_is_all_or_nothing(self):
        call = self.client.call
        before = self.client.config("maxclients", "save")
        for words, text in (
            (
                ("nosuch", "1"),
                "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
            ),
            (
                ("save", "1 1", "nosuch", "1"),
                "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
            ),
            (
                ("port", "1", "databases", "3"),
                "ERR CONFIG SET failed (possibly related to argument 'databases') -"
                " can't set immutable config",
            ),
            (
                ("save", "1 1", "maxclients", "abc"),
                "ERR CONFIG SET failed (possibly related to argument 'maxclients') -"
                " argument couldn't be parsed into an integer",
            ),
            (
                ("save", "1 1", "save", "2 2"),
                "ERR CONFIG SET failed (possibly related to argument 'save') - duplicate parameter",
            ),
            (
                ("dbfilename", "../escape"),
                "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - "
                "can't set protected config",
            ),
        ):
            with self.subTest(words=words):
                self.assertEqual(call("CONFIG", "SET", *words), error(text))
        self.assertEqual(self.client.config("maxclients", "save"), before)
        self.assertEqual(
            call("CONFIG", "SET", "save"),
            error("ERR wrong number of arguments for 'config|set' command"),
        )

    def test_debug(self):
        call = self.client.call
        start = time.monotonic()
        self.assertEqual(call("DEBUG", "SLEEP", "0.1"), OK)
        self.assertGreaterEqual(time.monotonic() - start, 0.1)
        self.assertEqual(call("DEBUG", "POPULATE", "1000", "prefix", "20"), OK)
        self.assertEqual(call("DBSIZE"), 1000)
        self.assertEqual(call("STRLEN", "prefix:7"), 20)
        self.assertEqual(call("GET", "prefix:7").rstrip(b"\0"), b"value:7")
        call("SET", "due", "x", "PXAT", "4102444800000")
        digest = call("DEBUG", "DIGEST")
        self.assertRegex(digest.text.decode(), "^[0-9a-f]{40}$")
        self.assertEqual(call("DEBUG", "RELOAD"), OK)
        self.assertEqual((call("DBSIZE"), call("DEBUG", "DIGEST")), (1001, digest))
        self.assertEqual(call("PEXPIRETIME", "due"), 4102444800000)
        call("SET", "due", "y", "KEEPTTL")
        self.assertNotEqual(call("DEBUG", "DIGEST"), digest)
        self.assertEqual(call("FLUSHALL"), OK)
        self.assertEqual(call("DEBUG", "DIGEST"), Status(b"0" * 40))

    def test_F53_debug_is_off_by_default(self):
        client = self.connect(self.start())
        self.assert_error(
            client.call("DEBUG", "SLEEP", "0"), "ERR DEBUG command not allowed. If the"
        )


if __name__ == "__main__":
    unittest.main()
