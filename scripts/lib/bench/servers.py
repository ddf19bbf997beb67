# SPDX-License-Identifier: BSD-3-Clause
"""A server under measurement: started on a free loopback port in a temporary directory, asked for
its CPU time and memory, and ended by the process id that was started. Knows no case."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_TIMEOUT_SECONDS = 20
STOP_TIMEOUT_SECONDS = 10
PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2  # the nanoseconds that the scheduler gave to a process, all threads together

_libc = ctypes.CDLL(None)


class BenchError(Exception):
    """The measurement cannot be trusted or cannot be made; the text says why."""


def encode(*words):
    """A command as RESP."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Connection:
    """One client: sends commands, reads replies (RESP2). An error reply raises BenchError."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 18)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def command(self, *words):
        self.socket.sendall(encode(*words))
        return self.reply()

    def pipeline(self, commands):
        self.socket.sendall(b"".join(encode(*command) for command in commands))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise BenchError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else self.file.read(length + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise BenchError(f"error reply: {rest.decode(errors='replace')}")
        return rest


def _die_with_parent():
    # Even if this program is killed in a way that no handler sees, its servers do not outlive it.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; a context manager, so that it ends however its block is left."""

    def __init__(self, name, path, options=()):
        self.name, self.path, self.options = name, path, options
        self.process = self.directory = self.port = None

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="bench-")
        self.port = _free_port()
        try:
            with open(self._log(), "wb") as log:
                self.process = subprocess.Popen(
                    [self.path, "--port", str(self.port), "--bind", "127.0.0.1",
                     "--save", "", "--dir", self.directory, *self.options],
                    cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, preexec_fn=_die_with_parent,
                )
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _log(self):
        return os.path.join(self.directory, "log")

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                with self.connect() as connection:
                    if connection.command("PING") == b"PONG":
                        return
            except OSError:
                time.sleep(0.05)
        raise BenchError(f"{self.name} does not answer a PING; its log ends:\n{self._log_tail()}")

    def _log_tail(self):
        with open(self._log(), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-10:])

    def check_alive(self):
        if self.process.poll() is not None:
            raise BenchError(
                f"{self.name} ended with status {self.process.returncode}; its log ends:\n"
                + self._log_tail()
            )

    def connect(self, timeout=60):
        return Connection(self.port, timeout)

    def cpu_nanoseconds(self):
        """CPU time of the process since its start, in user and kernel, of threads that ended too.

        The process's CPU clock is the sum of what /proc/PID/task/*/schedstat shows, at its
        resolution; the user and system times of /proc/PID/stat come in ticks of 10 ms.
        """
        self.check_alive()
        return time.clock_gettime_ns((~self.process.pid << 3) | CPUCLOCK_SCHED)

    def resident_bytes(self):
        self.check_alive()
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def info(self, section):
        with self.connect() as connection:
            text = connection.command("INFO", section).decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def version(self):
        output = subprocess.run([self.path, "--version"], capture_output=True, text=True, check=False)
        return (output.stdout or output.stderr).strip().splitlines()[0] if output.stdout else "unknown"
