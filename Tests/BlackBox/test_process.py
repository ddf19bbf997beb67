# SPDX-License-Identifier: BSD-3-Clause
"""The server as a process: background, pid file, log, service managers, title, signals, crashes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support import (
    BINARY,
    Case,
    Client,
    OK,
    PONG,
    better_than_redis,
    free_port,
    needs_tool,
    ours_only,
    run_to_exit,
)


def is_alive(pid):
    """Whether a process runs; one that has ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Background(Case):
    """daemonize, pidfile, logfile: what init scripts use."""

    def start_daemon(self, *words):
        """Starts a daemon: its directory, port and process id."""
        directory, port = self.temporary_directory(), free_port()
        status, output, complaint = run_to_exit(
            ["--port", port, "--bind", "127.0.0.1", "--daemonize", "yes", "--dir", directory,
             "--pidfile", "server.pid", "--logfile", "server.log", "--save", "", *words])
        self.assertEqual((status, output, complaint), (0, "", ""))
        self.eventually(lambda: (directory / "server.pid").exists())
        self.eventually(lambda: (directory / "server.pid").read_text().endswith("\n"))
        pid = int((directory / "server.pid").read_text())
        self.addCleanup(lambda: is_alive(pid) and os.kill(pid, signal.SIGKILL))
        self.eventually(
            lambda: "Ready to accept connections" in (directory / "server.log").read_text())
        return directory, port, pid

    def test_a_daemon_leaves_its_terminal_and_cleans_up(self):
        directory, port, pid = self.start_daemon()
        client = Client(port)
        self.addCleanup(client.close)
        self.assertEqual(client.info("server")["process_id"], str(pid))
        self.assertEqual(os.getsid(pid), pid)
        for descriptor in range(3):
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{descriptor}"), "/dev/null")
        self.assertEqual(client.config("daemonize"), {"daemonize": "yes"})
        os.kill(pid, signal.SIGTERM)
        self.eventually(lambda: not is_alive(pid))
        self.assertFalse((directory / "server.pid").exists())
        self.assertIn("bye bye", (directory / "server.log").read_text())

    def test_the_log_is_opened_for_each_line(self):
        directory, port, pid = self.start_daemon()
        client = Client(port)
        self.addCleanup(client.close)
        (directory / "server.log").rename(directory / "server.log.1")
        client.send("SHUTDOWN", "NOSAVE")
        self.eventually(lambda: not is_alive(pid))
        self.assertIn("bye bye", (directory / "server.log").read_text())
        self.assertNotIn("bye bye", (directory / "server.log.1").read_text())

    def test_a_pid_file_without_a_daemon(self):
        server = self.start(pidfile="here.pid")
        file = server.directory / "here.pid"
        self.assertEqual(file.read_text(), f"{server.pid}\n")
        self.assertEqual(server.terminate(), 0)
        self.assertFalse(file.exists())

    @better_than_redis("7.0 does not say so")
    def test_a_pid_file_that_cannot_be_written_is_no_reason_to_stop(self):
        server = self.start(pidfile="/nonexistent/here.pid")
        self.assertEqual(self.connect(server).call("PING"), PONG)
        self.assertRegex(server.log(), "(?i)failed to write pid file")

    def test_a_second_server_on_the_port_does_not_touch_the_pid_file(self):
        server = self.start(pidfile="here.pid")
        status, _, _ = run_to_exit(
            ["--port", server.port, "--bind", "127.0.0.1", "--dir", server.directory,
             "--pidfile", "here.pid"])
        self.assertEqual(status, 1)
        self.assertEqual((server.directory / "here.pid").read_text(), f"{server.pid}\n")

    def test_a_log_that_cannot_be_opened_at_the_start_is_refused(self):
        status, output, complaint = run_to_exit(["--port", "0", "--logfile", "/nonexistent/log"])
        self.assertEqual(status, 1)
        self.assertIn("FATAL CONFIG FILE ERROR", output + complaint)
        self.assertIn("Can't open the log file: No such file or directory", output + complaint)

    def test_F106_a_log_that_cannot_be_written_later_stops_nobody(self):
        directory = self.temporary_directory()
        (directory / "logs").mkdir()
        server = self.start(directory=directory, logfile=directory / "logs" / "log")
        client = self.connect(server)
        shutil.rmtree(directory / "logs")
        self.assertEqual(client.call("CONFIG", "SET", "loglevel", "debug"), OK)
        self.assertEqual(client.call("SET", "a", "b"), OK)
        self.assertEqual(client.call("GET", "a"), b"b")
        (directory / "logs").mkdir()
        self.assertEqual(server.terminate(), 0)
        self.assertIn("bye bye", (directory / "logs" / "log").read_text())

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_F106_a_log_on_a_full_disk_stops_nobody(self):
        server = self.start(logfile="/dev/full")
        self.assertEqual(self.connect(server).call("SET", "a", "b"), OK)
        self.assertEqual(server.terminate(), 0)

    def test_the_data_s_directory_is_the_working_directory(self):
        server = self.start()
        client = self.connect(server)
        cwd = lambda: os.readlink(f"/proc/{server.pid}/cwd")
        self.assertEqual(cwd(), str(server.directory.resolve()))
        self.assertEqual(os.path.realpath(client.config("dir")["dir"]), cwd())


