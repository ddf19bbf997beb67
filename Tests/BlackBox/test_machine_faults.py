# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the machine around the server: F25, F33, F35, F59, F107."""

import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest
from pathlib import Path

from support import (
    BINARY,
    Case,
    Disconnected,
    OK,
    PONG,
    Server,
    better_than_redis,
    error,
    free_port,
)

MIB = 1 << 20
TCP_REPAIR = 19


class Descriptors(Case):
    def test_F25_a_shortage_of_descriptors_is_logged_and_passes(self):
        server = self.start()
        client = self.connect(server)
        # Lowered from outside, for maxclients was fitted to the limit at the start.
        open_now = len(os.listdir(f"/proc/{server.pid}/fd"))
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_now + 3, limits[1]))
        waiting = [
            socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(8)]
        self.addCleanup(lambda: [peer.close() for peer in waiting])
        self.eventually(lambda: "Accepting client connection" in server.log())
        self.assertEqual(client.call("SET", "a", "b"), OK)
        before = self.processor_seconds(server)
        time.sleep(0.5)
        self.assertLess(self.processor_seconds(server) - before, 0.25, "a busy loop")
        self.assertEqual(client.call("GET", "a"), b"b")
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
        for peer in waiting:
            peer.sendall(b"PING\r\n")
            self.assertEqual(peer.recv(100), b"+PONG\r\n")

    def processor_seconds(self, server):
        fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sizes(Case):
    def test_F33_the_largest_value_and_one_byte_more(self):
        server = self.start()
        client = self.connect(server, timeout=60)
        limit = 512 * MIB
        self.assertEqual(client.call("SETRANGE", "k", limit - 1, "x"), limit)
        refusal = error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
        self.assertEqual(client.call("SETRANGE", "k", limit, "x"), refusal)
        self.assertEqual(client.call("APPEND", "k", "x"), refusal)
        self.assertEqual(client.call("STRLEN", "k"), limit)
        client.send("GET", "k")
        self.assertEqual(client.read_line(), b"$%d" % limit)
        left, last = limit + 2, b""
        while left:
            last = client.read_exactly(min(left, MIB))
            left -= len(last)
        self.assertEqual(client.call("DEL", "k"), 1)

        client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % limit)
        block = b"v" * MIB
        for _ in range(512):
            client.send_raw(block)
        client.send_raw(b"\r\n")
        self.assertEqual(client.read(), OK)
        self.assertEqual(client.call("STRLEN", "k"), limit)

        client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (limit + 1))
        self.assertEqual(client.read(), error("ERR Protocol error: invalid bulk length"))
        self.assertEqual(client.read_to_end(), b"")
        self.assertEqual(self.connect(server).call("STRLEN", "k"), limit)


class DeadPeers(Case):
    def test_F35_a_peer_that_is_gone_without_a_word_is_noticed(self):
        server = self.start(tcp_keepalive=1)
        control = self.connect(server)
        peer = socket.create_connection(("127.0.0.1", server.port))
        peer.sendall(b"PING\r\n")
        self.assertEqual(peer.recv(100), b"+PONG\r\n")
        self.assertEqual(control.info("clients")["connected_clients"], "2")
        try:
            # Under repair a socket goes without telling its peer.
            peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except OSError as failure:
            peer.close()
            self.skipTest(f"needs CAP_NET_ADMIN: {failure}")
        peer.close()
        time.sleep(0.2)
        self.assertEqual(control.info("clients")["connected_clients"], "2")
        self.eventually(lambda: control.info("clients")["connected_clients"] == "1", seconds=15)

    @unittest.skipUnless(shutil.which("ss"), "ss is not installed")
    def test_F35_the_default_asks_after_five_minutes(self):
        server = self.start()
        self.connect(server).call("PING")
        shown = subprocess.run(
            ["ss", "-tno", "state", "established", f"( sport = :{server.port} )"],
            capture_output=True, text=True).stdout
        self.assertRegex(shown, r"timer:\(keepalive,(4min|5min|29\d|300)")


