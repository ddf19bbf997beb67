# SPDX-License-Identifier: BSD-3-Clause
"""Protocol abuse: what arrives in pieces, is malformed or too long (faults F01 to F22)."""

import random
import select
import time
import unittest

from support import OK, PONG, SharedServerCase, Status, better_than_redis, encode, error

KIB = 1024
MIB = 1024 * 1024


def script():
    """Commands whose replies do not depend on the time or on the order of keys."""
    far = 4102444800
    long = b"v" * 300
    return [
        encode("PING"),
        encode("PING", "hello"),
        b"PING\r\n",
        b"ping 'a b'\r\n",
        b"PING \"\\x41\\n\"\r\n",
        encode("ECHO", b"\x00\r\n\xff"),
        encode("SELECT", "3"),
        encode("SELECT", "0"),
        encode("SELECT", "99"),
        b"\r\n",
        b"*0\r\n",
        encode("set", "a", "1"),
        encode("GET", "a"),
        encode("SET", "a", long, "GET"),
        encode("SET", "b", "2", "NX"),
        encode("SET", "b", "3", "NX"),
        encode("SET", "b", "4", "XX", "GET"),
        encode("SET", "t", "x", "EXAT", far),
        encode("EXPIRETIME", "t"),
        encode("PEXPIRETIME", "t"),
        encode("PERSIST", "t"),
        encode("TTL", "t"),
        encode("PTTL", "missing"),
        encode("EXPIREAT", "t", far, "NX"),
        encode("PEXPIREAT", "t", far * 1000 + 1, "GT"),
        encode("MSET", "m1", "x", "m2", "", "m3", long),
        encode("MGET", "m1", "m2", "m3", "m4", "a"),
        encode("INCR", "n"),
        encode("INCRBY", "n", "41"),
        encode("DECR", "n"),
        encode("DECRBY", "n", "-5"),
        encode("INCR", "m1"),
        encode("APPEND", "n", "abc"),
        encode("STRLEN", "n"),
        encode("TYPE", "n"),
        encode("EXISTS", "a", "a", "nope"),
        encode("DEL", "a", "nope"),
        encode("UNLINK", "b"),
        encode("KEYS", "m1"),
        encode("DBSIZE"),
        encode("NOSUCH", "x"),
        encode("GET"),
        encode("SET", "a"),
        encode("SET", "a", "b", "EX", "0"),
        b"GET m1\r\n",
        b"SET q \"a\\tb\"\n",
        encode("GET", "q"),
        encode("", "x"),
        encode("COMMAND", "COUNT"),
        encode("FLUSHALL"),
    ]


class Fragments(SharedServerCase):
    """F01, F02: the wire cuts a request where it likes."""

    def replies(self, client, count):
        return [client.read() for _ in range(count)]

    def test_F01_every_command_in_pieces_of_one_byte_and_split_at_every_offset(self):
        requests = script()
        silent = 2  # the empty line and the empty array have no reply
        count = len(requests) - silent
        whole = b"".join(requests)
        self.client.send_raw(whole)
        expected = self.replies(self.client, count)

        # The answer to this client's PING proves that the server has read what came before it.
        witness = self.new_client()

        with self.subTest("one byte a segment"):
            client = self.new_client()
            for position in range(len(whole)):
                client.send_raw(whole[position : position + 1])
                if position % 7 == 0:
                    witness.call("PING")
            self.assertEqual(self.replies(client, count), expected)

        client = self.new_client()
        for offset in range(1, len(whole)):
            client.send_raw(whole[:offset])
            witness.call("PING")
            client.send_raw(whole[offset:])
            got = self.replies(client, count)
            if got != expected:
                self.assertEqual(
                    got, expected, f"split at {offset}: {whole[offset - 20 : offset + 20]!r}"
                )

    def test_F02_ten_thousand_commands_in_one_write_then_half_a_command(self):
        commands = [
            ("SET", f"key:{i}", i) if i % 2 == 0 else ("GET", f"key:{i - 1}") for i in range(10_000)
        ]
        self.client.send_raw(b"".join(encode(*c) for c in commands))
        for i in range(10_000):
            self.assertEqual(self.client.read(), OK if i % 2 == 0 else b"%d" % (i - 1), i)

        request = encode("GET", "key:42")
        for cut in (1, 5, 9, len(request) - 1):
            self.client.send_raw(request[:cut])
            self.assertTrue(self.client.is_quiet())
            self.client.send_raw(request[cut:])
            self.assertEqual(self.client.read(), b"42")
            self.assertTrue(self.client.is_quiet(0.02))