class ServiceManagers(Case):
    """supervised: what systemd and upstart are told."""

    def listener(self):
        """A socket like systemd's, and its path."""
        path = str(self.temporary_directory() / "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(path)
        manager.settimeout(10)
        self.addCleanup(manager.close)
        return manager, path

    def start_under(self, variables, **options):
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            return self.start(**options)
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

    def messages(self, manager, until):
        text = ""
        while until not in text:
            text += manager.recv(4096).decode() + "\n"
        return text

    def test_systemd_is_told_of_start_readiness_save_and_end(self):
        for mode in ("systemd", "auto"):
            manager, path = self.listener()
            server = self.start_under({"NOTIFY_SOCKET": path}, supervised=mode, save="3600 1")
            told = self.messages(manager, "READY=1")
            self.assertIn("STATUS=Redis is loading...", told)
            self.assertIn("STATUS=Ready to accept connections", told)
            client = self.connect(server)
            self.assertEqual(client.info("server")["process_supervised"], "systemd")
            self.assertEqual(client.call("SET", "a", "b"), OK)
            self.assertEqual(server.terminate(), 0)
            told = self.messages(manager, "final RDB")
            self.assertIn("STOPPING=1", told)
            self.assertIn("STATUS=Saving the final RDB snapshot", told)

    def test_who_is_supervised_does_not_go_into_the_background(self):
        manager, path = self.listener()
        server = self.start_under(
            {"NOTIFY_SOCKET": path}, supervised="systemd", daemonize="yes")
        self.assertTrue(server.is_running())

    def test_systemd_without_its_socket_is_said_and_tolerated(self):
        server = self.start(supervised="systemd")
        self.assertIn("systemd supervision error: NOTIFY_SOCKET not found!", server.log())
        self.assertEqual(self.connect(server).info("server")["process_supervised"], "no")

    def test_upstart_gets_a_stopped_process(self):
        os.environ["UPSTART_JOB"] = "mini-redis"
        try:
            server = self.start(supervised="upstart", wait=False)
        finally:
            del os.environ["UPSTART_JOB"]
        state = lambda: Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0]
        self.eventually(lambda: state() == "T")
        server.process.send_signal(signal.SIGCONT)
        self.eventually(lambda: "Ready to accept connections" in server.log())

    def test_syslog_is_accepted_and_the_log_goes_on(self):
        server = self.start(
            syslog_enabled="yes", syslog_ident="redis-test", syslog_facility="local3")
        self.assertIn("Ready to accept connections", server.log())
        self.assertEqual(
            self.connect(server).config("syslog-*"),
            {"syslog-enabled": "yes", "syslog-ident": "redis-test", "syslog-facility": "local3"})


