# SPDX-License-Identifier: BSD-3-Clause
"""Order and ends: what waits behind a background reply, what a half close still gets answered, what
happens to jobs when the server ends."""

import signal
import time
import unittest

from support import (
    Case,
    OK,
    PONG,
    SharedServerCase,
    better_than_redis,
    encode,
    error,
)

KIB = 1024
MANY_KEYS = 20_000  # above what KEYS walks in the loop


def populate(client, count=MANY_KEYS, prefix="key", size=None):
    words = [count, prefix] + ([size] if size else [])
    assert client.call("DEBUG", "POPULATE", *words) == OK


class Waiting(SharedServerCase):
    """Requests that were pipelined behind KEYS or SAVE run after it, in order."""

    options = {"enable_debug_command": "yes"}

    def test_requests_behind_keys_run_after_it_and_in_order(self):
        populate(self.client)
        request = b"".join(
            encode("KEYS", "key:1999?") + encode("SET", "n", n) + encode("GET", "n")
            for n in range(50)
        )
        self.client.send_raw(request)
        for number in range(50):
            self.assertEqual(len(self.client.read()), 10)
            self.assertEqual(self.client.read(), OK)
            self.assertEqual(self.client.read(), b"%d" % number)

    def test_inline_requests_with_quotes_behind_keys_keep_their_words(self):
        populate(self.client)
        self.client.send_raw(
            b'KEYS nothing\r\nSET "a b" "c\\x41 d"\r\nECHO "1 \\"2\\" 3"\r\nGET "a b"\r\n' * 3
        )
        for _ in range(3):
            self.assertEqual(self.client.read(), [])
            self.assertEqual(self.client.read(), OK)
            self.assertEqual(self.client.read(), b'1 "2" 3')
            self.assertEqual(self.client.read(), b"cA d")

    def test_many_inline_requests_with_quotes_keep_their_words(self):
        words = [b"word %d" % n for n in range(1500)]
        line = b"MGET " + b" ".join(b'"%s"' % word for word in words) + b"\r\n"
        for word in words:
            self.client.send("SET", word, word)
        for _ in words:
            self.assertEqual(self.client.read(), OK)
        self.client.send_raw(line * 12)
        for _ in range(12):
            self.assertEqual(self.client.read(), words)

    def test_a_huge_argument_behind_keys(self):
        populate(self.client)
        value = bytes(range(256)) * 1200
        self.client.send_raw(encode("KEYS", "nothing") + encode("SET", "v", value))
        self.client.send_raw(encode("KEYS", "nothing") + encode("GET", "v") + encode("PING"))
        self.assertEqual(
            [self.client.read() for _ in range(5)], [[], OK, [], value, PONG]
        )

    def test_a_protocol_error_behind_keys_is_answered_after_it_and_once(self):
        populate(self.client)
        self.client.send_raw(encode("KEYS", "nothing") + b"*1\r\n!oops\r\n" + encode("PING"))
        self.assertEqual(self.client.read(), [])
        self.assertEqual(self.client.read(), error("ERR Protocol error: expected '$', got '!'"))
        self.assertEqual(self.client.socket.recv(1), b"")

    def test_the_peer_of_a_waiting_reply_may_be_gone(self):
        populate(self.client, 200_000)
        for end in ("close", "reset") * 10:
            other = self.new_client()
            other.send("KEYS", "*")
            other.send("SAVE")
            getattr(other, end)()
        self.assertEqual(self.client.call("PING"), PONG)
        self.eventually(
            lambda: int(self.client.info("clients")["connected_clients"]) == 1,
            message="a connection that is gone is still counted",
        )
        self.eventually(lambda: self.client.info("persistence")["snapshots_live"] == "0")

    @better_than_redis("Redis stands still meanwhile")
    def test_a_waiting_client_is_not_read_from(self):
        populate(self.client, 300_000)
        before = self.server.resident()
        other = self.new_client()
        flood = encode("KEYS", "nothing") * 200 + encode("PING") * 2_000_000
        other.socket.settimeout(1)
        try:
            other.send_raw(flood)
        except TimeoutError:
            pass
        self.assertLess(self.server.resident() - before, 48 << 20)
        self.assertEqual(self.client.call("PING"), PONG)

    @better_than_redis("Redis answers nobody else during KEYS")
    def test_many_keys_at_once_take_a_bounded_number_of_snapshots(self):
        populate(self.client, 300_000)
        others = [self.new_client() for _ in range(60)]
        for other in others:
            other.send("KEYS", "key:29999*")
        most = 0
        for _ in range(20):
            most = max(most, int(self.client.info("persistence")["snapshots_live"]))
        for other in others:
            self.assertEqual(len(other.read()), 11)
        self.assertLessEqual(most, 4)


