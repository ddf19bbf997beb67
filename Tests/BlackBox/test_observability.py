# SPDX-License-Identifier: BSD-3-Clause
"""What the server tells about itself: the slow log, latencies, INFO, memory, help, metrics, the
rewritten configuration file, and the answers of a server without scripts and modules."""

import os
import re
import socket
import unittest

from support import (
    OK,
    Case,
    Map,
    SharedServerCase,
    Status,
    Verbatim,
    better_than_redis,
    error,
    free_port,
    needs_oracle,
    ours_only,
)


def lines(reply):
    """An array of simple strings as text."""
    return [line.text.decode() for line in reply]


def text(reply):
    return (reply.data if isinstance(reply, Verbatim) else reply).decode()


class SlowLog(SharedServerCase):
    options = {"slowlog_log_slower_than": 0, "enable_debug_command": "yes"}

    def setUp(self):
        super().setUp()
        self.assertEqual(
            self.client.call("CONFIG", "SET", "slowlog-log-slower-than", 0, "slowlog-max-len", 128),
            OK,
        )
        self.assertEqual(self.client.call("SLOWLOG", "RESET"), OK)

    def newest(self):
        return self.client.call("SLOWLOG", "GET", 1)[0]

    def test_an_entry_says_when_what_and_who(self):
        self.client.call("CLIENT", "SETNAME", "me")
        self.client.call("SET", "key", "value")
        entry = self.newest()
        self.assertEqual(len(entry), 6)
        self.assertEqual(entry[3], [b"SET", b"key", b"value"])
        host, port = self.client.socket.getsockname()
        self.assertEqual(entry[4], f"{host}:{port}".encode())
        self.assertGreaterEqual(entry[2], 0)
        self.assertAlmostEqual(entry[1], int(self.client.info()["server_time_usec"]) / 1e6, delta=3)

    def test_the_log_is_bounded_and_its_numbers_go_on(self):
        self.client.call("CONFIG", "SET", "slowlog-max-len", 10)
        for _ in range(50):
            self.client.call("PING")
        self.assertEqual(self.client.call("SLOWLOG", "LEN"), 10)
        first = self.client.call("SLOWLOG", "GET", -1)
        self.assertEqual([e[0] for e in first], sorted((e[0] for e in first), reverse=True))
        self.client.call("SLOWLOG", "RESET")
        self.assertGreater(self.newest()[0], first[0][0])
        self.client.call("CONFIG", "SET", "slowlog-max-len", 0)
        self.assertEqual(self.client.call("SLOWLOG", "GET", -1), [])

    def test_get_without_a_count_answers_ten(self):
        for _ in range(20):
            self.client.call("PING")
        self.assertEqual(len(self.client.call("SLOWLOG", "GET")), 10)
        self.assertEqual(len(self.client.call("SLOWLOG", "GET", 3)), 3)
        refusal = error("ERR count should be greater than or equal to -1")
        self.assertEqual(self.client.call("SLOWLOG", "GET", -2), refusal)

    def test_long_arguments_and_many_of_them_are_trimmed(self):
        self.client.call("DEL", "x" * 129, "y" * 128)
        self.assertEqual(
            self.newest()[3], [b"DEL", b"x" * 128 + b"... (1 more bytes)", b"y" * 128]
        )
        self.client.call("DEL", *range(31))
        self.assertEqual(len(self.newest()[3]), 32)
        self.assertEqual(self.newest()[3], [b"SLOWLOG", b"GET", b"1"])
        self.client.call("DEL", *range(40))
        arguments = self.newest()[3]
        self.assertEqual(len(arguments), 32)
        self.assertEqual(arguments[30:], [b"29", b"... (10 more arguments)"])

    def test_secrets_do_not_get_into_the_log(self):
        self.client.call("AUTH", "user", "secret")
        self.assertEqual(self.newest()[3], [b"AUTH", b"(redacted)", b"(redacted)"])
        self.client.call("CONFIG", "SET", "hz", 10, "masterauth", "secret")
        self.assertEqual(
            self.newest()[3], [b"CONFIG", b"SET", b"hz", b"10", b"masterauth", b"(redacted)"]
        )
        self.client.call("HELLO", 2, "AUTH", "default", "secret", "SETNAME", "a")
        self.assertEqual(
            self.newest()[3],
            [b"HELLO", b"2", b"AUTH", b"(redacted)", b"(redacted)", b"SETNAME", b"a"],
        )

    def test_only_what_is_slow_and_nothing_if_it_is_off(self):
        self.client.call("CONFIG", "SET", "slowlog-log-slower-than", 20000)
        self.client.call("SLOWLOG", "RESET")
        self.client.call("PING")
        self.client.call("DEBUG", "SLEEP", "0.05")
        entries = self.client.call("SLOWLOG", "GET", -1)
        self.assertEqual([e[3][0] for e in entries], [b"DEBUG"])
        self.assertGreaterEqual(entries[0][2], 50000)
        self.client.call("CONFIG", "SET", "slowlog-log-slower-than", -1)
        self.client.call("SLOWLOG", "RESET")
        self.client.call("DEBUG", "SLEEP", "0.03")
        self.assertEqual(self.client.call("SLOWLOG", "LEN"), 0)


