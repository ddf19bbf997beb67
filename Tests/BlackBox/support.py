# SPDX-License-Identifier: BSD-3-Clause
"""What every black-box test stands on: a server, a RESP client, an oracle.

The server under test is the program that the environment variable REDIS_BINARY names, or else
the release build of this package. The oracle is `redis-server` of Debian's package redis-server
(ORACLE_BINARY names another); tests that need it are skipped, with a message, when it is
absent.

With REDIS_BINARY=/usr/bin/redis-server the suite tests itself: everything passes against the
oracle except what is marked `better_than_redis` or `ours_only`, which is skipped then.

A server listens on the loopback only, on a port that was free a moment ago, in a directory of
its own that is deleted afterwards, and it is ended by its process id.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("REDIS_BINARY") or str(ROOT / ".build" / "release" / "redis")
ORACLE_BINARY = os.environ.get("ORACLE_BINARY") or shutil.which("redis-server") or ""
START_SECONDS = 20  # a start takes milliseconds; a sanitizer build on a busy machine takes seconds
REPLY_SECONDS = 20

IS_ORACLE = bool(ORACLE_BINARY) and os.path.realpath(BINARY) == os.path.realpath(ORACLE_BINARY)


def better_than_redis(reason):
    """Marks a test of what Redis does not do, or does worse: skipped when Redis is tested."""
    return unittest.skipIf(IS_ORACLE, f"better than Redis: {reason}")


def ours_only(reason):
    """Marks a test that has no meaning for another server: skipped when Redis is tested."""
    return unittest.skipIf(IS_ORACLE, f"of this server only: {reason}")


def needs_oracle(test):
    """Marks a test that compares with Debian's redis-server."""
    return unittest.skipUnless(
        ORACLE_BINARY, "the oracle, Debian's redis-server, is not installed"
    )(test)


def needs_tool(name):
    """Marks a test that runs a program of Debian's package redis-tools."""
    return unittest.skipUnless(shutil.which(name), f"{name} is not installed")


def amount(name, default):
    """A size that an environment variable may raise, such as the number of keys of a dump."""
    return int(os.environ.get(name, default))


# ----------------------------------------------------------------------------------------- replies


