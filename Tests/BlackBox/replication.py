# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of replication share: pairs, links that can be cut, load, comparisons."""

import socket
import threading
import time

from support import Case, Client, Disconnected, OK, free_port

# Short times, so that a test of a time limit takes a second or two.
FAST = {
    "repl_diskless_sync_delay": 0,
    "repl_ping_replica_period": 1,
    "repl_timeout": 5,
    "enable_debug_command": "yes",
}


class Relay:
    """A TCP relay in front of a port: it can cut its connections, stop accepting, and be slow.

    `limit` is how many bytes towards the client pass before the connection is cut; `counts` are
    those of each connection so far.
    """

    def __init__(self, target, limit=None):
        self.target, self.limit = target, limit
        self.counts = []
        self.received = []
        self.is_open = True
        self.is_ending = False
        self.pairs = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.is_ending:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            number = len(self.counts)
            self.counts.append(0)
            self.received.append(bytearray())
            self.pairs.append((client, server))
            for pair in ((client, server, None), (server, client, number)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, sink, number):
        try:
            while data := source.recv(1 << 16):
                if number is not None:
                    if self.limit is not None:
                        data = data[: max(0, self.limit - self.counts[number])]
                    self.counts[number] += len(data)
                if number is None and len(self.received[-1]) < 1 << 16:
                    self.received[-1] += data
                if data:
                    sink.sendall(data)
                if number is not None and self.limit is not None:
                    if self.counts[number] >= self.limit:
                        break
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Breaks all connections; new ones are accepted if the relay is open."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.is_ending = True
        self.listener.close()
        self.cut()


def as_is(value):
    return value


# How a type is read: the command, its arguments, and what makes replies comparable.
READS = {
    b"string": ("GET", (), as_is),
    b"list": ("LRANGE", (0, -1), as_is),
    b"set": ("SMEMBERS", (), sorted),
    b"zset": ("ZRANGE", (0, -1, "WITHSCORES"), as_is),
    b"hash": ("HGETALL", (), lambda pairs: sorted(zip(*[iter(pairs)] * 2))),
    b"stream": ("XRANGE", ("-", "+"), as_is),
}


class Load(threading.Thread):
    """Writes of many kinds to a server until `finish()`; survives the server's death."""

    def __init__(self, port, prefix="load"):
        super().__init__(daemon=True)
        self.port, self.prefix = port, prefix
        self.is_ending = False
        self.count = 0
        self.start()

    def run(self):
        try:
            client = Client(self.port)
            while not self.is_ending:
                number = self.count
                key = f"{self.prefix}:{number % 500}"
                client.send("SET", key, number)
                client.send("INCR", f"{self.prefix}:counter")
                client.send("RPUSH", f"{self.prefix}:list", number)
                client.send("SADD", f"{self.prefix}:set", number % 97)
                client.send("SPOP", f"{self.prefix}:set")
                client.send("HSET", f"{self.prefix}:hash", number % 50, number)
                client.send("ZADD", f"{self.prefix}:zset", number % 13, number % 71)
                client.send("SET", f"{key}:dying", number, "PX", 20 + number % 300)
                client.send("XADD", f"{self.prefix}:stream", "MAXLEN", 100, "*", "n", number)
                client.send("MULTI")
                client.send("INCRBYFLOAT", f"{self.prefix}:float", "0.5")
                client.send("EXPIRE", key, 100)
                client.send("EXEC")
                if number % 10 == 0:
                    client.send("SELECT", number // 10 % 3)
                    client.read()
                for _ in range(13):
                    client.read()
                self.count += 1
        except (OSError, Disconnected):
            pass

    def finish(self):
        self.is_ending = True
        self.join(20)


class ReplicationCase(Case):
    """Helpers for servers that follow one another."""

    def info(self, server, section="replication"):
        client = server.client()
        try:
            text = client.call("INFO", section).decode()
        finally:
            client.close()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def call(self, server, *arguments):
        client = server.client()
        try:
            return client.call(*arguments)
        finally:
            client.close()

    def follow(self, replica, master):
        """REPLICAOF, and waits for the link; `master` is a server, a relay or a port."""
        port = master if isinstance(master, int) else master.port
        self.assertEqual(self.call(replica, "REPLICAOF", "127.0.0.1", port), OK)
        self.await_link(replica)

    def await_link(self, replica, seconds=20):
        self.eventually(
            lambda: self.info(replica).get("master_link_status") == "up",
            seconds,
            f"the link did not come up:\n{replica.log()[-3000:]}",
        )

    def relay(self, server, **options):
        relay = Relay(server.port, **options)
        self.addCleanup(relay.close)
        return relay

    def load(self, server, **options):
        load = Load(server.port, **options)
        self.addCleanup(load.finish)
        return load

    def contents(self, server, databases=3):
        """Everything that the server has, read with commands: comparable between any two."""
        found = {}
        client = server.client()
        try:
            for database in range(databases):
                client.call("SELECT", database)
                keys = client.call("KEYS", "*")
                kinds = client.pipeline([("TYPE", key) for key in keys])
                reads = [(key, READS[kind.text]) for key, kind in zip(keys, kinds)
                         if kind.text in READS]
                values = client.pipeline([(read[0], key, *read[1]) for key, read in reads])
                deadlines = client.pipeline([("PEXPIRETIME", key) for key, _ in reads])
                for (key, read), value, deadline in zip(reads, values, deadlines):
                    # A key that has gone meanwhile, or died and came again as another type.
                    if deadline != -2 and not isinstance(value, Exception):
                        found[database, key] = (read[2](value), deadline)
        finally:
            client.close()
        return found

    def assert_equal_data(self, master, *replicas, seconds=20):
        """Equal offsets, then equal data, once nobody writes any more."""
        deadline = time.monotonic() + seconds
        while True:
            offset = self.info(master)["master_repl_offset"]
            offsets = [self.info(server).get("slave_repl_offset") for server in replicas]
            if set(offsets) == {offset}:
                contents = [self.contents(server) for server in (master, *replicas)]
                if all(other == contents[0] for other in contents):
                    return contents[0]
            if time.monotonic() > deadline:
                self.assertEqual(set(offsets), {offset}, "offsets differ")
                for other in contents[1:]:
                    self.assertEqual(other, contents[0])
            time.sleep(0.05)

    def statistics(self, server):
        return self.info(server, "stats")

    def dead_port(self):
        return free_port()