class Latency(SharedServerCase):
    options = {"latency_monitor_threshold": 20, "enable_debug_command": "yes"}

    def setUp(self):
        super().setUp()
        self.client.call("CONFIG", "SET", "latency-monitor-threshold", 20, "latency-tracking", "yes")
        self.client.call("CONFIG", "RESETSTAT")
        self.client.call("LATENCY", "RESET")

    def sleep(self):
        self.assertEqual(self.client.call("DEBUG", "SLEEP", "0.06"), OK)

    def test_a_slow_command_is_an_event(self):
        self.sleep()
        latest = {e[0]: e[1:] for e in self.client.call("LATENCY", "LATEST")}
        _, last, worst = latest[b"command"]
        self.assertTrue(60 <= last <= worst < 1000, latest)
        history = self.client.call("LATENCY", "HISTORY", "command")
        self.assertEqual(len(history), 1)
        self.assertEqual(history[0][1], worst)
        self.assertEqual(self.client.call("LATENCY", "HISTORY", "nosuch"), [])

    @ours_only("the event")
    def test_a_long_turn_is_an_event_and_INFO_says_what_it_was(self):
        self.sleep()
        self.eventually(lambda: self.client.call("LATENCY", "HISTORY", "eventloop"))
        stats = self.client.info("stats")
        self.assertGreaterEqual(int(stats["eventloop_duration_max_usec"]), 60000)
        self.assertEqual(stats["eventloop_duration_max_cause"], "command debug")
        self.client.call("CONFIG", "RESETSTAT")
        self.assertLess(int(self.client.info("stats")["eventloop_duration_max_usec"]), 50000)

    def test_reset_by_name(self):
        self.sleep()
        self.assertEqual(self.client.call("LATENCY", "RESET", "nosuch"), 0)
        self.assertEqual(self.client.call("LATENCY", "RESET", "nosuch", "command"), 1)
        self.assertEqual(self.client.call("LATENCY", "HISTORY", "command"), [])

    def test_no_events_without_a_threshold(self):
        self.client.call("CONFIG", "SET", "latency-monitor-threshold", 0)
        self.sleep()
        self.assertEqual(self.client.call("LATENCY", "LATEST"), [])

    def test_doctor_and_graph(self):
        self.sleep()
        self.assertIn("command: 1 latency spikes", text(self.client.call("LATENCY", "DOCTOR")))
        graph = text(self.client.call("LATENCY", "GRAPH", "command"))
        self.assertRegex(graph, r"^command - high \d+ ms, low \d+ ms \(all time high \d+ ms\)")
        self.assertEqual(
            self.client.call("LATENCY", "GRAPH", "nosuch"),
            error("ERR No samples available for event 'nosuch'"),
        )

    def test_histogram(self):
        for number in range(100):
            self.client.call("SET", f"key:{number}", "x")
        self.client.call("GET", "key:1")
        self.client.call("CONFIG", "RESETSTAT")
        self.assertEqual(self.client.call("LATENCY", "HISTOGRAM", "set"), [])
        for number in range(10):
            self.client.call("SET", f"key:{number}", "x")
        name, fields = self.client.call("LATENCY", "HISTOGRAM", "set", "nosuch")
        self.assertEqual(name, b"set")
        self.assertEqual(fields[:3], [b"calls", 10, b"histogram_usec"])
        edges, counts = fields[3][::2], fields[3][1::2]
        self.assertEqual(edges, sorted(set(edges)))
        self.assertEqual(counts, sorted(set(counts)))
        self.assertEqual(counts[-1], 10)
        every = self.client.call("LATENCY", "HISTOGRAM", "config")
        self.assertEqual(every[0], b"config|resetstat")

    def test_percentiles_in_INFO(self):
        self.client.call("CONFIG", "SET", "latency-tracking-info-percentiles", "50 99.9 100")
        self.client.call("SET", "a", "b")
        self.sleep()
        fields = self.client.info("latencystats")
        self.assertRegex(
            fields["latency_percentiles_usec_set"], r"^p50=[\d.]+,p99.9=[\d.]+,p100=[\d.]+$"
        )
        slept = float(fields["latency_percentiles_usec_debug"].split("=")[1].split(",")[0])
        self.assertTrue(60000 <= slept < 120000, slept)
        self.client.call("CONFIG", "SET", "latency-tracking", "no")
        self.client.call("SET", "a", "b")
        self.assertEqual(self.client.info("latencystats"), {})
        self.client.call("CONFIG", "SET", "latency-tracking", "yes")
        self.client.call("GET", "a")
        self.assertIn("latency_percentiles_usec_get", self.client.info("latencystats"))