class Titles(Case):
    """set-proc-title and proc-title-template."""

    def title(self, server):
        return Path(f"/proc/{server.pid}/cmdline").read_bytes().strip(b"\0").decode()

    def test_the_title_follows_the_template(self):
        server = self.start()
        self.assertEqual(self.title(server), f"{BINARY} 127.0.0.1:{server.port}")
        client = self.connect(server)
        template = "TEST {title} {listen-addr} {port} {tls-port} {unixsocket} {config-file}"
        self.assertEqual(client.call("CONFIG", "SET", "proc-title-template", template), OK)
        expected = f"TEST {BINARY} 127.0.0.1:{server.port} {server.port} 0"
        self.assertEqual(self.title(server)[: len(expected)], expected)

    def test_the_environment_survives(self):
        os.environ["KEPT_BY_THE_TITLE"] = "x" * 200
        try:
            server = self.start()
        finally:
            del os.environ["KEPT_BY_THE_TITLE"]
        client = self.connect(server)
        long = "{title} " + "y" * 4000
        self.assertEqual(client.call("CONFIG", "SET", "proc-title-template", long), OK)
        self.assertEqual(client.call("PING"), PONG)

    def test_no_title(self):
        server = self.start(set_proc_title="no")
        self.assertIn("--set-proc-title", self.title(server))


class OutOfMemoryScore(Case):
    """oom-score-adj: what the kernel goes by when it must end a process."""

    def score(self, server):
        return int(Path(f"/proc/{server.pid}/oom_score_adj").read_text())

    def test_the_score_follows_the_settings(self):
        server = self.start()
        call, base = server.client().call, self.score(server)
        self.assertEqual(call("CONFIG", "SET", "oom-score-adj-values", "10 20 30"), OK)
        self.assertEqual(self.score(server), base)
        self.assertEqual(call("CONFIG", "SET", "oom-score-adj", "relative"), OK)
        self.assertEqual(self.score(server), base + 10)
        self.assertEqual(call("CONFIG", "GET", "oom-score-adj"), [b"oom-score-adj", b"yes"])
        self.assertEqual(call("CONFIG", "SET", "oom-score-adj-values", "15 20 30"), OK)
        self.assertEqual(self.score(server), base + 15)
        self.assertEqual(call("CONFIG", "SET", "oom-score-adj", "absolute"), OK)
        self.assertEqual(self.score(server), 15)
        self.assertEqual(call("CONFIG", "SET", "oom-score-adj", "no"), OK)
        self.assertEqual(self.score(server), base)


class Words(Case):
    """Words on the command line that do not start a server."""

    def test_check_system(self):
        status, output, _ = run_to_exit(["--check-system"])
        self.assertIn(status, (0, 1))
        self.assertRegex(output, r"\[[a-z-]+\]\.\.\.(OK|skipped|WARNING)")

    @ours_only("Redis tests the memory")
    def test_test_memory_says_what_to_use(self):
        status, _, complaint = run_to_exit(["--test-memory", "10"])
        self.assertEqual(status, 1)
        self.assertIn("memtester", complaint)

    @ours_only("Redis is its own Sentinel")
    def test_the_name_of_sentinel_is_refused(self):
        link = self.temporary_directory() / "redis-sentinel"
        link.symlink_to(BINARY)
        status, _, complaint = run_to_exit(["x"], binary=str(link))
        self.assertEqual(status, 1)
        self.assertTrue(complaint)