class Malformed(SharedServerCase):
    """F03 to F12, F14: what is not RESP gets one error and, if the stream is lost, the end."""

    def assert_refused(self, request, message, client=None):
        """Sends the bytes to a new connection: one protocol error, then the server closes."""
        client = client or self.new_client()
        client.send_raw(request)
        expected = f"-ERR Protocol error: {message}\r\n".encode()
        self.assertEqual(client.read_to_end(), expected, request[:60])
        self.assertEqual(self.client.call("PING"), PONG)

    def assert_memory_flat(self, action, allowed=8 * MIB):
        before = self.server.resident()
        action()
        growth = self.server.resident() - before
        self.assertLess(growth, allowed, f"resident memory grew by {growth} bytes")

    def test_F03_empty_requests_have_no_reply_and_leave_the_connection_usable(self):
        mixture = b"\r\n\r\n*0\r\n*-1\r\n"
        for request in (b"\r\n", b"*0\r\n", b"*-1\r\n", b"*-10\r\n", b"\n", mixture, b"   \r\n"):
            with self.subTest(request=request):
                client = self.new_client()
                client.send_raw(request)
                self.assertTrue(client.is_quiet(0.03))
                self.assertEqual(client.call("PING"), PONG)
                client.send_raw(request + encode("ECHO", "after"))
                self.assertEqual(client.read(), b"after")

    def test_F04_multibulk_count_too_large(self):
        for count in (3_000_000_000, 2**31, 2**63, 10**30):
            self.assert_refused(b"*%d\r\n" % count, "invalid multibulk length")

    def test_F05_multibulk_count_not_a_number(self):
        for count in (b"abc", b"1a", b" 1", b"1 ", b"+1", b"0x1", b"--1", b"1.0"):
            with self.subTest(count=count):
                self.assert_refused(b"*" + count + b"\r\n", "invalid multibulk length")

    def test_F06_bulk_without_its_dollar(self):
        self.assert_refused(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'")
        self.assertEqual(self.client.call("EXISTS", "x"), 0)

    def test_F07_bulk_length_invalid(self):
        def abuse():
            for length in (
                b"-10",
                b"-1",
                b"blabla",
                b"2000000000",
                b"%d" % 2**63,
                b"9" * 40,
                b"",
                b"1x",
            ):
                with self.subTest(length=length):
                    request = b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$" + length + b"\r\n"
                    self.assert_refused(request, "invalid bulk length")

        self.assert_memory_flat(abuse)

    def test_F07_a_long_value_that_never_comes_takes_no_memory(self):
        clients = [self.new_client() for _ in range(20)]

        def abuse():
            for client in clients:
                client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$536870912\r\nabc")
            self.assertEqual(self.client.call("PING"), PONG)
            time.sleep(0.05)

        self.assert_memory_flat(abuse, allowed=32 * MIB)

    def test_F08_a_count_of_two_billion_takes_no_memory(self):
        clients = [self.new_client() for _ in range(20)]

        def abuse():
            for client in clients:
                client.send_raw(b"*2147483647\r\n$4\r\nPING\r\n")
            for client in clients:
                self.assertTrue(client.is_quiet(0.005))
            self.assertEqual(self.client.call("PING"), PONG)

        self.assert_memory_flat(abuse)

    def test_F09_inline_request_too_long(self):
        self.assert_refused(b"A" * (65 * KIB), "too big inline request")
        self.assert_refused(b"SET x " + b"y" * (65 * KIB), "too big inline request")

    def test_F10_header_line_too_long(self):
        self.assert_refused(b"*" + b"1" * (65 * KIB), "too big mbulk count string")
        self.assert_refused(b"*1\r\n$" + b"1" * (65 * KIB), "too big bulk count string")

    def test_F11_unbalanced_quotes(self):
        for line in (
            b'set """x""" y',
            b"get 'a",
            b'get "a',
            b'get "a"b',
            b"get 'a'b",
            b'get "\\',
            b"'\\'",
        ):
            with self.subTest(line=line):
                self.assert_refused(line + b"\r\n", "unbalanced quotes in request")

    def test_F12_endless_garbage_ends_with_a_protocol_error(self):
        source = random.Random(12)
        printable = bytes(set(range(256)) - set(b"\r\n"))
        for start in (b"\x00", b"*\x00", b"$\x00"):
            with self.subTest(start=start):
                client = self.new_client()
                client.send_raw(start)
                deadline = time.monotonic() + 30
                try:
                    while not select.select([client.socket], [], [], 0)[0]:
                        self.assertLess(time.monotonic(), deadline)
                        client.send_raw(bytes(source.choices(printable, k=4096)))
                        self.client.call("PING")
                except (ConnectionResetError, BrokenPipeError):
                    pass
                self.assertIn(b"Protocol error", client.read_to_end())
                self.assertEqual(self.client.call("PING"), PONG)

    def test_F14_a_nested_array_is_refused_at_its_first_level(self):
        self.assert_refused(b"*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'")
        self.assert_refused(b"*1\r\n" * 1000, "expected '$', got '*'")
        self.assert_refused(b"*1\r\n%1\r\n$4\r\nPING\r\n", "expected '$', got '%'")

    def test_F14_a_resp3_type_as_a_request_is_an_inline_command_of_that_name(self):
        for word in (
            "%1",
            "~1",
            ">1",
            "_",
            "#t",
            ",1.5",
            "(1",
            "|1",
            "=3",
            "!3",
            "+OK",
            "-ERR",
            ":1",
            "$4",
        ):
            with self.subTest(word=word):
                self.client.send_raw(word.encode() + b"\r\n")
                expected = f"ERR unknown command '{word}', with args beginning with: "
                self.assertEqual(self.client.read(), error(expected))
        self.assertEqual(self.client.call("PING"), PONG)

    def test_a_request_after_a_protocol_error_is_not_run(self):
        self.assert_refused(b"*1\r\nfoo\r\n" + encode("SET", "late", "1"), "expected '$', got 'f'")
        self.assertEqual(self.client.call("EXISTS", "late"), 0)

    def test_requests_before_a_protocol_error_are_answered(self):
        client = self.new_client()
        client.send_raw(encode("SET", "early", "1") + encode("GET", "early") + b"*x\r\n")
        expected = b"+OK\r\n$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n"
        self.assertEqual(client.read_to_end(), expected)


class Bytes(SharedServerCase):
    """F15: keys and values are bytes."""

    SAMPLES = [
        b"",
        b"\x00",
        b"\r\n",
        b"\n",
        b"a\r\nb",
        b"\xff\xfe",
        b"\xc3\x28",
        "é漢🎈".encode(),
        b"$3\r\nfoo\r\n",
        b"*1\r\n",
        b" ",
        b"\x00" * 300,
        bytes(range(256)),
        bytes(range(256)) * 300,
    ]

    def test_F15_keys_and_values_are_returned_byte_for_byte(self):
        for key in self.SAMPLES:
            for value in self.SAMPLES:
                self.assertEqual(self.client.call("SET", key, value), OK)
                self.assertEqual(self.client.call("GET", key), value)
                self.assertEqual(self.client.call("STRLEN", key), len(value))
        self.assertEqual(sorted(self.client.call("KEYS", "*")), sorted(self.SAMPLES))
        self.assertEqual(
            self.client.call("MGET", *self.SAMPLES), [self.SAMPLES[-1]] * len(self.SAMPLES)
        )
        self.assertEqual(self.client.call("DEL", *self.SAMPLES), len(self.SAMPLES))

    def test_F15_an_inline_command_takes_every_byte_in_quotes(self):
        escaped = "".join(f"\\x{byte:02x}" for byte in range(256))
        self.client.send_raw(f'SET inline "{escaped}"\r\n'.encode())
        self.assertEqual(self.client.read(), OK)
        self.assertEqual(self.client.call("GET", "inline"), bytes(range(256)))
        self.client.send_raw(b"ECHO '\\n\\x41\\'\"'\r\n")
        self.assertEqual(self.client.read(), b"\\n\\x41'\"")
        self.client.send_raw(b'ECHO "\\n\\r\\t\\b\\a\\q\\xZZ"\r\n')
        self.assertEqual(self.client.read(), b"\n\r\t\b\aqxZZ")

    def test_F15_values_around_the_sizes_where_buffers_change(self):
        source = random.Random(15)
        sizes = [
            n + d for n in (16 * KIB, 32 * KIB, 64 * KIB, 256 * KIB, MIB) for d in (-2, -1, 0, 1, 2)
        ]
        for size in sizes + [5 * MIB + 3]:
            value = source.randbytes(size)
            self.assertEqual(self.client.call("SET", "large", value), OK, size)
            self.assertTrue(self.client.call("GET", "large") == value, size)
        several = [source.randbytes(200 * KIB) for _ in range(8)]
        for value in several:
            self.client.send("SET", "large", value)
            self.client.send("GET", "large")
        for value in several:
            self.assertEqual(self.client.read(), OK)
            self.assertTrue(self.client.read() == value)


class Endings(SharedServerCase):
    """F20, and what QUIT means: how a connection ends."""

    def test_F20_requests_before_a_half_close_are_answered(self):
        client = self.new_client()
        client.send_raw(b"SET a 1\r\nGET a\r\n")
        client.half_close()
        self.assertEqual(client.read_to_end(), b"+OK\r\n$1\r\n1\r\n")

    @better_than_redis("Redis drops the replies that do not fit the socket's buffer")
    def test_F20_many_replies_after_a_half_close_all_arrive(self):
        value = b"v" * 10_000
        self.assertEqual(self.client.call("SET", "a", value), OK)
        client = self.new_client()
        client.send_raw(encode("GET", "a") * 2000)
        client.half_close()
        time.sleep(0.2)  # long enough for the server to meet the end of the stream first
        frame = b"$10000\r\n" + value + b"\r\n"
        self.assertTrue(client.read_to_end() == frame * 2000)

    def test_half_a_request_before_a_half_close_is_not_run(self):
        client = self.new_client()
        client.send_raw(encode("SET", "whole", "1") + encode("SET", "part", "1")[:-3])
        client.half_close()
        self.assertEqual(client.read_to_end(), b"+OK\r\n")
        self.assertEqual(self.client.call("EXISTS", "whole", "part"), 1)

    def test_quit_answers_and_closes_and_runs_nothing_after_it(self):
        client = self.new_client()
        client.send_raw(encode("QUIT") + encode("SET", "late", "1"))
        self.assertEqual(client.read_to_end(), b"+OK\r\n")
        self.assertEqual(self.client.call("EXISTS", "late"), 0)


class ErrorTexts(SharedServerCase):
    """F16 to F18, F22: errors that repeat what the client sent."""

    def test_F16_unknown_command_with_line_breaks_and_long_arguments(self):
        reply = self.client.call("no\r\nsuch", "a\r\nb", "c" * 10_000, "d")
        start = "ERR unknown command 'no  such', with args beginning with: 'a  b' '" + "c" * 100
        self.assert_error(reply, start)
        self.assertLess(len(reply.text), 400)
        long = self.client.call("x" * 10_000)
        self.assertEqual(
            long, error(f"ERR unknown command '{'x' * 128}', with args beginning with: ")
        )

    def test_F17_unknown_subcommand(self):
        self.assertEqual(
            self.client.call("CONFIG", "NOSUCH"),
            error("ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP."),
        )

    def test_F18_wrong_number_of_arguments(self):
        for command, name in (
            (("GET",), "get"),
            (("get", "a", "b"), "get"),
            (("SET", "a"), "set"),
            (("MSET", "a"), "mset"),
            (("ECHO",), "echo"),
            (("CONFIG", "GET"), "config|get"),
            (("CONFIG",), "config"),
            (("MSET", "a", "1", "b"), "mset"),
            (("PING", "a", "b"), "ping"),
        ):
            with self.subTest(command=command):
                expected = error(f"ERR wrong number of arguments for '{name}' command")
                self.assertEqual(self.client.call(*command), expected)

    def test_F22_hello_with_a_bad_version_changes_nothing(self):
        self.assertEqual(
            self.client.call("HELLO", "4"), error("NOPROTO unsupported protocol version")
        )
        self.assertEqual(
            self.client.call("HELLO", "1"), error("NOPROTO unsupported protocol version")
        )
        self.assertEqual(
            self.client.call("HELLO", "abc"),
            error("ERR Protocol version is not an integer or out of range"),
        )
        self.assertEqual(
            self.client.call("HELLO", "3", "AUTH", "u", "wrong"),
            error("WRONGPASS invalid username-password pair or user is disabled."),
        )
        self.client.send("GET", "missing")
        self.assertEqual(self.client.read_line(), b"$-1")
        self.assertEqual(self.client.call("PING"), Status(b"PONG"))


if __name__ == "__main__":
    unittest.main()