SECTIONS = (
    "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats "
    "Latencystats Cluster Keyspace"
).split()


class Info(SharedServerCase):
    def sections(self, *names):
        return re.findall(r"(?m)^# (\w+)", text(self.client.call("INFO", *names)))

    def test_sections(self):
        default = [s for s in SECTIONS if s not in ("Commandstats", "Latencystats")]
        self.assertEqual(self.sections(), default)
        self.assertEqual(self.sections("default"), default)
        self.assertEqual(self.sections("all"), [s for s in SECTIONS if s in self.sections("all")])
        self.assertEqual(self.sections("everything"), SECTIONS)
        self.assertEqual(self.sections("CPU", "server", "nosuch"), ["Server", "CPU"])
        self.assertEqual(self.sections("default", "commandstats"), [
            s for s in SECTIONS if s != "Latencystats"
        ])
        self.assertEqual(self.sections("nosuch"), [])

    @needs_oracle
    def test_every_field_of_the_oracle_is_there(self):
        oracle = self.connect(self.start_oracle())
        for client in (oracle, self.client):
            client.call("SET", "key", "value")
            client.call("NOSUCH")
        ours, theirs = self.client.info("everything"), oracle.info("everything")
        missing = [
            n for n in theirs if n not in ours and not n.startswith(("cmdstat_", "latency_"))
        ]
        self.assertEqual(missing, [])

    @ours_only("fields of 7.2")
    def test_fields_of_7_2(self):
        fields = self.client.info("everything")
        for name in (
            "listener0 total_blocking_keys eventloop_cycles eventloop_duration_sum "
            "eventloop_duration_cmd_sum instantaneous_eventloop_cycles_per_sec "
            "instantaneous_eventloop_duration_usec acl_access_denied_auth "
            "client_query_buffer_limit_disconnections"
        ).split():
            self.assertIn(name, fields)

    def test_errors_are_counted_by_their_first_word(self):
        self.client.call("CONFIG", "RESETSTAT")
        self.client.call("NOSUCH")
        self.client.call("GET")
        self.client.call("SET", "a", "text")
        self.client.call("INCR", "a")
        self.client.call("AUTH", "a", "b")
        fields = self.client.info("errorstats")
        self.assertEqual(fields, {"errorstat_ERR": "count=3", "errorstat_WRONGPASS": "count=1"})
        self.assertEqual(self.client.info("stats")["total_error_replies"], "4")
        commands = self.client.info("commandstats")
        self.assertRegex(commands["cmdstat_get"], "calls=0,.*rejected_calls=1,failed_calls=0")
        self.assertRegex(commands["cmdstat_incr"], "calls=1,.*rejected_calls=0,failed_calls=1")
        self.client.call("CONFIG", "RESETSTAT")
        self.assertEqual(self.client.info("errorstats"), {})
        self.assertEqual(
            set(self.client.info("commandstats")), {"cmdstat_config|resetstat", "cmdstat_info"}
        )


