# SPDX-License-Identifier: BSD-3-Clause
"""redis-cli's modes that look at a server or fill it: each driven once."""

import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest

from support import OK, SharedServerCase, encode, needs_tool


@needs_tool("redis-cli")
class Modes(SharedServerCase):
    def start_cli(self, *words, stdin=subprocess.DEVNULL):
        process = subprocess.Popen(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.server.port), *words],
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def cli(self, *words, stdin=b"", status=0):
        process = self.start_cli(*words, stdin=subprocess.PIPE)
        output = process.communicate(stdin, timeout=60)[0]
        self.assertEqual(process.returncode, status, output)
        return output

    def interrupted(self, seconds, *words):
        """What a mode without end prints in so many seconds."""
        leader, follower = pty.openpty()  # to a pipe it would keep its lines until its end
        process = subprocess.Popen(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.server.port), *words],
            stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
        os.close(follower)
        output, deadline = b"", time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                if select.select([leader], [], [], left)[0]:
                    output += os.read(leader, 65536)
            process.send_signal(signal.SIGINT)
            process.wait(20)
        finally:
            process.poll() is None and process.kill()
            os.close(leader)
        return output.replace(b"\r\n", b"\n")

    def test_stat(self):
        for number in range(1000):
            self.client.call("SET", f"key:{number}", "v")
        output = self.interrupted(2.5, "--stat", "-i", "1").decode()
        lines = output.splitlines()
        self.assertIn("keys", lines[1])
        # keys, memory, clients, blocked, requests, connections
        row = re.search(r"(?m)^(\d+) +([\d.]+[BKMG]) +(\d+) +(\d+) +(\d+) \(\+\d+\) +(\d+)", output)
        self.assertTrue(row, output)
        self.assertEqual(row[1], "1000")
        self.assertGreater(int(row[5]), 1000)

    def test_latency(self):
        output = self.cli("--latency", "--raw", "-i", "1").decode()
        least, most, average, samples = output.replace("\r", "\n").splitlines()[-1].split()[-4:]
        self.assertLessEqual(float(least), float(average))
        self.assertLessEqual(float(average), float(most))
        self.assertGreater(int(samples), 20)

    def test_latency_history(self):
        output = self.interrupted(2.6, "--latency-history", "-i", "1").decode()
        rows = re.findall(r"min: \d+, max: \d+, avg: [\d.]+ \(\d+ samples\) -- 1.\d+ seconds", output)
        self.assertGreaterEqual(len(rows), 1, output)

    def test_latency_dist(self):
        self.assertIn(b".01 .125 .25 .5", self.interrupted(1.5, "--latency-dist", "-i", "1"))

    def test_intrinsic_latency(self):
        self.assertIn(b"total runs", self.cli("--intrinsic-latency", "1"))

    def test_bigkeys(self):
        self.client.pipeline([("SET", f"k{i}", "v" * i) for i in range(500)])
        output = self.cli("--bigkeys").decode()
        self.assertIn("Sampled 500 keys in the keyspace!", output)
        self.assertRegex(output, r"Biggest string found '\"k499\"' has 499 bytes")
        self.assertIn("500 strings with 124750 bytes", output)

    def test_memkeys(self):
        self.client.pipeline([("SET", f"k{i}", "v" * i) for i in range(200)])
        usage = self.client.call("MEMORY", "USAGE", "k199")
        output = self.cli("--memkeys").decode()
        self.assertRegex(output, rf"Biggest string found '\"k\d+\"' has {usage} bytes")
        self.assertRegex(self.cli("--memkeys-samples", "5").decode(), "Sampled 200 keys")

    def test_hotkeys_needs_a_policy_that_counts(self):
        self.client.call("SET", "a", "b")
        output = self.cli("--hotkeys", status=1)
        self.assertIn(b"maxmemory policy", output)

    def test_hotkeys(self):
        self.assertEqual(self.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"), OK)
        self.addCleanup(
            lambda: self.client.call("CONFIG", "SET", "maxmemory-policy", "noeviction"))
        self.client.pipeline([("SET", f"k{i}", "v") for i in range(100)])
        self.client.pipeline([("GET", "k7")] * 20000)
        output = self.cli("--hotkeys").decode()
        counters = re.findall(r'hot key found with counter: (\d+)\tkeyname: "?(\w+)"?', output)
        self.assertTrue(counters, output)
        self.assertEqual(max(counters, key=lambda pair: int(pair[0]))[1], "k7")

    def test_csv_and_json(self):
        self.client.call("SET", "a", 'x"y')
        self.assertEqual(self.cli("--csv", "MGET", "a", "missing"), b'"x\\"y",NULL\n')
        self.assertEqual(self.cli("--csv", "PTTL", "missing"), b"-2\n")
        self.assertEqual(self.cli("--json", "MGET", "a", "missing"), b'["x\\"y",null]\n')

    def test_x_takes_the_last_argument_or_a_named_one_from_standard_input(self):
        value = bytes(range(256)) * 1000
        self.assertEqual(self.cli("-x", "SET", "binary", stdin=value), b"OK\n")
        self.assertEqual(self.client.call("GET", "binary"), value)
        self.assertEqual(self.cli("-X", "tag", "SET", "named", "tag", stdin=b"v"), b"OK\n")
        self.assertEqual(self.client.call("GET", "named"), b"v")

    def test_pipe_reads_while_it_writes(self):
        self.client.call("SET", "large", "v" * 10000)
        request = encode("GET", "large") * 4000
        output = self.cli("--pipe", stdin=request)
        self.assertIn(b"errors: 0, replies: 4000", output)

    def test_repeat_and_interval(self):
        self.assertEqual(self.cli("-r", "3", "-i", "0.01", "INCR", "n"), b"1\n2\n3\n")

    def test_an_error_is_the_status_if_asked_for(self):
        self.assertIn(b"ERR unknown command", self.cli("-e", "NOSUCH", status=1))
        self.assertIn(b"ERR unknown command", self.cli("NOSUCH"))

    def test_monitor_through_the_client(self):
        process = self.start_cli("MONITOR")
        try:
            self.assertEqual(process.stdout.readline(), b"OK\n")
            self.client.call("SET", "seen", "by monitor")
            self.assertIn(b'"SET" "seen" "by monitor"', process.stdout.readline())
        finally:
            process.kill()
            process.communicate()

    def test_lru_test_runs(self):
        self.assertEqual(
            self.client.call("CONFIG", "SET", "maxmemory", "20mb", "maxmemory-policy", "allkeys-lru"),
            OK)
        self.addCleanup(lambda: self.client.call(
            "CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction"))
        self.assertRegex(self.interrupted(2.5, "--lru-test", "10000"), rb"Hits: \d+")


if __name__ == "__main__":
    unittest.main()