class Signals(Case):
    """F99 to F103."""

    def test_F99_the_end_removes_the_pid_file_and_the_socket(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start(pidfile="pid", unixsocket="socket", save="3600 1")
            self.assertEqual(self.connect(server).call("SET", "a", "b"), OK)
            server.process.send_signal(number)
            self.assertEqual(server.wait_for_exit(), 0)
            self.assertEqual([f.name for f in server.directory.iterdir()], ["dump.rdb"])

    def test_F99_what_a_signal_does_is_configurable(self):
        for options, saves in (
            ({"shutdown_on_sigterm": "nosave", "save": "3600 1"}, False),
            ({"shutdown_on_sigterm": "save", "save": ""}, True),
            ({"shutdown_on_sigterm": "nosave now force", "save": "3600 1"}, False),
            ({"shutdown_on_sigint": "nosave", "save": "3600 1"}, True),
        ):
            server = self.start(**options)
            self.assertEqual(self.connect(server).call("SET", "a", "b"), OK)
            self.assertEqual(server.terminate(), 0)
            self.assertEqual((server.directory / "dump.rdb").exists(), saves, options)

    def test_F99_force_ends_although_the_save_fails(self):
        server = self.start(shutdown_on_sigterm="force", save="3600 1")
        self.assertEqual(self.connect(server).call("SET", "a", "b"), OK)
        shutil.rmtree(server.directory)
        self.assertEqual(server.terminate(), 0)

    @better_than_redis("its fork may be done before the second signal")
    def test_F100_the_second_interrupt_ends_at_once(self):
        server = self.start(save="3600 1", pidfile="pid", enable_debug_command="yes")
        client = self.connect(server, timeout=120)
        self.assertEqual(client.call("DEBUG", "POPULATE", 3_000_000), OK)
        server.process.send_signal(signal.SIGINT)
        self.eventually(lambda: "Saving the final RDB" in server.log())
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.wait_for_exit(), 1)
        self.assertIn("You insist... exiting now.", server.log())
        self.assertEqual(list(server.directory.iterdir()), [])

    def test_F101_a_signal_while_loading_leaves_the_dump_alone(self):
        directory = self.temporary_directory()
        server = self.start(directory=directory, save="3600 1", enable_debug_command="yes")
        client = self.connect(server, timeout=120)
        self.assertEqual(client.call("DEBUG", "POPULATE", 2_000_000), OK)
        self.assertEqual(server.terminate(60), 0)
        dump = (directory / "dump.rdb").stat()
        server = self.start(
            directory=directory, save="3600 1", pidfile="pid", unixsocket="socket", wait=False)
        self.eventually(lambda: (directory / "pid").exists())
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait_for_exit(), 0)
        self.assertRegex(server.log(), "Received shutdown signal during loading, (exiting|sched)")
        now = (directory / "dump.rdb").stat()
        self.assertEqual((now.st_ino, now.st_mtime_ns), (dump.st_ino, dump.st_mtime_ns))

    def assert_report(self, log, number):
        self.assertRegex(log, rf"crashed by signal: {number}\b")
        self.assertIn("STACK TRACE", log)
        self.assertGreater(len(re.findall(r"\[0x[0-9a-f]+\]", log)), 3, log)

    def test_F103_a_crash_is_reported_in_the_log(self):
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
            server = self.start(logfile="log")
            server.process.send_signal(number)
            self.assertEqual(server.wait_for_exit(), -number)
            self.assert_report((server.directory / "log").read_text(), number)

    def test_F103_a_crash_is_reported_on_standard_output(self):
        server = self.start(enable_debug_command="yes")
        client = self.connect(server)
        client.send("DEBUG", "SEGFAULT")
        self.assertEqual(server.wait_for_exit(), -signal.SIGSEGV)
        self.assert_report(server.log(), signal.SIGSEGV)

    def test_F103_reports_can_be_turned_off(self):
        server = self.start(crash_log_enabled="no")
        server.process.send_signal(signal.SIGSEGV)
        self.assertEqual(server.wait_for_exit(), -signal.SIGSEGV)
        self.assertNotIn("STACK TRACE", server.log())


if __name__ == "__main__":
    unittest.main()