class Memory(SharedServerCase):
    def test_usage_of_what_is_not_there_and_of_wrong_words(self):
        self.assertIsNone(self.client.call("MEMORY", "USAGE", "nosuch"))
        self.client.call("SET", "key", "value")
        self.assertEqual(
            self.client.call("MEMORY", "USAGE", "key"),
            self.client.call("MEMORY", "USAGE", "key", "SAMPLES", 0),
        )
        for words in (["SAMPLES"], ["SAMPLES", -1], ["NOSUCH", 1]):
            self.assertEqual(
                self.client.call("MEMORY", "USAGE", "key", *words), error("ERR syntax error")
            )

    @better_than_redis("the sum of all keys is the memory of the database")
    def test_usage_is_exact(self):
        empty = int(self.client.info("memory")["used_memory_startup"]) // 16
        self.eventually(
            lambda: self.client.info("memory")["used_memory"]
            == self.client.info("memory")["used_memory_startup"]
        )
        commands = [("SET", f"key:{n}", "x" * (n % 200)) for n in range(5000)]
        commands += [("SET", f"volatile:{n}", "x", "EX", 10000) for n in range(3000)]
        commands += [("SET", f"huge:{n}", "x" * 100000) for n in range(10)]
        self.client.pipeline(commands)
        usage = sum(self.client.pipeline([("MEMORY", "USAGE", c[1]) for c in commands]))
        fields = self.client.info("memory")
        used = int(fields["used_memory"]) - int(fields["used_memory_startup"]) + empty
        self.assertLess(abs(used - usage) / used, 0.02, (used, usage))

    def test_a_huge_value_is_counted(self):
        self.client.call("SET", "small", "x")
        self.client.call("SET", "huge", "x" * 1000000)
        small, huge = (self.client.call("MEMORY", "USAGE", k) for k in ("small", "huge"))
        self.assertGreater(huge, 1000000)
        self.assertLess(huge - small, 1400000)

    @needs_oracle
    def test_stats_has_the_oracle_s_names_and_types(self):
        oracle = self.connect(self.start_oracle())
        replies = []
        for client in (oracle, self.client):
            client.call("HELLO", 3)
            client.call("SET", "key", "value")
            replies.append(client.call("MEMORY", "STATS"))
        theirs, ours = replies
        self.assertEqual(sorted(n for n in theirs if n not in ours), [])
        self.assertEqual(
            {n: type(v) for n, v in theirs.items()}, {n: type(ours[n]) for n in theirs}
        )

    def test_the_others(self):
        self.assertEqual(self.client.call("MEMORY", "PURGE"), OK)
        self.assertTrue(self.client.call("MEMORY", "MALLOC-STATS"))
        self.assertTrue(self.client.call("MEMORY", "DOCTOR"))