class HalfClose(SharedServerCase):
    """F20: everything that was sent completely is answered before the connection closes."""

    options = {"enable_debug_command": "yes"}

    def replies_after_half_close(self, request, pause=0.0):
        client = self.new_client()
        client.send_raw(request)
        client.half_close()
        time.sleep(pause)
        received = bytearray()
        while data := client.socket.recv(1 << 16):
            received += data
        return bytes(received)

    @better_than_redis("Redis drops replies that were not written when it sees the end")
    def test_F20_behind_a_waiting_keys(self):
        populate(self.client)
        got = self.replies_after_half_close(
            encode("KEYS", "nothing") + encode("SET", "a", 1) + encode("KEYS", "nothing")
            + encode("SAVE") + encode("GET", "a")
        )
        self.assertEqual(got, b"*0\r\n+OK\r\n*0\r\n+OK\r\n$1\r\n1\r\n")

    @better_than_redis("Redis drops replies that were not written when it sees the end")
    def test_F20_with_congestion(self):
        self.client.call("SET", "v", b"x" * 100 * KIB)
        request = encode("GET", "v") * 500 + encode("PING")
        got = self.replies_after_half_close(request, pause=0.3)
        self.assertEqual(len(got), 500 * (100 * KIB + 11) + 7)
        self.assertTrue(got.endswith(b"+PONG\r\n"))

    @better_than_redis("Redis drops replies that were not written when it sees the end")
    def test_F20_with_congestion_and_a_waiting_keys(self):
        populate(self.client)
        self.client.call("SET", "v", b"x" * 100 * KIB)
        request = (encode("GET", "v") * 100 + encode("KEYS", "nothing")) * 4 + encode("PING")
        got = self.replies_after_half_close(request, pause=0.3)
        self.assertEqual(len(got), 400 * (100 * KIB + 11) + 4 * 4 + 7)
        self.assertTrue(got.endswith(b"*0\r\n+PONG\r\n"))

    @better_than_redis("Redis drops replies that were not written when it sees the end")
    def test_F20_with_half_of_a_huge_argument(self):
        whole = encode("SET", "v", b"y" * 300 * KIB)
        for part in (10, 40 * KIB, 200 * KIB, len(whole) - 3, len(whole) - 1):
            got = self.replies_after_half_close(encode("PING") + whole[:part])
            self.assertEqual(got, b"+PONG\r\n")
        self.assertEqual(self.client.call("EXISTS", "v"), 0)
        self.assertEqual(self.replies_after_half_close(whole), b"+OK\r\n")


class Authentication(SharedServerCase):
    """What was sent together with AUTH is judged after AUTH."""

    options = {"requirepass": "secret"}

    def setUp(self):
        self.client = self.connect(self.server)

    def test_large_requests_in_one_write_with_auth(self):
        for login in (("AUTH", "secret"), ("HELLO", "2", "AUTH", "default", "secret")):
            for rest, reply in (
                (encode("SET", "k", b"x" * 20_000), OK),
                (encode("SET", "k", b"x" * 100_000), OK),
                (encode("DEL", *range(40)), 0),
            ):
                client = self.new_client()
                client.send_raw(encode(*login) + rest)
                client.read()
                self.assertEqual(client.read(), reply)

    def test_before_auth_the_limits_hold(self):
        client = self.new_client()
        client.send_raw(encode("AUTH", "wrong") + encode("SET", "k", b"x" * 20_000))
        client.read()
        self.assertEqual(client.read(), error("ERR Protocol error: unauthenticated bulk length"))