class LittleMemory(Case):
    def limited(self, directory, bytes_):
        """A server with so much address space, and its data in this directory."""
        script = self.temporary_directory() / "limited"
        script.write_text(f'#!/bin/sh\nulimit -v {bytes_ // 1024}\nexec {BINARY} "$@"\n')
        script.chmod(0o755)

        class Limited(Server):
            binary = str(script)

        server = Limited(directory=directory, save="3600 1")
        self.addCleanup(server.stop)
        return server

    def test_F59_without_memory_it_ends_with_a_report_and_the_data_are_whole(self):
        directory = self.temporary_directory()
        server = self.limited(directory, 3 << 30)
        client = self.connect(server, timeout=60)
        self.assertEqual(client.call("SET", "kept", "value"), OK)
        self.assertEqual(client.call("SAVE"), OK)
        try:
            for number in range(64):
                client.call("SETRANGE", f"large:{number}", 256 * MIB, "x")
        except (OSError, Disconnected):
            pass
        self.assertLess(server.wait_for_exit(), 0)
        self.assertRegex(server.log(), r"OUT OF MEMORY\. Allocating \d+ bytes!")
        self.assertIn("STACK TRACE", server.log())
        server = self.start(directory=directory)
        self.assertEqual(self.connect(server).call("GET", "kept"), b"value")


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile long *offset;
__attribute__((constructor)) static void start(void) {
    int file = open(getenv("CLOCK_OFFSET"), O_RDONLY);
    void *map = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) offset = map;
}
int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, time);
    if ((id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && offset) time->tv_sec += *offset;
    return status;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


@unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
class JumpingClocks(Case):
    def setUp(self):
        directory = self.temporary_directory()
        (directory / "clock.c").write_text(CLOCK)
        library = directory / "clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-o", str(library), str(directory / "clock.c"), "-ldl"],
            check=True)
        self.offset = directory / "offset"
        self.jump(0)
        os.environ.update({"CLOCK_OFFSET": str(self.offset), "LD_PRELOAD": str(library)})
        try:
            self.server = self.start(timeout=5, enable_debug_command="yes")
        finally:
            del os.environ["LD_PRELOAD"], os.environ["CLOCK_OFFSET"]
        self.client = self.connect(self.server)

    def jump(self, seconds):
        """Sets the server's wall clock this far from the real one."""
        with open(self.offset, "r+b" if self.offset.exists() else "wb") as file:
            file.write(struct.pack("l", seconds))
        time.sleep(0.05)

    def assert_at(self, seconds):
        self.eventually(
            lambda: abs(int(self.client.call("TIME")[0]) - time.time() - seconds) < 2)

    def fill(self):
        for number in range(2000):
            self.assertEqual(self.client.call("SET", f"soon:{number}", "v", "EX", 1800), OK)
        self.assertEqual(self.client.call("SET", "later", "v", "EX", 7200), OK)
        self.assertEqual(self.client.call("SET", "never", "v"), OK)

    def test_F107_an_hour_ahead_expires_what_is_due_and_closes_nobody(self):
        self.fill()
        idle = self.connect(self.server)
        self.assertEqual(idle.call("PING"), PONG)
        self.jump(3600)
        self.assert_at(3600)
        self.assertEqual(self.client.call("GET", "soon:7"), None)
        self.eventually(lambda: self.client.call("DBSIZE") == 2)
        self.assertAlmostEqual(self.client.call("TTL", "later"), 3600, delta=5)
        self.assertTrue(idle.is_quiet(1), "closed for a time that has not passed")
        self.assertEqual(idle.call("PING"), PONG)

    @better_than_redis("its timeouts are of the wall clock")
    def test_F107_timeouts_are_of_the_clock_that_nobody_sets(self):
        idle = self.connect(self.server)
        self.assertEqual(idle.call("PING"), PONG)
        start = time.monotonic()
        self.jump(-3600)
        self.assert_at(-3600)
        while not idle.is_quiet(0.2):
            break
        while time.monotonic() - start < 8:
            self.client.call("PING")
            if not idle.is_quiet(0.2):
                break
        self.assertGreater(time.monotonic() - start, 4.5)
        self.assertLess(time.monotonic() - start, 8, "never closed")

    def test_F107_an_hour_back_makes_keys_live_longer_and_stops_nothing(self):
        self.fill()
        self.jump(-3600)
        self.assert_at(-3600)
        self.assertAlmostEqual(self.client.call("TTL", "soon:1"), 5400, delta=5)
        self.assertEqual(self.client.call("SET", "new", "v", "PX", 100), OK)
        self.eventually(lambda: self.client.call("EXISTS", "new") == 0, seconds=3)
        self.assertEqual(self.client.call("DBSIZE"), 2002)
        longest = int(self.client.info("stats").get("eventloop_duration_max_usec", 0))
        self.assertLess(longest, 1_000_000)
        self.jump(0)
        self.assert_at(0)
        self.assertAlmostEqual(self.client.call("TTL", "soon:1"), 1800, delta=10)


if __name__ == "__main__":
    unittest.main()