class HelpLines(SharedServerCase):
    def test_every_container_has_help(self):
        containers = [
            entry[0].decode() for entry in self.client.call("COMMAND") if len(entry[9]) > 0
        ]
        self.assertIn("config", containers)
        for name in containers:
            found = lines(self.client.call(name, "HELP"))
            self.assertEqual(
                found[0],
                f"{name.upper()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            )
            self.assertEqual(found[-2].upper(), "HELP")
            subcommands = {
                s[0].decode().split("|")[1].upper()
                for s in self.client.call("COMMAND", "INFO", name)[0][9]
            }
            written = {line.split(" ")[0] for line in found[1:] if not line.startswith(" ")}
            self.assertLessEqual(subcommands - written, set(), name)


class WithoutScripts(SharedServerCase):
    def test_what_is_not_there(self):
        call = self.client.call
        self.assertEqual(call("FUNCTION", "FLUSH"), OK)
        self.assertEqual(call("FUNCTION", "FLUSH", "ASYNC"), OK)
        self.assertEqual(
            call("FUNCTION", "FLUSH", "x"), error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
        )
        self.assertEqual(call("FUNCTION", "LIST"), [])
        self.assertEqual(call("FUNCTION", "LIST", "LIBRARYNAME", "x", "WITHCODE"), [])
        self.assertEqual(call("FUNCTION", "DELETE", "x"), error("ERR Library not found"))
        not_busy = error("NOTBUSY No scripts in execution right now.")
        self.assertEqual(call("FUNCTION", "KILL"), not_busy)
        self.assertEqual(call("SCRIPT", "KILL"), not_busy)
        self.assertEqual(call("SCRIPT", "EXISTS", "a", "b"), [0, 0])
        self.assertEqual(call("SCRIPT", "FLUSH", "SYNC"), OK)
        self.assertEqual(call("MODULE", "LIST"), [])
        self.assert_error(call("MODULE", "LOAD", "x"), "ERR MODULE command not allowed.")
        self.assertEqual(call("FAILOVER"), error("ERR FAILOVER requires connected replicas."))
        self.assertEqual(call("FAILOVER", "ABORT"), error("ERR No failover in progress."))

    def test_the_dump_of_no_functions(self):
        dump = self.client.call("FUNCTION", "DUMP")
        self.assertEqual(len(dump), 10)

    def test_function_stats(self):
        self.client.call("HELLO", 3)
        stats = self.client.call("FUNCTION", "STATS")
        self.assertIsInstance(stats, Map)
        self.assertIsNone(stats[b"running_script"])
        self.assertEqual(
            stats[b"engines"], {b"LUA": {b"libraries_count": 0, b"functions_count": 0}}
        )

    @ours_only("no scripts")
    def test_running_is_refused_with_a_reason(self):
        for words in (
            "EVAL x 0", "EVALSHA x 0", "EVAL_RO x 0", "EVALSHA_RO x 0", "SCRIPT LOAD x"
        ):
            self.assert_error(self.client.call(*words.split()), "ERR This server runs no scripts")
        for words in ("FCALL x 0", "FCALL_RO x 0", "FUNCTION LOAD x", "FUNCTION RESTORE x"):
            self.assert_error(
                self.client.call(*words.split()), "ERR This server runs no functions"
            )


class Rewrite(Case):
    FILE = "# my server\n\nsave 900 1\nsave 300 10\nmaxmemory 100mb\n# the end\n"

    def start_with(self, content, **options):
        path = self.temporary_directory() / "redis.conf"
        path.write_text(content)
        os.chmod(path, 0o640)
        return path, self.start(words=[str(path)], **options)

    def test_without_a_file(self):
        client = self.connect(self.start())
        self.assertEqual(
            client.call("CONFIG", "REWRITE"),
            error("ERR The server is running without a config file"),
        )

    def test_changes_in_place_and_at_the_end(self):
        path, server = self.start_with(self.FILE)
        client = self.connect(server)
        client.call("CONFIG", "SET", "save", "900 1")
        client.call("CONFIG", "SET", "maxmemory", "200mb", "requirepass", 'a "b" c', "timeout", 7)
        self.assertEqual(client.call("CONFIG", "REWRITE"), OK)
        found = path.read_text().splitlines()
        self.assertEqual(found[:3], ["# my server", "", "save 900 1"])
        self.assertRegex(found[3], "^maxmemory (209715200|200mb)$")
        self.assertEqual(found[4:6], ["# the end", "# Generated by CONFIG REWRITE"])
        self.assertIn('requirepass "a \\"b\\" c"', found)
        self.assertIn("timeout 7", found)
        self.assertEqual(os.listdir(path.parent), ["redis.conf"])
        client.call("CONFIG", "SET", "timeout", 8)
        self.assertEqual(client.call("CONFIG", "REWRITE"), OK)
        found = path.read_text().splitlines()
        self.assertEqual(found.count("# Generated by CONFIG REWRITE"), 1)
        self.assertEqual([line for line in found if line.startswith("timeout")], ["timeout 8"])

    @better_than_redis("permissions, and lines that are right already")
    def test_what_is_right_is_not_touched(self):
        path, server = self.start_with("maxmemory 100mb\nunixsocketperm 700\nhz  10\n")
        client = self.connect(server)
        self.assertEqual(client.call("CONFIG", "REWRITE"), OK)
        self.assertEqual(
            path.read_text().splitlines()[:3], ["maxmemory 100mb", "unixsocketperm 700", "hz  10"]
        )
        self.assertEqual(path.stat().st_mode & 0o777, 0o640)

    def test_a_server_starts_from_the_rewritten_file(self):
        path, server = self.start_with(self.FILE)
        client = self.connect(server)
        client.call("CONFIG", "SET", "maxclients", 77, "save", "60 5 30 9",
                    "client-output-buffer-limit", "pubsub 1mb 2mb 3",
                    "latency-tracking-info-percentiles", "10 20.5", "requirepass", "")
        before = client.config("*")
        self.assertEqual(client.call("CONFIG", "REWRITE"), OK)
        server.terminate()
        self.assertIn("save 60 5\nsave 30 9\n", path.read_text())
        other = self.start(words=[str(path)], dir=before["dir"])
        after = self.connect(other).config("*")
        differing = {n: (before[n], after[n]) for n in before if before[n] != after[n]}
        self.assertEqual(set(differing) - {"port", "save"}, set(), differing)

    @better_than_redis("the reason is told")
    def test_a_file_that_cannot_be_written(self):
        path, server = self.start_with(self.FILE)
        client = self.connect(server)
        path.rename(path.parent / "other")
        path.mkdir()
        self.assert_error(client.call("CONFIG", "REWRITE"), "ERR Rewriting config file: ")
        self.assertEqual(client.call("PING"), Status(b"PONG"))


@ours_only("metrics-port")
class Metrics(Case):
    def setUp(self):
        self.port = free_port()
        self.server = self.start(metrics_port=self.port)

    def ask(self, request):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
            peer.sendall(request)
            answer = b""
            while data := peer.recv(1 << 16):
                answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode(), body.decode()

    def test_the_names_of_the_exporter(self):
        client = self.connect(self.server)
        client.call("SET", "a", "b")
        client.call("SET", "c", "d", "EX", 1000)
        client.call("NOSUCH")
        head, body = self.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
        self.assertIn(f"Content-Length: {len(body)}", head)
        values = dict(line.rsplit(" ", 1) for line in body.splitlines() if line[0] != "#")
        self.assertEqual(values["redis_up"], "1")
        self.assertEqual(values["redis_connected_clients"], "1")
        self.assertEqual(values['redis_db_keys{db="db0"}'], "2")
        self.assertEqual(values['redis_db_keys_expiring{db="db0"}'], "1")
        self.assertEqual(values['redis_commands_total{cmd="set"}'], "2")
        self.assertEqual(values['redis_errors_total{err="ERR"}'], "1")
        for name in ("memory_used_bytes", "commands_processed_total", "uptime_in_seconds"):
            self.assertIn("redis_" + name, values)
        declared = re.findall(r"(?m)^# TYPE (\w+) (?:gauge|counter)$", body)
        self.assertEqual(len(declared), len(set(declared)))
        self.assertEqual({re.split(r"[{]", n)[0] for n in values}, set(declared))
        for value in values.values():
            float(value)

    def test_anything_else_is_refused(self):
        for request, status in (
            (b"GET / HTTP/1.1\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"hello\r\n\r\n", "400"),
            (b"GET /metrics?x=y HTTP/1.0\r\n\r\n", "200"),
        ):
            head, _ = self.ask(request)
            self.assertEqual(head.split(" ")[1], status, request)

    def test_a_request_without_end_is_cut_off(self):
        try:
            head, _ = self.ask(b"GET /metrics HTTP/1.1\r\n" + b"x: y\r\n" * 100000)
        except (ConnectionResetError, BrokenPipeError):
            head = ""
        self.assertNotIn("200", head)
        self.assertEqual(self.connect(self.server).call("PING"), Status(b"PONG"))

    def test_a_request_in_pieces(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
            for byte in b"GET /metrics HTTP/1.1\r\n\r\n":
                peer.sendall(bytes([byte]))
            self.assertTrue(peer.recv(64).startswith(b"HTTP/1.1 200"))

    def test_it_is_off_unless_asked_for(self):
        client = self.connect(self.start())
        self.assertEqual(
            client.config("metrics-*"), {"metrics-port": "0", "metrics-bind": "127.0.0.1"}
        )


if __name__ == "__main__":
    unittest.main()
