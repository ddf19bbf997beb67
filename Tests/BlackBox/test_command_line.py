# SPDX-License-Identifier: BSD-3-Clause
"""The process as scripts and tools meet it: start, stop, what comes back, and the Redis tools."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from support import (
    Case,
    Client,
    OK,
    PONG,
    SharedServerCase,
    amount,
    encode,
    error,
    needs_tool,
    run_to_exit,
)

FAR = 4102444800000  # 2100-01-01 in milliseconds


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


class Start(Case):
    """The lines that scripts wait for, and starts that fail with a reason."""

    def test_the_lines_that_scripts_wait_for(self):
        server = self.start(always_show_logo="yes")
        log = server.log()
        self.assertIn("Ready to accept connections", log)
        self.assertRegex(log, rf"PID: {server.pid}\b")
        self.assertRegex(log, r"version=\d+\.\d+\.\d+")
        stamp = r"\d\d [A-Z][a-z]{2} \d{4} [\d:]{8}\.\d{3}"
        self.assertRegex(log, rf"(?m)^{server.pid}:M {stamp} [-.*#] ")

    def test_F83_a_busy_port(self):
        first = self.start()
        words = ["--port", first.port, "--bind", "127.0.0.1", "--save", ""]
        status, output, complaint = run_to_exit(words)
        self.assertEqual(status, 1)
        text = output + complaint
        self.assertRegex(
            text,
            rf"Warning: Could not create server TCP listening socket 127\.0\.0\.1:{first.port}:"
            " bind: Address already in use",
        )
        # 7.0 writes TCP, later versions write tcp.
        self.assertRegex(text, rf"Failed listening on port {first.port} \((tcp|TCP)\), aborting\.")
        self.assertEqual(self.connect(first).call("PING"), PONG)

    def test_version(self):
        for word in ("--version", "-v"):
            status, output, _ = run_to_exit([word])
            self.assertEqual(status, 0)
            self.assertRegex(output, r"v=\d+\.\d+\.\d+ .*malloc=\S+ bits=64")

    def test_help(self):
        for word in ("--help", "-h"):
            status, output, complaint = run_to_exit([word])
            self.assertIn(status, (0, 1))  # Redis ends with 1
            self.assertIn("Usage:", output + complaint)
            self.assertIn("--port", output + complaint)

    def test_F104_an_unknown_directive(self):
        status, _, complaint = run_to_exit(["--nosuch", "1"])
        self.assertEqual(status, 1)
        self.assertRegex(complaint, r"\*\*\* FATAL CONFIG FILE ERROR \(.* \d+\.\d+\.\d+\) \*\*\*")
        self.assertRegex(complaint, r"Reading the configuration file, at line \d+")
        self.assertIn(">>> 'nosuch \"1\"'", complaint)
        self.assertIn("Bad directive or wrong number of arguments", complaint)

    def test_F104_a_value_that_does_not_fit(self):
        for words, reason in (
            (("--port", "70000"), "argument must be between 0 and 65535 inclusive"),
            (("--port", "abc"), "argument couldn't be parsed into an integer"),
            (("--maxclients", "0"), "argument must be between 1 and 4294967295 inclusive"),
            (("--rdbchecksum", "maybe"), "argument must be 'yes' or 'no'"),
            (("--dir", "/nonexistent/directory"), "No such file or directory"),
        ):
            with self.subTest(words=words):
                status, output, complaint = run_to_exit(words)
                self.assertEqual(status, 1, output)
                self.assertIn(reason, output + complaint)

    def test_a_configuration_file_as_the_first_word_and_options_after_it(self):
        directory = self.temporary_directory()
        file = directory / "redis.conf"
        file.write_text("# a comment\n\nmaxclients 123\ndbfilename \"from file.rdb\"\nSAVE 900 1\n")
        server = self.start(words=[str(file)], maxclients=77)
        config = self.connect(server).config("maxclients", "dbfilename", "port")
        self.assertEqual(config["maxclients"], "77")
        self.assertEqual(config["dbfilename"], "from file.rdb")
        self.assertEqual(config["port"], str(server.port))

    def test_a_bad_line_in_the_configuration_file(self):
        file = self.temporary_directory() / "redis.conf"
        file.write_text("port 0\n\nfoo bar\n")
        status, _, complaint = run_to_exit([file])
        self.assertEqual(status, 1)
        self.assertIn("Reading the configuration file, at line 3", complaint)
        self.assertIn(">>> 'foo bar'", complaint)

    def test_a_configuration_file_that_is_missing(self):
        status, output, complaint = run_to_exit(["/nonexistent/redis.conf"])
        self.assertEqual(status, 1)
        expected = "Fatal error, can't open config file '/nonexistent/redis.conf'"
        self.assertIn(expected, output + complaint)

    def test_several_addresses_and_a_unix_socket(self):
        path = str(self.temporary_directory() / "socket")
        addresses = ["127.0.0.1"] + (["::1"] if has_ipv6() else [])
        server = self.start(bind=addresses, unixsocket=path)
        for address in [(host, server.port) for host in addresses] + [path]:
            client = Client(address)
            self.addCleanup(client.close)
            self.assertEqual(client.call("PING"), PONG, address)
        self.assertEqual(server.terminate(), 0)
        self.assertFalse(os.path.exists(path), "the socket is left behind")


class Stop(Case):
    """SIGTERM and SHUTDOWN: what is saved, the exit status, and what comes back."""

    def fill(self, client):
        expected = {}
        for number in (0, 3, 15):
            self.assertEqual(client.call("SELECT", number), OK)
            for i in range(200):
                key, value = b"key:%d:%d" % (number, i), b"%d" % i * (i % 7)
                expiry = FAR + i if i % 3 == 0 else -1
                self.assertEqual(client.call("SET", key, value), OK)
                if expiry > 0:
                    self.assertEqual(client.call("PEXPIREAT", key, expiry), 1)
                expected[number, key] = (value, expiry)
        return expected

    def assert_restarts_with(self, directory, expected):
        client = self.connect(self.start(directory=directory))
        for number in range(16):
            self.assertEqual(client.call("SELECT", number), OK)
            keys = sorted(key for n, key in expected if n == number)
            self.assertEqual(sorted(client.call("KEYS", "*")), keys)
            for key in keys:
                found = (client.call("GET", key), client.call("PEXPIRETIME", key))
                self.assertEqual(found, expected[number, key])

    def stopped_by(self, stop, save):
        """Fills a server, stops it: its directory and what was in it."""
        directory = self.temporary_directory()
        server = self.start(directory=directory, save=save)
        client = self.connect(server)
        expected = self.fill(client)
        stop(server, client)
        self.assertEqual(server.wait_for_exit(), 0, server.log())
        return directory, expected

    def test_sigterm_saves_and_exits_with_0_and_the_data_comes_back(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            stop = lambda server, _: server.process.send_signal(number)
            directory, expected = self.stopped_by(stop, save="3600 1")
            self.assert_restarts_with(directory, expected)

    def test_shutdown_saves_when_there_are_save_points(self):
        directory, expected = self.stopped_by(lambda _, c: c.send("SHUTDOWN"), save="3600 1")
        self.assert_restarts_with(directory, expected)

    def test_shutdown_save_saves_without_save_points(self):
        directory, expected = self.stopped_by(lambda _, c: c.send("SHUTDOWN", "SAVE"), save="")
        self.assert_restarts_with(directory, expected)

    def test_shutdown_without_save_points_does_not_save(self):
        directory, _ = self.stopped_by(lambda _, c: c.send("SHUTDOWN"), save="")
        self.assertEqual(list(directory.iterdir()), [])

    def test_shutdown_nosave(self):
        directory, _ = self.stopped_by(lambda _, c: c.send("shutdown", "nosave"), save="3600 1")
        self.assertEqual(list(directory.iterdir()), [])

    def test_the_client_that_asked_sees_the_end_of_the_stream(self):
        server = self.start()
        client = self.connect(server)
        client.send("SHUTDOWN", "NOSAVE")
        self.assertEqual(client.read_to_end(), b"")

    def test_shutdown_with_options_that_do_not_go_together(self):
        server = self.start()
        client = self.connect(server)
        for words in (("SAVE", "NOSAVE"), ("NOSUCH",), ("ABORT", "NOW")):
            self.assertEqual(client.call("SHUTDOWN", *words), error("ERR syntax error"))
        self.assertEqual(client.call("SHUTDOWN", "ABORT"), error("ERR No shutdown in progress."))
        self.assertTrue(server.is_running())

    def test_F70_a_shutdown_whose_save_fails_is_refused(self):
        directory = self.temporary_directory()
        server = self.start(directory=directory, save="3600 1")
        client = self.connect(server)
        self.assertEqual(client.call("SET", "a", "b"), OK)
        shutil.rmtree(directory)
        self.assertEqual(
            client.call("SHUTDOWN"), error("ERR Errors trying to SHUTDOWN. Check logs.")
        )
        self.assertEqual(client.call("GET", "a"), b"b")
        self.assertEqual(client.call("SET", "a", "c"), OK)

        server.process.send_signal(signal.SIGTERM)
        self.eventually(lambda: len(re.findall("(?i)error|fail", server.log())) > 2)
        self.assertEqual(client.call("GET", "a"), b"c")
        self.assertTrue(server.is_running())

        client.send("SHUTDOWN", "NOSAVE")
        self.assertEqual(server.wait_for_exit(), 0)

    def test_F102_hangup_and_pipe_signals_are_ignored(self):
        server = self.start()
        client = self.connect(server)
        for number in (signal.SIGHUP, signal.SIGPIPE):
            server.process.send_signal(number)
            time.sleep(0.05)
            self.assertEqual(client.call("PING"), PONG)

    def test_a_restart_keeps_what_was_overwritten_deleted_and_persisted(self):
        directory = self.temporary_directory()
        server = self.start(directory=directory, save="3600 1")
        client = self.connect(server)
        client.pipeline(
            [
                ("SET", "a", "1"),
                ("SET", "a", "2"),
                ("SET", "b", "x"),
                ("DEL", "b"),
                ("SET", "c", "x", "EX", "1000"),
                ("PERSIST", "c"),
                ("SET", "d", "1"),
                ("INCRBY", "d", "41"),
                ("SET", "e", "x"),
                ("APPEND", "e", "y" * 100),
                ("SET", "f", "x", "PXAT", FAR),
                ("SET", "f", "y", "KEEPTTL"),
                ("SET", "g", "gone", "PX", "1"),
            ]
        )
        self.assertEqual(server.terminate(), 0)
        client = self.connect(self.start(directory=directory))
        values = client.call("MGET", *"abcdefg")
        self.assertEqual(values, [b"2", None, b"x", b"42", b"x" + b"y" * 100, b"y", None])
        self.assertEqual(client.call("PEXPIRETIME", "c"), -1)
        self.assertEqual(client.call("PEXPIRETIME", "f"), FAR)


@needs_tool("redis-benchmark")
class Benchmark(SharedServerCase):
    """redis-benchmark runs to its end and has nothing to complain of."""

    def run_benchmark(self, *words):
        done = subprocess.run(
            ["redis-benchmark", "-h", "127.0.0.1", "-p", str(self.server.port), "-q", *words],
            capture_output=True,
            text=True,
            timeout=120,
        )
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, output)
        self.assertNotRegex(output, r"(?i)warning|error")
        return re.findall(r"([^\r\n:]+): [\d.]+ requests per second", output)

    def test_the_tests_that_the_first_commands_allow(self):
        tests = "ping_inline,ping_mbulk,set,get,incr,mset"
        self.assertEqual(
            [name.strip() for name in self.run_benchmark("-t", tests, "-n", "20000")],
            ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"],
        )

    def test_the_default_run_to_its_end(self):
        names = [name.strip() for name in self.run_benchmark("-n", "1000")]
        self.assertEqual(names[:2] + names[-1:], ["PING_INLINE", "PING_MBULK", "MSET (10 keys)"])
        self.assertLessEqual(
            {"LPUSH", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN"}, set(names))

    def test_random_keys_in_pipelines(self):
        words = ("-t", "set,get,incr", "-n", "50000", "-r", "10000", "-P", "100", "-d", "64")
        self.assertEqual(len(self.run_benchmark(*words)), 3)
        keys = self.client.call("KEYS", "key:*")
        self.assertGreater(len(keys), 9000)
        self.assertEqual({len(value) for value in self.client.call("MGET", *keys)}, {64})
        counters = self.client.call("KEYS", "counter:*")
        self.assertEqual(sum(map(int, self.client.call("MGET", *counters))), 50_000)

    def test_resp3(self):
        self.assertEqual(len(self.run_benchmark("-3", "-t", "set,get", "-n", "5000")), 2)


@needs_tool("redis-cli")
class CommandLineClient(SharedServerCase):
    """redis-cli in its modes."""

    def cli(self, *words, stdin=None, status=0):
        done = subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.server.port), *words],
            input=stdin,
            capture_output=True,
            timeout=300,
            **({} if stdin is not None else {"stdin": subprocess.DEVNULL}),
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_one_command(self):
        self.assertEqual(self.cli("SET", "a", "b"), b"OK\n")
        self.assertEqual(self.cli("GET", "a"), b"b\n")
        self.assertEqual(self.cli("--no-raw", "MGET", "a", "missing"), b'1) "b"\n2) (nil)\n')
        self.assertEqual(self.cli("-n", "3", "DBSIZE"), b"0\n")
        self.assertIn(b"ERR unknown command 'nosuch'", self.cli("nosuch"))

    def test_commands_from_standard_input(self):
        output = self.cli(stdin=b'set a "x y"\nget a\nincr n\n')
        self.assertEqual(output, b"OK\nx y\n1\n")

    def test_scan(self):
        keys = sorted(b"scan:%d" % i for i in range(3000))
        self.client.pipeline([("SET", key, "v") for key in keys])
        self.client.call("SET", "other", "v")
        self.assertEqual(sorted(set(self.cli("--scan", "--pattern", "scan:*").split())), keys)
        self.assertEqual(len(set(self.cli("--scan").split())), 3001)

    def test_bigkeys(self):
        self.client.pipeline([("SET", f"k{i}", "v" * i) for i in range(500)])
        self.assertIn(b"Biggest string found '\"k499\"' has 499 bytes", self.cli("--bigkeys"))

    def test_pipe(self):
        count = amount("TEST_PIPE_COMMANDS", 100_000)
        request = b"".join(encode("SET", f"pipe:{i}", i) for i in range(count))
        output = self.cli("--pipe", stdin=request)
        self.assertIn(f"errors: 0, replies: {count}".encode(), output)
        self.assertEqual(self.client.call("DBSIZE"), count)

    def test_pipe_counts_errors(self):
        request = encode("SET", "a", "b") + encode("INCR", "a") + b"PING\r\n"
        output = self.cli("--pipe", stdin=request, status=1)
        self.assertIn(b"errors: 1, replies: 3", output)

    def test_resp3_and_json(self):
        self.client.call("SET", "a", 'b"\n')
        self.assertEqual(json.loads(self.cli("--json", "GET", "a")), 'b"\n')
        self.assertEqual(json.loads(self.cli("--json", "MGET", "a", "missing")), ['b"\n', None])
        self.assertEqual(json.loads(self.cli("--json", "STRLEN", "a")), 3)
        config = json.loads(self.cli("--json", "CONFIG", "GET", "maxclients"))
        self.assertEqual(list(config), ["maxclients"])
        self.assertEqual(json.loads(self.cli("--json", "HELLO"))["proto"], 3)
        self.assertEqual(self.cli("-3", "GET", "a"), b'b"\n\n')
        self.assertRegex(
            self.cli("-3", "--no-raw", "CONFIG", "GET", "port"), rb'1# "port" => "\d+"'
        )
        self.assertIn(b"redis_version:", self.cli("-3", "INFO", "server"))

    def test_an_interactive_session_on_a_terminal(self):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        process = subprocess.Popen(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.server.port)],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={**os.environ, "TERM": "xterm", "HOME": "/nonexistent"},
        )
        os.close(follower)
        shown = b""
        prompt = b"%d> " % self.server.port

        def wait_for(text):
            nonlocal shown
            deadline = time.monotonic() + 20
            while text not in shown:
                self.assertLess(time.monotonic(), deadline, shown)
                if select.select([leader], [], [], 0.1)[0]:
                    shown += os.read(leader, 65536)
            shown = shown.split(text, 1)[1]

        try:
            wait_for(prompt)
            for line, answer in (
                (b"set a 5", b"OK"),
                (b"incr a", b"(integer) 6"),
                (b"hello 3", b'"proto"'),
                (b"get missing", b"(nil)"),
            ):
                os.write(leader, line + b"\r")
                wait_for(answer)
                wait_for(prompt)  # what is typed before the prompt is thrown away
            os.write(leader, b"exit\r")
            self.assertEqual(process.wait(10), 0)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(leader)


if __name__ == "__main__":
    unittest.main()