class Status:
    """A simple string reply (`+OK`): never equal to a bulk string of the same bytes."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Status) and self.text == other.text

    def __hash__(self):
        return hash((Status, self.text))

    def __repr__(self):
        return f"+{self.text.decode('latin1')}"


class Error(Status):
    """An error reply (`-ERR ...`), the text without the minus."""

    def __eq__(self, other):
        return isinstance(other, Error) and self.text == other.text

    def __hash__(self):
        return hash((Error, self.text))

    def __repr__(self):
        return f"-{self.text.decode('latin1')}"


class NilArray:
    """The RESP2 null array (`*-1`), which is not the null bulk string (None here)."""

    def __eq__(self, other):
        return isinstance(other, NilArray)

    def __hash__(self):
        return 1

    def __repr__(self):
        return "*-1"


class Map(dict):
    """A RESP3 map (`%`); a repeated key would be an error of the server and raises."""


class SetReply(list):
    """A RESP3 set (`~`), in the order in which it came."""


class Push(list):
    """A RESP3 push (`>`)."""


class Verbatim:
    """A RESP3 verbatim string (`=`): its format (`txt`) and its bytes."""

    def __init__(self, data):
        self.format, self.data = data[:3], data[4:]

    def __repr__(self):
        return f"={self.format!r}:{self.data!r}"


OK = Status(b"OK")
PONG = Status(b"PONG")


def error(text):
    """The error reply with this text."""
    return Error(text.encode() if isinstance(text, str) else text)


class Disconnected(Exception):
    """The server closed the connection where a reply was expected."""


def to_bytes(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return str(value).encode()


def encode(*arguments):
    """A command as a RESP array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in map(to_bytes, arguments):
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class Client:
    """A blocking client over one socket: sends commands or raw bytes, reads RESP2 and RESP3."""

    def __init__(self, address, timeout=REPLY_SECONDS):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            host = address if isinstance(address, tuple) else ("127.0.0.1", address)
            self.socket = socket.create_connection(host, timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.position = 0

    # -------- bytes

    def send_raw(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Disconnected(
                f"closed by the server; unread: {bytes(self.buffer[self.position:])!r}"
            )
        if self.position:
            del self.buffer[: self.position]
            self.position = 0
        self.buffer += data

    def read_line(self):
        """One line without its CRLF."""
        while True:
            end = self.buffer.find(b"\r\n", self.position)
            if end >= 0:
                line = bytes(self.buffer[self.position : end])
                self.position = end + 2
                return line
            self._more()

    def read_exactly(self, count):
        if count > 1 << 20:
            return self._read_large(count)
        while len(self.buffer) - self.position < count:
            self._more()
        data = bytes(self.buffer[self.position : self.position + count])
        self.position += count
        return data

    def _read_large(self, count):
        data = bytearray(self.buffer[self.position : self.position + count])
        self.position += len(data)
        while len(data) < count:
            part = self.socket.recv(min(count - len(data), 1 << 20))
            if not part:
                raise Disconnected(
                    f"closed {count - len(data)} bytes before the end of a bulk string"
                )
            data += part
        return bytes(data)

    def read_to_end(self):
        """Everything until the server closes; a reset counts as a close."""
        try:
            while True:
                self._more()
        except (Disconnected, ConnectionResetError, BrokenPipeError):
            pass
        rest = bytes(self.buffer[self.position :])
        self.buffer, self.position = bytearray(), 0
        return rest

    def is_quiet(self, seconds=0.1):
        """Whether nothing arrives, and nobody closes, for this long."""
        if len(self.buffer) > self.position:
            return False
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._more()
            return False
        except TimeoutError:
            return True
        except (Disconnected, ConnectionResetError):
            return False
        finally:
            self.socket.settimeout(before)

    # -------- replies

    def read(self):
        """The next reply as a Python value; an error reply is a value too, never an exception."""
        line = self.read_line()
        kind, body = line[:1], line[1:]
        if kind == b"$":
            length = int(body)
            if length < 0:
                return None
            data = self.read_exactly(length + 2)
            if data[-2:] != b"\r\n":
                raise ValueError(f"a bulk string of {length} bytes does not end with CRLF")
            return data[:-2]
        if kind == b"+":
            return Status(body)
        if kind == b":":
            return int(body)
        if kind == b"-":
            return Error(body)
        if kind == b"*":
            length = int(body)
            return NilArray() if length < 0 else [self.read() for _ in range(length)]
        return self._read_resp3(kind, body)

    def _read_resp3(self, kind, body):
        if kind == b"_":
            return None
        if kind == b"#":
            return {b"t": True, b"f": False}[body]
        if kind == b",":
            return float(body)
        if kind == b"(":
            return int(body)
        if kind == b"=":
            return Verbatim(self.read_exactly(int(body) + 2)[:-2])
        if kind == b"!":
            return Error(self.read_exactly(int(body) + 2)[:-2])
        if kind == b"~":
            return SetReply(self.read() for _ in range(int(body)))
        if kind == b">":
            return Push(self.read() for _ in range(int(body)))
        if kind == b"%":
            pairs = [(self.read(), self.read()) for _ in range(int(body))]
            result = Map(pairs)
            if len(result) != len(pairs):
                raise ValueError("a map with a repeated key")
            return result
        if kind == b"|":
            for _ in range(2 * int(body)):
                self.read()
            return self.read()
        raise ValueError(f"no reply starts like this: {kind + body!r}")

    def send(self, *arguments):
        self.send_raw(encode(*arguments))

    def call(self, *arguments):
        self.send(*arguments)
        return self.read()

    def pipeline(self, commands, batch=1000):
        """Sends the commands in batches and returns all replies."""
        replies = []
        for start in range(0, len(commands), batch):
            part = commands[start : start + batch]
            self.send_raw(b"".join(encode(*c) for c in part))
            replies.extend(self.read() for _ in part)
        return replies

    def info(self, section=None):
        """The fields of INFO as a dictionary of text."""
        reply = self.call("INFO", *([section] if section else []))
        text = reply.data if isinstance(reply, Verbatim) else reply
        fields = {}
        for line in text.decode().splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith("#"):
                fields[name] = value
        return fields

    def config(self, *names):
        """The values of these settings as a dictionary of text."""
        flat = self.call("CONFIG", "GET", *names)
        pairs = flat.items() if isinstance(flat, Map) else zip(flat[::2], flat[1::2])
        return {name.decode(): value.decode() for name, value in pairs}

    # -------- the end

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with an RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()


# ----------------------------------------------------------------------------------------- servers


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """In the child: end when the test runner ends, even if it is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG


def arguments_of(options):
    """{"save": "", "bind": ["127.0.0.1", "::1"]} as the words of a command line."""
    words = []
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        words += ["--" + name.replace("_", "-"), *map(str, values)]
    return words


class Server:
    """One server process with a data directory of its own.

    Options are directives (`save=""`, `maxclients=3`); underscores stand for hyphens. A `directory`
    that is handed in is kept at the end, so that a second server can start from its files.
    """

    binary = BINARY

    def __init__(self, directory=None, words=(), wait=True, **options):
        if not os.access(self.binary, os.X_OK):
            raise FileNotFoundError(f"no server at {self.binary}: set REDIS_BINARY or build the release")
        self.home = tempfile.mkdtemp(prefix="redis-test-")
        self.directory = Path(directory) if directory else Path(self.home) / "data"
        self.directory.mkdir(exist_ok=True)
        self.log_path = Path(self.home) / "log"
        self.options = {"bind": "127.0.0.1", "save": "", "dir": self.directory, **options}
        self.words = list(words)
        self.process = None
        try:
            self._start(wait)
        except BaseException:
            self.stop()
            raise

    def _start(self, wait):
        given = "port" in self.options
        for _ in range(5):
            self.port = int(self.options["port"]) if given else free_port()
            self._launch()
            if not wait or self._wait_until_ready():
                return
            if given or "in use" not in self.log():
                break
        raise AssertionError(f"{self.binary} did not start:\n{self.log()}")

    def _launch(self):
        options = {**self.options, "port": self.port}
        command = [self.binary, *self.words, *arguments_of(options)]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                preexec_fn=end_with_parent,
            )

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                client = Client(self.port, timeout=2)
            except OSError:
                time.sleep(0.005)
                continue
            try:
                # While a dump is loading the answer is -LOADING.
                if client.call("PING") in (PONG, error("NOAUTH Authentication required.")):
                    return True
            except (OSError, Disconnected):
                pass
            finally:
                client.close()
            time.sleep(0.01)
        return False

    @property
    def pid(self):
        return self.process.pid

    def client(self, **keywords):
        return Client(self.port, **keywords)

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def is_running(self):
        return self.process.poll() is None

    def memory_status(self, field):
        """A field of /proc/PID/status in bytes, such as VmRSS (now) or VmHWM (the peak)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status).group(1)) * 1024

    def resident(self):
        return self.memory_status("VmRSS")

    def wait_for_exit(self, seconds=START_SECONDS):
        """The exit status; negative if a signal ended it."""
        return self.process.wait(seconds)

    def terminate(self, seconds=START_SECONDS):
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_exit(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends the process if it still runs and deletes what it left behind."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Oracle(Server):
    """Debian's redis-server, started in the same way; skips the test when it is absent."""

    binary = ORACLE_BINARY

    def __init__(self, *positional, **options):
        if not ORACLE_BINARY:
            raise unittest.SkipTest("the oracle, Debian's redis-server, is not installed")
        super().__init__(*positional, **options)


def run_to_exit(arguments, binary=BINARY, seconds=START_SECONDS):
    """Runs the server until it ends: (exit status, standard output, standard error)."""
    if not os.access(binary, os.X_OK):
        raise FileNotFoundError(f"no server at {binary}: set REDIS_BINARY or build the release")
    done = subprocess.run(
        [binary, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
    )
    return (
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )


# ------------------------------------------------------------------------------------------- cases


class Case(unittest.TestCase):
    """Helpers that every case has."""

    maxDiff = 4000

    def start(self, **options):
        """A server for this test alone."""
        server = Server(**options)
        self.addCleanup(server.stop)
        return server

    def start_oracle(self, **options):
        oracle = Oracle(**options)
        self.addCleanup(oracle.stop)
        return oracle

    def connect(self, server, **keywords):
        client = server.client(**keywords)
        self.addCleanup(client.close)
        return client

    def temporary_directory(self):
        path = tempfile.mkdtemp(prefix="redis-test-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return Path(path)

    def eventually(self, condition, seconds=10, message="did not happen in time"):
        """Waits until the condition holds; it is asked every few milliseconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(message)
            time.sleep(0.005)

    def assert_error(self, reply, start):
        """An error reply whose text starts with `start`."""
        self.assertIsInstance(reply, Error)
        self.assertTrue(
            reply.text.startswith(to_bytes(start)), f"{reply!r} does not start with {start!r}"
        )


class SharedServerCase(Case):
    """A case whose tests share one server; each begins with an empty keyspace and its own client.

    After the last test the server must still run: nothing that a test sent may have ended it.
    """

    options = {}
    binary_class = Server

    @classmethod
    def setUpClass(cls):
        cls.server = cls.binary_class(**cls.options)
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def tearDownClass(cls):
        if not cls.server.is_running():
            raise AssertionError(f"the server ended:\n{cls.server.log()[-4000:]}")

    def setUp(self):
        self.client = self.connect(self.server)
        self.assertEqual(self.client.call("FLUSHALL"), OK)

    def new_client(self, **keywords):
        return self.connect(self.server, **keywords)