class Fairness(SharedServerCase):
    """One client's pipeline does not hold the loop."""

    options = {"enable_debug_command": "yes"}

    @better_than_redis("Redis executes a whole read before anybody else")
    def test_a_pipeline_of_slow_requests_shares_the_loop(self):
        populate(self.client, 1900)
        self.client.call("CONFIG", "RESETSTAT")
        other = self.new_client()
        other.send_raw(encode("KEYS", "nothing?") * 8000)
        for _ in range(50):
            self.client.call("PING")
        # Nobody waited for the whole pipeline: most of it is still to be done.
        figures = self.client.info("commandstats")["cmdstat_keys"]
        calls = int(figures.partition("calls=")[2].partition(",")[0])
        self.assertLess(calls, 8000)
        for _ in range(8000):
            self.assertEqual(other.read(), [])

    def test_a_long_pipeline_of_large_replies_is_not_a_full_query_buffer(self):
        self.client.call("CONFIG", "SET", "client-query-buffer-limit", "1mb")
        self.client.call("SET", "v", b"x" * 100 * KIB)
        other = self.new_client()
        request = encode("GET", "v") * 2000
        other.socket.settimeout(0.2)
        other.send_raw(encode("PING"))
        other.read()
        sent = received = 0
        total = 2000 * (100 * KIB + 11)
        while received < total:
            if sent < len(request):
                sent += other.socket.send(request[sent : sent + 60_000])
            received += len(other.socket.recv(1 << 20))
        self.assertEqual(received, total)


class Ends(Case):
    """SHUTDOWN and SIGTERM while something runs in the background."""

    def filled(self, **options):
        server = self.start(enable_debug_command="yes", **options)
        client = self.connect(server)
        populate(client, 500_000)
        return server, client

    def test_shutdown_nosave_while_keys_runs(self):
        server, client = self.filled()
        for _ in range(6):
            self.connect(server).send("KEYS", "*1*2*3*4*5*x")
        client.send("SHUTDOWN", "NOSAVE")
        self.assertEqual(server.wait_for_exit(5), 0)

    def test_sigterm_while_keys_and_save_run(self):
        server, client = self.filled(save="3600 1")
        for _ in range(6):
            self.connect(server).send("KEYS", "*1*2*3*4*5*x")
        self.connect(server).send("SAVE")
        time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait_for_exit(20), 0)
        again = self.start(directory=server.directory)
        self.assertEqual(self.connect(again).call("DBSIZE"), 500_000)

    def test_shutdown_nosave_during_save_leaves_at_once(self):
        server, client = self.filled()
        self.connect(server).send("SAVE")
        time.sleep(0.01)
        client.send("SHUTDOWN", "NOSAVE")
        self.assertEqual(server.wait_for_exit(5), 0)

    def test_each_client_whose_shutdown_fails_hears_of_it(self):
        server, client = self.filled()
        server.directory.rename(server.directory.with_name("gone"))
        others = [self.connect(server) for _ in range(3)]
        for other in others:
            other.send("SHUTDOWN", "SAVE")
        for other in others:
            self.assert_error(other.read(), "ERR Errors trying to SHUTDOWN")
        self.assert_error(client.call("SAVE"), "ERR")
        self.assertEqual(client.info("persistence")["rdb_last_bgsave_status"], "ok")
        server.directory.with_name("gone").rename(server.directory)
        self.assertEqual(client.call("SAVE"), OK)
        self.assertEqual(client.info("persistence")["rdb_last_bgsave_status"], "ok")

    @better_than_redis("Redis reloads with everybody waiting, and so loses nothing either")
    def test_reload_loses_nothing_that_others_write_meanwhile(self):
        server, client = self.filled()
        other = self.connect(server)
        client.send("DEBUG", "RELOAD")
        for number in range(200):
            self.assertEqual(other.call("SET", f"written:{number}", number), OK)
        self.assertEqual(client.read(), OK)
        for number in range(200):
            self.assertEqual(other.call("GET", f"written:{number}"), b"%d" % number)


if __name__ == "__main__":
    unittest.main()
